# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, or would do, for people and for programs: pure. PRIVATE to the collection."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING
from typing import Any

from .._aws.sanitize import sanitize
from .._aws.sanitize import sanitize_line
from .._channel.platforms import SLACK
from .._stack import states
from . import channels
from . import differences
from . import obstacles
from . import plan

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from .identity import IdentityPlan
    from .target import AccountRun
    from .target import Target
    from .triage import ButtonsPlan

WIDTH = 80


def target_result(target: Target) -> dict[str, Any]:
    """Return one target for the registered result."""
    return {
        "account_id": target.account_id,
        "region": target.settings.region,
        "policy": target.sends,
        "changed": target.plan.changed,
        "changes": changes_of(target),
        "failed": bool(target.error),
        "problems": [sanitize_line(problem) for problem in target.problems],
        "msg": sanitize_line(target.error) or "; ".join(changes_of(target)) or "nothing to change",
    }


def changes_of(target: Target) -> list[str]:
    """Return what is written for one target, in words."""
    found = [] if target.plan.action == plan.NONE else [f"custom action: {target.plan.action}"]
    found += [f"repair: {drift}" for drift in target.plan.repairs]
    operations = [operation for operation in target.plan.stack if operation != states.WAIT]
    return found + ([f"stack: {', then '.join(operations)}"] if operations else [])


def account_result(account: AccountRun) -> dict[str, Any]:
    """Return one account for the registered result."""
    return {
        "account_id": account.account.id,
        "changed": bool(account.plan and account.plan.changed),
        "changes": channel_changes(account),
        "channels": _channels(account),
        "notices": [sanitize_line(notice) for notice in account.notices],
    }


def notices(accounts: Iterable[AccountRun]) -> list[str]:
    """Return what is worth saying of the accounts, in a report without one for each: each once."""
    return list(dict.fromkeys(notice for account in accounts for notice in account.notices))


def channel_changes(account: AccountRun) -> list[str]:
    """Return what is written for the account's channels, in words."""
    if account.plan is None:
        return []
    found = [f"role {obstacles.SERVICE_ROLE}: create"] if account.makes_service_role else []
    found += _identity_changes(account.plan.identity)
    for merge in account.plan.merges:
        found += _merge_changes(merge)
    found += _button_changes(account.plan.buttons)
    found += _button_changes(account.plan.parting)
    found += [f"configuration {removal.name}: delete" for removal in account.plan.closing]
    return found + _identity_changes(account.plan.farewell)


def _button_changes(planned: ButtonsPlan) -> list[str]:
    found = {plan.DELETE: [action["ActionName"] for action in planned.leaving]}
    for desired, of_button in planned.wanted:
        found.setdefault(of_button.operation, []).append(desired.name)
    return [
        f"buttons {', '.join(names)}: {operation}"
        for operation, names in found.items()
        if names and operation != plan.NONE
    ]


def _identity_changes(planned: IdentityPlan) -> list[str]:
    parts = (("guardrail", planned.guardrail), ("channel role", planned.role))
    return [f"{what}: {operation}" for what, operation in parts if operation != plan.NONE]


def _merge_changes(merge: channels.Merge) -> list[str]:
    if not merge.changed:
        return []
    before, after = (set((state or {}).get("SnsTopicArns", [])) for state in (merge.plan.before, merge.plan.after))
    counts = [
        f"{len(arns)} topic{'s' if len(arns) > 1 else ''} {verb}"
        for arns, verb in ((after - before, "in"), (before - after, "out"))
        if arns
    ]
    if merge.resubscribed:
        counts.append(f"subscribe again to {count(len(merge.resubscribed), 'topic')}")
    operation = merge.plan.operation if merge.plan.changed else plan.UPDATE
    return [f"configuration {merge.name}: {operation}" + (f" ({', '.join(counts)})" if counts else "")]


