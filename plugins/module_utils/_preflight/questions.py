# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight asks AWS: one function for each question. PRIVATE to the collection.

Each returns an Answer, whose problems block the targets that the question is about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._model import organization
from .._observe import accounts as observe
from .._services import cloudformation
from .._services import events
from .._services import iam
from .._services import organizations
from .._services import service_quotas as quotas
from .._stack import scheduled_digest
from .._stack import template
from . import blockers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._aws.clients import Clients
    from .._channel.platforms import Platform
    from .._model.plan import AccountDesign
    from .._model.settings import Channel
    from .._model.settings import Settings
    from .._stack.template import StackDesign

# A run needs these services for nothing else. Where their endpoints cannot be reached, it must not wait for long.
FEW_ATTEMPTS = 2
# No region's quota is smaller, so with fewer rules the quota need not be read.
FEWEST_RULES = min(blockers.RULES_AT_MOST, *blockers.RULES_AT_MOST_IN.values())


@dataclass(frozen=True)
class Answer:
    """What AWS answered: problems, notices, and facts that a later stage needs; see Blockers.

    *rules*: the rules that exist, by name, as ListRules shapes them.
    """

    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    unless_unchanged: tuple[str, ...] = ()
    authorized: frozenset[str] = frozenset()
    needs_service_role: bool = False
    rules: Mapping[str, Any] = field(default_factory=dict, hash=False)


def of_teams(aws: Clients, settings: Settings, platform: Platform, channels: list[Channel]) -> Answer:
    """Ask which workspaces or teams of the *channels*' platform are authorized: one call."""
    found = observe.call_chatbot(aws, settings, platform.list_teams)
    problems = blockers.of_teams(found, channels)
    return Answer(tuple(problems), authorized=frozenset(item[platform.team_id].casefold() for item in found))


def of_policy(aws: Clients, settings: Settings, channels: list[Channel]) -> Answer:
    """Ask what the organization's chat applications policy allows in the account: one call."""
    home = aws.home_region(settings.source)
    read = partial(aws.call, settings.source, home, "organizations", attempts=FEW_ATTEMPTS)
    policy = read(organizations.effective_chatbot_policy)
    if policy is None:
        return Answer()
    user_roles = settings.value("user_authorization_required")
    return Answer(
        tuple(blockers.of_policy(policy, channels, user_roles=user_roles)),
        tuple(blockers.remarks_of_policy(policy, channels)),
    )


def of_service_role(aws: Clients, design: AccountDesign, settings: Settings) -> Answer:
    """Ask for the role with which Amazon Q subscribes to topics: one call.

    If it does not exist, two or three: whether the credentials can create it.
    """
    if observe.call_iam(aws, settings, iam.list_service_linked_roles, blockers.SERVICE_ROLE_OF):
        return Answer()
    resource = (
        f"arn:{design.account.partition}:iam::{design.account.id}:role/aws-service-role/"
        f"{blockers.SERVICE_ROLE_OF}/{blockers.SERVICE_ROLE}"
    )
    context = {"iam:AWSServiceName": blockers.SERVICE_ROLE_OF}
    try:
        principal = _principal(aws, settings, design.account.caller)
        denied = bool(principal) and observe.call_iam(
            aws, settings, iam.denies, principal, "iam:CreateServiceLinkedRole", resource, context
        )
    except errors.failures() as error:
        # The role is missing all the same, and has to be created before the channel.
        about = f"whether these credentials can create the role {blockers.SERVICE_ROLE}"
        return Answer(notices=(f"not checked: {about}; {errors.explain(error)}",), needs_service_role=True)
    return Answer((blockers.of_service_role(),) if denied else (), needs_service_role=True)


def _principal(aws: Clients, settings: Settings, caller: str) -> str:
    """Return the user or role whose policies apply to a caller; '' if none do, or it is unknown."""
    kind, _slash, rest = caller.split(":", 5)[-1].partition("/")
    if kind == "user":
        return caller
    if kind != "assumed-role":
        return ""
    # The caller's ARN lacks the path of the role, which roles of IAM Identity Center have.
    role = observe.call_iam(aws, settings, iam.get_role, rest.partition("/")[0])
    return str(role["Arn"]) if role else ""


def of_iam(aws: Clients, design: AccountDesign, settings: Settings) -> Answer:
    """Ask how many roles and policies the account may still have: one call."""
    summary = observe.call_iam(aws, settings, iam.get_account_summary)
    creating = [target for target in design.targets if target.live.stack is None and not target.settings.stack_set]
    roles = sum(_roles_of(target.desired.stack) for target in creating if target.desired)
    identity = design.snapshot.identity
    problems = blockers.of_iam(summary, roles=(identity.role is None) + roles, policies=int(identity.guardrail is None))
    return Answer(tuple(problems))


def of_boundary(aws: Clients, settings: Settings, boundary: str) -> Answer:
    """Ask whether the permissions boundary exists: two calls, one if it does not."""
    found = observe.call_iam(aws, settings, iam.get_policy, boundary)
    return Answer() if found else Answer((blockers.of_boundary(boundary),))


def _roles_of(design: StackDesign) -> int:
    return sum(item["Type"] == "AWS::IAM::Role" for item in template.template(design)["Resources"].values())


def of_organization(aws: Clients, design: AccountDesign, settings: Settings) -> Answer:
    """Ask what an account that gets its first channel is in its organization, as it may be the wrong one: two calls."""
    found = observe.organization(aws, settings)
    return Answer(notices=tuple(organization.role_in_words(design.account.id, found)))


def of_rules(aws: Clients, settings: Settings, design: StackDesign, *, alone: bool) -> Answer:
    """Ask for the rules of the default event bus: one call for every 100, and one for the quota if it is near.

    *alone*: no stack exists that could have created rules of these names.
    """
    desired = {rule.name: json.dumps(rule.pattern) for rule in design.rules}
    desired |= {name: json.dumps(item) for name, item in scheduled_digest.rules(design.name, design.scheduled).items()}
    existing = aws.call(settings.source, settings.region, "events", events.list_rules)
    quota = FEWEST_RULES
    if len({*existing, *desired}) > quota:
        read = partial(aws.call, settings.source, settings.region, "service-quotas", attempts=FEW_ATTEMPTS)
        default = blockers.RULES_AT_MOST_IN.get(settings.region, blockers.RULES_AT_MOST)
        quota = read(quotas.get_service_quota, "events", blockers.RULES_QUOTA) or default
    taken = set(desired) & set(existing) if alone else set()
    if taken and has_stack_now(aws, settings):
        taken = set()
    patterns = {name: rule.get("EventPattern", "") for name, rule in existing.items()}
    return Answer(
        (
            *(blockers.of_name("rule", name) for name in sorted(taken)),
            *blockers.of_rules(existing, desired, quota, settings.region),
            *blockers.of_wildcards(patterns, desired),
        ),
        rules=existing,
    )


def has_stack_now(aws: Clients, settings: Settings) -> bool:
    """Ask again for the stack that did not exist when the target was read: one call.

    A parallel run may have created it, with what has its names. Then there is nothing to choose or to delete:
    `_apply.stacks` waits for it.
    """
    return (
        aws.call(settings.source, settings.region, "cloudformation", cloudformation.describe_stack, settings.name)
        is not None
    )
