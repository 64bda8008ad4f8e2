# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask AWS about the assumptions of tests/emulator/assumptions.yml, one trial for each that a run can settle."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.account import code_of
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.account import words_of
from ansible_collections.secops.securityhub.tests.acceptance.scratch import Queue
from ansible_collections.secops.securityhub.tests.acceptance.scratch import Scratch
from ansible_collections.secops.securityhub.tests.acceptance.scratch import changed_channel
from ansible_collections.secops.securityhub.tests.acceptance.scratch import document
from ansible_collections.secops.securityhub.tests.acceptance.settings import UNLISTED_REGIONS
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

TABLE = Path(__file__).resolve().parents[1] / "emulator" / "assumptions.yml"
ROLE_SECONDS = 90
MANY_TOPICS = 101
HELD, NOT_HELD, NOT_TESTED = "held", "not held", "not tested"
TEST_TEXT = "TEST, please ignore: the acceptance test of secops.securityhub"


# Returns None where there is nobody to ask.
Ask = Callable[[str], "bool | None"]


class NotTested(Exception):
    """A trial could not settle its assumption; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What AWS did: one of the answers of the switch, a number or a text. *evidence*: its words, or what was seen.

    *held*: whether it behaves as the strict answer; by default, whether both are equal.
    """

    aws: Any
    evidence: str
    held: bool | None = None


class Trial:
    """What the trials work with. *patience*: how many seconds to wait for a metric. *ask*: asks a person."""

    def __init__(self, account: Account, patience: float, ask: Ask) -> None:
        self.account = account
        self.ask = ask
        self.settings = account.settings
        self.region = account.settings.regions[0]
        self.patience = patience
        self.started = time.time()
        self._channel: dict[str, Any] | None = None

    @property
    def soon(self) -> float:
        """Return how many seconds to wait for what takes seconds."""
        return min(60, self.patience)

    def client(self, service: str) -> Any:
        """Return a client of the first region."""
        return self.account.client(service, self.region)

    def scratch(self) -> Scratch:
        """Return a new set of temporary resources in the first region."""
        return Scratch(self.account, self.region)

    def channel(self) -> dict[str, Any]:
        """Return the channel configuration that this run has created; raise NotTested if there is none.

        It is read once, because reads after a write may return what was before.
        """
        if self._channel is None:
            names = {found["ConfigurationName"]: found for found in self.account.configurations()}
            self._channel = names.get(self.settings.prefix)
        if self._channel is None:
            raise NotTested("the run has no channel configuration of its own")
        return self._channel

    def subscribed(self, topic_arn: str) -> float | None:
        """Return after how many seconds Amazon Q has subscribed to a topic, or None if it has not."""
        client = self.account.client("sns", topic_arn.split(":")[3])
        began = time.monotonic()

        def is_subscribed() -> bool:
            found = client.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
            return any(".chatbot.amazonaws.com" in item["Endpoint"] for item in found)

        if not wait_for(is_subscribed, self.soon, 0.5):
            return None
        return round(time.monotonic() - began, 1)

    def published(self, topic_arn: str, message: dict[str, Any]) -> dict[str, int]:
        """Publish to a topic of our channel, and return how Amazon Q's metrics have grown."""
        names = ("MessageDeliverySuccess", "MessageDeliveryFailure", "UnsupportedEvents")

        def counts() -> dict[str, int]:
            return {name: self.account.of_chatbot(name, self.settings.prefix, self.started) for name in names}

        def growth() -> dict[str, int]:
            return {name: more for name, count in counts().items() if (more := count - before[name]) > 0}

        before = counts()
        region = topic_arn.split(":")[3]
        self.account.client("sns", region).publish(TopicArn=topic_arn, Message=json.dumps(message))
        return dict(wait_for(growth, self.patience, min(15, self.patience / 10)))


def refusal(error: ClientError) -> str:
    """Return the words of a refusal; raise NotTested if it says nothing about the assumption."""
    words = words_of(error)
    if any(
        text in words for text in ("AccessDenied", "Unauthorized", "Throttl", "TooManyRequests", "ServiceUnavailable")
    ):
        raise NotTested(words)
    return words


