# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns against the documented policy: each finding exactly once, none lost, none against the policy.

routing_internals.rst has the command for ten thousand worlds.
"""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import SEVERITIES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import first
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import format_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import limited
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import of_ended
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import shows_texts
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import hazards
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Target
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import simulate
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import HealthCheck
from hypothesis import example
from hypothesis import given
from hypothesis import settings

FINDINGS = 20
TIME = "2026-11-23T09:12:31Z"
OFTEN = settings(max_examples=worlds.WORLDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@OFTEN
@given(worlds.SEEDS)
def test_every_finding_arrives_exactly_once_where_its_regions_policy_forwards_it(seed):
    draw = worlds.Draw(seed)
    world = draw.world()
    layout = world.lay_out()
    if layout.problems:
        return
    try:
        rules = world.rules(layout)
    except UserError:
        return
    for _number in range(FINDINGS):
        found = draw.finding_in(world)
        region = first(found, format_of(found).region)
        for channel in world.channels:
            buses = [
                bus
                for bus, at, pattern in rules
                if at == channel and bus in world.buses(region) and matches(pattern, event_of(found, "1" * 12, bus))
            ]
            assert len(buses) == world.is_expected(channel, found), (buses, found)


@OFTEN
@given(worlds.SEEDS)
def test_the_simulator_gives_each_finding_a_reason_and_no_difference(seed):
    draw = worlds.Draw(seed)
    world = draw.world()
    layout = world.lay_out()
    try:
        rules = [] if layout.problems else world.rules(layout)
    except UserError:
        return
    targets = [
        Target(
            assignment.region,
            "111111111111",
            assignment.region,
            tuple(Rule(f"rule-{number}", item[2], item[1]) for number, item in enumerate(rules) if item[0] == bus),
            tuple(Channel(topic, policy, scope) for (topic, policy), scope in zip(world.policies[bus], scopes)),
            assignment.reason,
        )
        for assignment in layout.assignments
        for bus, scopes in [(assignment.region, assignment.scopes)]
        if not layout.problems
    ]
    findings = [draw.finding_in(world) for _number in range(FINDINGS)]
    for _finding, outlook in simulate(findings, targets, {"111111111111": world.aggregation}):
        decision = outlook.decision
        assert re.match(r"sent by \w|not sent: \w", decision.sentence)
        assert decision.sent == decision.sentence.startswith("sent by ")
        assert not decision.differs


def check(draw, policy, scope, finding):
    patterns = worlds.patterns_of(policy, scope)
    assert [hazards(pattern) for pattern in patterns] == [[]] * len(patterns)
    for _number in range(FINDINGS):
        found = finding()
        event = event_of(found, "111111111111", scope.region)
        fitting = [pattern for pattern in patterns if matches(pattern, event)]
        assert len(fitting) == (why_not_forwarded(policy, scope, found) == ""), found


@OFTEN
@given(worlds.SEEDS)
@example(3261)  # an alternative that has all conditions of another one, and more
def test_patterns_forward_what_the_policy_selects(seed):
    draw = worlds.Draw(seed)
    check(draw, draw.policy(), draw.scope(), draw.finding)


@OFTEN
@given(worlds.SEEDS)
def test_ocsf_patterns_forward_what_the_policy_selects(seed):
    draw = worlds.Draw(seed)
    check(draw, draw.ocsf_policy(), Scope("eu-west-1", draw.random.choice(worlds.REGIONS)), draw.ocsf_finding)


@OFTEN
@given(worlds.SEEDS)
def test_custom_messages_show_the_texts_that_the_documentation_says(seed):
    draw = worlds.Draw(seed)
    policy, scope = draw.policy(), draw.scope()
    rules = [(pattern, kind) for kind in (True, False) for pattern in worlds.patterns_of(policy, scope, kind)]
    for _number in range(FINDINGS):
        copy = {"ProductFields": {"Resources:0/Id": draw.random.choice(("a", "a<b", "a](b"))}}
        found = {**draw.finding(), **draw.random.choice((copy, {}))}
        found["Title"] += draw.random.choice(("", "", "<", "]("))
        event = event_of(found, "111111111111", scope.region)
        kinds = [kind for pattern, kind in rules if matches(pattern, event)]
        assert kinds == [shows_texts(policy, scope, found)] * (why_not_forwarded(policy, scope, found) == ""), found


@OFTEN
@given(worlds.SEEDS)
def test_rules_for_some_severities_each_forward_together_what_the_policy_selects(seed):
    draw = worlds.Draw(seed)
    policy, scope = draw.policy(2), draw.scope()
    groups = (("CRITICAL", "LOW"), ("HIGH",), ("MEDIUM", "INFORMATIONAL"))
    patterns = [pattern for some in groups for pattern in worlds.patterns_of(*limited(policy, scope, some))]
    for _number in range(FINDINGS):
        found = draw.finding()
        event = event_of(found, "111111111111", scope.region)
        fitting = sum(matches(pattern, event) for pattern in patterns)
        assert fitting == (why_not_forwarded(policy, scope, found) == ""), found


@OFTEN
@given(worlds.SEEDS)
def test_patterns_of_findings_that_are_over_report_those_that_were_sent(seed):
    draw = worlds.Draw(seed)
    policy, scope = of_ended(draw.policy(2), draw.scope(), "slack")
    rules = [(pattern, kind) for kind in (True, False) for pattern in worlds.patterns_of(policy, scope, kind)]
    for _number in range(FINDINGS):
        sent = {"slack": f"{draw.random.choice(SEVERITIES)} at {draw.random.choice((TIME, 'x'))}", "other": "HIGH"}
        marks = (sent, sent, {"slack": "OVER"}, {"slack": "HIGH"}, {"other": f"HIGH at {TIME}"}, None)
        over = {"Workflow": {"Status": draw.random.choice(("RESOLVED", "SUPPRESSED", "NOTIFIED", "NEW"))}}
        record = {"RecordState": draw.random.choice(("ACTIVE", "ACTIVE", "ARCHIVED"))}
        found = {**draw.finding(), "UserDefinedFields": draw.random.choice(marks) or {}, **over, **record}
        event = event_of(found, "111111111111", scope.region)
        kinds = [kind for pattern, kind in rules if matches(pattern, event)]
        assert kinds == [shows_texts(policy, scope, found)] * (why_not_forwarded(policy, scope, found) == ""), found
        reopened = {**found, "RecordState": "ACTIVE", "Workflow": {"Status": "NEW"}}
        assert why_not_forwarded(policy, scope, reopened)


@OFTEN
@given(worlds.SEEDS)
def test_patterns_of_ocsf_findings_that_are_over_report_those_that_were_sent(seed):
    draw = worlds.Draw(seed)
    policy, scope = of_ended(draw.ocsf_policy(2), Scope("us-east-1", "us-east-1"), "slack")
    rules = [(pattern, kind) for kind in (True, False) for pattern in worlds.patterns_of(policy, scope, kind)]
    for _number in range(FINDINGS):
        sent = f"Sent as {draw.random.choice(('Critical', 'Fatal', 'High', 'Low'))} by slack"
        of_other = f"Sent as High by slack-2 at {TIME}"
        comments = (*[f"{sent} at {TIME}"] * 3, "No longer open, reported by slack", of_other, sent, f"{sent} at x")
        status = draw.random.choice(("Resolved", "Suppressed", "Archived", "In Progress", "New"))
        found = {**draw.ocsf_finding(), "comment": draw.random.choice(comments), "status": status}
        event = event_of(found, "111111111111", scope.region)
        kinds = [kind for pattern, kind in rules if matches(pattern, event)]
        assert kinds == [shows_texts(policy, scope, found)] * (why_not_forwarded(policy, scope, found) == ""), found
        reopened = {**found, "activity_name": "Update", "status": "New", "compliance": {"status": "Fail"}}
        assert why_not_forwarded(policy, scope, reopened)


ELSEWHERE = Scope("eu-west-1", "us-east-1")
GUARDDUTY = "arn:aws:securityhub:eu-west-1::product/aws/guardduty"


def senders(policy, scope=ELSEWHERE, **changed):
    """How many patterns match a finding, with the alternatives that event-ruler may drop left out."""
    event = worlds.event(worlds.finding(Region=scope.region, **changed))
    return sum(matches(pattern, event) for pattern in automatic_patterns(policy, scope))


def control(name):
    return {"Status": "FAILED", "SecurityControlId": name}


def test_case_1_a_suppression_of_one_of_two_accounts_loses_nothing_of_the_other():
    policy = worlds.policy(
        account_ids=["222222222222", "333333333333"],
        suppressions=[{"control_ids": ["S3.8"], "account_ids": ["333333333333"]}],
    )
    assert senders(policy, AwsAccountId="222222222222", Compliance=control("S3.8")) == 1
    assert senders(policy, AwsAccountId="333333333333", Compliance=control("S3.8")) == 0
    assert senders(policy, AwsAccountId="333333333333", Compliance=control("S3.1")) == 1


def test_case_1_suppressions_by_two_tags_each_lose_no_other_combination():
    policy = worlds.policy(
        suppressions=[{"resource_tags": {"env": "dev", "team": "a"}}, {"resource_tags": {"env": "prod", "team": "b"}}]
    )
    for env, team, expected in [("dev", "a", 0), ("dev", "b", 1), ("prod", "a", 1), ("prod", "b", 0), ("x", "a", 1)]:
        resource = {"Type": "AwsS3Bucket", "Id": "i", "Tags": {"env": env, "team": team}}
        assert senders(policy, Resources=[resource]) == expected
    assert senders(policy) == 1


@pytest.mark.parametrize("scope", [ELSEWHERE, Scope("us-east-1", "us-east-1")])
@pytest.mark.parametrize(
    "others",
    [[], [{"product_arns": ["product/aws/guardduty"], "title_prefixes": ["Tor"]}], [{"title_prefixes": ["S"]}]],
)
def test_case_2_whole_product_arn_beside_its_own_suffix(scope, others):
    policy = worlds.policy(suppressions=[{"product_arns": [GUARDDUTY]}, *others])
    region = {"Compliance": None, "Title": "Port scan"}
    assert senders(policy, scope, ProductArn=GUARDDUTY, **region) == 0
    assert senders(policy, scope, ProductArn=GUARDDUTY.replace("eu-west-1", "eu-west-2"), **region) == 1
    tor = senders(policy, scope, ProductArn=GUARDDUTY.replace("eu-west-1", "eu-west-2"), Title="Tor", Compliance=None)
    assert tor == (0 if any("Tor" in str(item) for item in others) else 1)


def test_case_3_many_wildcards_in_one_list_are_refused_with_the_reason():
    few = [{"resource_ids": [f"arn:*:x{number}/*"]} for number in range(6)]
    assert len(automatic_patterns(worlds.policy(suppressions=few), ELSEWHERE)) == 1
    many = [{"resource_ids": [f"arn:*:x{number}/*"]} for number in range(20)]
    with pytest.raises(UserError, match="resource_ids that apply together contain 40 asterisks"):
        automatic_patterns(worlds.policy(suppressions=many), ELSEWHERE)
    prefixes = [{"resource_ids": [f"arn:aws:x{number}*", f"arn:{number}"]} for number in range(20)]
    assert len(automatic_patterns(worlds.policy(suppressions=prefixes), ELSEWHERE)) == 1


@pytest.mark.parametrize("key", ["Ref", "Fn::Sub", "Fn::GetAtt", "Condition", "prefix", "a.b"])
def test_case_7_a_tag_key_is_no_function_of_cloudformation_and_no_operator(key):
    policy = worlds.policy(suppressions=[{"resource_tags": {key: "x"}, "resource_types": ["AwsS3Bucket"]}])
    (pattern,) = automatic_patterns(policy, ELSEWHERE)

    def names(node):
        for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from names(item)
        if isinstance(node, dict):
            yield from node

    assert not {"Ref", "Fn::Sub", "Fn::GetAtt", "Condition"} & set(names(pattern))
    bucket = {"Type": "AwsS3Bucket", "Id": "i"}
    assert senders(policy, Resources=[{**bucket, "Tags": {key: "x"}}]) == 0
    assert senders(policy, Resources=[{**bucket, "Tags": {key: "y"}}]) == 1
    assert senders(policy, Resources=[bucket]) == 1


def test_overlapping_wildcards_become_disjoint_by_required_fields():
    given = [
        {"resource_ids": ["*a*", "*b"], "title_prefixes": ["S3"]},
        {"resource_ids": ["c*d"], "title_prefixes": ["S3 is"]},
    ]
    policy = worlds.policy(finding_format="ocsf", suppressions=given)
    patterns = automatic_patterns(policy, Scope("us-east-1", "us-east-1"))
    assert [hazards(pattern) for pattern in patterns] == [[]]
    assert '"exists": true' in json.dumps(patterns)


@pytest.mark.parametrize("trusted", [None, True, False])
@pytest.mark.parametrize(
    "other",
    [{"control_ids": ["S3.8"]}, {"resource_types": ["AwsS3Bucket"]}, {"resource_tags": {"team": "a", "x": "y"}}],
)
def test_a_suppression_by_tag_beside_one_by_tag_and_another_field_compiles(other, trusted):
    other = {**other, "resource_tags": {"team": "a", **other.get("resource_tags", {})}}
    policy = worlds.policy(suppressions=[{"resource_tags": {"env": "dev"}}, other])
    assert automatic_patterns(policy, ELSEWHERE, trusted)
