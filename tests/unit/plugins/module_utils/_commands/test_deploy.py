# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs over HTTP: what they leave in AWS, what they call for it, what they say."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import DENY_ALL
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot as Target
from ansible_collections.secops.securityhub.plugins.module_utils._observe import accounts as of_account
from ansible_collections.secops.securityhub.plugins.module_utils._observe import details
from ansible_collections.secops.securityhub.plugins.module_utils._observe import fleet as observe
from ansible_collections.secops.securityhub.plugins.module_utils._plan import transfer
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._commands.conftest import Lab

REGIONS = ("ap-southeast-1", "eu-west-1", "us-east-1")
ACCOUNT = fleet.ACCOUNT.id
OTHER_ACCOUNT = "222222222222"
OTHER_CHANNEL = "C0OTHER0000"
SECOND_NOT = 29
FIRST_ONLY = 72
HOME = {"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}
OF_A_TARGET = {"DescribeStacks", "DescribeActionTargets"}
ROUTES = [
    {"name": "prod", "channel_id": fleet.CHANNEL},
    {"name": "test", "channel_id": OTHER_CHANNEL, "minimum_severity": "LOW"},
]


ALLOWING = {**DENY_ALL, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
OTHER_TRUST = json.loads(json.dumps(TRUST).replace("chatbot.amazonaws.com", "sns.amazonaws.com"))


def topics(*regions, topic="securityhub-slack"):
    return [f"{region}:{topic}" for region in sorted(regions)]


def test_first_deployment(lab):
    done = lab.run([*lab.hosts(*REGIONS[1:]), lab.settings(REGIONS[0], minimum_severity="MEDIUM")])

    assert done.errors == {}
    assert done.result["summary"] == {"targets": 3, "changed": 3, "unchanged": 0, "failed": 0}
    assert lab.carried() == topics(*REGIONS)
    for region in REGIONS:
        assert lab.stack(region)["StackStatus"] == "CREATE_COMPLETE"
        assert lab.actions(region) == ["Send to Slack"]
        assert lab.topics(region) == ["securityhub-slack"]
    rule = lab.client("events", REGIONS[0]).describe_rule(Name="securityhub-slack-findings")
    assert json.loads(rule["EventPattern"])["detail"]["findings"]["Severity"]["Label"] == ["CRITICAL", "HIGH", "MEDIUM"]
    configuration = lab.channels()["securityhub-slack"]
    role = lab.client("iam").get_role(RoleName="securityhub-slack-channel")["Role"]
    assert configuration["IamRoleArn"] == role["Arn"]
    assert role["AssumeRolePolicyDocument"] == TRUST
    (guardrail,) = configuration["GuardrailPolicyArns"]
    version = lab.client("iam").get_policy_version(PolicyArn=guardrail, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == DENY_ALL


def test_no_change_takes_two_calls_a_target_and_ten_an_account(lab):
    given = lab.hosts(*REGIONS)
    lab.run(given)
    again = lab.run(given)
    assert again.result["changed"] is False
    assert again.writes == []
    assert {name: count for name, count in again.calls.items() if name in OF_A_TARGET} == dict.fromkeys(OF_A_TARGET, 3)
    assert {name: count for name, count in again.calls.items() if name not in OF_A_TARGET} == {
        "GetCallerIdentity": 1,
        "DescribeSlackChannelConfigurations": 1,
        "ListMicrosoftTeamsChannelConfigurations": 1,
        "GetRole": 1,
        "GetPolicy": 1,
        "GetPolicyVersion": 1,
        "DescribeHub": 1,
        "ListFindingAggregators": 1,
        "GetAdministratorAccount": 1,
        "DescribeSecurityHubV2": 1,
    }
    assert again.traffic.calls == len(again.requests)


@pytest.mark.parametrize("role", ["", f"arn:aws:iam::{fleet.ACCOUNT.id}:role/deploy"])
def test_all_clients_are_made_without_a_call_before_the_account_is_known(lab, role):
    targets = lab.hosts(*REGIONS, role_arn=role)
    lab.emulator.forget_requests()
    clients = Clients()
    of_account.prepare_sign_in(clients, targets[0])
    for make in of_account.preparations(clients, targets):
        make()
    made = dict(clients._clients)
    assert lab.emulator.requests() == []
    observe.fleet(clients, [Target(item) for item in targets], [], fleet.TODAY)
    assert lab.emulator.requests() != []
    assert clients._clients == made


# Polling a stack, and reading a channel back after writing it, is asking again on purpose. Each test of an event
# pattern has another event.
AGAIN = (
    *("DescribeStacks", "TestEventPattern"),
    *("DescribeSlackChannelConfigurations", "ListMicrosoftTeamsChannelConfigurations"),
)


def test_no_call_is_made_twice(lab):
    given = lab.hosts(*REGIONS)
    for _run in range(2):
        done = lab.run(given)
        reads = [
            (entry["region"], entry["service"], entry["operation"])
            for entry in done.requests
            if not entry["write"] and entry["operation"] not in AGAIN
        ]
        assert len(reads) == len(set(reads))


def test_check_mode_writes_nothing_and_predicts_the_run(lab):
    given = lab.hosts(*REGIONS)
    ours = "An older text. Managed by secops.securityhub (securityhub-slack)."
    lab.client("securityhub", "eu-west-1").create_action_target(Name="Slack", Description=ours, Id="SendToSlack")
    for wanted in (given, given, lab.hosts(*REGIONS, minimum_severity="HIGH", tags={"Team": "security"})):
        check = lab.run(wanted, check=True, diff=True)
        assert check.writes == []
        assert check.reported == lab.run(wanted).reported
    gone = lab.hosts(*REGIONS, state="absent")
    for wanted in (gone[:1], gone[1:], gone):
        check = lab.run(wanted, check=True)
        assert check.writes == []
        assert check.reported == lab.run(wanted).reported
    assert lab.ours(*REGIONS) == {}


def test_a_custom_action_of_others_is_refused_and_outlives_the_removal(lab):
    hub = lab.client("securityhub", "eu-west-1")
    hub.create_action_target(Name="Ticket", Description="Opens a Jira ticket", Id="SendToSlack")
    before = hub.describe_action_targets()["ActionTargets"]
    foreign = "the custom action SendToSlack already exists and is not managed by this collection"
    for check in (True, False):
        done = lab.run(lab.hosts(*REGIONS), check=check)
        assert list(done.errors) == ["eu-west-1"]
        assert foreign in done.errors["eu-west-1"]
        assert "securityhub_slack_action_id" in done.errors["eu-west-1"]
    for check in (True, False):
        gone = lab.run(lab.hosts(*REGIONS, state="absent"), check=check)
        assert gone.errors == {}
        (notice,) = [item for item in gone.notices if "SendToSlack" in item]
        assert "eu-west-1" in notice
    assert hub.describe_action_targets()["ActionTargets"] == before
    assert lab.ours(*REGIONS) == {"actions in eu-west-1": ["Ticket"]}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_credentials_of_another_account_than_the_pinned_one_are_refused(lab, state):
    lab.run(lab.hosts(*REGIONS))
    before = lab.ours(*REGIONS)
    for check in (True, False):
        done = lab.run(lab.hosts(*REGIONS, account_id=OTHER_ACCOUNT, state=state), check=check)
        assert set(done.errors) == set(REGIONS)
        for sentence in done.errors.values():
            assert all(fact in sentence for fact in (ACCOUNT, OTHER_ACCOUNT, "securityhub_slack_account_id"))
        assert set(done.calls) == {"GetCallerIdentity"}
    assert lab.ours(*REGIONS) == before
    assert lab.run(lab.hosts(*REGIONS, account_id=ACCOUNT)).errors == {}


def test_only_the_targets_that_are_pinned_to_another_account_are_refused(lab):
    done = lab.run([*lab.hosts("us-east-1"), lab.settings("eu-west-1", account_id=OTHER_ACCOUNT)])
    assert list(done.errors) == ["eu-west-1"]
    assert {entry["region"] for entry in done.requests if entry["service"] == "cloudformation"} == {"us-east-1"}


def test_a_removal_names_the_account_in_check_mode_too(lab):
    lab.run(lab.hosts(*REGIONS))
    for check in (True, False):
        gone = lab.run(lab.hosts(*REGIONS, state="absent"), check=check)
        assert any(ACCOUNT in line for line in gone.lines)
        assert all(any(region in line and "delete" in line for line in gone.lines) for region in REGIONS)


def test_a_wrong_name_does_not_remove_the_custom_action_of_the_live_deployment(lab):
    lab.run(lab.hosts(*REGIONS))
    before = lab.ours(*REGIONS)
    gone = lab.run(lab.hosts(*REGIONS, name="securityhub-slak", state="absent"))
    assert gone.errors == {}
    assert gone.writes == []
    assert len([item for item in gone.notices if "SendToSlack" in item]) == 1
    assert lab.ours(*REGIONS) == before


def test_a_custom_action_that_others_create_meanwhile_is_not_adopted(lab, monkeypatch):
    create = securityhub.create_action_target

    def overtaken(client, identifier, name, description):
        create(client, identifier, "Ticket", "Opens a Jira ticket")
        return create(client, identifier, name, description)

    monkeypatch.setattr(securityhub, "create_action_target", overtaken)
    done = lab.run(lab.hosts("eu-west-1"))
    assert "the custom action SendToSlack already exists" in done.errors["eu-west-1"]
    assert lab.actions("eu-west-1") == ["Ticket"]


@pytest.mark.parametrize(
    "status",
    [
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "DELETE_FAILED",
        "CREATE_FAILED",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
        "REVIEW_IN_PROGRESS",
    ],
)
def test_stacks_in_bad_states_are_repaired_as_predicted(lab, status):
    lab.run(lab.hosts("us-east-1"))
    # What failed to be updated is not what is wanted.
    given = lab.hosts("us-east-1", minimum_severity="HIGH" if status.startswith("UPDATE") else "CRITICAL")
    about = {"account": fleet.ACCOUNT.id, "region": "us-east-1", "stack": "securityhub-slack"}
    lab.emulator.ask("POST", "stack_status", {**about, "status": status})
    check = lab.run(given, check=True)
    done = lab.run(given)
    assert done.errors == {}
    assert check.reported == done.reported
    assert done.result["changed"] is True
    assert lab.run(given).result["changed"] is False
    assert lab.topics("us-east-1") == ["securityhub-slack"]
    rules = lab.client("events", "us-east-1").list_rules()["Rules"]
    assert [rule["Name"] for rule in rules] == ["securityhub-slack-action", "securityhub-slack-findings"]


def test_stacks_in_bad_states_are_removed_as_predicted(lab):
    broken = {
        "ap-southeast-1": {"status": "DELETE_FAILED"},
        "ca-central-1": {"status": "ROLLBACK_COMPLETE"},
        "eu-central-1": {"status": "UPDATE_ROLLBACK_FAILED"},
        "eu-north-1": {"status": "ROLLBACK_FAILED"},
        "eu-west-1": {"status": "REVIEW_IN_PROGRESS"},
        "eu-west-2": {"status": "IMPORT_ROLLBACK_FAILED"},
        "sa-east-1": {"status": "CREATE_FAILED"},
        "us-west-2": {"status": "UPDATE_IN_PROGRESS", "then": "UPDATE_COMPLETE", "after": 1},
    }
    lab.run(lab.hosts(*broken))
    for region, found in broken.items():
        about = {"account": fleet.ACCOUNT.id, "region": region, "stack": "securityhub-slack"}
        lab.emulator.ask("POST", "stack_status", {**about, **found})
    check = lab.run(lab.hosts(*broken, state="absent"), check=True)
    done = lab.run(lab.hosts(*broken, state="absent"))
    assert done.errors == {}
    assert check.reported == done.reported
    assert lab.ours(*broken) == {}


@pytest.mark.parametrize(
    ("status", "then", "changed"),
    [
        ("CREATE_IN_PROGRESS", "CREATE_COMPLETE", False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", False),
        ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", True),
    ],
)
def test_a_stack_in_progress_is_waited_for_and_then_repaired(lab, status, then, changed):
    given = lab.hosts("us-east-1")
    lab.run(given)
    about = {"account": fleet.ACCOUNT.id, "region": "us-east-1", "stack": "securityhub-slack"}
    lab.emulator.ask("POST", "stack_status", {**about, "status": status, "then": then, "after": 1.5})
    check = lab.run(given, check=True)
    done = lab.run(given)
    assert done.errors == {}
    assert (check.result["changed"], done.result["changed"]) == (changed, changed)
    assert lab.stack("us-east-1")["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def test_slow_stack_fails_with_the_limit_and_next_run_continues(lab):
    lab.emulator.stacks(5)
    done = lab.run(lab.hosts("us-east-1", stack_timeout=1))
    assert done.errors["us-east-1"].startswith(
        "the stack securityhub-slack is still CREATE_IN_PROGRESS after 1 s (securityhub_slack_stack_timeout)."
    )
    assert lab.channels() == {}
    assert lab.run(lab.hosts("us-east-1")).errors == {}
    assert lab.carried() == topics("us-east-1")


def test_failed_stack_reports_the_reason_and_next_run_repairs_it(lab):
    lab.emulator.stacks(0, {"operation": "create", "region": "eu-west-1", "reason": "no permission."})
    done = lab.run(lab.hosts("eu-west-1", "us-east-1"))
    assert done.errors["eu-west-1"].startswith(
        "the stack securityhub-slack ended in ROLLBACK_COMPLETE: TopicSecurityhubSlack (AWS::SNS::Topic): "
        "no permission. Fix that, then rerun the playbook"
    )
    assert lab.carried() == topics("us-east-1")
    lab.emulator.stacks()
    again = lab.run(lab.hosts("eu-west-1", "us-east-1"))
    assert again.errors == {}
    assert again.result["targets"]["eu-west-1"]["changes"] == ["stack: delete, then create"]
    assert lab.carried() == topics("eu-west-1", "us-east-1")


RESISTING = {"operation": "delete", "resource": "RuleSecurityhubSlackFindings", "reason": "The rule is in use."}


def test_failed_deletion_is_tried_again(lab):
    given = lab.hosts(*REGIONS)
    lab.run(given)
    lab.emulator.stacks(0, {**RESISTING, "region": "eu-west-1", "times": 1})
    done = lab.run(lab.hosts(*REGIONS, state="absent"))
    assert done.errors == {}
    assert done.calls["DeleteStack"] == len(REGIONS) + 1
    assert lab.ours(*REGIONS) == {}


def test_undeletable_resource_is_named_and_left_behind(lab):
    lab.run(lab.hosts(*REGIONS))
    lab.emulator.stacks(0, {**RESISTING, "region": "eu-west-1"})
    gone = lab.hosts(*REGIONS, state="absent")
    done = lab.run(gone)
    rule = "securityhub-slack-findings"
    assert done.errors == {
        "eu-west-1": f"these resources could not be deleted and were left behind: AWS::Events::Rule {rule} "
        "(The rule is in use). Delete them by hand."
    }
    assert done.calls["DeleteStack"] == len(REGIONS) + 2
    left = lab.ours(*REGIONS)
    assert {place: [item["Name"] for item in found] for place, found in left.items()} == {"rules in eu-west-1": [rule]}
    assert lab.run(gone).writes == []


@pytest.mark.parametrize("validated", ["properties", "names"])
def test_recreated_stack_reports_leftovers_of_the_old_one(lab, validated):
    lab.emulator.ask("POST", "switches", {"cloudformation_validation": validated})
    given = lab.hosts("us-east-1")
    lab.run(given)
    about = {"account": fleet.ACCOUNT.id, "region": "us-east-1", "stack": "securityhub-slack"}
    lab.emulator.ask("POST", "stack_status", {**about, "status": "DELETE_FAILED"})
    lab.emulator.stacks(0, RESISTING)
    done = lab.run(given)
    assert "'securityhub-slack-findings' already exists" in done.errors["us-east-1"]
    assert done.result["accounts"][0]["notices"] == [
        "the old stack of us-east-1 was deleted without AWS::Events::Rule securityhub-slack-findings (The rule is in "
        "use). Delete by hand what the new stack does not use"
    ]
    lab.emulator.stacks()
    events = lab.client("events", "us-east-1")
    targets = events.list_targets_by_rule(Rule="securityhub-slack-findings")["Targets"]
    events.remove_targets(Rule="securityhub-slack-findings", Ids=[target["Id"] for target in targets])
    events.delete_rule(Name="securityhub-slack-findings")
    again = lab.run(given)
    assert again.errors == {}
    assert again.result["accounts"][0]["notices"] == []


def test_failed_update_keeps_the_old_rule_and_reports_the_reason(lab):
    lab.run(lab.hosts("us-east-1"))
    lab.emulator.stacks(0, {"operation": "update", "resource": "RuleSecurityhubSlackFindings", "reason": "quota"})
    done = lab.run(lab.hosts("us-east-1", minimum_severity="HIGH"))
    assert (
        "ended in UPDATE_ROLLBACK_COMPLETE: RuleSecurityhubSlackFindings (AWS::Events::Rule): quota. Fix that"
        in (done.errors["us-east-1"])
    )
    assert lab.carried() == topics("us-east-1")


@pytest.mark.parametrize(
    "operation",
    [
        "CreateStack",
        "CreateActionTarget",
        "CreatePolicy",
        "CreateRole",
        "CreateSlackChannelConfiguration",
        "UpdateStack",
        "UpdateActionTarget",
        "UpdateSlackChannelConfiguration",
        "DeleteSlackChannelConfiguration",
        "DeleteStack",
        "DeleteActionTarget",
        "DeleteRole",
        "DeletePolicy",
    ],
)
def test_call_with_a_lost_response_is_safely_repeated(lab, operation):
    before, wanted = [], lab.hosts("us-east-1")
    if not operation.startswith("Create"):
        before = lab.hosts("us-east-1")
        wanted = lab.hosts("us-east-1", minimum_severity="HIGH", action_name="To Slack", logging_level="INFO")
    if operation.startswith("Delete"):
        wanted = lab.hosts("us-east-1", state="absent")
    lab.run(before)
    lab.emulator.stacks(1.5)  # an update is still under way when it is asked for again
    # By this seed the first answer is lost, and the second is not.
    lab.emulator.faults({"lost": 0.5, "operations": [operation]}, seed=FIRST_ONLY)
    done = lab.run(wanted)
    assert done.errors == {}
    assert [entry["operation"] for entry in done.requests if entry["status"] == 0] == [operation]
    lab.emulator.faults()
    assert lab.run(wanted).writes == []


def test_a_region_without_a_hub_fails_alone(lab):
    lab.world(hubs=["eu-west-1", "us-east-1"])
    done = lab.run(lab.hosts(*REGIONS))
    assert list(done.errors) == ["ap-southeast-1"]
    assert lab.carried() == topics("eu-west-1", "us-east-1")
    assert lab.stack("ap-southeast-1") is None


@pytest.mark.parametrize("order", [("af-south-1", "us-east-1"), ("us-east-1", "af-south-1")])
def test_a_region_that_is_not_enabled_fails_alone_also_as_the_first_one(lab, order):
    done = lab.run(lab.hosts(*order))
    assert list(done.errors) == ["af-south-1"]
    assert done.errors["af-south-1"].startswith("af-south-1 is not enabled in account 111111111111. Run: aws account")
    assert lab.carried() == topics("us-east-1")


@pytest.mark.parametrize(
    ("operation", "state"),
    [("DescribeStacks", "present"), ("CreateStack", "present"), ("CreateActionTarget", "present")],
)
def test_a_region_where_access_is_denied_fails_alone(lab, operation, state):
    lab.emulator.faults({"denied": 1, "operations": [operation], "regions": ["eu-west-1"]})
    done = lab.run(lab.hosts(*REGIONS, state=state))
    assert list(done.errors) == ["eu-west-1"]
    assert (
        f"these credentials may not call {operation} (User: arn:aws:iam::111111111111:user/somebody"
        in (done.errors["eu-west-1"])
    )
    assert lab.carried() == topics("ap-southeast-1", "us-east-1")
    lab.emulator.faults()
    assert lab.run(lab.hosts(*REGIONS)).errors == {}
    assert lab.carried() == topics(*REGIONS)


@pytest.mark.parametrize("operation", ["CreateRole", "CreateSlackChannelConfiguration"])
def test_where_the_channel_may_not_be_made_all_targets_of_the_account_fail(lab, operation):
    lab.emulator.faults({"denied": 1, "operations": [operation]})
    done = lab.run(lab.hosts(*REGIONS))
    assert set(done.errors) == set(REGIONS)
    lab.emulator.faults()
    assert lab.run(lab.hosts(*REGIONS)).errors == {}
    assert lab.carried() == topics(*REGIONS)


@pytest.mark.parametrize(
    ("operation", "written"),
    [
        ("CreateServiceLinkedRole", []),
        ("CreateActionTarget", []),
        ("CreateStack", ["custom action: create"]),
        ("CreateSlackChannelConfiguration", ["custom action: create", "stack: create"]),
    ],
)
def test_what_was_not_written_is_not_reported_as_changed(lab, operation, written):
    lab.emulator.faults({"denied": 1, "operations": [operation]})
    done = lab.run(lab.hosts("us-east-1"))
    assert done.result["targets"]["us-east-1"]["changes"] == written
    lab.emulator.faults()
    lab.run(lab.hosts("us-east-1"))
    lab.emulator.faults({"denied": 1, "operations": ["DeleteStack"]})
    done = lab.run(lab.hosts("us-east-1", state="absent"))
    assert done.result["targets"]["us-east-1"]["changes"] == []


def test_an_unauthorised_workspace_is_refused_with_the_steps(lab):
    lab.world(workspaces=[])
    done = lab.run(lab.hosts("us-east-1"))
    assert (
        "is not authorized in this AWS account (authorized: none). AWS has no API for this. Do it once: open"
        in (done.errors["us-east-1"])
    )


def test_first_run_reports_the_role_of_the_account_in_its_organization(lab):
    def organization_notices(account):
        done = lab.run(lab.hosts("us-east-1", role_arn=f"arn:aws:iam::{account}:role/deploy"))
        asked = {name for name in done.calls if "Organization" in name}
        return [notice for notice in done.result["accounts"][0]["notices"] if "organization" in notice], asked

    both = {"ListOrganizationAdminAccounts", "DescribeOrganizationConfiguration"}
    for account in (OTHER_ACCOUNT, "333333333333"):
        lab.world(account)
    assert organization_notices("333333333333") == ([], both)  # it is in none
    lab.emulator.world({}, management_account=fleet.ACCOUNT.id)
    lab.client("securityhub").enable_organization_admin_account(AdminAccountId=OTHER_ACCOUNT)

    ((management,), asked) = organization_notices(fleet.ACCOUNT.id)
    assert asked == both
    assert management.endswith(
        f"administrator of Security Hub is {OTHER_ACCOUNT}, which receives the findings of all members. Run the "
        f"playbook for {OTHER_ACCOUNT}"
    )
    ((administrator,), asked) = organization_notices(OTHER_ACCOUNT)
    assert administrator.startswith(f"{OTHER_ACCOUNT} is the delegated administrator of its organization; an account")
    assert organization_notices(OTHER_ACCOUNT) == ([], set())


def test_a_foreign_stack_is_refused_and_left_alone(lab):
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "theirs"}}}})
    lab.client("cloudformation", "eu-west-1").create_stack(StackName="securityhub-slack", TemplateBody=body)
    for state in ("present", "absent"):
        done = lab.run(lab.hosts("eu-west-1", "us-east-1", state=state))
        assert list(done.errors) == ["eu-west-1"]
        assert (
            "already exists and is not managed by this collection. Choose another securityhub_slack_name"
            in done.errors["eu-west-1"]
        )
        assert lab.topics("eu-west-1") == ["theirs"]


