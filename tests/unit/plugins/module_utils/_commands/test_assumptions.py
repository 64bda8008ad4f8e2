# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs survive each answer of AWS to each assumption (tests/emulator/assumptions.yml)."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._canary import listeners
from ansible_collections.secops.securityhub.plugins.module_utils._canary import sending
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._commands import canary
from ansible_collections.secops.securityhub.plugins.module_utils._commands import deploy
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE

TESTS = Path(__file__).resolve().parents[4]
POLICIES = TESTS.parent / "roles" / "securityhub_slack" / "files" / "iam"
ROWS = yaml.safe_load((TESTS / "emulator" / "assumptions.yml").read_text(encoding="utf-8"))
SAMPLE = (TESTS / "findings" / "ec2-19-critical-eu-west-1.json").read_text(encoding="utf-8")
FINDING = json.loads(SAMPLE.replace("222222222222", deployed.ACCOUNT))
SUBSCRIPTION_ACTIONS = ("Subscribe", "Unsubscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes")
# Numbers that are smaller than the strict ones, so that the tests end soon.
SOON = {"chatbot_role_delay": 2, "chatbot_topic_limit": 1, "chatbot_subscription_delay": 1}
RESOLVED = {"mark_notified": True, "message_format": "custom", "report_resolved": True}
# Variables with which the answer matters.
VARIABLES = {
    "chatbot_button_values": {"message_format": "custom", "buttons": True},
    "chatbot_encrypted_topics": {"kms_key": "create"},
    "chatbot_read_lag": {"message_format": "custom", "buttons": True},
    "cloudformation_express": {"deployment_mode": "express"},
    "cloudformation_pending_subscriptions": {"receivers": [{"name": "mail", "email": ["security@example.com"]}]},
    "security_hub_customer_fields": RESOLVED,
    "security_hub_user_defined_fields": RESOLVED,
    "security_hub_passed_events": RESOLVED,
    "step_functions_security_hub_v2": {**RESOLVED, "digest_schedule": "cron(0 8 ? * MON *)"},
}
EVERYTHING = {name: value for variables in VARIABLES.values() for name, value in variables.items()}
# Not for all answers together, because a test finding cannot be imported into the new Security Hub.
VARIABLES["step_functions_security_hub_v2"]["finding_format"] = "ocsf"
# Answers under which no run can succeed, with what it says then; nothing may be reported as delivered.
FAILURES = {
    ("eventbridge_context", "none"): "no unchanged event arrived at the topic securityhub-slack",
    ("chatbot_topic_limit", 1): "at most 1 SNS topic",
    ("test_event_pattern", "always"): "matches an event that must not be sent",
    ("step_functions_security_hub_v2", "unknown"): "V2 of the new Security Hub yet",
}


@pytest.fixture(autouse=True)
def two_regions(monkeypatch):
    deployed.use_two_regions(monkeypatch)


def answers():
    """Return each answer of each switch, for numbers and texts the strict value, and once all defaults."""
    first = ROWS[0]
    yield pytest.param(first["switch"], first["default"], id="defaults")
    for row in ROWS:
        name = row["switch"]
        for answer in row.get("answers") or [SOON.get(name, row["strict"])]:
            # With the same variables, the default of each switch is the same deployment.
            if answer != row["default"] or name in VARIABLES:
                yield pytest.param(name, answer, id=f"{name}-{answer}")


def run(fleet, **variables):
    context = fleet.context(**variables)
    return deploy.run(replace(context, now=datetime.datetime.now(datetime.timezone.utc))).result


@pytest.mark.parametrize(("name", "answer"), list(answers()))
def test_a_deployment_is_proved_kept_and_removed_or_says_why_not(emulator, monkeypatch, name, answer):
    deployed.remove_pauses_of_canaries(monkeypatch)
    monkeypatch.setattr(listeners, "SUBSCRIPTION_SECONDS", 5)
    monkeypatch.setattr(sending, "SECONDS_UNTIL_REPEAT", 2)
    if name == "eventbridge_rule_delay":
        monkeypatch.setattr(canary, "DEFAULT_TIMEOUT", 10)
    fleet = deployed.deploy(emulator, monkeypatch, run=False, **VARIABLES.get(name, {}))
    # Chatbot needs time where that is the assumption.
    monkeypatch.setattr(
        configuration, "SETTLE_SECONDS", 0.2 if name in ("chatbot_role_delay", "request_quotas") else 0.01
    )
    emulator.ask("POST", "switches", {name: answer})
    found = run(fleet, verify=True)
    reason = FAILURES.get((name, answer), "")
    messages = " ".join(target["msg"] for target in found["targets"].values() if target["failed"])
    assert (reason in messages) if reason else not messages
    shown = emulator.inbox()
    channels = found.get("canary", {}).get("channels", [])
    assert [item["state"] == "delivered" for item in channels] == [len(shown) == len(deployed.REGIONS)] * len(channels)
    if not reason:
        assert run(fleet)["changed"] is False
    if "buttons" in VARIABLES.get(name, {}):
        fleet.client("securityhub").batch_import_findings(Findings=[FINDING])
        message = emulator.inbox()[-1]
        assert [emulator.press(message, button)["status"] for button in message["buttons"]] == [200] * 3
    assert run(fleet, state="absent")["summary"]["failed"] == 0
    emulator.ask("POST", "switches", {row["switch"]: row["default"] for row in ROWS})
    assert set(fleet.traces()) <= {FINDING["Id"]}
    for region in deployed.REGIONS:
        assert fleet.client("cloudformation", region).describe_stacks()["Stacks"] == []


