# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import plans
from ansible_collections.secops.securityhub.plugins.module_utils._migration import leftovers
from ansible_collections.secops.securityhub.plugins.module_utils._migration import signature
from ansible_collections.secops.securityhub.plugins.module_utils._migration.leftovers import Stack
from ansible_collections.secops.securityhub.plugins.module_utils._stack import states
from ansible_collections.secops.securityhub.tests.unit import old_template
from hypothesis import given
from hypothesis import strategies as st

BOTH = frozenset({"AddCustomActionSHResource1", "SlackChannelConfig"})
# status -> the way out where both shall stay, and where nothing has to
WAYS = {
    "CREATE_IN_PROGRESS": ("wait release delete", "wait delete"),
    "CREATE_COMPLETE": ("release delete", "delete"),
    "CREATE_FAILED": ("delete retain", "delete"),
    "ROLLBACK_IN_PROGRESS": ("wait delete retain", "wait delete"),
    "ROLLBACK_COMPLETE": ("delete retain", "delete"),
    "ROLLBACK_FAILED": ("delete retain", "delete"),
    "DELETE_IN_PROGRESS": ("wait", "wait"),
    "DELETE_FAILED": ("retain", "retain"),
    "UPDATE_IN_PROGRESS": ("wait release delete", "wait delete"),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": ("wait release delete", "wait delete"),
    "UPDATE_COMPLETE": ("release delete", "delete"),
    "UPDATE_FAILED": ("resume release delete", "resume delete"),
    "UPDATE_ROLLBACK_IN_PROGRESS": ("wait release delete", "wait delete"),
    "UPDATE_ROLLBACK_COMPLETE": ("release delete", "delete"),
    "UPDATE_ROLLBACK_FAILED": ("skip release delete", "skip delete"),
    "IMPORT_COMPLETE": ("release delete", "delete"),
    "IMPORT_ROLLBACK_COMPLETE": ("release delete", "delete"),
    # Neither an update nor a deletion that retains is allowed there.
    "IMPORT_ROLLBACK_FAILED": ("stuck", "delete"),
    "REVIEW_IN_PROGRESS": ("delete", "delete"),
}
OPERATIONS = ["wait", "resume", "skip", "release", "delete", "retain", "retain what failed"]


def stack(status: str, template: dict | None = None, **parts: str) -> Stack:
    return Stack("old", status, template or old_template.template(), parts=parts)


@pytest.mark.parametrize(("status", "ways"), WAYS.items())
def test_the_way_out_of_every_state(status, ways):
    both, nothing = (tuple(way.split()) for way in ways)
    assert leftovers.path(stack(status), BOTH) == both
    assert leftovers.path(stack(status), frozenset()) == nothing


def test_a_stack_that_already_leaves_behind_what_shall_stay_is_only_deleted():
    released = json.loads(signature.retaining(old_template.template(), BOTH))
    assert leftovers.path(stack("UPDATE_COMPLETE", released), BOTH) == ("delete",)


@given(st.sampled_from(sorted(WAYS)), st.booleans(), st.frozensets(st.sampled_from(OPERATIONS)))
def test_no_operation_is_carried_out_twice(status, released, tried):
    operation = leftovers.next_operation(status, released=released, tried=tried)
    assert operation not in tried - {"wait"}


@pytest.mark.parametrize(
    ("status", "tried", "operation"),
    [
        ("", {"delete"}, states.NONE),
        ("DELETE_FAILED", {"delete"}, "retain"),
        ("DELETE_FAILED", {"delete", "retain"}, "retain what failed"),
        ("DELETE_FAILED", {"delete", "retain", "retain what failed"}, states.STUCK),
        # What stands after an update that shall retain has failed must not be deleted: the channel would go.
        ("UPDATE_ROLLBACK_COMPLETE", {"release"}, states.STUCK),
        ("UPDATE_ROLLBACK_FAILED", {"release", "skip"}, states.STUCK),
    ],
)
def test_what_follows_an_operation_that_did_not_lead_on(status, tried, operation):
    assert leftovers.next_operation(status, released=False, tried=frozenset(tried)) == operation


HERE = ("T0123456789", "C0123456789")
OLD, THEIRS = "arn:aws:sns:eu-west-1:1:old-SNSTopicAWSChatBot-1A", "arn:aws:sns:eu-west-1:1:theirs"


def channel(**changes: object) -> dict:
    return {
        "SlackTeamId": HERE[0],
        "SlackChannelId": HERE[1],
        "IamRoleArn": "arn:aws:iam::111111111111:role/old-ChatBotManageIAMRole-1A",
        "GuardrailPolicyArns": plans.DEFAULT_GUARDRAILS,
        "SnsTopicArns": [OLD],
        "UserAuthorizationRequired": False,
        "Tags": [],
        **changes,
    }


@pytest.mark.parametrize(
    ("configuration", "fate"),
    [
        (channel(), leftovers.TAKE_OVER),
        (channel(SnsTopicArns=[OLD, THEIRS]), leftovers.TAKE_OVER),
        (channel(GuardrailPolicyArns=[]), leftovers.TAKE_OVER),
        (channel(Tags=[{"TagKey": "aws:cloudformation:stack-name", "TagValue": "old"}]), leftovers.TAKE_OVER),
        (channel(Tags=[{"TagKey": plans.MANAGED_TAG, "TagValue": "securityhub-slack"}]), ""),
        (channel(Tags=[{"TagKey": "owner", "TagValue": "team"}]), leftovers.KEEP),
        (channel(IamRoleArn="arn:aws:iam::111111111111:role/team"), leftovers.KEEP),
        (channel(GuardrailPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]), leftovers.KEEP),
        (channel(UserAuthorizationRequired=True), leftovers.KEEP),
        (channel(SlackChannelId="C0OTHER0000"), leftovers.GO),
        (channel(SlackChannelId="C0OTHER0000", SnsTopicArns=[]), leftovers.GO),
        (channel(SlackChannelId="C0OTHER0000", SnsTopicArns=[OLD, THEIRS]), leftovers.KEEP),
    ],
)
def test_what_becomes_of_a_channel(configuration, fate):
    assert leftovers.fate(configuration, frozenset({HERE}), frozenset({OLD})) == fate


CHANNEL = "arn:aws:chatbot::1:chat-configuration/slack-channel/securityhubnotification"
PARTS = {
    "AddCustomActionSHResource1": "x",
    "SlackChannelConfig": CHANNEL,
    "ChatBotManageIAMRole": "old-ChatBotManageIAMRole-1A",
    "LambdaIAMRole": "old-LambdaIAMRole-1A",
}


@pytest.mark.parametrize(
    ("fates", "stays"),
    [
        ({CHANNEL: leftovers.TAKE_OVER}, {"AddCustomActionSHResource1", "SlackChannelConfig"}),
        ({CHANNEL: ""}, {"AddCustomActionSHResource1", "SlackChannelConfig"}),
        ({CHANNEL: leftovers.KEEP}, {"AddCustomActionSHResource1", "SlackChannelConfig", "ChatBotManageIAMRole"}),
        ({CHANNEL: leftovers.GO}, {"AddCustomActionSHResource1"}),
        ({}, {"AddCustomActionSHResource1"}),
    ],
)
def test_what_outlives_a_stack_follows_from_what_becomes_of_its_channel(fates, stays):
    assert leftovers.staying(stack("CREATE_COMPLETE", **PARTS), fates) == stays


def test_only_what_a_stack_still_has_can_outlive_it():
    assert leftovers.staying(stack("DELETE_FAILED", LambdaIAMRole="x"), {CHANNEL: leftovers.TAKE_OVER}) == frozenset()
