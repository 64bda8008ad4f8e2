# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge is asked about event patterns before they are deployed: whole runs over HTTP."""

from __future__ import annotations

import json
from collections import Counter

import pytest

EU, US, AP = "eu-west-1", "us-east-1", "ap-southeast-1"
SUPPRESSIONS = [
    {"control_ids": ["S3.8"], "account_ids": ["333333333333"]},
    {"control_ids": ["EC2.2"], "account_ids": ["222222222222"]},
]
ASKED = "TestEventPattern"


@pytest.fixture
def worse_matcher(lab):
    """EventBridge drops alternatives of event patterns that no known version drops."""
    lab.emulator.ask("POST", "switches", {"event_ruler_alternatives": "first_of_same_fields"})


def asked(done):
    return Counter(entry["region"] for entry in done.requests if entry["operation"] == ASKED)


def test_each_new_rule_is_tested_in_each_region_before_anything_is_written(lab):
    done = lab.run(lab.hosts(EU, US))
    assert done.errors == {}
    assert done.notices == lab.run(lab.hosts(EU, US)).notices
    assert set(asked(done)) == {EU, US}
    # Of the rule for the custom action 4; of the other rule 7 and, outside of the global findings region, 12.
    assert asked(done) == {US: 11, EU: 16}
    operations = [entry["operation"] for entry in done.requests]
    written = [index for index, entry in enumerate(done.requests) if entry["write"]]
    assert max(index for index, name in enumerate(operations) if name == ASKED) < min(written)


def test_a_run_that_changes_no_rule_tests_none(lab):
    lab.run(lab.hosts(EU, US))
    assert asked(lab.run(lab.hosts(EU, US))) == {}
    tagged = lab.run(lab.hosts(EU, US, tags={"Team": "security"}))
    assert tagged.calls["UpdateStack"] == 2
    assert asked(tagged) == {}


def test_a_changed_rule_is_tested_in_check_mode_too(lab):
    lab.run(lab.hosts(EU, US))
    changed = [*lab.hosts(EU), *lab.hosts(US, minimum_severity="LOW")]
    previewed = lab.run(changed, check=True)
    assert set(asked(previewed)) == {US}
    assert asked(lab.run(changed)) == asked(previewed)


def test_channels_with_the_same_policy_are_tested_once(lab):
    one = asked(lab.run(lab.hosts(US), check=True))[US]
    channels = [
        {"name": "a", "channel_id": "C0AAAAAAAA"},
        {"name": "b", "channel_id": "C0BBBBBBBB"},
    ]
    assert asked(lab.run(lab.hosts(US, channels=channels), check=True))[US] == one


def test_accounts_with_the_same_policy_ask_a_region_once(lab):
    other = "222222222222"
    lab.world(account=other)
    one = asked(lab.run(lab.hosts(US), check=True))
    role = f"arn:aws:iam::{other}:role/deployer"
    targets = [*lab.hosts(US), lab.settings(US, "other", account_id=other, role_arn=role)]
    done = lab.run(targets, check=True)
    assert (done.errors, asked(done)) == ({}, one)


def test_the_option_skips_the_test(lab):
    assert asked(lab.run(lab.hosts(EU, US, test_event_patterns=False))) == {}
    assert len(lab.carried()) == 2


@pytest.mark.parametrize("check", [True, False])
def test_a_pattern_that_eventbridge_evaluates_differently_is_refused(lab, worse_matcher, check):
    targets = [*lab.hosts(US, suppressions=SUPPRESSIONS), *lab.hosts(EU, deduplicate_global=[])]
    done = lab.run(targets, check=check)
    assert list(done.problems) == [US]
    (problem,) = done.problems[US]
    assert "does not evaluate the rule securityhub-slack-findings as the policy says" in problem
    assert "does not match an event that must be sent" in problem
    assert "securityhub_slack_test_event_patterns" in problem
    pattern, event, policy = (
        json.JSONDecoder().raw_decode(problem.partition(f"{name}: ")[2])[0]
        for name in ("Event pattern", "Event", "Policy")
    )
    assert not lab.client("events", US).test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))[
        "Result"
    ]
    assert [item["control_ids"] for item in policy["suppressions"]] == [["EC2.2"], ["S3.8"]]
    assert lab.stack(US) is None
    assert (lab.stack(EU) is None) is check


