# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --diff shows, as text."""

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


@given(st.dictionaries(st.text(min_size=1, max_size=20), VALUES, min_size=1))
def test_notation_is_json_and_loses_nothing(value):
    assert json.loads(differences.notation(value)) == value


def test_notation_keeps_short_values_on_one_line():
    pattern = {"detail": {"findings": {"Severity": {"Label": ["CRITICAL", "HIGH"]}}}, "long": ["arn:" + "x" * 60] * 2}
    assert differences.notation(pattern).splitlines() == [
        "{",
        '  "detail": {"findings": {"Severity": {"Label": ["CRITICAL", "HIGH"]}}},',
        '  "long": [',
        f'    "arn:{"x" * 60}",',
        f'    "arn:{"x" * 60}"',
        "  ]",
        "}",
    ]


def test_notation_fills_lines_with_short_items():
    lines = differences.notation({"controls": [f"IAM.{number}" for number in range(1, 30)]}).splitlines()
    assert len(lines) < 10
    assert max(map(len, lines)) <= differences.WIDTH


def test_notation_of_nothing_is_empty():
    assert differences.notation({}) == ""
