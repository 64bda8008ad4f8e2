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
from typing import TYPE_CHECKING
from typing import Any

from .._aws import parallel
from .._migrate import apply
from .._migrate import plan
from .._migrate import survey
from .._migrate.survey import Leftovers
from .._pipeline import apply as deployment
from .._pipeline import report
from .._pipeline import run as pipelines
from .._pipeline.target import Target
from .._pipeline.target import healthy
from .._pipeline.target import note_failures
from .._report import migrate as migrate_report
from .context import Outcome

if TYPE_CHECKING:
    from .._migrate.plan import AccountMigration
    from .._migrate.plan import TargetMigration
    from .._pipeline.target import AccountRun
    from .context import Context

SPEC: dict[str, Any] = {}


def run(context: Context) -> Outcome:
    """Migrate the targets that are healthy; all problems are in the result."""
    started = time.monotonic()
    aws = context.aws
    accounts = pipelines.look(context.targets, context.unselected, aws, context.today)
    migrations = _plan(context, accounts)
    pipelines.prepare(context.targets, accounts, aws, diff=context.diff, today=context.today)
    if not context.check_mode:
        _apply(context, accounts, migrations)
    result = migrate_report.result(report.result(context.targets, accounts, diff=context.diff), migrations)
    traffic = report.traffic(aws.traffic.calls, aws.traffic.retries, time.monotonic() - started)
    lines = [
        *migrate_report.table(migrations, check=context.check_mode),
        *report.table(context.targets, accounts, traffic, check=context.check_mode),
        migrate_report.summary(result, check=context.check_mode),
    ]
    return Outcome(result, lines)


def _plan(context: Context, accounts: list[AccountRun]) -> list[AccountMigration]:
    """Return the migration of each account, and let its deployment know what that replaces and adopts."""
    leftovers = survey.read(context.aws, accounts)
    roles = parallel.each(lambda account: survey.roles(context.aws, account.settings), accounts)
    note_failures(roles)
    migrations = []
    for outcome in roles:
        account = outcome.item
        surveyed = [(target, leftovers.get(target.host, Leftovers())) for target in account.targets]
        migration = plan.account_migration(account, surveyed, outcome.value or [])
        for target, found in surveyed:
            target.superseded = found.topics
            target.refuse(*found.problems)
        account.configurations = migration.adopted_configurations()
        account.notices += migration.notices
        migrations.append(migration)
    return migrations


def _apply(context: Context, accounts: list[AccountRun], migrations: list[AccountMigration]) -> None:
    aws, targets = context.aws, [target for migration in migrations for target in migration.targets]

    def moved() -> list[TargetMigration]:
        return [target for target in targets if not target.target.error]

    _fail_accounts(apply.adopt_channels(aws, migrations))
    deployment.apply(aws, accounts, context.progress)
    _fail_targets(apply.delete_stacks(aws, moved(), context.progress))
    _fail_targets(apply.delete_orphans(aws, moved()))
    _fail_accounts(apply.delete_channels(aws, migrations))
    for migration in migrations:
        if any(planned.recreates_channel for target in migration.targets for planned in target.stacks):
            _recreate_channel(context, migration.account.targets)


def _recreate_channel(context: Context, targets: list[Target]) -> None:
    """Deploy again after a channel was deleted with its stack, so that the topics are in a channel again."""
    deployed = healthy(targets)
    again = [Target(target.settings) for target in deployed]
    # Targets that failed still count, like all targets that are left out of a run.
    failed = [Target(target.settings) for target in targets if target.error]
    pipelines.run(
        again,
        [*context.unselected, *failed],
        context.aws,
        check=False,
        diff=False,
        today=context.today,
        say=context.progress,
    )
    for target, second in zip(deployed, again):
        target.problems = second.problems


def _fail_targets(outcomes: list[parallel.Outcome[TargetMigration, None]]) -> None:
    note_failures([parallel.Outcome(outcome.item.target, error=outcome.error) for outcome in outcomes])


def _fail_accounts(outcomes: list[parallel.Outcome[AccountMigration, None]]) -> None:
    note_failures([parallel.Outcome(outcome.item.account, error=outcome.error) for outcome in outcomes])
