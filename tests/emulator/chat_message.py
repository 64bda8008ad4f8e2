# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a notification as Chatbot does: a message with title, severity and text, or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import field
from typing import Any

OCSF_EVENT = "Findings Imported V2"
# Sources of EventBridge events that Chatbot renders (its administrator guide, "Monitoring AWS services").
SUPPORTED_SOURCES = frozenset(
    f"aws.{service}"
    for service in (
        *("securityhub", "guardduty", "inspector", "inspector2", "macie", "access-analyzer", "config", "health"),
        *("codebuild", "codecommit", "codedeploy", "codepipeline", "cloudformation", "cloudwatch", "ssm", "support"),
        *("trustedadvisor", "ecs", "ec2", "batch", "s3", "tag", "backup", "signin", "iam"),
    )
)
ENVELOPE = frozenset({"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"})


@dataclass(frozen=True)
class ChatMessage:
    """A message in the channel. `region` and `account` are the event's, not the finding's.

    thread: the thread that it belongs to. notification: the custom notification that it renders. markup: Slack reads
    title and text as its markup.
    """

    title: str
    text: str
    detail_type: str
    severity: str = ""
    finding_id: str = ""
    region: str = ""
    account: str = ""
    finding_region: str = ""
    finding_account: str = ""
    thread: str = ""
    notification: dict = field(default_factory=dict, hash=False)
    markup: bool = True


def read(message: str, ocsf: bool = True, markup: bool = True, custom_markup: bool = True) -> ChatMessage | None:
    """Return the message for the body of a notification, or None for one that Chatbot does not support and drops.

    ocsf: whether it supports events with OCSF findings. markup, custom_markup: whether the texts of events, and of
    custom notifications, reach Slack as markup.
    """
    try:
        body = json.loads(message)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    if body.get("source") == "custom":
        return _custom(body, custom_markup)
    if "AlarmName" in body and "NewStateValue" in body:
        return _alarm(body)
    if not body.keys() >= ENVELOPE or body["source"] not in SUPPORTED_SOURCES or not isinstance(body["detail"], dict):
        return None
    return _event(body, markup) if ocsf or body["detail-type"] != OCSF_EVENT else None


# The members of a custom notification by their type; additionalContext has texts.
# https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
CONTENT = {"textType": str, "title": str, "description": str, "nextSteps": list, "keywords": list}
METADATA = {
    "threadId": str,
    "summary": str,
    "eventType": str,
    "relatedResources": list,
    "additionalContext": dict,
    "enableCustomActions": bool,
}


def _follows(part: Any, schema: dict[str, type]) -> bool:
    return isinstance(part, dict) and all(
        isinstance(value, schema.get(name, object))
        and (not isinstance(value, (list, dict)) or all(isinstance(item, str) for item in _items(value)))
        for name, value in part.items()
    )


def _items(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def _custom(body: dict, markup: bool) -> ChatMessage | None:
    content, metadata = body.get("content"), body.get("metadata") or {}
    if body.get("version") != "1.0" or not _follows(content, CONTENT) or not _follows(metadata, METADATA):
        return None
    if not content.get("description"):
        return None
    context = metadata.get("additionalContext") or {}
    shown = (content["description"], *content.get("nextSteps", ()), ", ".join(content.get("keywords", ())))
    return ChatMessage(
        title=content.get("title") or metadata.get("summary") or "",
        text="\n".join(filter(None, shown)),
        detail_type=metadata.get("eventType") or "Custom notification",
        severity=str(context.get("severity", "")).upper(),
        finding_id=str(context.get("findingId", "")),
        finding_region=str(context.get("region", "")),
        finding_account=str(context.get("account", "")),
        thread=metadata.get("threadId", ""),
        notification=body,
        markup=markup,
    )


def _alarm(body: dict) -> ChatMessage:
    return ChatMessage(
        title=f"{body['NewStateValue']}: {body['AlarmName']}",
        text=body.get("NewStateReason", ""),
        detail_type="CloudWatch Alarm",
        account=body.get("AWSAccountId", ""),
    )


def _event(body: dict, markup: bool) -> ChatMessage:
    detail = body["detail"]
    finding = (detail.get("findings") or [{}])[0]
    shown = _ocsf(finding) if "finding_info" in finding else _asff(finding)
    if not finding:
        shown = {"title": detail.get("insightName") or body["detail-type"], "text": detail.get("actionName", "")}
    return ChatMessage(
        **shown, detail_type=body["detail-type"], region=body["region"], account=body["account"], markup=markup
    )


def _asff(finding: dict) -> dict[str, Any]:
    resources = ", ".join(resource.get("Id", "") for resource in finding.get("Resources", [])[:3])
    return {
        "title": finding.get("Title", ""),
        "text": f"{finding.get('Description', '')}\n{resources}".strip(),
        "severity": finding.get("Severity", {}).get("Label", ""),
        "finding_id": finding.get("Id", ""),
        "finding_region": finding.get("Region", ""),
        "finding_account": finding.get("AwsAccountId", ""),
    }


def _ocsf(finding: dict) -> dict[str, Any]:
    cloud = finding.get("cloud", {})
    return {
        "title": finding["finding_info"].get("title", ""),
        "text": finding["finding_info"].get("desc", ""),
        "severity": str(finding.get("severity", "")).upper(),
        "finding_id": finding["finding_info"].get("uid", ""),
        "finding_region": cloud.get("region", ""),
        "finding_account": cloud.get("account", {}).get("uid", ""),
    }
