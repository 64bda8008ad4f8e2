# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All blockers of a deployment are found before the first write and reported together: whole runs over HTTP."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import DENY_ALL
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.tests.unit import account_model

ACCOUNT = account_model.ACCOUNT.id
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
    """Return a function that runs the playbook, which must write nothing, and returns the problems by target."""

    def run(targets):
        done = lab.run(targets, check=request.param)
        assert done.writes == []
        assert not any(target["changed"] for target in done.result["targets"].values() if target["failed"])
        return done.problems

    return run


def contain(problems, expected):
    """Assert that there is one problem for each list of facts, in this order, and that it contains them."""
    assert len(problems) == len(expected), problems
    for problem, facts in zip(problems, expected):
        assert [fact for fact in facts if fact not in problem] == []


def test_all_problems_are_reported_together_and_nothing_is_written(lab, refused):
    lab.world(workspaces=[], hubs=[US], quotas={"rules": 1})
    lab.client("iam").create_role(RoleName="securityhub-slack-channel", AssumeRolePolicyDocument=json.dumps(TRUST))
    lab.client("iam").create_policy(
        PolicyName="securityhub-slack-channel-guardrail", PolicyDocument=json.dumps(DENY_ALL)
    )
    lab.client("sns", EU).create_topic(Name="securityhub-slack")
    lab.client("events", EU).put_rule(Name="securityhub-slack-action", EventPattern='{"source": ["aws.ec2"]}')

    found = refused(lab.hosts(EU, US))

    foreign = ["already exists and is not managed by this collection", "securityhub_slack_name"]
    of_account = [
        ["the IAM role securityhub-slack-channel ", *foreign],
        ["the IAM policy securityhub-slack-channel-guardrail ", *foreign],
        ["Slack workspace T0ABCDEFG12 is not author", "none", "/chatbot/home"],
    ]
    contain(found[US], of_account)
    contain(
        found[EU],
        [
            ["Security Hub is not enabled", "Enable it"],
            *of_account,
            ["the rule securityhub-slack-action ", *foreign, "delete it"],
            ["the topic securityhub-slack ", *foreign, "delete it"],
        ],
    )


def test_a_problem_of_one_target_does_not_block_the_others(lab):
    for number in range(50):
        lab.client("securityhub", EU).create_action_target(Name="Old", Description="Old", Id=f"Old{number}")
    lab.world(quotas={"rules": 101})
    for number in range(101):
        lab.client("events", EU).put_rule(Name=f"rule{number}", EventPattern='{"source": ["aws.ec2"]}')

    done = lab.run(lab.hosts(EU, US))

    assert list(done.problems) == [EU]
    contain(
        done.problems[EU],
        [
            ["50 custom actions", "AWS allows 50"],
            ["event bus has 101 rules, 2 more are needed, and its quota is 101", "Delete unused rules"],
        ],
    )
    assert {entry["region"] for entry in done.requests if entry["write"]} <= {US, "us-east-2"}
    assert lab.carried() == [f"{US}:securityhub-slack"]


def test_wildcards_for_which_the_event_bus_has_no_room(lab, refused):
    wild = json.dumps({"source": [{"wildcard": "aws.*hub"}]})
    for number in range(30):
        lab.client("events", US).put_rule(Name=f"rule{number}", EventPattern=wild)
    suppressions = [{"resource_ids": ["arn:aws:s3:::*-public", "arn:aws:s3:::site"], "reason": "public by design"}]
    found = refused(lab.hosts(US, suppressions=suppressions))
    contain(found[US], [["30 rules with a wildcard, 1 more are needed, and AWS allows 30", "resource_ids"]])


def test_a_region_that_is_not_enabled_is_named_even_if_it_is_the_only_one(lab, refused):
    disabled = ["af-south-1", "ap-east-1", "eu-south-1", "me-south-1"]
    found = refused(lab.hosts(disabled[0]))
    assert list(found) == disabled[:1]
    contain(
        found["af-south-1"],
        [
            [
                "af-south-1 is not enabled in account 111111111111",
                "aws account enable-region --region-name af-south-1",
                "inventory",
            ]
        ],
    )
    assert list(refused(lab.hosts(*disabled))) == disabled
    done = lab.run(lab.hosts(*disabled, US))
    assert list(done.errors) == disabled
    assert lab.carried() == [f"{US}:securityhub-slack"]


