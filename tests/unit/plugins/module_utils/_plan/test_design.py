# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the targets of an account should have, and what happens to those whose findings move to another target."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model import layout
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import Blockers
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import Facts
from ansible_collections.secops.securityhub.plugins.module_utils._model.topics import unknown_topics
from ansible_collections.secops.securityhub.plugins.module_utils._plan import account as plan
from ansible_collections.secops.securityhub.plugins.module_utils._plan import design
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.account_model import AccountModel
from ansible_collections.secops.securityhub.tests.unit.account_model import errors
from ansible_collections.secops.securityhub.tests.unit.account_model import with_failed
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

HOME = {"FindingAggregationRegion": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}
STALE = "arn:aws:sns:eu-west-1:111111111111:securityhub-slack-prod"


def hosts(*regions, **changed):
    return [account_model.settings(region, **changed) for region in regions]


def stacks(planned):
    """Return the design of each target's stack by host, None for a target that should have none."""
    return {target.host: target.desired and target.desired.stack for target in planned.targets}


def regions_of_home_rule(found):
    """Return the regions that the home region's rules name."""
    (home,) = (target for target in found.targets if target.host == "us-east-1")
    text = home.desired.stack.text
    return {region for region in ("ap-southeast-1", "eu-west-1", "us-west-2") if region in text}


def test_a_region_that_amazon_q_does_not_list_fails_alone():
    planned = AccountModel().planned(hosts("ap-east-2", "us-east-1"))
    assert list(errors(planned)) == ["ap-east-2"]
    assert "Amazon Q Developer in chat applications does not list ap-east-2" in errors(planned)["ap-east-2"]
    assert "securityhub_slack_additional_regions" in errors(planned)["ap-east-2"]
    (merge,) = planned.channel.merges
    assert [arn.split(":")[3] for arn in merge.plan.after["SnsTopicArns"]] == ["us-east-1"]


def test_a_region_that_amazon_q_does_not_list_can_be_linked_or_added():
    assert errors(AccountModel(aggregator=HOME).planned(hosts("ap-east-2", "us-east-1"))) == {}
    assert errors(AccountModel().planned(hosts("ap-east-2", "us-east-1", additional_regions=["ap-east-2"]))) == {}


def test_each_target_has_its_own_severity_filter():
    planned = AccountModel().planned(
        [account_model.settings(), account_model.settings("ap-southeast-1", minimum_severity="MEDIUM")]
    )
    assert [target.design.policy for target in planned.targets] == ["CRITICAL", "MEDIUM and above"]
    assert not errors(planned)


def test_an_absent_target_should_have_nothing():
    planned = AccountModel().planned([*hosts("us-east-1"), *hosts("eu-west-1", state="absent")])
    assert [target.desired is None for target in planned.targets] == [False, True]


def test_a_member_account_is_refused_unless_it_is_allowed():
    account = AccountModel(administrator="999999999999")
    (error,) = errors(account.planned(hosts("us-east-1"))).values()
    assert error.startswith("111111111111 is a member account")
    assert "Run the playbook for 999999999999" in error
    assert "securityhub_slack_allow_member" in error
    assert not errors(account.planned(hosts("us-east-1", allow_member=True)))
    assert not errors(account.planned(hosts("us-east-1", state="absent")))


def test_a_target_without_security_hub_fails_alone():
    planned = AccountModel(hubs={"us-east-1"}).planned(hosts("eu-west-1", "us-east-1"))
    assert list(errors(planned)) == ["eu-west-1"]
    assert planned.channel.changed


def test_problems_of_the_layout_are_those_of_all_targets():
    planned = AccountModel().planned(hosts("eu-west-1", "us-east-1", aggregation="home_region"))
    assert set(errors(planned)) == {"eu-west-1", "us-east-1"}
    for fact in ("securityhub_slack_aggregation is home_region", "no finding aggregator", "use auto"):
        assert fact in errors(planned)["us-east-1"]


