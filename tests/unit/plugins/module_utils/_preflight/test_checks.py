# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the way of a deployment is found before the first write, all of it in one run: whole runs over HTTP."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import DENY_ALL
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet

ACCOUNT = fleet.ACCOUNT.id
EU, US = "eu-west-1", "us-east-1"
OTHER_CHANNEL = "C0OTHER0000"
CREATOR = f"arn:aws:iam::{ACCOUNT}:role/deployer"
OF_SLACK = {"chatbot": {"platforms": {"slack": {}}, "default": {"client": "disabled"}}}
ASKED = {
    "DescribeSlackWorkspaces": 1,
    "DescribeEffectivePolicy": 1,
    "ListRoles": 1,
    "GetAccountSummary": 1,
    "ListRules": 2,
    "GetTopicAttributes": 2,
}


@pytest.fixture(params=[True, False], ids=["check mode", "real run"])
def refused(lab, request):
    """Return a function that runs, sees that nothing was written, and gives the problems by target."""

    def run(targets):
        done = lab.run(targets, check=request.param)
        assert done.writes == []
        assert not any(target.plan.changed for target in done.targets if target.problems)
        return {target.host: target.problems for target in done.targets if target.problems}

    return run


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_written(lab, refused):
    lab.world(workspaces=[], hubs=[US], quotas={"rules": 1})
    lab.client("iam").create_role(RoleName="securityhub-slack-channel", AssumeRolePolicyDocument=json.dumps(TRUST))
    lab.client("iam").create_policy(
        PolicyName="securityhub-slack-channel-guardrail", PolicyDocument=json.dumps(DENY_ALL)
    )
    lab.client("sns", EU).create_topic(Name="securityhub-slack")
    lab.client("events", EU).put_rule(Name="securityhub-slack-action", EventPattern='{"source": ["aws.ec2"]}')

    found = refused(lab.hosts(EU, US))

    of_account = [
        "the IAM role securityhub-slack-channel is there, but was not made by",
        "the IAM policy securityhub-slack-channel-guardrail is there, but was not made by",
        "Slack workspace T0ABCDEFG12 is not authorised in this AWS account (authorised: none)",
    ]
    begins(found[US], of_account)
    begins(
        found[EU],
        [
            "Security Hub is not enabled there: enable it",
            *of_account,
            "the rule securityhub-slack-action is there, and no stack of this collection has it: delete it, or set",
            "the topic securityhub-slack is there, and no stack of this collection has it: delete it, or set",
        ],
    )


def begins(found, wanted):
    """Assert that each sentence begins as wanted."""
    assert len(found) == len(wanted), found
    assert [sentence for sentence, start in zip(found, wanted) if not sentence.startswith(start)] == []


def test_a_problem_of_one_target_leaves_the_others_alone(lab):
    for number in range(50):
        lab.client("securityhub", EU).create_action_target(Name="Old", Description="Old", Id=f"Old{number}")
    lab.world(quotas={"rules": 101})
    for number in range(101):
        lab.client("events", EU).put_rule(Name=f"rule{number}", EventPattern='{"source": ["aws.ec2"]}')

    done = lab.run(lab.hosts(EU, US))

    problems = {target.host: target.problems for target in done.targets}
    assert problems[US] == []
    begins(
        problems[EU],
        [
            "there are 50 custom actions in this account and region, and AWS allows 50: delete one",
            "the event bus has 101 rules, 2 more are needed, and its quota is 101: delete rules that nobody needs, or",
        ],
    )
    assert {entry["region"] for entry in done.requests if entry["write"]} <= {US, "us-east-2"}
    assert lab.carried() == [f"{US}:securityhub-slack"]


