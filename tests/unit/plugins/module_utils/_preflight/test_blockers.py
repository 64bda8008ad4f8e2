# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every obstacle: what AWS answers, and the sentence that it makes, which names the remedy."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._preflight import blockers as obstacles

OURS, OTHER = "T0ABCDEFG12", "T0OTHER0000"
AUTHORISED = [{"SlackTeamId": OURS, "SlackTeamName": "acme", "State": "ENABLED"}]
DISABLED = [{**AUTHORISED[0], "State": "DISABLED", "StateReason": "Denied by p-1."}]
ONE_BY_ONE = [f"rule{number}" for number in range(299)]
WILD = '{"source":[{"wildcard" : "aws.*"}]}'
THIRTY = {f"rule{number}": WILD for number in range(30)}
IAM = {"Roles": 999, "RolesQuota": 1000, "Policies": 10, "PoliciesQuota": 1500}


def policy(elsewhere="enabled", **slack):
    return {"chatbot": {"platforms": {"slack": slack}, "default": {"client": elsewhere}}}


def roles(*names):
    return {"supported_role_settings": list(names)}


def of_policy(content, user_roles=False):
    return obstacles.of_policy(content, [OURS], user_roles=user_roles)


@pytest.mark.parametrize(
    ("found", "begins", "remedy"),
    [
        (obstacles.of_workspaces([], [OURS]), "Slack workspace T0ABCDEFG12 is not authorised", "/chatbot/home"),
        (obstacles.of_workspaces(AUTHORISED, [OTHER]), "Slack workspace T0OTHER0000 is not authorised", "press Allow"),
        (
            obstacles.of_workspaces(DISABLED, [OURS]),
            "Slack workspace T0ABCDEFG12 is disabled by a policy of the organization (Denied by p-1), and nothing",
            "AWS Organizations, Policies, Chat applications policies",
        ),
        (of_policy(policy("disabled")), "the organization lets no account send to Slack", "change the chat applic"),
        (of_policy(policy(client="disabled")), "the organization lets no account send to Slack", "change the chat"),
        (
            of_policy(policy(workspaces=[OTHER])),
            "the organization allows other Slack workspaces than T0ABCDEFG12",
            "change the chat applications policy",
        ),
        (of_policy(policy(default=roles("user_role"))), "", "user_authorization_required to true"),
        (of_policy(policy(overrides={OURS: roles("channel_role")}), True), "", "user_authorization_required to false"),
        (
            obstacles.of_rules(ONE_BY_ONE, ["a", "b"], 300, "eu-west-1"),
            "the event bus has 299 rules, 2 more are needed, and its quota is 300: delete rules that nobody needs",
            "https://eu-west-1.console.aws.amazon.com/servicequotas/home/services/events/quotas/L-244521F2",
        ),
        (
            obstacles.of_wildcards(THIRTY, {"ours": WILD, "plain": "{}"}),
            "the event bus has 30 rules with a wildcard, 1 more are needed, and AWS allows 30: use no * within",
            "delete rules that nobody needs",
        ),
        (obstacles.of_names("topic", ["mine"]), "the topic mine is there, and no stack of this", "delete it, or set"),
        (obstacles.of_iam(IAM, roles=2, policies=1), "IAM has 999 roles, 2 more are needed", "servicequotas/home"),
        ([obstacles.of_service_role()], "the role AWSServiceRoleForAWSChatbot", "create-service-linked-role"),
        (
            [obstacles.closed_region("af-south-1", "111111111111")],
            "af-south-1 is not enabled in account 111111111111",
            "aws account enable-region --region-name af-south-1",
        ),
    ],
)
def test_an_obstacle_is_one_sentence_with_its_remedy(found, begins, remedy):
    (sentence,) = found
    assert sentence.startswith(begins)
    assert remedy in sentence


@pytest.mark.parametrize(
    "found",
    [
        obstacles.of_workspaces(AUTHORISED, [OURS]),
        obstacles.of_workspaces([{"SlackTeamId": OURS.lower()}], [OURS]),
        of_policy({}),
        of_policy(policy()),
        of_policy(policy("disabled", client="enabled")),
        of_policy(policy(workspaces=[OTHER, OURS])),
        of_policy(policy(default=roles("user_role"), overrides={OURS: roles("channel_role")})),
        of_policy(policy(default=roles("user_role", "channel_role")), True),
        obstacles.of_rules(ONE_BY_ONE, ["a"], 300, "eu-west-1"),
        # A bus that is over its quota, which was lowered: nothing new is needed.
        obstacles.of_rules([*ONE_BY_ONE, "a", "b"], ["a", "b"], 300, "eu-west-1"),
        obstacles.of_wildcards(THIRTY, {"plain": '{"source":["wildcard"]}'}),
        obstacles.of_wildcards(THIRTY, {"rule7": WILD}),
        obstacles.of_iam(IAM, roles=1, policies=1),
        obstacles.of_iam({}, roles=1, policies=1),
        obstacles.remarks_of_policy(policy(), [OURS]),
        obstacles.remarks_of_policy(policy(default={"supported_channel_types": ["private", "public"]}), [OURS]),
    ],
)
def test_what_is_no_obstacle(found):
    assert found == []


def test_a_kind_of_channel_that_is_not_allowed_is_a_remark_of_the_workspace():
    default = {"supported_channel_types": ["private"]}
    (remark,) = obstacles.remarks_of_policy(policy(default=default), [OURS, OURS])
    assert remark == f"the organization allows private channels only in Slack workspace {OURS}, and AWS disables others"
