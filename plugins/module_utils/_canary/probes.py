# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the canary sends through each target, and where it must arrive: no calls. PRIVATE to the collection."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._model.plan import TargetDesign
from .._model.snapshot import in_order
from .._plan import channel as channels
from .._plan import forwarding
from . import findings
from . import messages

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from .._model.plan import AccountDesign
    from .._model.settings import Channel
    from .._model.snapshot import Fleet
    from .findings import TestFinding


@dataclass(frozen=True)
class Destination:
    """A topic that a test finding must reach, and its Slack channel. *problem*: why the channel gets nothing, or ''."""

    topic: str
    arn: str
    channel: Channel
    problem: str


@dataclass(frozen=True)
class Probe:
    """The test of one target.

    *sender*: the target whose stack forwards the findings: the target itself or its home region. *findings*: empty if
    there is nothing to test (*skipped* says why) or the target cannot be tested (*error*). *untested*: topics that no
    test finding reaches. *leftovers*: AwsSecurityFindingFilters of test findings that earlier canaries left behind.
    """

    target: TargetDesign
    sender: TargetDesign
    findings: tuple[TestFinding, ...] = ()
    destinations: tuple[Destination, ...] = ()
    untested: tuple[str, ...] = ()
    leftovers: dict[str, Any] | None = None
    skipped: str = ""
    error: str = ""

    @property
    def host(self) -> str:
        """Return the name of the inventory host."""
        return self.target.host


def prepare(fleet: Fleet, designs: Sequence[AccountDesign], now: datetime.datetime) -> list[Probe]:
    """Return a probe for every target."""
    unknown = [TargetDesign(target, problems=target.problems) for target in fleet.unknown]
    probes = [Probe(target, target, error=target.error) for target in unknown]
    probes += [_probe(target, design, now) for design in designs for target in design.targets]
    return list(in_order(fleet.hosts, probes))


def _probe(target: TargetDesign, design: AccountDesign, now: datetime.datetime) -> Probe:
    if target.problems:
        return Probe(target, target, error=target.error)
    senders = [item for item in (*design.targets, *design.others) if item.host == design.home]
    sender = target if target.desired or not senders else senders[0]
    skipped = _nothing_to_test(target)
    if skipped:
        return Probe(target, sender, skipped=skipped)
    if sender.problems:
        return Probe(target, sender, error=messages.HOME_FAILED.format(home=sender.host, error=sender.error))
    if sender.live.stack is None:
        return Probe(target, sender, error=messages.NOT_DEPLOYED.format(region=sender.settings.region))
    region = target.settings.region
    origin = findings.Origin(design.account, region, sender.settings.region)
    chosen = findings.choose(origin, forwarding.rules_of(sender), uuid.uuid4().hex, now)
    if not chosen:
        return Probe(target, sender, skipped=messages.SUPPRESSED)
    reached = {topic for finding in chosen for topic in finding.topics}
    return Probe(
        target,
        sender,
        chosen,
        tuple(item for item in _destinations(sender, design) if item.topic in reached),
        tuple(route.topic for route in target.settings.routes if route.topic not in reached),
        findings.active_filters(design.account, region),
    )


def _nothing_to_test(target: TargetDesign) -> str:
    settings = target.settings
    if not settings.present:
        return messages.ABSENT
    if settings.value("finding_format") == "ocsf":
        return messages.OCSF
    if not any(route.variables["securityhub_slack_forward_automatically"] for route in settings.routes):
        return messages.MANUAL
    return ""


def _destinations(sender: TargetDesign, design: AccountDesign) -> list[Destination]:
    topics = sender.desired.topics if sender.desired else ()
    listed = design.snapshot.configurations
    return [
        Destination(arn.rpartition(":")[2], arn, channel, channels.why_not_connected(listed, channel, arn))
        for channel, arn in topics
    ]
