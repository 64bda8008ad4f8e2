# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import Facts
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import decisions
from ansible_collections.secops.securityhub.plugins.module_utils._plan import transfer as handover
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

HOME = {"FindingAggregationRegion": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}
LOST = "arn:aws:sns:eu-west-1:111111111111:securityhub-slack-prod"


def hosts(*regions, **changed):
    return [fleet.settings(region, **changed) for region in regions]


def errors(account):
    return {target.host: target.error for target in account.targets if target.error}


def regions_of_home_rule(account):
    """The regions that the home region's rules name."""
    (home,) = (target for target in account.targets if target.host == "us-east-1")
    text = template.render(home.wanted.stack)
    return {region for region in ("ap-southeast-1", "eu-west-1", "us-west-2") if region in text}


def test_every_target_gets_its_own_threshold():
    account = fleet.AccountModel().planned(
        [fleet.settings(), fleet.settings("ap-southeast-1", minimum_severity="MEDIUM")]
    )
    assert [target.sends for target in account.targets] == ["CRITICAL", "MEDIUM and above"]
    assert not errors(account)


def test_who_leaves_wants_nothing():
    account = fleet.AccountModel().planned([*hosts("us-east-1"), *hosts("eu-west-1", state="absent")])
    assert [target.wanted is None for target in account.targets] == [False, True]


def test_a_member_account_is_refused_unless_told_otherwise():
    world = fleet.AccountModel(administrator="999999999999")
    (error,) = errors(world.planned(hosts("us-east-1"))).values()
    assert error == (
        "111111111111 is a member account, and its administrator 999999999999 sees, and can send, the same findings: "
        "run the playbook for 999999999999, or set securityhub_slack_allow_member."
    )
    assert not errors(world.planned(hosts("us-east-1", allow_member=True)))
    assert not errors(world.planned(hosts("us-east-1", state="absent")))


def test_without_a_hub_a_target_fails_alone():
    account = fleet.AccountModel(hubs={"us-east-1"}).planned(hosts("eu-west-1", "us-east-1"))
    assert list(errors(account)) == ["eu-west-1"]
    assert account.plan.changed


def test_layout_problems_are_those_of_all_targets():
    account = fleet.AccountModel().planned(hosts("eu-west-1", "us-east-1", aggregation="home_region"))
    assert set(errors(account)) == {"eu-west-1", "us-east-1"}
    assert "the account has no finding aggregator: use auto." in errors(account)["us-east-1"]


def test_home_region_sends_for_all():
    account = fleet.AccountModel(aggregator=HOME).planned(hosts("eu-west-1", "us-east-1", "us-west-2"))
    assert [target.wanted is None for target in account.targets] == [True, False, True]
    assert account.home is account.targets[1]
    assert "its findings are sent from the home Region us-east-1" in account.targets[0].sends


@pytest.mark.parametrize("feeding", ["ap-southeast-1", "eu-west-1"])
def test_a_failed_target_keeps_its_say(feeding):
    given = [fleet.settings("us-east-1"), *hosts("ap-southeast-1", "eu-west-1", minimum_severity="MEDIUM")]
    account = fleet.AccountModel(aggregator=HOME).surveyed(given)
    for target in account.targets:
        if target.host == feeding:
            target.fail(ValueError("no answer"))
    decisions.decide(account, fleet.TODAY)
    assert regions_of_home_rule(account) == {"ap-southeast-1", "eu-west-1"}


def test_a_failed_owner_stays_the_owner():
    account = fleet.AccountModel().surveyed(hosts("eu-west-1", "us-east-1"))
    account.targets[1].fail(ValueError("no answer"))
    decisions.decide(account, fleet.TODAY)
    healthy = fleet.AccountModel().planned(hosts("eu-west-1", "us-east-1"))
    assert account.targets[0].wanted == healthy.targets[0].wanted


def test_the_owner_under_limit_is_that_of_a_full_run():
    everybody = hosts("us-west-2", "eu-west-1", "eu-central-1")
    whole = {target.host: target.wanted for target in fleet.AccountModel().planned(everybody).targets}
    for alone in everybody:
        (target,) = fleet.AccountModel().planned([alone], [item for item in everybody if item is not alone]).targets
        assert target.wanted == whole[target.host]


def test_an_owner_whose_hub_is_off_is_not_the_owner_under_limit_either():
    world = fleet.AccountModel(hubs={"eu-west-1", "us-west-2"})
    everybody = hosts("eu-west-1", "us-east-1", "us-west-2")
    whole = world.planned(everybody)
    limited = world.planned(everybody[:1], everybody[1:])
    assert limited.targets[0].wanted == whole.targets[0].wanted


def test_only_those_neighbours_are_asked_on_whom_it_depends():
    account = fleet.AccountModel().surveyed(hosts("eu-west-1"), hosts("us-east-1", "us-west-2"))
    assert [item.host for item in account.neighbours if item.live.hub] == ["us-east-1"]
    assert decisions.worth_asking(account, fleet.TODAY) == []


