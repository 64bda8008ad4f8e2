# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step Functions: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

from .refusals import existing


def describe_state_machine(client: Any, arn: str) -> dict[str, Any] | None:
    """Return the state machine, or None."""
    missing = client.exceptions.StateMachineDoesNotExist
    return existing(lambda: client.describe_state_machine(stateMachineArn=arn), missing)


def list_executions(client: Any, machine_arn: str) -> list[dict[str, Any]]:
    """Return the latest execution of a standard state machine, an empty list before the first one."""
    executions: list[dict[str, Any]] = client.list_executions(stateMachineArn=machine_arn, maxResults=1)["executions"]
    return executions
