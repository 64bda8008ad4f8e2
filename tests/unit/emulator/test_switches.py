# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each switch of tests/emulator/assumptions.yml, with each of its answers."""

from __future__ import annotations

import json
import time
import urllib.error
from functools import partial
from pathlib import Path

import botocore.session
import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError

from .conftest import ACCOUNT
from .conftest import CHANNEL
from .conftest import REGION
from .conftest import TOPIC
from .test_schedules import created
from .test_schedules import run
from .test_schedules import stack

UNLISTED = "ap-east-2"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/findings"
HERE = Path(__file__).resolve().parent
TABLE = HERE.parents[1] / "emulator" / "assumptions.yml"
ASSUMPTIONS = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
QUOTAS = yaml.safe_load(TABLE.with_name("quotas.yml").read_text(encoding="utf-8"))
MEMBERS = {"switch", "assumption", "default", "strict", "certainty", "depends", "source", "acceptance", "test"}


def switch(aws, **values):
    return aws.emulator.ask("POST", "switches", values)


def code_of(raised) -> str:
    return raised.value.response["Error"]["Code"]


def code_of_call(call, **given) -> str | None:
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def of_chatbot(aws, name: str) -> int:
    return aws.metric("AWS/Chatbot", name, "ConfigurationName", "security")


@pytest.mark.parametrize("row", ASSUMPTIONS, ids=lambda row: row["switch"])
def test_the_table_is_complete(row):
    assert set(row) - {"type", "answers"} == MEMBERS
    assert ("answers" in row) != ("type" in row)
    if "answers" in row:
        assert {row["default"], row["strict"]} <= set(row["answers"])
    assert row["certainty"] in ("certain", "likely", "unknown")
    module, _colons, test = row["test"].partition("::")
    assert f"def {test}(" in (HERE / module).read_text(encoding="utf-8")


def test_a_reset_returns_to_the_defaults(aws):
    defaults = aws.emulator.ask("GET", "switches")
    assert defaults == {row["switch"]: row["default"] for row in ASSUMPTIONS}
    assert switch(aws, eventbridge_context="none")["eventbridge_context"] == "none"
    aws.emulator.reset()
    assert aws.emulator.ask("GET", "switches") == defaults


@pytest.mark.parametrize(
    "given", [{"no_such_switch": 1}, {"eventbridge_context": "some"}, {"chatbot_topic_limit": "many"}]
)
def test_an_unknown_switch_or_value_is_refused(aws, given):
    with pytest.raises(urllib.error.HTTPError) as raised:
        aws.emulator.ask("POST", "switches", given)
    assert raised.value.code == 400


SOURCE_ARN = {"ArnEquals": {"aws:SourceArn": RULE}}
SOURCE_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("answer", "condition", "arrives"),
    [
        ("source_arn_and_account", {**SOURCE_ARN, **SOURCE_ACCOUNT}, 1),
        ("source_arn", SOURCE_ARN, 1),
        ("source_arn", {**SOURCE_ARN, **SOURCE_ACCOUNT}, 0),
        ("none", SOURCE_ARN, 0),
    ],
)
def test_eventbridge_context(aws, answer, condition, arrives):
    switch(aws, eventbridge_context=answer)
    aws.role()
    aws.topic(condition=condition)
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert len(aws.titles()) == arrives
    assert aws.metric("AWS/Events", "FailedInvocations", "RuleName", "findings") == 1 - arrives


@pytest.mark.parametrize(
    ("answer", "overlapping", "apart"),
    [("all", True, True), ("first_of_overlapping", False, True), ("first_of_same_fields", False, False)],
)
def test_event_ruler_alternatives(aws, answer, overlapping, apart):
    switch(aws, event_ruler_alternatives=answer)
    region = {"account": ["1"], "region": ["a", "b"]}
    others = [{"account": ["1"], "region": ["b", "c"]}, {"account": ["2"]}, {"account": ["3"], "region": ["z"]}]
    pattern = {"source": ["s"], "$or": [region, *others]}
    event = {"id": "1", "source": "s", "time": "2026-01-01T00:00:00Z", "resources": [], "detail-type": "d"}
    events = aws.client("events")

    def test(**more):
        given = json.dumps({**event, **more})
        return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=given)["Result"]

    assert test(account="1", region="b")
    assert test(account="2", region="z")
    assert test(account="1", region="c") is overlapping
    assert test(account="3", region="z") is apart


