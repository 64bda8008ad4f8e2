# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks for unintended access: who can publish, receive findings, or act through the channel: pure.

PRIVATE to the collection.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from .._aws import errors
from .._channel import transformations
from .._iam_policies import evaluation
from .._model.identity import ROLE_POLICY
from .._plan import identity as identities
from .._resource.operation import Operation
from .._resource.tags import MANAGED_TAG
from .._resource.tags import tags_of
from .._stack import marking as marking_machine
from .._stack import resources as stack_resources
from .._stack import scheduled_digest
from . import messages
from .results import RISK
from .results import UNKNOWN
from .results import nothing
from .results import ok

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping

    from .._resource.shapes import Json
    from .._services.chatbot import Configuration
    from .._services.sns import Subscription
    from .._stack.resources import Resources
    from .evidence import Evidence
    from .evidence import Machine
    from .results import Result

Item = TypeVar("Item")

FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
UNMANAGED = nothing("the channel configuration is not managed by this collection")


def subscribers(evidence: Evidence) -> Result:
    """Check that only Amazon Q, the receivers and running canaries receive what is published to the topics."""
    path, settings = evidence.target.live.path, evidence.target.settings
    if path is None:
        return _unread(evidence)
    known = {
        (arn, route.receiver.kind, endpoint)
        for arn, route in evidence.receiver_topics()
        for endpoint in route.receiver.endpoints
    }
    canaries = f":sqs:{settings.region}:{evidence.target.account_id}:{settings.name}-canary-"
    found = {
        arn: [
            item
            for item in items
            if (item["Protocol"] != "sqs" or canaries not in item["Endpoint"])
            and (arn, item["Protocol"], item["Endpoint"]) not in known
        ]
        for arn, items in path.subscribers.items()
    }
    for arn, items in path.subscriptions.items():
        found.setdefault(arn, []).extend(_redrive(item) for item in items if item.get("RedrivePolicy"))
    return _reported(evidence, found, messages.unknown_subscribers)


def _redrive(attributes: dict[str, str]) -> Subscription:
    """Return the queue that gets what SNS cannot deliver to Amazon Q, as if it were subscribed."""
    queue = json.loads(attributes["RedrivePolicy"]).get("deadLetterTargetArn", "")
    return {
        "Protocol": "sqs",
        "Endpoint": f"{queue} (dead-letter queue of Amazon Q's subscription)",
        "SubscriptionArn": "",
    }


def grants(evidence: Evidence) -> Result:
    """Check that no policy of the stack's resources lets other accounts in; topics open to everyone: see "access"."""
    live, account_id = evidence.target.live, evidence.target.account_id
    if live.path is None:
        return _unread(evidence)
    policies = [(f"queue {url.rpartition('/')[2]}", _policy(queue)) for url, queue in live.path.queues.items()]
    own = {alias["AliasName"] for alias in live.path.resources.of_type(stack_resources.ALIAS)}
    policies += [(f"key {name}", key.policy) for name, key in live.path.keys.items() if name in own]
    found = {
        name: [who for statement in evaluation.statements(policy) for who in evaluation.others(statement, account_id)]
        for name, policy in policies
    }
    for arn, topic in live.path.topics.items():
        limited = [item for item in evaluation.statements(_policy(topic)) if not evaluation.is_open(item)]
        found[f"topic {arn.rpartition(':')[2]}"] = [
            who for item in limited for who in evaluation.others(item, account_id)
        ]
    some = {name: list(dict.fromkeys(who)) for name, who in found.items() if who}
    return messages.granted(some) if some else ok()


def _policy(attributes: dict[str, str] | None) -> Json:
    policy: Json = json.loads((attributes or {}).get("Policy") or "{}")
    return policy


def destinations(evidence: Evidence) -> Result:
    """Check that the rules have no targets that the stack does not have."""
    live = evidence.target.live
    if live.path is None:
        return _unread(evidence)
    found = {}
    for rule in live.path.resources.of_type(stack_resources.RULE):
        known = {target["Arn"] for target in rule["Targets"]}
        found[rule["Name"]] = [item for item in live.path.targets.get(rule["Name"], []) if item["Arn"] not in known]
    return _reported(evidence, found, messages.unknown_targets)


