# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the plans of all accounts in parallel. PRIVATE to the collection.

New deployments are created and listed in the channel before old ones leave the channel and are deleted: a finding that
moves to the home region's deployment may arrive twice for a moment, and is never lost. Each step takes outcomes and
returns new ones; a target that fails in one step is left alone by the later ones.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._aws.few import few_of
from .._channel import configuration
from .._channel import custom_action
from .._channel import regions
from .._model import names
from .._model.outcome import AccountOutcome
from .._model.outcome import TargetOutcome
from .._model.outcome import unapplied_target
from .._model.plan import RulesPlan
from .._model.snapshot import healthy
from .._observe import accounts as observe
from .._plan import account as of_account
from .._plan import channel as channels
from .._plan import transfer
from .._plan.transfer import NOTHING
from .._preflight import blockers
from .._resource.operation import Operation
from .._resource.tags import MANAGED_TAG
from .._securityhub import action_target
from .._securityhub import automation_rule
from .._services import iam
from .._services import securityhub
from .._services import sns
from . import identity
from . import repair
from . import stacks

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._aws.clients import Access
    from .._aws.clients import Clients
    from .._aws.progress import Progress
    from .._model.identity import Identity
    from .._model.plan import AccountPlan
    from .._model.plan import ButtonsPlan
    from .._model.plan import ChannelPlan
    from .._model.plan import IdentityPlan
    from .._model.plan import Merge


def fleet(aws: Clients, plans: Sequence[AccountPlan], progress: Progress) -> list[AccountOutcome]:
    """Carry out the plans and return what happened. Nothing is raised: a failure is in the problems of its target."""
    accounts = [AccountOutcome(plan, tuple(map(unapplied_target, plan.targets)), None, plan.notices) for plan in plans]
    _announce(accounts, progress)
    progress.now("Writing to AWS")
    # First: if Amazon Q is to create this role itself and cannot, it leaves half of a channel configuration behind.
    accounts = _unwritten(_each(partial(_create_service_role, aws), accounts), lambda target: True)
    # Before anything is created: a run that is killed later must not leave a topic in the channel that looks right, and
    # that Amazon Q does not subscribe to.
    accounts = _unwritten(_each(partial(_unsubscribe, aws, progress), accounts), lambda target: True)
    accounts = _deployed(aws, accounts, lambda target: not _stops_forwarding(target), progress)
    accounts = [_held(account) for account in accounts]
    accounts = _unwritten(_each(partial(_write_channel, aws, progress), accounts), _is_last)
    accounts = _deployed(aws, accounts, _stops_forwarding, progress)
    accounts = _removed(aws, accounts, progress)
    accounts = _each(partial(_delete_channel, aws, progress), accounts)
    return [_with_notices(account) for account in accounts]


def _announce(accounts: list[AccountOutcome], progress: Progress) -> None:
    """Report what is unfinished if the run is interrupted: after Ctrl-C there is no time left to do so."""
    hosts = [
        target.host for account in accounts for target in account.targets if target.changed and not target.problems
    ]
    if hosts:
        progress(f"{len(hosts)} to change: {few_of(hosts)}")
        progress("If this run is interrupted, rerun the playbook to continue.")


def _each(step: Callable[[AccountOutcome], AccountOutcome], accounts: Sequence[AccountOutcome]) -> list[AccountOutcome]:
    """Return the accounts after *step*; one in which it raises fails with all its targets."""
    return parallel.recovered(step, accounts, _failed)


def _failed(account: AccountOutcome, error: BaseException) -> AccountOutcome:
    return replace(account, targets=tuple(_target_failed(target, error) for target in account.targets))


def _target_failed(target: TargetOutcome, error: BaseException, **undone: Any) -> TargetOutcome:
    """Return the target with the problems of *error*, unless it has some: later failures follow from the first.

    *undone*: what the target has instead of the operations that were planned and not carried out.
    """
    return target if target.problems else replace(target, problems=tuple(errors.sentences(error)), **undone)


def _with(accounts: Iterable[AccountOutcome], changed: Iterable[TargetOutcome]) -> list[AccountOutcome]:
    """Return the accounts with the new outcomes of some of their targets."""
    by_host = {target.host: target for target in changed}
    return [
        replace(account, targets=tuple(by_host.get(target.host, target) for target in account.targets))
        for account in accounts
    ]


# Targets


