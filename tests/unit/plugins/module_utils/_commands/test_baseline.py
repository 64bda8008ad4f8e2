# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marking findings in batches, and what is said of those that AWS did not mark."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._commands import baseline
from ansible_collections.secops.securityhub.plugins.module_utils._model.account import Account
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot as Target
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

FINDING = findings.FINDINGS["account-2-high-eu-west-1"]


@pytest.fixture
def target(emulator, monkeypatch):
    """Return the target eu-west-1 of an account without findings."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", FINDING["AwsAccountId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    emulator.reset()
    emulator.world({FINDING["AwsAccountId"]: {"hubs": ["eu-west-1"]}})
    variables = {name: option["default"] for name, option in _targets.options().items() if "default" in option}
    variables |= {"securityhub_slack_region": "eu-west-1", "securityhub_slack_endpoint_url": emulator.url}
    return Target(settings_of("eu-west-1", variables), account=Account(FINDING["AwsAccountId"], "aws"))


def test_more_than_a_hundred_findings_are_marked_a_hundred_at_a_time(emulator, target):
    many = [{**FINDING, "Id": f"{FINDING['Id']}/{number}"} for number in range(101)]
    client = emulator.client("securityhub", "eu-west-1", FINDING["AwsAccountId"])
    for start in (0, 100):
        client.batch_import_findings(Findings=many[start : start + 100])
    emulator.forget_requests()
    found = baseline.Baseline(target, findings=many)
    baseline.mark(Clients(), found)
    assert (found.marked, found.unprocessed) == (101, [])
    assert emulator.writes() == ["BatchUpdateFindings"] * 2


def test_findings_that_aws_does_not_mark_are_named(emulator, target):
    gone = {**FINDING, "Id": "gone"}
    findings.bring(emulator, FINDING)
    found = baseline.Baseline(target, findings=[FINDING, gone])
    baseline.mark(Clients(), found)
    outcome = baseline.result([found], [], check=False)
    assert outcome["summary"] == {"findings": 2, "marked": 1, "unprocessed": 1, "failed": 0}
    assert outcome["targets"]["eu-west-1"]["unprocessed"] == [
        {"id": "gone", "error_code": "FindingNotFound", "error_message": "Finding Not Found"}
    ]
    lines = baseline.table(outcome, check=False)
    assert "Not marked in eu-west-1: 1 finding (FindingNotFound); the result names them." in lines
    assert "Marked NOTIFIED: 1 of 2 findings." in lines
