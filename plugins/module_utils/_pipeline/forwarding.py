# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the targets forward, decided as for a deployment, without planning or writing one. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import parallel
from .._aws.errors import UserError
from .._routing import policy as policies
from .._routing import simulation
from .._routing import topology
from .._routing.matcher import matches
from . import decisions
from . import run
from . import survey
from .desired import Account
from .survey import LiveTarget
from .target import AccountRun
from .target import healthy
from .target import note_failures
from .target import owner_elsewhere

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .._aws.credentials import CredentialSource
    from .target import Target

Finding = dict[str, Any]

HUB_IS_OFF = "Security Hub is not enabled in {region}: enable it there, or take the region out of the inventory."


def decide(targets: list[Target], neighbours: list[Target], clients: Clients, today: datetime.date) -> list[AccountRun]:
    """Give the healthy targets the pipelines that a deployment would, and return their accounts. Nothing is raised.

    A call for each target and way to sign in, four for each account.
    """
    run.refuse_bad_settings([*targets, *neighbours])
    accounts = run.accounts_of(clients, targets, neighbours)
    run.refuse_disagreements(accounts)
    note_failures(parallel.each(partial(_read_hub, clients), healthy(targets)))
    note_failures(parallel.each(partial(_read_facts, clients), [account for account in accounts if _lives(account)]))
    run.ask_neighbours(clients, accounts, today)
    for account in accounts:
        decisions.decide(account, today)
        refuse_without_hub(account)
    return accounts


def decide_offline(targets: list[Target], today: datetime.date) -> list[AccountRun]:
    """Do the same without any call: Security Hub is taken to be on everywhere, and no aggregator to be there.

    An account is the one in securityhub_slack_role_arn, or else a name for the way to sign in.
    """
    run.refuse_bad_settings(targets)
    by_id: dict[str, AccountRun] = {}
    for target in healthy(targets):
        target.account = Account(_account_id(target.settings.source), "aws")
        target.live = LiveTarget(hub=True)
        by_id.setdefault(target.account.id, AccountRun(target.account, [])).targets.append(target)
    accounts = list(by_id.values())
    for account in accounts:
        account.neighbours = owner_elsewhere(account.targets)
    run.refuse_disagreements(accounts)
    for account in accounts:
        decisions.decide(account, today)
    return accounts


def needs_aws(targets: list[Target]) -> bool:
    """Tell whether what a target sends depends on the account's aggregator."""
    return any(target.settings.value("aggregation") != topology.PER_REGION for target in healthy(targets))


def rules_of(target: Target) -> tuple[simulation.Rule, ...]:
    """Return the rules by which a target forwards automatically, with the patterns that its stack holds."""
    if target.error or target.wanted is None:
        return ()
    rules = target.wanted.stack.rules
    return tuple(simulation.Rule(rule.name, rule.pattern, rule.topic) for rule in rules if rule.automatic)


@dataclass(frozen=True)
class Forwarded:
    """A finding, and the names of the topics that the rules of its target send it to."""

    finding: Finding = field(hash=False)
    topics: tuple[str, ...]


def forwarded(
    clients: Clients, target: Target, today: datetime.date, statuses: tuple[str, ...] = ("NEW",)
) -> list[Forwarded]:
    """Return the findings that a target's rules send, or would if they were NEW: a call for every 100 that are ACTIVE.

    *statuses*: those of the workflow that the findings may have.
    """
    rules = rules_of(target)
    found = [
        Forwarded(finding, _topics(rules, target, finding))
        for finding in survey.findings(clients, target.settings, _filters(target, today, statuses))
    ]
    return [item for item in found if item.topics]


def _topics(rules: tuple[simulation.Rule, ...], target: Target, finding: Finding) -> tuple[str, ...]:
    event = simulation.event_of({**finding, "Workflow": {"Status": "NEW"}}, target.account_id, target.settings.region)
    return tuple(dict.fromkeys(rule.route for rule in rules if matches(rule.pattern, event)))


def _filters(target: Target, today: datetime.date, statuses: tuple[str, ...]) -> dict[str, Any]:
    """Return what lets AWS leave out most of what the patterns would; they alone decide."""
    sent = [policies.policy_of(route.variables, today) for route in target.settings.routes]
    sent += [policy for scope in target.scopes for _region, policy in scope.linked]
    labels = sorted({label for policy in sent for label in policy.severities})
    return {
        "RecordState": [_equals("ACTIVE")],
        "WorkflowStatus": [_equals(status) for status in statuses],
        "SeverityLabel": [_equals(label) for label in labels],
    }


def _equals(value: str) -> dict[str, str]:
    return {"Value": value, "Comparison": "EQUALS"}


def is_of_v2(target: Target) -> bool:
    """Tell whether a target sends findings of the new Security Hub, which are not read from AWS."""
    return any(route.variables["securityhub_slack_finding_format"] == "ocsf" for route in target.settings.routes)


def simulated(target: Target, today: datetime.date) -> simulation.Target:
    """Return a target as the simulation takes it."""
    settings = target.settings
    routes = tuple(
        simulation.Route(route.topic, policies.policy_of(route.variables, today), scope)
        for route, scope in zip(settings.routes, target.scopes)
    )
    return simulation.Target(
        settings.host, target.account_id, settings.region, rules_of(target), routes, _reason(target)
    )


def _reason(target: Target) -> str:
    if target.error:
        return f"{target.host} has failed: {target.error.rstrip('.')}"
    if not target.settings.present:
        return f"securityhub_slack_state of {target.host} is absent"
    return "" if target.wanted else target.sends


def _account_id(source: CredentialSource) -> str:
    parts = source.role_arn.split(":")
    return parts[4] if len(parts) > 4 else str(source)


def _lives(account: AccountRun) -> bool:
    return bool(healthy(account.targets))


def _read_hub(clients: Clients, target: Target) -> None:
    target.live = LiveTarget(hub=survey.hub(clients, target.settings))


def _read_facts(clients: Clients, account: AccountRun) -> None:
    account.facts = survey.facts(clients, [target.settings for target in healthy(account.targets)])


def refuse_without_hub(account: AccountRun) -> None:
    """Let the targets fail where Security Hub is off, and there are no findings to forward."""
    for target in healthy(account.targets):
        if target.settings.present and not target.live.hub:
            target.fail(UserError(HUB_IS_OFF.format(region=target.settings.region)))
