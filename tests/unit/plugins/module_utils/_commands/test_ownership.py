# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the documentation: what happens to a resource, by whose it is and by the run."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Callable

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._commands import deploy as main_job
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import ACCOUNT
from ansible_collections.secops.securityhub.tests.unit.deployed import CHANNEL
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.deployed import NAME
from ansible_collections.secops.securityhub.tests.unit.deployed import TEAM

PAGE = Path(__file__).resolve().parents[5] / "docs" / "docsite" / "rst" / "concepts.rst"
OTHER, OTHER_CHANNEL = "other", "C0OTHER0000"
ON = {
    "message_format": "custom",
    "buttons": True,
    "alarms": True,
    "kms_key": "create",
    "mark_notified": True,
    "report_resolved": True,
    "digest_schedule": "rate(7 days)",
    "suppressions": [{"control_ids": ["S3.8"], "reason": "a website", "suppress_in": "security_hub"}],
}
# What the second run of our own deployment changes in each of its resources.
CHANGED = {
    **ON,
    "tags": {"Team": "security"},
    "minimum_severity": "LOW",
    "action_name": "To Slack",
    "digest_schedule": "rate(1 day)",
    "suppressions": [{"control_ids": ["S3.5"], "reason": "a website", "suppress_in": "security_hub"}],
}
TRUST = {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}
ALLOWING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def table():
    """Return (resource, whose, run, what happens) for each cell of the table."""
    lines = PAGE.read_text(encoding="utf-8").partition(".. csv-table::")[2].split("\n\n")[1].splitlines()
    runs = ("present", "absent", "limited")
    for resource, whose, *cells in csv.reader(lines, skipinitialspace=True):
        yield from ((resource.strip(), whose, run, cell) for run, cell in zip(runs, cells))


@dataclass(frozen=True)
class Kind:
    """A kind of resource. *read*: the state of the one of a deployment, None for none. *make*: make a foreign one."""

    read: Callable[[Any, str], Any]
    make: Callable[[Any], Any]


def found(call, *absent):
    """Return the answer of a call, None for a resource that does not exist."""
    try:
        return call()
    except absent:
        return None


def answer(fleet, service, operation, region=HERE, **given):
    client = fleet.client(service, region)
    made = found(lambda: getattr(client, operation)(**given), client.exceptions.ClientError)
    return made and {key: value for key, value in made.items() if key != "ResponseMetadata"}


def stack(fleet, name):
    made = answer(fleet, "cloudformation", "describe_stacks", StackName=name)
    return made and {key: made["Stacks"][0][key] for key in ("StackId", "Tags")}


def action(fleet, _name):
    actions = fleet.client("securityhub").describe_action_targets()["ActionTargets"]
    return next((item for item in actions if item["ActionTargetArn"].endswith("/SendToSlack")), None)


def automation_rule(fleet, name):
    listed = fleet.client("securityhub").list_automation_rules()["AutomationRulesMetadata"]
    found = next((item for item in listed if item["RuleName"].startswith(f"{name}-suppression-")), None)
    return found and {key: found[key] for key in ("RuleArn", "RuleName", "Description", "RuleStatus")}


def topic(fleet, name):
    arn = f"arn:aws:sns:{HERE}:{ACCOUNT}:{name}"
    made = answer(fleet, "sns", "get_topic_attributes", TopicArn=arn)
    return made and (made["Attributes"]["Policy"], answer(fleet, "sns", "list_tags_for_resource", ResourceArn=arn))


def rule(fleet, name):
    return answer(fleet, "events", "describe_rule", Name=f"{name}-findings")


def alarm(fleet, name):
    client = fleet.client("cloudwatch")
    found = next(iter(client.describe_alarms(AlarmNames=[f"{name}-notified-failed-executions"])["MetricAlarms"]), None)
    return found and (found, client.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"])


def alias(fleet, name):
    made = answer(fleet, "kms", "describe_key", KeyId=f"alias/{name}")
    return made and made["KeyMetadata"]["KeyId"]


def machine(fleet, name):
    arn = f"arn:aws:states:{HERE}:{ACCOUNT}:stateMachine:{name}-notified"
    made = answer(fleet, "stepfunctions", "describe_state_machine", stateMachineArn=arn)
    return made and (made["definition"], answer(fleet, "stepfunctions", "list_tags_for_resource", resourceArn=arn))


def role_of_machine(fleet, name):
    return answer(fleet, "iam", "get_role", RoleName=f"{name}-Notified-{HERE}")


def schedule(fleet, name):
    return answer(fleet, "scheduler", "get_schedule", Name=f"{name}-digest")


def role(fleet, name):
    return answer(fleet, "iam", "get_role", RoleName=f"{name}-channel")


def guardrail(fleet, name):
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}-channel-guardrail"
    made = answer(fleet, "iam", "get_policy", PolicyArn=arn)
    version = made and made["Policy"]["DefaultVersionId"]
    return made and answer(fleet, "iam", "get_policy_version", PolicyArn=arn, VersionId=version)["PolicyVersion"]


