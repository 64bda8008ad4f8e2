# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems and notices of a migration in words: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import signature

if TYPE_CHECKING:
    from .._model.settings import Settings
    from .._services.cloudformation import Stack as LiveStack
    from .survey import Stack


def stack_problems(live: LiveStack, stack: Stack, settings: Settings) -> list[str]:
    """Return why a stack (*live*: as boto3 shapes it) must not be deleted."""
    refused = f"Stack {stack.name} of the template of 2020 cannot be deleted"
    foreign = signature.foreign_resources(stack.template)
    problems = []
    if foreign:
        problems.append(f"{refused}: it has other resources too ({', '.join(foreign)}). Move them to another stack.")
    if live.get("EnableTerminationProtection"):
        problems.append(
            f"{refused}: termination protection is on. Turn it off: aws cloudformation update-termination-protection "
            f"--no-enable-termination-protection --stack-name {stack.name} --region {settings.region}"
        )
    if live.get("RootId"):
        problems.append(f"{refused}: it is nested in {live['RootId']}. Remove it from the template of that stack.")
    return problems


def topic_problems(name: str, subscribers: list[str], rules: list[str]) -> list[str]:
    """Return why a topic must not be deleted, given its other subscribers and the other rules that send to it."""
    refused = f"Topic {name} of the template of 2020 cannot be deleted"
    problems = []
    if subscribers:
        problems.append(f"{refused}: it has other subscribers ({', '.join(subscribers)}). Move them to another topic.")
    if rules:
        problems.append(
            f"{refused}: other rules send to it ({', '.join(rules)}). Delete the rules that the new deployment "
            f"replaces, and give the others another target."
        )
    return problems


def still_in_progress(stack: Stack, limit: int) -> str:
    """Return why a run stops waiting for a stack after *limit* seconds."""
    return (
        f"Stack {stack.name} of the template of 2020 is still {stack.status} after {limit} s: its Lambda function does "
        f"not respond to a deletion, and CloudFormation waits for up to an hour. Rerun the playbook later to continue."
    )


def cannot_be_deleted(stack: Stack, reason: str) -> str:
    """Return why a run gives a stack up, given the first failure of its last operation, or ''."""
    cause = f": {reason.rstrip('.')}" if reason else ""
    return (
        f"Stack {stack.name} of the template of 2020 ended in {stack.status}{cause}. Fix the cause, then rerun the "
        f"playbook to continue."
    )


def channel_is_recreated(stack: Stack, host: str) -> str:
    """Return the notice about a stack that AWS can only delete together with its channel."""
    return (
        f"AWS can only delete stack {stack.name} of {host}, which is {stack.status}, together with its channel. The "
        f"channel is created again immediately; findings that are sent in the meantime are lost."
    )


def roles_without_stack(names: list[str]) -> str:
    """Return the notice about IAM roles that are kept, because a stack in another region may have them."""
    return (
        f"No stack in these regions has the following roles, which look like those of the template of 2020: "
        f"{', '.join(names)}. If no stack in another region has them either, delete them."
    )
