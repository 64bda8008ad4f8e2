# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the pages: the channel of the emulated Slack, the doctor, and the simulation."""

from __future__ import annotations

import datetime
import json
import random
import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import yaml
from ansible_collections.secops.securityhub.tests import browser

if TYPE_CHECKING:
    from .sessions import User

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "findings"
WIDTH = 1200
ACCOUNT, MEMBERS = "111111111111", ("222222222222", "333333333333")  # of the samples
WORKSPACE, CHANNEL = "T0123456789", "C0123456789"  # of inventories/demo
PAST_FINDINGS, DAYS = 400, 30
PLAYBOOK = "AWS_PROFILE=security-admin ansible-playbook -i hosts secops.securityhub.securityhub_slack"


def take(user: User, folder: Path, into: Path) -> None:
    """Deploy the inventory of the demo, import findings, break a rule, and take pictures of what there is to see."""
    samples = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*.json"))]
    workspace = {"SlackTeamId": WORKSPACE, "SlackTeamName": "acme"}
    user.emulator.world({ACCOUNT: {"hubs": "all", "workspaces": [workspace]}})
    user.emulator.world({member: {"hubs": "all", "administrator": ACCOUNT} for member in MEMBERS})
    bring(user.emulator, list(past(samples)))
    shutil.copytree(ROOT / "inventories" / "demo", folder / "hosts")
    user.run(PLAYBOOK)
    script = yaml.safe_load((ROOT / "tests" / "demo" / "findings.yml").read_text(encoding="utf-8"))
    for name in script["arrives"]:
        bring(user.emulator, [json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))])
    user.run(f"{PLAYBOOK}_simulate")
    user.emulator.client("events", "eu-west-1").disable_rule(Name="securityhub-slack-findings")
    user.run(f"{PLAYBOOK}_doctor || true")
    with browser.chromium() as chromium:
        for name, height, address in (
            ("channel", 760, f"{user.emulator.url}/?channel={CHANNEL}"),
            ("simulation", 1180, f"file://{folder}/securityhub-simulation.html"),
            ("doctor", 960, f"file://{folder}/securityhub-doctor.html"),
        ):
            page = chromium.new_page(viewport={"width": WIDTH, "height": height})
            page.goto(address)
            page.screenshot(path=into / f"{name}.png")


def past(samples: list[dict[str, Any]]) -> Any:
    """Yield findings of the last days, most of them not critical."""
    drawn = random.Random(16)
    now = datetime.datetime.now(datetime.timezone.utc)
    weights = [{"CRITICAL": 1, "HIGH": 3, "MEDIUM": 6}.get(sample["Severity"].get("Label"), 2) for sample in samples]
    for number, sample in enumerate(drawn.choices(samples, weights, k=PAST_FINDINGS)):
        at = (now - datetime.timedelta(days=drawn.random() * DAYS)).isoformat(timespec="milliseconds")
        yield {**sample, "Id": f"{sample['Id']}/{number}", "CreatedAt": at, "UpdatedAt": at}


def bring(emulator: Any, findings: list[dict[str, Any]]) -> None:
    """Let the findings' own accounts and regions import them."""
    batches = defaultdict(list)
    for finding in findings:
        batches[finding["Region"], finding["AwsAccountId"]].append(finding)
    for (region, account), batch in batches.items():
        for start in range(0, len(batch), 100):
            emulator.client("securityhub", region, account).batch_import_findings(Findings=batch[start : start + 100])
