# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import plans
from ansible_collections.secops.securityhub.plugins.module_utils._migrate import plan
from ansible_collections.secops.securityhub.plugins.module_utils._migrate import signature
from ansible_collections.secops.securityhub.plugins.module_utils._migrate.survey import Stack
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._resource.operation import Operation
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from ansible_collections.secops.securityhub.tests.unit import old_template
from hypothesis import given
from hypothesis import strategies as st

BOTH = frozenset({"AddCustomActionSHResource1", "SlackChannelConfig"})
# status -> the steps to the deletion if both are retained, and if nothing is
PATHS = {
    "CREATE_IN_PROGRESS": ("wait, set retain, delete", "wait, delete"),
    "CREATE_COMPLETE": ("set retain, delete", "delete"),
    "CREATE_FAILED": ("delete, delete retaining", "delete"),
    "ROLLBACK_IN_PROGRESS": ("wait, delete, delete retaining", "wait, delete"),
    "ROLLBACK_COMPLETE": ("delete, delete retaining", "delete"),
    "ROLLBACK_FAILED": ("delete, delete retaining", "delete"),
    "DELETE_IN_PROGRESS": ("wait", "wait"),
    "DELETE_FAILED": ("delete retaining", "delete retaining"),
    "UPDATE_IN_PROGRESS": ("wait, set retain, delete", "wait, delete"),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": ("wait, set retain, delete", "wait, delete"),
    "UPDATE_COMPLETE": ("set retain, delete", "delete"),
    "UPDATE_FAILED": ("resume, set retain, delete", "resume, delete"),
    "UPDATE_ROLLBACK_IN_PROGRESS": ("wait, set retain, delete", "wait, delete"),
    "UPDATE_ROLLBACK_COMPLETE": ("set retain, delete", "delete"),
    "UPDATE_ROLLBACK_FAILED": ("continue rollback, set retain, delete", "continue rollback, delete"),
    "IMPORT_COMPLETE": ("set retain, delete", "delete"),
    "IMPORT_ROLLBACK_COMPLETE": ("set retain, delete", "delete"),
    # Neither an update nor a deletion that retains is allowed there.
    "IMPORT_ROLLBACK_FAILED": ("stuck", "delete"),
    "REVIEW_IN_PROGRESS": ("delete", "delete"),
}
OPERATIONS = [
    "wait",
    "resume",
    "continue rollback",
    "set retain",
    "delete",
    "delete retaining",
    "delete retaining failed",
]


def stack(status: str, template: dict | None = None, **resources: str) -> Stack:
    return Stack("old", status, template or old_template.template(), resources=resources)


@pytest.mark.parametrize(("status", "paths"), PATHS.items())
def test_the_path_out_of_every_state(status, paths):
    both, nothing = (tuple(path.split(", ")) for path in paths)
    assert plan.path(stack(status), BOTH) == both
    assert plan.path(stack(status), frozenset()) == nothing


def test_stack_that_already_retains_resources_is_only_deleted():
    retaining = json.loads(signature.retaining(old_template.template(), BOTH))
    assert plan.path(stack("UPDATE_COMPLETE", retaining), BOTH) == ("delete",)


@given(st.sampled_from(sorted(PATHS)), st.booleans(), st.frozensets(st.sampled_from(OPERATIONS)))
def test_no_operation_is_carried_out_twice(status, retains, tried):
    operation = plan.next_operation(status, retains=retains, tried=tried)
    assert operation not in tried - {"wait"}


@pytest.mark.parametrize(
    ("status", "tried", "operation"),
    [
        ("", {"delete"}, Operation.NONE),
        ("DELETE_FAILED", {"delete"}, "delete retaining"),
        ("DELETE_FAILED", {"delete", "delete retaining"}, "delete retaining failed"),
        ("DELETE_FAILED", {"delete", "delete retaining", "delete retaining failed"}, Operation.STUCK),
        # A stack whose update failed must not be deleted: that would delete the channel.
        ("UPDATE_ROLLBACK_COMPLETE", {"set retain"}, Operation.STUCK),
        ("UPDATE_ROLLBACK_FAILED", {"set retain", "continue rollback"}, Operation.STUCK),
    ],
)
def test_the_operation_after_one_that_did_not_help(status, tried, operation):
    assert plan.next_operation(status, retains=False, tried=frozenset(tried)) == operation


