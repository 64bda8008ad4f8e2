# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual changes that break a deployment, and whether a run of the main playbook repairs them.

The tests of the doctor have what it reports for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import ALIAS
from ansible_collections.secops.securityhub.tests.unit.deployed import CONFIGURATION
from ansible_collections.secops.securityhub.tests.unit.deployed import GIVEN_ALIAS
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.deployed import NAME
from ansible_collections.secops.securityhub.tests.unit.deployed import TOPIC
from ansible_collections.secops.securityhub.tests.unit.deployed import Fleet

RULE = f"{NAME}-findings"
PLAIN, DEEP, NOT = "an ordinary run", "a deep run", "no run"


@dataclass(frozen=True)
class Breakage:
    """A change by hand to the fleet; *repaired_by* PLAIN, DEEP or NOT.

    *loses*: whether a finding of the region gets lost then. *variables*: role variables of a fleet that can be broken
    so.
    """

    name: str
    happen: Callable[[Fleet], Any]
    repaired_by: str
    loses: bool = True
    variables: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def hub_off(fleet: Fleet) -> None:
    fleet.client("securityhub").disable_security_hub()


def action_deleted(fleet: Fleet) -> None:
    hub = fleet.client("securityhub")
    hub.delete_action_target(ActionTargetArn=action_arn())


def action_arn() -> str:
    return f"arn:aws:securityhub:{HERE}:{deployed.ACCOUNT}:action/custom/SendToSlack"


def action_replaced(fleet: Fleet) -> None:
    action_deleted(fleet)
    fleet.client("securityhub").create_action_target(Id="SendToSlack", Name="Ticket", Description="Opens a ticket")


def action_renamed(fleet: Fleet) -> None:
    fleet.client("securityhub").update_action_target(ActionTargetArn=action_arn(), Name="Mine")


def automation_rule_of(fleet: Fleet) -> str:
    (rule,) = fleet.client("securityhub").list_automation_rules()["AutomationRulesMetadata"]
    return str(rule["RuleArn"])


def automation_rule_disabled(fleet: Fleet) -> None:
    items = [{"RuleArn": automation_rule_of(fleet), "RuleStatus": "DISABLED"}]
    fleet.client("securityhub").batch_update_automation_rules(UpdateAutomationRulesRequestItems=items)


def automation_rule_deleted(fleet: Fleet) -> None:
    fleet.client("securityhub").batch_delete_automation_rules(AutomationRulesArns=[automation_rule_of(fleet)])


def stack_deleted(fleet: Fleet) -> None:
    fleet.client("cloudformation").delete_stack(StackName=NAME)


def stack_in(status: str) -> Callable[[Fleet], None]:
    def happen(fleet: Fleet) -> None:
        given = {"account": deployed.ACCOUNT, "region": HERE, "stack": NAME, "status": status}
        fleet.emulator.ask("POST", "stack_status", given)

    return happen


def policy_of_variables_changed(fleet: Fleet) -> None:
    fleet.variables["minimum_severity"] = "HIGH"


def rule_disabled(fleet: Fleet) -> None:
    fleet.client("events").disable_rule(Name=RULE)


def rule_pattern_changed(fleet: Fleet) -> None:
    fleet.client("events").put_rule(Name=RULE, EventPattern=json.dumps({"source": ["aws.ec2"]}))


def rule_deleted(fleet: Fleet) -> None:
    target_removed(fleet)
    fleet.client("events").delete_rule(Name=RULE)


def target_removed(fleet: Fleet) -> None:
    events = fleet.client("events")
    events.remove_targets(Rule=RULE, Ids=["topic"])


def target_changes_event(fleet: Fleet) -> None:
    change = {"InputPathsMap": {"title": "$.detail.findings[0].Title"}, "InputTemplate": '"<title>"'}
    target = {"Id": "topic", "Arn": TOPIC, "InputTransformer": change}
    fleet.client("events").put_targets(Rule=RULE, Targets=[target])


