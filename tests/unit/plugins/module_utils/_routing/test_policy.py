# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import expired
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import for_channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import summary
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds


@pytest.mark.parametrize(
    ("changed", "severities"),
    [
        ({}, ("CRITICAL",)),
        ({"minimum_severity": "MEDIUM"}, ("CRITICAL", "HIGH", "MEDIUM")),
        ({"minimum_severity": "INFORMATIONAL"}, ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")),
        ({"severities": ["LOW", "CRITICAL", "LOW"]}, ("CRITICAL", "LOW")),
        ({"severities": ["LOW"], "minimum_severity": "HIGH"}, ("LOW",)),
        ({"severities": ["LOW"], "forward_automatically": False}, ()),
    ],
)
def test_severities(changed, severities):
    assert worlds.policy(**changed).severities == severities


def test_the_same_suppressions_in_another_order_are_the_same_policy():
    one = {"control_ids": ["S3.2", "S3.1", "S3.1"], "reason": "public website"}
    other = {"regions": "eu-west-1", "resource_tags": {"team": "x", "env": ["test", "dev"]}}
    turned = {"resource_tags": {"env": ["dev", "test"], "team": ["x"]}, "regions": ["eu-west-1"]}
    first = worlds.policy(suppressions=[one, other])
    assert first == worlds.policy(suppressions=[turned, {**one, "control_ids": ["S3.1", "S3.2"]}])
    assert hash(first) == hash(worlds.policy(suppressions=[one, other]))


@pytest.mark.parametrize(
    ("expires", "holds"),
    [
        ("2026-11-23", False),
        ("2026-11-24", True),
        ("2026-11-25", True),
        (datetime.date(2026, 11, 23), False),
        ("", True),
    ],
)
def test_a_suppression_holds_through_its_last_day(expires, holds):
    given = worlds.variables(suppressions=[{"control_ids": ["S3.1"], "expires": expires}])
    assert len(policy_of(given, worlds.TODAY).suppressions) == holds
    assert len(expired(given, worlds.TODAY)) == (not holds)


def test_suppression_is_described_by_reason_or_criteria():
    (with_reason,) = worlds.policy(suppressions=[{"control_ids": ["S3.1"], "reason": "public website"}]).suppressions
    (without,) = worlds.policy(
        suppressions=[{"control_ids": ["S3.1", "S3.2"], "resource_tags": {"env": "dev"}}]
    ).suppressions
    assert with_reason.description == "public website"
    assert without.description == "control_ids S3.1 or S3.2, tag env dev"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "CRITICAL"),
        ({"minimum_severity": "HIGH"}, "HIGH and above"),
        ({"severities": ["LOW", "HIGH"]}, "HIGH, LOW"),
        ({"account_ids": ["111111111111"]}, "CRITICAL of 111111111111"),
        ({"minimum_severity": "HIGH", "account_ids": ["111111111111", "222222222222"]}, "HIGH and above of 2 accounts"),
        ({"other_channels_account_ids": ["111111111111"]}, "CRITICAL of all other accounts"),
        ({"forward_automatically": False, "account_ids": ["111111111111"]}, "custom action only"),
        ({"fix_available": True, "minimum_epss": 0.1}, "CRITICAL; vulnerabilities with a fix, EPSS 0.1"),
        (
            {"account_ids": ["111111111111"], "exploit_available": True},
            "CRITICAL of 111111111111; vulnerabilities with an exploit",
        ),
    ],
)
def test_a_policy_summary(changed, words):
    assert summary(worlds.variables(**changed)) == words


@pytest.mark.parametrize(
    ("channel", "severities"),
    [
        ({}, ("LOW",)),
        ({"minimum_severity": "HIGH"}, ("CRITICAL", "HIGH")),
        ({"severities": ["MEDIUM"]}, ("MEDIUM",)),
        ({"severities": ["MEDIUM"], "minimum_severity": "HIGH"}, ("MEDIUM",)),
        ({"minimum_severity": None, "severities": None}, ("LOW",)),
    ],
)
def test_case_4_a_channels_own_severity_replaces_both_variables_of_the_host(channel, severities):
    host = worlds.variables(severities=["LOW"], minimum_severity="MEDIUM")
    assert policy_of(for_channel(host, channel), worlds.TODAY).severities == severities


@pytest.mark.parametrize("text", ["a**b", "**", "arn:aws:s3:::**", "a***"])
def test_case_3_two_asterisks_in_a_row_are_refused_before_a_pattern_is_compiled(text):
    (problem,) = problems(worlds.variables(suppressions=[{"resource_ids": ["arn:*", text]}]))
    assert f"{text!r} in resource_ids: use a resource ID, in which a single * stands for any text" in problem


