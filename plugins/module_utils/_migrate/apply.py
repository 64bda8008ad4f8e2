# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes of a migration, before and after the deployment, for all targets in parallel. PRIVATE to the collection.

Each function returns the error of each host for which it failed; the others go on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .._apply import stacks
from .._aws import parallel
from .._aws.errors import UserError
from .._observe import accounts as observe
from .._resource.operation import Operation
from .._resource.tags import MANAGED_TAG
from .._services import chatbot
from .._services import cloudformation
from .._services import events
from .._services import lambda_functions
from .._services import securityhub
from .._services import sns
from .._stack import states
from . import messages
from . import plan
from . import signature
from . import survey

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

    from .._aws.clients import Clients
    from .._aws.progress import Progress
    from .._model.settings import Settings
    from .plan import AccountMigration
    from .plan import StackPlan
    from .plan import TargetMigration
    from .survey import Call
    from .survey import Orphan
    from .survey import Stack

Failures = dict[str, Exception]


def adopt_channels(aws: Clients, accounts: Iterable[AccountMigration]) -> Failures:
    """Tag the adopted channels, so that later runs know them as managed; the deployment does the rest."""
    return _in_accounts(partial(_adopt_channels, aws), accounts)


def _adopt_channels(aws: Clients, migration: AccountMigration) -> None:
    settings = migration.snapshot.settings
    for arn in migration.channels_to(plan.ADOPT):
        observe.call_chatbot(aws, settings, chatbot.change_tags, arn, {MANAGED_TAG: settings.name})


def _in_accounts(work: Callable[[AccountMigration], None], accounts: Iterable[AccountMigration]) -> Failures:
    """Do *work* in each account; if it raises, all targets of the account fail."""
    return {
        target.host: outcome.error
        for outcome in parallel.each(work, accounts)
        if outcome.error is not None
        for target in outcome.item.targets
    }


@dataclass(frozen=True)
class _Deletion:
    """The progress of deleting one stack. *live*: as last read, None once it is deleted. *is_fresh*: in this round."""

    settings: Settings
    planned: StackPlan
    call: Call
    live: Stack | None
    done: tuple[str, ...] = ()
    error: Exception | None = None
    finished: bool = False
    is_fresh: bool = True


def delete_stacks(aws: Clients, targets: Iterable[TargetMigration], progress: Progress) -> Failures:
    """Delete the targets' stacks, whatever state they are in."""
    deletions = [
        _Deletion(target.snapshot.settings, planned, _call(aws, target), planned.stack)
        for target in targets
        for planned in target.stacks
    ]
    if deletions:
        progress(f"Deleting stacks of the template of 2020: {len(deletions)}")
    done = stacks.in_rounds(deletions, _advanced, progress)
    return {item.settings.host: item.error for item in done if item.error is not None}


def _call(aws: Clients, target: TargetMigration) -> Call:
    settings = target.snapshot.settings
    return aws.access(settings.source, settings.region).call


def _advanced(work: _Deletion, started: float) -> _Deletion:
    """Read the stack, unless it was just read, and start the operation that it needs next, if any."""
    live = work.live if work.is_fresh else _read(work)
    work = replace(work, live=live, is_fresh=False)
    if live is None:
        return replace(work, finished=True)
    operation = plan.next_operation(
        live.status, retains=signature.retains(live.template, work.planned.retained), tried=frozenset(work.done)
    )
    if operation == Operation.STUCK:
        reason = states.first_failure(work.call("cloudformation", cloudformation.stack_events, live.name))
        raise UserError(messages.cannot_be_deleted(live, reason))
    if operation != Operation.WAIT:
        try:
            _start(work, live, operation)
            return replace(work, done=(*work.done, operation))
        except cloudformation.Busy:
            pass  # another operation is in progress, which the next round waits for
    limit = work.settings.value("stack_timeout")
    if time.monotonic() - started > limit:
        raise UserError(messages.still_in_progress(live, limit))
    return work


def _read(work: _Deletion) -> Stack | None:
    live = work.call("cloudformation", cloudformation.describe_stack, work.planned.stack.name)
    return survey.read_stack(work.call, live) if live and live["StackStatus"] != "DELETE_COMPLETE" else None


def _start(work: _Deletion, live: Stack, operation: str) -> None:
    if operation == plan.SET_RETAIN:
        template = signature.retaining(live.template, work.planned.retained)
        work.call("cloudformation", cloudformation.replace_template, live.name, template, live.parameters)
    elif operation == Operation.RESUME:
        work.call("cloudformation", cloudformation.rollback_stack, live.name)
    elif operation == plan.CONTINUE_ROLLBACK:
        work.call("cloudformation", cloudformation.continue_update_rollback, live.name, live.failed)
    elif operation == Operation.DELETE:
        # CloudFormation would call the function for the custom resource. It would hang, or delete the custom action.
        is_called = signature.CUSTOM_RESOURCE in live.resources and live.status in plan.ONLY_DELETABLE_WHOLE
        if is_called and live.resources.get(signature.LAMBDA) == signature.FUNCTION:
            work.call("lambda", lambda_functions.delete_function, signature.FUNCTION)
        work.call("cloudformation", cloudformation.delete_stack, live.name)
    else:
        failed = live.failed if operation == plan.DELETE_RETAINING_FAILED else ()
        # CloudFormation does not accept resources that are already deleted.
        retained = sorted(work.planned.retained.union(failed).intersection(live.resources))
        work.call("cloudformation", cloudformation.delete_stack, live.name, retain=tuple(retained))


def delete_orphans(aws: Clients, targets: Iterable[TargetMigration]) -> Failures:
    """Delete the resources that no stack has."""
    outcomes = parallel.each(lambda target: _delete_orphans(_call(aws, target), target.leftovers.orphans), targets)
    return {outcome.item.host: outcome.error for outcome in outcomes if outcome.error is not None}


def _delete_orphans(call: Call, orphans: tuple[Orphan, ...]) -> None:
    for orphan in orphans:
        if orphan.kind == survey.RULE:
            call("events", events.remove_targets, orphan.name, [signature.RULE_TARGET_ID])
            call("events", events.delete_rule, orphan.name)
        elif orphan.kind == survey.TOPIC:
            call("sns", sns.delete_topic, orphan.name)
        elif orphan.kind == survey.FUNCTION:
            call("lambda", lambda_functions.delete_function, orphan.name)
        else:
            call("securityhub", securityhub.delete_action_target, orphan.name)


def delete_channels(aws: Clients, accounts: Iterable[AccountMigration]) -> Failures:
    """Delete the configurations of other Slack channels that no stack deleted and that have no topics any more."""
    return _in_accounts(partial(_delete_channels, aws), accounts)


def _delete_channels(aws: Clients, migration: AccountMigration) -> None:
    settings, unneeded = migration.snapshot.settings, migration.channels_to(Operation.DELETE)
    if not unneeded:
        return
    for item in observe.call_chatbot(aws, settings, chatbot.describe_slack_channel_configurations):
        arn = item["ChatConfigurationArn"]
        if arn in unneeded and not item.get("SnsTopicArns"):
            observe.call_chatbot(aws, settings, chatbot.delete_slack_channel_configuration, arn)
