# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the resources of a stack that were changed by hand, if that can lose findings: pure. PRIVATE to the collection.

CloudFormation does not notice: it compares templates, and answers "No updates are to be performed".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .._iam_policies import evaluation
from .._model.drift import ALARM
from .._model.drift import ALARM_TOPIC
from .._model.drift import DEAD_LETTERS
from .._model.drift import ENCRYPTION
from .._model.drift import GIVEN_KEY
from .._model.drift import LISTENER
from .._model.drift import OPEN_POLICY
from .._model.drift import OWN_KEY
from .._model.drift import POLICY
from .._model.drift import QUEUE
from .._model.drift import RULE
from .._model.drift import SUBSCRIPTION
from .._model.drift import TARGET
from .._model.drift import TOPIC
from .._model.drift import Drift
from .._stack import resources as stack_resources
from .._stack import scheduled_digest
from . import key_uses

if TYPE_CHECKING:
    from .._model.delivery_path import LivePath
    from .._model.delivery_path import LiveTopic
    from .._resource.shapes import Json
    from .._services.events import Target
    from .._stack.resources import Resources

# What an alarm is about; who adds an action, or writes another description, does no harm.
WATCHED = ("Namespace", "MetricName", "Dimensions", "Statistic", "Threshold", "ComparisonOperator", "TreatMissingData")
# Chatbot drops what is not the event as EventBridge got it.
CHANGING = ("Input", "InputPath", "InputTransformer")
UNWANTED_QUEUE = "has a dead-letter queue, which is not in the stack and gets what cannot be delivered"


def drifts(live: LivePath) -> list[Drift]:
    """Return what is not as it should be, in the order in which a finding passes."""
    found = []
    resources = live.resources
    for rule in resources.of_type(stack_resources.RULE):
        found += [*_rule(rule, live), *_targets(rule, live)]
    for topic in resources.of_type(stack_resources.TOPIC):
        found += _topic(topic, live)
    for url in resources.queue_urls():
        found += _queue(url, live)
    for alarm in resources.of_type(stack_resources.ALARM):
        found += _alarm(alarm, live)
    for arn, live_topic in live.alarm_topics.items():
        found += _alarm_topic(arn, live_topic, resources)
    return list(dict.fromkeys(found))  # topics share a key


def _rule(rule: Json, live: LivePath) -> list[Drift]:
    name = rule["Name"]
    there = live.rules.get(name)
    loses = _forwards_findings(rule)
    if there is None:
        return [Drift(RULE, name, "is gone", loses)]
    found = []
    if there.get("State") == "DISABLED":
        found.append(Drift(RULE, name, "is disabled", loses))
    if json.loads(there.get("EventPattern") or "{}") != rule["EventPattern"]:
        found.append(Drift(RULE, name, "has another event pattern than the stack gave it", loses))
    return found


def _forwards_findings(rule: Json) -> bool:
    """Return whether a rule forwards findings, and not the numbers of the digest."""
    return scheduled_digest.SOURCE not in rule["EventPattern"]["source"]


def _targets(rule: Json, live: LivePath) -> list[Drift]:
    name, there = rule["Name"], live.targets.get(rule["Name"])
    if not _forwards_findings(rule):
        (wanted,) = rule["Targets"]
        has_target = there is None or wanted["Arn"] in [target["Arn"] for target in there]
        return [] if has_target else [Drift(TARGET, name, "is gone", loses=False)]
    return [drift for wanted in rule["Targets"] for drift in _target(name, wanted, there)]


def _target(rule: str, wanted: Json, there: list[Target] | None) -> list[Drift]:
    if there is None:
        return []
    feeding = [target for target in there if target["Arn"] == wanted["Arn"]]
    if _only_marks(wanted):
        return [] if feeding else [Drift(TARGET, rule, "that marks findings as NOTIFIED is gone", loses=False)]
    if not feeding:
        return [Drift(TARGET, rule, "is gone")]
    changing = sorted({key for target in feeding for key in CHANGING if target.get(key) != wanted.get(key)})
    if changing:
        problem = f"changes the event ({', '.join(changing)}) unlike the stack, so Amazon Q or the receiver may drop it"
        return [Drift(TARGET, rule, problem)]
    if len(feeding) > 1:
        return [Drift(TARGET, rule, f"is there {len(feeding)} times, so that each finding is sent as often", False)]
    if feeding[0].get("DeadLetterConfig") == wanted.get("DeadLetterConfig"):
        return []
    queue = "does not use the dead-letter queue of the stack" if "DeadLetterConfig" in wanted else UNWANTED_QUEUE
    return [Drift(DEAD_LETTERS, rule, queue, False)]


