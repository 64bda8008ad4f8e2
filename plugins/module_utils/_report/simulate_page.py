# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume of messages of a simulation as an HTML page: pure. PRIVATE to the collection."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .._routing import volume as volumes
from .._routing.reference import HIGHEST_FIRST
from . import simulate_chart
from .page import page as page_of
from .simulate import CONTROLS_AT_MOST
from .simulate import problems
from .text import count

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from collections.abc import Mapping

    from .._model.simulation import Simulation
    from .._routing.volume import Volume


def page(found: Simulation, now: datetime.datetime) -> str:
    """Return the page. All text from AWS or the inventory is escaped."""
    volume = found.volume
    return page_of(
        f"{volume.a_day(volume.messages):,.1f} messages a day",
        f"{count(volume.messages, 'message')}, at least, in the {count(volume.days, 'day')} until {now:%Y-%m-%d} "
        f"under the policy of the inventory. {count(found.decided.findings, 'finding')} read.",
        [
            _problems(found),
            _thresholds(volume),
            _suggestion(volume),
            _regions(volume),
            _weeks(volume, now.date()),
            _ranked(
                "Controls with the most messages",
                volume,
                volumes.by_name(volume.controls_sent).most_common(CONTROLS_AT_MOST),
                volume.titles,
            ),
            _ranked(
                "Messages that each suppression or vulnerability filter removes",
                volume,
                volume.suppressed.most_common(),
            ),
            _ranked("Messages in each channel", volume, simulate_chart.several(volume.topics_sent)),
            _ranked("Messages that mention", volume, volume.mentioned.most_common()),
            _ranked("Findings to each receiver, not counted as messages", volume, volume.receivers_sent.most_common()),
            _effects(found),
        ],
        "securityhub_slack_simulate",
    )


def _problems(found: Simulation) -> str:
    texts = [f"Not simulated: {host}. {problem}" for host, problem in problems(found).items()] + [*found.notices]
    return _card("".join(f"<p>{escape(text)}</p>" for text in texts)) if texts else ""


def _card(content: str, title: str = "") -> str:
    heading = f"<h2>{title}</h2>\n" if title else ""
    return f'{heading}<section class="card padded">{content}</section>'


def _thresholds(volume: Volume) -> str:
    rows = [(name, of_regions.total()) for name, of_regions in simulate_chart.thresholds(volume)]
    most = max(rows[-1][1], volume.messages) or 1
    parts: dict[str, int] = {}
    bars = []
    for severity, (name, messages) in zip(HIGHEST_FIRST, rows):
        parts[severity] = messages - sum(parts.values())
        bars.append(_bar(name, "", _segments(parts, most), volume.a_day(messages)))
    now: dict[str, int] = dict.fromkeys(HIGHEST_FIRST, 0)
    for (_region, severity), messages in volume.regions_sent.items():
        now[severity] = now.get(severity, 0) + messages
    bars.append(_bar("Now", "the policy of the inventory", _segments(now, most), volume.a_day(volume.messages)))
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


def _suggestion(volume: Volume) -> str:
    if not simulate_chart.thresholds(volume)[-1][1].total():
        return ""
    found = volumes.suggestion(volume)
    lines = [f"securityhub_slack_minimum_severity: {found.minimum_severity}"]
    if found.control_ids:
        controls = ", ".join(found.control_ids)
        lines += ["securityhub_slack_suppressions:", f"  - control_ids: [{controls}]", "    reason: many messages"]
    text = escape("\n".join(lines))
    sentence = escape(simulate_chart.suggestion(volume))
    return _card(f'<p>{sentence}</p><pre tabindex="0">{text}</pre>', "A policy for about five messages a day")


def _effects(found: Simulation) -> str:
    sentences = simulate_chart.effects(found)
    return _card("".join(f"<p>{escape(text)}</p>" for text in sentences), "Other messages") if sentences else ""


def _regions(volume: Volume) -> str:
    rows = simulate_chart.thresholds(volume)
    heads = "".join(f'<th scope="col">{name}</th>' for name, _numbers in rows) + '<th scope="col">Now</th>'
    now = volumes.by_name(volume.regions_sent)
    body = "".join(
        _row(region, [volume.a_day(numbers[region]) for _name, numbers in rows], now[region] / volume.days)
        for region in simulate_chart.regions(volume)
    )
    table = f'<table>\n<thead><tr><th scope="col">Region</th>{heads}</tr></thead>\n<tbody>{body}</tbody></table>'
    return f'<h2>Messages a day by region</h2>\n<section class="card scroll numbers" tabindex="0">{table}</section>'


def _row(region: str, numbers: Iterable[float], now: float) -> str:
    cells = "".join(f'<td class="number">{number:,.1f}</td>' for number in numbers)
    return f'<tr><th scope="row">{escape(region)}</th>{cells}<td class="number now">{now:,.1f}</td></tr>'


def _weeks(volume: Volume, today: datetime.date) -> str:
    weeks = [(start, severities, sum(severities.values())) for start, severities in volumes.weeks(volume, today)]
    most = max((messages for _start, _severities, messages in weeks), default=0)
    if len(weeks) < 2 or not most:
        return ""
    columns = "".join(
        f'<li>{messages:,}<div class="column" aria-hidden="true">'
        f"{_segments(_highest_first(severities), most, 'height')}</div><small>{start}</small></li>"
        for start, severities, messages in weeks
    )
    return _card(f'{_key()}<ol class="weeks" tabindex="0">{columns}</ol>', "Messages in the week from")


def _highest_first(severities: Mapping[str, int]) -> dict[str, int]:
    return {name: severities[name] for name in HIGHEST_FIRST if name in severities}


def _ranked(title: str, volume: Volume, numbers: list[tuple[str, int]], titles: Mapping[str, str] | None = None) -> str:
    most = max((number for _name, number in numbers), default=0) or 1
    bars = "".join(
        _bar(name, (titles or {}).get(name, ""), _segments({"": number}, most), volume.a_day(number))
        for name, number in numbers
    )
    return _card(f'<dl class="bars">{bars}</dl>', f"{title}, a day") if numbers else ""
