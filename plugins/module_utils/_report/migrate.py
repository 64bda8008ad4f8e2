# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration found and changed, or would change, as lines and as a result: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._channel.transformations import configuration_name
from .._migrate import plan
from .._resource.operation import Operation
from . import deploy
from .text import count
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._migrate.plan import AccountMigration
    from .._migrate.plan import StackPlan
    from .._migrate.plan import TargetMigration
    from .._model.outcome import AccountOutcome
    from .._model.outcome import TargetOutcome
    from .._resource.shapes import Json

STACK_OPERATIONS = {
    Operation.WAIT: "wait until CloudFormation is done",
    Operation.RESUME: "roll the failed update back",
    Operation.STUCK: "stop: in this state AWS cannot retain {retained}",
    plan.CONTINUE_ROLLBACK: "complete the rollback",
    plan.SET_RETAIN: "set the deletion policy of {retained} to Retain",
    Operation.DELETE: "delete",
    plan.DELETE_RETAINING: "delete, but retain {retained}",
}
CHANNEL_OPERATIONS = {
    plan.ADOPT: "adopt, with a role and a guardrail policy of this collection",
    plan.REPLACE_TOPICS: "replace its topics, keep its other settings",
    Operation.DELETE: "delete, because it is for another Slack channel",
}


@dataclass(frozen=True)
class Leftover:
    """Something that is left of the template, and what is done with it. *status*: in CloudFormation, of a stack."""

    kind: str
    name: str
    plan: str
    status: str = ""


def _of_target(migration: TargetMigration) -> list[Leftover]:
    return [
        *(Leftover("stack", item.stack.name, _stack_plan(item), item.stack.status) for item in migration.stacks),
        *(Leftover(orphan.kind, orphan.name, "delete") for orphan in migration.leftovers.orphans),
    ]


def _of_account(migration: AccountMigration) -> list[Leftover]:
    return [
        Leftover("channel configuration", configuration_name(item.configuration), CHANNEL_OPERATIONS[item.operation])
        for item in migration.channels
    ]


def _stack_plan(planned: StackPlan) -> str:
    if not planned.retained and planned.steps == (plan.DELETE_RETAINING,):
        return STACK_OPERATIONS[Operation.DELETE]
    retained = " and ".join(sorted(planned.retained))
    return ", then ".join(STACK_OPERATIONS[step].format(retained=retained) for step in planned.steps)


def table(migrations: Sequence[AccountMigration], *, failed: Sequence[str], check: bool) -> list[str]:
    """Return the lines that show what there is of the template, and what is done with it. *failed*: hosts."""
    lines = []
    for migration in migrations:
        for target in migration.targets:
            for leftover in _of_target(target):
                planned = "left unchanged, see below" if target.host in failed else leftover.plan
                lines += _row(target.host, leftover, planned)
    for migration in migrations:
        for leftover in _of_account(migration):
            lines += _row(f"account {migration.snapshot.account.id}", leftover, leftover.plan)
    if not lines:
        return ["", "Nothing is left of AWS's template of 2020."]
    return ["", "Resources of AWS's template of 2020, and what " + ("would be done:" if check else "was done:"), *lines]


def _row(owner: str, leftover: Leftover, planned: str) -> list[str]:
    status = f" ({leftover.status})" if leftover.status else ""
    return [
        *wrapped(f"  {owner}: {leftover.kind} {leftover.name}{status}"),
        *wrapped(f"    -> {planned}", indent=7),
    ]


def summary(result: Json, *, check: bool) -> str:
    """Return the last line, which counts the leftovers of the template; the table before counts targets."""
    total = result["summary"]["leftovers"]
    if not total:
        return "Template of 2020: no leftovers."
    kept = sum(len(target["leftovers"]) for target in result["targets"].values() if target["failed"])
    moved = f"{count(total - kept, 'leftover')} {'would be' if check else 'were'} removed or adopted"
    return f"Template of 2020: {moved}" + (f", {kept} left with the targets that failed." if kept else ".")


def result(
    targets: Sequence[TargetOutcome],
    accounts: Sequence[AccountOutcome],
    migrations: Sequence[AccountMigration],
    *,
    diff: bool,
) -> Json:
    """Return the result of the module: that of the deployment, and what there was of the template."""
    deployment = deploy.result(targets, accounts, diff=diff)
    found = {target.host: _of_target(target) for item in migrations for target in item.targets}
    of_targets = [(target, found.get(target.host, [])) for target in targets]
    of_accounts = [_of_account(migration) for migration in migrations]
    healthy = [(target, leftovers) for target, leftovers in of_targets if not target.problems]
    changed = sum(target.changed or bool(leftovers) for target, leftovers in healthy)
    return {
        **deployment,
        "changed": deployment["changed"] or any(leftovers for _target, leftovers in healthy) or any(of_accounts),
        "targets": {target.host: _target_result(target, leftovers) for target, leftovers in of_targets},
        "accounts": [
            {**account, "leftovers": list(map(asdict, leftovers))}
            for account, leftovers in zip(deployment["accounts"], of_accounts)
        ],
        "summary": {
            **deployment["summary"],
            "changed": changed,
            "unchanged": len(healthy) - changed,
            "leftovers": sum(map(len, [*(leftovers for _target, leftovers in of_targets), *of_accounts])),
        },
    }


def _target_result(target: TargetOutcome, leftovers: list[Leftover]) -> Json:
    found = {**deploy.target_result(target), "leftovers": list(map(asdict, leftovers))}
    if target.problems or not leftovers:
        return found
    planned = [f"{item.kind} {item.name}: {item.plan}" for item in leftovers]
    return {**found, "changed": True, "msg": "; ".join([*deploy.target_changes(target), *planned])}
