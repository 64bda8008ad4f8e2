# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to findings, and how many messages there would be. PRIVATE to the collection."""

from __future__ import annotations

import os
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._canary.findings import GENERATOR
from .._model.simulation import Simulation
from .._model.snapshot import healthy
from .._observe import finding_files
from .._observe import fleet as observe_fleet
from .._observe import targets as observe
from .._plan import design
from .._plan import forwarding as plan
from .._report import simulate as report
from .._report import simulate_page
from .._routing import simulation
from .._routing import topology
from .._routing.fields import key_of
from .._routing.volume import volume
from . import forwarding
from .context import File
from .context import Outcome
from .context import refuse_unkept_days

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator
    from collections.abc import Sequence

    from .._model.plan import AccountDesign
    from .._model.plan import FleetDesign
    from .._model.plan import TargetDesign
    from .._resource.shapes import Json
    from .._routing.reference import Finding
    from .context import Context

SPEC: dict[str, Any] = {
    "html": {"type": "path"},
    "files": {"type": "list", "elements": "path", "default": []},
    "days": {"type": "int", "default": 30},
    "finding_id": {"type": "str", "default": ""},
    "finding_id_file": {"type": "path", "default": ""},
}
# Whoever imports a finding chooses its Id, which may be a Jinja template. Ansible evaluates templates of the command
# line, so the playbook takes an Id from there in neither of these.
FINDING_ID = "SECURITYHUB_FINDING_ID"
OFFLINE = "To simulate without AWS, set securityhub_slack_aggregation to per_region, which depends on no aggregator."


@dataclass(frozen=True)
class Options:
    """The options of SPEC."""

    html: str | None
    files: list[str]
    days: int
    finding_id: str
    finding_id_file: str


def run(context: Context) -> Outcome:
    """Simulate all targets of the play, on findings of files or of their regions."""
    given = Options(**context.options)
    refuse_unkept_days("securityhub_slack_simulate_days", given.days)
    options = replace(given, finding_id=_finding_id(given))
    # With --limit, it still has to be known which other target of the account forwards a finding.
    sources = {target.settings.source for target in context.targets}
    everyone = [*context.targets, *(item for item in context.unselected if item.settings.source in sources)]
    if options.files:
        findings = _with_id(finding_files.read(options.files), options.finding_id)
        # No call to AWS is made unless the aggregation of a target depends on it.
        needs_aws = plan.needs_aws(everyone)
        if needs_aws:
            designed = forwarding.designs(context, everyone)
        else:
            designed = design.fleet(observe_fleet.offline(everyone), context.today)
        targets = designed.targets
        if needs_aws and not designed.fleet.accounts:
            targets = tuple(replace(target, problems=(f"{target.error} {OFFLINE}",)) for target in targets)
    else:
        designed = forwarding.designs(context, everyone)
        targets, unique = _read(context, options, designed.targets)
        findings = iter(unique)
    simulated = _simulated(targets, designed, findings, options.days, context.today)
    # The volume is about the policy; one finding says nothing about it.
    is_one = bool(options.finding_id)
    html = "" if is_one or report.is_unknown(simulated) else options.html
    written = os.path.abspath(html) if html and not context.check_mode else ""
    return Outcome(
        report.result(simulated, context.today),
        report.table(simulated, context.today, written, with_volume=not is_one),
        [File(html, simulate_page.page(simulated, context.now))] if html else [],
        failure=report.failure(simulated),
    )


def _finding_id(options: Options) -> str:
    """Return the ID of the only finding to explain, '' for none: the option, the file, or the environment variable."""
    path = options.finding_id_file
    if options.finding_id or not path:
        return str(options.finding_id or os.environ.get(FINDING_ID, ""))
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"{path} could not be read: {reason}. Write the ID of one finding to it.") from None
    if not found:
        raise UserError(f"{path} is empty. Write the ID of one finding to it.")
    return found


def _with_id(findings: Iterator[Finding], finding_id: str) -> Iterator[Finding]:
    """Return the findings of this ID (ASFF: Id, OCSF: finding_info.uid), all of them if it is empty."""
    if not finding_id:
        return findings
    return (item for item in findings if finding_id in (item.get("Id"), (item.get("finding_info") or {}).get("uid")))


def _read(
    context: Context, options: Options, targets: tuple[TargetDesign, ...]
) -> tuple[tuple[TargetDesign, ...], list[Finding]]:
    """Return the targets, with a problem where reading fails, and the findings of the play's regions, each once.

    They are those of any state that were updated in the last days, as one that is archived by now may have been sent
    before; or only the one of a given ID, whenever it was updated.
    """
    hosts = {item.host for item in context.targets}
    readable = [target for target in healthy(targets) if target.host in hosts and target.live.hub]
    unique: dict[tuple[str, str], Finding] = {}
    failures: dict[str, tuple[str, ...]] = {}
    for outcome in parallel.each(partial(_findings, context, options), readable):
        if outcome.error is not None:
            failures[outcome.item.host] = tuple(errors.sentences(outcome.error))
        for finding in outcome.value or ():
            unique.setdefault(key_of(finding), finding)
    read = (replace(item, problems=failures[item.host]) if item.host in failures else item for item in targets)
    return tuple(read), list(unique.values())


def _findings(context: Context, options: Options, target: TargetDesign) -> list[Finding]:
    days, finding_id = options.days, options.finding_id
    updated = {"DateRange": {"Value": days, "Unit": "DAYS"}}
    if target.settings.ocsf:
        dates = [{"FieldName": "finding_info.modified_time_dt", "Filter": updated}]
        filters: Json = {"CompositeFilters": [{"DateFilters": dates}]}
        if finding_id:
            filters = plan.ocsf_filters(("finding_info.uid", [finding_id]))
    else:
        filters = {"UpdatedAt": [updated]}
        if finding_id:
            filters = {"Id": [{"Value": finding_id, "Comparison": "EQUALS"}]}
    return observe.findings(context.aws, target.settings, filters)


def _simulated(
    targets: tuple[TargetDesign, ...],
    designed: FleetDesign,
    findings: Iterator[Finding],
    days: int,
    today: datetime.date,
) -> Simulation:
    simulated = [plan.simulated(target) for target in targets]
    aggregations = {
        item.account.id: topology.aggregation_of(item.snapshot.facts.aggregator) for item in designed.accounts
    }
    administrators = _administrators(designed.accounts)
    decided = simulation.Tally()
    outlooks = decided.counting(simulation.simulate(findings, simulated, aggregations, administrators))
    channels = (channel for target in simulated if not target.reason for channel in target.channels)
    return Simulation(
        targets,
        tuple(dict.fromkeys((*designed.notices, *filter(None, map(plan.digest_in_words, targets))))),
        decided,
        volume((item for item in outlooks if item[0].get("GeneratorId") != GENERATOR), days, today, channels),
    )


def _administrators(accounts: Sequence[AccountDesign]) -> dict[str, str]:
    """Return for each member account without deployments the administrator account that forwards its findings."""
    known = {item.account.id for item in accounts}
    return {
        item.account.id: item.snapshot.facts.administrator
        for item in accounts
        if item.snapshot.facts.administrator in known and not item.settings.value("allow_member")
    }
