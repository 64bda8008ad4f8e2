# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import unicodedata

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._report import deploy as report
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet
from hypothesis import given
from hypothesis import strategies as st

HOME = {"FindingAggregationRegion": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}
TRAFFIC = report.traffic(1038, 2, 1.24)
# Terminals obey these: colours, a title, backspace, a line that is written over, the other direction of writing.
HOSTILE = "\x1b[31mred\x1b]0;title\x07 back\b over\r bidi\u202e\u2066 null\x00 del\x7f c1\x9b31m"


def table(account, check=False, targets=None):
    return report.table(targets or account.targets, [account], TRAFFIC, check=check)


def hosts(*regions, **given):
    return [fleet.settings(region, **given) for region in regions]


def test_a_first_deployment():
    world = fleet.AccountModel(hubs={"us-east-1", "eu-west-1"})
    account = world.applied(
        [*hosts("us-east-1"), *hosts("eu-west-1", minimum_severity="MEDIUM"), *hosts("ap-southeast-1")]
    )
    assert (
        "\n".join(table(account))
        == """
Account 111111111111: 2 topics to Slack channel C0ABCDEFG12 (securityhub-slack)
  TARGET          SENDS             CHANGED
  us-east-1       CRITICAL          custom action: create; stack: create
  eu-west-1       MEDIUM and above  custom action: create; stack: create
  ap-southeast-1  CRITICAL          FAILED, see below
  guardrail: create
  channel role: create
  configuration securityhub-slack: create (2 topics in)
  Note: findings about global resources are sent for us-east-1 only

Failed:
  ap-southeast-1: Security Hub is not enabled there: enable it, or take the
    region out of the inventory.

3 targets: 2 changed, 0 unchanged, 1 failed.
1,038 calls to AWS, 2 retried, in 1.2 s.
Next: if Slack channel C0ABCDEFG12 is private, type /invite @Amazon Q in it;
    nothing arrives before."""
    )


def test_check_mode_says_would_and_asks_for_no_invitation():
    lines = table(fleet.AccountModel().planned(hosts("us-east-1")), check=True)
    assert "  TARGET     SENDS     WOULD CHANGE" in lines
    assert "1 target: 1 would change, 0 unchanged, 0 failed." in lines
    assert not any(line.startswith("Next:") for line in lines)


def test_a_region_that_feeds_the_home_region_says_so():
    lines = table(fleet.AccountModel(aggregator=HOME).planned(hosts("eu-west-1", "us-east-1")))
    start = lines.index("  eu-west-1  its findings are sent from the home Region us-east-1, by the policy")
    assert lines[start + 1] == "             of eu-west-1"
    assert lines[start + 2] == "  us-east-1  CRITICAL  custom action: create; stack: create"


def test_a_target_whose_account_is_not_known():
    account = fleet.AccountModel().planned(hosts("us-east-1"))
    lost = fleet.Target(fleet.settings("eu-west-1"), problems=["no AWS credentials were found: set AWS_PROFILE."])
    lines = table(account, targets=[*account.targets, lost])
    assert lines[lines.index("Targets whose account is not known:") + 2] == "  eu-west-1  -      FAILED, see below"
    assert lines[lines.index("Failed:") + 1] == "  eu-west-1: no AWS credentials were found: set AWS_PROFILE."
    assert "2 targets: 1 changed, 0 unchanged, 1 failed." in lines


def test_a_large_fleet_lists_what_changed_or_failed():
    world = fleet.AccountModel()
    many = [fleet.settings(f"eu-test-{number}") for number in range(41)]
    world.applied(many)
    world.stacks.pop("eu-test-7")
    lines = table(world.planned(many))
    assert [line.split()[0] for line in lines if line.startswith("  eu-test")] == ["eu-test-7"]
    assert "  and 40 targets with nothing to change" in lines


@given(
    name=st.from_regex(r"\A[a-z]{1,60}\Z"),
    error=st.text(alphabet="abc ", max_size=300),
    severities=st.lists(st.sampled_from(["LOW", "MEDIUM", "HIGH", "CRITICAL"]), unique=True),
)
def test_no_line_is_wider_than_a_terminal_unless_a_word_is(name, error, severities):
    account = fleet.AccountModel(aggregator=HOME).planned(
        [fleet.settings("us-east-1", f"{name}.us-east-1", severities=severities), *hosts("eu-west-1", "us-west-2")]
    )
    account.targets[2].problems = [error]
    for line in table(account):
        assert len(line) <= report.WIDTH or len(line.split()[0]) + 4 > report.WIDTH - len("CHANGED")


def is_inert(text):
    return not any(unicodedata.category(char).startswith("C") and char != "\n" for char in text)


