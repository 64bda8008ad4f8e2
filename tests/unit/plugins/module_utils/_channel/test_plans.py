# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging a channel configuration: the plan, as tables and as properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import Desired
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import Plan
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import Removal
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import plan
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import plan_absent
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import plan_deletion
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import SLACK
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import TEAMS
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::111111111111:role/securityhub-slack-channel"
GUARDRAIL = "arn:aws:iam::111111111111:policy/securityhub-slack-channel-guardrail"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
TEAM_UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
TENANT_UUID = "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"


def topic(name, region="us-east-1"):
    return f"arn:aws:sns:{region}:111111111111:{name}"


def live(name="securityhub-slack", channel="C0000CHAN", team="T0000TEAM", topics=(), tags=None, **members):
    """Return a configuration as AWS describes it."""
    return {
        "ChatConfigurationArn": f"arn:aws:chatbot::111111111111:chat-configuration/slack-channel/{name}",
        "ConfigurationName": name,
        "SlackTeamId": team,
        "SlackTeamName": "example",
        "SlackChannelId": channel,
        "SlackChannelName": "sec-findings",
        "IamRoleArn": ROLE,
        "SnsTopicArns": list(topics),
        "LoggingLevel": "NONE",
        "GuardrailPolicyArns": [ADMINISTRATOR],
        "UserAuthorizationRequired": False,
        "Tags": [{"TagKey": key, "TagValue": value} for key, value in (tags or {}).items()],
        "State": "ENABLED",
        **members,
    }


def desired(**members):
    return Desired(
        **{
            "name": "securityhub-slack",
            "team_id": "T0000TEAM",
            "channel_id": "C0000CHAN",
            "role_arn": ROLE,
            **members,
        }
    )


def as_aws_would(configurations, step: Plan, platform=SLACK):
    """Carry out a plan on a list of configurations, from what it sends, not from what it predicts."""
    if step.operation == "none":
        return configurations
    if step.operation == "create":
        created = {
            "LoggingLevel": "NONE",
            "GuardrailPolicyArns": [ADMINISTRATOR],
            "UserAuthorizationRequired": False,
            "Tags": [],
            "State": "ENABLED",
            **step.kwargs,
            "ChatConfigurationArn": platform.arn("111111111111", step.kwargs["ConfigurationName"]),
        }
        return [*configurations, created]
    arn = step.before["ChatConfigurationArn"]
    others = [found for found in configurations if found["ChatConfigurationArn"] != arn]
    if step.operation == "delete":
        return others
    (current,) = [found for found in configurations if found["ChatConfigurationArn"] == arn]
    tags = {tag["TagKey"]: tag["TagValue"] for tag in current["Tags"]}
    tags = {key: value for key, value in {**tags, **step.tags_to_set}.items() if key not in step.tags_to_unset}
    listed = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    return [*others, {**current, **step.kwargs, "Tags": listed}]


class TestCreation:
    def test_sends_only_given_options(self):
        step = plan([], desired(add_topics=(topic("b"), topic("a"))))
        assert step.operation == "create"
        assert step.before is None
        assert step.kwargs == {
            "ConfigurationName": "securityhub-slack",
            "SlackTeamId": "T0000TEAM",
            "SlackChannelId": "C0000CHAN",
            "IamRoleArn": ROLE,
            "SnsTopicArns": [topic("a"), topic("b")],
        }

    def test_predicts_the_arn_and_defaults_of_aws(self):
        after = plan([], desired()).after
        assert after["ChatConfigurationArn"] == live()["ChatConfigurationArn"]
        assert after["LoggingLevel"] == "NONE"
        assert after["GuardrailPolicyArns"] == [ADMINISTRATOR]
        assert after["UserAuthorizationRequired"] is False

    def test_marks_it_as_ours(self):
        step = plan([], desired(tags={"team": "sec"}, tags_at_creation={MANAGED_TAG: "true"}))
        assert step.kwargs["Tags"] == [
            {"TagKey": MANAGED_TAG, "TagValue": "true"},
            {"TagKey": "team", "TagValue": "sec"},
        ]

    def test_needs_a_role(self):
        with pytest.raises(UserError, match=r"does not exist yet.*IAM role"):
            plan([], desired(role_arn=None))
        with pytest.raises(UserError, match=r"does not exist yet.*IAM role"):
            plan([], desired(role_arn=None, add_topics=(topic("a"),), remove_topics=(topic("b"),)))

    def test_is_none_where_topics_only_leave(self):
        assert not plan([], desired(role_arn=None, remove_topics=(topic("a"),))).changed

    def test_of_a_teams_channel_uses_the_names_of_teams(self):
        step = plan(
            [],
            desired(
                platform=TEAMS,
                team_id=TEAM_UUID,
                tenant_id=TENANT_UUID,
                channel_id="19%3aabc%40thread.tacv2",
                team_name="Security",
            ),
        )
        assert step.kwargs["TeamId"] == TEAM_UUID
        assert step.kwargs["TenantId"] == TENANT_UUID
        assert step.kwargs["ChannelId"] == "19%3aabc%40thread.tacv2"
        assert step.kwargs["TeamName"] == "Security"
        assert step.after["ChatConfigurationArn"].endswith("/microsoft-teams-channel/securityhub-slack")


