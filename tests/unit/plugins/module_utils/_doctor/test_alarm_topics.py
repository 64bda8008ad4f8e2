# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor sees why alarms cannot notify a topic of others, which is not repaired."""

from __future__ import annotations

import json

from ansible_collections.secops.securityhub.plugins.module_utils._commands import doctor
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE

THEIRS = f"arn:aws:sns:{HERE}:{deployed.ACCOUNT}:operations"


def attribute(fleet, name, value):
    fleet.client("sns").set_topic_attributes(TopicArn=THEIRS, AttributeName=name, AttributeValue=value)


def gone(fleet):
    fleet.client("sns").delete_topic(TopicArn=THEIRS)


def with_key_of_aws(fleet):
    attribute(fleet, "KmsMasterKeyId", "alias/aws/sns")


def with_key_that_keeps_alarms_out(fleet):
    attribute(fleet, "KmsMasterKeyId", deployed.make_key(fleet.emulator, HERE, "events.amazonaws.com"))


def closed_to_services(fleet):
    own = {"Effect": "Allow", "Principal": {"AWS": deployed.ACCOUNT}, "Action": "sns:Publish", "Resource": THEIRS}
    attribute(fleet, "Policy", json.dumps({"Version": "2012-10-17", "Statement": [own]}))


UNREACHABLE = {
    gone: "is gone",
    with_key_of_aws: (
        "encrypted with the key alias/aws/sns, which is an AWS managed key that CloudWatch alarms cannot use"
    ),
    with_key_that_keeps_alarms_out: "does not allow CloudWatch alarms kms:Decrypt and kms:GenerateDataKey",
    closed_to_services: "does not allow them to publish",
}


def found(fleet):
    """Return what the doctor finds, in words."""
    findings = doctor.run(fleet.context(options={"html": "", "json": "", "hours": 24})).result["findings"]
    return [f"{finding['problem']} {finding['remedy']}" for finding in findings]


def test_each_reason_why_alarms_cannot_notify_another_topic_is_found(emulator, monkeypatch):
    monkeypatch.setattr(deployed, "REGIONS", (HERE,))
    monkeypatch.setattr(deployed, "WORLD", {**deployed.WORLD, "hubs": [HERE]})
    fleet = deployed.deploy(emulator, monkeypatch, run=False, alarms=True, alarm_topic_arn=THEIRS)
    create = fleet.client("sns").create_topic
    create(Name="operations")
    fleet.run()
    assert found(fleet) == []
    for happen, words in UNREACHABLE.items():
        gone(fleet)
        create(Name="operations")
        happen(fleet)
        (said,) = found(fleet)
        assert f"The topic that the alarms notify, {THEIRS}" in said
        assert words in said
        assert "let cloudwatch.amazonaws.com publish" in said
        assert fleet.run(repair_drift=True) == []
