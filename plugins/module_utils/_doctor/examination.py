# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads everything about the targets of a play, and checks it. Writes nothing. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._model import names
from .._model import organization
from .._model.plan import TargetPlan
from .._observe import accounts as of_account
from .._observe import details
from .._observe import fleet as observe
from .._observe import targets as observe_targets
from .._plan import channel
from .._plan import design
from .._plan import drift
from .._plan import duplicates
from .._preflight import pattern_tests
from .._preflight import receivers
from .._preflight import senders
from .._routing import topology
from .._services import iam
from .._services import scheduler
from .._services import step_functions
from .._stack import live as stacks
from .._stack import marking
from .._stack import scheduled_digest
from .._stack import template
from . import checks
from . import messages
from . import metrics
from . import results
from . import stack_sets
from .evidence import AccountEvidence
from .evidence import Evidence
from .evidence import Machine
from .evidence import Read
from .evidence import RolePolicies
from .results import RegionResult
from .results import TargetResults

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._model.plan import AccountDesign
    from .._model.plan import TargetDesign
    from .._model.settings import Settings
    from .._model.snapshot import LiveTarget
    from .._model.snapshot import TargetSnapshot
    from .._stack.resources import Resources
    from .results import Result

# What is not read where there is nothing to read.
NOTHING: Read[Any] = Read()


def examine(
    aws: Clients,
    targets: Sequence[TargetSnapshot],
    unselected: Sequence[TargetSnapshot],
    *,
    today: datetime.date,
    window: metrics.Window,
) -> results.Diagnosis:
    """Return what is wrong with *targets*. What cannot be read is part of the answer; nothing is raised.

    *unselected*: the inventory's other targets. *window*: the period that metrics are read for.
    """
    fleet = observe.fleet(aws, targets, unselected, today, coverage=True)
    designed = design.fleet(fleet, today)
    designs = designed.accounts
    unread = {target.host: target.error for target in fleet.targets if target.problems}
    instances = stack_sets.read(aws, designs)
    evidence = {item.target.host: item for item in _evidence(aws, designs, window, instances)}
    organizations = _read(
        lambda account: of_account.organization(aws, account.settings),
        {account.account.id: account for account in designs},
    )
    sentences = {
        account.account.id: _sentences(account, organizations[account.account.id].value or organization.Organization())
        for account in designs
    }
    for account, others in zip(designs, parallel.values(lambda item: senders.of_account(aws, item), designs)):
        sentences[account.account.id] += tuple(others)
    for item in instances:
        if item.error:
            sentence = f"The instances of the StackSet {item.stack_set.name} are not known: {item.error.rstrip('.')}"
            sentences[item.stack_set.account_id] = (*sentences.get(item.stack_set.account_id, ()), sentence)
    return results.diagnosis(
        [_results(target, unread.get(target.host, ""), evidence.get(target.host)) for target in designed.targets],
        [result for account in designs for result in _regions(aws, account)],
        {account_id: found for account_id, found in sentences.items() if found},
    )


def _evidence(
    aws: Clients,
    designs: Sequence[AccountDesign],
    window: metrics.Window,
    instances: list[stack_sets.Instances],
) -> list[Evidence]:
    """Return the evidence about all targets of the accounts that should have a deployment."""
    deployed = {target.host: target for account in designs for target in account.targets if target.desired}
    with_deployment = {
        account.account.id: account for account in designs if any(target.desired for target in account.targets)
    }
    paths = _read(lambda target: details.with_path(aws, target), deployed)
    of_targets = _read(
        lambda target: metrics.of_target(aws, target.settings, target.account, target.desired.stack, window), deployed
    )
    of_accounts = _read(lambda account: metrics.of_account(aws, account.snapshot, window), with_deployment)
    of_roles = _read(lambda account: _role_policies(aws, account), with_deployment)
    read = [found.value for found in paths.values() if found.value and found.value.live.path]
    by_host = {target.host: target for target in read}
    marked = _read(
        lambda target: _machine(
            aws, target.settings, target.live.path.resources, marking.machine_name(target.settings.name)
        ),
        by_host,
    )
    digests = _read(lambda target: _digest(aws, target.settings, target.live.path.resources), by_host)
    receiver_problems = _read(
        lambda target: receivers.problems(aws, target.settings, target.account, target.desired.stack),
        {host: target for host, target in deployed.items() if target.settings.receivers},
    )
    tested = pattern_tests.test(
        aws, [rule for target in read for rule in pattern_tests.rules(target, target.live.path.rules, deployed=True)]
    )
    evidence = []
    for account in designs:
        number = account.account.id
        of_the_account = AccountEvidence(
            account.snapshot, of_accounts.get(number, NOTHING), of_roles.get(number, NOTHING), _channel_error(account)
        )
        for target in account.targets:
            if target.desired is None:
                continue
            with_path = paths[target.host].value or target
            path = with_path.live.path
            evidence.append(
                Evidence(
                    target=with_path,
                    desired=target.desired,
                    account=of_the_account,
                    hours=window.hours,
                    resources_error=paths[target.host].error,
                    drift=tuple(drift.drifts(path)) if path else (),
                    instances=_instances_of(target, instances),
                    tested=tested.get(target.host),
                    metrics=of_targets[target.host],
                    marking=marked.get(target.host, NOTHING),
                    digest=digests.get(target.host, NOTHING),
                    receiver_problems=receiver_problems.get(target.host, NOTHING),
                )
            )
    return evidence