def test_the_home_region_does_not_forget_a_region_whose_variables_are_wrong():
    given = hosts("us-east-1", "us-west-2")
    account = fleet.AccountModel(aggregator=HOME).planned(given, [], hosts("eu-west-1"))
    assert "it sends for eu-west-1 too, whose variables are wrong" in errors(account)["us-east-1"]


def test_a_region_with_wrong_variables_costs_nobody_anything_where_each_sends_for_itself():
    account = fleet.AccountModel().planned(hosts("us-east-1"), [], hosts("eu-west-1"))
    assert not errors(account)


def test_no_pipeline_leaves_before_the_home_region_has_its_own():
    world = fleet.AccountModel()
    given = hosts("eu-west-1", "us-east-1")
    world.applied(given)
    world.aggregator = HOME
    # Under --limit, where the home region is not worked on and not in place yet.
    limited = world.planned(given[:1], given[1:])
    assert (
        "the pipeline there is not in place (it is not deployed as it shall be: include it in the run)"
        in (errors(limited)["eu-west-1"])
    )
    # In a run in which it fails.
    account = world.surveyed(given)
    account.targets[1].fail(ValueError("no answer"))
    decisions.decide(account, fleet.TODAY)
    fleet.plan_target(account.targets[0])
    handover.hold_back(account)
    assert "the pipeline there is not in place (ValueError: no answer)" in errors(account)["eu-west-1"]
    # When it is there, they leave.
    world.applied(given[1:], given[:1])
    assert not errors(world.applied(given[:1], given[1:]))
    assert list(world.stacks) == ["us-east-1"]


def test_who_has_nothing_to_lose_is_not_held_back():
    limited = fleet.AccountModel(aggregator=HOME).planned(hosts("eu-west-1"), hosts("us-east-1"))
    assert not errors(limited)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(per_standard=True), "consolidated control findings are off"),
        (Facts(v2=True), "the new Security Hub is on too; only asff findings are sent"),
    ],
)
def test_remarks(facts, words):
    account = fleet.AccountModel().surveyed(hosts("us-east-1"))
    account.facts = facts
    decisions.decide(account, fleet.TODAY)
    assert any(notice.startswith(words) for notice in account.notices)


def test_an_expired_suppression_is_said_once():
    given = {"suppressions": [{"control_ids": ["S3.1"], "reason": "a bucket", "expires": "2026-11-23"}]}
    account = fleet.AccountModel().planned(hosts("eu-west-1", "us-east-1", **given))
    assert [notice for notice in account.notices if "suppression" in notice] == [
        "a suppression has expired on 2026-11-23 and holds nothing back: a bucket"
    ]


def test_too_many_suppressions_fail_the_target_with_the_reason():
    given = {"suppressions": [{"title_prefixes": [f"{number:04} {'x' * 200}" for number in range(200)]}]}
    account = fleet.AccountModel().planned([*hosts("us-east-1"), *hosts("eu-west-1", **given)])
    assert list(errors(account)) == ["eu-west-1"]


def test_a_dynamic_reference_in_a_suppression_is_refused():
    given = {"suppressions": [{"title_prefixes": ["{{resolve:ssm:secret}}"]}]}
    account = fleet.AccountModel().planned([*hosts("us-east-1"), *hosts("eu-west-1", **given)])
    assert "{{resolve:...}}, which CloudFormation replaces" in errors(account)["eu-west-1"]


def test_a_topic_that_a_killed_run_left_in_the_channel_is_taken_out_once_it_is_known_to_be_gone():
    world = fleet.AccountModel()
    given = hosts("eu-west-1")
    world.applied(given)
    world.configurations[0]["SnsTopicArns"].append(LOST)
    account = world.planned(given)
    assert decisions.unknown_topics(account) == [(account.targets[0], LOST)]
    assert not account.plan.changed
    account.lost = frozenset({LOST})
    (merge,) = decisions.plan_channels(account).merges
    assert merge.plan.after["SnsTopicArns"] == ["arn:aws:sns:eu-west-1:111111111111:securityhub-slack"]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-west-1:111111111111:securityhub-slacker",
        "arn:aws:sns:eu-west-1:111111111111:billing",
        "arn:aws:sns:eu-west-1:222222222222:securityhub-slack-prod",
        "arn:aws:sns:us-east-1:111111111111:securityhub-slack",
    ],
)
def test_topics_that_are_not_called_as_ours_are_nobodys_question(arn):
    world = fleet.AccountModel()
    world.applied(hosts("eu-west-1"))
    world.configurations[0]["SnsTopicArns"].append(arn)
    assert decisions.unknown_topics(world.planned(hosts("eu-west-1"))) == []


def test_a_failed_target_keeps_its_topics():
    world = fleet.AccountModel()
    given = hosts("eu-west-1", "us-east-1")
    world.applied(given)
    account = world.surveyed(hosts("eu-west-1", "us-east-1", state="absent"))
    account.targets[0].fail(ValueError("no answer"))
    (merge,) = decisions.plan_channels(account).merges
    assert merge.plan.after["SnsTopicArns"] == ["arn:aws:sns:eu-west-1:111111111111:securityhub-slack"]


