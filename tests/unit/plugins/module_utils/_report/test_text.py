# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How texts fit a terminal."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._report import text


def test_a_count_has_its_noun_in_singular_or_plural():
    assert [text.count(number, "call") for number in (0, 1, 1038)] == ["0 calls", "1 call", "1,038 calls"]


def test_a_cause_that_failed_many_targets_is_reported_once():
    failures = [*((f"eu-west-{number}", "AWS did not answer") for number in range(1, 6)), ("us-east-1", "denied")]
    assert text.failed(failures) == [
        "FAILED: eu-west-1, eu-west-2, eu-west-3 and 2 more: AWS did not answer",
        "FAILED: us-east-1: denied",
    ]


def test_long_lines_are_wrapped_and_indented_and_words_are_not_broken():
    lines = text.wrapped(f"Note: {'word ' * 30}{'x' * 100}")
    assert all(len(line) <= 80 for line in lines[:-1])
    assert all(line.startswith("    ") for line in lines[1:])
    assert lines[-1] == f"    {'x' * 100}"


def test_a_command_at_the_end_of_a_sentence_is_not_broken():
    command = f"ansible-playbook -i {'long/' * 20}hosts.yml secops.securityhub.securityhub_slack"
    assert text.wrapped(f"  eu-west-1: Nothing is deployed. Run: {command}") == [
        "  eu-west-1: Nothing is deployed. Run:",
        f"    {command}",
    ]
