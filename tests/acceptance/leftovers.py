# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All resources of the account whose names begin with the prefix: find them, prove whose they are, delete our own."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.plugins.module_utils._resource.ownership import is_marked
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import tags_of
from ansible_collections.secops.securityhub.tests.acceptance.account import GLOBAL
from ansible_collections.secops.securityhub.tests.acceptance.account import METRICS_REGION
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.account import code_of
from ansible_collections.secops.securityhub.tests.acceptance.account import tolerating
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.settings import TAG
from botocore.exceptions import ClientError

# Only the canary of this collection names queues like this; they have no tags.
CANARY_QUEUE = re.compile(r"-canary-[0-9a-f]{8}-[0-9a-f]{6}-[0-9a-f]+-[0-9a-f]{4}")
STACK_SECONDS = 900
GONE = ("NotFound", "NoSuchEntity", "NonExistent", "InvalidAccess")


@dataclass(frozen=True)
class Resource:
    """A resource of the prefix. *identifier*: what its API takes. *ours*: whether this command created it."""

    kind: str
    region: str
    name: str
    identifier: Any
    ours: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.region})"


def find(account: Account) -> list[Resource]:
    """Return all resources of the prefix in the regions of the run, and the global ones."""
    found: list[Resource] = []
    for region in account.settings.all_regions:
        stacks = list(_stacks(account, region))
        found += stacks
        members = {name for stack in stacks if stack.ours for name in _members(account, stack)}
        for list_resources in (_topics, _rules, _queues):
            found += list_resources(account, region, members)
        found += _hub_resources(account, region)
    for list_global in (_channels, _buttons, _roles, _policies, _log_groups):
        found += list_global(account)
    return found


def remove(account: Account, resources: list[Resource]) -> list[str]:
    """Delete those that are ours, and return the reasons why some could not be deleted."""
    kinds = list(DELETE)
    ours = sorted((item for item in resources if item.ours), key=lambda item: kinds.index(item.kind))
    return [reason for resource in ours if (reason := _deleted(account, resource))]


def _deleted(account: Account, resource: Resource) -> str:
    """Delete a resource, and return the reason if that fails."""
    try:
        with tolerating(*GONE):
            DELETE[resource.kind](account, resource)
    except ClientError as error:
        return f"{resource}: {error}"
    return ""


def is_ours(account: Account, tags: dict[str, str]) -> bool:
    """Tell whether tags prove that this command, or an integration target that it ran, created a resource."""
    settings = account.settings
    return tags.get(TAG) == settings.prefix or tags.get("Test") == settings.tiny_prefix


def _begins(account: Account, name: str) -> bool:
    return name.lower().startswith(account.settings.prefix)


def _stacks(account: Account, region: str) -> Iterator[Resource]:
    client = account.client("cloudformation", region)
    for stack in account.pages(client, "describe_stacks", "Stacks"):
        if _begins(account, stack["StackName"]):
            ours = is_ours(account, tags_of(stack))
            yield Resource("stack", region, stack["StackName"], stack["StackName"], ours)


def _members(account: Account, stack: Resource) -> list[str]:
    client = account.client("cloudformation", stack.region)
    pages = account.pages(client, "list_stack_resources", "StackResourceSummaries", StackName=stack.identifier)
    return [resource.get("PhysicalResourceId", "") for resource in pages]


def _topics(account: Account, region: str, members: set[str]) -> Iterator[Resource]:
    client = account.client("sns", region)
    for topic in account.pages(client, "list_topics", "Topics"):
        arn = topic["TopicArn"]
        if _begins(account, arn.rpartition(":")[2]):
            ours = arn in members or is_ours(account, tags_of(client.list_tags_for_resource(ResourceArn=arn)))
            yield Resource("topic", region, arn.rpartition(":")[2], arn, ours)


def _rules(account: Account, region: str, members: set[str]) -> Iterator[Resource]:
    client = account.client("events", region)
    for rule in account.pages(client, "list_rules", "Rules", NamePrefix=account.settings.prefix):
        tags = tags_of(client.list_tags_for_resource(ResourceARN=rule["Arn"]))
        ours = is_ours(account, tags) or rule["Name"] in members or rule["Arn"] in members
        yield Resource("rule", region, rule["Name"], rule["Name"], ours)


def _queues(account: Account, region: str, members: set[str]) -> Iterator[Resource]:
    client = account.client("sqs", region)
    for url in account.pages(client, "list_queues", "QueueUrls", QueueNamePrefix=account.settings.prefix):
        name = url.rpartition("/")[2]
        of_canary = CANARY_QUEUE.fullmatch(name.removeprefix(account.settings.prefix))
        tags = client.list_queue_tags(QueueUrl=url).get("Tags") or {}
        ours = bool(of_canary) or url in members or is_ours(account, tags)
        yield Resource("queue", region, name, url, ours)


def _hub_resources(account: Account, region: str) -> Iterator[Resource]:
    """Yield custom actions, active test findings, and a hub that an integration target has enabled."""
    tags = account.hub_tags(region)
    if tags is None:
        return
    client = account.client("securityhub", region)
    if is_ours(account, tags):
        yield Resource("hub", region, "Security Hub CSPM", "", True)
    for action in account.pages(client, "describe_action_targets", "ActionTargets"):
        name = action["ActionTargetArn"].rpartition("/")[2]
        if _begins(account, name):
            words = action.get("Description", "")
            ours = is_marked(words, account.settings.prefix) or account.settings.tiny_prefix in words
            yield Resource("custom action", region, name, action["ActionTargetArn"], ours)
    generators = (account.settings.prefix, findings.GENERATOR)
    filters = {
        "GeneratorId": [{"Value": value, "Comparison": "EQUALS"} for value in generators],
        "AwsAccountId": [{"Value": account.settings.account_id, "Comparison": "EQUALS"}],
        "Region": [{"Value": region, "Comparison": "EQUALS"}],
        "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
    }
    for finding in account.pages(client, "get_findings", "Findings", Filters=filters):
        yield Resource("active test finding", region, finding["Id"], finding, True)


