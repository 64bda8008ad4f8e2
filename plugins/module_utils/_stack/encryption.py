# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The KMS key that a pipeline's stack has of its own, for its template: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

from .pseudo import ARN
from .pseudo import HERE

# In place of a key's name: the stack has one of its own.
CREATE = "create"
KEY = "Key"
EVENTS, CLOUDWATCH = "events.amazonaws.com", "cloudwatch.amazonaws.com"
CONTEXT = "kms:EncryptionContext:aws"
ALIAS = "KeyAlias"

# The least that KMS takes. SNS forgets a message once it is delivered, so the key soon has nothing left to decrypt.
PENDING_WINDOW_DAYS = 7


def reference(key: str) -> Any:
    """Return what a topic or queue says of its key: the name of one, or CREATE.

    The alias, not the ARN: it can be told without reading the stack, and stays the same when the key is made anew.
    """
    return {"Ref": ALIAS} if key == CREATE else key


def resources(name: str, topics: tuple[str, ...], tags: list[dict[str, str]], *, alarms: bool) -> dict[str, Any]:
    """Return the key of the stack *name*, and its alias. *alarms*: there are a queue, and alarms that tell a topic."""
    of_topics = {
        "StringEquals": {f"{CONTEXT}:sns:topicArn": [{"Fn::Sub": f"{ARN}:sns:{HERE}:{topic}"} for topic in topics]}
    }
    # CloudFormation names the queue, after its stack, whose name is not ours in a stack set.
    of_queue = {"ArnLike": {f"{CONTEXT}:sqs:arn": {"Fn::Sub": f"{ARN}:sqs:{HERE}:*"}}}
    statements = [_account(), _user("EventBridgeForTheTopicsOfThisStack", EVENTS, of_topics)]
    if alarms:
        statements.append(_user("EventBridgeForTheQueueOfThisStack", EVENTS, of_queue))
        statements.append(_user("AlarmsForTheTopicsOfThisStack", CLOUDWATCH, of_topics))
    properties: dict[str, Any] = {
        "Description": f"Encrypts the messages of the stack {name} (secops.securityhub)",
        "EnableKeyRotation": True,
        "PendingWindowInDays": PENDING_WINDOW_DAYS,
        "KeyPolicy": {"Version": "2012-10-17", "Statement": statements},
    }
    if tags:
        properties["Tags"] = tags
    return {
        KEY: {"Type": "AWS::KMS::Key", "Properties": properties},
        ALIAS: {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": f"alias/{name}", "TargetKeyId": {"Ref": KEY}},
        },
    }


def _account() -> dict[str, Any]:
    """Return the statement without which nobody could ever change the key again."""
    return {
        "Sid": "AccountByItsIamPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": f"{ARN}:iam::${{AWS::AccountId}}:root"}},
        "Action": "kms:*",
        "Resource": "*",
    }


def _user(sid: str, service: str, condition: dict[str, Any]) -> dict[str, Any]:
    """Return a statement that lets a service send what the key encrypts.

    Amazon Q needs none: SNS decrypts a message before it delivers it. No aws:SourceArn and no aws:SourceAccount: they
    are "not supported for EventBridge-to-encrypted topics"
    (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html). Which rules and alarms may send, the policies
    of topics and queue say.
    """
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": condition,
    }