def test_credentials_that_no_region_recognizes_are_not_mistaken_for_a_disabled_region(lab, refused):
    lab.emulator.faults({"denied": 1, "operations": ["ListRegions", "DescribeRegions"]})
    (problem,) = refused(lab.hosts("af-south-1"))["af-south-1"]
    assert "AWS does not accept these credentials in this region" in problem
    assert "is not enabled in account" not in problem


def test_the_quota_is_not_read_where_there_is_room(lab):
    done = lab.run(lab.hosts(EU, US))

    assert done.errors == {}
    assert {operation: done.calls[operation] for operation in ASKED} == ASKED
    assert done.calls["GetServiceQuota"] == 0
    assert done.notices == lab.run(lab.hosts(EU, US)).notices


def test_a_raised_quota_is_read(lab):
    lab.world(quotas={"rules": 400})
    for number in range(301):
        lab.client("events", US).put_rule(Name=f"rule{number}", EventPattern='{"source": ["aws.ec2"]}')
    assert lab.run(lab.hosts(US)).errors == {}


def test_with_a_channel_only_the_needs_of_a_new_target_are_read(lab):
    lab.run(lab.hosts(US))

    done = lab.run(lab.hosts(EU, US))

    assert {operation: done.calls[operation] for operation in ASKED if done.calls[operation]} == {
        "ListRules": 1,
        "GetTopicAttributes": 1,
    }


@pytest.mark.parametrize(
    ("slack", "facts"),
    [
        ({"client": "disabled"}, ["the organization allows no account", "administrator of the organization"]),
        ({}, ["the organization allows no account", "administrator of the organization"]),
        (
            {"client": "enabled", "workspaces": ["T0THERS0000"]},
            ["does not allow Slack workspace T0ABCDEFG12", "administrator of the organization"],
        ),
        (
            {"client": "enabled", "default": {"supported_role_settings": ["user_role"]}},
            ["only user_role", "T0ABCDEFG12", "securityhub_slack_user_authorization_required to true"],
        ),
    ],
)
def test_a_policy_of_the_organization_that_does_not_allow_the_channel(lab, refused, slack, facts):
    lab.world(chatbot_policy={"chatbot": {**OF_SLACK["chatbot"], "platforms": {"slack": slack}}})

    found = refused(lab.hosts(EU, US))

    assert set(found) == {EU, US}
    assert any(all(fact in problem for fact in facts) for problem in found[US])


def test_a_policy_that_allows_only_private_channels_is_reported(lab):
    slack = {"client": "enabled", "default": {"supported_channel_types": ["private"]}}
    lab.world(chatbot_policy={"chatbot": {"platforms": {"slack": slack}}})

    done = lab.run(lab.hosts(US))

    assert done.errors == {}
    assert any("the organization allows only private channels" in notice for notice in done.notices)


def test_a_channel_that_the_organization_has_disabled_gets_no_new_topics(lab):
    lab.run(lab.hosts(US))
    lab.world(channel_policy_disabled="Slack is denied by policy p-1")

    same, more = lab.run(lab.hosts(US)), lab.run(lab.hosts(EU, US))

    assert same.errors == {}
    (notice,) = [notice for notice in same.notices if "is disabled by a policy" in notice]
    assert f"Slack channel {account_model.CHANNEL} " in notice
    assert "(Slack is denied by policy p-1)" in notice
    assert set(more.errors) == {EU, US}
    assert more.writes == []
    # One that has other problems would change, so for it this is a problem too.
    lab.world(channel_policy_disabled="Slack is denied by policy p-1", hubs=[US])
    mixed = lab.run(lab.hosts(EU, US))
    assert list(mixed.problems) == [EU]
    assert any("is disabled by a policy" in problem for problem in mixed.problems[EU])


