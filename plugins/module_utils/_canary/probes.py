# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test of each target: what it sends, where that must arrive, how it ended: no calls. PRIVATE to the collection."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._model import names
from .._model.plan import OfTarget
from .._model.snapshot import in_order
from .._plan import channel as channels
from .._plan import forwarding
from .._routing import simulation
from .._stack.receivers import HTTPS
from . import findings
from . import messages

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from .._model.plan import AccountDesign
    from .._model.plan import FleetDesign
    from .._model.plan import TargetDesign
    from .._model.settings import Channel
    from .._model.snapshot import TargetSnapshot
    from .findings import TestFinding
    from .listeners import Listener

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
class Destination:
    """A topic that a test finding must reach, and its channel, or None for a receiver beside the channels.

    *problem*: why the channel gets nothing, or ''.
    """

    topic: str
    arn: str
    channel: Channel | None
    problem: str


@dataclass(frozen=True)
class Probe(OfTarget):
    """The test of one target: *findings*, or none because it is *skipped* or has *problems*.

    *sender*: the target whose stack forwards the findings: the target itself or its home region. *untested*: topics
    that no test finding reaches. *leftovers*: AwsSecurityFindingFilters of what earlier canaries left behind.
    """

    snapshot: TargetSnapshot
    problems: tuple[str, ...] = ()
    skipped: str = ""
    sender: TargetDesign | None = None
    findings: tuple[TestFinding, ...] = ()
    destinations: tuple[Destination, ...] = ()
    untested: tuple[str, ...] = ()
    leftovers: Mapping[str, Any] = field(default_factory=dict)


def prepare(designed: FleetDesign, now: datetime.datetime) -> list[Probe]:
    """Return a probe for every target."""
    probes = [Probe(target, target.problems) for target in designed.fleet.unknown]
    probes += [_probe(target, account, now) for account in designed.accounts for target in account.targets]
    return list(in_order(designed.fleet.hosts, probes))


def _probe(target: TargetDesign, design: AccountDesign, now: datetime.datetime) -> Probe:
    snapshot, region = target.snapshot, target.settings.region
    skipped = _nothing_to_test(target)
    if skipped or target.problems:
        return Probe(snapshot, target.problems, skipped)
    homes = [item for item in (*design.targets, *design.others) if item.host == design.home]
    sender = target if target.desired or not homes else homes[0]
    if sender.problems:
        return Probe(snapshot, (messages.HOME_FAILED.format(home=sender.host, error=sender.error),))
    if sender.live.stack is None:
        return Probe(snapshot, (messages.NOT_DEPLOYED.format(region=sender.settings.region),))
    identifier = uuid.uuid4().hex
    # A test finding cannot be seen at all receivers: an e-mail does not name it, a queue has readers.
    unheard = {route.topic for route in sender.settings.receivers if route.receiver.kind != HTTPS}
    rules = tuple(rule for rule in forwarding.rules_of(sender) if rule.topic not in unheard)
    shown = partial(simulation.as_in_event, targets=[forwarding.simulated(sender)])
    chosen = findings.choose(design.account, region, sender.settings.region, rules, shown, identifier, now)
    if not chosen:
        return Probe(snapshot, skipped=messages.SUPPRESSED)
    reached = {topic for finding in chosen for topic in finding.topics}
    return Probe(
        snapshot,
        sender=sender,
        findings=chosen,
        destinations=tuple(item for item in _destinations(sender, design) if item.topic in reached),
        untested=tuple(route.topic for route in target.settings.outlets if route.topic not in reached),
        leftovers=findings.active_filters(design.account, region),
    )


def _nothing_to_test(target: TargetDesign) -> str:
    settings = target.settings
    if not settings.present:
        return messages.ABSENT
    if settings.ocsf:
        return messages.OCSF
    if not any(route.variables["securityhub_slack_forward_automatically"] for route in settings.outlets):
        return messages.MANUAL
    return ""


def _destinations(sender: TargetDesign, design: AccountDesign) -> list[Destination]:
    topics = sender.desired.topics if sender.desired else ()
    listed = design.snapshot.configurations
    found = [
        Destination(arn.rpartition(":")[2], arn, channel, channels.why_not_connected(listed, channel, arn))
        for channel, arn in topics
    ]
    receivers = names.receiver_topic_arns(sender.settings, design.account) if sender.desired else ()
    return found + [Destination(arn.rpartition(":")[2], arn, None, "") for arn in receivers]


@dataclass(frozen=True)
class Loss:
    """The step at which a test finding was lost, and a sentence with cause and remedy."""

    step: str
    sentence: str


@dataclass(frozen=True)
class ProbeOutcome:
    """What happened to a probe so far; nothing was sent if *listener* is None.

    *error*: why the target could not be tested. *sent_at*: monotonic time. *repeated*: the
    findings were imported once more. By finding and topic, *matched*: names of
    the enabled rules that match; *arrived*: seconds until the topic delivered it. *queue_is_missing*: the last call did
    not find the listener's queue. *imported*: Security Hub may have accepted a finding, even if the probe failed later.
    *left_behind*: reasons why something could not be deleted.
    """

    probe: Probe
    error: str = ""
    listener: Listener | None = None
    sent_at: float = 0.0
    repeated: bool = False
    matched: Mapping[Pair, tuple[str, ...]] = field(default_factory=dict)
    arrived: Mapping[Pair, float] = field(default_factory=dict)
    queue_is_missing: bool = False
    imported: bool = False
    left_behind: tuple[str, ...] = ()

    @property
    def missing(self) -> list[Pair]:
        """Return what has not arrived."""
        expected = [(finding.id, topic) for finding in self.probe.findings for topic in finding.topics]
        return [pair for pair in expected if pair not in self.arrived]

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
        missing = [pair for pair in self.missing if pair[1] == topic]
        if any(pair not in self.matched for pair in missing):
            return Loss(RULE, messages.LOST_AT_RULE.format(topic=topic))
        if missing:
            rules = " and ".join(self.matched[missing[0]])
            return Loss(TOPIC, messages.LOST_AT_TOPIC.format(topic=topic, rules=rules))
        problem = destination.problem
        if not problem and destination.arn in listener.unsubscribed:
            problem = messages.UNSUBSCRIBED
        if not problem or destination.channel is None:
            return None
        platform = destination.channel.platform.name
        return Loss(CHANNEL, messages.LOST_AT_CHANNEL.format(topic=topic, platform=platform, problem=problem))

    @property
    def unconfirmed(self) -> list[str]:
        """Return the topics of which not all receivers have confirmed."""
        return sorted(arn.rpartition(":")[2] for arn in self.listener.unconfirmed) if self.listener else []

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


def nothing_published(outcomes: Sequence[ProbeOutcome]) -> bool:
    """Tell whether a condition may keep EventBridge out: rules match, and no test finding arrives at a topic."""
    sent = [outcome for outcome in outcomes if outcome.listener and not outcome.error]
    conditions = all(
        item.probe.sender and item.probe.sender.desired and item.probe.sender.desired.stack.conditions for item in sent
    )
    return bool(sent) and conditions and all({TOPIC} == {loss.step for loss in item.losses} for item in sent)