@pytest.mark.parametrize(("answer", "texts"), [("as_it_is", ['"CRITICAL"\n"a "quoted" title"']), ("lines_of_json", [])])
def test_eventbridge_text_templates(aws, answer, texts):
    switch(aws, eventbridge_text_templates=answer)
    aws.topic()
    aws.client("sns").subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="a@example.com")
    aws.emulator.ask("POST", "confirm", {"endpoint": "a@example.com"})
    paths = {"s": "$.detail.findings[0].Severity.Label", "t": "$.detail.findings[0].Title"}
    aws.rule(InputTransformer={"InputPathsMap": paths, "InputTemplate": '"<s>"\n"<t>"'})
    aws.import_findings(aws.finding("1", Title='a "quoted" title'))
    aws.import_findings(aws.finding("2", Title="a title"))
    received = [item["message"] for item in aws.emulator.ask("GET", "received")]
    assert received == [*texts, '"CRITICAL"\n"a title"']


def check_delay(aws, delay, shown, **switches):
    """Deploy with the switches, and check that a finding arrives after the delay, and how many have *shown* before."""
    switch(aws, **switches)
    aws.deployment()
    aws.import_findings(aws.finding())
    assert len(aws.titles()) == shown
    time.sleep(delay and delay + 1)
    aws.import_findings(aws.finding("later"))
    assert len(aws.titles()) == shown + 1


@pytest.mark.parametrize(("delay", "shown"), [(0, 1), (3, 0)])
def test_eventbridge_rule_delay(aws, delay, shown):
    check_delay(aws, delay, shown, eventbridge_rule_delay=delay)


@pytest.mark.parametrize(
    ("answer", "value", "accepted"),
    [
        ("unlimited", "*" + "a*" * 30, True),
        ("limited", "*" + "a*" * 30, False),
        ("limited", "*" + "a" * 40, False),
        ("limited", "arn:aws:ec2:*:instance/*", True),
    ],
)
def test_event_pattern_complexity(aws, answer, value, accepted):
    switch(aws, event_pattern_complexity=answer)
    pattern = json.dumps({"resources": [{"wildcard": value}]})
    events = aws.client("events")
    if accepted:
        events.put_rule(Name="wild", EventPattern=pattern)
        return
    with pytest.raises(ClientError, match="Rule is too complex") as raised:
        events.put_rule(Name="wild", EventPattern=pattern)
    assert code_of(raised) == "InvalidEventPatternException"


def test_consecutive_wildcards_are_refused(aws):
    with pytest.raises(ClientError, match="Consecutive wildcard characters"):
        aws.client("events").put_rule(Name="wild", EventPattern='{"source": [{"wildcard": "a**"}]}')


def test_test_event_pattern(aws):
    events = aws.client("events")
    given = {"EventPattern": '{"source": ["s"]}', "Event": '{"source": "s"}'}
    with pytest.raises(ClientError, match="id is required") as raised:
        events.test_event_pattern(**given)
    assert code_of(raised) == "ValidationException"
    switch(aws, test_event_pattern="lenient")
    assert events.test_event_pattern(**given)["Result"]
    with pytest.raises(ClientError, match="less than or equal to 4096") as raised:
        events.test_event_pattern(**{**given, "EventPattern": json.dumps({"source": ["s" * 4096]})})
    assert code_of(raised) == "ValidationException"
    with pytest.raises(ClientError) as raised:
        events.test_event_pattern(**{**given, "EventPattern": '{"source": "s"}'})
    assert code_of(raised) == "InvalidEventPatternException"
    given["Event"] = '{"source": "other"}'
    assert not events.test_event_pattern(**given)["Result"]
    switch(aws, test_event_pattern="always")
    assert events.test_event_pattern(**given)["Result"]