def _unwritten(accounts: list[AccountOutcome], chosen: Callable[[TargetOutcome], bool]) -> list[AccountOutcome]:
    """Return the accounts, in which chosen targets that have failed by now do not report what was planned for them."""
    changed = (
        replace(target, **NOTHING)
        for account in accounts
        for target in account.targets
        if target.problems and chosen(target)
    )
    return _with(accounts, changed)


def _is_last(target: TargetOutcome) -> bool:
    """Return whether the target is only written after the channel."""
    return target.desired is None or _stops_forwarding(target)


def _stops_forwarding(target: TargetOutcome) -> bool:
    return target.plan is not None and bool(transfer.ends(target.plan))


def _deployed(
    aws: Clients,
    accounts: list[AccountOutcome],
    chosen: Callable[[TargetOutcome], bool],
    progress: Progress,
) -> list[AccountOutcome]:
    targets = [
        target for account in accounts for target in healthy(account.targets) if target.desired and chosen(target)
    ]
    # Before the stacks: until automation rules suppress findings, the event patterns do. The custom action tells
    # later runs that there may be rules, so it is written before the first one and after the last.
    having = [target for target in targets if target.desired and target.desired.rules]
    others = [target for target in targets if not (target.desired and target.desired.rules)]
    having = _each_target(partial(_write_action, aws), having, **NOTHING)
    having = _each_target(partial(_write_rules, aws), having, rules=RulesPlan(), repairs=(), stack=())
    others = _each_target(partial(_write_rules, aws), others, **NOTHING)
    others = _each_target(partial(_write_action, aws), others, action=Operation.NONE, repairs=(), stack=())
    targets = [*having, *others]
    # Before the stacks: CloudFormation cannot update a resource that does not exist.
    targets = _each_target(partial(_repair, aws), targets, repairs=(), stack=())
    return _with(accounts, _with_stacks(aws, targets, progress))


def _removed(aws: Clients, accounts: list[AccountOutcome], progress: Progress) -> list[AccountOutcome]:
    targets = [target for account in accounts for target in healthy(account.targets) if target.desired is None]
    # Before the stack, whose tag tells later runs that there are rules.
    targets = _each_target(partial(_write_rules, aws), targets, **NOTHING)
    targets = _with_stacks(aws, targets, progress)
    return _with(accounts, _each_target(partial(_write_action, aws), targets, action=Operation.NONE))


def _each_target(
    step: Callable[[TargetOutcome], None], targets: list[TargetOutcome], **undone: Any
) -> list[TargetOutcome]:
    """Call *step* for the targets that have not failed, and return all, those in which it raises with its problems.

    *undone*: see _target_failed.
    """

    def attempt(target: TargetOutcome) -> TargetOutcome:
        if not target.problems:
            step(target)
        return target

    return parallel.recovered(attempt, targets, partial(_target_failed, **undone))


def _write_action(aws: Clients, target: TargetOutcome) -> None:
    if target.action == Operation.NONE:
        return
    settings, live = target.settings, target.live.action
    access = aws.access(settings.source, settings.region)
    if target.desired is None:
        if live:
            access.call("securityhub", securityhub.delete_action_target, live["ActionTargetArn"])
    elif live is None:
        action_target.create_or_adopt(access, target.desired.action, settings.name)
    else:
        action_target.update(access, live, target.desired.action)


def _write_rules(aws: Clients, target: TargetOutcome) -> None:
    settings, tags = target.settings, {MANAGED_TAG: target.settings.name, **dict(target.settings.tags)}
    access = aws.access(settings.source, settings.region)
    kind = automation_rule.of_format(str(settings.value("finding_format")))
    created, removed = target.rules.created, target.rules.removed
    creations = [partial(access.call, "securityhub", kind.create, {**rule.members, "Tags": tags}) for rule in created]
    deletions = [partial(access.call, "securityhub", automation_rule.of_arn(arn).delete, arn) for arn in removed]
    # So that no finding is sent between an old rule and the one that replaces it.
    has_room = target.live.rule_count + len(creations) <= automation_rule.LIMIT
    for write in (*creations, *deletions) if has_room else (*deletions, *creations):
        write()
    for arn, rule in target.rules.updated:
        access.call("securityhub", kind.update, arn, dict(rule.members))


def _repair(aws: Clients, target: TargetOutcome) -> None:
    if target.live.path is not None:
        repair.repair(aws, target.settings, target.live.path, target.repairs)


