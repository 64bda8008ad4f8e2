# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies that the role ships are sufficient and necessary: playbooks run with nothing else.

The emulator evaluates them for each call, and for what CloudFormation calls for the caller. It says which action of
which statement was needed, so an action less fails the run, and an action that no run needs fails the test.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model import buttons
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import workflow
from ansible_collections.secops.securityhub.plugins.module_utils._stack.alarms import Alarms
from ansible_collections.secops.securityhub.plugins.module_utils._stack.receivers import Receiver
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledChannel
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledDigest
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import StackDesign
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import template
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import old_template
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

ACCOUNT, HERE = "111111111111", "us-east-1"
OURS = {**findings.FINDINGS["ec2-19-critical-us-east-1"], "AwsAccountId": ACCOUNT}
ROOT = Path(__file__).resolve().parents[3]
POLICIES = ROOT / "roles" / "securityhub_slack" / "files" / "iam"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/securityhub-slack-boundary"
GUARDRAIL = f"arn:aws:iam::{ACCOUNT}:policy/securityhub-slack-channel-guardrail"
AGGREGATOR = {"home": HERE, "RegionLinkingMode": "SPECIFIED_REGIONS", "Regions": ["ap-northeast-1"]}
BOUNDED = ("-e", f"securityhub_slack_permissions_boundary={BOUNDARY}")
# A channel in Microsoft Teams instead of the one in Slack.
IN_TEAMS = (
    "-e",
    json.dumps(
        {
            "securityhub_slack_configuration_name": "securityhub-slack-teams",
            **{f"securityhub_slack_{name}": value for name, value in account_model.TEAMS.items()},
        }
    ),
)
BUTTONS = ("-e", '{"securityhub_slack_buttons": true, "securityhub_slack_message_format": "custom"}')
RESOLVED = ("-e", '{"securityhub_slack_report_resolved": true, "securityhub_slack_message_format": "custom"}')
SCHEDULE = ("-e", '{"securityhub_slack_digest_schedule": "cron(0 8 ? * MON *)"}')
REPAIR = ("-e", "securityhub_slack_repair_drift=true")
ABSENT = ("-e", "securityhub_slack_state=absent")
STACK_SET = ("-e", "securityhub_slack_use_stack_set=true")
# What always goes together in read.json; its other statements are optional.
READ = "read:ReadState,ReadStack"
PATH = "read:ReadDeliveryPath,ReadOwnDeliveryPath"
# In the schemas of resource types, but only needed with properties that our stacks do not have: inline subscriptions,
# delivery logs, managed policies, descriptions of roles, and state machines in a bucket or with a key.
UNUSED = {
    *("sns:Subscribe", "sns:Unsubscribe", "iam:AttachRolePolicy", "iam:DetachRolePolicy"),
    *("iam:UpdateRole", "iam:UpdateRoleDescription", "s3:GetObject", "s3:GetObjectVersion"),
    *("kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey", "iam:DeleteRolePermissionsBoundary"),
}
STATES_OF_OLD_STACKS = (
    *("DELETE_FAILED", "ROLLBACK_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED"),
    "nothing",
)
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
UNUSED_BY_TEMPLATE_OF_2020 = {"iam:DeleteUserPolicy", "iam:DeleteGroupPolicy", "iam:TagRole", "iam:UntagRole"}


def document(name: str) -> dict[str, Any]:
    """Return a policy: the name of a file, or with a colon some of its statements."""
    file, _colon, sids = name.partition(":")
    text = (POLICIES / f"{file}.json").read_text(encoding="utf-8").replace("OLD_STACK", old_template.STACK)
    whole = json.loads(text)
    return {**whole, "Statement": [item for item in whole["Statement"] if not sids or item["Sid"] in sids.split(",")]}