def _reported(
    evidence: Evidence,
    found: dict[str, list[Item]],
    report: Callable[[str, dict[str, list[Item]]], Result],
) -> Result:
    """Return the report about the resources, by ARN or name, for which something was found."""
    some = {name: items for name, items in found.items() if items}
    return report(evidence.target.settings.region, some) if some else ok()


def _unread(evidence: Evidence) -> Result:
    return (
        messages.explained(UNKNOWN, evidence.resources_error, messages.UNKNOWN_ARRIVAL)
        if evidence.resources_error
        else nothing("no stack")
    )


def role(evidence: Evidence) -> Result:
    """Check that our channel configurations use our role, and that it is as this collection created it."""
    desired, live, own = evidence.identity, evidence.account.snapshot.identity, _own_configurations(evidence)
    if not own:
        return UNMANAGED
    problems = identities.problems(desired, live)
    if problems:
        return messages.explained(RISK, errors.joined(problems), messages.UNKNOWN_PERMISSIONS)
    for configuration in own:
        if configuration["IamRoleArn"] != desired.role_arn:
            name = transformations.configuration_name(configuration)
            facts = {"name": name, "role": configuration["IamRoleArn"], "expected": desired.role_arn}
            return messages.restorable(messages.ROLE_REPLACED.format(**facts), messages.TOO_MUCH)
    if identities.lacks_boundary(desired, live):
        facts = {"role": desired.role_name, "boundary": desired.boundary}
        return messages.restorable(messages.BOUNDARY_MISSING.format(**facts), messages.TOO_MUCH)
    if identities.plan(desired, live, own_guardrail=False).role == Operation.NONE:
        return ok()
    problem = messages.ROLE_CHANGED if live.role else messages.ROLE_MISSING
    return messages.restorable(problem.format(role=desired.role_name), messages.MAY_STOP)


def permissions(evidence: Evidence) -> Result:
    """Check that our role has no permissions but those that the buttons need."""
    if not _own_configurations(evidence):
        return UNMANAGED
    policies, desired = evidence.account.role_policies, evidence.identity
    if policies.error:
        return messages.explained(UNKNOWN, policies.error, messages.UNKNOWN_PERMISSIONS)
    found = policies.value
    if found is None:
        return nothing("no role")
    granted = {ROLE_POLICY: desired.permissions} if desired.permissions else {}
    unknown = [name for name in found.inline if name not in granted]
    if unknown or found.attached:
        return messages.unknown_permissions(desired.role_name, unknown, found.attached)
    changed = [name for name in found.inline if identities.document_of(found.inline[name]) != granted[name]]
    return messages.permissions_changed(desired.role_name, changed[0]) if changed else ok()


def marking(evidence: Evidence) -> Result:
    """Check that the state machine that marks findings, and its role, are those of the stack, and work."""
    if evidence.marking.error:
        return messages.explained(UNKNOWN, evidence.marking.error, messages.UNKNOWN_MARKING)
    if evidence.marking.value is None:
        return nothing("findings are not marked as NOTIFIED")
    machine = marking_machine.machine_name(evidence.target.settings.name)
    changed = _changed(evidence.marking.value, machine)
    if changed:
        return messages.marking_changed(changed)
    failed = evidence.metrics.value.failed_executions if evidence.metrics.value else 0
    return messages.marking_failed(machine, failed, evidence.hours) if failed else ok()


