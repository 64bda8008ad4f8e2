# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migration from the template of 2020, from each state that its stack may be in, on the emulator."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._commands import migrate
from ansible_collections.secops.securityhub.plugins.module_utils._report import migrate as report
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub.action_target import TEMPLATE_TEXTS
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import old_template
from ansible_collections.secops.securityhub.tests.unit.deployed import ACCOUNT
from ansible_collections.secops.securityhub.tests.unit.deployed import CHANNEL
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.deployed import NAME
from ansible_collections.secops.securityhub.tests.unit.deployed import REGIONS
from ansible_collections.secops.securityhub.tests.unit.old_template import CONFIGURATION
from ansible_collections.secops.securityhub.tests.unit.old_template import STACK
from ansible_collections.secops.securityhub.tests.unit.old_template import OldFleet

OURS = sorted(f"arn:aws:sns:{region}:{ACCOUNT}:{NAME}" for region in REGIONS)
BOTH = "AddCustomActionSHResource1 and SlackChannelConfig"
SET_RETAIN = f"set the deletion policy of {BOTH} to Retain, then delete"
RETAIN_BOTH = f"delete, but retain {BOTH}"
RETAIN_ACTION = "delete, but retain AddCustomActionSHResource1"
ADOPT = "adopt, with a role and a guardrail policy of this collection"
NEW = "securityhub-slack"


@pytest.fixture
def fleet(emulator, monkeypatch) -> OldFleet:
    return old_template.begin(emulator, monkeypatch)


def whole(fleet: OldFleet) -> None:
    assert fleet.create_stack() == "CREATE_COMPLETE"


def put(status: str) -> Callable[[OldFleet], None]:
    def happen(fleet: OldFleet) -> None:
        whole(fleet)
        fleet.put(status)

    return happen


def deleted_in_vain(fleet: OldFleet) -> None:
    whole(fleet)
    fleet.client("cloudformation").delete_stack(StackName=STACK)
    assert fleet.settled() == "DELETE_FAILED"


def action_was_there(fleet: OldFleet) -> None:
    fleet.client("securityhub").create_action_target(
        Id="SendToSlack", Name=TEMPLATE_TEXTS[0], Description=TEMPLATE_TEXTS[1]
    )
    assert fleet.create_stack() == "ROLLBACK_COMPLETE"


def second_region(fleet: OldFleet) -> None:
    assert fleet.create_stack("us-east-1") == "CREATE_COMPLETE"
    # The channel's name is taken, and the way back fails at the custom resource.
    assert fleet.create_stack(HERE) == "ROLLBACK_FAILED"


def updated_in_vain(fleet: OldFleet) -> None:
    whole(fleet)
    body = old_template.template()
    body["Resources"]["AddCustomActionSHResource1"]["Properties"]["Attempt"] = "2"
    fleet.client("cloudformation").update_stack(
        StackName=STACK,
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in ("SlackWorkSpaceID", "SlackChannelID")],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert fleet.settled() == "UPDATE_ROLLBACK_FAILED"


@dataclass(frozen=True)
class Case:
    """A state of a stack in HERE: how it comes about, what is planned for it, which channel stays in the end.

    ends_in: the state that CloudFormation reaches by itself, a second after the migration has begun.
    """

    name: str
    happen: Callable[[OldFleet], None]
    status: str
    plan: str
    channel: str = CONFIGURATION
    ends_in: str = ""