@pytest.mark.parametrize("answer", ["delivered", "silent", "refused"])
def test_chatbot_unlisted_regions(aws, answer):
    aws.emulator.world({ACCOUNT: {"hubs": [REGION, UNLISTED], "regions": [REGION, UNLISTED]}})
    switch(aws, chatbot_unlisted_regions=answer)
    aws.role()
    topics = [aws.topic(region) for region in (REGION, UNLISTED)]
    aws.rule(region=UNLISTED)
    if answer == "refused":
        with pytest.raises(ClientError, match=f"{topics[1]} is in an unsupported region") as raised:
            aws.channel(*topics)
        assert code_of(raised) == "InvalidRequestException"
        made = aws.channel(topics[0])
        with pytest.raises(ClientError, match="unsupported region"):
            aws.client("chatbot", "us-east-2").update_slack_channel_configuration(
                ChatConfigurationArn=made["ChatConfigurationArn"], SlackChannelId=CHANNEL, SnsTopicArns=topics
            )
        return
    aws.channel(*topics)
    aws.import_findings(aws.finding(region=UNLISTED), region=UNLISTED)
    assert len(aws.titles()) == int(answer == "delivered")


@pytest.mark.parametrize("answer", ["accepted", "refused"])
def test_chatbot_missing_topics(aws, answer):
    switch(aws, chatbot_missing_topics=answer)
    aws.role()
    topic = aws.topic()
    gone = f"{topic}-gone"
    if answer == "refused":
        with pytest.raises(ClientError, match=f"{gone} does not exist") as raised:
            aws.channel(topic, gone)
        assert code_of(raised) == "InvalidRequestException"
        assert aws.channel(topic)["SnsTopicArns"] == [topic]
    else:
        assert aws.channel(topic, gone)["SnsTopicArns"] == [topic, gone]


def test_chatbot_role_delay(aws):
    switch(aws, chatbot_role_delay=2, chatbot_role_message="Not now: {role}")
    role = aws.role()
    with pytest.raises(ClientError, match=f"Not now: {role}") as raised:
        aws.channel()
    assert code_of(raised) == "InvalidRequestException"
    time.sleep(2)
    assert aws.channel()


