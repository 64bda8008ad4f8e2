# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume of messages of a simulation as a chart in a terminal: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._routing import volume as volumes
from .._routing.reference import HIGHEST_FIRST
from .._stack import scheduled_digest
from .text import WIDTH
from .text import count
from .text import wrapped

if TYPE_CHECKING:
    import datetime
    from collections import Counter
    from collections.abc import Iterable

    from .._model.plan import TargetDesign
    from .._model.simulation import Simulation
    from .._routing.volume import Volume

# In place of the severity INFORMATIONAL, which is wider than its numbers.
SHORT = {"INFORMATIONAL": "INFO"}
NAME = 16  # columns
NUMBER = min(10, (WIDTH - NAME) // 6)
# In place of those that a terminal of 60 columns has no room for.
NARROW = {"CRITICAL": "CRIT", "+MEDIUM": "+MED"} if NUMBER < 9 else {}
EIGHTHS = " ▏▎▍▌▋▊▉"
CONTROLS_AT_MOST = 5
MARKING = "securityhub_slack_mark_notified would leave out"


def chart(found: Simulation, today: datetime.date) -> list[str]:
    """Return the messages a day: by Region and minimum severity, by week, by suppression and control."""
    volume, rows = found.volume, thresholds(found.volume)
    days = count(volume.days, "day")
    receivers = volume.receivers_sent.most_common()
    beside = _ranked("Findings a day to each receiver, not counted as messages:", volume, receivers)
    if not rows[-1][1].total():
        return [f"Over the last {days}: no messages.", *beside]
    controls = volumes.by_name(volume.controls_sent).most_common(CONTROLS_AT_MOST)
    titled = [(f"{control}  {volume.titles.get(control, '')}", number) for control, number in controls]
    a_day = [(name, volume.a_day(of_regions.total())) for name, of_regions in rows]
    return [
        "",
        f"Messages a day over the last {days}, if the minimum severity were:",
        *_table(volume, rows),
        "",
        *_bars([*a_day, ("NOW", volume.a_day(volume.messages))]),
        *_weeks(volume, today),
        *_ranked("The controls with the most messages a day:", volume, titled),
        *_ranked(
            "Messages a day that each suppression or vulnerability filter removes:",
            volume,
            volume.suppressed.most_common(),
        ),
        *_ranked("Messages a day in each channel:", volume, several(volume.topics_sent)),
        *_ranked("Messages a day that mention:", volume, volume.mentioned.most_common()),
        *beside,
        "",
        *wrapped(suggestion(volume)),
        *wrapped(_total(volume)),
        *(line for sentence in effects(found) for line in wrapped(sentence)),
    ]


def thresholds(volume: Volume) -> list[tuple[str, Counter[str]]]:
    """Return the messages of each Region with each minimum severity, whose name shows that it includes those before."""
    return [
        (("+" if number else "") + SHORT.get(severity, severity), volumes.at_least(severity, volume.regions_of_any))
        for number, severity in enumerate(HIGHEST_FIRST)
    ]


def several(numbers: Counter[str]) -> list[tuple[str, int]]:
    """Return the numbers, the highest first, unless there is only one, which says what the total says."""
    return numbers.most_common() if len(numbers) > 1 else []


def effects(found: Simulation) -> list[str]:
    """Return what comes on top of the messages about new findings, or would with another option, in sentences."""
    volume = found.volume
    lines = [
        f"At least {volume.a_day(number):,.1f} more messages a day, in threads, say that a finding is over."
        if is_reported
        else f"securityhub_slack_report_resolved would add at least {volume.a_day(number):,.1f} a day in threads."
        for is_reported, number in volume.ended.most_common()
    ]
    digests = digests_a_week(found.targets)
    return [*lines, *([f"Scheduled digests: {digests:,.1f} a week."] if digests else [])]


def digests_a_week(targets: Iterable[TargetDesign]) -> float | None:
    """Return how many scheduled digests arrive in a week, None if a schedule is not understood."""
    scheduled = [target.desired.stack.scheduled for target in targets if target.desired]
    sending = [item for item in scheduled if item and not item.to]
    times = [(scheduled_digest.a_week(item.expression), len(item.channels)) for item in sending]
    known = [number * channels for number, channels in times if number is not None]
    return round(sum(known), 2) if len(known) == len(times) else None


def suggestion(volume: Volume) -> str:
    """Return the policy for a few messages a day, in a sentence."""
    found = volumes.suggestion(volume)
    without = f" without the controls {few_of(list(found.control_ids))}" if found.control_ids else ""
    policy = f"{found.minimum_severity}{without}"
    return f"For about five messages a day: {policy} in all regions ({volume.a_day(found.messages):,.1f} a day)."


def _table(volume: Volume, rows: list[tuple[str, Counter[str]]]) -> list[str]:
    now = volumes.by_name(volume.regions_sent)
    names = [NARROW.get(name, name) for name in [*(name for name, _numbers in rows), "NOW"]]
    lines = [f"{'REGION':{NAME}}" + "".join(f"{name:>{NUMBER}}" for name in names)]
    for region in regions(volume):
        of_region = [volume.a_day(numbers[region]) for _name, numbers in rows]
        lines.append(_row(region, [*of_region, now[region] / volume.days]))
    total = [volume.a_day(numbers.total()) for _name, numbers in rows]
    return [*lines, _row("all", [*total, volume.a_day(volume.messages)])]


def regions(volume: Volume) -> list[str]:
    """Return the Regions that have findings."""
    return sorted({region for region, _severity in volume.regions_of_any})


def _row(name: str, numbers: list[float]) -> str:
    return f"{name:{NAME}}" + "".join(f"{number:>{NUMBER},.1f}" for number in numbers)


def _bars(numbers: list[tuple[str, float]]) -> list[str]:
    """Return a bar for each number; the longest takes the rest of the line."""
    most = max(number for _name, number in numbers) or 1
    room = WIDTH - NAME - NUMBER
    return [f"{name:{NAME}}{_bar(number / most * room)} {number:,.1f}".rstrip() for name, number in numbers]


def _bar(length: float) -> str:
    whole, eighths = divmod(round(length * 8), 8)
    return "█" * whole + EIGHTHS[eighths].strip()


def _weeks(volume: Volume, today: datetime.date) -> list[str]:
    weeks = [(start.isoformat(), sum(numbers.values()) / 7) for start, numbers in volumes.weeks(volume, today)]
    if len(weeks) < 2 or not volume.messages:
        return []
    return ["", "Messages a day in the week from:", *_bars(weeks)]


def _ranked(title: str, volume: Volume, numbers: list[tuple[str, int]]) -> list[str]:
    found = [f"{volume.a_day(number):>8,.1f}  {name}".rstrip() for name, number in numbers]
    short = [line if len(line) <= WIDTH else line[: WIDTH - 3].rstrip() + "..." for line in found]
    return ["", title, *short] if numbers else []


def _total(volume: Volume) -> str:
    messages, repeated = count(volume.messages, "message"), count(volume.repeated, "repetition")
    return (
        f"Over the last {count(volume.days, 'day')}: at least {messages}, {volume.a_day(volume.messages):,.1f} a day; "
        f"{repeated} of findings that were updated while still NEW{', which ' + MARKING if volume.repeated else ''}."
    )
