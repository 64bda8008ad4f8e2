# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Security Token Service: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any


def get_caller_identity(client: Any) -> dict[str, Any]:
    """Return Account, Arn and UserId of the credentials that sign the call."""
    identity: dict[str, Any] = client.get_caller_identity()
    return identity
