# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an acceptance run, as Markdown for people and as JSON for programs, without account IDs."""

from __future__ import annotations

import json
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.acceptance.masking import Mask
from ansible_collections.secops.securityhub.tests.acceptance.trials import Finding

PASSED, FAILED, NOT_CONFIRMED, LEFT_OUT = "passed", "failed", "not confirmed", "left out"


@dataclass(frozen=True)
class Step:
    """A step of the run: its name, PASSED, FAILED, NOT_CONFIRMED or LEFT_OUT, and what was seen."""

    name: str
    state: str
    seen: str = ""


@dataclass
class Report:
    """What a run has found out so far; an aborted run writes it, too."""

    versions: dict[str, str]
    regions: tuple[str, ...]
    emulated: bool
    steps: list[Step] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Tell whether no step failed, nothing is left, and the run was not interrupted."""
        failed = any(step.state == FAILED for step in self.steps)
        return not failed and not self.left and not self.interrupted

    def content(self) -> dict[str, Any]:
        """Return the report as a dict."""
        return {
            "generator": "secops.securityhub acceptance",
            "schema": 1,
            "passed": self.passed,
            "interrupted": self.interrupted,
            "emulator": self.emulated,
            "regions": list(self.regions),
            "versions": self.versions,
            "steps": [asdict(step) for step in self.steps],
            "assumptions": [_assumption(found) for found in self.findings],
            "left": self.left,
        }

    def write(self, path: Path, mask: Mask) -> list[Path]:
        """Write PATH.md and PATH.json, masked, and return their paths."""
        as_json = mask.text(json.dumps(self.content(), indent=2)) + "\n"
        written = [path.with_name(f"{path.name}{suffix}") for suffix in (".md", ".json")]
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, text in zip(written, (markdown(json.loads(as_json)), as_json)):
            target.write_text(text, encoding="utf-8")
        return written


def _assumption(found: Finding) -> dict[str, Any]:
    return {
        "switch": found.row["switch"],
        "assumption": " ".join(found.row["assumption"].split()),
        "certainty": found.row["certainty"],
        "assumed": found.row["strict"],
        "aws": found.aws,
        "result": found.result,
        "evidence": found.evidence,
    }


def markdown(content: dict[str, Any]) -> str:
    """Return the content of a report for people."""
    outcome = "interrupted" if content["interrupted"] else "passed" if content["passed"] else "failed"
    where = "the emulator" if content["emulator"] else "AWS"
    versions = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
    lines = [
        f"# Acceptance test of secops.securityhub: {outcome}",
        "",
        f"Against {where}, in {', '.join(content['regions'])}. {versions}.",
        "",
        *_table(("Step", "Result", "Seen"), ([step["name"], step["state"], step["seen"]] for step in content["steps"])),
        "",
        "## Left in the account",
        "",
        *([f"* {name}" for name in content["left"]] or ["Nothing with the prefix of the run."]),
        "",
        "## Assumptions about AWS",
        "",
        "One holds if AWS answers as the strictest emulator. The collection is tested with the other answers, too, so "
        "one that does not hold fails nothing. If AWS gives an answer that `tests/emulator/assumptions.yml` does not "
        "list, please report it.",
        "",
        *_table(
            ("Assumption", "Result", "Assumed", "AWS", "Evidence"),
            (
                [f"`{row['switch']}`", row["result"], row["assumed"], row["aws"], row["evidence"]]
                for row in content["assumptions"]
            ),
        ),
    ]
    return "\n".join(lines) + "\n"


def _table(head: tuple[str, ...], rows: Any) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: Any) -> str:
    texts = ("" if cell is None else " ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |"