CASES = [
    Case("created", whole, "CREATE_COMPLETE", SET_RETAIN),
    Case("updated", put("UPDATE_COMPLETE"), "UPDATE_COMPLETE", SET_RETAIN),
    Case("deleted in vain", deleted_in_vain, "DELETE_FAILED", RETAIN_ACTION, NEW),
    Case("deletion failed early", put("DELETE_FAILED"), "DELETE_FAILED", RETAIN_BOTH),
    Case("action was there", action_was_there, "ROLLBACK_COMPLETE", "delete", NEW),
    Case("second region", second_region, "ROLLBACK_FAILED", f"delete, then {RETAIN_ACTION}"),
    Case("creation failed", put("CREATE_FAILED"), "CREATE_FAILED", f"delete, then {RETAIN_BOTH}", NEW),
    Case(
        "update failed",
        put("UPDATE_FAILED"),
        "UPDATE_FAILED",
        f"roll the failed update back, then {SET_RETAIN}",
    ),
    Case(
        "updated in vain",
        updated_in_vain,
        "UPDATE_ROLLBACK_FAILED",
        f"complete the rollback, then {SET_RETAIN}",
    ),
    Case(
        "being deleted",
        put("DELETE_IN_PROGRESS"),
        "DELETE_IN_PROGRESS",
        "wait until CloudFormation is done",
        ends_in="DELETE_FAILED",
    ),
    Case(
        "being updated",
        put("UPDATE_IN_PROGRESS"),
        "UPDATE_IN_PROGRESS",
        f"wait until CloudFormation is done, then {SET_RETAIN}",
        ends_in="UPDATE_COMPLETE",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_state_is_shown_first_and_ends_with_one_channel_and_nothing_left(fleet, case):
    case.happen(fleet)
    assert fleet.status() == case.status
    fleet.emulator.forget_requests()

    shown = fleet.migrate(check=True)
    assert fleet.emulator.writes() == []
    assert shown["targets"][HERE]["leftovers"] == [
        {"kind": "stack", "name": STACK, "status": case.status, "plan": case.plan}
    ], shown
    assert shown["changed"]

    if case.ends_in:
        fleet.put(case.status, then=case.ends_in, after=1)
    done = fleet.migrate()
    assert [target["msg"] for target in done["targets"].values() if target["failed"]] == []
    assert fleet.leftovers() == []
    assert [item["ConfigurationName"] for item in fleet.configurations()] == [case.channel]
    assert_it_is_ours_alone(fleet)


def assert_it_is_ours_alone(fleet: OldFleet) -> None:
    """See that the channel is the collection's, that everything arrives once, and that further runs do nothing."""
    channel = fleet.configurations()[0]
    assert channel["SnsTopicArns"] == OURS
    assert channel["SlackChannelId"] == CHANNEL
    assert channel["IamRoleArn"].endswith(f":role/{NAME}-channel")
    assert channel["GuardrailPolicyArns"] == [f"arn:aws:iam::{ACCOUNT}:policy/{NAME}-channel-guardrail"]
    assert MANAGED_TAG in [tag["TagKey"] for tag in channel["Tags"]]
    fleet.emulator.ask("DELETE", "inbox")
    for region in REGIONS:
        assert fleet.actions(region) == {"SendToSlack": "Send to Slack"}
        fleet.finding("last", region)
        fleet.emulator.custom_action(region, "SendToSlack", f"{region}/last")
    arrived = sorted((message["detail_type"], message["title"]) for message in fleet.emulator.inbox(CHANNEL))
    ways = ("Security Hub Findings - Custom Action", "Security Hub Findings - Imported")
    assert arrived == [(way, f"Finding last in {region}") for way in ways for region in REGIONS]
    fleet.emulator.forget_requests()
    again = fleet.migrate()
    assert not again["changed"]
    assert again["summary"] == {"targets": 3, "changed": 0, "unchanged": 3, "failed": 0, "leftovers": 0}
    assert fleet.emulator.writes() == []


def assert_the_next_run_finishes(fleet: OldFleet) -> None:
    """See that messages arrive after a run that failed, and that another one moves the rest once nothing fails."""
    fleet.send("by hand")
    assert fleet.arrived() == [f"Finding by hand in {HERE}"]
    fleet.emulator.stacks(0)
    fleet.migrate()
    assert fleet.leftovers() == []
    assert_it_is_ours_alone(fleet)


def watched(patched: Any, **handlers: Callable[..., None]) -> None:
    """Let every client made from now on call *handlers*, by botocore event (before_call, after_call)."""
    create = Clients._create

    def create_watched(clients: Clients, *key: Any) -> Any:
        made = create(clients, *key)
        for event, handler in handlers.items():
            made.meta.events.register(f"{event.replace('_', '-')}.*.*", handler)
        return made

    patched.setattr(Clients, "_create", create_watched)
    patched.setattr(deployed, "clients", functools.partial(Clients))


def test_finding_sent_by_hand_arrives_once_around_every_call(fleet, monkeypatch):
    """One write takes the old topics out and the new ones in: no moment with both, and none with neither."""
    whole(fleet)
    arrived: list[tuple[str, int]] = []
    lock = threading.Lock()

    def send(model: Any, **_event: Any) -> None:
        with lock:
            fleet.send(str(len(arrived)))
            arrived.append((model.name, len(fleet.arrived())))

    with monkeypatch.context() as patched:
        watched(patched, before_call=send, after_call=send)
        fleet.migrate()
    assert {"UpdateSlackChannelConfiguration", "CreateStack", "UpdateStack", "DeleteStack"} <= {
        name for name, _number in arrived
    }
    assert [item for item in arrived if item[1] != 1] == []


HOME = {"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS", "Regions": []}


def test_linked_regions_lose_rule_and_action_when_the_home_region_forwards_for_them(fleet):
    whole(fleet)
    fleet.emulator.world({ACCOUNT: {"aggregator": HOME}})
    fleet.migrate()
    assert fleet.leftovers() == []
    assert fleet.configurations()[0]["SnsTopicArns"] == [f"arn:aws:sns:us-east-1:{ACCOUNT}:{NAME}"]
    assert fleet.actions() == {}
    fleet.finding("linked")
    assert fleet.arrived() == [f"Finding linked in {HERE}"]
    fleet.emulator.forget_requests()
    assert not fleet.migrate()["changed"]
    assert fleet.emulator.writes() == []


def test_linked_regions_keep_the_old_stack_until_the_home_region_is_deployed(fleet):
    whole(fleet)
    fleet.emulator.world({ACCOUNT: {"aggregator": HOME}})
    fleet.emulator.stacks(0, {"operation": "create", "region": "us-east-1", "stack": NAME})
    done = fleet.migrate()
    assert "its deployment is not in place" in done["targets"][HERE]["msg"]
    assert fleet.status() == "CREATE_COMPLETE"
    fleet.send("by hand")
    assert fleet.arrived() == [f"Finding by hand in {HERE}"]


def test_several_regions_are_moved_at_once(fleet):
    whole(fleet)
    body = json.dumps(old_template.template(*old_template.OF_THE_CHANNEL))
    for region in ("us-east-1", "ap-southeast-1"):
        assert fleet.create_stack(region, body=body) == "CREATE_COMPLETE"
    fleet.put("DELETE_FAILED", "us-east-1")
    done = fleet.migrate()
    assert {host: [item["plan"] for item in target["leftovers"]] for host, target in done["targets"].items()} == {
        HERE: [SET_RETAIN],
        "us-east-1": [RETAIN_ACTION],
        "ap-southeast-1": ["set the deletion policy of AddCustomActionSHResource1 to Retain, then delete"],
    }
    assert fleet.leftovers() == []
    assert_it_is_ours_alone(fleet)


def test_channel_in_a_separate_stack_is_adopted(fleet):
    regional = json.dumps(old_template.template(*old_template.OF_THE_CHANNEL))
    only_channel = old_template.template()
    only_channel["Resources"] = {name: only_channel["Resources"][name] for name in old_template.OF_THE_CHANNEL}
    del only_channel["Resources"]["SlackChannelConfig"]["Properties"]["SnsTopicArns"]
    assert fleet.create_stack(body=json.dumps(only_channel), name="chatbot-body") == "CREATE_COMPLETE"
    assert fleet.create_stack(body=regional) == "CREATE_COMPLETE"
    fleet.migrate()
    assert fleet.leftovers() == []
    assert [item["ConfigurationName"] for item in fleet.configurations()] == [CONFIGURATION]
    assert_it_is_ours_alone(fleet)


def test_further_rules_that_send_to_the_same_topic_go_with_the_stack(fleet):
    body = old_template.template()
    body["Resources"]["Critical"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {
                "source": ["aws.securityhub"],
                "detail-type": ["Security Hub Findings - Imported"],
                "detail": {"findings": {"Severity": {"Label": ["CRITICAL"]}}},
            },
            "Targets": [{"Arn": {"Ref": "SNSTopicAWSChatBot"}, "Id": "OpsTopic"}],
        },
    }
    assert fleet.create_stack(body=json.dumps(body)) == "CREATE_COMPLETE"
    fleet.migrate()
    assert fleet.leftovers() == []
    assert_it_is_ours_alone(fleet)


def test_leftovers_of_an_earlier_cleanup_are_found(fleet):
    whole(fleet)
    client = fleet.client("cloudformation")
    fleet.put("DELETE_FAILED")
    everything = [
        item["LogicalResourceId"] for item in client.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    ]
    client.delete_stack(StackName=STACK, RetainResources=everything)
    assert fleet.settled() == ""

    shown = fleet.migrate(check=True)
    assert [item["kind"] for item in shown["targets"][HERE]["leftovers"]] == ["rule", "function", "topic"]
    assert shown["accounts"][0]["leftovers"] == [
        {"kind": "channel configuration", "name": CONFIGURATION, "status": "", "plan": ADOPT}
    ]
    fleet.migrate()
    roles = [item for item in fleet.leftovers() if not item.startswith("role ")]
    assert roles == []
    notices = fleet.migrate()["accounts"][0]["notices"]
    # A stack in a region that the inventory does not have may hold them.
    assert sum("look like those of the template of 2020" in notice for notice in notices) == 1
    for role in fleet.leftovers():
        assert role.removeprefix("role ") in " ".join(notices)
    assert_it_is_ours_alone(fleet)


def test_an_orphaned_action_is_taken_over_or_deleted_where_ours_has_another_id(fleet):
    hub = fleet.client("securityhub")
    hub.create_action_target(Id="SendToSlack", Name=TEMPLATE_TEXTS[0], Description=TEMPLATE_TEXTS[1])
    shown = fleet.migrate(check=True)
    assert shown["targets"][HERE]["changes"][0] == "custom action: update"
    done = fleet.migrate(action_id="ToSlack")
    arn = f"arn:aws:securityhub:{HERE}:{ACCOUNT}:action/custom/SendToSlack"
    assert done["targets"][HERE]["leftovers"] == [
        {"kind": "custom action", "name": arn, "status": "", "plan": "delete"}
    ]
    assert fleet.actions() == {"ToSlack": "Send to Slack"}


def test_foreign_custom_action_of_the_same_id_is_kept(fleet):
    fleet.client("securityhub").create_action_target(Id="SendToSlack", Name="Ours", Description="A team's own")
    done = fleet.migrate(action_id="ToSlack")
    assert done["targets"][HERE]["leftovers"] == []
    assert fleet.actions() == {"SendToSlack": "Ours", "ToSlack": "Send to Slack"}


def test_foreign_custom_action_of_our_id_is_refused_and_others_migrate(fleet):
    fleet.client("securityhub").create_action_target(Id="SendToSlack", Name="Send_To_Slack", Description="A team's own")
    done = fleet.migrate()
    failed = {host: target["msg"] for host, target in done["targets"].items() if target["failed"]}
    assert list(failed) == [HERE]
    assert "the custom action SendToSlack already exists" in failed[HERE]
    assert fleet.actions() == {"SendToSlack": "Send_To_Slack"}
    assert fleet.migrate(state="absent")["targets"][HERE]["failed"] is False
    assert fleet.actions() == {"SendToSlack": "Send_To_Slack"}


def test_changed_channel_is_kept_with_foreign_topics(fleet):
    whole(fleet)
    chatbot = fleet.client("chatbot", "us-east-2")
    theirs = f"arn:aws:sns:{HERE}:{ACCOUNT}:team-alerts"
    before = fleet.configurations()[0]
    chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=before["ChatConfigurationArn"],
        SlackChannelId=CHANNEL,
        SnsTopicArns=[*before["SnsTopicArns"], theirs],
        GuardrailPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    )
    done = fleet.migrate()
    after = fleet.configurations()[0]
    assert done["accounts"][0]["leftovers"][0]["plan"] == "replace its topics, keep its other settings"
    assert after["SnsTopicArns"] == sorted([*OURS, theirs])
    assert after["GuardrailPolicyArns"] == ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    assert after["IamRoleArn"] == before["IamRoleArn"]
    # The channel needs its role.
    assert fleet.leftovers() == [f"role {before['IamRoleArn'].rsplit('/', maxsplit=1)[-1]}"]
    fleet.emulator.forget_requests()
    assert not fleet.migrate()["changed"]
    assert fleet.emulator.writes() == []


