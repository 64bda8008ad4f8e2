# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest of the open findings for every channel of a play's accounts. PRIVATE to the collection.

The findings are read by GetFindings, a call for every 100, and not by insights, which take one: an insight has to be
created first, knows neither suppressions nor the owner of global findings, and would count what the channel never
hears of. The patterns that choose what a channel is sent also choose what is counted for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._pipeline import channels
from .._pipeline import desired
from .._pipeline import forwarding
from .._pipeline import path
from .._pipeline import survey
from .._pipeline.target import healthy
from .._services import sns
from . import text
from .counts import Counts
from .counts import Note
from .counts import Period
from .counts import counts
from .counts import note

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .._pipeline.settings import Channel
    from .._pipeline.settings import Settings
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target

# A finding stays open when somebody, or securityhub_slack_mark_notified, has marked it as NOTIFIED.
OPEN = ("NEW", "NOTIFIED")
NOT_OF_V2 = (
    "OCSF findings (securityhub_slack_finding_format: ocsf) are not counted: look at the dashboard of its "
    "console, or leave this target out."
)
NOT_HEARD = (
    "Amazon Q is not subscribed to the topic {topic} in {region}: run the playbook securityhub_slack.yml with -e "
    "securityhub_slack_repair_drift=true."
)


# An open finding, and the names of the topics that it is sent to.
_Sent = tuple[Note, tuple[str, ...]]


@dataclass(frozen=True)
class _Place:
    """A channel, and the name of the topic that feeds it in each region."""

    channel: Channel
    topic: str


@dataclass(frozen=True)
class _Counted:
    """The targets whose findings go to a channel, those that failed, and what was found, by the targets' names."""

    senders: list[Target]
    missing: list[Target]
    found: dict[str, list[_Sent]]


@dataclass
class Digest:
    """What one channel of an account is told of its open findings.

    *topic*: the name of the topic that feeds the channel in each region. *counted*, *missing*: the targets whose
    findings are in it, and those that failed. *said*: the lines. *region*: in which it is published, '' if nowhere;
    *problem* says why not.
    """

    account: AccountRun
    channel: Channel
    topic: str
    counted: list[Target]
    missing: list[Target]
    counts: Counts
    said: list[str]
    notification: dict[str, Any]
    region: str = ""
    published: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Digests:
    """What came of a run; *found*: how many open findings each target has that it would send, by its name."""

    targets: list[Target]
    accounts: list[AccountRun]
    found: dict[str, int]
    digests: list[Digest]
    check: bool


def run(
    targets: list[Target],
    neighbours: list[Target],
    clients: Clients,
    *,
    check: bool,
    period: Period,
) -> Digests:
    """Tell each channel what is open in the healthy ones of *targets*; nothing is raised.

    *neighbours*: the inventory's other targets. *check*: publish nothing. What fails is in the targets' *error*, or in
    a digest's *problem*.
    """
    today = period.now.date()
    accounts = forwarding.decide(targets, neighbours, clients, today)
    found = _read(clients, targets, today)
    digests = [
        _digest(account, place, _Counted(senders, _missing(account, targets), found), period)
        for account in accounts
        for place, senders in _senders(account, found).items()
    ]
    _read_channels(clients, digests)
    _each(digests, partial(_deliver, clients, check=check))
    return Digests(targets, accounts, {host: len(sent) for host, sent in found.items()}, digests, check)


def _read(clients: Clients, targets: list[Target], today: datetime.date) -> dict[str, list[_Sent]]:
    """Return what is open of the targets that send anything by themselves, by their names."""
    found = {}
    senders = [target for target in healthy(targets) if forwarding.rules_of(target)]
    for outcome in parallel.each(partial(_open_findings, clients, today), senders):
        if outcome.error is not None:
            outcome.item.fail(outcome.error)
        elif outcome.value is not None:
            found[outcome.item.host] = outcome.value
    return found


def _open_findings(clients: Clients, today: datetime.date, target: Target) -> list[_Sent]:
    if forwarding.is_of_v2(target):
        raise UserError(NOT_OF_V2)
    return [(note(item.finding), item.topics) for item in forwarding.forwarded(clients, target, today, OPEN)]


def _missing(account: AccountRun, targets: list[Target]) -> list[Target]:
    """Return the targets of an account that failed, but for those whose findings the home region has."""
    sources = {target.settings.source for target in account.targets}
    fed = {target.host for target in account.linked} if account.home else set()
    return [
        target
        for target in targets
        if target.error and target.settings.present and target.settings.source in sources and target.host not in fed
    ]


