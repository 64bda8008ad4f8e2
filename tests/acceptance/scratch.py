# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources that a trial creates and deletes, with the tag of the run, so that a cleanup finds what an abort leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import boto3_tags
from ansible_collections.secops.securityhub.tests.acceptance import leftovers
from ansible_collections.secops.securityhub.tests.acceptance.account import GLOBAL
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.account import tolerating
from ansible_collections.secops.securityhub.tests.acceptance.leftovers import Resource


class Scratch(ExitStack):
    """Creates resources in one region, and deletes them at the end of the with block."""

    def __init__(self, account: Account, region: str) -> None:
        super().__init__()
        self.account = account
        self.region = region
        self.settings = account.settings
        self.tags = boto3_tags(account.settings.tags)

    def arn(self, service: str, name: str) -> str:
        """Return the ARN of a resource of the run in the region."""
        return f"arn:aws:{service}:{self.region}:{self.settings.account_id}:{name}"

    def _delete_later(self, kind: str, identifier: str, region: str = "") -> None:
        resource = Resource(kind, region or self.region, identifier, identifier, True)

        def delete() -> None:
            with tolerating(*leftovers.GONE):
                leftovers.DELETE[kind](self.account, resource)

        self.callback(delete)

    def topic(self, purpose: str, condition: dict[str, Any] | None = None, **attributes: str) -> str:
        """Create a topic that EventBridge may publish to, under a condition if one is given, and return its ARN."""
        name = self.settings.name(purpose)
        arn = self.arn("sns", name)
        events = {"Service": "events.amazonaws.com"}
        of_events = statement("sns:Publish", arn, events, condition)
        policy = document(of_events, statement("sns:Publish", arn, self.account.principal))
        client = self.account.client("sns", self.region)
        self._delete_later("topic", arn)
        client.create_topic(Name=name, Attributes={"Policy": policy, **attributes}, Tags=self.tags)
        return arn

    def queue(self, purpose: str, *services: str) -> Queue:
        """Create a queue that AWS services may send to."""
        name = f"{self.settings.name(purpose)}-{int(time.time()):x}"  # SQS refuses a name for a minute after a deletion
        arn = self.arn("sqs", name)
        allowed = [statement("sqs:SendMessage", arn, {"Service": service}) for service in services]
        client = self.account.client("sqs", self.region)
        attributes = {"Policy": document(*allowed)}
        url = client.create_queue(QueueName=name, Attributes=attributes, tags=self.settings.tags)["QueueUrl"]
        self._delete_later("queue", url)
        return Queue(client, url, arn)

    def rule(self, purpose: str, pattern: dict[str, Any], *target_arns: str) -> None:
        """Create a rule with targets."""
        client, name = self.account.client("events", self.region), self.settings.name(purpose)
        self._delete_later("rule", name)
        client.put_rule(Name=name, EventPattern=json.dumps(pattern), Tags=self.tags)
        targets = [{"Id": f"t{number}", "Arn": arn} for number, arn in enumerate(target_arns)]
        if targets:
            client.put_targets(Rule=name, Targets=targets)

    def role(self, purpose: str, principal: dict[str, str], policy: str = "") -> str:
        """Create a role that a principal may assume, with the permissions of a policy, and return its ARN."""
        name = self.settings.name(purpose)
        self._delete_later("role", name, GLOBAL)
        trust = document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
        client = self.account.client("iam", GLOBAL)
        arn = client.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=self.tags)["Role"]["Arn"]
        if policy:
            client.put_role_policy(RoleName=name, PolicyName="acceptance", PolicyDocument=policy)
        return str(arn)

    def stack(self, purpose: str, template: dict[str, Any], **more: Any) -> str:
        """Create a stack, wait for it, and return its name. *more*: members of CreateStack."""
        name = self.settings.name(purpose)
        client = self.account.client("cloudformation", self.region)
        self._delete_later("stack", name)
        client.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Tags=self.tags,
            **more,
        )
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 300})
        return name


class Queue:
    """A queue that a trial reads."""

    def __init__(self, client: Any, url: str, arn: str) -> None:
        self.client = client
        self.url = url
        self.arn = arn

    def receive(self) -> list[dict[str, Any]]:
        """Return the bodies of the messages that have come, and delete them."""
        found = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = found.get("Messages") or []
        for message in messages:
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


@contextmanager
def changed_channel(account: Account, configuration: dict[str, Any], **changes: Any) -> Iterator[None]:
    """Change our own channel configuration for the with block."""
    identity = {name: configuration[name] for name in ("ChatConfigurationArn", "SlackChannelId")}
    account.chatbot().update_slack_channel_configuration(**identity, **changes)
    try:
        yield
    finally:
        before = {name: configuration[name] for name in changes}
        account.chatbot().update_slack_channel_configuration(**identity, **before)


def statement(
    action: str, resource: str, principal: dict[str, str] | None = None, condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a statement that allows an action on a resource. *principal*: only in the policy of a resource."""
    allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
    return allowed | ({"Principal": principal} if principal else {}) | ({"Condition": condition} if condition else {})


def document(*statements: dict[str, Any]) -> str:
    """Return a policy as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
