# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity policies of callers: resources, conditions, dependent actions, and CloudFormation's calls."""

from __future__ import annotations

import json
import urllib.error

import boto3
import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError

ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:findings"
# A hub of the new Security Hub has an ID.
HUB_V2 = f"arn:aws:securityhub:{REGION}:{ACCOUNT}:hubv2/805205f9-4af8-5904-abdf-26b3a0cdff95"
TOPIC_BODY = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "findings"}}}})


def allow(*actions: str, resource: str = "*", **condition) -> dict:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}


def attach(aws, *documents: dict, caller: str = ACCOUNT) -> None:
    aws.emulator.ask("POST", "callers", {caller: list(documents)})


def denied(call, **given) -> str:
    """Return the message of a call that must be denied."""
    with pytest.raises(ClientError) as raised:
        call(**given)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return raised.value.response["Error"]["Message"]


def test_without_policies_a_caller_may_do_anything(aws):
    assert aws.client("sns").list_topics()["Topics"] == []
    attach(aws)
    assert "sns:ListTopics" in denied(aws.client("sns").list_topics)
    assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert aws.client("sns", account=OTHER).list_topics()["Topics"] == []
    aws.emulator.reset()
    assert aws.client("sns").list_topics()["Topics"] == []


def test_policies_belong_to_a_role(aws):
    role = f"arn:aws:iam::{ACCOUNT}:role/deployer"
    attach(aws, allow("sns:ListTopics"), caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/*")
    given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    session = boto3.Session(**keys, aws_session_token=given["SessionToken"], region_name=REGION)
    url = aws.emulator.url
    assert session.client("sns", endpoint_url=url).list_topics()["Topics"] == []
    assert "securityhub:DescribeHub" in denied(session.client("securityhub", endpoint_url=url).describe_hub)
    assert aws.client("securityhub").describe_hub()


@pytest.mark.parametrize(
    ("service", "operation", "given", "action", "resource"),
    [
        ("sns", "get_topic_attributes", {"TopicArn": TOPIC}, "sns:GetTopicAttributes", TOPIC),
        ("events", "put_rule", {"Name": "r", "EventPattern": '{"source": ["s"]}'}, "events:PutRule",
         f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"),
        ("events", "list_targets_by_rule", {"Rule": "r"}, "events:ListTargetsByRule",
         f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"),
        ("securityhub", "describe_hub", {}, "securityhub:DescribeHub",
         f"arn:aws:securityhub:{REGION}:{ACCOUNT}:hub/default"),
        ("securityhub", "get_findings_v2", {}, "securityhub:GetFindings", HUB_V2),
        ("cloudformation", "describe_stack_events", {"StackName": "s"}, "cloudformation:DescribeStackEvents",
         f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/s/*"),
        ("cloudformation", "list_stack_instances", {"StackSetName": "s"}, "cloudformation:ListStackInstances",
         f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stackset/s:*"),
        ("iam", "get_role", {"RoleName": "channel"}, "iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/channel"),
        ("iam", "create_policy", {"PolicyName": "p", "PolicyDocument": json.dumps(allow("s3:*"))}, "iam:CreatePolicy",
         f"arn:aws:iam::{ACCOUNT}:policy/p"),
        ("sqs", "create_queue", {"QueueName": "q"}, "sqs:CreateQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"),
        ("cloudwatch", "delete_alarms", {"AlarmNames": ["a"]}, "cloudwatch:DeleteAlarms",
         f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a"),
    ],
)  # fmt: skip
def test_the_resource_of_a_call(aws, service, operation, given, action, resource):
    call = getattr(aws.client(service), operation)
    attach(aws, allow(action, resource=resource[:-1] + "x"))
    assert f"{action} on resource: {resource}" in denied(call, **given)
    attach(aws, allow(action, resource=resource))
    try:
        call(**given)
    except ClientError as error:
        assert "is not authorized" not in error.response["Error"]["Message"]


def test_an_action_without_resources_is_allowed_by_an_asterisk_only(aws):
    attach(aws, allow("events:TestEventPattern", resource=f"arn:aws:events:{REGION}:{ACCOUNT}:*"))
    event = json.dumps(dict.fromkeys(("id", "account", "source", "time", "region", "resources", "detail-type"), "s"))
    given = {"EventPattern": '{"source": ["s"]}', "Event": event}
    assert "events:TestEventPattern" in denied(aws.client("events").test_event_pattern, **given)
    attach(aws, allow("events:TestEventPattern"))
    assert aws.client("events").test_event_pattern(**given)["Result"]


@pytest.mark.parametrize(("answer", "resource"), [("topic", f"{TOPIC}*"), ("any", "*")])
def test_the_resource_of_a_subscription(aws, answer, resource):
    aws.topic()
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    aws.emulator.ask("POST", "switches", {"sns_subscription_resource": answer})
    sns = aws.client("sns")
    arn = sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)["SubscriptionArn"]
    attach(aws, allow("sns:GetSubscriptionAttributes", resource=TOPIC))
    if answer == "any":
        assert "sns:GetSubscriptionAttributes" in denied(sns.get_subscription_attributes, SubscriptionArn=arn)
        attach(aws, allow("sns:GetSubscriptionAttributes"))
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["TopicArn"] == TOPIC


def test_stacks_that_are_not_named_need_liststacks_too(aws):
    cloudformation = aws.client("cloudformation")
    attach(aws, allow("cloudformation:DescribeStacks"))
    assert "cloudformation:ListStacks" in denied(cloudformation.describe_stacks)
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="s")
    attach(aws, allow("cloudformation:DescribeStacks", "cloudformation:ListStacks"))
    assert cloudformation.describe_stacks()["Stacks"] == []


@pytest.mark.parametrize("missing", ["organizations:DescribeOrganization", "organizations:ListDelegatedAdministrators"])
def test_the_administrators_of_an_organization_need_its_actions_too(aws, missing):
    aws.emulator.world({}, management_account=ACCOUNT)
    needed = {
        "securityhub:ListOrganizationAdminAccounts",
        "organizations:DescribeOrganization",
        "organizations:ListDelegatedAdministrators",
    }
    hub = aws.client("securityhub")
    attach(aws, allow(*(needed - {missing})))
    assert missing in denied(hub.list_organization_admin_accounts)
    attach(aws, allow(*needed))
    assert hub.list_organization_admin_accounts()["AdminAccounts"] == []


def test_a_channel_needs_to_pass_its_role_to_chatbot(aws):
    role = aws.role()
    aws.topic()
    create = allow("chatbot:CreateSlackChannelConfiguration", "iam:CreateServiceLinkedRole")
    passing = {"StringEquals": {"iam:PassedToService": "chatbot.amazonaws.com"}}
    wrong = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    for documents in ([create], [create, allow("iam:PassRole", resource=role, **wrong)]):
        attach(aws, *documents)
        assert f"iam:PassRole on resource: {role}" in denied(aws.channel)
    attach(aws, create, allow("iam:PassRole", resource=role, **passing))
    assert aws.channel()


def test_the_first_channel_needs_the_service_linked_role(aws):
    aws.role()
    attach(aws, allow("chatbot:CreateSlackChannelConfiguration", "iam:PassRole"))
    assert "iam:CreateServiceLinkedRole" in denied(aws.channel)


def test_conditions_see_the_fields_of_an_update_of_findings(aws):
    aws.import_findings(aws.finding())
    condition = {"StringEquals": {"securityhub:ASFFSyntaxPath/Workflow.Status": "NOTIFIED"}}
    attach(aws, allow("securityhub:BatchUpdateFindings", **condition))
    hub = aws.client("securityhub")
    identifier = {name: aws.finding()[name] for name in ("Id", "ProductArn")}
    given = {"FindingIdentifiers": [identifier], "Workflow": {"Status": "SUPPRESSED"}}
    assert "securityhub:BatchUpdateFindings" in denied(hub.batch_update_findings, **given)
    given["Workflow"] = {"Status": "NOTIFIED"}
    assert hub.batch_update_findings(**given)["ProcessedFindings"] == [identifier]


def test_tags_need_the_action_that_tags(aws):
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    given = {"RoleName": "r", "AssumeRolePolicyDocument": trust, "Tags": [{"Key": "Team", "Value": "security"}]}
    attach(aws, allow("iam:CreateRole"))
    assert "iam:TagRole" in denied(aws.client("iam").create_role, **given)
    attach(aws, allow("iam:CreateRole", "iam:TagRole", StringEquals={"aws:RequestTag/Team": "security"}))
    assert aws.client("iam").create_role(**given)


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        (("sns:CreateTopic", "sns:TagResource", "sns:GetTopicAttributes"), "CREATE_COMPLETE"),
        (("sns:TagResource", "sns:GetTopicAttributes"), "ROLLBACK_COMPLETE"),
    ],
)
def test_cloudformation_calls_in_the_name_of_the_caller(aws, actions, status):
    stacks = allow("cloudformation:*", "sns:DeleteTopic")
    attach(aws, stacks, allow(*actions, resource=TOPIC, **{"ForAnyValue:StringEquals": {
        "aws:CalledVia": "cloudformation.amazonaws.com"}}))  # fmt: skip
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=TOPIC_BODY)
    assert waiting.ended_stack(cloudformation, "s") == status
    assert "sns:" in denied(aws.client("sns").get_topic_attributes, TopicArn=TOPIC), "not called via CloudFormation"
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    ]
    assert any("sns:CreateTopic on resource" in reason for reason in reasons) is (status != "CREATE_COMPLETE")


def test_what_was_needed_and_denied_is_known(aws):
    """An action of a statement is needed if no other statement allows the call."""
    attach(aws, allow("sns:ListTopics", "events:ListRules"), allow("events:ListRules", "sqs:ListQueues"))
    aws.client("sns").list_topics()
    aws.client("events").list_rules()
    denied(aws.client("securityhub").describe_hub)
    found = aws.emulator.ask("GET", "callers")
    assert found["needed"] == [[0, "", "sns:ListTopics"]]
    assert ["securityhub:DescribeHub" in message for message in found["denied"]] == [True]


def test_the_actions_that_were_used_are_known(aws):
    attach(aws, allow("sns:*"))
    aws.client("sns").list_topics()
    assert aws.emulator.ask("GET", "callers")["used"] == ["sns:ListTopics"]


@pytest.mark.parametrize(
    "document", [{"Statement": "all"}, allow("events:PutRule", ArnLike={"events:TargetArn": TOPIC})], ids=str
)
def test_invalid_policies_and_conditions_that_never_hold_are_refused(aws, document):
    with pytest.raises(urllib.error.HTTPError) as raised:
        attach(aws, document)
    assert raised.value.code == 400


@pytest.mark.parametrize(
    ("name", "status"), [("s", "CREATE_COMPLETE"), ("t", "ROLLBACK_COMPLETE"), ("s" * 60, "CREATE_COMPLETE")]
)
def test_a_resource_without_a_name_has_the_generated_one(aws, name, status):
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    attach(aws, allow("cloudformation:*"), allow("iam:*", resource=f"arn:aws:iam::{ACCOUNT}:role/s*"))
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": {"Role": role}}), Capabilities=["CAPABILITY_IAM"]
    )
    assert waiting.ended_stack(cloudformation, name) == status


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = json.dumps(allow("s3:*"))
BOUND = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
VIA_STACK = {"Type": "AWS::IAM::Role", "Properties": {
    "RoleName": "r", "AssumeRolePolicyDocument": {"Statement": []}, "PermissionsBoundary": BOUNDARY}}  # fmt: skip


def test_a_boundary_in_a_request_or_on_the_role(aws):
    iam = aws.client("iam")
    with pytest.raises(ClientError, match="does not exist"):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=BOUNDARY)
    iam.create_policy(PolicyName="boundary", PolicyDocument=POLICY)
    attach(aws, allow("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", **BOUND))
    assert "iam:CreateRole" in denied(iam.create_role, RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=BOUNDARY)
    put = {"PolicyName": "p", "PolicyDocument": POLICY}
    iam.put_role_policy(RoleName="r", **put)
    attach(aws, allow("iam:CreateRole"), allow("iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", **BOUND))
    iam.create_role(RoleName="free", AssumeRolePolicyDocument=TRUST)
    assert "iam:PutRolePolicy" in denied(iam.put_role_policy, RoleName="free", **put)
    iam.put_role_permissions_boundary(RoleName="free", PermissionsBoundary=BOUNDARY)
    iam.put_role_policy(RoleName="free", **put)
    assert "iam:DeleteRolePermissionsBoundary" in denied(iam.delete_role_permissions_boundary, RoleName="free")


@pytest.mark.parametrize(("bounded", "status"), [(True, "CREATE_COMPLETE"), (False, "ROLLBACK_COMPLETE")])
def test_a_boundary_of_a_role_in_a_stack(aws, bounded, status):
    aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=POLICY)
    role = {**VIA_STACK, "Properties": {k: v for k, v in VIA_STACK["Properties"].items() if bounded or k[0] != "P"}}
    attach(aws, allow("cloudformation:*", "iam:DeleteRole", "iam:GetRole"), allow("iam:*", **BOUND))
    cloudformation = aws.client("cloudformation")
    body = json.dumps({"Resources": {"R": role}})
    cloudformation.create_stack(StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert waiting.ended_stack(cloudformation, "s") == status


def test_the_sources_and_targets_of_a_rule(aws):
    events = aws.client("events")

    def only(action: str, key: str, value: str) -> dict:
        return allow(action, **{"ForAllValues:StringLike": {key: value}, "Null": {key: "false"}})

    source = only("events:PutRule", "events:source", "aws.securityhub")
    attach(aws, source, only("events:PutTargets", "events:TargetArn", TOPIC))
    for pattern in ({"source": ["aws.s3"]}, {"source": ["aws.securityhub", "aws.s3"]}, {"detail-type": ["Findings"]}):
        assert "events:PutRule" in denied(events.put_rule, Name="r", EventPattern=json.dumps(pattern))
    assert "events:PutRule" in denied(events.put_rule, Name="r", ScheduleExpression="rate(1 day)")
    events.put_rule(Name="r", EventPattern='{"source": ["aws.securityhub"]}')
    targets = [{"Id": "1", "Arn": TOPIC}, {"Id": "2", "Arn": f"{TOPIC}-elsewhere"}]
    assert "events:PutTargets" in denied(events.put_targets, Rule="r", Targets=targets)


def test_every_finding_of_an_import_has_its_product_and_account(aws):
    condition = {"StringEquals": {"securityhub:TargetAccount": "${aws:PrincipalAccount}"}}
    product = aws.finding()["ProductArn"]
    attach(aws, allow("securityhub:BatchImportFindings", resource=product, **condition))
    hub = aws.client("securityhub")
    others = {"ProductArn": product.replace("aws/securityhub", "aws/guardduty")}, {"AwsAccountId": OTHER}
    for other in others:
        findings = [aws.finding(), {**aws.finding(), **other}]
        assert "securityhub:BatchImportFindings" in denied(hub.batch_import_findings, Findings=findings)
    assert hub.batch_import_findings(Findings=[aws.finding()])["SuccessCount"] == 1


def test_a_button_needs_both_its_action_and_its_channel(aws):
    aws.role()
    channel = aws.channel()["ChatConfigurationArn"]
    given = {"ChatConfiguration": channel, "Resource": f"arn:aws:chatbot::{ACCOUNT}:custom-action/a"}
    for call in ("Associate", "Disassociate"):
        name = f"{'to' if call == 'Associate' else 'from'}_configuration"
        attach(aws, allow("chatbot:*", resource=channel))
        assert "custom-action/a" in denied(getattr(aws.client("chatbot"), f"{call.lower()}_{name}"), **given)