def test_topics_of_others_stay_in_a_channel_that_is_taken_over(fleet):
    whole(fleet)
    theirs = f"arn:aws:sns:{HERE}:{ACCOUNT}:team-alerts"
    before = fleet.configurations()[0]
    fleet.client("chatbot", "us-east-2").update_slack_channel_configuration(
        ChatConfigurationArn=before["ChatConfigurationArn"],
        SlackChannelId=CHANNEL,
        SnsTopicArns=[*before["SnsTopicArns"], theirs],
    )
    fleet.migrate()
    assert fleet.configurations()[0]["SnsTopicArns"] == sorted([*OURS, theirs])


def test_configuration_of_another_slack_channel_is_deleted_with_its_stack(fleet):
    assert fleet.create_stack(channel="C0OLDCHANNEL") == "CREATE_COMPLETE"
    shown = fleet.migrate(check=True)
    assert shown["accounts"][0]["leftovers"][0]["plan"] == "delete, because it is for another Slack channel"
    fleet.migrate()
    assert fleet.leftovers() == []
    assert [item["ConfigurationName"] for item in fleet.configurations()] == [NAME]
    assert_it_is_ours_alone(fleet)


def test_after_the_main_playbook_only_leftovers_are_deleted(fleet):
    whole(fleet)
    (refused,) = [change for change in fleet.run() if "FAILED" in change]
    assert "the custom action SendToSlack was created by AWS's template of 2020" in refused
    arn = f"arn:aws:securityhub:{HERE}:{ACCOUNT}:action/custom/SendToSlack"
    fleet.client("securityhub").delete_action_target(ActionTargetArn=arn)
    fleet.run()
    done = fleet.migrate()
    assert done["summary"] == {"targets": 3, "changed": 1, "unchanged": 2, "failed": 0, "leftovers": 2}
    assert done["targets"][HERE]["msg"] == f"stack {STACK}: {SET_RETAIN}"
    assert report.summary(done, check=False) == "Template of 2020: 2 leftovers were removed or adopted."
    assert fleet.leftovers() == []
    assert_it_is_ours_alone(fleet)
    assert fleet.run() == []


