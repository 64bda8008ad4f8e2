# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems that the doctor reports, each with its effect and remedy: pure. PRIVATE to the collection."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._channel.platforms import CONSOLE
from .._channel.platforms import platform_of
from .._model.identity import PERMISSIONS_TAG
from .._model.playbooks import CANARY
from .._model.playbooks import DEPLOY
from .._model.playbooks import DOCTOR
from .._model.playbooks import EXPORT
from .._model.playbooks import REPAIR
from .._stack import stack_set_resource
from .._stack import states
from .._stack.receivers import EMAIL
from .._stack.receivers import without_keys
from .._stack.stack_set import LOCATION
from . import stack_sets
from .results import BROKEN
from .results import RISK
from .results import UNCOVERED
from .results import UNKNOWN
from .results import UNLISTED
from .results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._channel.platforms import Platform
    from .._preflight.pattern_tests import Disagreement
    from .._services.chatbot import Configuration
    from .._services.cloudformation import StackInstance
    from .._services.events import Target
    from .._services.sns import Subscription
    from .._stack.live import StackSet
    from .stack_sets import Instances

# The ARN of a topic, a protocol and an endpoint.
Endpoint = tuple[str, str, str]

NOTHING_ARRIVES = "No finding of this region reaches the channel."
UNKNOWN_ARRIVAL = "It is not known whether findings of this region arrive."
UNKNOWN_MATCHES = "It is not known whether EventBridge evaluates the event patterns as intended."
UNKNOWN_DELIVERY = "It is not known what was delivered recently."
NO_CONFIGURATION = "{channel} has no channel configuration"
NOT_LISTED = "the topic {topic} is not in the channel configuration {name}"
UNKNOWN_DESIGN = "It cannot be decided which findings to send from here."
UNKNOWN_REGION = "It is not known whether findings of this region are sent."
UNKNOWN_REGIONS = "It is not known whether other regions have findings that nothing sends."
OTHER_FINDINGS = "The findings that are sent are not those that the inventory asks for."
NO_ALARM = "No alarm is raised when findings are lost."
DEPLOY_STACK_SET = "Export the StackSet, then deploy the file that the playbook writes."
MOVES_SHOWN = 5  # accounts of a topic
SEND_ONE = "send a finding with the custom action and check that it arrives."


def sentence(text: str) -> str:
    """Return a text as a sentence; it may begin with a name, whose case matters."""
    first = text.partition(" ")[0]
    return f"{first.capitalize() if first.isalpha() and first.islower() else first}{text[len(first) :].rstrip('.')}."


def explained(state: str, error: str, effect: str) -> Result:
    """Report an *error* that says what is wrong and what to do."""
    return Result(state, sentence(error), effect, "Fix that, then run the doctor again.", (DOCTOR,))


def restorable(problem: str, effect: str) -> Result:
    """Report a problem that an ordinary run of the playbook fixes."""
    return Result(RISK, problem, effect, "Run the playbook to restore it.", (DEPLOY,))


def leftover(*, stack_set: bool) -> Result:
    """Report a deployment that the inventory does not ask for."""
    problem = "The target has a deployment, but the inventory says that it should have none."
    effect = "Findings may be sent twice, or although they should not be sent."
    if stack_set:
        return Result(RISK, problem, effect, f"Run the playbook. {DEPLOY_STACK_SET}", (DEPLOY, EXPORT))
    return Result(RISK, problem, effect, "Run the playbook to remove it.", (DEPLOY,))


HUB_DISABLED = Result(
    BROKEN,
    "Security Hub is not enabled.",
    "This region has no findings to send.",
    "Enable Security Hub in the console or with the module secops.securityhub.securityhub_hub, or remove the region "
    "from the inventory.",
)
ACTION_MISSING = Result(
    BROKEN,
    "The custom action does not exist.",
    "Findings cannot be sent by hand.",
    "Run the playbook to create it.",
    (DEPLOY,),
)
ACTION_CHANGED = Result(
    RISK,
    "The custom action has another name or description than the inventory says.",
    "People may not recognize it in the console.",
    "Run the playbook to change it back.",
    (DEPLOY,),
)
ACTION_FOREIGN = Result(
    BROKEN,
    "A custom action with this ID exists, and is not managed by this collection.",
    "The playbook does not deploy this target.",
    "Set securityhub_slack_action_id to another ID, then run the playbook.",
    (DEPLOY,),
)


