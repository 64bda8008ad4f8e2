# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment did, or would do: for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._aws.sanitize import sanitize_line
from .._channel.platforms import PLATFORMS
from .._channel.platforms import platform_of
from .._plan import channel as channels
from .._plan import recorded
from .._preflight import blockers
from .._resource.operation import Operation
from .._stack import live
from .._stack import states
from . import differences
from . import stack_changes
from .files import GENERATOR
from .text import LISTED_AT_MOST
from .text import WIDTH
from .text import count
from .text import each_once
from .text import failed_below
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from .._model.outcome import AccountOutcome
    from .._model.outcome import TargetOutcome
    from .._model.plan import ButtonsPlan
    from .._model.plan import IdentityPlan
    from .._model.plan import Merge
    from .._resource.shapes import Json

UNFINISHED = "The channel is only partly configured (see below). Rerun the playbook to continue."
# Of a channel configuration, by their name in the API of Slack or of Microsoft Teams.
SETTINGS = {
    "SlackTeamId": "workspace",
    "SlackChannelId": "channel",
    "TeamId": "team",
    "ChannelId": "channel",
    "LoggingLevel": "logging level",
    "UserAuthorizationRequired": "user authorization",
    "GuardrailPolicyArns": "guardrail policies",
}
# A policy that needs more columns gets a line of its own, beside which nothing else is shown.
POLICY_AT_MOST = WIDTH * 3 // 10


# For programs


def result(targets: Sequence[TargetOutcome], accounts: Sequence[AccountOutcome], *, diff: bool) -> Json:
    """Return the result of the module. *targets*: all of the run, in inventory order."""
    of_targets = {target.host: target_result(target) for target in targets}
    of_accounts = [account_result(account) for account in accounts]
    summary = _counts(targets)
    found: Json = {
        "changed": bool(summary["changed"]) or any(item["changed"] for item in of_accounts),
        "targets": of_targets,
        "accounts": of_accounts,
        "uncovered_regions": {
            account.account.id: list(account.plan.design.uncovered)
            for account in accounts
            if account.plan.design.uncovered
        },
        "summary": summary,
    }
    if diff:
        found["differences"] = differences.differences(targets, accounts)
    return found


def target_result(target: TargetOutcome) -> Json:
    """Return one target for the result.

    Ansible prints *msg* as it is, and a variable's value in it may have several lines, so all sentences are on one.
    """
    changes = target_changes(target)
    return {
        "account_id": target.account_id,
        "region": target.settings.region,
        "policy": target.policy,
        "changed": target.changed,
        "changes": changes,
        "failed": bool(target.problems),
        "problems": [sanitize_line(problem) for problem in target.problems],
        "msg": sanitize_line(target.error) or "; ".join(changes) or "nothing to change",
    }


def account_result(account: AccountOutcome) -> Json:
    """Return one account for the result."""
    return {
        "account_id": account.account.id,
        "changed": bool(account.channel and account.channel.changed),
        "changes": account_changes(account),
        "channels": _channels(account),
        "notices": [sanitize_line(notice) for notice in account.notices],
    }


def _channels(account: AccountOutcome) -> list[Json]:
    found = []
    for merge in account.channel.kept if account.channel else ():
        after = merge.plan.after or {}
        platform = platform_of(after)
        found.append(
            {
                "configuration": merge.name,
                "platform": platform.name,
                platform.team_variable: after[platform.team_id],
                "channel_id": after[platform.channel_id],
                "topics": after["SnsTopicArns"],
                "foreign": channels.is_foreign(merge),
            }
        )
    return found


def _counts(targets: Sequence[TargetOutcome]) -> dict[str, int]:
    failed = sum(bool(target.problems) for target in targets)
    changed = sum(target.changed and not target.problems for target in targets)
    return {
        "targets": len(targets),
        "changed": changed,
        "unchanged": len(targets) - failed - changed,
        "failed": failed,
    }


def failure(targets: Sequence[TargetOutcome]) -> str:
    """Return which targets have failed, '' for none. Their causes are in the table."""
    failed = [target.host for target in targets if target.problems]
    if not failed:
        return ""
    part = f"{len(failed):,} of " if len(failed) < len(targets) else ""
    return f"{part}{count(len(targets), 'target')} failed: {few_of(failed)}. The report above says why."


# The schema version of the result file: one more when a key changes its meaning or is removed, not when one is added.
SCHEMA = 1
KEYS_OF_FILE = ("changed", "summary", "targets", "accounts", "uncovered_regions", "canary")


def document(found: Json, finished: datetime.datetime) -> Json:
    """Return the content of the result file, from the result of the module."""
    return {
        "generator": GENERATOR,
        "schema": SCHEMA,
        "finished": finished.isoformat(timespec="seconds"),
        **{key: found[key] for key in KEYS_OF_FILE if key in found},
    }


