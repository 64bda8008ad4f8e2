# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an account or a target from being built, each as a sentence with its remedy: pure.

PRIVATE to the collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._channel import configuration
from .._channel.platforms import TEAMS
from .._resource.ownership import not_managed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._model.settings import Channel
    from .._resource.shapes import Json

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: rules of one event bus; can be raised.
RULES_QUOTA = "L-244521F2"
RULES_AT_MOST = 300
RULES_AT_MOST_IN = {"af-south-1": 100, "eu-south-1": 100}
WILDCARDS_AT_MOST = 30  # rules of one bus with a wildcard in their pattern; AWS does not raise that quota
WILDCARD = re.compile(r'"wildcard"\s*:')
# https://docs.aws.amazon.com/chatbot/latest/adminguide/using-service-linked-roles.html
SERVICE_ROLE = "AWSServiceRoleForAWSChatbot"
SERVICE_ROLE_OF = "management.chatbot.amazonaws.com"

ORGANIZATION = (
    "Ask the administrator of the organization to change the chat applications policy (AWS Organizations, Policies, "
    "Chat applications policies)"
)


@dataclass(frozen=True)
class _Rules:
    """What an effective chat applications policy says about a channel; empty lists restrict nothing.

    *is_enabled*: its platform is. *allows_team*: its workspace or team is allowed.
    """

    is_enabled: bool
    allows_team: bool
    roles: list[str]
    kinds: list[str]


def of_teams(authorized: Sequence[Json], needed: Iterable[Channel]) -> list[str]:
    """Return why the *needed* channels of a platform cannot be configured in their workspaces or teams.

    *authorized*: as DescribeSlackWorkspaces or ListMicrosoftTeamsConfiguredTeams answers.
    """
    found = []
    for channel in needed:
        platform, team_id = channel.platform, channel.team_id
        team = next((item for item in authorized if item[platform.team_id].casefold() == team_id.casefold()), {})
        if not team:
            found.append(configuration.unauthorized(platform, team_id, list(authorized)))
        elif team.get("State") == "DISABLED":
            found.append(disabled(f"{platform.name} {platform.team} {team_id}", team.get("StateReason", "")))
        elif team.get("TenantId", "").casefold() != channel.tenant_id:
            found.append(
                f"{platform.name} team {team_id} belongs to the tenant {team.get('TenantId')}, not to "
                f"{channel.tenant_id}. Correct securityhub_slack_tenant_id."
            )
    return list(dict.fromkeys(found))


def disabled(what: str, reason: str) -> str:
    """Return the sentence for a workspace or a channel that AWS reports as disabled, with AWS's *reason*."""
    return (
        f"{what} is disabled by a policy of the organization ({reason.rstrip('.') or 'no reason given'}), so no "
        f"messages arrive. {ORGANIZATION}."
    )


def of_policy(policy: Json, channels: Iterable[Channel], *, user_roles: bool) -> list[str]:
    """Return what an effective chat applications policy forbids for the *channels*.

    *user_roles*: each user of the channel acts with their own role instead of the channel's.
    """
    found = []
    for channel in channels:
        team = f"{channel.platform.name} {channel.platform.team} {channel.team_id}"
        rules = _of_policy(policy, channel)
        if not rules.is_enabled:
            found.append(f"the organization allows no account to send to {channel.platform.name}. {ORGANIZATION}.")
            continue
        if not rules.allows_team:
            found.append(f"the organization does not allow {team}, only others. {ORGANIZATION}.")
        if rules.roles and ("user_role" if user_roles else "channel_role") not in rules.roles:
            found.append(
                f"the organization's chat applications policy allows only {' and '.join(rules.roles)} in {team}. Set "
                f"securityhub_slack_user_authorization_required to {'false' if user_roles else 'true'}."
            )
    return list(dict.fromkeys(found))


def remarks_of_policy(policy: Json, channels: Iterable[Channel]) -> list[str]:
    """Return what to report about a policy that may apply: AWS does not show whether a channel is private."""
    found = []
    for channel in channels:
        kinds = _of_policy(policy, channel).kinds
        if len(kinds) == 1:
            found.append(
                f"the organization allows only {kinds[0]} channels in {channel.platform.name} {channel.platform.team} "
                f"{channel.team_id}; AWS disables others"
            )
    return list(dict.fromkeys(found))