def digest(evidence: Evidence) -> Result:
    """Check that the schedule, the state machine and the role that send the digest are those of the stack, and work."""
    found, name = evidence.digest.value, evidence.target.settings.name
    if evidence.digest.error:
        return messages.explained(UNKNOWN, evidence.digest.error, messages.UNKNOWN_DIGEST)
    if found is None:
        return nothing("no digest is scheduled")
    changed = [
        *([] if _is_scheduled(found) else [f"schedule {scheduled_digest.schedule_name(name)}"]),
        *_changed(found, scheduled_digest.machine_name(name)),
        *_changed_machine(found.resources, scheduled_digest.regions_machine_name(name), found.regions),
    ]
    if changed:
        return messages.digest_changed(changed)
    last = found.executions[0] if found.executions else None
    return messages.digest_failed(last["executionArn"]) if last and last["status"] in FAILED else ok()


def _is_scheduled(found: Machine) -> bool:
    """Return whether the live schedule starts the machine when, and with the role, that the stack's schedule does."""
    live = found.schedule
    if live is None:
        return False
    (schedule,) = found.resources.of_type(stack_resources.SCHEDULE)
    names = ("State", "ScheduleExpression", "ScheduleExpressionTimezone")
    same = all(live.get(name) == schedule[name] for name in names)
    return same and all(live["Target"].get(name) == schedule["Target"][name] for name in ("Arn", "RoleArn"))


def _changed(found: Machine, name: str) -> list[str]:
    """Return what differs from the stack: a state machine, and its role."""
    of_stack = found.resources.machine(name)
    if of_stack is None:
        return []
    role = of_stack[1]
    granted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in role["Policies"]}
    inline = {name: identities.document_of(document) for name, document in found.policies.inline.items()}
    trust = identities.document_of((found.role or {}).get("AssumeRolePolicyDocument", {}))
    return [
        *([f"role {role['RoleName']} (trust policy)"] if trust != role["AssumeRolePolicyDocument"] else []),
        *(
            f"role {role['RoleName']} (inline policy {name})"
            for name in {**granted, **inline}
            if inline.get(name) != granted.get(name)
        ),
        *(f"role {role['RoleName']} ({arn})" for arn in found.policies.attached),
        *_changed_machine(found.resources, name, found.machine),
    ]


def _changed_machine(resources: Resources, name: str, live: Mapping[str, Any] | None) -> list[str]:
    """Return the name of a state machine that has another definition or role than the stack's."""
    of_stack = resources.machine(name)
    if of_stack is None:
        return []
    wanted = (json.loads(of_stack[0]["DefinitionString"]), of_stack[0]["RoleArn"])
    is_same = live is not None and (json.loads(live["definition"]), live["roleArn"]) == wanted
    return [] if is_same else [f"state machine {name}"]


def guardrail(evidence: Evidence) -> Result:
    """Check that our channel configurations have the guardrail of the inventory, and that it is unchanged."""
    desired, live, own = evidence.identity, evidence.account.snapshot.identity, _own_configurations(evidence)
    if not own:
        return UNMANAGED
    given = evidence.target.settings.value("guardrail_policy_arns")
    expected = list(given) or [desired.guardrail_arn]
    for configuration in own:
        arns = transformations.normalized(configuration)["GuardrailPolicyArns"]
        if arns != sorted(expected):
            name = transformations.configuration_name(configuration)
            found = ", ".join(arns) or messages.NO_GUARDRAIL
            facts = {"name": name, "found": found, "expected": ", ".join(expected)}
            return messages.restorable(messages.GUARDRAIL_REPLACED.format(**facts), messages.TOO_MUCH)
    if given or identities.problems(desired, live):
        return ok()
    if identities.plan(desired, live, own_guardrail=True).guardrail == Operation.NONE:
        return ok()
    problem = messages.GUARDRAIL_CHANGED if live.guardrail else messages.GUARDRAIL_MISSING
    return messages.restorable(problem.format(policy=desired.guardrail_name), messages.TOO_MUCH)


def _own_configurations(evidence: Evidence) -> list[Configuration]:
    """Return the account's configurations that have our role, or our tag."""
    role_arn, name = evidence.identity.role_arn, evidence.target.settings.name
    return [
        item
        for item in evidence.account.snapshot.configurations
        if item["IamRoleArn"] == role_arn or tags_of(item).get(MANAGED_TAG) == name
    ]
