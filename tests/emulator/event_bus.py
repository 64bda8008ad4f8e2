# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge as on AWS: matching, permissions to deliver, dead-letter queues, metrics, refusals of invalid rules."""

from __future__ import annotations

import contextvars
import functools
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from typing import Callable

import event_pattern
import input_transformer
import metrics
import resource_policy
import service_roles
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import error_response_json
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.core.responses import json_response
from ministack.core.responses import request_scope
from ministack.services import eventbridge
from ministack.services import iam
from ministack.services import sns
from ministack.services import sqs
from switches import Switches

EVENTS = "events.amazonaws.com"
PATTERN_QUOTA = 2048
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html, EventPattern
LONGEST_TESTED_PATTERN = 4096
TOO_LONG = (
    "1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: Member must have length less "
    "than or equal to 4096"
)
TARGETS_QUOTA = 5
WILDCARDS_QUOTA = 30
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html, Event
EVENT_FIELDS = ("id", "account", "source", "time", "region", "resources", "detail-type")
# Switch eventbridge_context -> the context keys.
CONTEXTS = {
    "source_arn_and_account": ("aws:sourcearn", "aws:sourceaccount"),
    "source_arn": ("aws:sourcearn",),
    "none": (),
}
WILDCARD = re.compile(r'"wildcard"\s*:')
RULE_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")


@dataclass(frozen=True)
class Invocation:
    """The delivery of an event to a target of a rule."""

    rule: dict
    target: dict
    event: dict
    context: str = "source_arn"

    def failed(self, code: str, message: str) -> None:
        """Count a failure, and send the event to the dead-letter queue of the target if there is one."""
        name = self.rule["Name"]
        metrics.of_rule(get_account_id(), get_region(), name, "FailedInvocations")
        queue_arn = self.target.get("DeadLetterConfig", {}).get("Arn")
        if not queue_arn:
            return
        kept = self._send_to_dead_letter_queue(queue_arn, code, message)
        metric = "InvocationsSentToDlq" if kept else "InvocationsFailedToBeSentToDlq"
        metrics.of_rule(get_account_id(), get_region(), name, metric)

    def _send_to_dead_letter_queue(self, queue_arn: str, code: str, message: str) -> bool:
        if not _queue_allows(queue_arn, self.rule["Arn"]):
            return False
        attributes = {
            "RULE_ARN": self.rule["Arn"],
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message,
        }
        message_attributes = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        queue = sqs._queue_by_arn(queue_arn)
        sqs._act_send_message(
            {"MessageBody": json.dumps(self.event), "MessageAttributes": message_attributes}, queue["url"]
        )
        metrics.depth_of_queue(queue_arn, len(queue["messages"]))
        return True


_current: contextvars.ContextVar[Invocation | None] = contextvars.ContextVar("invocation", default=None)


def install(rules_quota: Callable[[], int], switches: Switches) -> None:
    """Replace these parts of ministack. rules_quota: of a bus in the caller's account and region."""
    _install_matching(switches)
    _install_test_event_pattern(switches)
    _install_hidden_rules()
    _install_delivery(switches)
    _install_refusals(rules_quota)
    _install_whole_policies()


