# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes of a migration, before and after the deployment, for all targets together. PRIVATE to the collection.

Each function returns an outcome for each of its items; one that fails does not stop the others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from .._aws import parallel
from .._aws.errors import UserError
from .._channel import plans
from .._channel.transformations import boto3_tags
from .._pipeline import stacks
from .._pipeline.target import healthy
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
    from .._aws.parallel import Outcome
    from .._pipeline.settings import Settings
    from .plan import AccountMigration
    from .plan import StackPlan
    from .plan import TargetMigration
    from .survey import Call
    from .survey import Orphan
    from .survey import Stack


def adopt_channels(aws: Clients, accounts: list[AccountMigration]) -> list[Outcome[AccountMigration, None]]:
    """Tag the adopted channels, so that later runs know them as managed; the deployment does the rest."""
    return parallel.each(partial(_adopt_channels, aws), accounts)


def _adopt_channels(aws: Clients, migration: AccountMigration) -> None:
    settings = migration.account.settings
    if not healthy(migration.account.targets):
        return
    for item in migration.channels_to(plan.ADOPT):
        tags = boto3_tags({plans.MANAGED_TAG: settings.name})
        _chatbot(aws, settings)(chatbot.tag_resource, item["ChatConfigurationArn"], tags)


def _chatbot(aws: Clients, settings: Settings) -> Call:
    return partial(aws.call, settings.source, settings.value("chatbot_region"), "chatbot")


@dataclass
class _Deletion:
    """The progress of deleting one stack. *live*: as last read, None once it is deleted."""

    target: TargetMigration
    planned: StackPlan
    call: Call
    live: Stack | None
    done: list[str] = field(default_factory=list)
    error: Exception | None = None
    finished: bool = False
    fresh: bool = True  # *live* was read in this round

    @property
    def settings(self) -> Settings:
        """Return the target's settings."""
        return self.target.target.settings


def delete_stacks(
    aws: Clients, targets: Iterable[TargetMigration], progress: Callable[[str], None]
) -> list[Outcome[TargetMigration, None]]:
    """Delete the targets' stacks, whatever state they are in."""
    deletions = [
        _Deletion(target, planned, _call(aws, target), planned.stack) for target in targets for planned in target.stacks
    ]
    if deletions:
        progress(f"Deleting stacks of the template of 2020: {len(deletions)}")
    stacks.in_rounds(deletions, _advance, progress)
    return [parallel.Outcome(item.target, error=item.error) for item in deletions]


def _call(aws: Clients, target: TargetMigration) -> Call:
    settings = target.target.settings
    return partial(aws.call, settings.source, settings.region)


def _advance(work: _Deletion, started: float) -> None:
    """Read the stack (unless it was just read) and start the operation that it needs next, if any."""
    if not work.fresh:
        live = work.call("cloudformation", cloudformation.describe_stack, work.planned.stack.name)
        deleted = live is None or live["StackStatus"] == "DELETE_COMPLETE"
        work.live = None if deleted else survey.read_stack(work.call, live)
    work.fresh = False
    if work.live is None:
        work.finished = True
        return
    operation = plan.next_operation(
        work.live.status,
        retains=signature.retains(work.live.template, work.planned.retained),
        tried=frozenset(work.done),
    )
    if operation == states.STUCK:
        reason = states.first_failure(work.call("cloudformation", cloudformation.stack_events, work.live.name))
        raise UserError(messages.cannot_be_deleted(work.live, reason))
    if operation != states.WAIT:
        try:
            _start(work, work.live, operation)
        except cloudformation.Busy:
            pass  # another operation is in progress: the next round waits for it
        else:
            work.done.append(operation)
            return
    limit = work.settings.value("stack_timeout")
    if time.monotonic() - started > limit:
        raise UserError(messages.still_in_progress(work.live, limit))


def _start(work: _Deletion, live: Stack, operation: str) -> None:
    call = partial(work.call, "cloudformation")
    if operation == plan.SET_RETAIN:
        template = signature.retaining(live.template, work.planned.retained)
        call(cloudformation.replace_template, live.name, template, live.parameters)
    elif operation == states.RESUME:
        call(cloudformation.rollback_stack, live.name)
    elif operation == plan.CONTINUE_ROLLBACK:
        call(cloudformation.continue_update_rollback, live.name, live.failed)
    elif operation == plan.DELETE:
        if live.status in plan.ONLY_DELETABLE_WHOLE and live.resources.get(signature.LAMBDA) == signature.FUNCTION:
            # CloudFormation would call it for the custom resource. It would hang, or delete the custom action.
            work.call("lambda", lambda_functions.delete_function, signature.FUNCTION)
        call(cloudformation.delete_stack, live.name)
    else:
        failed = live.failed if operation == plan.DELETE_RETAINING_FAILED else ()
        # CloudFormation does not accept resources that are already deleted.
        retained = sorted(work.planned.retained.union(failed).intersection(live.resources))
        call(cloudformation.delete_stack, live.name, retain=tuple(retained))


def delete_orphans(aws: Clients, targets: Iterable[TargetMigration]) -> list[Outcome[TargetMigration, None]]:
    """Delete the resources that no stack has."""
    return parallel.each(lambda target: _delete_orphans(_call(aws, target), target.leftovers.orphans), targets)


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


def delete_channels(aws: Clients, accounts: list[AccountMigration]) -> list[Outcome[AccountMigration, None]]:
    """Delete the configurations of other Slack channels that no stack deleted and that have no topics any more."""
    return parallel.each(partial(_delete_channels, aws), accounts)


def _delete_channels(aws: Clients, migration: AccountMigration) -> None:
    unneeded = {item["ChatConfigurationArn"] for item in migration.channels_to(plan.DELETE)}
    if not unneeded or any(target.error for target in migration.account.targets):
        return
    call = _chatbot(aws, migration.account.settings)
    for item in call(chatbot.describe_slack_channel_configurations):
        if item["ChatConfigurationArn"] in unneeded and not item.get("SnsTopicArns"):
            call(chatbot.delete_slack_channel_configuration, item["ChatConfigurationArn"])
