# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks along the way of a finding, from its region to the Slack channel: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Callable

from .._aws.errors import UserError
from .._channel import metrics
from .._channel import transformations
from .._pipeline import desired
from .._pipeline import drift
from .._pipeline import given_keys
from .._pipeline import identity as identities
from .._pipeline import plan
from .._securityhub import action_target
from .._stack import states
from .verdicts import BROKEN
from .verdicts import RISK
from .verdicts import UNKNOWN
from .verdicts import Verdict
from .verdicts import fine
from .verdicts import nothing

if TYPE_CHECKING:
    from .._pipeline.drift import Drift
    from .cases import Case

RUN = "Run the playbook securityhub_slack.yml."
RUN_DEEP = "Run the playbook securityhub_slack.yml with -e securityhub_slack_repair_drift=true, which puts it back."
BRING = f"{plan.BRING[:1].upper()}{plan.BRING[1:]}."
LOOK_AGAIN = "Then let the doctor look again."
OPEN_THE_TOPIC = (
    "Have its owner let cloudwatch.amazonaws.com publish by its policy and, where it is encrypted, kms:Decrypt and "
    "kms:GenerateDataKey* by that of the key, which must not be one of AWS; or name another topic in "
    "securityhub_slack_alarm_topic_arn."
)
NOT_SENT = "No finding of this region reaches the channel."
NOT_KNOWN = "Whether findings of this region arrive is not known."


@dataclass(frozen=True)
class Check:
    """A part of the way: its name, the heading of its narrow column, its title, what is looked at, and how."""

    name: str
    heading: str
    title: str
    question: str
    judge: Callable[[Case], Verdict]


def examine(case: Case) -> dict[str, Verdict]:
    """Return a verdict for every check, in their order."""
    target = case.target
    if case.unread:
        unread = Verdict(UNKNOWN, case.unread, NOT_KNOWN, LOOK_AGAIN)
        return {**dict.fromkeys(NAMES, nothing("not looked at")), "region": unread}
    if target.wanted is not None:
        return {check.name: check.judge(case) for check in CHECKS}
    if target.error:
        undecided = Verdict(BROKEN, target.error, "What is to be sent from here cannot be told.", LOOK_AGAIN)
        return {**dict.fromkeys(NAMES, nothing("not looked at")), "region": undecided, "hub": _hub(case)}
    reason = target.sends or "shall have no pipeline"
    return {**dict.fromkeys(NAMES, nothing(reason)), "stack": _leftover(case) or nothing(reason)}


def _leftover(case: Case) -> Verdict | None:
    if not plan.is_ours(case.target.live.stack):
        return None
    return Verdict(
        RISK,
        "There is a pipeline, and by the inventory there should be none.",
        "Findings may be sent twice, or unasked for.",
        f"{RUN} {BRING}" if case.target.settings.stack_set else RUN,
    )


def _region(case: Case) -> Verdict:
    return fine(f"sends {case.target.sends}" if case.target.sends else "")


def _hub(case: Case) -> Verdict:
    if case.target.live.hub:
        return fine()
    return Verdict(
        BROKEN,
        "Security Hub is off.",
        "There are no findings of this region to send.",
        "Enable it (console, or the module secops.securityhub.securityhub_hub), or take the region out of the "
        "inventory.",
    )


def _action(case: Case) -> Verdict:
    live, wanted = case.target.live, case.target.wanted
    if not live.hub or wanted is None:
        return nothing()
    if live.action is None:
        return Verdict(BROKEN, "The custom action is gone.", "Nobody can send a finding by hand.", RUN)
    if action_target.changes(live.action, wanted.action):
        return Verdict(
            RISK, "The custom action has another name or description.", "People may not recognise it in the menu.", RUN
        )
    return fine()


# What a stack's status means where it does not stand.
STATUS = {
    "": (BROKEN, "There is no stack.", NOT_SENT),
    states.EMPTY: (BROKEN, "The stack is empty: a change set was made and never carried out.", NOT_SENT),
    "CREATE_FAILED": (BROKEN, "The stack could not be created.", NOT_SENT),
    "ROLLBACK_COMPLETE": (BROKEN, "The stack was rolled back when it was created.", NOT_SENT),
    "ROLLBACK_FAILED": (BROKEN, "The stack failed, and so did rolling it back.", NOT_SENT),
    "DELETE_FAILED": (BROKEN, "Somebody has tried to delete the stack, and something of it was left.", NOT_SENT),
    "UPDATE_FAILED": (RISK, "The last update of the stack failed.", "It still works by its former variables."),
    "UPDATE_ROLLBACK_FAILED": (
        RISK,
        "An update of the stack failed, and so did rolling it back.",
        "It may work by its former variables, or by half of the new ones.",
    ),
}