@pytest.mark.parametrize(("answer", "seen"), [(0, 0), (2, 2)])
def test_chatbot_read_lag(aws, answer, seen):
    aws.role()
    topics = [aws.topic()]
    made = aws.channel()
    chatbot = aws.client("chatbot", "us-east-2")
    switch(aws, chatbot_read_lag=answer)
    chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=made["ChatConfigurationArn"], SlackChannelId=CHANNEL, SnsTopicArns=[]
    )
    reads = [chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"] for _read in range(3)]
    assert [item[0]["SnsTopicArns"] for item in reads] == [topics] * seen + [[]] * (3 - seen)


@pytest.mark.parametrize(("delay", "shown"), [(0, 1), (2, 0)])
def test_chatbot_subscription_delay(aws, delay, shown):
    check_delay(aws, delay, shown, chatbot_subscription_delay=delay)


@pytest.mark.parametrize(("answer", "failures"), [("counted", 1), ("silent", 0)])
def test_chatbot_uninvited(aws, answer, failures):
    aws.deployment()
    aws.emulator.world({ACCOUNT: {"private_channels": [CHANNEL]}})
    switch(aws, chatbot_uninvited=answer)
    aws.import_findings(aws.finding())
    assert (aws.titles(), of_chatbot(aws, "MessageDeliveryFailure")) == ([], failures)


@pytest.mark.parametrize("answer", ["empty", "error"])
def test_chatbot_unknown_arn(aws, answer):
    switch(aws, chatbot_unknown_arn=answer)
    arn = f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/none"
    describe = aws.client("chatbot", "us-east-2").describe_slack_channel_configurations
    if answer == "empty":
        assert describe(ChatConfigurationArn=arn)["SlackChannelConfigurations"] == []
        return
    with pytest.raises(ClientError) as raised:
        describe(ChatConfigurationArn=arn)
    assert code_of(raised) == "InvalidRequestException"


def test_chatbot_topic_limit(aws):
    aws.role()
    topics = [f"arn:aws:sns:{REGION}:{ACCOUNT}:topic{number}" for number in range(3)]
    switch(aws, chatbot_topic_limit=2)
    with pytest.raises(ClientError, match="at most 2 SNS topics"):
        aws.channel(*topics)
    switch(aws, chatbot_topic_limit=0)
    assert aws.channel(*topics)["SnsTopicArns"] == topics


@pytest.mark.parametrize(("limit", "shown"), [(0, 12), (10, 10)])
def test_chatbot_events_per_second(aws, limit, shown):
    aws.deployment()
    switch(aws, chatbot_events_per_second=limit)
    aws.import_findings(*[aws.finding(str(number)) for number in range(12)])
    assert len(aws.titles()) == shown
    assert (of_chatbot(aws, "EventsThrottled"), of_chatbot(aws, "EventsProcessed")) == (12 - shown, shown)


@pytest.mark.parametrize(("answer", "shown"), [("shown", 1), ("dropped", 0)])
def test_chatbot_ocsf_events(aws, answer, shown):
    aws.deployment()
    switch(aws, chatbot_ocsf_events=answer)
    detail = {"findings": [{"finding_info": {"title": "An exposure", "uid": "u-1"}, "severity": "Critical"}]}
    event = {"account": ACCOUNT, "region": REGION, "detail-type": "Findings Imported V2", "detail": detail}
    aws.emulator.ask("POST", "event", event)
    assert (len(aws.titles()), of_chatbot(aws, "UnsupportedEvents")) == (shown, 1 - shown)


@pytest.mark.parametrize(("answer", "shown"), [("delivered", 1), ("lost", 0)])
def test_chatbot_encrypted_topics(aws, answer, shown):
    switch(aws, chatbot_encrypted_topics=answer)
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    events = {**everybody, "Principal": {"Service": "events.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody, events]})
    aws.role()
    aws.topic(KmsMasterKeyId=aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"])
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert len(aws.titles()) == shown


@pytest.mark.parametrize(("answer", "text"), [("text", "Id=a,b c"), ("quoted", "Id='a,b c'")])
def test_chatbot_button_values(aws, answer, text):
    switch(aws, chatbot_button_values=answer)
    role = aws.role()
    aws.topic()
    template = (
        '{"version": "1.0", "source": "custom", "content": {"description": <id>}, '
        '"metadata": {"enableCustomActions": true, "additionalContext": {"id": <id>}}}'
    )
    aws.rule(InputTransformer={"InputPathsMap": {"id": "$.detail.findings[0].Id"}, "InputTemplate": template})
    allow = {"Effect": "Allow", "Action": "securityhub:*", "Resource": "*"}
    aws.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    made = aws.channel()
    chatbot = aws.client("chatbot", "us-east-2")
    action = chatbot.create_custom_action(
        ActionName="get",
        Definition={"CommandText": "securityhub describe-hub --hub-arn Id=$Id --region us-east-1"},
        Attachments=[
            {
                "NotificationType": "Custom",
                "ButtonText": "Get",
                "Variables": {"Id": "event.metadata.additionalContext.id"},
            }
        ],
    )["CustomActionArn"]
    chatbot.associate_to_configuration(Resource=action, ChatConfiguration=made["ChatConfigurationArn"])
    aws.import_findings(aws.finding(Id="a,b c"))
    (message,) = aws.emulator.inbox()
    if answer == "text":
        with pytest.raises(urllib.error.HTTPError):
            aws.emulator.press(message, "Get")
        return
    pressed = aws.emulator.press(message, "Get")
    assert pressed["status"] == 404
    assert "Id=a,b c" in pressed["answer"]["Message"]
    assert text == "Id='a,b c'"


@pytest.mark.parametrize(
    ("answer", "prefix"),
    [("end_cut", f"{'s' * 50}-"), ("both_cut", f"{'s' * 24}-ARoleWithAVeryLongLogica-")],
)
def test_cloudformation_names(aws, answer, prefix):
    switch(aws, cloudformation_names=answer)
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    body = json.dumps({"Resources": {"ARoleWithAVeryLongLogicalId": role}})
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="s" * 50, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    assert waiting.ended_stack(cloudformation, "s" * 50) == "CREATE_COMPLETE"
    (name,) = [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]]
    assert name.startswith(prefix)
    assert len(name) <= 64


@pytest.mark.parametrize(("mode", "waits"), [(None, True), ("STANDARD", True), ("EXPRESS", False)])
def test_cloudformation_stabilization(aws, mode, waits):
    switch(aws, cloudformation_stabilization=5)
    config = {} if mode is None else {"DeploymentConfig": {"Mode": mode}}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "stable"}}
    cloudformation = aws.client("cloudformation")
    began = time.monotonic()
    cloudformation.create_stack(StackName="stable", TemplateBody=json.dumps({"Resources": {"Topic": topic}}), **config)
    assert waiting.ended_stack(cloudformation, "stable") == "CREATE_COMPLETE"
    assert (time.monotonic() - began >= 5) is waits


EXPRESS_RULE = {"Type": "AWS::Events::Rule", "Properties": {"Name": "express", "EventPattern": {"source": ["s"]}}}
RULE_BODY = json.dumps({"Resources": {"Rule": EXPRESS_RULE}})


@pytest.mark.parametrize(("answer", "code"), [("served", None), ("refused", "ValidationError")])
def test_cloudformation_express(aws, answer, code):
    """A rule that express mode has created is not there until it is stable, and gets no events."""
    switch(aws, cloudformation_express=answer, cloudformation_stabilization=3)
    create = partial(aws.client("cloudformation").create_stack, StackName="s", TemplateBody=RULE_BODY)
    assert code_of_call(create, DeploymentConfig={"Mode": "EXPRESS"}) == code
    if code is None:
        events = aws.client("events")
        assert waiting.ended_stack(aws.client("cloudformation"), "s") == "CREATE_COMPLETE"
        assert events.list_rules()["Rules"] == []
        assert code_of_call(events.describe_rule, Name="express") == "ResourceNotFoundException"
        time.sleep(3)
        assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["express"]


@pytest.mark.parametrize(
    ("answer", "failed"),
    [("names", ("s", "AWS::CloudFormation::Stack")), ("properties", ("Rule", "AWS::Events::Rule"))],
)
def test_cloudformation_validation(aws, answer, failed):
    """The events of a stack that failed its validation do not say why."""
    switch(aws, cloudformation_validation=answer)
    aws.client("events").put_rule(Name="express", EventPattern='{"source": ["aws.s3"]}')
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=RULE_BODY)
    assert waiting.ended_stack(cloudformation, "s") == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    *_later, first = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert (first["LogicalResourceId"], first["ResourceType"]) == failed
    found = cloudformation.describe_events(StackName="s", Filters={"FailedEvents": True})["OperationEvents"]
    reasons = [event["ValidationStatusReason"] for event in found if event["EventType"] == "VALIDATION_ERROR"]
    if answer == "names":
        assert first["DetailedStatus"] == "VALIDATION_FAILED"
        assert reasons == ["Resource of type 'AWS::Events::Rule' with identifier 'express' already exists."]
    else:
        assert reasons == []


