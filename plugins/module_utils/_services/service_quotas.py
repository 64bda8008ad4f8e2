# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Quotas: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

from .refusals import existing


def get_service_quota(client: Any, service: str, quota: str) -> int | None:
    """Return the value of a quota (a code such as L-244521F2) in the client's region, or None if AWS has none there."""
    return existing(
        lambda: int(client.get_service_quota(ServiceCode=service, QuotaCode=quota)["Quota"]["Value"]),
        client.exceptions.NoSuchResourceException,
    )
