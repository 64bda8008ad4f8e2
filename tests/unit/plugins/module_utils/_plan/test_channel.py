# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import MANAGED_TAG
from ansible_collections.secops.securityhub.plugins.module_utils._model import names as desired
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import LiveIdentity
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import IdentityPlan
from ansible_collections.secops.securityhub.plugins.module_utils._plan import channel as channels
from ansible_collections.secops.securityhub.plugins.module_utils._plan.channel import Topics
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet

SETTINGS = fleet.settings(tags={"Team": "security"})
IDENTITY = desired.identity(SETTINGS, fleet.ACCOUNT)
TAGS = [{"Key": key, "Value": value} for key, value in IDENTITY.tags]
LIVE = LiveIdentity(fleet.role_of(TAGS), fleet.guardrail_of(TAGS))
CHANNEL = SETTINGS.routes[0].channel
OTHER = "C0OTHER00000"
ONE, TWO, GONE, THEIRS = (
    f"arn:aws:sns:{region}:111111111111:{topic}"
    for region, topic in (
        ("eu-west-1", "securityhub-slack"),
        ("us-east-1", "securityhub-slack"),
        ("us-west-2", "securityhub-slack"),
        ("us-east-1", "billing"),
    )
)


def ours(topics=(), channel=fleet.CHANNEL, name="securityhub-slack", **more):
    return fleet.configuration_of(
        name,
        channel,
        topics,
        **{
            "IamRoleArn": IDENTITY.role_arn,
            "GuardrailPolicyArns": [IDENTITY.guardrail_arn],
            "LoggingLevel": "ERROR",
            "Tags": [
                {"TagKey": MANAGED_TAG, "TagValue": "securityhub-slack"},
                {"TagKey": "Team", "TagValue": "security"},
            ],
            **more,
        },
    )


def theirs(topics=(), channel=fleet.CHANNEL, name="alerts"):
    return fleet.configuration_of(name, channel, topics)


def staying(*arns, leaving=()):
    return Topics(tuple((CHANNEL, arn) for arn in arns), frozenset(leaving), frozenset({CHANNEL}))


def leaving(*arns):
    return Topics(leaving=frozenset(arns))


def plan(configurations, topics, live=LIVE, settings=SETTINGS):
    return channels.plan(configurations, live, topics, IDENTITY, settings, [])


def written(planned):
    """What the plan writes: operation, configuration and the topics it then carries."""
    return [
        (merge.plan.operation, merge.plan.after["ConfigurationName"], merge.plan.after["SnsTopicArns"])
        for merge in planned.merges
        if merge.plan.changed
    ]


@pytest.mark.parametrize(
    ("configurations", "topics", "expected"),
    [
        ([], staying(ONE, TWO), [("create", "securityhub-slack", [ONE, TWO])]),
        ([ours([ONE, TWO])], staying(ONE, TWO), []),
        ([ours([ONE])], staying(ONE, TWO), [("update", "securityhub-slack", [ONE, TWO])]),
        # A run of some targets only keeps the others' topics.
        ([ours([ONE])], staying(TWO), [("update", "securityhub-slack", [ONE, TWO])]),
        ([ours([ONE, THEIRS])], staying(TWO), [("update", "securityhub-slack", sorted([THEIRS, ONE, TWO]))]),
        ([ours([ONE, GONE])], staying(ONE, leaving=[GONE]), [("update", "securityhub-slack", [ONE])]),
        # The channel has a configuration already: it is adopted under its own name.
        ([theirs([THEIRS])], staying(ONE), [("update", "alerts", sorted([THEIRS, ONE]))]),
        ([theirs([THEIRS, ONE])], staying(ONE), []),
        # The id of the channel has changed: the configuration goes along.
        ([ours([ONE], channel=OTHER)], staying(ONE), [("update", "securityhub-slack", [ONE])]),
        # A topic that leaves leaves all configurations, others' too.
        (
            [ours([ONE, GONE]), theirs([GONE], OTHER)],
            staying(ONE, leaving=[GONE]),
            [
                ("update", "securityhub-slack", [ONE]),
                ("update", "alerts", []),
            ],
        ),
        # One that stays leaves only what is ours and not its channel.
        ([ours([ONE]), ours([ONE], OTHER, "old")], staying(ONE), [("update", "old", [])]),
        ([ours([ONE]), theirs([ONE], OTHER)], staying(ONE), []),
        ([ours([ONE, TWO])], leaving(ONE), [("update", "securityhub-slack", [TWO])]),
        ([theirs([ONE, THEIRS])], leaving(ONE), [("update", "alerts", [THEIRS])]),
        ([theirs([THEIRS])], leaving(ONE), []),
        ([], leaving(ONE), []),
    ],
)
def test_merging(configurations, topics, expected):
    assert written(plan(configurations, topics)) == expected


