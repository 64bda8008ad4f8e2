# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each target's test finding, step by step: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._aws.sanitize import sanitize
from .._pipeline.report import count
from . import slack

if TYPE_CHECKING:
    from .flights import Flight
    from .flights import Way
    from .run import Canary
    from .slack import Watch

READY = "ready"  # check mode: would be sent
ARRIVED = "arrived"
LOST = "lost"
FAILED = "failed"
SKIPPED = "skipped"
STATES = (READY, ARRIVED, LOST, FAILED, SKIPPED)

IMPORT, RULE, TOPIC, CHANNEL = "import", "rule", "topic", "channel"
STEPS = (IMPORT, RULE, TOPIC, CHANNEL)

DEEP = "run the playbook securityhub_slack.yml with -e securityhub_slack_repair_drift=true."


@dataclass(frozen=True)
class Loss:
    """Where a test finding has got lost, and in a sentence cause and remedy."""

    step: str
    sentence: str


def state_of(flight: Flight, *, check: bool) -> str:
    """Return what became of a target's test."""
    if flight.error or flight.left_behind:
        return FAILED
    if flight.skipped:
        return SKIPPED
    if check:
        return READY
    return LOST if losses(flight) else ARRIVED


def losses(flight: Flight) -> list[Loss]:
    """Return where the test findings have got lost, topic by topic."""
    found = (_loss(flight, way) for way in flight.ways)
    return [loss for loss in found if loss]


def _loss(flight: Flight, way: Way) -> Loss | None:
    missing = [pair for pair in flight.missing if pair[1] == way.topic]
    if any(pair not in flight.matched for pair in missing):
        return Loss(RULE, f"no rule that is enabled sends it to the topic {way.topic}: {DEEP}")
    if missing:
        return Loss(
            TOPIC,
            f"{' and '.join(flight.matched[missing[0]])} matches, and no unchanged event has come through the topic "
            f"{way.topic}: run the playbook securityhub_slack_doctor.yml, which tells why.",
        )
    if way.problem:
        return Loss(CHANNEL, f"the topic {way.topic} had it, but {way.problem}")
    if flight.post and way.topic in flight.post.unheard:
        return Loss(CHANNEL, f"the topic {way.topic} had it, but Amazon Q is not subscribed: {DEEP}")
    return None


def steps_of(flight: Flight) -> dict[str, bool | None]:
    """Return for each step whether it has worked; None where that is not known, because an earlier one has not."""
    if not flight.sent:
        return dict.fromkeys(STEPS)
    lost = [STEPS.index(loss.step) for loss in losses(flight)]
    first = min(lost, default=len(STEPS))
    return {step: True if place < first else False if place == first else None for place, step in enumerate(STEPS)}


def message_of(flight: Flight, *, check: bool) -> str:
    """Return what became of a target's test, in words: where it failed the cause, and what to do."""
    if flight.error:
        return sanitize(flight.error)
    if flight.left_behind:
        reason = sanitize(flight.left_behind[0]).rstrip(".")
        return f"something of the test could not be taken away ({reason}): the next canary does it."
    if flight.skipped:
        return sanitize(flight.skipped)
    untested = f"; not tested: {', '.join(flight.untested)}" if flight.untested else ""
    if check:
        return f"would be sent: {severities(flight)}, to {' and '.join(_channels(flight))}{untested}"
    lost = " ".join(dict.fromkeys(loss.sentence for loss in losses(flight)))
    return sanitize(lost) or f"{severities(flight)}, {seconds_of(flight):.1f} s{untested}"


def severities(flight: Flight) -> str:
    """Return the severities of the test findings."""
    return " and ".join(specimen.severity for specimen in flight.specimens)


def seconds_of(flight: Flight) -> float | None:
    """Return how long the slowest test finding took to come through its topic."""
    return max(flight.arrived.values(), default=None)


def _channels(flight: Flight) -> list[str]:
    return list(dict.fromkeys(way.channel.channel_id for way in flight.ways))


def result(canary: Canary) -> dict[str, Any]:
    """Return what the module returns."""
    states = _states(canary)
    unheard = any(watch.state == slack.FAILED for watch in canary.watches)
    return {
        "changed": any(flight.imported for flight in canary.flights) or READY in states,
        "healthy": LOST not in states and FAILED not in states and not unheard,
        "summary": {"targets": len(states), **{state: states.count(state) for state in STATES}},
        "targets": {flight.target.host: _target(flight, canary.check) for flight in canary.flights},
        "channels": [] if canary.check else [_channel(watch) for watch in canary.watches],
        "msg": summary(canary),
    }


def _target(flight: Flight, check: bool) -> dict[str, Any]:
    return {
        "account_id": flight.target.account_id,
        "region": flight.target.settings.region,
        "state": state_of(flight, check=check),
        "findings": [
            {"id": item.id, "severity": item.severity, "topics": list(item.topics)} for item in flight.specimens
        ],
        "steps": steps_of(flight),
        "rules": sorted({rule for rules in flight.matched.values() for rule in rules}),
        "topics": {
            topic: max(seconds for (_finding, name), seconds in flight.arrived.items() if name == topic)
            for topic in sorted({topic for _finding, topic in flight.arrived})
        },
        "untested": list(flight.untested),
        "seconds": seconds_of(flight),
        "msg": message_of(flight, check=check),
    }


def _channel(watch: Watch) -> dict[str, Any]:
    return {
        "account_id": watch.account.account.id,
        "configuration": watch.name,
        "channel_id": watch.channel_id,
        "expected": watch.expected,
        "delivered": watch.more(slack.POSTED),
        "failed": watch.failed,
        "state": watch.state,
    }


def _states(canary: Canary) -> list[str]:
    return [state_of(flight, check=canary.check) for flight in canary.flights]


def summary(canary: Canary) -> str:
    """Return the outcome in a sentence."""
    states = _states(canary)
    parts = [f"{states.count(state)} {state}" for state in STATES if state in states]
    refused = [watch.channel_id for watch in canary.watches if watch.state == slack.FAILED]
    said = f"{count(len(states), 'target')}: {', '.join(parts)}."
    if set(states) == {SKIPPED}:
        said += " Nothing was tested."
    return said + (f" Lost on the way to Slack: {', '.join(refused)}." if refused else "")
