# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis as one HTML page that needs no network and no script: pure. PRIVATE to the collection."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .._pipeline.report import LISTED_AT_MOST
from .._pipeline.report import count
from . import world
from .checks import CHECKS
from .diagnosis import UNCOVERED
from .style import CSS
from .verdicts import BROKEN
from .verdicts import NONE
from .verdicts import OK
from .verdicts import RISK
from .verdicts import UNKNOWN

if TYPE_CHECKING:
    import datetime

    from .checks import Check
    from .diagnosis import Diagnosis
    from .diagnosis import Finding
    from .diagnosis import Row
    from .verdicts import Verdict

# On the map, the worst one of a region; where two are as bad, the first.
RANKS = (BROKEN, UNCOVERED, UNKNOWN, RISK, OK, NONE)
GLYPHS = {BROKEN: "✕", UNKNOWN: "?", RISK: "!", OK: "✓", NONE: "·"}
WORDS = {
    BROKEN: "findings get lost",
    UNCOVERED: "without a pipeline",
    UNKNOWN: "not known",
    RISK: "at risk",
    OK: "in order",
    NONE: "no pipeline of its own",
}
CELL = 10  # of the map, in units of the drawing
NAMED_AT_MOST = 12  # regions at risk on the map; where there are more, only those that lose findings have a name
SHOWN_PLACES = 24  # of a finding; the rest is counted
LINE, LETTER = 15, 8  # height of a label on the map, and the width of a letter


