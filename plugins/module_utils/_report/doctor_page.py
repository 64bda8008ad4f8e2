# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's diagnosis as one HTML page that needs no network and no script: pure. PRIVATE to the collection."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .._doctor.checks import CHECKS
from .._doctor.results import BROKEN
from .._doctor.results import NONE
from .._doctor.results import OK
from .._doctor.results import RISK
from .._doctor.results import UNCOVERED
from .._doctor.results import UNKNOWN
from .._doctor.results import WORST_FIRST
from . import doctor_map
from .doctor import STATES
from .doctor import TITLES
from .doctor import headline
from .page import page as page_of
from .text import LISTED_AT_MOST
from .text import count

if TYPE_CHECKING:
    import datetime

    from .._doctor.checks import Check
    from .._doctor.results import Diagnosis
    from .._doctor.results import Finding
    from .._doctor.results import Result
    from .._doctor.results import TargetResults

GLYPHS = {BROKEN: "✕", UNKNOWN: "?", RISK: "!", OK: "✓", NONE: "·"}
LISTED_PER_FINDING = 24  # targets, also per region of the map; the rest is counted


def page(found: Diagnosis, now: datetime.datetime) -> str:
    """Return the page. All text from AWS or the inventory is escaped."""
    accounts = {target.account_id for target in found.targets if target.account_id}
    accounts |= {item.account_id for item in found.regions}
    counted = f"{count(len(accounts), 'account')}, {count(len(found.targets), 'target')}"
    return page_of(
        headline(found),
        f"{counted}, checked on {now:%Y-%m-%d at %H:%M} UTC",
        [_tally(found), _map(found), _findings(found), _matrix(found), _legend()],
        "securityhub_slack_doctor",
    )


def _tally(found: Diagnosis) -> str:
    states = [target.state for target in found.targets] + [item.result.state for item in found.regions if item.region]
    tally = "".join(
        f'<li class="{state}"><span class="dot {state}"></span><b>{states.count(state):,}</b> {STATES[state]}</li>'
        for state in WORST_FIRST
        if state in states
    )
    return f'<ul class="tally">{tally}</ul>'


def _map(found: Diagnosis) -> str:
    regions = _by_region(found)
    shown = {region: regions[region] for region in regions if region in doctor_map.REGIONS}
    # The worst last, so that it is drawn above the others.
    order = sorted(shown, key=lambda region: -WORST_FIRST.index(shown[region][0]))
    hidden = ", ".join(sorted(set(regions) - set(shown)))
    note = f'<p class="soft">Not on the map: {escape(hidden)}</p>' if hidden else ""
    panels = "".join(
        _panel(panel, {name: shown[name] for name in order if doctor_map.is_on(panel, name)})
        for panel in doctor_map.PANELS
    )
    return f'<section class="card map" aria-label="Regions"><div class="panels">{panels}</div>\n{note}</section>'


def _panel(panel: doctor_map.Panel, shown: dict[str, tuple[str, list[str]]]) -> str:
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3.1"/>' for x, y in doctor_map.land(panel))
    named = [region for region, (state, _lines) in shown.items() if state not in (OK, NONE)]
    labels = doctor_map.labels(panel, list(shown), named)
    return (
        f'<svg viewBox="{panel.left} {doctor_map.TOP} {panel.right - panel.left} {doctor_map.BOTTOM - doctor_map.TOP}" '
        f'style="flex: {panel.right - panel.left}" role="img"><title>Regions: {panel.name}</title>'
        f'<g class="land">{dots}</g>{"".join(map(_line, labels))}'
        f"{''.join(_spot(region, *shown[region]) for region in shown)}{''.join(map(_label, labels))}</svg>"
    )


def _line(label: doctor_map.Label) -> str:
    x, y = doctor_map.position(label.region)
    return f'<path d="M{x} {y}L{label.near} {label.y}"/>'


def _label(label: doctor_map.Label) -> str:
    return f'<text x="{label.left}" y="{label.y + 4}">{escape(label.region)}</text>'


def _by_region(found: Diagnosis) -> dict[str, tuple[str, list[str]]]:
    """Return the worst state of each region, and a line for each of its targets."""
    states: dict[str, list[tuple[str, str]]] = {}
    for target in found.targets:
        states.setdefault(target.region, []).append((target.state, target.host))
    for item in found.regions:
        if item.region:
            states.setdefault(item.region, []).append((item.result.state, item.account_id))
    return {
        region: (
            min((state for state, _name in items), key=WORST_FIRST.index),
            [f"{name}: {STATES[state]}" for state, name in items],
        )
        for region, items in states.items()
    }


