# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests for people and for programs: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._pipeline.report import count
from .._pipeline.report import failed
from .._pipeline.report import notices
from .._pipeline.report import wrapped

if TYPE_CHECKING:
    from .run import Digest
    from .run import Digests

NOTHING_TO_COUNT = "No digest: none of these targets that did not fail sends findings by itself."


def result(found: Digests) -> dict[str, Any]:
    """Return what the module returns."""
    digests = [_digest(digest) for digest in found.digests]
    return {
        "changed": any(not item["failed"] for item in digests) if found.check else _published(digests) > 0,
        "digests": digests,
        "targets": {
            target.host: {
                "account_id": target.account_id,
                "region": target.settings.region,
                "findings": found.found.get(target.host, 0),
                "failed": bool(target.error),
                "msg": target.error,
            }
            for target in found.targets
        },
        "summary": {
            "digests": len(digests),
            "published": _published(digests),
            "unpublished": sum(item["failed"] for item in digests),
            "failed": sum(bool(target.error) for target in found.targets),
        },
        "notices": notices(found.accounts),
    }


def _published(digests: list[dict[str, Any]]) -> int:
    return sum(item["published"] for item in digests)


def _digest(digest: Digest) -> dict[str, Any]:
    content = digest.notification["content"]
    return {
        "account_id": digest.account.account.id,
        "channel_id": digest.channel.channel_id,
        "topic": digest.topic,
        "region": digest.region,
        "published": digest.published,
        "title": content["title"],
        "text": [*digest.said, *content.get("nextSteps", ())],
        "severities": digest.counts.severities,
        "new": digest.counts.new,
        "oldest_days": digest.counts.oldest_days,
        "counted": [target.host for target in digest.counted],
        "missing": [target.host for target in digest.missing],
        "failed": bool(digest.problem),
        "msg": digest.problem,
    }


def table(outcome: dict[str, Any], *, check: bool) -> list[str]:
    """Return the lines for a terminal of 80 columns: each digest as it is read in the channel, and what went wrong."""
    lines = []
    for digest in outcome["digests"]:
        lines += ["", *wrapped(digest["title"])]
        lines += [line for said in digest["text"] for line in wrapped(f"  {said}")]
        lines += wrapped(_outcome(digest, check))
    if not outcome["digests"]:
        lines += ["", NOTHING_TO_COUNT]
    lines += [line for notice in outcome["notices"] for line in wrapped(f"Note: {notice}")]
    lines += failed({host: target["msg"] for host, target in outcome["targets"].items() if target["failed"]})
    return [*lines, "", _summary(outcome, check=check)]


def _outcome(digest: dict[str, Any], check: bool) -> str:
    if digest["failed"]:
        return f"FAILED: Slack channel {digest['channel_id']}: {digest['msg']}"
    return f"{'Would go' if check else 'Sent'} to Slack channel {digest['channel_id']}, through {digest['region']}."


def _summary(outcome: dict[str, Any], *, check: bool) -> str:
    summary = outcome["summary"]
    sent = summary["digests"] - summary["unpublished"] if check else summary["published"]
    parts = [f"{sent} {'would be sent' if check else 'sent'}", f"{summary['unpublished']} not"]
    failed_targets = count(summary["failed"], "target")
    return f"{count(summary['digests'], 'digest')}: {', '.join(parts)}. {failed_targets} failed."
