# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads everything about the targets of a play, and checks it. Writes nothing. PRIVATE to the collection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._pipeline import decisions
from .._pipeline import organization
from .._pipeline import run
from .._pipeline import survey
from .._routing import topology
from . import checks
from . import messages
from . import metrics
from . import results
from .evidence import Evidence
from .results import RegionResult
from .results import TargetResults

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target


def examine(
    targets: list[Target],
    unselected: list[Target],
    aws: Clients,
    *,
    today: datetime.date,
    window: metrics.Window,
) -> results.Diagnosis:
    """Return what is wrong with *targets*. What cannot be read is part of the answer; nothing is raised.

    *unselected*: the inventory's other targets. *window*: the period that metrics are read for.
    """
    accounts = run.look(targets, unselected, aws, today, watch=True)
    target_errors = {target.host: target.error for target in targets if target.error}
    for account in accounts:
        decisions.decide(account, today)
    resources_errors = _errors(run.look_deep(aws, targets))
    deployed = [target for target in targets if target.wanted is not None]
    with_deployment = [account for account in accounts if any(target.wanted for target in account.targets)]
    of_targets, metrics_errors = _read(partial(_metrics_of, aws, window), deployed)
    of_accounts, account_errors = _read(partial(metrics.of_account, aws, window=window), with_deployment)
    organizations, _errors_of_organizations = _read(partial(_organization_of, aws), accounts)
    account_of = {id(target): account for account in accounts for target in account.targets}

    def evidence(target: Target) -> Evidence:
        account = account_of.get(id(target))
        return Evidence(
            target=target,
            account=account,
            hours=window.hours,
            metrics=of_targets.get(id(target)),
            account_metrics=of_accounts.get(id(account)),
            target_error=target_errors.get(target.host, ""),
            resources_error=resources_errors.get(id(target), ""),
            metrics_error=metrics_errors.get(id(target), ""),
            account_error=account_errors.get(id(account), ""),
            channel_error=_channel_error(account) if account else "",
        )

    sentences = {account.account.id: _sentences(account, organizations[id(account)]) for account in accounts}
    return results.diagnosis(
        [_results(evidence(target)) for target in targets],
        [result for account in accounts for result in _regions(account)],
        {account_id: said for account_id, said in sentences.items() if said},
    )


def _read(read: Callable[[Any], Any], items: list[Any]) -> tuple[dict[int, Any], dict[int, str]]:
    """Return what was read of each item, and why it was not, by the item's identity."""
    outcomes = parallel.each(read, items)
    return {id(outcome.item): outcome.value for outcome in outcomes}, _errors(outcomes)


def _errors(outcomes: list[Any]) -> dict[int, str]:
    return {id(outcome.item): errors.explain(outcome.error) for outcome in outcomes if outcome.error is not None}


def _metrics_of(aws: Clients, window: metrics.Window, target: Target) -> metrics.TargetMetrics | None:
    return metrics.of_target(aws, target.settings, target.wanted.stack, window) if target.wanted else None


def _organization_of(aws: Clients, account: AccountRun) -> organization.Organization:
    return survey.organization(aws, account.settings)


def _channel_error(account: AccountRun) -> str:
    try:
        decisions.plan_channels(account)
    except UserError as error:
        return str(error)
    return ""


def _results(evidence: Evidence) -> TargetResults:
    target = evidence.target
    return TargetResults(target.host, target.account_id, target.settings.region, target.sends, checks.examine(evidence))


def _regions(account: AccountRun) -> list[RegionResult]:
    """Return the results for the account's regions that the inventory lacks."""
    if account.beyond and account.beyond.error:
        return [RegionResult(account.account.id, "", messages.regions_unread(account.beyond.error))]
    return [RegionResult(account.account.id, region, messages.REGION_UNCOVERED) for region in account.without_pipeline]


def _sentences(account: AccountRun, found: organization.Organization) -> tuple[str, ...]:
    """Return the account's place in its organization and the regions that its finding aggregator links."""
    said = organization.role_in_words(account.account.id, found)
    if account.facts.administrator:
        said.append(organization.membership_in_words(account.account.id, account.facts.administrator))
    aggregation = topology.aggregation_of(account.facts.aggregator)
    if aggregation:
        said.append(organization.aggregation_in_words(aggregation))
    return tuple(said)