def test_the_home_region_forwards_for_all():
    planned = AccountModel(aggregator=HOME).planned(hosts("eu-west-1", "us-east-1", "us-west-2"))
    assert [target.desired is None for target in planned.targets] == [True, False, True]
    assert planned.design.home == "us-east-1"
    assert "home region us-east-1" in planned.targets[0].design.policy


@pytest.mark.parametrize("linked", ["ap-southeast-1", "eu-west-1"])
def test_a_failed_target_keeps_its_part_of_the_layout(linked):
    targets = [account_model.settings("us-east-1"), *hosts("ap-southeast-1", "eu-west-1", minimum_severity="MEDIUM")]
    snapshot = AccountModel(aggregator=HOME).snapshot(targets)
    found = design.account(with_failed(snapshot, linked), account_model.TODAY)
    assert regions_of_home_rule(found) == {"ap-southeast-1", "eu-west-1"}


def test_a_failed_global_findings_region_keeps_its_role():
    snapshot = AccountModel().snapshot(hosts("eu-west-1", "us-east-1"))
    found = design.account(with_failed(snapshot, "us-east-1"), account_model.TODAY)
    healthy = AccountModel().planned(hosts("eu-west-1", "us-east-1"))
    assert found.targets[0].desired == healthy.targets[0].desired


def test_the_global_findings_region_under_limit_is_that_of_a_full_run():
    everyone = hosts("us-west-2", "eu-west-1", "eu-central-1")
    whole = {target.host: target.desired for target in AccountModel().planned(everyone).targets}
    for alone in everyone:
        (target,) = AccountModel().planned([alone], [item for item in everyone if item is not alone]).targets
        assert target.desired == whole[target.host]


def test_a_region_without_security_hub_does_not_forward_global_findings_under_limit_either():
    account = AccountModel(hubs={"eu-west-1", "us-west-2"})
    everyone = hosts("eu-west-1", "us-east-1", "us-west-2")
    whole = account.planned(everyone)
    limited = account.planned(everyone[:1], everyone[1:])
    assert limited.targets[0].desired == whole.targets[0].desired


def test_only_the_unselected_targets_that_matter_are_read():
    snapshot = AccountModel().snapshot(hosts("eu-west-1"), hosts("us-east-1", "us-west-2"))
    assert [item.host for item in snapshot.unselected if item.live.hub] == ["us-east-1"]
    assert layout.worth_reading(snapshot, account_model.TODAY) == []


def test_all_unselected_targets_are_read_before_the_layout_is_refused():
    # eu-west-1 could forward the global findings, if Security Hub were enabled there.
    common = {"global_findings_region": "us-east-1"}
    silent, other = hosts("us-east-1", forward_automatically=False, **common), hosts("eu-west-1", **common)
    assert "securityhub_slack_global_findings_region" in errors(AccountModel().planned(silent, other))["us-east-1"]
    assert not errors(AccountModel(hubs={"us-east-1"}).planned(silent, other))


def test_the_home_region_does_not_forget_a_linked_region_with_invalid_variables():
    planned = AccountModel(aggregator=HOME).planned(hosts("us-east-1", "us-west-2"), [], hosts("eu-west-1"))
    error = errors(planned)["us-east-1"]
    assert "findings of eu-west-1" in error
    assert "variables are invalid" in error


def test_invalid_variables_of_one_region_block_no_other_where_each_forwards_its_own():
    planned = AccountModel().planned(hosts("us-east-1"), [], hosts("eu-west-1"))
    assert not errors(planned)