def _only_marks(target: Json) -> bool:
    """Return whether a target is the state machine that marks a finding, and not the one that reports its end first."""
    return str(target["Arn"]).split(":")[2] == "states" and "InputTransformer" not in target


def _topic(topic: Json, live: LivePath) -> list[Drift]:
    resources = live.resources
    arn, name = resources.topic_arn(topic), topic["TopicName"]
    attributes = live.topics.get(arn)
    if attributes is None:
        return [Drift(TOPIC, name, "is gone")]
    policy = json.loads(attributes.get("Policy") or "{}")
    return [
        *_open_policy(name, policy),
        *_closed_policy(name, arn, policy, resources),
        *_encryption(topic, arn, attributes, live),
        *(_subscription(name, live.subscriptions.get(arn, [])) if resources.is_of_channel(arn) else []),
    ]


def feeding(topic_arn: str, resources: Resources) -> list[str]:
    """Return the ARNs of the rules that feed a topic."""
    return [
        resources.rule_arn(rule)
        for rule in resources.of_type(stack_resources.RULE)
        if any(target["Arn"] == topic_arn for target in rule["Targets"])
    ]


def _open_policy(name: str, policy: Json) -> list[Drift]:
    everyone = filter(evaluation.is_open, evaluation.statements(policy))
    found = [str(statement.get("Sid", "without a Sid")) for statement in everyone]
    problem = f"gives access to everyone (statement {', '.join(found)})"
    return [Drift(OPEN_POLICY, name, problem, loses=False)] if found else []


def _closed_policy(name: str, arn: str, policy: Json, resources: Resources) -> list[Drift]:
    rules = _kept_out(policy, "sns:Publish", arn, feeding(arn, resources))
    if rules:
        return [Drift(POLICY, name, f"does not allow EventBridge to publish for {', '.join(rules)}")]
    if _allows_alarms(policy, arn, resources):
        return []
    return [Drift(POLICY, name, "does not allow the alarms to publish", loses=False)]


def _allows_alarms(policy: Json, arn: str, resources: Resources) -> bool:
    alarms = [
        resources.alarm_arn(alarm) for alarm in resources.of_type(stack_resources.ALARM) if arn in alarm["AlarmActions"]
    ]
    return all(evaluation.lets_in(policy, evaluation.of_alarm("sns:Publish", arn, alarm)) for alarm in alarms)


def _kept_out(policy: Json, action: str, resource_arn: str, rule_arns: list[str]) -> list[str]:
    """Return the names of the rules on whose behalf EventBridge may not do that."""
    return [
        rule.rpartition("/")[2]
        for rule in rule_arns
        if not evaluation.lets_in(policy, evaluation.of_rule(action, resource_arn, rule))
    ]


def _queue(url: str, live: LivePath) -> list[Drift]:
    resources, attributes, name = live.resources, live.queues.get(url), url.rpartition("/")[2]
    if attributes is None:
        return [Drift(QUEUE, name, "is gone", loses=False)]
    rules = [resources.rule_arn(rule) for rule in resources.of_type(stack_resources.RULE) if _has_queue(rule)]
    policy = json.loads(attributes.get("Policy") or "{}")
    kept_out = _kept_out(policy, "sqs:SendMessage", resources.queue_arn(url), rules)
    if kept_out:
        return [Drift(QUEUE, name, f"does not allow EventBridge for {', '.join(kept_out)}", loses=False)]
    topics = [
        topic.rpartition(":")[2]
        for topic in resources.redriving_topics()
        if not evaluation.lets_in(policy, evaluation.of_topic("sqs:SendMessage", resources.queue_arn(url), topic))
    ]
    return [Drift(QUEUE, name, f"does not allow SNS for {', '.join(topics)}", loses=False)] if topics else []


def _has_queue(rule: Json) -> bool:
    """Return whether EventBridge sends what it cannot deliver for the rule to the queue of the stack."""
    return any("DeadLetterConfig" in target for target in rule["Targets"])