def listed(statement: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the Sid and each action of a statement."""
    found = statement["Action"]
    return {(statement["Sid"], action) for action in ([found] if isinstance(found, str) else found)}


def actions(name: str) -> set[tuple[str, str]]:
    """Return the Sid and action of everything that a policy allows."""
    return {pair for statement in document(name)["Statement"] for pair in listed(statement)}


def permissions(design: StackDesign, *kinds: str) -> set[str]:
    """Return what CloudFormation may call for the caller for resources of a stack, according to their schemas."""
    found = {item["Type"] for item in template(design)["Resources"].values()}
    needed = {action for kind in found if kind.startswith(kinds) for action in of_schema(kind)}
    assert needed
    return needed


def of_schema(kind: str, *operations: str) -> set[str]:
    # Takes two seconds, which not each process of the tests has to spend.
    import cfnlint.schema.manager

    schema = cfnlint.schema.manager.PROVIDER_SCHEMA_MANAGER.get_resource_schema(HERE, kind).schema
    return {
        action
        for name in operations or ("create", "read", "update", "delete")
        for action in schema["handlers"].get(name, {}).get("permissions", [])
    }


class Account:
    """An account of the emulator, and the actions that its runs have needed."""

    def __init__(self, emulator: Any, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.needed: set[tuple[str, str, str]] = set()
        inventory = folder / "hosts.yml"
        variables = {
            "securityhub_slack_workspace_id": "T0123456789",
            "securityhub_slack_channel_id": "C0123456789",
            "securityhub_slack_tags": {"Team": "security"},
        }
        hosts = {HERE: {}, "ap-northeast-1": {}}
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
        self.reset()

    def reset(self) -> None:
        """Empty the account, except for an authorized workspace and the policy that bounds roles."""
        self.emulator.reset()
        workspace = {"SlackTeamId": "T0123456789", "SlackTeamName": "Security"}
        team = {"TeamId": account_model.TEAMS["team_id"], "TenantId": account_model.TEAMS["tenant_id"]}
        self.emulator.world({ACCOUNT: {"hubs": [HERE, "ap-northeast-1"], "workspaces": [workspace], "teams": [team]}})
        iam = self.emulator.client("iam")
        iam.create_policy(PolicyName="securityhub-slack-boundary", PolicyDocument=json.dumps(document("boundary")))

    def play(self, *arguments: str, playbook: str = "securityhub_slack") -> subprocess.CompletedProcess[str]:
        """Run a playbook for two regions."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
        }
        return subprocess.run(
            [
                ansible_commands.path("ansible-playbook"),
                f"secops.securityhub.{playbook}",
                "-i",
                self.folder / "hosts.yml",
                *arguments,
            ],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    @contextlib.contextmanager
    def only(self, policies: str, caller: str = ACCOUNT) -> Iterator[None]:
        """Allow the calls of the block nothing but these policies, which must be enough, and note what was needed."""
        names = policies.split()
        self.emulator.ask("POST", "callers", {caller: [document(name) for name in names]})
        try:
            yield
            used = self.emulator.ask("GET", "callers")
        finally:
            self.emulator.ask("POST", "callers", {})
        assert used["denied"] == [], "\n".join(used["denied"])
        self.needed |= {(names[number].partition(":")[0], sid, action) for number, sid, action in used["needed"]}

    def run(self, policies: str, *arguments: str, playbook: str = "securityhub_slack", code: int = 0) -> str:
        """Run a playbook with these policies only, which must be enough, and return its output."""
        with self.only(policies):
            done = self.play(*arguments, playbook=playbook)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, policies: str, *arguments: str, playbook: str = "securityhub_slack") -> str:
        """Run a playbook with policies that do not allow it, and return what was denied."""
        self.emulator.ask("POST", "callers", {ACCOUNT: [document(name) for name in policies.split()]})
        try:
            self.play(*arguments, playbook=playbook)
            return " ".join(self.emulator.ask("GET", "callers")["denied"])
        finally:
            self.emulator.ask("POST", "callers", {})

    def existing_configuration(self) -> None:
        """Let the channels have configurations of others."""
        role, chatbot = f"arn:aws:iam::{ACCOUNT}:role/theirs", self.emulator.client("chatbot", "us-east-2")
        trust = {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.emulator.client("iam").create_role(
            RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
        chatbot.create_slack_channel_configuration(
            SlackTeamId="T0123456789",
            SlackChannelId="C0123456789",
            ConfigurationName="theirs",
            IamRoleArn=role,
            SnsTopicArns=[],
        )
        chatbot.create_microsoft_teams_channel_configuration(
            TeamId=account_model.TEAMS["team_id"],
            TenantId=account_model.TEAMS["tenant_id"],
            ChannelId=account_model.TEAMS["channel_id"],
            ConfigurationName="theirs-too",
            IamRoleArn=role,
            SnsTopicArns=[],
        )

    def repair(self, monkeypatch: Any, policies: str, *variables: tuple[str, Any]) -> None:
        """Break a fleet with these variables in each way that a run repairs, and repair it with the policies."""
        monkeypatch.setattr(deployed, "REGIONS", (deployed.HERE,))
        fleet = deployed.deploy(self.emulator, monkeypatch, **dict(variables))
        for breakage in breakages.BREAKAGES:
            if breakage.variables != variables or breakage.repaired_by == breakages.NOT:
                continue
            breakage.happen(fleet)
            with self.only(f"{ON_CREATE} {PATH} {policies}"):
                fleet.run(repair_drift=breakage.repaired_by == breakages.DEEP)

    def unneeded(self, name: str, schema: set[str] = frozenset()) -> set[tuple[str, str]]:
        """Return what a policy allows, but neither a run so far nor a schema needs."""
        needed = {(sid, action) for file, sid, action in self.needed if file == name}
        return {(sid, action) for sid, action in actions(name) - needed if action not in schema}


@pytest.fixture
def account(emulator, tmp_path):
    return Account(emulator, tmp_path)


RULE = Rule("securityhub-slack-findings", "Findings", {"source": ["aws.securityhub"]}, "securityhub-slack", True)
LAKE = Receiver("securityhub-slack-to-lake", "events", (f"arn:aws:events:{HERE}:999999999999:event-bus/lake",))
DAILY = ScheduledDigest("rate(1 day)", "UTC", 7, False, (ScheduledChannel("securityhub-slack", ("HIGH",), "true"),))
PLAIN = StackDesign("securityhub-slack", ("securityhub-slack",), (RULE,))


ON_CREATE = f"{READ} read:Preflight"
OTHER_TAGS = ("-e", '{"securityhub_slack_tags": {"Owner": "security"}}')


# What writes without a resource: AWS knows none for the first four, and new keys have no name, so CloudFormation must
# create them.
FOR_ANY_RESOURCE = {
    ("automation_rules", "CreateAutomationRules"),
    ("channel", "CreateChannel"),
    ("buttons", "CreateButton"),
    ("boundary", "KeysOfEncryptedTopics"),
    ("canary", "Unsubscribe"),
    ("encryption", "KeyOfTheStackByCloudFormation"),
    ("digest", "KeysOfEncryptedTopics"),
    ("receivers", "Unsubscribe"),
}
READS = ("Get", "List", "Describe", "Simulate", "Test")
# Reads of resources whose names are known. The others are of resources of any name (roles, keys, topics and rules of
# others), or AWS knows no resource: DescribeAlarms with a prefix, DescribeStackResources with the ID of a resource.
OF_NAMED_RESOURCES = {
    *("cloudformation:ListStackInstances", "iam:ListPolicyVersions", "lambda:GetFunctionConfiguration"),
    *("sns:ListSubscriptionsByTopic", "sqs:GetQueueAttributes"),
}


def test_what_writes_is_scoped():
    writes = {
        (path.stem, statement["Sid"])
        for path in POLICIES.glob("*.json")
        for statement in document(path.stem)["Statement"]
        if statement["Resource"] == "*"
        and any(not action.partition(":")[2].startswith(READS) for _sid, action in listed(statement))
    }
    assert writes == FOR_ANY_RESOURCE
    for name in ("boundary", "encryption", "digest"):
        assert all("Condition" in item for item in document(name)["Statement"] if item["Resource"] == "*")


# What each statement with a condition requires: without one of these, it would allow more than its Sid says.
CONDITIONS = {
    ("baseline", "MarkFindingsNotified"): {"securityhub:ASFFSyntaxPath/*"},
    ("baseline", "MarkFindingsOfNewHub"): {"securityhub:OCSFSyntaxPath/*"},
    ("boundary", "KeysOfEncryptedTopics"): {"kms:ViaService"},
    ("boundary", "MarkSentFindings"): {"securityhub:ASFFSyntaxPath/*"},
    ("boundary", "MarkSentInNewHub"): {"securityhub:OCSFSyntaxPath/*"},
    ("boundary", "SetStatusInNewHub"): {"securityhub:OCSFSyntaxPath/*"},
    ("boundary", "SetWorkflowStatus"): {"securityhub:ASFFSyntaxPath/*"},
    ("buttons", "PermissionsOfTheChannel"): {"iam:PermissionsBoundary"},
    ("canary", "ImportTestFinding"): {"securityhub:TargetAccount"},
    ("canary", "SubscribeToTopics"): {"sns:Endpoint", "sns:Protocol"},
    ("channel", "BoundaryOfTheRole"): {"iam:PermissionsBoundary"},
    ("channel", "RoleForAmazonQ"): {"iam:PassedToService"},
    ("channel", "SubscriberOfTheTopics"): {"iam:AWSServiceName"},
    ("deploy", "RulesForFindings"): {"events:source"},
    ("deploy", "TargetsOfTheStack"): {"events:TargetArn"},
    ("digest", "KeysOfEncryptedTopics"): {"kms:ViaService"},
    ("digest_schedule", "RegionOfTheMessage"): {"events:TargetArn"},
    ("digest_schedule", "RolesForTheirServices"): {"iam:PassedToService"},
    ("digest_schedule", "RolesWithBoundary"): {"iam:PermissionsBoundary"},
    ("digest_schedule", "RuleForNumbers"): {"events:source"},
    ("encryption", "KeyForItsAliasByCloudFormation"): {"aws:CalledVia"},
    ("encryption", "KeyOfTheStackByCloudFormation"): {"aws:CalledVia"},
    ("encryption", "RepairOfTheKey"): {"aws:ResourceTag/secops.securityhub/managed"},
    ("mark_notified", "RolesForTheirServices"): {"iam:PassedToService"},
    ("mark_notified", "RolesWithBoundary"): {"iam:PermissionsBoundary"},
    ("receivers", "QueuesAndEventBuses"): {"events:TargetArn"},
    ("receivers", "RolesForEventBridge"): {"iam:PassedToService"},
    ("receivers", "RolesWithBoundary"): {"iam:PermissionsBoundary"},
    ("receivers", "SubscribeReceivers"): {"sns:Protocol"},
}


def test_each_condition_stays():
    found = {
        (path.stem, statement["Sid"]): {
            re.sub("^(securityhub:(?:ASFF|OCSF)SyntaxPath/).*", r"\1*", key)
            for keys in statement["Condition"].values()
            for key in keys
        }
        for path in POLICIES.glob("*.json")
        for statement in document(path.stem)["Statement"]
        if "Condition" in statement
    }
    assert found == CONDITIONS


def test_no_role_is_passed_to_any_service():
    passing = [
        statement
        for path in POLICIES.glob("*.json")
        for statement in document(path.stem)["Statement"]
        if "iam:PassRole" in {action for _sid, action in listed(statement)}
    ]
    assert passing
    assert all("iam:PassedToService" in statement["Condition"]["StringEquals"] for statement in passing)


def test_what_reads_named_resources_is_scoped():
    allowed = [
        (action, statement["Resource"])
        for path in POLICIES.glob("*.json")
        for statement in document(path.stem)["Statement"]
        for _sid, action in listed(statement)
        if action in OF_NAMED_RESOURCES
    ]
    assert {action for action, _resource in allowed} == OF_NAMED_RESOURCES
    assert "*" not in [resource for _action, resource in allowed]


def test_every_role_that_gets_permissions_has_a_boundary():
    """Whoever may give a role permissions must not be able to give it more than the boundary allows."""
    granting = {"iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"}
    key = {"ArnLike": {"iam:PermissionsBoundary": "arn:aws:iam::*:policy/securityhub-slack-boundary"}}
    for path in POLICIES.glob("*.json"):
        for statement in document(path.stem)["Statement"]:
            if granting & {action for _sid, action in listed(statement)}:
                assert statement["Condition"] == key, path
        allowed = {action for _sid, action in actions(path.stem)}
        assert not allowed & {"iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy"}


def test_the_boundary_allows_what_our_roles_need_and_nothing_else():
    resolved = Rule("securityhub-slack-resolved", "", {}, "securityhub-slack", resolved=True)
    options = {"mark_notified": True, "scheduled": DAILY, "key": "create", "receivers": (LAKE,)}
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (RULE, resolved), **options)
    roles = [item for item in template(design)["Resources"].values() if item["Type"] == "AWS::IAM::Role"]
    policies = [policy for role in roles for policy in role["Properties"]["Policies"]]
    statements = [item for policy in policies for item in policy["PolicyDocument"]["Statement"]]
    needed = {action for item in statements for _sid, action in listed({"Sid": "", **item})}
    assert {action for _sid, action in actions("boundary")} == needed
    hub, new_hub = "arn:aws:securityhub:*:*:hub/default", "arn:aws:securityhub:*:*:hubv2/*"
    for sid, permission in (
        ("SetWorkflowStatus", workflow.permission(hub, sorted(buttons.BUTTONS.values()))),
        ("MarkSentFindings", workflow.permission(hub, "NOTIFIED", user_defined=True)),
        ("MarkSentInNewHub", workflow.ocsf_permission(new_hub, ["NOTIFIED"], comment=True)),
        ("SetStatusInNewHub", workflow.ocsf_permission(new_hub, list(workflow.STATUS_IDS))),
    ):
        (statement,) = document(f"boundary:{sid}")["Statement"]
        assert {key: value for key, value in statement.items() if key != "Sid"} == permission


def test_baseline_can_change_nothing_but_the_workflow_status():
    (marking,) = [item for item in document("baseline")["Statement"] if item["Sid"] == "MarkFindingsNotified"]
    assert marking["Condition"] == workflow.permission("*", "NOTIFIED")["Condition"]
    (marking,) = [item for item in document("baseline")["Statement"] if item["Sid"] == "MarkFindingsOfNewHub"]
    assert marking["Condition"] == workflow.ocsf_permission("*", ["NOTIFIED"])["Condition"]


def test_deploy_and_channel(account, monkeypatch):
    """A first run, changes, repairs, and the removal."""
    account.run(f"{ON_CREATE} deploy channel", *IN_TEAMS, "--limit", HERE)
    account.run(f"{ON_CREATE} deploy channel", *IN_TEAMS)
    account.run(f"{ON_CREATE} deploy channel")
    account.run(f"{ON_CREATE} deploy", "--diff", "-e", "securityhub_slack_minimum_severity=HIGH")
    account.emulator.ask(
        "POST",
        "stack_status",
        {"account": ACCOUNT, "region": HERE, "stack": "securityhub-slack", "status": "UPDATE_FAILED"},
    )
    account.run(f"{ON_CREATE} deploy")
    iam = account.emulator.client("iam")
    for _version in range(4):
        iam.create_policy_version(PolicyArn=GUARDRAIL, PolicyDocument=EVERYTHING, SetAsDefault=True)
    account.run(f"{ON_CREATE} deploy channel", *OTHER_TAGS)
    account.run(f"{ON_CREATE} deploy channel", *OTHER_TAGS, *BOUNDED)
    account.run(f"{ON_CREATE} deploy channel", *ABSENT)
    account.repair(monkeypatch, "deploy channel")
    assert account.unneeded("channel") == set()
    # A rule has a role only with mark_notified.json.
    schema = permissions(PLAIN, "AWS::SNS::", "AWS::Events::") - UNUSED - {"iam:GetRole", "iam:PassRole"}
    assert schema <= {action for _sid, action in actions("deploy")}
    assert account.unneeded("deploy", schema) == set()


@pytest.mark.parametrize(
    ("policy", "variables", "kinds"),
    [
        ("encryption", breakages.OWN_KEY, "AWS::KMS::"),
        ("alarms", breakages.ALARMS, ("AWS::SQS::", "AWS::CloudWatch::")),
    ],
)
def test_encryption_and_alarms(account, monkeypatch, policy, variables, kinds):
    chosen = ("-e", f"securityhub_slack_{variables[0][0]}={variables[0][1]}")
    account.run(f"{ON_CREATE} deploy channel {policy}", *chosen)
    account.run(f"{ON_CREATE} deploy channel {policy}", *chosen, *OTHER_TAGS)
    account.run(f"{ON_CREATE} deploy channel {policy}", *OTHER_TAGS)
    account.repair(monkeypatch, f"deploy channel {policy}", *variables)
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (), key="create", alarms=Alarms())
    schema = permissions(design, *([kinds] if isinstance(kinds, str) else kinds))
    assert schema <= {action for _sid, action in actions(policy)}
    assert account.unneeded(policy, schema) == set()