def test_a_pattern_that_matches_too_much_is_refused_with_the_field(lab):
    lab.emulator.ask("POST", "switches", {"test_event_pattern": "always"})
    done = lab.run(lab.hosts(US))
    of_findings, of_action = done.problems[US]
    for problem in (of_findings, of_action):
        assert "matches an event that must not be sent, because of its field source" in problem
    assert "the rule securityhub-slack-action as it should" in of_action
    assert f"Custom action: arn:aws:securityhub:{US}:123456789012:action/custom/SendToSlack" in of_action
    assert done.writes == []


def test_a_deployed_rule_is_not_changed_to_a_pattern_that_fails_the_test(lab, worse_matcher):
    assert lab.run(lab.hosts(US)).errors == {}
    before = lab.client("events", US).list_rules()["Rules"]
    assert list(lab.run(lab.hosts(US, suppressions=SUPPRESSIONS)).problems) == [US]
    assert lab.client("events", US).list_rules()["Rules"] == before
    assert lab.run(lab.hosts(US, suppressions=SUPPRESSIONS, test_event_patterns=False)).errors == {}


def test_a_repair_that_restores_a_pattern_tests_it(lab):
    lab.run(lab.hosts(US))
    healthy = lab.run(lab.hosts(US, repair_drift=True))
    assert asked(healthy) == {}
    lab.client("events", US).put_rule(Name="securityhub-slack-findings", EventPattern='{"source": ["aws.ec2"]}')
    repaired = lab.run(lab.hosts(US, repair_drift=True))
    assert (repaired.errors, repaired.calls["PutRule"]) == ({}, 1)
    assert asked(repaired)[US] == 7


def test_a_repaired_rule_of_the_custom_action_is_tested_too(lab):
    lab.run(lab.hosts(US))
    events = lab.client("events", US)
    before = events.describe_rule(Name="securityhub-slack-action")["EventPattern"]
    events.put_rule(Name="securityhub-slack-action", EventPattern=before.replace("SendToSlack", "Another"))
    repaired = lab.run(lab.hosts(US, repair_drift=True))
    assert (repaired.errors, repaired.calls["PutRule"], asked(repaired)[US]) == ({}, 1, 4)
    assert events.describe_rule(Name="securityhub-slack-action")["EventPattern"] == before


def test_the_rules_for_both_kinds_of_custom_messages_are_tested(lab):
    done = lab.run(lab.hosts(US, message_format="custom"))
    assert done.errors == {}
    assert asked(done)[US] > 30
    lab.emulator.ask("POST", "switches", {"test_event_pattern": "always"})
    refused = lab.run(lab.hosts(US, message_format="custom", minimum_severity="LOW", name="other"))
    assert len([problem for problem in refused.problems[US] if "other-action" in problem]) == 2


@pytest.mark.parametrize("fault", ["denied", "unavailable"])
def test_without_an_answer_one_notice_says_so_and_the_rules_are_deployed(lab, fault):
    if fault == "denied":
        lab.emulator.faults({"denied": 1, "operations": [ASKED]})
    else:
        lab.emulator.faults({"unavailable": 1, "operations": [ASKED]})
    done = lab.run(lab.hosts(EU, US, AP))
    assert done.errors == {}
    (notice,) = [item for item in done.notices if "event patterns" in item]
    assert notice.startswith("not checked: whether EventBridge evaluates the event patterns as intended")
    assert ASKED in notice
    if fault == "denied":
        # One event for each rule: the others would be denied too.
        assert asked(done) == {EU: 2, US: 2, AP: 2}
    assert len(lab.carried()) == 3
