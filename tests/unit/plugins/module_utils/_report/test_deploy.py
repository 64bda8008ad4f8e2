# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment reports: table, result and differences."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model import outcome as outcomes
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import Fleet
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._report import deploy as report
from ansible_collections.secops.securityhub.plugins.module_utils._report import differences
from ansible_collections.secops.securityhub.plugins.module_utils._report import text
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.account_model import AccountModel
from hypothesis import given
from hypothesis import strategies as st

HOME = {"FindingAggregationRegion": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}
TRAFFIC = report.traffic(1038, 2, 1.24)
CANARY = "ansible-playbook -i hosts.yml secops.securityhub.securityhub_slack_canary"


def table(outcome, check=False, targets=None):
    return report.table(targets or outcome.targets, [outcome], TRAFFIC, check=check, canary=CANARY)


def result(outcome, diff=False):
    return report.result(outcome.targets, [outcome], diff=diff)


def hosts(*regions, **given):
    return [account_model.settings(region, **given) for region in regions]


def test_a_first_deployment():
    account = AccountModel(hubs={"us-east-1", "eu-west-1"})
    outcome = account.applied(
        [*hosts("us-east-1"), *hosts("eu-west-1", minimum_severity="MEDIUM"), *hosts("ap-southeast-1")]
    )
    (global_findings,) = outcome.notices
    (problem,) = outcome.targets[2].problems
    assert table(outcome) == [
        "",
        "Account 111111111111: 2 topics to Slack channel C0ABCDEFG12 (securityhub-slack)",
        "  TARGET          FORWARDS          CHANGED",
        "  us-east-1       CRITICAL          custom action: create; stack: create",
        "  eu-west-1       MEDIUM and above  custom action: create; stack: create",
        "  ap-southeast-1  CRITICAL          FAILED, see below",
        "  guardrail: create",
        "  channel role: create",
        "  configuration securityhub-slack: create (2 topics added)",
        *text.wrapped(f"  Note: {global_findings}"),
        "",
        "3 targets: 2 changed, 0 unchanged, 1 failed. 1 account changed (guardrail, role,",
        "channel).",
        "1,038 calls to AWS, 2 retried, in 1.2 s.",
        "Next: if Slack channel C0ABCDEFG12 is private, type /invite @Amazon Q in it.",
        "    Then send a test finding to prove that messages arrive:",
        f"  {CANARY}",
        "",
        "Failed:",
        *text.wrapped(f"  ap-southeast-1: {problem}"),
    ]
    assert "us-east-1" in global_findings
    assert "Security Hub is not enabled" in problem


def test_check_mode_uses_would_and_omits_the_invitation():
    lines = table(AccountModel().preview(hosts("us-east-1")), check=True)
    assert "  TARGET     FORWARDS  WOULD CHANGE" in lines
    assert "1 target: 1 would change, 0 unchanged, 0 failed. 1 account would change" in lines
    assert lines[-1] == "Next: to make these changes, run the same command without --check."


def test_linked_region_names_the_home_region_that_forwards():
    outcome = AccountModel(aggregator=HOME).preview(hosts("eu-west-1", "us-east-1"))
    lines = table(outcome)
    policy = outcome.targets[0].policy
    assert "home region us-east-1" in policy
    row = text.wrapped(f"  eu-west-1  {policy}", 13)
    start = lines.index(row[0])
    assert lines[start : start + len(row)] == row
    assert lines[start + len(row)] == "  us-east-1  CRITICAL  custom action: create; stack: create"


def test_a_target_whose_account_is_unknown():
    outcome = AccountModel().preview(hosts("us-east-1"))
    problem = "no AWS credentials were found: set AWS_PROFILE."
    failed = TargetSnapshot(account_model.settings("eu-west-1"), problems=(problem,))
    (unknown,) = outcomes.targets_of(Fleet((failed.host,), (), (failed,)), [])
    lines = table(outcome, targets=[*outcome.targets, unknown])
    assert lines[lines.index("Targets whose account is unknown:") + 2] == "  eu-west-1  -         FAILED, see below"
    assert lines[lines.index("Failed:") + 1] == f"  eu-west-1: {problem}"
    assert any(line.startswith("2 targets: 1 changed, 0 unchanged, 1 failed.") for line in lines)


