# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matcher against the examples of AWS's documentation, and against another implementation, the emulator's.

The first table follows https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html,
eb-event-patterns-arrays.html, and the README of https://github.com/aws/event-ruler.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing import witnesses
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import hazards
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import registered
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import validate
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from botocore.exceptions import ClientError
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

EC2 = {
    "version": "0",
    "id": "ddddd4-aaaa-7777-4444-345dd43cc333",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "012345679012",
    "time": "2017-10-02T16:24:49Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
        "file": "dir/picture.png",
        "nothing": None,
        "empty": "",
        "on": True,
        "list": [],
        "nested": {"leaf": 1},
    },
}
STAFF = {
    "employees": [
        {"firstName": "John", "lastName": "Doe"},
        {"firstName": "Anna", "lastName": "Smith", "office": "Oslo"},
        {"firstName": "Peter", "lastName": "Jones"},
    ]
}
TWO_LEVELS = {"teams": [{"name": "a", "people": [{"n": "x", "r": 1}, {"n": "y", "r": 2}]}, {"name": "b", "people": []}]}


def detail(**fields):
    return {"detail": fields}


@pytest.mark.parametrize(
    ("pattern", "event", "fits"),
    [
        # Exact values: any of the list; all of the fields.
        ({"source": ["aws.ec2"]}, EC2, True),
        ({"source": ["aws.ec2", "aws.s3"], **detail(state=["initializing", "running"])}, EC2, True),
        ({"source": ["aws.ec2"], **detail(state=["stopped"])}, EC2, False),
        ({"source": ["AWS.EC2"]}, EC2, False),
        (detail(**{"c-count": [5]}), EC2, True),
        (detail(**{"c-count": [5.0]}), EC2, True),
        (detail(**{"c-count": ["5"]}), EC2, False),
        (detail(**{"x-limit": [3.018e2]}), EC2, True),
        (detail(on=[True]), EC2, True),
        (detail(on=[1]), EC2, False),
        (detail(nothing=[None]), EC2, True),
        (detail(empty=[None]), EC2, False),
        (detail(empty=[""]), EC2, True),
        (detail(missing=[None]), EC2, False),
        (detail(state=[{"exactly": "running"}]), EC2, True),
        # An array in the event: any element.
        ({"resources": ["x", "arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"]}, EC2, True),
        ({"resources": ["x"]}, EC2, False),
        ({"a": ["x"]}, {"a": [["w", ["x"]]]}, True),
        # Prefix, suffix, ignoring case.
        ({"time": [{"prefix": "2017-10-02"}]}, EC2, True),
        ({"time": [{"prefix": "10-02"}]}, EC2, False),
        (detail(**{"c-count": [{"prefix": "5"}]}), EC2, False),
        (detail(file=[{"suffix": ".png"}]), EC2, True),
        (detail(file=[{"suffix": ".PNG"}]), EC2, False),
        # Wildcards.
        (detail(file=[{"wildcard": "dir/*.png"}]), EC2, True),
        (detail(file=[{"wildcard": "dir/*.jp*g"}]), EC2, False),
        (detail(file=[{"wildcard": "*"}]), EC2, True),
        (detail(file=[{"wildcard": "dir"}]), EC2, False),
        (detail(file=[{"wildcard": "dir/picture?png"}]), EC2, False),
        ({"a": [{"wildcard": "x\\*y"}]}, {"a": "x*y"}, True),
        ({"a": [{"wildcard": "x\\*y"}]}, {"a": "xzy"}, False),
        ({"a": [{"wildcard": "x\\\\*"}]}, {"a": "x\\z"}, True),
        ({"a": [{"wildcard": "a*c"}]}, {"a": "a\nc"}, True),
        # Numbers, with up to six decimals.
        (detail(**{"c-count": [{"numeric": [">=", 5]}]}), EC2, True),
        (detail(**{"c-count": [{"numeric": [">=", 5.01]}]}), EC2, False),
        (detail(**{"x-limit": [{"numeric": [">=", 0.1]}]}), EC2, True),
        (detail(state=[{"numeric": [">=", 0]}]), EC2, False),
        (detail(on=[{"numeric": [">=", 0]}]), EC2, False),
        (detail(missing=[{"numeric": [">=", 0]}]), EC2, False),
        (detail(missing=[{"numeric": [">=", 0]}, {"exists": False}]), EC2, True),
        # Presence, of leaves only.
        (detail(**{"c-count": [{"exists": True}]}), EC2, True),
        (detail(**{"c-count": [{"exists": False}]}), EC2, False),
        (detail(missing=[{"exists": False}]), EC2, True),
        (detail(missing=[{"exists": True}]), EC2, False),
        (detail(nothing=[{"exists": True}]), EC2, True),
        (detail(nested=[{"exists": True}]), EC2, False),
        (detail(nested=[{"exists": False}]), EC2, True),
        (detail(list=[{"exists": False}]), EC2, True),
        (detail(missing={"deeper": [{"exists": False}]}), EC2, True),
        (detail(missing=["x", {"exists": False}]), EC2, True),
        (detail(state=["stopped", {"exists": False}]), EC2, False),
        (detail(state=["running", {"exists": False}]), EC2, True),
        # Anything but, which needs the field.
        (detail(state=[{"anything-but": "initializing"}]), EC2, True),
        (detail(state=[{"anything-but": ["running", "stopped"]}]), EC2, False),
        (detail(state=[{"anything-but": [1, 2]}]), EC2, True),
        (detail(**{"x-limit": [{"anything-but": [100, 200, 300]}]}), EC2, True),
        (detail(**{"c-count": [{"anything-but": 5}]}), EC2, False),
        (detail(**{"c-count": [{"anything-but": "5"}]}), EC2, True),
        (detail(missing=[{"anything-but": "x"}]), EC2, False),
        (detail(missing=[{"anything-but": "x"}, {"exists": False}]), EC2, True),
        (detail(list=[{"anything-but": "x"}]), EC2, False),
        (detail(state=[{"anything-but": {"prefix": "init"}}]), EC2, True),
        (detail(state=[{"anything-but": {"prefix": ["init", "run"]}}]), EC2, False),
        (detail(file=[{"anything-but": {"suffix": [".txt", ".png"]}}]), EC2, False),
        (detail(file=[{"anything-but": {"suffix": ".txt"}}]), EC2, True),
        (detail(file=[{"anything-but": {"wildcard": "*/lib/*"}}]), EC2, True),
        (detail(file=[{"anything-but": {"wildcard": ["*/lib/*", "dir/*"]}}]), EC2, False),
        (detail(**{"c-count": [{"anything-but": {"prefix": "5"}}]}), EC2, True),
        ({"a": [{"anything-but": "x"}]}, {"a": ["x", "y"]}, True),
        ({"a": [{"anything-but": "x"}]}, {"a": ["x", "x"]}, False),
        # Alternatives.
        ({"$or": [{"source": ["aws.s3"]}, {"region": ["us-east-1"]}]}, EC2, True),
        ({"$or": [{"source": ["aws.s3"]}, {"region": ["us-east-2"]}]}, EC2, False),
        ({"source": ["aws.s3"], "$or": [{"region": ["us-east-1"]}, {"region": ["us-east-2"]}]}, EC2, False),
        (detail(**{"$or": [{"c-count": [9]}, {"d-count": [3]}]}), EC2, True),
        (
            {
                "$or": [
                    {"source": ["x"]},
                    {"region": ["us-east-1"], **detail(**{"$or": [{"state": ["x"]}, {"on": [True]}]})},
                ]
            },
            EC2,
            True,
        ),
        # Fields below one array lie in one element of it.
        ({"employees": {"firstName": ["Anna"]}}, STAFF, True),
        ({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}, STAFF, True),
        ({"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}, STAFF, False),
        ({"teams": {"name": ["a"], "people": {"n": ["x"], "r": [1]}}}, TWO_LEVELS, True),
        ({"teams": {"name": ["a"], "people": {"n": ["x"], "r": [2]}}}, TWO_LEVELS, False),
        ({"teams": {"name": ["b"], "people": {"n": ["x"]}}}, TWO_LEVELS, False),
        # A field is missing where the elements settled on before it, in the order of names, do not have it.
        ({"employees": {"firstName": ["John"], "office": [{"exists": False}]}}, STAFF, True),
        ({"employees": {"firstName": ["Anna"], "office": [{"exists": False}]}}, STAFF, False),
        ({"employees": {"office": [{"exists": False}]}}, STAFF, False),
        ({"employees": {"office": [{"exists": False}], "zip": [{"exists": False}]}}, STAFF, False),
        # A dot in a name is the same as a level.
        ({"detail.nested": {"leaf": [1]}}, EC2, True),
        ({"a": {"b": [1]}}, {"a.b": 1}, True),
    ],
)
def test_documented_semantics(pattern, event, fits):
    assert validate(pattern) == []
    assert matches(pattern, event) is fits


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ([], "a pattern is a JSON object"),
        ({}, "the pattern is an empty object"),
        ({"detail": {}}, "detail is an empty object"),
        ({"source": "aws.ec2"}, "source must be an object or an array"),
        ({"source": []}, "an empty array"),
        ({"source": [["aws.ec2"]]}, "an array within an array"),
        ({"source": [{}]}, "must have exactly one operator"),
        ({"a": [5_000_000_001]}, "the number 5000000001 is not within 5,000,000,000 of zero"),
        ({"a": [{"anything-but": [-5_000_000_001]}]}, "anything-but does not accept"),
        ({"source": [{"prefix": "a", "suffix": "b"}]}, "must have exactly one operator"),
        ({"source": [{"startsWith": "a"}]}, "startsWith is not an operator"),
        ({"source": [{"prefix": 1}]}, "prefix does not accept 1"),
        ({"source": [{"prefix": ["a"]}]}, "prefix does not accept ['a']"),
        ({"source": [{"prefix": {"wildcard": "a*"}}]}, "prefix does not accept"),
        ({"source": [{"suffix": None}]}, "suffix does not accept None"),
        ({"source": [{"wildcard": "a**b"}]}, "wildcard does not accept"),
        ({"source": [{"wildcard": "a\\qb"}]}, "wildcard does not accept"),
        ({"source": [{"wildcard": "a\\"}]}, "wildcard does not accept"),
        ({"a": [{"numeric": [">", 1]}]}, "numeric does not accept ['>', 1]"),
        ({"a": [{"numeric": [">=", "1"]}]}, "numeric does not accept"),
        ({"a": [{"equals-ignore-case": "A"}]}, "equals-ignore-case is not an operator that this collection uses"),
        ({"a": [{"cidr": "10.0.0.0/8"}]}, "cidr is not an operator that this collection uses"),
        ({"a": [{"exists": "true"}]}, "exists does not accept 'true'"),
        ({"a": [{"anything-but": []}]}, "anything-but does not accept []"),
        ({"a": [{"anything-but": [1, "a"]}]}, "anything-but does not accept"),
        ({"a": [{"anything-but": None}]}, "anything-but does not accept None"),
        ({"a": [{"anything-but": True}]}, "anything-but does not accept True"),
        ({"a": [{"anything-but": {"prefix": ""}}]}, "anything-but does not accept"),
        ({"a": [{"anything-but": {"numeric": [">", 1]}}]}, "anything-but does not accept"),
        ({"a": [{"anything-but": {"wildcard": ["a**"]}}]}, "anything-but does not accept"),
        ({"$or": [{"a": [1]}]}, "$or must be an array of at least two objects"),
        ({"$or": {"a": [1]}}, "$or must be an array of at least two objects"),
        ({"$or": [{"a": [1]}, 2]}, "$or must be an array of at least two objects"),
        ({"$or": [{"a": [1]}, {}]}, "the pattern is an empty object"),
        ({"$or": [{"a": [1]}, {"prefix": ["x"]}]}, "prefix is the name of an operator"),
        ({"a": [1], "$or": [{"a": [2]}, {"b": [3]}]}, "a occurs twice in one alternative"),
        ({"$or": [{"a": {"b": [2]}}, {"c": [3]}], "a": {"$or": [{"b": [1]}, {"d": [1]}]}}, "a.b occurs twice"),
        ({"a": ["x" * 2048]}, "the pattern has 2,058 characters, and the quota is 2,048"),
        (
            {f"g{index}": {"$or": [{"v": [1]}, {"v": [2]}]} for index in range(10)},
            "the $or lists of the pattern have 1,024 combinations; at most 1,000 are allowed",
        ),
    ],
)
def test_patterns_that_eventbridge_would_reject(pattern, problem):
    assert any(problem in sentence for sentence in validate(pattern)), validate(pattern)