def button(fleet, name):
    arn = f"arn:aws:chatbot::{ACCOUNT}:custom-action/{name}-suppress"
    made = answer(fleet, "chatbot", "get_custom_action", "us-east-2", CustomActionArn=arn)
    return made and (made, answer(fleet, "chatbot", "list_tags_for_resource", "us-east-2", ResourceARN=arn))


def configurations(fleet):
    chatbot = fleet.client("chatbot", "us-east-2")
    return chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]


def configuration(fleet, name):
    channel = CHANNEL if name == NAME else OTHER_CHANNEL
    return next((item for item in configurations(fleet) if item["SlackChannelId"] == channel), None)


def configuration_of_the_name(fleet, name):
    return next((item for item in configurations(fleet) if item["ConfigurationName"] == name), None)


def make_configuration(fleet, name, channel):
    made = fleet.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=document(TRUST))
    fleet.client("chatbot", "us-east-2").create_slack_channel_configuration(
        ConfigurationName=name, SlackTeamId=TEAM, SlackChannelId=channel, IamRoleArn=made["Role"]["Arn"]
    )


def make_stack(fleet):
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "theirs"}}}}
    fleet.client("cloudformation").create_stack(StackName=NAME, TemplateBody=json.dumps(body))


def make_button(fleet):
    fleet.client("chatbot", "us-east-2").create_custom_action(
        ActionName=f"{NAME}-suppress", Definition={"CommandText": "s3 ls"}
    )


def make_automation_rule(fleet):
    website = [{"Comparison": "EQUALS", "Value": "S3.8"}]
    suppressed = {"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Workflow": {"Status": "SUPPRESSED"}}}
    fleet.client("securityhub").create_automation_rule(
        RuleName=f"{NAME}-suppression-theirs",
        Description="Ours, not theirs",
        RuleOrder=1,
        Criteria={"ComplianceSecurityControlId": website},
        Actions=[suppressed],
    )


def make_alarm(fleet):
    fleet.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{NAME}-notified-failed-executions",
        Namespace="Theirs",
        MetricName="theirs",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def make_alias(fleet):
    kms = fleet.client("kms")
    kms.create_alias(AliasName=f"alias/{NAME}", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def make_machine(fleet, name=f"{NAME}-notified"):
    made = fleet.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=document(TRUST))
    definition = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}
    fleet.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=made["Role"]["Arn"], type="EXPRESS"
    )


def make_schedule(fleet):
    fleet.client("scheduler").create_schedule(
        Name=f"{NAME}-digest",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"arn:aws:sqs:{HERE}:{ACCOUNT}:theirs", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/theirs"},
    )


KINDS = {
    "Stack": Kind(stack, make_stack),
    "Custom action": Kind(
        action,
        lambda fleet: fleet.client("securityhub").create_action_target(
            Id="SendToSlack", Name="To Jira", Description="Opens a Jira ticket"
        ),
    ),
    "Automation rule": Kind(automation_rule, make_automation_rule),
    "Topic": Kind(topic, lambda fleet: fleet.client("sns").create_topic(Name=NAME)),
    "Rule": Kind(
        rule,
        lambda fleet: fleet.client("events").put_rule(Name=f"{NAME}-findings", EventPattern='{"source":["theirs"]}'),
    ),
    "Alarm": Kind(alarm, make_alarm),
    "Key alias": Kind(alias, make_alias),
    "State machine": Kind(machine, make_machine),
    "Role of the state machine": Kind(
        role_of_machine,
        lambda fleet: fleet.client("iam").create_role(
            RoleName=f"{NAME}-Notified-{HERE}", AssumeRolePolicyDocument=document(TRUST)
        ),
    ),
    "Schedule": Kind(schedule, make_schedule),
    "Channel role": Kind(
        role,
        lambda fleet: fleet.client("iam").create_role(
            RoleName=f"{NAME}-channel", AssumeRolePolicyDocument=document(TRUST)
        ),
    ),
    "Guardrail policy": Kind(
        guardrail,
        lambda fleet: fleet.client("iam").create_policy(
            PolicyName=f"{NAME}-channel-guardrail", PolicyDocument=document(ALLOWING)
        ),
    ),
    "Button": Kind(button, make_button),
    "Configuration of the channel": Kind(configuration, lambda fleet: make_configuration(fleet, "theirs", CHANNEL)),
    "Configuration of its name": Kind(
        configuration_of_the_name, lambda fleet: make_configuration(fleet, NAME, OTHER_CHANNEL)
    ),
}


def run(fleet, how, **given):
    """Run the main job, limited to the other targets if so, and return what it has said."""
    variables = {**ON, **given, "state": "absent" if how == "absent" else "present"}
    context = fleet.context(**variables)
    if how == "limited":
        here = [target for target in context.targets if target.settings.region == HERE]
        others = [target for target in context.targets if target not in here]
        context = replace(context, targets=others, unselected=here)
    try:
        outcome = main_job.run(context)
    except UserError as error:
        return str(error)
    return " ".join(outcome.lines) + json.dumps(outcome.result)