def test_a_target_that_failed_halfway_counts_as_failed_only():
    outcome = AccountModel().preview(hosts("us-east-1", "eu-west-1"))
    (first, second) = outcome.targets
    halfway = replace(second, problems=("the stack was rolled back.",))
    assert halfway.changed
    found = report.result([first, halfway], [replace(outcome, targets=(first, halfway))], diff=False)
    assert found["summary"] == {"targets": 2, "changed": 1, "unchanged": 0, "failed": 1}


def rows(*targets):
    """Return the names in the rows of the table, and the table."""
    lines = table(replace(AccountModel().preview(hosts("us-east-1")), targets=targets, channel=None))
    return [line.split()[0] for line in lines if line.startswith("  host-")], lines


def test_of_many_targets_only_those_that_changed_or_failed_are_listed():
    unchanged = [target(f"host-{number}") for number in range(39)]
    names, lines = rows(*unchanged, target("host-changed", changed=True), target("host-failed", error="Why."))
    assert names[:2] == ["host-changed", "host-failed"]
    assert not any(f"host-{number}" in names for number in range(39))
    assert "  and 39 targets with nothing to change" in lines


def test_forty_targets_are_all_listed():
    names, lines = rows(*(target(f"host-{number}") for number in range(40)))
    assert names == [f"host-{number}" for number in range(40)]
    assert not any("with nothing to change" in line for line in lines)


@given(
    name=st.from_regex(r"\A[a-z]{1,60}\Z"),
    error=st.text(alphabet="abc ", max_size=300),
    severities=st.lists(st.sampled_from(["LOW", "MEDIUM", "HIGH", "CRITICAL"]), unique=True),
)
def test_no_line_is_wider_than_a_terminal_unless_a_word_is(name, error, severities):
    first = account_model.settings("us-east-1", f"{name}.us-east-1", severities=severities)
    snapshot = AccountModel(aggregator=HOME).snapshot([first, *hosts("eu-west-1", "us-west-2")])
    snapshot = account_model.with_failed(snapshot, "us-west-2", error=error)
    for line in table(outcomes.unapplied(account_model.planned_from(snapshot))):
        assert len(line) <= text.WIDTH or len(line.split()[0]) + 4 > text.WIDTH - len("CHANGED")


def test_a_run_that_moves_to_another_channel_names_both_and_what_to_check_there():
    account = AccountModel()
    account.applied(hosts("us-east-1", "eu-west-1"))
    moved = hosts("us-east-1", "eu-west-1", channel_id="C0MOVED0001", logging_level="INFO")
    lines = table(account.preview(moved), check=False)
    whole = " ".join(" ".join(lines).split())
    assert (
        f"configuration securityhub-slack: update (channel {account_model.CHANNEL} -> C0MOVED0001, "
        "logging level ERROR -> INFO)" in whole
    )
    assert "Next: if Slack channel C0MOVED0001 is private, type /invite @Amazon Q in it. Then send a test" in whole
    assert [target.host for target in account.preview(moved).connected] == ["us-east-1", "eu-west-1"]
    account.applied(moved)
    assert not account.preview(moved).connected


def test_the_result():
    account = AccountModel(hubs={"us-east-1", "eu-west-1"})
    account.applied(hosts("us-east-1"))
    outcome = account.preview(hosts("us-east-1", "eu-west-1", "us-west-2"))
    found = result(outcome)
    assert found["changed"] is True
    assert found["summary"] == {"targets": 3, "changed": 1, "unchanged": 1, "failed": 1}
    assert found["targets"]["us-east-1"] == {
        "account_id": "111111111111",
        "region": "us-east-1",
        "policy": "CRITICAL",
        "changed": False,
        "changes": [],
        "failed": False,
        "problems": [],
        "msg": "nothing to change",
    }
    assert found["targets"]["eu-west-1"]["msg"] == "custom action: create; stack: create"
    assert found["targets"]["us-west-2"]["failed"] is True
    assert found["targets"]["us-west-2"]["problems"] == list(outcome.targets[2].problems)
    assert found["accounts"] == [
        {
            "account_id": "111111111111",
            "changed": True,
            "changes": ["configuration securityhub-slack: update (1 topic added)"],
            "channels": [
                {
                    "configuration": "securityhub-slack",
                    "platform": "Slack",
                    "workspace_id": account_model.WORKSPACE,
                    "channel_id": account_model.CHANNEL,
                    "topics": [
                        "arn:aws:sns:eu-west-1:111111111111:securityhub-slack",
                        "arn:aws:sns:us-east-1:111111111111:securityhub-slack",
                    ],
                    "foreign": False,
                }
            ],
            "notices": list(outcome.notices),
        }
    ]
    assert found["uncovered_regions"] == {}
    assert "differences" not in found