def _with_stacks(aws: Clients, targets: list[TargetOutcome], progress: Progress) -> list[TargetOutcome]:
    pending = [target for target in healthy(targets) if target.stack]
    works = stacks.in_rounds(
        [
            stacks.Work(
                target.settings,
                target.account,
                target.desired.stack if target.desired else None,
                target.live.stack,
                express=target.settings.value("deployment_mode") == "express",
            )
            for target in pending
        ],
        partial(stacks.advanced, aws),
        progress,
    )
    done = {target.host: _with_work(target, work) for target, work in zip(pending, works)}
    return [done.get(target.host, target) for target in targets]


def _with_work(target: TargetOutcome, work: stacks.Work) -> TargetOutcome:
    done = replace(target, stack=work.done, left_behind=work.left_behind, express_refused=work.refused)
    # Of a target that is removed, the custom action is only deleted after its stack.
    undone = {"action": Operation.NONE} if target.desired is None else {}
    return _target_failed(done, work.error, **undone) if work.error is not None else done


def _held(account: AccountOutcome) -> AccountOutcome:
    """Return the account, in which a target does not stop forwarding if the one that takes over has failed."""
    plans = [_remaining(target) for target in account.targets]
    held = transfer.held(account.plan.design, plans, [*account.targets, *account.plan.design.others])
    reasons = {plan.host: plan.problems for plan in held if plan.problems}
    return replace(
        account,
        targets=tuple(
            replace(target, problems=reasons[target.host], **NOTHING)
            if target.host in reasons and not target.problems
            else target
            for target in account.targets
        ),
    )


def _remaining(target: TargetOutcome) -> Any:
    """Return the plan of a target with what was done so far, refused if the target has failed meanwhile."""
    if target.plan is None or target.plan.problems:
        return target.plan
    if target.problems:
        return of_account.refused(target.plan, *target.problems)
    return target.plan if target.stack == target.plan.stack else replace(target.plan, stack=target.stack)


def _with_notices(account: AccountOutcome) -> AccountOutcome:
    """Report resources that no later run finds. A target that should be removed fails because of them.

    One that was created again does not: the new stack may use a resource of the same name.
    """
    notices = [
        f"the old stack of {target.host} was deleted without {', '.join(target.left_behind)}. Delete by hand what the "
        f"new stack does not use"
        for target in account.targets
        if target.left_behind and target.desired
    ]
    refused = sorted({target.settings.region for target in account.targets if target.express_refused})
    if refused:
        notices.append(
            f"CloudFormation refused express mode (securityhub_slack_deployment_mode) in {', '.join(refused)}, so the "
            f"stacks were deployed in standard mode"
        )
    targets = tuple(
        _target_failed(
            target,
            UserError(
                f"these resources could not be deleted and were left behind: {', '.join(target.left_behind)}. Delete "
                f"them by hand."
            ),
        )
        if target.left_behind and target.desired is None
        else target
        for target in account.targets
    )
    return replace(account, targets=targets, notices=(*account.notices, *notices))


# What an account has once


def _create_service_role(aws: Clients, account: AccountOutcome) -> AccountOutcome:
    if not account.plan.creates_service_role:
        return account
    try:
        observe.call_iam(aws, account.plan.settings, iam.create_service_linked_role, blockers.SERVICE_ROLE_OF)
    except errors.failures() as error:
        if not errors.is_denied(error):
            raise
        raise UserError(blockers.of_service_role()) from error
    return account


def _unsubscribe(aws: Clients, progress: Progress, account: AccountOutcome) -> AccountOutcome:
    """Remove the topics to which Amazon Q has to subscribe again."""
    for merge in account.plan.channel.merges if account.plan.channel else ():
        if merge.resubscribed:
            configuration.apply(_chatbot(aws, account), channels.without_resubscribed(merge), progress=progress)
    return account


def _write_channel(aws: Clients, progress: Progress, account: AccountOutcome) -> AccountOutcome:
    """Bring role, guardrail and channel configurations to what the targets need that have not failed.

    If a call fails, all targets fail (see _with_configurations for an exception), and the outcome still has the
    channel: something of it may have been written.
    """
    if not healthy(account.targets):
        return account
    planned = _channel_of_survivors(account)
    begun = replace(account, channel=planned)
    try:
        # Later runs find buttons by the tag of the role, so it is written before them and removed after them.
        _delete_buttons(aws, account, planned.buttons)
        _write_identity(aws, account, planned.identity, names.identity(account.plan.settings, account.plan.account))
        begun = _with_configurations(aws, progress, begun, planned)
        for button, button_plan in planned.buttons.desired:
            if button_plan.changed:
                custom_action.write(_chatbot(aws, account), button_plan, button)
    except errors.failures() as error:
        return _failed(replace(begun, unfinished=planned.changed), error)
    return begun