HERE = Channel("securityhub-slack", "T0123456789", "C0123456789")
OLD, THEIRS = "arn:aws:sns:eu-west-1:1:old-SNSTopicAWSChatBot-1A", "arn:aws:sns:eu-west-1:1:theirs"


def channel(**changes: object) -> dict:
    return {
        "SlackTeamId": HERE.team_id,
        "SlackChannelId": HERE.channel_id,
        "IamRoleArn": "arn:aws:iam::111111111111:role/old-ChatBotManageIAMRole-1A",
        "GuardrailPolicyArns": plans.DEFAULT_GUARDRAILS,
        "SnsTopicArns": [OLD],
        "UserAuthorizationRequired": False,
        "Tags": [],
        **changes,
    }


@pytest.mark.parametrize(
    ("configuration", "operation"),
    [
        (channel(), plan.ADOPT),
        (channel(SnsTopicArns=[OLD, THEIRS]), plan.ADOPT),
        (channel(GuardrailPolicyArns=[]), plan.ADOPT),
        (channel(Tags=[{"TagKey": "aws:cloudformation:stack-name", "TagValue": "old"}]), plan.ADOPT),
        (channel(Tags=[{"TagKey": MANAGED_TAG, "TagValue": "securityhub-slack"}]), Operation.NONE),
        (channel(Tags=[{"TagKey": "owner", "TagValue": "team"}]), plan.REPLACE_TOPICS),
        (channel(IamRoleArn="arn:aws:iam::111111111111:role/team"), plan.REPLACE_TOPICS),
        (channel(GuardrailPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]), plan.REPLACE_TOPICS),
        (channel(UserAuthorizationRequired=True), plan.REPLACE_TOPICS),
        (channel(SlackChannelId="C0OTHER0000"), Operation.DELETE),
        (channel(SlackChannelId="C0OTHER0000", SnsTopicArns=[]), Operation.DELETE),
        (channel(SlackChannelId="C0OTHER0000", SnsTopicArns=[OLD, THEIRS]), plan.REPLACE_TOPICS),
    ],
)
def test_the_operation_on_a_channel(configuration, operation):
    assert plan.channel_operation(configuration, frozenset({HERE}), frozenset({OLD})) == operation


CHANNEL = "arn:aws:chatbot::1:chat-configuration/slack-channel/securityhubnotification"
RESOURCES = {
    "AddCustomActionSHResource1": "x",
    "SlackChannelConfig": CHANNEL,
    "ChatBotManageIAMRole": "old-ChatBotManageIAMRole-1A",
    "LambdaIAMRole": "old-LambdaIAMRole-1A",
}


@pytest.mark.parametrize(
    ("operations", "retained"),
    [
        ({CHANNEL: plan.ADOPT}, {"AddCustomActionSHResource1", "SlackChannelConfig"}),
        ({CHANNEL: Operation.NONE}, {"AddCustomActionSHResource1", "SlackChannelConfig"}),
        ({CHANNEL: plan.REPLACE_TOPICS}, {"AddCustomActionSHResource1", "SlackChannelConfig", "ChatBotManageIAMRole"}),
        ({CHANNEL: Operation.DELETE}, {"AddCustomActionSHResource1"}),
        ({}, {"AddCustomActionSHResource1"}),
    ],
)
def test_the_resources_that_outlive_a_stack_depend_on_its_channel(operations, retained):
    assert plan.retained_resources(stack("CREATE_COMPLETE", **RESOURCES), operations) == retained


def test_only_resources_that_a_stack_still_has_can_outlive_it():
    without = stack("DELETE_FAILED", LambdaIAMRole="x")
    assert plan.retained_resources(without, {CHANNEL: plan.ADOPT}) == frozenset()
