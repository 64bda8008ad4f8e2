# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest that AWS sends on a schedule says what the playbook's digest says about the same findings."""

from __future__ import annotations

import copy
import json
import re
import time

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

DIGEST = "securityhub_slack_digest"
ACCOUNT, HOME = findings.ADMINISTRATOR, "eu-west-1"
NAME = "securityhub-slack-digest"
SCHEDULE = {"digest_schedule": "cron(0 8 ? * MON *)", "digest_time_zone": "Europe/Berlin"}
OVERDUE = {"overdue_days": {"CRITICAL": 7, "HIGH": 1}}
HOSTILE = 'x`<!channel> *bold* <https://evil.example|click>\n"{{ x }}" \u202e\u3042 ${AWS::Region}'


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings, whose regions are linked to a home region."""
    findings.set_up(emulator, aggregator={"home": HOME, "RegionLinkingMode": "ALL_REGIONS"})
    return findings.Playbooks(tmp_path, emulator.url)


def aws_state(emulator, region=HOME):
    """Return what is in the account of a stack with a digest."""
    machines = emulator.client("stepfunctions", region).list_state_machines()["stateMachines"]
    roles = {role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]}
    return (
        emulator.client("scheduler", region).list_schedules()["Schedules"],
        [machine["name"] for machine in machines],
        roles - {"AWSServiceRoleForAWSChatbot"},
        emulator.client("sns", region).list_topics()["Topics"],
    )


def sent(emulator, region=HOME, at=""):
    """Let the schedule send, and return how the execution ended, as DescribeExecution does."""
    return findings.start_schedule(emulator, region, NAME, at)


def arrived(emulator):
    """Return the messages in the inbox without what no message of the two digests has in common, and empty it."""
    messages = emulator.inbox()
    emulator.ask("DELETE", "inbox")
    compared = ("title", "text", "detail_type", "channel", "topic", "thread")
    found = ({name: message[name] for name in compared} for message in messages)
    return sorted(found, key=lambda message: message["channel"])


def without_resources(message):
    lines = [line for line in message["text"].splitlines() if not line.startswith("Resources: ")]
    return {**message, "text": "\n".join(lines)}


def both(emulator, playbooks):
    """Let both digests be sent, which say the same: return the execution, both messages and the playbook's result."""
    done = sent(emulator)
    assert done["status"] == "SUCCEEDED", done
    (scheduled,) = arrived(emulator)
    (digest,) = playbooks.ok(DIGEST, DIGEST).result["digests"]
    (by_playbook,) = arrived(emulator)
    assert scheduled == without_resources(by_playbook)
    return done, scheduled, by_playbook, digest


def big(number):
    """Return a finding of 60 KB, of which four do not fit into the result of a task."""
    finding = copy.deepcopy(findings.FINDINGS["ec2-19-critical-eu-west-1"])
    return {**finding, "Id": f"big{number}", "ProductFields": {f"k{key}": "x" * 2000 for key in range(30)}}