def test_who_ends_does_not_wait_where_nobody_shall_take_over():
    world = fleet.AccountModel()
    world.applied(hosts("eu-west-1", "us-east-1"))
    silent = hosts("eu-west-1", "us-east-1", forward_automatically=False)
    assert not errors(world.planned(silent[1:], silent[:1]))


SLICED = {"job_slices": True, "global_findings_region": "us-east-1"}


def designs(account):
    return {target.host: target.wanted and target.wanted.stack for target in account.targets}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["ap-south-1", "eu-west-1", "eu-west-2", "us-east-1", "us-west-2"]), unique=True),
    st.sampled_from(["auto", "per_region"]),
    st.integers(2, 4),
    st.data(),
)
def test_slices_come_to_what_a_run_of_all_comes_to(regions, topology, slices, data):
    regions = sorted({*regions, "us-east-1"})
    given_hosts = {
        region: {
            **SLICED,
            "aggregation": topology,
            "minimum_severity": data.draw(st.sampled_from(["LOW", "HIGH", "CRITICAL"])),
        }
        for region in regions
    }
    aggregator = HOME if topology == "per_region" else None
    whole = [fleet.settings(region, **{**given, "job_slices": False}) for region, given in given_hosts.items()]
    wanted = designs(fleet.AccountModel(aggregator=aggregator).planned(whole))
    found, world = {}, fleet.AccountModel(aggregator=aggregator)
    for number in range(slices):
        part = [fleet.settings(region, **given_hosts[region]) for region in regions[number::slices]]
        if part:
            account = world.applied(part)
            assert not errors(account)
            found |= designs(account)
    assert found == wanted
    topics = [arn for configuration in world.configurations for arn in configuration["SnsTopicArns"]]
    assert len(topics) == len(set(topics)) == len(regions)


def test_a_slice_says_what_it_leaves_to_another_until_that_has_done_it():
    world = fleet.AccountModel()
    account = world.applied(hosts("eu-west-1", **SLICED))
    assert any("us-east-1 does not send the findings about global resources yet" in line for line in account.notices)
    world.applied(hosts("us-east-1", **SLICED))
    account = world.planned(hosts("eu-west-1", **SLICED))
    assert not account.plan.changed
    assert not any("yet" in line for line in account.notices)


def test_without_saying_so_a_part_of_the_inventory_is_refused():
    account = fleet.AccountModel().planned(hosts("eu-west-1", global_findings_region="us-east-1"))
    (error,) = errors(account).values()
    assert error.endswith(
        "securityhub_slack_global_findings_region is us-east-1, which is no target: use one of eu-west-1, or set "
        "securityhub_slack_job_slices if another job has it."
    )


def test_the_owner_region_of_another_slice_has_to_have_security_hub():
    account = fleet.AccountModel(hubs={"eu-west-1"}).planned(hosts("eu-west-1", **SLICED))
    assert "us-east-1, where Security Hub is off" in errors(account)["eu-west-1"]


def test_an_owner_region_gives_way_only_when_that_of_the_other_slice_sends():
    world = fleet.AccountModel()
    whole = {"global_findings_region": "us-east-1", "job_slices": True}
    world.applied(hosts("eu-west-1", "us-east-1", **whole))
    moved = {**whole, "global_findings_region": "eu-west-1"}
    account = world.planned(hosts("us-east-1", **moved))
    assert "not in place (another slice has to deploy it first)" in errors(account)["us-east-1"]
    world.applied(hosts("eu-west-1", **moved))
    account = world.planned(hosts("us-east-1", **moved))
    assert not errors(account)
    assert account.targets[0].plan.stack == ("update",)


def test_a_home_region_does_not_end_in_a_slice_for_regions_that_others_have():
    world = fleet.AccountModel(aggregator=HOME)
    world.applied(hosts("eu-west-1", "us-east-1", "us-west-2"))
    sliced = {**SLICED, "aggregation": "per_region"}
    account = world.planned(hosts("us-east-1", **sliced))
    assert "without securityhub_slack_job_slices." in errors(account)["us-east-1"]
    world.aggregator = None
    assert not errors(world.planned(hosts("us-east-1", **sliced)))


def test_slices_that_leave_take_everything_with_them():
    world = fleet.AccountModel()
    for region in ("eu-west-1", "us-east-1"):
        world.applied(hosts(region, **SLICED))
    for region in ("us-east-1", "eu-west-1"):
        account = world.applied(hosts(region, **SLICED, state="absent"))
        assert not errors(account)
    assert (world.stacks, world.actions, world.configurations) == ({}, {}, [])
    assert (world.identity.role, world.identity.guardrail) == (None, None)


def test_new_regions_are_not_looked_for_in_a_slice():
    account = fleet.AccountModel().planned(hosts("us-east-1", **SLICED, report_uncovered_regions=True))
    assert any("new regions are not looked for in a slice" in line for line in account.notices)
