# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags as dicts, as boto3 shapes them, and the changes between two sets: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping

    from .shapes import ChatbotTag
    from .shapes import Tag

# Tags of this collection. The value of MANAGED_TAG is the name of the deployment.
MANAGED_TAG = "secops.securityhub/managed"
DIGEST_TAG = "secops.securityhub/digest"
TOPICS_TAG = "secops.securityhub/topics"
RESPONSIBILITIES_TAG = "secops.securityhub/responsibilities"
AUTOMATION_TAG = "secops.securityhub/automation-rules"
SETTINGS_TAG = "secops.securityhub/settings"


def tags_of(resource: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the Tags of a resource, in either of boto3's shapes, as a dict; {} for None."""
    return {
        tag["TagKey" if "TagKey" in tag else "Key"]: tag["TagValue" if "TagValue" in tag else "Value"]
        for tag in (resource or {}).get("Tags") or []
    }


def boto3_tags(tags: Mapping[str, Any]) -> list[Tag]:
    """Return tags as most services take them, sorted."""
    return [{"Key": key, "Value": str(value)} for key, value in sorted(tags.items())]


def chatbot_tags(tags: Mapping[str, Any]) -> list[ChatbotTag]:
    """Return tags as Chatbot takes them, sorted."""
    return [{"TagKey": key, "TagValue": str(value)} for key, value in sorted(tags.items())]


def tag_changes(
    current: Mapping[str, str], desired: Mapping[str, Any] | None, *, purge: bool, keep: Iterable[str] = ()
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags to set, and the keys of those to remove; None for *desired* changes nothing.

    *purge*: remove tags that are not desired, except those of AWS (aws:...) and *keep*.
    """
    if desired is None:
        return {}, ()
    to_set = {key: str(value) for key, value in desired.items() if current.get(key) != str(value)}
    surplus = set(current) - set(desired) - set(keep) if purge else set()
    return to_set, tuple(sorted(key for key in surplus if not key.startswith("aws:")))


def with_changes(current: Mapping[str, str], to_set: Mapping[str, str], to_unset: Iterable[str]) -> dict[str, str]:
    """Return the tags that a resource has after the changes."""
    removed = set(to_unset)
    return {key: value for key, value in {**current, **to_set}.items() if key not in removed}
