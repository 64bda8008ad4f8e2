# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write many findings, made from the samples of tests/findings: many_findings.py PATH NUMBER FORMAT SHAPE REGION...

They are of many accounts, Regions, resources, states and days.
"""

from __future__ import annotations

import datetime
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

SAMPLES = Path(__file__).resolve().parents[1] / "findings"
ACCOUNTS = tuple(f"{222_222_000_000 + number}" for number in range(500))
STATES = (*[("NEW", "ACTIVE")] * 7, ("NOTIFIED", "ACTIVE"), ("RESOLVED", "ACTIVE"), ("NEW", "ARCHIVED"))
DAYS = 90
ARRAY, LINES = "array", "lines"


def write(path: Path, number: int, finding_format: str, shape: str, regions: list[str]) -> None:
    """Write *number* findings to *path*. *shape*: as ``aws securityhub get-findings`` prints them, or JSON Lines."""
    begin, between, end = ('{"Findings": [', ",\n", "]}") if shape == ARRAY else ("", "\n", "\n")
    with path.open("w", encoding="utf-8") as file:
        file.write(begin)
        for index, text in enumerate(findings(number, finding_format, regions)):
            file.write(between + text if index else text)
        file.write(end)


def findings(number: int, finding_format: str, regions: list[str]) -> Iterator[str]:
    """Yield findings as JSON, always the same ones on one day."""
    draw = random.Random(number)
    templates = [text for sample in _samples() for text in _templates(sample, finding_format)]
    now = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    for _number in range(number):
        created = now - datetime.timedelta(seconds=draw.randrange(DAYS * 86_400))
        updated = created + datetime.timedelta(seconds=draw.choice((0, 0, draw.randrange(5 * 86_400))))
        text = draw.choice(templates).replace("@account@", draw.choice(ACCOUNTS))
        text = text.replace("@region@", draw.choice(regions)).replace("@id@", f"{draw.getrandbits(64):016x}")
        yield text.replace("@created@", _time(created)).replace("@updated@", _time(min(updated, now)))


def _samples() -> Iterator[dict[str, Any]]:
    for path in sorted(SAMPLES.glob("*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def _templates(sample: dict[str, Any], finding_format: str) -> Iterator[str]:
    """Yield the sample in each state."""
    for workflow, record in STATES:
        made = {**sample, "Workflow": {"Status": workflow}, "RecordState": record}
        made |= {"CreatedAt": "@created@", "UpdatedAt": "@updated@"}
        made["Resources"] = [{**item, "Id": f"{item['Id']}-@id@"} for item in sample["Resources"]]
        if finding_format == "ocsf":
            made = _ocsf(made)
        text = json.dumps(made).replace(sample["AwsAccountId"], "@account@").replace(sample["Region"], "@region@")
        yield text.replace(sample["Id"].rpartition("/")[2], "00000000-0000-0000-@id@")


def _ocsf(made: dict[str, Any]) -> dict[str, Any]:
    """Return a finding of the new Security Hub, with about as much beside what routing reads as in ASFF."""
    found = worlds.ocsf(made)
    times = {"created_time_dt": made["CreatedAt"], "modified_time_dt": made["UpdatedAt"], "desc": made["Description"]}
    unread = {"remediation": made.get("Remediation", {}), "unmapped": made.get("ProductFields", {})}
    return {**found, "finding_info": {**found["finding_info"], **times}, **unread}


def _time(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