def test_receivers(account):
    """Each kind of receiver: first run, changes, doctor, and the removal."""
    bus = f"arn:aws:events:{HERE}:{ACCOUNT}:event-bus/lake"
    account.emulator.client("events").create_event_bus(Name="lake")
    receivers = [
        {"name": "mail", "email": ["oncall@example.com"]},
        {"name": "pager", "url": "https://events.example.com/key"},
        {"name": "lake", "event_bus_arn": bus},
    ]
    queues = []
    for region in (HERE, "ap-northeast-1"):
        arn = f"arn:aws:sqs:{region}:{ACCOUNT}:findings"
        allowed = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allowed}]})
        account.emulator.client("sqs", region).create_queue(QueueName="findings", Attributes={"Policy": policy})
        queues.append(arn)
    receivers.append({"name": "eda", "queue_arn": queues[0].replace(HERE, "{{ inventory_hostname }}")})
    on = ("-e", json.dumps({"securityhub_slack_receivers": receivers}))
    fewer = ("-e", json.dumps({"securityhub_slack_receivers": [{**receivers[0], "email": ["other@example.com"]}]}))
    account.run(f"{ON_CREATE} deploy channel receivers", *on, *BOUNDED)
    account.run(f"{ON_CREATE} deploy channel receivers", *on, *BOUNDED, *OTHER_TAGS)
    account.run("read receivers", *on, playbook="securityhub_slack_doctor", code=2)
    account.run(f"{ON_CREATE} deploy channel receivers", *fewer)
    account.run(f"{ON_CREATE} deploy channel receivers", *ABSENT)
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (RULE,), receivers=(LAKE,))
    schema = permissions(design, "AWS::IAM::", "AWS::SQS::") - UNUSED
    assert schema <= {action for _sid, action in actions("receivers")}
    assert account.unneeded("receivers", schema) == set()


