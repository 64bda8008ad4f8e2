# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automation rules suppress what the documentation says, and event patterns and simulation leave it to them."""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing.automation import automation_rules
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import for_channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import is_suppressed_in_security_hub
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Target
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import prospects
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import simulate
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Aggregation
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import given
from hypothesis import strategies as st

HERE, THERE = "us-east-1", "eu-west-1"
NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
OWN = Scope(HERE, HERE)
HUB = {"suppress_in": "security_hub"}


def _finding_filters() -> ModuleType:
    """Return how the emulator evaluates criteria, which it was written from AWS's documentation for."""
    path = Path(__file__).parents[4] / "emulator" / "finding_filters.py"
    spec = importlib.util.spec_from_file_location("finding_filters", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILTERS = _finding_filters()


def rules_of(policy, scope=OWN):
    return automation_rules(policy, scope, "slack", "aws")


@given(st.integers(min_value=0))
def test_rules_suppress_the_findings_that_the_documentation_says(seed):
    draw = worlds.Draw(seed)
    suppressions = [{**draw.suppression(), **HUB} for _number in range(2)]
    # A product imports findings in the Region of its ARN.
    product = draw.random.choice(worlds.product_arns(HERE))
    found = {**draw.finding(HERE), "ProductArn": draw.random.choice((product, f"{product}x"))}
    try:
        policy = worlds.policy(suppressions=suppressions)
        rules = rules_of(policy)
    except UserError as error:
        assert "an automation rule cannot express" in str(error)
        return
    suppressed = any(FILTERS.matches(found, rule.members["Criteria"], NOW) for rule in rules)
    assert suppressed == is_suppressed_in_security_hub(policy, OWN, found)


def simulated(policy, scope, region=HERE):
    patterns = automatic_patterns(policy, scope)
    rules = tuple(Rule(f"slack-{number}", pattern, "slack") for number, pattern in enumerate(patterns))
    return Target(region, "111111111111", region, rules, (Channel("slack", policy, scope),))


def decisions(found, target, aggregation=None):
    return [outlook.decision for _finding, outlook in simulate(found, [target], {"111111111111": aggregation})]


def test_patterns_leave_to_security_hub_what_it_suppresses_and_the_simulation_says_so():
    policy = worlds.policy(suppressions=[{"control_ids": ["S3.1"], "reason": "a website", **HUB}])
    assert automatic_patterns(policy, OWN) == automatic_patterns(worlds.policy(), OWN)
    target = simulated(policy, OWN)
    one, other = worlds.finding(), worlds.finding(Compliance={"Status": "FAILED", "SecurityControlId": "S3.2"})
    first, second = decisions([one, other], target)
    assert (first.sent, first.sentence) == (False, "not sent: suppressed in Security Hub: a website")
    assert (second.sent, first.differs, second.differs) == (True, False, False)
    (prospect,) = prospects(one, [target], {})
    assert (prospect.sent, prospect.suppressed_by) == (False, ("a website",))


def test_of_several_resources_one_is_enough_in_security_hub():
    resources = [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::logs"}, {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::web"}]
    given_by = {"resource_ids": ["arn:aws:s3:::web"], "reason": "a website"}
    found = worlds.finding(Resources=resources)
    for place, sent in (("pattern", True), ("security_hub", False)):
        policy = worlds.policy(suppressions=[{**given_by, "suppress_in": place}])
        (decision,) = decisions([found], simulated(policy, OWN))
        assert (decision.sent, decision.differs) == (sent, False)


def test_in_a_home_region_patterns_suppress_linked_findings_too():
    policy = worlds.policy(suppressions=[{"control_ids": ["S3.1"], "reason": "a website", **HUB}])
    home = Scope(HERE, HERE, aggregates=True)
    in_pattern = worlds.policy(suppressions=[{"control_ids": ["S3.1"], "reason": "a website"}])
    assert automatic_patterns(policy, home) == automatic_patterns(in_pattern, home)
    linked = worlds.finding(Region=THERE, ProductArn=f"arn:aws:securityhub:{THERE}::product/aws/securityhub")
    sentences = [
        item.sentence
        for item in decisions([worlds.finding(), linked], simulated(policy, home), Aggregation(HERE, "ALL_REGIONS"))
    ]
    assert sentences == ["not sent: suppressed in Security Hub: a website", "not sent: suppressed: a website"]