class TestChange:
    def test_adopts_the_configuration_of_the_channel_whatever_its_name(self):
        step = plan([live("alerts", topics=[topic("foreign")])], desired(add_topics=(topic("own"),)))
        assert step.operation == "update"
        assert step.kwargs == {
            "ChatConfigurationArn": live("alerts")["ChatConfigurationArn"],
            "SlackChannelId": "C0000CHAN",
            "SnsTopicArns": [topic("foreign"), topic("own")],
        }

    def test_does_not_mark_an_adopted_one_as_ours(self):
        step = plan([live("alerts")], desired(tags_at_creation={MANAGED_TAG: "true"}, tags={"team": "sec"}))
        assert step.tags_to_set == {"team": "sec"}

    def test_moves_a_configuration_of_our_name_to_another_channel(self):
        step = plan([live(channel="C0000OLD1")], desired(channel_name="sec-new"))
        assert step.kwargs["SlackChannelId"] == "C0000CHAN"
        assert step.after["SlackChannelId"] == "C0000CHAN"
        assert step.after["SlackChannelName"] == "sec-new"

    def test_a_channel_name_alone_is_no_reason_to_write(self):
        assert not plan([live()], desired(channel_name="renamed")).changed

    def test_refuses_to_move_to_a_channel_that_is_taken(self):
        taken = [live(channel="C0000OLD1"), live("alerts")]
        with pytest.raises(UserError, match=r"C0000OLD1.*C0000CHAN already has the configuration alerts"):
            plan(taken, desired())

    def test_refuses_to_move_to_another_workspace(self):
        with pytest.raises(UserError, match=r"workspace T0000AAAA.*cannot move it to Slack workspace T0000TEAM"):
            plan([live(team="T0000AAAA")], desired())

    def test_the_same_channel_id_in_another_workspace_is_another_channel(self):
        step = plan([live("alerts", team="T0000AAAA")], desired())
        assert step.operation == "create"

    def test_keeps_settings_that_are_not_given(self):
        assert plan([live(LoggingLevel="INFO", topics=[topic("foreign")], tags={"a": "b"})], desired()).changed is False

    @pytest.mark.parametrize(
        ("asked", "sent"),
        [
            ({"role_arn": f"{ROLE}2"}, {"IamRoleArn": f"{ROLE}2"}),
            ({"logging_level": "ERROR"}, {"LoggingLevel": "ERROR"}),
            ({"logging_level": "NONE"}, {}),
            ({"user_authorization_required": True}, {"UserAuthorizationRequired": True}),
            ({"user_authorization_required": False}, {}),
            ({"guardrail_policy_arns": (GUARDRAIL,)}, {"GuardrailPolicyArns": [GUARDRAIL]}),
            ({"guardrail_policy_arns": (ADMINISTRATOR,)}, {}),
            ({"add_topics": (topic("kept"),)}, {}),
            ({"add_topics": (topic("new"),)}, {"SnsTopicArns": [topic("kept"), topic("new")]}),
            ({"remove_topics": (topic("kept"),)}, {"SnsTopicArns": []}),
            ({"remove_topics": (topic("absent"),)}, {}),
            ({"add_topics": (topic("new"),), "purge_topics": True}, {"SnsTopicArns": [topic("new")]}),
        ],
    )
    def test_sends_a_setting_only_if_it_differs(self, asked, sent):
        step = plan([live(topics=[topic("kept")])], desired(**asked))
        identity = {"ChatConfigurationArn": live()["ChatConfigurationArn"], "SlackChannelId": "C0000CHAN"}
        assert step.kwargs == ({**identity, **sent} if sent else {})
        assert step.operation == ("update" if sent else "none")

    def test_takes_the_order_of_lists_for_no_difference(self):
        current = live(topics=[topic("b"), topic("a")], GuardrailPolicyArns=[GUARDRAIL, ADMINISTRATOR])
        wanted = desired(add_topics=(topic("a"), topic("b")), guardrail_policy_arns=(ADMINISTRATOR, GUARDRAIL))
        assert not plan([current], wanted).changed

    def test_treats_omitted_members_as_defaults(self):
        current = live(GuardrailPolicyArns=[""])
        for member in ("LoggingLevel", "UserAuthorizationRequired", "Tags", "ConfigurationName"):
            del current[member]
        wanted = desired(logging_level="NONE", user_authorization_required=False, tags={})
        assert not plan([current], wanted).changed

    @pytest.mark.parametrize(
        ("tags", "purge", "to_set", "to_unset"),
        [
            (None, True, {}, ()),
            ({}, True, {}, ("old",)),
            ({}, False, {}, ()),
            ({"old": "1"}, True, {}, ()),
            ({"old": "2"}, True, {"old": "2"}, ()),
            ({"new": 1}, True, {"new": "1"}, ("old",)),
            ({"new": "1"}, False, {"new": "1"}, ()),
        ],
    )
    def test_tags(self, tags, purge, to_set, to_unset):
        current = live(tags={"old": "1", "aws:cloudformation:stack-name": "x", MANAGED_TAG: "true"})
        step = plan([current], desired(tags=tags, purge_tags=purge, tags_at_creation={MANAGED_TAG: "true"}))
        assert (step.tags_to_set, step.tags_to_unset) == (to_set, to_unset)
        assert step.kwargs == {}
        assert step.changed is bool(to_set or to_unset)

    def test_knows_the_ids_of_teams_in_either_case(self):
        current = {
            **live(),
            "TeamId": TEAM_UUID.upper(),
            "ChannelId": "19%3Aabc%40thread.tacv2",
        }
        wanted = desired(platform=TEAMS, team_id=TEAM_UUID, channel_id="19%3aabc%40thread.tacv2")
        assert not plan([current], wanted).changed