def notification() -> dict[str, Any]:
    """Return a custom notification."""
    return {"version": "1.0", "source": "custom", "content": {"title": TEST_TEXT, "description": "Nothing is wrong."}}


# EventBridge


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
    """Ask TestEventPattern about an event without an ID."""
    try:
        trial.client("events").test_event_pattern(EventPattern='{"source": ["s"]}', Event='{"source": "s"}')
    except ClientError as error:
        return Answer("strict", refusal(error))
    return Answer("lenient", "TestEventPattern accepted an event without ID")


# Security Hub


def administrator_none(trial: Trial) -> Answer:
    """Read the administrator account."""
    try:
        answer = trial.client("securityhub").get_administrator_account()
    except ClientError as error:
        answers = {"ResourceNotFoundException": "not_found", "AccessDeniedException": "access_denied"}
        if "is not authorized to perform" in words_of(error):
            raise
        return Answer(answers.get(code_of(error), code_of(error)), words_of(error))
    if (answer.get("Administrator") or {}).get("AccountId"):
        raise NotTested("the account has an administrator account")
    return Answer("empty", "GetAdministratorAccount: an empty answer")


def security_hub_v2(trial: Trial) -> Answer:
    """Describe the new Security Hub."""
    try:
        answer = trial.client("securityhub").describe_security_hub_v2()
    except ClientError as error:
        answers = {
            "ResourceNotFoundException": "served",
            "AccessDeniedException": "denied",
            "UnknownOperationException": "unknown",
            "ValidationException": "invalid",
        }
        return Answer(answers.get(code_of(error), code_of(error)), words_of(error))
    except BotoCoreError as error:
        return Answer("garbage", str(error))
    return Answer("served" if answer.get("HubV2Arn") else "garbage", f"DescribeSecurityHubV2: {sorted(answer)}")


def security_hub_customer_fields(trial: Trial) -> Answer:
    """Import a finding, set its user-defined fields, import it again, and look at the second event."""
    hub = trial.client("securityhub")
    with trial.scratch() as scratch:
        queue = scratch.queue("fields", "events.amazonaws.com")
        asff = _finding(trial)
        pattern = {"source": ["aws.securityhub"], "detail": {"findings": {"Id": [asff["Id"]]}}}
        scratch.rule("fields", pattern, queue.arn)
        hub.batch_import_findings(Findings=[asff])
        try:
            identifier = {name: asff[name] for name in ("Id", "ProductArn")}
            fields = {"Acceptance": "kept"}

            def is_updated() -> bool:
                answer = hub.batch_update_findings(FindingIdentifiers=[identifier], UserDefinedFields=fields)
                return bool(answer["ProcessedFindings"])

            if not wait_for(is_updated, trial.soon, 1):
                raise NotTested("BatchUpdateFindings does not find the finding that was imported")

            def imported_again() -> list[dict[str, Any]]:
                later = findings.timestamp(_now())
                hub.batch_import_findings(Findings=[{**asff, "Title": "Again", "UpdatedAt": later}])
                found = [body["detail"]["findings"][0] for body in queue.receive()]
                return [item for item in found if item.get("Title") == "Again"]

            events = wait_for(imported_again, trial.soon, 1)
        finally:
            hub.batch_import_findings(Findings=[findings.archived(asff, _now() + datetime.timedelta(seconds=1))])
    if not events:
        raise NotTested("EventBridge sent no event for the second import")
    kept = events[0].get("UserDefinedFields") == fields
    return Answer("kept" if kept else "left_out", f"members of the finding in the event: {sorted(events[0])}")


