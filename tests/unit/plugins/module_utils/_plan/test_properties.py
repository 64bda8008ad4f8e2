# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for any targets in any account, checked on a model of the account."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._channel.transformations import normalized
from ansible_collections.secops.securityhub.plugins.module_utils._channel.transformations import tags_of
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from ansible_collections.secops.securityhub.plugins.module_utils._stack import live
from ansible_collections.secops.securityhub.plugins.module_utils._stack import states
from ansible_collections.secops.securityhub.tests.unit import account_model
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

SLOWLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
REGIONS = ("ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2")
CHANNEL_IDS = (account_model.CHANNEL, "C0SECOND0000", "C0THIRD00000")
FOREIGN_TOPICS = [f"arn:aws:sns:{region}:{account_model.ACCOUNT.id}:billing" for region in REGIONS]
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
CHANNEL_ENTRIES = [
    {"name": "first", "channel_id": CHANNEL_IDS[0]},
    {"name": "second", "channel_id": CHANNEL_IDS[1], "minimum_severity": "MEDIUM"},
]


@st.composite
def inventories(draw, state="present"):
    """The settings of one account's targets, which agree on what the account has once."""
    common = {
        "state": state,
        "aggregation": draw(st.sampled_from(("auto", "per_region"))),
        "tags": draw(st.sampled_from(({}, {"Team": "security"}))),
        "channels": draw(st.sampled_from(([], CHANNEL_ENTRIES[:1], CHANNEL_ENTRIES))),
    }
    return [
        account_model.settings(
            region,
            minimum_severity=draw(st.sampled_from(SEVERITIES)),
            forward_automatically=draw(st.booleans()),
            **common,
        )
        for region in draw(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
    ]


@st.composite
def foreign_configurations(draw):
    """Foreign configurations, of our channel too, that list foreign topics."""
    return [
        account_model.configuration_of(f"theirs-{channel}", channel, draw(st.sets(st.sampled_from(FOREIGN_TOPICS))))
        for channel in draw(st.lists(st.sampled_from(CHANNEL_IDS), unique=True))
    ]


@st.composite
def accounts(draw):
    """An account without any deployment."""
    return account_model.AccountModel(
        hubs=draw(st.none() | st.sets(st.sampled_from(REGIONS))),
        aggregator=draw(
            st.sampled_from(
                (
                    None,
                    {"FindingAggregationRegion": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"},
                    {
                        "FindingAggregationRegion": "eu-west-1",
                        "RegionLinkingMode": "SPECIFIED_REGIONS",
                        "Regions": ["us-west-2", "eu-central-1"],
                    },
                )
            )
        ),
        configurations=draw(foreign_configurations()),
    )


@st.composite
def used_accounts(draw):
    """An account in which other targets have been deployed, and stacks have failed since."""
    account = draw(accounts())
    account.applied(draw(inventories()))
    for region in draw(st.sets(st.sampled_from(sorted(account.stacks) or REGIONS))):
        if region in account.stacks:
            account.stacks[region]["StackStatus"] = draw(
                st.sampled_from(sorted({*states.ONLY_DELETABLE, "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"}))
            )
    return account


def foreign(account):
    """Return everything foreign in the account's channels: configurations, and topics by configuration."""
    others = [found for found in account.configurations if MANAGED_TAG not in tags_of(found)]
    topics = [[arn for arn in found["SnsTopicArns"] if arn in FOREIGN_TOPICS] for found in others]
    return [{**normalized(found), "SnsTopicArns": arns} for found, arns in zip(others, topics)]


def listed(account):
    """Return the topics that the channel configurations list."""
    return {arn for found in account.configurations for arn in found["SnsTopicArns"]}


@SLOWLY
@given(account=used_accounts(), targets=inventories())
def test_run_reaches_the_desired_state_and_second_run_is_unchanged(account, targets):
    outcome = account.applied(targets)
    again = account.copied().planned(targets)
    for target, second in zip(outcome.targets, again.targets):
        assert bool(target.error) == bool(second.error)
        if target.error:
            continue
        assert not second.changed
        stack = account.stacks.get(target.settings.region)
        if target.desired is None:
            assert stack is None
            continue
        assert live.matches(target.desired.stack, stack)
        assert live.is_deployed(stack)
        assert {arn for _channel, arn in target.desired.topics} <= listed(account)
    assert again.channel is None or not again.channel.changed


@SLOWLY
@given(account=used_accounts(), targets=inventories(), absent=inventories(state="absent"))
def test_nothing_foreign_is_ever_lost(account, targets, absent):
    before = foreign(account)
    account.applied(targets)
    assert foreign(account) == before
    account.applied(absent)
    assert foreign(account) == before


@SLOWLY
@given(account=accounts(), targets=inventories())
def test_removal_restores_the_state_before_the_deployment(account, targets):
    before = account.copied()
    account.applied(targets)
    entries = [{"name": entry["name"], "channel_id": entry["channel_id"]} for entry in targets[0].value("channels")]
    absent = [account_model.settings(item.region, state="absent", channels=entries) for item in targets]
    account.applied(absent)
    assert account == before
    assert not any(target.changed for target in account.planned(absent).targets)


@SLOWLY
@given(account=used_accounts(), targets=inventories(), data=st.data())
def test_limited_run_plans_the_same_as_a_full_run(account, targets, data):
    some = data.draw(st.sets(st.sampled_from([item.region for item in targets]), min_size=1))
    whole = {target.host: target for target in account.planned(targets).targets}
    limited = account.planned(
        [item for item in targets if item.region in some], [item for item in targets if item.region not in some]
    )
    for target in limited.targets:
        if not target.error and not whole[target.host].error:
            assert target == whole[target.host]


@SLOWLY
@given(account=used_accounts(), targets=inventories(), data=st.data())
def test_successive_limited_runs_equal_one_full_run(account, targets, data):
    whole = account.copied()
    whole.applied(targets)
    order = data.draw(st.permutations(targets))
    # A target that stops waits for the one that takes over, which may itself wait for others.
    for _round in range(4):
        for item in order:
            account.applied([item], [other for other in targets if other is not item])
    assert account.stacks == whole.stacks
    assert account.actions == whole.actions
    assert listed(account) == listed(whole)


@SLOWLY
@given(account=used_accounts(), targets=inventories())
def test_the_channels_list_the_topics_of_all_deployments_and_none_of_a_removed_one(account, targets):
    outcome = account.applied(targets)
    for target in outcome.targets:
        if target.error or target.settings.region not in account.stacks:
            continue
        assert {arn for _channel, arn in target.desired.topics} <= listed(account)
    healthy = {target.settings.region for target in outcome.targets if not target.error}
    removed = healthy - set(account.stacks)
    assert not [arn for arn in listed(account) - set(FOREIGN_TOPICS) if arn.split(":")[3] in removed]
