# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons under messages: what they run, what that needs, and the way to them."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel import custom_action
from ansible_collections.secops.securityhub.plugins.module_utils._plan import buttons as triage
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet

CHANNEL = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/pipe"
OTHER = f"{CHANNEL}-other"
TAGS = (("Team", "security"),)


def there(*channels, tags=None, text="Suppress", **members):
    """A custom action of ours as it is when a run has made it; *members* replace its own."""
    ((desired, planned),) = [
        item for item in triage.plan([], "pipe", TAGS, channels).wanted if item[0].name == f"pipe-{text.lower()}"
    ]
    arn = f"arn:aws:chatbot::111111111111:custom-action/{desired.name}"
    found = custom_action.normalized({**planned.after, "CustomActionArn": arn, **members})
    return found if tags is None else {**found, "Tags": tags}


def all_there(*channels):
    return [there(*channels, text=text) for text in triage.BUTTONS]


def test_aws_takes_what_a_button_is():
    for desired, planned in triage.plan([], "x" * 40, TAGS, (CHANNEL,)).wanted:
        assert custom_action.problems(desired) == []
        assert len(desired.command_text) <= 100
        assert (planned.operation, planned.associate) == ("create", (CHANNEL,))


@pytest.mark.parametrize(
    ("live", "operations"),
    [
        ([], ["create"] * 3),
        (all_there(CHANNEL, OTHER), ["none"] * 3),
        (all_there(CHANNEL), ["update"] * 3),
        # A channel that another run looks after keeps its buttons.
        (all_there(CHANNEL, OTHER, f"{CHANNEL}-third"), ["none"] * 3),
        (all_there(CHANNEL, OTHER)[:2], ["none", "none", "create"]),
        (
            [there(CHANNEL, OTHER, Definition={"CommandText": "s3 ls"}), *all_there(CHANNEL, OTHER)[::2]],
            ["none", "update", "none"],
        ),
    ],
)
def test_the_way_to_buttons(live, operations):
    planned = triage.plan(live, "pipe", TAGS, (CHANNEL, OTHER))
    assert [of_button.operation for _desired, of_button in planned.wanted] == operations
    assert planned.changed is (set(operations) != {"none"})


def test_a_foreign_custom_action_is_refused_and_left_alone():
    foreign = there(CHANNEL, tags=[])
    with pytest.raises(UserError, match="pipe-suppress of Amazon Q is there, but was not made by this collection"):
        triage.plan([foreign], "pipe", TAGS, (CHANNEL,))
    assert triage.plan_absent([foreign, *all_there(CHANNEL)[::2]]).leaving == tuple(all_there(CHANNEL)[::2])
    assert not triage.plan_absent([foreign]).changed


def test_the_permissions_are_for_one_change_of_one_account():
    (statement,) = triage.permissions(fleet.ACCOUNT)["Statement"]
    assert statement["Action"] == "securityhub:BatchUpdateFindings"
    assert statement["Resource"] == "arn:aws:securityhub:*:111111111111:hub/default"
    assert statement["Condition"]["StringEquals"] == {
        "securityhub:ASFFSyntaxPath/Workflow.Status": ["NOTIFIED", "RESOLVED", "SUPPRESSED"]
    }
    assert set(statement["Condition"]["Null"].values()) == {"true"}
