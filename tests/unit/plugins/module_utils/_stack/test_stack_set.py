# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.alarms import Alarms
from ansible_collections.secops.securityhub.plugins.module_utils._stack.resources import UnrecognizedTemplate
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import StackDesign
from hypothesis import given
from hypothesis import strategies as st

BY_HAND = {"resources": [{"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}::action/custom/SendToSlack"}]}


def automatic(topic, severities):
    return [
        Rule(
            f"{topic}-findings{'' if number == 1 else f'-{number}'}",
            "New",
            {"label": [label]},
            topic,
            automatic=True,
        )
        for number, label in enumerate(severities, start=1)
    ]


def design(*severities_by_topic, responsibilities=(), **more):
    topics = tuple(f"slack-{chr(97 + number)}" for number, _severities in enumerate(severities_by_topic))
    rules = [rule for topic, severities in zip(topics, severities_by_topic) for rule in automatic(topic, severities)]
    by_hand = Rule("slack-action", "By hand", BY_HAND, topics[0])
    return StackDesign("slack", topics, (*rules, by_hand), responsibilities=responsibilities, **more)


CRITICAL, MEDIUM = design(["CRITICAL"]), design(["MEDIUM"])
OWNER = design(["CRITICAL", "LOW"], responsibilities=("global",))


@st.composite
def fleets(draw):
    """Designs that one stack set may have: alike in what has to be alike, anyhow in all else."""
    topics = draw(st.integers(1, 3))
    common = {
        "tags": draw(st.sampled_from([(), (("Team", "security"),)])),
        "mark_notified": draw(st.booleans()),
    }
    alarmed, keyed = draw(st.booleans()), draw(st.sampled_from(["", "create", "given"]))
    told = draw(st.booleans())

    def one():
        severities = draw(st.lists(st.lists(st.sampled_from("ABC"), max_size=3), min_size=topics, max_size=topics))
        alarms = Alarms(
            f"arn:aws:sns:{draw(st.sampled_from(['us-east-1', 'eu-west-1']))}:1:ops" if told else "",
            draw(st.sampled_from([(), ("slack-a",), ("slack-a", "other")])),
        )
        return design(
            *severities,
            responsibilities=draw(st.sampled_from([(), ("global",), ("global", "linked")])),
            key=draw(st.sampled_from(["alias/one", "alias/two"])) if keyed == "given" else keyed,
            alarms=alarms if alarmed else None,
            **common,
        )

    return [one() for _number in range(draw(st.integers(1, 4)))]


def comparable(value):
    """A template with its lists sorted: the order of a policy's sources means nothing."""
    if isinstance(value, list):
        return sorted((comparable(item) for item in value), key=json.dumps)
    return {key: comparable(item) for key, item in value.items()} if isinstance(value, dict) else value


def without_marks(whole):
    """The template without the tags that only topics of a stack set have."""
    found = json.loads(json.dumps(whole))
    for resource in found["Resources"].values():
        if resource["Type"] == "AWS::SNS::Topic":
            tags = [tag for tag in resource["Properties"]["Tags"] if not tag["Key"].startswith("secops.securityhub/")]
            resource["Properties"].pop("Tags")
            if tags:
                resource["Properties"]["Tags"] = tags
    return found


@given(fleets())
def test_each_stack_of_the_set_equals_its_own_template(designs):
    whole, parameters = stack_set.merge(designs)
    for wanted, given_ in zip(designs, parameters):
        filled = without_marks(stack_set.filled_in(whole, given_))
        assert comparable(filled) == comparable(template.template(wanted))
        assert given_.keys() == whole["Parameters"].keys()


@given(fleets())
def test_each_stack_gets_our_tags_as_parameters(designs):
    whole, parameters = stack_set.merge(designs)
    for wanted, given_ in zip(designs, parameters):
        topics = [
            item
            for item in stack_set.filled_in(whole, given_)["Resources"].values()
            if "TopicName" in item["Properties"]
        ]
        for topic in topics:
            tags = {tag["Key"]: tag["Value"] for tag in topic["Properties"]["Tags"]}
            assert tags == template.stack_tags(wanted)


@given(fleets())
def test_all_that_is_declared_is_used_and_all_that_is_used_is_declared(designs):
    whole, parameters = stack_set.merge(designs)
    text = json.dumps(whole["Resources"])
    conditions = whole.get("Conditions", {})
    for name in conditions:
        assert f'["{name}", ' in text or f'"Condition": "{name}"' in text
    for name, declared in whole["Parameters"].items():
        assert f'{{"Ref": "{name}"}}' in text + json.dumps(conditions)
        assert name.isalnum()
        assert declared["Default"] in [given_[name] for given_ in parameters]


def test_targets_with_equal_policies_need_no_parameters():
    whole, (given_,) = stack_set.merge([CRITICAL])
    assert whole["Parameters"].keys() == given_.keys() == stack_set.MARKS.keys()
    assert "Conditions" not in whole


def test_a_pattern_is_given_as_its_text_and_a_rule_that_few_have_by_a_condition_that_its_topic_shares():
    whole, (critical, medium, owner) = stack_set.merge([CRITICAL, MEDIUM, OWNER])
    pattern = "RuleSlackAFindingsEventPattern"
    assert [item[pattern] for item in (critical, medium)] == ['{"label":["CRITICAL"]}', '{"label":["MEDIUM"]}']
    assert [item["HasRuleSlackAFindings2"] for item in (critical, medium, owner)] == ["false", "false", "true"]
    assert whole["Resources"]["RuleSlackAFindings2"]["Condition"] == "HasRuleSlackAFindings2"
    assert set(whole["Parameters"]) - set(stack_set.MARKS) == {pattern, "HasRuleSlackAFindings2"}


@pytest.mark.parametrize(
    "other",
    [
        replace(CRITICAL, alarms=Alarms()),
        replace(CRITICAL, key="alias/one"),
        replace(CRITICAL, rules=tuple(replace(rule, transformer={"InputTemplate": "x"}) for rule in CRITICAL.rules)),
    ],
)
def test_differences_that_parameters_cannot_express_are_refused(other):
    with pytest.raises(UserError, match=r"one template, but these differ in .* Give all targets the same"):
        stack_set.merge([CRITICAL, other])


def test_more_parameters_than_cloudformation_takes_are_refused():
    many = [design(*[[f"{number} {topic} {rule}" for rule in range(20)] for topic in range(12)]) for number in range(2)]
    with pytest.raises(UserError, match="parameters, and CloudFormation allows 200"):
        stack_set.merge(many)


@pytest.mark.parametrize(
    "change",
    [
        {"Conditions": {"X": {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}}},
        {"Conditions": {"X": {"Fn::Equals": [{"Ref": "Unknown"}, "b"]}}},
        {"Conditions": {"X": "always"}},
    ],
)
def test_changed_template_is_unrecognized(change):
    whole, (given_,) = stack_set.merge([CRITICAL])
    with pytest.raises(UnrecognizedTemplate):
        stack_set.filled_in({**whole, **change}, given_)
