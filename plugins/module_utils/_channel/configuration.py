# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the plan for a Chatbot channel configuration. PRIVATE to the collection.

Chatbot has no conditional write, and two runs at once must not lose each other's topics. So: read, plan, write, wait
longer than another writer needs between its read and its write, read back, until the plan is empty.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._aws import errors
from .._services import chatbot as api
from .plans import Desired
from .plans import Place
from .plans import Plan
from .plans import Removal
from .plans import plan
from .plans import plan_absent
from .plans import plan_deletion
from .plans import same_channel
from .platforms import CONSOLE
from .platforms import Platform
from .transformations import Configuration
from .transformations import boto3_tags
from .transformations import configuration_name

ROUNDS = 10
# Longer than another writer needs between its read and its write, or what it overwrites would not be seen here.
SETTLE_SECONDS = 1.0
LONGEST_SETTLE_SECONDS = 8.0
# A new role or policy takes seconds until other services see it; these rounds wait about half a minute.
IAM_ROUNDS = 6
# The two codes under which Chatbot refuses anything; only the text tells what.
REFUSALS = ("InvalidRequestException", "InvalidParameterException")

_RANDOM = random.SystemRandom()


@dataclass(frozen=True)
class Outcome:
    """What happened: the configuration before the first write and as read back after the last one."""

    changed: bool
    before: Configuration | None
    after: Configuration | None


def read(client: Any, place: Desired | Removal) -> list[Configuration]:
    """Return all channel configurations of the platform, the concerned ones with their tags."""
    found = place.platform.list_configurations(client)
    return [with_tags(client, item) if _concerned(item, place) else item for item in found]


def _concerned(configuration: Configuration, place: Place) -> bool:
    return configuration_name(configuration) == place.name or same_channel(configuration, place)


def with_tags(client: Any, configuration: Configuration) -> Configuration:
    """Return the configuration with its tags, which AWS may leave out of a listing."""
    if "Tags" in configuration:
        return configuration
    return {**configuration, "Tags": api.list_tags_for_resource(client, configuration["ChatConfigurationArn"])}


def preview(client: Any, desired: Desired) -> Outcome:
    """Return what *apply* would do, without writing. Raise UserError for what it would refuse."""
    now = plan(read(client, desired), desired)
    if now.operation == "create":
        require_team(client, desired)
    return Outcome(now.changed, now.before, now.after)


def apply(
    client: Any,
    desired: Desired,
    plan_now: Plan | None = None,
    sleep: Callable[[float], None] = time.sleep,
    writer: Any = None,
    *,
    authorised: bool = False,
) -> Outcome:
    """Bring the configuration to *desired* and return what happened; an empty *plan_now* spares all calls.

    A plan that is not empty is made anew from a fresh read, so that a plan made minutes ago drops nobody's topic.
    *writer*: a client that asks once, for the same reason: a write that botocore repeats seconds later, after somebody
    else's, would take that back. *authorised*: the caller knows that the workspace is. Raise UserError (the workspace
    is not authorised, another writer does not give way) and botocore's errors.
    """
    if plan_now is not None and not plan_now.changed:
        return Outcome(False, plan_now.before, plan_now.after)

    def write(now: Plan) -> bool:
        if now.operation == "create" and not authorised:
            require_team(client, desired)
        return _write(writer or client, now, desired.platform)

    return _converge(lambda: plan(read(client, desired), desired), write, desired.name, sleep)


def detach(client: Any, removal: Removal, sleep: Callable[[float], None] = time.sleep, writer: Any = None) -> Outcome:
    """Take own topics out, delete the configuration if it is ours and empty, and return what happened."""
    return _converge(
        lambda: plan_absent(read(client, removal), removal),
        lambda now: _write(writer or client, now, removal.platform),
        removal.name,
        sleep,
    )


def delete(client: Any, name: str, platform: Platform, sleep: Callable[[float], None] = time.sleep) -> Outcome:
    """Delete the configuration of this name, whatever it holds."""
    return _converge(
        lambda: plan_deletion(platform.list_configurations(client), name),
        lambda now: _write(client, now, platform),
        name,
        sleep,
    )


