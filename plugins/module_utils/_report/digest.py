# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a digest, as the module returns it and as a terminal shows it: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import count
from .text import failed
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._digest.digests import CountedTarget
    from .._digest.digests import Delivery
    from .._resource.shapes import Json

NOTHING_TO_COUNT = "No digest: no target that could be read forwards findings automatically."


def result(
    targets: Sequence[CountedTarget], deliveries: Sequence[Delivery], notices: Sequence[str], *, check: bool
) -> Json:
    """Return what the module returns."""
    published = sum(item.published for item in deliveries)
    unpublished = sum(bool(item.problem) for item in deliveries)
    return {
        "changed": len(deliveries) > unpublished if check else published > 0,
        "digests": [_digest(item) for item in deliveries],
        "targets": {target.host: _target(target) for target in targets},
        "summary": {
            "digests": len(deliveries),
            "published": published,
            "unpublished": unpublished,
            "failed": sum(bool(target.problems) for target in targets),
        },
        "notices": list(notices),
    }


def _target(target: CountedTarget) -> Json:
    return {
        "account_id": target.account_id,
        "region": target.settings.region,
        "findings": len(target.findings or ()),
        "failed": bool(target.problems),
        "msg": target.error,
    }


def _digest(delivery: Delivery) -> Json:
    digest = delivery.digest
    return {
        "account_id": digest.design.account.id,
        "platform": digest.channel.platform.name,
        "channel_id": digest.channel.channel_id,
        "topic": digest.topic,
        "region": delivery.region,
        "published": delivery.published,
        "title": delivery.notification["content"]["title"],
        "text": _text(delivery),
        "severities": digest.counts.severities,
        "new": digest.counts.new,
        "new_before": digest.counts.new_before,
        "oldest_days": digest.counts.oldest_days,
        "overdue": digest.counts.overdue,
        "counted": [target.host for target in digest.counted],
        "missing": list(digest.missing),
        "failed": bool(delivery.problem),
        "msg": delivery.problem,
    }


def _text(delivery: Delivery) -> list[str]:
    content = delivery.notification["content"]
    return [*content["description"].split("\n"), *content.get("nextSteps", ())]


def table(
    targets: Sequence[CountedTarget], deliveries: Sequence[Delivery], notices: Sequence[str], *, check: bool
) -> list[str]:
    """Return each digest as the channel shows it, and what failed, in lines for a terminal."""
    lines = []
    for delivery in deliveries:
        lines += ["", *wrapped(delivery.notification["content"]["title"])]
        lines += [line for text in _text(delivery) for line in wrapped(f"  {text}")]
        lines += wrapped(_delivery(delivery, check))
    if not deliveries:
        lines += ["", NOTHING_TO_COUNT]
    lines += notes(notices)
    lines += failed((target.host, target.error) for target in targets if target.problems)
    return [*lines, "", _summary(targets, deliveries, check=check)]


def failure(targets: Sequence[CountedTarget], deliveries: Sequence[Delivery], *, check: bool) -> str:
    """Return that a digest is missing or incomplete, '' if none is."""
    if not any(target.problems for target in targets) and not any(item.problem for item in deliveries):
        return ""
    summary = _summary(targets, deliveries, check=check)
    return f"{summary} The lines above that begin with FAILED say why and what to do."


def _delivery(delivery: Delivery, check: bool) -> str:
    channel = f"{delivery.digest.channel.platform.name} channel {delivery.digest.channel.channel_id}"
    if delivery.problem:
        return f"FAILED: {channel}: {delivery.problem}"
    verb = "Would be sent" if check else "Sent"
    return f"{verb} to {channel} through {delivery.region}."


def _summary(targets: Sequence[CountedTarget], deliveries: Sequence[Delivery], *, check: bool) -> str:
    unpublished = sum(bool(item.problem) for item in deliveries)
    verb = "would be sent" if check else "sent"
    failed_targets = count(sum(bool(target.problems) for target in targets), "target")
    digests = count(len(deliveries), "digest")
    return f"{digests}: {len(deliveries) - unpublished} {verb}, {unpublished} failed. {failed_targets} failed."
