# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a canary, as the module returns it and as a terminal shows it: pure. PRIVATE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._canary import channels
from .._canary import messages
from .._canary import probes
from .._channel import metrics
from .text import LISTED_AT_MOST
from .text import WIDTH
from .text import count
from .text import each_once
from .text import row
from .text import wrapped

if TYPE_CHECKING:
    from .._canary.channels import ChannelOutcome
    from .._canary.probes import ProbeOutcome
    from .._resource.shapes import Json

SIGNS = {True: "ok", False: "XX", None: "-"}
HOST_WIDTH = WIDTH - 44  # what the columns leave, and the margins


def result(outcomes: list[ProbeOutcome], channel_outcomes: list[ChannelOutcome]) -> Json:
    """Return what the module returns."""
    found = [outcome.state for outcome in outcomes]
    channel_failed = any(outcome.state == channels.FAILED for outcome in channel_outcomes)
    return {
        "changed": any(outcome.imported for outcome in outcomes) or probes.READY in found,
        "healthy": probes.LOST not in found and probes.FAILED not in found and not channel_failed,
        "summary": {"targets": len(found), **{state: found.count(state) for state in probes.STATES}},
        "targets": {outcome.probe.host: _target(outcome) for outcome in outcomes},
        "channels": [_channel(outcome) for outcome in channel_outcomes],
        "msg": summary(outcomes, channel_outcomes),
    }


def _target(outcome: ProbeOutcome) -> Json:
    probe = outcome.probe
    return {
        "account_id": probe.account_id,
        "region": probe.settings.region,
        "state": outcome.state,
        "findings": [
            {"id": item.id, "severity": item.severity, "topics": list(item.topics)} for item in probe.findings
        ],
        "steps": outcome.steps,
        "rules": sorted({rule for rules in outcome.matched.values() for rule in rules}),
        "topics": {
            topic: max(seconds for (_finding, name), seconds in outcome.arrived.items() if name == topic)
            for topic in sorted({topic for _finding, topic in outcome.arrived})
        },
        "untested": list(probe.untested),
        "unconfirmed": outcome.unconfirmed,
        "seconds": outcome.seconds,
        "msg": message(outcome),
    }


def _channel(outcome: ChannelOutcome) -> Json:
    return {
        "account_id": outcome.design.account.id,
        "configuration": outcome.configuration,
        "platform": outcome.platform.name,
        "channel_id": outcome.channel_id,
        "expected": outcome.expected,
        "delivered": outcome.posted,
        "failed": outcome.failed,
        "state": outcome.state,
    }


def summary(outcomes: list[ProbeOutcome], channel_outcomes: list[ChannelOutcome]) -> str:
    """Return the outcome in a sentence."""
    found = [outcome.state for outcome in outcomes]
    words = {probes.ARRIVED: "arrived"} if _is_posted(channel_outcomes) else {probes.ARRIVED: "reached the topic"}
    parts = [f"{found.count(state)} {words.get(state, state)}" for state in probes.STATES if state in found]
    if not _is_posted(channel_outcomes):
        parts.append(_posted(channel_outcomes))
    failed: dict[str, list[str]] = {}
    for outcome in channel_outcomes:
        if outcome.state == channels.FAILED:
            failed.setdefault(outcome.platform.name, []).append(outcome.channel_id)
    text = f"{count(len(found), 'target')}: {', '.join(parts)}."
    if set(found) == {probes.SKIPPED}:
        text += " Nothing was tested."
    if probes.nothing_published(outcomes):
        text += f" {messages.NOTHING_PUBLISHED}"
    return text + "".join(f" Not posted to {name}: {', '.join(ids)}." for name, ids in failed.items())


def _is_posted(channel_outcomes: list[ChannelOutcome]) -> bool:
    """Return whether all messages that are expected in channels are posted, as far as metrics show."""
    return all(outcome.state in (channels.DELIVERED, channels.NOTHING) for outcome in channel_outcomes)


def _posted(channel_outcomes: list[ChannelOutcome]) -> str:
    posted = sum(min(outcome.posted, outcome.expected) for outcome in channel_outcomes)
    expected = sum(outcome.expected for outcome in channel_outcomes)
    is_lost = any(outcome.state == channels.FAILED for outcome in channel_outcomes)
    return f"{posted} of {expected} posted" + ("" if is_lost else " as far as is known yet")


def message(outcome: ProbeOutcome) -> str:
    """Return the outcome for one target in words: for a failure or loss its cause and remedy."""
    probe = outcome.probe
    if outcome.error:
        return outcome.error
    if outcome.left_behind:
        return messages.LEFT_BEHIND.format(reason=outcome.left_behind[0].rstrip("."))
    if probe.skipped:
        return probe.skipped
    if outcome.state == probes.LOST:
        return " ".join(dict.fromkeys(loss.sentence for loss in outcome.losses))
    severities = " and ".join(finding.severity for finding in probe.findings)
    remarks = "".join(f"; {remark}" for remark in _remarks(outcome))
    if outcome.state == probes.ARRIVED:
        return f"{severities}, {outcome.seconds:.1f} s{remarks}"
    names = dict.fromkeys(item.channel.channel_id if item.channel else item.topic for item in probe.destinations)
    return f"would send {severities} to {' and '.join(names)}{remarks}"


