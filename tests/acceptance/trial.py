# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trial works with: the account, messages and findings for tests, and a person to ask."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.account import words_of
from ansible_collections.secops.securityhub.tests.acceptance.scratch import Scratch
from botocore.exceptions import ClientError

TEST_TEXT = "TEST, please ignore: the acceptance test of secops.securityhub"

# Returns None if no person can be asked.
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


def test_finding(trial: Trial) -> dict[str, Any]:
    """Return a finding that no deployment forwards."""
    account, region = trial.settings.account_id, trial.region
    now = findings.timestamp(now_utc())
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


def now_utc() -> datetime.datetime:
    """Return the time."""
    return datetime.datetime.now(datetime.timezone.utc)


def event_of(trial: Trial, detail_type: str, finding: dict[str, Any]) -> dict[str, Any]:
    """Return an event of Security Hub with a finding."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.securityhub",
        "account": trial.settings.account_id,
        "time": now_utc().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": trial.region,
        "resources": [],
        "detail": {"findings": [finding]},
    }
