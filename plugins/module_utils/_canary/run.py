# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary through every target of a play. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._pipeline import decisions
from .._pipeline import run as pipelines
from . import flights as flying
from . import slack

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .._pipeline.target import Target
    from .flights import Flight
    from .slack import Watch


@dataclass(frozen=True)
class Canary:
    """What came of a run: a flight for each target, a watch for each channel configuration; *check*: nothing flew."""

    flights: list[Flight]
    watches: list[Watch]
    check: bool


def run(
    targets: list[Target],
    neighbours: list[Target],
    clients: Clients,
    *,
    check: bool,
    now: datetime.datetime,
    timeout: float,
) -> Canary:
    """Send a test finding through each of *targets*, and return what came of it; nothing is raised.

    *neighbours*: the inventory's other targets. *check*: only tell what would be sent. *timeout*: seconds to wait for
    the topics, and again for Amazon Q's metrics.
    """
    accounts = pipelines.look(targets, neighbours, clients, now.date())
    for account in accounts:
        decisions.decide(account, now.date())
    flights = flying.prepare(targets, accounts, now)
    watches = slack.watches(accounts, flights)
    if not check:
        slack.note_before(clients, watches, now)
        flying.fly(clients, flights, timeout)
        for watch in watches:
            slack.expect(watch, flights)
        slack.wait(clients, watches, now, timeout)
    return Canary(flights, watches, check)
