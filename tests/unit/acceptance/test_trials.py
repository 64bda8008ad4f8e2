# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each trial reports what the emulator does, whichever answer its switch has."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.tests.acceptance import trials
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.event_trials import SCOPED_READS as READS
from ansible_collections.secops.securityhub.tests.acceptance.masking import Mask
from ansible_collections.secops.securityhub.tests.acceptance.scratch import document
from ansible_collections.secops.securityhub.tests.acceptance.scratch import statement
from ansible_collections.secops.securityhub.tests.acceptance.settings import Settings
from ansible_collections.secops.securityhub.tests.acceptance.trial import NotTested
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial
from ansible_collections.secops.securityhub.tests.acceptance.trials import HELD
from ansible_collections.secops.securityhub.tests.acceptance.trials import NOT_HELD
from ansible_collections.secops.securityhub.tests.acceptance.trials import NOT_TESTED
from ansible_collections.secops.securityhub.tests.acceptance.trials import TRIALS

from .conftest import ACCOUNT
from .conftest import CHANNEL
from .conftest import KEY
from .conftest import PREFIX
from .conftest import REGIONS
from .conftest import TEAM
from .conftest import UNLISTED

ROWS = {row["switch"]: row for row in trials.assumptions()}


@pytest.fixture
def trial(command):
    """Return a trial in an account with a key and a channel configuration of the run."""
    command.key()
    topic = command.client("sns").create_topic(Name=PREFIX)["TopicArn"]
    command.configuration(PREFIX, CHANNEL, SnsTopicArns=[topic])
    settings = Settings(
        account_id=ACCOUNT,
        workspace_id=TEAM,
        channel_id=CHANNEL,
        regions=REGIONS,
        prefix=PREFIX,
        kms_key=KEY,
        unlisted_region=UNLISTED,
    )

    def look(_question):
        return bool(command.emulator.inbox(CHANNEL)[-1]["labeled_links"])

    return Trial(Account(settings, Mask(ACCOUNT, PREFIX, {})), 2, look)


def answers_of(row):
    """Return the answers of a switch that a trial can tell from each other."""
    if row["switch"] == "chatbot_role_delay":
        return [0, 2]
    if row["switch"] == "chatbot_topic_limit":
        return [0, 100]
    if row["switch"] in ("chatbot_subscription_delay", "eventbridge_rule_delay"):
        return [0, 1]
    return list(row.get("answers") or [row["default"], row["strict"]])


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name in TRIALS for answer in answers_of(ROWS[name])], ids=str
)
def test_the_answer_is_that_of_the_switch(command, trial, name, answer):
    before = command.names()
    command.switches(**{name: answer})
    # The emulator does not know what the policies of a role allow.
    scoped = document(*(statement(action, f"arn:aws:sns:{REGIONS[0]}:{ACCOUNT}:{PREFIX}-scoped") for action in READS))
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/{PREFIX}-scoped/*"
    command.emulator.ask("POST", "callers", {caller: [json.loads(scoped)]})
    found = TRIALS[name](trial)
    if name == "chatbot_role_message":
        assert found.aws == answer.format(role=f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-distrustful")
    elif name == "eventbridge_rule_delay":
        assert found.aws in ((0,) if answer == 0 else (1, 2))
    elif name == "chatbot_role_delay":
        assert found.aws in ((0,) if answer == 0 else (1, 2, 3, 4))
        assert found.held is bool(answer)
    else:
        assert found.aws == answer
    assert found.evidence
    assert command.names() == before, "a trial deletes what it creates"


@pytest.mark.parametrize(("answer", "result"), [("error", HELD), ("empty", NOT_HELD)])
def test_an_assumption_holds_if_aws_answers_as_the_strict_emulator(command, trial, monkeypatch, answer, result):
    monkeypatch.setattr(trials, "TRIALS", {"chatbot_unknown_arn": TRIALS["chatbot_unknown_arn"]})
    command.switches(chatbot_unknown_arn=answer)
    (found,) = trials.settle(trial, lambda _line: None)
    assert (found.row["switch"], found.result, found.aws) == ("chatbot_unknown_arn", result, answer)


def test_what_cannot_be_asked_is_not_tested(command, trial):
    command.emulator.faults({"denied": 1})
    said = []
    found = list(trials.settle(trial, said.append))
    assert {item.row["switch"] for item in found} == set(TRIALS)
    tested = {item.row["switch"]: item.aws for item in found if item.result != NOT_TESTED}
    assert tested == {"security_hub_v2": "denied"}
    assert len(said) == len(TRIALS)


def test_without_a_person_nothing_is_said_about_what_only_eyes_see(trial):
    trial.ask = lambda _question: None
    with pytest.raises(NotTested, match="nobody was asked"):
        TRIALS["chatbot_event_texts"](trial)


def test_each_trial_belongs_to_an_assumption_and_the_others_say_why_there_is_none():
    assert set(TRIALS) <= set(ROWS)
    without = {name for name, row in ROWS.items() if row["acceptance"].startswith("None")}
    assert without == set(ROWS) - set(TRIALS)
    assert {found.row["switch"] for found in trials.untested()} == without