def test_no_deployment_is_removed_before_the_home_region_has_its_own():
    account = AccountModel()
    targets = hosts("eu-west-1", "us-east-1")
    account.applied(targets)
    account.aggregator = HOME
    # Under --limit, where the home region is not part of the run and not in place yet.
    limited = errors(account.planned(targets[:1], targets[1:]))["eu-west-1"]
    for fact in ("us-east-1 should forward its findings", "not in place", "Include it in the run"):
        assert fact in limited
    # In a run in which it fails.
    planned = account_model.planned_from(with_failed(account.snapshot(targets), "us-east-1"))
    assert "not in place (ValueError: no answer)" in errors(planned)["eu-west-1"]
    assert not planned.targets[0].changed
    # When it is in place, they are removed.
    account.applied(targets[1:], targets[:1])
    assert not errors(account.applied(targets[:1], targets[1:]))
    assert list(account.stacks) == ["us-east-1"]


def test_no_deployment_is_removed_before_the_channel_lists_the_topic_of_the_home_region():
    account = AccountModel()
    targets = hosts("eu-west-1", "us-east-1")
    account.applied(targets)
    account.aggregator = HOME
    account.applied(targets[1:], targets[:1])
    (configuration,) = account.configurations
    configuration["SnsTopicArns"] = [arn for arn in configuration["SnsTopicArns"] if ":us-east-1:" not in arn]
    assert "not in place" in errors(account.planned(targets[:1], targets[1:]))["eu-west-1"]


def test_refused_target_blocks_targets_that_transfer_findings_to_it():
    account = AccountModel(
        aggregator={
            "FindingAggregationRegion": "us-west-2",
            "RegionLinkingMode": "SPECIFIED_REGIONS",
            "Regions": ["eu-west-1"],
        }
    )
    regions = ("eu-west-1", "us-east-1", "us-west-2")
    account.applied(hosts(*regions))
    # us-west-2 forwards for eu-west-1, and us-east-1 the global findings; now each forwards its own, us-west-2 those.
    moved = account.snapshot(hosts(*regions, aggregation="per_region", global_findings_region="us-west-2"))
    assert not errors(account_model.planned_from(moved))
    found = errors(account_model.planned_from(with_failed(moved, "eu-west-1")))
    assert "it still forwards the findings of eu-west-1" in found["us-west-2"]
    assert "us-west-2 should forward them" in found["us-east-1"]


def test_a_target_with_nothing_to_lose_is_not_held():
    limited = AccountModel(aggregator=HOME).planned(hosts("eu-west-1"), hosts("us-east-1"))
    assert not errors(limited)


@pytest.mark.parametrize(
    ("facts", "finding_format", "words"),
    [
        (Facts(per_standard=True), "asff", ["consolidated control findings are off"]),
        (Facts(v2=True), "asff", ["only asff findings are forwarded (securityhub_slack_finding_format)"]),
        (Facts(v2=True), "ocsf", ["only ocsf findings are forwarded (securityhub_slack_finding_format)"]),
        (Facts(v2=False), "ocsf", ["the new Security Hub is not enabled, so nothing is forwarded"]),
        (Facts(v2=False), "asff", []),
        (Facts(v2=None), "ocsf", []),
    ],
)
def test_remarks_about_security_hub(facts, finding_format, words):
    snapshot = replace(AccountModel().snapshot(hosts("us-east-1", finding_format=finding_format)), facts=facts)
    found = design.account(snapshot, account_model.TODAY)
    assert len(found.notices) == len(words)
    assert all(text in notice for text, notice in zip(words, found.notices))


def test_an_expired_suppression_is_reported_once():
    given = {"suppressions": [{"control_ids": ["S3.1"], "reason": "a bucket", "expires": "2026-11-23"}]}
    planned = AccountModel().planned(hosts("eu-west-1", "us-east-1", **given))
    (notice,) = [notice for notice in planned.notices if "suppression" in notice]
    assert "expired on 2026-11-23" in notice
    assert notice.endswith(": a bucket")


def test_too_many_suppressions_fail_the_target_alone():
    given = {"suppressions": [{"title_prefixes": [f"{number:04} {'x' * 200}" for number in range(200)]}]}
    planned = AccountModel().planned([*hosts("us-east-1"), *hosts("eu-west-1", **given)])
    assert list(errors(planned)) == ["eu-west-1"]


