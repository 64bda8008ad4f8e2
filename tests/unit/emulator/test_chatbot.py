# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chatbot as boto3 sees it."""

from __future__ import annotations

import json
import threading

import pytest
from botocore.exceptions import ClientError
from botocore.exceptions import ConnectionClosedError

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
TEAM, CHANNEL = "T0123ABCD", "C0123ABCD"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:findings"
ARN = f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/security"
UUID = "00000000-0000-0000-0000-00000000000"


@pytest.fixture
def chatbot(aws):
    return aws.client("chatbot", "us-east-2")


def described(chatbot) -> list[dict]:
    return chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]


def test_it_answers_in_its_four_regions_only_and_is_the_same_in_all(aws):
    aws.role()
    aws.channel()
    for region in ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1"):
        assert len(described(aws.client("chatbot", region))) == 1
    with pytest.raises(ConnectionClosedError):
        aws.client("chatbot", "eu-central-1").describe_slack_workspaces()


def test_only_authorized_workspaces_are_listed_and_taken(aws, chatbot):
    listed = chatbot.describe_slack_workspaces()["SlackWorkspaces"]
    assert listed == [{"SlackTeamId": TEAM, "SlackTeamName": "acme", "State": "ENABLED"}]
    assert aws.client("chatbot", "us-east-2", OTHER).describe_slack_workspaces()["SlackWorkspaces"] == []
    aws.role()
    with pytest.raises(ClientError, match="not authorized to access Slack workspace T0THER") as raised:
        aws.channel(SlackTeamId="T0THER")
    assert raised.value.response["Error"]["Code"] == "InvalidRequestException"


def test_a_configuration_has_aws_defaults(aws, chatbot):
    aws.role()
    aws.channel()
    (found,) = described(chatbot)
    assert found["ChatConfigurationArn"] == ARN
    assert (found["LoggingLevel"], found["UserAuthorizationRequired"], found["State"]) == ("NONE", False, "ENABLED")
    assert found["GuardrailPolicyArns"] == ["arn:aws:iam::aws:policy/AdministratorAccess"]
    assert found["SlackTeamName"] == "acme"


@pytest.mark.parametrize(
    ("more", "code", "status", "words"),
    [
        ({"name": "security", "channel": "C0THER"}, "ConflictException", 409, "security already exists"),
        (
            {"name": "second"},
            "InvalidRequestException",
            400,
            f"Slack channel with ID {CHANNEL} in Slack team {TEAM} has already been configured for AWS account",
        ),
        ({"name": "a b", "channel": "C0THER"}, "InvalidParameterException", 400, "regular expression"),
        ({"name": "second", "channel": "C-1"}, "InvalidParameterException", 400, "regular expression"),
        ({"name": "second", "channel": "C0THER", "LoggingLevel": "LOUD"}, "InvalidParameterException", 400, "LOUD"),
    ],
)
def test_a_second_configuration_that_collides_or_is_wrong_is_refused(aws, more, code, status, words):
    aws.role()
    aws.channel()
    with pytest.raises(ClientError, match=words) as raised:
        aws.channel(**more)
    response = raised.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


@pytest.mark.parametrize("service", [None, "sns.amazonaws.com"])
def test_the_role_must_exist_and_trust_chatbot(aws, service):
    if service:
        aws.role(service)
    with pytest.raises(ClientError, match="not able to assume the role"):
        aws.channel()


def test_an_update_replaces_the_topics_and_keeps_the_rest(aws, chatbot):
    aws.role()
    aws.channel(Tags=[{"TagKey": "a", "TagValue": "1"}], LoggingLevel="INFO")
    chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=ARN, SlackChannelId="C0NEW", SnsTopicArns=[TOPIC + "-2"]
    )
    (found,) = described(chatbot)
    assert (found["SlackChannelId"], found["SnsTopicArns"]) == ("C0NEW", [TOPIC + "-2"])
    assert (found["LoggingLevel"], found["Tags"]) == ("INFO", [{"TagKey": "a", "TagValue": "1"}])
    chatbot.update_slack_channel_configuration(ChatConfigurationArn=ARN, SlackChannelId="C0NEW")
    assert described(chatbot)[0]["SnsTopicArns"] == [TOPIC + "-2"]


