# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom notifications of Amazon Q Developer in chat applications, such as for a finding: pure. PRIVATE.

The schema: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html. EventBridge creates it from the
event: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html. It inserts a variable
into a string without escaping it, so one quotation mark would lose the whole message; a variable outside of strings
becomes JSON. AWS does not document what happens to a variable outside of strings that is missing in the event. So:

* values that every finding has, and that may be any text (title, ID, resource), are outside of strings;
* values that may be missing are inside strings, and only if those of AWS services have no quotation marks (a URL, an
  ARN, an ID of AWS). The name of an account is left out: PutAccountName allows quotation marks, so one call in a member
  account would lose the messages of all its findings.
"""

from __future__ import annotations

import json
import re
from typing import Any

FINDING = "$.detail.findings[0]"
CONSOLE = "https://<hub>.console.aws.amazon.com/securityhub"
# Where a button finds its variables. AWS allows 100 characters of command, so both identifiers are one variable.
FINDING_KEY = "finding"
HUB_KEY = "hub"

# For each finding format: the paths in the event of the parts of a message, and the link to the console.
ASFF = {
    "title": f"{FINDING}.Title",
    "id": f"{FINDING}.Id",
    "product": f"{FINDING}.ProductArn",
    "severity": f"{FINDING}.Severity.Label",
    "account": f"{FINDING}.AwsAccountId",
    "region": f"{FINDING}.Region",
    "resource": f"{FINDING}.Resources[0].Id",
    "control": f"{FINDING}.Compliance.SecurityControlId",
    "remedy": f"{FINDING}.Remediation.Recommendation.Url",
}
OCSF = {
    "title": f"{FINDING}.finding_info.title",
    "id": f"{FINDING}.finding_info.uid",
    "product": f"{FINDING}.metadata.product.uid",
    "severity": f"{FINDING}.severity",
    "account": f"{FINDING}.cloud.account.uid",
    "region": f"{FINDING}.cloud.region",
    "resource": f"{FINDING}.resources[0].uid",
    "control": f"{FINDING}.compliance.control",
    "remedy": f"{FINDING}.remediation.references[0]",
}
EVENT_PATHS = {"hub": "$.region", "kind": "$.detail-type"}
BY_FORMAT = {
    "asff": (ASFF, f"{CONSOLE}/home?region=<hub>#/findings?search=Id%3D<id>"),
    "ocsf": (OCSF, f"{CONSOLE}/v2/home?region=<hub>#/findings"),
}


def transformer(finding_format: str, *, buttons: bool) -> dict[str, Any]:
    """Return the InputTransformer of a rule's target for findings of a format (asff, ocsf).

    *buttons*: the message has the variables of the channel's buttons. An event has one finding: if a person selects
    several, Security Hub sends one event for each
    (https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-integration-types.html).
    """
    paths, console = BY_FORMAT[finding_format]
    template = _template(_notification(console, buttons=buttons))
    used = set(re.findall(r"<(\w+)>", template))
    return {
        "InputPathsMap": {name: path for name, path in {**paths, **EVENT_PATHS}.items() if name in used},
        "InputTemplate": template,
    }


def custom(content: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a custom notification; *content* has at least a description."""
    return {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", **content},
        "metadata": metadata,
    }


def finding_id(body: dict[str, Any]) -> str:
    """Return the ID of the finding in a topic's message: an unchanged event, or a custom notification of ours.

    Raise LookupError or TypeError if it is neither.
    """
    if body.get("source") == "custom":
        return str(body["metadata"]["additionalContext"]["findingId"])
    return str(body["detail"]["findings"][0]["Id"])


def _notification(console: str, *, buttons: bool) -> dict[str, Any]:
    context = {
        "findingId": _alone("id"),
        "severity": "<severity>",
        "account": "<account>",
        "region": "<region>",
    }
    metadata: dict[str, Any] = {
        # Later messages about a finding appear in the thread of the first.
        "threadId": _alone("id"),
        "summary": _alone("title"),
        "eventType": _alone("kind"),
        "relatedResources": [_alone("resource")],
        "additionalContext": context,
    }
    if buttons:
        context |= {FINDING_KEY: "Id=<id>,ProductArn=<product>", HUB_KEY: "<hub>"}
        metadata["enableCustomActions"] = True
    content = {
        "title": _alone("title"),
        "description": "*<severity>* <control>\nAccount <account>, <region>\n<remedy>",
        "nextSteps": [f"Look at the finding: {console}"],
        "keywords": [_alone("resource")],
    }
    return custom(content, metadata)


def _alone(name: str) -> str:
    return f"alone:<{name}>"


def _template(notification: dict[str, Any]) -> str:
    text = json.dumps(notification, separators=(",", ":"))
    return re.sub(r'"alone:(<\w+>)"', r"\1", text)
