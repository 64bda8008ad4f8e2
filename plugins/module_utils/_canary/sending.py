# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends test findings through the targets and waits until they arrive. PRIVATE to the collection.

Everything that is created on the way is deleted again, also when a call fails or the run is interrupted. The next
canary deletes what a killed run has left behind.
"""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._plan import forwarding
from .._services import events
from .._services import securityhub
from . import findings
from . import listeners
from . import messages
from .cleanup import Cleanup
from .cleanup import interrupts_raise
from .outcome import ProbeOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .listeners import Listener
    from .outcome import Pair
    from .probes import Probe

SETTLE_SECONDS = 2.0  # until a new subscription receives everything that is published


def send(aws: Clients, probes: Sequence[Probe], timeout: float) -> list[ProbeOutcome]:
    """Send all test findings, wait up to *timeout* seconds until they arrive, clean up, and return the outcomes."""
    cleanup = Cleanup()
    with interrupts_raise():
        try:
            outcomes = _send(aws, cleanup, probes, timeout)
        finally:
            try:
                undone = cleanup.undo()
            except KeyboardInterrupt:
                # The process ends anyway, but must not leave anything behind.
                cleanup.undo()
                raise
    return [_cleaned_up(outcome, undone) for outcome in outcomes]


def _cleaned_up(outcome: ProbeOutcome, undone: Mapping[str, tuple[str, ...]]) -> ProbeOutcome:
    host = outcome.probe.host
    queue_url = outcome.listener.queue_url if outcome.listener else ""
    left_behind = (*undone.get(host, ()), *undone.get(queue_url, ()))
    return replace(outcome, imported=host in undone, left_behind=left_behind)


@dataclass(frozen=True)
class _Sent:
    """A probe whose findings were imported *at* a time (monotonic). *matched*: names of the rules that match them."""

    probe: Probe
    listener: Listener
    matched: dict[Pair, tuple[str, ...]]
    at: float

    def is_waiting(self, arrived: Mapping[Pair, float]) -> bool:
        """Tell whether a finding that a rule matches has not arrived yet."""
        return any(pair not in arrived for pair in self.matched)


@dataclass(frozen=True)
class _Heard:
    """What all listeners have received so far.

    *arrived*: seconds after the import. By queue URL, *failed*: errors of listeners, *vanished*: queues that the last
    call did not find.
    """

    arrived: Mapping[Pair, float]
    failed: Mapping[str, str]
    vanished: frozenset[str]


def _send(aws: Clients, cleanup: Cleanup, probes: Sequence[Probe], timeout: float) -> list[ProbeOutcome]:
    ready = [probe for probe in probes if probe.findings]
    opened = parallel.each(partial(_listen, aws, cleanup), _by_sender(ready).values())
    listening = {outcome.item[0].sender.host: outcome.value for outcome in opened if outcome.value}
    failed = {
        probe.host: errors.explain(outcome.error) for outcome in opened if outcome.error for probe in outcome.item
    }
    heard_of = [(probe, listening[probe.sender.host]) for probe in ready if probe.sender.host in listening]
    time.sleep(SETTLE_SECONDS if heard_of else 0)
    imports = parallel.each(partial(_import, aws, cleanup), heard_of)
    failed |= {item.item[0].host: errors.explain(item.error) for item in imports if item.error}
    sent = {item.item[0].host: item.value for item in imports if item.value}
    heard = _wait(aws, list(sent.values()), timeout)
    return [_outcome(probe, sent.get(probe.host), failed.get(probe.host, ""), heard) for probe in probes]


def _by_sender(probes: list[Probe]) -> dict[str, list[Probe]]:
    found: dict[str, list[Probe]] = {}
    for probe in probes:
        found.setdefault(probe.sender.host, []).append(probe)
    return found


def _listen(aws: Clients, cleanup: Cleanup, probes: list[Probe]) -> Listener:
    """Listen to the topics of all probes that have the same sender."""
    topic_arns = list(dict.fromkeys(item.arn for probe in probes for item in probe.destinations))
    return listeners.listen(aws, cleanup, probes[0].sender.settings, topic_arns)


def _import(aws: Clients, cleanup: Cleanup, heard_of: tuple[Probe, Listener]) -> _Sent:
    """Import the test findings of a probe, after archiving those that earlier canaries left behind."""
    probe, listener = heard_of
    matched = _matching_rules(aws, probe)
    settings = probe.target.settings
    call = partial(aws.call, settings.source, settings.region, "securityhub")
    test_findings = [item.asff for item in probe.findings]
    leftovers = call(securityhub.get_findings, probe.leftovers)
    if leftovers:
        call(securityhub.batch_import_findings, _archived(leftovers[:100]))
    with cleanup.creating():
        # Before the call: if its answer is lost, there may be findings all the same.
        cleanup.add(settings.host, lambda: call(securityhub.batch_import_findings, _archived(test_findings)))
        at = time.monotonic()
        call(securityhub.batch_import_findings, test_findings)
    return _Sent(probe, listener, matched, at)


def _archived(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    now = datetime.datetime.now(datetime.timezone.utc)
    return [findings.archived(asff, now) for asff in listed]


def _matching_rules(aws: Clients, probe: Probe) -> dict[Pair, tuple[str, ...]]:
    """Return the names of the enabled rules that match, by finding and topic. EventBridge evaluates their patterns."""
    settings = probe.sender.settings
    call = partial(aws.call, settings.source, settings.region, "events")
    live = call(events.list_rules, settings.name)
    found: dict[Pair, tuple[str, ...]] = {}
    for rule in forwarding.rules_of(probe.sender):
        live_rule = live.get(rule.name)
        if live_rule is None or live_rule.get("State") == "DISABLED":
            continue
        for finding in probe.findings:
            if rule.route in finding.topics and call(events.matches, live_rule["EventPattern"], finding.event):
                pair = (finding.id, rule.route)
                found[pair] = (*found.get(pair, ()), rule.name)
    return found


def _wait(aws: Clients, sent: list[_Sent], timeout: float) -> _Heard:
    """Receive from all listeners, in rounds, until nothing more can arrive or *timeout* seconds are over."""
    deadline = time.monotonic() + timeout
    heard = _Heard({}, {}, frozenset())
    while time.monotonic() < deadline:
        waiting = {item.listener.queue_url: item.listener for item in sent if item.is_waiting(heard.arrived)}
        waiting = {url: listener for url, listener in waiting.items() if url not in heard.failed}
        if not waiting:
            return heard
        heard = _next_round(aws, sent, list(waiting.values()), heard)
    return replace(heard, failed={**dict.fromkeys(heard.vanished, messages.QUEUE_DELETED), **heard.failed})


def _next_round(aws: Clients, sent: list[_Sent], waiting: list[Listener], heard: _Heard) -> _Heard:
    """Receive once from each listener that is *waiting*, and return what has been received so far."""
    sent_at = {finding.id: item.at for item in sent for finding in item.probe.findings}
    outcomes = parallel.each(partial(listeners.receive, aws), waiting)
    arrived = {
        (finding, arn.rpartition(":")[2]): round(outcome.value.time - sent_at[finding], 1)
        for outcome in outcomes
        if outcome.value
        for finding, arn in outcome.value.messages
        if finding in sent_at
    }
    failed = {outcome.item.queue_url: errors.explain(outcome.error) for outcome in outcomes if outcome.error}
    vanished = frozenset(item.item.queue_url for item in outcomes if item.value is None and item.error is None)
    # The first arrival counts.
    return _Heard({**arrived, **heard.arrived}, {**heard.failed, **failed}, vanished)


def _outcome(probe: Probe, sent: _Sent | None, failed: str, heard: _Heard) -> ProbeOutcome:
    if sent is None:
        return ProbeOutcome(probe, probe.error or failed)
    wanted = [(finding.id, topic) for finding in probe.findings for topic in finding.topics]
    arrived = {pair: heard.arrived[pair] for pair in wanted if pair in heard.arrived}
    # A listener that failed after everything had arrived does not matter.
    error = heard.failed.get(sent.listener.queue_url, "") if len(arrived) < len(wanted) else ""
    return ProbeOutcome(probe, error, sent.listener, sent.matched, arrived)
