# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels in Microsoft Teams, alone and beside Slack, from the deployment to the removal, as people run it."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

TEAMS = account_model.TEAMS
TEAM = {"TeamId": TEAMS["team_id"], "TenantId": TEAMS["tenant_id"], "TeamName": "security"}
IDS = {"ChannelId": TEAMS["channel_id"], "TeamId": TEAMS["team_id"], "TenantId": TEAMS["tenant_id"]}
ONCALL = {"name": "oncall", "channel_id": "C0NCALL0001", "severities": ["CRITICAL"]}
OTHERS = {"name": "findings", "channel_id": TEAMS["channel_id"], "severities": ["HIGH"]}
OF_TEAM = {name: TEAMS[name] for name in ("team_id", "tenant_id")}
CRITICAL = findings.FINDINGS["ec2-19-critical-eu-west-1"]
HIGH = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]
ROLE = f"arn:aws:iam::{findings.ADMINISTRATOR}:role/theirs"


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization with an authorized workspace and an authorized team."""
    findings.set_up(emulator, teams=[TEAM], hubs=["eu-west-1", "us-east-1"])
    return findings.Playbooks(tmp_path, emulator.url)


def configurations(emulator):
    """Return the account's configurations, by the ID of their channel."""
    chatbot = emulator.client("chatbot", "us-east-2")
    slack = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    teams = chatbot.list_microsoft_teams_channel_configurations()["TeamChannelConfigurations"]
    return {item.get("SlackChannelId") or item["ChannelId"]: item for item in (*slack, *teams)}


def words(outcome):
    return " ".join(outcome.output.split())


def test_slack_and_teams_in_one_run_from_the_deployment_to_the_removal(emulator, playbooks):
    variables = {"message_format": "custom", "buttons": True, **OF_TEAM}
    playbooks.inventory({"eu-west-1": {}, "us-east-1": {}}, channels=[ONCALL, OTHERS], **variables)
    deployed = playbooks.ok("securityhub_slack", "securityhub_slack_result")
    assert f"2 topics to Microsoft Teams channel {TEAMS['channel_id']} (securityhub-slack-findings)" in words(deployed)
    assert "if Slack channel C0NCALL0001 is private, type /invite @Amazon Q in it. Then check that the team of" in (
        words(deployed)
    )
    assert "has the app Amazon Q Developer. Then send a test finding" in words(deployed)
    in_slack, in_teams = deployed.result["accounts"][0]["channels"]
    assert (in_slack["platform"], in_slack["workspace_id"]) == ("Slack", findings.WORKSPACE)
    assert (in_teams["platform"], in_teams["team_id"]) == ("Microsoft Teams", TEAMS["team_id"])
    found = configurations(emulator)
    assert {name: found[TEAMS["channel_id"]][name] for name in IDS} == IDS
    assert found[TEAMS["channel_id"]]["IamRoleArn"] == found["C0NCALL0001"]["IamRoleArn"]

    findings.bring(emulator, CRITICAL, HIGH)
    of_slack, of_teams = sorted(emulator.inbox(), key=lambda message: message["severity"])
    assert (of_slack["channel"], of_slack["finding_id"]) == ("C0NCALL0001", CRITICAL["Id"])
    assert (of_teams["channel"], of_teams["finding_id"]) == (TEAMS["channel_id"], HIGH["Id"])
    assert of_teams["buttons"] == ["Notified", "Suppress", "Resolve"]
    assert emulator.press(of_teams, "Notified")["status"] == 200

    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    assert emulator.writes() == []

    canary = playbooks.ok("securityhub_slack_canary", "securityhub_slack_canary")
    assert {item["platform"]: item["state"] for item in canary.result["channels"]} == {
        "Slack": "delivered",
        "Microsoft Teams": "delivered",
    }
    assert f"Microsoft Teams channel {TEAMS['channel_id']} (securityhub-slack-findings): Amazon Q posted 2" in (
        words(canary)
    )
    digest = playbooks.ok("securityhub_slack_digest", "securityhub_slack_digest")
    assert [item["channel_id"] for item in digest.result["digests"]] == ["C0NCALL0001", TEAMS["channel_id"]]
    assert f"Sent to Microsoft Teams channel {TEAMS['channel_id']} through" in words(digest)

    html = {"doctor_html": ""}
    assert "2 targets: 2 in order." in words(playbooks.ok("securityhub_slack_doctor", **html))
    emulator.world({findings.ADMINISTRATOR: {"teams": []}})
    broken = playbooks.run("securityhub_slack_doctor", **html)
    assert broken.code == 2
    assert f"The Microsoft Teams team {TEAMS['team_id']} is not authorized in this account" in words(broken)
    assert "choose Microsoft Teams, Configure client" in words(broken)

    playbooks.inventory({"eu-west-1": {}, "us-east-1": {}}, channels=[ONCALL], **variables)
    playbooks.ok("securityhub_slack", "", "--limit", "us-east-1")
    assert [arn.split(":")[3] for arn in configurations(emulator)[TEAMS["channel_id"]]["SnsTopicArns"]] == ["eu-west-1"]
    playbooks.ok("securityhub_slack")
    assert list(configurations(emulator)) == ["C0NCALL0001"]
    playbooks.ok("securityhub_slack", state="absent")
    assert configurations(emulator) == {}


def test_a_channel_in_teams_with_a_configuration_of_others_gets_topics_only_and_loses_them_again(emulator, playbooks):
    emulator.client("iam").create_role(
        RoleName="theirs",
        AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": '
        '{"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}]}',
    )
    theirs = emulator.client("sns", "us-east-1").create_topic(Name="theirs")["TopicArn"]
    emulator.client("chatbot", "us-east-2").create_microsoft_teams_channel_configuration(
        **IDS, ConfigurationName="alerts", IamRoleArn=ROLE, SnsTopicArns=[theirs]
    )
    before = configurations(emulator)
    playbooks.inventory({"eu-west-1": {}}, **{**TEAMS, "workspace_id": ""})
    deployed = playbooks.ok("securityhub_slack")
    assert "the Microsoft Teams channel has the configuration alerts already" in words(deployed)
    (adopted,) = configurations(emulator).values()
    assert len(adopted["SnsTopicArns"]) == 2
    assert {**adopted, "SnsTopicArns": [theirs]} == before[TEAMS["channel_id"]]
    findings.bring(emulator, CRITICAL)
    assert [message["channel"] for message in emulator.inbox()] == [TEAMS["channel_id"]]
    playbooks.ok("securityhub_slack", state="absent")
    assert configurations(emulator) == before


def test_a_team_that_is_not_authorized_blocks_before_anything_is_written(emulator, playbooks):
    emulator.world({findings.ADMINISTRATOR: {"teams": []}})
    playbooks.inventory({"eu-west-1": {}}, channels=[ONCALL, OTHERS], **OF_TEAM)
    refused = playbooks.run("securityhub_slack")
    assert refused.code == 2
    assert f"Microsoft Teams team {TEAMS['team_id']} is not authorized in this AWS account" in words(refused)
    assert "choose Microsoft Teams, Configure client" in words(refused)
    assert emulator.writes() == []
