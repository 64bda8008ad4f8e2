# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any
from typing import TypedDict

from .refusals import accepted
from .refusals import existing


class Function(TypedDict, total=False):
    """The configuration of a function, with the keys that are used here."""

    FunctionName: str
    Handler: str
    Description: str


def get_function_configuration(client: Any, name: str) -> Function | None:
    """Return the configuration of the function, or None."""
    missing = client.exceptions.ResourceNotFoundException
    return existing(lambda: client.get_function_configuration(FunctionName=name), missing)


def delete_function(client: Any, name: str) -> bool:
    """Delete the function with all its versions; return False if there was none."""
    return accepted(client.delete_function, client.exceptions.ResourceNotFoundException, FunctionName=name)
