# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of the template of 2020 in an account, and what becomes of it: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any

from .._channel import plans
from .._channel import transformations
from .._channel.platforms import SLACK
from .._stack import states
from . import signature

Configuration = dict[str, Any]

# What a stack of the template needs, in the order in which it may need it.
RELEASE = "release"  # let a deletion leave behind what shall stay
SKIP = "skip"  # go on rolling an update back, without what stands in its way
DELETE = "delete"
RETAIN = "retain"  # delete, leaving behind what shall stay, and on the second attempt what cannot be deleted
RETAIN_FAILED = "retain what failed"

# AWS allows nothing but deletion, and no saying what shall stay.
DOOMED = states.ONLY_DELETABLE - {"DELETE_FAILED"}

TAKE_OVER = "take over"
KEEP = "keep"
GO = "delete"

RULE = "rule"
TOPIC = "topic"
FUNCTION = "function"
ACTION = "custom action"


@dataclass(frozen=True)
class Stack:
    """A stack of the template. *parts*: what it still has, physical ids by logical id. *template*: with long functions.

    *failed*: logical ids of what CloudFormation could not delete, or not roll back. *obstacles*: why it must not be
    touched, each with the remedy.
    """

    name: str
    status: str
    template: dict[str, Any] = field(hash=False, repr=False, default_factory=dict)
    parameters: tuple[str, ...] = ()
    parts: dict[str, str] = field(hash=False, default_factory=dict)
    failed: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    @property
    def configuration(self) -> str:
        """Return the ARN of the channel configuration that the stack holds, or ''."""
        return self.parts.get(signature.CHANNEL, "")


@dataclass(frozen=True)
class Orphan:
    """Something of the template that no stack holds any more; *name* is an ARN for topics and custom actions."""

    kind: str
    name: str


@dataclass(frozen=True)
class Leftovers:
    """What one target has. *topics*: ARNs that leave the channel for its pipeline, also those that are no more.

    *foreign*: ARNs of channels that only look like the template's.
    """

    stacks: tuple[Stack, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    topics: frozenset[str] = frozenset()
    obstacles: tuple[str, ...] = ()
    foreign: frozenset[str] = frozenset()

    @property
    def all_obstacles(self) -> tuple[str, ...]:
        """Return why nothing of it may be touched."""
        return (*self.obstacles, *(sentence for stack in self.stacks for sentence in stack.obstacles))


def fate(configuration: Configuration, wanted: frozenset[tuple[str, str]], topics: frozenset[str]) -> str:
    """Return what becomes of a channel configuration of the template, or '' for one that is this collection's already.

    *wanted*: the Slack workspaces and channels that findings shall go to. *topics*: those that go. One that somebody
    has changed since then, or that carries topics of others, stays theirs.
    """
    if plans.MANAGED_TAG in transformations.tags_of(configuration):
        return ""
    if (configuration[SLACK.team_id], configuration[SLACK.channel_id]) in wanted:
        return TAKE_OVER if _is_as_made(configuration) else KEEP
    return KEEP if set(configuration.get("SnsTopicArns", [])) - topics else GO


def _is_as_made(configuration: Configuration) -> bool:
    own_tags = [key for key in transformations.tags_of(configuration) if not key.startswith("aws:")]
    return (
        bool(signature.CHANNEL_ROLE_ARN.match(configuration["IamRoleArn"]))
        and (configuration.get("GuardrailPolicyArns") or plans.DEFAULT_GUARDRAILS) == plans.DEFAULT_GUARDRAILS
        and not configuration.get("UserAuthorizationRequired")
        and not own_tags
    )


def staying(stack: Stack, fates: dict[str, str]) -> frozenset[str]:
    """Return the logical ids of what outlives the stack; *fates*: of configurations, by ARN, '' for ours.

    The custom resource stands for the custom action, which is taken over or deleted by name: CloudFormation would call
    a function that answers no deletion, or, in later versions, one that deletes the action.
    """
    found = {signature.CUSTOM_RESOURCE}
    decided = fates.get(stack.configuration, GO)
    if decided != GO:
        found.add(signature.CHANNEL)
    if decided == KEEP:
        found.add(signature.CHANNEL_ROLE)
    return frozenset(found & set(stack.parts))


def next_operation(status: str, *, released: bool, tried: frozenset[str] = frozenset()) -> str:
    """Return what leads from *status* ('': no stack) towards no stack; the words of *states*, and those above.

    *released*: a deletion leaves behind what shall stay. None is carried out twice, so it ends as STUCK, not in a loop.
    """
    if not status:
        return states.NONE
    if states.in_progress(status):
        return states.WAIT
    operation = _operation(status, released)
    if operation == RETAIN and RETAIN in tried:
        operation = RETAIN_FAILED
    return states.STUCK if operation in tried else operation


def _operation(status: str, released: bool) -> str:
    if status == "DELETE_FAILED":
        return RETAIN
    if status == "UPDATE_FAILED":
        return states.RESUME
    if status == "UPDATE_ROLLBACK_FAILED":
        return SKIP
    if released or status in DOOMED or status == states.EMPTY:
        return DELETE
    # From what is left, a deletion would take along what shall stay.
    return RELEASE if status in states.STANDING else states.STUCK


def path(stack: Stack, stays: frozenset[str]) -> tuple[str, ...]:
    """Return the operations that a run would carry out on a stack, if each of them succeeds; STUCK ends a dead end."""
    status, released = stack.status, signature.is_retained(stack.template, stays)
    steps: list[str] = []
    while True:
        operation = next_operation(status, released=released, tried=frozenset(steps))
        if operation in (states.NONE, states.STUCK):
            return tuple(steps) if operation == states.NONE else (*steps, operation)
        steps.append(operation)
        status, released = _outcome(status, operation, stays), released or operation == RELEASE


def _outcome(status: str, operation: str, stays: frozenset[str]) -> str:
    if operation == states.WAIT:
        return states.outcome(status)
    if operation in (states.RESUME, SKIP):
        return "UPDATE_ROLLBACK_COMPLETE"
    if operation == RELEASE:
        return "UPDATE_COMPLETE"
    # What has to be deleted whole fails at the custom resource, whose function is taken away before.
    return "DELETE_FAILED" if status in DOOMED and signature.CUSTOM_RESOURCE in stays else ""
