# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import botocore
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._inventory import discovery
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_DISABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_ENABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_UNKNOWN
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import THREADS
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import AccountFacts
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import Hub
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import Search
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import discover
from botocore.exceptions import EndpointConnectionError

ACCOUNT = "111111111111"
OTHER = "222222222222"
CLOSED_PORT = "http://127.0.0.1:9"  # discard: nothing listens there


def role(account):
    return f"arn:aws:iam::{account}:role/securityhub-slack"


def discover_one(aws, source, *wants):
    """Return the facts of one account."""
    (facts,) = discover(aws, [Search(source, *wants)])
    return facts


@pytest.fixture(autouse=True)
def environment(monkeypatch, emulator):
    """Calls go to an emulator with an empty world, as the account that the tests act for."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def clients():
    return Clients(connections=THREADS)


def test_finds_the_enabled_regions_and_the_state_of_each_hub(emulator, clients):
    regions = ["ap-east-2", "eu-west-1", "us-east-1", "us-west-2"]
    emulator.world({ACCOUNT: {"hubs": ["ap-east-2", "us-east-1"], "regions": regions}})
    found = discover_one(clients, CredentialSource())
    assert (found.account_id, found.partition, found.error) == (ACCOUNT, "aws", "")
    # The emulator, like AWS, has the 17 regions that cannot be disabled in addition to those of the account.
    assert len(found.regions) == 18
    assert found.regions["ap-east-2"] == Hub(HUB_ENABLED)
    assert found.regions["eu-west-1"] == Hub(HUB_DISABLED)
    assert "ap-east-1" not in found.regions
    assert found.regions_with_hub() == ["ap-east-2", "us-east-1"]


def test_asks_only_about_the_regions_that_are_wanted_once_each(emulator, clients):
    emulator.world({ACCOUNT: {"hubs": "all"}})
    emulator.forget_requests()
    found = discover_one(clients, CredentialSource(), lambda region: region.startswith("eu-"))
    assert sorted(found.regions) == ["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"]
    asked = [entry["region"] for entry in emulator.requests() if entry["operation"] == "DescribeHub"]
    assert sorted(asked) == sorted(found.regions)
    assert emulator.writes() == []


def test_assumes_each_role_once_for_each_account(emulator, clients):
    emulator.world({ACCOUNT: {"hubs": ["us-east-1"]}, OTHER: {"hubs": ["eu-west-1"]}})
    emulator.forget_requests()
    searches = [Search(CredentialSource(role_arn=role(account))) for account in (ACCOUNT, OTHER)]
    found = discover(clients, searches)
    assert [facts.account_id for facts in found] == [ACCOUNT, OTHER]
    assert [facts.regions_with_hub() for facts in found] == [["us-east-1"], ["eu-west-1"]]
    assert [entry["operation"] for entry in emulator.requests()].count("AssumeRole") == 2


def test_an_account_that_cannot_be_opened_stops_no_other(emulator, clients):
    emulator.world({ACCOUNT: {"hubs": "all"}, OTHER: {"roles": [{"arn": role(OTHER), "external_id": "right"}]}})
    sources = [
        CredentialSource(role_arn=role(OTHER), external_id="wrong"),
        CredentialSource(role_arn=role(OTHER), external_id="right"),
        CredentialSource(profile="none"),
        CredentialSource(),
    ]
    found = discover(clients, [Search(source) for source in sources])
    assert "may not assume the role" in found[0].error
    assert found[1].account_id == OTHER
    assert "The config profile (none) could not be found" in found[2].error
    assert len(found[3].regions_with_hub()) == 17
    assert found[0] == AccountFacts(error=found[0].error)


@pytest.mark.parametrize("fault", [{"errors": 1.0}, {"garbage": 1.0}, {"resets": 1.0}], ids=lambda fault: str(*fault))
def test_falls_back_to_ec2_for_the_enabled_regions(emulator, clients, fault):
    emulator.world({ACCOUNT: {"hubs": ["ap-east-1"], "regions": ["ap-east-1"]}})
    emulator.faults({"services": ["account"], **fault})
    found = discover_one(clients, CredentialSource())
    assert found.error == ""
    assert found.regions_with_hub() == ["ap-east-1"]
    assert "ap-east-2" not in found.regions


def test_account_without_readable_regions_is_reported(emulator, clients):
    emulator.faults({"services": ["account", "ec2"], "garbage": 1.0})
    found = discover_one(clients, CredentialSource())
    assert found == AccountFacts(
        error="the answer did not come from AWS. Check the proxy and the endpoint, and run the playbook again."
    )


def test_unreachable_region_is_unknown_with_the_reason(emulator, clients):
    emulator.world({ACCOUNT: {"hubs": "all"}})
    emulator.faults({"services": ["securityhub"], "regions": ["eu-west-1"], "garbage": 1.0})
    found = discover_one(clients, CredentialSource())
    assert found.regions["eu-west-1"].state == HUB_UNKNOWN
    assert found.regions["eu-west-1"].reason.startswith("the answer did not come from AWS. ")
    assert len(found.regions_with_hub()) == 16


def test_asks_regions_and_accounts_at_once(emulator, clients):
    searches = [Search(CredentialSource(role_arn=role(account))) for account in (ACCOUNT, OTHER)]
    emulator.faults({"latency_ms": 1000})
    discover(clients, searches)
    # One after the other it would be 1; a busy machine does not get all 34 under way before the first is answered.
    assert emulator.ask("GET", "faults")["peak_concurrency"] > 5


def test_holds_through_faults(emulator, clients):
    emulator.world({ACCOUNT: {"hubs": "all"}})
    emulator.faults({"errors": 0.2})
    found = discover_one(clients, CredentialSource(role_arn=role(ACCOUNT)))
    assert len(found.regions_with_hub()) == 17


@pytest.fixture
def older_botocore(tmp_path, monkeypatch):
    """A botocore from before ap-east-2 had Security Hub."""
    (data,) = Path(botocore.__path__[0]).glob("data/endpoints.json")
    endpoints = json.loads(data.read_text())
    for partition in endpoints["partitions"]:
        partition["services"].get("securityhub", {}).get("endpoints", {}).pop("ap-east-2", None)
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))


def test_finds_security_hub_in_a_region_that_botocore_does_not_know_yet(emulator, older_botocore):
    emulator.world({ACCOUNT: {"hubs": ["ap-east-2"], "regions": ["ap-east-2"]}})
    clients = Clients()
    assert "ap-east-2" not in clients.available_regions("securityhub")
    assert "ap-east-1" in clients.available_regions("securityhub")
    assert discover_one(clients, CredentialSource()).regions["ap-east-2"] == Hub(HUB_ENABLED)


def test_leaves_out_a_new_region_without_security_hub(emulator, older_botocore, monkeypatch):
    emulator.world({ACCOUNT: {"regions": ["ap-east-2"]}})
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECURITYHUB", CLOSED_PORT)
    found = discover_one(Clients(), CredentialSource(), lambda region: region == "ap-east-2")
    assert found == AccountFacts(ACCOUNT, "aws")


def test_botocore_knows_the_regions_of_all_partitions(clients):
    assert clients.available_regions("securityhub") > {"eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"}


def test_facts_survive_the_way_through_json():
    facts = AccountFacts(ACCOUNT, "aws", {"eu-west-1": Hub(HUB_UNKNOWN, "denied: grant it.")})
    assert AccountFacts.from_dict(json.loads(json.dumps(asdict(facts)))) == facts


def test_a_region_whose_host_does_not_exist_is_unknown_if_botocore_knows_it_and_has_no_security_hub_otherwise():
    class Clients:
        def call(self, *_arguments, **_options):
            raise EndpointConnectionError(endpoint_url="https://securityhub.eu-west-1.amazonaws.com")

    known, unknown = (discovery._hub(Clients(), CredentialSource(), "eu-west-1", known) for known in (True, False))
    assert known is not None
    assert known.state == HUB_UNKNOWN
    assert "https://securityhub.eu-west-1.amazonaws.com" in known.reason
    assert unknown is None
