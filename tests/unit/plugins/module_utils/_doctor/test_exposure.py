# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor sees a hijacked channel: each way to listen in, to forge messages, or to act through it."""

from __future__ import annotations

import json
import shlex

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import messages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.breakages import ALIAS
from ansible_collections.secops.securityhub.tests.unit.breakages import RULE
from ansible_collections.secops.securityhub.tests.unit.breakages import key_id
from ansible_collections.secops.securityhub.tests.unit.breakages import queue_url
from ansible_collections.secops.securityhub.tests.unit.breakages import subscription_arn
from ansible_collections.secops.securityhub.tests.unit.breakages import topic_attribute
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.deployed import NAME
from ansible_collections.secops.securityhub.tests.unit.deployed import TOPIC
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._doctor.test_examination import look
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._doctor.test_examination import states

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE, MARKING = f"{NAME}-channel", f"{NAME}-Notified-{HERE}"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
FOREIGN_QUEUE = f"arn:aws:sqs:{HERE}:999999999999:copy"
CHANNEL_WIDE = {"role", "permissions", "guardrail"}


def topic_open(fleet):
    policy = json.loads(fleet.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    policy["Statement"].append(
        {
            "Sid": "Open",
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["sns:Publish", "sns:Subscribe"],
            "Resource": TOPIC,
        }
    )
    topic_attribute(fleet, "Policy", json.dumps(policy))


def topic_opened_to(principal, **condition):
    """Return an attack that lets someone subscribe to the topic."""

    def attack(fleet):
        sns = fleet.client("sns")
        policy = json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
        statement = {"Sid": "Other", "Effect": "Allow", "Principal": principal, "Action": "sns:Subscribe"}
        policy["Statement"].append({**statement, "Resource": TOPIC, **condition})
        topic_attribute(fleet, "Policy", json.dumps(policy))

    return attack


def queue_open(fleet):
    sqs, url = fleet.client("sqs"), queue_url(fleet)
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "sqs:ReceiveMessage", "Resource": "*"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def key_open(fleet):
    kms, key = fleet.client("kms"), key_id(fleet, ALIAS)
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    principal = {"AWS": "arn:aws:iam::999999999999:root"}
    policy["Statement"].append({"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt", "Resource": "*"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def failures_copied(fleet):
    fleet.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription_arn(fleet),
        AttributeName="RedrivePolicy",
        AttributeValue=json.dumps({"deadLetterTargetArn": FOREIGN_QUEUE}),
    )


def attached_to_marking(fleet):
    fleet.client("iam").attach_role_policy(RoleName=MARKING, PolicyArn=ADMINISTRATOR)


def inline_of_marking(fleet):
    fleet.client("iam").put_role_policy(RoleName=MARKING, PolicyName="all", PolicyDocument=EVERYTHING)


def trust_of_marking(fleet):
    trust = {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    fleet.client("iam").update_assume_role_policy(RoleName=MARKING, PolicyDocument=document)


def marking_replaced(fleet):
    fleet.client("stepfunctions").update_state_machine(
        stateMachineArn=f"arn:aws:states:{HERE}:{deployed.ACCOUNT}:stateMachine:{NAME}-notified",
        definition=json.dumps({"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}),
    )


def undelivered_copied(fleet):
    events = fleet.client("events")
    (target,) = [item for item in events.list_targets_by_rule(Rule=RULE)["Targets"] if item["Id"] == "topic"]
    events.put_targets(Rule=RULE, Targets=[{**target, "DeadLetterConfig": {"Arn": FOREIGN_QUEUE}}])


def mail_subscribed(fleet):
    fleet.client("sns").subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="eve@example.com")


def rule_copied(fleet):
    fleet.client("events").put_targets(Rule=RULE, Targets=[{"Id": "copy", "Arn": FOREIGN_QUEUE}])


def inline_policy(fleet):
    fleet.client("iam").put_role_policy(RoleName=ROLE, PolicyName="all", PolicyDocument=EVERYTHING)


def administrator_attached(fleet):
    fleet.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=ADMINISTRATOR)


def configuration_changed(fleet, **members):
    fleet.client("chatbot", "us-east-2").update_slack_channel_configuration(
        ChatConfigurationArn=deployed.CONFIGURATION, SlackChannelId=deployed.CHANNEL, **members
    )


def administrator_as_guardrail(fleet):
    configuration_changed(fleet, GuardrailPolicyArns=[ADMINISTRATOR])


def guardrail_opened(fleet):
    arn = f"arn:aws:iam::{deployed.ACCOUNT}:policy/{NAME}-channel-guardrail"
    fleet.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=EVERYTHING, SetAsDefault=True)


def other_role(fleet):
    trust = {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam = fleet.client("iam")
    try:
        iam.create_role(RoleName="admin", AssumeRolePolicyDocument=document)
    except iam.exceptions.EntityAlreadyExistsException:
        pass
    configuration_changed(fleet, IamRoleArn=f"arn:aws:iam::{deployed.ACCOUNT}:role/admin")


# What an attacker does, the check that sees it, facts of the problem, and the start of the first command against it.
ATTACKS = [
    (topic_open, "access", ["topic securityhub-slack", "everyone", "Open"], messages.REPAIR),
    (topic_opened_to({"AWS": "999999999999"}), "grants", ["topic securityhub-slack to 999999999999"], ""),
    (
        topic_opened_to("*", Condition={"StringEquals": {"aws:PrincipalAccount": "999999999999"}}),
        "grants",
        ["topic securityhub-slack to 999999999999"],
        "",
    ),
    (queue_open, "grants", ["queue securityhub-slack-", "to *"], ""),
    (key_open, "grants", [f"key {ALIAS} to arn:aws:iam::999999999999:root"], ""),
    (failures_copied, "subscribers", [f"sqs {FOREIGN_QUEUE} (dead-letter queue"], ""),
    (undelivered_copied, "targets", [RULE, "does not use the dead-letter queue"], messages.REPAIR),
    (attached_to_marking, "marking", [MARKING, ADMINISTRATOR], ""),
    (inline_of_marking, "marking", [MARKING, "inline policy all"], ""),
    (trust_of_marking, "marking", [MARKING, "trust policy"], ""),
    (marking_replaced, "marking", [f"state machine {NAME}-notified"], ""),
    (mail_subscribed, "subscribers", ["email eve@example.com"], "aws sns unsubscribe"),
    (rule_copied, "destinations", [RULE, FOREIGN_QUEUE], "aws events remove-targets"),
    (inline_policy, "permissions", [ROLE, "inline policy all"], "aws iam delete-role-policy"),
    (administrator_attached, "permissions", [ROLE, ADMINISTRATOR], "aws iam detach-role-policy"),
    (administrator_as_guardrail, "guardrail", [NAME, ADMINISTRATOR], messages.DEPLOY),
    (guardrail_opened, "guardrail", [f"{NAME}-channel-guardrail", "changed"], messages.DEPLOY),
    (other_role, "role", [NAME, "role/admin"], messages.DEPLOY),
]


@pytest.fixture
def fleet(emulator, monkeypatch):
    return deployed.deploy(emulator, monkeypatch, alarms=True, kms_key="create", mark_notified=True)


def rounds():
    """Divide the attacks so that each round has at most one that a check sees."""
    left, found = list(ATTACKS), []
    while left:
        checks = {item[1]: item for item in reversed(left)}
        found.append(list(checks.values()))
        left = [item for item in left if item not in found[-1]]
    return found


@pytest.mark.parametrize("attacks", rounds())
def test_each_attack_is_a_separate_problem(fleet, emulator, attacks):
    for attack, *_said in attacks:
        attack(fleet)
    emulator.forget_requests()
    found = look(fleet)
    assert emulator.writes() == []
    by_check = {finding.check: finding for finding in found.findings}
    assert len(found.findings) == len(attacks)
    assert set(by_check) == {check for _attack, check, *_rest in attacks}
    for _attack, check, facts, command in attacks:
        finding = by_check[check]
        assert finding.result.state == "risk"
        assert all(fact in finding.result.problem for fact in facts), finding.result.problem
        assert finding.result.effect
        assert finding.result.remedy
        assert all(shown.startswith(command) for shown in finding.result.commands[:1])
        hosts = deployed.REGIONS if check in CHANNEL_WIDE else (HERE,)
        assert set(finding.where) == set(hosts)
    assert found.healthy, "every finding still arrives"


def test_all_attacks_together_hide_none(fleet):
    for attack, _check, _facts, _command in ATTACKS:
        attack(fleet)
    here = states(look(fleet))
    assert {name for name, state in here.items() if state == "risk"} == {check for _attack, check, *_rest in ATTACKS}
    fleet.run()
    restored = {"role", "guardrail"}
    here = states(look(fleet))
    assert {name for name, state in here.items() if state == "risk"} == {item[1] for item in ATTACKS} - restored


def test_a_run_that_repairs_drift_closes_the_topic_and_removes_nothing_that_it_does_not_know(fleet):
    topic_open(fleet)
    mail_subscribed(fleet)
    rule_copied(fleet)
    fleet.run(repair_drift=True)
    assert {finding.check for finding in look(fleet).findings} == {"subscribers", "destinations"}


def test_the_buttons_and_their_permissions_are_no_problem_until_they_are_changed(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, buttons=True, message_format="custom")
    assert look(fleet).findings == ()
    fleet.client("iam").put_role_policy(RoleName=ROLE, PolicyName="TriageFindings", PolicyDocument=EVERYTHING)
    (finding,) = look(fleet).findings
    assert (finding.check, finding.result.state) == ("permissions", "risk")
    assert "TriageFindings" in finding.result.problem
    for command in finding.result.commands[:-1]:
        words = shlex.split(command)
        fleet.client("iam").untag_role(RoleName=words[4], TagKeys=[words[6]])
    fleet.run()
    assert look(fleet).findings == ()


def test_a_guardrail_of_the_inventory_is_no_problem(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, guardrail_policy_arns=[ADMINISTRATOR])
    assert look(fleet).findings == ()


BOUNDARY = f"arn:aws:iam::{deployed.ACCOUNT}:policy/boundary"


def boundaries(fleet):
    """Return the permissions boundary of each role of the deployment."""
    iam = fleet.client("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(NAME)]
    roles = [iam.get_role(RoleName=name)["Role"] for name in names]
    return {role["RoleName"]: role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") for role in roles}


def test_every_role_gets_the_permissions_boundary_and_keeps_it(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, mark_notified=True)
    assert set(boundaries(fleet).values()) == {None}
    fleet.client("iam").create_policy(PolicyName="boundary", PolicyDocument=EVERYTHING)
    assert fleet.run(permissions_boundary=BOUNDARY)
    assert len(boundaries(fleet)) == len(deployed.REGIONS) + 1, "one in each stack, and the channel role"
    assert set(boundaries(fleet).values()) == {BOUNDARY}
    fleet.variables = {**fleet.variables, "permissions_boundary": BOUNDARY}
    assert look(fleet).findings == ()
    assert fleet.run() == []
    fleet.client("iam").delete_role_permissions_boundary(RoleName=ROLE)
    assert {(finding.check, BOUNDARY in finding.result.problem) for finding in look(fleet).findings} == {("role", True)}
    assert fleet.run()
    assert set(boundaries(fleet).values()) == {BOUNDARY}


def test_marking_that_cannot_be_read_is_unknown(fleet, emulator):
    emulator.faults({"denied": 1.0, "operations": ["DescribeStateMachine"]})
    found = look(fleet)
    (finding,) = found.findings
    assert (finding.check, finding.result.state) == ("marking", "unknown")
    assert "DescribeStateMachine" in finding.result.problem


ENDS = {"mark_notified": True, "message_format": "custom", "report_resolved": True, "alarms": True}


def failed_execution(fleet):
    """Let the state machine that marks findings get one that does not exist, and wait until it has failed."""
    machine = f"arn:aws:states:{HERE}:{deployed.ACCOUNT}:stateMachine:{NAME}-notified"
    gone = {"Id": "gone", "ProductArn": f"arn:aws:securityhub:{HERE}::product/aws/securityhub"}
    finding = {**gone, "Severity": {"Label": "HIGH"}}
    event = json.dumps({"time": "2026-11-23T09:12:31Z", "detail": {"findings": [finding]}})
    states = fleet.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=event)["executionArn"]
    assert waiting.ended_execution(states, arn)["status"] == "FAILED"


def test_what_reports_the_end_of_findings_is_compared_and_repaired_and_its_failures_raise_an_alarm(
    emulator, monkeypatch
):
    fleet = deployed.deploy(emulator, monkeypatch, **ENDS)
    assert look(fleet).findings == ()
    events, rule = fleet.client("events"), f"{NAME}-resolved"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    changed = {**target["InputTransformer"], "InputTemplate": '{"topic":"other"}', "InputPathsMap": {}}
    for there in ([{**target, "InputTransformer": changed}], []):
        events.remove_targets(Rule=rule, Ids=[target["Id"]])
        if there:
            events.put_targets(Rule=rule, Targets=there)
        (finding,) = look(fleet).findings
        assert (finding.check, rule in finding.result.problem) == ("targets", True)
        fleet.run(repair_drift=True)
        assert events.list_targets_by_rule(Rule=rule)["Targets"] == [target]

    failed_execution(fleet)
    failed = look(fleet)
    (finding,) = failed.findings
    assert (finding.check, finding.result.state, failed.healthy) == ("marking", "risk", True)
    assert f"{NAME}-notified failed: 1." in finding.result.problem
    (message,) = [item for item in emulator.inbox() if item["detail_type"] == "CloudWatch Alarm"]
    assert message["title"] == f"ALARM: {NAME}-notified-failed-executions"


DIGEST = f"{NAME}-digest"


def test_what_sends_the_digest_is_compared_with_the_stack_and_its_last_execution_counts(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, digest_schedule="rate(7 days)", mark_notified=True)
    states, scheduler = fleet.client("stepfunctions"), fleet.client("scheduler")
    machine = f"arn:aws:states:{HERE}:{deployed.ACCOUNT}:stateMachine:{DIGEST}"

    def problem():
        (finding,) = look(fleet, digest_schedule="rate(7 days)", mark_notified=True).findings
        assert (finding.check, finding.result.state, finding.where) == ("digest", "risk", (HERE,))
        return finding.result

    assert look(fleet, digest_schedule="rate(7 days)", mark_notified=True).findings == ()
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.stop_execution(executionArn=execution)
    assert "The last scheduled digest failed" in problem().problem
    assert execution in problem().commands[0]

    fleet.client("iam").put_role_policy(RoleName=f"{NAME}-Digest-{HERE}", PolicyName="all", PolicyDocument=EVERYTHING)
    live = scheduler.get_schedule(Name=DIGEST)
    members = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{name: live[name] for name in members}, State="DISABLED")
    nothing = json.dumps({"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}})
    states.update_state_machine(stateMachineArn=machine, definition=nothing)
    facts = [f"schedule {DIGEST}", f"role {NAME}-Digest-{HERE} (inline policy all)", f"state machine {DIGEST}"]
    assert f"{', '.join(facts)}." in problem().problem

    emulator.faults({"denied": 1.0, "operations": ["GetSchedule"]})
    try:
        (finding,) = look(fleet, digest_schedule="rate(7 days)", mark_notified=True).findings
    finally:
        emulator.faults()
    assert (finding.check, finding.result.state) == ("digest", "unknown")


def test_what_brings_the_numbers_of_other_regions_is_compared_too(emulator, monkeypatch):
    given, sending = {"digest_schedule": "cron(0 8 ? * MON *)"}, "us-east-1"
    fleet = deployed.deploy(emulator, monkeypatch, **given)
    assert look(fleet, **given).findings == ()
    machine = f"arn:aws:states:{sending}:{deployed.ACCOUNT}:stateMachine:{DIGEST}-regions"
    fleet.client("stepfunctions", sending).delete_state_machine(stateMachineArn=machine)
    fleet.client("events").remove_targets(Rule=DIGEST, Ids=["digest"])
    fleet.client("events", "ap-southeast-1").disable_rule(Name=DIGEST)
    found = {(finding.check, finding.result.state, finding.where) for finding in look(fleet, **given).findings}
    assert found == {
        ("digest", "risk", (sending,)),
        ("targets", "risk", (HERE,)),
        ("rules", "risk", ("ap-southeast-1",)),
    }
    assert fleet.run(repair_drift=True, **given)
    assert {finding.check for finding in look(fleet, **given).findings} == {"digest"}


def test_policies_that_cannot_be_read_are_unknown(fleet, emulator):
    emulator.faults({"denied": 1.0, "operations": ["ListAttachedRolePolicies"]})
    try:
        found = look(fleet)
    finally:
        emulator.faults()
    assert states(found)["permissions"] == "unknown"
    assert not found.healthy


def test_a_foreign_name_cannot_break_out_of_a_command():
    name = "x'; rm -rf ~; echo '"
    (command,) = messages.unknown_targets(HERE, {RULE: [{"Id": name, "Arn": FOREIGN_QUEUE}]}).commands
    assert shlex.split(command)[-1] == name
