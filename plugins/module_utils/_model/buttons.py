# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons under a message, and what they may do: pure. PRIVATE to the collection.

A button is a custom action of Amazon Q: a command that it runs with the channel's role
(https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-actions.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._securityhub import workflow

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .account import Account

# The text of each button, and the workflow status that it sets.
BUTTONS = {"Notified": "NOTIFIED", "Suppress": "SUPPRESSED", "Resolve": "RESOLVED"}
# Where the new Security Hub calls the status otherwise, a button has this text.
OCSF_TEXTS = {"Notified": "In progress"}


def permissions(account: Account, *, ocsf: bool) -> Json:
    """Return the policy that allows what the buttons do, and nothing else; *ocsf*: in the new Security Hub."""
    hub = f"arn:{account.partition}:securityhub:*:{account.id}:{workflow.hub(ocsf=ocsf)}"
    statuses = sorted(BUTTONS.values())
    allowed = workflow.ocsf_permission(hub, statuses) if ocsf else workflow.permission(hub, statuses)
    return {"Version": "2012-10-17", "Statement": [allowed]}


def action_names(name: str) -> dict[str, str]:
    """Return the names of the custom actions of the deployment *name*, each with its key in BUTTONS."""
    return {f"{name}-{text.lower()}": text for text in BUTTONS}
