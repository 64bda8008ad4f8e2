# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling Security Hub in a region, end to end."""

from __future__ import annotations

import pytest

MODULE = "securityhub_hub"
ARN = "arn:aws:securityhub:us-east-1:111111111111:hub/default"


class TestPresent:
    def test_enables_with_every_option(self, modules):
        result = modules.changes_once(
            MODULE,
            "hub",
            enable_default_standards=False,
            auto_enable_controls=False,
            control_finding_generator="STANDARD_CONTROL",
            tags={"Team": "sec"},
        )
        assert result["diff"]["before"] == {}
        assert result["hub"].pop("subscribed_at")
        assert result["hub"] == {
            "hub_arn": ARN,
            "auto_enable_controls": False,
            "control_finding_generator": "STANDARD_CONTROL",
            "tags": {"Team": "sec"},
        }

    def test_enables_with_the_defaults_of_aws(self, modules):
        result = modules.changes_once(MODULE, "hub")
        assert result["hub"]["auto_enable_controls"] is True
        assert result["hub"]["control_finding_generator"] == "SECURITY_CONTROL"

    @pytest.mark.parametrize(
        ("options", "writes"),
        [
            ({"auto_enable_controls": False}, ["UpdateSecurityHubConfiguration"]),
            ({"control_finding_generator": "STANDARD_CONTROL"}, ["UpdateSecurityHubConfiguration"]),
            ({"tags": {"a": "1"}}, ["TagResource"]),
        ],
    )
    def test_changes_one_setting_of_a_hub_that_is_there(self, modules, emulator, options, writes):
        emulator.world({"111111111111": {"hubs": ["us-east-1"]}})
        mark = modules.mark()
        result = modules.changes_once(MODULE, "hub", **options)
        assert result["hub"].items() >= options.items()
        assert emulator.writes(mark) == writes

    def test_has_nothing_to_do_with_a_hub_that_is_there(self, modules, emulator):
        emulator.world({"111111111111": {"hubs": ["us-east-1"]}})
        modules.changes_nothing(MODULE, "hub", enable_default_standards=False)

    def test_purges_tags_by_default(self, modules):
        modules.ok(MODULE, tags={"a": "1"})
        assert modules.changes_once(MODULE, "hub", tags={"b": "2"}, purge_tags=False)["hub"]["tags"] == {
            "a": "1",
            "b": "2",
        }
        assert modules.changes_once(MODULE, "hub", tags={"b": "2"})["hub"]["tags"] == {"b": "2"}


class TestAbsent:
    def test_disables(self, modules, emulator):
        emulator.world({"111111111111": {"hubs": ["us-east-1", "eu-west-1"]}})
        result = modules.changes_once(MODULE, "hub", state="absent")
        assert result["diff"]["before"]["hub_arn"] == ARN
        assert modules.ok(f"{MODULE}_info")["hubs"] == []
        assert len(modules.ok(f"{MODULE}_info", region="eu-west-1")["hubs"]) == 1

    def test_tolerates_that_it_is_off(self, modules):
        modules.changes_nothing(MODULE, "hub", state="absent")

    def test_explains_that_an_administrator_cannot(self, modules, emulator):
        emulator.world({"999999999999": {}}, management_account="999999999999")
        emulator.client("securityhub", account="999999999999").enable_organization_admin_account(
            AdminAccountId="111111111111"
        )
        result = modules.run(MODULE, state="absent")
        assert result["msg"].startswith(
            "Security Hub in us-east-1: Cannot disable Security Hub on the Security Hub administrator. Remove"
        )


def test_info_shows_the_hub(modules):
    modules.ok(MODULE, tags={"Team": "sec"})
    (hub,) = modules.ok(f"{MODULE}_info")["hubs"]
    assert hub["hub_arn"] == ARN
    assert hub["tags"] == {"Team": "sec"}