def many():
    """Return findings of several ages, accounts and controls: more than a page, with names of anyone's choice."""
    made = []
    now = time.time()
    for number in range(60):
        name = "ec2-19-critical-eu-west-1" if number % 3 else "guardduty-backdoor-high-eu-west-1"
        finding = copy.deepcopy(findings.FINDINGS[name])
        created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now - 86_400 * (number // 2) - 7200))
        finding |= {
            "Id": f"{finding['Id']}{number}",
            "CreatedAt": created + (".123Z", "+02:00", "Z")[number % 3],
            "AwsAccountId": ("222222222222", "333333333333", ACCOUNT)[number // 3 % 3],
        }
        if number % 4:
            finding["AwsAccountName"] = ("", HOSTILE[:50], HOSTILE[:50], "shop " + "x" * 45)[number % 4]
        if number % 7 == 0:
            finding["Compliance"] = {"Status": "FAILED", "SecurityControlId": f"S3.{number}"}
        made.append(finding)
    made[-4]["Id"] = "<!channel>|`*~!'() & \u3042/?#"
    return made


def in_region(finding, region):
    return {**finding, "Region": region, "ProductArn": finding["ProductArn"].replace(finding["Region"], region)}


def test_it_says_what_the_playbook_s_digest_says(emulator, playbooks):
    suppression = {"control_ids": ["S3.28"], "reason": "<!channel>"}
    playbooks.inventory(
        {HOME: {}, "us-east-1": {}}, minimum_severity="MEDIUM", suppressions=[suppression], **SCHEDULE, **OVERDUE
    )
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, *findings.FINDINGS.values(), *many())
    emulator.ask("DELETE", "inbox")

    done, scheduled, by_playbook, digest = both(emulator, playbooks)
    assert "evil.example" in scheduled["text"]
    assert "//evil.example" not in by_playbook["text"]
    overdue = digest["overdue"]
    assert f"Overdue: {overdue['CRITICAL']} CRITICAL (7 days), {overdue['HIGH']} HIGH (1 day)" in scheduled["text"]
    listed = re.findall(r"^CRITICAL `\S+`, (\d+) days, account \d{12}: https://\S+", scheduled["text"], re.MULTILINE)
    assert len(listed) == 10
    assert listed == sorted(listed, key=int, reverse=True)
    assert "including the regions linked to eu-west-1" in scheduled["text"]
    assert json.loads(done["output"]) == [{"topic": scheduled["topic"], "severities": digest["severities"]}]


def test_that_of_the_new_security_hub_does_so_too(emulator, playbooks):
    findings.set_up_new_hub(emulator, aggregator_v2={"home": HOME, "RegionLinkingMode": "ALL_REGIONS"})
    suppression = {"control_ids": ["S3.28"]}
    playbooks.inventory(
        {HOME: {}}, minimum_severity="MEDIUM", finding_format="ocsf", suppressions=[suppression], **SCHEDULE, **OVERDUE
    )
    playbooks.ok("securityhub_slack")
    findings.bring_ocsf(emulator, *map(findings.ocsf, (*findings.FINDINGS.values(), *many())))
    emulator.ask("DELETE", "inbox")

    _done, scheduled, _by_playbook, digest = both(emulator, playbooks)
    assert sum(digest["overdue"].values()) > 10
    assert "/securityhub/v2/home?region=eu-west-1#/findings?search=finding_info.uid" in scheduled["text"]
    assert "1 target: 1 in order." in playbooks.ok("securityhub_slack_doctor").output


def test_each_channel_gets_its_own_however_large_findings_are_and_everything_is_removed(emulator, playbooks):
    channels = [
        {"name": "oncall", "channel_id": "C0NCALL0001", "severities": ["CRITICAL"]},
        {"name": "shop", "channel_id": "CSH0P000001", "account_ids": ["222222222222"], "minimum_severity": "HIGH"},
        {"name": "quiet", "channel_id": "CQU1ET00001", "forward_automatically": False},
    ]
    playbooks.inventory({HOME: {}}, channels=channels, kms_key="create", **SCHEDULE)
    before = aws_state(emulator)
    playbooks.ok("securityhub_slack", "", "--check")
    assert emulator.writes() == []
    playbooks.ok("securityhub_slack")
    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    assert emulator.writes() == []

    findings.bring(emulator, *findings.FINDINGS.values(), *map(big, range(12)))
    emulator.ask("DELETE", "inbox")
    done = sent(emulator)
    assert done["status"] == "SUCCEEDED", done
    scheduled = arrived(emulator)
    playbooks.ok(DIGEST)
    assert scheduled == [without_resources(message) for message in arrived(emulator)]
    assert [message["channel"] for message in scheduled] == ["C0NCALL0001", "CSH0P000001"]

    # The next one compares itself with it.
    findings.bring(emulator, big(12))
    emulator.ask("DELETE", "inbox")
    today = sent(emulator)["startDate"].date()
    for earlier, later in zip(scheduled, arrived(emulator)):
        was = re.match(r"\*(.+)\* open in ", earlier["text"])[1]
        assert f"\nLast digest ({today}): {was} open\n" in later["text"]

    assert "1 target: 1 in order." in playbooks.ok("securityhub_slack_doctor").output
    daily = playbooks.ok("securityhub_slack", "", "--check", "--diff", digest_schedule="rate(1 day)").output
    assert "scheduled digest" in daily
    assert "rate(1 day) Europe/Berlin" in daily
    playbooks.ok("securityhub_slack", state="absent")
    assert aws_state(emulator) == before


def sent_by(emulator, *regions):
    """Let the schedules of regions be due at the same time, and return the messages."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    emulator.ask("DELETE", "inbox")
    for region in regions:
        done = sent(emulator, region, at)
        assert done["status"] == "SUCCEEDED", done
    time.sleep(1.1)  # so that no other digest is due in the same second
    return arrived(emulator)


def through(region, messages):
    """Return the messages as if they came through a region."""
    found = map(without_resources, messages)
    return [{**item, "topic": item["topic"].replace(item["topic"].split(":")[3], region)} for item in found]


def without_line(message, line):
    (found,) = re.findall(f"\n{line}", message["text"])
    return {**message, "text": message["text"].replace(found, "")}


def test_regions_that_are_not_linked_send_one_message_together(emulator, playbooks):
    first, second, third = "us-east-1", HOME, "ap-northeast-1"
    emulator.world({ACCOUNT: {"aggregator": None, "hubs": [first, second, third]}})
    channels = [
        {"name": "all", "channel_id": "C0ALL000001", "minimum_severity": "LOW"},
        {"name": "oncall", "channel_id": "C0NCALL0001", "severities": ["CRITICAL"]},
    ]
    playbooks.inventory({second: {}, first: {}, third: {}}, channels=channels, **SCHEDULE, **OVERDUE)
    before = [aws_state(emulator, region) for region in (first, second)]
    said = playbooks.ok("securityhub_slack").output
    assert "each send a scheduled digest" not in " ".join(said.split())
    said = " ".join(playbooks.ok("securityhub_slack_simulate").output.split())
    assert f"AWS sends a digest of {first} and the numbers of {third}, {second} to 2 channels at cron" in said
    # Whichever regions are part of a run, the same one sends the message.
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", "", "--limit", second)
    assert emulator.writes() == []

    assert [message["text"] for message in sent_by(emulator, third, second, first)] == [
        f"*No finding* open in {third}, {second}, {first}"
    ] * 2
    apart = [in_region(item, region) for item, region in zip(many(), (first, second, second) * 8)]
    others = [item for item in findings.FINDINGS.values() if item["Region"] in (first, second, third)]
    findings.bring(emulator, *others, *apart)
    # Whatever comes twice counts once.
    scheduled = [
        without_line(item, r"Last digest \(.*\): none open") for item in sent_by(emulator, third, second, second, first)
    ]
    playbooks.ok(DIGEST)
    assert scheduled == through(first, arrived(emulator))
    assert "3 targets: 3 in order." in playbooks.ok("securityhub_slack_doctor").output

    # The numbers of one region are lost: the other regions are counted, and the earlier numbers of that one are not.
    emulator.client("events", third).disable_rule(Name="securityhub-slack-digest")
    scheduled = sent_by(emulator, third, second, first)
    playbooks.ok(DIGEST, "", "--limit", f"{first},{second}")
    lost = rf"\*Not counted\* \(no answer\): `{third}`"
    assert [without_line(item, lost) for item in scheduled] == through(first, arrived(emulator))
    emulator.client("events", third).enable_rule(Name="securityhub-slack-digest")

    # Another region can send it.
    moved = {"global_findings_region": second}
    playbooks.ok("securityhub_slack", **moved)
    scheduled = sent_by(emulator, third, first, second)
    playbooks.ok(DIGEST, **moved)
    assert scheduled == through(second, arrived(emulator))

    # Once the regions are linked, nothing is left of it.
    emulator.world({ACCOUNT: {"aggregator": {"home": HOME, "RegionLinkingMode": "ALL_REGIONS"}}})
    playbooks.ok("securityhub_slack")
    for region in (first, second, third):
        rules = emulator.client("events", region).list_rules()["Rules"]
        assert "securityhub-slack-digest" not in [rule["Name"] for rule in rules]
    machines = emulator.client("stepfunctions", first).list_state_machines()["stateMachines"]
    assert machines == []
    playbooks.ok("securityhub_slack", state="absent")
    assert [aws_state(emulator, region) for region in (first, second)] == before


def test_a_boundary_of_before_does_not_keep_a_digest_from_coming(emulator, playbooks):
    emulator.world({ACCOUNT: {"aggregator": None}})
    rate = {**SCHEDULE, "digest_schedule": "rate(7 days)"}
    playbooks.inventory({HOME: {}, "us-east-1": {}}, minimum_severity="HIGH", digest_days=1, **rate)
    said = " ".join(playbooks.ok("securityhub_slack").output.split())
    assert "eu-west-1, us-east-1 each send a scheduled digest" in said
    # It denies reading what the last one said.
    iam, policy = emulator.client("iam"), {"RoleName": f"securityhub-slack-Digest-{HOME}", "PolicyName": "SendDigest"}
    document = iam.get_role_policy(**policy)["PolicyDocument"]
    document["Statement"] = [item for item in document["Statement"] if item["Action"] != "states:ListExecutions"]
    iam.put_role_policy(**policy, PolicyDocument=json.dumps(document))
    began = time.monotonic()
    assert sent(emulator)["status"] == "SUCCEEDED"
    assert time.monotonic() - began < 20
    (without,) = arrived(emulator)
    assert without["text"] == "*No finding* open in eu-west-1"