def _install_matching(switches: Switches) -> None:
    compile_all, problem = eventbridge._compile_alternatives, eventbridge._event_pattern_error

    def compile_registered(pattern: Any, expand_or: bool) -> list[dict]:
        alternatives = compile_all(pattern, expand_or)
        if switches["event_ruler_alternatives"] == "all":
            return alternatives
        values_count = switches["event_ruler_alternatives"] == "first_of_overlapping"
        return event_pattern.registered(alternatives, values_count=values_count)

    # Each rule is tested with many events, and several Regions have the same rules.
    @functools.lru_cache(maxsize=1024)
    def problem_or_complexity(pattern: Any) -> str | None:
        found = problem(pattern)
        if found or not pattern or switches["event_pattern_complexity"] == "unlimited":
            return found
        return event_pattern.complexity_problem(json.loads(pattern))

    eventbridge._compile_alternatives = compile_registered
    eventbridge._event_pattern_error = lambda pattern: (
        problem_or_complexity(pattern) if isinstance(pattern, str) else problem(pattern)
    )
    switches.on_change(eventbridge._compiled_pattern.cache_clear)
    switches.on_change(problem_or_complexity.cache_clear)

    latest: list[tuple[Any, dict]] = [(None, {})]

    def matches_alternative(view: Any, alternative: dict) -> bool:
        if eventbridge._UNSATISFIABLE in alternative:
            return False
        event = view.event_with_detail()
        # An event is compared with all alternatives of all rules. Meanwhile, another thread may compare another event.
        known, fields = latest[0]
        if known is not event:
            fields = event_pattern.fields_of(event)
            latest[0] = (event, fields)
        conditions = event_pattern.conditions_of(alternative)
        return event_pattern.matches(fields, conditions, eventbridge._matches_alternatives)

    eventbridge._matches_alternative = matches_alternative


def show_later(keys: set[Any], seconds: float) -> None:
    """Let rules that CloudFormation has created in express mode be unknown for a while."""
    for key in keys:
        eventbridge._rules[key]["_hidden_until"] = time.time() + seconds


def _is_hidden(rule: dict) -> bool:
    return bool(rule.get("_hidden_until", 0) > time.time())


def _install_hidden_rules() -> None:
    def without_hidden(function: Callable[[dict], Any]) -> Callable[[dict], Any]:
        def call(data: dict) -> Any:
            hidden = {key: rule for key, rule in eventbridge._rules.items() if _is_hidden(rule)}
            for key in hidden:
                del eventbridge._rules[key]
            try:
                return function(data)
            finally:
                for key, rule in hidden.items():
                    eventbridge._rules[key] = rule

        return call

    for name in ("_list_rules", "_describe_rule", "_list_targets_by_rule"):
        setattr(eventbridge, name, without_hidden(getattr(eventbridge, name)))


def _install_test_event_pattern(switches: Switches) -> None:
    test = eventbridge._test_event_pattern

    # No request is as frequent, and each run asks the same. A whole event has its own account and region.
    @functools.lru_cache(maxsize=4096)
    def answer_about_whole(pattern: str, event: str) -> Any:
        problem = problem_with_event(event)
        if problem:
            return error_response_json("ValidationException", problem, 400)
        return test({"EventPattern": pattern, "Event": event})

    def test_whole_event(data: dict) -> Any:
        pattern, event = data.get("EventPattern", ""), data.get("Event", "")
        if len(pattern) > LONGEST_TESTED_PATTERN:
            return error_response_json("ValidationException", TOO_LONG, 400)
        if switches["test_event_pattern"] == "strict":
            status, headers, body = answer_about_whole(pattern, event)
            return status, dict(headers), body
        if switches["test_event_pattern"] == "always":
            return json_response({"Result": True})
        return test(data)

    switches.on_change(answer_about_whole.cache_clear)
    eventbridge._test_event_pattern = test_whole_event


def problem_with_event(text: str) -> str | None:
    """Return why TestEventPattern refuses an event: it lacks a field that every event has."""
    try:
        event = json.loads(text)
    except ValueError:
        return "Parameter Event is not valid."
    missing = [name for name in EVENT_FIELDS if not isinstance(event, dict) or name not in event]
    return f"Parameter Event is not valid. Reason: {missing[0]} is required" if missing else None


# Delivery


