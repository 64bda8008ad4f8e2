# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the canary sends through each target, and where it must arrive: no calls. PRIVATE to the collection."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._pipeline import channels
from .._pipeline import forwarding
from . import findings
from . import messages

if TYPE_CHECKING:
    import datetime

    from .._pipeline.settings import Channel
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target
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

    target: Target
    sender: Target
    findings: tuple[TestFinding, ...] = ()
    destinations: tuple[Destination, ...] = ()
    untested: tuple[str, ...] = ()
    leftovers: dict[str, Any] | None = None
    skipped: str = ""
    error: str = ""


def prepare(targets: list[Target], accounts: list[AccountRun], now: datetime.datetime) -> list[Probe]:
    """Return a probe for every target."""
    account_of = {target.host: account for account in accounts for target in account.targets}
    return [_probe(target, account_of.get(target.host), now) for target in targets]


def _probe(target: Target, account: AccountRun | None, now: datetime.datetime) -> Probe:
    if target.error or account is None:
        return Probe(target, target, error=target.error)
    sender = account.home if account.home and not target.wanted else target
    skipped = _nothing_to_test(target)
    if skipped:
        return Probe(target, sender, skipped=skipped)
    if sender.error:
        return Probe(target, sender, error=messages.HOME_FAILED.format(home=sender.host, error=sender.error))
    if sender.live.stack is None:
        return Probe(target, sender, error=messages.NOT_DEPLOYED.format(region=sender.settings.region))
    region = target.settings.region
    origin = findings.Origin(account.account, region, sender.settings.region)
    chosen = findings.choose(origin, forwarding.rules_of(sender), uuid.uuid4().hex, now)
    if not chosen:
        return Probe(target, sender, skipped=messages.SUPPRESSED)
    reached = {topic for finding in chosen for topic in finding.topics}
    return Probe(
        target,
        sender,
        chosen,
        tuple(item for item in _destinations(sender, account) if item.topic in reached),
        tuple(route.topic for route in target.settings.routes if route.topic not in reached),
        findings.active_filters(account.account, region),
    )


def _nothing_to_test(target: Target) -> str:
    settings = target.settings
    if not settings.present:
        return messages.ABSENT
    if settings.value("finding_format") == "ocsf":
        return messages.OCSF
    if not any(route.variables["securityhub_slack_forward_automatically"] for route in settings.routes):
        return messages.MANUAL
    return ""


def _destinations(sender: Target, account: AccountRun) -> list[Destination]:
    topics = sender.wanted.topics if sender.wanted else ()
    return [
        Destination(arn.rpartition(":")[2], arn, channel, channels.deafness(account.configurations, channel, arn))
        for channel, arn in topics
    ]
