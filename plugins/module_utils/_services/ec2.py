# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any


def describe_regions(client: Any) -> list[str]:
    """Return the names of the regions that the account has enabled; without AllRegions AWS leaves out the others."""
    return [region["RegionName"] for region in client.describe_regions()["Regions"]]