def _install_delivery(switches: Switches) -> None:
    invoke, in_scope = eventbridge._invoke_target, eventbridge._target_matches_request_scope
    to_sqs = eventbridge._dispatch_to_sqs

    def invoke_and_count(target: dict, event: dict, rule: dict, view: Any = None) -> None:
        if time.time() - rule["CreationTime"] < switches["eventbridge_rule_delay"] or _is_hidden(rule):
            return
        view = view or eventbridge._pattern_event_view(event)
        for name in ("MatchedEvents", "TriggeredRules", "Invocations"):
            metrics.of_rule(get_account_id(), get_region(), rule["Name"], name)
        token = _current.set(Invocation(rule, target, view.event_with_detail(), switches["eventbridge_context"]))
        try:
            invoke(target, event, rule, view)
        except input_transformer.NotJson as error:
            _current.get().failed("INVALID_JSON", str(error))
        finally:
            _current.reset(token)

    def transformed(transformer: dict, rule: dict, view: Any) -> str:
        text_templates = switches["eventbridge_text_templates"]
        return input_transformer.transformed(transformer, view.event_with_detail(), rule, text_templates)

    def in_scope_or_failed(spec: Any) -> bool:
        if in_scope(spec):
            return True
        _current.get().failed("INVALID_PARAMETER", "The target is in another region or account")
        return False

    def to_permitted_queue(spec: Any, payload: str, parameters: dict | None = None) -> None:
        invocation = _current.get()
        if _queue_allows(str(spec), invocation.rule["Arn"]):
            to_sqs(spec, payload, parameters)
        else:
            invocation.failed("NO_PERMISSIONS", "The queue does not exist, or its policy does not let the rule in")

    eventbridge._invoke_target = invoke_and_count
    eventbridge._apply_input_transformer = transformed
    eventbridge._target_matches_request_scope = in_scope_or_failed
    eventbridge._dispatch_to_sns = _to_topic
    eventbridge._dispatch_to_sqs = to_permitted_queue
    eventbridge._dispatch_to_event_bus = _to_bus
    eventbridge._dispatch_to_stepfunctions = functools.partial(
        _to_state_machine, eventbridge._dispatch_to_stepfunctions
    )


def _to_state_machine(start: Callable[[str, str], None], arn: str, payload: str) -> None:
    invocation = _current.get()
    role = invocation.target.get("RoleArn", "")
    starts = service_roles.allows(role, "states:StartExecution", arn, {}) if role else False
    if starts and service_roles.trusts(role, EVENTS, invocation.rule["Arn"]):
        start(arn, payload)
    else:
        invocation.failed("NO_PERMISSIONS", "The role of the target does not allow states:StartExecution")


def _to_bus(spec: Any, event: dict, rule: dict, event_path: set, _payload: Any = None) -> None:
    problem = _problem_with_bus(spec, rule, _current.get())
    if problem:
        _current.get().failed(*problem)
        return
    key = eventbridge._rule_key(rule["Name"], rule.get("EventBusName", "default"))
    # The keys of rules are those of one account and region, where others may have rules of the same name.
    is_here = (spec.account_id, spec.region) == (get_account_id(), get_region())
    crossed = [*event.get("_Crossed", []), rule["Arn"]]
    if rule["Arn"] in event.get("_Crossed", []):
        _current.get().failed("RECURSION", "On AWS, the rules would forward the event forever")
        return
    # Account and region remain those of the event's origin.
    forwarded = {
        **event,
        "EventBusName": spec.resource.partition("/")[2],
        "_DispatchPath": [*event_path, key] if is_here else [],
        "_Crossed": crossed,
    }
    with request_scope(spec.account_id, spec.region):
        eventbridge._dispatch_event(forwarded)


def _install_whole_policies() -> None:
    put_permission = eventbridge._put_permission

    def put_policy(data: dict) -> Any:
        if not data.get("Policy"):
            return put_permission(data)
        eventbridge._event_bus_policies[data.get("EventBusName", "default")] = json.loads(data["Policy"])
        return json_response({})

    eventbridge._put_permission = put_policy


