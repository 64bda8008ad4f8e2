# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import AUTOMATION_TAG
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


def resolved(rule):
    return replace(rule, name=rule.name.replace("findings", "resolved"), automatic=False, resolved=True)


def design(*severities_by_topic, responsibilities=(), reports=False, **more):
    topics = tuple(f"slack-{chr(97 + number)}" for number, _severities in enumerate(severities_by_topic))
    rules = [rule for topic, severities in zip(topics, severities_by_topic) for rule in automatic(topic, severities)]
    rules += [resolved(rule) for rule in rules] if reports else []
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
        "reports": draw(st.booleans()),
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
            suppressing=draw(st.sampled_from(["", "asff"])),
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


PLACES = [(account, region) for account in ("111111111111", "222222222222") for region in ("a-1", "b-1", "c-1")]


@st.composite
def placed_fleets(draw):
    """The designs of a fleet at different places."""
    designs = draw(fleets())
    places = draw(st.lists(st.sampled_from(PLACES), min_size=1, unique=True))
    return {place: draw(st.sampled_from(designs)) for place in places}


def merged(*designs):
    return stack_set.merge(dict(zip(PLACES, designs)))


@given(placed_fleets())
def test_each_stack_of_the_set_equals_its_own_template(designs):
    whole = stack_set.merge(designs)
    for place, wanted in designs.items():
        filled = without_marks(stack_set.filled_in(whole, place))
        assert comparable(filled) == comparable(template.template(wanted))


def value_of(whole, value, place):
    """What a stack of a place has as the value of an output."""
    if isinstance(value, str):
        return value
    found = stack_set.filled_in({**whole, "Resources": {"X": {"Properties": {"Value": value}}}}, place)
    return found["Resources"]["X"]["Properties"]["Value"]


@given(placed_fleets())
def test_each_stack_has_our_tags_as_outputs_and_on_its_topics(designs):
    whole = stack_set.merge(designs)
    for place, wanted in designs.items():
        tags = template.stack_tags(wanted)
        if any(other.suppressing for other in designs.values()):
            tags.setdefault(AUTOMATION_TAG, stack_set.NO_TAG)
        outputs = {
            tag: value_of(whole, whole["Outputs"][name]["Value"], place)
            for name, tag in stack_set.MARKS.items()
            if tag in tags
        }
        assert outputs.items() <= tags.items()
        assert template.suppressing_of(outputs) == wanted.suppressing
        for item in stack_set.filled_in(whole, place)["Resources"].values():
            if "TopicName" in item["Properties"]:
                assert {tag["Key"]: tag["Value"] for tag in item["Properties"]["Tags"]} == tags


@given(placed_fleets())
def test_all_that_is_declared_is_used(designs):
    whole = stack_set.merge(designs)
    assert whole["Parameters"].keys() == {stack_set.LOCATION}
    text = json.dumps([whole["Resources"], whole["Outputs"]])
    conditions = whole.get("Conditions", {})
    for name in conditions:
        assert f'["{name}", ' in text or f'"Condition": "{name}"' in text
    for name in whole.get("Mappings", {}):
        assert name.isalnum()
        assert f'"Fn::FindInMap": ["{name}"' in text + json.dumps(conditions)
    sections = [name for section in ("Mappings", "Conditions", "Resources") for name in whole.get(section, {})]
    assert len(sections) == len(set(sections)), "the logical names of a template are unique"


def test_targets_with_equal_policies_need_no_mappings():
    whole = merged(CRITICAL, CRITICAL, CRITICAL)
    assert "Mappings" not in whole
    assert "Conditions" not in whole


def test_accounts_are_mapped_only_if_their_stacks_differ():
    alike = stack_set.merge({place: MEDIUM if place[1] == "b-1" else CRITICAL for place in PLACES})["Mappings"]
    assert alike["Variants"] == {"a-1": {"K1": "V1"}, "b-1": {"K1": "V2"}, "c-1": {"K1": "V1"}}
    assert "Accounts" not in alike
    fewer = {place: MEDIUM if place[1] == "b-1" else CRITICAL for place in PLACES if place != PLACES[3]}
    assert stack_set.merge(fewer)["Mappings"] == alike, "an account has fewer regions"
    different = stack_set.merge({place: MEDIUM if place == PLACES[4] else CRITICAL for place in PLACES})["Mappings"]
    assert different["Accounts"] == {"111111111111": {"Kind": "K1"}, "222222222222": {"Kind": "K2"}}
    assert different["Variants"]["b-1"] == {"K1": "V1", "K2": "V2"}


def test_patterns_are_text_and_rules_of_some_stacks_have_a_condition():
    whole = merged(CRITICAL, MEDIUM, OWNER)
    pattern, only = "RuleSlackAFindingsEventPattern", "HasRuleSlackAFindings2"
    patterns = [item["Value"] for item in whole["Mappings"][pattern].values()]
    assert patterns[:2] == ['{"label":["CRITICAL"]}', '{"label":["MEDIUM"]}']
    assert [item["Value"] for item in whole["Mappings"][only].values()] == ["false", "false", "true"]
    assert whole["Resources"]["RuleSlackAFindings2"]["Condition"] == f"If{only}"
    outputs = {"DeploymentDigestValue", "DeploymentResponsibilitiesValue"}
    assert set(whole["Mappings"]) - {"Variants"} - outputs == {pattern, only}


@pytest.mark.parametrize(
    "other",
    [
        replace(CRITICAL, alarms=Alarms()),
        replace(CRITICAL, key="alias/one"),
        replace(CRITICAL, rules=tuple(replace(rule, transformer={"InputTemplate": "x"}) for rule in CRITICAL.rules)),
    ],
)
def test_differences_that_mappings_cannot_express_are_refused(other):
    with pytest.raises(UserError, match=r"one template, but these differ in .* Give all targets the same"):
        merged(CRITICAL, other)


def labeled(number):
    return design([f"{number}"])


@pytest.mark.parametrize(
    ("designs", "problem"),
    [
        (
            {
                place: design(*[[f"{place} {topic} {rule}" for rule in range(20)] for topic in range(12)])
                for place in PLACES[:2]
            },
            r"have 242 mappings, and CloudFormation allows 200\. Use fewer channels or suppressions",
        ),
        (
            {(f"{number:012}", "a-1"): labeled(number % 2) for number in range(201)},
            "have 201 accounts whose stacks differ, and CloudFormation allows 200. Export them from several inv",
        ),
        (
            {("1", f"a-{number}"): labeled(number) for number in range(201)},
            "have 201 kinds of stacks, and CloudFormation allows 200. Give more targets the same variables",
        ),
    ],
)
def test_quotas_of_mappings_are_refused_with_numbers(designs, problem):
    with pytest.raises(UserError, match=problem):
        stack_set.merge(designs)


def test_any_number_of_equal_accounts_fits():
    designs = {(f"{number:012}", region): labeled(region) for number in range(2_000) for region in ("a-1", "b-1")}
    assert len(json.dumps(stack_set.merge(designs))) < template.MAX_BYTES


@pytest.mark.parametrize(
    "change",
    [
        {"Conditions": {"X": {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}}},
        {"Conditions": {"X": {"Fn::Equals": [{"Ref": "Unknown"}, "b"]}}},
        {"Conditions": {"X": "always"}},
        {"Mappings": {}},
        {"Mappings": []},
    ],
)
def test_changed_template_is_unrecognized(change):
    whole = merged(CRITICAL, MEDIUM)
    with pytest.raises(UnrecognizedTemplate):
        stack_set.filled_in({**whole, **change}, PLACES[0])
