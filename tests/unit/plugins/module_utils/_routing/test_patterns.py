# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import json
import random

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import controls
from ansible_collections.secops.securityhub.plugins.module_utils._routing import patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.notation import length
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import MAX_RULES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import action_pattern
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.pieces import MAX_LENGTH
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import hazards
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import validate
from ansible_collections.secops.securityhub.tests.unit.function_calls import counted
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

OWNER = Scope("us-east-1", "us-east-1")
OTHER = Scope("eu-west-1", "us-east-1")


def test_owner_region_has_one_plain_pattern():
    assert automatic_patterns(worlds.policy(minimum_severity="HIGH"), OWNER) == (
        {
            "source": ["aws.securityhub"],
            "detail-type": ["Security Hub Findings - Imported"],
            "detail": {
                "findings": {
                    "RecordState": ["ACTIVE"],
                    "Workflow": {"Status": ["NEW"]},
                    "Compliance": {"Status": ["FAILED", "WARNING", {"exists": False}]},
                    "Severity": {"Label": ["CRITICAL", "HIGH"]},
                }
            },
        },
    )


@pytest.mark.parametrize(
    ("changed", "accounts"),
    [
        ({"account_ids": ["222222222222", "111111111111"]}, ["111111111111", "222222222222"]),
        ({"other_channels_account_ids": ["222222222222"]}, [{"anything-but": ["222222222222"]}]),
        # An account of another channel belongs to that channel even if it is listed here too.
        (
            {"account_ids": ["111111111111", "222222222222"], "other_channels_account_ids": ["222222222222"]},
            ["111111111111"],
        ),
    ],
)
@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_the_accounts_of_a_channel_are_one_more_field(changed, accounts, finding_format):
    (without,) = automatic_patterns(worlds.policy(finding_format=finding_format), OTHER)
    (pattern,) = automatic_patterns(worlds.policy(finding_format=finding_format, **changed), OTHER)
    found = pattern["detail"]["findings"]
    if finding_format == "asff":
        assert found.pop("AwsAccountId") == accounts
    else:
        assert found.pop("cloud") == {"account": {"uid": accounts}}
    assert pattern == without
    assert validate(pattern) == []


def test_a_channel_all_of_whose_accounts_belong_to_another_one_has_no_pattern():
    policy = worlds.policy(account_ids=["111111111111"], other_channels_account_ids=["111111111111"])
    assert automatic_patterns(policy, OTHER) == ()


def test_a_long_list_of_accounts_is_split_over_rules_that_stay_apart():
    accounts = [f"{number:012}" for number in range(300)]
    patterns = automatic_patterns(worlds.policy(account_ids=accounts), OTHER)
    assert 1 < len(patterns) <= 8
    assert [validate(pattern) for pattern in patterns] == [[]] * len(patterns)
    for account in (*accounts, "999999999999"):
        fitting = [item for item in patterns if matches(item, worlds.event(worlds.finding(AwsAccountId=account)))]
        assert len(fitting) == (account in accounts)


def test_too_many_accounts_of_other_channels_are_refused_with_the_numbers():
    elsewhere = [f"{number:012}" for number in range(60)]
    assert len(automatic_patterns(worlds.policy(other_channels_account_ids=elsewhere), OTHER)) == 1
    elsewhere = [f"{number:012}" for number in range(200)]
    with pytest.raises(UserError, match=r"eu-west-1 needs an event pattern of \d,\d+ characters.*lists of account_ids"):
        automatic_patterns(worlds.policy(other_channels_account_ids=elsewhere), OTHER)


def test_other_regions_leave_out_the_repeating_controls_only():
    (pattern,) = automatic_patterns(worlds.policy(), OTHER)
    control = pattern["detail"]["findings"]["Compliance"]["SecurityControlId"]
    assert control == [{"anything-but": list(controls.REPEATING)}, {"exists": False}]
    assert length(pattern) < 1100


def test_switches_leave_nothing_out():
    plain = worlds.policy(deduplicate_global=[])
    assert automatic_patterns(plain, OTHER) == automatic_patterns(plain, OWNER)


def test_automatic_forwarding_off_has_no_pattern():
    assert automatic_patterns(worlds.policy(forward_automatically=False), OWNER) == ()


def test_the_data_has_29_repeating_controls_without_iam_28():
    assert len(set(controls.REPEATING)) == 29
    assert "IAM.28" not in controls.REPEATING


