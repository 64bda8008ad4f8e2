# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acceptance command proves what is true, refuses to touch what is not its own, and cleans up in any case."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import re
import signal

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.acceptance import __main__ as acceptance
from ansible_collections.secops.securityhub.tests.acceptance import settings as settings_of_run
from ansible_collections.secops.securityhub.tests.acceptance import trials
from ansible_collections.secops.securityhub.tests.resilience.playbook import family_of
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import waiting

from .conftest import ACCOUNT
from .conftest import CHANNEL
from .conftest import KEY
from .conftest import OTHER_CHANNEL
from .conftest import PREFIX
from .conftest import REGIONS
from .conftest import SECRET
from .conftest import TEAM
from .conftest import WITHOUT_HUB

assert ansible_commands  # marks the tests as those that run playbooks
# Settled with the setting unlisted_region only.
UNLISTED = "chatbot_unlisted_regions"
TAGS = [{"Key": "SecurityHubSlackAcceptance", "Value": PREFIX}]
SHORT = ("--skip", "doctor,canary,again,assumptions,drift,integration")


def test_a_whole_run_proves_each_step_and_leaves_nothing(command, capsys):
    before = command.names()
    target = "chatbot_slack_workspace_info"
    assert command.run("--targets", target) == 0, capsys.readouterr().out
    steps = command.steps()
    assert {name for name, state in steps.items() if state == "failed"} == set()
    assert steps["messages seen in the channel"] == "not confirmed"
    seen = {step["name"]: step["seen"] for step in command.report()["steps"]}
    assert seen["deploy"].startswith("2 targets: 2 changed, 0 unchanged, 0 failed. 1 account changed (")
    assert seen["doctor after the repair"] == "2 targets: 2 in order."
    proved = ("canary", "rules invoked without FailedInvocations", "topics published", "channel metric", "second run")
    assert [steps[name] for name in (*proved, "repair", "removal")] == ["passed"] * 7
    assert steps[f"integration target {target}"] == "passed"
    assert steps["integration target securityhub_organization_configuration"] == "left out"
    assert steps["nothing with the prefix is left"] == "passed"
    assert steps["what belongs to others is unchanged"] == "passed"
    assert command.names() == before
    canaries = [message for message in command.emulator.inbox(CHANNEL) if "the canary of" in message["title"]]
    assert {message["region"] for message in canaries} == set(REGIONS)
    findings = [command.client("securityhub", region).get_findings()["Findings"] for region in REGIONS]
    assert sum(map(len, findings)) == 7, "as the dry run says"
    assert command.report()["emulator"] is True
    switches = command.switches()
    told = {
        name: answer for name, answer in command.answers().items() if name not in ("chatbot_role_message", UNLISTED)
    }
    assert len(told) > 10
    assert told == {name: switches[name] for name in told}
    for path in command.folder.glob("report.*"):
        text = path.read_text(encoding="utf-8")
        assert not {ACCOUNT, TEAM, CHANNEL, SECRET} & set(re.findall(r"[\w-]+", text)), path


OTHER_AWS = {
    "eventbridge_context": "none",
    "event_ruler_alternatives": "all",
    "event_pattern_complexity": "unlimited",
    "test_event_pattern": "lenient",
    "chatbot_unlisted_regions": "refused",
    "chatbot_unknown_arn": "empty",
    "chatbot_topic_limit": 100,
    "chatbot_read_lag": 3,
    "chatbot_ocsf_events": "shown",
    "chatbot_encrypted_topics": "lost",
    "cloudformation_express": "refused",
    "cloudformation_names": "end_cut",
    "administrator_none": "not_found",
    "security_hub_v2": "denied",
    "security_hub_customer_fields": "left_out",
    "security_hub_user_defined_fields": "kept",
    "security_hub_passed_events": "two",
    "security_hub_aws_products": "services",
}


def test_the_report_says_what_aws_does_where_it_differs_from_the_emulator(command):
    command.key()
    defaults = command.switches()
    command.switches(**OTHER_AWS)
    assert command.run("--kms-key", KEY, "--skip", "doctor,canary,again,drift,integration") == 0
    assert {name: value for name, value in OTHER_AWS.items() if defaults[name] == value} == {}
    told = {name: answer for name, answer in command.answers().items() if name in OTHER_AWS}
    assert told == OTHER_AWS
    results = {item["switch"]: item["result"] for item in command.report()["assumptions"]}
    strict = {row["switch"]: row["strict"] for row in trials.assumptions()}
    for name, answer in OTHER_AWS.items():
        assert results[name] == ("held" if answer == strict[name] else "not held"), name


