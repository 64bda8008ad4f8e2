# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies that the role ships cover its own calls, and those that CloudFormation makes for the caller."""

from __future__ import annotations

import ast
import fnmatch
import json
import os
import subprocess
from pathlib import Path

import boto3
import cfnlint.schema.manager
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._canary import listeners
from ansible_collections.secops.securityhub.plugins.module_utils._stack.alarms import Alarms
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import StackDesign
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import template
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import old_template
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

OURS = {**findings.FINDINGS["ec2-19-critical-us-east-1"], "AwsAccountId": "111111111111"}
ROOT = Path(__file__).resolve().parents[3]
POLICIES = ROOT / "roles" / "securityhub_slack" / "files" / "iam"
# Needs no permission.
ALWAYS = {"sts:GetCallerIdentity"}
# The signing name of a service, and its name in policies.
SIGNED_AS = {"monitoring": "cloudwatch"}
# Only the canary calls these.
CANARY_ONLY = {"sqs:ListQueues", "sqs:ReceiveMessage"}
# Needed only if a topic logs its deliveries or a rule has a role; in our stack none does.
UNUSED_BY_STACK = {"iam:GetRole", "iam:PassRole"}
# Needed only if a role has managed policies, a boundary or a description, or if a definition is in a bucket or
# encrypted with a key; in our stack none is.
UNUSED_BY_STATE_MACHINE = {
    *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary"),
    *("iam:DeleteRolePermissionsBoundary", "iam:UpdateRole", "iam:UpdateRoleDescription"),
    *("s3:GetObject", "s3:GetObjectVersion", "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt"),
}

# A statement that writes is restricted to one of these. Keys have no names, but whoever may create them only through
# CloudFormation cannot do so in other stacks than ours.
BOUNDS = (
    "securityhub-slack",
    "management.chatbot",
    "sns.*.amazonaws.com",
    '{"aws:CalledVia": "cloudformation.amazonaws.com"}',
)
# Needed only if an inline policy is of a user or group, a role has tags, or a rule has a role.
UNUSED_BY_TEMPLATE = {
    *("iam:DeleteUserPolicy", "iam:DeleteGroupPolicy", "iam:TagRole", "iam:UntagRole", "iam:PassRole"),
}


def statements(name: str) -> list[dict]:
    return json.loads((POLICIES / f"{name}.json").read_text(encoding="utf-8"))["Statement"]


def allowed(*names: str) -> set[str]:
    """Return the actions that these policies allow."""
    actions = [statement["Action"] for name in names for statement in statements(name)]
    return {action for listed in actions for action in ([listed] if isinstance(listed, str) else listed)}


def permissions(kind: str, *operations: str) -> set[str]:
    """Return what CloudFormation may call for the caller for a type of resource, according to its schema."""
    schema = cfnlint.schema.manager.PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return {
        action
        for name in operations or ("create", "read", "update", "delete")
        for action in schema["handlers"].get(name, {}).get("permissions", [])
    }


