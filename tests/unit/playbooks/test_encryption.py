# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted topics: turned on, changed, turned off and removed; unusable keys are rejected before any write."""

from __future__ import annotations

import re

import pytest
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]
TOPIC = f"arn:aws:sns:eu-west-1:{findings.ADMINISTRATOR}:securityhub-slack"
ALIAS = "alias/securityhub-slack"


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings, for one region."""
    findings.set_up(emulator)
    found = findings.Playbooks(tmp_path, emulator.url)
    found.inventory({"eu-west-1": {}})
    return found


def key_of_topic(emulator):
    return emulator.client("sns", "eu-west-1").get_topic_attributes(TopicArn=TOPIC)["Attributes"].get("KmsMasterKeyId")


def states(emulator):
    """Return the states of all keys of the region, sorted."""
    kms = emulator.client("kms", "eu-west-1")
    return sorted(kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"])


def aliases(emulator):
    return [alias["AliasName"] for alias in emulator.client("kms", "eu-west-1").list_aliases()["Aliases"]]


def test_a_created_key_lives_as_long_as_the_stack_and_findings_arrive(emulator, playbooks):
    preview = playbooks.ok("securityhub_slack", "", "--check", "--diff", kms_key="create")
    assert f"{ALIAS} (of the stack)" in preview.output
    assert emulator.writes() == []
    playbooks.ok("securityhub_slack", kms_key="create")
    assert (key_of_topic(emulator), states(emulator)) == (ALIAS, ["Enabled"])
    kms = emulator.client("kms", "eu-west-1")
    key = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", kms_key="create")
    assert emulator.writes() == []
    findings.bring(emulator, FINDING)
    assert findings.delivered(emulator) == [FINDING["Id"]]

    playbooks.ok("securityhub_slack", kms_key="create", state="absent")
    assert (states(emulator), aliases(emulator)) == (["PendingDeletion"], [])
    playbooks.ok("securityhub_slack", kms_key="create")
    assert (states(emulator), aliases(emulator)) == (["Enabled", "PendingDeletion"], [ALIAS])
    findings.bring(emulator, {**FINDING, "UpdatedAt": "2097-01-01T00:00:00.000Z"})
    assert findings.delivered(emulator) == [FINDING["Id"]] * 2


def test_the_key_changes_from_none_to_created_to_given_to_none(emulator, playbooks):
    given = deployed.make_key(emulator, "eu-west-1", "events.amazonaws.com", alias="alias/security")
    template = emulator.client("cloudformation", "eu-west-1").get_template
    playbooks.ok("securityhub_slack")
    plain = template(StackName="securityhub-slack")["TemplateBody"]
    for number, (key, key_of_live_topic) in enumerate(
        [("create", ALIAS), ("alias/security", "alias/security"), (given, given), ("", None)], start=1
    ):
        playbooks.ok("securityhub_slack", kms_key=key)
        assert key_of_topic(emulator) == key_of_live_topic
        findings.bring(emulator, {**FINDING, "UpdatedAt": f"209{number}-01-01T00:00:00.000Z"})
        assert len(findings.delivered(emulator)) == number
    assert template(StackName="securityhub-slack")["TemplateBody"] == plain
    assert states(emulator) == ["Enabled", "PendingDeletion"]


def key_of_aws_by_id(emulator, region):
    return emulator.client("kms", region).describe_key(KeyId="alias/aws/sns")["KeyMetadata"]["KeyId"]


def disabled(emulator, region):
    key = deployed.make_key(emulator, region, "events.amazonaws.com")
    emulator.client("kms", region).disable_key(KeyId=key)
    return key


def not_symmetric(emulator, region):
    return deployed.make_key(emulator, region, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")


# Region -> what makes its key, and why EventBridge cannot use it.
UNUSABLE = {
    "ap-southeast-1": (
        lambda _emulator, _region: "alias/aws/sns",
        "securityhub_slack_kms_key is 'alias/aws/sns', an AWS managed key that EventBridge cannot use",
    ),
    "ca-central-1": (key_of_aws_by_id, "is an AWS managed key that EventBridge cannot use"),
    "eu-central-1": (lambda _emulator, _region: "alias/security", "the KMS key alias/security does not exist"),
    "eu-west-1": (disabled, "is Disabled"),
    "eu-west-2": (not_symmetric, "has the key spec HMAC_256, but SNS needs a symmetric key"),
    "us-east-1": (
        deployed.make_key,
        "has a policy that does not allow EventBridge kms:Decrypt and kms:GenerateDataKey",
    ),
}


def test_a_key_that_eventbridge_cannot_use_is_rejected_before_any_write(emulator, playbooks):
    playbooks.inventory({region: {"kms_key": make(emulator, region)} for region, (make, _reason) in UNUSABLE.items()})
    emulator.forget_requests()
    for arguments in (["--check"], []):
        outcome = playbooks.run("securityhub_slack", "", *arguments)
        assert outcome.code == 2
        failed = re.sub(r"\n {4}", " ", outcome.output.partition("\nFailed:\n")[2])
        for region, (_make, reason) in UNUSABLE.items():
            assert re.search(rf"^ *{region}: .*{re.escape(reason)}", failed, re.MULTILINE), (region, failed)
        assert "Traceback" not in outcome.output
    assert emulator.writes() == []


def test_a_key_whose_policy_cannot_be_read_is_used_with_a_notice(emulator, playbooks):
    deployed.make_key(emulator, "eu-west-1", "events.amazonaws.com", alias="alias/security")
    emulator.faults({"services": ["kms"], "denied": 1.0})
    try:
        outcome = playbooks.ok("securityhub_slack", kms_key="alias/security")
    finally:
        emulator.faults()
    output = " ".join(outcome.output.split())
    assert "whether EventBridge may use the key alias/security in eu-west-1 is unknown" in output
    assert key_of_topic(emulator) == "alias/security"


def test_drift_repair_reports_a_given_key_that_was_disabled(emulator, playbooks):
    key = deployed.make_key(emulator, "eu-west-1", "events.amazonaws.com", alias="alias/security")
    playbooks.ok("securityhub_slack", kms_key="alias/security")
    emulator.client("kms", "eu-west-1").disable_key(KeyId=key)
    playbooks.ok("securityhub_slack", kms_key="alias/security")
    outcome = playbooks.run("securityhub_slack", kms_key="alias/security", repair_drift=True)
    assert outcome.code == 2
    assert "the KMS key alias/security is Disabled" in " ".join(outcome.output.split())


def test_a_foreign_alias_is_left_alone(emulator, playbooks):
    deployed.make_key(emulator, "eu-west-1", alias=ALIAS)
    outcome = playbooks.run("securityhub_slack", kms_key="create")
    assert outcome.code == 2
    assert f"the key {ALIAS} already exists and is not managed by" in " ".join(outcome.output.split())
    assert aliases(emulator) == [ALIAS]
