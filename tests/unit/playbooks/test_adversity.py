# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text from people, member accounts and AWS is sanitized in all output and in all files.

The sinks are the playbooks with their terminal output and the files that they write. Each is run in an account whose
texts are all hostile, and with each hostile text that makes something fail.
"""

from __future__ import annotations

import json
import unicodedata
from html.parser import HTMLParser

import pytest
from ansible_collections.secops.securityhub.tests.unit.signing_in import CHANNEL
from ansible_collections.secops.securityhub.tests.unit.signing_in import PREFIX
from ansible_collections.secops.securityhub.tests.unit.signing_in import ROOT
from ansible_collections.secops.securityhub.tests.unit.signing_in import WORKSPACE
from ansible_collections.secops.securityhub.tests.unit.signing_in import Home
from ansible_collections.secops.securityhub.tests.unit.signing_in import switching_program

ACCOUNT, OTHER = "111111111111", "222222222222"
REGIONS = ["eu-west-1", "us-east-1"]
NAME = "securityhub-slack"
# A template that creates a file, markup for a page, a mention of a whole channel, and an emoji.
TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch MARKER') }}{{ 7 * 7 }}"
READABLE = f"{TEMPLATE}{{% raw %}}<script>alert(1)</script><!channel> *x* [x](http://x) \U0001f600"
# A terminal title, colors, a line that overwrites itself, reversed text, more lines.
ESCAPES = "\x1b]0;owned\x07\x1b[31m\x9b31m\rowned\u202e\u2066\u200b\x00\x7f\u2028owned\nowned"
HOSTILE = f"{ESCAPES}{READABLE}"
# XML cannot hold a terminal's escapes.
HOSTILE_XML = f"\x9b31m\u202e\u2066\u2028{READABLE}"
LONG = HOSTILE + "x" * 20_000


def unsafe_characters(text):
    """Return the characters that terminals execute or that mislead readers."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


@pytest.fixture
def home(emulator, tmp_path):
    hostile = {"SlackTeamId": "T0OTHER0000", "SlackTeamName": HOSTILE}
    emulator.world({ACCOUNT: {"hubs": "all", "workspaces": [WORKSPACE, hostile]}})
    found = Home(tmp_path, emulator)
    found.environment = {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
    }
    return found


def finding(region, name, **more):
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"{region}/{name}",
        "ProductArn": f"arn:aws:securityhub:{region}:{ACCOUNT}:product/{ACCOUNT}/default",
        "GeneratorId": HOSTILE,
        "AwsAccountId": ACCOUNT,
        "AwsAccountName": HOSTILE[:60],
        "CompanyName": HOSTILE[:60],
        "CreatedAt": "2026-01-01T00:00:00.000Z",
        "UpdatedAt": "2026-01-01T00:00:00.000Z",
        "Severity": {"Label": "CRITICAL", "Original": HOSTILE[:60]},
        "Title": HOSTILE,
        "Description": HOSTILE,
        "Resources": [{"Type": "Other", "Id": HOSTILE, "Tags": {HOSTILE[:60]: HOSTILE}}],
        "Types": [HOSTILE],
        **more,
    }


