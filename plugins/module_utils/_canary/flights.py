# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends test findings through the targets, and watches them arrive. PRIVATE to the collection.

Whatever is made on the way is taken away again: also when something fails, also when the run is interrupted. What a
killed run has left is found by its name, and taken away by the next one.
"""

from __future__ import annotations

import datetime
import time
import uuid
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._pipeline import channels
from .._pipeline import forwarding
from .._services import events
from .._services import securityhub
from . import posts
from . import specimens
from .gate import Gate
from .posts import Post
from .posts import client_of

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._pipeline.settings import Channel
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target
    from .specimens import Specimen

SETTLE_SECONDS = 2.0  # until a new subscription surely gets what is published

BY_HAND = (
    "findings go from here by hand only: send one in the Security Hub console (Findings, Actions), or ask the playbook "
    "securityhub_slack_doctor.yml"
)
SUPPRESSED = "what is sent from here by itself leaves out whatever a test finding could be (suppressions)"
V2 = (
    "AWS has no API call that imports findings into the new Security Hub (securityhub_slack_finding_format: ocsf), so "
    "none can be sent for a test; the playbook securityhub_slack_doctor.yml looks along their way"
)
NO_PIPELINE = "there is no pipeline in {region}: run the playbook securityhub_slack.yml."
HOME_FAILED = "{home} sends its findings, and that fails ({error})."
TAKEN_AWAY = (
    "somebody has taken the canary's queue away while it listened: run it again, and if that goes on, look in "
    "CloudTrail who calls DeleteQueue."
)


Pair = tuple[str, str]  # a finding's id, and the name of a topic


@dataclass(frozen=True)
class Way:
    """The end of the way: a topic, the Slack channel behind it, and why the channel gets nothing, '' if it does."""

    topic: str
    arn: str
    channel: Channel
    problem: str = ""


@dataclass
class Flight:
    """One target's test: its findings, what became of them, and what has to go again.

    *specimens*: none where there is nothing to send; *skipped* says why. *ways*: the topics that they have to reach.
    *untested*: topics that no test finding reaches. By finding and topic, *matched*: the rules that are there, are
    enabled, and match; *arrived*: seconds until the topic had it. *left*: what could not be taken away, and why.
    """

    target: Target
    post: Post | None = None
    specimens: tuple[Specimen, ...] = ()
    ways: tuple[Way, ...] = ()
    untested: tuple[str, ...] = ()
    skipped: str = ""
    matched: dict[Pair, list[str]] = field(default_factory=dict)
    arrived: dict[Pair, float] = field(default_factory=dict)
    sent_at: float = 0.0
    imported: bool = False
    left: list[str] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    @property
    def error(self) -> str:
        """Return why the target could not be tested."""
        return self.target.error

    @property
    def sent(self) -> bool:
        """Tell whether Security Hub has taken the findings."""
        return self.imported and not self.error

    @property
    def left_behind(self) -> list[str]:
        """Return what could not be taken away, and why: of the flight, and of the post that it was heard at."""
        return [*self.left, *(self.post.left if self.post else [])]

    @property
    def missing(self) -> list[Pair]:
        """Return what has not arrived, by finding and topic."""
        wanted = [(specimen.id, topic) for specimen in self.specimens for topic in specimen.topics]
        return [pair for pair in wanted if pair not in self.arrived]

    @property
    def due(self) -> list[Pair]:
        """Return what has not arrived and may still do so, since a rule matches it."""
        return [pair for pair in self.missing if pair in self.matched]


def prepare(targets: list[Target], accounts: list[AccountRun], now: datetime.datetime) -> list[Flight]:
    """Return a flight for every target, each with its test findings, or with why there are none."""
    account_of = {id(target): account for account in accounts for target in account.targets}
    listening: dict[int, Post] = {}
    return [_prepared(Flight(target), account_of.get(id(target)), listening, now) for target in targets]


def _prepared(flight: Flight, account: AccountRun | None, listening: dict[int, Post], now: datetime.datetime) -> Flight:
    target = flight.target
    if target.error or account is None:
        return flight
    flight.skipped = _nothing_to_send(target)
    if flight.skipped:
        return flight
    try:
        sender = _sender_of(target, account)
    except UserError as error:
        target.fail(error)
        return flight
    place = specimens.Place(account.account, target.settings.region, sender.settings.region)
    flight.specimens = specimens.specimens(place, forwarding.rules_of(sender), uuid.uuid4().hex, now)
    if not flight.specimens:
        flight.skipped = SUPPRESSED
        return flight
    reached = {topic for specimen in flight.specimens for topic in specimen.topics}
    flight.ways = tuple(way for way in _ways(sender, account) if way.topic in reached)
    flight.untested = tuple(route.topic for route in target.settings.routes if route.topic not in reached)
    flight.post = listening.setdefault(id(sender), Post(sender, account.account))
    flight.post.topics = tuple(dict.fromkeys([*flight.post.topics, *(way.topic for way in flight.ways)]))
    return flight


def _sender_of(target: Target, account: AccountRun) -> Target:
    """Return the target whose pipeline sends the target's findings: itself, or the home region's. Raise UserError."""
    home = account.home
    sender = target if target.wanted or home is None else home
    if sender.error:
        raise UserError(HOME_FAILED.format(home=sender.host, error=sender.error.rstrip(".")))
    if sender.live.stack is None:
        raise UserError(NO_PIPELINE.format(region=sender.settings.region))
    return sender


def _nothing_to_send(target: Target) -> str:
    settings = target.settings
    if not settings.present:
        return "shall have no pipeline"
    if settings.value("finding_format") == "ocsf":
        return V2
    return (
        "" if any(route.variables["securityhub_slack_forward_automatically"] for route in settings.routes) else BY_HAND
    )


def _ways(sender: Target, account: AccountRun) -> list[Way]:
    topics = sender.wanted.topics if sender.wanted else ()
    return [
        Way(arn.rpartition(":")[2], arn, channel, channels.deafness(account.configurations, channel, arn))
        for channel, arn in topics
    ]


def fly(clients: Clients, flights: list[Flight], timeout: float) -> None:
    """Send every specimen and wait up to *timeout* seconds until all have arrived; who fails carries the error."""
    ready = [flight for flight in flights if flight.specimens and not flight.error]
    listening = list({id(flight.post): flight.post for flight in ready if flight.post}.values())
    try:
        _each(listening, posts.listen, clients)
        _pass_on(listening, ready)
        time.sleep(SETTLE_SECONDS if _alive(ready) else 0)
        _each(_alive(ready), _send, clients)
        _watch(clients, listening, ready, timeout)
        _pass_on(listening, ready)
    finally:
        try:
            _clean_up(clients, listening, ready)
        except KeyboardInterrupt:
            # Who is interrupted here has mostly finished the work, and would leave something for all that.
            _clean_up(clients, listening, ready)
            raise


def _alive(flights: list[Flight]) -> list[Flight]:
    return [flight for flight in flights if not flight.error]


def _each(items: list[Any], work: Callable[[Clients, Any], None], clients: Clients) -> None:
    """Do the work for all flights, or posts, at once."""
    for outcome in parallel.each(lambda item: item.gate.through(partial(work, clients, item)), items):
        if outcome.error is None:
            continue
        if isinstance(outcome.item, Post):
            outcome.item.error = outcome.error
        else:
            outcome.item.target.fail(outcome.error)


def _pass_on(listening: list[Post], flights: list[Flight]) -> None:
    """Let the flights fail whose post has failed before all was heard."""
    failed = {id(post): post.error for post in listening if post.error}
    for flight in flights:
        error = failed.get(id(flight.post))
        if error and flight.missing:
            flight.target.fail(error)


def _send(clients: Clients, flight: Flight) -> None:
    account, target = flight.target.account, flight.target
    if account is None or flight.post is None:
        return
    flight.matched = _matching_rules(clients, flight, flight.post.target)
    with clients.acting(target.settings.source):
        client = client_of(clients, target, "securityhub")
        left = securityhub.get_findings(client, specimens.filters(account, target.settings.region))
        if left:
            securityhub.batch_import_findings(client, _archived(left))
        flight.imported = True  # from here on there is something to archive, also if the answer gets lost
        flight.sent_at = time.monotonic()
        securityhub.batch_import_findings(client, [specimen.finding for specimen in flight.specimens])


def _archived(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    now = datetime.datetime.now(datetime.timezone.utc)
    return [specimens.archived(finding, now) for finding in findings[:100]]


def _matching_rules(clients: Clients, flight: Flight, sender: Target) -> dict[Pair, list[str]]:
    """Return the rules that are there, are enabled and, as EventBridge itself says, match, by finding and topic."""
    found: dict[Pair, list[str]] = {}
    with clients.acting(sender.settings.source):
        client = client_of(clients, sender, "events")
        live = events.list_rules(client, sender.settings.name)
        for rule in forwarding.rules_of(sender):
            there = live.get(rule.name)
            if there is None or there.get("State") == "DISABLED":
                continue
            for specimen in flight.specimens:
                if rule.route in specimen.topics and events.matches(client, there["EventPattern"], specimen.event):
                    found.setdefault((specimen.id, rule.route), []).append(rule.name)
    return found


def _watch(clients: Clients, listening: list[Post], flights: list[Flight], timeout: float) -> None:
    """Listen, all posts at once, for as long as something may still come."""
    expected = {specimen.id: flight for flight in flights for specimen in flight.specimens}
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        waited_for = {id(flight.post) for flight in _alive(flights) if flight.due}
        due = [post for post in listening if post.error is None and id(post) in waited_for]
        if not due:
            return
        _each(due, partial(_hear, expected), clients)
    for post in listening:
        if post.gone and post.error is None:
            post.error = UserError(TAKEN_AWAY)


def _hear(expected: dict[str, Flight], clients: Clients, post: Post) -> None:
    for heard in posts.hear(clients, post):
        flight = expected.get(heard.finding)
        if flight:
            seconds = round(time.monotonic() - flight.sent_at, 1)
            flight.arrived.setdefault((heard.finding, heard.topic), seconds)


def _clean_up(clients: Clients, listening: list[Post], flights: list[Flight]) -> None:
    """Take everything away, each thing whatever becomes of the others."""
    for outcome in parallel.each(partial(posts.leave, clients), listening):
        if outcome.error is not None:
            outcome.item.left.append(errors.explain(outcome.error))
    for gone in parallel.each(partial(_archive, clients), flights):
        if gone.error is not None:
            gone.item.left.append(errors.explain(gone.error))


def _archive(clients: Clients, flight: Flight) -> None:
    flight.gate.close()
    if not flight.imported:
        return
    with clients.acting(flight.target.settings.source):
        client = client_of(clients, flight.target, "securityhub")
        securityhub.batch_import_findings(client, _archived([specimen.finding for specimen in flight.specimens]))