def test_account_channels(account):
    """Channels whose accounts AWS Organizations knows, by unit and by tag."""
    given = {"organizational_unit_ids": ["ou-ab12-payments"], "account_tags": {"team": "pay"}}
    channels = [{"name": "team", "channel_id": "C0123456789", **given}]
    chosen = ("-e", json.dumps({"securityhub_slack_channels": channels}))
    unit = {"organizational_unit": "ou-ab12-payments", "units": {"ou-ab12-payments": "r-ab12"}}
    account.emulator.world({ACCOUNT: {"name": "pay", "tags": {"team": "pay"}, **unit}})
    account.run(f"{ON_CREATE} account_channels", "--check", *chosen)
    assert account.unneeded("account_channels") == set()


def test_automation_rules(account):
    """Rules of both kinds are created, changed back and deleted; the doctor and --check only read them."""
    hub = account.emulator.client("securityhub")
    reading = "automation_rules:ListAutomationRules,ReadAutomationRules"

    def variables(control: str, finding_format: str) -> tuple[str, str]:
        suppressions = [{"control_ids": [control], "suppress_in": "security_hub"}]
        given = {"suppressions": suppressions, "finding_format": finding_format}
        return "-e", json.dumps({f"securityhub_slack_{name}": value for name, value in given.items()})

    account.emulator.world({ACCOUNT: {"hubs_v2": [HERE, "ap-northeast-1"]}})
    for finding_format in ("asff", "ocsf"):
        rules = variables("S3.8", finding_format)
        account.run(f"{ON_CREATE} deploy channel automation_rules", *rules)
        account.run(f"{READ} {reading}", "--check", "--diff", *rules)
        if finding_format == "asff":
            (found, *_others) = hub.list_automation_rules()["AutomationRulesMetadata"]
            items = [{"RuleArn": found["RuleArn"], "RuleStatus": "DISABLED", "Description": "mine"}]
            hub.batch_update_automation_rules(UpdateAutomationRulesRequestItems=items)
        else:
            (found, *_others) = hub.list_automation_rules_v2()["Rules"]
            hub.update_automation_rule_v2(Identifier=found["RuleArn"], RuleStatus="DISABLED")
        account.run(f"{ON_CREATE} deploy channel automation_rules", *rules)
    account.run(f"{ON_CREATE} deploy channel automation_rules", *variables("S3.8", "ocsf"), *ABSENT)
    assert account.unneeded("automation_rules") == set()