@pytest.mark.parametrize(
    ("config", "status"),
    [({"Mode": "EXPRESS"}, "CREATE_FAILED"), ({"Mode": "EXPRESS", "DisableRollback": False}, "ROLLBACK_COMPLETE")],
)
def test_express_mode_rolls_back_only_if_told(aws, config, status):
    aws.emulator.stacks(0, {"operation": "create", "resource": "Rule"})
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=RULE_BODY, DeploymentConfig=config)
    assert waiting.ended_stack(cloudformation, "s") == status
    if status == "CREATE_FAILED":
        assert code_of_call(cloudformation.rollback_stack, StackName="s") == "ValidationError"


def test_older_members_are_refused_beside_the_deployment_config(aws):
    create = partial(aws.client("cloudformation").create_stack, StackName="s", TemplateBody=RULE_BODY)
    config = {"Mode": "EXPRESS", "DisableRollback": False}
    assert code_of_call(create, DeploymentConfig=config, OnFailure="ROLLBACK") == "ValidationError"


def test_an_unknown_deployment_mode_is_refused(aws):
    with pytest.raises(ClientError, match="STANDARD, EXPRESS"):
        aws.client("cloudformation", parameter_validation=False).create_stack(
            StackName="s", TemplateBody="{}", DeploymentConfig={"Mode": "FAST"}
        )