def test_action_pattern_names_the_action():
    arn = "arn:aws:securityhub:us-east-1:111111111111:action/custom/SendToSlack"
    assert action_pattern(arn) == {
        "source": ["aws.securityhub"],
        "detail-type": ["Security Hub Findings - Custom Action"],
        "resources": [arn],
    }


PRODUCTS = [f"arn:aws:securityhub:eu-west-1::product/{name}" for name in ("aws/securityhub", "aws/macie", "a/macie")]
NAMES = st.sampled_from(["plain", "<!channel>", "[a](https://b)", "a < b", ""])


@given(product=st.sampled_from(PRODUCTS), title=NAMES, resource=st.none() | NAMES)
def test_a_finding_sent_with_the_action_is_of_one_kind(product, title, resource):
    finding = {"ProductArn": product, "Title": title, "ProductFields": {}}
    if resource is not None:
        finding["ProductFields"]["Resources:0/Id"] = resource
    event = {
        "source": "aws.securityhub",
        "detail-type": "Security Hub Findings - Custom Action",
        "resources": ["arn"],
        "detail": {"findings": [finding]},
    }
    kinds = {trusted: action_pattern("arn", trusted) for trusted in (True, False)}
    assert [hazards(pattern) for pattern in kinds.values()] == [[], []]
    plain = {"aws/securityhub": resource, "aws/macie": title}.get(product.partition("product/")[2])
    is_trusted = plain is not None and "<" not in plain and "](" not in plain
    assert {trusted: matches(pattern, event) for trusted, pattern in kinds.items()} == {
        True: is_trusted,
        False: not is_trusted,
    }


def test_home_region_forwards_each_linked_region_by_its_own_minimum_severity():
    scope = Scope(
        "us-east-1",
        "us-east-1",
        linked=(("ap-southeast-1", worlds.policy(minimum_severity="MEDIUM")), ("eu-west-1", worlds.policy())),
    )
    medium = {"Severity": {"Label": "MEDIUM"}}
    patterns = automatic_patterns(worlds.policy(), scope)

    def sent(**changed):
        return sum(matches(pattern, worlds.event(worlds.finding(**changed), "us-east-1")) for pattern in patterns)

    assert len(patterns) == 1
    assert sent(Region="ap-southeast-1", **medium) == 1
    assert sent(Region="eu-west-1", **medium) == 0
    assert sent(Region="us-east-1", **medium) == 0
    # A linked region that is not a target gets the home region's minimum severity; nothing is lost.
    assert sent(Region="sa-east-1") == 1


def test_linked_region_without_automatic_forwarding_sends_nothing_from_the_home_region():
    scope = Scope("us-east-1", "us-east-1", linked=(("eu-west-1", worlds.policy(forward_automatically=False)),))
    (pattern,) = automatic_patterns(worlds.policy(), scope)
    assert not matches(pattern, worlds.event(worlds.finding(Region="eu-west-1"), "us-east-1"))
    assert matches(pattern, worlds.event(worlds.finding(), "us-east-1"))


def test_17_regions_with_three_minimum_severities_take_two_home_patterns_at_most():
    names = [f"xx-test-{number}" for number in range(1, 17)]
    lowest = {name: "HIGH" if name < "xx-test-2" else "LOW" for name in names}
    linked = tuple((name, worlds.policy(minimum_severity=lowest[name])) for name in names)
    assert len(automatic_patterns(worlds.policy(), Scope("us-east-1", "us-east-1", linked))) <= 2


def test_long_suppressions_are_split_over_rules_that_stay_apart():
    given = [
        {
            "account_ids": [f"{number:012}"],
            "resource_ids": [f"arn:aws:s3:::bucket-{number}-{index}" for index in range(15)],
        }
        for number in range(6)
    ]
    patterns = automatic_patterns(worlds.policy(suppressions=given), OTHER)
    assert 1 < len(patterns) <= MAX_RULES
    assert all(length(pattern) <= MAX_LENGTH and not validate(pattern) for pattern in patterns)

    def sent(account, resource):
        found = worlds.finding(AwsAccountId=account, Resources=[{"Type": "AwsS3Bucket", "Id": resource}])
        return sum(matches(pattern, worlds.event(found)) for pattern in patterns)

    for number in range(6):
        assert sent(f"{number:012}", f"arn:aws:s3:::bucket-{number}-3") == 0
        assert sent(f"{number:012}", f"arn:aws:s3:::bucket-{number + 1}-3") == 1
    assert sent("999999999999", "arn:aws:s3:::bucket-0-0") == 1


