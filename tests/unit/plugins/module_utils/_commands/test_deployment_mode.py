# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks in CloudFormation's express mode, which ends before their resources are there."""

from __future__ import annotations

import time

import pytest

REGIONS = ("eu-west-1", "us-east-1")
EXPRESS = {"deployment_mode": "express"}
RULE = "securityhub-slack-findings"


def switch(lab, **values):
    lab.emulator.ask("POST", "switches", values)


def rules(lab, region="us-east-1"):
    return [rule["Name"] for rule in lab.client("events", region).list_rules()["Rules"]]


def test_a_run_ends_when_what_express_mode_has_created_is_there(lab):
    switch(lab, cloudformation_stabilization=3)
    seconds = {}
    for mode in ("express", "standard"):
        began = time.monotonic()
        done = lab.run(lab.hosts(*REGIONS, deployment_mode=mode))
        seconds[mode] = time.monotonic() - began
        assert done.errors == {}
        assert all(RULE in rules(lab, region) for region in REGIONS)
        assert lab.run(lab.hosts(*REGIONS, deployment_mode=mode)).writes == []
        assert lab.run(lab.hosts(*REGIONS, deployment_mode=mode, state="absent")).errors == {}
        assert lab.ours(*REGIONS) == {}
    assert 3 < seconds["express"] < seconds["standard"]


def test_the_mode_changes_neither_the_plan_nor_what_a_run_without_changes_calls(lab):
    express, standard = lab.hosts("us-east-1", **EXPRESS), lab.hosts("us-east-1")
    assert lab.run(express, check=True).reported == lab.run(standard, check=True).reported
    lab.run(express)
    assert lab.run(standard).calls == lab.run(express).calls
    changed = lab.run(lab.hosts("us-east-1", minimum_severity="LOW", **EXPRESS))
    assert (changed.errors, changed.calls["UpdateStack"]) == ({}, 1)
    assert lab.stack("us-east-1")["StackStatus"] == "UPDATE_COMPLETE"


def test_where_express_mode_is_refused_a_run_uses_standard_mode_and_says_so_once(lab):
    switch(lab, cloudformation_express="refused")
    given = lab.hosts(*REGIONS, **EXPRESS)
    done = lab.run(given)
    assert done.errors == {}
    (notice,) = done.notices[1:]
    assert notice.startswith(
        "CloudFormation refused express mode (securityhub_slack_deployment_mode) in eu-west-1, us-"
    )
    again = lab.run(given)
    assert (again.writes, again.notices) == ([], done.notices[:1])


@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_stack_that_fails_is_rolled_back_and_repaired_by_the_next_run(lab, operation):
    if operation == "update":
        lab.run(lab.hosts("us-east-1", **EXPRESS))
    given = lab.hosts("us-east-1", minimum_severity="LOW", **EXPRESS)
    lab.emulator.stacks(0, {"operation": operation, "resource": "RuleSecurityhubSlackFindings", "reason": "no."})
    status = {"create": "ROLLBACK_COMPLETE", "update": "UPDATE_ROLLBACK_COMPLETE"}[operation]
    assert f"ended in {status}: RuleSecurityhubSlackFindings" in lab.run(given).errors["us-east-1"]
    lab.emulator.stacks()
    assert lab.run(given).errors == {}
    assert RULE in rules(lab)


def test_what_is_not_there_in_time_fails_the_target_and_is_named(lab):
    switch(lab, cloudformation_stabilization=10)
    given = lab.hosts("us-east-1", stack_timeout=1, **EXPRESS)
    error = lab.run(given).errors["us-east-1"]
    assert f"the stack securityhub-slack is CREATE_COMPLETE after 1 s, but the rule {RULE} is gone" in error
    assert lab.channels() == {}
    switch(lab, cloudformation_stabilization=0)
    assert lab.run(given).errors == {}
    assert lab.carried() == ["us-east-1:securityhub-slack"]