def test_a_dynamic_reference_in_a_suppression_is_refused():
    given = {"suppressions": [{"title_prefixes": ["{{resolve:ssm:secret}}"]}]}
    planned = AccountModel().planned([*hosts("us-east-1"), *hosts("eu-west-1", **given)])
    assert list(errors(planned)) == ["eu-west-1"]
    assert "{{resolve:...}}" in errors(planned)["eu-west-1"]


def test_a_topic_that_an_interrupted_run_left_in_the_channel_is_removed_once_it_is_known_not_to_exist():
    account = AccountModel()
    account.applied(hosts("eu-west-1"))
    account.configurations[0]["SnsTopicArns"].append(STALE)
    planned = account.planned(hosts("eu-west-1"))
    assert unknown_topics(planned.design) == [(planned.design.targets[0], STALE)]
    assert not planned.channel.changed
    known = replace(planned.design, snapshot=replace(planned.snapshot, stale=frozenset({STALE})))
    (merge,) = plan.plan(known, Blockers()).channel.merges
    assert merge.plan.after["SnsTopicArns"] == ["arn:aws:sns:eu-west-1:111111111111:securityhub-slack"]


FOREIGN = "arn:aws:sns:eu-west-1:111111111111:securityhub-slack"


@pytest.mark.parametrize(
    ("listed", "stale", "noticed"),
    [
        (FOREIGN, False, True),
        (FOREIGN, True, True),
        (STALE, True, True),
        # A topic of another team, which exists.
        (STALE, False, False),
    ],
)
@pytest.mark.parametrize("stack", [None, {"StackName": "securityhub-slack", "StackStatus": "REVIEW_IN_PROGRESS"}])
def test_a_topic_that_is_not_provably_ours_stays_in_a_foreign_channel(listed, stale, noticed, stack):
    configurations = [account_model.configuration_of("alerts", account_model.CHANNEL, [listed])]
    account = AccountModel(configurations=configurations, stacks={"eu-west-1": stack} if stack else {})
    design = account.planned(hosts("eu-west-1", state="absent")).design
    assert unknown_topics(design) == [(design.targets[0], listed)]
    found = replace(design.snapshot, stale=frozenset({listed} if stale else ()))
    planned = plan.plan(replace(design, snapshot=found), Blockers())
    assert not planned.channel.changed
    assert [notice for notice in planned.notices if listed in notice and "alerts" in notice] == (
        list(planned.notices) if noticed else []
    )


def test_a_topic_of_our_stack_leaves_a_foreign_channel():
    account = AccountModel(configurations=[account_model.configuration_of("alerts", account_model.CHANNEL)])
    account.applied(hosts("eu-west-1"))
    assert account.configurations[0]["SnsTopicArns"] == [FOREIGN]
    account.applied(hosts("eu-west-1", state="absent"))
    assert account.configurations[0]["SnsTopicArns"] == []


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sns:eu-west-1:111111111111:securityhub-slacker",
        "arn:aws:sns:eu-west-1:111111111111:billing",
        "arn:aws:sns:eu-west-1:222222222222:securityhub-slack-prod",
        "arn:aws:sns:us-east-1:111111111111:securityhub-slack",
    ],
)
def test_only_topics_with_names_of_ours_are_read(arn):
    account = AccountModel()
    account.applied(hosts("eu-west-1"))
    account.configurations[0]["SnsTopicArns"].append(arn)
    assert unknown_topics(account.planned(hosts("eu-west-1")).design) == []