def _with_configurations(
    aws: Clients, progress: Progress, account: AccountOutcome, planned: ChannelPlan
) -> AccountOutcome:
    """Write the channel configurations, without the regions that Amazon Q does not list if it refuses them."""
    try:
        for merge in planned.merges:
            account = replace(account, notices=(*account.notices, *_apply(aws, progress, account, merge)))
    except errors.failures() as error:
        unlisted = [
            _target_failed(target, error)
            for target in healthy(account.targets)
            if target.desired and target.desired.topics and target.settings.region not in regions.SUPPORTED
        ]
        if not unlisted or errors.code(error) not in configuration.REFUSALS:
            raise
        (listed,) = _with([account], unlisted)
        if not healthy(listed.targets):
            raise
        remaining = replace(planned, merges=_channel_of_survivors(listed).merges)
        return _with_configurations(aws, progress, replace(listed, channel=remaining), remaining)
    return account


def _apply(aws: Clients, progress: Progress, account: AccountOutcome, merge: Merge) -> list[str]:
    """Write a channel configuration, without topics of others that do not exist if Amazon Q refuses it; say so."""
    authorized = merge.desired.team_id.casefold() in account.plan.blockers.authorized
    write = partial(configuration.apply, _chatbot(aws, account), authorized=authorized, progress=progress)
    try:
        # Topics that were removed since they were read are added again.
        write(merge.desired, None if merge.resubscribed else merge.plan)
    except errors.failures() as error:
        gone = _missing_topics(aws, account, merge) if errors.code(error) in configuration.REFUSALS else []
        if not gone:
            raise
        write(replace(merge.desired, remove_topics=(*merge.desired.remove_topics, *gone)))
        return [
            f"Amazon Q refused topics that no longer exist, so they were removed from {merge.name}: {', '.join(gone)}"
        ]
    return []


def _missing_topics(aws: Clients, account: AccountOutcome, merge: Merge) -> list[str]:
    """Return the topics of others in the account that a configuration lists and that do not exist."""
    listed = (merge.plan.after or {}).get("SnsTopicArns", [])
    others = [arn for arn in listed if arn not in merge.desired.add_topics and f":{account.account.id}:" in arn]
    source = account.plan.settings.source
    read = parallel.each(lambda arn: aws.call(source, arn.split(":")[3], "sns", sns.get_topic_attributes, arn), others)
    return [outcome.item for outcome in read if outcome.error is None and outcome.value is None]


def _channel_of_survivors(account: AccountOutcome) -> ChannelPlan:
    """Return the channel plan, without the topics of targets that have failed since it was made."""
    plan = account.plan
    remaining = [_remaining(target) for target in account.targets]
    as_planned = all(now is target.plan for now, target in zip(remaining, account.targets))
    return plan.channel if plan.channel and as_planned else channels.of_account(plan.snapshot, remaining)


def _delete_channel(aws: Clients, progress: Progress, account: AccountOutcome) -> AccountOutcome:
    """Delete the configurations that are empty, and the role and guardrail that no other one needs.

    The configurations are read again: of several runs that each remove a part, the last one finds them empty.
    """
    if account.channel is None or not account.channel.removes or not healthy(account.targets):
        return account
    plan = account.plan
    desired = names.identity(plan.settings, plan.account)
    snapshot = replace(plan.snapshot, configurations=observe.configurations(aws, plan.settings, desired))
    now = channels.of_account(snapshot, [_remaining(target) for target in account.targets])
    _delete_buttons(aws, account, now.deleted_buttons)
    for removal in now.deletions:
        configuration.detach(_chatbot(aws, account), removal, progress=progress)
    _write_identity(aws, account, now.deleted_identity, desired.without_permissions)
    channel = replace(
        account.channel,
        deletions=now.deletions,
        deleted_buttons=now.deleted_buttons,
        deleted_identity=now.deleted_identity,
    )
    return replace(account, channel=channel)


def _delete_buttons(aws: Clients, account: AccountOutcome, planned: ButtonsPlan) -> None:
    for action in planned.removed:
        custom_action.delete(_chatbot(aws, account), action)


def _write_identity(aws: Clients, account: AccountOutcome, planned: IdentityPlan, desired: Identity) -> None:
    if planned.changed:
        plan = account.plan
        observe.call_iam(aws, plan.settings, identity.write, desired, plan.snapshot.identity, planned)


def _chatbot(aws: Clients, account: AccountOutcome) -> Access:
    return observe.chatbot_access(aws, account.plan.settings)
