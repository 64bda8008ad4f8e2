# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import messages
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.stack_sets import Instances
from ansible_collections.secops.securityhub.plugins.module_utils._stack.live import StackSet

OF_ONE_ACCOUNT = StackSet("999999999999", "eu-west-1", "SELF", "slack")
OF_UNITS = StackSet("999999999999", "us-east-1", "DELEGATED_ADMIN", "slack")


def instance(detailed, account="111111111111", region="us-east-1", **more):
    found = {"Account": account, "Region": region, "Status": "OUTDATED", **more}
    return {**found, "StackInstanceStatus": {"DetailedStatus": detailed}} if detailed else found


@pytest.mark.parametrize(
    ("status", "works", "state", "problem", "remedy"),
    [
        ("FAILED", True, "risk", "as FAILED: the last operation on it failed (why).", "Fix the cause, then retry"),
        ("FAILED", False, "broken", "as FAILED: the last operation on it failed (why).", "Fix the cause, then retry"),
        ("CANCELLED", True, "risk", "as CANCELLED: the last operation was stopped", "Find out why, then retry"),
        ("SKIPPED_SUSPENDED_ACCOUNT", False, "broken", "its account was suspended", "Reopen the account"),
        (
            "INOPERABLE",
            True,
            "risk",
            "a deletion of it failed, and updates leave it out",
            "Remove it from the StackSet",
        ),
        ("FAILED_IMPORT", True, "risk", "as FAILED_IMPORT: it is not up to date", "Fix the cause, then retry"),
        ("", True, "risk", "as OUTDATED: it is not up to date", "Fix the cause, then retry"),
        ("RUNNING", False, "risk", "is in RUNNING in the StackSet slack", "Wait until CloudFormation has finished"),
    ],
)
def test_each_status_of_an_instance_has_a_meaning_and_a_remedy(status, works, state, problem, remedy):
    found = instance(status, StatusReason="why.")
    result = messages.stack_instance(Instances(OF_ONE_ACCOUNT, (found,)), found, "", works=works)
    assert result.state == state
    assert problem in result.problem
    assert result.remedy.startswith(remedy)
    assert result.commands


@pytest.mark.parametrize(
    ("stack_set", "status", "more", "command"),
    [
        (
            OF_UNITS,
            "FAILED",
            {"OrganizationalUnitId": "ou-1"},
            "aws cloudformation update-stack-set --region us-east-1 --stack-set-name slack --use-previous-template "
            "--parameters ParameterKey=StackSet,UsePreviousValue=true --capabilities CAPABILITY_NAMED_IAM "
            "--operation-preferences "
            "RegionConcurrencyType=PARALLEL,MaxConcurrentPercentage=100,FailureTolerancePercentage=100 "
            "--call-as DELEGATED_ADMIN",
        ),
        (
            OF_UNITS,
            "INOPERABLE",
            {"OrganizationalUnitId": "ou-1"},
            "aws cloudformation delete-stack-instances --region us-east-1 --stack-set-name slack --deployment-targets "
            "OrganizationalUnitIds=ou-1,Accounts=111111111111,222222222222,AccountFilterType=INTERSECTION --regions "
            "sa-east-1 us-east-1 --retain-stacks --call-as DELEGATED_ADMIN",
        ),
        (
            OF_ONE_ACCOUNT,
            "INOPERABLE",
            {},
            "aws cloudformation delete-stack-instances --region eu-west-1 --stack-set-name slack --accounts "
            "111111111111 222222222222 --regions sa-east-1 us-east-1 --retain-stacks",
        ),
    ],
)
def test_the_command_is_for_all_instances_in_the_same_state(stack_set, status, more, command):
    alike = instance(status, **more), instance(status, "222222222222", "sa-east-1", **more)
    other = {**instance("SUCCEEDED", "333333333333", **more), "Status": "CURRENT"}
    instances = Instances(stack_set, (*alike, other))
    first, second = (messages.stack_instance(instances, item, "", works=True) for item in alike)
    assert first == second, "targets with the same problem are reported together"
    assert first.commands[0] == command


def test_a_stack_that_left_its_stack_set_is_a_risk():
    assert messages.not_in_stack_set("slack").state == "risk"
    assert Instances(OF_UNITS, (instance("FAILED"),)).at("111111111111", "sa-east-1") is None