def test_a_dry_run_writes_nothing_and_names_what_would_be_created_and_its_cost(command, capsys):
    assert command.run("--dry-run") == 0
    shown = capsys.readouterr().out
    assert command.writes() == []
    assert "2 would change" in shown
    assert f"stack {PREFIX} (topic, rules)" in shown
    assert "up to 7 archived test findings" in shown
    assert re.search(r"Cost: at most \d+\.\d\d USD", shown)
    assert "Left out: securityhub_hub" in shown


def foreign_stack(command):
    body = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    command.client("cloudformation").create_stack(StackName=f"{PREFIX}-x", TemplateBody=body)


def test_a_refusal_names_the_reason_and_writes_nothing(command, capsys):
    cases = {
        "was not created by this command": lambda: foreign_stack(command),
        f"role {PREFIX}-channel (global) is left from an earlier run": lambda: command.role(
            f"{PREFIX}-channel", Tags=TAGS
        ),
        f"Channel {CHANNEL} belongs to the configuration audit": lambda: command.configuration("audit", CHANNEL),
        f"Security Hub CSPM is not enabled in {REGIONS[1]}": lambda: command.client(
            "securityhub", REGIONS[1]
        ).disable_security_hub(),
        "Workspace T0ABCDEFG12 is not authorized": lambda: command.emulator.world({ACCOUNT: {"workspaces": []}}),
        f"Security Hub CSPM is enabled in {WITHOUT_HUB}": lambda: command.client(
            "securityhub", WITHOUT_HUB
        ).enable_security_hub(),
        "The account has a finding aggregator": lambda: command.client("securityhub").create_finding_aggregator(
            RegionLinkingMode="ALL_REGIONS"
        ),
    }
    more = ("--region-without-hub", WITHOUT_HUB, "--finding-aggregator")
    reasons = set()
    for reason, happen in cases.items():
        happen()
        command.emulator.forget_requests()
        assert command.run(*more) == 2
        reasons.add(reason)
        said = capsys.readouterr().err
        assert {reason for reason in cases if reason in said} == reasons
        assert command.writes() == []


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--account-id", "111111111111", f"lead to account {ACCOUNT}"),
        ("--regions", "us-east-1", "two or three"),
        ("--prefix", "securityhub-slack", "lowercase letters and digits"),
        ("--channel-id", "#security", "the ID of a Slack channel"),
        ("--region-without-hub", "us-east-1", "is one of the regions"),
        ("--settings", "/nowhere.yml", "cannot be read"),
    ],
)
def test_wrong_settings_are_refused(command, capsys, option, value, reason):
    assert command.run(option, value) == 2
    assert reason in capsys.readouterr().err
    assert command.writes() == []


def test_settings_come_from_a_file_and_options_win(command, capsys):
    path = command.folder / "settings.yml"
    path.write_text("prefix: fromfile\nkms_key: alias/x\n", encoding="utf-8")
    options = acceptance.parse([*command.given, "--settings", str(path)])
    settings = settings_of_run.read(options)
    assert (settings.prefix, settings.kms_key, settings.regions) == (PREFIX, "alias/x", REGIONS)
    path.write_text("chanel_id: C012\n", encoding="utf-8")
    assert command.run("--settings", str(path)) == 2
    assert "Unknown setting: chanel_id" in capsys.readouterr().err


def test_the_template_has_all_settings():
    path = settings_of_run.HERE / "settings.yml.template"
    _head, text = path.read_text(encoding="utf-8").split("---\n")
    given = yaml.safe_load(re.sub(r"(?m)^# (?=\w+: )", "", text))
    assert set(given) == {field.name for field in dataclasses.fields(settings_of_run.Settings)}


def test_an_adopted_channel_keeps_its_configuration_and_topics(command):
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:theirs"
    command.configuration("audit", CHANNEL, SnsTopicArns=[topic])
    before = command.names()
    skipped = "doctor,again,assumptions,drift,integration"
    assert command.run("--adopt-channel", "--skip", skipped) == 0, command.report()
    assert command.steps()["channel metric"] == "passed"
    assert command.names() == before
    chatbot = command.client("chatbot", "us-east-2")
    kept = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    assert [item["SnsTopicArns"] for item in kept if item["ConfigurationName"] == "audit"] == [[topic]]


@pytest.mark.parametrize(("said", "answer"), [("y\n", True), ("perhaps\nn\n", False)])
def test_a_person_is_asked(command, monkeypatch, capsys, said, answer):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal(said))
    assert acceptance.asker(acceptance.parse(command.given))("Is it there?") is answer
    assert "Is it there? [y/n]" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert acceptance.main(command.given) == 2
    assert "Not started" in capsys.readouterr().out
    assert command.writes() == []


def test_a_failure_in_the_middle_is_reported_and_everything_is_removed(command):
    before = command.names()
    command.emulator.faults({"denied": 1, "operations": ["DisableRule"]})
    assert command.run("--skip", "doctor,canary,again,assumptions,integration") == 1
    steps = command.report()["steps"]
    (failed,) = [step for step in steps if step["state"] == "failed"]
    assert failed["name"] == "drift"
    assert "DisableRule" in failed["seen"]
    assert command.steps()["removal"] == "passed"
    assert command.names() == before