def automation_rules_missing(count: int) -> Result:
    """Report automation rules that are missing, disabled or changed."""
    problem = f"Automation rules of Security Hub are missing, disabled or changed by hand: {count}."
    return restorable(problem, "Findings are sent that should be suppressed.")


def automation_rules_surplus(count: int) -> Result:
    """Report automation rules of the deployment that it should not have."""
    problem = f"The deployment has automation rules of Security Hub for suppressions that no longer exist: {count}."
    effect = "Findings are suppressed that should be sent."
    return Result(RISK, problem, effect, "Run the playbook to delete them.", (DEPLOY,))


STACK_FOREIGN = Result(
    BROKEN,
    "A stack with this name exists, and is not managed by this collection.",
    NOTHING_ARRIVES,
    "Set securityhub_slack_name to another name, then run the playbook.",
    (DEPLOY,),
)


def stack_outdated(moves: Sequence[tuple[str, set[str], set[str]]]) -> Result:
    """Report a stack that is not as the inventory asks for now. *moves*: see moves.py."""
    problem = "The stack was deployed with other variables than those in the inventory now."
    if moves:
        changes = (f"{topic} {_now(new, old)}" for topic, new, old in moves)
        problem = f"Channels choose other accounts than when the stack was deployed: {'; '.join(changes)}."
    return Result(RISK, problem, OTHER_FINDINGS, "Run the playbook to update it.", (DEPLOY,))


def _now(new: set[str], old: set[str]) -> str:
    changes = (("now", new), ("no longer", old))
    return " and ".join(f"{words} {few_of(sorted(accounts), MOVES_SHOWN)}" for words, accounts in changes if accounts)


# Statuses of a stack that does not work, or not as intended.
STACK_STATUS = {
    "": (BROKEN, "The stack does not exist.", NOTHING_ARRIVES),
    states.EMPTY: (BROKEN, "The stack is empty: a change set was created and never executed.", NOTHING_ARRIVES),
    "CREATE_FAILED": (BROKEN, "The stack could not be created.", NOTHING_ARRIVES),
    "ROLLBACK_COMPLETE": (BROKEN, "Creating the stack failed and was rolled back.", NOTHING_ARRIVES),
    "ROLLBACK_FAILED": (BROKEN, "Creating the stack failed, and so did the rollback.", NOTHING_ARRIVES),
    "DELETE_FAILED": (BROKEN, "The stack could not be deleted completely.", NOTHING_ARRIVES),
    "UPDATE_FAILED": (RISK, "The last update of the stack failed.", "It still works with its former variables."),
    "UPDATE_ROLLBACK_FAILED": (
        RISK,
        "Updating the stack failed, and so did the rollback.",
        "It may work with its former variables, or with some of the new ones.",
    ),
}


def stack_status(status: str) -> Result:
    """Report a status of STACK_STATUS."""
    state, problem, effect = STACK_STATUS[status]
    remedy = "Run the playbook. It repairs the stack, or reports why it cannot."
    return Result(state, problem, effect, remedy, (DEPLOY,))


def stack_in_progress(status: str) -> Result:
    """Report a stack that is being changed."""
    remedy = "Wait until CloudFormation has finished, then run the doctor again."
    return Result(RISK, f"The stack is in {status}.", "It is being changed right now.", remedy, (DOCTOR,))


def stack_of_set(reason: str, *, works: bool) -> Result:
    """Report a stack that a StackSet has not deployed as planned."""
    return Result(
        RISK if works else BROKEN,
        f"A StackSet deploys the stack, and {reason}.",
        OTHER_FINDINGS if works else NOTHING_ARRIVES,
        DEPLOY_STACK_SET,
        (EXPORT,),
    )


def not_in_stack_set(name: str) -> Result:
    """Report a stack that its StackSet no longer has."""
    return Result(
        RISK,
        f"The StackSet {name} no longer has the stack that it created.",
        "Findings arrive, but the StackSet does not update the stack.",
        f"Delete the stack. {DEPLOY_STACK_SET}",
        (EXPORT,),
    )


# Detailed statuses of a stack instance: what they mean, and what to do.
INSTANCE_STATUS = {
    "FAILED": ("the last operation on it failed", "Fix the cause, then retry in the account of the StackSet."),
    "CANCELLED": (
        "the last operation was stopped before it",
        "Find out why, then retry in the account of the StackSet.",
    ),
    "INOPERABLE": (
        "a deletion of it failed, and updates leave it out",
        f"Remove it from the StackSet, then delete the stack itself. {DEPLOY_STACK_SET}",
    ),
    "SKIPPED_SUSPENDED_ACCOUNT": (
        "its account was suspended",
        "Reopen the account, then retry in the account of the StackSet.",
    ),
}
RUNNING = ("PENDING", "RUNNING")