def _to_topic(arn: str, payload: str) -> None:
    invocation = _current.get()
    problem = _problem_with_topic(arn, invocation.rule["Arn"])
    if problem:
        invocation.failed(*problem)
        return
    try:
        sns.publish_internal(arn, payload, "")
    except sns.SnsPublishError as error:
        invocation.failed(error.code, str(error))


def _problem_with_topic(arn: str, rule_arn: str) -> tuple[str, str] | None:
    topic = sns._topics.get(arn)
    if topic is None:
        return "RESOURCE_NOT_FOUND", "Topic does not exist"
    policy = topic["attributes"].get("Policy", "")
    if not resource_policy.allows(policy, "sns:Publish", arn, EVENTS, _context_of(rule_arn)):
        return "NO_PERMISSIONS", "The topic's policy does not let the rule publish"
    key = topic["attributes"].get("KmsMasterKeyId")
    if key and not resource_policy.key_allows(key, EVENTS, {"kms:encryptioncontext:aws:sns:topicarn": arn}):
        return "NO_PERMISSIONS", f"The policy of the key {key} does not let EventBridge use it"
    return None


def _problem_with_bus(spec: Any, rule: dict, invocation: Invocation) -> tuple[str, str] | None:
    """Return why EventBridge cannot send an event to another bus, or None.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html: with the role of the target, in
    another account by the policy of the bus too.
    """
    name, arn, role_arn = spec.resource.partition("/")[2], str(spec), invocation.target.get("RoleArn", "")
    if eventbridge._event_buses.get_scoped(spec.account_id, spec.region, name) is None:
        return "RESOURCE_NOT_FOUND", "The event bus does not exist"
    role = iam._roles.get(role_arn.rpartition("/")[2])
    if role_arn and (role is None or not _may_put_events(role, rule["Arn"], arn)):
        return "NO_PERMISSIONS", "The role of the target does not allow events:PutEvents"
    if spec.account_id == get_account_id():
        return None
    policy = eventbridge._event_bus_policies.get_scoped(spec.account_id, spec.region, name) or {}
    about = evaluator.EvalContext(role_arn, "AssumedRole", get_account_id(), "events:PutEvents", arn, spec.region)
    if evaluator.evaluate_resource_policy(policy, about).decision != "Allow":
        return "NO_PERMISSIONS", "The policy of the event bus does not let this account in"
    return None


def _may_put_events(role: dict, rule_arn: str, bus_arn: str) -> bool:
    """Return whether EventBridge can assume a role for a rule, and put events on a bus with it."""
    trust = role["AssumeRolePolicyDocument"]
    known = {"aws:sourcearn": rule_arn, "aws:sourceaccount": get_account_id()}
    assumed = evaluator.EvalContext(
        "*", "Service", "", "sts:AssumeRole", role["Arn"], get_region(), service_context=known
    )
    document = json.loads(trust) if isinstance(trust, str) else trust
    statements = [{**item, "Resource": "*"} for item in document["Statement"]]
    trusted = evaluator.evaluate_resource_policy({**document, "Statement": statements}, assumed, service=EVENTS)
    about = evaluator.EvalContext(role["Arn"], "AssumedRole", get_account_id(), "events:PutEvents", bus_arn, "")
    permissions = evaluator._gather_role_policies(role["RoleName"], get_account_id())
    return trusted.decision == "Allow" and evaluator.evaluate(about, permissions).decision == "Allow"


def _context_of(rule_arn: str) -> dict[str, str]:
    """Return the context keys that EventBridge sends for a rule."""
    known = {"aws:sourcearn": rule_arn, "aws:sourceaccount": get_account_id()}
    return {name: known[name] for name in CONTEXTS[_current.get().context]}


def _queue_allows(queue_arn: str, rule_arn: str) -> bool:
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        return False
    policy, key = queue["attributes"].get("Policy", ""), queue["attributes"].get("KmsMasterKeyId")
    if not resource_policy.allows(policy, "sqs:SendMessage", queue_arn, EVENTS, _context_of(rule_arn)):
        return False
    return not key or resource_policy.key_allows(key, EVENTS, {"kms:encryptioncontext:aws:sqs:arn": queue_arn})