def test_a_foreign_role_is_refused_and_left_alone(lab):
    lab.client("iam").create_role(RoleName="securityhub-slack-channel", AssumeRolePolicyDocument="{}")
    done = lab.run(lab.hosts(*REGIONS))
    assert set(done.errors) == set(REGIONS)
    assert "the IAM role securityhub-slack-channel already exists and is not managed" in done.errors["us-east-1"]
    assert done.writes == []
    lab.run(lab.hosts(*REGIONS, state="absent"))
    assert lab.ours(*REGIONS) == {"roles": ["securityhub-slack-channel"]}


@pytest.fixture
def theirs(lab):
    """A foreign channel configuration with a foreign topic, and the request that creates it."""
    lab.client("sns", "us-east-1").create_topic(Name="billing")
    lab.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(TRUST))

    def make(name, channel):
        return lab.client("chatbot", "us-east-2").create_slack_channel_configuration(
            ConfigurationName=name,
            SlackTeamId=fleet.WORKSPACE,
            SlackChannelId=channel,
            IamRoleArn=f"arn:aws:iam::{fleet.ACCOUNT.id}:role/theirs",
            SnsTopicArns=[f"arn:aws:sns:us-east-1:{fleet.ACCOUNT.id}:billing"],
            GuardrailPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        )

    return make