# What a team has after a year.
USUAL = [
    {"control_ids": [f"EC2.{number}" for number in range(1, 20)]},
    {"control_ids": ["S3.1", "S3.8"], "resource_ids": ["arn:aws:s3:::site", "arn:aws:s3:::cdn"]},
    {"control_ids": ["RDS.2"], "account_ids": ["333333333333"]},
    {"control_ids": ["Lambda.1"], "account_ids": ["444444444444"]},
    {"product_arns": ["product/aws/inspector"], "account_ids": ["333333333333"]},
    {"title_prefixes": ["[SAMPLE]"]},
    {"control_ids": ["SSM.1"], "resource_tags": {"env": "dev"}},
    {"control_ids": ["KMS.3"], "regions": ["eu-west-1"]},
    {"product_arns": ["product/aws/guardduty"], "title_prefixes": ["Unprotected port"]},
    {"resource_types": ["AwsEcrRepository"]},
    {"control_ids": ["ECS.2"], "resource_ids": ["arn:aws:ecs:*:service/legacy/*"]},
    {"account_ids": ["555555555555"], "control_ids": ["S3.5", "S3.9"]},
]
SEVERE = worlds.policy(suppressions=USUAL)
MILD = worlds.policy(suppressions=USUAL, minimum_severity="LOW")


@pytest.mark.parametrize(
    ("scope", "most"),
    [(OWNER, 2), (OTHER, 3), (Scope("us-east-1", "us-east-1", (("eu-west-1", MILD), ("eu-west-2", SEVERE))), 8)],
)
def test_the_usual_suppressions_take_few_rules(scope, most):
    patterns = automatic_patterns(SEVERE, scope)
    assert len(patterns) <= most
    assert [validate(pattern) for pattern in patterns] == [[]] * len(patterns)


def test_conditions_that_share_no_field_stand_side_by_side():
    given = [
        {"control_ids": ["S3.1"], "resource_ids": ["arn:aws:s3:::site"]},
        {"control_ids": ["S3.2"], "resource_ids": ["arn:aws:s3:::cdn"]},
        {"account_ids": ["111111111111"], "title_prefixes": ["a"]},
        {"account_ids": ["222222222222"], "title_prefixes": ["b"]},
    ]
    (pattern,) = automatic_patterns(worlds.policy(suppressions=given), OTHER)
    levels = (pattern, pattern["detail"], pattern["detail"]["findings"])
    assert sorted(len(level["$or"]) for level in levels) == [3, 3, 3]
    assert length(pattern) < 1800


def test_suppressions_of_too_many_rules_are_refused_with_the_numbers():
    given = [
        {
            "account_ids": [f"{number:012}"],
            "resource_ids": [f"arn:aws:s3:::bucket-{number}-{index}" for index in range(40)],
        }
        for number in range(30)
    ]
    with pytest.raises(
        UserError, match=r"eu-west-1 needs more than 20 event rules of at most 2,048 characters for one channel"
    ):
        automatic_patterns(worlds.policy(suppressions=given), OTHER)


def test_suppressions_that_no_field_divides_are_refused_with_the_numbers():
    given = [{"resource_ids": [f"arn:aws:s3:::bucket-{index}" for index in range(200)]}]
    with pytest.raises(UserError, match=r"eu-west-1 needs an event pattern of \d,\d+ characters.*quota is 2,048"):
        automatic_patterns(worlds.policy(suppressions=given), OTHER)


def mixed_suppressions(number, fields=2, seed=2):
    """Suppressions by some fields each, any two of which have nothing in common."""
    criteria = [
        ("control_ids", "EC2.{}"),
        ("account_ids", "{:012}"),
        ("regions", "xx-test-{}"),
        ("product_arns", "product/aws/p{}"),
        ("resource_ids", "arn:*:x{}"),
        ("resource_types", "AwsT{}"),
        ("title_prefixes", "T{}"),
    ]
    draw = random.Random(seed)
    return [{key: [text.format(index)] for key, text in draw.sample(criteria, fields)} for index in range(number)]