def target_doubled(fleet: Fleet) -> None:
    fleet.client("events").put_targets(Rule=RULE, Targets=[{"Id": "again", "Arn": TOPIC}])


def topic_deleted(fleet: Fleet) -> None:
    fleet.client("sns").delete_topic(TopicArn=TOPIC)


def topic_attribute(fleet: Fleet, name: str, value: str) -> None:
    fleet.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)


def policy_emptied(fleet: Fleet) -> None:
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{deployed.ACCOUNT}:root"}}
    statement = {"Sid": "Own", **own, "Action": "sns:Publish", "Resource": TOPIC}
    topic_attribute(fleet, "Policy", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def policy_denies(fleet: Fleet) -> None:
    policy = json.loads(fleet.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    denial = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    policy["Statement"].append({"Sid": "Stop", **denial})
    topic_attribute(fleet, "Policy", json.dumps(policy))


def key_of_aws(fleet: Fleet) -> None:
    topic_attribute(fleet, "KmsMasterKeyId", "alias/aws/sns")


def key_without_eventbridge(fleet: Fleet) -> None:
    topic_attribute(fleet, "KmsMasterKeyId", deployed.make_key(fleet.emulator, HERE))


def key_of_others(fleet: Fleet) -> None:
    topic_attribute(fleet, "KmsMasterKeyId", deployed.make_key(fleet.emulator, HERE, "events.amazonaws.com"))


def key_disabled(fleet: Fleet) -> None:
    arn = deployed.make_key(fleet.emulator, HERE, "events.amazonaws.com")
    topic_attribute(fleet, "KmsMasterKeyId", arn)
    fleet.client("kms").disable_key(KeyId=arn)


def key_id(fleet: Fleet, alias: str) -> str:
    return str(fleet.client("kms").describe_key(KeyId=alias)["KeyMetadata"]["KeyId"])


def named_key_disabled(alias: str) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.client("kms").disable_key(KeyId=key_id(fleet, alias))


def named_key_without_eventbridge(alias: str) -> Callable[[Fleet], None]:
    policy = json.dumps(deployed.key_policy())
    return lambda fleet: fleet.client("kms").put_key_policy(
        KeyId=key_id(fleet, alias), PolicyName="default", Policy=policy
    )


def own_key_to_be_deleted(fleet: Fleet) -> None:
    fleet.client("kms").schedule_key_deletion(KeyId=key_id(fleet, ALIAS), PendingWindowInDays=7)


def alias_deleted(fleet: Fleet) -> None:
    fleet.client("kms").delete_alias(AliasName=ALIAS)


def alias_for_another_key(fleet: Fleet) -> None:
    other = deployed.make_key(fleet.emulator, HERE, "events.amazonaws.com")
    fleet.client("kms").update_alias(AliasName=ALIAS, TargetKeyId=other)


def encryption_removed(fleet: Fleet) -> None:
    topic_attribute(fleet, "KmsMasterKeyId", "")


def queue_url(fleet: Fleet) -> str:
    return str(fleet.client("sqs").list_queues(QueueNamePrefix=NAME)["QueueUrls"][0])


def queue_filled(fleet: Fleet) -> None:
    fleet.client("sqs").send_message(QueueUrl=queue_url(fleet), MessageBody="{}")


def queue_deleted(fleet: Fleet) -> None:
    fleet.client("sqs").delete_queue(QueueUrl=queue_url(fleet))


def queue_keeps_out(fleet: Fleet) -> None:
    fleet.client("sqs").set_queue_attributes(QueueUrl=queue_url(fleet), Attributes={"Policy": ""})


def target_without_queue(fleet: Fleet) -> None:
    fleet.client("events").put_targets(Rule=RULE, Targets=[{"Id": "topic", "Arn": TOPIC}])


def target_with_queue(fleet: Fleet) -> None:
    queue = {"Arn": f"arn:aws:sqs:{HERE}:999999999999:theirs"}
    fleet.client("events").put_targets(Rule=RULE, Targets=[{"Id": "topic", "Arn": TOPIC, "DeadLetterConfig": queue}])


ALARM = f"{NAME}-undelivered"


def alarm_deleted(fleet: Fleet) -> None:
    fleet.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])