def test_hostile_text_of_aws_is_inert_in_table_and_result():
    account = fleet.AccountModel().planned(hosts("us-east-1", "eu-west-1"))
    account.targets[0].fail(UserError(HOSTILE))
    account.notices.append(HOSTILE)
    lines = table(account)
    assert all(is_inert(line) and "\n" not in line for line in lines)
    assert any("?[31mred" in line for line in lines)
    result = report.result(account.targets, [account], diff=False)
    assert is_inert(result["targets"]["us-east-1"]["msg"])
    assert all(is_inert(notice) for notice in result["accounts"][0]["notices"])


def test_the_result():
    world = fleet.AccountModel(hubs={"us-east-1", "eu-west-1"})
    world.applied(hosts("us-east-1"))
    account = world.planned(hosts("us-east-1", "eu-west-1", "us-west-2"))
    result = report.result(account.targets, [account], diff=False)
    assert result["changed"] is True
    assert result["eventful"] == ["eu-west-1", "us-west-2"]
    assert result["summary"] == {"targets": 3, "changed": 1, "unchanged": 1, "failed": 1}
    assert result["targets"]["us-east-1"] == {
        "account_id": "111111111111",
        "region": "us-east-1",
        "policy": "CRITICAL",
        "changed": False,
        "changes": [],
        "failed": False,
        "problems": [],
        "msg": "nothing to change",
    }
    assert result["targets"]["eu-west-1"]["msg"] == "custom action: create; stack: create"
    assert result["targets"]["us-west-2"]["failed"] is True
    assert result["accounts"] == [
        {
            "account_id": "111111111111",
            "changed": True,
            "changes": ["configuration securityhub-slack: update (1 topic in)"],
            "channels": [
                {
                    "configuration": "securityhub-slack",
                    "workspace_id": fleet.WORKSPACE,
                    "channel_id": fleet.CHANNEL,
                    "topics": [
                        "arn:aws:sns:eu-west-1:111111111111:securityhub-slack",
                        "arn:aws:sns:us-east-1:111111111111:securityhub-slack",
                    ],
                    "foreign": False,
                }
            ],
            "notices": account.notices,
        }
    ]
    assert "diff" not in result


def test_nothing_changed():
    world = fleet.AccountModel()
    world.applied(hosts("us-east-1"))
    account = world.planned(hosts("us-east-1"))
    assert report.result(account.targets, [account], diff=True) == {
        **report.result(account.targets, [account], diff=False),
        "changed": False,
        "eventful": [],
        "diff": [],
    }


@pytest.mark.parametrize("state", ["present", "absent"])
def test_targets_that_change_alike_share_a_difference(state):
    world = fleet.AccountModel()
    if state == "absent":
        world.applied(hosts("eu-west-1", "us-east-1", "us-west-2"))
    account = world.planned(hosts("eu-west-1", "us-east-1", "us-west-2", state=state))
    result = report.result(account.targets, [account], diff=True)
    headers = [item["before_header"] for item in result["diff"]]
    # us-east-1 is the one that sends the global findings.
    assert headers == (
        ["eu-west-1, us-west-2", "us-east-1", "account 111111111111, configuration securityhub-slack"]
        if state == "present"
        else ["eu-west-1, us-east-1, us-west-2", "account 111111111111, configuration securityhub-slack"]
    )
    json.dumps(result)


def test_the_difference_of_a_changed_threshold_shows_both_patterns():
    world = fleet.AccountModel()
    account = world.applied(hosts("us-east-1"))
    old = account.targets[0].wanted.stack
    account = world.planned(hosts("us-east-1", minimum_severity="HIGH"))
    (target,) = account.targets
    target.live = fleet.LiveTarget(True, target.live.action, target.live.stack, fleet.template.template(old))
    (difference,) = report.result(account.targets, [account], diff=True)["diff"]
    before, after = (json.loads(difference[side]) for side in ("before", "after"))
    severities = [
        shown["stack"]["rules"]["securityhub-slack-findings"]["detail"]["findings"]["Severity"]["Label"]
        for shown in (before, after)
    ]
    assert severities == [["CRITICAL"], ["CRITICAL", "HIGH"]]
    assert before["custom action"] == after["custom action"]


def test_a_cause_that_stopped_many_is_said_once():
    errors = {f"eu-west-{number}": "AWS did not answer" for number in range(1, 6)} | {"us-east-1": "denied"}
    assert report.failed(errors) == [
        "FAILED: eu-west-1, eu-west-2, eu-west-3 and 2 more: AWS did not answer",
        "FAILED: us-east-1: denied",
    ]