def test_a_foreign_configuration_of_our_name_is_refused(lab, theirs):
    theirs("securityhub-slack", OTHER_CHANNEL)
    done = lab.run(lab.hosts(*REGIONS))
    assert (
        f"securityhub-slack of Slack channel {OTHER_CHANNEL} already exists and is not managed by"
        in (done.errors["us-east-1"])
    )
    assert done.writes == []


def role_of_others(lab):
    document = json.dumps(OTHER_TRUST)
    lab.client("iam").create_role(RoleName="securityhub-slack-channel", AssumeRolePolicyDocument=document)


def guardrail_of_others(lab):
    document = json.dumps(ALLOWING)
    lab.client("iam").create_policy(PolicyName="securityhub-slack-channel-guardrail", PolicyDocument=document)


def button_of_others(lab):
    command = {"CommandText": "s3 ls"}
    chatbot = lab.client("chatbot", "us-east-2")
    chatbot.create_custom_action(ActionName="securityhub-slack-suppress", Definition=command)


@pytest.mark.parametrize(
    ("happen", "what"),
    [
        (role_of_others, "the IAM role securityhub-slack-channel"),
        (guardrail_of_others, "the IAM policy securityhub-slack-channel-guardrail"),
        (button_of_others, "the custom action securityhub-slack-suppress of Amazon Q"),
    ],
)
def test_what_others_create_for_the_channel_meanwhile_is_not_adopted(lab, overtaken, happen, what):
    overtaken(lambda: happen(lab))
    done = lab.run(lab.hosts("eu-west-1", message_format="custom", buttons=True))
    assert f"{what} already exists and is not managed by this collection" in done.errors["eu-west-1"]
    changes = {"TagRole", "PutRolePolicy", "UpdateAssumeRolePolicy", "CreatePolicyVersion", "UpdateCustomAction"}
    assert changes & set(done.writes) == ({"TagRole", "PutRolePolicy"} if happen is button_of_others else set())


