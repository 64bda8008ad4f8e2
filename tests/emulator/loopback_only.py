# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse connections of this process to anything but loopback, whichever library opens them."""

from __future__ import annotations

import sys
from typing import Any


def install() -> None:
    """Allow connections to loopback and Unix sockets only. Cannot be undone."""
    sys.addaudithook(_check)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        raise ConnectionRefusedError(f"the emulator does not connect to {address[0]}")


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("localhost", "::1")
