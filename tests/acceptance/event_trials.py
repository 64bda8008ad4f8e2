# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials about EventBridge, SNS and CloudFormation."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.secops.securityhub.tests.acceptance.account import code_of
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.account import words_of
from ansible_collections.secops.securityhub.tests.acceptance.scratch import Queue
from ansible_collections.secops.securityhub.tests.acceptance.scratch import document
from ansible_collections.secops.securityhub.tests.acceptance.scratch import statement
from ansible_collections.secops.securityhub.tests.acceptance.trial import Answer
from ansible_collections.secops.securityhub.tests.acceptance.trial import NotTested
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial
from ansible_collections.secops.securityhub.tests.acceptance.trial import refusal
from botocore.exceptions import ClientError

SCOPED_READS = ("sns:GetTopicAttributes", "sns:GetSubscriptionAttributes")


def eventbridge_context(trial: Trial) -> Answer:
    """Publish to three topics: with a condition on the rule, on rule and account, and without."""
    with trial.scratch() as scratch:
        rule = scratch.arn("events", f"rule/{trial.settings.name('context')}")
        of_rule = {"ArnEquals": {"aws:SourceArn": rule}}
        of_both = {**of_rule, "StringEquals": {"aws:SourceAccount": trial.settings.account_id}}
        conditions = {"free": None, "rule": of_rule, "both": of_both}
        topics = {name: scratch.topic(f"context-{name}", condition) for name, condition in conditions.items()}
        queue = scratch.queue("context", "sns.amazonaws.com")
        for arn in topics.values():
            trial.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
        scratch.rule("context", {"source": [trial.settings.prefix]}, *topics.values())
        heard = set(_until_heard(trial, queue, topics))
    if "free" not in heard:
        raise NotTested("not even the topic without a condition got the event")
    shown = f"delivered to the topics with these conditions: {', '.join(sorted(heard))}"
    if "both" in heard:
        return Answer("source_arn_and_account", shown)
    return Answer("source_arn" if "rule" in heard else "none", shown)


def _until_heard(trial: Trial, queue: Queue, topics: dict[str, str]) -> Iterator[str]:
    """Yield the topics that deliver. A rule takes up to a minute until it works, so events are sent again."""
    names = {arn: name for name, arn in topics.items()}
    missing = set(names)
    event = {"Source": trial.settings.prefix, "DetailType": "Acceptance test", "Detail": "{}"}
    deadline = time.monotonic() + trial.soon
    while missing and time.monotonic() < deadline:
        trial.client("events").put_events(Entries=[event])
        for message in wait_for(queue.receive, min(10, trial.soon), 0.2):
            arn = message["TopicArn"]
            if arn in missing:
                missing.discard(arn)
                yield names[arn]


def eventbridge_rule_delay(trial: Trial) -> Answer:
    """Send events that say how old a new rule is, until one arrives."""
    with trial.scratch() as scratch:
        queue = scratch.queue("delay", "events.amazonaws.com")
        scratch.rule("delay", {"source": [trial.settings.prefix]}, queue.arn)
        began = time.monotonic()

        def ages() -> list[float]:
            detail = json.dumps({"age": time.monotonic() - began})
            event = {"Source": trial.settings.prefix, "DetailType": "Acceptance test", "Detail": detail}
            trial.client("events").put_events(Entries=[event])
            return [body["detail"]["age"] for body in queue.receive()]

        found = wait_for(ages, trial.soon, 0.2)
    if not found:
        raise NotTested(f"the rule sent no event within {trial.soon:.0f} s")
    seconds = round(min(found))
    return Answer(seconds, f"the first event that arrived was sent {min(found):.1f} s after the rule", seconds >= 1)


