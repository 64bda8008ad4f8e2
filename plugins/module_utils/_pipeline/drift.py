# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has changed by hand in the resources of a stack, as far as findings get lost by it: pure.

PRIVATE to the collection. CloudFormation does not see it: it compares templates, and says "No updates are to be
performed".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._cloudformation import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._policies import evaluation

if TYPE_CHECKING:
    from ansible_collections.secops.securityhub.plugins.module_utils._cloudformation.resources import Resources
    from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.path import LiveKey
    from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.path import LivePath

# The parts of the way, and how a sentence names them.
RULE = "rule"
TARGET = "target"
TOPIC = "topic"
POLICY = "policy"
ENCRYPTION = "encryption"
OWN_KEY = "own key"
GIVEN_KEY = "given key"
SUBSCRIPTION = "subscription"
LISTENER = "listener"
WORDS = {
    RULE: "rule",
    TARGET: "target of the rule",
    TOPIC: "topic",
    POLICY: "policy of the topic",
    ENCRYPTION: "topic",
    OWN_KEY: "key",
    GIVEN_KEY: "key",
    SUBSCRIPTION: "subscription of Amazon Q to the topic",
    LISTENER: "subscription of Amazon Q to the topic",
}

# AWS's own keys. Their policies cannot be changed, and do not let EventBridge in.
ALIAS_OF_AWS = "alias/aws/"
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
SYMMETRIC = "SYMMETRIC_DEFAULT"
# Chatbot drops what is not the event as EventBridge got it.
CHANGING = ("Input", "InputPath", "InputTransformer")


@dataclass(frozen=True)
class Drift:
    """One part of the way that is not as the template says: which, what its name is, and what is wrong with it.

    *loses*: whether findings get lost by it.
    """

    part: str
    name: str
    problem: str
    loses: bool = True

    def __str__(self) -> str:
        return f"the {WORDS[self.part]} {self.name} {self.problem}"


def drifts(resources: Resources, live: LivePath) -> list[Drift]:
    """Return what is not as it should be, in the order in which a finding passes."""
    found = []
    for rule in resources.of_type(stack_resources.RULE):
        found += [*_rule(rule, live), *_targets(rule, live)]
    for topic in resources.of_type(stack_resources.TOPIC):
        found += _topic(topic, resources, live)
    return list(dict.fromkeys(found))  # topics share a key


def _rule(rule: dict[str, Any], live: LivePath) -> list[Drift]:
    name = rule["Name"]
    there = live.rules.get(name)
    if there is None:
        return [Drift(RULE, name, "is gone")]
    found = []
    if there.get("State") == "DISABLED":
        found.append(Drift(RULE, name, "is disabled"))
    if json.loads(there.get("EventPattern") or "{}") != rule["EventPattern"]:
        found.append(Drift(RULE, name, "has another event pattern than the stack gave it"))
    return found


def _targets(rule: dict[str, Any], live: LivePath) -> list[Drift]:
    return [
        drift for wanted in rule["Targets"] for drift in _target(rule["Name"], wanted, live.targets.get(rule["Name"]))
    ]


def _target(rule: str, wanted: dict[str, Any], there: list[dict[str, Any]] | None) -> list[Drift]:
    if there is None:
        return []
    feeding = [target for target in there if target["Arn"] == wanted["Arn"]]
    if not _is_topic(wanted):
        return [] if feeding else [Drift(TARGET, rule, "that marks findings as NOTIFIED is gone", loses=False)]
    if not feeding:
        return [Drift(TARGET, rule, "is gone")]
    changing = sorted({key for target in feeding for key in CHANGING if key in target})
    if changing:
        return [Drift(TARGET, rule, f"changes the event ({', '.join(changing)}), and Amazon Q drops what is changed")]
    if len(feeding) > 1:
        return [Drift(TARGET, rule, f"is there {len(feeding)} times, so that each finding is sent as often", False)]
    return []


def _is_topic(target: dict[str, Any]) -> bool:
    return str(target["Arn"]).split(":")[2] == "sns"


