# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.accounts import Account
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.accounts import Layer
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_DISABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_ENABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_UNKNOWN
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import AccountFacts
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import Hub
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.hosts import hosts_of
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.hosts import warnings

ROLE = "arn:aws:iam::222222222222:role/securityhub-slack"
KNOWN = frozenset({"eu-west-1", "us-east-1", "ap-southeast-1", "us-gov-west-1"})


def facts(account_id="111111111111", partition="aws", **hubs):
    regions = {name.replace("_", "-"): hub if isinstance(hub, Hub) else Hub(hub) for name, hub in hubs.items()}
    return AccountFacts(account_id, partition, regions)


def test_a_region_is_a_host_with_its_groups_and_variables():
    account = Account("prod", CredentialSource("p", ROLE, "x", "http://one"), layers=(Layer({"level": "HIGH"}),))
    (host,) = hosts_of(account, facts(eu_west_1=HUB_ENABLED))
    assert host.name == "prod.eu-west-1"
    assert host.groups == ("securityhub", "account_prod", "region_eu_west_1", "partition_aws", "hub_enabled")
    assert host.variables == {
        "level": "HIGH",
        "securityhub_slack_profile": "p",
        "securityhub_slack_role_arn": ROLE,
        "securityhub_slack_external_id": "x",
        "securityhub_slack_endpoint_url": "http://one",
        "securityhub_slack_region": "eu-west-1",
        "securityhub_account_id": "111111111111",
        "securityhub_partition": "aws",
        "securityhub_hub": "enabled",
        "securityhub_hub_reason": "",
    }


def test_custom_session_name_becomes_a_variable():
    account = Account("prod", CredentialSource(role_arn=ROLE, session_name="jane"))
    (host,) = hosts_of(account, facts(eu_west_1=HUB_ENABLED))
    assert host.variables["securityhub_slack_session_name"] == "jane"


def test_hosts_are_sorted_and_have_the_state_of_the_hub():
    found = facts(us_east_1=HUB_DISABLED, eu_west_1=HUB_ENABLED, ap_southeast_1=Hub(HUB_UNKNOWN, "denied: grant it."))
    hosts = hosts_of(Account("prod"), found)
    assert [host.name for host in hosts] == ["prod.ap-southeast-1", "prod.eu-west-1", "prod.us-east-1"]
    assert [host.groups[-1] for host in hosts] == ["hub_unknown", "hub_enabled", "hub_disabled"]
    assert [host.variables["securityhub_hub_reason"] for host in hosts] == ["denied: grant it.", "", ""]


def test_an_unnamed_account_has_its_regions_as_hosts_and_its_id_as_group():
    (host,) = hosts_of(Account(), facts(eu_west_1=HUB_ENABLED))
    assert host.name == "eu-west-1"
    assert host.groups[1] == "account_111111111111"
    assert "securityhub_slack_profile" not in host.variables


def test_group_names_have_only_valid_characters():
    (host,) = hosts_of(Account("acme.prod-1"), facts(partition="aws-us-gov", us_gov_west_1=HUB_ENABLED))
    assert host.name == "acme.prod-1.us-gov-west-1"
    assert host.groups == (
        "securityhub",
        "account_acme_prod_1",
        "region_us_gov_west_1",
        "partition_aws_us_gov",
        "hub_enabled",
    )


def test_facts_from_aws_override_variables_of_the_file():
    account = Account("prod", layers=(Layer({"securityhub_slack_region": "eu-west-2", "securityhub_account_id": "1"}),))
    (host,) = hosts_of(account, facts(eu_west_1=HUB_ENABLED))
    assert host.variables["securityhub_slack_region"] == "eu-west-1"
    assert host.variables["securityhub_account_id"] == "111111111111"


def test_an_account_that_could_not_be_read_is_one_host_with_the_reason():
    account = Account("prod", CredentialSource(role_arn=ROLE), layers=(Layer({"level": "HIGH"}),))
    (host,) = hosts_of(account, AccountFacts(error="denied: ask for it."))
    assert host.name == "prod"
    assert host.groups == ("securityhub", "account_prod", "hub_unknown")
    assert host.variables == {
        "level": "HIGH",
        "securityhub_slack_role_arn": ROLE,
        "__securityhub_slack_account_error": "denied: ask for it.",
        "securityhub_hub": "unknown",
        "securityhub_hub_reason": "denied: ask for it.",
    }


def test_an_unnamed_account_that_could_not_be_read_is_still_a_host():
    (host,) = hosts_of(Account(), AccountFacts(error="denied: ask for it."))
    assert host.name == "account"
    assert host.groups == ("securityhub", "hub_unknown")


def test_no_warning_without_a_problem():
    account = Account("prod", regions=("enabled", "eu-*"), layers=(Layer({}, {"ap-southeast-1": {}, "eu-*": {}}),))
    assert warnings([account], [facts(eu_west_1=HUB_DISABLED)], KNOWN) == []


def test_warns_about_an_account_that_could_not_be_read():
    (warning,) = warnings([Account("prod", CredentialSource("p"))], [AccountFacts(error="denied: ask for it.")], KNOWN)
    assert warning == (
        "account prod (profile p) could not be read, and has a single host, which fails: denied: ask for it."
    )
    (warning,) = warnings([Account()], [AccountFacts(error="denied: ask for it.")], KNOWN)
    assert warning.startswith("the account (the credentials of the environment) could not be read")


def test_warns_about_a_pattern_that_matches_no_region():
    account = Account("prod", regions=("eu-*", "eu-wset-1"))
    (warning,) = warnings([account], [facts(eu_west_1=HUB_ENABLED)], KNOWN)
    assert warning.startswith("regions of account prod has 'eu-wset-1', which matches no region")


def test_warns_once_about_variables_of_a_region_that_does_not_exist():
    layer = Layer({}, {"ap-sotheast-1": {}, "us-gov-*": {}, "xx-new-1": {}})
    accounts = [Account("prod", layers=(layer,)), Account("stage", layers=(layer,))]
    found = [facts("111111111111", xx_new_1=HUB_ENABLED), facts("222222222222", eu_west_1=HUB_ENABLED)]
    (warning,) = warnings(accounts, found, KNOWN)
    assert warning.startswith("region_variables has 'ap-sotheast-1', which matches no region")


def test_warns_about_two_names_for_the_same_regions_of_an_account():
    accounts = [Account("prod"), Account("main")]
    both = facts(eu_west_1=HUB_ENABLED, us_east_1=HUB_ENABLED)
    (warning,) = warnings(accounts, [both, both], KNOWN)
    assert warning.startswith("accounts prod and main are the same account 111111111111")
    assert warnings(accounts, [facts(eu_west_1=HUB_ENABLED), facts(us_east_1=HUB_ENABLED)], KNOWN) == []