@pytest.mark.parametrize(
    ("answer", "code"),
    [("empty", None), ("not_found", "ResourceNotFoundException"), ("access_denied", "AccessDeniedException")],
)
def test_administrator_none(aws, answer, code):
    switch(aws, administrator_none=answer)
    hub = aws.client("securityhub")
    if code is None:
        assert "Administrator" not in hub.get_administrator_account()
        return
    with pytest.raises(ClientError) as raised:
        hub.get_administrator_account()
    assert code_of(raised) == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("served", "ResourceNotFoundException"),
        ("denied", "AccessDeniedException"),
        ("unknown", "UnknownOperationException"),
        ("invalid", "ValidationException"),
    ],
)
def test_security_hub_v2(aws, answer, code):
    switch(aws, security_hub_v2=answer)
    with pytest.raises(ClientError) as raised:
        aws.client("securityhub").describe_security_hub_v2()
    assert code_of(raised) == code


def test_garbage_from_security_hub_v2_is_an_empty_answer_for_botocore(aws):
    switch(aws, security_hub_v2="garbage")
    assert set(aws.client("securityhub").describe_security_hub_v2()) == {"ResponseMetadata"}


@pytest.mark.parametrize(("answer", "shown"), [("kept", 1), ("left_out", 0)])
def test_security_hub_customer_fields(aws, answer, shown):
    aws.role()
    aws.topic()
    aws.rule({"detail": {"findings": {"UserDefinedFields": {"Owner": ["jane"]}}}})
    aws.channel()
    finding = aws.finding()
    aws.import_findings(finding)
    identifier = {name: finding[name] for name in ("Id", "ProductArn")}
    hub = aws.client("securityhub")
    hub.batch_update_findings(FindingIdentifiers=[identifier], UserDefinedFields={"Owner": "jane"})
    assert len(aws.titles()) == 1
    switch(aws, security_hub_customer_fields=answer)
    aws.import_findings({**finding, "UpdatedAt": "2026-01-02T00:00:00.000Z"})
    assert len(aws.titles()) == 1 + shown
    assert hub.get_findings()["Findings"][0]["UserDefinedFields"] == {"Owner": "jane"}


@pytest.mark.parametrize(("answer", "fields"), [("replaced", {"Team": "a"}), ("kept", {"Owner": "jane", "Team": "a"})])
def test_security_hub_user_defined_fields(aws, answer, fields):
    finding = aws.finding()
    aws.import_findings(finding)
    switch(aws, security_hub_user_defined_fields=answer)
    hub = aws.client("securityhub")
    identifier = {name: finding[name] for name in ("Id", "ProductArn")}
    for given in ({"Owner": "jane"}, {"Team": "a"}):
        hub.batch_update_findings(FindingIdentifiers=[identifier], UserDefinedFields=given)
    assert hub.get_findings()["Findings"][0]["UserDefinedFields"] == fields