def test_an_update_cannot_take_another_configurations_channel(aws, chatbot):
    aws.role()
    aws.channel()
    aws.channel(name="second", channel="C0THER")
    with pytest.raises(ClientError, match="has already been configured"):
        chatbot.update_slack_channel_configuration(ChatConfigurationArn=ARN, SlackChannelId="C0THER")


def test_an_unknown_configuration_cannot_be_updated_or_deleted(aws, chatbot):
    aws.role()
    aws.channel()
    chatbot.delete_slack_channel_configuration(ChatConfigurationArn=ARN)
    assert described(chatbot) == []
    for call, more in (
        (chatbot.delete_slack_channel_configuration, {}),
        (chatbot.update_slack_channel_configuration, {"SlackChannelId": CHANNEL}),
    ):
        with pytest.raises(ClientError) as raised:
            call(ChatConfigurationArn=ARN, **more)
        assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_configurations_come_in_pages(aws, chatbot):
    aws.role()
    for number in range(3):
        aws.channel(name=f"n{number}", channel=f"C{number}")
    pages = list(chatbot.get_paginator("describe_slack_channel_configurations").paginate(MaxResults=2))
    assert [len(page["SlackChannelConfigurations"]) for page in pages] == [2, 1]


def test_tags_are_added_and_removed(aws, chatbot):
    aws.role()
    aws.channel(Tags=[{"TagKey": "a", "TagValue": "1"}])
    chatbot.tag_resource(ResourceARN=ARN, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": "3"}])
    chatbot.untag_resource(ResourceARN=ARN, TagKeys=["b"])
    assert chatbot.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"TagKey": "a", "TagValue": "2"}]
    with pytest.raises(ClientError) as raised:
        chatbot.tag_resource(ResourceARN=ARN, Tags=[{"TagKey": f"k{n}", "TagValue": ""} for n in range(200)])
    assert raised.value.response["Error"]["Code"] == "TooManyTagsException"


def test_an_organization_policy_disables_it(aws, chatbot):
    aws.role()
    aws.channel()
    aws.emulator.world({ACCOUNT: {"channel_policy_disabled": "Slack is not allowed"}})
    (found,) = described(chatbot)
    assert (found["State"], found["StateReason"]) == ("DISABLED", "Slack is not allowed")