@pytest.mark.parametrize("name", ["alerts", "securityhub-slack"])
def test_a_channel_configuration_that_others_create_meanwhile_keeps_its_settings(lab, overtaken, theirs, name):
    overtaken(lambda: theirs(name, fleet.CHANNEL))
    done = lab.run(lab.hosts("eu-west-1"))
    assert f"others have created the channel configuration {name} meanwhile" in done.errors["eu-west-1"]
    (found,) = lab.channels().values()
    assert (found["IamRoleArn"].rpartition("/")[2], lab.carried(name)) == (
        "theirs",
        topics("us-east-1", topic="billing"),
    )
    again = lab.run(lab.hosts("eu-west-1"))
    assert again.errors == {}
    assert lab.channels()[name]["IamRoleArn"].endswith("role/theirs")


def test_the_channels_configuration_is_adopted_and_given_back(lab, theirs):
    theirs("alerts", fleet.CHANNEL)
    before = lab.channels()
    done = lab.run(lab.hosts(*REGIONS))
    assert [notice for notice in done.notices if "has the configuration alerts already" in notice]
    assert not [notice for notice in lab.run(lab.hosts(*REGIONS)).notices if "alerts" in notice]
    assert lab.carried("alerts") == sorted([*topics(*REGIONS), "us-east-1:billing"])
    assert lab.ours().keys() == {"channels"}, "it keeps its own role and guardrail"
    assert {**lab.channels()["alerts"], "SnsTopicArns": []} == {**before["alerts"], "SnsTopicArns": []}
    lab.run(lab.hosts(*REGIONS, state="absent"))
    assert lab.channels() == before
    assert lab.ours("eu-west-1") == {"channels": ["alerts"]}