def test_a_deployment_is_proved_kept_and_removed_under_all_strict_answers_together(emulator, monkeypatch):
    deployed.remove_pauses_of_canaries(monkeypatch)
    monkeypatch.setattr(listeners, "SUBSCRIPTION_SECONDS", 5)
    monkeypatch.setattr(sending, "SECONDS_UNTIL_REPEAT", 2)
    monkeypatch.setattr(canary, "DEFAULT_TIMEOUT", 15)
    fleet = deployed.deploy(emulator, monkeypatch, run=False, **EVERYTHING)
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.2)
    strict = {row["switch"]: SOON.get(row["switch"], row["strict"]) for row in ROWS}
    emulator.ask("POST", "switches", {**strict, "chatbot_topic_limit": 100})
    found = run(fleet, verify=True)
    assert [target["msg"] for target in found["targets"].values() if target["failed"]] == []
    assert [item["state"] for item in found["canary"]["channels"]] == ["delivered"]
    assert len(emulator.inbox()) == len(deployed.REGIONS)
    assert run(fleet)["changed"] is False
    assert run(fleet, state="absent")["summary"]["failed"] == 0
    emulator.ask("POST", "switches", {row["switch"]: row["default"] for row in ROWS})
    assert fleet.traces() == []


def test_each_answer_that_fails_is_one_of_the_table():
    given = {(param.values[0], param.values[1]) for param in answers()}
    assert set(FAILURES) <= given
    assert set(VARIABLES) | set(SOON) <= {row["switch"] for row in ROWS}


def test_a_run_says_what_to_turn_off_where_step_functions_does_not_know_the_new_hub(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, run=False, finding_format="ocsf")
    emulator.ask("POST", "switches", {"step_functions_security_hub_v2": "unknown"})
    weekly = {"digest_schedule": "cron(0 8 ? * MON *)"}
    unmarked = "securityhub_slack_mark_notified to false and securityhub_slack_report_resolved to false"
    unsent = "securityhub_slack_digest_schedule to ''"
    for given, status, off in (
        ({**RESOLVED, **weekly}, "ROLLBACK_COMPLETE", f"{unmarked} and {unsent}"),
        (RESOLVED, "UPDATE_ROLLBACK_COMPLETE", unmarked),
        (weekly, "UPDATE_ROLLBACK_COMPLETE", unsent),
    ):
        failed = run(fleet, **given)["targets"][HERE]["msg"]
        assert f"ended in {status}: Step Functions in {HERE} does not know the call " in failed
        assert f"V2 of the new Security Hub yet, so set {off} there until it does. Fix that, then rerun" in failed
        assert run(fleet)["summary"]["failed"] == 0
        assert run(fleet)["changed"] is False
    assert run(fleet, state="absent")["summary"]["failed"] == 0
    assert fleet.traces() == []


@pytest.mark.parametrize("answer", ["topic", "any"])
def test_the_shipped_policies_suffice_or_a_denied_repair_is_explained(emulator, monkeypatch, answer):
    deployed.remove_pauses_of_canaries(monkeypatch)
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    emulator.ask("POST", "switches", {"sns_subscription_resource": answer})
    policies = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(POLICIES.glob("*.json"))]
    shipped = {deployed.ACCOUNT: policies}
    emulator.ask("POST", "callers", shipped)
    proved = run(fleet, verify=True)
    assert proved["canary"]["healthy"], proved["canary"]
    used = set(emulator.ask("GET", "callers")["used"])
    emulator.ask("POST", "callers", {})
    breakages.subscription_attribute("RawMessageDelivery", "true")(fleet)
    emulator.ask("POST", "callers", shipped)
    repaired = run(fleet, repair_drift=True)["targets"][HERE]
    # deploy.json does not let its users change the subscriptions of all topics for an answer that is unlikely.
    assert ("may not call SetSubscriptionAttributes" in repaired["msg"]) is (answer == "any")
    assert run(fleet, state="absent")["summary"]["failed"] == 0
    used |= set(emulator.ask("GET", "callers")["used"])
    assert used >= {f"sns:{name}" for name in SUBSCRIPTION_ACTIONS[: 4 if answer == "topic" else 3]}