def require_team(client: Any, desired: Desired) -> None:
    """Raise UserError with the steps to take where the workspace (Slack) or team (Teams) is not authorised.

    To be asked before creating: an attempt that AWS refuses for this reason keeps the configuration's name for good.
    """
    missing = unauthorised(desired.platform, desired.team_id, desired.platform.list_teams(client))
    if missing:
        raise errors.UserError(missing)


def unauthorised(platform: Platform, team_id: str, teams: list[dict[str, Any]]) -> str:
    """Return the steps to take where the workspace or team is not among the authorised *teams*, '' where it is."""
    if any(team[platform.team_id].casefold() == team_id.casefold() for team in teams):
        return ""
    known = ", ".join(f"{team[platform.team_id]} ({team.get(platform.team_name, 'no name')})" for team in teams)
    return (
        f"{platform.name} {platform.team} {team_id} is not authorised in this AWS account (authorised: "
        f"{known or 'none'}), which AWS lets nobody automate. Do it once: open {CONSOLE} in this account, choose "
        f'"Configure a chat client", then {platform.menu}, sign in, pick the {platform.team} and press Allow; then '
        f"run again."
    )


def _converge(
    replan: Callable[[], Plan], write: Callable[[Plan], bool], name: str, sleep: Callable[[float], None]
) -> Outcome:
    now = first = replan()
    changed = False
    refusal: BaseException | None = None
    for number in range(ROUNDS):
        if not now.changed:
            return Outcome(changed, first.before, now.after)
        try:
            changed = write(now) or changed
            refusal = None
        except errors.failures() as error:
            if not _passes(error, number):
                raise
            refusal = error
        sleep(_settle_seconds(number))
        now = replan()
    if not now.changed:
        return Outcome(changed, first.before, now.after)
    if refusal is not None and errors.is_passing(refusal):
        raise refusal
    raise errors.UserError(_reserved(name) if refusal and now.operation == "create" else _still_differs(now, name))


def _passes(error: BaseException, number: int) -> bool:
    """Tell whether a fresh read and another attempt may help."""
    return _says_void(error) or errors.is_passing(error) or (number < IAM_ROUNDS and _says_iam_unknown(error))


def _says_void(error: BaseException) -> bool:
    """Tell whether another writer made the plan void: the channel or name is taken, or the configuration gone."""
    if errors.code(error) in ("ConflictException", "ResourceNotFoundException"):
        return True
    text = errors.message(error)
    return errors.code(error) in REFUSALS and ("already been configured" in text or "already exists" in text)


def _says_iam_unknown(error: BaseException) -> bool:
    text = errors.message(error).lower()
    return errors.code(error) in REFUSALS and ("role" in text or "polic" in text)


def _settle_seconds(number: int) -> float:
    # Jitter, or two writers in step would overwrite each other for ever.
    return min(SETTLE_SECONDS * 1.5**number, LONGEST_SETTLE_SECONDS) * _RANDOM.uniform(1, 2)


def _reserved(name: str) -> str:
    return (
        f"AWS says that a configuration {name} exists, but does not list it: a creation that failed halfway (before "
        f"the workspace was authorised, for example) keeps its name for good. Use another name."
    )


def _still_differs(now: Plan, name: str) -> str:
    before, after = now.before or {}, now.after or {}
    fields = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    return (
        f"the configuration {name} did not stay as written in {ROUNDS} rounds ({', '.join(fields)} still differ): "
        f"somebody else keeps changing it; let one of the two own it, and run again."
    )


def _write(client: Any, now: Plan, platform: Platform) -> bool:
    """Carry out one plan; return False if there was nothing to do any more."""
    if now.operation == "delete":
        return platform.delete(client, (now.before or {})["ChatConfigurationArn"])
    if now.operation == "create":
        platform.create(client, now.kwargs)
        return True
    arn = (now.before or {})["ChatConfigurationArn"]
    if now.kwargs:
        platform.update(client, now.kwargs)
    if now.tags_to_set:
        api.tag_resource(client, arn, boto3_tags(now.tags_to_set))
    if now.tags_to_unset:
        api.untag_resource(client, arn, list(now.tags_to_unset))
    return True