@pytest.mark.parametrize(
    ("configurations", "topics", "closing", "farewell"),
    [
        ([ours([ONE])], leaving(ONE), ["securityhub-slack"], True),
        ([ours([])], leaving(ONE), ["securityhub-slack"], True),
        ([ours([ONE, TWO])], leaving(ONE), [], False),
        ([ours([ONE, THEIRS])], leaving(ONE), [], False),
        ([theirs([ONE])], leaving(ONE), [], True),
        ([], leaving(ONE), [], True),
        # The role is another configuration's too.
        ([ours([ONE]), ours([TWO], OTHER, "other")], leaving(ONE), ["securityhub-slack"], False),
        # A channel stays that shall have topics, though none is ready yet.
        ([ours([ONE])], Topics(leaving=frozenset({ONE}), channels=frozenset({CHANNEL})), [], False),
        ([ours([ONE, GONE])], staying(ONE, leaving=[GONE]), [], False),
        ([ours([ONE]), ours([ONE], OTHER, "old")], staying(ONE), ["old"], False),
    ],
)
def test_what_is_spent_is_cleared_away(configurations, topics, closing, farewell):
    planned = plan(configurations, topics)
    assert [removal.name for removal in planned.closing] == closing
    assert planned.farewell == (IdentityPlan("delete", "delete") if farewell else IdentityPlan())
    assert planned.takes_away


@pytest.mark.parametrize("configurations", [[], [ours([ONE])], [theirs([THEIRS])]])
def test_building_takes_nothing_away(configurations):
    assert not plan(configurations, staying(ONE)).takes_away


def test_a_first_channel_gets_role_guardrail_settings_and_tags():
    planned = plan([], staying(ONE), live=LiveIdentity())
    (merge,) = planned.merges
    assert planned.identity == IdentityPlan("create", "create")
    assert merge.plan.kwargs == {
        "ConfigurationName": "securityhub-slack",
        "SlackTeamId": fleet.WORKSPACE,
        "SlackChannelId": fleet.CHANNEL,
        "IamRoleArn": IDENTITY.role_arn,
        "GuardrailPolicyArns": [IDENTITY.guardrail_arn],
        "LoggingLevel": "ERROR",
        "UserAuthorizationRequired": False,
        "SnsTopicArns": [ONE],
        "Tags": [
            {"TagKey": "Team", "TagValue": "security"},
            {"TagKey": MANAGED_TAG, "TagValue": "securityhub-slack"},
        ],
    }
    assert not channels.foreign(merge)


def test_given_guardrails_take_the_place_of_our_own():
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    planned = plan([], staying(ONE), LiveIdentity(), fleet.settings(guardrail_policy_arns=[arn]))
    assert planned.identity == IdentityPlan("create", "none")
    assert planned.merges[0].plan.kwargs["GuardrailPolicyArns"] == [arn]


def test_of_an_adopted_configuration_only_the_topics_change():
    planned = plan([theirs([THEIRS])], staying(ONE), live=LiveIdentity())
    (merge,) = planned.merges
    assert planned.identity == IdentityPlan()
    assert set(merge.plan.kwargs) == {"ChatConfigurationArn", "SlackChannelId", "SnsTopicArns"}
    assert not merge.plan.tags_to_set
    assert channels.foreign(merge)


def test_a_name_that_somebody_else_uses_for_another_channel_is_refused():
    with pytest.raises(UserError, match=f"is there for Slack channel {OTHER}, and was not made by this collection"):
        plan([theirs(channel=OTHER, name="securityhub-slack")], staying(ONE))


def test_the_order_of_what_aws_lists_does_not_matter():
    configurations = [ours([ONE, GONE]), theirs([GONE], OTHER)]
    topics = staying(ONE, leaving=[GONE])
    assert written(plan(configurations, topics)) == written(plan(configurations[::-1], topics))