def event_ruler_alternatives(trial: Trial) -> Answer:
    """Ask whether combinations of an or still match that share a value, or only the fields, with an earlier one."""
    first, overlapping = {"account": ["1"], "region": ["a", "b"]}, {"account": ["1"], "region": ["b", "c"]}
    apart = {"account": ["3"], "region": ["z"]}
    pattern = json.dumps({"source": ["s"], "$or": [first, overlapping, apart]})
    event = {
        "id": "1",
        "source": "s",
        "time": "2026-01-01T00:00:00Z",
        "resources": [],
        "detail-type": "d",
        "detail": {},
    }

    def matches(account: str, region: str) -> bool:
        given = json.dumps({**event, "account": account, "region": region})
        return bool(trial.client("events").test_event_pattern(EventPattern=pattern, Event=given)["Result"])

    found = matches("1", "c"), matches("3", "z")
    answers = {(True, True): "all", (False, True): "first_of_overlapping", (False, False): "first_of_same_fields"}
    return Answer(answers.get(found, "other"), f"TestEventPattern, with values in common and without: {found}")


def sns_subscription_resource(trial: Trial) -> Answer:
    """Read a subscription as a role whose policy names the topic."""
    sns = trial.client("sns")
    with trial.scratch() as scratch:
        topic = scratch.topic("scoped")
        queue = scratch.queue("scoped", "sns.amazonaws.com")
        subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, ReturnSubscriptionArn=True)
        policy = document(*(statement(action, topic) for action in SCOPED_READS))
        role = scratch.role("scoped", trial.account.principal, policy)

        def reader() -> Any:
            try:  # a new role and its policy take seconds until they are known everywhere
                client = trial.account.as_role(role, "sns", trial.region)
                client.get_topic_attributes(TopicArn=topic)
            except ClientError as error:
                if "Denied" not in code_of(error) and code_of(error) != "AuthorizationError":
                    raise
                return None
            return client

        client = wait_for(reader, trial.soon, 1)
        if client is None:
            raise NotTested(f"the role may not read the topic after {trial.soon:.0f} s")
        try:
            client.get_subscription_attributes(SubscriptionArn=subscribed["SubscriptionArn"])
        except ClientError as error:
            return Answer("any", words_of(error))
    return Answer("topic", "GetSubscriptionAttributes is allowed by a policy that names the topic")


def event_pattern_complexity(trial: Trial) -> Answer:
    """Create a rule with a value of 31 wildcards."""
    pattern = {"source": [trial.settings.prefix], "resources": [{"wildcard": "*" + "a*" * 30}]}
    with trial.scratch() as scratch:
        try:
            scratch.rule("complex", pattern)
        except ClientError as error:
            if code_of(error) != "InvalidEventPatternException":
                raise
            return Answer("limited", words_of(error))
    return Answer("unlimited", "PutRule accepted 31 wildcards in a value")


def test_event_pattern(trial: Trial) -> Answer:
    """Ask TestEventPattern about an event without an ID, which does not match."""
    try:
        found = trial.client("events").test_event_pattern(EventPattern='{"source": ["s"]}', Event='{"source": "other"}')
    except ClientError as error:
        return Answer("strict", refusal(error))
    if found["Result"]:
        return Answer("always", "TestEventPattern matched an event of another source")
    return Answer("lenient", "TestEventPattern accepted an event without ID")


def cloudformation_names(trial: Trial) -> Answer:
    """Create a role without a name in a stack with a long name, and look at its name."""
    logical_id = "ARoleWithAVeryLongLogicalId"
    trust = json.loads(document({"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:*"}))
    tags = [{"Key": key, "Value": value} for key, value in trial.settings.tags.items()]
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Tags": tags}}
    with trial.scratch() as scratch:
        stack = scratch.stack("names".ljust(50, "x"), {"Resources": {logical_id: role}})
        found = trial.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    name = str(found[0]["PhysicalResourceId"])
    if name.startswith(f"{stack[:24]}-{logical_id[:24]}-"):
        return Answer("both_cut", name)
    return Answer("end_cut" if name.startswith(stack[:40]) else "other", name)


def cloudformation_express(trial: Trial) -> Answer:
    """Create a stack in express mode."""
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    with trial.scratch() as scratch:
        try:
            scratch.stack("express", template, DeploymentConfig={"Mode": "EXPRESS", "DisableRollback": False})
        except ClientError as error:
            return Answer("refused", refusal(error))
    return Answer("served", "CreateStack accepted express mode")
