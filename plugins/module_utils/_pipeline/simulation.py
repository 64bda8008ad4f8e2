# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would become of findings, and how many messages there would have been. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import parallel
from .._aws.errors import UserError
from .._routing import simulation
from .._routing import topology
from .._routing.volume import Volume
from .._routing.volume import volume
from . import forwarding
from . import survey
from .target import healthy

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .target import AccountRun
    from .target import Target

Finding = dict[str, Any]

ONLY_FROM_FILES = "OCSF findings (securityhub_slack_finding_format: ocsf) are read from files only: give some."
OFFLINE = (
    "to simulate without AWS, set securityhub_slack_aggregation to per_region: then nothing depends on an aggregator."
)


@dataclass
class Simulation:
    """The verdicts on findings, and the volume of messages to each topic.

    *targets*: those of the play and the others of their accounts, in the end with what has failed.
    """

    targets: list[Target]
    accounts: list[AccountRun] = field(default_factory=list)
    verdicts: list[simulation.Verdict] = field(default_factory=list)
    volumes: dict[str, Volume] = field(default_factory=dict)

    @property
    def problems(self) -> dict[str, str]:
        """Return what is wrong with a target, by its name; what it would send is then not known."""
        return {target.host: target.error for target in self.targets if target.error}


def with_id(findings: list[Finding], finding_id: str) -> list[Finding]:
    """Return the findings of this id (ASFF: Id, OCSF: finding_info.uid), all of them if it is empty."""
    if not finding_id:
        return findings
    return [finding for finding in findings if finding_id in (finding.get("Id"), _uid(finding))]


def _uid(finding: Finding) -> Any:
    return (finding.get("finding_info") or {}).get("uid")


def of_files(
    findings: list[Finding],
    targets: list[Target],
    clients: Clients,
    days: int,
    today: datetime.date,
) -> Simulation:
    """Return what becomes of *findings*; nothing of AWS is asked unless a target's topology depends on it."""
    if not forwarding.needs_aws(targets):
        return _simulated(Simulation(targets, forwarding.decide_offline(targets, today)), findings, days, today)
    found = Simulation(targets, forwarding.decide(targets, [], clients, today))
    if not any(target.account for target in targets):
        for target in targets:
            target.problems = [f"{target.error} {OFFLINE}"]
    return _simulated(found, findings, days, today)


def of_accounts(
    targets: list[Target],
    read_from: list[Target],
    clients: Clients,
    days: int,
    finding_id: str,
    today: datetime.date,
) -> Simulation:
    """Return what becomes of the findings that the Regions of *read_from* (some of *targets*) show.

    Those of any state that were updated in the last *days*: one that is archived by now may have been sent before.
    *finding_id*: only this one, whenever it was updated.
    """
    found = Simulation(targets, forwarding.decide(targets, [], clients, today))
    filters: dict[str, Any] = {"UpdatedAt": [{"DateRange": {"Value": days, "Unit": "DAYS"}}]}
    if finding_id:
        filters = {"Id": [{"Value": finding_id, "Comparison": "EQUALS"}]}
    readable = [target for target in healthy(read_from) if target.live.hub]
    unique: dict[tuple[str, str], Finding] = {}
    for outcome in parallel.each(lambda target: _read(clients, target, filters), readable):
        if outcome.error is not None:
            outcome.item.fail(outcome.error)
        for finding in outcome.value or ():
            unique.setdefault((finding["ProductArn"], finding["Id"]), finding)
    return _simulated(found, list(unique.values()), days, today)


def _read(clients: Clients, target: Target, filters: dict[str, Any]) -> list[Finding]:
    if forwarding.is_of_v2(target):
        raise UserError(ONLY_FROM_FILES)
    return survey.findings(clients, target.settings, filters)


def _simulated(found: Simulation, findings: Sequence[Finding], days: int, today: datetime.date) -> Simulation:
    targets = [forwarding.simulated(target, today) for target in found.targets]
    aggregations = {account.account.id: topology.aggregation_of(account.facts.aggregator) for account in found.accounts}
    administrators = _administrators(found.accounts)

    def verdicts(some: Sequence[Finding]) -> list[simulation.Verdict]:
        return simulation.simulate(some, targets, aggregations, administrators)

    def sends_to(topic: str) -> Callable[[Finding], bool]:
        return lambda finding: any(delivery.route == topic for delivery in verdicts([finding])[0].deliveries)

    found.verdicts = verdicts(findings)
    topics = dict.fromkeys(rule.route for target in targets for rule in target.rules)
    found.volumes = {topic: volume(findings, sends_to(topic), days, today) for topic in topics}
    return found


def _administrators(accounts: list[AccountRun]) -> dict[str, str]:
    """Return for each member account that has no pipelines of its own the administrator that sends its findings."""
    there = {account.account.id for account in accounts}
    return {
        account.account.id: account.facts.administrator
        for account in accounts
        if account.facts.administrator in there and not account.settings.value("allow_member")
    }