def _spot(region: str, state: str, lines: list[str]) -> str:
    x, y = doctor_map.position(region)
    halo = f'<circle class="halo {state}" cx="{x}" cy="{y}" r="15"/>' if state in (BROKEN, UNCOVERED) else ""
    title = escape("\n".join([f"{region} ({doctor_map.REGIONS[region].name})", *_limited(lines)]))
    return f'<g><title>{title}</title>{halo}<circle class="spot {state}" cx="{x}" cy="{y}" r="7"/></g>'


def _limited(lines: list[str]) -> list[str]:
    more = len(lines) - LISTED_PER_FINDING
    return lines[:LISTED_PER_FINDING] + ([f"and {more:,} more"] if more > 0 else [])


def _findings(found: Diagnosis) -> str:
    if not found.findings:
        return '<h2>Problems</h2>\n<p class="soft">None. All checks passed.</p>'
    cards = "\n".join(_finding(item) for item in found.findings)
    return f'<h2>Problems, worst first</h2>\n<section class="findings">{cards}</section>'


def _finding(item: Finding) -> str:
    result = item.result
    commands = "".join(f"<code>{escape(command)}</code>" for command in result.commands)
    where = "".join(f"<li>{escape(name)}</li>" for name in _limited(list(item.where)))
    return (
        f'<article class="card finding {result.state}">'
        f'<span class="tag">{escape(TITLES[item.check])}, {STATES[result.state]}</span>'
        f"<h3>{escape(result.problem)}</h3>"
        f"<dl><dt>Effect</dt><dd>{escape(result.effect)}</dd>"
        f"<dt>Remedy</dt><dd>{escape(result.remedy)}{commands}</dd>"
        f'<dt>Where</dt><dd><ul class="places">{where}</ul></dd></dl></article>'
    )


def _matrix(found: Diagnosis) -> str:
    targets = list(found.targets)
    if len(targets) <= LISTED_AT_MOST:
        tables = _table(targets)
    else:
        calm = [target for target in targets if target.state in (OK, NONE)]
        tables = _table([target for target in targets if target.state not in (OK, NONE)])
        tables += f"<details><summary>{count(len(calm), 'target')} in order</summary>{_table(calm)}</details>"
    return f'<h2>All targets and checks</h2>\n<section class="card scroll" tabindex="0">{tables}</section>'


def _table(targets: list[TargetResults]) -> str:
    heads = "".join(f'<th scope="col" title="{escape(_requirement(check))}">{check.title}</th>' for check in CHECKS)
    return (
        f'<table>\n<thead><tr><th scope="col">Target</th>{heads}</tr></thead>\n<tbody>\n'
        + "\n".join(_row(target) for target in targets)
        + "\n</tbody></table>"
    )


def _row(target: TargetResults) -> str:
    location = doctor_map.REGIONS.get(target.region)
    name = location.name if location else target.region
    below = escape(" · ".join(part for part in (name, target.account_id, target.policy) if part))
    cells = "".join(f"<td>{_cell(check, target.results[check.name])}</td>" for check in CHECKS)
    return f'<tr><th scope="row">{escape(target.host)}<small>{below}</small></th>{cells}</tr>'


def _cell(check: Check, result: Result) -> str:
    texts = [result.problem, result.effect, result.remedy] if result.problem else [_requirement(check), result.note]
    state = STATES[result.state]
    title = escape("\n".join([f"{check.title}: {state}", *(text for text in texts if text)]))
    attributes = f'class="cell {result.state}" title="{title}" role="img" aria-label="{escape(check.title)}, {state}"'
    return f"<span {attributes}>{GLYPHS[result.state]}</span>"


def _requirement(check: Check) -> str:
    return f"{check.title} {check.requirement}."


def _legend() -> str:
    checks = "".join(f"<p><b>{check.title}</b> {escape(check.requirement)}</p>" for check in CHECKS)
    glyphs = "".join(f'<p><span class="cell {state}">{GLYPHS[state]}</span> {STATES[state]}</p>' for state in GLYPHS)
    return (
        '<h2>Legend</h2>\n<section class="card"><details open><summary>What each check requires</summary>'
        f'<section class="requirements">{checks}</section></details><details><summary>Symbols</summary>'
        f'<section class="requirements">{glyphs}</section></details></section>'
    )