def fill(emulator):
    """Create resources of others with hostile text in every field."""
    for region in REGIONS:
        hub = emulator.client("securityhub", region)
        ours = f"{HOSTILE} Managed by secops.securityhub (securityhub-slack)."
        hub.create_action_target(Name=HOSTILE[-20:], Description=ours, Id="SendToSlack")
        hub.create_action_target(Name=HOSTILE[:20], Description=HOSTILE, Id="Theirs")
        hub.batch_import_findings(Findings=[finding(region, "a"), finding(region, f"b{HOSTILE}")])
        template = {"Description": HOSTILE_XML, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
        emulator.client("cloudformation", region).create_stack(
            StackName="theirs", TemplateBody=json.dumps(template), Tags=[{"Key": "x", "Value": READABLE}]
        )
        events = emulator.client("events", region)
        events.put_rule(Name="theirs", EventPattern='{"source": ["aws.securityhub"]}', Description=HOSTILE)
    trust = {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = emulator.client("iam").create_role(
        RoleName="theirs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    emulator.client("chatbot", "us-east-2").create_slack_channel_configuration(
        ConfigurationName="theirs",
        SlackTeamId=WORKSPACE["SlackTeamId"],
        SlackChannelId=CHANNEL,
        SlackChannelName="theirs",
        IamRoleArn=role["Role"]["Arn"],
        SnsTopicArns=[],
        Tags=[{"TagKey": "x", "TagValue": HOSTILE}],
    )


GOOD = {
    "action_name": HOSTILE[-20:],
    "suppressions": [{"control_ids": ["S3.8"], "reason": HOSTILE, "resource_ids": ["theirs"]}],
}


def inventory_of(home, **hosts):
    """Return an inventory with hostile texts."""
    path = home.inventory({**dict.fromkeys(REGIONS, GOOD), **hosts})
    path.write_text(unsafe(path.read_text()))
    return path


def unsafe(text):
    """Return JSON as YAML in which hostile text is not a template."""

    def in_yaml(written):
        # JSON writes the emoji as a surrogate pair, which YAML does not read.
        return written.replace("\\ud83d\\ude00", "\\U0001f600")

    text = in_yaml(text)
    for hostile in (HOSTILE, HOSTILE[-20:]):
        written = in_yaml(json.dumps(hostile))
        text = text.replace(written, f"!unsafe {written}")
    return text


# Name -> playbook, its arguments, and the operation that AWS denies.
SINKS = {
    "preview": ("securityhub_slack", ["--check"], "DescribeActionTargets"),
    "run": ("securityhub_slack", ["-e", "securityhub_slack_result_file={folder}/result.json"], "UpdateActionTarget"),
    "drift repair": ("securityhub_slack", ["-e", "securityhub_slack_repair_drift=true"], "ListTargetsByRule"),
    "removal": ("securityhub_slack", ["-e", "securityhub_slack_state=absent"], "DeleteActionTarget"),
    "doctor": (
        "securityhub_slack_doctor",
        [
            "-e",
            "securityhub_slack_doctor_html={folder}/doctor.html securityhub_slack_doctor_json={folder}/doctor.json",
        ],
        "DescribeActionTargets",
    ),
    "baseline": ("securityhub_slack_baseline", [], "GetFindings"),
    "canary": ("securityhub_slack_canary", ["-e", "securityhub_slack_canary_timeout=2"], "BatchImportFindings"),
    "simulate": (
        "securityhub_slack_simulate",
        ["-e", "securityhub_slack_simulate_html={folder}/simulate.html"],
        "GetFindings",
    ),
    "migrate": ("securityhub_slack_migrate", ["--check"], "DescribeActionTargets"),
    "digest": ("securityhub_slack_digest", [], "GetFindings"),
    "export": (
        "securityhub_slack_export",
        ["-e", "securityhub_slack_export_file={folder}/stack-set.json"],
        "DescribeActionTargets",
    ),
}


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)


def assert_sanitized(home, run, longest=5000):
    texts = {"output": run.output}
    for path in home.folder.iterdir():
        if path.suffix in (".json", ".html", ".log"):
            texts[path.name] = path.read_text(encoding="utf-8")
    for name, text in texts.items():
        assert unsafe_characters(text) == set(), name
        assert "49{% raw" not in text, name
        assert name.endswith(".html") or "\nowned" not in text, name
        assert "Traceback" not in text, name
        assert name.endswith((".html", ".json")) or max(map(len, text.splitlines())) < longest, name
    # The directories in which a lookup may run: of the inventory, of the playbook, or the current one.
    assert not [path for folder in (home.folder, ROOT / "playbooks", ROOT) for path in folder.glob("MARKER")]
    for name, text in texts.items():
        assert not name.endswith(".html") or not {"script", "img", "a"} & set(Page(text).elements), name


def deploy(home, inventory):
    done = home.run("securityhub_slack", "-i", inventory)
    assert done.code == 0, done.output


def run(home, sink, inventory, *arguments):
    playbook, own, _operation = SINKS[sink]
    own = [text.replace("{folder}", str(home.folder)) for text in own]
    return home.run(playbook, "-i", inventory, "--diff", "-vvv", *own, *arguments)


@pytest.mark.parametrize("sink", SINKS)
def test_hostile_text_of_resources_is_sanitized(home, sink):
    fill(home.emulator)
    inventory = inventory_of(home)
    found = run(home, sink, inventory)
    assert "PLAY RECAP" in found.output
    assert_sanitized(home, found)


def assert_errors_are_sanitized(home, inventory, sink, reason=HOSTILE):
    """Deny the operation of a sink once with a reason."""
    home.emulator.faults({"denied": 1, "reason": reason, "operations": [SINKS[sink][2]]})
    found = run(home, sink, inventory)
    assert "{{ 7 * 7 }}" in found.said, (sink, found.output)
    assert_sanitized(home, found)
    home.emulator.faults()


def test_hostile_errors_of_aws_are_sanitized(home):
    inventory = inventory_of(home)
    for sink in ("preview", "migrate", "export"):
        assert_errors_are_sanitized(home, inventory, sink)
    assert_errors_are_sanitized(home, inventory, "preview", LONG)
    deploy(home, inventory)
    for sink in ("doctor", "canary", "simulate", "baseline", "drift repair", "digest"):
        assert_errors_are_sanitized(home, inventory, sink)
    for sink in ("doctor", "simulate"):
        assert_errors_are_sanitized(home, inventory, sink, LONG)
    assert_errors_are_sanitized(home, inventory, "removal")


def test_hostile_errors_of_aws_for_resources_of_others_are_sanitized(home):
    fill(home.emulator)
    assert_errors_are_sanitized(home, inventory_of(home), "run")


@pytest.mark.parametrize("sink", ["run", "removal"])
def test_hostile_reasons_of_failed_stacks_are_sanitized(home, sink):
    inventory = inventory_of(home)
    if sink == "removal":
        deploy(home, inventory)
    operation = "delete" if sink == "removal" else "create"
    home.emulator.stacks(0, {"operation": operation, "reason": HOSTILE_XML, "region": "eu-west-1"})
    found = run(home, sink, inventory)
    assert "{{ 7 * 7 }}" in found.said
    assert_sanitized(home, found)


WRONG = {
    "name": {"name": HOSTILE},
    "configuration": {"configuration_name": HOSTILE},
    "channel": {"channel_id": HOSTILE},
    "workspace": {"workspace_id": HOSTILE},
    "role": {"role_arn": HOSTILE},
    "session": {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/x", "session_name": HOSTILE},
    "profile": {"profile": HOSTILE},
    "severity": {"minimum_severity": HOSTILE},
    "severities": {"severities": [HOSTILE]},
    "type": {"tags": HOSTILE},
    "tags": {"tags": {HOSTILE: HOSTILE}},
    "number": {"stack_timeout": HOSTILE},
    "key": {"kms_key": HOSTILE},
    "topic": {"alarm_topic_arn": HOSTILE},
    "route": {"channels": [{"name": HOSTILE, "channel_id": CHANNEL}]},
    "suppression": {"suppressions": [{"reason": HOSTILE, "expires": HOSTILE}]},
    "misspelt": {f"x{HOSTILE}": HOSTILE},
}


def test_hostile_variables_of_the_inventory_are_sanitized(home):
    hosts = {f"{name}.eu-central-1": given for name, given in WRONG.items()}
    found = run(home, "run", inventory_of(home, **hosts))
    assert set(hosts) == {host for host, state in found.states.items() if state == "failed"}
    assert found.states["us-east-1"] == "changed"
    assert_sanitized(home, found)


def test_hostile_output_of_a_credential_process_is_sanitized(home):
    home.environment = {}
    program = home.program("hostile.py", f"raise SystemExit({HOSTILE!r})")
    home.config(f"[default]\ncredential_process = {program}\n")
    found = run(home, "preview", inventory_of(home))
    assert "the credential_process of the environment failed" in found.said
    assert_sanitized(home, found)


def test_hostile_findings_in_a_file_are_sanitized(home):
    path = home.folder / "findings.json"
    path.write_text(json.dumps([finding("eu-west-1", "a"), finding("x", "\ud800", Title="\udfff" + LONG)]))
    given = json.dumps({"securityhub_slack_simulate_files": [str(path)]})
    found = run(home, "simulate", inventory_of(home), "-e", given)
    assert "2 findings" in found.said
    path.unlink()
    assert_sanitized(home, found, longest=len(LONG) + 1000)  # the result contains the whole title


@pytest.mark.parametrize("text", [HOSTILE, f'["{READABLE}"]'])
def test_a_file_without_findings_is_reported(home, text):
    path = home.folder / "findings.json"
    path.write_text(text)
    given = json.dumps({"securityhub_slack_simulate_files": [str(path)]})
    found = run(home, "simulate", inventory_of(home), "-e", given)
    assert found.code == 2
    path.unlink()
    assert_sanitized(home, found)


def test_no_playbook_calls_another_account_than_the_pinned_one(home):
    inventory = inventory_of(home)
    deploy(home, inventory)
    for sink in SINKS:
        home.emulator.forget_requests()
        found = run(home, sink, inventory, "-e", f"{PREFIX}account_id=222222222222")
        assert found.code == 2, sink
        assert "222222222222" in found.said, sink
        assert {entry["operation"] for entry in home.emulator.requests()} == {"GetCallerIdentity"}, sink


def test_no_playbook_follows_credentials_into_another_account(home):
    """The program of a profile leads to the first account until the run knows its ID, and then to another one."""
    inventory = inventory_of(home)
    deploy(home, inventory)
    first, other = home.environment.pop("AWS_ACCESS_KEY_ID"), "222222222222"
    del home.environment["AWS_SECRET_ACCESS_KEY"]
    program = home.program("switch.py", switching_program(home.emulator.url, first, other))
    home.config(f"[default]\ncredential_process = {program}\n")
    home.emulator.faults({"latency_ms": 600})  # so that no run has made all its calls within a second
    for sink in ("run", "removal", "doctor", "baseline", "canary", "migrate", "digest"):
        home.emulator.forget_requests()
        found = run(home, sink, inventory)
        assert found.code == 2, sink
        assert "refreshed" in found.said, (sink, found.output)
        of_other = {entry["operation"] for entry in home.emulator.requests() if entry["account"] == other}
        assert of_other == {"GetCallerIdentity"}, sink


def test_hostile_text_in_an_inventory_of_accounts_is_sanitized(home):
    home.emulator.faults({"denied": 1, "reason": HOSTILE, "operations": ["DescribeHub", "ListRegions"]})
    source = home.folder / "securityhub_regions.yml"
    lost = {"name": "lost", "profile": HOSTILE}
    given = {
        "plugin": "secops.securityhub.securityhub_regions",
        "accounts": [{"name": "prod"}],
        "regions": ["eu-west-1"],
        "variables": {f"{PREFIX}workspace_id": WORKSPACE["SlackTeamId"], f"{PREFIX}channel_id": CHANNEL},
    }
    source.write_text(json.dumps(given))
    listed = home.call("ansible-inventory", "-i", source, "--list", "-vvv")
    assert "prod.eu-west-1" in listed.output
    assert_sanitized(home, listed)
    source.write_text(json.dumps({**given, "accounts": [*given["accounts"], lost]}).replace("\\ud83d\\ude00", ""))
    found = run(home, "preview", source)
    assert "account lost" in found.said
    assert_sanitized(home, found)
    for wrong in ({"accounts": [{"name": HOSTILE}]}, {"regions": [HOSTILE]}, {"accounts": [{"role_arn": HOSTILE}]}):
        source.write_text(json.dumps({**given, **wrong}))
        assert_sanitized(home, home.call("ansible-inventory", "-i", source, "--list"))


def test_hostile_text_of_aws_in_modules_is_sanitized(home):
    fill(home.emulator)
    play = home.folder / "play.yml"
    where = {"region": "us-east-1"}
    action = {**where, "id": "Theirs", "name": "Ours", "description": "Ours"}
    tasks = [
        {"secops.securityhub.securityhub_hub_info": where, "ignore_errors": True},
        {"secops.securityhub.securityhub_action_target": action},
        {"secops.securityhub.securityhub_action_target": {**action, "name": HOSTILE}, "ignore_errors": True},
    ]
    play.write_text(unsafe(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])))
    home.emulator.faults({"denied": 1, "reason": HOSTILE, "operations": ["DescribeHub"]})
    found = home.run(play, "--diff")
    assert "Ours" in found.output
    assert_sanitized(home, found)
