# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of each channel: reads and counts its open findings, and publishes it. PRIVATE to the collection.

Findings are read with GetFindings or GetFindingsV2, one call for every 100. Insights and GetFindingStatisticsV2 would
need one call, but know neither suppressions nor the global findings region, so they would count findings that the
channel never receives.
The same event patterns select the findings that are forwarded to a channel and those that are counted for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._model import names
from .._model import playbooks
from .._model.delivery_path import is_subscribed
from .._model.plan import OfTarget
from .._model.plan import TargetDesign
from .._model.snapshot import in_order
from .._observe import accounts as observe_account
from .._observe import targets as observe_target
from .._plan import forwarding
from .._plan.channel import why_not_connected
from .._services import sns
from .counts import Counts
from .counts import OpenFinding
from .counts import counts
from .counts import open_finding

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._model.plan import AccountDesign
    from .._model.settings import Channel
    from .._model.settings import Settings
    from .._model.snapshot import Fleet
    from .._model.snapshot import TargetSnapshot
    from .._resource.shapes import Json
    from .._services.chatbot import Configuration

# A finding stays open after it was marked as NOTIFIED, by hand or by securityhub_slack_mark_notified.
OPEN = ("NEW", "NOTIFIED")
NOT_SUBSCRIBED = f"Amazon Q is not subscribed to the topic {{topic}} in {{region}}. Run: {playbooks.REPAIR}"


@dataclass(frozen=True)
class CountedTarget(OfTarget):
    """A target with its open findings, each with the names of the topics it is sent to.

    *findings*: None if nothing is forwarded automatically, or if there are *problems*.
    """

    design: TargetDesign
    findings: tuple[tuple[OpenFinding, tuple[str, ...]], ...] | None = None
    problems: tuple[str, ...] = ()

    @property
    def snapshot(self) -> TargetSnapshot:
        """Return what was read of the target."""
        return self.design.snapshot


@dataclass(frozen=True)
class Digest:
    """The open findings of one channel of an account.

    *topic*: the name of the channel's topic in each region. *counted*: the targets that forward to it. *missing*: hosts
    of targets that could not be counted. *home*: the home region, if its linked regions are counted in it, or ''.
    *busiest*: the region with the most findings, '' without any.
    """

    design: AccountDesign
    channel: Channel
    topic: str
    counted: tuple[CountedTarget, ...]
    missing: tuple[str, ...]
    home: str
    busiest: str
    counts: Counts


@dataclass(frozen=True)
class Delivery:
    """The *region* in which a digest was published, or would be in check mode; *problem*: why it could not be.

    *notification*: the custom notification of Amazon Q that it is published as.
    """

    digest: Digest
    notification: Json = field(hash=False)
    region: str = ""
    published: bool = False
    problem: str = ""


def count(aws: Clients, fleet: Fleet, designs: Sequence[AccountDesign]) -> list[CountedTarget]:
    """Return all targets with their open findings. Failures are in their problems."""
    unknown = [TargetDesign(target, problems=target.problems) for target in fleet.unknown]
    targets = in_order(fleet.hosts, [*unknown, *(target for design in designs for target in design.targets)])
    return parallel.recovered(
        partial(_counted, aws),
        targets,
        lambda target, error: CountedTarget(target, problems=tuple(errors.sentences(error))),
    )


def _counted(aws: Clients, target: TargetDesign) -> CountedTarget:
    if target.problems or not forwarding.rules_of(target):
        return CountedTarget(target, problems=target.problems)
    found = observe_target.findings(aws, target.settings, forwarding.filters(target, OPEN))
    forwarded = forwarding.forwarded(target, found)
    return CountedTarget(target, tuple((open_finding(item.finding), item.topics) for item in forwarded))


def digests(
    targets: Sequence[CountedTarget], designs: Sequence[AccountDesign], now: datetime.datetime, days: int
) -> list[Digest]:
    """Return a digest for each channel that a counted target forwards to. A finding is new for *days*."""
    found = []
    for design in designs:
        missing = tuple(target.host for target in targets if _is_missing(target, design))
        for (channel, topic), counted in _by_channel(targets, design).items():
            findings = {target.settings.region: _sent_to(target, topic) for target in counted}
            busiest = max(findings, key=lambda region: len(findings[region]))
            digest = Digest(
                design=design,
                channel=channel,
                topic=topic,
                counted=tuple(counted),
                missing=missing,
                home=next((target.settings.region for target in counted if target.host == design.home), ""),
                busiest=busiest if findings[busiest] else "",
                counts=counts(
                    (finding for listed in findings.values() for finding in listed),
                    now,
                    days,
                    design.settings.value("overdue_days"),
                ),
            )
            found.append(digest)
    return found