def test_case_1_an_alternative_that_event_ruler_may_drop_is_not_safe():
    assert hazards({"$or": [{"c": ["x"]}, {"c": ["y", "z"]}]}) == []
    (hazard,) = hazards({"$or": [{"c": ["x", "y"]}, {"c": ["y", "z"]}]})
    assert "may ignore the alternative {'c': ['y', 'z']}" in hazard


@pytest.mark.parametrize(
    ("first", "second", "dropped"),
    [
        ({"c": ["x"]}, {"c": ["y"]}, False),
        ({"c": ["x"], "d": ["1"]}, {"c": ["x"], "d": ["2"]}, False),
        ({"c": ["x"], "d": ["1"]}, {"c": ["x"], "d": ["1", "2"]}, True),
        ({"c": ["x"]}, {"c": ["x", "y"], "d": ["1"]}, False),
        ({"c": [{"prefix": "x"}]}, {"c": ["xy"]}, False),
        ({"c": ["x", {"exists": False}]}, {"c": ["y", {"exists": False}]}, True),
        ({"c": [{"anything-but": ["x"]}]}, {"c": [{"anything-but": ["x", "y"]}]}, False),
    ],
)
def test_alternatives_clash_if_each_field_has_a_value_in_common(first, second, dropped):
    """As GenericMachine.addStep of event-ruler 1.7.4 and 2.0.1 decides about these pairs."""
    assert (registered([first, second]) == [first]) is dropped


