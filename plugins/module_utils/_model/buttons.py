# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons under a message, and what they may do: pure. PRIVATE to the collection.

A button is a custom action of Amazon Q: a command that it runs with the channel's role
(https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-actions.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from .account import Account

# The text of each button, and the workflow status that it sets.
BUTTONS = {"Notified": "NOTIFIED", "Suppress": "SUPPRESSED", "Resolve": "RESOLVED"}

# The other fields that a BatchUpdateFindings request can change, as AWS's own policies name them
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSSystemsManagerOpsDataSyncServiceRolePolicy.html).
FIELD = "securityhub:ASFFSyntaxPath"
UNTOUCHED = (
    *("Confidence", "Criticality", "Note.Text", "Note.UpdatedBy", "RelatedFindings"),
    *("Severity.Label", "Severity.Normalized", "Severity.Product", "Types"),
    *("UserDefinedFields.key", "UserDefinedFields.value", "VerificationState"),
)


def permissions(account: Account) -> dict[str, Any]:
    """Return the policy that allows what the buttons do, and nothing else."""
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
    """Return the names of the custom actions of the deployment *name*, each with the text of its button."""
    return {f"{name}-{text.lower()}": text for text in BUTTONS}
