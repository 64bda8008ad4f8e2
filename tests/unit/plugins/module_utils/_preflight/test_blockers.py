# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every blocker: what AWS answers, and the sentence that follows, which names the remedy."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._preflight import blockers

OURS, OTHER = "T0ABCDEFG12", "T0OTHER0000"
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
    return blockers.of_policy(content, [OURS], user_roles=user_roles)


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        (blockers.of_workspaces([], [OURS]), ["Slack workspace T0ABCDEFG12 is not author", "/chatbot/home", "Allow"]),
        (
            blockers.of_workspaces(AUTHORIZED, [OTHER]),
            ["Slack workspace T0OTHER0000 is not author", "T0ABCDEFG12 (acme)", "/chatbot/home", "Allow"],
        ),
        (
            blockers.of_workspaces(DISABLED, [OURS]),
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
        blockers.of_workspaces(AUTHORIZED, [OURS]),
        blockers.of_workspaces([{"SlackTeamId": OURS.lower()}], [OURS]),
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
        blockers.remarks_of_policy(policy(), [OURS]),
        blockers.remarks_of_policy(policy(default={"supported_channel_types": ["private", "public"]}), [OURS]),
    ],
)
def test_conditions_that_do_not_block(found):
    assert found == []


def test_a_kind_of_channel_that_is_not_allowed_is_reported_once_for_a_workspace():
    default = {"supported_channel_types": ["private"]}
    (remark,) = blockers.remarks_of_policy(policy(default=default), [OURS, OURS])
    assert f"only private channels in Slack workspace {OURS}" in remark
