# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks findings in batches, and reports those that AWS did not mark."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._commands import baseline
from ansible_collections.secops.securityhub.plugins.module_utils._model.account import Account
from ansible_collections.secops.securityhub.plugins.module_utils._model.baseline import Baseline
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetDesign
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._report import baseline as report
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

FINDING = findings.FINDINGS["account-2-high-eu-west-1"]
MANY = tuple({**FINDING, "Id": f"{FINDING['Id']}/{number}"} for number in range(101))


@pytest.fixture
def target(emulator, monkeypatch):
    """Return the target eu-west-1 of an account without findings."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", FINDING["AwsAccountId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    emulator.world({FINDING["AwsAccountId"]: {"hubs": ["eu-west-1"]}})
    variables = {name: option["default"] for name, option in _targets.options().items() if "default" in option}
    variables |= {"securityhub_slack_region": "eu-west-1", "securityhub_slack_endpoint_url": emulator.url}
    snapshot = TargetSnapshot(settings_of("eu-west-1", variables), Account(FINDING["AwsAccountId"], "aws"))
    return TargetDesign(snapshot)


def import_many(emulator):
    client = emulator.client("securityhub", "eu-west-1", FINDING["AwsAccountId"])
    for start in (0, 100):
        client.batch_import_findings(Findings=list(MANY[start : start + 100]))
    emulator.forget_requests()


def test_more_than_a_hundred_findings_are_marked_a_hundred_at_a_time(emulator, target):
    import_many(emulator)
    marked = baseline.marked(Clients(), Baseline(target, MANY))
    assert (marked.marked, marked.unprocessed, marked.problems) == (101, (), ())
    assert emulator.writes() == ["BatchUpdateFindings"] * 2


def test_findings_marked_before_a_failed_call_are_counted(emulator, target, monkeypatch):
    import_many(emulator)
    update, sizes = securityhub.batch_update_findings, []

    def fail_the_second_time(client, identifiers, changes):
        sizes.append(len(identifiers))
        if len(sizes) > 1:
            raise UserError("no answer.")
        return update(client, identifiers, changes)

    monkeypatch.setattr(securityhub, "batch_update_findings", fail_the_second_time)
    marked = baseline.marked(Clients(), Baseline(target, MANY))
    assert sizes == [100, 1]
    assert (marked.marked, marked.problems) == (100, ("no answer.",))
    assert report.result([marked], [], check=False)["changed"] is True


def test_findings_that_aws_does_not_mark_are_named(emulator, target):
    gone = {**FINDING, "Id": "gone"}
    findings.bring(emulator, FINDING)
    marked = baseline.marked(Clients(), Baseline(target, (FINDING, gone)))
    result = report.result([marked], [], check=False)
    assert result["summary"] == {"findings": 2, "marked": 1, "unprocessed": 1, "failed": 0}
    assert result["targets"]["eu-west-1"]["unprocessed"] == [
        {"id": "gone", "error_code": "FindingNotFound", "error_message": "Finding Not Found"}
    ]
    lines = report.table([marked], [], check=False)
    (unmarked,) = [line for line in lines if "FindingNotFound" in line]
    assert "eu-west-1: 1 finding " in unmarked
    assert "Marked NOTIFIED: 1 of 2 findings." in lines