def test_a_failed_target_keeps_its_topics():
    account = AccountModel()
    account.applied(hosts("eu-west-1", "us-east-1"))
    snapshot = account.snapshot(hosts("eu-west-1", "us-east-1", state="absent"))
    (merge,) = account_model.planned_from(with_failed(snapshot, "eu-west-1")).channel.merges
    assert merge.plan.after["SnsTopicArns"] == ["arn:aws:sns:eu-west-1:111111111111:securityhub-slack"]


def test_a_target_that_stops_does_not_wait_where_no_other_should_take_over():
    account = AccountModel()
    account.applied(hosts("eu-west-1", "us-east-1"))
    silent = hosts("eu-west-1", "us-east-1", forward_automatically=False)
    assert not errors(account.planned(silent[1:], silent[:1]))
    moved = hosts("eu-west-1", "us-east-1", forward_automatically=False, global_findings_region="eu-west-1")
    assert not errors(account.planned(moved[1:], moved[:1]))


SLICED = {"job_slices": True, "global_findings_region": "us-east-1"}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["ap-south-1", "eu-west-1", "eu-west-2", "us-east-1", "us-west-2"]), unique=True),
    st.sampled_from(["auto", "per_region"]),
    st.integers(2, 4),
    st.data(),
)
def test_slices_together_deploy_the_same_as_one_run(regions, aggregation, slices, data):
    regions = sorted({*regions, "us-east-1"})
    variables = {
        region: {
            **SLICED,
            "aggregation": aggregation,
            "minimum_severity": data.draw(st.sampled_from(["LOW", "HIGH", "CRITICAL"])),
        }
        for region in regions
    }
    aggregator = HOME if aggregation == "per_region" else None
    whole = [account_model.settings(region, **{**given, "job_slices": False}) for region, given in variables.items()]
    desired = stacks(AccountModel(aggregator=aggregator).planned(whole))
    found, account = {}, AccountModel(aggregator=aggregator)
    for number in range(slices):
        part = [account_model.settings(region, **variables[region]) for region in regions[number::slices]]
        if part:
            outcome = account.applied(part)
            assert not errors(outcome)
            found |= stacks(outcome)
    assert found == desired
    topics = [arn for configuration in account.configurations for arn in configuration["SnsTopicArns"]]
    assert len(topics) == len(set(topics)) == len(regions)


def test_slice_reports_work_of_other_slices_until_done():
    account = AccountModel()
    outcome = account.applied(hosts("eu-west-1", **SLICED))
    (notice,) = [line for line in outcome.notices if "yet" in line]
    assert notice.startswith("us-east-1 ")
    assert "global resources" in notice
    account.applied(hosts("us-east-1", **SLICED))
    planned = account.planned(hosts("eu-west-1", **SLICED))
    assert not planned.channel.changed
    assert not any("yet" in line for line in planned.notices)


def test_a_global_findings_region_outside_the_inventory_is_refused_unless_the_jobs_are_sliced():
    planned = AccountModel().planned(hosts("eu-west-1", global_findings_region="us-east-1"))
    (error,) = errors(planned).values()
    for fact in ("securityhub_slack_global_findings_region is us-east-1", "use one of eu-west-1", "_slack_job_slices"):
        assert fact in error


def test_the_global_findings_region_of_another_slice_must_have_security_hub():
    planned = AccountModel(hubs={"eu-west-1"}).planned(hosts("eu-west-1", **SLICED))
    assert "is us-east-1, where Security Hub is " in errors(planned)["eu-west-1"]


def test_a_region_stops_forwarding_global_findings_only_when_the_one_in_another_slice_forwards_them():
    account = AccountModel()
    whole = {"global_findings_region": "us-east-1", "job_slices": True}
    account.applied(hosts("eu-west-1", "us-east-1", **whole))
    moved = {**whole, "global_findings_region": "eu-west-1"}
    error = errors(account.planned(hosts("us-east-1", **moved)))["us-east-1"]
    for fact in ("eu-west-1 should forward them", "not in place (another slice has to deploy it first)"):
        assert fact in error
    account.applied(hosts("eu-west-1", **moved))
    planned = account.planned(hosts("us-east-1", **moved))
    assert not errors(planned)
    assert planned.targets[0].stack == ("update",)