def test_wildcards_that_the_bus_has_no_room_for(lab, refused):
    wild = json.dumps({"source": [{"wildcard": "aws.*hub"}]})
    for number in range(30):
        lab.client("events", US).put_rule(Name=f"rule{number}", EventPattern=wild)
    suppressions = [{"resource_ids": ["arn:aws:s3:::*-public", "arn:aws:s3:::site"], "reason": "meant to be open"}]
    found = refused(lab.hosts(US, suppressions=suppressions))
    begins(found[US], ["the event bus has 30 rules with a wildcard, 1 more are needed, and AWS allows 30: use no *"])


def test_a_region_that_is_not_enabled_is_named_also_where_it_is_the_only_one(lab, refused):
    closed = ["af-south-1", "ap-east-1", "eu-south-1", "me-south-1"]
    assert refused(lab.hosts(closed[0])) == {
        "af-south-1": [
            "af-south-1 is not enabled in account 111111111111: enable it (aws account enable-region --region-name "
            "af-south-1, which takes minutes to hours), or take it out of the inventory."
        ]
    }
    assert list(refused(lab.hosts(*closed))) == closed
    done = lab.run(lab.hosts(*closed, US))
    assert list(done.errors) == closed
    assert lab.carried() == [f"{US}:securityhub-slack"]


def test_credentials_that_no_region_knows_are_not_taken_for_a_closed_region(lab, refused):
    lab.emulator.faults({"denied": 1, "operations": ["ListRegions", "DescribeRegions"]})
    found = refused(lab.hosts("af-south-1"))
    assert found["af-south-1"][0].startswith("AWS does not accept these credentials in this region: check that the")


def test_what_has_room_is_built_without_a_look_at_the_quota(lab):
    done = lab.run(lab.hosts(EU, US))

    assert done.errors == {}
    assert {operation: done.calls[operation] for operation in ASKED} == ASKED
    assert done.calls["GetServiceQuota"] == 0
    assert done.accounts[0].notices == lab.run(lab.hosts(EU, US)).accounts[0].notices


def test_a_quota_that_was_raised_is_known(lab):
    lab.world(quotas={"rules": 400})
    for number in range(301):
        lab.client("events", US).put_rule(Name=f"rule{number}", EventPattern='{"source": ["aws.ec2"]}')
    assert lab.run(lab.hosts(US)).errors == {}


def test_an_account_that_has_its_channel_is_asked_only_for_what_a_new_target_needs(lab):
    lab.run(lab.hosts(US))

    done = lab.run(lab.hosts(EU, US))

    assert {operation: done.calls[operation] for operation in ASKED if done.calls[operation]} == {
        "ListRules": 1,
        "GetTopicAttributes": 1,
    }


@pytest.mark.parametrize(
    ("slack", "sentence"),
    [
        ({"client": "disabled"}, "the organization lets no account send to Slack: have the organization's"),
        ({}, "the organization lets no account send to Slack: have the organization's administrator"),
        (
            {"client": "enabled", "workspaces": ["T0THERS0000"]},
            "the organization allows other Slack workspaces than T0ABCDEFG12: have the organization's administrator",
        ),
        (
            {"client": "enabled", "default": {"supported_role_settings": ["user_role"]}},
            "the organization's chat applications policy allows user_role in Slack workspace T0ABCDEFG12 only: set "
            "securityhub_slack_user_authorization_required to true.",
        ),
    ],
)
def test_a_policy_of_the_organization_that_forbids_the_channel(lab, refused, slack, sentence):
    lab.world(chatbot_policy={"chatbot": {**OF_SLACK["chatbot"], "platforms": {"slack": slack}}})

    found = refused(lab.hosts(EU, US))

    assert set(found) == {EU, US}
    assert any(problem.startswith(sentence) for problem in found[US])


def test_a_policy_for_private_channels_alone_is_said(lab):
    slack = {"client": "enabled", "default": {"supported_channel_types": ["private"]}}
    lab.world(chatbot_policy={"chatbot": {"platforms": {"slack": slack}}})

    done = lab.run(lab.hosts(US))

    assert done.errors == {}
    assert any("the organization allows private channels only" in notice for notice in done.accounts[0].notices)