def stack_instance(instances: Instances, instance: StackInstance, reason: str, *, works: bool) -> Result:
    """Report a stack instance that is not current; *reason*: why its stack is not as desired, '' if it is."""
    status, name = stack_sets.detail(instance), instances.stack_set.name
    if status in RUNNING:
        return stack_in_progress(f"{status} in the StackSet {name}")
    meaning, remedy = INSTANCE_STATUS.get(status, ("it is not up to date", INSTANCE_STATUS["FAILED"][1]))
    cause = f" ({instance['StatusReason'].rstrip('.')})" if instance.get("StatusReason") else ""
    effect = "The stack still works as it should, but the next update may fail." if works else NOTHING_ARRIVES
    commands = (_removal(instances, instance), EXPORT) if status == "INOPERABLE" else (_retry(instances.stack_set),)
    return Result(
        RISK if works else BROKEN,
        f"The StackSet {name} has the stack as {status}: {meaning}{cause}.",
        OTHER_FINDINGS if works and reason else effect,
        remedy,
        commands,
    )


def _retry(stack_set: StackSet) -> str:
    """Return the command that retries failed stacks; it does not change others.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-troubleshooting.html
    """
    preferences = ",".join(f"{key}={value}" for key, value in stack_set_resource.PREFERENCES.items())
    return _of_stack_set(
        stack_set,
        "update-stack-set",
        "--use-previous-template",
        *("--parameters", f"ParameterKey={LOCATION},UsePreviousValue=true"),
        *("--capabilities", "CAPABILITY_NAMED_IAM"),
        *("--operation-preferences", preferences),
    )


def _removal(instances: Instances, instance: StackInstance) -> str:
    """Return the command that takes all instances in the state of this one out of the StackSet."""
    alike = instances.like(instance)
    accounts = sorted({item["Account"] for item in alike})
    units = sorted({item.get("OrganizationalUnitId", "") for item in alike} - {""})
    targets = ["--accounts", *accounts]
    if units:
        listed = f"OrganizationalUnitIds={','.join(units)},Accounts={','.join(accounts)}"
        targets = ["--deployment-targets", f"{listed},AccountFilterType=INTERSECTION"]
    regions = sorted({item["Region"] for item in alike})
    return _of_stack_set(
        instances.stack_set, "delete-stack-instances", *targets, "--regions", *regions, "--retain-stacks"
    )


def _of_stack_set(stack_set: StackSet, operation: str, *options: str) -> str:
    call_as = ("--call-as", stack_set.call_as) if stack_set.call_as != "SELF" else ()
    return _aws("cloudformation", operation, stack_set.region, "--stack-set-name", stack_set.name, *options, *call_as)


def drifted(problems: list[str], effect: str, *, loses: bool, remedy: str = "") -> Result:
    """Report resources that differ from the stack's template; *remedy* where the playbook cannot restore them."""
    problem = sentence("; ".join(problems))
    state = BROKEN if loses else RISK
    if remedy:
        return Result(state, problem, effect, sentence(remedy))
    return Result(state, problem, effect, "Run the playbook with drift repair to restore it.", (REPAIR,))


def disagreement(found: Disagreement) -> Result:
    """Report an event pattern that EventBridge evaluates differently from the policy."""
    return Result(
        BROKEN if found.loses else RISK,
        f"{found.cause}. {found.evidence}",
        RULE_LOSES if found.loses else OTHER_FINDINGS,
        "Report a bug with this event pattern and policy. Until it is fixed, use fewer suppressions, then run the "
        "playbook.",
        (DEPLOY,),
    )


RULE_LOSES = "Findings that should be sent automatically do not arrive, or not all of them."
ACTION_RULE_LOSES = "Findings that are sent by hand do not arrive."
SENT_TWICE = "Findings are sent more than once."
NOT_KEPT = "Events that EventBridge cannot deliver are not kept, and no alarm is raised."
KEY_RISK = "Messages are not encrypted as intended, or alarms cannot be delivered."
OPEN_ALARM_TOPIC = (
    "Ask the owner of the topic to let cloudwatch.amazonaws.com publish to it and, if it is encrypted, use its key "
    "(kms:Decrypt and kms:GenerateDataKey* in the key policy; keys of AWS cannot be used). Otherwise, set "
    "securityhub_slack_alarm_topic_arn to another topic."
)