@pytest.fixture
def calls(emulator, tmp_path):
    """Return a function that runs a playbook for two regions, and returns the actions that it called."""
    emulator.reset()
    workspace = {"SlackTeamId": "T0123456789", "SlackTeamName": "Security"}
    emulator.world({"111111111111": {"hubs": "all", "workspaces": [workspace]}})
    inventory = tmp_path / "hosts.yml"
    variables = {
        "securityhub_slack_workspace_id": "T0123456789",
        "securityhub_slack_channel_id": "C0123456789",
        "securityhub_slack_tags": {"Team": "security"},
    }
    hosts = {"us-east-1": {}, "ap-northeast-1": {}}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "111111111111",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
    }
    command = ansible_commands.path("ansible-playbook")

    def run(*arguments, playbook="securityhub_slack"):
        emulator.forget_requests()
        done = subprocess.run(
            [command, f"secops.securityhub.{playbook}", "-i", inventory, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        called = {(SIGNED_AS.get(call["service"], call["service"]), call["operation"]) for call in emulator.requests()}
        return {f"{service}:{operation}" for service, operation in called} - ALWAYS

    return run


def test_policies_cover_deploying_changing_and_removing(calls):
    first = calls("--check", "--diff")
    assert first <= allowed("read")
    deployed = calls()
    assert {"cloudformation:CreateStack", "chatbot:CreateSlackChannelConfiguration", "iam:CreateRole"} <= deployed
    assert deployed <= allowed("read", "deploy", "channel")
    assert calls("--check", "--diff", "-e", "securityhub_slack_minimum_severity=HIGH") <= allowed("read")
    assert calls("--diff", "-e", "securityhub_slack_minimum_severity=HIGH") <= allowed("read", "deploy", "channel")
    assert calls("-e", "securityhub_slack_state=absent") <= allowed("read", "deploy", "channel")


def test_policies_cover_a_run_that_does_not_change_the_channel(calls):
    calls()

    changed = calls("-e", "securityhub_slack_minimum_severity=LOW")

    assert "cloudformation:UpdateStack" in changed
    assert changed <= allowed("read", "deploy")


@pytest.mark.parametrize("service", ["cloudformation", "iam", "kms", "sqs"])
def test_policies_cover_every_call_of_a_service_that_a_repair_may_need(service):
    """No test repairs every kind of drift, so the calls are read from the source."""
    source = (ROOT / "plugins" / "module_utils" / "_services" / f"{service}.py").read_text(encoding="utf-8")
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="1", aws_secret_access_key="2")
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    names |= {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    operations = client.meta.method_to_api_mapping

    called = {f"{service}:{operations[name]}" for name in names if name in operations}

    assert len(called) > 2
    assert called - CANARY_ONLY <= allowed("read", "deploy", "channel", "buttons", "encryption", "alarms", "migrate")


def test_policies_cover_a_stack_set(calls):
    with_stack_set = ("-e", "securityhub_slack_use_stack_set=true")
    exported = calls(*with_stack_set, playbook="securityhub_slack_export")
    assert "cloudformation:DescribeStackResources" in exported
    assert exported <= allowed("read")
    calls()  # creates stacks with the same topics as those of a StackSet
    assert calls(*with_stack_set, "-e", "securityhub_slack_repair_drift=true") <= allowed("read")
    written = calls(*with_stack_set, "-e", "securityhub_slack_state=absent")
    assert "securityhub:DeleteActionTarget" in written
    assert not any(call.startswith("cloudformation:Delete") for call in written)


def test_policies_cover_findings_of_the_new_security_hub(calls, emulator):
    emulator.world({"111111111111": {"hubs_v2": "all", "aggregator_v2": {"home": "us-east-1"}}})
    called = calls("--check", "-e", "securityhub_slack_finding_format=ocsf")
    assert {"securityhub:ListAggregatorsV2", "securityhub:GetAggregatorV2"} <= called
    assert called <= allowed("read")


def test_policies_cover_buttons(calls):
    on = ("-e", '{"securityhub_slack_buttons": true, "securityhub_slack_message_format": "custom"}')
    assert calls("--check", "--diff", *on) <= allowed("read", "buttons")
    deployed = calls(*on)
    assert {"chatbot:CreateCustomAction", "chatbot:AssociateToConfiguration", "iam:PutRolePolicy"} <= deployed
    assert deployed <= allowed("read", "deploy", "channel", "buttons")
    assert calls(*on) <= allowed("read", "buttons")
    taken = calls()
    assert {"chatbot:DeleteCustomAction", "iam:DeleteRolePolicy"} <= taken
    assert taken <= allowed("read", "deploy", "channel", "buttons")


def test_policies_cover_the_calls_of_cloudformation_for_the_stack():
    rule = Rule("securityhub-slack-findings", "Findings", {"source": ["aws.securityhub"]}, "securityhub-slack")
    resources = template(StackDesign("securityhub-slack", ("securityhub-slack",), (rule,)))["Resources"]
    for kind in {resource["Type"] for resource in resources.values()}:
        needed = permissions(kind)
        assert needed
        assert needed - UNUSED_BY_STACK <= allowed("deploy")


def test_policies_cover_the_state_machine_that_marks_findings():
    rule = Rule("securityhub-slack-findings", "Findings", {"source": ["aws.securityhub"]}, "securityhub-slack", True)
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (rule,), mark_notified=True)
    needed = {action for kind in ("AWS::IAM::Role", "AWS::StepFunctions::StateMachine") for action in permissions(kind)}
    assert {resource["Type"] for resource in template(design)["Resources"].values()} >= {"AWS::IAM::Role"}
    assert needed - UNUSED_BY_STATE_MACHINE <= allowed("mark_notified")


@pytest.mark.parametrize(
    ("policy", "more", "prefix", "kinds"),
    [
        ("encryption", {"key": "create"}, "AWS::KMS::", 2),
        ("alarms", {"alarms": Alarms()}, ("AWS::SQS::", "AWS::CloudWatch::"), 3),
    ],
)
def test_policies_cover_optional_resources_of_the_stack(policy, more, prefix, kinds):
    design = StackDesign("securityhub-slack", ("securityhub-slack",), (), **more)
    found = {resource["Type"] for resource in template(design)["Resources"].values()}
    optional = {kind for kind in found if kind.startswith(prefix)}
    assert len(optional) == kinds
    assert {action for kind in optional for action in permissions(kind)} <= allowed(policy)


@pytest.mark.parametrize(("policy", "variable"), [("encryption", "kms_key=create"), ("alarms", "alarms=true")])
def test_policies_cover_encryption_and_alarms(calls, policy, variable):
    chosen = ("-e", f"securityhub_slack_{variable}")
    assert calls("--check", *chosen) <= allowed("read")
    assert calls(*chosen) <= allowed("read", "deploy", "channel", policy)
    assert calls(*chosen, "-e", "securityhub_slack_repair_drift=true") <= allowed("read")


def test_policies_cover_simulation_and_baseline(calls, emulator):
    simulated = calls(playbook="securityhub_slack_simulate")
    assert "securityhub:GetFindings" in simulated
    assert simulated <= allowed("read", "simulate")
    findings.bring(emulator, OURS)
    marked = calls(playbook="securityhub_slack_baseline")
    assert "securityhub:BatchUpdateFindings" in marked
    assert marked <= allowed("read", "baseline")


def test_policies_cover_the_migration_from_the_template_of_2020(calls, emulator):
    assert old_template.OldFleet(emulator).create_stack("us-east-1") == "CREATE_COMPLETE"
    find_leftovers = next(item["Action"] for item in statements("migrate") if item["Sid"] == "FindLeftovers")

    assert calls("--check", playbook="securityhub_slack_migrate") <= allowed("read") | set(find_leftovers)

    moved = calls(playbook="securityhub_slack_migrate")
    assert {"cloudformation:UpdateStack", "cloudformation:DeleteStack"} <= moved
    assert moved <= allowed("read", "deploy", "channel", "migrate")


def test_policies_cover_deleting_stacks_of_the_2020_template():
    kinds = {resource["Type"] for resource in old_template.template()["Resources"].values()}
    for kind in (*(kind for kind in kinds if not kind.startswith("Custom::")), "AWS::SNS::Subscription"):
        needed = permissions(kind, "delete")
        assert needed
        assert needed - UNUSED_BY_TEMPLATE <= allowed("channel", "migrate")


def test_policies_cover_the_canary(calls):
    calls()
    assert calls("--check", playbook="securityhub_slack_canary") <= allowed("read")
    called = calls(playbook="securityhub_slack_canary")
    assert {"securityhub:BatchImportFindings", "sqs:CreateQueue", "sns:Unsubscribe"} <= called
    assert called <= allowed("read", "canary")


def test_policies_cover_the_digest(calls, emulator):
    # A digest needs no other statement of read.json, as the documentation says.
    survey = set(next(item["Action"] for item in statements("read") if item["Sid"] == "ReadState"))
    calls()
    findings.bring(emulator, OURS)
    assert calls("--check", playbook="securityhub_slack_digest") <= allowed("digest") | survey
    called = calls(playbook="securityhub_slack_digest")
    assert {"securityhub:GetFindings", "sns:Publish"} <= called
    assert called <= allowed("digest") | survey


def test_the_digest_can_use_keys_only_for_topics():
    (statement,) = [item for item in statements("digest") if "kms:Decrypt" in item["Action"]]
    assert statement["Condition"] == {"StringLike": {"kms:ViaService": "sns.*.amazonaws.com"}}
    # Publishing to an encrypted topic needs these permissions, beside those in the policy of the topic:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_the_canary_can_create_and_delete_only_queues_with_its_name():
    (resource,) = [item["Resource"] for item in statements("canary") if "sqs:CreateQueue" in item["Action"]]
    arn = "arn:aws:sqs:eu-west-1:111111111111:"
    assert fnmatch.fnmatchcase(f"{arn}{listeners.queue_name('securityhub-slack')}", resource)
    assert not fnmatch.fnmatchcase(f"{arn}securityhub-slack-other", resource)


@pytest.mark.parametrize("name", ["deploy", "channel", "mark_notified", "encryption", "alarms", "buttons", "digest"])
def test_write_policies_do_not_cover_resources_with_other_names(name):
    for statement in statements(name):
        service = next(iter(statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]))
        if service.startswith(("securityhub:", "chatbot:")):
            continue  # custom actions and configurations, whose ARNs these policies cannot restrict
        bounds = json.dumps([statement["Resource"], statement.get("Condition", {})])
        assert any(bound in bounds for bound in BOUNDS)
