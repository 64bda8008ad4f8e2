# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume of messages as a chart in a terminal, from the result of a simulation: pure. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .._aws.few import few_of
from .text import WIDTH
from .text import count
from .text import wrapped

if TYPE_CHECKING:
    from .simulate import Row
    from .simulate import Threshold
    from .simulate import VolumeResult

# In place of the severity INFORMATIONAL, which is wider than its numbers.
SHORT = {"INFORMATIONAL": "INFO"}
NAME = 16  # columns
NUMBER = min(10, (WIDTH - NAME) // 6)
# In place of those that a terminal of 60 columns has no room for.
NARROW = {"CRITICAL": "CRIT", "+MEDIUM": "+MED"} if NUMBER < 9 else {}
EIGHTHS = " ▏▎▍▌▋▊▉"
CONTROLS_AT_MOST = 5
MARKING = "securityhub_slack_mark_notified would leave out"


def chart(volume: VolumeResult) -> list[str]:
    """Return the messages a day: by Region and minimum severity, by week, by suppression and control."""
    days = count(volume["days"], "day")
    if not any(row["messages"] for row in volume["by_minimum_severity"]):
        return [f"Over the last {days}: no messages.", *_beside(volume)]
    return [
        "",
        f"Messages a day over the last {days}, if the minimum severity were:",
        *_table(volume),
        "",
        *_bars(
            [
                *((heading(row), row["messages_a_day"]) for row in volume["by_minimum_severity"]),
                ("NOW", volume["messages_a_day"]),
            ]
        ),
        *_weeks(volume),
        *_ranked("The controls with the most messages a day:", volume["controls"][:CONTROLS_AT_MOST], "control"),
        *_ranked(
            "Messages a day that each suppression or vulnerability filter removes:",
            volume["suppressions"],
            "suppression",
        ),
        *_ranked("Messages a day in each channel:", several(volume["channels"]), "channel"),
        *_ranked("Messages a day that mention:", volume["mentions"], "mention"),
        *_beside(volume),
        "",
        *wrapped(suggestion(volume)),
        *wrapped(_total(volume)),
        *(line for sentence in effects(volume) for line in wrapped(sentence)),
    ]


def several(rows: list[Row]) -> list[Row]:
    """Return the rows unless there is only one, which says what the total says."""
    return rows if len(rows) > 1 else []


def effects(volume: VolumeResult) -> list[str]:
    """Return what comes on top of the messages about new findings, or would with another option, in sentences."""
    found = [
        f"At least {row['messages_a_day']:,.1f} more messages a day, in threads, say that a finding is over."
        if row["reported"]
        else f"securityhub_slack_report_resolved would add at least {row['messages_a_day']:,.1f} a day in threads."
        for row in volume["resolved"]
    ]
    digests = volume["digests_a_week"]
    return [*found, *([f"Scheduled digests: {digests:,.1f} a week."] if digests else [])]


def _beside(volume: VolumeResult) -> list[str]:
    return _ranked("Findings a day to each receiver, not counted as messages:", volume["receivers"], "receiver")


def heading(row: Threshold) -> str:
    """Return the name of a minimum severity, which includes those to its left."""
    severity = row["minimum_severity"]
    return severity if severity == "CRITICAL" else f"+{SHORT.get(severity, severity)}"


def now_by_region(volume: VolumeResult) -> Counter[str]:
    """Return the messages of each Region under the present policy."""
    found: Counter[str] = Counter()
    for row in volume["by_region_and_severity"]:
        found[row["region"]] += row["messages"]
    return found


def suggestion(volume: VolumeResult) -> str:
    """Return the policy for a few messages a day, in a sentence."""
    found = volume["suggestion"]
    without = f" without the controls {few_of(found['suppressed_control_ids'])}"
    policy = found["minimum_severity"] + (without if found["suppressed_control_ids"] else "")
    return f"For about five messages a day: {policy} in all regions ({found['messages_a_day']:,.1f} a day)."


def _table(volume: VolumeResult) -> list[str]:
    rows = volume["by_minimum_severity"]
    now = now_by_region(volume)
    names = [NARROW.get(name, name) for name in [*map(heading, rows), "NOW"]]
    lines = [f"{'REGION':{NAME}}" + "".join(f"{name:>{NUMBER}}" for name in names)]
    for region in rows[0]["messages_a_day_by_region"]:
        of_region = [row["messages_a_day_by_region"][region] for row in rows]
        lines.append(_row(region, [*of_region, now[region] / volume["days"]]))
    return [*lines, _row("all", [*(row["messages_a_day"] for row in rows), volume["messages_a_day"]])]


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


def _weeks(volume: VolumeResult) -> list[str]:
    weeks = [(row["from"], row["messages"] / 7) for row in volume["by_week"]]
    if len(weeks) < 2 or not volume["messages"]:
        return []
    return ["", "Messages a day in the week from:", *_bars(weeks)]


def _ranked(title: str, rows: list[Row], key: str) -> list[str]:
    found = [f"{row['messages_a_day']:>8,.1f}  {row[key]}  {row.get('title', '')}".rstrip() for row in rows]
    short = [line if len(line) <= WIDTH else line[: WIDTH - 3].rstrip() + "..." for line in found]
    return ["", title, *short] if rows else []


def _total(volume: VolumeResult) -> str:
    messages, repeated = count(volume["messages"], "message"), count(volume["repeated"], "repetition")
    return (
        f"Over the last {count(volume['days'], 'day')}: at least {messages}, {volume['messages_a_day']:,.1f} a day; "
        f"{repeated} of findings that were updated while still NEW{', which ' + MARKING if volume['repeated'] else ''}."
    )
