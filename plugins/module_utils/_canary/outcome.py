# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the test of a target ended: pure. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from . import messages

if TYPE_CHECKING:
    from .listeners import Listener
    from .probes import Destination
    from .probes import Probe

READY = "ready"  # check mode: would be sent
ARRIVED = "arrived"
LOST = "lost"
FAILED = "failed"
SKIPPED = "skipped"
STATES = (READY, ARRIVED, LOST, FAILED, SKIPPED)

IMPORT, RULE, TOPIC, CHANNEL = "import", "rule", "topic", "channel"
STEPS = (IMPORT, RULE, TOPIC, CHANNEL)

Pair = tuple[str, str]  # a finding's id and the name of a topic


@dataclass(frozen=True)
class Loss:
    """The step at which a test finding was lost, and a sentence with cause and remedy."""

    step: str
    sentence: str


@dataclass(frozen=True)
class ProbeOutcome:
    """How a probe ended; nothing was sent if *listener* is None.

    *error*: why the target could not be tested. By finding and topic, *matched*: names of the enabled rules that match;
    *arrived*: seconds until the topic delivered it. *imported*: Security Hub may have accepted a finding, even if the
    probe failed later. *left_behind*: reasons why something could not be deleted.
    """

    probe: Probe
    error: str = ""
    listener: Listener | None = None
    matched: Mapping[Pair, tuple[str, ...]] = field(default_factory=dict)
    arrived: Mapping[Pair, float] = field(default_factory=dict)
    imported: bool = False
    left_behind: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Return one of STATES."""
        if self.error or self.left_behind:
            return FAILED
        if self.probe.skipped:
            return SKIPPED
        if self.listener is None:
            return READY
        return LOST if self.losses else ARRIVED

    @property
    def losses(self) -> list[Loss]:
        """Return where test findings were lost, topic by topic."""
        if self.listener is None:
            return []
        found = (self._loss(destination, self.listener) for destination in self.probe.destinations)
        return [loss for loss in found if loss]

    def _loss(self, destination: Destination, listener: Listener) -> Loss | None:
        topic = destination.topic
        expected = [(finding.id, topic) for finding in self.probe.findings if topic in finding.topics]
        missing = [pair for pair in expected if pair not in self.arrived]
        if any(pair not in self.matched for pair in missing):
            return Loss(RULE, messages.LOST_AT_RULE.format(topic=topic))
        if missing:
            rules = " and ".join(self.matched[missing[0]])
            return Loss(TOPIC, messages.LOST_AT_TOPIC.format(topic=topic, rules=rules))
        problem = destination.problem
        if not problem and destination.arn in listener.unsubscribed:
            problem = messages.UNSUBSCRIBED
        return Loss(CHANNEL, messages.LOST_AT_CHANNEL.format(topic=topic, problem=problem)) if problem else None

    @property
    def steps(self) -> dict[str, bool | None]:
        """Return for each of STEPS whether it worked; None if unknown, because an earlier one did not."""
        if self.error or self.listener is None:
            return dict.fromkeys(STEPS)
        first = min((STEPS.index(loss.step) for loss in self.losses), default=len(STEPS))
        return {step: None if index > first else index < first for index, step in enumerate(STEPS)}

    @property
    def seconds(self) -> float | None:
        """Return how long it took until the last topic delivered its test finding; None if none did."""
        return max(self.arrived.values(), default=None)