def test_a_deployment_that_fails_is_removed(command):
    before = command.names()
    command.emulator.stacks(0, {"operation": "create", "region": REGIONS[1], "times": 1})
    assert command.run() == 1
    assert command.steps() == {
        "deploy": "failed",
        "nothing with the prefix is left": "passed",
        "what belongs to others is unchanged": "passed",
    }
    assert command.names() == before


def test_what_cannot_be_removed_is_reported(command):
    command.emulator.faults({"denied": 1, "operations": ["DeleteTopic", "DeleteStack"]})
    assert command.run(*SHORT) == 1
    assert any(f"stack {PREFIX}" in name for name in command.report()["left"])
    command.emulator.faults()
    assert command.run("--clean") == 0
    assert not any(PREFIX in name for name in command.names())


def test_a_rule_that_cannot_publish_is_reported(command):
    command.switches(eventbridge_context="none")
    assert command.run("--skip", "doctor,again,assumptions,drift,integration") == 1
    steps = command.steps()
    names = ("canary", "rules invoked without FailedInvocations", "topics published", "channel metric")
    assert [steps[name] for name in names] == ["failed"] * 4
    (failed,) = [step["seen"] for step in command.report()["steps"] if step["name"] == "canary"]
    assert failed.count("securityhub_slack_topic_policy_conditions to") == 3, "summary, table and failure"
    assert steps["nothing with the prefix is left"] == "passed"


def wait_for_write(command, operation):
    assert waiting.until(lambda: operation in command.writes()), command.writes()


def test_an_interrupted_run_cleans_up(command):
    before = command.names()
    command.emulator.stacks(2)
    process = command.start()
    wait_for_write(command, "CreateStack")
    process.send_signal(signal.SIGINT)
    wait_for_write(command, "DeleteStack")
    process.send_signal(signal.SIGINT)  # the cleanup is not interrupted
    output, _nothing = process.communicate(timeout=waiting.PATIENCE)
    assert process.returncode == 130, output
    assert "Cleaning up" in output
    assert command.report()["interrupted"] is True
    assert command.report()["left"] == []
    assert command.names() == before


@pytest.mark.parametrize(
    ("operation", "options"),
    [("BatchImportFindings", ("--skip", "doctor")), ("PutEvents", ("--skip", "doctor,canary,again"))],
)
def test_what_a_killed_run_leaves_is_refused_and_then_removed(command, capsys, operation, options):
    before = command.names()
    process = command.start(*options)
    wait_for_write(command, operation)
    for pid in family_of(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    assert command.run(*SHORT) == 2
    assert "Run tests/run/acceptance --clean" in capsys.readouterr().err
    assert command.run("--clean") == 0, capsys.readouterr().out
    assert command.names() == before


def test_clean_removes_what_an_interrupted_integration_target_leaves(command):
    before = command.names()
    tiny = f"{PREFIX}it"
    command.role(f"{tiny}-channel", Tags=[{"Key": "Test", "Value": tiny}])
    chatbot, hub = command.client("chatbot", "us-east-2"), command.client("securityhub")
    tags = [{"TagKey": "Test", "TagValue": tiny}]
    command.configuration("other", "C0ANOTHER00")
    chatbot.create_slack_channel_configuration(
        ConfigurationName=f"{tiny}-actions",
        SlackTeamId=TEAM,
        SlackChannelId=CHANNEL,
        IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{tiny}-channel",
        Tags=tags,
    )
    chatbot.create_custom_action(ActionName=tiny, Definition={"CommandText": "sts get-caller-identity"}, Tags=tags)
    hub.create_action_target(Id=tiny, Name="Send to Slack", Description=f"Sends findings to Slack ({tiny})")
    command.client("securityhub", WITHOUT_HUB).enable_security_hub(Tags={"Test": tiny})
    assert command.run("--clean", "--region-without-hub", WITHOUT_HUB) == 0
    assert command.names() == before | {"channel other", "role r-other"}
    assert chatbot.list_custom_actions()["CustomActions"] == []
    with pytest.raises(command.client("securityhub").exceptions.InvalidAccessException):
        command.client("securityhub", WITHOUT_HUB).describe_hub()


def test_clean_leaves_alone_what_others_named_like_the_run(command):
    role = command.role(f"{PREFIX}-channel")
    command.client("sns").create_topic(Name=f"{PREFIX}-theirs")
    command.configuration(PREFIX, CHANNEL)
    before = command.names()
    assert command.run("--clean") == 1
    assert command.names() == before
    assert role.endswith(f"{PREFIX}-channel")
    assert OTHER_CHANNEL != CHANNEL
