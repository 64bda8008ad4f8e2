# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import TAGS_AT_MOST
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import StackDesign
from hypothesis import given
from hypothesis import strategies as st

PATTERN = {"source": ["aws.securityhub"]}


def design(*topics, tags=(), pattern=None, name="slack"):
    rules = tuple(Rule(f"{topic}-findings", "Findings", pattern or PATTERN, topic) for topic in topics)
    return StackDesign(name, topics, rules, tags)


ONE = design("slack")
TWO = design("slack-prod", "slack-test", tags=(("Team", "security"),))


def resources(of, kind):
    found = template.template(of)["Resources"]
    return {name: item for name, item in found.items() if item["Type"] == kind}


def test_every_topic_lets_in_exactly_the_rules_that_feed_it():
    for policy in resources(TWO, "AWS::SNS::TopicPolicy").values():
        (topic,) = policy["Properties"]["Topics"]
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        feeding = [
            rule["Properties"]["Name"]
            for rule in resources(TWO, "AWS::Events::Rule").values()
            if rule["Properties"]["Targets"][0]["Arn"] == topic
        ]
        assert statement["Resource"] == topic
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert [
            source["Fn::Sub"].rsplit("/", 1)[1] for source in statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        ] == (feeding)
        assert set(statement["Condition"]) == {"ArnEquals"}  # a key that EventBridge may not send would drop everything


def test_without_conditions_a_topic_lets_in_eventbridge_and_nobody_else():
    found = resources(replace(TWO, conditions=False), "AWS::SNS::TopicPolicy").values()
    for policy in found:
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sns:Publish"
        assert "Condition" not in statement
    assert len(found) == len(TWO.topics)


def test_a_topic_that_no_rule_feeds_lets_nobody_in():
    (policy,) = resources(replace(ONE, rules=()), "AWS::SNS::TopicPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": []}}


def test_a_rule_waits_for_the_policy_of_its_topic():
    for rule in resources(TWO, "AWS::Events::Rule").values():
        policy = resources(TWO, "AWS::SNS::TopicPolicy")[rule["DependsOn"]]
        assert policy["Properties"]["Topics"] == [rule["Properties"]["Targets"][0]["Arn"]]
        assert "RoleArn" not in rule["Properties"]["Targets"][0]
        assert "InputTransformer" not in rule["Properties"]["Targets"][0]


def test_no_account_region_or_partition_in_the_text():
    assert not re.search(r"\d{12}|arn:aws|us-east-1", TWO.text.replace("arn:${AWS::Partition}", ""))


def test_tags_on_all_that_can_carry_them():
    assert template.stack_tags(TWO)["Team"] == "security"
    for kind in ("AWS::SNS::Topic", "AWS::Events::Rule"):
        for resource in resources(TWO, kind).values():
            assert resource["Properties"]["Tags"] == [{"Key": "Team", "Value": "security"}]


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, name="other"),
        design("slack", pattern={"source": ["other"]}),
        design("slack", tags=(("Team", "security"),)),
        design("slack-prod"),
        replace(ONE, conditions=False),
    ],
)
def test_digest_differs_for_each_design(other):
    same_text = template.template(other) == template.template(ONE)
    assert (other.digest == ONE.digest) is same_text


def test_the_digest_does_not_depend_on_the_order_of_tags():
    tags = (("A", "1"), ("B", "2"))
    assert design("slack", tags=tags).digest == design("slack", tags=tags[::-1]).digest


NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,39}\Z")
ROUTES = st.lists(st.from_regex(r"\A[a-z][a-z0-9]{0,15}\Z"), unique=True, max_size=14)


@given(name=NAMES, routes=ROUTES)
def test_the_topics_are_read_back_from_the_tags(name, routes):
    topics = tuple(f"{name}-{route}" for route in routes) or (name,)
    tags = template.stack_tags(design(*topics, name=name))
    assert template.topics_of(tags) == topics
    assert all(len(value) <= 256 for value in tags.values())


@given(name=NAMES, routes=ROUTES)
def test_logical_ids_are_alphanumeric_and_different(name, routes):
    topics = tuple(f"{name}-{route}" for route in routes) or (name,)
    found = template.template(design(*topics, name=name))["Resources"]
    assert len(found) == 3 * len(topics)
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id) for logical_id in found)


def test_ours_and_as_many_of_the_user_as_are_allowed_are_within_the_limit_of_aws():
    tags = tuple((f"key{number}", "x") for number in range(TAGS_AT_MOST))
    full = replace(design("slack", tags=tags), suppressing="asff", settings="severity=HIGH+")
    assert len(template.stack_tags(full)) == 50


def test_no_tags_no_topics():
    assert template.topics_of({}) == ()


def test_outline_of_a_design():
    assert template.outline(template.template(TWO)) == {
        "rules": {"slack-prod-findings": PATTERN, "slack-test-findings": PATTERN},
        "topics": ["slack-prod", "slack-test"],
    }
    assert template.outline({}) == {"rules": {}, "topics": []}


def test_rule_transforms_the_event():
    change = {"InputPathsMap": {"title": "$.detail.findings[0].Title"}, "InputTemplate": '{"title":<title>}'}
    changed = replace(ONE, rules=(replace(ONE.rules[0], transformer=change),))
    (rule,) = resources(changed, "AWS::Events::Rule").values()
    assert rule["Properties"]["Targets"][0]["InputTransformer"] == change
    assert template.outline(template.template(changed))["messages"] == "custom"
    assert changed.digest != ONE.digest


def test_too_large_a_template_is_a_problem():
    def of(size):
        return template.problems(design("slack", pattern={"detail": ["x" * size]}))

    room = template.MAX_BYTES - len(design("slack", pattern={"detail": [""]}).text)
    assert of(room) == []
    (problem,) = of(room + 1)
    assert "the stack slack would need a template of 51,201 bytes" in problem
    assert "1 more than the 51,200 that CloudFormation allows" in problem
    assert problem.endswith("with fewer channels, mentions or suppressions.")


def test_a_template_of_any_text_is_counted_in_bytes():
    assert design("slack", pattern={"detail": ["é"]}).text.isascii()


def test_a_dynamic_reference_is_a_problem():
    hostile = {"detail": {"Title": [{"prefix": "{{resolve:secretsmanager:prod}}"}]}}
    (problem,) = template.problems(design("slack", pattern=hostile))
    assert problem.startswith("the stack slack would contain {{resolve:...}}, which CloudFormation replaces")
