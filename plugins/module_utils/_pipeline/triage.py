# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons under the messages that set a finding's workflow status: pure. PRIVATE to the collection.

A button is a custom action of Chatbot, which runs a command with the channel's role. What it needs stands in the
message (see message.py). Notification type and paths of variables are undocumented; these are in use for custom
notifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._channel import custom_action
from .._channel import message
from .._channel import transformations
from .._stack.template import MANAGED_TAG

if TYPE_CHECKING:
    from .._channel.custom_action import CustomAction
    from .desired import Account

# What a button says, and the workflow status that it sets.
BUTTONS = {"Notified": "NOTIFIED", "Suppress": "SUPPRESSED", "Resolve": "RESOLVED"}
# AWS takes 100 characters (https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CustomActionDefinition.html).
COMMAND = "securityhub batch-update-findings --finding-identifiers $f --workflow Status={status} --region $r"
CONTEXT = "event.metadata.additionalContext"
NOTIFICATION_TYPE = "Custom"

# What else a request may change, as AWS's own policies name it
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSSystemsManagerOpsDataSyncServiceRolePolicy.html).
FIELD = "securityhub:ASFFSyntaxPath"
UNTOUCHED = (
    *("Confidence", "Criticality", "Note.Text", "Note.UpdatedBy", "RelatedFindings"),
    *("Severity.Label", "Severity.Normalized", "Severity.Product", "Types"),
    *("UserDefinedFields.key", "UserDefinedFields.value", "VerificationState"),
)


@dataclass(frozen=True)
class ButtonsPlan:
    """What happens to an account's buttons: those it shall have, each with its plan, and those that leave."""

    wanted: tuple[tuple[custom_action.Desired, custom_action.Plan], ...] = ()
    leaving: tuple[CustomAction, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether anything has to be written."""
        return any(planned.changed for _desired, planned in self.wanted) or bool(self.leaving)


def permissions(account: Account) -> dict[str, Any]:
    """Return the policy that lets the buttons do what they do, and nothing else."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "securityhub:BatchUpdateFindings",
                "Resource": f"arn:{account.partition}:securityhub:*:{account.id}:hub/default",
                "Condition": {
                    "StringEquals": {f"{FIELD}/Workflow.Status": sorted(BUTTONS.values())},
                    "Null": {f"{FIELD}/{name}": "true" for name in UNTOUCHED},
                },
            }
        ],
    }


def action_names(name: str) -> dict[str, str]:
    """Return the names of the custom actions of the channels that are called *name*, each with what its button says."""
    return {f"{name}-{text.lower()}": text for text in BUTTONS}


def plan(
    live: list[CustomAction], name: str, tags: tuple[tuple[str, str], ...], configuration_arns: tuple[str, ...]
) -> ButtonsPlan:
    """Return the way to buttons under the messages of these channels. Raise UserError for a foreign custom action.

    *live*: those of their names that there are, as custom_action.complete returns them.
    """
    there = {action["ActionName"]: action for action in live}
    foreign = [action_name for action_name, action in there.items() if not _is_ours(action)]
    if foreign:
        raise UserError(
            f"the custom action {foreign[0]} of Amazon Q is there, but was not made by this collection: set "
            f"securityhub_slack_name to a name of its own."
        )
    wanted = [
        _desired(action_name, text, name, tags, configuration_arns) for action_name, text in action_names(name).items()
    ]
    return ButtonsPlan(tuple((item, custom_action.plan(there.get(item.name), item)) for item in wanted))


def plan_absent(live: list[CustomAction]) -> ButtonsPlan:
    """Return what takes the buttons away; a foreign custom action is left alone."""
    return ButtonsPlan(leaving=tuple(action for action in live if _is_ours(action)))


def _desired(
    action_name: str, text: str, name: str, tags: tuple[tuple[str, str], ...], configuration_arns: tuple[str, ...]
) -> custom_action.Desired:
    attachment = {
        "NotificationType": NOTIFICATION_TYPE,
        "ButtonText": text,
        "Variables": {"f": f"{CONTEXT}.{message.FINDING_KEY}", "r": f"{CONTEXT}.{message.HUB_KEY}"},
        # Other messages of the channel, which do not say what finding they are about, get no such button.
        "Criteria": [{"Operator": "HAS_VALUE", "VariableName": variable} for variable in ("f", "r")],
    }
    return custom_action.Desired(
        name=action_name,
        command_text=COMMAND.format(status=BUTTONS[text]),
        attachments=(attachment,),
        configuration_arns=configuration_arns,
        tags={**dict(tags), MANAGED_TAG: name},
        purge_tags=False,
    )


def _is_ours(action: CustomAction) -> bool:
    return MANAGED_TAG in transformations.tags_of(action)
