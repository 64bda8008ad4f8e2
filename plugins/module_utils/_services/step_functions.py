# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step Functions: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any
from typing import TypedDict

from .refusals import existing


class StateMachine(TypedDict):
    """A state machine, with the keys that are used here."""

    stateMachineArn: str
    definition: str
    roleArn: str


class Execution(TypedDict):
    """An execution of a state machine, with the keys that are used here."""

    executionArn: str
    status: str


def describe_state_machine(client: Any, arn: str) -> StateMachine | None:
    """Return the state machine, or None."""
    missing = client.exceptions.StateMachineDoesNotExist
    return existing(lambda: client.describe_state_machine(stateMachineArn=arn), missing)


def list_executions(client: Any, machine_arn: str) -> list[Execution]:
    """Return the latest execution of a standard state machine, an empty list before the first one."""
    executions: list[Execution] = client.list_executions(stateMachineArn=machine_arn, maxResults=1)["executions"]
    return executions