def test_a_channel_that_the_organization_has_disabled_gets_nothing_new(lab):
    lab.run(lab.hosts(US))
    lab.world(channel_policy_disabled="Slack is denied by policy p-1")

    same, more = lab.run(lab.hosts(US)), lab.run(lab.hosts(EU, US))

    assert same.errors == {}
    (notice,) = [notice for notice in same.accounts[0].notices if "is disabled by a policy" in notice]
    assert notice.startswith(f"Slack channel {fleet.CHANNEL} is disabled by a policy of the organization (Slack is den")
    assert set(more.errors) == {EU, US}
    assert more.writes == []


def test_a_channel_that_has_another_configuration_under_our_name_elsewhere(lab, refused):
    lab.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(TRUST))
    for name, channel in (("alerts", fleet.CHANNEL), ("securityhub-slack", OTHER_CHANNEL)):
        lab.client("chatbot", "us-east-2").create_slack_channel_configuration(
            ConfigurationName=name,
            SlackTeamId=fleet.WORKSPACE,
            SlackChannelId=channel,
            IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/theirs",
        )
    done = lab.run(lab.hosts(EU, US))
    assert done.writes == []
    (problem,) = done.targets[0].problems
    assert f"channel {fleet.CHANNEL} already has the configuration alerts; AWS allows one for a channel" in problem


def test_what_cannot_be_looked_at_is_said_once_and_stops_nothing(lab):
    optional = ["DescribeEffectivePolicy", "ListRoles", "GetAccountSummary", "ListRules", "GetTopicAttributes"]
    lab.emulator.faults({"denied": 1, "operations": optional})

    done = lab.run(lab.hosts(EU, US))

    assert done.errors == {}
    said = [notice for notice in done.accounts[0].notices if notice.startswith("not looked at beforehand: ")]
    assert len(said) == len(optional)
    assert any("what the organization allows of chat applications; these credentials may not call" in it for it in said)


def test_a_quota_that_may_not_be_looked_at_stops_nothing(lab):
    for number in range(100):
        lab.client("events", US).put_rule(Name=f"rule{number}", EventPattern='{"source": ["aws.ec2"]}')
    lab.emulator.faults({"denied": 1, "operations": ["GetServiceQuota"]})
    assert lab.run(lab.hosts(US)).errors == {}


def test_without_a_look_at_the_workspaces_nothing_is_built(lab, refused):
    lab.emulator.faults({"denied": 1, "operations": ["DescribeSlackWorkspaces"]})
    found = refused(lab.hosts(EU, US))
    assert set(found) == {EU, US}
    assert found[US][0].startswith("these credentials may not call DescribeSlackWorkspaces")


def test_all_permissions_that_the_survey_lacks_are_said(lab, refused):
    missing = {"DescribeStacks", "DescribeActionTargets", "GetRole", "GetPolicy"}
    lab.emulator.faults({"denied": 1, "operations": list(missing)})
    found = refused(lab.hosts(EU, US))
    for problems in found.values():
        calls = {problem.partition(" may not call ")[2].partition(" ")[0] for problem in problems}
        assert calls == missing


def test_a_removal_does_not_depend_on_what_a_deployment_would_need(lab):
    lab.run(lab.hosts(EU, US))
    lab.world(workspaces=[], channel_policy_disabled="no Slack here", quotas={"rules": 1})
    assert lab.run(lab.hosts(EU, US, state="absent")).errors == {}
    assert lab.ours(EU, US) == {}


def test_a_target_leaves_while_another_one_cannot_come(lab):
    lab.run(lab.hosts(EU))
    lab.world(workspaces=[])
    there = lab.settings(US, channel_id=OTHER_CHANNEL, configuration_name="other")
    gone = lab.settings(EU, state="absent")
    done = lab.run([there, gone])
    assert list(done.errors) == [US]
    # The role stays for the channel that is to come.
    assert lab.ours(EU, US).keys() == {"roles", "policies"}