def test_existing_channel(account):
    """Another configuration of the channel is only changed by those who may."""
    account.existing_configuration()
    assert "chat-configuration/slack-channel/theirs" in account.refused(f"{ON_CREATE} deploy channel")
    account.run(f"{ON_CREATE} deploy channel existing_channel")
    account.run(f"{ON_CREATE} deploy channel existing_channel", *IN_TEAMS)
    account.run(f"{ON_CREATE} deploy channel existing_channel", *ABSENT)
    assert account.unneeded("existing_channel") == set()


def test_buttons(account):
    account.run(f"{ON_CREATE} buttons", "--check", "--diff", *BUTTONS)
    account.run(f"{ON_CREATE} deploy channel buttons", *BUTTONS, *BOUNDED)
    account.run(f"{READ} buttons", *BUTTONS, *BOUNDED)
    chatbot = account.emulator.client("chatbot", "us-east-2")
    for arn in chatbot.list_custom_actions()["CustomActions"]:
        chatbot.update_custom_action(CustomActionArn=arn, Definition={"CommandText": "sts get-caller-identity"})
    account.run(f"{ON_CREATE} deploy channel buttons", *BUTTONS, *BOUNDED, *OTHER_TAGS)
    account.run(f"{ON_CREATE} deploy channel buttons", *BOUNDED, *OTHER_TAGS)
    assert account.unneeded("buttons") == set()


