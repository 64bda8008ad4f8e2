# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Security Hub custom action: what must change, and the change. PRIVATE to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .._aws import errors
from .._aws.clients import Caller
from .._aws.clients import caller
from .._services import securityhub as api
from . import transformations

ActionTarget = dict[str, Any]

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateActionTarget.html
ID = re.compile(r"^[0-9A-Za-z]{1,20}\Z")
NAME_LENGTH = 20
# https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub_limits.html; cannot be raised
LIMIT = 50


@dataclass(frozen=True)
class Desired:
    """The custom action as it should be."""

    id: str
    name: str
    description: str


def problems(identifier: str, name: str | None = None, description: str | None = None) -> list[str]:
    """Return what AWS would refuse, each as a sentence with its remedy; None is not looked at."""
    found = []
    if not ID.match(identifier):
        found.append(f"id is {identifier!r}: use 1 to 20 letters and digits")
    if name is not None and (not name.strip() or len(name) > NAME_LENGTH):
        found.append(f"name is {name!r}: use 1 to {NAME_LENGTH} characters, not only blanks")
    if description is not None and not description.strip():
        found.append("description is empty: AWS wants one")
    return found


def find(targets: list[ActionTarget], identifier: str) -> ActionTarget | None:
    """Return the custom action of this Id, or None."""
    for target in targets:
        if transformations.action_target_id(target["ActionTargetArn"]) == identifier:
            return target
    return None


def require_room(targets: list[ActionTarget]) -> None:
    """Raise UserError where one more custom action would exceed AWS's limit.

    Left to AWS, the refusal is a LimitExceededException, which botocore takes for throttling and tries again.
    """
    full = without_room(len(targets))
    if full:
        raise errors.UserError(full)


def without_room(there: int) -> str:
    """Return the sentence for an account and region that has as many custom actions as AWS allows, else ''."""
    if there < LIMIT:
        return ""
    return (
        f"there are {there} custom actions in this account and region, and AWS allows {LIMIT}: delete one that is not "
        f"needed."
    )


def changes(current: ActionTarget, desired: Desired) -> dict[str, str]:
    """Return the members of UpdateActionTarget that differ; empty when nothing does."""
    wanted = {"Name": desired.name, "Description": desired.description}
    return {key: value for key, value in wanted.items() if current.get(key) != value}


def create_or_adopt(aws: Caller, desired: Desired) -> str:
    """Create the custom action; update one that was created meanwhile. Return its ARN."""
    aws = caller(aws)
    arn = aws.call("securityhub", api.create_action_target, desired.id, desired.name, desired.description)
    if arn:
        return arn
    current = find(aws.call("securityhub", api.describe_action_targets), desired.id)
    if current is None:
        raise errors.UserError(
            f"Security Hub says that a custom action {desired.id} exists, but does not list it. Run this again."
        )
    update(aws, current, desired)
    return str(current["ActionTargetArn"])


def update(aws: Caller, current: ActionTarget, desired: Desired) -> None:
    """Update the name and the description where they differ."""
    differing = changes(current, desired)
    if differing:
        caller(aws).call("securityhub", api.update_action_target, current["ActionTargetArn"], differing)
