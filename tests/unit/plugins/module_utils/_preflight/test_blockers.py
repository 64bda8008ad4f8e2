# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every blocker: what AWS answers, and the sentence that follows, which names the remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._preflight import blockers
from ansible_collections.secops.securityhub.tests.unit import account_model

OURS, OTHER = "T0ABCDEFG12", "T0OTHER0000"
HERE = Channel("securityhub-slack", OURS, "C0ABCDEFG12")
IN_TEAMS = account_model.settings(**account_model.TEAMS).routes[0].channel
TEAM = {"TeamId": IN_TEAMS.team_id.upper(), "TenantId": IN_TEAMS.tenant_id, "TeamName": "acme", "State": "ENABLED"}
AUTHORIZED = [{"SlackTeamId": OURS, "SlackTeamName": "acme", "State": "ENABLED"}]
DISABLED = [{**AUTHORIZED[0], "State": "DISABLED", "StateReason": "Denied by p-1."}]
RULES = [f"rule{number}" for number in range(299)]
WILD = '{"source":[{"wildcard" : "aws.*"}]}'
THIRTY = {f"rule{number}": WILD for number in range(30)}
IAM_SUMMARY = {"Roles": 999, "RolesQuota": 1000, "Policies": 10, "PoliciesQuota": 1500}


def policy(elsewhere="enabled", **slack):
    return {"chatbot": {"platforms": {"slack": slack}, "default": {"client": elsewhere}}}


def roles(*names):
    return {"supported_role_settings": list(names)}


def of_policy(content, user_roles=False):
    return blockers.of_policy(content, [HERE], user_roles=user_roles)


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        (blockers.of_teams([], [HERE]), ["Slack workspace T0ABCDEFG12 is not author", "/chatbot/home", "Allow"]),
        (
            blockers.of_teams(AUTHORIZED, [replace(HERE, team_id=OTHER)]),
            ["Slack workspace T0OTHER0000 is not author", "T0ABCDEFG12 (acme)", "/chatbot/home", "Allow"],
        ),
        (
            blockers.of_teams(DISABLED, [HERE]),
            [
                "Slack workspace T0ABCDEFG12 is disabled by a policy of the organization (Denied by p-1)",
                "AWS Organizations, Policies, Chat applications policies",
            ],
        ),
        (of_policy(policy("disabled")), ["no account", "Slack", "chat applications policy"]),
        (of_policy(policy(client="disabled")), ["no account", "Slack", "chat applications policy"]),
        (of_policy(policy(workspaces=[OTHER])), ["does not allow Slack workspace T0ABCDEFG12", "applications policy"]),
        (
            of_policy(policy(default=roles("user_role"))),
            ["only user_role in Slack workspace T0ABCDEFG12", "securityhub_slack_user_authorization_required to true"],
        ),
        (
            of_policy(policy(overrides={OURS: roles("channel_role")}), True),
            ["only channel_role in Slack workspace", "securityhub_slack_user_authorization_required to false"],
        ),
        (
            blockers.of_rules(RULES, ["a", "b"], 300, "eu-west-1"),
            [
                "event bus has 299 rules, 2 more are needed, and its quota is 300",
                "https://eu-west-1.console.aws.amazon.com/servicequotas/home/services/events/quotas/L-244521F2",
            ],
        ),
        (
            blockers.of_wildcards(THIRTY, {"ours": WILD, "plain": "{}"}),
            ["event bus has 30 rules with a wildcard, 1 more are needed, and AWS allows 30", "resource_ids"],
        ),
        (
            [blockers.of_name("topic", "mine")],
            ["the topic mine already exists", "not managed by this collection", "securityhub_slack_name", "delete it"],
        ),
        (
            blockers.of_iam(IAM_SUMMARY, roles=2, policies=1),
            ["IAM has 999 roles, 2 more are needed, and the quota is 1,000", "servicequotas/home"],
        ),
        (
            [blockers.of_service_role()],
            [
                "the role AWSServiceRoleForAWSChatbot",
                "iam:CreateServiceLinkedRole",
                "aws iam create-service-linked-role --aws-service-name management.chatbot.amazonaws.com",
            ],
        ),
    ],
)
def test_a_blocker_is_one_text_with_its_remedy(found, facts):
    (sentence,) = found
    assert [fact for fact in facts if fact not in sentence] == []


