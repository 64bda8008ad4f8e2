# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes on the buttons under the channels' messages: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._channel import custom_action
from .._channel import message
from .._model.buttons import BUTTONS
from .._model.buttons import OCSF_TEXTS
from .._model.buttons import action_names
from .._model.plan import ButtonsPlan
from .._resource.ownership import is_managed
from .._resource.ownership import not_managed
from .._resource.tags import MANAGED_TAG
from .._securityhub.workflow import STATUS_IDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._channel.custom_action import CustomAction
    from .._services.chatbot import Attachment

# AWS takes 100 characters (https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CustomActionDefinition.html).
COMMAND = "securityhub batch-update-findings --finding-identifiers $f --workflow Status={status} --region $r"
OCSF_COMMAND = "securityhub batch-update-findings-v2 --metadata-uids $f --status-id {status} --region $r"
CONTEXT = "event.metadata.additionalContext"
NOTIFICATION_TYPE = "Custom"


def problems(live: Sequence[CustomAction]) -> list[str]:
    """Return why the buttons cannot be managed, each as a sentence with its remedy.

    *live*: the existing custom actions of their names, as custom_action.complete returns them.
    """
    return [
        not_managed(f"the custom action {action['ActionName']} of Amazon Q")
        for action in live
        if not is_managed(action)
    ]


def plan(
    live: Sequence[CustomAction],
    name: str,
    tags: tuple[tuple[str, str], ...],
    configuration_arns: tuple[str, ...],
    *,
    ocsf: bool = False,
) -> ButtonsPlan:
    """Return what leads to buttons under the messages of these configurations; problems() finds none.

    *ocsf*: the messages are about findings of the new Security Hub.
    """
    existing = {action["ActionName"]: action for action in live}
    desired = [
        _desired(action_name, button, name, tags, configuration_arns, ocsf=ocsf)
        for action_name, button in action_names(name).items()
    ]
    return ButtonsPlan(tuple((item, custom_action.plan(existing.get(item.name), item)) for item in desired))


def plan_absent(live: Sequence[CustomAction]) -> ButtonsPlan:
    """Return what removes the buttons; foreign custom actions are left alone."""
    return ButtonsPlan(removed=tuple(action for action in live if is_managed(action)))


def _desired(
    action_name: str,
    button: str,
    name: str,
    tags: tuple[tuple[str, str], ...],
    configuration_arns: tuple[str, ...],
    *,
    ocsf: bool,
) -> custom_action.Desired:
    status = BUTTONS[button]
    attachment: Attachment = {
        "NotificationType": NOTIFICATION_TYPE,
        "ButtonText": OCSF_TEXTS.get(button, button) if ocsf else button,
        "Variables": {"f": f"{CONTEXT}.{message.FINDING_KEY}", "r": f"{CONTEXT}.{message.HUB_KEY}"},
        # Other messages of the channel, which do not identify a finding, get no such button.
        "Criteria": [{"Operator": "HAS_VALUE", "VariableName": variable} for variable in ("f", "r")],
    }
    return custom_action.Desired(
        name=action_name,
        command_text=OCSF_COMMAND.format(status=STATUS_IDS[status]) if ocsf else COMMAND.format(status=status),
        attachments=(attachment,),
        configuration_arns=configuration_arns,
        tags={**dict(tags), MANAGED_TAG: name},
        purge_tags=False,
    )