def _channels(account: Account) -> Iterator[Resource]:
    client = account.chatbot()
    teams = account.pages(client, "list_microsoft_teams_channel_configurations", "TeamChannelConfigurations")
    for kind, found in (("channel configuration", account.configurations()), ("Teams configuration", teams)):
        for item in found:
            if _begins(account, item["ConfigurationName"]):
                arn = item["ChatConfigurationArn"]
                ours = is_ours(account, tags_of(client.list_tags_for_resource(ResourceARN=arn)))
                yield Resource(kind, GLOBAL, item["ConfigurationName"], arn, ours)


def _buttons(account: Account) -> Iterator[Resource]:
    client = account.chatbot()
    for arn in account.pages(client, "list_custom_actions", "CustomActions"):
        name = arn.rpartition("/")[2]
        if _begins(account, name):
            ours = is_ours(account, tags_of(client.list_tags_for_resource(ResourceARN=arn)))
            yield Resource("button", GLOBAL, name, arn, ours)


def _roles(account: Account) -> Iterator[Resource]:
    client = account.client("iam", GLOBAL)
    for role in account.pages(client, "list_roles", "Roles"):
        if _begins(account, role["RoleName"]):
            ours = is_ours(account, tags_of(client.list_role_tags(RoleName=role["RoleName"])))
            yield Resource("role", GLOBAL, role["RoleName"], role["RoleName"], ours)


def _policies(account: Account) -> Iterator[Resource]:
    client = account.client("iam", GLOBAL)
    for policy in account.pages(client, "list_policies", "Policies", Scope="Local"):
        if _begins(account, policy["PolicyName"]):
            ours = is_ours(account, tags_of(client.list_policy_tags(PolicyArn=policy["Arn"])))
            yield Resource("policy", GLOBAL, policy["PolicyName"], policy["Arn"], ours)


def _log_groups(account: Account) -> Iterator[Resource]:
    """Yield the log groups that Amazon Q creates for channel configurations."""
    client = account.client("logs", METRICS_REGION)
    prefix = f"/aws/chatbot/{account.settings.prefix}"
    for group in account.pages(client, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
        yield Resource("log group", METRICS_REGION, group["logGroupName"], group["logGroupName"], True)


def _delete_stack(account: Account, resource: Resource) -> None:
    client = account.client("cloudformation", resource.region)
    client.delete_stack(StackName=resource.identifier)

    def is_gone() -> bool:
        try:
            status = client.describe_stacks(StackName=resource.identifier)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            return code_of(error) == "ValidationError"
        return bool(status == "DELETE_COMPLETE")

    wait_for(is_gone, STACK_SECONDS, 2)


def _delete_rule(account: Account, resource: Resource) -> None:
    client = account.client("events", resource.region)
    targets = client.list_targets_by_rule(Rule=resource.identifier)["Targets"]
    if targets:
        client.remove_targets(Rule=resource.identifier, Ids=[target["Id"] for target in targets])
    client.delete_rule(Name=resource.identifier)


def _delete_role(account: Account, resource: Resource) -> None:
    client, name = account.client("iam", GLOBAL), resource.identifier
    for policy in list(account.pages(client, "list_attached_role_policies", "AttachedPolicies", RoleName=name)):
        client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in list(account.pages(client, "list_role_policies", "PolicyNames", RoleName=name)):
        client.delete_role_policy(RoleName=name, PolicyName=policy_name)
    client.delete_role(RoleName=name)


def _archive(account: Account, resource: Resource) -> None:
    archived = findings.archived(resource.identifier, datetime.datetime.now(datetime.timezone.utc))
    account.client("securityhub", resource.region).batch_import_findings(Findings=[archived])


def _chatbot(operation: str, parameter: str) -> Callable[[Account, Resource], Any]:
    return lambda account, item: getattr(account.chatbot(), operation)(**{parameter: item.identifier})


def _regional(service: str, operation: str, parameter: str) -> Callable[[Account, Resource], Any]:
    return lambda account, item: getattr(account.client(service, item.region), operation)(
        **({parameter: item.identifier} if parameter else {})
    )


# In the order of removal: what delivers first, what others depend on last.
DELETE: dict[str, Callable[[Account, Resource], Any]] = {
    "active test finding": _archive,
    "button": _chatbot("delete_custom_action", "CustomActionArn"),
    "channel configuration": _chatbot("delete_slack_channel_configuration", "ChatConfigurationArn"),
    "Teams configuration": _chatbot("delete_microsoft_teams_channel_configuration", "ChatConfigurationArn"),
    "stack": _delete_stack,
    "rule": _delete_rule,
    "topic": _regional("sns", "delete_topic", "TopicArn"),
    "queue": _regional("sqs", "delete_queue", "QueueUrl"),
    "custom action": _regional("securityhub", "delete_action_target", "ActionTargetArn"),
    "role": _delete_role,
    "policy": _regional("iam", "delete_policy", "PolicyArn"),
    "log group": _regional("logs", "delete_log_group", "logGroupName"),
    "hub": _regional("securityhub", "disable_security_hub", ""),
}
