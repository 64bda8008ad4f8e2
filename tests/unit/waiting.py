# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for what happens in the background, however busy the computer is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from typing import TypeVar

PATIENCE = 300  # seconds. Only what never happens takes so long, so a busy computer has all the time that it needs.
PAUSE = 0.05

T = TypeVar("T")


def until(ask: Callable[[], T]) -> T:
    """Return the first answer that is true, or the last one after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return answer


def ended_stack(cloudformation: Any, name: str) -> str:
    """Return the status of a stack when its operation has ended."""

    def status() -> str:
        found: str = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return "" if found.endswith("_IN_PROGRESS") else found

    ended = until(status)
    assert ended, f"the stack {name} is still in progress"
    return ended


def ended_execution(stepfunctions: Any, arn: str) -> dict[str, Any]:
    """Return the description of an execution when it has ended."""

    def described() -> dict[str, Any]:
        found: dict[str, Any] = stepfunctions.describe_execution(executionArn=arn)
        return {} if found["status"] == "RUNNING" else found

    ended = until(described)
    assert ended, f"{arn} is still running"
    return ended
