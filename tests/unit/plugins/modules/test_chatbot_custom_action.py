# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom actions of Chatbot, end to end."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import custom_action
from ansible_collections.secops.securityhub.tests.unit.stubbed import Stubbed
from botocore.exceptions import ClientError
from botocore.stub import Stubber

MODULE = "chatbot_custom_action"
KEY = "custom_action"
ARN = "arn:aws:chatbot::111111111111:custom-action/notified"
COMMAND = "securityhub batch-update-findings --finding-identifiers $f --workflow Status=NOTIFIED --region $r"
ATTACHMENT = {
    "notification_type": "Custom",
    "button_text": "Mark as notified",
    "variables": {
        "f": "event.metadata.additionalContext.finding",
        "camelCase": "event.metadata.additionalContext.region",
    },
    "criteria": [{"variable_name": "f", "operator": "HAS_VALUE"}],
}
ROLE = "arn:aws:iam::111111111111:role/channel"


@pytest.fixture
def channels(emulator, modules):
    """Return the ARNs of two channel configurations."""
    emulator.world({"111111111111": {"workspaces": [{"SlackTeamId": "T0000TEAM", "SlackTeamName": "example"}]}})
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "chatbot.amazonaws.com"}}
    emulator.client("iam").create_role(
        RoleName="channel", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    client = emulator.client("chatbot", "us-east-2")
    return [
        client.create_slack_channel_configuration(
            ConfigurationName=name, SlackTeamId="T0000TEAM", SlackChannelId=channel, IamRoleArn=ROLE
        )["ChannelConfiguration"]["ChatConfigurationArn"]
        for name, channel in (("first", "C0000FIRS"), ("second", "C0000SECO"))
    ]


class TestPresent:
    def test_creates_with_every_option(self, modules, channels):
        result = modules.changes_once(
            MODULE,
            KEY,
            action_name="notified",
            command_text=COMMAND,
            alias_name="n",
            attachments=[ATTACHMENT],
            chat_configuration_arns=channels[:1],
            tags={"CostCenter": "1"},
        )
        assert result[KEY] == {
            "action_name": "notified",
            "alias_name": "n",
            "attachments": [ATTACHMENT],
            "chat_configuration_arns": channels[:1],
            "command_text": COMMAND,
            "custom_action_arn": ARN,
            "tags": {"CostCenter": "1"},
        }

    @pytest.mark.parametrize(
        "options",
        [
            {"command_text": "s3 ls"},
            {"alias_name": "m"},
            {"alias_name": ""},
            {"attachments": []},
            {"attachments": [{**ATTACHMENT, "button_text": "Other"}]},
            {"tags": {"b": "2"}},
        ],
    )
    def test_changes_one_setting_and_leaves_the_others(self, modules, channels, options):
        before = modules.ok(
            MODULE,
            action_name="notified",
            command_text=COMMAND,
            alias_name="n",
            attachments=[ATTACHMENT],
            chat_configuration_arns=channels[:1],
            tags={"a": "1"},
        )[KEY]
        result = modules.changes_once(MODULE, KEY, action_name="notified", **options)
        assert result[KEY] == {**before, **options}

    def test_associations_are_purged_only_if_requested(self, modules, channels):
        first, second = channels
        modules.ok(MODULE, action_name="notified", command_text="s3 ls", chat_configuration_arns=[first])
        options = {"action_name": "notified", "chat_configuration_arns": [second]}
        added = modules.changes_once(MODULE, KEY, **options)
        assert added[KEY]["chat_configuration_arns"] == channels
        purged = modules.changes_once(MODULE, KEY, **options, purge_chat_configuration_arns=True)
        assert purged[KEY]["chat_configuration_arns"] == [second]

    def test_needs_a_command_to_create(self, modules):
        message = modules.refused(MODULE, action_name="notified")
        assert message == (
            "Chatbot custom action notified: the custom action notified does not exist yet. Set command_text to "
            "create it."
        )

    def test_a_configuration_that_does_not_exist_is_refused_before_anything_is_created(self, modules, channels):
        typo = f"{channels[0]}x"
        result = modules.run(
            MODULE, action_name="notified", command_text=COMMAND, chat_configuration_arns=[channels[0], typo]
        )
        assert result["msg"] == (
            f"Chatbot custom action notified: the channel configuration {typo} does not exist. Create it first, or "
            f"correct chat_configuration_arns."
        )
        assert modules.ok(f"{MODULE}_info")["custom_actions"] == []

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"action_name": "not ified"}, "action_name is 'not ified'"),
            ({"action_name": "notified", "chat_configuration_arns": ["first"]}, "chat_configuration_arns has 'first'"),
            ({"action_name": "notified", "attachments": [{"criteria": [{"variable_name": "f"}]}]}, "operator"),
        ],
    )
    def test_bad_input_is_refused_before_any_call(self, modules, options, words):
        mark = modules.mark()
        assert words in modules.refused(MODULE, **options)
        assert modules.mark() == mark


