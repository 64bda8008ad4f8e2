# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the doctor, along the delivery path of a finding from its region to the channel: pure.

PRIVATE to the collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._aws import errors
from .._channel import metrics as chatbot_metrics
from .._channel import transformations
from .._model import drift
from .._plan.target import foreign_action
from .._plan.target import rules_of
from .._plan.target import why_not_of_stack_set
from .._preflight import keys
from .._securityhub import action_target
from .._stack import live as stacks
from .._stack import states
from . import exposure
from . import messages
from . import stack_sets
from .moves import moves
from .results import BROKEN
from .results import UNKNOWN
from .results import Result
from .results import nothing
from .results import ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._model.drift import Drift
    from .._model.plan import TargetDesign
    from .evidence import Evidence
    from .metrics import TargetMetrics


@dataclass(frozen=True)
class Check:
    """One part of the delivery path: its name, its title, what has to hold (as a predicate of the title), and how."""

    name: str
    title: str
    requirement: str
    run: Callable[[Evidence], Result]


def unread(error: str) -> dict[str, Result]:
    """Return the results of a target that could not be read, and why."""
    return {**NOT_CHECKED, "region": messages.explained(UNKNOWN, error, messages.UNKNOWN_ARRIVAL)}


def without_deployment(target: TargetDesign) -> dict[str, Result]:
    """Return the results of a target that should have no deployment, or for which none can be designed."""
    if target.error:
        region = messages.explained(BROKEN, target.error, messages.UNKNOWN_DESIGN)
        return {**NOT_CHECKED, "region": region, "hub": ok() if target.live.hub else messages.HUB_DISABLED}
    reason = nothing(target.policy or "no deployment intended")
    leftover = messages.leftover(stack_set=target.settings.stack_set) if stacks.is_ours(target.live.stack) else reason
    rules = target.live.rules
    hub = messages.automation_rules_surplus(len(rules)) if rules else reason
    return {**dict.fromkeys(NAMES, reason), "hub": hub, "stack": leftover}


def examine(evidence: Evidence) -> dict[str, Result]:
    """Return the result of every check, in the order of the delivery path."""
    return {check.name: check.run(evidence) for check in CHECKS}


def _region(evidence: Evidence) -> Result:
    return ok(f"forwards {evidence.target.policy}")


def _hub(evidence: Evidence) -> Result:
    live, desired = evidence.target.live, evidence.desired
    if not live.hub:
        return messages.HUB_DISABLED
    if live.rules is None:
        return ok()
    planned = rules_of(desired, live)
    if planned.removed:
        return messages.automation_rules_surplus(len(planned.removed))
    missing = len(planned.created) + len(planned.updated)
    return messages.automation_rules_missing(missing) if missing else ok(f"{len(desired.rules)} automation rules")


def _action(evidence: Evidence) -> Result:
    live = evidence.target.live
    if not live.hub:
        return nothing()
    if live.action is None:
        return messages.ACTION_MISSING
    if foreign_action(evidence.target):
        return messages.ACTION_FOREIGN
    return messages.ACTION_CHANGED if action_target.changes(live.action, evidence.desired.action) else ok()


def _stack(evidence: Evidence) -> Result:
    desired, stack = evidence.desired, evidence.target.live.stack
    status = stacks.status_of(stack)
    if evidence.target.settings.stack_set:
        reason = why_not_of_stack_set(desired, stack)
        works = stacks.is_deployed(stack)
        return _instance(evidence, reason, works=works) or (
            messages.stack_of_set(reason, works=works) if reason else ok()
        )
    if stacks.is_foreign(stack):
        return messages.STACK_FOREIGN
    if status in messages.STACK_STATUS:
        return messages.stack_status(status)
    if states.in_progress(status):
        return messages.stack_in_progress(status)
    if stacks.matches(desired.stack, stack):
        return ok()
    return messages.stack_outdated(moves(evidence))


def _instance(evidence: Evidence, reason: str, *, works: bool) -> Result | None:
    """Return what is wrong with the target's stack according to its StackSet, None for nothing or if unknown."""
    instances = evidence.instances
    if instances is None or instances.error:
        return None
    instance = instances.at(evidence.target.account_id, evidence.target.settings.region)
    if instance is None:
        return messages.not_in_stack_set(instances.stack_set.name)
    if instance["Status"] == stack_sets.CURRENT:
        return None
    return messages.stack_instance(instances, instance, reason, works=works)


def _resources(
    evidence: Evidence, parts: tuple[str, ...], effect_of: Callable[[Drift], str], remedy: str = ""
) -> Result:
    """Return the result for resources of the stack, from the differences in these parts.

    *effect_of*: returns the effect of a difference; the first one that loses findings is asked, else the first one.
    """
    if evidence.resources_error:
        return messages.explained(UNKNOWN, evidence.resources_error, messages.UNKNOWN_ARRIVAL)
    if evidence.target.live.path is None:
        return nothing("no stack")
    found = evidence.drifts(*parts)
    if not found:
        return ok()
    losing = [item for item in found if item.loses]
    effect = effect_of((losing or found)[0])
    return messages.drifted([str(item) for item in found], effect, loses=bool(losing), remedy=remedy)


