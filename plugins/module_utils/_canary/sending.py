# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends test findings through the targets and waits until they arrive. PRIVATE to the collection.

Everything that is created on the way is deleted again, also when a call fails or the run is interrupted. The next
canary deletes what a killed run has left behind.
"""

from __future__ import annotations

import datetime
import itertools
import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._model import names
from .._plan import forwarding
from .._services import events
from .._services import securityhub
from . import findings
from . import listeners
from . import messages
from .cleanup import Cleanup
from .cleanup import interrupts_raise
from .probes import ProbeOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._aws.progress import Progress
    from .._model.plan import TargetDesign
    from .._resource.shapes import Json
    from .listeners import Listener
    from .listeners import Received
    from .probes import Pair
    from .probes import Probe

# Amazon Q shows up to ten messages a second in a channel; others may come at the same time.
FINDINGS_PER_SECOND = 5
# EventBridge may not send events to a new rule yet, so a finding that has not arrived by then is imported once more.
SECONDS_UNTIL_REPEAT = 20.0
SETTLE_SECONDS = 2.0  # until a new subscription receives everything that is published


def send(aws: Clients, probes: Sequence[Probe], timeout: float, progress: Progress) -> list[ProbeOutcome]:
    """Send all test findings, wait up to *timeout* seconds until they arrive, clean up, and return the outcomes."""
    cleanup = Cleanup()
    with interrupts_raise():
        try:
            progress.now("Sending test findings")
            outcomes = _wait(aws, _import_all(aws, cleanup, probes), timeout, progress)
            progress.now("Deleting test resources")
            undone = cleanup.undo()
        except BaseException as error:
            # The process ends anyway, but must not leave anything behind.
            if isinstance(error, KeyboardInterrupt):
                progress.now(messages.INTERRUPTED)
            reasons = [reason for found in cleanup.undo().values() for reason in found]
            progress.now("", messages.LEFT_BEHIND.format(reason=reasons[0]) if reasons else messages.NOTHING_LEFT)
            raise
    return [_cleaned_up(outcome, undone) for outcome in outcomes]


def _cleaned_up(outcome: ProbeOutcome, undone: Mapping[str, tuple[str, ...]]) -> ProbeOutcome:
    host = outcome.probe.host
    queue_url = outcome.listener.queue_url if outcome.listener else ""
    left_behind = (*undone.get(host, ()), *undone.get(queue_url, ()))
    return replace(outcome, imported=host in undone, left_behind=left_behind)


def _import_all(aws: Clients, cleanup: Cleanup, probes: Sequence[Probe]) -> list[ProbeOutcome]:
    """Listen to all topics, then import all test findings."""
    topics: dict[str, tuple[TargetDesign, list[str]]] = {}
    for probe in probes:
        if probe.sender:
            _sender, arns = topics.setdefault(probe.sender.host, (probe.sender, []))
            arns += [item.arn for item in probe.destinations if item.arn not in arns]
    opened = parallel.each(partial(_listen, aws, cleanup), topics.values())
    listening = {outcome.item[0].host: outcome for outcome in opened}
    time.sleep(SETTLE_SECONDS if any(outcome.value for outcome in opened) else 0)
    numbers: dict[str, itertools.count[int]] = defaultdict(itertools.count)
    paces = {probe.host: next(numbers[probe.account_id]) / FINDINGS_PER_SECOND for probe in probes if probe.sender}
    return parallel.recovered(
        partial(_import, aws, cleanup, listening, paces),
        probes,
        lambda probe, error: ProbeOutcome(probe, errors.explain(error)),
    )


def _listen(aws: Clients, cleanup: Cleanup, heard: tuple[TargetDesign, list[str]]) -> Listener:
    sender, arns = heard
    of_receivers = names.receiver_topic_arns(sender.settings, sender.account) if sender.account else ()
    return listeners.listen(aws, cleanup, sender.settings, arns, of_receivers)


def _import(
    aws: Clients, cleanup: Cleanup, listening: Mapping[str, Any], paces: Mapping[str, float], probe: Probe
) -> ProbeOutcome:
    """Import the test findings of a probe, after archiving those that earlier canaries left behind.

    *paces*: by host, after how many seconds.
    """
    if probe.sender is None:
        return ProbeOutcome(probe, probe.error)
    opened = listening[probe.sender.host]
    if opened.error:
        raise opened.error
    settings = probe.settings
    matched = _matching_rules(aws, probe, probe.sender)
    call = partial(aws.call, settings.source, settings.region, "securityhub")
    test_findings = [item.asff for item in probe.findings]
    leftovers = call(securityhub.get_findings, probe.leftovers)
    if leftovers:
        call(securityhub.batch_import_findings, _archived(leftovers[:100]))
    time.sleep(paces[probe.host])
    with cleanup.creating():
        # Before the call: if its answer is lost, there may be findings all the same.
        cleanup.add(probe.host, lambda: call(securityhub.batch_import_findings, _archived(test_findings)))
        sent_at = time.monotonic()
        call(securityhub.batch_import_findings, test_findings)
    return ProbeOutcome(probe, listener=opened.value, sent_at=sent_at, matched=matched)


def _archived(listed: Iterable[Json]) -> list[Json]:
    now = datetime.datetime.now(datetime.timezone.utc)
    return [findings.archived(asff, now) for asff in listed]


def _matching_rules(aws: Clients, probe: Probe, sender: TargetDesign) -> dict[Pair, tuple[str, ...]]:
    """Return the names of the enabled rules that match, by finding and topic. EventBridge evaluates their patterns."""
    call = partial(aws.call, sender.settings.source, sender.settings.region, "events")
    live = call(events.list_rules, sender.settings.name)
    found: dict[Pair, tuple[str, ...]] = {}
    for rule in forwarding.rules_of(sender):
        live_rule = live.get(rule.name)
        if live_rule is None or live_rule.get("State") == "DISABLED":
            continue
        for finding in probe.findings:
            if rule.topic in finding.topics and call(events.matches, live_rule["EventPattern"], finding.event):
                pair = (finding.id, rule.topic)
                found[pair] = (*found.get(pair, ()), rule.name)
    return found


def _wait(aws: Clients, outcomes: list[ProbeOutcome], timeout: float, progress: Progress) -> list[ProbeOutcome]:
    """Receive from all listeners, in rounds, until nothing more can arrive or *timeout* seconds are over."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        waiting = {item.listener.queue_url: item.listener for item in outcomes if item.listener and _may_arrive(item)}
        if not waiting:
            break
        progress.now(
            f"Waiting for the test findings of {', '.join(item.probe.host for item in outcomes if _may_arrive(item))}"
        )
        received = parallel.each(partial(listeners.receive, aws), waiting.values())
        by_queue = {outcome.item.queue_url: outcome for outcome in received}
        outcomes = [_with(item, by_queue.get(item.listener.queue_url if item.listener else "")) for item in outcomes]
        late = [item for item in outcomes if _is_late(item)]
        parallel.each(partial(_import_again, aws), late)
        outcomes = [replace(item, repeated=True) if item in late else item for item in outcomes]
    return [
        replace(item, error=messages.QUEUE_DELETED) if item.queue_is_missing and not item.error else item
        for item in outcomes
    ]