# Changes, in words


def target_changes(target: TargetOutcome) -> list[str]:
    """Return what is written for one target."""
    details, steps = _stack_changes(target), _steps(target)
    # The stack is the last step.
    return [*steps[:-1], f"{steps[-1]} ({details})"] if details else steps


def _steps(target: TargetOutcome) -> list[str]:
    """Return what is written for one target, without what the update of its stack changes."""
    found = [] if target.action == Operation.NONE else [f"custom action: {target.action}"]
    found += _rule_changes(target)
    found += [f"repair: {drift}" for drift in target.repairs]
    operations = [operation for operation in target.stack if operation != Operation.WAIT]
    return found + ([f"stack: {', then '.join(operations)}"] if operations else [])


def _rule_changes(target: TargetOutcome) -> list[str]:
    """Return what is written of the automation rules that suppress findings."""
    planned = target.rules
    counts = (
        (len(planned.created), "created"),
        (len(planned.updated), "restored after a change by hand"),
        (len(planned.removed), "deleted"),
    )
    words = [f"{number} {verb}" for number, verb in counts if number]
    return [f"automation rules: {', '.join(words)}"] if words else []


def _stack_changes(target: TargetOutcome) -> str:
    """Return in words what the update of a stack changes, '' if it is replaced or does not say what it has."""
    if target.desired is None or Operation.UPDATE not in target.stack or Operation.DELETE in target.stack:
        return ""
    suppressions = recorded.suppressions(target.settings)
    return ", ".join(stack_changes.changes(target.live.stack, target.desired.stack, suppressions))


def _waits_for(target: TargetOutcome) -> str:
    """Return what an earlier run has started on the stack and not awaited, in words; '' for nothing."""
    status = live.status_of(target.live.stack)
    return f"stack: was {status} from an earlier run" if states.in_progress(status) else ""


def account_changes(account: AccountOutcome) -> list[str]:
    """Return what is written once for the account."""
    channel = account.channel
    if channel is None:
        return []
    found = [f"role {blockers.SERVICE_ROLE}: create"] if account.plan.creates_service_role else []
    found += _identity_changes(channel.identity)
    for merge in channel.merges:
        found += _merge_changes(merge)
    found += _button_changes(channel.buttons)
    found += _button_changes(channel.deleted_buttons)
    found += [f"configuration {removal.name}: delete" for removal in channel.deletions]
    return found + _identity_changes(channel.deleted_identity)


def _button_changes(planned: ButtonsPlan) -> list[str]:
    found = {Operation.DELETE: [action["ActionName"] for action in planned.removed]}
    for desired, of_button in planned.desired:
        found.setdefault(of_button.operation, []).append(desired.name)
    return [
        f"buttons {', '.join(names)}: {operation}"
        for operation, names in found.items()
        if names and operation != Operation.NONE
    ]


def _identity_changes(planned: IdentityPlan) -> list[str]:
    parts = (("guardrail", planned.guardrail), ("channel role", planned.role))
    return [f"{name}: {operation}" for name, operation in parts if operation != Operation.NONE]


def _merge_changes(merge: Merge) -> list[str]:
    if not merge.changed:
        return []
    before, after = (set((state or {}).get("SnsTopicArns", [])) for state in (merge.plan.before, merge.plan.after))
    counts = [
        f"{count(len(arns), 'topic')} {verb}"
        for arns, verb in ((after - before, "added"), (before - after, "removed"))
        if arns
    ]
    if merge.resubscribed:
        counts.append(f"{count(len(merge.resubscribed), 'topic')} subscribed again")
    operation = merge.plan.operation if merge.plan.changed else Operation.UPDATE
    details = [*_setting_changes(merge), *counts]
    return [f"configuration {merge.name}: {operation}" + (f" ({', '.join(details)})" if details else "")]


def _setting_changes(merge: Merge) -> list[str]:
    """Return what an update changes of the settings that people know, above all the channel."""
    before, after = merge.plan.before or {}, merge.plan.after or {}
    changed = [key for key in SETTINGS if key in before and key in after and before[key] != after[key]]
    return [
        f"{SETTINGS[key]} {before[key]} -> {after[key]}" if isinstance(after[key], str) else f"{SETTINGS[key]} changed"
        for key in changed
    ]


# For people