def test_what_else_sends_findings_to_the_channel_is_reported_when_it_gets_topics_and_costs_no_call_later(lab, theirs):
    theirs("alerts", fleet.CHANNEL)
    (channel_arn,) = (item["ChatConfigurationArn"] for item in lab.channels().values())
    notifications, events = lab.client("notifications", "us-east-1"), lab.client("events", "us-east-1")
    made = notifications.create_notification_configuration(name="tower", description="Control Tower")["arn"]
    rule = {"source": "aws.securityhub", "eventType": "Findings - Imported", "regions": ["us-east-1"]}
    notifications.create_event_rule(notificationConfigurationArn=made, **rule)
    notifications.associate_channel(arn=channel_arn, notificationConfigurationArn=made)
    events.put_rule(Name="all-findings", EventPattern='{"source": ["aws.securityhub"]}')
    topic = f"arn:aws:sns:us-east-1:{fleet.ACCOUNT.id}:billing"
    events.put_targets(Rule="all-findings", Targets=[{"Id": "topic", "Arn": topic}])
    commands = {
        f"aws notifications disassociate-channel --region us-east-1 --arn {channel_arn} "
        f"--notification-configuration-arn {made}",
        "aws events disable-rule --region us-east-1 --name all-findings",
    }
    for check in (True, False):
        done = lab.run(lab.hosts(*REGIONS), check=check)
        assert {notice.partition("run: ")[2] for notice in done.notices} >= commands
    done = lab.run(lab.hosts(*REGIONS))
    assert not {notice.partition("run: ")[2] for notice in done.notices} & commands
    assert not {call for call in done.calls if call in ("ListNotificationConfigurations", "ListRuleNamesByTarget")}


def test_topics_of_the_template_of_2020_in_the_channel_are_reported_with_the_command(lab):
    lab.run(lab.hosts(*REGIONS))
    old = lab.client("sns", "us-east-1").create_topic(Name="hub-SNSTopicAWSChatBot-1ABCDEF")["TopicArn"]
    ours = lab.channels()["securityhub-slack"]
    lab.client("chatbot", "us-east-2").update_slack_channel_configuration(
        ChatConfigurationArn=ours["ChatConfigurationArn"],
        SlackChannelId=ours["SlackChannelId"],
        SnsTopicArns=[*ours["SnsTopicArns"], old],
    )
    done = lab.run(lab.hosts(*REGIONS))
    (notice,) = [notice for notice in done.notices if "template of 2020" in notice]
    assert "in us-east-1, so findings that are sent by hand arrive twice" in notice
    command = "ansible-playbook -i <inventory> secops.securityhub.securityhub_slack_migrate"
    assert notice.endswith(f"run: {command}")
    assert f"    {command}" in done.lines


def test_the_channel_id_changes_in_place(lab):
    lab.run(lab.hosts(*REGIONS))
    (before,) = lab.channels().values()
    done = lab.run(lab.hosts(*REGIONS, channel_id=OTHER_CHANNEL))
    (after,) = lab.channels().values()
    assert done.calls["UpdateSlackChannelConfiguration"] == 1
    assert after["SlackChannelId"] == OTHER_CHANNEL
    assert {name for name in after if after[name] != before[name]} == {"SlackChannelId", "SlackChannelName"}


def test_channel_is_added_and_removed(lab):
    lab.run(lab.hosts("eu-west-1", "us-east-1", channels=[dict(ROUTES[0])]))
    assert list(lab.channels()) == ["securityhub-slack-prod"]

    lab.run(lab.hosts("eu-west-1", "us-east-1", channels=[dict(route) for route in ROUTES]))
    for name in ("prod", "test"):
        topic = f"securityhub-slack-{name}"
        assert lab.carried(topic) == topics("eu-west-1", "us-east-1", topic=topic)

    check = lab.run(lab.hosts("eu-west-1", "us-east-1", channels=[dict(ROUTES[0])]), check=True)
    done = lab.run(lab.hosts("eu-west-1", "us-east-1", channels=[dict(ROUTES[0])]))
    assert check.reported == done.reported
    assert list(lab.channels()) == ["securityhub-slack-prod"]
    assert lab.topics("us-east-1") == ["securityhub-slack-prod"]


def test_the_topics_of_a_route_that_a_killed_run_has_taken_away_leave_the_channel(lab):
    both = lab.hosts("eu-west-1", "us-east-1", channels=[dict(route) for route in ROUTES])
    one = lab.hosts("eu-west-1", "us-east-1", channels=[dict(ROUTES[0])])
    lab.run(both)
    # The stacks are updated; then the channel is not reached.
    lab.emulator.faults(
        {"denied": 1, "operations": ["UpdateSlackChannelConfiguration", "DeleteSlackChannelConfiguration"]}
    )
    assert set(lab.run(one).errors) == {"eu-west-1", "us-east-1"}
    lab.emulator.faults()
    assert len(lab.channels()["securityhub-slack-test"]["SnsTopicArns"]) == 2
    assert lab.run(one).errors == {}
    assert list(lab.channels()) == ["securityhub-slack-prod"]
    assert lab.run(one).calls["GetTopicAttributes"] == 0


