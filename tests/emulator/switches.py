# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches for behavior of AWS that is not certain: assumptions.yml lists them with all answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from typing import Callable

import yaml

TABLE = Path(__file__).resolve().with_name("assumptions.yml")
# JSON {switch: value}: the values to start with and to return to at each reset, in place of the defaults.
ENVIRONMENT = "EMULATOR_SWITCHES"


class InvalidSwitch(ValueError):
    """There is no such switch, or it does not have that value."""


class Switches:
    """The current value of each switch, by name."""

    def __init__(self) -> None:
        rows = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
        self._rows: dict[str, dict[str, Any]] = {row["switch"]: row for row in rows}
        self._listeners: list[Callable[[], None]] = []
        self._at_start = {name: row["default"] for name, row in self._rows.items()}
        self._at_start |= self._checked(json.loads(os.environ.get(ENVIRONMENT) or "{}"))
        self._values = dict(self._at_start)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call *listener* after each change, for what is computed from a switch."""
        self._listeners.append(listener)

    def set(self, given: dict[str, Any]) -> None:
        """Change some switches. Raise InvalidSwitch for an unknown name or value."""
        self._values |= self._checked(given)
        self._notify()

    def clear(self) -> None:
        """Return to the values at the start."""
        if self._values != self._at_start:
            self._values = dict(self._at_start)
            self._notify()

    def shown(self) -> dict[str, Any]:
        """Return the current values by name."""
        return dict(self._values)

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in given.items():
            row = self._rows.get(name)
            if row is None:
                raise InvalidSwitch(f"unknown switch {name}; there are {', '.join(sorted(self._rows))}")
            kind = row.get("type")
            if kind == "number" and not (isinstance(value, (int, float)) and value >= 0):
                raise InvalidSwitch(f"{name} is a number from 0, not {value!r}")
            if kind == "text" and not isinstance(value, str):
                raise InvalidSwitch(f"{name} is a text, not {value!r}")
            if kind is None and value not in row["answers"]:
                raise InvalidSwitch(f"{name} is one of {', '.join(row['answers'])}, not {value!r}")
        return given

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
