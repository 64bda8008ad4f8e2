# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of an account: quotas, the chat applications policy, names that stay taken."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

ACCOUNT, REGION, TEAM = "111111111111", "us-east-1", "T0123ABCD"
CHATBOT = "management.chatbot.amazonaws.com"
PATTERN = '{"source": ["aws.ec2"]}'


def code_of(raised) -> str:
    return raised.value.response["Error"]["Code"]


def quota(aws, region=REGION) -> float:
    return aws.client("service-quotas", region).get_service_quota(ServiceCode="events", QuotaCode="L-244521F2")[
        "Quota"
    ]["Value"]


def test_rules_have_a_quota_by_region_or_as_configured(aws):
    aws.emulator.world({ACCOUNT: {"regions": ["af-south-1"]}})
    assert (quota(aws), quota(aws, "af-south-1")) == (300, 100)
    aws.emulator.world({ACCOUNT: {"quotas": {"rules": 2}}})
    assert quota(aws) == 2


def test_a_rule_too_many_is_refused_by_put_rule_and_in_a_stack(aws):
    aws.emulator.world({ACCOUNT: {"quotas": {"rules": 1}}})
    events = aws.client("events")
    events.put_rule(Name="one", EventPattern=PATTERN)
    events.put_rule(Name="one", EventPattern=PATTERN)
    with pytest.raises(ClientError, match="exceeds the maximum number allowed") as raised:
        events.put_rule(Name="two", EventPattern=PATTERN)
    assert code_of(raised) == "LimitExceededException"
    rule = {"Type": "AWS::Events::Rule", "Properties": {"Name": "two", "EventPattern": json.loads(PATTERN)}}
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="rules", TemplateBody=json.dumps({"Resources": {"Rule": rule}}))
    events_of_stack = cloudformation.describe_stack_events(StackName="rules")["StackEvents"]
    assert any("ServiceLimitExceeded" in event.get("ResourceStatusReason", "") for event in events_of_stack)


def test_thirty_rules_may_have_a_wildcard(aws):
    events = aws.client("events")
    wild = json.dumps({"source": [{"wildcard": "aws.*hub"}]})
    for number in range(30):
        events.put_rule(Name=f"rule{number}", EventPattern=wild)
    events.put_rule(Name="rule0", EventPattern=wild)
    events.put_rule(Name="plain", EventPattern=PATTERN)
    with pytest.raises(ClientError, match="exceeds the maximum number allowed"):
        events.put_rule(Name="wild", EventPattern=wild)


def test_other_quotas_are_not_known(aws):
    with pytest.raises(ClientError) as raised:
        aws.client("service-quotas").get_service_quota(ServiceCode="events", QuotaCode="L-00000000")
    assert code_of(raised) == "NoSuchResourceException"


def test_iam_counts_and_refuses(aws):
    aws.emulator.world({ACCOUNT: {"quotas": {"roles": 1}}})
    aws.role()
    summary = aws.client("iam").get_account_summary()["SummaryMap"]
    assert (summary["Roles"], summary["RolesQuota"], summary["PoliciesQuota"]) == (1, 1, 1500)
    with pytest.raises(ClientError, match="Cannot exceed quota for RolesPerAccount: 1") as raised:
        aws.role(name="second")
    assert code_of(raised) == "LimitExceeded"


def policy_of(aws):
    answer = aws.client("organizations").describe_effective_policy(PolicyType="CHATBOT_POLICY")
    return json.loads(answer["EffectivePolicy"]["PolicyContent"])


def test_the_effective_policy_is_the_posted_one(aws):
    with pytest.raises(ClientError) as raised:
        policy_of(aws)
    assert code_of(raised) == "AWSOrganizationsNotInUseException"
    aws.emulator.world({}, management_account="999999999999")
    with pytest.raises(ClientError) as raised:
        policy_of(aws)
    assert code_of(raised) == "EffectivePolicyNotFoundException"
    policy = {"chatbot": {"platforms": {"slack": {"client": "enabled", "workspaces": [TEAM]}}}}
    aws.emulator.world({ACCOUNT: {"chatbot_policy": policy}})
    assert policy_of(aws) == policy


@pytest.mark.parametrize(
    ("slack", "state"),
    [
        ({"client": "enabled"}, "ENABLED"),
        ({"client": "enabled", "workspaces": [TEAM]}, "ENABLED"),
        ({"client": "enabled", "workspaces": ["T0THER"]}, "DISABLED"),
        ({"client": "disabled"}, "DISABLED"),
        ({}, "DISABLED"),
    ],
)
def test_an_effective_policy_disables_workspaces_and_channels(aws, slack, state):
    aws.role()
    aws.channel()
    policy = {"chatbot": {"platforms": {"slack": slack}, "default": {"client": "disabled"}}}
    aws.emulator.world({ACCOUNT: {"chatbot_policy": policy}})
    chatbot = aws.client("chatbot", "us-east-2")
    (workspace,) = chatbot.describe_slack_workspaces()["SlackWorkspaces"]
    (configuration,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    assert (workspace["State"], configuration["State"]) == (state, state)


def test_a_name_that_was_tried_for_a_workspace_that_is_not_authorized_stays_taken(aws):
    aws.role()
    with pytest.raises(ClientError, match="not authorized to access Slack workspace"):
        aws.channel(SlackTeamId="T0THER")
    assert (
        aws.client("chatbot", "us-east-2").describe_slack_channel_configurations()["SlackChannelConfigurations"] == []
    )
    with pytest.raises(ClientError, match="security already exists") as raised:
        aws.channel()
    assert code_of(raised) == "ConflictException"
    assert aws.channel(name="another")


def test_the_first_channel_creates_the_role_that_subscribes(aws):
    iam = aws.client("iam")
    aws.role()
    assert iam.list_roles(PathPrefix=f"/aws-service-role/{CHATBOT}/")["Roles"] == []
    aws.channel()
    (role,) = iam.list_roles(PathPrefix=f"/aws-service-role/{CHATBOT}/")["Roles"]
    assert role["RoleName"] == "AWSServiceRoleForAWSChatbot"
    with pytest.raises(ClientError, match="has been taken in this account") as raised:
        iam.create_service_linked_role(AWSServiceName=CHATBOT)
    assert code_of(raised) == "InvalidInput"


def test_without_permission_for_that_role_the_channel_fails_and_its_name_stays_taken(aws):
    aws.role()
    aws.emulator.faults({"denied": 1, "operations": ["CreateServiceLinkedRole"]})
    with pytest.raises(ClientError, match="iam:CreateServiceLinkedRole") as raised:
        aws.channel()
    assert code_of(raised) == "AccessDeniedException"
    aws.emulator.faults()
    with pytest.raises(ClientError, match="security already exists"):
        aws.channel()
