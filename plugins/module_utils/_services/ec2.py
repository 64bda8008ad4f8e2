# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2: one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``ec2`` and raises botocore's errors.
"""

from __future__ import annotations

from typing import Any


def list_enabled_regions(client: Any) -> list[str]:
    """Return the regions that the account has enabled, including those that cannot be disabled."""
    # Without AllRegions, AWS returns only enabled regions.
    return [region["RegionName"] for region in client.describe_regions()["Regions"]]
