# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom notifications of Amazon Q Developer in chat applications, such as for a finding: pure. PRIVATE.

The schema: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html. EventBridge creates it from the
event: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html. It inserts a variable
into a string without escaping it, so one quotation mark would lose or rewrite the whole message; a variable outside of
strings becomes JSON. AWS does not document what happens to a variable outside of strings that is missing in the event.
There are two messages, for two kinds of events (see _routing/trust.py):

* of findings whose texts AWS alone writes. Their title and resource, which may contain quotation marks, are outside of
  strings;
* of all other findings. Inside strings they have only what Security Hub checks or sets itself: severity, account,
  region and product. Nothing that their author chose is shown, because Slack would notify everyone about a title with
  <!channel> in it.

additionalContext and threadId are not shown. The name of an account is left out: PutAccountName allows any text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import TypedDict
from urllib.parse import quote

if TYPE_CHECKING:
    from .._resource.shapes import Json


FINDING = "$.detail.findings[0]"
CONSOLE = "https://<hub>.console.aws.amazon.com/securityhub"
# Where a button finds its variables. AWS allows 100 characters of command, so both identifiers are one variable. In the
# new Security Hub, metadata.uid identifies a finding.
FINDING_KEY = "finding"
HUB_KEY = "hub"

# For each finding format: the paths in the event of the parts of a message.
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
# A finding may lack a resource, and a pattern cannot compare the first one of several, so it is not shown.
OCSF = {
    "title": f"{FINDING}.finding_info.title",
    "id": f"{FINDING}.finding_info.uid",
    "uid": f"{FINDING}.metadata.uid",
    "product": f"{FINDING}.metadata.product.uid",
    "severity": f"{FINDING}.severity",
    "account": f"{FINDING}.cloud.account.uid",
    "region": f"{FINDING}.cloud.region",
    "control": f"{FINDING}.compliance.control",
    "remedy": f"{FINDING}.remediation.references[0]",
}
EVENT_PATHS = {"hub": "$.region", "kind": "$.detail-type", "time": "$.time"}
# Security Hub and EventBridge set these or check their form.
END_PATHS = {"workflow": f"{FINDING}.Workflow.Status", "record": f"{FINDING}.RecordState"}
OCSF_END_PATHS = {
    "mark": f"{FINDING}.comment",
    "workflow": f"{FINDING}.status",
    "record": f"{FINDING}.activity_name",
    "compliance": f"{FINDING}.compliance.status",
}
# The console of the new Security Hub has no documented address of a finding. This is the search that AWS's solution
# Automated Security Response links to (aws-solutions/automated-security-response-on-aws, get_security_hub_console_url).
OCSF_SEARCH = "?search=finding_info.uid%3D%255Coperator%255C%253AEQUALS%255C%253A<id>"


@dataclass(frozen=True)
class Format:
    """How messages of a finding format are written.

    *paths*: of their parts in the event. *console*: the link to all findings. *search*: what leads to one of them.
    *button_key*: what identifies it to a button.
    """

    paths: dict[str, str]
    console: str
    search: str
    button_key: str


BY_FORMAT = {
    "asff": Format(ASFF, f"{CONSOLE}/home?region=<hub>#/findings", "?search=Id%3D<id>", "Id=<id>,ProductArn=<product>"),
    "ocsf": Format(OCSF, f"{CONSOLE}/v2/home?region=<hub>#/findings", OCSF_SEARCH, "<uid>"),
}
# Of characters of a finding's ID in a link, before they are encoded, since a message has room for little more.
LONGEST_ID = 150
# What JavaScript's encodeURIComponent, and so JSONata, does not encode, beside letters, digits and _.-~
UNENCODED = "!~*'()"


class InputTransformer(TypedDict):
    """What a target of a rule gets instead of the event."""

    InputPathsMap: dict[str, str]
    InputTemplate: str


def link_to(finding_format: str, region: str, identifier: str) -> str:
    """Return the link to a finding in the console of a region; to all findings if its ID is too long."""
    search = BY_FORMAT[finding_format].search.replace("<id>", quote(identifier, safe=UNENCODED))
    return link_to_all(finding_format, region) + (search if len(identifier) <= LONGEST_ID else "")


def link_to_all(finding_format: str, region: str) -> str:
    """Return the link to all findings in the console of a region."""
    return BY_FORMAT[finding_format].console.replace("<hub>", region)


def transformer(
    finding_format: str, *, trusted: bool, buttons: bool, mention: str = "", links: tuple[str, ...] = ()
) -> InputTransformer:
    """Return the InputTransformer of a rule's target for findings of a format (asff, ocsf).

    *trusted*: the rule matches only findings whose texts AWS alone writes. *buttons*: their messages have the variables
    of the channel's buttons. *mention*, *links*: see _model/additions.py. An event has one finding: if a person selects
    several, Security Hub sends one event for each
    (https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-integration-types.html).
    """
    of_format = BY_FORMAT[finding_format]
    notification = _of_aws(of_format, buttons=buttons) if trusted else _of_others(of_format.console)
    content = notification["content"]
    content["description"] = f"{mention} {content['description']}".lstrip()
    content["nextSteps"] += links
    return _of_template(_template(notification), of_format.paths)


