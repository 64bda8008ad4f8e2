# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies the plan for a Chatbot channel configuration. PRIVATE to the collection.

Chatbot has no conditional write, and two concurrent runs must not lose each other's topics. So: read, plan, write, wait
longer than another writer needs between its read and its write, read back, and repeat until the plan is empty.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from .._aws import errors
from .._aws.clients import Caller
from .._resource.operation import Operation
from .._resource.ownership import is_managed
from .._services import chatbot as api
from .._services.chatbot import Configuration
from . import messages
from .plans import Desired
from .plans import Plan
from .plans import Removal
from .plans import concerns
from .plans import plan
from .plans import plan_absent
from .plans import plan_deletion
from .platforms import Platform
from .transformations import configuration_name

# The pauses between them are a minute and more in total, which Chatbot may need until it accepts a new role.
ROUNDS = 12
# Longer than another writer needs between its read and its write; otherwise a change that it overwrites goes unnoticed.
SETTLE_SECONDS = 1.0
LONGEST_SETTLE_SECONDS = 8.0
# Chatbot refuses anything with these two codes, and documents neither when nor in which words.
REFUSALS = ("InvalidRequestException", "InvalidParameterException")
# What Chatbot may refuse because it does not see it yet: IAM is eventually consistent.
OF_IAM = ("IamRoleArn", "GuardrailPolicyArns")

_RANDOM = random.SystemRandom()