@pytest.mark.parametrize(
    "found",
    [
        blockers.of_teams(AUTHORIZED, [HERE]),
        blockers.of_teams([{"SlackTeamId": OURS.lower()}], [HERE]),
        of_policy({}),
        of_policy(policy()),
        of_policy(policy("disabled", client="enabled")),
        of_policy(policy(workspaces=[OTHER, OURS])),
        of_policy(policy(default=roles("user_role"), overrides={OURS: roles("channel_role")})),
        of_policy(policy(default=roles("user_role", "channel_role")), True),
        blockers.of_rules(RULES, ["a"], 300, "eu-west-1"),
        # A bus that exceeds its quota, which was lowered: no new rule is needed.
        blockers.of_rules([*RULES, "a", "b"], ["a", "b"], 300, "eu-west-1"),
        blockers.of_wildcards(THIRTY, {"plain": '{"source":["wildcard"]}'}),
        blockers.of_wildcards(THIRTY, {"rule7": WILD}),
        blockers.of_iam(IAM_SUMMARY, roles=1, policies=1),
        blockers.of_iam({}, roles=1, policies=1),
        blockers.remarks_of_policy(policy(), [HERE]),
        blockers.remarks_of_policy(policy(default={"supported_channel_types": ["private", "public"]}), [HERE]),
    ],
)
def test_conditions_that_do_not_block(found):
    assert found == []


def test_a_kind_of_channel_that_is_not_allowed_is_reported_once_for_a_workspace():
    default = {"supported_channel_types": ["private"]}
    (remark,) = blockers.remarks_of_policy(policy(default=default), [HERE, HERE])
    assert f"only private channels in Slack workspace {OURS}" in remark


def of_teams_policy(user_roles=False, **rules):
    content = {"chatbot": {"platforms": {"microsoft_teams": rules}, "default": {"client": "disabled"}}}
    return blockers.of_policy(content, [IN_TEAMS, HERE], user_roles=user_roles)


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        (
            blockers.of_teams([], [IN_TEAMS]),
            [f"Microsoft Teams team {IN_TEAMS.team_id} is not authorized", "/chatbot/home", "choose Microsoft Teams"],
        ),
        (blockers.of_teams([{**TEAM, "State": "DISABLED"}], [IN_TEAMS]), ["Microsoft Teams team", "is disabled"]),
        (
            blockers.of_teams([{**TEAM, "TenantId": OTHER}], [IN_TEAMS]),
            [f"belongs to the tenant {OTHER}", IN_TEAMS.tenant_id, "securityhub_slack_tenant_id"],
        ),
        (of_teams_policy()[:1], ["allows no account to send to Microsoft Teams"]),
        (
            of_teams_policy(client="enabled", tenants={IN_TEAMS.tenant_id: [OTHER]})[:1],
            [f"does not allow Microsoft Teams team {IN_TEAMS.team_id}"],
        ),
        (of_teams_policy(client="enabled", tenants={OTHER: ["*"]})[:1], ["does not allow Microsoft Teams team"]),
        (
            of_teams_policy(client="enabled", overrides={IN_TEAMS.tenant_id: {IN_TEAMS.team_id: roles("user_role")}})[
                :1
            ],
            ["only user_role in Microsoft Teams team", "securityhub_slack_user_authorization_required to true"],
        ),
    ],
)
def test_a_blocker_in_microsoft_teams_is_one_text_with_its_remedy(found, facts):
    (sentence,) = found
    assert [fact for fact in facts if fact not in sentence] == []


def test_an_authorized_and_allowed_team_does_not_block():
    assert blockers.of_teams([TEAM], [IN_TEAMS]) == []
    for allowed in ([IN_TEAMS.team_id], ["*"]):
        (of_slack,) = of_teams_policy(client="enabled", tenants={IN_TEAMS.tenant_id: allowed})
        assert "allows no account to send to Slack" in of_slack
