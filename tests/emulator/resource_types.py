# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation resource types for which ministack accepts more than AWS: it replaces what exists, for example."""

from __future__ import annotations

import json
import re
from typing import Any
from typing import Callable

import event_bus
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.services import cloudwatch
from ministack.services import eventbridge
from ministack.services import iam
from ministack.services import sns
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo")
TOPIC_ACTIONS = frozenset(
    {
        "sns:gettopicattributes",
        "sns:settopicattributes",
        "sns:addpermission",
        "sns:removepermission",
        "sns:deletetopic",
        "sns:subscribe",
        "sns:listsubscriptionsbytopic",
        "sns:publish",
        "sns:receive",
    }
)


class HandlerError(ValueError):
    """The failure of a resource handler, worded as in the events of a stack."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(f'Resource handler returned message: "{message}" (HandlerErrorCode: {code})')


def install(rules_quota: Callable[[], int]) -> None:
    """Replace the handlers of ministack. rules_quota: of an event bus."""
    handlers = provisioners._RESOURCE_HANDLERS
    _wrap_topic(handlers["AWS::SNS::Topic"])
    _wrap_topic_policy(handlers["AWS::SNS::TopicPolicy"])
    _wrap_rule(handlers["AWS::Events::Rule"], rules_quota)
    for resource_type, (name, exists) in NAMED.items():
        _refuse_existing(handlers[resource_type], resource_type, name, exists)
    _install_topic_refusals()
    _install_policy_refusals()


def _machine_arn(name: str) -> str:
    return f"arn:aws:states:{get_region()}:{get_account_id()}:stateMachine:{name}"


# The property that names a resource, and whether one of that name exists.
NAMED: dict[str, tuple[str, Callable[[str], bool]]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", lambda name: name in cloudwatch._alarms),
    "AWS::IAM::Role": ("RoleName", lambda name: name in iam._roles),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        lambda name: _machine_arn(name) in stepfunctions._state_machines,
    ),
}


def name_of(resource_type: str) -> str:
    """Return the property that names a resource of a type, '' for a type whose names are not compared."""
    others = {"AWS::SNS::Topic": "TopicName", "AWS::Events::Rule": "Name"}
    return NAMED[resource_type][0] if resource_type in NAMED else others.get(resource_type, "")


def conflict(resource_type: str, name: str) -> str:
    """Return the complaint about a resource of this name that exists, '' without one."""
    if resource_type == "AWS::SNS::Topic":
        name = f"arn:aws:sns:{get_region()}:{get_account_id()}:{name}"
        exists = name in sns._topics
    elif resource_type == "AWS::Events::Rule":
        exists = eventbridge._rule_key(name, "default") in eventbridge._rules
    else:
        exists = NAMED[resource_type][1](name)
    return _exists_already(resource_type, name) if exists else ""


def _refuse_existing(handler: dict[str, Any], resource_type: str, name: str, exists: Callable[[str], bool]) -> None:
    create = handler["create"]

    def create_new(logical_id: str, properties: dict, stack_name: str) -> tuple:
        if properties.get(name) and exists(properties[name]):
            raise already_exists(resource_type, properties[name])
        return create(logical_id, properties, stack_name)

    handler["create"] = create_new


def default_topic_policy(arn: str) -> str:
    """Return the default policy of a topic, which allows its own account."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action[4:]}" for action in sorted(TOPIC_ACTIONS - {"sns:receive"})],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


def _wrap_topic(handler: dict[str, Any]) -> None:
    create, update = handler["create"], handler["update"]

    def create_new(logical_id: str, properties: dict, stack_name: str) -> tuple:
        name = properties.get("TopicName")
        if name is not None and not TOPIC_NAME.fullmatch(name):
            raise HandlerError("Invalid parameter: Topic Name", "InvalidRequest")
        arn = f"arn:aws:sns:{get_region()}:{get_account_id()}:{name}"
        if arn in sns._topics:
            raise already_exists("AWS::SNS::Topic", arn)
        made = create(logical_id, properties, stack_name)
        _finish_topic(made[0], properties, new=True)
        return made

    def update_with_key(
        physical_id: str, old: dict, new: dict, stack_name: str, logical_id: str | None = None
    ) -> tuple:
        made = update(physical_id, old, new, stack_name, logical_id)
        _finish_topic(made[0], new, new=made[0] != physical_id)
        return made

    handler.update(create=create_new, update=update_with_key)


def _finish_topic(arn: str, properties: dict, new: bool) -> None:
    attributes = sns._topics[arn]["attributes"]
    attributes["DisplayName"] = properties.get("DisplayName", "")
    if new:
        attributes["Policy"] = default_topic_policy(arn)
    if properties.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = properties["KmsMasterKeyId"]
    else:
        attributes.pop("KmsMasterKeyId", None)