def test_a_channel_with_a_configuration_while_another_one_has_our_name(lab, refused):
    lab.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(TRUST))
    for name, channel in (("alerts", account_model.CHANNEL), ("securityhub-slack", OTHER_CHANNEL)):
        lab.client("chatbot", "us-east-2").create_slack_channel_configuration(
            ConfigurationName=name,
            SlackTeamId=account_model.WORKSPACE,
            SlackChannelId=channel,
            IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/theirs",
        )
    found = refused(lab.hosts(EU, US))
    assert set(found) == {EU, US}
    contain(found[EU], [[f"channel {account_model.CHANNEL} already has the configuration alerts", "AWS allows one"]])


def test_a_check_without_permission_is_reported_once_and_blocks_nothing(lab):
    optional = ["DescribeEffectivePolicy", "ListRoles", "GetAccountSummary", "ListRules", "GetTopicAttributes"]
    lab.emulator.faults({"denied": 1, "operations": optional})

    done = lab.run(lab.hosts(EU, US))

    assert done.errors == {}
    unchecked = [notice for notice in done.notices if notice.startswith("not checked: ")]
    assert len(unchecked) == len(optional)
    for operation in optional:
        assert sum(f"{operation} " in notice for notice in unchecked) == 1
    assert any("chat applications policy; these credentials may not call" in notice for notice in unchecked)


def test_nothing_is_deployed_if_the_workspaces_cannot_be_read(lab, refused):
    lab.emulator.faults({"denied": 1, "operations": ["DescribeSlackWorkspaces"]})
    found = refused(lab.hosts(EU, US))
    assert set(found) == {EU, US}
    assert found[US][0].startswith("these credentials may not call DescribeSlackWorkspaces")


def test_all_missing_permissions_are_reported_together(lab, refused):
    missing = {"DescribeStacks", "DescribeActionTargets", "GetRole", "GetPolicy"}
    lab.emulator.faults({"denied": 1, "operations": list(missing)})
    found = refused(lab.hosts(EU, US))
    for problems in found.values():
        calls = {problem.partition(" may not call ")[2].partition(" ")[0] for problem in problems}
        assert calls == missing


def test_of_an_account_that_could_not_be_read_only_that_is_reported(lab, refused):
    lab.world(workspaces=[])
    lab.emulator.faults({"denied": 1, "operations": ["DescribeSlackChannelConfigurations"]})
    found = refused(lab.hosts(US))
    contain(found[US], [["DescribeSlackChannelConfigurations"]])
    assert "DescribeSlackWorkspaces" not in {entry["operation"] for entry in lab.emulator.requests()}


def test_a_platform_that_the_organization_denies_is_only_needed_by_its_channels(lab):
    lab.emulator.faults({"denied": 1, "operations": ["ListMicrosoftTeamsChannelConfigurations"]})
    in_teams = lab.settings(US, **account_model.TEAMS)
    contain(lab.run([in_teams], check=True).problems[US], [["ListMicrosoftTeamsChannelConfigurations"]])
    assert lab.run(lab.hosts(US)).problems == {}


def test_removal_skips_checks_of_a_deployment(lab):
    lab.run(lab.hosts(EU, US))
    lab.world(workspaces=[], channel_policy_disabled="no Slack here", quotas={"rules": 1})
    assert lab.run(lab.hosts(EU, US, state="absent")).errors == {}
    assert lab.ours(EU, US) == {}


def test_a_target_is_removed_while_another_one_cannot_be_deployed(lab):
    lab.run(lab.hosts(EU))
    lab.world(workspaces=[])
    present = lab.settings(US, channel_id=OTHER_CHANNEL, configuration_name="other")
    absent = lab.settings(EU, state="absent")
    done = lab.run([present, absent])
    assert list(done.errors) == [US]
    # The role stays for the channel that should follow.
    assert lab.ours(EU, US).keys() == {"roles", "policies"}


def test_nothing_is_removed_for_a_home_region_that_cannot_be_deployed(lab):
    lab.run(lab.hosts(EU))
    lab.world(aggregator={"home": US, "RegionLinkingMode": "ALL_REGIONS"})
    lab.client("sns", US).create_topic(Name="securityhub-slack")

    done = lab.run(lab.hosts(EU, US))

    assert done.writes == []
    assert "the topic securityhub-slack already exists" in done.errors[US]
    assert "us-east-1 should forward its findings" in done.errors[EU]
    assert "not in place" in done.errors[EU]
    assert lab.carried() == [f"{EU}:securityhub-slack"]


