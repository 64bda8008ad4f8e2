# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which targets a run tells of under their own name."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot as Target
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import plan
from ansible_collections.secops.securityhub.plugins.module_utils._report import deploy as report
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets

VARIABLES = {name: option.get("default") for name, option in _targets.options().items()}


def a_target(name: str, *, changed: bool = False, error: str = "") -> Target:
    planned = plan.TargetPlan(action=plan.CREATE if changed else plan.NONE)
    return Target(settings_of(name, VARIABLES), plan=planned, problems=[error] if error else [])


def test_changed_and_failed_targets_are_told_of():
    targets = [a_target("changed", changed=True), a_target("same"), a_target("failed", error="Why.")]
    assert report.result(targets, [], diff=False)["eventful"] == ["changed", "failed"]


def test_failed_targets_alone_are_told_of_where_many_have_changed():
    many = [a_target(f"changed{number}", changed=True) for number in range(report.CHANGED_TOLD_AT_MOST)]
    failed = a_target("failed", error="Why.")
    assert len(report.result([*many, failed], [], diff=False)["eventful"]) == report.CHANGED_TOLD_AT_MOST + 1
    one_more = a_target("changed", changed=True)
    assert report.result([*many, failed, one_more], [], diff=False)["eventful"] == ["failed"]