@pytest.mark.parametrize(("answer", "status"), [("ignored", "NEW"), ("applied", "SUPPRESSED")])
def test_automation_rules_linked_findings(aws, answer, status):
    aws.emulator.world({ACCOUNT: {"hubs": [REGION, "eu-west-1"], "aggregator": {"home": REGION}}})
    switch(aws, automation_rules_linked_findings=answer)
    aws.client("securityhub").create_automation_rule(
        RuleName="all",
        Description="all",
        RuleOrder=1,
        Criteria={"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]},
        Actions=[{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Workflow": {"Status": "SUPPRESSED"}}}],
    )
    for region, expected in ((REGION, "SUPPRESSED"), ("eu-west-1", status)):
        finding = {**aws.finding(region=region), "Id": region}
        aws.import_findings(finding, region=region)
        shown = aws.client("securityhub").get_findings(Filters={"Id": [{"Value": region, "Comparison": "EQUALS"}]})
        assert shown["Findings"][0]["Workflow"]["Status"] == expected


@pytest.mark.parametrize(("answer", "shown"), [("one", 1), ("two", 2)])
def test_security_hub_passed_events(aws, answer, shown):
    aws.role()
    aws.topic()
    aws.rule({"detail": {"findings": {"Compliance": {"Status": ["PASSED"]}}}})
    aws.channel()
    finding = {**aws.finding(), "Compliance": {"Status": "FAILED"}}
    aws.import_findings(finding)
    switch(aws, security_hub_passed_events=answer)
    passed = {**finding, "Compliance": {"Status": "PASSED"}}
    for day in (2, 3):
        aws.import_findings({**passed, "UpdatedAt": f"2026-01-0{day}T00:00:00.000Z"})
    assert len(aws.titles()) == 1 + shown
    assert aws.client("securityhub").get_findings()["Findings"][0]["Workflow"]["Status"] == "RESOLVED"


def test_request_quotas(aws):
    hub = aws.client("securityhub")

    def throttled(times):
        return [code for code in (code_of_call(hub.get_findings) for _call in range(times)) if code]

    assert throttled(30) == []
    switch(aws, request_quotas="enforced")
    codes = throttled(60)
    assert len(codes) > 5
    assert set(codes) == {"TooManyRequestsException"}
    assert aws.client("securityhub", "eu-west-1").get_findings()["Findings"] == [], "each region has its own bucket"
    assert hub.describe_hub()["HubArn"], "so has each operation"


@pytest.mark.parametrize("row", QUOTAS, ids=lambda row: f"{row['service']}-{'-'.join(row.get('operations', []))}")
def test_each_quota_is_of_operations_that_exist_and_has_a_source(row):
    assert 0 < row["rate"] <= row["burst"]
    assert row["source"]
    assert row["certainty"] in ("certain", "likely", "unknown")
    names = {"monitoring": "cloudwatch", "servicequotas": "service-quotas"}
    model = botocore.session.get_session().get_service_model(names.get(row["service"], row["service"]))
    assert set(row.get("operations", [])) <= set(model.operation_names)


@pytest.mark.parametrize(
    ("fault", "service", "operation", "code", "status"),
    [
        ("unavailable", "chatbot", "list_custom_actions", "ServiceUnavailableException", 429),
        ("unauthorized", "chatbot", "list_custom_actions", "UnauthorizedException", 403),
        ("unavailable", "sns", "list_topics", "ServiceUnavailable", 503),
        ("throttle", "organizations", "list_accounts", "TooManyRequestsException", 400),
        ("throttle", "account", "list_regions", "TooManyRequestsException", 429),
    ],
)
def test_faults_answer_with_the_service_s_errors(aws, fault, service, operation, code, status):
    aws.emulator.faults({fault: 1})
    with pytest.raises(ClientError) as raised:
        getattr(aws.client(service, "us-east-2"), operation)()
    assert code_of(raised) == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


MENTION = "<!channel> see <https://evil.example|the runbook>"


@pytest.mark.parametrize(("answer", "mentions"), [("markup", ["!channel"]), ("escaped", [])])
def test_chatbot_event_texts(aws, answer, mentions):
    switch(aws, chatbot_event_texts=answer)
    aws.deployment()
    aws.import_findings(aws.finding(Title=MENTION))
    (message,) = aws.emulator.inbox()
    assert message["mentions"] == mentions
    assert message["labeled_links"] == (["https://evil.example"] if mentions else [])


@pytest.mark.parametrize(("answer", "mentions"), [("markup", ["!channel"]), ("escaped", [])])
def test_chatbot_custom_texts(aws, answer, mentions):
    switch(aws, chatbot_custom_texts=answer)
    aws.deployment()
    topic = aws.client("sns").list_topics()["Topics"][0]["TopicArn"]
    body = {"version": "1.0", "source": "custom", "content": {"description": "<!channel> hello"}}
    aws.client("sns").publish(TopicArn=topic, Message=json.dumps(body))
    (message,) = aws.emulator.inbox()
    assert (message["text"], message["mentions"]) == ("<!channel> hello", mentions)


@pytest.mark.parametrize(
    ("answer", "errors", "status"),
    [
        ("caught", ["States.DataLimitExceeded"], "SUCCEEDED"),
        ("caught", ["States.ALL"], "FAILED"),
        ("terminal", ["States.DataLimitExceeded"], "FAILED"),
    ],
)
def test_step_functions_data_limit(aws, answer, errors, status):
    switch(aws, step_functions_data_limit=answer)
    aws.import_findings(*(aws.finding(Id=str(number), ProductFields={"x": "x" * 2000}) for number in range(99)))
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    catch = [{"ErrorEquals": errors, "Next": "Smaller"}]
    created(aws, stack(task={"Parameters": {"MaxResults": 100}, "Catch": catch, "Retry": retry}))
    done = run(aws)
    assert done["status"] == status
    assert status == "SUCCEEDED" or done["error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize(("answer", "status"), [("known", "CREATE_COMPLETE"), ("unknown", "ROLLBACK_COMPLETE")])
def test_step_functions_security_hub_v2(aws, answer, status):
    switch(aws, step_functions_security_hub_v2=answer)
    call = "arn:aws:states:::aws-sdk:securityhub:getFindingsV2"
    found, reasons = created(aws, stack(task={"Resource": call}))
    refusal = (
        f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The resource provided {call} is not recognized. "
        f"The value is not a valid resource ARN, or the resource is not available in this region. at "
        f"/States/Read/Resource'"
    )
    assert found == status
    assert (refusal in reasons) is (answer == "unknown")
    machine = {"StartAt": "Read", "States": {"Read": {"Type": "Task", "Resource": call, "End": True}}}
    role = f"arn:aws:iam::{ACCOUNT}:role/role"
    create = partial(aws.client("stepfunctions").create_state_machine, name="other", roleArn=role)
    code = "InvalidDefinition" if answer == "unknown" else None
    assert code_of_call(create, definition=json.dumps(machine)) == code


PARTNER = "arn:aws:securityhub:us-east-1::product/partner/scanner"
OWN = f"arn:aws:securityhub:us-east-1:{ACCOUNT}:product/{ACCOUNT}/default"


@pytest.mark.parametrize(("answer", "failed"), [("anyone", 0), ("services", 1)])
def test_security_hub_aws_products(aws, answer, failed):
    switch(aws, security_hub_aws_products=answer)
    assert aws.import_findings(aws.finding())["FailedCount"] == failed
    assert aws.import_findings(aws.finding(ProductArn=PARTNER), aws.finding(ProductArn=OWN))["FailedCount"] == 0
