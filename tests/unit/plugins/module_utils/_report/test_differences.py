# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --diff shows: the values that differ, with their paths."""

from __future__ import annotations

import json

from ansible_collections.secops.securityhub.plugins.module_utils._report import differences
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.text(max_size=30) | st.booleans(),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=20), inner, max_size=6),
    max_leaves=40,
)


DICTIONARIES = st.dictionaries(st.text(min_size=1, max_size=20), VALUES)


def lines(before, after):
    """Return the lines below the name."""
    return differences.lines([{"name": "us-east-1", "before": before, "after": after}])[2:]


@given(DICTIONARIES)
def test_equal_values_have_no_difference(value):
    assert lines(value, json.loads(json.dumps(value))) == []


@given(DICTIONARIES, DICTIONARIES)
def test_a_difference_is_the_reverse_of_the_opposite_one(one, other):
    turned = {"+": "-", "-": "+"}
    assert sorted(lines(one, other)) == sorted(line[:2] + turned[line[2]] + line[3:] for line in lines(other, one))


def test_only_what_differs_is_shown_with_its_path():
    before = {"rules": {"a": {"Severity": ["CRITICAL"], "State": ["NEW"]}}, "topics": ["slack"]}
    after = {"rules": {"a": {"Severity": ["CRITICAL", "HIGH"], "State": ["NEW"]}}, "messages": "custom"}
    assert lines(before, after) == [
        "  + messages: custom",
        "  + rules > a > Severity: HIGH",
        '  - topics: ["slack"]',
    ]


def test_a_long_condition_that_gains_a_value_is_not_repeated():
    controls = [f"IAM.{number}" for number in range(1, 30)]
    before = {"SecurityControlId": [{"anything-but": controls}, {"exists": False}]}
    after = {"SecurityControlId": [{"anything-but": [*controls, "S3.9"]}, {"exists": False}]}
    assert lines(before, after) == ["  + SecurityControlId > anything-but: S3.9"]
    assert lines(before, {"SecurityControlId": [{"prefix": "S3."}, {"exists": False}]})[1:] == [
        '  + SecurityControlId: {"prefix": "S3."}'
    ]