# Refusals


def problem_with_rule(name: str, pattern: str, others: list[str], quota: int) -> tuple[str, str] | None:
    """Return AWS's error code and message for an invalid rule, or None. others: the patterns of the other rules."""
    if not RULE_NAME.fullmatch(name):
        return "ValidationException", (
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
        )
    if len(pattern) > PATTERN_QUOTA:
        return "LimitExceededException", f"The event pattern exceeds the maximum size of {PATTERN_QUOTA} characters."
    reason = eventbridge._event_pattern_error(pattern)
    if reason:
        return "InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}"
    wildcards = [other for other in [*others, pattern] if WILDCARD.search(other)]
    if len(others) >= quota or (WILDCARD.search(pattern) and len(wildcards) > WILDCARDS_QUOTA):
        return "LimitExceededException", "The requested resource exceeds the maximum number allowed."
    return None


def problem_with_targets(targets: list[dict], there: list[dict]) -> tuple[str, str] | None:
    """Return AWS's error code and message for invalid targets, or None. there: the targets of the rule so far."""
    if len({target["Id"] for target in [*targets, *there]}) > TARGETS_QUOTA:
        return "LimitExceededException", "The requested resource exceeds the maximum number allowed."
    for target in targets:
        if needs_role(target.get("Arn", "")) and not target.get("RoleArn"):
            return "ValidationException", f"RoleArn is required for target {target['Arn']}."
        problem = input_transformer.problem_with(target["InputTransformer"]) if "InputTransformer" in target else None
        if problem:
            return "ValidationException", f"Invalid InputTransformer for target {target['Id']} : {problem}"
    return None


def needs_role(arn: str) -> bool:
    """Return whether EventBridge needs a role for a target: a state machine, or a bus of another account or region."""
    if ":states:" in arn:
        return True
    return ":event-bus/" in arn and arn.split(":")[3:5] != [get_region(), get_account_id()]


def other_patterns(name: str, bus: str) -> list[str]:
    """Return the patterns of the other rules of a bus."""
    own = eventbridge._rule_key(name, bus)
    keys = [key for key in eventbridge._rules if key.startswith(f"{bus}|") and key != own]
    return [eventbridge._rules[key].get("EventPattern") or "" for key in keys]


def _install_refusals(rules_quota: Callable[[], int]) -> None:
    put_rule, put_targets, delete_rule = eventbridge._put_rule, eventbridge._put_targets, eventbridge._delete_rule

    def put_good_rule(data: dict) -> Any:
        name, bus = data.get("Name", ""), data.get("EventBusName", "default")
        others = other_patterns(name, bus)
        problem = problem_with_rule(name, data.get("EventPattern") or "", others, rules_quota())
        return error_response_json(*problem, 400) if problem else put_rule(data)

    def put_good_targets(data: dict) -> Any:
        key = eventbridge._rule_key(data.get("Rule"), data.get("EventBusName", "default"))
        problem = problem_with_targets(data.get("Targets", []), eventbridge._targets.get(key, []))
        return error_response_json(*problem, 400) if problem else put_targets(data)

    def delete_rule_without_targets(data: dict) -> Any:
        key = eventbridge._rule_key(data.get("Name"), data.get("EventBusName", "default"))
        if eventbridge._targets.get(key):
            message = "Rule can't be deleted since it has targets."
            return error_response_json("ValidationException", message, 400)
        return delete_rule(data)

    eventbridge._put_rule = put_good_rule
    eventbridge._put_targets = put_good_targets
    eventbridge._delete_rule = delete_rule_without_targets


def pattern_text(pattern: Any) -> str:
    """Return an event pattern of a template as CloudFormation sends it: without spaces, which the quota would count."""
    return json.dumps(pattern, separators=(",", ":")) if isinstance(pattern, dict) else pattern or ""