def _alarm(wanted: Json, live: LivePath) -> list[Drift]:
    name = wanted["AlarmName"]
    there = live.alarms.get(name)
    if there is None:
        return [Drift(ALARM, name, "is gone", loses=False)]
    if any(there.get(key) != wanted[key] for key in WATCHED):
        return [Drift(ALARM, name, "has another metric or threshold than the stack gave it", loses=False)]
    if not there.get("ActionsEnabled", True) or not set(wanted["AlarmActions"]) <= set(there.get("AlarmActions", [])):
        return [Drift(ALARM, name, "has no actions", loses=False)]
    return []


def _alarm_topic(arn: str, topic: LiveTopic, resources: Resources) -> list[Drift]:
    """Return why the alarms cannot notify a topic of another stack; nothing if that is unknown."""
    if topic.error:
        return []
    if topic.attributes is None:
        return [Drift(ALARM_TOPIC, arn, "is gone", loses=False)]
    if not _allows_alarms(json.loads(topic.attributes.get("Policy") or "{}"), arn, resources):
        return [Drift(ALARM_TOPIC, arn, "does not allow them to publish", loses=False)]
    if topic.key is None:
        return []
    name = topic.attributes["KmsMasterKeyId"]
    unusable = key_uses.key_problem(name, topic.key, [key_uses.of_alarms(arn)])
    if unusable is None:
        return []
    return [Drift(ALARM_TOPIC, arn, f"is encrypted with the key {name}, which {unusable}", loses=False)]


def _encryption(topic: Json, arn: str, attributes: dict[str, str], live: LivePath) -> list[Drift]:
    name, wanted, key = topic["TopicName"], topic.get("KmsMasterKeyId", ""), attributes.get("KmsMasterKeyId", "")
    if not key:
        return [Drift(ENCRYPTION, name, f"is not encrypted, and the stack says {wanted}", False)] if wanted else []
    if key == wanted:
        return _key(key, live)
    unusable = key_uses.key_problem(key, live.keys[key], [key_uses.of_topic(arn)])
    if unusable:
        return [Drift(ENCRYPTION, name, f"is encrypted with the key {key}, which {unusable}")]
    problem = f"is encrypted with the key {key}, and the stack says {wanted or 'no encryption'}"
    return [Drift(ENCRYPTION, name, problem, loses=False)]


def _key(name: str, live: LivePath) -> list[Drift]:
    """Return what is wrong with the desired key of topics and queue."""
    resources = live.resources
    ids = [alias["TargetKeyId"] for alias in resources.of_type(stack_resources.ALIAS) if alias["AliasName"] == name]
    unusable = key_uses.key_problem(name, live.keys[name], key_uses.uses(resources))
    if unusable:
        return [Drift(OWN_KEY if ids else GIVEN_KEY, name, str(unusable), unusable.loses)]
    metadata = live.keys[name].metadata
    if ids and metadata and metadata["KeyId"] not in ids:
        return [Drift(OWN_KEY, name, "belongs to another key than the stack's", loses=False)]
    return []


def _subscription(name: str, subscriptions: list[dict[str, str]]) -> list[Drift]:
    confirmed = [item for item in subscriptions if item]
    if not confirmed:
        return [Drift(LISTENER, name, "is not confirmed" if subscriptions else "is missing")]
    found = []
    if any(item.get("RawMessageDelivery") == "true" for item in confirmed):
        found.append(Drift(SUBSCRIPTION, name, "delivers raw messages, which Amazon Q drops"))
    if any(json.loads(item.get("FilterPolicy") or "{}") for item in confirmed):
        found.append(Drift(SUBSCRIPTION, name, "has a filter policy, which filters out findings"))
    return found


# The parts that a run can repair. The others belong to the channel, which subscribes Amazon Q, or to someone else.
REPAIRABLE = (TOPIC, OWN_KEY, ENCRYPTION, POLICY, OPEN_POLICY, SUBSCRIPTION, RULE, QUEUE, TARGET, DEAD_LETTERS, ALARM)


def repairable(found: list[Drift]) -> list[Drift]:
    """Return the drifts that a run can repair."""
    return [item for item in found if item.part in REPAIRABLE]