def _channels(account: AccountRun) -> list[dict[str, Any]]:
    found = []
    for merge in account.plan.staying if account.plan else ():
        after = merge.plan.after or {}
        found.append(
            {
                "configuration": merge.name,
                "workspace_id": after[SLACK.team_id],
                "channel_id": after[SLACK.channel_id],
                "topics": after["SnsTopicArns"],
                "foreign": channels.foreign(merge),
            }
        )
    return found


def table(targets: list[Target], accounts: list[AccountRun], traffic: str, *, check: bool) -> list[str]:
    """Return the lines that end a run: every target, every channel, what happened, and what to do next."""
    lines = []
    for account in accounts:
        stopped = not check and _stopped(account)
        lines += ["", *wrapped(f"Account {account.account.id}" if stopped else _channel_line(account))]
        lines += _rows(account.targets, check=check)
        changes = [UNFINISHED] if stopped else channel_changes(account)
        lines += [line for change in changes for line in wrapped(f"  {change}")]
        lines += [line for notice in account.notices for line in wrapped(f"  Note: {notice}")]
    unknown = [target for target in targets if not target.account_id]
    if unknown:
        lines += ["", "Targets whose account is not known:", *_rows(unknown, check=check)]
    lines += _failures(targets)
    lines += ["", _summary(targets, check=check), traffic, *_next_steps(accounts, check=check)]
    return [sanitize(line) for line in lines]


UNFINISHED = "The channel is not all as planned: see below. The next run goes on from there."


def _stopped(account: AccountRun) -> bool:
    """Return whether the channel was to change, and could not: all targets fail then, as without it nothing arrives."""
    return bool(account.plan and account.plan.changed) and all(target.error for target in account.targets)


# More unchanged targets than this are counted, not listed.
LISTED_AT_MOST = 40
# What a target sends is given so much room beside what happened to it; whatever needs more gets lines of its own.
SENDS_AT_MOST = 24


def _channel_line(account: AccountRun) -> str:
    places = [
        f"{count(len(item['topics']), 'topic')} to Slack channel {item['channel_id']} ({item['configuration']})"
        for item in _channels(account)
    ]
    return f"Account {account.account.id}" + (f": {'; '.join(places)}" if places else "")


def _rows(targets: list[Target], *, check: bool) -> list[str]:
    shown = targets
    if len(targets) > LISTED_AT_MOST:
        shown = [target for target in targets if target.plan.changed or target.error]
    host_width = max([len("TARGET"), *(len(target.host) for target in shown)])
    sends_width = max([len("SENDS"), *(len(target.sends) for target in shown if len(target.sends) <= SENDS_AT_MOST)])
    lines = [f"  {'TARGET':{host_width}}  {'SENDS':{sends_width}}  {'WOULD CHANGE' if check else 'CHANGED'}"]
    for target in shown:
        text = "FAILED, see below" if target.error else "; ".join(changes_of(target)) or "-"
        cells = [f"{target.sends or '-':{sends_width}}  {text}"]
        if len(target.sends) > sends_width:
            cells = [target.sends] if text == "-" else [target.sends, text]
        lines += _row(target.host, host_width, cells)
    if len(shown) < len(targets):
        lines.append(f"  and {count(len(targets) - len(shown), 'target')} with nothing to change")
    return lines


def _row(host: str, host_width: int, cells: list[str]) -> list[str]:
    # A host name that takes half the line would leave no room beside it.
    indent = 4 + host_width if host_width <= WIDTH // 2 else 4
    lines = wrapped(f"  {host:{host_width}}  {cells[0]}", indent)
    return lines + [line for cell in cells[1:] for line in wrapped(" " * indent + cell, indent)]


def _failures(targets: list[Target]) -> list[str]:
    """Return each cause once, with the targets that it stopped."""
    stopped = _by_cause((target.host, problem) for target in targets for problem in target.problems)
    lines = ["", "Failed:"] if stopped else []
    for problem, hosts in stopped.items():
        lines += wrapped(f"  {differences.few_of(hosts)}: {problem}")
    return lines