def security_hub_aws_products(trial: Trial) -> Answer:
    """Import a finding under the product of Security Hub itself."""
    product = f"arn:aws:securityhub:{trial.region}::product/aws/securityhub"
    own = _finding(trial)
    asff = {**own, "ProductArn": product}
    hub = trial.client("securityhub")
    hub.batch_import_findings(Findings=[{**own, "RecordState": "ARCHIVED"}])  # so that a refusal is one of the product
    try:
        refused = hub.batch_import_findings(Findings=[asff])["FailedFindings"]
    except ClientError as error:
        return Answer("services", words_of(error))
    if refused:
        return Answer("services", f"{refused[0]['ErrorCode']}: {refused[0]['ErrorMessage']}")
    hub.batch_import_findings(Findings=[findings.archived(asff, _now() + datetime.timedelta(seconds=1))])
    return Answer("anyone", "BatchImportFindings accepted the finding")


def _finding(trial: Trial) -> dict[str, Any]:
    """Return a finding that no deployment forwards."""
    account, region = trial.settings.account_id, trial.region
    now = findings.timestamp(_now())
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"{trial.settings.prefix}/{uuid.uuid4()}",
        "ProductArn": f"arn:aws:securityhub:{region}:{account}:product/{account}/default",
        "GeneratorId": trial.settings.prefix,
        "AwsAccountId": account,
        "CreatedAt": now,
        "UpdatedAt": now,
        "Sample": True,
        "Severity": {"Label": "INFORMATIONAL"},
        "Title": TEST_TEXT,
        "Description": "Nothing is wrong.",
        "Types": ["Software and Configuration Checks/Test"],
        "Resources": [{"Type": "Other", "Id": trial.settings.prefix, "Partition": "aws", "Region": region}],
    }


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


# CloudFormation


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


# Amazon Q Developer in chat applications


def chatbot_unknown_arn(trial: Trial) -> Answer:
    """Describe a channel configuration that does not exist."""
    name = trial.settings.name("none")
    arn = f"arn:aws:chatbot::{trial.settings.account_id}:chat-configuration/slack-channel/{name}"
    try:
        answer = trial.account.chatbot().describe_slack_channel_configurations(ChatConfigurationArn=arn)
    except ClientError as error:
        return Answer("error", refusal(error))
    found = answer["SlackChannelConfigurations"]
    return Answer("empty" if not found else "other", f"{len(found)} configurations")


def chatbot_role_delay(trial: Trial) -> Answer:
    """Give our channel configuration a role that was just created, until it is accepted."""
    channel = trial.channel()
    words = ""
    with trial.scratch() as scratch:
        role = scratch.role("role", "chatbot.amazonaws.com")
        began = time.monotonic()

        def is_accepted() -> bool:
            nonlocal words
            try:
                with changed_channel(trial.account, channel, IamRoleArn=role):
                    return True
            except ClientError as error:
                words = refusal(error)
                return False

        if not wait_for(is_accepted, ROLE_SECONDS, 1):
            raise NotTested(f"the role was refused for {ROLE_SECONDS} seconds: {words}")
        seconds = round(time.monotonic() - began) if words else 0
    return Answer(seconds, f"accepted after {seconds} s; {words or 'never refused'}", held=bool(words))


def chatbot_role_message(trial: Trial) -> Answer:
    """Give our channel configuration a role that Amazon Q cannot assume."""
    channel = trial.channel()
    with trial.scratch() as scratch:
        role = scratch.role("distrustful", "ec2.amazonaws.com")
        try:
            with changed_channel(trial.account, channel, IamRoleArn=role):
                return Answer("accepted", "a role that does not trust chatbot.amazonaws.com was accepted", held=False)
        except ClientError as error:
            message = str(error.response["Error"]["Message"])
            return Answer(message, refusal(error), held=code_of(error) == "InvalidRequestException")


def _of_new_topic(trial: Trial, topic: str) -> dict[str, int]:
    """Wait until Amazon Q has subscribed to a topic, publish to it, and return how its metrics have grown."""
    return {} if trial.subscribed(topic) is None else trial.published(topic, notification())


