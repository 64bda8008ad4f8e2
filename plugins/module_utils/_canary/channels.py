# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Amazon Q reports about its messages to the Slack channels, in its metrics. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .._aws import parallel
from .._channel import metrics
from .._channel import transformations
from .._services import cloudwatch
from .._services.cloudwatch import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._model.plan import AccountDesign
    from .._model.settings import Settings
    from .outcome import ProbeOutcome
    from .probes import Probe

PAUSE_SECONDS = 5.0
METRICS = (metrics.DELIVERED, metrics.FAILED, metrics.UNSUPPORTED)

DELIVERED = "delivered"
FAILED = "failed"
NOT_SEEN = "not seen"  # the metrics come minutes late, or not at all
NOTHING = "nothing sent"


@dataclass(frozen=True)
class Watch:
    """A channel configuration that test findings go through.

    *settings*: those of a target of the account. *topics*: ARNs of the topics that must deliver a test finding.
    *before*: the metrics before the canary, by name; None if they cannot be read.
    """

    account_id: str
    settings: Settings
    configuration: str
    channel_id: str
    topics: frozenset[str]
    before: Mapping[str, int] | None = None


@dataclass(frozen=True)
class ChannelOutcome:
    """How many messages Amazon Q had to post, and what it has counted since. The counts include other messages."""

    watch: Watch
    expected: int
    posted: int = 0
    refused: int = 0
    unsupported: int = 0

    @property
    def failed(self) -> int:
        """Return how many messages Amazon Q could not post or did not understand."""
        return self.refused + self.unsupported

    @property
    def is_settled(self) -> bool:
        """Tell whether Amazon Q has counted as many messages as expected, or no counts are to come."""
        return self.watch.before is None or self.posted + self.failed >= self.expected

    @property
    def state(self) -> str:
        """Return DELIVERED, FAILED, NOT_SEEN or NOTHING."""
        if not self.expected:
            return NOTHING
        if self.posted >= self.expected:
            return DELIVERED
        return FAILED if self.failed else NOT_SEEN


def watches(
    aws: Clients, designs: Sequence[AccountDesign], probes: Sequence[Probe], start: datetime.datetime
) -> list[Watch]:
    """Return the channel configurations that test findings go through, with their metrics since *start*."""
    found = []
    for design in designs:
        sent = {
            destination.arn
            for probe in probes
            if probe.target.account_id == design.account.id
            for destination in probe.destinations
        }
        for configuration in design.snapshot.configurations:
            topics = frozenset(sent.intersection(configuration.get("SnsTopicArns") or []))
            if topics:
                name = transformations.configuration_name(configuration)
                channel_id = configuration["SlackChannelId"]
                found.append(Watch(design.account.id, design.settings, name, channel_id, topics))
    outcomes = parallel.each(partial(_counts, aws, start), found)
    return [replace(outcome.item, before=outcome.value) for outcome in outcomes]


def wait(
    aws: Clients, watched: list[Watch], probes: list[ProbeOutcome], start: datetime.datetime, timeout: float
) -> list[ChannelOutcome]:
    """Read the metrics, in rounds, until all expected messages are counted or *timeout* seconds are over."""
    deadline = time.monotonic() + timeout
    outcomes = [ChannelOutcome(watch, _expected(watch, probes)) for watch in watched]
    while True:
        waiting = [outcome for outcome in outcomes if not outcome.is_settled]
        read = {id(item.item): item.value for item in parallel.each(partial(_read, aws, start), waiting)}
        outcomes = [read.get(id(outcome)) or outcome for outcome in outcomes]
        if all(outcome.is_settled for outcome in outcomes) or time.monotonic() + PAUSE_SECONDS > deadline:
            return outcomes
        time.sleep(PAUSE_SECONDS)


def _expected(watch: Watch, probes: list[ProbeOutcome]) -> int:
    """Return how many test findings have arrived at topics of the configuration."""
    arrived = [
        destination.arn
        for outcome in probes
        for destination in outcome.probe.destinations
        for _finding, topic in outcome.arrived
        if topic == destination.topic
    ]
    return sum(arn in watch.topics for arn in arrived)


def _read(aws: Clients, start: datetime.datetime, outcome: ChannelOutcome) -> ChannelOutcome:
    before = outcome.watch.before or {}
    counts = _counts(aws, start, outcome.watch)
    posted, refused, unsupported = (max(0, counts[name] - before.get(name, 0)) for name in METRICS)
    return ChannelOutcome(outcome.watch, outcome.expected, posted, refused, unsupported)


def _counts(aws: Clients, start: datetime.datetime, watch: Watch) -> dict[str, int]:
    queries = [Metric(metrics.NAMESPACE, name, metrics.DIMENSION, watch.configuration) for name in METRICS]
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
    source = watch.settings.source
    counted = aws.call(source, metrics.REGION, "cloudwatch", cloudwatch.sums, queries, start, end, cloudwatch.MINUTE)
    return {metric.name: value for metric, value in counted.items()}