def test_problems_with_several_lines_are_one_line_in_the_result():
    account = AccountModel()
    snapshot = account_model.with_failed(account.snapshot(hosts("us-east-1")), "us-east-1", error="bad\nvalue")
    found = result(outcomes.unapplied(account_model.planned_from(snapshot)))["targets"]["us-east-1"]
    assert [text for text in (found["msg"], *found["problems"]) if "bad value" not in text] == []


def test_the_result_names_uncovered_regions_by_account():
    outcome = AccountModel().preview(hosts("us-east-1"))
    design = replace(outcome.plan.design, uncovered=("ap-east-1", "eu-south-1"))
    uncovered = replace(outcome, plan=replace(outcome.plan, design=design))
    assert result(uncovered)["uncovered_regions"] == {"111111111111": ["ap-east-1", "eu-south-1"]}


def test_nothing_changed():
    account = AccountModel()
    account.applied(hosts("us-east-1"))
    outcome = account.preview(hosts("us-east-1"))
    assert result(outcome, diff=True) == {**result(outcome), "changed": False, "differences": []}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_targets_that_change_alike_share_a_difference(state):
    account = AccountModel()
    if state == "absent":
        account.applied(hosts("eu-west-1", "us-east-1", "us-west-2"))
    found = result(account.preview(hosts("eu-west-1", "us-east-1", "us-west-2", state=state)), diff=True)
    headers = [item["name"] for item in found["differences"]]
    # us-east-1 forwards the global findings.
    assert headers == (
        ["eu-west-1, us-west-2", "us-east-1", "account 111111111111, configuration securityhub-slack"]
        if state == "present"
        else ["eu-west-1, us-east-1, us-west-2", "account 111111111111, configuration securityhub-slack"]
    )
    json.dumps(found)


def test_the_difference_of_a_changed_severity_filter_shows_both_patterns():
    account = AccountModel()
    old = account.applied(hosts("us-east-1")).targets[0].desired.stack
    snapshot = account.snapshot(hosts("us-east-1", minimum_severity="HIGH"))
    (target,) = snapshot.targets
    with_template = replace(target, live=replace(target.live, template=template.template(old)))
    outcome = outcomes.unapplied(account_model.planned_from(replace(snapshot, targets=(with_template,))))
    (difference,) = result(outcome, diff=True)["differences"]
    assert differences.lines([difference]) == [
        "",
        "us-east-1:",
        "  + stack > rules > securityhub-slack-findings > detail > findings > Severity > Label: HIGH",
    ]


def drifted(outcome):
    (target,) = outcome.targets
    return replace(target, repairs=("the rule x is disabled",))


def test_the_difference_of_a_repair_has_nothing_of_the_stack_that_stays():
    account = AccountModel()
    account.applied(hosts("us-east-1"))
    found = differences.differences([drifted(account.preview(hosts("us-east-1")))], [])
    assert differences.lines(found) == ["", "us-east-1:", '  - changed by hand: ["the rule x is disabled"]']


# What an update changes, in words


