# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request rates as AWS allows them: a token bucket for each account, region and row of quotas.yml."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Callable

import yaml

TABLE = Path(__file__).resolve().with_name("quotas.yml")
# Services with one endpoint: their quotas are of the account, whatever region signs.
GLOBAL = frozenset({"iam", "organizations", "account", "chatbot"})


@dataclass
class Bucket:
    """Tokens left, and when they were counted."""

    tokens: float
    counted: float


class Quotas:
    """The buckets in use. now: returns seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rows: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
        self.clear()

    def clear(self) -> None:
        """Fill all buckets."""
        self._buckets: dict[tuple[Any, ...], Bucket] = {}

    def allow(self, account: str, region: str, service: str, operation: str) -> bool:
        """Take a token for a request, and return whether there was one."""
        found = next(
            (
                (number, row)
                for number, row in enumerate(self._rows)
                if row["service"] == service and operation in row.get("operations", [operation])
            ),
            None,
        )
        if found is None:
            return True
        number, row = found
        shared = row.get("shared") or "operations" in row
        key = (account, "" if service in GLOBAL else region, number, "" if shared else operation)
        now = self._now()
        bucket = self._buckets.setdefault(key, Bucket(row["burst"], now))
        bucket.tokens = min(row["burst"], bucket.tokens + (now - bucket.counted) * row["rate"])
        bucket.counted = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