def resolved(mark: str, topic: str, *, trusted: bool, ocsf: bool) -> InputTransformer:
    """Return the InputTransformer with which a rule starts the state machine for findings that were sent and are over.

    *mark*: the user-defined field that says when they were sent, and as what; in OCSF, the comment does. *topic*: the
    name of the topic. EventBridge cannot calculate, so the machine completes the notification (_stack/marking.py). Its
    input has the mark, which anyone may have written, outside of strings.
    """
    paths = {**ASFF, **END_PATHS, "mark": f"{FINDING}.UserDefinedFields.{mark}"}
    finding: Json = {"Id": _alone("id"), "ProductArn": _alone("product")}
    state = ": <workflow>, <record>"
    if ocsf:
        paths = {**OCSF, **OCSF_END_PATHS}
        finding = {"metadata": {"uid": _alone("uid")}}
        # AWS does not document who sets these, and whether it checks their form.
        state = f"{state} <compliance>" if trusted else ""
    title = _alone("title") if trusted else "Finding of <product>"
    metadata = _metadata(title)
    del metadata["additionalContext"]["severity"]
    given = {
        "topic": topic,
        "mark": _alone("mark"),
        "ended": _alone("time"),
        "state": state,
        "about": f"{' <control>' if trusted else ''}\nAccount <account>, <region>",
        "notification": custom({"title": title}, metadata),
        "detail": {"findings": [finding]},
    }
    return _of_template(_template(given), paths)


def mail(finding_format: str, *, trusted: bool) -> InputTransformer:
    """Return the InputTransformer of a rule's target for findings that people get by e-mail.

    Each line is a string, and SNS delivers the lines with their quotation marks, as EventBridge has no other form of
    text in several lines (https://github.com/aws/aws-cdk/issues/5924). *trusted*: as for transformer().
    """
    of_format = BY_FORMAT[finding_format]
    lines = ["<severity> finding in account <account>, <region>"]
    if trusted:
        lines += ["<control> <title>", f"Look at the finding: {of_format.console}{of_format.search}", "<remedy>"]
    else:
        lines += ["Finding of <product>", f"Its text is only shown in the console: {of_format.console}"]
    return _of_template("\n".join(map(json.dumps, lines)), of_format.paths)


def _of_template(template: str, paths: dict[str, str]) -> InputTransformer:
    used = set(re.findall(r"<(\w+)>", template))
    return {
        "InputPathsMap": {name: path for name, path in {**paths, **EVENT_PATHS}.items() if name in used},
        "InputTemplate": template,
    }


def custom(content: Json, metadata: Json) -> Json:
    """Return a custom notification; *content* has, or a state machine adds, at least a description."""
    return {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", **content},
        "metadata": metadata,
    }


def finding_id(body: Json) -> str:
    """Return the ID of the finding in a topic's message: an unchanged event, or a custom notification of ours.

    Raise LookupError or TypeError if it is neither.
    """
    if body.get("source") == "custom":
        return str(body["metadata"]["additionalContext"]["findingId"])
    return str(body["detail"]["findings"][0]["Id"])


def _of_aws(of_format: Format, *, buttons: bool) -> Json:
    content: Json = {
        "title": _alone("title"),
        "description": "*<severity>* <control>\nAccount <account>, <region>\n<remedy>",
        "nextSteps": [f"Look at the finding: {of_format.console}{of_format.search}"],
    }
    metadata = _metadata(_alone("title"))
    if "resource" in of_format.paths:
        content["keywords"] = metadata["relatedResources"] = [_alone("resource")]
    if buttons:
        metadata["additionalContext"] |= {FINDING_KEY: of_format.button_key, HUB_KEY: "<hub>"}
        metadata["enableCustomActions"] = True
    return custom(content, metadata)


def _of_others(console: str) -> Json:
    title = "Finding of <product>"
    content = {
        "title": title,
        "description": "*<severity>*\nAccount <account>, <region>\nIts text is only shown in the console.",
        "nextSteps": [f"Look at the findings: {console}"],
    }
    return custom(content, _metadata(title))


def _metadata(summary: str) -> Json:
    return {
        # Later messages about a finding appear in the thread of the first.
        "threadId": _alone("id"),
        "summary": summary,
        "eventType": _alone("kind"),
        "additionalContext": {
            "findingId": _alone("id"),
            "severity": "<severity>",
            "account": "<account>",
            "region": "<region>",
        },
    }


def _alone(name: str) -> str:
    return f"alone:<{name}>"


def _template(notification: Json) -> str:
    text = json.dumps(notification, separators=(",", ":"))
    # EventBridge would take a mention, such as <!here>, for a variable.
    text = re.sub(r"<([!@][^<>]*)>", r"\\u003c\1\\u003e", text)
    return re.sub(r'"alone:(<\w+>)"', r"\1", text)
