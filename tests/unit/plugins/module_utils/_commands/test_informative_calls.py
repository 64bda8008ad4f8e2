# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that only inform: whatever AWS answers, no target fails, and what is not known is said once."""

from __future__ import annotations

import json
from types import SimpleNamespace

import botocore.endpoint
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._commands import doctor
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit import deployed

EU, US = "eu-west-1", "us-east-1"
# Each call of a first run without which it can go on, and what is then said once; nothing is said about the account's
# place in its organization, which AWS tells two accounts only.
CALLS = {
    "DescribeHub": "whether consolidated control findings are on is unknown",
    "GetAdministratorAccount": "whether the account is a member of an administrator account is unknown",
    "DescribeSecurityHubV2": "whether the new Security Hub is enabled is unknown",
    "ListOrganizationAdminAccounts": "",
    "DescribeOrganizationConfiguration": "",
    "DescribeEffectivePolicy": "not checked: ",
    "ListRoles": "not checked: ",
    "GetAccountSummary": "not checked: ",
    "ListRules": "not checked: ",
    "GetTopicAttributes": "not checked: ",
    "TestEventPattern": "not checked: ",
}
ANSWERS = ["denied", "throttle", "errors", "garbage", "unauthorized"]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """Let botocore try again immediately."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None))


@pytest.mark.parametrize("operation", CALLS)
def test_no_answer_to_a_call_that_only_informs_fails_a_run(lab, operation):
    for answer in ANSWERS:
        lab.emulator.faults({answer: 1, "operations": [operation]})
        done = lab.run(lab.hosts(EU, US), check=answer != ANSWERS[-1])
        assert done.errors == {}, answer
        assert done.calls[operation] > 0
        unknown = [notice for notice in done.notices if notice.startswith("not checked: ") or " is unknown" in notice]
        assert [notice.startswith(CALLS[operation]) for notice in unknown] == [True] * bool(CALLS[operation]), answer
    assert done.writes
    assert lab.run(lab.hosts(EU, US)).writes == []


def test_no_answer_about_a_quota_fails_a_run(lab):
    for number in range(100):
        lab.client("events", US).put_rule(Name=f"rule{number}", EventPattern=json.dumps({"source": ["aws.ec2"]}))
    for answer in ANSWERS:
        lab.emulator.faults({answer: 1, "operations": ["GetServiceQuota"]})
        done = lab.run(lab.hosts(US), check=answer != ANSWERS[-1])
        assert done.errors == {}, answer
        assert done.calls["GetServiceQuota"] > 0


@pytest.mark.parametrize("operation", ["ListNotificationConfigurations", "ListRuleNamesByTarget"])
def test_no_answer_about_other_senders_fails_a_run(lab, operation):
    role = lab.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    topic = lab.client("sns", US).create_topic(Name="theirs")["TopicArn"]
    lab.client("chatbot", "us-east-2").create_slack_channel_configuration(
        ConfigurationName="theirs",
        SlackTeamId=account_model.WORKSPACE,
        SlackChannelId=account_model.CHANNEL,
        IamRoleArn=role,
        SnsTopicArns=[topic],
    )
    for answer in ANSWERS:
        lab.emulator.faults({answer: 1, "operations": [operation]})
        done = lab.run(lab.hosts(US), check=answer != ANSWERS[-1])
        assert done.errors == {}, answer
        assert len([notice for notice in done.notices if notice.startswith("it is not known wh")]) == 1, answer
    assert lab.run(lab.hosts(US)).writes == []


@pytest.mark.parametrize(
    ("operation", "state", "said"),
    [
        ("GetMetricData", "unknown", "It is not known what was delivered recently"),
        ("ListNotificationConfigurations", "ok", "it is not known whether AWS User Notifications send findings"),
    ],
)
def test_no_answer_to_a_call_that_only_informs_is_broken_to_the_doctor(emulator, monkeypatch, operation, state, said):
    fleet = deployed.deploy(emulator, monkeypatch)
    for answer in ANSWERS:
        emulator.faults({answer: 1, "operations": [operation]})
        found = doctor.run(fleet.context(options={"html": None, "json": None, "hours": 24})).result
        assert {name: count for name, count in found["summary"].items() if count} == {"targets": 3, state: 3}, answer
        assert json.dumps([found["findings"], found["accounts"]]).count(said) == 1, answer
