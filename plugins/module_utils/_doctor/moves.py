# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts a channel chooses that its deployed event rules do not, and the reverse: pure. PRIVATE."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

from .._aws.names import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .evidence import Evidence


def moves(evidence: Evidence) -> list[tuple[str, set[str], set[str]]]:
    """Return for each topic whose channel chooses other accounts than its rules: the missing and the surplus ones.

    A topic whose rules, deployed or desired, do not name accounts gets the findings of all, so nothing has moved.
    """
    path = evidence.target.live.path
    if path is None:
        return []
    wanted: dict[str, set[str]] = {}
    for rule in evidence.desired.stack.rules:
        wanted.setdefault(rule.topic, set()).update(_accounts(rule.pattern))
    deployed: dict[str, set[str]] = {}
    for name, live in path.rules.items():
        for target in path.targets.get(name) or []:
            topic = str(target["Arn"]).rpartition(":")[2]
            deployed.setdefault(topic, set()).update(_accounts(json.loads(live.get("EventPattern") or "{}")))
    both = ((topic, accounts, deployed.get(topic, set())) for topic, accounts in wanted.items())
    return [(topic, new - old, old - new) for topic, new, old in both if new and old and new != old]


def _accounts(pattern: Any) -> Iterator[str]:
    """Yield the accounts that a pattern names as values, not those that it excludes."""
    for key, value in pattern.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and "anything-but" not in item:
                yield from _accounts(item)
            if key in ("AwsAccountId", "uid") and isinstance(item, str) and ACCOUNT_ID.fullmatch(item):
                yield item
