# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for any fleet in any account, against a model of the account."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import MANAGED_TAG
from ansible_collections.secops.securityhub.plugins.module_utils._channel.transformations import normalized
from ansible_collections.secops.securityhub.plugins.module_utils._channel.transformations import tags_of
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import plan
from ansible_collections.secops.securityhub.plugins.module_utils._stack import states
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

SLOWLY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
REGIONS = ("ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2")
CHANNELS = (fleet.CHANNEL, "C0SECOND0000", "C0THIRD00000")
FOREIGN_TOPICS = [f"arn:aws:sns:{region}:{fleet.ACCOUNT.id}:billing" for region in REGIONS]
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
ROUTES = [
    {"name": "first", "channel_id": CHANNELS[0]},
    {"name": "second", "channel_id": CHANNELS[1], "minimum_severity": "MEDIUM"},
]


@st.composite
def fleets(draw, state="present"):
    """The settings of one account's targets, which agree on what the account has once."""
    common = {
        "state": state,
        "aggregation": draw(st.sampled_from(("auto", "per_region"))),
        "tags": draw(st.sampled_from(({}, {"Team": "security"}))),
        "channels": draw(st.sampled_from(([], ROUTES[:1], ROUTES))),
    }
    return [
        fleet.settings(
            region,
            minimum_severity=draw(st.sampled_from(SEVERITIES)),
            forward_automatically=draw(st.booleans()),
            **common,
        )
        for region in draw(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
    ]


@st.composite
def foreign_configurations(draw):
    """Configurations of other people, of our channel too, that carry topics of theirs."""
    return [
        fleet.configuration_of(f"theirs-{channel}", channel, draw(st.sets(st.sampled_from(FOREIGN_TOPICS))))
        for channel in draw(st.lists(st.sampled_from(CHANNELS), unique=True))
    ]


@st.composite
def worlds(draw):
    """An account without anything of ours."""
    return fleet.AccountModel(
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
def lived_in(draw):
    """An account in which another fleet has been deployed, and stacks have met with trouble since."""
    world = draw(worlds())
    world.applied(draw(fleets()))
    for region in draw(st.sets(st.sampled_from(sorted(world.stacks) or REGIONS))):
        if region in world.stacks:
            world.stacks[region]["StackStatus"] = draw(
                st.sampled_from(sorted({*states.ONLY_DELETABLE, "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"}))
            )
    return world


def foreign(world):
    """What of the account's channels is not ours: configurations, and topics by configuration."""
    others = [found for found in world.configurations if MANAGED_TAG not in tags_of(found)]
    topics = [[arn for arn in found["SnsTopicArns"] if arn in FOREIGN_TOPICS] for found in others]
    return [{**normalized(found), "SnsTopicArns": arns} for found, arns in zip(others, topics)]


def carried(world):
    return {arn for found in world.configurations for arn in found["SnsTopicArns"]}


@SLOWLY
@given(world=lived_in(), wanted=fleets())
def test_what_is_applied_is_what_was_wanted_and_then_nothing_is_left_to_do(world, wanted):
    account = world.applied(wanted)
    again = world.copied().planned(wanted)
    for target, second in zip(account.targets, again.targets):
        assert bool(target.error) == bool(second.error)
        if target.error:
            continue
        assert not second.plan.changed
        live = world.stacks.get(target.settings.region)
        if target.wanted is None:
            assert live is None
            continue
        assert plan.same(target.wanted.stack, live)
        assert plan.status_of(live) in states.STANDING
        assert {arn for _channel, arn in target.wanted.topics} <= carried(world)
    assert again.plan is None or not again.plan.changed


@SLOWLY
@given(world=lived_in(), wanted=fleets(), then=fleets(state="absent"))
def test_nothing_foreign_is_ever_lost(world, wanted, then):
    before = foreign(world)
    world.applied(wanted)
    assert foreign(world) == before
    world.applied(then)
    assert foreign(world) == before


@SLOWLY
@given(world=worlds(), wanted=fleets())
def test_absent_after_present_leaves_what_was_there_before(world, wanted):
    before = world.copied()
    world.applied(wanted)
    routes = [{"name": route["name"], "channel_id": route["channel_id"]} for route in wanted[0].value("channels")]
    gone = [fleet.settings(item.region, state="absent", channels=routes) for item in wanted]
    world.applied(gone)
    assert world == before
    assert not any(target.plan.changed for target in world.planned(gone).targets)


@SLOWLY
@given(world=lived_in(), wanted=fleets(), data=st.data())
def test_a_limited_run_wants_of_a_target_what_a_full_one_wants(world, wanted, data):
    some = data.draw(st.sets(st.sampled_from([item.region for item in wanted]), min_size=1))
    whole = {target.host: target for target in world.planned(wanted).targets}
    limited = world.planned(
        [item for item in wanted if item.region in some], [item for item in wanted if item.region not in some]
    )
    for target in limited.targets:
        if not target.error and not whole[target.host].error:
            assert target.wanted == whole[target.host].wanted
            assert target.plan == whole[target.host].plan


@SLOWLY
@given(world=lived_in(), wanted=fleets(), data=st.data())
def test_limited_runs_one_after_another_come_to_what_one_full_run_comes_to(world, wanted, data):
    whole = world.copied()
    whole.applied(wanted)
    order = data.draw(st.permutations(wanted))
    # Who ends waits for who takes over, who may wait for others that take over from it in turn.
    for _round in range(4):
        for item in order:
            world.applied([item], [other for other in wanted if other is not item])
    assert world.stacks == whole.stacks
    assert world.actions == whole.actions
    assert carried(world) == carried(whole)


@SLOWLY
@given(world=lived_in(), wanted=fleets())
def test_no_topic_of_a_pipeline_is_without_a_channel_and_none_without_a_pipeline_has_one(world, wanted):
    account = world.applied(wanted)
    for target in account.targets:
        if target.error or target.settings.region not in world.stacks:
            continue
        assert {arn for _channel, arn in target.wanted.topics} <= carried(world)
    healthy = {target.settings.region for target in account.targets if not target.error}
    gone = healthy - set(world.stacks)
    assert not [arn for arn in carried(world) - set(FOREIGN_TOPICS) if arn.split(":")[3] in gone]
