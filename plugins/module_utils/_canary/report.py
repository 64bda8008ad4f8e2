# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a canary in a terminal of 80 columns: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.sanitize import sanitize
from .._pipeline.differences import few_of
from .._pipeline.report import LISTED_AT_MOST
from .._pipeline.report import count
from .._pipeline.report import wrapped
from . import outcome
from . import slack

if TYPE_CHECKING:
    from .flights import Flight
    from .run import Canary
    from .slack import Watch

HEADINGS = {outcome.IMPORT: "IMPORT", outcome.RULE: "RULE", outcome.TOPIC: "TOPIC", outcome.CHANNEL: "CHANNEL"}
SIGNS = {True: "ok", False: "XX", None: "-"}
SECONDS = "SECONDS"
HOST_WIDTH = 36  # what the columns leave of 80, and the margins


def table(canary: Canary) -> list[str]:
    """Return the lines of the report: a matrix of targets and steps, and in words what did not arrive, and why."""
    parts = [_words(canary), wrapped(outcome.summary(canary))]
    if not canary.check:
        parts = [_matrix(canary.flights), parts[0], *(wrapped(_channel(watch)) for watch in canary.watches), parts[1]]
    return [line for part in parts if part for line in ("", *part)]


def _matrix(flights: list[Flight]) -> list[str]:
    sent = [flight for flight in flights if flight.sent]
    if not sent:
        return []
    shown = sent
    if len(sent) > LISTED_AT_MOST:
        shown = [flight for flight in sent if outcome.state_of(flight, check=False) != outcome.ARRIVED]
    width = min(HOST_WIDTH, max([len("TARGET"), *(len(flight.target.host) for flight in shown)]))
    headings = "".join(f"  {heading}" for heading in (*HEADINGS.values(), SECONDS))
    lines = [f"  {'TARGET':{width}}{headings}"]
    for flight in shown:
        lines += _row(flight, width)
    if len(shown) < len(sent):
        lines.append(f"  and {count(len(sent) - len(shown), 'target')} where all has arrived")
    return lines


def _row(flight: Flight, width: int) -> list[str]:
    steps = outcome.steps_of(flight)
    cells = "".join(f"  {SIGNS[steps[step]]:>{len(heading)}}" for step, heading in HEADINGS.items())
    seconds = outcome.seconds_of(flight)
    cells += f"  {'-' if seconds is None else f'{seconds:.1f}':>{len(SECONDS)}}"
    host = sanitize(flight.target.host)
    return [f"  {host:{width}}{cells}"] if len(host) <= width else [f"  {host}", f"  {'':{width}}{cells}"]


def _words(canary: Canary) -> list[str]:
    """Return what is to be said of the targets, each thing once."""
    said: dict[str, list[str]] = {}
    for flight in canary.flights:
        state = outcome.state_of(flight, check=canary.check)
        words = outcome.message_of(flight, check=canary.check)
        if state == outcome.ARRIVED:
            words = f"not tested: {', '.join(flight.untested)}" if flight.untested else ""
        elif state in (outcome.LOST, outcome.FAILED):
            words = f"{state.upper()}: {words}"
        elif state == outcome.SKIPPED:
            words = f"{state}: {words}"
        if words:
            said.setdefault(words, []).append(sanitize(flight.target.host))
    return [line for words, hosts in said.items() for line in wrapped(f"  {few_of(hosts)}: {words}")]


def _channel(watch: Watch) -> str:
    head = f"  Slack channel {watch.channel_id} ({watch.name}): "
    expected = count(watch.expected, "message")
    if watch.state == slack.NOTHING:
        return f"{head}no test finding has come so far."
    if watch.state == slack.DELIVERED:
        return f"{head}Amazon Q has posted {expected}."
    if watch.state == slack.FAILED and watch.more(slack.REFUSED):
        return (
            f"{head}LOST: Amazon Q could not post {count(watch.more(slack.REFUSED), 'message')}. Type /invite @Amazon "
            f"Q in the channel, and see that it is there and not archived."
        )
    if watch.state == slack.FAILED:
        return (
            f"{head}LOST: Amazon Q did not understand {count(watch.more(slack.UNSUPPORTED), 'message')}. Run the "
            f"playbook securityhub_slack.yml with -e securityhub_slack_repair_drift=true."
        )
    return f"{head}Amazon Q's metrics do not tell yet. Look into the channel: {expected} should be there."