def problem_with_topic_policy(policy: Any) -> str | None:
    """Return why SNS refuses a topic policy, or None: it has actions that do not apply to topics, such as sns:*."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", [])
        for action in actions if isinstance(actions, list) else [actions]:
            if action.lower() not in TOPIC_ACTIONS:
                return "Invalid parameter: Policy statement action out of service scope!"
    return None


def _wrap_topic_policy(handler: dict[str, Any]) -> None:
    create, update, delete = handler["create"], handler["update"], handler["delete"]

    def check(properties: dict) -> None:
        problem = problem_with_topic_policy(properties.get("PolicyDocument", {}))
        if problem:
            raise HandlerError(problem, "InvalidRequest")

    def create_valid(logical_id: str, properties: dict, stack_name: str) -> tuple:
        check(properties)
        return create(logical_id, properties, stack_name)

    def update_valid(physical_id: str, old: dict, new: dict, stack_name: str) -> tuple:
        check(new)
        return update(physical_id, old, new, stack_name)

    def delete_to_default(physical_id: str, properties: dict) -> None:
        delete(physical_id, properties)
        for arn in properties.get("Topics", []):
            if arn in sns._topics:
                sns._topics[arn]["attributes"]["Policy"] = default_topic_policy(arn)

    handler.update(create=create_valid, update=update_valid, delete=delete_to_default)


def _wrap_rule(handler: dict[str, Any], rules_quota: Callable[[], int]) -> None:
    create, update = handler["create"], handler["update"]

    def create_new(logical_id: str, properties: dict, stack_name: str) -> tuple:
        name = properties.get("Name")
        bus = provisioners._eb_rule_bus_name(properties)
        if name is not None and eventbridge._rule_key(name, bus) in eventbridge._rules:
            raise already_exists("AWS::Events::Rule", name)
        properties = _with_pattern_text(properties)
        others = event_bus.other_patterns("", bus)
        pattern = properties["EventPattern"]
        problem = event_bus.problem_with_rule(name or "generated", pattern, others, rules_quota())
        if problem:
            raise HandlerError(problem[1], _handler_code(problem[0]))
        check_targets(properties)
        created = create(logical_id, properties, stack_name)
        eventbridge._rules[eventbridge._rule_key(created[0], bus)]["CreationTime"] = eventbridge._now_ts()
        return created

    def check_targets(properties: dict) -> None:
        problem = event_bus.problem_with_targets(properties.get("Targets") or [], [])
        if problem:
            raise HandlerError(problem[1], _handler_code(problem[0]))

    def update_with_text(physical_id: str, old: dict, new: dict, stack: str, logical_id: str | None = None) -> tuple:
        check_targets(new)
        return update(physical_id, old, _with_pattern_text(new), stack, logical_id)

    handler.update(create=create_new, update=update_with_text)


def _with_pattern_text(properties: dict) -> dict:
    return {**properties, "EventPattern": event_bus.pattern_text(properties.get("EventPattern"))}


def already_exists(resource_type: str, identifier: str) -> HandlerError:
    """Return the failure of a resource that exists outside the stack."""
    return HandlerError(_exists_already(resource_type, identifier), "AlreadyExists")


def _exists_already(resource_type: str, identifier: str) -> str:
    return f"Resource of type '{resource_type}' with identifier '{identifier}' already exists."


def _handler_code(code: str) -> str:
    return "ServiceLimitExceeded" if code == "LimitExceededException" else "InvalidRequest"


def _install_topic_refusals() -> None:
    create, set_attributes = sns._create_topic, sns._set_topic_attributes

    def create_with_valid_name(params: dict) -> Any:
        if not TOPIC_NAME.fullmatch(sns._p(params, "Name")):
            return sns._error("InvalidParameter", "Invalid parameter: Topic Name", 400)
        return create(params)

    def set_valid_attributes(params: dict) -> Any:
        if sns._p(params, "AttributeName") == "Policy":
            problem = problem_with_topic_policy(sns._p(params, "AttributeValue"))
            if problem:
                return sns._error("InvalidParameter", problem, 400)
        return set_attributes(params)

    sns._create_topic = create_with_valid_name
    sns._set_topic_attributes = set_valid_attributes


def _install_policy_refusals() -> None:
    delete = iam._delete_policy

    def delete_with_one_version(params: dict) -> Any:
        policy = iam._policies.get(iam._p(params, "PolicyArn"))
        if policy and len(policy["Versions"]) > 1 and not policy.get("AttachmentCount", 0):
            message = (
                "This policy has more than one version. Before you delete a policy, you must delete the policy's "
                "versions. The default version is deleted with the policy."
            )
            return iam._error(409, "DeleteConflict", message, ns="iam")
        return delete(params)

    iam._IAM_HANDLERS["DeletePolicy"] = delete_with_one_version
