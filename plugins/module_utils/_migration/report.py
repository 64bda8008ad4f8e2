# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration found and did, or would do, for people and for programs: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws.sanitize import sanitize
from .._channel.transformations import configuration_name
from .._pipeline import report
from .._stack import states
from . import leftovers

if TYPE_CHECKING:
    from .leftovers import Stack
    from .plan import Channels
    from .plan import Migration
    from .run import Move

STACK = "stack"
CONFIGURATION = "channel configuration"
OPERATIONS = {
    states.WAIT: "wait until it is done",
    states.RESUME: "roll the failed update back",
    leftovers.SKIP: "finish the rollback",
    leftovers.RELEASE: "mark {stays} to be left behind",
    leftovers.DELETE: "delete",
    states.STUCK: "give up, since no way out of that state keeps {stays}",
    leftovers.RETAIN: "delete all but {stays}",
}
FATES = {
    leftovers.TAKE_OVER: "take over, with a role and a guardrail of this collection",
    leftovers.KEEP: "exchange its topics, and leave it to its owner",
    leftovers.GO: "delete, since it is for another Slack channel",
}

Leftover = dict[str, str]


def of_target(migration: Migration) -> list[Leftover]:
    """Return what one target has of the template: its kind, its name, the state of a stack, and what becomes of it."""
    found = [
        {"kind": STACK, "name": stack.name, "status": stack.status, "plan": _of_stack(migration, stack)}
        for stack in migration.found.stacks
    ]
    orphans = [
        {"kind": orphan.kind, "name": orphan.name, "status": "", "plan": "delete"} for orphan in migration.found.orphans
    ]
    return found + orphans


def _of_stack(migration: Migration, stack: Stack) -> str:
    stays = migration.stays(stack)
    if not stays and stack.status == "DELETE_FAILED":
        return OPERATIONS[leftovers.DELETE]
    named = " and ".join(sorted(stays))
    return ", then ".join(OPERATIONS[operation].format(stays=named) for operation in leftovers.path(stack, stays))


def of_channels(channels: Channels, migrations: list[Migration]) -> list[Leftover]:
    """Return the account's channels that come from the template, but for those of which nothing is to be done."""
    topics = {arn for item in migrations for arn in item.found.topics}
    held = {stack.configuration for item in migrations for stack in item.found.stacks}
    found = []
    for configuration in channels.account.configurations:
        arn = configuration["ChatConfigurationArn"]
        decided = channels.fates.get(arn, "")
        concerned = arn in held or topics & set(configuration.get("SnsTopicArns", []))
        if decided in (leftovers.TAKE_OVER, leftovers.GO) or (decided and concerned):
            found.append(
                {
                    "kind": CONFIGURATION,
                    "name": configuration_name(configuration),
                    "status": "",
                    "plan": FATES[decided],
                }
            )
    return found


def notices(migrations: list[Migration], roles: list[str]) -> list[str]:
    """Return what somebody should know beforehand. *roles*: that may be of the template, and that no stack holds."""
    found = [
        f"the stack {stack.name} in {item.target.host} is in {stack.status}, in which AWS deletes the channel with it: "
        f"that is made anew at once, and what is sent in between gets lost"
        for item in migrations
        for stack in item.found.stacks
        if item.loses_channel(stack)
    ]
    if roles:
        found.append(
            f"no stack in these regions holds what look like roles of the template of 2020 ({', '.join(roles)}): "
            f"delete them by hand if no stack in another region does"
        )
    return found


def table(move: Move, *, check: bool) -> list[str]:
    """Return the lines for a terminal of 80 columns: what there is of the template, and what becomes of it."""
    rows = []
    for item in move.migrations:
        for leftover in of_target(item):
            plan = "left as it is, see below" if item.target.error else leftover["plan"]
            rows += _row(item.target.host, leftover, plan)
    for channels in move.channels:
        for leftover in of_channels(channels, move.of(channels.account)):
            rows += _row(f"account {channels.account.account.id}", leftover, leftover["plan"])
    if not rows:
        return ["", "Nothing is left of AWS's template of 2020."]
    return ["", f"Of AWS's template of 2020 there {'is' if check else 'was'}:", *map(sanitize, rows)]


def _row(where: str, leftover: Leftover, plan: str) -> list[str]:
    status = f" ({leftover['status']})" if leftover["status"] else ""
    return [
        *report.wrapped(f"  {where}: {leftover['kind']} {leftover['name']}{status}"),
        *report.wrapped(f"    -> {plan}", indent=7),
    ]


def closing(outcome: dict[str, Any], *, check: bool) -> str:
    """Return the last line, which counts what there was of the template: the table before counts pipelines alone."""
    total = outcome["summary"]["leftovers"]
    staying = sum(len(target["leftovers"]) for target in outcome["targets"].values() if target["failed"])
    if not total:
        return "The template of 2020: nothing left."
    went = f"{report.count(total - staying, 'leftover')} {'would be' if check else 'were'} taken away or over"
    return f"The template of 2020: {went}" + (f", {staying} stay with the targets that failed." if staying else ".")


def result(move: Move, *, diff: bool) -> dict[str, Any]:
    """Return what the module returns: what the pipelines' run returns, and what there was of the template."""
    found = report.result([item.target for item in move.migrations], move.accounts, diff=diff)
    for item in move.migrations:
        target = found["targets"][item.target.host]
        target["leftovers"] = of_target(item)
        if target["leftovers"] and not target["failed"]:
            said = [f"{left['kind']} {left['name']}: {left['plan']}" for left in target["leftovers"]]
            target.update(changed=True, msg="; ".join([*target["changes"], *said]))
    for account, channels in zip(found["accounts"], move.channels):
        account["leftovers"] = of_channels(channels, move.of(channels.account))
    of_all = [*found["targets"].values(), *found["accounts"]]
    changed = sum(target["changed"] and not target["failed"] for target in found["targets"].values())
    summary = found["summary"]
    summary.update(
        changed=changed,
        unchanged=summary["targets"] - changed - summary["failed"],
        leftovers=sum(len(item["leftovers"]) for item in of_all),
    )
    found["changed"] = found["changed"] or any(item["leftovers"] and not item.get("failed") for item in of_all)
    return found
