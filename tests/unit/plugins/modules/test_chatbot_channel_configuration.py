# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel configurations of Chatbot for Slack and for Teams, end to end."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration

SLACK = "chatbot_slack_channel_configuration"
TEAMS = "chatbot_teams_channel_configuration"
KEY = "channel_configuration"
ROLE = "arn:aws:iam::111111111111:role/securityhub-slack-channel"
GUARDRAIL = "arn:aws:iam::111111111111:policy/securityhub-slack-channel-guardrail"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TEAM = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
TENANT = "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "chatbot.amazonaws.com"}}],
}
ARN = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/securityhub-slack"
PLACE = {"configuration_name": "securityhub-slack", "slack_team_id": "T0000TEAM", "slack_channel_id": "C0000CHAN"}
OPTIONS = {**PLACE, "iam_role_arn": ROLE}
TEAMS_OPTIONS = {
    "configuration_name": "securityhub-teams",
    "team_id": TEAM,
    "tenant_id": TENANT,
    "channel_id": "19%3aabcdef0123456789%40thread.tacv2",
    "iam_role_arn": ROLE,
}


def topic(name, region="us-east-1"):
    return f"arn:aws:sns:{region}:111111111111:{name}"


@pytest.fixture
def chatbot(emulator, modules):
    """Return a Chatbot client in an account with a workspace, a team, the channel role and a few topics."""
    emulator.world(
        {
            "111111111111": {
                "workspaces": [{"SlackTeamId": "T0000TEAM", "SlackTeamName": "example"}],
                "teams": [{"TeamId": TEAM, "TenantId": TENANT}],
            }
        }
    )
    for name in ("securityhub-slack-channel", "securityhub-slack-channel-2"):
        emulator.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    for region in ("us-east-1", "ap-northeast-1"):
        for name in ("own", "foreign"):
            emulator.client("sns", region).create_topic(Name=name)
    return emulator.client("chatbot", "us-east-2")


def foreign_configuration(chatbot, name="alerts", channel="C0000CHAN", topics=()):
    chatbot.create_slack_channel_configuration(
        ConfigurationName=name,
        SlackTeamId="T0000TEAM",
        SlackChannelId=channel,
        IamRoleArn=ROLE,
        SnsTopicArns=list(topics),
    )


