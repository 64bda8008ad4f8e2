# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Account Management: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any


def list_enabled_regions(client: Any) -> list[str]:
    """Return the names of the regions that the account has enabled."""
    pages = client.get_paginator("list_regions").paginate(RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"])
    return [region["RegionName"] for page in pages for region in page["Regions"]]
