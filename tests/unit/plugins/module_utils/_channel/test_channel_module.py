# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the channel modules, refused before any call, and what AWS may leave out of its answers."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import channel_module
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import Desired
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import SLACK
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import TEAMS
from ansible_collections.secops.securityhub.plugins.module_utils._channel.transformations import configuration_result
from ansible_collections.secops.securityhub.tests.unit.stubbed import Stubbed
from botocore.stub import Stubber

ROLE = "arn:aws:iam::111111111111:role/service/securityhub-slack-channel"
TOPIC = "arn:aws:sns:ap-northeast-1:111111111111:securityhub-slack"
ARN = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/securityhub-slack"
LIVE = {
    "ChatConfigurationArn": ARN,
    "SlackTeamId": "T0000TEAM",
    "SlackTeamName": "example",
    "SlackChannelId": "C0000CHAN",
    "SlackChannelName": "sec-findings",
    "IamRoleArn": ROLE,
    "SnsTopicArns": [TOPIC],
}


@pytest.fixture
def client():
    return boto3.client(
        "chatbot", region_name="us-east-2", aws_access_key_id="111111111111", aws_secret_access_key="test"
    )


def slack(**members):
    identity = {"name": "securityhub-slack", "team_id": "T0000TEAM", "channel_id": "C0000CHAN", "role_arn": ROLE}
    return Desired(**{**identity, **members})


def teams(**members):
    uuid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    identity = {
        "name": "securityhub-teams",
        "team_id": uuid,
        "tenant_id": uuid,
        "channel_id": "19%3aabcdef0123456789%40thread.tacv2",
        "role_arn": ROLE,
        "platform": TEAMS,
    }
    return Desired(**{**identity, **members})


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        (slack(), []),
        (slack(add_topics=(TOPIC,), guardrail_policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",)), []),
        (slack(role_arn=None, channel_id="G0000CHAN"), []),
        (slack(name="a b"), ["configuration_name is 'a b'"]),
        (slack(team_id="example"), ["'example' is not the ID of a Slack workspace"]),
        (slack(channel_id="#sec-findings"), ["'#sec-findings' is not the ID of a Slack channel"]),
        (slack(role_arn="arn:aws:iam::111111111111:user/x"), ["iam_role_arn"]),
        (slack(add_topics=(f"{TOPIC}.fifo",)), ["is not the ARN of an SNS topic"]),
        (slack(add_topics=("arn:aws-cn:sns:cn-north-1:111111111111:x",)), ["partition aws"]),
        (slack(remove_topics=("securityhub-slack",)), ["is not the ARN of an SNS topic"]),
        (slack(add_topics=(TOPIC,), remove_topics=(TOPIC,)), ["Remove it from one"]),
        (slack(guardrail_policy_arns=()), ["AdministratorAccess"]),
        (slack(guardrail_policy_arns=("ReadOnlyAccess",)), ["is not the ARN of an IAM policy"]),
        (teams(), []),
        (teams(team_id="T0000TEAM"), ["ID of a Microsoft Teams team"]),
        (teams(tenant_id="example.com"), ["ID of a tenant"]),
        (teams(channel_id="19:abc@thread.tacv2"), ["ID of a Microsoft Teams channel"]),
    ],
)
def test_problems(desired, words):
    found = channel_module.problems(desired)
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found))


@pytest.mark.parametrize("tags", [[], [{"TagKey": "team", "TagValue": "sec"}]])
def test_tags_that_a_listing_leaves_out_are_asked_for_where_they_matter(client, tags):
    other = {**LIVE, "ChatConfigurationArn": f"{ARN}2", "SlackChannelId": "C0000OTHR"}
    with Stubber(client) as aws:
        aws.add_response("describe_slack_channel_configurations", {"SlackChannelConfigurations": [LIVE, other]})
        aws.add_response("list_tags_for_resource", {"Tags": tags}, {"ResourceARN": ARN})
        assert [found.get("Tags") for found in configuration.read(Stubbed(client), slack())] == [tags, None]
        aws.assert_no_pending_responses()


def test_tags_that_a_listing_holds_are_not_asked_for(client):
    with Stubber(client) as aws:
        aws.add_response(
            "describe_slack_channel_configurations", {"SlackChannelConfigurations": [{**LIVE, "Tags": []}]}
        )
        assert len(configuration.read(Stubbed(client), slack())) == 1


@pytest.mark.parametrize("platform", [SLACK, TEAMS])
def test_all_pages_are_read(client, platform):
    operation, key = {
        "Slack": ("describe_slack_channel_configurations", "SlackChannelConfigurations"),
        "Microsoft Teams": ("list_microsoft_teams_channel_configurations", "TeamChannelConfigurations"),
    }[platform.name]
    with Stubber(client) as aws:
        aws.add_response(operation, {key: [], "NextToken": "more"})
        aws.add_response(operation, {key: []}, {"NextToken": "more"})
        assert platform.list_configurations(client) == []
        aws.assert_no_pending_responses()


def test_configuration_is_returned_in_snake_case():
    assert configuration_result({**LIVE, "Tags": [{"TagKey": "CostCenter", "TagValue": "1"}]}) == {
        "chat_configuration_arn": ARN,
        "configuration_name": "securityhub-slack",
        "guardrail_policy_arns": [],
        "iam_role_arn": ROLE,
        "logging_level": "NONE",
        "slack_channel_id": "C0000CHAN",
        "slack_channel_name": "sec-findings",
        "slack_team_id": "T0000TEAM",
        "slack_team_name": "example",
        "sns_topic_arns": [TOPIC],
        "tags": {"CostCenter": "1"},
        "user_authorization_required": False,
    }
    assert configuration_result(None) == {}
