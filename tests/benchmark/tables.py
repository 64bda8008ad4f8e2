# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what was measured into the pages of the documentation: tables.py [--check].

Each table stands between two comments of the page, `.. begin NAME` and `.. end NAME`, and comes from results/*.json.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[1] / "docs" / "docsite" / "rst"
NO_CHANGE = "playbook, no change"
FIRST = "playbook, first deployment, stacks of 40 s"

# 10,000 accounts with all Regions that Security Hub has in the partition aws.
ACCOUNTS, REGIONS = 10_000, 34
SLICE = 50  # accounts: as many targets as the largest fleet that is measured
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: calls a second of an account, in a Region
STS_QUOTA = 600


def result(targets: int) -> dict[str, Any]:
    """What was measured with so many targets."""
    found: dict[str, Any] = json.loads((HERE / "results" / f"{targets}.json").read_text(encoding="utf-8"))
    return found


def row(found: dict[str, Any], what: str) -> dict[str, float]:
    """One row of a result: runs, and medians of wall and cpu (seconds), memory (MiB) and calls."""
    return next(item for item in found["rows"] if item["what"] == what)


def listed(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for cells in (header, *rows):
        lines += [f"   {'* -' if not number else '  -'} {cell}" for number, cell in enumerate(cells)]
    return "\n".join(lines)


def costs(targets: int) -> str:
    """What each contender cost, beside the playbook's run without changes."""
    found = result(targets)
    base = row(found, NO_CHANGE)["wall"]
    header = ("What", "Runs", "Wall s", "Times the playbook", "CPU s", "Memory MiB", "Calls a target")
    return listed(
        header,
        [
            (
                item["what"],
                str(item["runs"]),
                f"{item['wall']:.2f}",
                f"{item['wall'] / base:.2f}",
                f"{item['cpu']:.2f}",
                f"{item['memory']:.0f}",
                f"{item['calls'] / targets:.2f}",
            )
            for item in found["rows"]
        ],
    )


def goals() -> str:
    """What the collection sets out to cost, and what it did cost."""
    few, many = result(17), result(1700)

    def times(found: dict[str, Any], slower: str, faster: str) -> float:
        return row(found, slower)["wall"] / row(found, faster)["wall"]

    bare = times(few, NO_CHANGE, "bare boto3 in threads")
    bare_of_many = times(many, NO_CHANGE, "bare boto3 in threads")
    check = times(few, "playbook, check mode", NO_CHANGE)
    memory = row(many, NO_CHANGE)["memory"]
    beyond = row(few, FIRST)["wall"] - 40
    peers = (
        ("``sceptre launch``", "sceptre launch", 2.5),
        ("``amazon.aws.cloudformation``, a task a host", "amazon.aws.cloudformation, a task a host", 5),
        ("``aws cloudformation deploy``, one by one", "aws cloudformation deploy, one by one", 60),
    )
    rows = [("17 targets, no change: at most 2.5 times the bare script", bare <= 2.5, f"{bare:.1f} times")]
    for name, what, factor in peers:
        ratio = times(few, what, NO_CHANGE)
        rows.append((f"... at least {factor} times faster than {name}", ratio >= factor, f"{ratio:.1f} times"))
    rows += [
        ("Check mode: as a run without changes", check <= 1.1, f"{check:.2f} times"),
        ("First deployment of 17 targets: the slowest stack and 10 s", beyond <= 10, f"40 s and {beyond:.1f} s"),
        ("1,700 targets, no change: at most twice the bare script", bare_of_many <= 2, f"{bare_of_many:.1f} times"),
        ("... 500 MB", memory <= 477, f"{memory:.0f} MiB"),
    ]
    return listed(("Goal", "Met", "Measured"), [(goal, "yes" if met else "**no**", cell) for goal, met, cell in rows])


def capacity() -> str:
    """What a run without changes over 340,000 targets takes, by the largest fleet that was measured."""
    found = row(result(1700), NO_CHANGE)
    targets, slices = ACCOUNTS * REGIONS, ACCOUNTS // SLICE
    a_slice = SLICE * REGIONS
    seconds, cpu = (found[figure] / 1700 * a_slice for figure in ("wall", "cpu"))
    calls = 2 * targets + 10 * ACCOUNTS
    assumed = SLICE / seconds
    rows = [
        ("Targets", f"{targets:,}"),
        ("Calls: two a target, ten an account", f"{calls:,}"),
        (f"Slices of {SLICE} accounts ({a_slice:,} targets)", f"{slices}"),
        ("One slice, on two cores", f"{seconds:.0f} s, {cpu:.0f} s of CPU, {found['memory']:.0f} MiB"),
        ("All slices, one after another", f"{seconds * slices / 60:.0f} min"),
        ("All slices, ten at a time", f"{seconds * slices / 10 / 60:.0f} min, on 20 cores"),
        ("Roles assumed a second by one slice", f"{assumed:.1f}"),
        (f"Slices at once that reach STS's {STS_QUOTA} calls a second", f"{STS_QUOTA / assumed:.0f}"),
        ("The least that 10,000 roles take at that quota", f"{ACCOUNTS / STS_QUOTA:.0f} s"),
    ]
    return listed(("What", "How much"), rows)


BLOCKS = {
    "performance.rst": {
        "17 targets": lambda: costs(17),
        "170 targets": lambda: costs(170),
        "1,700 targets": lambda: costs(1700),
        "goals": goals,
    },
    "capacity.rst": {"capacity": capacity},
}


def written(page: str, text: str) -> str:
    """The page's text with all its tables as the results have them."""
    for name, table in BLOCKS[page].items():
        begin, end = f".. begin {name}\n", f"\n.. end {name}"
        block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not block.search(text):
            sys.exit(f"{page} has no comments {begin.strip()} and {end.strip()}")
        text = block.sub(lambda _match, table=table, b=begin, e=end: f"{b}\n{table()}\n{e}", text)
    return text


def main() -> None:
    """Write the pages, or with --check fail if one of them is not as the results say."""
    for page in BLOCKS:
        path = PAGES / page
        text = path.read_text(encoding="utf-8")
        new = written(page, text)
        if "--check" in sys.argv[1:] and new != text:
            sys.exit(f"{page} is not what tests/benchmark/results say: run tests/benchmark/tables.py")
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