def _of_policy(policy: Json, channel: Channel) -> _Rules:
    """Return what a policy says about a channel.

    The syntax: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_chatbot_syntax.html.
    """
    chatbot = policy.get("chatbot", {})
    platform = chatbot.get("platforms", {}).get(channel.platform.policy_key, {})
    overrides = platform.get("overrides", {})
    if channel.platform is TEAMS:
        overrides = overrides.get(channel.tenant_id, {})
        tenants = platform.get("tenants") or {channel.tenant_id: ["*"]}
        allowed = tenants.get(channel.tenant_id, [])
    else:
        allowed = platform.get("workspaces") or ["*"]
    client = platform.get("client", chatbot.get("default", {}).get("client"))
    rules = {**platform.get("default", {}), **overrides.get(channel.team_id, {})}
    return _Rules(
        is_enabled=client != "disabled",
        allows_team=channel.team_id in allowed or "*" in allowed,
        roles=rules.get("supported_role_settings") or [],
        kinds=rules.get("supported_channel_types") or [],
    )


def of_rules(existing: Iterable[str], desired: Iterable[str], quota: int, region: str) -> list[str]:
    """Return why the default event bus has no room for the *desired* rules beside the *existing* ones."""
    known = set(existing)
    new = len(set(desired) - known)
    if not new or len(known) + new <= quota:
        return []
    return [
        f"the event bus has {len(known)} rules, {new} more are needed, and its quota is {quota}. Delete unused rules, "
        f"or request a higher quota (https://{region}.console.aws.amazon.com/servicequotas/home/services/"
        f"events/quotas/{RULES_QUOTA})."
    ]


def of_wildcards(existing: dict[str, str], desired: dict[str, str]) -> list[str]:
    """Return why the default event bus takes no more rules with a wildcard; both: patterns as text, by rule name."""
    known = {name for name, pattern in existing.items() if WILDCARD.search(pattern)}
    new = {name for name, pattern in desired.items() if WILDCARD.search(pattern)} - known
    if not new or len(known) + len(new) <= WILDCARDS_AT_MOST:
        return []
    return [
        f"the event bus has {len(known)} rules with a wildcard, {len(new)} more are needed, and AWS allows "
        f"{WILDCARDS_AT_MOST}. Use no * in the resource_ids of suppressions, or delete unused rules."
    ]


def of_pattern(cause: str, evidence: str) -> str:
    """Return the sentence for a rule whose event pattern EventBridge does not evaluate as intended."""
    return (
        f"{cause}. Report a bug with the event pattern and the rest below. To deploy the rule nevertheless, set "
        f"securityhub_slack_test_event_patterns to false. {evidence}"
    )


def of_name(kind: str, name: str) -> str:
    """Return the sentence for a resource that the stack would create, and that exists without it."""
    # An earlier stack may have left it behind.
    return f"{not_managed(f'the {kind} {name}').rstrip('.')}, or delete it if nothing uses it."


def of_iam(summary: dict[str, int], *, roles: int, policies: int) -> list[str]:
    """Return why IAM has no room for so many more *roles* and *policies*; *summary*: as GetAccountSummary answers."""
    parts = (("roles", "Roles", roles), ("customer managed policies", "Policies", policies))
    return [
        f"IAM has {summary.get(key, 0):,} {what}, {new} more are needed, and the quota is {summary[f'{key}Quota']:,}. "
        f"Delete unused ones, or request a higher quota (https://us-east-1.console.aws.amazon.com/servicequotas/"
        f"home/services/iam/quotas)."
        for what, key, new in parts
        if new and f"{key}Quota" in summary and summary.get(key, 0) + new > summary[f"{key}Quota"]
    ]


def of_boundary(boundary: str) -> str:
    """Return the sentence for a permissions boundary that does not exist."""
    return (
        f"the policy {boundary} of securityhub_slack_permissions_boundary does not exist. Have an administrator create "
        f"it from files/iam/boundary.json of the role, or correct the ARN."
    )


def of_service_role() -> str:
    """Return the sentence for credentials that cannot create the role by which Amazon Q subscribes to topics."""
    return (
        f"the role {SERVICE_ROLE}, with which Amazon Q subscribes to topics, does not exist, and these credentials "
        f"cannot create it. Grant them iam:CreateServiceLinkedRole for {SERVICE_ROLE_OF}, or ask someone with that "
        f"permission to run: aws iam create-service-linked-role --aws-service-name {SERVICE_ROLE_OF}"
    )