def alarm_silenced(fleet: Fleet) -> None:
    fleet.client("cloudwatch").disable_alarm_actions(AlarmNames=[ALARM])


def alarm_changed(fleet: Fleet) -> None:
    cloudwatch = fleet.client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    kept = ("AlarmName", "Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods")
    members = {key: found[key] for key in (*kept, "ComparisonOperator", "AlarmActions")}
    cloudwatch.put_metric_alarm(**members, Threshold=1000)


def policy_without_alarms(fleet: Fleet) -> None:
    policy = json.loads(fleet.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"])
    kept = [item for item in policy["Statement"] if item["Principal"] != {"Service": "cloudwatch.amazonaws.com"}]
    topic_attribute(fleet, "Policy", json.dumps({**policy, "Statement": kept}))


def own_key_without_alarms(fleet: Fleet) -> None:
    policy = json.dumps(deployed.key_policy("events.amazonaws.com"))
    fleet.client("kms").put_key_policy(KeyId=key_id(fleet, ALIAS), PolicyName="default", Policy=policy)


def subscription_arn(fleet: Fleet) -> str:
    found = fleet.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    return str(found[0]["SubscriptionArn"])


def unsubscribed(fleet: Fleet) -> None:
    fleet.client("sns").unsubscribe(SubscriptionArn=subscription_arn(fleet))


def subscription_attribute(name: str, value: str) -> Callable[[Fleet], None]:
    def happen(fleet: Fleet) -> None:
        fleet.client("sns").set_subscription_attributes(
            SubscriptionArn=subscription_arn(fleet), AttributeName=name, AttributeValue=value
        )

    return happen


def configuration(fleet: Fleet) -> dict[str, Any]:
    chatbot = fleet.client("chatbot", "us-east-2")
    return dict(chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"][0])


def topic_detached(fleet: Fleet) -> None:
    found = configuration(fleet)
    fleet.client("chatbot", "us-east-2").update_slack_channel_configuration(
        ChatConfigurationArn=CONFIGURATION,
        SlackChannelId=found["SlackChannelId"],
        SnsTopicArns=[arn for arn in found["SnsTopicArns"] if arn != TOPIC],
    )


def configuration_deleted(fleet: Fleet) -> None:
    fleet.client("chatbot", "us-east-2").delete_slack_channel_configuration(ChatConfigurationArn=CONFIGURATION)


def role_deleted(fleet: Fleet) -> None:
    fleet.client("iam").delete_role(RoleName=f"{NAME}-channel")


def role_trusts_nobody(fleet: Fleet) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    fleet.client("iam").update_assume_role_policy(RoleName=f"{NAME}-channel", PolicyDocument=policy)


def world(**facts: Any) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.emulator.world({deployed.ACCOUNT: facts})


OWN_KEY = (("kms_key", "create"),)
GIVEN_KEY = (("kms_key", GIVEN_ALIAS),)
ALARMS = (("alarms", True),)
IN_HUB = (("suppressions", [{"control_ids": ["S3.8"], "suppress_in": "security_hub"}]),)
BREAKAGES = (
    Breakage("hub off", hub_off, NOT),
    Breakage("custom action deleted", action_deleted, PLAIN, loses=False),
    Breakage("custom action of others", action_replaced, NOT, loses=False),
    Breakage("custom action renamed", action_renamed, PLAIN, loses=False),
    Breakage("automation rule disabled", automation_rule_disabled, PLAIN, loses=False, variables=IN_HUB),
    Breakage("automation rule deleted", automation_rule_deleted, PLAIN, loses=False, variables=IN_HUB),
    Breakage("stack deleted", stack_deleted, PLAIN),
    Breakage("stack rolled back", stack_in("ROLLBACK_COMPLETE"), PLAIN, loses=False),
    Breakage("stack half deleted", stack_in("DELETE_FAILED"), PLAIN, loses=False),
    Breakage("stack stuck in an update", stack_in("UPDATE_ROLLBACK_FAILED"), PLAIN, loses=False),
    Breakage("stack out of date", policy_of_variables_changed, PLAIN, loses=False),
    Breakage("rule disabled", rule_disabled, DEEP),
    Breakage("rule's pattern changed", rule_pattern_changed, DEEP),
    Breakage("rule deleted", rule_deleted, DEEP),
    Breakage("target removed", target_removed, DEEP),
    Breakage("target changes the event", target_changes_event, DEEP),
    Breakage("target doubled", target_doubled, DEEP, loses=False),
    Breakage("target with a dead-letter queue", target_with_queue, DEEP, loses=False),
    Breakage("topic deleted", topic_deleted, DEEP),
    Breakage("topic policy without EventBridge", policy_emptied, DEEP),
    Breakage("topic policy denies", policy_denies, DEEP),
    Breakage("topic encrypted with AWS's key", key_of_aws, DEEP),
    Breakage("topic encrypted with a key that keeps EventBridge out", key_without_eventbridge, DEEP),
    Breakage("topic encrypted with a disabled key", key_disabled, DEEP),
    Breakage("topic encrypted with another usable key", key_of_others, DEEP, loses=False),
    Breakage("own key disabled", named_key_disabled(ALIAS), DEEP, variables=OWN_KEY),
    Breakage("own key keeps EventBridge out", named_key_without_eventbridge(ALIAS), DEEP, variables=OWN_KEY),
    Breakage("own key to be deleted", own_key_to_be_deleted, DEEP, variables=OWN_KEY),
    Breakage("own key without its alias", alias_deleted, DEEP, variables=OWN_KEY),
    Breakage("own alias for another key", alias_for_another_key, DEEP, loses=False, variables=OWN_KEY),
    Breakage("encryption removed", encryption_removed, DEEP, loses=False, variables=OWN_KEY),
    Breakage("given key disabled", named_key_disabled(GIVEN_ALIAS), NOT, variables=GIVEN_KEY),
    Breakage("given key keeps EventBridge out", named_key_without_eventbridge(GIVEN_ALIAS), NOT, variables=GIVEN_KEY),
    Breakage("dead-letter queue full", queue_filled, NOT, loses=False, variables=ALARMS),
    Breakage("dead-letter queue deleted", queue_deleted, DEEP, loses=False, variables=ALARMS),
    Breakage("dead-letter queue keeps EventBridge out", queue_keeps_out, DEEP, loses=False, variables=ALARMS),
    Breakage("target without dead-letter queue", target_without_queue, DEEP, loses=False, variables=ALARMS),
    Breakage("alarm deleted", alarm_deleted, DEEP, loses=False, variables=ALARMS),
    Breakage("alarm silenced", alarm_silenced, DEEP, loses=False, variables=ALARMS),
    Breakage("alarm changed", alarm_changed, DEEP, loses=False, variables=ALARMS),
    Breakage("topic policy without alarms", policy_without_alarms, DEEP, loses=False, variables=ALARMS),
    Breakage("own key keeps alarms out", own_key_without_alarms, DEEP, loses=False, variables=OWN_KEY + ALARMS),
    Breakage("subscription deleted", unsubscribed, DEEP),
    Breakage("subscription raw", subscription_attribute("RawMessageDelivery", "true"), DEEP),
    Breakage("subscription filtered", subscription_attribute("FilterPolicy", '{"a": ["b"]}'), DEEP),
    Breakage("topic detached from the channel", topic_detached, PLAIN),
    Breakage("channel configuration deleted", configuration_deleted, PLAIN),
    Breakage("channel role deleted", role_deleted, PLAIN, loses=False),
    Breakage("channel role trusts another service", role_trusts_nobody, PLAIN, loses=False),
    Breakage("channels disabled by an organization policy", world(channel_policy_disabled="Denied by policy"), NOT),
    Breakage("app not in the private channel", world(private_channels=[deployed.CHANNEL]), NOT),
    Breakage("workspace no longer authorized", world(workspaces=[]), NOT, loses=False),
)
