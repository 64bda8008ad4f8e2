# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what a run tells while it runs."""

from __future__ import annotations


class Said(list[str]):
    """A Progress that is a list of all lines and texts."""

    def __enter__(self) -> Said:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def __call__(self, line: str) -> None:
        self.append(line)

    def now(self, text: str, if_stopped: str = "") -> None:
        self.append(if_stopped or text)