class TestRemoval:
    def test_takes_own_topics_out_and_keeps_foreign_ones(self):
        step = plan_absent(
            [live(topics=[topic("foreign"), topic("own")], tags={MANAGED_TAG: "true"})],
            Removal("securityhub-slack", (topic("own"),)),
        )
        assert step.operation == "update"
        assert step.kwargs["SnsTopicArns"] == [topic("foreign")]

    def test_deletes_ours_when_no_topic_is_left(self):
        step = plan_absent(
            [live(topics=[topic("own")], tags={MANAGED_TAG: "true"})], Removal("securityhub-slack", (topic("own"),))
        )
        assert step.operation == "delete"
        assert step.after is None

    def test_deletes_ours_that_a_killed_run_left_empty(self):
        step = plan_absent([live(tags={MANAGED_TAG: "true"})], Removal("securityhub-slack", (topic("own"),)))
        assert step.operation == "delete"

    def test_keeps_a_foreign_configuration_even_when_empty(self):
        removal = Removal("securityhub-slack", (topic("own"),), "T0000TEAM", "C0000CHAN")
        step = plan_absent([live("alerts", topics=[topic("own")])], removal)
        assert step.operation == "update"
        assert step.kwargs["SnsTopicArns"] == []
        assert not plan_absent([live("alerts")], removal).changed

    def test_finds_an_adopted_configuration_by_its_topics_when_the_channel_is_not_known(self):
        others = [live("other", channel="C0000CCCC", topics=[topic("foreign")])]
        step = plan_absent(
            [*others, live("alerts", topics=[topic("own")])], Removal("securityhub-slack", (topic("own"),))
        )
        assert step.before["ConfigurationName"] == "alerts"

    def test_leaves_other_configurations_alone(self):
        other = live("other", channel="C0000CCCC", topics=[topic("own")])
        ours = live(topics=[topic("own")], tags={MANAGED_TAG: "true"})
        removal = Removal("securityhub-slack", (topic("own"),), "T0000TEAM", "C0000CHAN")
        assert plan_absent([other, ours], removal).before["ConfigurationName"] == "securityhub-slack"

    def test_goes_on_with_the_next_configuration(self):
        moved = live(channel="C0000OLD1", topics=[topic("own")])
        adopted = live("alerts", topics=[topic("own"), topic("foreign")])
        removal = Removal("securityhub-slack", (topic("own"),), "T0000TEAM", "C0000CHAN")
        world = [moved, adopted]
        for _step in range(2):
            world = as_aws_would(world, plan_absent(world, removal))
        assert not plan_absent(world, removal).changed
        assert sorted(found["SnsTopicArns"] for found in world) == [[], [topic("foreign")]]

    @pytest.mark.parametrize("configurations", [[], [live("other", channel="C0000CCCC", topics=[topic("foreign")])]])
    def test_has_nothing_to_do_where_nothing_of_ours_is(self, configurations):
        step = plan_absent(configurations, Removal("securityhub-slack", (topic("own"),)))
        assert not step.changed


