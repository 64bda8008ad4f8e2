# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that all targets of a world together send each finding exactly once to each channel that gets it.

For every region that a finding can come from and every channel, the rules on the buses of that region together are
compared with the policy that the documentation names for it: see proof.py. All other fields of the finding are unknown.

Prove drawn worlds: tests/run/proofs [NUMBER [FIRST]].
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import proof
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

# Stands for all regions that no policy and no aggregator names.
OTHER_REGION = "me-south-1"
# The rules of messages as Amazon Q makes them, and those of custom messages.
KINDS: tuple[tuple[bool | None, ...], ...] = ((None,), (True, False))


@dataclass(frozen=True)
class Difference:
    """A finding that the rules of a world send to a channel never or twice, or against the policy."""

    channel: str
    region: str
    kinds: tuple[bool | None, ...]
    finding: dict[str, str | None]


@dataclass
class Prover:
    """Proves worlds, and each question of them once. It counts the questions."""

    counts: Counter[str] = field(default_factory=Counter)
    _proved: set[bytes] = field(default_factory=set)

    def differences(self, world: worlds.World) -> Iterator[Difference]:
        """Yield one difference for each region and channel that has any. Raise UserError if the world is refused."""
        layout = world.lay_out()
        if layout.problems:
            raise UserError("; ".join(layout.problems))
        for kinds in KINDS:
            rules = world.rules(layout, kinds)
            for channel in world.channels:
                for region in dict.fromkeys((*worlds.REGIONS, *world.policies, OTHER_REGION)):
                    buses = world.buses(region)
                    patterns = [pattern for bus, to, pattern in rules if to == channel and bus in buses]
                    found = self._counterexample(world, patterns, channel, region)
                    if found is not None:
                        yield Difference(channel, region, kinds, found)

    def _counterexample(
        self, world: worlds.World, patterns: list[dict[str, Any]], channel: str, region: str
    ) -> dict[str, str | None] | None:
        self.counts["questions"] += 1
        policy = world.policy_for(region, channel) or Policy((), world.finding_format)
        if not patterns and not policy.severities:
            return None
        scope = Scope(region, world.global_findings_region)
        is_global = region == scope.global_findings_region
        named = region if "egion" in str(patterns) or any(item.regions for item in policy.suppressions) else ""
        question = hashlib.sha256(repr((patterns, policy, is_global, named)).encode()).digest()
        if question in self._proved:
            return None
        self.counts["proofs"] += 1
        found = proof.counterexample(patterns, policy, scope, region=region)
        if found is None:
            self._proved.add(question)
        return found


def main(number: int = 10_000, first: int = 0) -> None:
    """Prove *number* drawn worlds, the seed of the first one being *first*, and print what was found."""
    prover, seed, started = Prover(), first, time.process_time()
    while prover.counts["worlds"] < number:
        try:
            found = list(prover.differences(worlds.Draw(seed).world()))
        except UserError:
            prover.counts["refused"] += 1
        else:
            prover.counts["worlds"] += 1
            prover.counts["differences"] += len(found)
            for difference in found:
                print(f"DIFFERENCE in world {seed}: {difference}", flush=True)
            if prover.counts["worlds"] % 500 == 0 or prover.counts["worlds"] == number:
                print(_summary(prover.counts, seed, time.process_time() - started), flush=True)
        seed += 1
    sys.exit(bool(prover.counts["differences"]))


def _summary(counts: Counter[str], seed: int, seconds: float) -> str:
    return (
        f"{counts['worlds']:,} worlds up to seed {seed:,} ({counts['refused']:,} others refused): "
        f"{counts['differences']:,} differences; {counts['questions']:,} questions about a region and a channel, "
        f"{counts['proofs']:,} distinct; {seconds:,.0f} s of CPU time, "
        f"{1000 * seconds / counts['proofs']:.0f} ms for each proof"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