def test_mark_notified(account):
    on = ("-e", "securityhub_slack_mark_notified=true")
    account.run(f"{ON_CREATE} deploy channel mark_notified", *on, *BOUNDED)
    account.run(f"{ON_CREATE} deploy channel mark_notified", *on, *BOUNDED, *OTHER_TAGS)
    account.run(f"{ON_CREATE} deploy channel mark_notified", *on, *BOUNDED, *RESOLVED)
    account.run(f"{ON_CREATE} deploy channel mark_notified", *BOUNDED, *OTHER_TAGS)
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (RULE,), mark_notified=True)
    schema = permissions(design, "AWS::IAM::", "AWS::StepFunctions::") - UNUSED
    assert schema <= {action for _sid, action in actions("mark_notified")}
    assert account.unneeded("mark_notified", schema) == set()


def test_digest_schedule(account):
    account.run(f"{ON_CREATE} deploy channel digest_schedule", *SCHEDULE, *BOUNDED)
    # The roles may do what the state machines do, within the boundary.
    for region in ("ap-northeast-1", HERE):
        given = {"account": ACCOUNT, "region": region, "name": "securityhub-slack-digest", "at": "2026-01-05T08:00:00Z"}
        execution = account.emulator.ask("POST", "schedule", given)["execution"]
        client = account.emulator.client("stepfunctions", region)
        assert waiting.ended_execution(client, execution)["status"] == "SUCCEEDED"
    assert account.emulator.inbox()[-1]["text"] == f"*No finding* open in ap-northeast-1, {HERE}"
    daily = ("-e", '{"securityhub_slack_digest_schedule": "rate(1 day)"}')
    account.run(f"{ON_CREATE} deploy channel digest_schedule", *daily, *BOUNDED, *OTHER_TAGS)
    account.run(f"{ON_CREATE} deploy channel digest_schedule", *BOUNDED, *OTHER_TAGS)
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (RULE,), scheduled=DAILY)
    schema = permissions(design, "AWS::IAM::", "AWS::StepFunctions::", "AWS::Scheduler::") - UNUSED
    assert schema <= {action for _sid, action in actions("digest_schedule")}
    assert account.unneeded("digest_schedule", schema) == set()


