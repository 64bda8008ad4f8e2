# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make lint` fails for an IAM policy that is wider than the shipped one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import scan_policies

ROOT = Path(__file__).resolve().parents[3]
POLICIES = ROOT / "roles" / "securityhub_slack" / "files" / "iam"
READS = ("BatchGet", "Get", "List", "Describe", "Simulate", "Test")


def actions(statement):
    return [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def scoped(statement):
    """Tell whether a statement allows writing, and not to all resources."""
    writes = [action for action in actions(statement) if not action.partition(":")[2].startswith(READS)]
    return writes and statement["Resource"] != "*"


# cloudsplaining takes any condition for a limit, so roles/test_iam_policies.py has the conditions of the statements.
STATEMENTS = [
    pytest.param(path, number, statement, id=f"{path.stem}-{statement['Sid']}")
    for path in sorted(POLICIES.glob("*.json"))
    for number, statement in enumerate(json.loads(path.read_text(encoding="utf-8"))["Statement"])
    if "Condition" not in statement
]


def widened(path, number, **changed):
    policy = json.loads(path.read_text(encoding="utf-8"))
    policy["Statement"][number] |= changed
    return json.dumps(policy)


def scan(*paths):
    command = [sys.executable, scan_policies.__file__, *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_shipped_policies_pass():
    done = scan(*POLICIES.glob("*.json"))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_wider_policy_and_no_policy_fail(tmp_path):
    (tmp_path / "wide.json").write_text(widened(POLICIES / "deploy.json", 0, Resource="*"))
    done = scan(tmp_path / "wide.json")
    assert done.returncode == 1
    assert f"{tmp_path}/wide.json: InfrastructureModification: securityhub:CreateActionTarget\n" in done.stdout
    assert scan().returncode == 1


@pytest.mark.parametrize(("path", "number", "statement"), STATEMENTS)
def test_all_actions_of_a_service_are_found(path, number, statement):
    service = actions(statement)[0].partition(":")[0]
    assert scan_policies.findings(widened(path, number, Action=f"{service}:*"))


@pytest.mark.parametrize(("path", "number", "statement"), [item for item in STATEMENTS if scoped(item.values[2])])
def test_all_resources_are_found_where_a_statement_writes(path, number, statement):
    assert scan_policies.findings(widened(path, number, Resource="*"))