class TestDeletion:
    def test_takes_the_configuration_of_the_name_with_all_it_holds(self):
        step = plan_deletion([live("other"), live(topics=[topic("foreign")])], "securityhub-slack")
        assert step.operation == "delete"
        assert step.before["ConfigurationName"] == "securityhub-slack"

    def test_of_none_is_no_change(self):
        assert not plan_deletion([live("other")], "securityhub-slack").changed


names = st.sampled_from(["a", "b", "c", "d", "e"])
topics = st.lists(names.map(topic), unique=True).map(tuple)
tags = st.dictionaries(names, names, max_size=3)
worlds = st.lists(
    st.builds(
        live,
        name=st.sampled_from(["securityhub-slack", "alerts", "other"]),
        channel=st.sampled_from(["C0000CHAN", "C0000OLD1", "C0000CCCC"]),
        team=st.sampled_from(["T0000TEAM", "T0000AAAA"]),
        topics=topics,
        tags=tags,
        LoggingLevel=st.sampled_from(["NONE", "ERROR"]),
    ),
    max_size=3,
    unique_by=(lambda found: found["ConfigurationName"], lambda found: found["SlackChannelId"]),
)


@st.composite
def wishes(draw):
    add = draw(topics)
    return desired(
        add_topics=add,
        remove_topics=tuple(set(draw(topics)) - set(add)),
        purge_topics=draw(st.booleans()),
        logging_level=draw(st.sampled_from([None, "ERROR", "INFO"])),
        guardrail_policy_arns=draw(st.sampled_from([None, (GUARDRAIL,), (GUARDRAIL, ADMINISTRATOR)])),
        user_authorization_required=draw(st.sampled_from([None, True, False])),
        tags=draw(st.none() | tags),
        purge_tags=draw(st.booleans()),
        tags_at_creation=draw(st.sampled_from([{}, {MANAGED_TAG: "true"}])),
    )


def by_name(configurations):
    return {found["ConfigurationName"]: found for found in configurations}


@given(worlds, wishes())
def test_a_plan_carried_out_leaves_nothing_to_plan(world, wish):
    try:
        step = plan(world, wish)
    except UserError:
        return
    now = as_aws_would(world, step)
    again = plan(now, wish)
    assert not again.changed
    assert again.after == step.after


@given(worlds, wishes())
def test_a_merge_never_loses_a_foreign_topic_nor_touches_another_configuration(world, wish):
    wish = replace(wish, purge_topics=False)
    try:
        step = plan(world, wish)
    except UserError:
        return
    before, now = by_name(world), by_name(as_aws_would(world, step))
    for name, was in before.items():
        assert set(was["SnsTopicArns"]) - set(wish.remove_topics) <= set(now[name]["SnsTopicArns"])
    adopted = step.after["ConfigurationName"]
    assert {name: found for name, found in now.items() if name != adopted} == {
        name: found for name, found in before.items() if name != adopted
    }
    assert set(wish.add_topics) <= set(now[adopted]["SnsTopicArns"])
    assert not set(wish.remove_topics) & set(now[adopted]["SnsTopicArns"])


@given(worlds, topics, st.booleans())
def test_a_removal_carried_out_leaves_nothing_to_remove_and_no_foreign_topic_lost(world, own, slack_ids_known):
    removal = Removal("securityhub-slack", own, *(("T0000TEAM", "C0000CHAN") if slack_ids_known else ()))
    now = world
    for _configuration in range(len(world) + 1):
        now = as_aws_would(now, plan_absent(now, removal))
    assert not plan_absent(now, removal).changed
    for name, was in by_name(world).items():
        foreign = set(was["SnsTopicArns"]) - set(own)
        assert not foreign or foreign <= set(by_name(now)[name]["SnsTopicArns"])