BUCKETS = {"resource_ids": ["arn:aws:s3:::dev-*"], "reason": "dev buckets"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"minimum_severity": "HIGH"}, "minimum severity CRITICAL -> HIGH"),
        ({}, {"severities": ["LOW", "HIGH"]}, "severities CRITICAL and above -> HIGH, LOW"),
        ({"forward_automatically": False}, {}, "severities none -> CRITICAL and above, global findings on"),
        ({}, {"suppressions": [BUCKETS]}, "suppressions 0 -> 1 (dev buckets)"),
        ({"suppressions": [BUCKETS]}, {}, "suppressions 1 -> 0"),
        (
            {"suppressions": [{"control_ids": ["S3.1"]}]},
            {"suppressions": [BUCKETS]},
            "other suppressions (dev buckets)",
        ),
        ({}, {"account_ids": ["222222222222"]}, "accounts all -> 1"),
        ({}, {"fix_available": True}, "vulnerability filters none -> fix"),
        (
            {"minimum_epss": 0.1},
            {"exploit_available": True, "minimum_epss": 0.5},
            "vulnerability filters EPSS 0.1 -> exploit, EPSS 0.5",
        ),
        ({}, {"message_format": "custom"}, "message format aws -> custom"),
        ({"alarms": True}, {}, "alarms off"),
        (
            {"buttons": True, "message_format": "custom"},
            {"alarms": True, "message_format": "custom"},
            "buttons off, alarms on",
        ),
        (
            {"message_format": "custom", "mentions": {"HIGH": ["here"]}},
            {"message_format": "custom", "mentions": {"HIGH": ["here"]}, "runbook_url": "https://wiki.example.com"},
            "mentions and links",
        ),
        ({}, {"mark_notified": True}, "marking as NOTIFIED on"),
        (
            {"message_format": "custom", "mark_notified": True},
            {"message_format": "custom", "mark_notified": True, "report_resolved": True},
            "reports of resolved findings on",
        ),
        ({}, {"kms_key": "create"}, "encryption none -> own key"),
        ({}, {"deduplicate_global": []}, "deduplication of global findings, global findings off"),
        ({"tags": {"team": "a"}}, {"tags": {"team": "b"}}, "tags"),
        ({"tags": {"team": "a"}}, {}, "tags"),
    ],
)
def test_the_update_of_a_stack_says_what_changes(before, after, said):
    account = AccountModel()
    account.applied(hosts("us-east-1", **before))
    outcome = account.preview(hosts("us-east-1", **after))
    assert result(outcome)["targets"]["us-east-1"]["changes"] == [f"stack: update ({said})"]
    assert f"us-east-1: {said}" in " ".join(" ".join(table(outcome)).split())


def test_the_words_about_one_of_several_channels_begin_with_its_name():
    oncall = {"name": "oncall", "channel_id": "C0ONCALL001", "minimum_severity": "CRITICAL"}
    rest = {"name": "rest", "channel_id": "C0REST00001", "severities": ["HIGH"]}
    account = AccountModel()
    account.applied(hosts("us-east-1", channels=[oncall, rest]))
    more = {"name": "audit", "channel_id": "C0AUDIT0001", "minimum_severity": "LOW"}
    outcome = account.preview(hosts("us-east-1", channels=[oncall | {"suppressions": [BUCKETS]}, more]))
    assert result(outcome)["targets"]["us-east-1"]["changes"] == [
        "stack: update (topic securityhub-slack-audit added, topic securityhub-slack-rest removed, "
        "oncall suppressions 0 -> 1 (dev buckets))"
    ]


def test_twenty_suppressions_fit_in_the_tag():
    many = [{"control_ids": [f"S3.{number}"]} for number in range(20)]
    account = AccountModel()
    account.applied(hosts("us-east-1", suppressions=many))
    outcome = account.preview(hosts("us-east-1", suppressions=many[1:]))
    assert result(outcome)["targets"]["us-east-1"]["changes"] == ["stack: update (suppressions 20 -> 19)"]


def test_targets_that_change_alike_share_the_words():
    account = AccountModel()
    account.applied(hosts("eu-west-1", "us-east-1"))
    lines = table(account.preview(hosts("eu-west-1", "us-east-1", minimum_severity="HIGH")))
    assert [line for line in lines if "->" in line] == ["  eu-west-1, us-east-1: minimum severity CRITICAL -> HIGH"]