def test_patterns_of_the_new_security_hub_leave_linked_findings_to_it():
    policy = worlds.policy(finding_format="ocsf", suppressions=[{"control_ids": ["S3.1"], **HUB}])
    home = Scope(HERE, HERE, aggregates=True)
    assert automatic_patterns(policy, home) == automatic_patterns(worlds.policy(finding_format="ocsf"), home)
    found = worlds.ocsf(worlds.finding(Region=THERE))
    (decision,) = decisions([found], simulated(policy, home), Aggregation(HERE, "ALL_REGIONS"))
    assert (decision.sent, decision.differs) == (False, False)
    assert decision.sentence.startswith("not sent: suppressed in Security Hub: ")


def criteria(suppression, finding_format="asff", scope=OWN):
    (rule,) = rules_of(worlds.policy(finding_format=finding_format, suppressions=[{**suppression, **HUB}]), scope)
    return rule.members["Criteria"]


@pytest.mark.parametrize(
    ("suppression", "criterion", "value"),
    [
        ({"regions": [HERE, THERE]}, "ProductArn", ("PREFIX", f"arn:aws:securityhub:{HERE}:")),
        (
            {"product_arns": ["product/aws/inspector"]},
            "ProductArn",
            ("EQUALS", f"arn:aws:securityhub:{HERE}::product/aws/inspector"),
        ),
        (
            {"product_arns": ["product/111111111111/default"]},
            "ProductArn",
            ("EQUALS", f"arn:aws:securityhub:{HERE}:111111111111:product/111111111111/default"),
        ),
        ({"resource_ids": ["arn:aws:s3:::logs-*"]}, "ResourceId", ("PREFIX", "arn:aws:s3:::logs-")),
        ({"resource_ids": ["*sandbox*"]}, "ResourceId", ("CONTAINS", "sandbox")),
        ({"title_prefixes": ["CVE-"]}, "Title", ("PREFIX", "CVE-")),
    ],
)
def test_criteria(suppression, criterion, value):
    comparison, text = value
    assert criteria(suppression) == {criterion: [{"Comparison": comparison, "Value": text}]}


def test_a_tag_is_a_criterion():
    assert criteria({"resource_tags": {"env": ["dev", "test"]}}) == {
        "ResourceTags": [
            {"Key": "env", "Comparison": "EQUALS", "Value": "dev"},
            {"Key": "env", "Comparison": "EQUALS", "Value": "test"},
        ]
    }


def test_regions_decide_which_of_them_has_a_rule():
    policy = worlds.policy(suppressions=[{"control_ids": ["S3.1"], "regions": [THERE], **HUB}])
    assert rules_of(policy) == ()
    assert len(rules_of(policy, Scope(THERE, HERE))) == 1


def test_a_rule_of_a_home_region_that_forwards_its_own_findings_only_has_its_region():
    found = criteria({"control_ids": ["S3.1"]}, "ocsf", Scope(HERE, HERE, only_own=True))
    assert found["OcsfFindingCriteria"]["CompositeFilters"][1]["StringFilters"] == [
        {"FieldName": "cloud.region", "Filter": {"Comparison": "EQUALS", "Value": HERE}}
    ]


def test_linked_regions_without_the_suppression_are_excluded_by_filters_of_twenty():
    without = worlds.policy(finding_format="ocsf")
    linked = tuple((f"ap-south-{number}", without) for number in range(1, 31))
    found = criteria({"control_ids": ["S3.1"]}, "ocsf", Scope(HERE, HERE, linked, aggregates=True))
    composite = found["OcsfFindingCriteria"]["CompositeFilters"][1:]
    assert [(part["Operator"], len(part["StringFilters"])) for part in composite] == [("AND", 20), ("AND", 10)]


def test_the_name_of_a_rule_changes_with_its_content_and_the_reason():
    names = {
        rules_of(worlds.policy(suppressions=[{**suppression, **HUB}]))[0].name
        for suppression in (
            {"control_ids": ["S3.1"]},
            {"control_ids": ["S3.2"]},
            {"control_ids": ["S3.1"], "reason": "a website"},
            {"control_ids": ["S3.1"]},
        )
    }
    assert len(names) == 3


def test_a_channel_keeps_what_is_suppressed_in_security_hub():
    hub, own = {"control_ids": ["S3.1"], **HUB}, {"control_ids": ["S3.2"]}
    host = worlds.variables(suppressions=[hub, {"control_ids": ["S3.3"]}])
    merged = policy_of(for_channel(host, {"suppressions": [own]}), worlds.TODAY)
    assert {item.control_ids: item.in_security_hub for item in merged.suppressions} == {
        ("S3.1",): True,
        ("S3.2",): False,
    }


def test_the_place_is_checked():
    (problem,) = problems(worlds.variables(suppressions=[{"control_ids": ["S3.1"], "suppress_in": "console"}]))
    assert "suppression 1 has suppress_in 'console': use pattern or security_hub" in problem
