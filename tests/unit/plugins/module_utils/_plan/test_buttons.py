# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons under messages: what they run, which permissions that needs, and what changes on them."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import custom_action
from ansible_collections.secops.securityhub.plugins.module_utils._model.buttons import BUTTONS
from ansible_collections.secops.securityhub.plugins.module_utils._model.buttons import permissions
from ansible_collections.secops.securityhub.plugins.module_utils._plan import buttons
from ansible_collections.secops.securityhub.tests.unit import account_model

CHANNEL = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/pipe"
OTHER = f"{CHANNEL}-other"
TAGS = (("Team", "security"),)


def live_action(*channels, tags=None, text="Suppress", **members):
    """Return a custom action as a run creates it; *members* replace its own."""
    ((desired, planned),) = [
        item for item in buttons.plan([], "pipe", TAGS, channels).desired if item[0].name == f"pipe-{text.lower()}"
    ]
    arn = f"arn:aws:chatbot::111111111111:custom-action/{desired.name}"
    found = custom_action.normalized({**planned.after, "CustomActionArn": arn, **members})
    return found if tags is None else {**found, "Tags": tags}


def live_actions(*channels):
    return [live_action(*channels, text=text) for text in BUTTONS]


@pytest.mark.parametrize("ocsf", [False, True])
def test_aws_accepts_the_buttons(ocsf):
    for desired, planned in buttons.plan([], "x" * 40, TAGS, (CHANNEL,), ocsf=ocsf).desired:
        assert custom_action.problems(desired) == []
        assert len(desired.command_text) <= 100
        assert (planned.operation, planned.associate) == ("create", (CHANNEL,))


@pytest.mark.parametrize(
    ("live", "operations"),
    [
        ([], ["create"] * 3),
        (live_actions(CHANNEL, OTHER), ["none"] * 3),
        (live_actions(CHANNEL), ["update"] * 3),
        # A channel of another run keeps its buttons.
        (live_actions(CHANNEL, OTHER, f"{CHANNEL}-third"), ["none"] * 3),
        (live_actions(CHANNEL, OTHER)[:2], ["none", "none", "create"]),
        (
            [live_action(CHANNEL, OTHER, Definition={"CommandText": "s3 ls"}), *live_actions(CHANNEL, OTHER)[::2]],
            ["none", "update", "none"],
        ),
    ],
)
def test_operations_for_buttons(live, operations):
    planned = buttons.plan(live, "pipe", TAGS, (CHANNEL, OTHER))
    assert [of_button.operation for _desired, of_button in planned.desired] == operations
    assert planned.changed is (set(operations) != {"none"})


def test_a_foreign_custom_action_is_refused_and_left_alone():
    foreign = live_action(CHANNEL, tags=[])
    (problem,) = buttons.problems([foreign, *live_actions(CHANNEL)[::2]])
    for fact in ("custom action pipe-suppress of Amazon Q", "not managed by this collection", "securityhub_slack_name"):
        assert fact in problem
    assert buttons.problems(live_actions(CHANNEL)) == []
    assert buttons.plan_absent([foreign, *live_actions(CHANNEL)[::2]]).removed == tuple(live_actions(CHANNEL)[::2])
    assert not buttons.plan_absent([foreign]).changed


def test_the_permissions_are_for_one_change_of_one_account():
    (statement,) = permissions(account_model.ACCOUNT, ocsf=False)["Statement"]
    assert statement["Action"] == "securityhub:BatchUpdateFindings"
    assert statement["Resource"] == "arn:aws:securityhub:*:111111111111:hub/default"
    assert statement["Condition"]["StringEquals"] == {
        "securityhub:ASFFSyntaxPath/Workflow.Status": ["NOTIFIED", "RESOLVED", "SUPPRESSED"]
    }
    assert set(statement["Condition"]["Null"].values()) == {"true"}
    (statement,) = permissions(account_model.ACCOUNT, ocsf=True)["Statement"]
    assert statement["Resource"] == "arn:aws:securityhub:*:111111111111:hubv2/*"
    assert statement["Condition"] == {
        "StringEquals": {"securityhub:OCSFSyntaxPath/StatusId": ["2", "4", "3"]},
        "Null": {"securityhub:OCSFSyntaxPath/Comment": "true", "securityhub:OCSFSyntaxPath/SeverityId": "true"},
    }