def test_nothing_leaves_for_a_home_region_that_cannot_be_built(lab):
    lab.run(lab.hosts(EU))
    lab.world(aggregator={"home": US, "RegionLinkingMode": "ALL_REGIONS"})
    lab.client("sns", US).create_topic(Name="securityhub-slack")

    done = lab.run(lab.hosts(EU, US))

    assert done.writes == []
    assert done.errors[US].startswith("the topic securityhub-slack is there, and no stack")
    assert "because us-east-1 sends its findings, and the pipeline there is not in place" in done.errors[EU]
    assert lab.carried() == [f"{EU}:securityhub-slack"]


def test_a_member_account_is_told_of_its_administrator_alone_and_may_still_be_left(lab):
    lab.run(lab.hosts(EU))
    lab.world(administrator="999999999999", workspaces=[], hubs=[EU])

    done = lab.run([lab.settings(US), lab.settings(EU, state="absent")])

    (problem,) = done.targets[0].problems
    assert problem.startswith("111111111111 is a member account, and its administrator 999999999999")
    assert list(done.errors) == [US]
    assert lab.stack(EU) is None


class TestTheServiceLinkedRole:
    """The role by which Amazon Q subscribes to topics."""

    def names(self, lab):
        return [role["RoleName"] for role in lab.client("iam").list_roles(PathPrefix="/aws-service-role/")["Roles"]]

    def test_is_made_before_anything_else(self, lab):
        check, done = lab.run(lab.hosts(US), check=True), lab.run(lab.hosts(US))
        assert done.writes[0] == "CreateServiceLinkedRole"
        assert self.names(lab) == ["AWSServiceRoleForAWSChatbot"]
        assert "role AWSServiceRoleForAWSChatbot: create" in done.result["accounts"][0]["changes"]
        assert check.foreseen == done.foreseen
        assert lab.run(lab.hosts(EU, US)).calls["CreateServiceLinkedRole"] == 0

    def test_that_is_there_is_left_alone(self, lab):
        lab.client("iam").create_service_linked_role(AWSServiceName="management.chatbot.amazonaws.com")
        assert "CreateServiceLinkedRole" not in lab.run(lab.hosts(US)).writes

    def test_that_may_not_be_made_stops_the_account_before_anything_is_built(self, lab):
        lab.emulator.faults({"denied": 1, "operations": ["CreateServiceLinkedRole"]})
        done = lab.run(lab.hosts(EU, US))
        assert set(done.errors) == {EU, US}
        assert done.writes == ["CreateServiceLinkedRole"]
        assert "--aws-service-name management.chatbot.amazonaws.com" in done.errors[US]
        lab.emulator.faults()
        assert lab.run(lab.hosts(EU, US)).errors == {}

    @pytest.mark.parametrize(
        ("statement", "refuses"),
        [
            (None, True),
            ({"Effect": "Allow", "Action": "*", "Resource": "*"}, False),
        ],
    )
    def test_that_the_policies_of_the_caller_do_not_let_it_make_is_foreseen(self, lab, statement, refuses):
        iam = lab.client("iam")
        iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(TRUST))
        if statement:
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName="deployer", PolicyName="rights", PolicyDocument=document)
        done = lab.run([lab.settings(US, role_arn=CREATOR)], check=True)
        assert bool(done.errors) == refuses
        assert done.writes == []
        if refuses:
            assert "these credentials may not make it: grant them iam:CreateServiceLinkedRole" in done.errors[US]


def test_room_for_roles_is_looked_at_before_the_first_one(lab, refused):
    lab.client("iam").create_role(RoleName="one", AssumeRolePolicyDocument=json.dumps(TRUST))
    lab.world(quotas={"roles": 1, "policies": 0})
    found = refused(lab.hosts(US))
    begins(
        found[US],
        [
            "IAM has 1 roles, 1 more are needed, and the quota is 1: delete some that nobody needs, or ask AWS for",
            "IAM has 0 customer managed policies, 1 more are needed, and the quota is 0: delete some that nobody needs",
        ],
    )