# By the seed, the first write to the channel is let through, and the next one is not.
@pytest.mark.parametrize("denied", [1, 0.5])
def test_recreated_topic_is_subscribed_again_after_any_interruption(lab, denied):
    given = lab.hosts("eu-west-1", "us-east-1")
    lab.run(given)
    lab.client("cloudformation", "eu-west-1").delete_stack(StackName="securityhub-slack")
    lab.emulator.faults({"denied": denied, "operations": ["UpdateSlackChannelConfiguration"]}, seed=SECOND_NOT)
    assert set(lab.run(given).errors) == {"eu-west-1", "us-east-1"}
    lab.emulator.faults()
    assert lab.run(given).errors == {}
    arn = f"arn:aws:sns:eu-west-1:{fleet.ACCOUNT.id}:securityhub-slack"
    found = lab.client("sns", "eu-west-1").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert [item["Endpoint"] for item in found] == ["https://global.sns-api.chatbot.amazonaws.com"]
    assert lab.run(given).writes == []


def test_foreign_topic_with_our_name_is_kept(lab):
    lab.run(lab.hosts("us-east-1"))
    arn = lab.client("sns", "us-east-1").create_topic(Name="securityhub-slack-mine")["TopicArn"]
    (found,) = lab.channels().values()
    lab.client("chatbot", "us-east-2").update_slack_channel_configuration(
        ChatConfigurationArn=found["ChatConfigurationArn"],
        SlackChannelId=found["SlackChannelId"],
        SnsTopicArns=[*found["SnsTopicArns"], arn],
    )
    done = lab.run(lab.hosts("us-east-1"))
    assert (done.result["changed"], done.calls["GetTopicAttributes"]) == (False, 1)
    lab.run(lab.hosts("us-east-1", state="absent"))
    assert lab.carried() == ["us-east-1:securityhub-slack-mine"]


def test_the_home_region_takes_over_and_gives_back(lab):
    lab.run(lab.hosts(*REGIONS))
    lab.world(aggregator=HOME)
    check = lab.run(lab.hosts(*REGIONS), check=True)
    done = lab.run(lab.hosts(*REGIONS))
    assert check.reported == done.reported
    assert done.errors == {}
    assert lab.carried() == topics("us-east-1")
    assert lab.ours("eu-west-1") == lab.ours()
    # The home region's rules are there, and in the channel, before anything leaves.
    order = [entry["operation"] for entry in done.requests if entry["write"]]
    assert order.index("UpdateStack") < order.index("UpdateSlackChannelConfiguration") < order.index("DeleteStack")

    # The regions are there, and in the channel, before the home region leaves their findings to them.
    done = lab.run(lab.hosts(*REGIONS, aggregation="per_region"))
    assert transfer.NOTICE in done.notices
    order = [(entry["operation"], entry["region"]) for entry in done.requests if entry["write"]]
    joined = order.index(("UpdateSlackChannelConfiguration", "us-east-2"))
    assert max(number for number, (operation, _region) in enumerate(order) if operation == "CreateStack") < joined
    assert joined < order.index(("UpdateStack", "us-east-1"))
    assert lab.carried() == topics(*REGIONS)
    assert transfer.NOTICE not in lab.run(lab.hosts(*REGIONS, aggregation="per_region")).notices


def test_home_region_keeps_forwarding_until_a_region_can(lab):
    lab.world(aggregator=HOME)
    lab.run(lab.hosts(*REGIONS))
    before = lab.ours("us-east-1")
    lab.emulator.faults({"denied": 1, "operations": ["CreateStack"], "regions": ["eu-west-1"]})
    done = lab.run(lab.hosts(*REGIONS, aggregation="per_region"))
    assert (
        "it still forwards the findings of eu-west-1, because its deployment is not in place"
        in done.errors["us-east-1"]
    )
    assert lab.ours("us-east-1") == before
    assert done.result["targets"]["us-east-1"]["changes"] == []
    assert done.result["targets"]["eu-west-1"]["changes"] == ["custom action: create"]
    lab.emulator.faults()
    # Nor does a run of the home region alone, which leaves that region out.
    limited = lab.run(
        lab.hosts("us-east-1", aggregation="per_region"), lab.hosts("eu-west-1", aggregation="per_region")
    )
    assert "it is not deployed as it should be. Include it in the run" in limited.errors["us-east-1"]
    assert lab.run(lab.hosts(*REGIONS, aggregation="per_region")).errors == {}
    assert lab.carried() == topics(*REGIONS)


def test_global_findings_change_hands_without_a_gap(lab):
    lab.run(lab.hosts(*REGIONS, global_findings_region="us-east-1"))
    moved = lab.hosts(*REGIONS, global_findings_region="eu-west-1")
    lab.emulator.faults({"denied": 1, "operations": ["UpdateStack"], "regions": ["eu-west-1"]})
    held = lab.run(moved).errors["us-east-1"]
    assert "it still forwards the findings about global resources: eu-west-1 should forward them" in held
    lab.emulator.faults()
    limited = lab.run(
        lab.hosts("us-east-1", global_findings_region="eu-west-1"),
        lab.hosts("eu-west-1", global_findings_region="eu-west-1"),
    )
    assert "Include it in the run" in limited.errors["us-east-1"]
    done = lab.run(moved)
    updated = [entry["region"] for entry in done.requests if entry["operation"] == "UpdateStack"]
    assert (updated, transfer.NOTICE in done.notices, done.errors) == (["eu-west-1", "us-east-1"], True, {})
    assert lab.run(moved).result["changed"] is False


def test_nothing_leaves_for_a_home_region_whose_pipeline_fails(lab):
    lab.run(lab.hosts(*REGIONS))
    lab.world(aggregator=HOME)
    lab.emulator.faults({"denied": 1, "operations": ["UpdateStack"]})
    done = lab.run(lab.hosts(*REGIONS))
    assert set(done.errors) == set(REGIONS)
    assert (
        "it was not removed: us-east-1 should forward its findings, but its deployment is not in place"
        in (done.errors["eu-west-1"])
    )
    assert {target["changed"] for target in done.result["targets"].values()} == {False}
    assert lab.carried() == topics(*REGIONS)
    lab.emulator.faults()
    lab.run(lab.hosts(*REGIONS))
    assert lab.carried() == topics("us-east-1")


@pytest.mark.parametrize(
    ("switch", "answer", "unknown"),
    [
        ("administrator_none", "empty", ""),
        ("administrator_none", "not_found", ""),
        ("administrator_none", "access_denied", ""),
        ("security_hub_v2", "denied", "whether the new Security Hub is enabled is unknown"),
        ("security_hub_v2", "unknown", "whether the new Security Hub is enabled is unknown"),
        ("security_hub_v2", "invalid", "whether the new Security Hub is enabled is unknown"),
        ("security_hub_v2", "garbage", "whether the new Security Hub is enabled is unknown"),
    ],
)
def test_informative_calls_never_fail_a_run(lab, switch, answer, unknown):
    lab.emulator.ask("POST", "switches", {switch: answer})
    done = lab.run(lab.hosts("eu-west-1", "us-east-1"))
    assert done.errors == {}
    assert [notice.startswith(unknown) for notice in done.notices if "unknown" in notice] == [True] * bool(unknown)
    assert lab.run(lab.hosts("eu-west-1", "us-east-1")).writes == []


