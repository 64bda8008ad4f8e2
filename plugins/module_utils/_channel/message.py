# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom notifications of Amazon Q Developer in chat applications, above all of a finding: pure. PRIVATE.

The schema: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html. EventBridge makes it from the
event: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html. It puts the text of a
variable into a string as it is, so that one quotation mark would lose the whole message, and where a variable stands
alone it writes JSON. It says nothing of one that stands alone and is missing in the event. Therefore:

* what every finding has, and may be any text (title, id, resource), stands alone;
* what may be missing stands inside a string, and only if it is of a kind that has no quotation marks (a URL, an ARN,
  an id of AWS, the name of an account).
"""

from __future__ import annotations

import json
import re
from typing import Any

FINDING = "$.detail.findings[0]"
CONSOLE = "https://<hub>.console.aws.amazon.com/securityhub"
# Where a button finds what its command needs. AWS takes 100 characters of command, so identifiers come in one piece.
FINDING_KEY = "finding"
HUB_KEY = "hub"

# For each schema of findings: where the event has what a message says, and where the console shows it.
ASFF = {
    "title": f"{FINDING}.Title",
    "id": f"{FINDING}.Id",
    "product": f"{FINDING}.ProductArn",
    "severity": f"{FINDING}.Severity.Label",
    "account": f"{FINDING}.AwsAccountId",
    "name": f"{FINDING}.AwsAccountName",
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
    "name": f"{FINDING}.cloud.account.name",
    "region": f"{FINDING}.cloud.region",
    "resource": f"{FINDING}.resources[0].uid",
    "control": f"{FINDING}.compliance.control",
    "remedy": f"{FINDING}.remediation.references[0]",
}
OF_THE_EVENT = {"hub": "$.region", "kind": "$.detail-type"}
BY_SCHEMA = {
    "asff": (ASFF, f"{CONSOLE}/home?region=<hub>#/findings?search=Id%3D<id>"),
    "ocsf": (OCSF, f"{CONSOLE}/v2/home?region=<hub>#/findings"),
}


def transformer(schema: str, *, buttons: bool) -> dict[str, Any]:
    """Return the InputTransformer of a rule's target for findings of *schema* (cspm, v2).

    *buttons*: the message tells the channel's buttons what they need. An event has one finding: Security Hub sends
    those that somebody picks together one by one
    (https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-integration-types.html).
    """
    paths, console = BY_SCHEMA[schema]
    template = _template(_notification(console, buttons=buttons))
    used = set(re.findall(r"<(\w+)>", template))
    return {
        "InputPathsMap": {name: path for name, path in {**paths, **OF_THE_EVENT}.items() if name in used},
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
    """Return the id of the finding that a topic's message is about: the event as it was, or what a rule made of it.

    Raise LookupError or TypeError where it is neither.
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
        # What is sent of a finding again appears in the thread of its first message.
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
        "description": "*<severity>* <control>\nAccount <account> <name>, <region>\n<remedy>",
        "nextSteps": [f"Look at the finding: {console}"],
        "keywords": [_alone("resource")],
    }
    return custom(content, metadata)


def _alone(name: str) -> str:
    return f"alone:<{name}>"


def _template(notification: dict[str, Any]) -> str:
    text = json.dumps(notification, separators=(",", ":"))
    return re.sub(r'"alone:(<\w+>)"', r"\1", text)