def wrapped(line: str, indent: int = 4) -> list[str]:
    """Return *line* in as many as a terminal of 80 columns needs, all but the first with *indent*."""
    return textwrap.wrap(line, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def failed(errors: dict[str, str]) -> list[str]:
    """Return the lines that tell of failures, given by host, in a report without a table; each cause once."""
    stopped = _by_cause(errors.items())
    return [
        line for error, hosts in stopped.items() for line in wrapped(f"FAILED: {differences.few_of(hosts)}: {error}")
    ]


def _by_cause(failures: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the hosts that each cause has stopped, given hosts with a cause each."""
    stopped: dict[str, list[str]] = {}
    for host, cause in failures:
        stopped.setdefault(cause, []).append(host)
    return stopped


def _summary(targets: list[Target], *, check: bool) -> str:
    of = _counts(targets)
    verb = "would change" if check else "changed"
    return (
        f"{count(of['targets'], 'target')}: {of['changed']} {verb}, {of['unchanged']} unchanged, {of['failed']} failed."
    )


def _counts(targets: list[Target]) -> dict[str, int]:
    failed = sum(bool(target.error) for target in targets)
    changed = sum(target.plan.changed and not target.error for target in targets)
    unchanged = len(targets) - failed - changed
    return {"targets": len(targets), "changed": changed, "unchanged": unchanged, "failed": failed}


def count(number: int, noun: str) -> str:
    """Return the number with its noun, in the singular or the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _next_steps(accounts: list[AccountRun], *, check: bool) -> list[str]:
    created = [
        merge.desired.channel_id
        for account in accounts
        if account.plan and not all(target.error for target in account.targets)
        for merge in account.plan.merges
        if merge.plan.operation == "create"
    ]
    if check or not created:
        return []
    return wrapped(
        f"Next: if Slack channel {', '.join(dict.fromkeys(created))} is private, type /invite @Amazon Q in it; "
        f"nothing arrives before."
    )


def traffic(calls: int, retries: int, seconds: float) -> str:
    """Return what the run cost, in one line."""
    return f"{count(calls, 'call')} to AWS, {retries:,} retried, in {seconds:.1f} s."


# Ansible runs a task for each host that is told of; 1,700 of them took three times as long as deploying them did.
CHANGED_TOLD_AT_MOST = 100


def _eventful(of_targets: dict[str, dict[str, Any]]) -> list[str]:
    """Return the hosts that a run tells of under their own name: all that failed; those that changed, if not many."""
    changed = sum(item["changed"] and not item["failed"] for item in of_targets.values())
    few = changed <= CHANGED_TOLD_AT_MOST
    return [host for host, item in of_targets.items() if item["failed"] or (few and item["changed"])]


def result(targets: list[Target], accounts: list[AccountRun], *, diff: bool) -> dict[str, Any]:
    """Return what the module returns."""
    of_targets = {target.host: target_result(target) for target in targets}
    of_accounts = [account_result(account) for account in accounts]
    summary = _counts(targets)
    found: dict[str, Any] = {
        "changed": bool(summary["changed"]) or any(item["changed"] for item in of_accounts),
        "targets": of_targets,
        "eventful": _eventful(of_targets),
        "accounts": of_accounts,
        "uncovered_regions": {
            account.account.id: list(account.without_pipeline) for account in accounts if account.without_pipeline
        },
        "summary": summary,
    }
    if diff:
        found["diff"] = differences.differences(targets, accounts)
    return found


# Of the document; one more when a key changes its meaning or goes. A new key is no new schema.
SCHEMA = 1
OF_THE_DOCUMENT = ("changed", "summary", "targets", "accounts", "uncovered_regions")


def document(outcome: dict[str, Any], finished: datetime.datetime, *, check: bool) -> dict[str, Any]:
    """Return what came of a run as the file for programs holds it, from what the module returns."""
    return {
        "schema": SCHEMA,
        "finished": finished.isoformat(timespec="seconds"),
        "check": check,
        **{key: outcome[key] for key in OF_THE_DOCUMENT},
    }
