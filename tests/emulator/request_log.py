# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of AWS requests: caller, operation, region, status, and whether the call writes."""

from __future__ import annotations

import datetime

from aws_request import AwsRequest

KEPT = 500_000


class RequestLog:
    """Entries as the control API returns them. Numbers continue after the log is emptied."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self.count = 0

    def clear(self) -> None:
        """Remove the entries; the count continues."""
        self.entries = []

    def add(self, request: AwsRequest, account: str, caller: str, status: int) -> None:
        """Add a request of a caller (an ARN) with the status of its answer; 0 for a broken connection."""
        self.count += 1
        if len(self.entries) >= KEPT:
            del self.entries[: KEPT // 2]
        self.entries.append(
            {
                "n": self.count,
                "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
                "account": account,
                "caller": caller,
                "region": request.region,
                "service": request.service,
                "operation": request.operation,
                "status": status,
                "write": request.writes,
            }
        )

    def since(self, n: int) -> list[dict]:
        """Return the entries after number n."""
        return [entry for entry in self.entries if entry["n"] > n] if n else self.entries
