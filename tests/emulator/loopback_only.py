# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps this process on the machine: a connection to anything but loopback is refused, whichever library tries it."""

from __future__ import annotations

import sys
from typing import Any


def install() -> None:
    """From now on only loopback and Unix sockets can be connected to. Cannot be undone."""
    sys.addaudithook(_check)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        raise ConnectionRefusedError(f"the emulator does not connect to {address[0]}")


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("localhost", "::1")