def page(found: Diagnosis, now: datetime.datetime) -> str:
    """Return the page. Whatever comes from AWS or the inventory is escaped; the page's own policy forbids the rest."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(headline(found))}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(found, now)}\n{_map(found)}\n{_findings(found)}\n{_matrix(found)}\n{_questions()}\n"
        "<footer>Written by the doctor of the Ansible collection secops.securityhub. It has only looked, and changed "
        "nothing.</footer>\n</main>\n</body>\n</html>\n"
    )


def headline(found: Diagnosis) -> str:
    """Return the outcome in a few words."""
    counts = found.summary
    lost = counts[BROKEN] + len(found.uncovered)
    if lost:
        return f"Findings of {count(lost, 'target')} do not reach Slack"
    if not found.healthy:
        return "Not everything could be looked at"
    if counts[RISK]:
        return f"Everything arrives, {count(counts[RISK], 'target')} at risk"
    return f"All {count(counts['targets'], 'target')} deliver"


def _head(found: Diagnosis, now: datetime.datetime) -> str:
    accounts = {row.account_id for row in found.rows if row.account_id}
    accounts |= {account for account, _region in found.uncovered}
    states = {**found.summary}
    tally = "".join(
        f'<li class="{state}"><span class="dot {state}"></span><b>{states[state]:,}</b> {WORDS[state]}</li>'
        for state in RANKS
        if states[state]
    )
    return (
        '<header>\n<p class="kicker">Security Hub findings to Slack</p>\n'
        f"<h1>{escape(headline(found))}</h1>\n"
        f'<p class="soft">{count(len(accounts), "account")}, {count(len(found.rows), "target")}, looked at on '
        f"{now:%Y-%m-%d at %H:%M} UTC</p>\n"
        f'<ul class="tally">{tally}</ul>\n</header>'
    )


def _map(found: Diagnosis) -> str:
    width, height = world.COLUMNS * CELL, len(world.LAND) * CELL
    dots = "".join(f'<circle cx="{x * CELL + 5}" cy="{y * CELL + 5}" r="3.1"/>' for x, y in world.land())
    states = _states_by_region(found)
    known = sorted(
        (item for item in states.items() if item[0] in world.REGIONS), key=lambda item: -RANKS.index(item[1][0])
    )
    elsewhere = sorted(region for region in states if region not in world.REGIONS)
    note = f'<p class="soft">Not on the map: {escape(", ".join(elsewhere))}</p>' if elsewhere else ""
    return (
        f'<section class="card map" aria-label="Regions">\n<svg viewBox="0 0 {width} {height}" role="img">'
        f"<title>The regions on a map of the world</title>"
        f'<g class="land">{dots}</g>{"".join(_spot(region, *of_region) for region, of_region in known)}'
        f"{_labels({region: state for region, (state, _rows) in known})}</svg>\n{note}</section>"
    )


def _states_by_region(found: Diagnosis) -> dict[str, tuple[str, list[str]]]:
    """Return the worst state of each region, and in words who is there."""
    states: dict[str, list[tuple[str, str]]] = {}
    for row in found.rows:
        states.setdefault(row.region, []).append((row.state, f"{row.host}: {WORDS[row.state]}"))
    for account, region in found.uncovered:
        states.setdefault(region, []).append((UNCOVERED, f"{account}: {WORDS[UNCOVERED]}"))
    return {
        region: (min((state for state, _words in items), key=RANKS.index), [words for _state, words in items])
        for region, items in states.items()
    }


def _spot(region: str, state: str, words: list[str]) -> str:
    x, y = _place(region)
    name = world.REGIONS[region].name
    halo = f'<circle class="halo {state}" cx="{x}" cy="{y}" r="15"/>' if state in (BROKEN, UNCOVERED) else ""
    shown = words[:SHOWN_PLACES] + ([f"and {len(words) - SHOWN_PLACES} more"] if len(words) > SHOWN_PLACES else [])
    title = escape("\n".join([f"{region} ({name})", *shown]))
    return f'<g><title>{title}</title>{halo}<circle class="spot {state}" cx="{x}" cy="{y}" r="7"/></g>'


def _place(region: str) -> tuple[float, float]:
    column, row = world.cell_of(world.REGIONS[region])
    return round(column * CELL, 1), round(row * CELL, 1)


def _labels(states: dict[str, str]) -> str:
    """Return the names of the regions that are not in order, one below another where they would overlap."""
    taken: list[tuple[float, float]] = []
    labels = []
    for region in sorted(
        (name for name, state in states.items() if state not in (OK, NONE)), key=lambda n: _place(n)[1]
    ):
        x, y = _place(region)
        left = x + LETTER * (len(region) + 2) > world.COLUMNS * CELL
        while any(abs(y - other_y) < LINE and abs(x - other_x) < LETTER * len(region) for other_x, other_y in taken):
            y += LINE
        taken.append((x, y))
        anchor = f'x="{x - 12}" text-anchor="end"' if left else f'x="{x + 12}"'
        labels.append(f'<text {anchor} y="{y + 4}">{escape(region)}</text>')
    return "".join(labels)


def _findings(found: Diagnosis) -> str:
    if not found.findings:
        return '<h2>Findings</h2>\n<p class="soft">None. Every part of the way is as it should be.</p>'
    cards = "\n".join(_finding(item) for item in found.findings)
    return f'<h2>What is wrong, worst first</h2>\n<section class="findings">{cards}</section>'


def _finding(item: Finding) -> str:
    places = [f"<li>{escape(place)}</li>" for place in item.where[:SHOWN_PLACES]]
    if len(item.where) > SHOWN_PLACES:
        places.append(f"<li>and {len(item.where) - SHOWN_PLACES:,} more</li>")
    return (
        f'<article class="card finding {item.state}"><span class="tag">{escape(item.title)}, {WORDS[item.state]}</span>'
        f"<h3>{escape(item.problem)}</h3>"
        f"<dl><dt>Means</dt><dd>{escape(item.effect)}</dd><dt>Do</dt><dd>{escape(item.remedy)}</dd>"
        f'<dt>Where</dt><dd><ul class="places">{"".join(places)}</ul></dd></dl></article>'
    )


def _matrix(found: Diagnosis) -> str:
    rows = list(found.rows)
    if len(rows) <= LISTED_AT_MOST:
        tables = _table(rows)
    else:
        calm = [row for row in rows if row.state in (OK, NONE)]
        tables = _table([row for row in rows if row.state not in (OK, NONE)])
        tables += f"<details><summary>{count(len(calm), 'target')} in order</summary>{_table(calm)}</details>"
    return f'<h2>Every target, every check</h2>\n<section class="card scroll">{tables}</section>'


def _table(rows: list[Row]) -> str:
    heads = "".join(f'<th scope="col" title="{escape(_question(check))}">{check.title}</th>' for check in CHECKS)
    return (
        f'<table>\n<thead><tr><th scope="col">Target</th>{heads}</tr></thead>\n<tbody>\n'
        + "\n".join(_row(row) for row in rows)
        + "\n</tbody></table>"
    )


def _row(row: Row) -> str:
    name = world.REGIONS[row.region].name if row.region in world.REGIONS else row.region
    below = escape(" · ".join(part for part in (name, row.account_id, row.sends) if part))
    cells = "".join(f"<td>{_cell(check, row.verdicts[check.name])}</td>" for check in CHECKS)
    return f'<tr><th scope="row">{escape(row.host)}<small>{below}</small></th>{cells}</tr>'


def _cell(check: Check, verdict: Verdict) -> str:
    texts = [verdict.problem, verdict.effect, verdict.remedy] if verdict.problem else [_question(check), verdict.note]
    words = escape(f"{check.title}, {WORDS[verdict.state]}")
    title = escape("\n".join([f"{check.title}: {WORDS[verdict.state]}", *(text for text in texts if text)]))
    attributes = f'class="cell {verdict.state}" title="{title}" role="img" aria-label="{words}"'
    return f"<span {attributes}>{GLYPHS[verdict.state]}</span>"


def _question(check: Check) -> str:
    return f"{check.title} {check.question}."


def _questions() -> str:
    items = "".join(f"<p><b>{check.title}</b> {escape(check.question)}</p>" for check in CHECKS)
    signs = "".join(f'<p><span class="cell {state}">{GLYPHS[state]}</span> {WORDS[state]}</p>' for state in GLYPHS)
    return (
        '<h2>How to read this</h2>\n<section class="card"><details open><summary>What each check looks at</summary>'
        f'<section class="questions">{items}</section></details><details><summary>The signs</summary>'
        f'<section class="questions">{signs}</section></details></section>'
    )
