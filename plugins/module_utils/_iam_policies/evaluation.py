# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluates whether the policy of a resource allows an AWS service: pure. PRIVATE to the collection.

It implements the part of
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html that applies to services. A
condition with an unknown key or operator allows nothing and denies nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EVENTS = "events.amazonaws.com"
CLOUDWATCH = "cloudwatch.amazonaws.com"
SNS = "sns.amazonaws.com"
# The encryption context that SNS and SQS send to KMS: the topic or queue.
OF_TOPIC = "kms:encryptioncontext:aws:sns:topicarn"
OF_QUEUE = "kms:encryptioncontext:aws:sqs:arn"
# Conditions that limit a statement for everyone to certain accounts, resources or networks, if they name values
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
LIMITING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
    }
)
LIMITING_OPERATORS = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
EVERYTHING = frozenset({"*", "0.0.0.0/0", "::/0"})
# Keys that no request of a service has. A negated condition on one holds, so many deny statements apply to services.
ABSENT = re.compile(r"aws:(principal.*|sourceip|sourcevpce?|userid|username)")


@dataclass(frozen=True)
class Request:
    """The request of a service; *context*: the values of condition keys, with keys in lower case."""

    action: str
    resource: str
    context: Mapping[str, str]
    service: str = EVENTS


def _of(service: str, action: str, resource: str, context: Mapping[str, str]) -> Request:
    of_service = {
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
    }
    return Request(action, resource, {**of_service, **context}, service)


def of_rule(action: str, resource: str, rule_arn: str) -> Request:
    """Return the request of EventBridge to a topic or queue on behalf of a rule."""
    return _of(EVENTS, action, resource, _on_behalf_of(rule_arn))


def of_topic(action: str, resource: str, topic_arn: str) -> Request:
    """Return the request of SNS to a queue on behalf of a topic."""
    return _of(SNS, action, resource, _on_behalf_of(topic_arn))


def of_alarm(action: str, resource: str, alarm_arn: str) -> Request:
    """Return the request of CloudWatch to a topic on behalf of an alarm.

    The default policy of a topic has a condition on aws:SourceOwner, the alarm's account
    (https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html).
    """
    context = {**_on_behalf_of(alarm_arn), "aws:sourceowner": alarm_arn.split(":")[4]}
    return _of(CLOUDWATCH, action, resource, context)


def _on_behalf_of(arn: str) -> dict[str, str]:
    return {"aws:sourcearn": arn, "aws:sourceaccount": arn.split(":")[4]}


def of_key(action: str, key_arn: str, encrypted_arn: str, service: str = EVENTS, context: str = OF_TOPIC) -> Request:
    """Return the request of a service to the key of a topic, or of a queue (*context* OF_QUEUE).

    EventBridge does not send the source: policies with conditions on aws:SourceArn, aws:SourceAccount or
    aws:SourceOrgID do not allow it (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
    """
    return _of(service, action, key_arn, {context: encrypted_arn})


def lets_in(policy: Mapping[str, Any], request: Request) -> bool:
    """Tell whether *policy* (a document) allows the request and no statement of it denies it."""
    applying = [statement for statement in statements(policy) if _applies(statement, request)]
    return bool(applying) and all(statement.get("Effect") == "Allow" for statement in applying)


def statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the statements of *policy*, which may be one without a list."""
    return _listed(policy.get("Statement"))


def is_open(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement allows something to everyone, without a condition that limits it."""
    if statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal")
    of_accounts = _listed(principal.get("AWS")) if isinstance(principal, Mapping) else [principal]
    if "*" not in of_accounts and "NotPrincipal" not in statement:
        return False
    return not any(
        operator.rpartition(":")[2].lower() in LIMITING_OPERATORS
        and key.lower() in LIMITING_KEYS
        and not EVERYTHING & set(_listed(values))
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    )


def others(statement: Mapping[str, Any], account_id: str) -> list[str]:
    """Return to whom outside of the account a statement allows something: principals, or the values that limit "*"."""
    if statement.get("Effect") != "Allow":
        return []
    principal = "*" if "NotPrincipal" in statement else statement.get("Principal")
    named = _listed(principal.get("AWS")) if isinstance(principal, Mapping) else _listed(principal)
    foreign = [str(name) for name in named if name != "*" and _account(str(name)) != account_id]
    if "*" not in named:
        return foreign
    limits = [
        [str(value) for value in _listed(values)]
        for operator, keys in (statement.get("Condition") or {}).items()
        if operator.rpartition(":")[2].lower() in LIMITING_OPERATORS
        for key, values in keys.items()
        if key.lower() in LIMITING_KEYS
    ]
    if any(limit and all(_account(value) == account_id for value in limit) for limit in limits):
        return foreign
    return [*foreign, *([value for limit in limits for value in limit] or ["*"])]


def _account(principal: str) -> str:
    """Return the ID of the account of a principal or resource, given by an ARN or by that ID."""
    parts = principal.split(":")
    return parts[4] if len(parts) > 4 else principal


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        _names_service(statement, request.service)
        and _covers(statement, "Action", request.action)
        and _covers(statement, "Resource", request.resource)
        and _holds(statement.get("Condition") or {}, request.context)
    )


def _names_service(statement: Mapping[str, Any], service: str) -> bool:
    if "NotPrincipal" in statement:
        return not _is_service(statement["NotPrincipal"], service)
    return _is_service(statement.get("Principal"), service)


def _is_service(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    return "*" in _listed(principal.get("AWS")) or bool({service, "*"} & set(_listed(principal.get("Service"))))


def _covers(statement: Mapping[str, Any], element: str, value: str) -> bool:
    inverse = f"Not{element}"
    if inverse in statement:
        return not _any_like(statement[inverse], value)
    return _any_like(statement.get(element), value)


def _any_like(patterns: Any, value: str) -> bool:
    regexes = [re.escape(str(pattern)).replace(r"\*", ".*").replace(r"\?", ".") for pattern in _listed(patterns)]
    return any(re.fullmatch(regex, value, re.IGNORECASE | re.DOTALL) for regex in regexes)


def _holds(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _condition_holds(operator, key.lower(), _listed(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition_holds(operator: str, key: str, wanted: list[Any], context: Mapping[str, str]) -> bool:
    name = operator.rpartition(":")[2]  # ForAnyValue:StringEquals
    texts = [str(item).lower() if isinstance(item, bool) else str(item) for item in wanted]
    if key in context:
        return _compared(name.removesuffix("IfExists"), context[key], texts)
    if name.endswith("IfExists"):
        return True
    if not ABSENT.fullmatch(key):
        return False
    return name in NEGATED or (name == "Null" and texts == ["true"])


def _compared(operator: str, value: str, wanted: list[str]) -> bool:
    if operator == "Null":
        return wanted == ["false"]
    if operator in NEGATED:
        return not _compared(NEGATED[operator], value, wanted)
    if operator in ("StringEquals", "StringEqualsIgnoreCase", "Bool"):
        return value.lower() in [item.lower() for item in wanted]
    return operator in ("StringLike", "ArnLike", "ArnEquals") and _any_like(wanted, value)


NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEquals",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