def test_state_absent_deletes_all_and_creates_nothing(fleet):
    whole(fleet)
    fleet.migrate(state="absent")
    assert fleet.leftovers() == []
    assert fleet.configurations() == []
    assert fleet.actions() == {}
    assert fleet.status(name=NAME) == ""


# What looks like the template and is not, or not only: nothing of it is touched.


def lookalike(**changes: Any) -> str:
    """Return the template with other properties of some resources, or other resources."""
    body = old_template.template()
    for name, properties in changes.items():
        body["Resources"][name]["Properties"].update(properties)
    return json.dumps(body)


@pytest.mark.parametrize(
    "body",
    [
        lookalike(LambdaCreateCustomAction={"FunctionName": "addourownaction"}),
        lookalike(
            EventRuleCustomAction={
                "EventPattern": {
                    "source": ["aws.securityhub"],
                    "detail-type": ["Security Hub Findings - Custom Action"],
                    "resources": ["arn:aws:securityhub:eu-west-1:111111111111:action/custom/Ticket"],
                }
            }
        ),
    ],
    ids=["another function", "another action"],
)
def test_lookalikes_are_left_alone(fleet, body):
    assert fleet.create_stack(body=body) == "CREATE_COMPLETE"
    before, channel = fleet.leftovers(), fleet.configurations()[0]
    done = fleet.migrate()
    assert done["summary"]["leftovers"] == 0
    assert fleet.leftovers() == before
    topics = sorted([*channel["SnsTopicArns"], *OURS])
    assert fleet.configurations() == [{**channel, "SnsTopicArns": topics}]


