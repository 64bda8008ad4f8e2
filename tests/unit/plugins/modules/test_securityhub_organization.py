# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delegated administrator and how accounts that join are treated, end to end."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import administrator
from ansible_collections.secops.securityhub.tests.unit.stubbed import Stubbed
from botocore.stub import Stubber

ADMIN = "securityhub_organization_admin_account"
CONFIGURATION = "securityhub_organization_configuration"
MANAGEMENT = "999999999999"
SECURITY = "111111111111"


@pytest.fixture(autouse=True)
def organization(emulator, modules, monkeypatch):
    emulator.world({MANAGEMENT: {}}, management_account=MANAGEMENT)
    monkeypatch.setattr(administrator, "SECONDS_OF_CONFLICT", 0)


@pytest.fixture
def delegated(modules):
    modules.ok(ADMIN, account=MANAGEMENT, admin_account_id=SECURITY)


class TestAdminAccount:
    def test_designates(self, modules):
        result = modules.changes_once(ADMIN, "admin_account", account=MANAGEMENT, admin_account_id=SECURITY)
        assert result["admin_account"] == {"account_id": SECURITY, "status": "ENABLED"}
        listed = modules.ok(f"{ADMIN}_info", account=MANAGEMENT)["admin_accounts"]
        assert listed == [result["admin_account"]]
        assert modules.ok(f"{ADMIN}_info", account=MANAGEMENT, region="eu-west-1")["admin_accounts"] == []

    @pytest.mark.usefixtures("delegated")
    def test_takes_the_designation_back(self, modules):
        options = {"account": MANAGEMENT, "admin_account_id": SECURITY, "state": "absent"}
        assert modules.changes_once(ADMIN, "admin_account", **options)["admin_account"] == {}

    @pytest.mark.usefixtures("delegated")
    def test_does_not_replace_another_one(self, modules):
        message = modules.refused(ADMIN, account=MANAGEMENT, admin_account_id="222222222222")
        assert message.startswith(
            "Security Hub delegated administrator in us-east-1: 111111111111 is the delegated administrator"
        )

    @pytest.mark.usefixtures("delegated")
    def test_does_not_remove_another_one(self, modules):
        options = {"account": MANAGEMENT, "admin_account_id": "222222222222", "state": "absent"}
        assert modules.changes_nothing(ADMIN, "admin_account", **options)["admin_account"]["account_id"] == SECURITY

    def test_waits_for_another_change_of_the_organization(self, emulator, monkeypatch):
        monkeypatch.setattr(administrator, "SECONDS_OF_CONFLICT", 5)
        client = emulator.client("securityhub", account=MANAGEMENT)
        with Stubber(client) as aws:
            aws.add_client_error("enable_organization_admin_account", "ResourceConflictException", "in progress")
            aws.add_response("enable_organization_admin_account", {})
            shown = {"AccountId": SECURITY, "Status": "ENABLED"}
            aws.add_response("list_organization_admin_accounts", {"AdminAccounts": [shown]})
            assert administrator.enable(Stubbed(client), SECURITY) == shown

    def test_says_that_it_needs_the_management_account(self, modules):
        message = modules.refused(ADMIN, admin_account_id=SECURITY)
        assert message.endswith("Run this with the credentials of the management account of the organization.")
        assert "111111111111 is not the management account" in message

    @pytest.mark.parametrize("account", ["12345", "security"])
    def test_bad_input_is_refused_before_any_call(self, modules, account):
        mark = modules.mark()
        assert f"admin_account_id is {account!r}" in modules.refused(ADMIN, admin_account_id=account)
        assert modules.mark() == mark


@pytest.mark.usefixtures("delegated")
class TestConfiguration:
    def test_enables_accounts_that_join(self, modules):
        result = modules.changes_once(
            CONFIGURATION, "organization_configuration", auto_enable=True, auto_enable_standards="NONE"
        )
        assert result["organization_configuration"] == {
            "auto_enable": True,
            "auto_enable_standards": "NONE",
            "configuration_type": "LOCAL",
            "member_account_limit_reached": False,
            "status": "ENABLED",
        }
        info = modules.ok(f"{CONFIGURATION}_info")
        assert info["organization_configuration"] == result["organization_configuration"]

    def test_keeps_settings_that_are_not_given(self, modules):
        modules.ok(CONFIGURATION, auto_enable=True, auto_enable_standards="NONE")
        modules.changes_nothing(CONFIGURATION, "organization_configuration", auto_enable=True)
        result = modules.changes_once(CONFIGURATION, "organization_configuration", auto_enable_standards="DEFAULT")
        assert result["organization_configuration"]["auto_enable"] is True

    def test_waits_until_central_configuration_stands(self, modules):
        modules.ok("securityhub_finding_aggregator", region_linking_mode="ALL_REGIONS")
        modules.ok(CONFIGURATION, auto_enable=True)
        result = modules.changes_once(CONFIGURATION, "organization_configuration", configuration_type="CENTRAL")
        after = result["organization_configuration"]
        assert (after["configuration_type"], after["status"]) == ("CENTRAL", "ENABLED")
        assert (after["auto_enable"], after["auto_enable_standards"]) == (False, "NONE")

        message = modules.refused(CONFIGURATION, auto_enable=True)
        assert "AutoEnable is True, but central configuration sets it" in message

    def test_reports_central_configuration_that_failed(self, modules):
        result = modules.run(CONFIGURATION, configuration_type="CENTRAL")
        assert "CENTRAL configuration (status FAILED" in result["msg"]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({}, "one of the following is required"),
            ({"configuration_type": "CENTRAL", "auto_enable": True}, "AutoEnable is True"),
        ],
    )
    def test_bad_input_is_refused_before_any_call(self, modules, options, words):
        mark = modules.mark()
        assert words in modules.refused(CONFIGURATION, **options)
        assert modules.mark() == mark

    def test_says_that_it_needs_the_administrator(self, modules, emulator):
        emulator.world({"222222222222": {"hubs": ["us-east-1"]}})
        message = modules.refused(CONFIGURATION, account="222222222222", auto_enable=True)
        assert message.endswith("Run this with the credentials of the delegated administrator of Security Hub.")