def chatbot_subscription_delay(trial: Trial) -> Answer:
    """Give our channel configuration a new topic, and wait for the subscription."""
    channel = trial.channel()
    with trial.scratch() as scratch:
        topic = scratch.topic("late")
        with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
            seconds = trial.subscribed(topic)
    if seconds is None:
        return Answer(trial.soon, f"not subscribed after {trial.soon:.0f} s", held=True)
    return Answer(round(seconds), f"subscribed after {seconds} s", held=seconds >= 1)


def chatbot_read_lag(trial: Trial) -> Answer:
    """Give our channel configuration another topic, and count the reads that do not show it."""
    channel = trial.channel()
    topic = f"{channel['SnsTopicArns'][0]}-read"
    stale = 0

    def is_shown() -> bool:
        nonlocal stale
        shown = any(topic in found["SnsTopicArns"] for found in trial.account.configurations())
        stale += not shown
        return shown

    with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
        if not wait_for(is_shown, trial.soon, 0.2):
            raise NotTested(f"the topic is not shown after {trial.soon:.0f} s")
    return Answer(stale, f"{stale} reads after a write returned what was before", held=stale > 0)


def chatbot_topic_limit(trial: Trial) -> Answer:
    """Give our channel configuration more topics than the strict answer allows; they do not exist."""
    channel = trial.channel()
    topics = [f"{channel['SnsTopicArns'][0]}-{number}" for number in range(MANY_TOPICS)]
    with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topics[0]]):
        pass  # so that a refusal of the many is not one of topics that do not exist
    try:
        with changed_channel(trial.account, channel, SnsTopicArns=topics):
            return Answer(0, f"{MANY_TOPICS} topics were accepted")
    except ClientError as error:
        return Answer(MANY_TOPICS - 1, refusal(error), held=True)


def chatbot_unlisted_regions(trial: Trial) -> Answer:
    """Give our channel configuration a topic of a region that Amazon Q does not list."""
    channel = trial.channel()
    region = trial.settings.unlisted_region
    with Scratch(trial.account, region or UNLISTED_REGIONS[0]) as scratch:
        topic = scratch.arn("sns", trial.settings.name("unlisted"))
        if region:
            scratch.topic("unlisted")
        try:
            with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
                growth = _of_new_topic(trial, topic) if region else {}
        except ClientError as error:
            return Answer("refused", refusal(error))
    if not region:
        return Answer("delivered or silent", "the topic was accepted; set unlisted_region to see whether it delivers")
    return Answer("delivered" if growth.get("MessageDeliverySuccess") else "silent", f"metrics: {growth or 'none'}")


def _event(trial: Trial, detail_type: str, finding: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.securityhub",
        "account": trial.settings.account_id,
        "time": _now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": trial.region,
        "resources": [],
        "detail": {"findings": [finding]},
    }


def chatbot_ocsf_events(trial: Trial) -> Answer:
    """Publish an event of the new Security Hub to a topic of our channel."""
    finding = {
        "class_uid": 2003,
        "severity": "Critical",
        "severity_id": 5,
        "finding_info": {"title": TEST_TEXT, "uid": trial.settings.prefix, "desc": "Nothing is wrong."},
        "cloud": {"region": trial.region, "account": {"uid": trial.settings.account_id}},
        "metadata": {"uid": trial.settings.prefix, "version": "1.6.0", "product": {"name": "Security Hub"}},
    }
    event = _event(trial, "Findings Imported V2", finding)
    growth = trial.published(trial.channel()["SnsTopicArns"][0], event)
    if growth.get("MessageDeliverySuccess"):
        return Answer("shown", f"metrics: {growth}")
    if growth.get("UnsupportedEvents"):
        return Answer("dropped", f"metrics: {growth}")
    raise NotTested(f"Amazon Q's metrics do not show the event: {growth or 'none'}")


