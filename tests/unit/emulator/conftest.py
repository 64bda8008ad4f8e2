# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator in its initial state for each test, and helpers to deploy resources on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

ACCOUNT = "111111111111"
REGION = "us-east-1"
TEAM = "T0123ABCD"
CHANNEL = "C0123ABCD"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:findings"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/channel"
# A template whose only resource has a required and an optional parameter.
BODY = {
    "Parameters": {"Name": {"Type": "String"}, "Label": {"Type": "String", "Default": "none"}},
    "Resources": {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Ref": "Name"}, "DisplayName": {"Ref": "Label"}},
        }
    },
}


class Aws:
    """The emulator, with helpers that most tests need."""

    def __init__(self, emulator: Any) -> None:
        self.emulator = emulator
        self.client = emulator.client

    def finding(self, name: str = "1", region: str = REGION, account: str = ACCOUNT, **more: Any) -> dict:
        """Return the finding of a failed control; **more replaces its members."""
        return {
            "SchemaVersion": "2018-10-08",
            "Id": f"arn:aws:securityhub:{region}:{account}:finding/{name}",
            "ProductArn": f"arn:aws:securityhub:{region}::product/aws/securityhub",
            "GeneratorId": "security-control/EC2.8",
            "AwsAccountId": account,
            "CreatedAt": "2026-01-01T00:00:00.000Z",
            "UpdatedAt": "2026-01-01T00:00:00.000Z",
            "Severity": {"Label": "CRITICAL"},
            "Title": "EC2.8 Instances should use IMDSv2",
            "Description": "A check.",
            "Resources": [{"Type": "AwsEc2Instance", "Id": "i-1"}],
            "Types": ["Software and Configuration Checks"],
            "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.8"},
            **more,
        }

    def import_findings(self, *findings: dict, region: str = REGION, account: str = ACCOUNT) -> dict:
        return self.client("securityhub", region, account).batch_import_findings(Findings=list(findings))

    def role(self, service: str = "chatbot.amazonaws.com", name: str = "channel") -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def topic(self, region: str = REGION, condition: dict | None = None, **attributes: str) -> str:
        """Create a topic that rules may publish to under a condition, and return its ARN."""
        arn = f"arn:aws:sns:{region}:{ACCOUNT}:findings"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": condition or {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{ACCOUNT}:rule/*"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("sns", region).create_topic(Name="findings", Attributes={"Policy": policy, **attributes})
        return arn

    def rule(self, pattern: dict | None = None, region: str = REGION, **target: Any) -> str:
        """Create a rule that sends Security Hub's events to the topic; **target replaces members of the target."""
        events = self.client("events", region)
        chosen = json.dumps(pattern or {"source": ["aws.securityhub"]})
        arn = events.put_rule(Name="findings", EventPattern=chosen)["RuleArn"]
        default = {"Id": "topic", "Arn": f"arn:aws:sns:{region}:{ACCOUNT}:findings"}
        events.put_targets(Rule="findings", Targets=[{**default, **target}])
        return arn

    def channel(self, *topics: str, name: str = "security", channel: str = CHANNEL, **more: Any) -> dict:
        chatbot = self.client("chatbot", "us-east-2")
        return chatbot.create_slack_channel_configuration(
            **{
                "SlackTeamId": TEAM,
                "SlackChannelId": channel,
                "ConfigurationName": name,
                "IamRoleArn": ROLE,
                "SnsTopicArns": list(topics or (TOPIC,)),
                **more,
            }
        )["ChannelConfiguration"]

    def deployment(self) -> None:
        """Create topic, rule, role and channel in one region."""
        self.role()
        self.topic()
        self.rule()
        self.channel()

    def titles(self) -> list[str]:
        return [message["title"] for message in self.emulator.inbox()]

    def metric(self, namespace: str, name: str, dimension: str, value: str, region: str = REGION) -> int:
        """Return the sum of a metric so far."""
        stat = {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": dimension, "Value": value}],
            },
            "Period": 60,
            "Stat": "Sum",
        }
        found = self.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": stat}],
            StartTime="2026-01-01T00:00:00Z",
            EndTime="2036-01-01T00:00:00Z",
        )
        return int(sum(found["MetricDataResults"][0]["Values"]))


@pytest.fixture
def aws(emulator: Any) -> Aws:
    """Return the emulator with an account that has Security Hub in all regions and one authorized workspace."""
    emulator.world({ACCOUNT: {"hubs": "all", "workspaces": [{"SlackTeamId": TEAM, "SlackTeamName": "acme"}]}})
    return Aws(emulator)


def error_code(excinfo: Any) -> str:
    """Return the code of a botocore ClientError that was raised."""
    return excinfo.value.response["Error"]["Code"]