def test_a_home_region_does_not_stop_in_a_slice_for_regions_of_other_slices():
    account = AccountModel(aggregator=HOME)
    account.applied(hosts("eu-west-1", "us-east-1", "us-west-2"))
    sliced = {**SLICED, "aggregation": "per_region"}
    planned = account.planned(hosts("us-east-1", **sliced))
    assert "without securityhub_slack_job_slices." in errors(planned)["us-east-1"]
    account.aggregator = None
    assert not errors(account.planned(hosts("us-east-1", **sliced)))


def test_the_removal_of_all_slices_leaves_nothing():
    account = AccountModel()
    for region in ("eu-west-1", "us-east-1"):
        account.applied(hosts(region, **SLICED))
    for region in ("us-east-1", "eu-west-1"):
        assert not errors(account.applied(hosts(region, **SLICED, state="absent")))
    assert (account.stacks, account.actions, account.configurations) == ({}, {}, [])
    assert (account.identity.role, account.identity.guardrail) == (None, None)


WEEKLY = {"digest_schedule": "cron(0 8 ? * MON *)"}


def digests(planned):
    """Return where the numbers of each region go, '' if it sends its own message, and for which others it waits."""
    scheduled = {host: stack.scheduled for host, stack in stacks(planned).items() if stack and stack.scheduled}
    return {host: (digest.to, digest.others) for host, digest in scheduled.items()}


def test_one_region_sends_the_scheduled_digest_for_all_that_are_not_linked():
    regions = ("eu-central-1", "eu-west-1", "us-east-1")
    together = {
        "eu-central-1": ("us-east-1", ()),
        "eu-west-1": ("us-east-1", ()),
        "us-east-1": ("", ("eu-central-1", "eu-west-1")),
    }
    planned = AccountModel().planned(hosts(*regions, **WEEKLY))
    assert digests(planned) == together
    assert not any("each send a scheduled digest" in line for line in planned.notices)
    # Whichever are part of the run, or have invalid variables.
    for region in regions:
        others = [item for item in hosts(*regions, **WEEKLY) if item.region != region]
        for left_out in ((others,), ([], others)):
            planned = AccountModel().planned(hosts(region, **WEEKLY), *left_out)
            assert digests(planned) == {region: together[region]}
    # A region that has none, or that Amazon Q does not list, is not waited for.
    some = [*hosts("eu-west-1", "us-east-1", "ap-east-2", **WEEKLY), *hosts("eu-central-1")]
    assert digests(AccountModel().planned(some)) == {
        "eu-west-1": ("us-east-1", ()),
        "us-east-1": ("", ("eu-west-1",)),
    }
    assert digests(AccountModel().planned(hosts("eu-west-1", **WEEKLY))) == {"eu-west-1": ("", ())}


def test_the_home_region_sends_it_with_the_numbers_of_those_that_are_not_linked():
    some = {"FindingAggregationRegion": "eu-west-1", "RegionLinkingMode": "SPECIFIED_REGIONS", "Regions": ["us-west-2"]}
    planned = AccountModel(aggregator=some).planned(hosts("eu-west-1", "us-east-1", "us-west-2", **WEEKLY))
    assert digests(planned) == {"eu-west-1": ("", ("us-east-1",)), "us-east-1": ("eu-west-1", ())}
    planned = AccountModel(aggregator=HOME).planned(hosts("eu-west-1", "us-east-1", **WEEKLY))
    assert digests(planned) == {"us-east-1": ("", ())}


