# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the set-up of an organization did, or would do: for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from . import differences
from .text import count
from .text import failed_below
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._resource.shapes import Json

CHOSEN_BY_AWS = ("HubArn", "SubscribedAt", "FindingAggregatorArn")
APPLY = "This was a preview; nothing was changed. To apply it, rerun with -e securityhub_organization_apply=true"


@dataclass(frozen=True)
class Step:
    """One step in one region: what AWS had and has then. *problem*: why it failed, *skipped*: why it was not taken."""

    name: str
    region: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    problem: str = ""
    skipped: str = ""

    @property
    def changed(self) -> bool:
        """Tell whether the step changed something, or would."""
        return self.before != self.after


def result(steps: Sequence[Step], *, preview: bool, diff: bool) -> Json:
    """Return what the module returns."""
    return {
        **({"differences": _differences(steps)} if diff else {}),
        "changed": any(step.changed for step in steps),
        "preview": preview,
        "steps": [
            {
                "step": step.name,
                "region": step.region,
                "changed": step.changed,
                "failed": bool(step.problem),
                "msg": step.problem or step.skipped,
            }
            for step in steps
        ],
    }


def _differences(steps: Sequence[Step]) -> list[differences.Difference]:
    found = []
    for name in dict.fromkeys(step.name for step in steps if step.changed):
        changes = [(step.region, _shown(step.before), _shown(step.after)) for step in steps if step.name == name]
        found += differences.alike((change for change in changes if change[1] != change[2]), f"{name} in ")
    return found


def _shown(state: Mapping[str, Any] | None) -> Json:
    return {key: value for key, value in (state or {}).items() if key not in CHOSEN_BY_AWS and value != []}


def lines(steps: Sequence[Step], *, preview: bool) -> list[str]:
    """Return the lines for a terminal: each step and region, what happened, what to do next, and what has failed."""
    name_width = max([len("STEP"), *(len(step.name) for step in steps)])
    region_width = max([len("REGION"), *(len(step.region) for step in steps)])
    verb = "would change" if preview else "changed"
    rows = [f"  {'STEP':{name_width}}  {'REGION':{region_width}}  STATUS"]
    for step in steps:
        status = "FAILED, see below" if step.problem else step.skipped or (verb if step.changed else "unchanged")
        rows += wrapped(f"  {step.name:{name_width}}  {step.region:{region_width}}  {status}", indent=6)
    failed = sum(bool(step.problem) for step in steps)
    changed = sum(step.changed for step in steps)
    rows += ["", f"{count(len(steps), 'step')}: {changed} {verb}, {failed} failed."]
    rows += failed_below((f"{step.name} in {step.region}", step.problem) for step in steps)
    return ["", *rows, *(wrapped(APPLY) if preview and not failed else [])]


def failure(steps: Sequence[Step]) -> str:
    """Return how many steps have failed, '' for none."""
    failed = sum(bool(step.problem) for step in steps)
    return f"{failed} of {count(len(steps), 'step')} failed. The report above says why." if failed else ""
