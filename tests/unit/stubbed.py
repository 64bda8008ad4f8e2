# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed calls for tests that bring their own client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any


@dataclass
class Stubbed:
    """A Caller that passes one client, such as a stubbed one, to every function; remembers the attempts asked for."""

    client: Any = None
    attempts: list[int | None] = field(default_factory=list)

    @property
    def region(self) -> str:
        return str(self.client.meta.region_name)

    def call(
        self, service: str, function: Callable[..., Any], *arguments: Any, attempts: int | None = None, region: str = ""
    ) -> Any:
        self.attempts.append(attempts)
        return function(self.client, *arguments)