def _may_arrive(outcome: ProbeOutcome) -> bool:
    """Tell whether a finding that a rule matches has not arrived yet."""
    return not outcome.error and any(pair in outcome.matched for pair in outcome.missing)


def _is_late(outcome: ProbeOutcome) -> bool:
    return _may_arrive(outcome) and not outcome.repeated and outcome.sent_at + SECONDS_UNTIL_REPEAT < time.monotonic()


def _import_again(aws: Clients, outcome: ProbeOutcome) -> None:
    """Import the test findings of a probe once more: each update sends another event."""
    settings, now = outcome.probe.settings, datetime.datetime.now(datetime.timezone.utc)
    updated = [{**item.asff, "UpdatedAt": findings.timestamp(now)} for item in outcome.probe.findings]
    aws.call(settings.source, settings.region, "securityhub", securityhub.batch_import_findings, updated)


def _with(outcome: ProbeOutcome, received: parallel.Outcome[Listener, Received | None] | None) -> ProbeOutcome:
    """Return the outcome with what its listener has received. A failed listener fails it unless all has arrived."""
    if received is None or not outcome.missing:
        return outcome
    if received.error:
        return replace(outcome, error=outcome.error or errors.explain(received.error))
    if received.value is None:
        return replace(outcome, queue_is_missing=True)
    seconds = round(received.value.time - outcome.sent_at, 1)
    heard = {(finding, arn.rpartition(":")[2]) for finding, arn in received.value.messages}
    arrived = {pair: seconds for pair in outcome.missing if pair in heard}
    return replace(outcome, arrived={**outcome.arrived, **arrived}, queue_is_missing=False)
