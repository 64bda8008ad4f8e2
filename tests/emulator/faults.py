# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults between caller and AWS: latency, throttling, errors, broken connections and rate limits."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from dataclasses import fields
from enum import Enum


class Outcome(Enum):
    """How a request ends."""

    SERVED = "served"
    THROTTLED = "throttled"
    FAILED = "failed"
    RESET = "reset"
    LOST = "lost"
    DENIED = "denied"
    EXPIRED = "expired"
    GARBLED = "garbled"
    UNAVAILABLE = "unavailable"
    UNAUTHORIZED = "unauthorized"
    SKEWED = "skewed"
    TRUNCATED = "truncated"
    TOO_MANY = "too_many"


class InvalidFault(ValueError):
    """The posted fault rule is invalid."""


@dataclass(frozen=True)
class Rule:
    """One rule. Chances: 0 to 1; empty lists match everything; rate_limit is per service, region and second.

    reason: the message of a denied request, in place of AWS's own. retry_after: the seconds that a proxy's answer 429
    names; 0 for none.
    """

    latency_ms: float = 0
    jitter_ms: float = 0
    spike_ms: float = 0
    spikes: float = 0
    throttle: float = 0
    errors: float = 0
    resets: float = 0
    garbage: float = 0
    unreachable: float = 0
    lost: float = 0
    denied: float = 0
    expired: float = 0
    unavailable: float = 0
    unauthorized: float = 0
    skewed: float = 0
    truncated: float = 0
    too_many: float = 0
    retry_after: int = 0
    reason: str = ""
    rate_limit: int = 0
    services: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: dict) -> Rule:
        """Return a rule from JSON; raise InvalidFault with the unknown members."""
        known = {field.name for field in fields(cls)}
        if not isinstance(given, dict) or set(given) - known:
            raise InvalidFault(f"a rule has {', '.join(sorted(known))}; this is {given!r}")
        lists = {name: tuple(given[name]) for name in ("services", "regions", "operations") if name in given}
        return cls(**{**given, **lists})

    def covers(self, service: str, region: str, operation: str) -> bool:
        """Return whether a request is one that the rule is about."""
        return (
            (not self.services or service in self.services)
            and (not self.regions or region in self.regions)
            and (not self.operations or operation in self.operations)
        )


class Faults:
    """The fault rules in force, and how many requests were in flight."""

    def __init__(self) -> None:
        self.random = random.Random()
        self.clear()

    def clear(self) -> None:
        """Remove all rules and reset the counters."""
        self.rules: list[Rule] = []
        self.requests = 0
        self.in_flight = 0
        self.peak = 0
        self.outcomes: dict[str, int] = {}
        self.seconds: dict[tuple[str, str], tuple[int, int]] = {}

    def replace(self, given: list[dict] | dict, seed: str | None = None) -> None:
        """Replace the rules and reset the counters; a seed makes chance repeatable."""
        rules = [Rule.of(rule) for rule in (given if isinstance(given, list) else [given])]
        self.clear()
        self.rules = rules
        if seed is not None:
            self.random = random.Random(seed)

    def counters(self) -> dict:
        """Return the answer to GET /_emulator/faults."""
        rules = [{field.name: getattr(rule, field.name) for field in fields(Rule)} for rule in self.rules]
        return {
            "rules": rules,
            "requests": self.requests,
            "in_flight": self.in_flight,
            "peak_concurrency": self.peak,
            "outcomes": self.outcomes,
        }

    def decide(self, service: str, region: str, operation: str) -> tuple[float, Outcome, str]:
        """Return delay (seconds), outcome and reason of a request; the reason of TOO_MANY is its Retry-After.

        The delays of all rules that cover it add up; the first outcome counts.
        """
        delay, outcome, reason = 0.0, Outcome.SERVED, ""
        for rule in self.rules:
            if not rule.covers(service, region, operation):
                continue
            delay += self._delay(rule)
            if outcome is Outcome.SERVED:
                outcome = self._outcome(rule, service, region)
                reason = str(rule.retry_after or "") if outcome is Outcome.TOO_MANY else rule.reason
        self.outcomes[outcome.value] = self.outcomes.get(outcome.value, 0) + 1
        return delay, outcome, reason

    def _delay(self, rule: Rule) -> float:
        delay = rule.latency_ms
        if rule.jitter_ms:
            delay += self.random.uniform(0, rule.jitter_ms)
        if rule.spikes and self.random.random() < rule.spikes:
            delay += rule.spike_ms
        return delay / 1000

    def _outcome(self, rule: Rule, service: str, region: str) -> Outcome:
        if rule.rate_limit and self._over(rule.rate_limit, service, region):
            return Outcome.THROTTLED
        chances = (
            (rule.unreachable, Outcome.RESET),
            (rule.resets, Outcome.RESET),
            (rule.throttle, Outcome.THROTTLED),
            (rule.errors, Outcome.FAILED),
            (rule.garbage, Outcome.GARBLED),
            (rule.lost, Outcome.LOST),
            (rule.denied, Outcome.DENIED),
            (rule.expired, Outcome.EXPIRED),
            (rule.unavailable, Outcome.UNAVAILABLE),
            (rule.unauthorized, Outcome.UNAUTHORIZED),
            (rule.skewed, Outcome.SKEWED),
            (rule.truncated, Outcome.TRUNCATED),
            (rule.too_many, Outcome.TOO_MANY),
        )
        for chance, outcome in chances:
            if chance and self.random.random() < chance:
                return outcome
        return Outcome.SERVED

    def _over(self, limit: int, service: str, region: str) -> bool:
        now = int(time.monotonic())
        second, seen = self.seconds.get((service, region), (now, 0))
        seen = seen + 1 if second == now else 1
        self.seconds[service, region] = (now, seen)
        return seen > limit