def _rules(evidence: Evidence) -> Result:
    return _resources(evidence, (drift.RULE,), _effect_of_lost_rule)


def _patterns(evidence: Evidence) -> Result:
    tested = evidence.tested
    if tested is None:
        return nothing("no deployed rule has the event pattern of the variables, or the test is off")
    if tested.disagreements:
        return messages.disagreement(tested.disagreements[0])
    if tested.unknown:
        return messages.explained(UNKNOWN, tested.unknown, messages.UNKNOWN_MATCHES)
    return ok()


def _targets(evidence: Evidence) -> Result:
    return _resources(evidence, (drift.TARGET, drift.DEAD_LETTERS, drift.QUEUE), _effect_of_target)


def _effect_of_target(item: Drift) -> str:
    if item.loses:
        return _effect_of_lost_rule(item)
    return messages.SENT_TWICE if item.part == drift.TARGET else messages.NOT_KEPT


def _effect_of_lost_rule(item: Drift) -> str:
    return messages.ACTION_RULE_LOSES if re.search(r"-action(-\d+)?\Z", item.name) else messages.RULE_LOSES


def _topic(evidence: Evidence) -> Result:
    return _resources(
        evidence,
        (drift.TOPIC, drift.POLICY),
        lambda item: messages.NOTHING_ARRIVES if item.loses else messages.NO_ALARM,
    )


def _access(evidence: Evidence) -> Result:
    return _resources(evidence, (drift.OPEN_POLICY,), lambda _item: messages.OPEN_TO_ALL)


def _encryption(evidence: Evidence) -> Result:
    path = evidence.target.live.path
    unread = [key.error for key in path.keys.values() if key.error] if path else []
    if unread:
        return messages.key_unread(unread[0])
    if evidence.drifts(drift.TOPIC):
        return nothing("no topic")
    return _resources(
        evidence,
        (drift.ENCRYPTION, drift.OWN_KEY, drift.GIVEN_KEY),
        lambda item: messages.NOTHING_ARRIVES if item.loses else messages.KEY_RISK,
        keys.REMEDY if evidence.drifts(drift.GIVEN_KEY) else "",
    )


def _subscription(evidence: Evidence) -> Result:
    if evidence.drifts(drift.TOPIC):
        return nothing("no topic")
    if evidence.drifts(drift.LISTENER) and _disconnected(evidence):
        return nothing("restored with the topic in the channel configuration")
    return _resources(evidence, (drift.SUBSCRIPTION, drift.LISTENER), lambda _item: messages.NOTHING_ARRIVES)


def _disconnected(evidence: Evidence) -> list[str]:
    """Return in words which channels lack a topic of the target."""
    found = []
    for channel, topic in evidence.desired.topics:
        configuration = evidence.configuration_of(channel)
        if configuration is None:
            found.append(messages.NO_CONFIGURATION.format(channel=channel.words))
        elif topic not in configuration.get("SnsTopicArns", []):
            name = transformations.configuration_name(configuration)
            found.append(messages.NOT_LISTED.format(topic=topic.rpartition(":")[2], name=name))
    return found


def _receivers(evidence: Evidence) -> Result:
    if not evidence.target.settings.receivers:
        return nothing("no receivers beside the channels")
    problems = evidence.receiver_problems
    if problems.error:
        return messages.explained(UNKNOWN, problems.error, messages.UNKNOWN_RECEIPT)
    if problems.value:
        return messages.explained(BROKEN, errors.joined(problems.value), messages.NOT_RECEIVED)
    pending, missing = _unconfirmed(evidence)
    if pending or missing:
        return messages.unsubscribed(evidence.target.settings.region, pending, missing)
    return ok()


def _unconfirmed(evidence: Evidence) -> tuple[list[messages.Endpoint], list[messages.Endpoint]]:
    """Return the receivers whose subscriptions are not confirmed, and those that have none."""
    pending: list[messages.Endpoint] = []
    missing: list[messages.Endpoint] = []
    path = evidence.target.live.path
    for arn, route in evidence.receiver_topics():
        if path is None or arn not in path.topics:
            continue  # reported by another check
        arns = {(item["Protocol"], item["Endpoint"]): item["SubscriptionArn"] for item in path.subscribers[arn]}
        for endpoint in route.receiver.endpoints:
            subscription = arns.get((route.receiver.kind, endpoint), "")
            if not subscription.startswith("arn:"):
                (pending if subscription else missing).append((arn, route.receiver.kind, endpoint))
    return pending, missing


def _channel(evidence: Evidence) -> Result:
    if evidence.account.channel_error:
        return messages.explained(BROKEN, evidence.account.channel_error, messages.NOTHING_ARRIVES)
    disconnected = _disconnected(evidence)
    return messages.not_connected(disconnected) if disconnected else ok()