def _instances_of(target: TargetDesign, found: list[stack_sets.Instances]) -> stack_sets.Instances | None:
    """Return the instances of the StackSet that created the target's stack, or failed to create it."""
    own = stacks.stack_set_of(target.live.stack)
    place = (target.account_id, target.settings.region)
    return next((item for item in found if item.stack_set == own or (own is None and item.at(*place))), None)


def _read(read: Callable[[Any], Any], items: Mapping[str, Any]) -> dict[str, Read[Any]]:
    """Return what was read of each item, by the keys of *items*."""
    found = parallel.recovered(
        lambda item: Read(read(item)), items.values(), lambda _item, error: Read(error=errors.explain(error))
    )
    return dict(zip(items, found))


def _role_policies(aws: Clients, account: AccountDesign) -> RolePolicies | None:
    """Return the policies of the channel role, None without one: two calls, and one for each inline policy."""
    if account.snapshot.identity.role is None:
        return None
    return _policies_of(aws, account.settings, names.identity(account.settings, account.account).role_name)


def _policies_of(aws: Clients, settings: Settings, role: str) -> RolePolicies:
    inline = of_account.call_iam(aws, settings, iam.inline_policies, role)
    return RolePolicies(inline, tuple(of_account.call_iam(aws, settings, iam.attached_policies, role)))


def _digest(aws: Clients, settings: Settings, resources: Resources) -> Machine | None:
    """Return what sends the digest in the stack of these resources, None for nothing: seven calls.

    One more reads what receives the numbers of other regions.
    """
    name, receiving = scheduled_digest.machine_name(settings.name), scheduled_digest.regions_machine_name(settings.name)
    found = _machine(aws, settings, resources, name)
    if found is None or found.machine is None:
        return found
    call = partial(aws.call, settings.source, settings.region)
    arn = resources.location.arn("states", f"stateMachine:{receiving}")
    described = step_functions.describe_state_machine
    return replace(
        found,
        regions=call("stepfunctions", described, arn) if resources.machine(receiving) else None,
        schedule=call("scheduler", scheduler.get_schedule, scheduled_digest.schedule_name(settings.name)),
        executions=call("stepfunctions", step_functions.list_executions, found.machine["stateMachineArn"]),
    )


def _machine(aws: Clients, settings: Settings, resources: Resources, machine_name: str) -> Machine | None:
    """Return a state machine of the stack of these resources, None if it has none: five calls."""
    of_stack = resources.machine(machine_name)
    if of_stack is None:
        return None
    name = str(of_stack[1]["RoleName"])
    arn = resources.location.arn("states", f"stateMachine:{machine_name}")
    return Machine(
        resources,
        of_account.call_iam(aws, settings, iam.get_role, name),
        _policies_of(aws, settings, name),
        aws.call(settings.source, settings.region, "stepfunctions", step_functions.describe_state_machine, arn),
    )


def _channel_error(account: AccountDesign) -> str:
    plans = [TargetPlan(target, problems=target.problems) for target in account.targets]
    try:
        channel.of_account(account.snapshot, plans)
    except UserError as error:
        return str(error)
    return ""


def _results(target: TargetDesign, unread: str, evidence: Evidence | None) -> TargetResults:
    """Return the results of a target. *unread*: why it could not be read. *evidence*: None without a deployment."""
    if unread:
        found = checks.unread(unread)
    elif evidence:
        found = checks.examine(evidence)
    else:
        found = checks.without_deployment(target)
    return TargetResults(target.host, target.account_id, target.settings.region, target.policy, found)


def _regions(aws: Clients, account: AccountDesign) -> list[RegionResult]:
    """Return the results for the account's regions that the inventory lacks: two calls for each that has a hub."""
    account_id, others = account.account.id, account.snapshot.coverage
    if others and others.error:
        return [
            RegionResult(account_id, "", messages.explained(results.UNKNOWN, others.error, messages.UNKNOWN_REGIONS))
        ]
    missing = (*account.uncovered, *account.unlisted)
    settings = {region: replace(account.settings, host=region, region=region) for region in missing}
    found = _read(lambda item: observe_targets.target(aws, item, account.account), settings)
    return [
        RegionResult(account_id, region, _region(account, settings[region], live)) for region, live in found.items()
    ]


def _region(account: AccountDesign, settings: Settings, live: Read[LiveTarget]) -> Result:
    """Return the result for a region that the inventory lacks and that has a hub."""
    if live.value is None:
        return messages.explained(results.UNKNOWN, live.error, messages.UNKNOWN_REGION)
    stack = live.value.stack
    deployed = template.topics_of(stacks.tags_of(stack))
    topics = {names.topic_arn(settings, account.account, topic) for topic in deployed}
    listed = {arn for item in account.snapshot.configurations for arn in item.get("SnsTopicArns", [])}
    sends = stacks.is_ours(stack) and stacks.is_deployed(stack) and topics & listed
    return messages.REGION_UNLISTED if sends else messages.REGION_UNCOVERED


def _sentences(account: AccountDesign, found: organization.Organization) -> tuple[str, ...]:
    """Return the account's place in its organization and the regions that its finding aggregator links."""
    account_id, facts = account.account.id, account.snapshot.facts
    sentences = organization.role_in_words(account_id, found)
    if facts.administrator:
        sentences.append(organization.membership_in_words(account_id, facts.administrator))
    aggregation = topology.aggregation_of(facts.aggregator)
    if aggregation:
        sentences.append(organization.aggregation_in_words(aggregation))
    return (*sentences, *duplicates.of_template(account), *duplicates.foreign(account))
