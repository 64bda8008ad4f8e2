# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom actions of Chatbot: the plan, as tables and as a property."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel import custom_action
from ansible_collections.secops.securityhub.plugins.module_utils._channel.custom_action import Desired
from ansible_collections.secops.securityhub.plugins.module_utils._channel.transformations import tags_of
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import chatbot_tags
from hypothesis import given
from hypothesis import strategies as st

ARN = "arn:aws:chatbot::111111111111:custom-action/notified"
CHANNEL = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/securityhub-slack"
OTHER_CHANNEL = "arn:aws:chatbot::111111111111:chat-configuration/microsoft-teams-channel/other"
BUTTON = {
    "NotificationType": "Custom",
    "ButtonText": "Mark as notified",
    "Variables": {"f": "event.metadata.additionalContext.finding"},
    "Criteria": [{"Operator": "HAS_VALUE", "VariableName": "f"}],
}


def live(**members):
    return custom_action.normalized(
        {
            "CustomActionArn": ARN,
            "ActionName": "notified",
            "Definition": {"CommandText": "sts get-caller-identity"},
            "ChatConfigurationArns": [],
            **members,
        }
    )


PLAIN = {"ButtonText": "A"}
WITHOUT_CRITERIA = {**BUTTON, "Criteria": []}


@pytest.mark.parametrize(
    ("desired", "words"),
    [
        (Desired("notified", "s3 ls", "n", (BUTTON,), (CHANNEL, OTHER_CHANNEL)), []),
        (Desired("notified", alias_name="", attachments=()), []),
        (Desired("not ified"), ["action_name is"]),
        (Desired("notified", " "), ["command_text is empty"]),
        (Desired("notified", alias_name="a b"), ["alias_name is"]),
        (Desired("notified", configuration_arns=("securityhub-slack",)), ["not the ARN of a Chatbot"]),
        (Desired("notified", attachments=({"NotificationType": "a_b"},)), ["notification_type is"]),
        (Desired("notified", attachments=({"ButtonText": "x" * 51},)), ["button_text is"]),
        (Desired("notified", attachments=({"Variables": {"a b": "$.x"}},)), ["'a b' is not the name of a variable"]),
        (Desired("notified", attachments=({"Variables": dict.fromkeys("abcdef", "$.x")},)), ["at most 5"]),
    ],
)
def test_problems(desired, words):
    found = custom_action.problems(desired)
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found))


def test_creation_sends_given_options_and_associates():
    now = custom_action.plan(None, Desired("notified", "s3 ls", configuration_arns=(CHANNEL,), tags={"a": 1}))
    assert now.operation == "create"
    assert now.members == {
        "ActionName": "notified",
        "Definition": {"CommandText": "s3 ls"},
        "Tags": [{"TagKey": "a", "TagValue": "1"}],
    }
    assert now.associate == (CHANNEL,)


def test_creation_needs_a_command():
    with pytest.raises(UserError, match="Set command_text"):
        custom_action.plan(None, Desired("notified"))


@pytest.mark.parametrize(
    ("current", "desired"),
    [
        (live(), Desired("notified")),
        (live(), Desired("notified", "sts get-caller-identity", "", (), ())),
        (
            live(Attachments=[{**BUTTON, "Criteria": []}]),
            Desired("notified", attachments=({**BUTTON, "Criteria": []},)),
        ),
        (
            live(Attachments=[BUTTON, {"ButtonText": "A"}]),
            Desired("notified", attachments=({"ButtonText": "A"}, BUTTON)),
        ),
        (live(ChatConfigurationArns=[CHANNEL]), Desired("notified", purge_configurations=True)),
        (live(ChatConfigurationArns=[CHANNEL]), Desired("notified", configuration_arns=())),
        (live(Tags=[{"TagKey": "a", "TagValue": "b"}]), Desired("notified", tags={"a": "b"})),
    ],
)
def test_no_change(current, desired):
    assert not custom_action.plan(current, desired).changed


def test_an_update_names_everything_that_stays():
    now = custom_action.plan(live(AliasName="n", Attachments=[BUTTON]), Desired("notified", "s3 ls"))
    assert now.members == {
        "CustomActionArn": ARN,
        "Definition": {"CommandText": "s3 ls"},
        "AliasName": "n",
        "Attachments": [BUTTON],
    }


def test_empty_means_remove():
    now = custom_action.plan(live(AliasName="n", Attachments=[BUTTON]), Desired("notified", None, "", ()))
    assert now.members == {"CustomActionArn": ARN, "Definition": {"CommandText": "sts get-caller-identity"}}
    assert (now.after["AliasName"], now.after["Attachments"]) == ("", [])


@pytest.mark.parametrize(("purge", "taken"), [(False, ()), (True, (OTHER_CHANNEL,))])
def test_associations(purge, taken):
    current = live(ChatConfigurationArns=[OTHER_CHANNEL])
    now = custom_action.plan(current, Desired("notified", configuration_arns=(CHANNEL,), purge_configurations=purge))
    assert (now.associate, now.disassociate, now.members) == ((CHANNEL,), taken, {})


def as_aws_would(now, current):
    """Carry out a plan from what it sends, not from what it predicts."""
    base = {"CustomActionArn": ARN, "ActionName": "notified", "Tags": [], "ChatConfigurationArns": []}
    kept = {**base, **(current or {})}
    if now.members:
        kept = {key: value for key, value in kept.items() if key not in ("AliasName", "Attachments")}
    tags = {**tags_of({**kept, **now.members}), **now.tags_to_set}
    arns = {*kept["ChatConfigurationArns"], *now.associate} - set(now.disassociate)
    return custom_action.normalized(
        {
            **kept,
            **now.members,
            "Tags": chatbot_tags({key: value for key, value in tags.items() if key not in now.tags_to_unset}),
            "ChatConfigurationArns": sorted(arns),
        }
    )


attachments = st.lists(st.sampled_from([BUTTON, {"ButtonText": "A"}, {"ButtonText": "B", "Variables": {"v": "$.x"}}]))
arns = st.lists(st.sampled_from([CHANNEL, OTHER_CHANNEL]), unique=True)
tags = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))
actions = st.builds(
    live,
    AliasName=st.sampled_from(["", "n"]),
    Attachments=attachments,
    Tags=tags.map(chatbot_tags),
    ChatConfigurationArns=arns.map(sorted),
)
wishes = st.builds(
    Desired,
    name=st.just("notified"),
    command_text=st.sampled_from(["s3 ls", "sts get-caller-identity"]),
    alias_name=st.sampled_from([None, "", "n", "m"]),
    attachments=st.none() | attachments.map(tuple),
    configuration_arns=st.none() | arns.map(tuple),
    purge_configurations=st.booleans(),
    tags=st.none() | tags,
    purge_tags=st.booleans(),
)


@given(st.none() | actions, wishes)
def test_a_plan_carried_out_leaves_nothing_to_plan(current, wish):
    now = custom_action.plan(current, wish)
    after = as_aws_would(now, current)
    assert not custom_action.plan(after, wish).changed
    assert after.items() >= now.after.items()