def other_verdict(events, pattern, event):
    """What TestEventPattern of the emulator says; None where it takes the pattern for invalid."""
    try:
        return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidEventPatternException"
        return None


TEXTS = st.sampled_from(["a", "ab", "abc", "b", "B", "a*", "", "10.0.0.1"])
LEAVES = TEXTS | st.integers(0, 2) | st.booleans() | st.none()
MATCHERS = st.one_of(
    LEAVES,
    TEXTS.map(lambda text: {"prefix": text}),
    st.sampled_from([{"wildcard": "a*"}, {"wildcard": "*b*"}, {"wildcard": "a\\*"}, {"wildcard": ""}]),
    st.lists(TEXTS, min_size=1, max_size=2).map(lambda texts: {"anything-but": texts}),
    st.sampled_from(["prefix", "suffix", "wildcard"]).map(lambda name: {"anything-but": {name: ["a", "bc"]}}),
    st.sampled_from([{"exists": True}, {"exists": False}]),
)
# In an object of an array, the emulator asks each element by itself whether a field is missing.
MATCHERS_IN_ARRAYS = MATCHERS.filter(lambda matcher: matcher != {"exists": False})


def value_lists(matchers):
    return st.lists(matchers, min_size=1, max_size=2)


@st.composite
def details(draw):
    fields = {name: LEAVES | st.lists(LEAVES, max_size=2) for name in ("p", "q")}
    fields["r"] = st.lists(st.fixed_dictionaries({}, optional={"x": LEAVES, "y": LEAVES}), max_size=3)
    return draw(st.fixed_dictionaries({}, optional=fields))