def only(chatbot):
    (found,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    return found


class TestSlackPresent:
    def test_creates_with_every_option(self, modules, chatbot):
        result = modules.changes_once(
            SLACK,
            KEY,
            **OPTIONS,
            slack_channel_name="sec-findings",
            sns_topic_arns=[topic("own"), topic("own", "ap-northeast-1")],
            guardrail_policy_arns=[GUARDRAIL],
            logging_level="ERROR",
            user_authorization_required=True,
            tags={"CostCenter": "1"},
        )
        assert result[KEY] == {
            "chat_configuration_arn": ARN,
            "configuration_name": "securityhub-slack",
            "guardrail_policy_arns": [GUARDRAIL],
            "iam_role_arn": ROLE,
            "logging_level": "ERROR",
            "slack_channel_id": "C0000CHAN",
            "slack_channel_name": "sec-findings",
            "slack_team_id": "T0000TEAM",
            "slack_team_name": "example",
            "sns_topic_arns": [topic("own", "ap-northeast-1"), topic("own")],
            "state": "ENABLED",
            "tags": {"CostCenter": "1"},
            "user_authorization_required": True,
        }

    def test_creates_with_the_defaults_of_aws(self, modules, chatbot):
        result = modules.changes_once(SLACK, KEY, **OPTIONS)
        assert result[KEY]["guardrail_policy_arns"] == [ADMINISTRATOR]
        assert result[KEY]["logging_level"] == "NONE"

    def test_adopts_the_configuration_of_the_channel_and_keeps_foreign_topics(self, modules, chatbot):
        foreign_configuration(chatbot, topics=[topic("foreign")])
        result = modules.changes_once(SLACK, KEY, **PLACE, sns_topic_arns=[topic("own")])
        assert result[KEY]["configuration_name"] == "alerts"
        assert only(chatbot)["SnsTopicArns"] == [topic("foreign"), topic("own")]

    def test_moves_to_another_channel_in_place(self, modules, chatbot):
        foreign_configuration(chatbot, "securityhub-slack", "C0000OLD1", [topic("foreign")])
        result = modules.changes_once(SLACK, KEY, **PLACE, slack_channel_name="sec-new")
        assert result["diff"]["before"]["slack_channel_id"] == "C0000OLD1"
        assert only(chatbot)["SlackChannelId"] == "C0000CHAN"
        assert only(chatbot)["SlackChannelName"] == "sec-new"
        assert only(chatbot)["SnsTopicArns"] == [topic("foreign")]

    @pytest.mark.parametrize(
        ("options", "member", "value"),
        [
            ({"iam_role_arn": f"{ROLE}-2"}, "IamRoleArn", f"{ROLE}-2"),
            ({"logging_level": "INFO"}, "LoggingLevel", "INFO"),
            ({"user_authorization_required": True}, "UserAuthorizationRequired", True),
            ({"guardrail_policy_arns": [GUARDRAIL]}, "GuardrailPolicyArns", [GUARDRAIL]),
            ({"sns_topic_arns": [topic("own")], "purge_sns_topic_arns": True}, "SnsTopicArns", [topic("own")]),
            ({"sns_topic_arns": [], "purge_sns_topic_arns": True}, "SnsTopicArns", []),
            ({"remove_sns_topic_arns": [topic("foreign")]}, "SnsTopicArns", []),
            ({"tags": {"a": "b"}}, "Tags", [{"TagKey": "a", "TagValue": "b"}]),
        ],
    )
    def test_changes_one_setting_and_leaves_the_others(self, modules, chatbot, options, member, value):
        foreign_configuration(chatbot, "securityhub-slack", topics=[topic("foreign")])
        before = only(chatbot)
        modules.changes_once(SLACK, KEY, **{**PLACE, **options})
        assert only(chatbot) == {**before, member: value}

    def test_purging_without_topics_given_purges_nothing(self, modules, chatbot):
        foreign_configuration(chatbot, "securityhub-slack", topics=[topic("foreign")])
        modules.changes_nothing(SLACK, KEY, **PLACE, purge_sns_topic_arns=True)

    def test_tags_are_purged_by_default(self, modules, chatbot):
        modules.ok(SLACK, **OPTIONS, tags={"a": "1", "b": "2"})
        kept = modules.changes_once(SLACK, KEY, **PLACE, tags={"c": "3"}, purge_tags=False)
        assert kept[KEY]["tags"] == {"a": "1", "b": "2", "c": "3"}
        purged = modules.changes_once(SLACK, KEY, **PLACE, tags={"c": "3"})
        assert purged[KEY]["tags"] == {"c": "3"}
        modules.changes_nothing(SLACK, KEY, **PLACE)

    def test_reads_back_until_a_lagging_aws_shows_it(self, modules, chatbot, emulator):
        emulator.ask("POST", "switches", {"chatbot_read_lag": 3})
        result = modules.ok(SLACK, **OPTIONS, sns_topic_arns=[topic("own")])
        assert result["changed"] is True
        assert result[KEY]["sns_topic_arns"] == [topic("own")]
        assert modules.ok(SLACK, **OPTIONS, sns_topic_arns=[topic("own")])["changed"] is False

    def test_calls_the_endpoint_region_that_it_is_given(self, modules, chatbot, emulator):
        mark = modules.mark()
        modules.ok(SLACK, **OPTIONS, chatbot_region="eu-west-1", region="ap-northeast-1")
        assert {entry["region"] for entry in emulator.requests(mark)} == {"eu-west-1"}


class TestSlackRefusals:
    def test_a_workspace_that_is_not_authorised_gives_the_steps(self, modules, chatbot):
        message = modules.refused(SLACK, **{**OPTIONS, "slack_team_id": "T0000AAAA"})
        assert message.startswith(
            "Slack channel configuration securityhub-slack: Slack workspace T0000AAAA is not authorized"
        )
        assert "https://us-east-2.console.aws.amazon.com/chatbot/home" in message
        assert "T0000TEAM (example)" in message

    def test_a_channel_that_another_configuration_has(self, modules, chatbot):
        foreign_configuration(chatbot, "securityhub-slack", "C0000OLD1")
        foreign_configuration(chatbot, "alerts", "C0000CHAN")
        assert "already has the configuration alerts" in modules.refused(SLACK, **OPTIONS)

    def test_a_creation_without_a_role(self, modules, chatbot):
        assert "without an IAM role" in modules.refused(SLACK, **PLACE)

    def test_a_role_that_chatbot_cannot_assume(self, modules, chatbot, monkeypatch):
        monkeypatch.setattr(configuration, "ROUNDS", 2)
        result = modules.run(SLACK, **{**OPTIONS, "iam_role_arn": "arn:aws:iam::111111111111:role/none"})
        assert "not able to assume the role arn:aws:iam::111111111111:role/none" in result["msg"]
        assert result["msg"].endswith("that its trust policy allows chatbot.amazonaws.com to assume it.")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({**OPTIONS, "slack_channel_id": "#sec-findings"}, "'#sec-findings'"),
            ({**OPTIONS, "slack_team_id": "example"}, "'example'"),
            ({**OPTIONS, "sns_topic_arns": ["own"]}, "'own'"),
            ({**OPTIONS, "guardrail_policy_arns": []}, "guardrail_policy_arns is empty"),
            ({**OPTIONS, "chatbot_region": "us-east-1"}, "chatbot_region"),
            ({**OPTIONS, "logging_level": "DEBUG"}, "logging_level"),
            ({"configuration_name": "securityhub-slack"}, "missing: slack_team_id, slack_channel_id"),
            ({"configuration_name": "a b", "state": "absent"}, "configuration_name is 'a b'"),
        ],
    )
    def test_bad_input_before_any_call(self, modules, options, words):
        mark = modules.mark()
        assert words in modules.refused(SLACK, **options)
        assert modules.mark() == mark