def quiet(_sentence: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Outcome:
    """The configuration before the first write, and as read back after the last one."""

    changed: bool
    before: Configuration | None
    after: Configuration | None


def read(aws: Caller, channel: Desired | Removal) -> list[Configuration]:
    """Return all channel configurations of the platform, the concerned ones with their tags."""
    found = aws.call("chatbot", channel.platform.list_configurations)
    return [with_tags(aws, item) if concerns(channel, item) else item for item in found]


def with_tags(aws: Caller, configuration: Configuration) -> Configuration:
    """Return the configuration with its tags, which AWS may leave out of a listing."""
    if "Tags" in configuration:
        return configuration
    arn = configuration["ChatConfigurationArn"]
    return {**configuration, "Tags": aws.call("chatbot", api.list_tags_for_resource, arn)}


def preview(aws: Caller, desired: Desired) -> Outcome:
    """Return what *apply* would do, without writing. Raise UserError for what it would refuse."""
    now = plan(read(aws, desired), desired)
    if now.operation == Operation.CREATE:
        _require_team(aws, desired)
    return Outcome(now.changed, now.before, now.after)


def apply(
    aws: Caller,
    desired: Desired,
    plan_now: Plan | None = None,
    sleep: Callable[[float], None] = time.sleep,
    *,
    authorized: bool = False,
    progress: Callable[[str], None] = quiet,
) -> Outcome:
    """Bring the configuration to *desired* and return the result; an empty *plan_now* makes no calls.

    A plan that is not empty is replaced by one from a fresh read, so that a plan made minutes ago cannot remove a topic
    that was added since. *authorized*: the caller knows that the workspace is authorized. *progress*: gets a sentence
    that says what is waited for.

    Raise UserError (the workspace is not authorized, another writer keeps changing it, or others have created what
    should be ours) and botocore's errors.
    """
    if plan_now is not None and not plan_now.changed:
        return Outcome(False, plan_now.before, plan_now.after)

    def write(now: Plan) -> bool:
        if now.operation == Operation.CREATE and not authorized:
            _require_team(aws, desired)
        if now.operation == Operation.UPDATE and desired.tags_at_creation and not is_managed(now.before):
            raise errors.UserError(messages.created_meanwhile(configuration_name(now.before or {})))
        return _write(aws, now, desired.platform)

    return _converge(lambda: plan(read(aws, desired), desired), write, desired.name, sleep, progress)


def detach(
    aws: Caller,
    removal: Removal,
    sleep: Callable[[float], None] = time.sleep,
    *,
    progress: Callable[[str], None] = quiet,
) -> Outcome:
    """Remove own topics, delete the configuration if it is ours and empty, and return the result."""
    return _converge(
        lambda: plan_absent(read(aws, removal), removal),
        lambda now: _write(aws, now, removal.platform),
        removal.name,
        sleep,
        progress,
    )


def delete(
    aws: Caller,
    name: str,
    platform: Platform,
    sleep: Callable[[float], None] = time.sleep,
    *,
    check_mode: bool = False,
) -> Outcome:
    """Delete the configuration of this name, whatever it holds; with *check_mode*, return what would happen."""

    def replan() -> Plan:
        return plan_deletion(aws.call("chatbot", platform.list_configurations), name)

    if check_mode:
        now = replan()
        return Outcome(now.changed, now.before, now.after)
    return _converge(replan, lambda now: _write(aws, now, platform), name, sleep, quiet)


def _require_team(aws: Caller, desired: Desired) -> None:
    """Raise UserError with the steps to take where the workspace (Slack) or team (Teams) is not authorized.

    Called before creating: after an attempt that AWS refuses for this reason, the configuration's name stays taken.
    """
    teams = aws.call("chatbot", desired.platform.list_teams)
    missing = unauthorized(desired.platform, desired.team_id, teams)
    if missing:
        raise errors.UserError(missing)


def unauthorized(platform: Platform, team_id: str, teams: list[api.Team]) -> str:
    """Return the steps to take if the workspace or team is not among the authorized *teams*, '' if it is."""
    if any(team[platform.team_id].casefold() == team_id.casefold() for team in teams):
        return ""
    return messages.unauthorized(platform, team_id, teams)


def _converge(
    replan: Callable[[], Plan],
    write: Callable[[Plan], bool],
    name: str,
    sleep: Callable[[float], None],
    progress: Callable[[str], None],
) -> Outcome:
    now = first = replan()
    changed, written, said = False, 0, ""
    refusal: BaseException | None = None
    refused: Plan | None = None
    for number in range(ROUNDS):
        if not now.changed:
            return Outcome(changed, first.before, now.after)
        try:
            changed = write(now) or changed
            written, refusal = written + 1, None
        except errors.failures() as error:
            if not _may_pass(error, now, refused):
                raise
            refusal, refused = error, now
        waiting = messages.waiting(name, refusal) if refusal is not None or written > 1 else ""
        if waiting and waiting != said:
            progress(waiting)
            said = waiting
        sleep(settle_seconds(number))
        now = replan()
    if not now.changed:
        return Outcome(changed, first.before, now.after)
    if refusal is not None and errors.code(refusal) != "ConflictException":
        raise _explained(refusal)
    if refusal is not None and now.operation == Operation.CREATE:
        raise errors.UserError(messages.name_is_reserved(name))
    before, after = now.before or {}, now.after or {}
    fields = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    raise errors.UserError(messages.keeps_changing(name, fields, ROUNDS))


def _explained(refusal: BaseException) -> BaseException:
    """Return a refusal that is final, with the remedy that AWS does not give where it is about the role."""
    if "assume" not in errors.message(refusal):
        return refusal
    return errors.UserError(
        f"{errors.explain(refusal)} Check that the role exists, and that its trust policy allows chatbot.amazonaws.com "
        f"to assume it."
    )


def _may_pass(error: BaseException, now: Plan, refused: Plan | None) -> bool:
    """Tell, by the class of the error, whether a fresh read and another attempt may help.

    *refused*: the plan that was refused before. A refused plan is read and made again once, since another writer may
    have made it void. Where it stays the same, only what Chatbot does not see yet can be the reason.
    """
    if errors.code(error) in ("ConflictException", "ResourceNotFoundException") or errors.is_passing(error):
        return True
    before = now.before or {}
    is_new_to_chatbot = any(key in now.kwargs and now.kwargs[key] != before.get(key) for key in OF_IAM)
    return errors.code(error) in REFUSALS and (now != refused or is_new_to_chatbot)


def settle_seconds(number: int) -> float:
    """Return how long to wait after attempt *number*, from 0."""
    # Jitter; otherwise two writers in step would keep overwriting each other.
    return min(SETTLE_SECONDS * 1.5**number, LONGEST_SETTLE_SECONDS) * _RANDOM.uniform(1, 2)


def _write(aws: Caller, now: Plan, platform: Platform) -> bool:
    """Carry out one plan; return False if there was nothing left to do.

    botocore sends each write once: one repeated seconds later could undo another writer's change in between.
    """
    if now.operation == Operation.CREATE:
        aws.call("chatbot", platform.create, now.kwargs, attempts=1)
        return True
    arn = (now.before or {})["ChatConfigurationArn"]
    if now.operation == Operation.DELETE:
        return aws.call("chatbot", platform.delete, arn, attempts=1)
    if now.kwargs:
        aws.call("chatbot", platform.update, now.kwargs, attempts=1)
    aws.call("chatbot", api.change_tags, arn, now.tags_to_set, now.tags_to_unset, attempts=1)
    return True