def _stack(case: Case) -> Verdict:
    if case.target.settings.stack_set:
        return _stack_of_set(case)
    status, stack = case.stack_status, case.target.live.stack
    if stack is not None and status != states.EMPTY and not plan.is_ours(stack):
        return Verdict(
            BROKEN,
            "A stack of this name is there, and was not made by this collection.",
            NOT_SENT,
            "Set securityhub_slack_name to a name of its own, and run the playbook securityhub_slack.yml.",
        )
    if status in STATUS:
        state, problem, effect = STATUS[status]
        return Verdict(state, problem, effect, f"{RUN} It repairs the stack, or says what keeps it from doing so.")
    if states.in_progress(status):
        return Verdict(RISK, f"The stack is in {status}.", "It is being changed at this moment.", LOOK_AGAIN)
    if not case.is_current:
        return Verdict(
            RISK,
            "The stack was made from other variables than the inventory holds now.",
            "Other findings are sent than the inventory says.",
            RUN,
        )
    return fine()


def _stack_of_set(case: Case) -> Verdict:
    why = plan.why_not_of_set(case.target.wanted, case.target.live.stack)
    if not why:
        return fine()
    stands = case.stack_status in states.STANDING
    return Verdict(
        RISK if stands else BROKEN,
        f"A stack set is to make the stack, and {why}.",
        "Other findings may be sent than the inventory says." if stands else NOT_SENT,
        BRING,
    )