def table(
    targets: Sequence[TargetOutcome],
    accounts: Sequence[AccountOutcome],
    traffic: str,
    *,
    check: bool,
    proof: Sequence[str] = (),
    canary: str = "",
) -> list[str]:
    """Return the lines that end a run: every target, every channel, what happened, what to do next, what has failed.

    *proof*: the lines about the test findings of this run, if it has sent some. *canary*: the command that sends them.
    """
    lines = []
    for account in accounts:
        lines += ["", *wrapped(f"Account {account.account.id}" if account.unfinished else _channel_line(account))]
        lines += _rows(account.targets, check=check)
        changes = [UNFINISHED] if account.unfinished else account_changes(account)
        lines += [line for change in changes for line in wrapped(f"  {change}")]
        lines += notes(account.notices, "  ")
    unknown = [target for target in targets if not target.account_id]
    if unknown:
        lines += ["", "Targets whose account is unknown:", *_rows(unknown, check=check)]
    lines += ["", *proof, *wrapped(_summary(targets, accounts, check=check), indent=0), traffic]
    if check:
        would_change = any(target.changed for target in targets) or any(map(account_changes, accounts))
        lines += ["Next: to make these changes, run the same command without --check."] if would_change else []
    elif not proof:
        lines += _next_steps(accounts, canary)
    return lines + failed_below((target.host, problem) for target in targets for problem in target.problems)


def _channel_line(account: AccountOutcome) -> str:
    channel = "; ".join(
        f"{count(len(item['topics']), 'topic')} to {item['platform']} channel {item['channel_id']} "
        f"({item['configuration']})"
        for item in _channels(account)
    )
    return f"Account {account.account.id}" + (f": {channel}" if channel else "")


def _rows(targets: Sequence[TargetOutcome], *, check: bool) -> list[str]:
    shown = list(targets)
    if len(targets) > LISTED_AT_MOST:
        shown = [target for target in targets if target.changed or target.problems or _waits_for(target)]
    host_width = max([len("TARGET"), *(len(target.host) for target in shown)])
    policy_width = max([len("FORWARDS"), *(len(item.policy) for item in shown if len(item.policy) <= POLICY_AT_MOST)])
    lines = [f"  {'TARGET':{host_width}}  {'FORWARDS':{policy_width}}  {'WOULD CHANGE' if check else 'CHANGED'}"]
    for target in shown:
        words = [text for text in (_waits_for(target), *_steps(target)) if text]
        text = "FAILED, see below" if target.problems else "; ".join(words) or "-"
        cells = [f"{target.policy or '-':{policy_width}}  {text}"]
        if len(target.policy) > policy_width:
            cells = [target.policy] if text == "-" else [target.policy, text]
        lines += _row(target.host, host_width, cells)
    if len(shown) < len(targets):
        lines.append(f"  and {count(len(targets) - len(shown), 'target')} with nothing to change")
    return lines + each_once((target.host, _stack_changes(target)) for target in shown if not target.problems)


def _row(host: str, host_width: int, cells: list[str]) -> list[str]:
    # A host name that takes half the line leaves no room beside it.
    indent = 4 + host_width if host_width <= WIDTH // 2 else 4
    lines = wrapped(f"  {host:{host_width}}  {cells[0]}", indent)
    return lines + [line for cell in cells[1:] for line in wrapped(" " * indent + cell, indent)]


def _summary(targets: Sequence[TargetOutcome], accounts: Sequence[AccountOutcome], *, check: bool) -> str:
    of = _counts(targets)
    verb = "would change" if check else "changed"
    text = (
        f"{count(of['targets'], 'target')}: {of['changed']} {verb}, {of['unchanged']} unchanged, {of['failed']} failed."
    )
    changed = [account for account in accounts if account_changes(account) and (check or not account.unfinished)]
    if not changed:
        return text
    parts = list(dict.fromkeys(_part(change) for account in changed for change in account_changes(account)))
    return f"{text} {count(len(changed), 'account')} {verb} ({', '.join(parts)})."


def _part(change: str) -> str:
    """Return what of an account a change in words is about: channel, role, guardrail or buttons."""
    parts = {"configuration": "channel", "buttons": "buttons", "guardrail": "guardrail"}
    return parts.get(change.partition(":")[0].partition(" ")[0], "role")


def _next_steps(accounts: Sequence[AccountOutcome], canary: str) -> list[str]:
    if not any(account.connected for account in accounts):
        return []
    begun = [
        merge.desired
        for account in accounts
        if account.channel and account.connected
        for merge in account.channel.merges
        if merge.begins
    ]
    checks = ""
    for platform in PLATFORMS:
        ids = dict.fromkeys(desired.channel_id for desired in begun if desired.platform is platform)
        if ids:
            checks += f"{platform.check.format(channels=f'{platform.name} channel ' + ' or '.join(ids))}. Then "
    lines = wrapped(f"Next: {checks}send a test finding to prove that messages arrive:")
    # A command is not wrapped, so that it can be pasted.
    return [*lines, f"  {canary}"]


def traffic(calls: int, retries: int, seconds: float) -> str:
    """Return what the run cost, in one line."""
    return f"{count(calls, 'call')} to AWS, {retries:,} retried, in {seconds:.1f} s."
