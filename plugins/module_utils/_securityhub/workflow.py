# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permission to set the workflow status of findings, and little else of them: pure. PRIVATE to the collection.

Findings (OCSF) of the new Security Hub have a status with numbers
(https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindingsV2.html). None of them is NOTIFIED: the
only one for a finding that was seen and is not over is In Progress.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from .._resource.shapes import Statement


# https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html names the key.
FIELD = "securityhub:ASFFSyntaxPath"
# The other fields that a BatchUpdateFindings request can change, as AWS's own policies name them
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSSystemsManagerOpsDataSyncServiceRolePolicy.html).
USER_DEFINED = ("UserDefinedFields.key", "UserDefinedFields.value")
UNTOUCHED = (
    *("Confidence", "Criticality", "Note.Text", "Note.UpdatedBy", "RelatedFindings"),
    *("Severity.Label", "Severity.Normalized", "Severity.Product", "Types"),
    *(*USER_DEFINED, "VerificationState"),
)


def hub(*, ocsf: bool) -> str:
    """Return the end of the ARN that policies name for a hub. AWS gives that of the new Security Hub an ID.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_securityhub.html
    """
    return "hubv2/*" if ocsf else "hub/default"


def permission(resource: Any, statuses: str | list[str], *, user_defined: bool = False) -> Statement:
    """Return the statement that allows setting one of *statuses* on the findings of a hub.

    *user_defined*: it also allows setting user-defined fields, with or without one of *statuses*.
    """
    untouched = [name for name in UNTOUCHED if not (user_defined and name in USER_DEFINED)]
    return {
        "Effect": "Allow",
        "Action": "securityhub:BatchUpdateFindings",
        "Resource": resource,
        "Condition": {
            "StringEqualsIfExists" if user_defined else "StringEquals": {f"{FIELD}/Workflow.Status": statuses},
            "Null": {f"{FIELD}/{name}": "true" for name in untouched},
        },
    }


OCSF_FIELD = "securityhub:OCSFSyntaxPath"
STATUS_IDS = {"NOTIFIED": 2, "SUPPRESSED": 3, "RESOLVED": 4}


def ocsf_permission(resource: Any, statuses: list[str], *, comment: bool = False) -> Statement:
    """Return the statement that allows setting one of *statuses* on the findings (OCSF) of a new hub.

    *comment*: it also allows setting their comment, with or without one of *statuses*.
    """
    operator = "StringEqualsIfExists" if comment else "StringEquals"
    return {
        "Effect": "Allow",
        "Action": "securityhub:BatchUpdateFindings",
        "Resource": resource,
        "Condition": {
            operator: {f"{OCSF_FIELD}/StatusId": [str(STATUS_IDS[status]) for status in statuses]},
            "Null": {f"{OCSF_FIELD}/{name}": "true" for name in (*([] if comment else ["Comment"]), "SeverityId")},
        },
    }