def test_the_last_of_two_concurrent_updates_wins(aws, chatbot):
    aws.role()
    aws.channel()
    wanted = [[f"{TOPIC}-{number}"] for number in range(8)]

    def update(topics):
        aws.client("chatbot", "us-east-2").update_slack_channel_configuration(
            ChatConfigurationArn=ARN, SlackChannelId=CHANNEL, SnsTopicArns=topics
        )

    threads = [threading.Thread(target=update, args=(topics,)) for topics in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert described(chatbot)[0]["SnsTopicArns"] in wanted


def test_a_teams_channel_gets_messages_too(aws, chatbot):
    team = {"TeamId": UUID + "1", "TenantId": UUID + "2"}
    aws.emulator.world({ACCOUNT: {"teams": [team]}})
    aws.role()
    aws.topic()
    aws.rule()
    given = {
        **team,
        "ChannelId": "19%3aabc%40thread.tacv2",
        "ConfigurationName": "teams",
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/channel",
        "SnsTopicArns": [TOPIC],
    }
    arn = chatbot.create_microsoft_teams_channel_configuration(**given)["ChannelConfiguration"]["ChatConfigurationArn"]
    aws.import_findings(aws.finding())
    assert [message["channel"] for message in aws.emulator.inbox()] == [given["ChannelId"]]
    chatbot.update_microsoft_teams_channel_configuration(
        ChatConfigurationArn=arn, ChannelId=given["ChannelId"], SnsTopicArns=[]
    )
    found = chatbot.get_microsoft_teams_channel_configuration(ChatConfigurationArn=arn)["ChannelConfiguration"]
    assert found["SnsTopicArns"] == []
    chatbot.delete_microsoft_teams_channel_configuration(ChatConfigurationArn=arn)
    assert chatbot.list_microsoft_teams_channel_configurations()["TeamChannelConfigurations"] == []


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"TeamId": UUID + "3"}, "InvalidRequestException", "has not been configured"),
        ({"TenantId": UUID + "3"}, "InvalidRequestException", "has not been configured"),
        ({"TeamId": "x" * 36}, "InvalidParameterException", "regular expression"),
        ({"ChannelId": "19:abc@thread.tacv2"}, "InvalidParameterException", "regular expression"),
        ({"ConfigurationName": "second", "ChannelId": "19%3Aabc%40thread.tacv2"}, "InvalidRequestException", "already"),
        ({"ConfigurationName": "security"}, "ConflictException", "security already exists"),
    ],
)
def test_a_teams_channel_that_collides_or_is_wrong_is_refused(aws, chatbot, more, code, words):
    team = {"TeamId": UUID + "1", "TenantId": UUID + "2"}
    aws.emulator.world({ACCOUNT: {"teams": [team]}})
    aws.role()
    aws.channel()
    given = {
        **team,
        "ChannelId": "19%3aabc%40thread.tacv2",
        "ConfigurationName": "teams",
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/channel",
        "SnsTopicArns": [],
    }
    if words == "already":
        chatbot.create_microsoft_teams_channel_configuration(**given)
    with pytest.raises(ClientError, match=words) as raised:
        chatbot.create_microsoft_teams_channel_configuration(**{**given, **more})
    assert raised.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError) as raised:
        chatbot.delete_microsoft_teams_channel_configuration(ChatConfigurationArn=ARN)  # of Slack
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_the_policy_of_the_organization_disables_teams(aws, chatbot):
    team = {"TeamId": UUID + "1", "TenantId": UUID + "2"}
    tenants = {UUID + "2": [UUID + "3"]}
    policy = {"chatbot": {"platforms": {"microsoft_teams": {"tenants": tenants}}}}
    aws.emulator.world({ACCOUNT: {"teams": [team], "chatbot_policy": policy}})
    (found,) = chatbot.list_microsoft_teams_configured_teams()["ConfiguredTeams"]
    assert found["State"] == "DISABLED"
    assert chatbot.describe_slack_workspaces()["SlackWorkspaces"][0]["State"] == "ENABLED"


def test_custom_actions_are_associated(aws, chatbot):
    aws.role()
    aws.channel()
    arn = chatbot.create_custom_action(ActionName="ack", Definition={"CommandText": "help"})["CustomActionArn"]
    with pytest.raises(ClientError) as raised:
        chatbot.create_custom_action(ActionName="ack", Definition={"CommandText": "help"})
    assert raised.value.response["Error"]["Code"] == "ConflictException"
    chatbot.associate_to_configuration(Resource=arn, ChatConfiguration=ARN)
    listed = chatbot.list_associations(ChatConfiguration=ARN)["Associations"]
    assert listed == [{"Resource": arn}]
    chatbot.update_custom_action(CustomActionArn=arn, Definition={"CommandText": "sns list-topics"})
    assert chatbot.get_custom_action(CustomActionArn=arn)["CustomAction"]["Definition"]["CommandText"] == (
        "sns list-topics"
    )
    chatbot.disassociate_from_configuration(Resource=arn, ChatConfiguration=ARN)
    chatbot.delete_custom_action(CustomActionArn=arn)
    assert chatbot.list_custom_actions()["CustomActions"] == []


def test_a_policy_that_is_in_use_or_has_versions_stays(aws):
    iam = aws.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    aws.role()
    arn = iam.create_policy(PolicyName="guardrail", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="channel", PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)

    def refused(call, **given):
        with pytest.raises(ClientError) as raised:
            call(**given)
        return raised.value.response["Error"]["Code"]

    assert refused(iam.delete_role, RoleName="channel") == "DeleteConflict"
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_role_policy(RoleName="channel", PolicyArn=arn)
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)
    iam.delete_role(RoleName="channel")
