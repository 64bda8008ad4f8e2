# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STS: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any
from typing import TypedDict


class CallerIdentity(TypedDict):
    """Whose credentials sign, with the keys that are used here."""

    Account: str
    Arn: str


def get_caller_identity(client: Any) -> CallerIdentity:
    """Return the account and the ARN of the credentials that sign; needs no permission."""
    answer: CallerIdentity = client.get_caller_identity()
    return answer
