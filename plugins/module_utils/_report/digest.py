# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a digest, as the module returns it and as a terminal shows it: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .text import count
from .text import failed
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._digest.digests import CountedTarget
    from .._digest.digests import Delivery

NOTHING_TO_COUNT = "No digest: no target that could be read forwards findings automatically."


def result(
    targets: Sequence[CountedTarget],
    deliveries: Sequence[Delivery],
    notifications: Sequence[dict[str, Any]],
    notices: Sequence[str],
    *,
    check: bool,
) -> dict[str, Any]:
    """Return what the module returns. *notifications*: those of the deliveries."""
    published = sum(item.published for item in deliveries)
    unpublished = sum(bool(item.problem) for item in deliveries)
    return {
        "changed": len(deliveries) > unpublished if check else published > 0,
        "digests": [_digest(item, text["content"]) for item, text in zip(deliveries, notifications)],
        "targets": {target.host: _target(target) for target in targets},
        "summary": {
            "digests": len(deliveries),
            "published": published,
            "unpublished": unpublished,
            "failed": sum(bool(target.problems) for target in targets),
        },
        "notices": list(notices),
    }


def _target(target: CountedTarget) -> dict[str, Any]:
    return {
        "account_id": target.account_id,
        "region": target.settings.region,
        "findings": len(target.findings or ()),
        "failed": bool(target.problems),
        "msg": target.error,
    }


def _digest(delivery: Delivery, content: dict[str, Any]) -> dict[str, Any]:
    digest = delivery.digest
    return {
        "account_id": digest.design.account.id,
        "platform": digest.channel.platform.name,
        "channel_id": digest.channel.channel_id,
        "topic": digest.topic,
        "region": delivery.region,
        "published": delivery.published,
        "title": content["title"],
        "text": [*content["description"].split("\n"), *content.get("nextSteps", ())],
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


def table(result: dict[str, Any], *, check: bool) -> list[str]:
    """Return each digest as the channel shows it, and what failed, in lines for a terminal."""
    lines = []
    for digest in result["digests"]:
        lines += ["", *wrapped(digest["title"])]
        lines += [line for text in digest["text"] for line in wrapped(f"  {text}")]
        lines += wrapped(_delivery(digest, check))
    if not result["digests"]:
        lines += ["", NOTHING_TO_COUNT]
    lines += notes(result["notices"])
    lines += failed((host, target["msg"]) for host, target in result["targets"].items() if target["failed"])
    return [*lines, "", _summary(result["summary"], check=check)]


def failure(result: dict[str, Any], *, check: bool) -> str:
    """Return that a digest is missing or incomplete, '' if none is."""
    summary = result["summary"]
    if not summary["failed"] and not summary["unpublished"]:
        return ""
    return f"{_summary(summary, check=check)} The lines above that begin with FAILED say why and what to do."


def _delivery(digest: dict[str, Any], check: bool) -> str:
    channel = f"{digest['platform']} channel {digest['channel_id']}"
    if digest["failed"]:
        return f"FAILED: {channel}: {digest['msg']}"
    verb = "Would be sent" if check else "Sent"
    return f"{verb} to {channel} through {digest['region']}."


def _summary(summary: dict[str, int], *, check: bool) -> str:
    sent = summary["digests"] - summary["unpublished"]
    verb = "would be sent" if check else "sent"
    failed_targets = count(summary["failed"], "target")
    digests = count(summary["digests"], "digest")
    return f"{digests}: {sent} {verb}, {summary['unpublished']} failed. {failed_targets} failed."
