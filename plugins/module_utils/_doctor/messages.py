# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems that the doctor reports, each with its effect and remedy: pure. PRIVATE to the collection."""

from __future__ import annotations

from .._channel.platforms import CONSOLE
from .._stack import states
from .results import BROKEN
from .results import RISK
from .results import UNCOVERED
from .results import UNKNOWN
from .results import Result

DEPLOY = "ansible-playbook -i <inventory> secops.securityhub.securityhub_slack"
REPAIR = f"{DEPLOY} -e securityhub_slack_repair_drift=true"
EXPORT = "ansible-playbook -i <inventory> secops.securityhub.securityhub_slack_export"
DOCTOR = "ansible-playbook -i <inventory> secops.securityhub.securityhub_slack_doctor"

NOTHING_ARRIVES = "No finding of this region reaches the channel."
UNKNOWN_ARRIVAL = "It is not known whether findings of this region arrive."
OTHER_FINDINGS = "The findings that are sent are not those that the inventory asks for."
NO_ALARM = "No alarm is raised when findings are lost."
DEPLOY_STACK_SET = "Export the StackSet, then deploy the file that the playbook writes."
SEND_ONE = "send a finding with the custom action and check that it arrives."
INSPECT_AGAIN = "Fix that, then run the doctor again."


def sentence(text: str) -> str:
    """Return a text as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def unread(error: str, effect: str = UNKNOWN_ARRIVAL) -> Result:
    """Report something that could not be read; *error* says why."""
    return Result(UNKNOWN, sentence(error), effect, INSPECT_AGAIN, (DOCTOR,))


def undecided(error: str) -> Result:
    """Report a target for which it cannot be decided what to deploy."""
    return Result(
        BROKEN, sentence(error), "It cannot be decided which findings to send from here.", INSPECT_AGAIN, (DOCTOR,)
    )


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
STACK_FOREIGN = Result(
    BROKEN,
    "A stack with this name exists, and is not managed by this collection.",
    NOTHING_ARRIVES,
    "Set securityhub_slack_name to another name, then run the playbook.",
    (DEPLOY,),
)
STACK_OUTDATED = Result(
    RISK,
    "The stack was deployed with other variables than those in the inventory now.",
    OTHER_FINDINGS,
    "Run the playbook to update it.",
    (DEPLOY,),
)

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


def drifted(problems: list[str], effect: str, *, loses: bool, remedy: str = "") -> Result:
    """Report resources that differ from the stack's template; *remedy* where the playbook cannot restore them."""
    problem = sentence("; ".join(problems))
    state = BROKEN if loses else RISK
    if remedy:
        return Result(state, problem, effect, sentence(remedy))
    return Result(state, problem, effect, "Run the playbook with drift repair to restore it.", (REPAIR,))


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


def channel_refused(error: str) -> Result:
    """Report why the channel cannot be configured as the inventory says."""
    return Result(BROKEN, sentence(error), NOTHING_ARRIVES, INSPECT_AGAIN, (DOCTOR,))


def identity_refused(error: str) -> Result:
    """Report a role or guardrail that is not managed by this collection."""
    effect = "It is not known what people may do from the channel."
    return Result(RISK, sentence(error), effect, INSPECT_AGAIN, (DOCTOR,))


def identity_changed(names: list[str]) -> Result:
    """Report a role or guardrail, or both, that are missing or changed."""
    return Result(
        RISK,
        f"{sentence(' and '.join(names)).rstrip('.')} of the channel do not exist, or were changed.",
        "Amazon Q may stop sending messages, or people may do more from the channel than they should.",
        "Run the playbook to restore them.",
        (DEPLOY,),
    )


def channel_disabled(reason: str) -> Result:
    """Report a channel configuration that is disabled."""
    return Result(
        BROKEN,
        f"The channel configuration is disabled{f' ({reason})' if reason else ''}.",
        NOTHING_ARRIVES,
        "Ask the organization's administrator to allow this channel in the chat applications policy (AWS "
        "Organizations, Policies).",
    )


def workspace_unauthorized(workspace_id: str) -> Result:
    """Report a Slack workspace that the account has not authorized."""
    return Result(
        BROKEN,
        f"The Slack workspace {workspace_id} is not authorized in this account, or no longer.",
        NOTHING_ARRIVES,
        f"Open {CONSOLE} in this account, choose Configure new client, then Slack, and allow it. AWS has no API for "
        "this.",
    )


def lost_in_slack(channel_id: str, arrived: int, failed: int, hours: int) -> Result:
    """Report messages that Amazon Q could not post."""
    return Result(
        RISK if arrived else BROKEN,
        f"Slack accepted {arrived} of {failed + arrived} messages to channel {channel_id} in the last {hours} h.",
        "Messages are lost between Amazon Q and Slack.",
        "Type /invite @Amazon Q in the channel, which private channels need, and check that the channel exists and is "
        "not archived. The log group /aws/chatbot/ in us-east-1 has the details.",
    )


def unsupported_events(count: int, hours: int) -> Result:
    """Report events that Amazon Q dropped because of their format."""
    return Result(
        RISK,
        f"Amazon Q dropped {count} events that it does not support in the last {hours} h.",
        "These messages did not arrive.",
        "Find the topic of the channel that carries anything but unmodified events. Those of this collection do not, "
        "as long as its rule targets and subscriptions are in order.",
    )


def throttled_events(count: int, hours: int) -> Result:
    """Report events that Amazon Q dropped because there were too many."""
    return Result(
        RISK,
        f"Amazon Q throttled {count} events in the last {hours} h. Its limit is 10 per second.",
        "These messages did not arrive.",
        "Send fewer findings: raise securityhub_slack_minimum_severity, or add suppressions.",
    )


def dead_letters(count: int) -> Result:
    """Report events in the dead-letter queue."""
    return Result(
        RISK,
        f"The dead-letter queue holds events that EventBridge could not deliver: {count}.",
        "These findings did not arrive.",
        "Read the attribute ERROR_MESSAGE of each message for the reason, and its body for the finding. Once the "
        "cause is fixed and the findings are known, purge the queue.",
    )


def failed_invocations(failed: int, invocations: int, hours: int) -> Result:
    """Report events that EventBridge could not deliver."""
    return Result(
        RISK,
        f"EventBridge could not deliver {failed} of {invocations} events in the last {hours} h.",
        "These findings did not arrive.",
        f"If all other checks are in order now, the cause is fixed: {SEND_ONE}",
    )


def failed_notifications(failed: int, hours: int) -> Result:
    """Report notifications that SNS could not deliver."""
    return Result(
        RISK,
        f"SNS could not deliver {failed} notifications in the last {hours} h.",
        "A subscriber of the topic missed them, which may or may not be Amazon Q.",
        f"Check who is subscribed to the topic, then {SEND_ONE}",
    )


REGION_UNCOVERED = Result(
    UNCOVERED,
    "Security Hub is enabled, and nothing is deployed.",
    "Findings of this region are not sent to Slack.",
    "Add the region to the inventory and run the playbook. To leave it out on purpose, add it with "
    "securityhub_slack_state: absent.",
    (DEPLOY,),
)


def regions_unread(error: str) -> Result:
    """Report an account whose regions could not be listed."""
    return unread(error, "It is not known whether other regions have findings that nothing sends.")