@pytest.mark.parametrize(
    "given",
    [
        {"digest_schedule": "rate(7 days)"},
        {"job_slices": True, "global_findings_region": "us-east-1"},
        {"digest_days": 30},
        {"digest_time_zone": "Asia/Tokyo"},
        {"channel_id": "C0OTHER0001"},
        {"finding_format": "ocsf"},
    ],
)
def test_regions_whose_digests_differ_or_begin_at_other_times_send_one_each(given):
    (first,), (second,) = hosts("eu-west-1", **{**WEEKLY, **given}), hosts("us-east-1", **WEEKLY)
    if "job_slices" in given or "digest_schedule" in given:
        (second,) = hosts("us-east-1", **{**WEEKLY, **given})
    planned = AccountModel().planned([first, second])
    assert digests(planned) == {"eu-west-1": ("", ()), "us-east-1": ("", ())}
    assert any("eu-west-1, us-east-1 each send a scheduled digest" in line for line in planned.notices)


def test_a_region_whose_host_was_deleted_from_the_inventory_is_reported_while_its_topic_is_in_the_channel():
    model = AccountModel()
    first, second = hosts("eu-west-1", "us-east-1")
    model.applied([first, second])
    whole, (notice,) = model.planned([first, second]), model.planned([first]).design.notices
    assert notice.startswith("deployed, but not in this inventory: us-east-1. Nothing keeps the deployment up to date.")
    assert "securityhub_slack_state: absent" in notice
    assert not any("not in this inventory" in line for line in whole.notices)
    # --limit, invalid variables, or another name
    for elsewhere in (([second],), ([], [second])):
        assert not any("not in this inventory" in line for line in model.planned([first], *elsewhere).notices)
    assert not any("not in this inventory" in line for line in model.planned(hosts("eu-west-1", name="b")).notices)


def test_regions_of_other_slices_are_not_reported_as_deleted_from_the_inventory():
    model = AccountModel()
    model.applied(hosts("eu-west-1", "us-east-1"))
    planned = model.planned(hosts("eu-west-1", **SLICED))
    assert not any("not in this inventory" in line for line in planned.notices)


def test_uncovered_regions_are_not_reported_in_a_slice():
    planned = AccountModel().planned(hosts("us-east-1", **SLICED, report_uncovered_regions=True))
    assert any("uncovered regions are not reported in a slice" in line for line in planned.notices)


def test_alarms_watch_the_channels_of_all_platforms_by_the_names_of_their_configurations():
    adopted = {
        "ChatConfigurationArn": "arn:aws:chatbot::111111111111:chat-configuration/microsoft-teams-channel/alerts",
        "ConfigurationName": "alerts",
        "TeamId": account_model.TEAMS["team_id"],
        "ChannelId": account_model.TEAMS["channel_id"],
        "IamRoleArn": "arn:aws:iam::111111111111:role/another-team",
        "SnsTopicArns": [],
        "Tags": [],
    }
    channels = [
        {"name": "oncall", "channel_id": account_model.CHANNEL},
        {"name": "findings", **account_model.TEAMS},
    ]
    planned = AccountModel(configurations=[adopted]).planned(hosts("us-east-1", channels=channels, alarms=True))
    assert planned.targets[0].desired.stack.alarms.configurations == ("alerts", "securityhub-slack-oncall")


@pytest.mark.parametrize(
    ("alarms", "is_noticed"),
    [
        ({"eu-west-1": {"alarms": True}}, True),
        ({"eu-west-1": {"alarms": True}, "us-east-1": {}}, True),
        ({"eu-west-1": {"alarms": True}, "us-east-1": {"alarms": True, "state": "absent"}}, True),
        ({"eu-west-1": {"alarms": True}, "us-east-1": {"alarms": True}}, False),
        ({"eu-west-1": {}}, False),
    ],
)
def test_losses_of_amazon_q_that_no_alarm_watches_are_noticed(alarms, is_noticed):
    planned = AccountModel().planned([account_model.settings(region, **given) for region, given in alarms.items()])
    assert any("no alarm reports when Amazon Q itself loses messages" in line for line in planned.notices) is is_noticed