# Of functions, by the compiler, with Python 3.11 on one core of the computer that is measured in performance.rst.
CALLS_A_SECOND = 2_500_000
# What took the longest of some hundred policies that are refused.
SLOWEST = {
    "forty": ({"suppressions": mixed_suppressions(40)}, OTHER),
    "ten of three fields": ({"suppressions": mixed_suppressions(10, 3)}, OTHER),
    "twenty in OCSF": ({"suppressions": mixed_suppressions(20, seed=1), "finding_format": "ocsf"}, OTHER),
    "home region": (
        {"suppressions": mixed_suppressions(20, seed=1)},
        Scope(
            "eu-west-1",
            "us-east-1",
            (
                ("ap-northeast-1", worlds.policy(minimum_severity="LOW", suppressions=mixed_suppressions(20, seed=10))),
                ("us-east-1", worlds.policy(suppressions=USUAL)),
            ),
            aggregates=True,
        ),
    ),
}


def compiled(policy, scope, kind=None):
    """Compile a policy that may be refused."""
    with contextlib.suppress(UserError):
        automatic_patterns(policy, scope, kind)


@pytest.mark.parametrize(("changed", "scope"), list(SLOWEST.values()), ids=list(SLOWEST))
def test_case_7_the_worst_policies_are_refused_within_a_second(changed, scope):
    with pytest.raises(UserError, match="eu-west-1 needs more than 20 event rules"):
        automatic_patterns(worlds.policy(**changed), scope)
    for kind in (None, True, False):  # custom messages need more rules, one kind of which may compile
        patterns._compiled.cache_clear()
        assert counted(lambda kind=kind: compiled(worlds.policy(**changed), scope, kind)) < CALLS_A_SECOND


def test_case_7_another_region_with_a_refused_policy_is_refused_immediately():
    refused = worlds.policy(suppressions=mixed_suppressions(39))
    for region, calls in (("eu-west-1", CALLS_A_SECOND), ("eu-west-2", CALLS_A_SECOND / 500)):
        scope = Scope(region, "us-east-1")
        assert counted(lambda scope=scope: compiled(refused, scope)) < calls
        with pytest.raises(UserError, match=f"{region} needs more than 20 event rules"):
            automatic_patterns(refused, scope)


def test_200_suppressions_of_one_kind_each_are_one_pattern():
    given = [{"resource_types": [f"AwsT{number}"]} for number in range(80)]
    given += [{"title_prefixes": [f"T{number}"]} for number in range(60)] + [
        {"regions": [f"xx-t-{n}"]} for n in range(60)
    ]
    policy = worlds.policy(suppressions=given, deduplicate_global=[])
    assert len(automatic_patterns(policy, OTHER)) == 1
    patterns._compiled.cache_clear()
    assert counted(lambda: automatic_patterns(policy, OTHER)) < CALLS_A_SECOND / 100


def test_ocsf_patterns_use_ocsf_fields():
    (pattern,) = automatic_patterns(worlds.policy(finding_format="ocsf", minimum_severity="HIGH"), OWNER)
    assert pattern["detail-type"] == ["Findings Imported V2"]
    assert pattern["detail"]["findings"] == {
        "activity_name": [{"anything-but": ["Close"]}, {"exists": False}],
        "compliance": {"status": ["Fail", "Warning", {"exists": False}]},
        "severity": ["Critical", "Fatal", "High"],
        "status": ["New"],
    }


def test_patterns_name_no_field_that_aws_has_renamed_or_dropped():
    for finding_format in ("asff", "ocsf"):
        text = json.dumps(automatic_patterns(worlds.policy(finding_format=finding_format), OTHER))
        assert "ProductName" not in text
        assert "ProductFields" not in text
        assert "GeneratorId" not in text


@settings(max_examples=20, deadline=None)
@given(worlds.policies(), worlds.scopes())
def test_patterns_are_the_same_every_time_and_changing_them_changes_no_others(policy, scope):
    first = worlds.patterns_of(policy, scope)
    text = json.dumps(first)
    for pattern in first:
        pattern["detail"].clear()
    assert json.dumps(automatic_patterns(policy, scope)) == text


@settings(max_examples=50, deadline=None)
@given(st.lists(worlds.findings(), min_size=1, max_size=10), st.sampled_from(worlds.REGIONS))
def test_a_global_finding_that_every_region_has_is_sent_once(findings, owner):
    everything = worlds.policy(minimum_severity="INFORMATIONAL")
    by_region = {region: automatic_patterns(everything, Scope(region, owner)) for region in worlds.REGIONS}
    for found in findings:
        found["Compliance"] = {"Status": "FAILED", "SecurityControlId": "IAM.1"}
        found.update(RecordState="ACTIVE", Workflow={"Status": "NEW"})
        senders = [
            region
            for region, patterns in by_region.items()
            for pattern in patterns
            if matches(pattern, worlds.event({**found, "Region": region}))
        ]
        assert senders == [owner]
