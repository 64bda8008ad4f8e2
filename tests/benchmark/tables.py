# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the results into the pages of the documentation: tables.py [--check].

Each table stands between two comments of the page, `.. begin NAME` and `.. end NAME`, and comes from results/*.json, of
the benchmark or of the resilience tests.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[1] / "docs" / "docsite" / "rst"
NO_CHANGE = "playbook, no change"
BARE = "bare boto3 in threads"
EMPTY = "a play without tasks"
FIRST = "playbook, first deployment, stacks of 40 s"
RATES = ("unlimited", "enforced")  # the answers of the emulator's switch request_quotas
MODES = STANDARD, EXPRESS = ("standard", "express")  # the values of securityhub_slack_deployment_mode
SHAPES = {"array": "one list", "lines": "JSON Lines"}  # of the files of findings that are simulated
FIGURES = (("wall", 2), ("calls", 0))  # and their decimals

# 10,000 accounts with all Regions that Security Hub has in the partition aws.
ACCOUNTS, REGIONS = 10_000, 34
SLICE = 50  # accounts: as many targets as the largest fleet that is measured
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: calls a second of an account, in a Region
STS_QUOTA = 600
# Targets and accounts. The first two are measured, with the request rates of AWS, too.
FLEETS = ((17, 1), (1_700, 100), (17_000, 1_000), (ACCOUNTS * REGIONS, ACCOUNTS))


def result(name: int | str) -> dict[str, Any]:
    """The results of one name: a number of targets, or quotas and a number.

    rows: runs, and medians of wall and cpu (seconds), memory (MiB) and calls; ended: in words, why a run did not come
    to a good end, where that is so.
    """
    found: dict[str, Any] = json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def listed(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for cells in (header, *rows):
        lines += [f"   {'* -' if not number else '  -'} {cell}".rstrip() for number, cell in enumerate(cells)]
    return "\n".join(lines)


def costs(found: dict[str, Any]) -> str:
    """Return the table of what each command cost, compared with the playbook's run without changes."""
    (base,) = (item["wall"] for item in found["rows"] if item["what"] == NO_CHANGE)
    header = ("What", "Runs", "Wall s", "Times the playbook", "CPU s", "Memory MiB", "Calls a target")
    return listed(
        header,
        [
            (
                item["what"],
                str(item["runs"]),
                *_seconds(item, base),
                f"{item['cpu']:.2f}",
                f"{item['memory']:.0f}",
                f"{item['calls'] / found['targets']:.2f}",
            )
            for item in found["rows"]
        ],
    )


def _seconds(item: dict[str, Any], base: float) -> tuple[str, str]:
    """Return how long a command took, and its ratio to *base*; or why it has no time."""
    if item.get("ended"):
        return f"**{item['ended']}** after {item['wall']:.0f} s", ""
    return f"{item['wall']:.2f}", f"{item['wall'] / base:.2f}"


def quotas(found: dict[str, Any]) -> str:
    """Return the table of runs without and with the request rates of AWS."""
    return _compared(found, RATES, ("without limits", "with limits"))


def modes(found: dict[str, Any]) -> str:
    """Return the table of runs in both deployment modes."""
    return _compared(found, MODES, MODES)


def growth(found: dict[str, Any]) -> str:
    """Return the table of what the collection's own work costs by the number of targets."""
    base = found["rows"][1]
    rows = []
    for row in found["rows"]:
        each = row["cpu"] / row["targets"]
        ratio = f"{each / (base['cpu'] / base['targets']):.2f}"
        rows.append((f"{row['targets']:,}", f"{row['cpu']:.2f}", f"{each * 1000:.2f}", ratio, f"{row['memory']:.0f}"))
    header = ("Targets", "CPU s", "CPU ms a target", f"Times that of {base['targets']}", "Memory MiB")
    return listed(header, rows)


def profile(*found: dict[str, Any]) -> str:
    """Return the table of the shares of CPU time, for one or more numbers of targets."""
    shares = [{row["what"]: row["share"] for row in item["rows"]} for item in found]
    names = dict.fromkeys(name for share in shares for name in share)
    rows = [(name, *(f"{share.get(name, 0):.0%}" for share in shares)) for name in names]
    return listed(("Where the CPU time goes", *(f"{item['targets']:,} targets" for item in found)), rows)


def simulate(found: dict[str, Any]) -> str:
    """Return the table of what the simulation of findings in files costs by their number."""
    rows = [
        (
            f"{row['findings']:,}",
            f"{row['format'].upper()}, {SHAPES[row['shape']]}",
            f"{row['size']:,.0f}",
            f"{row['wall']:.1f}",
            f"{row['cpu']:.1f}",
            f"{row['findings'] / row['cpu']:,.0f}",
            f"{row['memory']:.0f}",
        )
        for row in found["rows"]
    ]
    return listed(("Findings", "File", "File MiB", "Wall s", "CPU s", "Findings a CPU second", "Memory MiB"), rows)


def _compared(found: dict[str, Any], variants: tuple[str, str], words: tuple[str, str]) -> str:
    header = ("Run", "Runs", *(f"Seconds {text}" for text in words), "Ratio", *(f"Calls {text}" for text in words))
    rows = []
    for first, second in _pairs(found, variants):
        what = first["what"].removesuffix(f", {variants[0]}")
        ratio = f"{second['wall'] / first['wall']:.2f}"
        walls, calls = ([f"{item[name]:.{digits}f}" for item in (first, second)] for name, digits in FIGURES)
        rows.append((what, str(first["runs"]), *walls, ratio, *calls))
    return listed(header, rows)


def _pairs(found: dict[str, Any], variants: tuple[str, str]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the rows of each run in both variants."""
    first, second = variants
    rows = {item["what"]: item for item in found["rows"]}
    return [(item, rows[what.removesuffix(first) + second]) for what, item in rows.items() if what.endswith(first)]


def _loss(found: dict[str, Any]) -> float | None:
    """Return how many percent more time all runs together take with limits; None if one did not succeed."""
    pairs = _pairs(found, RATES)
    if any(item.get("ended") for pair in pairs for item in pair):
        return None
    free, limited = (sum(pair[number]["wall"] for pair in pairs) for number in (0, 1))
    return (limited / free - 1) * 100


def goals(
    few: dict[str, Any], many: dict[str, Any], limited: dict[str, Any], grown: dict[str, Any], simulated: dict[str, Any]
) -> str:
    """Return the table of the goals and of what was measured.

    *few*, *many*: 17 and 1,700 targets. *limited*: 17 with quotas. *grown*, *simulated*: of growth() and simulate().
    """
    times, seconds = "{:.1f} times", "40 s and {:.1f} s"
    rows: list[tuple[str, float | None, Callable[[float], bool], str]] = [
        (
            "17 targets, no change: at most as long as a play without tasks and the bare script together",
            _times(few, NO_CHANGE, EMPTY, BARE),
            lambda found: found <= 1,
            "{:.2f} times",
        ),
        (
            "... at least 3.5 times faster than ``sceptre launch``",
            _times(few, "sceptre launch", NO_CHANGE),
            lambda found: found >= 3.5,
            times,
        ),
        (
            "... at least 5 times faster than ``amazon.aws.cloudformation``, a task a host",
            _times(few, "amazon.aws.cloudformation, a task a host", NO_CHANGE),
            lambda found: found >= 5,
            times,
        ),
        (
            "... at least 60 times faster than ``aws cloudformation deploy``, one by one",
            _times(few, "aws cloudformation deploy, one by one", NO_CHANGE),
            lambda found: found >= 60,
            times,
        ),
        (
            "Check mode: as a run without changes",
            _times(few, "playbook, check mode", NO_CHANGE),
            lambda found: found <= 1.1,
            "{:.2f} times",
        ),
        (
            "First deployment of 17 targets: the slowest stack and 10 s",
            _beyond_the_stacks(few),
            lambda found: found <= 10,
            seconds,
        ),
        (
            "17 targets under the request rates of AWS: at most 10 % more time",
            _loss(limited),
            lambda found: found <= 10,
            "{:+.0f} %",
        ),
        (
            "1,700 targets, no change: at most 1.2 times the bare script",
            _times(many, NO_CHANGE, BARE),
            lambda found: found <= 1.2,
            times,
        ),
        ("... 250 MB", _figure(many, NO_CHANGE, "memory"), lambda found: found <= 238, "{:.0f} MiB"),
        (
            "First deployment of 1,700 targets: the slowest stack and 60 s",
            _beyond_the_stacks(many),
            lambda found: found <= 60,
            seconds,
        ),
        (
            "The collection's own work for a target, 17,000 targets: at most 1.1 times that of 170",
            _growth(grown),
            lambda found: found <= 1.1,
            "{:.2f} times",
        ),
        (
            "Simulation of the largest file: at least 20,000 findings a second",
            max((row["findings"], row["findings"] / row["wall"]) for row in simulated["rows"])[1],
            lambda found: found >= 20_000,
            "{:,.0f} a second",
        ),
    ]
    return listed(("Goal", "Met", "Measured"), [(goal, *_verdict(*measured)) for goal, *measured in rows])


def _verdict(measured: float | None, met: Callable[[float], bool], text: str) -> tuple[str, str]:
    if measured is None:
        return "", "not measured"
    return "yes" if met(measured) else "**no**", text.format(measured)


def _times(found: dict[str, Any], slower: str, *faster: str) -> float | None:
    """Return how many times longer one command takes than others together."""
    figures = [_figure(found, what, "wall") for what in (slower, *faster)]
    known = [figure for figure in figures if figure is not None]
    return known[0] / sum(known[1:]) if len(known) == len(figures) else None


def _beyond_the_stacks(found: dict[str, Any]) -> float | None:
    wall = _figure(found, FIRST, "wall")
    return None if wall is None else wall - 40


def _growth(found: dict[str, Any]) -> float:
    """Return how many times the CPU time of a target of the most targets is that of one of 170."""
    by_number = {row["targets"]: row["cpu"] / row["targets"] for row in found["rows"]}
    return by_number[max(by_number)] / by_number[170]


def _figure(found: dict[str, Any], what: str, figure: str) -> float | None:
    """Return a figure of one row, None where it is missing or the run did not succeed."""
    row = next((item for item in found["rows"] if item["what"] == what), None)
    return None if row is None or row.get("ended") else row[figure]


def capacity() -> str:
    """Return the table of what 340,000 unchanged targets cost, extrapolated from the largest measured fleet."""
    (found,) = (item for item in result(1700)["rows"] if item["what"] == NO_CHANGE)
    targets, slices = ACCOUNTS * REGIONS, ACCOUNTS // SLICE
    a_slice = SLICE * REGIONS
    seconds, cpu = (found[figure] / 1700 * a_slice for figure in ("wall", "cpu"))
    calls = 2 * targets + 11 * ACCOUNTS
    assumed = SLICE / seconds
    rows = [
        ("Targets", f"{targets:,}"),
        ("Calls: two a target, eleven an account, which assumes a role", f"{calls:,}"),
        (f"Slices of {SLICE} accounts ({a_slice:,} targets)", f"{slices}"),
        ("One slice, on two cores", f"{seconds:.0f} s, {cpu:.0f} s of CPU, {found['memory']:.0f} MiB"),
        ("All slices, one after another", f"{seconds * slices / 60:.0f} min"),
        ("All slices, ten at a time", f"{seconds * slices / 10 / 60:.0f} min, on 20 cores"),
        ("Roles assumed a second by one slice", f"{assumed:.1f}"),
        (f"Parallel slices that reach STS's {STS_QUOTA} calls a second", f"{STS_QUOTA / assumed:.0f}"),
        ("The least that 10,000 roles take at that quota", f"{quota_seconds(ACCOUNTS):.0f} s"),
    ]
    return listed(("What", "How much"), rows)


def quota_seconds(accounts: int) -> float:
    """Return the least time that a run without changes takes under the tightest quota: STS's, for one role an account.

    All other quotas are those of the accounts, in which a run makes fewer calls than even a burst allows.
    """
    return max(0.0, accounts - STS_QUOTA) / STS_QUOTA


def limits() -> str:
    """Return the table of what limits a run without changes of one job, by the size of the fleet."""
    measured = {
        item["targets"]: row["wall"]
        for item in (result(17), result(1700))
        for row in item["rows"]
        if row["what"] == NO_CHANGE
    }
    rows = []
    for targets, accounts in FLEETS:
        seconds = measured.get(targets, measured[1700] / 1700 * targets)
        limit = "the CPU" if accounts > 1 else "the start of Ansible, and waiting for AWS"
        least = quota_seconds(accounts)
        rows.append((f"{targets:,}", f"{accounts:,}", f"{seconds:,.0f} s", f"{least:.1f} s", limit))
    return listed(("Targets", "Accounts", "One job", "Least time under the quotas", "What limits it"), rows)


CAMPAIGNS = ("faults", "interruptions", "slices", "versions", "person", "credentials", "load")


def campaign(kind: str) -> dict[str, Any]:
    """The results of resilience tests of one kind (tests/resilience/campaign.py), of all shares together."""
    folder = HERE.parents[1] / "tests" / "resilience" / "results"
    shares = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob(f"{kind}*.json"))]
    numbered = [(item["number"], number, item) for number, share in enumerate(shares) for item in share["outcomes"]]
    return {
        **shares[0],
        "command": shares[0]["command"].partition(" --share ")[0],
        **{name: sum(share[name] for share in shares) for name in ("cases", "failed", "minutes")},
        "outcomes": [item for _case, _share, item in sorted(numbered, key=lambda item: item[:2])],
    }


def campaigns(found: Sequence[dict[str, Any]]) -> str:
    """Return the table of what was run."""
    return listed(
        ("Command", "Commit, day", "Targets", "Cases", "Failed", "Minutes"),
        [
            (
                f"``{item['command']}``",
                f"{item['commit']}, {item['day']}",
                *(str(item[name]) for name in ("regions", "cases", "failed", "minutes")),
            )
            for item in found
        ],
    )


def survived(found: dict[str, Any], what: str) -> str:
    """Return the table of how many cases passed, by *what* happened and by how."""
    columns = list(dict.fromkeys(item["how"] for item in found["outcomes"]))
    passed: dict[str, dict[str, list[bool]]] = {}
    for item in found["outcomes"]:
        passed.setdefault(item["what"], {}).setdefault(item["how"], []).append(item["passed"])
    rows = [(row, *(_share(of_row.get(column, [])) for column in columns)) for row, of_row in passed.items()]
    return listed((what, *columns), rows)


def _share(passed: list[bool]) -> str:
    """Return how many cases passed of how many."""
    if not passed:
        return ""
    share = f"{sum(passed)} of {len(passed)}"
    return share if all(passed) else f"**{share}**"


def outcomes(found: dict[str, Any]) -> str:
    """Return the table of the outcome of each case."""
    rows = [
        (f"{item['what']}, {item['how']}", item["outcome"] if item["passed"] else "**failed**")
        for item in found["outcomes"]
    ]
    return listed(("What", "Outcome"), rows)


BLOCKS = {
    "performance.rst": {
        "17 targets": lambda: costs(result(17)),
        "170 targets": lambda: costs(result(170)),
        "1,700 targets": lambda: costs(result(1700)),
        "goals": lambda: goals(result(17), result(1700), result("quotas-17"), result("growth"), result("simulate")),
        "quotas": lambda: quotas(result("quotas-17")),
        "modes": lambda: modes(result("modes-17")),
        "growth": lambda: growth(result("growth")),
        "simulate": lambda: simulate(result("simulate")),
        "profile": lambda: profile(result("profile-17"), result("profile-1700")),
    },
    "capacity.rst": {"capacity": capacity, "limits": limits},
    "resilience.rst": {
        "campaigns": lambda: campaigns([campaign(kind) for kind in CAMPAIGNS]),
        "interruptions": lambda: survived(campaign("interruptions"), "Work"),
        "faults": lambda: survived(campaign("faults"), "Fault"),
        "versions": lambda: outcomes(campaign("versions")),
        "slices": lambda: outcomes(campaign("slices")),
        "person": lambda: outcomes(campaign("person")),
        "load": lambda: outcomes(campaign("load")),
    },
}


def written(page: str, text: str) -> str:
    """Return the text of the page with the tables of the results."""
    for name, table in BLOCKS[page].items():
        begin, end = f".. begin {name}\n", f"\n.. end {name}"
        block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not block.search(text):
            sys.exit(f"{page} has no comments {begin.strip()} and {end.strip()}")
        text = block.sub(lambda _match, table=table, b=begin, e=end: f"{b}\n{table()}\n{e}", text)
    return text


def main() -> None:
    """Write the pages, or with --check fail if one of them differs from the results."""
    for page in BLOCKS:
        path = PAGES / page
        text = path.read_text(encoding="utf-8")
        new = written(page, text)
        if "--check" in sys.argv[1:] and new != text:
            sys.exit(f"{page} is not what the results say: run tests/benchmark/tables.py")
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