def _remarks(outcome: ProbeOutcome) -> list[str]:
    """Return what the test findings could not show."""
    untested, unconfirmed = outcome.probe.untested, outcome.unconfirmed
    found = [f"not tested: {', '.join(untested)}"] if untested else []
    return found + (
        [f"receivers that have not confirmed: {', '.join(unconfirmed)}. {messages.CHECK}"] if unconfirmed else []
    )


def table(outcomes: list[ProbeOutcome], channel_outcomes: list[ChannelOutcome]) -> list[str]:
    """Return a table of targets and steps, then in words what did not arrive and why."""
    channel_lines = [wrapped(_channel_line(outcome)) for outcome in channel_outcomes]
    words = each_once((outcome.probe.host, _words(outcome)) for outcome in outcomes)
    parts = [_steps(outcomes), words, *channel_lines, wrapped(summary(outcomes, channel_outcomes))]
    return [line for part in parts if part for line in ("", *part)]


def _steps(outcomes: list[ProbeOutcome]) -> list[str]:
    sent = [outcome for outcome in outcomes if outcome.listener and not outcome.error]
    if not sent:
        return []
    shown = sent
    if len(sent) > LISTED_AT_MOST:
        shown = [outcome for outcome in sent if outcome.state != probes.ARRIVED]
    width = min(HOST_WIDTH, max([len("TARGET"), *(len(outcome.probe.host) for outcome in shown)]))
    headings = "".join(f"  {heading.upper()}" for heading in (*probes.STEPS, "seconds"))
    lines = [f"  {'TARGET':{width}}{headings}", *(line for outcome in shown for line in _row(outcome, width))]
    if len(shown) < len(sent):
        lines.append(f"  and {count(len(sent) - len(shown), 'target')} where everything arrived")
    return lines


def _row(outcome: ProbeOutcome, width: int) -> list[str]:
    cells = "".join(f"  {SIGNS[worked]:>{len(step)}}" for step, worked in outcome.steps.items())
    seconds = "-" if outcome.seconds is None else f"{outcome.seconds:.1f}"
    cells += f"  {seconds:>7}"
    return row(outcome.probe.host, width, cells)


def _words(outcome: ProbeOutcome) -> str:
    """Return what the table of steps does not show, '' for nothing."""
    if outcome.state == probes.ARRIVED:
        return "; ".join(_remarks(outcome))
    if outcome.state in (probes.LOST, probes.FAILED):
        return f"{outcome.state.upper()}: {message(outcome)}"
    return f"{probes.SKIPPED}: {message(outcome)}" if outcome.state == probes.SKIPPED else message(outcome)


def failures(outcomes: list[ProbeOutcome], channel_outcomes: list[ChannelOutcome]) -> dict[str, list[str]]:
    """Return, by host, why its test findings did not arrive; hosts whose test findings have arrived are left out."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        arns = {destination.arn for destination in outcome.probe.destinations}
        if outcome.state in (probes.LOST, probes.FAILED):
            reasons = [message(outcome)]
        else:
            lost = (item for item in channel_outcomes if item.state == channels.FAILED and arns & item.topics)
            reasons = [_channel_line(item).strip() for item in lost]
        if reasons:
            found[outcome.probe.host] = reasons
    return found


def proof(outcomes: list[ProbeOutcome], channel_outcomes: list[ChannelOutcome]) -> list[str]:
    """Return the lines that a deployment prints about its test findings, besides the targets that have failed."""
    posted = [_channel_line(outcome).strip() for outcome in channel_outcomes if outcome.state != channels.FAILED]
    return [line for text in (*posted, f"Canary: {summary(outcomes, channel_outcomes)}") for line in wrapped(text)]


def _channel_line(outcome: ChannelOutcome) -> str:
    head = f"  {outcome.platform.name} channel {outcome.channel_id} ({outcome.configuration}): "
    expected = count(outcome.expected, "message")
    if outcome.state == channels.NOTHING:
        return f"{head}No test finding has arrived yet."
    if outcome.state == channels.DELIVERED:
        return f"{head}Amazon Q posted {expected}."
    if outcome.state == channels.NOT_SEEN:
        return (
            f"{head}Amazon Q's metrics are not available yet. Check the channel: it should show {expected}. "
            f"Otherwise, {outcome.platform.invite}."
        )
    refused = outcome.more(metrics.FAILED)
    if refused:
        return (
            f"{head}LOST: Amazon Q could not post {count(refused, 'message')}. Check that the channel exists "
            f"and is not archived, and {outcome.platform.invite}. Then run the canary again."
        )
    throttled = outcome.more(metrics.THROTTLED)
    if throttled:
        return (
            f"{head}LOST: Amazon Q throttled {count(throttled, 'message')}. It shows up to 10 a second, and other "
            "messages came too. Run the canary again."
        )
    unsupported = count(outcome.more(metrics.UNSUPPORTED), "message")
    return f"{head}LOST: Amazon Q did not understand {unsupported}. {messages.REPAIR}"