V2 = ["ListAggregatorsV2", "GetAggregatorV2"]
V1 = ["ListFindingAggregators", "GetFindingAggregator"]


@pytest.mark.parametrize(("finding_format", "read", "other"), [("asff", V1, V2), ("ocsf", V2, V1)])
def test_the_aggregator_is_that_of_the_forwarded_findings(lab, finding_format, read, other):
    lab.world(
        hubs_v2="all",
        aggregator={"home": "eu-west-1"} if finding_format == "asff" else {"home": "us-east-1"},
        aggregator_v2={"home": "us-east-1"} if finding_format == "asff" else {"home": "eu-west-1"},
    )
    done = lab.run(lab.hosts(*REGIONS, finding_format=finding_format))
    assert done.errors == {}
    assert lab.carried() == topics("eu-west-1")
    assert [done.calls[operation] for operation in (*read, *other)] == [1, 1, 0, 0]


@pytest.mark.parametrize("cause", ["denied", "not enabled"])
def test_an_unknown_aggregator_of_the_new_security_hub_neither_loses_nor_doubles_findings(lab, cause):
    lab.world(aggregator_v2={"home": "eu-west-1"}, **({"hubs_v2": "all"} if cause == "denied" else {}))
    if cause == "denied":
        lab.emulator.faults({"denied": 1, "operations": ["ListAggregatorsV2"]})
    targets = lab.hosts("eu-west-1", "us-east-1", finding_format="ocsf")
    done = lab.run(targets)
    assert done.errors == {}
    (notice,) = [item for item in done.notices if "ListAggregatorsV2" in item]
    assert notice.startswith("which regions the aggregator of the new Security Hub links is unknown")
    assert any("its own findings only" in item for item in done.notices)
    for region in ("eu-west-1", "us-east-1"):
        pattern = lab.client("events", region).describe_rule(Name="securityhub-slack-findings")["EventPattern"]
        assert json.loads(pattern)["detail"]["findings"]["cloud"]["region"] == [region]
    assert lab.run(targets).writes == []
    refused = lab.run(lab.hosts("eu-west-1", "us-east-1", finding_format="ocsf", aggregation="home_region"))
    assert "securityhub:ListAggregatorsV2" in refused.errors["us-east-1"]


def test_an_aggregator_of_the_new_security_hub_that_fails_for_a_moment_changes_nothing(lab):
    lab.world(hubs_v2="all", aggregator_v2={"home": "eu-west-1"})
    targets = lab.hosts("eu-west-1", "us-east-1", finding_format="ocsf")
    lab.run(targets)
    lab.emulator.faults({"unavailable": 1, "operations": ["ListAggregatorsV2"]})
    done = lab.run(targets)
    assert set(done.errors) == {"eu-west-1", "us-east-1"}
    assert done.writes == []


def test_unavailable_chatbot_is_retried(lab):
    lab.emulator.faults({"unavailable": 0.3})
    assert lab.run(lab.hosts("eu-west-1", "us-east-1")).errors == {}
    assert lab.run(lab.hosts("eu-west-1", "us-east-1", state="absent")).errors == {}
    lab.emulator.faults()
    assert lab.ours("eu-west-1", "us-east-1") == {}


def test_a_member_account_is_refused(lab):
    lab.world(administrator="999999999999")
    done = lab.run(lab.hosts(*REGIONS))
    assert set(done.errors) == set(REGIONS)
    assert "111111111111 is a member account" in done.errors["us-east-1"]
    assert done.writes == []
    assert lab.run(lab.hosts(*REGIONS, allow_member=True)).errors == {}


def role(account):
    return f"arn:aws:iam::{account}:role/securityhub-slack"


def test_several_accounts_have_a_channel_each(lab):
    lab.world(OTHER_ACCOUNT, roles=[{"arn": role(OTHER_ACCOUNT), "external_id": "a-secret"}])
    given = [
        lab.settings(region, f"{name}.{region}", **more)
        for name, more in (("a", {}), ("b", {"role_arn": role(OTHER_ACCOUNT), "external_id": "a-secret"}))
        for region in ("eu-west-1", "us-east-1")
    ]
    done = lab.run(given)
    assert done.errors == {}
    for account in (fleet.ACCOUNT.id, OTHER_ACCOUNT):
        assert lab.carried(account=account) == topics("eu-west-1", "us-east-1")
    again = lab.run(given)
    assert again.result["changed"] is False
    assert (done.calls["AssumeRole"], done.calls["GetCallerIdentity"]) == (1, 2)
    lab.run([lab.settings(item.region, item.host, **{**_source(item), "state": "absent"}) for item in given])
    assert lab.ours("eu-west-1", account=OTHER_ACCOUNT) == {}


def _source(item):
    return {"role_arn": item.source.role_arn, "external_id": item.source.external_id} if item.source.role_arn else {}


def test_unloadable_credentials_fail_only_their_targets(lab):
    lab.world(OTHER_ACCOUNT, roles=[])
    done = lab.run(
        [
            lab.settings("us-east-1"),
            lab.settings("us-east-1", "b.us-east-1", role_arn=role(OTHER_ACCOUNT)),
            lab.settings("eu-west-1", "b.eu-west-1", role_arn=role(OTHER_ACCOUNT)),
            lab.settings("us-east-1", "c.us-east-1", profile="nobody"),
            lab.settings("us-east-1", "d.us-east-1", role_arn="arn:aws:iam::42:role/x"),
        ]
    )
    assert list(done.errors) == ["b.us-east-1", "b.eu-west-1", "c.us-east-1", "d.us-east-1"]
    assert "these credentials may not assume the role" in done.errors["b.eu-west-1"]
    assert done.errors["c.us-east-1"].endswith("Set securityhub_slack_profile to a profile of ~/.aws/config.")
    assert "is not the ARN of a role" in done.errors["d.us-east-1"]
    assert done.calls["AssumeRole"] == 1
    assert lab.carried() == topics("us-east-1")


def test_hosts_whose_account_is_unknown_are_not_reported_as_deleted_from_the_inventory(lab):
    first, second, third = lab.hosts(*REGIONS)
    lab.run([first, second, third])
    # --limit leaves the first out, which signs in otherwise, and the sign-in of the second fails.
    other, unknown = (lab.settings(item.region, profile="nobody") for item in (first, second))
    assert not any("not in this inventory" in notice for notice in lab.run([third, unknown], [other]).notices)
    elsewhere = lab.settings(first.region, profile="nobody", account_id=OTHER_ACCOUNT)
    (notice,) = lab.run([third, unknown], [elsewhere]).notices
    assert notice.startswith(f"deployed, but not in this inventory: {first.region}. ")


