# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons under the messages set the workflow status, and are created and deleted with their option."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.error

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

FINDINGS = [
    findings.FINDINGS[name]
    for name in ("ec2-19-critical-eu-west-1", "guardduty-backdoor-high-eu-west-1", "macie-high-eu-west-1")
]
THIRD_PARTY = findings.FINDINGS["third-party-critical-eu-west-1"]
ON = {"message_format": "custom", "buttons": True}
ROLE = "securityhub-slack-channel"
NAMES = [f"securityhub-slack-{button}" for button in ("notified", "suppress", "resolve")]
OTHER_CHANNEL = "C0OTHER0001"


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings, with two targets."""
    findings.set_up(emulator)
    made = findings.Playbooks(tmp_path, emulator.url)
    made.inventory({"eu-west-1": {}, "us-east-1": {}}, minimum_severity="HIGH")
    return made


def status(emulator, finding):
    """Return the workflow status that the administrator sees."""
    filters = {"Id": [{"Value": finding["Id"], "Comparison": "EQUALS"}]}
    client = emulator.client("securityhub", finding["Region"])
    return client.get_findings(Filters=filters)["Findings"][0]["Workflow"]["Status"]


def buttons(emulator):
    """Return the custom actions of the account, each with the channels that offer it."""
    chatbot = emulator.client("chatbot", "us-east-2")
    channels = [
        found["ChatConfigurationArn"]
        for found in chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    ]
    offered = {
        arn.rpartition("/")[2]: {
            item["Resource"] for item in chatbot.list_associations(ChatConfiguration=arn)["Associations"]
        }
        for arn in channels
    }
    return {
        arn.rpartition("/")[2]: sorted(name for name, arns in offered.items() if arn in arns)
        for arn in chatbot.list_custom_actions()["CustomActions"]
    }


def said(outcome):
    """Return the output of a run on one line."""
    return " ".join(outcome.output.split())


def writes(emulator, playbooks, *arguments, **variables):
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", "", *arguments, **variables)
    return emulator.writes()


def test_each_button_sets_the_workflow_status_of_its_finding_and_nothing_else(emulator, playbooks):
    playbooks.ok("securityhub_slack", **ON)
    findings.bring(emulator, *FINDINGS)
    for finding, button, desired in zip(
        FINDINGS, ("Notified", "Suppress", "Resolve"), ("NOTIFIED", "SUPPRESSED", "RESOLVED")
    ):
        (message,) = [item for item in emulator.inbox() if item["finding_id"] == finding["Id"]]
        assert message["buttons"] == ["Notified", "Suppress", "Resolve"]
        assert emulator.press(message, button)["status"] == 200
        assert status(emulator, finding) == desired
    assert len(emulator.inbox()) == len(FINDINGS)

    # The role of the channel allows no other commands.
    chatbot = emulator.client("chatbot", "us-east-2")
    (configuration,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    arn = f"arn:aws:chatbot::{findings.ADMINISTRATOR}:custom-action/{NAMES[0]}"
    (attachment,) = chatbot.get_custom_action(CustomActionArn=arn)["CustomAction"]["Attachments"]
    changes = {"new": "--workflow Status=NEW", "severity": "--severity Label=LOW"}
    for name, change in changes.items():
        action = chatbot.create_custom_action(
            ActionName=name,
            Definition={
                "CommandText": f"securityhub batch-update-findings --finding-identifiers $f {change} --region $r"
            },
            Attachments=[{**attachment, "ButtonText": name}],
        )
        chatbot.associate_to_configuration(
            ChatConfiguration=configuration["ChatConfigurationArn"], Resource=action["CustomActionArn"]
        )
    another = {**FINDINGS[0], "Id": f"{FINDINGS[0]['Id']}0"}
    findings.bring(emulator, another)
    assert [emulator.press(emulator.inbox()[-1], name)["status"] for name in changes] == [403, 403]
    assert status(emulator, another) == "NEW"


def attack(emulator, product, name):
    """Import a finding with this Id in a member account, send it with the custom action too, and press all buttons."""
    before = len(emulator.inbox())
    finding = {**THIRD_PARTY, "ProductArn": product, "Id": name, "UpdatedAt": next(LATER)}
    findings.bring(emulator, finding)
    assert [message["finding_id"] for message in emulator.inbox()[before:]] == [name]
    emulator.custom_action("eu-west-1", "SendToSlack", name)
    for message in emulator.inbox()[before:]:
        for button in message["buttons"]:
            with contextlib.suppress(urllib.error.HTTPError):  # a command that Amazon Q refuses
                emulator.press(message, button)


LATER = (f"2098-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z" for number in range(80_000))
OWN = THIRD_PARTY["ProductArn"]
PARTNER = "arn:aws:securityhub:eu-west-1::product/partner/scanner"


def test_an_id_that_names_another_finding_does_not_change_it_and_nobody_but_aws_has_buttons(emulator, playbooks):
    playbooks.ok("securityhub_slack", **ON)
    victim = FINDINGS[0]
    findings.bring(emulator, victim)
    for product in (OWN, PARTNER):
        attack(emulator, product, f"{victim['Id']},ProductArn={victim['ProductArn']} Id=e")
        assert status(emulator, victim) == "NEW", product

    emulator.ask("POST", "switches", {"security_hub_aws_products": "services"})
    client = emulator.client("securityhub", "eu-west-1", THIRD_PARTY["AwsAccountId"])
    products = [f"arn:aws:securityhub:eu-west-1::product/aws/{name}" for name in ("securityhub", "guardduty", "macie")]
    products += [f"{OWN}/aws/securityhub", f"{OWN} arn:aws:securityhub:eu-west-1::product/aws/securityhub"]
    forged = [{**THIRD_PARTY, "ProductArn": product} for product in products]
    assert client.batch_import_findings(Findings=forged)["SuccessCount"] == 0


def pieces():
    """Return what the ID of a finding may be made of to change a command."""
    one, other, _another = FINDINGS
    names = [one["Id"], other["Id"], one["ProductArn"], other["ProductArn"], "x", "Id", "ProductArn", "1"]
    words = ["--region", "us-east-1", "--workflow", "Status=RESOLVED", "--finding-identifiers", "file:///etc/passwd"]
    signs = [
        " ",
        ",",
        "=",
        "\t",
        "\n",
        "\r",
        "'",
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        "$f",
        "$r",
        "|",
        ";",
        "&",
        "<",
        ">",
        "@",
    ]
    whole = [f"{one['Id']},ProductArn={one['ProductArn']} Id=e", f" Id={other['Id']},ProductArn={other['ProductArn']}"]
    return st.sampled_from([*names, *words, *signs, *signs, *whole, *whole])


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_no_id_changes_other_findings(emulator, playbooks, data):
    if not emulator.inbox():
        playbooks.ok("securityhub_slack", **ON)
        findings.bring(emulator, *FINDINGS)
    name = "".join(data.draw(st.lists(pieces(), min_size=1, max_size=8)))[:512]
    product = data.draw(st.sampled_from([OWN, PARTNER]))
    assume(name.strip() and name not in {finding["Id"] for finding in FINDINGS})
    attack(emulator, product, name)
    assert [status(emulator, finding) for finding in FINDINGS] == ["NEW"] * len(FINDINGS)


def ocsf_status(emulator, finding):
    """Return the status of a finding (OCSF) that the administrator sees."""
    shown = emulator.client("securityhub", finding["cloud"]["region"]).get_findings_v2()["Findings"]
    return next(item["status"] for item in shown if item["metadata"]["uid"] == finding["metadata"]["uid"])


def test_buttons_set_the_status_of_findings_of_the_new_hub_and_nothing_else(emulator, playbooks):
    findings.set_up_new_hub(emulator)
    playbooks.ok("securityhub_slack", **ON)
    # They change with the format of the findings.
    on = {**ON, "finding_format": "ocsf"}
    assert writes(emulator, playbooks, **on).count("UpdateCustomAction") == 3
    assert writes(emulator, playbooks, **on) == []
    assert "channel role: update" not in said(playbooks.ok("securityhub_slack", "", "--check", **on))
    some = [findings.ocsf(item) for item in FINDINGS]
    hostile = findings.ocsf(THIRD_PARTY)
    hostile["metadata"]["uid"] = f"x {some[0]['metadata']['uid']}"
    findings.bring_ocsf(emulator, *some, hostile)
    findings.bring(emulator, FINDINGS[0])
    emulator.custom_action("eu-west-1", "SendToSlack", FINDINGS[0]["Id"])
    *messages, of_others, by_hand = emulator.inbox()
    assert (of_others["buttons"], by_hand["buttons"]) == ([], [])
    desired = ("In Progress", "Suppressed", "Resolved")
    for message, finding, button, status in zip(messages, some, ("In progress", "Suppress", "Resolve"), desired):
        assert message["buttons"] == ["In progress", "Suppress", "Resolve"]
        assert emulator.press(message, button)["status"] == 200
        assert ocsf_status(emulator, finding) == status
    assert len(emulator.inbox()) == len(some) + 2
    assert ocsf_status(emulator, hostile) == "New"

    chatbot = emulator.client("chatbot", "us-east-2")
    (configuration,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    arn = f"arn:aws:chatbot::{findings.ADMINISTRATOR}:custom-action/{NAMES[0]}"
    (attachment,) = chatbot.get_custom_action(CustomActionArn=arn)["CustomAction"]["Attachments"]
    changes = {"new": "--status-id 1", "severity": "--status-id 2 --severity-id 1", "comment": "--comment x"}
    for name, change in changes.items():
        action = chatbot.create_custom_action(
            ActionName=name,
            Definition={"CommandText": f"securityhub batch-update-findings-v2 --metadata-uids $f {change} --region $r"},
            Attachments=[{**attachment, "ButtonText": name}],
        )
        chatbot.associate_to_configuration(
            ChatConfiguration=configuration["ChatConfigurationArn"], Resource=action["CustomActionArn"]
        )
    findings.bring_ocsf(emulator, findings.ocsf({**FINDINGS[0], "Id": f"{FINDINGS[0]['Id']}0"}))
    assert [emulator.press(emulator.inbox()[-1], name)["status"] for name in changes] == [403, 403, 403]


def test_buttons_are_created_kept_and_deleted_with_their_option(emulator, playbooks):
    playbooks.ok("securityhub_slack")
    preview = said(playbooks.ok("securityhub_slack", "", "--check", "--diff", **ON))
    assert f"guardrail: update channel role: update buttons {', '.join(NAMES)}: create" in preview
    assert "account 111111111111, button securityhub-slack-suppress" in preview
    assert "--workflow Status=SUPPRESSED" in preview
    assert buttons(emulator) == {}

    playbooks.ok("securityhub_slack", **ON)
    assert buttons(emulator) == {name: ["securityhub-slack"] for name in NAMES}
    assert writes(emulator, playbooks, **ON) == []

    deleted = said(playbooks.ok("securityhub_slack"))
    assert f"guardrail: update channel role: update buttons {', '.join(NAMES)}: delete" in deleted
    assert buttons(emulator) == {}
    assert emulator.client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == []
    assert writes(emulator, playbooks) == []


def test_new_channels_get_buttons_and_an_adopted_channel_does_not(emulator, playbooks):
    chatbot = emulator.client("chatbot", "us-east-2")
    trust = {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = emulator.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    chatbot.create_slack_channel_configuration(
        SlackTeamId=findings.WORKSPACE, SlackChannelId=OTHER_CHANNEL, ConfigurationName="theirs", IamRoleArn=role
    )
    channels = [
        {"name": "oncall", "channel_id": findings.CHANNEL, "severities": ["CRITICAL"]},
        {"name": "rest", "channel_id": "C0REST00001", "severities": ["HIGH"]},
        {"name": "theirs", "channel_id": OTHER_CHANNEL},
    ]
    outcome = playbooks.ok("securityhub_slack", **ON, channels=channels)
    assert re.search(r"channel configuration theirs .* its messages get no buttons", said(outcome))
    assert set(map(tuple, buttons(emulator).values())) == {("securityhub-slack-oncall", "securityhub-slack-rest")}
    assert writes(emulator, playbooks, **ON, channels=channels) == []


def test_removal_deletes_them_and_no_foreign_custom_actions(emulator, playbooks):
    chatbot = emulator.client("chatbot", "us-east-2")
    chatbot.create_custom_action(ActionName="theirs", Definition={"CommandText": "s3 ls"})
    playbooks.ok("securityhub_slack", **ON)
    deletion = f"buttons {', '.join(NAMES)}: delete"
    assert deletion in said(playbooks.ok("securityhub_slack", "", "--check", **ON, state="absent"))
    assert deletion in said(playbooks.ok("securityhub_slack", **ON, state="absent"))
    assert buttons(emulator) == {"theirs": []}
    assert ROLE not in [role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]]
    assert writes(emulator, playbooks, **ON, state="absent") == []


def test_one_changed_by_hand_is_restored_and_a_foreign_one_is_refused(emulator, playbooks):
    playbooks.ok("securityhub_slack", **ON)
    chatbot = emulator.client("chatbot", "us-east-2")
    arn = f"arn:aws:chatbot::{findings.ADMINISTRATOR}:custom-action/{NAMES[1]}"
    chatbot.update_custom_action(CustomActionArn=arn, Definition={"CommandText": "s3 ls"})
    assert writes(emulator, playbooks, **ON) == ["UpdateCustomAction"]

    chatbot.delete_custom_action(CustomActionArn=arn)
    chatbot.create_custom_action(ActionName=NAMES[1], Definition={"CommandText": "s3 ls"})
    refused = playbooks.run("securityhub_slack", "", **ON)
    assert refused.code != 0
    assert f"the custom action {NAMES[1]} of Amazon Q already exists and is not managed by" in said(refused)


def test_the_next_run_completes_an_interrupted_one(emulator, playbooks):
    emulator.faults({"services": ["chatbot"], "operations": ["AssociateToConfiguration"], "denied": 1.0})
    assert playbooks.run("securityhub_slack", "", **ON).code != 0
    emulator.faults()
    playbooks.ok("securityhub_slack", **ON)
    assert buttons(emulator) == {name: ["securityhub-slack"] for name in NAMES}

    emulator.faults({"services": ["iam"], "operations": ["DeleteRolePolicy"], "denied": 1.0})
    assert playbooks.run("securityhub_slack").code != 0
    emulator.faults()
    playbooks.ok("securityhub_slack")
    assert emulator.client("iam").list_role_policies(RoleName=ROLE)["PolicyNames"] == []
    assert buttons(emulator) == {}


@pytest.mark.parametrize(
    ("variables", "facts"),
    [
        ({"buttons": True}, ["securityhub_slack_buttons", "Set securityhub_slack_message_format to custom"]),
        # Whoever can publish to a topic chooses what the buttons of a message change.
        (
            {**ON, "topic_policy_conditions": False},
            ["securityhub_slack_buttons", "securityhub_slack_topic_policy_conditions: false", "any account"],
        ),
    ],
)
def test_settings_that_exclude_buttons_are_refused(playbooks, variables, facts):
    outcome = playbooks.run("securityhub_slack", "", **variables)
    assert outcome.code != 0
    assert [fact for fact in facts if fact not in said(outcome)] == []


def test_a_run_without_buttons_makes_no_calls_for_them(emulator, playbooks):
    playbooks.ok("securityhub_slack")
    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    operations = [entry["operation"] for entry in emulator.requests()]
    assert not {"ListCustomActions", "ListAssociations", "GetCustomAction"} & set(operations)
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", **ON)
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", **ON)
    assert len(emulator.requests()) == len(operations) + 8
