# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS account. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field


@dataclass(frozen=True)
class Account:
    """An AWS account, as GetCallerIdentity names it.

    *caller*: the ARN of the credentials; several credentials may belong to one account.
    """

    id: str
    partition: str
    caller: str = field(default="", compare=False)
