# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account has of all that the collection makes, read back from the local AWS with boto3.

python tests/aws_state.py ACCOUNT REGION... prints it as JSON; AWS_ENDPOINT_URL says where AWS is.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import boto3

# Unset where this is imported: then the caller says where AWS is.
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")


def client(service: str, region: str, account: str, endpoint: str = ENDPOINT) -> Any:
    """Return a boto3 client of an account in a region: on the emulator, a 12-digit access key is the account's id."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=account,
        aws_secret_access_key="local",
    )


def of_account(account: str, regions: list[str], endpoint: str = ENDPOINT) -> dict[str, Any]:
    """Return {"regions": {name: of_region()}, "configurations", "roles", "policies"}."""
    chatbot, iam = (client(service, "us-east-2", account, endpoint) for service in ("chatbot", "iam"))
    return {
        "regions": {region: of_region(account, region, endpoint) for region in regions},
        "configurations": [
            {**found, "SnsTopicArns": sorted(found["SnsTopicArns"])}
            for found in chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
        ],
        "roles": {role["RoleName"]: role["AssumeRolePolicyDocument"] for role in _roles(iam)},
        "policies": {
            policy["PolicyName"]: iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])[
                "PolicyVersion"
            ]["Document"]
            for policy in iam.list_policies(Scope="Local")["Policies"]
        },
    }


def _roles(iam: Any) -> list[dict[str, Any]]:
    """Return the account's roles without service-linked roles, which outlive the resources that need them."""
    return [role for role in iam.list_roles()["Roles"] if not role["Path"].startswith("/aws-service-role/")]


def of_region(account: str, region: str, endpoint: str = ENDPOINT) -> dict[str, Any]:
    """Return the region's stacks (status by name), custom actions (name by id), topics and rules."""
    cloudformation, sns, events = (
        client(service, region, account, endpoint) for service in ("cloudformation", "sns", "events")
    )
    return {
        "stacks": {stack["StackName"]: stack["StackStatus"] for stack in cloudformation.describe_stacks()["Stacks"]},
        "actions": _actions(account, region, endpoint),
        "topics": {topic["TopicArn"]: _topic(sns, topic["TopicArn"]) for topic in sns.list_topics()["Topics"]},
        "rules": {rule["Name"]: _rule(events, rule) for rule in events.list_rules()["Rules"]},
    }


def _actions(account: str, region: str, endpoint: str) -> dict[str, str]:
    security_hub = client("securityhub", region, account, endpoint)
    try:
        found = security_hub.describe_action_targets()["ActionTargets"]
    except security_hub.exceptions.InvalidAccessException:
        return {}
    return {target["ActionTargetArn"].rsplit("/", 1)[-1]: target["Name"] for target in found}


def _topic(sns: Any, arn: str) -> dict[str, Any]:
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    return {
        "policy": json.loads(attributes["Policy"]),
        "endpoints": [subscription["Endpoint"] for subscription in subscriptions],
    }


def _rule(events: Any, rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": rule["State"],
        "arn": rule["Arn"],
        "pattern": json.loads(rule["EventPattern"]),
        "targets": [target["Arn"] for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]],
    }


def main() -> None:
    """Print an account's state."""
    print(json.dumps(of_account(sys.argv[1], sys.argv[2:])))


if __name__ == "__main__":
    main()