def chatbot_event_texts(trial: Trial) -> Answer:
    """Publish an event with markup in its title to a topic of our channel, and ask a person."""
    finding = {**_finding(trial), "Title": f"{TEST_TEXT}: <https://example.com|link>", "Region": trial.region}
    finding |= {"RecordState": "ACTIVE", "Workflow": {"Status": "NEW"}}
    event = _event(trial, "Security Hub Findings - Imported", finding)
    growth = trial.published(trial.channel()["SnsTopicArns"][0], event)
    if not growth.get("MessageDeliverySuccess"):
        raise NotTested(f"Amazon Q's metrics do not show the message: {growth or 'none'}")
    question = "Is the word 'link' at the end of the title of the last message a link?"
    answer = trial.ask(question)
    if answer is None:
        raise NotTested(f"nobody was asked: {question}")
    return Answer("markup" if answer else "escaped", f"{question} {'Yes' if answer else 'No'}.")


def chatbot_encrypted_topics(trial: Trial) -> Answer:
    """Publish to a topic of our channel that a customer managed key encrypts."""
    if not trial.settings.kms_key:
        raise NotTested("kms_key is not set. A key of the run would stay for seven days after its deletion")
    channel = trial.channel()
    with trial.scratch() as scratch:
        topic = scratch.topic("encrypted", KmsMasterKeyId=trial.settings.kms_key)
        with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
            growth = _of_new_topic(trial, topic)
    return Answer("delivered" if growth.get("MessageDeliverySuccess") else "lost", f"metrics: {growth or 'none'}")


# Those that wait for metrics come last.
TRIALS: dict[str, Callable[[Trial], Answer]] = {
    "test_event_pattern": test_event_pattern,
    "event_ruler_alternatives": event_ruler_alternatives,
    "event_pattern_complexity": event_pattern_complexity,
    "eventbridge_context": eventbridge_context,
    "administrator_none": administrator_none,
    "security_hub_v2": security_hub_v2,
    "security_hub_customer_fields": security_hub_customer_fields,
    "security_hub_aws_products": security_hub_aws_products,
    "cloudformation_names": cloudformation_names,
    "chatbot_unknown_arn": chatbot_unknown_arn,
    "chatbot_role_delay": chatbot_role_delay,
    "chatbot_role_message": chatbot_role_message,
    "chatbot_topic_limit": chatbot_topic_limit,
    "chatbot_read_lag": chatbot_read_lag,
    "chatbot_subscription_delay": chatbot_subscription_delay,
    "chatbot_unlisted_regions": chatbot_unlisted_regions,
    "chatbot_ocsf_events": chatbot_ocsf_events,
    "chatbot_event_texts": chatbot_event_texts,
    "chatbot_encrypted_topics": chatbot_encrypted_topics,
}


@dataclass(frozen=True)
class Finding:
    """What a run has found out about an assumption: *row* of the table, *result* and what AWS answered."""

    row: dict[str, Any]
    result: str
    aws: Any = None
    evidence: str = ""


def assumptions() -> list[dict[str, Any]]:
    """Return the rows of the table."""
    return list(yaml.safe_load(TABLE.read_text(encoding="utf-8")))


def settle(trial: Trial, progress: Callable[[str], None]) -> Iterator[Finding]:
    """Yield a finding about each assumption that has a trial."""
    rows = {row["switch"]: row for row in assumptions()}
    for name, ask in TRIALS.items():
        row = rows[name]
        try:
            answer = ask(trial)
        except NotTested as error:
            found = Finding(row, NOT_TESTED, evidence=str(error))
        except ClientError as error:
            found = Finding(row, NOT_TESTED, evidence=words_of(error))
        except Exception as error:  # an answer that no trial expects must not end the run
            found = Finding(row, NOT_TESTED, evidence=f"{type(error).__name__}: {error}")
        else:
            held = answer.aws == row["strict"] if answer.held is None else answer.held
            found = Finding(row, HELD if held else NOT_HELD, answer.aws, answer.evidence)
        progress(f"{name}: {found.result}" + (f" (AWS: {found.aws})" if found.aws is not None else ""))
        yield found


def untested() -> list[Finding]:
    """Return the assumptions without a trial, each with the reason."""
    return [
        Finding(row, NOT_TESTED, evidence=row.get("acceptance", ""))
        for row in assumptions()
        if row["switch"] not in TRIALS
    ]
