# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Amazon Q reports about its messages to the channels, in its metrics. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .._aws import parallel
from .._channel import metrics
from .._channel import transformations
from .._channel.platforms import platform_of
from .._services import cloudwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._channel.platforms import Platform
    from .._model.plan import AccountDesign
    from .probes import Probe
    from .probes import ProbeOutcome

PAUSE_SECONDS = 5.0

DELIVERED = "delivered"
FAILED = "failed"
NOT_SEEN = "not seen"  # the metrics come minutes late, or not at all
NOTHING = "nothing sent"


@dataclass(frozen=True)
class ChannelOutcome:
    """What Amazon Q has counted for a channel configuration. The counts include other messages.

    *topics*: ARNs of those that must deliver a test finding. *expected*: how many messages it must post. *before*: the
    metrics before the canary, by name; None if they cannot be read. *after*: the newest metrics.
    """

    design: AccountDesign
    configuration: str
    platform: Platform
    channel_id: str
    topics: frozenset[str]
    before: Mapping[str, int] | None = None
    expected: int = 0
    after: Mapping[str, int] = field(default_factory=dict)

    def more(self, metric: str) -> int:
        """Return by how much a metric has grown."""
        return max(0, self.after.get(metric, 0) - (self.before or {}).get(metric, 0))

    @property
    def posted(self) -> int:
        """Return how many messages Amazon Q posted."""
        return self.more(metrics.DELIVERED)

    @property
    def failed(self) -> int:
        """Return how many messages Amazon Q could not post, did not understand or throttled."""
        return sum(map(self.more, metrics.ALL[1:]))

    @property
    def state(self) -> str:
        """Return DELIVERED, FAILED, NOT_SEEN or NOTHING."""
        if not self.expected:
            return NOTHING
        if self.posted >= self.expected:
            return DELIVERED
        return FAILED if self.failed else NOT_SEEN


def before(
    aws: Clients, designs: Sequence[AccountDesign], probes: Sequence[Probe], start: datetime.datetime
) -> list[ChannelOutcome]:
    """Return the channel configurations that test findings go through, with their metrics since *start*."""
    found = []
    for design in designs:
        sent = {item.arn for probe in probes if probe.account == design.account for item in probe.destinations}
        for configuration in design.snapshot.configurations:
            topics = frozenset(sent.intersection(configuration.get("SnsTopicArns") or []))
            name, platform = transformations.configuration_name(configuration), platform_of(configuration)
            found.append(ChannelOutcome(design, name, platform, configuration[platform.channel_id], topics))
    return parallel.recovered(
        lambda channel: replace(channel, before=_counts(aws, start, channel)),
        [channel for channel in found if channel.topics],
        lambda channel, _error: channel,
    )


def wait(
    aws: Clients,
    channels: Sequence[ChannelOutcome],
    probes: Sequence[ProbeOutcome],
    start: datetime.datetime,
    timeout: float,
) -> list[ChannelOutcome]:
    """Read the metrics, in rounds, until all expected messages are counted or *timeout* seconds are over."""
    deadline = time.monotonic() + timeout
    outcomes = [replace(channel, expected=_expected(channel, probes)) for channel in channels]
    while True:
        outcomes = parallel.recovered(partial(_read, aws, start), outcomes, lambda channel, _error: channel)
        if all(map(_is_settled, outcomes)) or time.monotonic() + PAUSE_SECONDS > deadline:
            return outcomes
        time.sleep(PAUSE_SECONDS)


def _expected(channel: ChannelOutcome, probes: Sequence[ProbeOutcome]) -> int:
    """Return how many test findings have arrived at topics of the configuration."""
    return sum(
        destination.arn in channel.topics
        for outcome in probes
        for destination in outcome.probe.destinations
        for _finding, topic in outcome.arrived
        if topic == destination.topic
    )


def _is_settled(channel: ChannelOutcome) -> bool:
    """Tell whether Amazon Q has counted as many messages as expected, or its metrics cannot be read."""
    return channel.before is None or channel.posted + channel.failed >= channel.expected


def _read(aws: Clients, start: datetime.datetime, channel: ChannelOutcome) -> ChannelOutcome:
    return channel if _is_settled(channel) else replace(channel, after=_counts(aws, start, channel))


def _counts(aws: Clients, start: datetime.datetime, channel: ChannelOutcome) -> dict[str, int]:
    queries = metrics.of_configuration(channel.configuration)
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
    source = channel.design.settings.source
    counted = aws.call(source, metrics.REGION, "cloudwatch", cloudwatch.sums, queries, start, end, cloudwatch.MINUTE)
    return {metric.name: value for metric, value in counted.items()}