def test_invalid_settings_make_no_call(lab):
    done = lab.run(lab.hosts("us-east-1", channel_id="#security"))
    assert list(done.errors) == ["us-east-1"]
    assert done.requests == []


def test_hosts_that_contradict_each_other_write_nothing(lab):
    done = lab.run([lab.settings("us-east-1"), lab.settings("eu-west-1", logging_level="INFO")])
    assert set(done.errors) == {"us-east-1", "eu-west-1"}
    assert done.writes == []


@pytest.mark.parametrize(
    ("hubs", "asked"),
    [
        # The owner of the global findings is us-east-1, or else the first by name where Security Hub is on.
        (["eu-west-1", "us-east-1", "us-west-2"], {"us-west-2": 1, "us-east-1": 0, "eu-west-1": 1}),
        (["eu-west-1", "us-west-2"], {"us-west-2": 2, "us-east-1": 1, "eu-west-1": 1}),
    ],
)
def test_under_limit_a_target_is_as_in_a_full_run(lab, hubs, asked):
    lab.world(hubs=hubs)
    given = lab.hosts("us-west-2", "us-east-1", "eu-west-1")
    lab.run(given)
    for alone in given:
        limited = lab.run([alone], [item for item in given if item is not alone])
        assert limited.writes == []
        assert limited.calls["DescribeStacks"] == 1 + asked[alone.region]


def test_of_two_removals_at_the_same_time_the_last_one_deletes_the_channel(lab, monkeypatch):
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.5)  # as the other one writes too
    lab.run(lab.hosts(*REGIONS))
    lab.emulator.stacks(3)  # so that both have looked, and taken their topics out, when the first one ends
    halves = (REGIONS[:1], REGIONS[1:])
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(Lab(lab.emulator).run, lab.hosts(*half, state="absent")) for half in halves]
    assert [run.result().errors for run in runs] == [{}, {}]
    assert lab.ours(*REGIONS) == {}


@pytest.fixture
def overtaken(lab, monkeypatch):
    """Have something happen once, after a run has read what AWS has and before it checks and writes."""

    def before_the_checks(happen):
        read = details.details

        def late(*arguments, **options):
            found = read(*arguments, **options)
            monkeypatch.setattr(details, "details", read)
            happen()
            return found

        monkeypatch.setattr(details, "details", late)

    return before_the_checks


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_stack_created_by_a_parallel_run_is_waited_for(lab, overtaken, seconds):
    """A killed run whose worker lives on, beside the next run: "delete the topic" would be wrong and dangerous."""
    with ThreadPoolExecutor() as pool:
        other = []

        def create():
            lab.emulator.stacks(seconds)
            other.append(pool.submit(Lab(lab.emulator).run, lab.hosts("eu-west-1")))
            while not lab.topics("eu-west-1"):
                time.sleep(0.02)

        overtaken(create)
        assert lab.run(lab.hosts("eu-west-1")).errors == {}
        assert other[0].result().errors == {}
    assert lab.stack("eu-west-1")["StackStatus"] == "CREATE_COMPLETE"
    assert not lab.run(lab.hosts("eu-west-1")).result["changed"]


def test_a_foreign_stack_that_is_created_meanwhile_is_left_alone(lab, overtaken):
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "theirs"}}}})
    cloudformation = lab.client("cloudformation", "eu-west-1")
    overtaken(lambda: cloudformation.create_stack(StackName="securityhub-slack", TemplateBody=body))
    done = lab.run(lab.hosts("eu-west-1"))
    assert "the stack securityhub-slack already exists and is not managed" in done.errors["eu-west-1"]
    assert lab.topics("eu-west-1") == ["theirs"]


def test_unreadable_account_is_not_reported_as_changed(lab):
    lab.run(lab.hosts(*REGIONS))
    lab.emulator.faults({"denied": 1, "operations": ["DescribeSlackChannelConfigurations"]})
    done = lab.run(lab.hosts(*REGIONS, state="absent"))
    assert set(done.errors) == set(REGIONS)
    assert (done.writes, done.result["changed"]) == ([], False)


def test_a_limited_removal_keeps_the_others(lab):
    lab.run(lab.hosts(*REGIONS))
    lab.run(lab.hosts("eu-west-1", state="absent"), lab.hosts("ap-southeast-1", "us-east-1"))
    assert lab.carried() == topics("ap-southeast-1", "us-east-1")
    assert set(lab.ours("eu-west-1")) == {"channels", "roles", "policies"}

    again = lab.run(lab.hosts("eu-west-1"), lab.hosts("ap-southeast-1", "us-east-1"))
    assert sorted(again.writes) == ["CreateActionTarget", "CreateStack", "UpdateSlackChannelConfiguration"]
    assert lab.carried() == topics(*REGIONS)

    # Security Hub was turned off in a region that is removed.
    lab.world(hubs=["eu-west-1", "us-east-1"])
    for check in (True, False):
        done = lab.run(lab.hosts("ap-southeast-1", state="absent"), lab.hosts("eu-west-1", "us-east-1"), check=check)
        assert done.errors == {}
    assert lab.carried() == topics("eu-west-1", "us-east-1")
    assert lab.stack("ap-southeast-1") is None
    lab.run(lab.hosts("eu-west-1", "us-east-1", state="absent"))
    assert lab.ours("eu-west-1", "us-east-1") == {}


def test_long_run_reports_progress(lab):
    lab.emulator.stacks(3)
    done = lab.run(lab.hosts(*REGIONS))
    assert "Stacks 0/3, waiting for ap-southeast-1, eu-west-1, us-east-1" in done.said


def test_drifted_role_and_guardrail_are_restored(lab):
    lab.run(lab.hosts("us-east-1"))
    iam = lab.client("iam")
    arn = f"arn:aws:iam::{fleet.ACCOUNT.id}:policy/securityhub-slack-channel-guardrail"
    iam.update_assume_role_policy(RoleName="securityhub-slack-channel", PolicyDocument=json.dumps(OTHER_TRUST))
    iam.untag_role(RoleName="securityhub-slack-channel", TagKeys=["Team"])
    # AWS keeps five versions at most.
    for _version in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOWING), SetAsDefault=True)
    done = lab.run(lab.hosts("us-east-1", tags={"Team": "security"}))
    assert done.errors == {}
    role = iam.get_role(RoleName="securityhub-slack-channel")["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert {"Key": "Team", "Value": "security"} in role["Tags"]
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 5
    assert lab.run(lab.hosts("us-east-1", tags={"Team": "security"})).result["changed"] is False
    # AWS deletes no policy that has a version beside its default, and no default.
    assert lab.run(lab.hosts("us-east-1", state="absent")).calls["DeletePolicyVersion"] == 4
    assert lab.ours("us-east-1") == {}
