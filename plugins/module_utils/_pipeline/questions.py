# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS is asked before something is created: reads only. PRIVATE to the collection.

Each function returns the problems that the answers show, and lets botocore's errors through.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

from .._channel.platforms import SLACK
from .._services import chatbot
from .._services import events
from .._services import iam
from .._services import organizations
from .._services import service_quotas as quotas
from .._services import sns
from .._stack import template
from . import obstacles
from . import survey

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._stack.template import StackDesign
    from .settings import Settings
    from .target import AccountRun

# A run needs these services for nothing else: where no way leads to their hosts, it must not wait for long.
FEW_ATTEMPTS = 2
# No region's quota is smaller, so fewer rules need no look at it.
FEWEST_RULES = min(obstacles.RULES_AT_MOST, *obstacles.RULES_AT_MOST_IN.values())


def of_workspaces(clients: Clients, account: AccountRun, settings: Settings, workspaces: list[str]) -> list[str]:
    """Ask which workspaces are authorised, and keep those in *account*: one call."""
    with clients.acting(settings.source):
        client = clients.get("chatbot", settings.value("chatbot_region"), settings.source.endpoint_url)
        found = chatbot.describe_slack_workspaces(client)
    account.authorised = frozenset(item[SLACK.team_id] for item in found)
    return obstacles.of_workspaces(found, workspaces)


def of_policy(clients: Clients, account: AccountRun, settings: Settings, workspaces: list[str]) -> list[str]:
    """Ask what the organization's policy makes of chat applications in the account: one call."""
    with clients.acting(settings.source):
        where = (clients.home_region(settings.source), settings.source.endpoint_url)
        policy = organizations.effective_chatbot_policy(clients.get("organizations", *where, FEW_ATTEMPTS))
    if policy is None:
        return []
    account.notices += obstacles.remarks_of_policy(policy, workspaces)
    return obstacles.of_policy(policy, workspaces, user_roles=settings.value("user_authorization_required"))


def of_service_role(clients: Clients, account: AccountRun, settings: Settings) -> list[str]:
    """Ask for the role by which Amazon Q subscribes to topics, and note in *account* if it is missing: one call.

    Two or three where it is: whether the credentials may make it.
    """
    with clients.acting(settings.source):
        client = survey.iam_client(clients, settings)
        if iam.list_service_linked_roles(client, obstacles.SERVICE_ROLE_OF):
            return []
        account.wants_service_role = True
        principal = _principal(client, account.account.caller)
        resource = (
            f"arn:{account.account.partition}:iam::{account.account.id}:role/aws-service-role/"
            f"{obstacles.SERVICE_ROLE_OF}/{obstacles.SERVICE_ROLE}"
        )
        context = {"iam:AWSServiceName": obstacles.SERVICE_ROLE_OF}
        if principal and iam.denies(client, principal, "iam:CreateServiceLinkedRole", resource, context):
            return [obstacles.of_service_role()]
    return []


def _principal(client: Any, caller: str) -> str:
    """Return the user or role whose policies decide about a caller, '' where no policy does, or it is not known."""
    kind, _slash, rest = caller.split(":", 5)[-1].partition("/")
    if kind == "user":
        return caller
    if kind != "assumed-role":
        return ""
    # The caller's name lacks the path of the role, which those of SSO have.
    role = iam.get_role(client, rest.partition("/")[0])
    return str(role["Arn"]) if role else ""


def of_iam(clients: Clients, account: AccountRun, settings: Settings) -> list[str]:
    """Ask how many roles and policies the account may still have: one call."""
    with clients.acting(settings.source):
        summary = iam.get_account_summary(survey.iam_client(clients, settings))
    building = [target for target in account.targets if target.live.stack is None and not target.settings.stack_set]
    designs = [target.wanted.stack for target in building if target.wanted]
    return obstacles.of_iam(
        summary,
        roles=(account.identity.role is None) + sum(_roles_of(design) for design in designs),
        policies=int(account.identity.guardrail is None),
    )


def _roles_of(design: StackDesign) -> int:
    return sum(item["Type"] == "AWS::IAM::Role" for item in template.template(design)["Resources"].values())


def of_rules(clients: Clients, settings: Settings, design: StackDesign, *, alone: bool) -> list[str]:
    """Ask for the rules of the default event bus: a call for every 100, and one for the quota where it is near.

    *alone*: there is no stack that could have made a rule of these names.
    """
    wanted = {rule.name: json.dumps(rule.pattern) for rule in design.rules}
    with clients.acting(settings.source):
        there = events.list_rules(clients.get("events", settings.region, settings.source.endpoint_url))
        quota = FEWEST_RULES
        if len({*there, *wanted}) > quota:
            client = clients.get("service-quotas", settings.region, settings.source.endpoint_url, FEW_ATTEMPTS)
            default = obstacles.RULES_AT_MOST_IN.get(settings.region, obstacles.RULES_AT_MOST)
            quota = quotas.get_service_quota(client, "events", obstacles.RULES_QUOTA) or default
    taken = set(wanted) & set(there) if alone else set()
    return [
        *obstacles.of_names("rule", taken),
        *obstacles.of_rules(there, wanted, quota, settings.region),
        *obstacles.of_wildcards({name: rule.get("EventPattern", "") for name, rule in there.items()}, wanted),
    ]


def of_topics(clients: Clients, settings: Settings, arns: list[str]) -> list[str]:
    """Ask for the topics that the stack would make: a call for each."""
    with clients.acting(settings.source):
        client = clients.get("sns", settings.region, settings.source.endpoint_url)
        there = [arn for arn in arns if sns.get_topic_attributes(client, arn) is not None]
    return obstacles.of_names("topic", [arn.rpartition(":")[2] for arn in there])