class TestAbsent:
    def test_deletes_and_takes_it_out_of_its_channels(self, modules, channels, emulator):
        modules.ok(MODULE, action_name="notified", command_text="s3 ls", chat_configuration_arns=channels)
        assert modules.changes_once(MODULE, KEY, action_name="notified", state="absent")[KEY] == {}
        client = emulator.client("chatbot", "us-east-2")
        assert client.list_custom_actions()["CustomActions"] == []
        assert client.list_associations(ChatConfiguration=channels[0])["Associations"] == []

    def test_tolerates_that_there_is_none(self, modules):
        modules.changes_nothing(MODULE, KEY, action_name="notified", state="absent")

    def test_accepts_that_another_run_deletes_it_meanwhile_and_nothing_else(self, modules, channels, emulator):
        modules.ok(MODULE, action_name="notified", command_text="s3 ls", chat_configuration_arns=channels)
        aws = Stubbed(emulator.client("chatbot", "us-east-2"))
        found = custom_action.read(aws, "notified")
        foreign = {**found, "ChatConfigurationArns": [f"{channels[0]}-that-does-not-exist"]}
        with pytest.raises(ClientError, match="Could not find the chat configuration"):
            custom_action.delete(aws, foreign)
        custom_action.delete(aws, found)
        custom_action.delete(aws, found)
        assert custom_action.read(aws, "notified") is None


def test_info_lists_all_or_one(modules, channels):
    assert modules.ok(f"{MODULE}_info")["custom_actions"] == []
    second = modules.ok(MODULE, action_name="second", command_text="s3 ls", chat_configuration_arns=channels)[KEY]
    first = modules.ok(MODULE, action_name="first", command_text="s3 ls")[KEY]
    assert modules.ok(f"{MODULE}_info")["custom_actions"] == [first, second]
    assert modules.ok(f"{MODULE}_info", action_name="second")["custom_actions"] == [second]


def test_a_creation_that_lost_the_race_adopts_and_brings_in_line(emulator, modules):
    wish = custom_action.Desired("notified", "s3 ls")
    now = custom_action.plan(None, wish)
    existing = {"CustomActionArn": ARN, "ActionName": "notified", "Definition": {"CommandText": "s3 rb"}}
    client = emulator.client("chatbot", "us-east-2")
    with Stubber(client) as aws:
        aws.add_client_error("create_custom_action", "ConflictException", "exists")
        for command in ("s3 rb", "s3 ls"):
            if command == "s3 ls":
                aws.add_response("update_custom_action", {"CustomActionArn": ARN})
            aws.add_response("list_custom_actions", {"CustomActions": [ARN]})
            aws.add_response("describe_slack_channel_configurations", {"SlackChannelConfigurations": []})
            aws.add_response("list_microsoft_teams_channel_configurations", {"TeamChannelConfigurations": []})
            shown = {**existing, "Definition": {"CommandText": command}}
            aws.add_response("get_custom_action", {"CustomAction": shown})
            aws.add_response("list_tags_for_resource", {"Tags": []})
        custom_action.write(Stubbed(client), now, wish)
        after = custom_action.read(Stubbed(client), wish.name)
        aws.assert_no_pending_responses()
    assert after["Definition"] == {"CommandText": "s3 ls"}