def key_unread(error: str) -> Result:
    """Report a KMS key that could not be read."""
    return Result(
        UNKNOWN,
        sentence(error),
        "It is not known whether EventBridge may use the key of the topic.",
        "Grant kms:DescribeKey and kms:GetKeyPolicy on the key to the credentials of the doctor, or ask its owner.",
    )


def not_connected(problems: list[str]) -> Result:
    """Report topics that are not in their channel configuration."""
    remedy = "Run the playbook to connect them."
    return Result(BROKEN, sentence("; ".join(problems)), NOTHING_ARRIVES, remedy, (DEPLOY,))


def channel_disabled(reason: str) -> Result:
    """Report a channel configuration that is disabled."""
    return Result(
        BROKEN,
        f"The channel configuration is disabled{f' ({reason})' if reason else ''}.",
        NOTHING_ARRIVES,
        "Ask the organization's administrator to allow this channel in the chat applications policy (AWS "
        "Organizations, Policies).",
    )


def team_unauthorized(platform: Platform, team_id: str) -> Result:
    """Report a workspace or team that the account has not authorized."""
    return Result(
        BROKEN,
        f"The {platform.name} {platform.team} {team_id} is not authorized in this account, or no longer.",
        NOTHING_ARRIVES,
        f"Open {CONSOLE} in this account. Under Configure a chat client, choose {platform.name}, Configure client, "
        f"Allow. AWS has no API for this.",
    )


def lost_in_chat(configuration: Configuration, arrived: int, failed: int, hours: int) -> Result:
    """Report messages that Amazon Q could not post to the channel of a configuration."""
    platform = platform_of(configuration)
    return Result(
        RISK if arrived else BROKEN,
        f"{platform.name} accepted {arrived} of {failed + arrived} messages to channel "
        f"{configuration[platform.channel_id]} in the last {hours} h.",
        f"Messages are lost between Amazon Q and {platform.name}.",
        f"Check that the channel exists and is not archived, and {platform.invite}. The log group /aws/chatbot/ in "
        f"us-east-1 has the details.",
    )


def unsupported_events(count: int, hours: int) -> Result:
    """Report events that Amazon Q dropped because of their format."""
    return Result(
        RISK,
        f"In the last {hours} h, Amazon Q dropped events that it does not support: {count}.",
        "These messages did not arrive.",
        "Find the topic of the channel that carries anything but unmodified events. Those of this collection do not, "
        "as long as its rule targets and subscriptions are in order.",
    )


def throttled_events(count: int, hours: int) -> Result:
    """Report events that Amazon Q dropped because there were too many."""
    return Result(
        RISK,
        f"In the last {hours} h, Amazon Q throttled events, because its limit is 10 per second: {count}.",
        "These messages did not arrive.",
        "Send fewer findings: raise securityhub_slack_minimum_severity, or add suppressions.",
    )


def dead_letters(count: int) -> Result:
    """Report events in the dead-letter queue."""
    return Result(
        BROKEN,
        f"The dead-letter queue holds events that EventBridge or SNS could not deliver: {count}.",
        "These findings did not arrive.",
        "Read the attribute ERROR_MESSAGE of each message for the reason (SNS gives none), and its body for the "
        "finding. Once the cause is fixed and the findings are known, purge the queue.",
    )


def failed_invocations(failed: int, invocations: int, hours: int) -> Result:
    """Report events that EventBridge could not deliver."""
    return Result(
        BROKEN,
        f"EventBridge could not deliver {failed} of {invocations} events in the last {hours} h.",
        "These findings did not arrive.",
        f"If all other checks are in order now, the cause is fixed: {SEND_ONE} A lower securityhub_slack_doctor_hours "
        f"leaves out the time before.",
    )


def nothing_published(failed: int, hours: int, *, conditions: bool) -> Result:
    """Report that EventBridge has published nothing, although rules, targets, topics and keys are in order.

    *conditions*: the topic policy requires that EventBridge sends aws:SourceArn.
    """
    remedy = "If the cause was fixed since, run the canary to prove it."
    if conditions:
        remedy += (
            " If its test finding does not arrive at the topic either, EventBridge does not send aws:SourceArn, which "
            "the topic policy requires: set securityhub_slack_topic_policy_conditions to false, then run the playbook."
        )
    return Result(
        UNKNOWN,
        f"In the last {hours} h, the topic delivered nothing. Events that EventBridge could not deliver: {failed}.",
        UNKNOWN_ARRIVAL,
        remedy,
        (CANARY,),
    )