def _senders(account: AccountRun, found: dict[str, list[_Sent]]) -> dict[_Place, list[Target]]:
    """Return the targets that send to each channel by themselves, and that could be counted."""
    senders: dict[_Place, list[Target]] = {}
    for target in account.targets:
        if target.host in found and target.wanted is not None:
            fed = {rule.route for rule in forwarding.rules_of(target)}
            for channel, arn in target.wanted.topics:
                topic = arn.rpartition(":")[2]
                if topic in fed:
                    senders.setdefault(_Place(channel, topic), []).append(target)
    return senders


def _digest(account: AccountRun, place: _Place, of: _Counted, period: Period) -> Digest:
    findings = {
        target.settings.region: [noted for noted, topics in of.found[target.host] if place.topic in topics]
        for target in of.senders
    }
    counted = counts((finding for listed in findings.values() for finding in listed), period)
    home = next((target.settings.region for target in of.senders if target is account.home), "")
    said = text.lines(counted, period.days, sorted(findings), home, [target.host for target in of.missing])
    busiest = max(findings, key=lambda region: len(findings[region])) if counted.total else ""
    notification = text.notification(account.account.id, _name(account), said, busiest)
    return Digest(account, place.channel, place.topic, of.senders, of.missing, counted, said, notification)


def _name(account: AccountRun) -> str:
    """Return what the inventory calls an account: what stands before the region in the names of all its hosts."""
    names = {target.host.removesuffix(target.settings.region).rstrip(".") for target in account.targets}
    return names.pop() if len(names) == 1 else ""


def _read_channels(clients: Clients, digests: list[Digest]) -> None:
    """Read what the accounts' channels carry: a call for each account."""
    accounts = list({digest.account.account.id: digest.account for digest in digests}.values())
    for outcome in parallel.each(partial(_configurations, clients), accounts):
        if outcome.error is not None:
            for digest in digests:
                if digest.account is outcome.item:
                    digest.problem = errors.explain(outcome.error)
        outcome.item.configurations = outcome.value or []


def _configurations(clients: Clients, account: AccountRun) -> list[dict[str, Any]]:
    return survey.configurations(clients, account.settings, desired.identity(account.settings, account.account))


def _each(digests: list[Digest], work: Any) -> None:
    for outcome in parallel.each(work, [digest for digest in digests if not digest.problem]):
        if outcome.error is not None:
            outcome.item.problem = errors.explain(outcome.error)


def _deliver(clients: Clients, digest: Digest, *, check: bool) -> None:
    """Publish a digest in the first region from which the channel hears; one that is out does not cost it the rest."""
    settings = survey.first_answer(partial(_heard_from, clients, digest), _connected(digest))
    digest.region = settings.region
    if check:
        return
    with clients.acting(settings.source):
        sns.publish(_sns(clients, settings), _topic_arn(digest, settings), json.dumps(digest.notification))
    digest.published = True


def _connected(digest: Digest) -> list[Settings]:
    """Return the targets whose topics the channel carries. Raise UserError where there are none."""
    deafness = [
        (target.settings, channels.deafness(digest.account.configurations, digest.channel, arn))
        for target in digest.counted
        for arn in [_topic_arn(digest, target.settings)]
    ]
    connected = [settings for settings, reason in deafness if not reason]
    if not connected:
        raise UserError(deafness[0][1])
    return connected


def _heard_from(clients: Clients, digest: Digest, settings: Settings) -> Settings:
    """Return *settings* where Amazon Q hears what is published there: one call. Raise UserError where it does not."""
    with clients.acting(settings.source):
        client = _sns(clients, settings)
        try:
            subscriptions = sns.list_subscriptions(client, _topic_arn(digest, settings))
        except client.exceptions.NotFoundException:
            subscriptions = []
    if not path.is_heard(subscriptions):
        raise UserError(NOT_HEARD.format(topic=digest.topic, region=settings.region))
    return settings


def _topic_arn(digest: Digest, settings: Settings) -> str:
    return desired.topic_arn(settings, digest.account.account, digest.topic)


def _sns(clients: Clients, settings: Settings) -> Any:
    return clients.get("sns", settings.region, settings.source.endpoint_url)