def test_simulate_baseline_and_digest(account):
    account.play()
    account.run("read simulate", playbook="securityhub_slack_simulate")
    findings.bring(account.emulator, OURS)
    account.run(f"{READ} digest", "--check", playbook="securityhub_slack_digest")
    account.run(f"{READ} digest", playbook="securityhub_slack_digest")
    account.run("read baseline", playbook="securityhub_slack_baseline")

    account.reset()
    account.emulator.world({ACCOUNT: {"hubs_v2": "all"}})
    ocsf = ("-e", "securityhub_slack_finding_format=ocsf")
    account.play(*ocsf)
    findings.bring_ocsf(account.emulator, findings.ocsf(OURS))
    account.run("read simulate", *ocsf, playbook="securityhub_slack_simulate")
    account.run(f"{READ} digest", "--check", *ocsf, playbook="securityhub_slack_digest")
    account.run("read baseline", *ocsf, playbook="securityhub_slack_baseline")
    assert [account.unneeded(name) for name in ("simulate", "baseline")] == [set(), set()]
    # Publishing to an encrypted topic needs these: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    assert account.unneeded("digest", {"kms:Decrypt", "kms:GenerateDataKey"}) == set()


def test_canary(account):
    account.play()
    account.run("read", "--check", playbook="securityhub_slack_canary")
    # Whether AWS limits Unsubscribe to a topic is not certain.
    for resource in ("topic", "any"):
        account.emulator.ask("POST", "switches", {"sns_subscription_resource": resource})
        account.run("read canary", playbook="securityhub_slack_canary")
    assert account.unneeded("canary") == set()


def test_migrate(account, monkeypatch):
    """The documented command has named the stack; every state that it can be in, and what it can leave behind."""
    old = old_template.OldFleet(account.emulator)
    assert old.create_stack(HERE, name=old_template.STACK) == "CREATE_COMPLETE"
    preview = "migrate:FindLeftovers,FindLeftoversByName"
    shown = account.run(f"read {preview}", "--check", playbook="securityhub_slack_migrate")
    assert old_template.STACK in shown
    account.run("read deploy channel migrate", playbook="securityhub_slack_migrate")
    for status in STATES_OF_OLD_STACKS:
        fleet = old_template.begin(account.emulator, monkeypatch)
        fleet.create_stack(channel="C0OLDCHANNEL" if status == "DELETE_FAILED" else deployed.CHANNEL)
        leave_without_stack(fleet) if status == "nothing" else fleet.put(status)
        with account.only("read deploy channel migrate"):
            fleet.migrate()
    kinds = {resource["Type"] for resource in old_template.template()["Resources"].values()}
    schema = {
        action
        for kind in (*(kind for kind in kinds if not kind.startswith("Custom::")), "AWS::SNS::Subscription")
        for action in of_schema(kind, "delete")
    }
    assert schema - UNUSED_BY_TEMPLATE_OF_2020 <= {
        action for name in ("channel", "migrate") for _sid, action in actions(name)
    }
    assert account.unneeded("migrate", schema) == set()


def leave_without_stack(fleet: old_template.OldFleet) -> None:
    """Delete the stack and retain its resources, as an earlier clean-up did."""
    client = fleet.client("cloudformation")
    fleet.put("DELETE_FAILED")
    summaries = client.list_stack_resources(StackName=old_template.STACK)["StackResourceSummaries"]
    client.delete_stack(StackName=old_template.STACK, RetainResources=[item["LogicalResourceId"] for item in summaries])
    fleet.settled()