def _along_the_path(
    case: Case, parts: tuple[str, ...], effect: Callable[[Drift], str], remedy: str = RUN_DEEP
) -> Verdict:
    """Judge parts of the way that only a deep survey sees."""
    if case.path_error:
        return Verdict(UNKNOWN, case.path_error, NOT_KNOWN, LOOK_AGAIN)
    if case.target.live.path is None:
        return nothing("there is no stack to hold it")
    found = case.drifts(*parts)
    if not found:
        return fine()
    losing = [item for item in found if item.loses]
    return Verdict(
        BROKEN if losing else RISK,
        _sentence("; ".join(str(item) for item in found)),
        effect((losing or found)[0]),
        remedy,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _rules(case: Case) -> Verdict:
    return _along_the_path(case, (drift.RULE,), _by_hand_or_by_itself)


def _targets(case: Case) -> Verdict:
    return _along_the_path(
        case,
        (drift.TARGET, drift.DEAD_LETTERS, drift.QUEUE),
        _effect_of_target,
    )


def _effect_of_target(item: Drift) -> str:
    if item.loses:
        return _by_hand_or_by_itself(item)
    if item.part == drift.TARGET:
        return "Findings are sent more often than once."
    return "What EventBridge cannot hand over is not kept, and no alarm tells of it."


def _by_hand_or_by_itself(item: Drift) -> str:
    if item.name.endswith("-action"):
        return "Findings that somebody sends by hand do not arrive."
    return "Findings that should be sent by themselves do not arrive, or not all of them."


def _topic(case: Case) -> Verdict:
    return _along_the_path(
        case,
        (drift.TOPIC, drift.POLICY),
        lambda item: NOT_SENT if item.loses else "Nobody is told when findings get lost.",
    )


def _encryption(case: Case) -> Verdict:
    live = case.target.live.path
    unread = [key.error for key in live.keys.values() if key.error] if live else []
    if unread:
        return Verdict(
            UNKNOWN,
            unread[0],
            "Whether EventBridge may use the key of the topic is not known.",
            "Grant kms:DescribeKey and kms:GetKeyPolicy on the key to the doctor, or ask whoever owns it.",
        )
    if case.drifts(drift.TOPIC):
        return nothing("there is no topic")
    return _along_the_path(
        case,
        (drift.ENCRYPTION, drift.OWN_KEY, drift.GIVEN_KEY),
        lambda item: NOT_SENT if item.loses else "Messages are kept otherwise than wanted, or alarms tell nobody.",
        _sentence(given_keys.REMEDY) if case.drifts(drift.GIVEN_KEY) else RUN_DEEP,
    )


def _subscription(case: Case) -> Verdict:
    if case.drifts(drift.TOPIC):
        return nothing("there is no topic")
    if case.drifts(drift.LISTENER) and _detached(case):
        return nothing("comes back with the topic in the channel")
    return _along_the_path(case, (drift.SUBSCRIPTION, drift.LISTENER), lambda item: NOT_SENT)


def _detached(case: Case) -> list[str]:
    """Return in words which Slack channels do not have a topic of the target."""
    target, account = case.target, case.account
    if target.wanted is None or account is None:
        return []
    found = []
    for channel, topic in target.wanted.topics:
        configuration = case.configuration_of(channel)
        if configuration is None:
            found.append(f"there is no channel configuration of Slack channel {channel.channel_id}")
        elif topic not in configuration.get("SnsTopicArns", []):
            name = transformations.configuration_name(configuration)
            found.append(f"the topic is not in the channel configuration {name}")
    return found


def _channel(case: Case) -> Verdict:
    detached = _detached(case)
    if case.channel_error:
        return Verdict(BROKEN, case.channel_error, NOT_SENT, LOOK_AGAIN)
    if detached:
        return Verdict(BROKEN, _sentence("; ".join(detached)), NOT_SENT, RUN)
    return _identity(case)


def _identity(case: Case) -> Verdict:
    target, account = case.target, case.account
    if target.account is None or account is None:
        return nothing()
    wanted = desired.identity(target.settings, target.account)
    if not any(found.get("IamRoleArn") == wanted.role_arn for found in account.configurations):
        return fine()  # a configuration of others has a role of others
    own_guardrail = not target.settings.value("guardrail_policy_arns")
    try:
        planned = identities.plan(wanted, account.identity, own_guardrail=own_guardrail)
    except UserError as error:
        return Verdict(RISK, str(error), "What people may do from the channel is not known.", LOOK_AGAIN)
    differing = [
        name for name, part in (("role", planned.role), ("guardrail", planned.guardrail)) if part != identities.NONE
    ]
    if not differing:
        return fine()
    return Verdict(
        RISK,
        f"The {' and the '.join(differing)} of the channel are gone, or not as this collection made them.",
        "Amazon Q may stop sending, or let people in the channel do more than they should.",
        RUN,
    )


def _chat(case: Case) -> Verdict:
    found = [item for item in (case.configuration_of(route.channel) for route in case.target.settings.routes) if item]
    disabled = [item.get("StateReason", "") for item in found if item.get("State") == "DISABLED"]
    if disabled:
        reason = f" ({disabled[0].rstrip('.')})" if disabled[0] else ""
        return Verdict(
            BROKEN,
            f"The channel is disabled{reason}.",
            NOT_SENT,
            "Let the organization's administrator allow this channel in the chatbot policy (AWS Organizations, "
            "Policies, Chat applications policies).",
        )
    if case.account_error:
        return Verdict(UNKNOWN, case.account_error, NOT_KNOWN, LOOK_AGAIN)
    workspace = case.target.settings.routes[0].channel.workspace_id
    if case.account_signs is not None and workspace not in case.account_signs.workspaces:
        return Verdict(
            BROKEN,
            f"The Slack workspace {workspace} is not authorised in this account, or not any more.",
            NOT_SENT,
            "Open https://us-east-2.console.aws.amazon.com/chatbot/home in this account, choose Configure new client, "
            "Slack, and allow it. AWS lets nobody automate this.",
        )
    return fine()


def _delivery(case: Case) -> Verdict:
    unread = case.signs_error or case.account_error
    if unread:
        return Verdict(UNKNOWN, unread, "What was delivered of late is not known.", LOOK_AGAIN)
    found = _lost_in_chat(case) or _undelivered(case) or _lost_in_region(case) or _silent_alarms(case)
    return found or fine(_arrived(case))


def _lost_in_chat(case: Case) -> Verdict | None:
    for route in case.target.settings.routes:
        configuration = case.configuration_of(route.channel)
        counts = case.metrics_of(configuration) if configuration else {}
        failed, arrived = counts.get(metrics.FAILED, 0), counts.get(metrics.DELIVERED, 0)
        if failed:
            return Verdict(
                RISK if arrived else BROKEN,
                f"Slack took {arrived} of {failed + arrived} messages to channel {route.channel.channel_id} within "
                f"the last {case.window}.",
                "Messages get lost on their way from Amazon Q to Slack.",
                "Type /invite @Amazon Q in the channel, which is needed in a private one; and see that the channel is "
                "there and not archived. Amazon Q's log group /aws/chatbot/ in us-east-1 tells more.",
            )
        for metric, words, remedy in SILENT_LOSSES:
            if counts.get(metric):
                return Verdict(RISK, words.format(counts[metric], case.window), "Those messages were dropped.", remedy)
    return None


SILENT_LOSSES = (
    (
        metrics.UNSUPPORTED,
        "Amazon Q did not understand {} events within the last {}.",
        "See which topics of the channel carry something else than unchanged events; that of this collection is not "
        "changed as long as targets and subscription are in order.",
    ),
    (
        metrics.THROTTLED,
        "Amazon Q held {} events back within the last {}: it takes ten a second.",
        "Let fewer findings through: raise securityhub_slack_minimum_severity, or suppress what nobody needs to see.",
    ),
)


def _undelivered(case: Case) -> Verdict | None:
    waiting = case.target.live.path.undelivered if case.target.live.path else 0
    if not waiting:
        return None
    return Verdict(
        RISK,
        f"Events that EventBridge could not hand over wait in the dead-letter queue: {waiting}.",
        "Those findings did not arrive.",
        "The attribute ERROR_MESSAGE of each message says why, and its body is the finding. When that is mended, and "
        "everybody knows what was missed, purge the queue.",
    )


def _silent_alarms(case: Case) -> Verdict | None:
    found = case.drifts(drift.ALARM, drift.TOLD)
    if not found:
        return None
    problem = _sentence("; ".join(str(item) for item in found))
    remedy = OPEN_THE_TOPIC if case.drifts(drift.TOLD) else RUN_DEEP
    return Verdict(RISK, problem, "Nobody is told when findings get lost.", remedy)


def _lost_in_region(case: Case) -> Verdict | None:
    signs = case.signs
    if signs is None:
        return None
    if signs.failed_invocations:
        return Verdict(
            RISK,
            f"EventBridge could not hand over {signs.failed_invocations} of {signs.invocations} events within the last "
            f"{case.window}.",
            "Those findings did not arrive.",
            "If the other checks are in order now, whatever it was is mended: send a finding with the custom action to "
            "see it arrive.",
        )
    if signs.failed_deliveries:
        return Verdict(
            RISK,
            f"SNS could not deliver {signs.failed_deliveries} notifications within the last {case.window}.",
            "A subscriber of the topic has missed them; it need not be Amazon Q.",
            "See who is subscribed to the topic; send a finding with the custom action to see it arrive.",
        )
    return None


def _arrived(case: Case) -> str:
    return f"{case.signs.delivered} delivered within the last {case.window}" if case.signs else ""


CHECKS = (
    Check("region", "REG", "Region", "credentials lead there, and the variables make sense", _region),
    Check("hub", "HUB", "Security Hub", "is on", _hub),
    Check("action", "ACT", "Custom action", "is in the console's menu", _action),
    Check("stack", "STK", "Stack", "stands, and was made from the variables as they are now", _stack),
    Check("rules", "RUL", "Rules", "are enabled, with the patterns of the stack", _rules),
    Check("targets", "TGT", "Targets", "are the topic, get the event unchanged, and keep what gets lost", _targets),
    Check("topic", "TOP", "Topic", "is there, and its policy lets EventBridge in", _topic),
    Check("encryption", "KEY", "Encryption", "is with a key that EventBridge may use", _encryption),
    Check("subscription", "SUB", "Subscription", "of Amazon Q is confirmed, unfiltered and not raw", _subscription),
    Check("channel", "CHN", "Channel", "configuration carries the topic; role and guardrail are ours", _channel),
    Check("chat", "APP", "Chat app", "is authorised in the workspace, and not disabled", _chat),
    Check("delivery", "DEL", "Delivery", "has lost nothing of late, and alarms would tell", _delivery),
)
NAMES = tuple(check.name for check in CHECKS)
