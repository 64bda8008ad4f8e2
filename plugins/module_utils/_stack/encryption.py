# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The KMS key that a stack can create, for its template: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .resources import ARN
from .resources import allow_service
from .resources import local_arn
from .resources import with_tags

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._resource.shapes import Statement
    from .._resource.shapes import Tag
    from .resources import Resource


# Instead of the name of a key: the stack creates one.
CREATE = "create"
KEY = "Key"
EVENTS, CLOUDWATCH, SNS = "events.amazonaws.com", "cloudwatch.amazonaws.com", "sns.amazonaws.com"
CONTEXT = "kms:EncryptionContext:aws"
ALIAS = "KeyAlias"

# The minimum of KMS. SNS does not keep delivered messages, so nothing remains to be decrypted with the key.
PENDING_WINDOW_DAYS = 7


def reference(key: str) -> Any:
    """Return the reference to the key of a topic or queue; *key*: the name of a key, or CREATE.

    It is the alias, not the ARN: known without reading the stack, and the same if the key is replaced.
    """
    return {"Ref": ALIAS} if key == CREATE else key


def resources(
    name: str, topics: tuple[str, ...], tags: list[Tag], *, queue: bool, alarms: bool, redrive: bool
) -> dict[str, Resource]:
    """Return the key of the stack *name*, and its alias.

    *queue*, *alarms*: the stack has these. *redrive*: SNS sends to the queue what it cannot deliver.
    """
    of_topics = {"StringEquals": {f"{CONTEXT}:sns:topicArn": [local_arn("sns", topic) for topic in topics]}}
    # CloudFormation names the queue after the stack, and a StackSet chooses the name of the stack.
    of_queue = {"ArnLike": {f"{CONTEXT}:sqs:arn": local_arn("sqs", "*")}}
    # It keeps the key manageable by the account's IAM policies.
    account = {
        "Sid": "AccountByItsIamPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": f"{ARN}:iam::${{AWS::AccountId}}:root"}},
        "Action": "kms:*",
        "Resource": "*",
    }
    statements = [account, _user("EventBridgeForTheTopicsOfThisStack", EVENTS, of_topics)]
    if queue:
        statements.append(_user("EventBridgeForTheQueueOfThisStack", EVENTS, of_queue))
    if redrive:
        statements.append(_user("TopicsForTheQueueOfThisStack", SNS, of_queue))
    if alarms:
        statements.append(_user("AlarmsForTheTopicsOfThisStack", CLOUDWATCH, of_topics))
    properties: Json = {
        "Description": f"Encrypts the messages of the stack {name} (secops.securityhub)",
        "EnableKeyRotation": True,
        "PendingWindowInDays": PENDING_WINDOW_DAYS,
        "KeyPolicy": {"Version": "2012-10-17", "Statement": statements},
    }
    return {
        KEY: {"Type": "AWS::KMS::Key", "Properties": with_tags(properties, tags)},
        ALIAS: {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": f"alias/{name}", "TargetKeyId": {"Ref": KEY}},
        },
    }


def permission(name: str, key: str) -> Statement:
    """Return the statement that allows a role to publish to the topics of the stack *name*, which *key* encrypts.

    The ARN of a key may be of another account.
    """
    owner, _colon, resource = key.rpartition(":")
    alias = f"alias/{name}" if key == CREATE else resource if resource.startswith("alias/") else ""
    path = "key/*" if alias else f"key/{resource.rpartition('/')[2]}"
    aliases = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}} if alias else {}
    return {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": f"{owner}:{path}" if owner else local_arn("kms", path),
        "Condition": {"StringEquals": {"kms:ViaService": {"Fn::Sub": "sns.${AWS::Region}.amazonaws.com"}}, **aliases},
    }


def _user(sid: str, service: str, condition: Json) -> Statement:
    """Return a statement that lets a service send messages that the key encrypts.

    Amazon Q needs none: SNS decrypts a message before it delivers it. There is no aws:SourceArn or aws:SourceAccount,
    since they are "not supported for EventBridge-to-encrypted topics"
    (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html); the policies of topics and queue restrict which
    rules and alarms may send.
    """
    return allow_service(sid, service, ["kms:Decrypt", "kms:GenerateDataKey*"], "*", condition)