def test_channel_inherits_keys_that_it_does_not_set():
    host = worlds.variables(account_ids=["111111111111"])
    merged = for_channel(host, {"suppressions": [{"control_ids": ["S3.1"]}], "account_ids": None})
    assert merged == {**host, "securityhub_slack_suppressions": [{"control_ids": ["S3.1"]}]}


def test_a_channel_switches_the_vulnerability_filters_of_the_host_off():
    host = worlds.variables(fix_available=True, exploit_available=True, minimum_epss=0.1)
    own = {"fix_available": False, "exploit_available": None, "minimum_epss": 0.0}
    found = policy_of(for_channel(host, own), worlds.TODAY)
    assert (found.fix_available, found.exploit_available, found.minimum_epss) == (False, True, 0.0)


def test_accounts_are_texts_in_one_order_each_once():
    given = worlds.policy(account_ids=["222222222222", 111111111111, "222222222222"])
    assert given.account_ids == ("111111111111", "222222222222")
    assert worlds.policy(account_ids=None).account_ids == ()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"account_ids": ["prod"]}, "securityhub_slack_account_ids contains 'prod': use 12 digits in quotes"),
        ({"account_ids": [12345678901]}, "account_ids contains '12345678901': use 12 digits"),
        ({"minimum_epss": 10}, "minimum_epss is 10: use a probability from 0 (no minimum) to 1"),
        ({"minimum_epss": -0.1}, "minimum_epss is -0.1: use a probability"),
        ({"minimum_epss": 0.125}, "minimum_epss is 0.125: use a probability from 0 (no minimum) to 1 with at most two"),
        ({"minimum_epss": float("nan")}, "minimum_epss is nan: use a probability"),
        (
            {"suppressions": [{"control_ids": ["S3.1"]}, {"control": "S3.1"}]},
            "suppression 2 has the key 'control': use",
        ),
        ({"suppressions": [{"reason": "too loud"}]}, "suppression 1 would suppress every finding: add one of"),
        (
            {"suppressions": [{"control_ids": ["s3.1"]}]},
            "contains 's3.1' in control_ids: use a control ID such as S3.1",
        ),
        (
            {"suppressions": [{"account_ids": [12345678901]}]},
            "'12345678901' in account_ids: use 12 digits",
        ),
        ({"suppressions": [{"regions": ["frankfurt"]}]}, "'frankfurt' in regions: use a region such as eu-west-1"),
        ({"suppressions": [{"product_arns": ["Inspector"]}]}, "'Inspector' in product_arns: use an ARN or its end"),
        ({"suppressions": [{"resource_ids": ["*"]}]}, "'*' in resource_ids: use a resource ID, in which a single *"),
        ({"suppressions": [{"resource_ids": ["a**b"]}]}, "'a**b' in resource_ids: use a resource ID"),
        ({"suppressions": [{"title_prefixes": [""]}]}, "'' in title_prefixes: use the beginning of a title"),
        ({"suppressions": [{"resource_tags": ["env"]}]}, "resource_tags that are not a mapping: map each tag key"),
        ({"suppressions": [{"resource_tags": {"env": []}}]}, "has no value for the tag 'env': set a value"),
        (
            {"finding_format": "ocsf", "suppressions": [{"resource_tags": {"env": "dev"}}]},
            "has resource_tags, which event patterns cannot express with securityhub_slack_finding_format ocsf",
        ),
        (
            {"suppressions": [{"control_ids": ["S3.1"], "expires": "2026-02-30"}]},
            "expires '2026-02-30': use the last day",
        ),
        (
            {"suppressions": [{"control_ids": ["S3.1"], "expires": "tomorrow"}]},
            "expires 'tomorrow': use the last day",
        ),
        (
            {"suppressions": [{"control_ids": ["S3.1"], "expires": "20261124"}]},
            "expires '20261124': use the last day",
        ),
    ],
)
def test_problems_name_the_remedy(changed, sentence):
    found = problems(worlds.variables(**changed))
    assert len(found) == 1
    assert sentence in found[0]


def test_sound_variables_have_no_problems():
    given = {
        "control_ids": ["APIGateway.5"],
        "account_ids": ["111111111111"],
        "regions": ["eu-west-1"],
        "product_arns": ["product/aws/inspector", "arn:aws:securityhub:eu-west-1::product/aws/macie"],
        "resource_ids": ["arn:aws:s3:::logs*"],
        "resource_types": ["AwsS3Bucket"],
        "resource_tags": {"env": ["dev"]},
        "title_prefixes": ["S3"],
        "reason": "known",
        "expires": "2027-01-31",
    }
    assert problems(worlds.variables(suppressions=[given])) == []
    assert problems(worlds.variables(account_ids=None)) == []
    assert problems(worlds.variables(account_ids=["111111111111"])) == []
    assert problems(worlds.variables(minimum_epss=0.29, fix_available=True)) == []