def _is_missing(target: CountedTarget, design: AccountDesign) -> bool:
    """Tell whether a target of the account failed, unless the home region has its findings."""
    sources = {item.settings.source for item in design.targets}
    is_linked = bool(design.home) and target.host in design.linked
    return bool(target.problems) and target.settings.present and target.settings.source in sources and not is_linked


def _by_channel(
    targets: Sequence[CountedTarget], design: AccountDesign
) -> dict[tuple[Channel, str], list[CountedTarget]]:
    """Return the counted targets of an account that forward automatically to each channel, through which topic."""
    found: dict[tuple[Channel, str], list[CountedTarget]] = {}
    for target in targets:
        if target.findings is None or target.account != design.account or target.design.desired is None:
            continue
        automatic = {rule.topic for rule in forwarding.rules_of(target.design)}
        for channel, arn in target.design.desired.topics:
            topic = arn.rpartition(":")[2]
            if topic in automatic:
                found.setdefault((channel, topic), []).append(target)
    return found


def _sent_to(target: CountedTarget, topic: str) -> list[OpenFinding]:
    return [finding for finding, topics in target.findings or () if topic in topics]


def deliver(aws: Clients, notifications: Sequence[tuple[Digest, Json]], *, check_mode: bool) -> list[Delivery]:
    """Publish each digest as its notification, in check mode only find out where. Failures are in the problems."""
    accounts = {digest.design.account.id: digest.design for digest, _notification in notifications}
    read = parallel.each(partial(_configurations, aws), accounts.values())
    configurations = {outcome.item.account.id: outcome for outcome in read}
    planned = [Delivery(digest, notification) for digest, notification in notifications]
    return parallel.recovered(
        partial(_delivered, aws, configurations, check_mode),
        planned,
        lambda delivery, error: replace(delivery, problem=errors.explain(error)),
    )


def _configurations(aws: Clients, design: AccountDesign) -> tuple[Configuration, ...]:
    return observe_account.configurations(aws, design.settings, names.identity(design.settings, design.account))


def _delivered(
    aws: Clients,
    configurations: Mapping[str, parallel.Outcome[AccountDesign, tuple[Configuration, ...]]],
    check_mode: bool,
    planned: Delivery,
) -> Delivery:
    """Publish in the first region whose topic reaches the channel."""
    digest = planned.digest
    read = configurations[digest.design.account.id]
    if read.error:
        raise read.error
    reasons = [
        (target.settings, why_not_connected(read.value or (), digest.channel, _topic_arn(digest, target.settings)))
        for target in digest.counted
    ]
    connected = [settings for settings, reason in reasons if not reason]
    if not connected:
        raise UserError(reasons[0][1])
    settings = observe_account.first_answer(partial(_subscribed, aws, digest), connected)
    if not check_mode:
        call = partial(aws.call, settings.source, settings.region, "sns")
        call(sns.publish, _topic_arn(digest, settings), json.dumps(planned.notification))
    return replace(planned, region=settings.region, published=not check_mode)


def _subscribed(aws: Clients, digest: Digest, settings: Settings) -> Settings:
    """Return *settings* if Amazon Q is subscribed to the topic in their region: one call. Otherwise raise UserError."""
    call = partial(aws.call, settings.source, settings.region, "sns")
    try:
        subscriptions = call(sns.list_subscriptions, _topic_arn(digest, settings))
    except errors.failures() as error:
        if errors.code(error) != "NotFound":
            raise
        subscriptions = []
    if not is_subscribed(subscriptions):
        raise UserError(NOT_SUBSCRIBED.format(topic=digest.topic, region=settings.region))
    return settings


def _topic_arn(digest: Digest, settings: Settings) -> str:
    return names.topic_arn(settings, digest.design.account, digest.topic)