def test_the_update_of_a_stack_without_the_tag_says_only_that_it_is_updated():
    account = AccountModel()
    account.applied(hosts("us-east-1"))
    tags = account.stacks["us-east-1"]["Tags"]
    account.stacks["us-east-1"]["Tags"] = [tag for tag in tags if not tag["Key"].endswith("/settings")]
    outcome = account.preview(hosts("us-east-1", minimum_severity="HIGH"))
    assert result(outcome)["targets"]["us-east-1"]["changes"] == ["stack: update"]


def test_the_tag_alone_is_no_change():
    account = AccountModel()
    account.applied(hosts("us-east-1", suppressions=[BUCKETS]))
    assert not account.preview(hosts("us-east-1", suppressions=[{**BUCKETS, "reason": "sandbox"}])).targets[0].changed


def test_many_channels_do_not_fit_in_the_tag_and_the_stack_is_deployed_without_it():
    channels = [{"name": f"channel{number}", "channel_id": f"C0ABCDEFG{number:02}"} for number in range(10, 22)]
    account = AccountModel()
    account.applied(hosts("us-east-1", channels=channels))
    assert not [tag for tag in account.stacks["us-east-1"]["Tags"] if tag["Key"].endswith("/settings")]


@pytest.mark.parametrize("check", [True, False])
def test_a_stack_that_an_earlier_run_is_still_creating_is_named(check):
    account = AccountModel()
    account.applied(hosts("us-east-1"))
    account.stacks["us-east-1"]["StackStatus"] = "CREATE_IN_PROGRESS"
    lines = table(account.preview(hosts("us-east-1")), check=check)
    assert any("us-east-1  CRITICAL  stack: was CREATE_IN_PROGRESS from an earlier run" in line for line in lines)


def test_the_summary_counts_changes_of_the_account():
    account = AccountModel()
    account.applied(hosts("us-east-1"))
    account.configurations.clear()
    outcome = account.preview(hosts("us-east-1"))
    assert "1 target: 0 would change, 1 unchanged, 0 failed. 1 account would change (channel)." in " ".join(
        table(outcome, check=True)
    )


# Targets that failed


def target(name, *, changed=False, error=""):
    """Return the outcome of a target."""
    snapshot = TargetSnapshot(account_model.settings("us-east-1", name), account_model.ACCOUNT)
    action = "create" if changed else "none"
    return outcomes.TargetOutcome(None, snapshot, action, problems=(error,) if error else ())


def test_the_failure_names_the_targets():
    failed = [target(f"host-{number}", error="Why.") for number in range(5)]
    said = report.failure([target("ok"), *failed])
    assert said.startswith("5 of 6 targets failed: host-0, host-1, host-2 and 2 more.")
    assert report.failure(failed[:1]).startswith("1 target failed: host-0.")
    assert report.failure([target("changed", changed=True)]) == ""


# A channel that could not be written


def with_all_failed(outcome):
    targets = tuple(replace(target, problems=("Why.",)) for target in outcome.targets)
    return replace(outcome, targets=targets, unfinished=True)


def test_a_channel_whose_write_failed_is_partly_configured():
    outcome = with_all_failed(AccountModel().preview(hosts("us-east-1")))
    lines = table(outcome)
    assert lines[1] == "Account 111111111111"
    assert report.UNFINISHED in " ".join(line.strip() for line in lines)
    assert not any("configuration securityhub-slack: create" in line or line.startswith("Next:") for line in lines)


def test_of_a_channel_that_was_not_reached_nothing_is_reported():
    outcome = with_all_failed(AccountModel().preview(hosts("us-east-1")))
    outcome = replace(outcome, channel=None, unfinished=False)
    text_of_table = " ".join(table(outcome))
    assert report.UNFINISHED not in text_of_table
    assert "configuration securityhub-slack" not in text_of_table


def test_a_target_that_failed_has_no_difference():
    outcome = with_all_failed(AccountModel().preview(hosts("us-east-1")))
    assert outcome.targets[0].changed
    assert [item["name"] for item in result(outcome, diff=True)["differences"]] == [
        "account 111111111111, configuration securityhub-slack"
    ]
