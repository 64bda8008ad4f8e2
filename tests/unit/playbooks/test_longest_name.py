# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The longest allowed securityhub_slack_name, with every option that creates a resource.

How CloudFormation shortens generated names is not documented. The shipped policies name resources by patterns.
"""

from __future__ import annotations

import fnmatch
import json

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

DEFAULT, LONGEST = "securityhub-slack", "securityhub-findings-of-all-our-accounts"
assert len(LONGEST) == 40
REGIONS = ("us-east-1", "ap-southeast-1")  # the second has one of the longest names
EVERYTHING = {
    "name": LONGEST,
    "configuration_name": LONGEST,
    "tags": {"Team": "security"},
    "kms_key": "create",
    "alarms": True,
    "mark_notified": True,
    "report_resolved": True,
    "message_format": "custom",
    "buttons": True,
    "channels": [
        {"name": "security", "channel_id": "C0ABC1DEF"},
        {"name": "x" * 11, "channel_id": "C0ABC1DE0", "minimum_severity": "MEDIUM"},
    ],
}
FINDING = findings.FINDINGS["ec2-19-critical-us-east-1"]
POLICIES = findings.ROOT / "roles" / "securityhub_slack" / "files" / "iam"


def patterns():
    """Return the resources that the shipped policies name, for a deployment with the longest name."""
    texts = [path.read_text(encoding="utf-8").replace(DEFAULT, LONGEST) for path in sorted(POLICIES.glob("*.json"))]
    resources = [statement["Resource"] for text in texts for statement in json.loads(text)["Statement"]]
    found = {item for listed in resources for item in ([listed] if isinstance(listed, str) else listed)}
    return [item for item in found if item not in ("*", "arn:aws:iam::*:role/*")]


def arns(emulator, region):
    """Return the ARNs of the roles, queues, topics, rules, alarms and state machines of a region."""

    def client(service):
        return emulator.client(service, region)

    queues = [url.rpartition("/")[2] for url in client("sqs").list_queues().get("QueueUrls", [])]
    return [
        *(f"arn:aws:sqs:{region}:{findings.ADMINISTRATOR}:{queue}" for queue in queues),
        *(role["Arn"] for role in client("iam").list_roles()["Roles"] if ":role/aws-service-role/" not in role["Arn"]),
        *(topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]),
        *(rule["Arn"] for rule in client("events").list_rules()["Rules"]),
        *(alarm["AlarmArn"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(item["stateMachineArn"] for item in client("stepfunctions").list_state_machines()["stateMachines"]),
    ]


@pytest.mark.parametrize("names", ["both_cut", "end_cut"])
def test_the_longest_name_works_with_every_option(emulator, tmp_path, names):
    findings.set_up(emulator, hubs=list(REGIONS))
    emulator.ask("POST", "switches", {"cloudformation_names": names})
    playbooks = findings.Playbooks(tmp_path, emulator.url)
    playbooks.inventory({region: {} for region in REGIONS}, **EVERYTHING)
    playbooks.ok("securityhub_slack")
    created = [arn for region in REGIONS for arn in arns(emulator, region)]
    assert len(created) > 30
    strange = [arn for arn in created if not any(fnmatch.fnmatchcase(arn, pattern) for pattern in patterns())]
    assert strange == []

    if names == "both_cut":  # Nothing of this depends on generated names, which are in no rule, topic or channel.
        emulator.forget_requests()
        playbooks.ok("securityhub_slack", repair_drift=True)
        assert emulator.writes() == []
        playbooks.ok("securityhub_slack_doctor")
        playbooks.ok("securityhub_slack_canary", canary_timeout=20)
        findings.bring(emulator, FINDING)
        assert findings.delivered(emulator).count(FINDING["Id"]) == 2

    playbooks.ok("securityhub_slack", state="absent")
    assert [arn for region in REGIONS for arn in arns(emulator, region)] == []