def _topic(topic: dict[str, Any], resources: Resources, live: LivePath) -> list[Drift]:
    arn, name = resources.topic_arn(topic), topic["TopicName"]
    attributes = live.topics.get(arn)
    if attributes is None:
        return [Drift(TOPIC, name, "is gone")]
    return [
        *_policy(name, arn, attributes, feeding(arn, resources)),
        *_encryption(topic, arn, attributes, resources, live),
        *_subscription(name, live.subscriptions.get(arn, [])),
    ]


def feeding(topic_arn: str, resources: Resources) -> list[str]:
    """Return the ARNs of the rules that feed a topic."""
    return [
        resources.rule_arn(rule)
        for rule in resources.of_type(stack_resources.RULE)
        if any(target["Arn"] == topic_arn for target in rule["Targets"])
    ]


def _policy(name: str, arn: str, attributes: dict[str, str], rule_arns: list[str]) -> list[Drift]:
    policy = json.loads(attributes.get("Policy") or "{}")
    kept_out = [
        rule.rpartition("/")[2]
        for rule in rule_arns
        if not evaluation.lets_in(policy, evaluation.of_rule("sns:Publish", arn, rule))
    ]
    return [Drift(POLICY, name, f"does not let EventBridge publish for {', '.join(kept_out)}")] if kept_out else []


def _encryption(
    topic: dict[str, Any], arn: str, attributes: dict[str, str], resources: Resources, live: LivePath
) -> list[Drift]:
    name, wanted, key = topic["TopicName"], topic.get("KmsMasterKeyId", ""), attributes.get("KmsMasterKeyId", "")
    if not key:
        return [Drift(ENCRYPTION, name, f"is not encrypted, and the stack says {wanted}", False)] if wanted else []
    obstacle = key_obstacle(key, live.keys[key], arn)
    if key == wanted:
        return _key(key, obstacle, resources, live)
    if obstacle:
        return [Drift(ENCRYPTION, name, f"is encrypted with the key {key}, which {obstacle}")]
    problem = f"is encrypted with the key {key}, and the stack says {wanted or 'no encryption'}"
    return [Drift(ENCRYPTION, name, problem, loses=False)]


def _key(name: str, obstacle: str, resources: Resources, live: LivePath) -> list[Drift]:
    """Return what is wrong with the key that a topic shall have."""
    ids = [alias["TargetKeyId"] for alias in resources.of_type(stack_resources.ALIAS) if alias["AliasName"] == name]
    if obstacle:
        return [Drift(OWN_KEY if ids else GIVEN_KEY, name, obstacle)]
    metadata = live.keys[name].metadata
    if ids and metadata and metadata["KeyId"] not in ids:
        return [Drift(OWN_KEY, name, "stands for another key than the stack's", loses=False)]
    return []


def key_obstacle(name: str, key: LiveKey, topic_arn: str) -> str:
    """Return what keeps EventBridge from using the key of a topic, or ''; '' too where that is not known."""
    if key.error:
        return ""
    if name.startswith(ALIAS_OF_AWS) or (key.metadata or {}).get("KeyManager") == "AWS":
        return "is a key of AWS that EventBridge may not use"
    if key.metadata is None:
        return "does not exist"
    state = key.metadata.get("KeyState", "Enabled")
    if state != "Enabled":
        return f"is {state}"
    if key.metadata.get("KeySpec", SYMMETRIC) != SYMMETRIC:
        return f"is of the kind {key.metadata['KeySpec']}, and SNS takes symmetric ones only"
    missing = [
        action
        for action in KEY_ACTIONS
        if not evaluation.lets_in(key.policy, evaluation.of_key(action, key.metadata["Arn"], topic_arn))
    ]
    return f"has a policy that does not let EventBridge {' and '.join(missing)}" if missing else ""


def _subscription(name: str, subscriptions: list[dict[str, str]]) -> list[Drift]:
    confirmed = [item for item in subscriptions if item]
    if not confirmed:
        return [Drift(LISTENER, name, "is not confirmed" if subscriptions else "is missing")]
    found = []
    if any(item.get("RawMessageDelivery") == "true" for item in confirmed):
        found.append(Drift(SUBSCRIPTION, name, "delivers raw messages, which Amazon Q drops"))
    if any(json.loads(item.get("FilterPolicy") or "{}") for item in confirmed):
        found.append(Drift(SUBSCRIPTION, name, "has a filter policy, which holds findings back"))
    return found
