# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbook securityhub_slack_simulate over files of more and more findings. Nothing of AWS is needed."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import measured_run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLAYBOOK = ROOT / "playbooks" / "securityhub_slack_simulate.yml"
# Findings, format, and shape of the file (many_findings.py).
FILES = (
    (1_000, "asff", "array"),
    (10_000, "asff", "array"),
    (100_000, "asff", "array"),
    (1_000_000, "asff", "array"),
    (1_000_000, "ocsf", "lines"),
)
SUPPRESSIONS = [
    {"control_ids": ["EC2.19", "S3.8"], "account_ids": ["222222000001", "222222000007"], "reason": "sandbox"},
    {"resource_ids": ["arn:aws:s3:::*-logs-*", "*:role/aws-*"], "reason": "logs"},
    {"title_prefixes": ["S3 general"], "regions": ["eu-west-1"], "reason": "websites"},
]


def run(folder: Path, regions: list[str]) -> dict[str, Any]:
    """Return what the playbook costs for each of the files, in a process of its own."""
    variables = {
        "securityhub_slack_workspace_id": "T0123456789",
        "securityhub_slack_channel_id": "C0123456789",
        "securityhub_slack_aggregation": "per_region",
        "securityhub_slack_minimum_severity": "MEDIUM",
        "securityhub_slack_suppressions": SUPPRESSIONS,
    }
    inventory = {"all": {"hosts": {region: {} for region in regions}, "vars": variables}}
    (folder / "simulated.json").write_text(json.dumps(inventory))
    rows = [_row(folder, regions, *file) for file in FILES]
    day = time.strftime("%Y-%m-%d")
    return {"python": platform.python_version(), "cores": os.cpu_count(), "day": day, "rows": rows}


def _row(folder: Path, regions: list[str], number: int, finding_format: str, shape: str) -> dict[str, Any]:
    path = folder / "findings.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ansible" / "collections")}
    write = [sys.executable, str(HERE / "many_findings.py"), str(path), str(number), finding_format, shape, *regions]
    subprocess.run(write, env=environment, check=True)
    given = {
        "securityhub_slack_simulate_files": str(path),
        "securityhub_slack_simulate_html": "",
        "securityhub_slack_finding_format": finding_format,
    }
    command = ["ansible-playbook", "-i", "simulated.json", str(PLAYBOOK), "-e", json.dumps(given)]
    cost = measured_run.run(command, measured_run.environment_without_settings(), folder)
    said = (folder / "log").read_text()
    if cost.ended or f"{number:,} findings as they are now" not in said:
        sys.exit(f"{cost.ended}\n{said[-3000:]}")
    print(f"{number:,} {finding_format}: {cost.wall:.1f} s, {cost.cpu:.1f} s of CPU", file=sys.stderr)
    size = path.stat().st_size / 2**20
    path.unlink()
    figures = {"wall": cost.wall, "cpu": cost.cpu, "memory": cost.memory, "size": size}
    rounded = {name: round(figure, 2) for name, figure in figures.items()}
    return {"findings": number, "format": finding_format, "shape": shape, **rounded}
