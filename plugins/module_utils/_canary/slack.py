# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Amazon Q says of its messages to the Slack channels, by its metrics. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from .._aws import parallel
from .._channel import metrics as chatbot_metrics
from .._channel import transformations
from .._services import cloudwatch
from .._services.cloudwatch import Metric

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._pipeline.target import AccountRun
    from .flights import Flight

POSTED, REFUSED, UNSUPPORTED = chatbot_metrics.DELIVERED, chatbot_metrics.FAILED, chatbot_metrics.UNSUPPORTED
PAUSE_SECONDS = 5.0

DELIVERED = "delivered"
FAILED = "failed"
NOT_SEEN = "not seen"  # the metrics come minutes late, or not at all
NOTHING = "nothing sent"


@dataclass
class Watch:
    """One channel configuration: how many messages it should post, and what it has counted, others' messages too.

    *topics*: ARNs of those that a test finding is to come through. *counted*: False where the metrics cannot be read.
    """

    account: AccountRun
    name: str
    channel_id: str
    topics: frozenset[str]
    expected: int = 0
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    counted: bool = True

    def more(self, metric: str) -> int:
        """Return by how much a metric has grown."""
        return max(0, self.after.get(metric, 0) - self.before.get(metric, 0))

    @property
    def failed(self) -> int:
        """Return how many messages were refused, or not understood."""
        return self.more(REFUSED) + self.more(UNSUPPORTED)

    @property
    def settled(self) -> bool:
        """Tell whether as many messages are counted as are expected, whatever became of them."""
        return self.more(POSTED) + self.failed >= self.expected

    @property
    def state(self) -> str:
        """Return DELIVERED, FAILED, NOT_SEEN or NOTHING."""
        if not self.expected:
            return NOTHING
        if self.more(POSTED) >= self.expected:
            return DELIVERED
        return FAILED if self.failed else NOT_SEEN


def watches(accounts: list[AccountRun], flights: list[Flight]) -> list[Watch]:
    """Return a watch for each configuration that a test finding is to go through."""
    flown: dict[str, set[str]] = {}
    for flight in flights:
        flown.setdefault(flight.target.account_id, set()).update(way.arn for way in flight.ways)
    found = []
    for account in accounts:
        for configuration in account.configurations:
            topics = flown.get(account.account.id, set()) & set(configuration.get("SnsTopicArns") or [])
            if topics:
                name = transformations.configuration_name(configuration)
                found.append(Watch(account, name, configuration["SlackChannelId"], frozenset(topics)))
    return found


def expect(watch: Watch, flights: list[Flight]) -> None:
    """Count the test findings that have come through a topic of the configuration."""
    arrived = [
        way.arn
        for flight in flights
        for way in flight.ways
        for _finding, topic in flight.arrived
        if topic == way.topic and flight.target.account_id == watch.account.account.id
    ]
    watch.expected = sum(arn in watch.topics for arn in arrived)


def note_before(clients: Clients, found: list[Watch], start: datetime.datetime) -> None:
    """Read the counts that are there already."""
    for outcome in parallel.each(partial(_counts, clients, start), found):
        outcome.item.before = outcome.value or {}
        outcome.item.counted = outcome.error is None


def wait(clients: Clients, found: list[Watch], start: datetime.datetime, timeout: float) -> None:
    """Read the counts again and again until they tell, or *timeout* seconds are over."""
    deadline = time.monotonic() + timeout
    waiting = [watch for watch in found if watch.expected and watch.counted]
    while waiting:
        for outcome in parallel.each(partial(_counts, clients, start), waiting):
            outcome.item.after = outcome.value or outcome.item.after
        waiting = [watch for watch in waiting if not watch.settled]
        if not waiting or time.monotonic() + PAUSE_SECONDS > deadline:
            return
        time.sleep(PAUSE_SECONDS)


def _counts(clients: Clients, start: datetime.datetime, watch: Watch) -> dict[str, int]:
    settings = watch.account.settings
    names = (POSTED, REFUSED, UNSUPPORTED)
    metrics = [Metric(chatbot_metrics.NAMESPACE, name, chatbot_metrics.DIMENSION, watch.name) for name in names]
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
    with clients.acting(settings.source):
        client = clients.get("cloudwatch", chatbot_metrics.REGION, settings.source.endpoint_url)
        counted = cloudwatch.sums(client, metrics, start, end, cloudwatch.MINUTE)
    return {metric.name: value for metric, value in counted.items()}