class TestSlackAbsent:
    def test_deletes_with_all_it_holds(self, modules, chatbot):
        foreign_configuration(chatbot, "securityhub-slack", topics=[topic("foreign")])
        result = modules.changes_once(SLACK, KEY, configuration_name="securityhub-slack", state="absent")
        assert result[KEY] == {}
        assert result["diff"]["before"]["sns_topic_arns"] == [topic("foreign")]
        assert chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"] == []

    def test_leaves_an_adopted_one_with_another_name(self, modules, chatbot):
        foreign_configuration(chatbot)
        modules.changes_nothing(SLACK, KEY, **OPTIONS, state="absent")
        assert only(chatbot)["ConfigurationName"] == "alerts"


def test_a_configuration_disabled_by_the_organisation_is_reported_with_its_reason(modules, chatbot, emulator):
    foreign_configuration(chatbot)
    emulator.world({"111111111111": {"channel_policy_disabled": "Slack is denied by policy p-1"}})
    for name, options in ((SLACK, PLACE), (f"{SLACK}_info", {})):
        result = modules.ok(name, **options)
        warned = json.dumps(result["warnings"])
        assert "alerts is DISABLED and delivers nothing: Slack is denied by policy p-1." in warned
    assert result["slack_channel_configurations"][0]["state_reason"] == "Slack is denied by policy p-1"


class TestInfo:
    def test_lists_all_or_one(self, modules, chatbot):
        foreign_configuration(chatbot, "second", "C0000SECO")
        foreign_configuration(chatbot, "first", "C0000FIRS")
        listed = modules.ok(f"{SLACK}_info")["slack_channel_configurations"]
        assert [found["configuration_name"] for found in listed] == ["first", "second"]
        one = modules.ok(f"{SLACK}_info", configuration_name="second")["slack_channel_configurations"]
        assert one == listed[1:]
        assert modules.ok(f"{SLACK}_info", configuration_name="third")["slack_channel_configurations"] == []

    def test_lists_workspaces(self, modules, chatbot):
        assert modules.ok("chatbot_slack_workspace_info")["slack_workspaces"] == [
            {"slack_team_id": "T0000TEAM", "slack_team_name": "example", "state": "ENABLED"}
        ]

    def test_lists_no_workspace(self, modules):
        assert modules.ok("chatbot_slack_workspace_info")["slack_workspaces"] == []


class TestTeams:
    def test_creates_adopts_and_deletes(self, modules, chatbot):
        created = modules.changes_once(
            TEAMS, KEY, **TEAMS_OPTIONS, sns_topic_arns=[topic("foreign")], channel_name="Findings"
        )
        assert created[KEY]["tenant_id"] == TENANT
        assert created[KEY]["channel_name"] == "Findings"
        adopting = {**TEAMS_OPTIONS, "configuration_name": "other", "team_id": TEAM.upper()}
        adopted = modules.changes_once(TEAMS, KEY, **adopting, sns_topic_arns=[topic("own")])
        assert adopted[KEY]["configuration_name"] == "securityhub-teams"
        assert adopted[KEY]["sns_topic_arns"] == [topic("foreign"), topic("own")]
        (listed,) = modules.ok(f"{TEAMS}_info")["team_channel_configurations"]
        assert listed == adopted[KEY]
        modules.changes_once(TEAMS, KEY, configuration_name="securityhub-teams", state="absent")
        assert modules.ok(f"{TEAMS}_info")["team_channel_configurations"] == []

    def test_a_team_that_is_not_authorised_gives_the_steps(self, modules, chatbot):
        message = modules.refused(TEAMS, **{**TEAMS_OPTIONS, "team_id": TENANT})
        assert f"Microsoft Teams team {TENANT} is not authorized" in message
        assert TEAM in message

    def test_bad_input_before_any_call(self, modules):
        mark = modules.mark()
        message = modules.refused(TEAMS, **{**TEAMS_OPTIONS, "channel_id": "19:abc@thread.tacv2"})
        assert "of a Microsoft Teams channel" in message
        assert modules.mark() == mark