def without_topics(state):
    return {key: value for key, value in state.items() if key != "SnsTopicArns"}


def assert_happened(cell, before, after, said, resource):
    if cell == "deleted":
        assert before and after is None
    elif cell == "updated":
        assert before and after and after != before
    elif cell == "topics only":
        assert without_topics(after) == without_topics(before)
    else:
        assert before and after == before
    assert ("already exists and is not managed by this collection" in said) == (cell == "refused"), (resource, said)
    if cell == "reported":
        assert "is not managed by" in said
        assert "and stays" in said


CELLS = list(table())
OF_US = [cell for cell in CELLS if cell[1] == "this deployment"]
SHARED = [cell for cell in CELLS if cell[:2] == ("Configuration of the channel", "another deployment")]
OF_ANOTHER = [cell for cell in CELLS if cell[1] == "another deployment" and cell not in SHARED]
FOREIGN = [cell for cell in CELLS if cell[1] == "someone else"]


def test_the_table_names_every_kind_and_owner():
    assert {cell[0] for cell in CELLS} == set(KINDS)
    assert len(OF_US) + len(OF_ANOTHER) + len(SHARED) + len(FOREIGN) == len(CELLS) >= 60


@pytest.fixture(autouse=True)
def two_regions(monkeypatch):
    deployed.use_two_regions(monkeypatch)


@pytest.mark.parametrize("how", ["present", "absent", "limited"])
def test_resources_of_this_deployment(emulator, monkeypatch, how):
    fleet = deployed.deploy(emulator, monkeypatch, **ON)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{NAME}-channel-guardrail"
    fleet.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=document(ALLOWING), SetAsDefault=True)
    before = {resource: kind.read(fleet, NAME) for resource, kind in KINDS.items()}
    said = run(fleet, how, **({} if how == "absent" else CHANGED))
    for resource, _whose, of_run, cell in OF_US:
        if of_run == how:
            assert_happened(cell, before[resource], KINDS[resource].read(fleet, NAME), said, resource)


@pytest.mark.parametrize("how", ["present", "absent", "limited"])
def test_resources_of_another_deployment(emulator, monkeypatch, how):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    fleet.run(**ON, name=OTHER, channel_id=OTHER_CHANNEL)
    before = {resource: kind.read(fleet, OTHER) for resource, kind in KINDS.items()}
    said = run(fleet, how)
    for resource, _whose, of_run, cell in OF_ANOTHER:
        if of_run == how:
            of_all = said if cell in ("refused", "reported") else ""
            assert_happened(cell, before[resource], KINDS[resource].read(fleet, OTHER), of_all, resource)


@pytest.mark.parametrize(("resource", "_whose", "how", "cell"), FOREIGN)
def test_resources_of_others(emulator, monkeypatch, resource, _whose, how, cell):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    kind = KINDS[resource]
    kind.make(fleet)
    before = kind.read(fleet, NAME)
    assert before
    said = run(fleet, how)
    assert_happened(cell, before, kind.read(fleet, NAME), said, resource)


def test_a_removal_names_all_rules_of_others_with_its_names_and_no_others(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    ours = [f"{NAME}-findings", f"{NAME}-findings-2", f"{NAME}-action", f"{NAME}-digest"]
    for name in [*ours, f"{NAME}-prod-findings", f"{NAME}-findings-x", f"{NAME}-actions", f"x{NAME}-action"]:
        fleet.client("events").put_rule(Name=name, EventPattern='{"source":["theirs"]}')
    said = run(fleet, "absent")
    assert set(re.findall(rf"the rule (\S+) in {HERE} is not managed by the deployment {NAME}", said)) == set(ours)


def test_what_has_the_names_of_the_numbers_of_a_digest_is_refused(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    make_machine(fleet, f"{NAME}-digest-regions")
    fleet.client("events").put_rule(Name=f"{NAME}-digest", EventPattern='{"source":["theirs"]}')
    said = run(fleet, "present", digest_schedule="cron(0 8 ? * MON *)")
    for resource in (f"state machine {NAME}-digest-regions", f"rule {NAME}-digest"):
        assert f"{resource} already exists and is not managed by this collection" in said


@pytest.mark.parametrize(("resource", "_whose", "how", "cell"), SHARED)
def test_the_configuration_of_a_channel_that_two_deployments_share(emulator, monkeypatch, resource, _whose, how, cell):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    fleet.run(**ON, name=OTHER, action_id="SendElsewhere")
    before = configuration(fleet, NAME)
    said = run(fleet, how)
    after = configuration(fleet, NAME)
    assert_happened(cell, before, after, said, resource)
    assert set(before["SnsTopicArns"]) <= set(after["SnsTopicArns"])