def test_of_a_member_account_only_its_administrator_is_reported_and_targets_can_be_removed(lab):
    lab.run(lab.hosts(EU))
    lab.world(administrator="999999999999", workspaces=[], hubs=[EU])

    done = lab.run([lab.settings(US), lab.settings(EU, state="absent")])

    assert list(done.errors) == [US]
    contain(done.problems[US], [["111111111111 is a member account", "999999999999", "securityhub_slack_allow_member"]])
    assert lab.stack(EU) is None


class TestTheServiceLinkedRole:
    """The role with which Amazon Q subscribes to topics."""

    def names(self, lab):
        return [role["RoleName"] for role in lab.client("iam").list_roles(PathPrefix="/aws-service-role/")["Roles"]]

    def test_is_created_before_anything_else(self, lab):
        check, done = lab.run(lab.hosts(US), check=True), lab.run(lab.hosts(US))
        assert done.writes[0] == "CreateServiceLinkedRole"
        assert self.names(lab) == ["AWSServiceRoleForAWSChatbot"]
        assert "role AWSServiceRoleForAWSChatbot: create" in done.result["accounts"][0]["changes"]
        assert check.reported == done.reported
        assert lab.run(lab.hosts(EU, US)).calls["CreateServiceLinkedRole"] == 0

    def test_that_exists_is_left_alone(self, lab):
        lab.client("iam").create_service_linked_role(AWSServiceName="management.chatbot.amazonaws.com")
        assert "CreateServiceLinkedRole" not in lab.run(lab.hosts(US)).writes

    def test_that_cannot_be_created_stops_the_account_before_anything_is_deployed(self, lab):
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
    def test_that_the_policies_of_the_caller_do_not_allow_is_a_blocker(self, lab, statement, refuses):
        iam = lab.client("iam")
        iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(TRUST))
        if statement:
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName="deployer", PolicyName="rights", PolicyDocument=document)
        done = lab.run([lab.settings(US, role_arn=CREATOR)], check=True)
        assert bool(done.errors) == refuses
        assert done.writes == []
        if refuses:
            assert "AWSServiceRoleForAWSChatbot" in done.errors[US]
            assert "iam:CreateServiceLinkedRole" in done.errors[US]

    def test_is_created_even_if_it_cannot_be_checked_whether_that_is_allowed(self, lab):
        iam = lab.client("iam")
        iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(TRUST))
        lab.emulator.faults({"denied": 1, "operations": ["SimulatePrincipalPolicy"]})
        done = lab.run([lab.settings(US, role_arn=CREATOR)])
        assert done.errors == {}
        assert done.writes[0] == "CreateServiceLinkedRole"
        (notice,) = [notice for notice in done.notices if notice.startswith("not checked: ")]
        assert "AWSServiceRoleForAWSChatbot" in notice
        assert "SimulatePrincipalPolicy" in notice


def test_the_permissions_boundary_is_checked_before_a_role_gets_it(lab, refused):
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/securityhub-slack-boundary"
    missing = [[boundary, "does not exist", "files/iam/boundary.json"]]
    contain(refused(lab.hosts(US, permissions_boundary=boundary))[US], missing)
    assert lab.run(lab.hosts(US), check=False).problems == {}
    contain(refused(lab.hosts(US, permissions_boundary=boundary))[US], missing)


def test_quotas_of_iam_are_checked_before_the_first_role(lab, refused):
    lab.client("iam").create_role(RoleName="one", AssumeRolePolicyDocument=json.dumps(TRUST))
    lab.world(quotas={"roles": 1, "policies": 0})
    found = refused(lab.hosts(US))
    contain(
        found[US],
        [
            ["IAM has 1 roles, 1 more are needed, and the quota is 1", "Delete unused ones"],
            ["IAM has 0 customer managed policies, 1 more are needed, and the quota is 0", "Delete unused ones"],
        ],
    )