def _chat(evidence: Evidence) -> Result:
    disabled = [item for item in evidence.configurations() if item.get("State") == "DISABLED"]
    if disabled:
        return messages.channel_disabled(str(disabled[0].get("StateReason") or "").rstrip("."))
    metrics = evidence.account.metrics
    if metrics.error:
        return messages.explained(UNKNOWN, metrics.error, messages.UNKNOWN_ARRIVAL)
    for channel in (route.channel for route in evidence.target.settings.routes):
        if metrics.value and channel.team_id.casefold() not in metrics.value.teams:
            return messages.team_unauthorized(channel.platform, channel.team_id)
    return ok()


def _delivery(evidence: Evidence) -> Result:
    metrics, error = evidence.metrics.value, evidence.metrics.error or evidence.account.metrics.error
    if error:
        return messages.explained(UNKNOWN, error, messages.UNKNOWN_DELIVERY)
    found = [*_lost_after_topic(evidence), *_lost_before_topic(evidence), *_silent_alarms(evidence)]
    delivered = f"{metrics.delivered} delivered in the last {evidence.hours} h" if metrics else ""
    return found[0] if found else ok(delivered)


def _lost_after_topic(evidence: Evidence) -> list[Result]:
    """Return what Amazon Q lost of the messages to the target's channels."""
    found: list[Result] = []
    for configuration in evidence.configurations():
        arrived, failed, unsupported, throttled = (
            evidence.account.counted(configuration, metric) for metric in chatbot_metrics.ALL
        )
        if failed:
            found.append(messages.lost_in_chat(configuration, arrived, failed, evidence.hours))
        if unsupported:
            found.append(messages.unsupported_events(unsupported, evidence.hours))
        if throttled:
            found.append(messages.throttled_events(throttled, evidence.hours))
    return found


def _lost_before_topic(evidence: Evidence) -> list[Result]:
    """Return what EventBridge and SNS lost, or could not deliver so far."""
    found = []
    path, metrics = evidence.target.live.path, evidence.metrics.value
    if path and path.undelivered:
        found.append(messages.dead_letters(path.undelivered))
    if metrics and metrics.failed_invocations:
        found.append(_failed_invocations(evidence, metrics))
    if metrics and metrics.failed_deliveries:
        found.append(messages.failed_notifications(metrics.failed_deliveries, evidence.hours))
    return found


def _failed_invocations(evidence: Evidence, metrics: TargetMetrics) -> Result:
    if metrics.delivered or any(item.loses for item in evidence.drift):
        return messages.failed_invocations(metrics.failed_invocations, metrics.invocations, evidence.hours)
    return messages.nothing_published(
        metrics.failed_invocations, evidence.hours, conditions=evidence.desired.stack.conditions
    )


def _silent_alarms(evidence: Evidence) -> list[Result]:
    found = [str(item) for item in evidence.drifts(drift.ALARM, drift.ALARM_TOPIC)]
    remedy = messages.OPEN_ALARM_TOPIC if evidence.drifts(drift.ALARM_TOPIC) else ""
    return [messages.drifted(found, messages.NO_ALARM, loses=False, remedy=remedy)] if found else []


CHECKS = (
    Check("region", "Region", "is reachable with the credentials, and its variables are valid", _region),
    Check("hub", "Security Hub", "is enabled, and has the automation rules of the inventory", _hub),
    Check("action", "Custom action", "is in the console's menu", _action),
    Check("stack", "Stack", "is deployed with the variables as they are now", _stack),
    Check("rules", "Rules", "are enabled and have the stack's event patterns", _rules),
    Check("patterns", "Event patterns", "match what the policy says when EventBridge evaluates them", _patterns),
    Check("targets", "Rule targets", "are the topics, get unmodified events, and keep those not delivered", _targets),
    Check("topic", "Topic", "exists, and its policy lets EventBridge publish", _topic),
    Check("encryption", "Encryption", "uses a key that EventBridge may use", _encryption),
    Check("subscription", "Subscription", "of Amazon Q is confirmed, unfiltered and not raw", _subscription),
    Check("receivers", "Receivers", "have confirmed, and their queues and event buses accept findings", _receivers),
    Check("channel", "Channel", "configuration lists the topics", _channel),
    Check("chat", "Chat app", "is authorized in the workspace or team, and not disabled", _chat),
    Check("delivery", "Delivery", "lost nothing recently, and alarms would report it", _delivery),
    Check("access", "Topic access", "is not open to everyone", _access),
    Check(
        "grants", "Other accounts", "have no access to the topics, the dead-letter queue and the key", exposure.grants
    ),
    Check("subscribers", "Subscribers", "of the topics are Amazon Q and receivers only", exposure.subscribers),
    Check("destinations", "Destinations", "of the rules are those of the stack", exposure.destinations),
    Check("role", "Channel role", "exists, and only Amazon Q can assume it", exposure.role),
    Check("permissions", "Permissions", "of the channel role are those of the buttons, if any", exposure.permissions),
    Check("digest", "Digest", "is sent by the schedule, state machine and role of the stack", exposure.digest),
    Check("marking", "Marking", "of findings is done by the state machine and role of the stack", exposure.marking),
    Check("guardrail", "Guardrail", "of the channel is the one in the inventory, and unchanged", exposure.guardrail),
)
NAMES = tuple(check.name for check in CHECKS)
NOT_CHECKED = dict.fromkeys(NAMES, nothing("not checked"))
