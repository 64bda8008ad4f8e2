# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded answers identify nobody, and the emulator's answers have the same shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.acceptance import leftovers
from ansible_collections.secops.securityhub.tests.acceptance import recording
from ansible_collections.secops.securityhub.tests.acceptance import trials
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.masking import Mask
from ansible_collections.secops.securityhub.tests.acceptance.recording import Recorder
from ansible_collections.secops.securityhub.tests.acceptance.settings import Settings
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial

from .conftest import ACCOUNT
from .conftest import CHANNEL
from .conftest import OTHER_CHANNEL
from .conftest import PREFIX
from .conftest import REGIONS
from .conftest import TEAM

# What AWS has answered on a real account (tests/run/acceptance --record); none yet.
RECORDED = Path(__file__).resolve().parents[2] / "emulator" / "recorded"
SECRETS = (ACCOUNT, TEAM, CHANNEL, OTHER_CHANNEL, "acme", "theirs")


@pytest.fixture
def recorder(command):
    """Return a recorder of all answers that a run asks the emulator for."""
    topic = command.client("sns").create_topic(Name=PREFIX)["TopicArn"]
    command.configuration(PREFIX, CHANNEL, SnsTopicArns=[topic])
    mask = Mask(ACCOUNT, PREFIX, {TEAM: "T0000000000", CHANNEL: "C0000000000"})
    found = Recorder(mask)
    settings = Settings(account_id=ACCOUNT, workspace_id=TEAM, channel_id=CHANNEL, regions=REGIONS, prefix=PREFIX)
    account = Account(settings, mask, found)
    leftovers.find(account)
    list(trials.settle(Trial(account, 1, lambda _question: None), lambda _line: None))
    return found


def test_recorded_answers_identify_nobody_and_keep_their_shape(command, recorder):
    folder = command.folder / "recorded"
    recorder.write(folder)
    names = {path.stem for path in folder.glob("*.json")}
    assert "chatbot.DescribeSlackChannelConfigurations" in names
    assert "chatbot.DescribeSlackChannelConfigurations.InvalidRequestException" in names
    for path in folder.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert [secret for secret in SECRETS if secret in text] == [], path.name
    configurations = json.loads((folder / "chatbot.DescribeSlackChannelConfigurations.json").read_text())
    shown = {item["ConfigurationName"] for item in configurations["answer"]["SlackChannelConfigurations"]}
    assert shown == {PREFIX, "masked"}
    live = command.client("chatbot", "us-east-2").describe_slack_channel_configurations()
    assert recording.differences(configurations["answer"], live) == []


def test_the_emulator_answers_in_the_shape_of_recorded_answers(command, recorder):
    assert recording.compared(RECORDED, recorder.answers) == {}
    folder = command.folder / "recorded"
    recorder.write(folder)
    assert recording.compared(folder, recorder.answers) == {}
    path = folder / "sns.ListTopics.json"
    answer = json.loads(path.read_text())
    answer["answer"]["Topics"][0] = {"TopicArn": 1, "Owner": "masked"}
    path.write_text(json.dumps(answer))
    (folder / "sns.ListTopics.Throttled.json").write_text(json.dumps({"answer": {}}))
    assert recording.compared(folder, recorder.answers) == {
        "sns.ListTopics": ["Topics.0.Owner: missing", "Topics.0.TopicArn: int, not str"],
        "sns.ListTopics.Throttled": ["no such answer"],
    }


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("account 444455556666", "account 123456789012"),
        ("arn:aws:iam::444455556666:role/alice", "arn:aws:iam::123456789012:role/masked"),
        ("arn:aws:sns:us-east-1:444455556666:accepting-x", "arn:aws:sns:us-east-1:123456789012:accepting-x"),
        ("account 999988887777", "account 210987654321"),
        ("T0ABCDEFG12/C0ABCDEFG12", "T0000000000/C0000000000"),
        ("key AKIAABCDEFGHIJKLMNOP", "key masked"),
        ("1795894994.123456 s, 12345678901234567890", "1795894994.123456 s, 12345678901234567890"),
    ],
)
def test_texts_are_masked(text, masked):
    assert Mask(ACCOUNT, PREFIX, {TEAM: "T0000000000", CHANNEL: "C0000000000"}).text(text) == masked