def failed_notifications(failed: int, hours: int) -> Result:
    """Report notifications that SNS could not deliver."""
    return Result(
        RISK,
        f"SNS could not deliver {failed} notifications in the last {hours} h.",
        "A subscriber of a topic missed them: Amazon Q, or a receiver.",
        f"Check who is subscribed to the topic, then {SEND_ONE}",
    )


# Unintended access. The names in these commands are not ours, so they are quoted.

OPEN_TO_ALL = "Anyone with an AWS account may be able to send messages to the channel, or to receive the findings."
READ_BY_OTHERS = "Findings may be read by people who should not see them."
UNKNOWN_PERMISSIONS = "It is not known what people can do from the channel."
ROLE_REPLACED = "The channel configuration {name} has the role {role}, not {expected}."
ROLE_CHANGED = "The trust policy or the tags of the channel role {role} were changed."
ROLE_MISSING = "The channel role {role} does not exist."
GUARDRAIL_REPLACED = "The guardrail of the channel configuration {name} is {found}, not {expected}."
GUARDRAIL_CHANGED = "The guardrail policy {policy} was changed."
BOUNDARY_MISSING = "The channel role {role} does not have the permissions boundary {boundary}."
GUARDRAIL_MISSING = "The guardrail policy {policy} does not exist."
NO_GUARDRAIL = "none, which means AdministratorAccess"
MAY_STOP = "Amazon Q may stop sending messages, or others may be able to assume the role."
TOO_MUCH = "People in the channel may be able to do more in this account than they should."


UNKNOWN_RECEIPT = "It is not known whether all receivers get findings."
NOT_RECEIVED = "These receivers do not get the findings of this region."


def unsubscribed(region: str, pending: list[Endpoint], missing: list[Endpoint]) -> Result:
    """Report receivers whose subscriptions are unconfirmed, or gone."""
    kinds = [(pending, "have not been confirmed"), (missing, "do not exist any more")]
    problems = [
        f"Subscriptions that {words}: {', '.join(f'{kind} {without_keys(item)}' for _topic, kind, item in items)}."
        for items, words in kinds
        if items
    ]
    mails = [item for items, _words in kinds for item in items if item[1] == EMAIL]
    return Result(
        BROKEN,
        " ".join(problems),
        NOT_RECEIVED,
        "Confirm with the link in the e-mail from AWS Notifications; the commands send it again. An HTTPS endpoint "
        "confirms by itself if it understands SNS: check the url in securityhub_slack_receivers. SNS deletes "
        "subscriptions that are not confirmed within two days.",
        tuple(
            _aws(
                *("sns", "subscribe", region, "--topic-arn", topic),
                *("--protocol", kind, "--notification-endpoint", endpoint),
            )
            for topic, kind, endpoint in mails
        ),
    )


def unknown_subscribers(region: str, found: dict[str, list[Subscription]]) -> Result:
    """Report subscriptions of others than Amazon Q by topic ARN, as ListSubscriptionsByTopic shapes them."""
    items = [item for of_topic in found.values() for item in of_topic]
    subscribers = ", ".join(f"{item['Protocol']} {without_keys(item['Endpoint'])}" for item in items)
    arns = [item["SubscriptionArn"] for item in items if item["SubscriptionArn"].startswith("arn:")]
    return Result(
        RISK,
        f"The topic {' and '.join(map(_name, found))} has subscribers that the stack does not have: {subscribers}.",
        READ_BY_OTHERS,
        "If you do not know a subscriber, remove its subscription. The playbooks never do. AWS deletes unconfirmed "
        "subscriptions after two days.",
        tuple(_aws("sns", "unsubscribe", region, "--subscription-arn", arn) for arn in arns),
    )


def unknown_targets(region: str, found: dict[str, list[Target]]) -> Result:
    """Report targets, by rule, that the stack does not have, as ListTargetsByRule shapes them."""
    targets = [(rule, item) for rule, items in found.items() for item in items]
    arns = ", ".join(item["Arn"] for _rule, item in targets)
    return Result(
        RISK,
        f"The rule {' and '.join(found)} has targets that are not in its stack: {arns}.",
        READ_BY_OTHERS,
        "If you do not know a target, remove it. The playbooks never do.",
        tuple(_aws("events", "remove-targets", region, "--rule", rule, "--ids", item["Id"]) for rule, item in targets),
    )


