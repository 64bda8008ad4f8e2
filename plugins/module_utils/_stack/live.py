# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live stack as DescribeStacks shapes it: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields
from typing import TYPE_CHECKING

from .._resource import tags
from . import stack_set
from . import states

if TYPE_CHECKING:
    from .._resource.operation import Operation
    from .._services.cloudformation import Stack
    from .template import StackDesign


@dataclass(frozen=True)
class StackSet:
    """The StackSet that created a stack: where it is administered, and as what."""

    account_id: str
    region: str
    call_as: str
    name: str


def tags_of(stack: Stack | None) -> dict[str, str]:
    """Return the tags of a stack, and the outputs that stand for tags in a stack of a StackSet; {} without one."""
    outputs = _outputs_of(stack)
    return tags.tags_of(stack) | {tag: outputs[name] for name, tag in stack_set.MARKS.items() if name in outputs}


def stack_set_of(stack: Stack | None) -> StackSet | None:
    """Return the StackSet that created the stack; None if none of ours did."""
    parts = _outputs_of(stack).get(stack_set.LOCATION_OUTPUT, "").split("/")
    return StackSet(*parts) if len(parts) == len(fields(StackSet)) else None


def place_of(stack: Stack) -> stack_set.Place:
    """Return the account and region of a stack, from its ARN."""
    _arn, _partition, _service, region, account_id, *_rest = stack["StackId"].split(":")
    return account_id, region


def _outputs_of(stack: Stack | None) -> dict[str, str]:
    return {item["OutputKey"]: item["OutputValue"] for item in (stack or {}).get("Outputs", [])}


def status_of(stack: Stack | None) -> str:
    """Return the status of a stack; '' without one."""
    return str(stack["StackStatus"]) if stack else ""


def is_ours(stack: Stack | None) -> bool:
    """Return whether this collection created the stack."""
    return tags.MANAGED_TAG in tags_of(stack)


def is_foreign(stack: Stack | None) -> bool:
    """Return whether something else created the stack, and there is anything in it."""
    # An unexecuted change set leaves an empty stack without tags, which holds nothing of anyone.
    return stack is not None and not is_ours(stack) and status_of(stack) != states.EMPTY


def is_deployed(stack: Stack | None) -> bool:
    """Return whether the stack is in a state in which its resources exist as its template says."""
    return status_of(stack) in states.STANDING


def matches(design: StackDesign | None, stack: Stack | None) -> bool:
    """Return whether the stack was created from this design: same template, parameters and tags."""
    return design is not None and tags_of(stack).get(tags.DIGEST_TAG) == design.digest


def path(design: StackDesign | None, stack: Stack | None) -> tuple[Operation, ...]:
    """Return the operations that lead from the live stack to the design (None: to no stack)."""
    return states.path(status_of(stack), present=design is not None, same=matches(design, stack))


def responsibilities_of(stack: Stack | None) -> frozenset[str]:
    """Return the responsibilities that the stack has; see StackDesign."""
    return frozenset(tags_of(stack).get(tags.RESPONSIBILITIES_TAG, "").split()) - {"-"}
