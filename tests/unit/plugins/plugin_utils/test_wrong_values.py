# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read about values that Ansible refuses: the variable, what is wrong, and what to use."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.plugin_utils._targets import PREFIX
from ansible_collections.secops.securityhub.plugins.plugin_utils._targets import Validator

SEVERITIES = "INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL"


@pytest.mark.parametrize(
    ("name", "value", "sentences"),
    [
        ("stack_timeout", "30 minutes", ["securityhub_slack_stack_timeout is '30 minutes'. Use a whole number."]),
        ("minimum_epss", "high", ["securityhub_slack_minimum_epss is 'high'. Use a number."]),
        ("alarms", "maybe", ["securityhub_slack_alarms is 'maybe'. Use true or false."]),
        # An undefined variable of a template, or of a CI job, often ends as an empty text.
        ("alarms", "", ["securityhub_slack_alarms is empty. Use true or false."]),
        ("tags", "", ["securityhub_slack_tags is empty. Use a mapping of keys to values."]),
        (
            "minimum_severity",
            "",
            [f"securityhub_slack_minimum_severity is empty. Use one of {SEVERITIES}, or remove it."],
        ),
        ("severities", "", [f"securityhub_slack_severities is empty. Use one of {SEVERITIES}, or remove it."]),
        ("tags", ["a"], ["securityhub_slack_tags is a list. Use a mapping of keys to values."]),
        ("overdue_days", 30, ["securityhub_slack_overdue_days is 30. Use a mapping of keys to values."]),
        (
            "suppressions",
            {"control_ids": ["S3.8"]},
            ["securityhub_slack_suppressions is a mapping. Use a list of mappings of keys to values."],
        ),
        ("suppressions", 5, ["securityhub_slack_suppressions is 5. Use a list of mappings of keys to values."]),
        (
            "suppressions",
            [5, ""],
            ["securityhub_slack_suppressions has an entry of another type. Use a list of mappings of keys to values."],
        ),
        (
            "suppressions",
            [{"control_ids": {"S3.8": 1}}],
            ["control_ids in securityhub_slack_suppressions has a value of another type. Use a list."],
        ),
        (
            "channels",
            [{"name": "a", "channel_id": "C1", "suppressions": ["S3.8"]}],
            [
                "suppressions in securityhub_slack_channels has a value of another type. Use a list of mappings of "
                "keys to values."
            ],
        ),
        ("receivers", [{"email": "a@example.com"}], ["securityhub_slack_receivers has an entry without name. Add it."]),
    ],
)
def test_a_wrong_value_is_reported_in_one_sentence_with_a_remedy(name, value, sentences):
    _validated, problems = Validator().validate({PREFIX + name: value})
    assert problems == sentences


def test_an_unknown_key_of_an_entry_is_named_with_the_similar_one():
    _validated, problems = Validator().validate({f"{PREFIX}suppressions": [{"resource_id": "arn"}]})
    (problem,) = problems
    assert problem.startswith("securityhub_slack_suppressions has the unknown key resource_id. Use account_ids, ")
    assert problem.endswith("Did you mean resource_ids?")


def test_the_url_of_a_receiver_is_not_shown():
    _validated, problems = Validator().validate({f"{PREFIX}receivers": "https://example.com/?key=secret"})
    assert problems == ["securityhub_slack_receivers is a text. Use a list of mappings of keys to values."]
