# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event patterns, asked over HTTP with TestEventPattern. Expectations follow AWS's event-ruler."""

from __future__ import annotations

import json

import pytest

TWO = [
    {"Severity": {"Label": "CRITICAL"}, "Workflow": {"Status": "NOTIFIED"}, "Compliance": {"Status": "PASSED"}},
    {"Severity": {"Label": "LOW"}, "Workflow": {"Status": "NEW"}},
]
ONE = [{"Severity": {"Label": "HIGH"}, "Workflow": {"Status": "NEW"}, "Types": ["a", "b"], "Note": None}]


@pytest.mark.parametrize(
    ("findings", "pattern", "expected"),
    [
        (ONE, {"Severity": {"Label": ["HIGH"]}}, True),
        (ONE, {"Severity": {"Label": ["CRITICAL"]}}, False),
        (ONE, {"Types": ["b"]}, True),
        (ONE, {"Types": [{"anything-but": "a"}]}, True),
        # array consistency: both fields from the same element
        (TWO, {"Severity": {"Label": ["CRITICAL"]}, "Workflow": {"Status": ["NOTIFIED"]}}, True),
        (TWO, {"Severity": {"Label": ["CRITICAL"]}, "Workflow": {"Status": ["NEW"]}}, False),
        # exists: only leaves exist; null is one
        (ONE, {"Compliance": {"Status": [{"exists": False}]}}, True),
        (ONE, {"Severity": [{"exists": False}]}, True),
        (ONE, {"Note": [{"exists": True}]}, True),
        (ONE, {"Severity": {"Label": [{"exists": False}]}}, False),
        # absent in one of two elements is present, until another field has narrowed the element down
        (TWO, {"Compliance": {"Status": [{"exists": False}]}}, False),
        (TWO, {"Severity": {"Label": ["LOW"]}, "Workflow": {"Gone": [{"exists": False}]}}, True),
        (
            [{"A": "1", "B": "2"}, {"A": "3"}],
            {"A": ["3"], "B": [{"exists": False}]},
            True,
        ),
        ([{"A": "1", "B": "2"}, {"A": "3"}], {"A": ["1"], "B": [{"exists": False}]}, False),
        # a value or nothing at all
        (ONE, {"Compliance": {"Status": ["FAILED", {"exists": False}]}}, True),
        (TWO[:1], {"Compliance": {"Status": ["FAILED", {"exists": False}]}}, False),
        # dotted keys are nested keys, on either side
        (ONE, {"Severity.Label": ["HIGH"]}, True),
        ([{"Severity.Label": "HIGH"}], {"Severity": {"Label": ["HIGH"]}}, True),
        # $or
        (ONE, {"$or": [{"Severity": {"Label": ["LOW"]}}, {"Workflow": {"Status": ["NEW"]}}]}, True),
        (ONE, {"$or": [{"Severity": {"Label": ["LOW"]}}, {"Workflow": {"Status": ["OLD"]}}]}, False),
    ],
)
def test_a_pattern_matches_as_on_aws(aws, findings, pattern, expected):
    event = {
        "version": "0",
        "id": "1",
        "detail-type": "Security Hub Findings - Imported",
        "source": "aws.securityhub",
        "account": "111111111111",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"findings": findings},
    }
    answer = aws.client("events").test_event_pattern(
        EventPattern=json.dumps({"source": ["aws.securityhub"], "detail": {"findings": pattern}}),
        Event=json.dumps(event),
    )
    assert answer["Result"] is expected