@st.composite
def detail_patterns(draw, depth=2):
    plain = st.fixed_dictionaries(
        {},
        optional={
            "p": value_lists(MATCHERS),
            "q": value_lists(MATCHERS),
            "r": st.fixed_dictionaries(
                {"x": value_lists(MATCHERS_IN_ARRAYS)}, optional={"y": value_lists(MATCHERS_IN_ARRAYS)}
            ),
        },
    ).filter(bool)
    pattern = draw(plain)
    if depth and draw(st.booleans()):
        members = draw(st.lists(detail_patterns(depth - 1), min_size=2, max_size=3))
        pattern["$or"] = members
    return pattern


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(detail_patterns(), st.lists(details(), min_size=1, max_size=4))
def test_the_emulator_decides_alike(emulator, pattern, values):
    pattern = {"detail": pattern}
    if validate(pattern):
        return
    events = emulator.client("events")
    for value in values:
        event = {**EC2, "detail": value}
        assert matches(pattern, event) is other_verdict(events, pattern, event), (pattern, value)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(worlds.policies(), worlds.scopes(), st.lists(worlds.findings(), min_size=1, max_size=3))
def test_the_emulator_decides_alike_about_findings(emulator, policy, scope, findings):
    events = emulator.client("events")
    for pattern in worlds.patterns_of(policy, scope):
        for found in findings:
            event = worlds.event(found, scope.region)
            assert matches(pattern, event) is other_verdict(events, pattern, event)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(worlds.SEEDS)
def test_the_emulator_decides_about_witnesses_as_the_policy_says(emulator, seed):
    draw = worlds.Draw(seed)
    scope, kind = draw.scope(), draw.random.choice((None, True, False))
    policy = draw.ocsf_policy() if seed % 3 == 0 and not scope.linked else draw.policy()
    events = emulator.client("events")
    for pattern in worlds.patterns_of(policy, scope, kind):
        for witness in witnesses.of_policy(pattern, policy, scope, kind):
            assert other_verdict(events, pattern, witness.event) is witness.must_match, witness


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": [{"prefix": 1}]},
        {"source": []},
        {"detail": {"a": [{"wildcard": "a**"}]}},
        {"detail": {"a": [{"anything-but": [1, "a"]}]}},
        {f"g{index}": {"$or": [{"v": [1]}, {"v": [2]}]} for index in range(10)},
    ],
)
def test_the_emulator_refuses_alike(emulator, pattern):
    assert validate(pattern)
    assert other_verdict(emulator.client("events"), pattern, EC2) is None