def test_read(account):
    """Each kind of run, with the optional statements that are said to be for it."""
    account.emulator.world({ACCOUNT: {"quotas": {"rules": 3}, "aggregator": AGGREGATOR}})
    account.run(ON_CREATE, "--check", "--diff", *IN_TEAMS)
    account.reset()
    account.run(ON_CREATE, "--check", "-i", "af-south-1,", code=2)
    for number in range(101):
        account.emulator.client("events").put_rule(Name=f"theirs-{number}", EventPattern='{"source": ["aws.s3"]}')
    account.emulator.client("iam").create_role(RoleName="automation", AssumeRolePolicyDocument=EVERYTHING)
    with account.only(ON_CREATE, f"arn:aws:sts::{ACCOUNT}:assumed-role/automation/*"):
        account.play("--check", "-e", f"securityhub_slack_role_arn=arn:aws:iam::{ACCOUNT}:role/automation")
    account.reset()
    account.emulator.stacks(0, {"operation": "create", "times": 2})
    account.run(f"{ON_CREATE} deploy channel", code=2)
    account.run(f"{ON_CREATE} deploy channel")
    account.run(ON_CREATE, "--check", "--diff", "-e", "securityhub_slack_minimum_severity=HIGH")
    account.run(f"{READ} read:FindUncoveredRegions", "-e", "securityhub_slack_report_uncovered_regions=true")
    account.run(f"{READ} {PATH}", *REPAIR)
    chatbot = account.emulator.client("chatbot", "us-east-2")
    (ours,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    theirs = account.emulator.client("sns").create_topic(Name="theirs")["TopicArn"]
    keys = {name: ours[name] for name in ("ChatConfigurationArn", "SlackChannelId")}
    chatbot.update_slack_channel_configuration(**keys, SnsTopicArns=[*ours["SnsTopicArns"], theirs])
    account.run(f"{READ} {PATH} read:Doctor read:FindUncoveredRegions", playbook="securityhub_slack_doctor")
    chatbot.update_slack_channel_configuration(**keys, SnsTopicArns=[theirs])
    account.emulator.client("iam").create_policy_version(
        PolicyArn=GUARDRAIL, PolicyDocument=EVERYTHING, SetAsDefault=True
    )
    account.run(f"{ON_CREATE} deploy channel")
    account.emulator.stacks(0, {"operation": "delete", "resource": "RuleSecurityhubSlackFindings", "times": 2})
    account.run(f"{ON_CREATE} deploy channel", *ABSENT)

    account.reset()
    # The rule that stays of the old stack fails the validation of the new one.
    account.play()
    account.emulator.ask("POST", "switches", {"cloudformation_validation": "names"})
    broken = {"account": ACCOUNT, "region": HERE, "stack": "securityhub-slack", "status": "DELETE_FAILED"}
    account.emulator.ask("POST", "stack_status", broken)
    account.emulator.stacks(0, {"operation": "delete", "resource": "RuleSecurityhubSlackFindings"})
    account.run(f"{ON_CREATE} deploy channel", code=2)
    account.reset()
    account.emulator.world({ACCOUNT: {"hubs_v2": "all", "aggregator_v2": {"home": HERE}}})
    account.run(ON_CREATE, "--check", "-e", "securityhub_slack_finding_format=ocsf")
    account.reset()
    optional = ("-e", '{"securityhub_slack_alarms": true, "securityhub_slack_kms_key": "create"}')
    marking = ("-e", "securityhub_slack_mark_notified=true", *SCHEDULE)
    account.run(ON_CREATE, "--check", *optional, *marking)
    account.play(*BUTTONS, *optional)
    account.run(f"{READ} {PATH} buttons", *REPAIR, *BUTTONS, *optional)
    account.run("read buttons", *BUTTONS, *optional, playbook="securityhub_slack_doctor")

    account.reset()
    account.play(*marking)
    account.run(f"{READ} {PATH} read:Doctor read:FindUncoveredRegions", *marking, playbook="securityhub_slack_doctor")

    account.reset()
    account.run(f"{ON_CREATE} {PATH} deploy channel", "-e", "securityhub_slack_deployment_mode=express")
    account.reset()
    export = ("-e", "securityhub_slack_export_file=set.json")
    account.run(f"{ON_CREATE} read:FindStackSetStacks", *STACK_SET, *export, playbook="securityhub_slack_export")
    administering = account.emulator.client("cloudformation")
    body = (account.folder / "set.json").read_text(encoding="utf-8")
    administering.create_stack(StackName="securityhub-slack-stack-set", TemplateBody=body)
    administering.get_waiter("stack_create_complete").wait(StackName="securityhub-slack-stack-set")
    of_stack_set = f"{READ} read:FindStackSetStacks read:ReadStackSetStacks"
    account.run(f"{of_stack_set} read:Preflight {PATH} deploy channel", *STACK_SET, *REPAIR)
    account.run(of_stack_set, *STACK_SET)
    account.run("read", *STACK_SET, playbook="securityhub_slack_doctor")
    # Either of the two actions of that statement is enough.
    assert account.unneeded("read") == {("FindUncoveredRegions", "ec2:DescribeRegions")}
