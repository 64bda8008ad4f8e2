# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves accounts from AWS's template of 2020 to this collection. PRIVATE to the collection.

In this order, so that no finding is lost, and none is sent twice as far as AWS allows:

1. The new deployments are created. Nothing is subscribed to their topics yet.
2. One write to the channel replaces the template's topics with the new ones. Findings that are sent with the custom
   action arrive through the old topic before it, and through the new topic after it.
3. The template's stacks and other resources are deleted. The custom action and the channel stay.

The resources of a target that fails are kept, and continue to deliver.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._apply import fleet as deployment
from .._aws import errors
from .._aws import parallel
from .._migrate import apply
from .._migrate import plan
from .._migrate import survey
from .._model import outcome as outcomes
from .._model.snapshot import TargetSnapshot
from .._model.snapshot import healthy
from .._observe import fleet as observe
from .._plan import account as of_account
from .._plan import design
from .._report import deploy as deploy_report
from .._report import differences
from .._report import migrate as report
from . import deploy
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._migrate.apply import Failures
    from .._migrate.plan import AccountMigration
    from .._migrate.plan import TargetMigration
    from .._model.outcome import AccountOutcome
    from .._model.plan import AccountDesign
    from .._model.plan import AccountPlan
    from .._model.snapshot import AccountSnapshot
    from .context import Context

SPEC: dict[str, Any] = {}


def run(context: Context) -> Outcome:
    """Migrate all targets of the play; all problems are in the result."""
    started, aws, check = time.monotonic(), context.aws, context.check_mode
    fleet = observe.fleet(aws, context.targets, context.unselected, context.today)
    migrations = _migrations(context, fleet.accounts)
    designs = [_design(context, migration) for migration in migrations]
    plans = deploy.planned(aws, designs, diff=context.diff)
    done = [outcomes.unapplied(item) for item in plans] if check else _applied(context, migrations, plans)
    targets = outcomes.targets_of(fleet, done)
    result = report.result(targets, done, migrations, diff=context.diff)
    calls = deploy_report.traffic(aws.traffic.calls, aws.traffic.retries, time.monotonic() - started)
    return Outcome(
        result,
        [
            *report.table(migrations, failed=[target.host for target in targets if target.problems], check=check),
            report.summary(result, check=check),
            *deploy_report.table(targets, done, calls, check=check),
        ],
        failure=deploy_report.failure(targets),
        differences=differences.lines(result.get("differences", [])),
    )


def _migrations(context: Context, accounts: Sequence[AccountSnapshot]) -> list[AccountMigration]:
    leftovers = survey.read(context.aws, accounts)
    roles = parallel.each(lambda account: survey.roles(context.aws, account.settings), accounts)
    return [
        plan.account_migration(
            outcome.item.refused(*errors.sentences(outcome.error)) if outcome.error else outcome.item,
            leftovers,
            outcome.value or [],
        )
        for outcome in roles
    ]


def _design(context: Context, migration: AccountMigration) -> AccountDesign:
    """Return the design of the account, in which the topics of the template leave the channel."""
    designed = design.account(migration.snapshot, context.today)
    topics = {target.host: target.leftovers.topics for target in migration.targets}
    return replace(
        designed,
        targets=tuple(replace(target, replaced=topics[target.host]) for target in designed.targets),
        notices=(*migration.notices, *designed.notices),
    )


def _applied(context: Context, migrations: list[AccountMigration], plans: list[AccountPlan]) -> list[AccountOutcome]:
    aws, progress = context.aws, context.progress
    progress.now("Writing to AWS")
    failures = apply.adopt_channels(aws, [item for item, planned in zip(migrations, plans) if healthy(planned.targets)])
    done = deployment.fleet(aws, [_without(planned, failures) for planned in plans], progress)
    done = _failed(done, apply.delete_stacks(aws, _deployed(migrations, done), progress))
    done = _failed(done, apply.delete_orphans(aws, _deployed(migrations, done)))
    complete = [
        item for item, outcome in zip(migrations, done) if not any(target.problems for target in outcome.targets)
    ]
    done = _failed(done, apply.delete_channels(aws, complete))
    return [
        _deployed_again(context, outcome) if item.recreates_channel else outcome
        for item, outcome in zip(migrations, done)
    ]


def _without(planned: AccountPlan, failures: Failures) -> AccountPlan:
    """Return the plan without the targets that have failed."""
    targets = tuple(
        of_account.refused(target, *errors.sentences(failures[target.host])) if target.host in failures else target
        for target in planned.targets
    )
    return replace(planned, targets=targets)


def _failed(accounts: list[AccountOutcome], failures: Failures) -> list[AccountOutcome]:
    """Return the outcomes with the errors of the targets that have failed."""
    return [
        replace(
            account,
            targets=tuple(
                replace(target, problems=tuple(errors.sentences(failures[target.host])))
                if target.host in failures and not target.problems
                else target
                for target in account.targets
            ),
        )
        for account in accounts
    ]


def _deployed(migrations: list[AccountMigration], done: list[AccountOutcome]) -> list[TargetMigration]:
    """Return the targets that have not failed."""
    hosts = {target.host for account in done for target in healthy(account.targets)}
    return [target for item in migrations for target in item.targets if target.host in hosts]


def _deployed_again(context: Context, outcome: AccountOutcome) -> AccountOutcome:
    """Deploy again after a channel was deleted with its stack, so that the topics are in a channel again."""
    again = [TargetSnapshot(target.settings) for target in healthy(outcome.targets)]
    # Targets that failed still count, like all targets that are left out of a run.
    others = [TargetSnapshot(target.settings) for target in outcome.targets if target.problems]
    fleet = observe.fleet(context.aws, again, [*context.unselected, *others], context.today)
    plans = deploy.planned(context.aws, design.fleet(fleet, context.today).accounts)
    done = deployment.fleet(context.aws, plans, context.progress)
    problems = {target.host: target.problems for target in outcomes.targets_of(fleet, done)}
    targets = (replace(target, problems=problems.get(target.host, target.problems)) for target in outcome.targets)
    return replace(outcome, targets=tuple(targets))