def granted(found: dict[str, list[str]]) -> Result:
    """Report whom outside of the account a policy lets in, by kind and name of its resource."""
    resources = "; ".join(f"{name} to {', '.join(who)}" for name, who in found.items())
    return Result(
        RISK,
        f"Policies give access to others than this account: of the {resources}.",
        OPEN_TO_ALL.replace("Anyone with an AWS account", "They"),
        "If you do not know them, remove the statements from the policies. The playbooks never do.",
    )


def unknown_permissions(role: str, inline: list[str], attached: tuple[str, ...]) -> Result:
    """Report policies of the channel role that this collection did not grant: names of inline ones, ARNs of others."""
    policies = ", ".join([*(f"inline policy {name}" for name in inline), *attached])
    return Result(
        RISK,
        f"The channel role {role} has policies that this collection did not grant: {policies}.",
        TOO_MUCH,
        "Remove them. The playbooks never do.",
        (
            *(_aws("iam", "delete-role-policy", "", "--role-name", role, "--policy-name", name) for name in inline),
            *(_aws("iam", "detach-role-policy", "", "--role-name", role, "--policy-arn", arn) for arn in attached),
        ),
    )


UNKNOWN_MARKING = "It is not known what the state machine that marks findings does."


def marking_changed(changed: list[str]) -> Result:
    """Report differences from the stack of the role and state machine that mark findings."""
    return Result(
        RISK,
        f"What marks findings as NOTIFIED differs from the stack: {', '.join(changed)}.",
        "The state machine may do something else in this account, or leave findings unmarked.",
        "Undo the changes. The playbooks never do. If that is not possible, run the main playbook with "
        "securityhub_slack_mark_notified: false, and then again with true.",
    )


def marking_failed(machine: str, failed: int, hours: int) -> Result:
    """Report executions of the state machine that marks findings which failed."""
    return Result(
        RISK,
        f"In the last {hours} h, executions of the state machine {machine} failed: {failed}.",
        "Findings were not marked as sent, and are sent again with their next update, or their end was not reported.",
        "If many findings came at once, Security Hub has throttled it, and nothing has to be done. Otherwise, turn on "
        "its logs in the console of Step Functions (level ERROR), which show the cause of the next failure. A lower "
        "securityhub_slack_doctor_hours leaves out the time before.",
    )


UNKNOWN_DIGEST = "It is not known whether the scheduled digest is sent."


def digest_changed(changed: list[str]) -> Result:
    """Report differences from the stack of what sends the digest."""
    return Result(
        RISK,
        f"What sends the digest differs from the stack: {', '.join(changed)}.",
        "The digest may not arrive, or the state machine may do something else in this account. Findings still arrive.",
        "Undo the changes. The playbooks never do. If that is not possible, run the main playbook with an empty "
        "securityhub_slack_digest_schedule, and then again with the schedule.",
    )


def digest_failed(execution: str) -> Result:
    """Report that the last execution of the state machine that sends the digest failed."""
    return Result(
        RISK,
        "The last scheduled digest failed.",
        "The channel did not get it. Findings still arrive.",
        "Find out why:",
        (_aws("stepfunctions", "describe-execution", "", "--execution-arn", execution),),
    )


def permissions_changed(role: str, policy: str) -> Result:
    """Report a changed document of the policy that grants the channel role what the buttons need."""
    return Result(
        RISK,
        f"The inline policy {policy} of the channel role {role} was changed.",
        TOO_MUCH,
        "Remove the tag that says that the policy is up to date, then run the playbook to restore it.",
        (_aws("iam", "untag-role", "", "--role-name", role, "--tag-keys", PERMISSIONS_TAG), DEPLOY),
    )


def _name(arn: str) -> str:
    return arn.rpartition(":")[2]


def _aws(service: str, operation: str, region: str, *options: str) -> str:
    """Return a command of the AWS CLI; *region*: '' for a global service."""
    return shlex.join(["aws", service, operation, *(["--region", region] if region else []), *options])


REGION_UNCOVERED = Result(
    UNCOVERED,
    "Security Hub is enabled, and no working deployment sends its findings.",
    "Findings of this region are not sent to any channel.",
    "Add the region to the inventory and run the playbook. To leave it out on purpose, add it with "
    "securityhub_slack_state: absent.",
    (DEPLOY,),
)


REGION_UNLISTED = Result(
    UNLISTED,
    "A deployment sends the findings of this region, but the region is not in this inventory.",
    "Findings arrive, but nothing keeps the deployment up to date.",
    "Add the region to the inventory. To remove the deployment, add it with securityhub_slack_state: absent. Then run "
    "the playbook.",
    (DEPLOY,),
)
