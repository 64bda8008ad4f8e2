# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume of messages as an HTML page, from the result of a simulation: pure. PRIVATE to the collection."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .._routing.reference import HIGHEST_FIRST
from . import simulate_chart
from .page import page as page_of
from .simulate import problems
from .text import count

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from collections.abc import Mapping

    from .._model.simulation import Simulation
    from .simulate import Row
    from .simulate import VolumeResult


def page(found: Simulation, volume: VolumeResult, now: datetime.datetime) -> str:
    """Return the page. All text from AWS or the inventory is escaped."""
    return page_of(
        f"{volume['messages_a_day']:,.1f} messages a day",
        f"{count(volume['messages'], 'message')}, at least, in the {count(volume['days'], 'day')} until {now:%Y-%m-%d} "
        f"under the policy of the inventory. {count(found.decided.findings, 'finding')} read.",
        [
            _problems(found),
            _thresholds(volume),
            _suggestion(volume),
            _regions(volume),
            _weeks(volume),
            _ranked("Controls with the most messages", volume["controls"], "control"),
            _ranked(
                "Messages that each suppression or vulnerability filter removes", volume["suppressions"], "suppression"
            ),
            _ranked("Messages in each channel", simulate_chart.several(volume["channels"]), "channel"),
            _ranked("Messages that mention", volume["mentions"], "mention"),
            _ranked("Findings to each receiver, not counted as messages", volume["receivers"], "receiver"),
            _effects(volume),
        ],
        "securityhub_slack_simulate",
    )


def _problems(found: Simulation) -> str:
    texts = [f"Not simulated: {host}. {problem}" for host, problem in problems(found).items()] + [*found.notices]
    return _card("".join(f"<p>{escape(text)}</p>" for text in texts)) if texts else ""


def _card(content: str, title: str = "") -> str:
    heading = f"<h2>{title}</h2>\n" if title else ""
    return f'{heading}<section class="card padded">{content}</section>'


def _thresholds(volume: VolumeResult) -> str:
    rows = volume["by_minimum_severity"]
    most = max(rows[-1]["messages"], volume["messages"]) or 1
    parts: dict[str, int] = {}
    bars = []
    for row in rows:
        parts[row["minimum_severity"]] = row["messages"] - sum(parts.values())
        bars.append(_bar(simulate_chart.heading(row), "", _segments(parts, most), row["messages_a_day"]))
    now: dict[str, int] = dict.fromkeys(HIGHEST_FIRST, 0)
    for item in volume["by_region_and_severity"]:
        now[item["severity"]] = now.get(item["severity"], 0) + item["messages"]
    bars.append(_bar("Now", "the policy of the inventory", _segments(now, most), volume["messages_a_day"]))
    return _card(f'{_key()}<dl class="bars">{"".join(bars)}</dl>', "Messages a day by minimum severity")


def _key() -> str:
    names = "".join(
        f'<span class="{name}"><span class="dot"></span>{name.capitalize()}</span>' for name in HIGHEST_FIRST
    )
    return f'<p class="key">{names}</p>'


def _bar(name: str, below: str, segments: str, a_day: float) -> str:
    small = f"<small>{escape(below)}</small>" if below else ""
    return (
        f'<dt>{escape(name)}{small}</dt><dd class="bar" aria-hidden="true">{segments}</dd>'
        f'<dd class="number">{a_day:,.1f}</dd>'
    )


def _segments(severities: Mapping[str, int], most: int, side: str = "width") -> str:
    return "".join(
        f'<i class="{escape(name)}" style="{side}: {100 * number / most:.1f}%"></i>'
        for name, number in severities.items()
        if number
    )


def _suggestion(volume: VolumeResult) -> str:
    if not volume["by_minimum_severity"][-1]["messages"]:
        return ""
    found = volume["suggestion"]
    lines = [f"securityhub_slack_minimum_severity: {found['minimum_severity']}"]
    if found["suppressed_control_ids"]:
        controls = ", ".join(found["suppressed_control_ids"])
        lines += ["securityhub_slack_suppressions:", f"  - control_ids: [{controls}]", "    reason: many messages"]
    text = escape("\n".join(lines))
    sentence = escape(simulate_chart.suggestion(volume))
    return _card(f'<p>{sentence}</p><pre tabindex="0">{text}</pre>', "A policy for about five messages a day")


def _effects(volume: VolumeResult) -> str:
    sentences = simulate_chart.effects(volume)
    return _card("".join(f"<p>{escape(text)}</p>" for text in sentences), "Other messages") if sentences else ""


def _regions(volume: VolumeResult) -> str:
    rows = volume["by_minimum_severity"]
    heads = "".join(f'<th scope="col">{simulate_chart.heading(row)}</th>' for row in rows) + '<th scope="col">Now</th>'
    now = simulate_chart.now_by_region(volume)
    body = "".join(
        _row(region, [row["messages_a_day_by_region"][region] for row in rows], now[region] / volume["days"])
        for region in rows[0]["messages_a_day_by_region"]
    )
    table = f'<table>\n<thead><tr><th scope="col">Region</th>{heads}</tr></thead>\n<tbody>{body}</tbody></table>'
    return f'<h2>Messages a day by region</h2>\n<section class="card scroll numbers" tabindex="0">{table}</section>'


def _row(region: str, numbers: Iterable[float], now: float) -> str:
    cells = "".join(f'<td class="number">{number:,.1f}</td>' for number in numbers)
    return f'<tr><th scope="row">{escape(region)}</th>{cells}<td class="number now">{now:,.1f}</td></tr>'


def _weeks(volume: VolumeResult) -> str:
    weeks = volume["by_week"]
    most = max((week["messages"] for week in weeks), default=0)
    if len(weeks) < 2 or not most:
        return ""
    columns = "".join(
        f'<li>{week["messages"]:,}<div class="column" aria-hidden="true">'
        f"{_segments(_highest_first(week['severities']), most, 'height')}</div><small>{week['from']}</small></li>"
        for week in weeks
    )
    return _card(f'{_key()}<ol class="weeks" tabindex="0">{columns}</ol>', "Messages in the week from")


def _highest_first(severities: Mapping[str, int]) -> dict[str, int]:
    return {name: severities[name] for name in HIGHEST_FIRST if name in severities}


def _ranked(title: str, rows: list[Row], key: str) -> str:
    most = max((row["messages"] for row in rows), default=0) or 1
    bars = "".join(
        _bar(row[key], row.get("title", ""), _segments({"": row["messages"]}, most), row["messages_a_day"])
        for row in rows
    )
    return _card(f'<dl class="bars">{bars}</dl>', f"{title}, a day") if rows else ""