def foreign_resource(fleet: OldFleet) -> None:
    body = old_template.template()
    body["Resources"]["Archive"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "archive"}}
    assert fleet.create_stack(body=json.dumps(body)) == "CREATE_COMPLETE"


def protected(fleet: OldFleet) -> None:
    whole(fleet)
    fleet.client("cloudformation").update_termination_protection(StackName=STACK, EnableTerminationProtection=True)


def subscriber(fleet: OldFleet) -> None:
    whole(fleet)
    queue = f"arn:aws:sqs:{HERE}:{ACCOUNT}:archive"
    fleet.client("sns").subscribe(TopicArn=fleet.topics()[0], Protocol="sqs", Endpoint=queue)


def another_rule(fleet: OldFleet) -> None:
    whole(fleet)
    events = fleet.client("events")
    events.put_rule(Name="team-rule", EventPattern='{"source": ["aws.health"]}')
    events.put_targets(Rule="team-rule", Targets=[{"Id": "1", "Arn": fleet.topics()[0]}])


@pytest.mark.parametrize(
    ("happen", "said"),
    [
        (foreign_resource, "it has other resources too (Archive). Move them to another stack."),
        (
            protected,
            "termination protection is on. Turn it off: aws cloudformation update-termination-protection "
            f"--no-enable-termination-protection --stack-name {STACK} --region {HERE}",
        ),
        (subscriber, f"it has other subscribers (sqs arn:aws:sqs:{HERE}:{ACCOUNT}:archive)"),
        (another_rule, "other rules send to it (team-rule)"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_region_that_others_depend_on_fails_and_keeps_sending(fleet, happen, said):
    happen(fleet)
    before = fleet.leftovers()
    done = fleet.migrate()
    assert [host for host, target in done["targets"].items() if target["failed"]] == [HERE]
    assert said in done["targets"][HERE]["msg"]
    assert report.summary(done, check=True).endswith("1 left with the targets that failed.")
    assert fleet.leftovers() == before
    fleet.send("by hand")
    assert fleet.arrived() == [f"Finding by hand in {HERE}"]
    fleet.send("by hand", "us-east-1")
    assert fleet.arrived() == ["Finding by hand in us-east-1"]


def test_a_member_account_is_refused_and_left_as_it_is(fleet):
    whole(fleet)
    before = fleet.leftovers()
    fleet.emulator.world({ACCOUNT: {"administrator": "999999999999"}})
    done = fleet.migrate()
    assert done["summary"]["failed"] == 3
    assert "is a member account" in done["targets"][HERE]["msg"]
    assert fleet.leftovers() == before


def test_channel_deleted_with_its_stack_is_recreated_despite_a_failed_region(fleet):
    whole(fleet)
    fleet.put("CREATE_FAILED")
    fleet.emulator.stacks(0, {"operation": "create", "region": "us-east-1", "stack": NAME})
    done = fleet.migrate()
    assert [host for host, target in done["targets"].items() if target["failed"]] == ["us-east-1"]
    assert any("The channel is created again immediately" in notice for notice in done["accounts"][0]["notices"])
    assert_the_next_run_finishes(fleet)


def test_a_deployment_that_fails_keeps_the_old_stack(fleet):
    whole(fleet)
    fleet.emulator.stacks(0, {"operation": "create", "region": HERE, "stack": NAME})
    before = fleet.leftovers()
    fleet.migrate()
    assert set(before) <= set(fleet.leftovers())
    assert_the_next_run_finishes(fleet)


WRITES = ("Create", "Update", "Delete", "Tag", "Put", "Remove")


@pytest.mark.parametrize("number", range(1, 13))
def test_a_run_that_ends_before_any_of_its_writes_is_finished_by_the_next_one(fleet, monkeypatch, number):
    whole(fleet)
    fleet.put("DELETE_FAILED" if number % 2 else "CREATE_COMPLETE")
    left = itertools.count(number, -1)
    lock = threading.Lock()

    def end(model: Any, **_event: Any) -> None:
        if not model.name.startswith(WRITES):
            return
        with lock:
            if next(left) <= 1:
                raise errors.UserError("the run has ended")

    with monkeypatch.context() as patched:
        watched(patched, before_call=end)
        broken = fleet.migrate()
    assert broken["summary"]["failed"] > 0
    fleet.migrate()
    assert fleet.leftovers() == []
    assert [item["ConfigurationName"] for item in fleet.configurations()] == [CONFIGURATION]
    assert_it_is_ours_alone(fleet)


def test_hanging_deletion_ends_with_a_remedy_and_next_run_continues(fleet):
    whole(fleet)
    fleet.put("DELETE_IN_PROGRESS")
    done = fleet.migrate(stack_timeout=1)
    assert [host for host, target in done["targets"].items() if target["failed"]] == [HERE]
    assert "is still DELETE_IN_PROGRESS after 1 s" in done["targets"][HERE]["msg"]
    assert "Rerun the playbook later to continue." in done["targets"][HERE]["msg"]
    fleet.put("DELETE_FAILED")
    fleet.migrate()
    assert fleet.leftovers() == []
    assert_it_is_ours_alone(fleet)


def test_undeletable_resources_are_reported_and_found_by_the_next_run(fleet):
    whole(fleet)
    fleet.put("DELETE_FAILED")
    fleet.emulator.stacks(0, {"operation": "delete", "stack": STACK, "resource": "SNSTopicAWSChatBot"})
    fleet.migrate()
    assert fleet.status() == ""
    left = fleet.leftovers()
    assert [item.split()[0] for item in left] == ["topic"]
    fleet.emulator.stacks(0)
    again = fleet.migrate()
    assert [item["kind"] for item in again["targets"][HERE]["leftovers"]] == ["topic"]
    assert fleet.leftovers() == []
    assert_it_is_ours_alone(fleet)


def test_stack_that_cannot_retain_resources_is_not_deleted(fleet):
    whole(fleet)
    failure = {"operation": "update", "stack": STACK, "resource": "RetainedForSecopsSecurityhub", "reason": "no right"}
    fleet.emulator.stacks(0, failure)
    done = fleet.migrate()
    assert "ended in UPDATE_ROLLBACK_COMPLETE: RetainedForSecopsSecurityhub" in done["targets"][HERE]["msg"]
    assert "no right. Fix the cause, then rerun the playbook" in done["targets"][HERE]["msg"]
    assert_the_next_run_finishes(fleet)


def test_two_accounts_are_moved_at_once(fleet):
    other = OldFleet(fleet.emulator, role_arn="arn:aws:iam::222222222222:role/security", session_name="test")
    other.account = "222222222222"
    fleet.emulator.world({other.account: deployed.WORLD})
    whole(fleet)
    assert other.create_stack() == "CREATE_COMPLETE"
    other.put("DELETE_FAILED")
    renamed = [
        dataclasses.replace(target, settings=dataclasses.replace(target.settings, host=f"two.{target.settings.region}"))
        for target in other.targets()
    ]

    done = migrate.run(dataclasses.replace(fleet.context(), targets=[*fleet.targets(), *renamed])).result

    assert done["summary"]["failed"] == 0
    assert [item["plan"] for item in done["targets"][HERE]["leftovers"]] == [SET_RETAIN]
    assert [item["plan"] for item in done["targets"][f"two.{HERE}"]["leftovers"]] == [RETAIN_BOTH]
    for account in (fleet, other):
        assert account.leftovers() == []
        assert [item["ConfigurationName"] for item in account.configurations()] == [CONFIGURATION]
    assert_it_is_ours_alone(fleet)


def test_an_update_whose_answer_is_lost_is_not_a_failure(fleet):
    whole(fleet)
    fleet.emulator.faults({"lost": 0.5, "operations": ["UpdateStack"]}, seed=1)
    done = fleet.migrate()
    assert fleet.emulator.ask("GET", "faults")["outcomes"]["lost"] > 0
    assert done["summary"]["failed"] == 0, done["targets"][HERE]["msg"]
    assert fleet.leftovers() == []


@pytest.mark.parametrize("kind", ["throttle", "lost"])
def test_faults_of_aws_are_fixed_by_another_run(fleet, kind):
    whole(fleet)
    fleet.emulator.faults({kind: 0.15}, seed=7)
    for _attempt in range(4):
        if not fleet.migrate()["summary"]["failed"]:
            break
    fleet.emulator.faults()
    fleet.migrate()
    assert fleet.leftovers() == []
    assert [item["ConfigurationName"] for item in fleet.configurations()] == [CONFIGURATION]
    assert_it_is_ours_alone(fleet)
