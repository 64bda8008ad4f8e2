# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes on the channel configurations of an account."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel import custom_action
from ansible_collections.secops.securityhub.plugins.module_utils._channel import plans
from ansible_collections.secops.securityhub.plugins.module_utils._model import names
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import LiveIdentity
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import ButtonsPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import ChannelPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import IdentityPlan
from ansible_collections.secops.securityhub.plugins.module_utils._plan import buttons
from ansible_collections.secops.securityhub.plugins.module_utils._plan import channel
from ansible_collections.secops.securityhub.plugins.module_utils._plan.channel import Topics
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from ansible_collections.secops.securityhub.tests.unit import account_model

SETTINGS = account_model.settings(tags={"Team": "security"})
IDENTITY = names.identity(SETTINGS, account_model.ACCOUNT)
TAGS = [{"Key": key, "Value": value} for key, value in IDENTITY.tags]
LIVE = LiveIdentity(account_model.role_of(TAGS), account_model.guardrail_of(TAGS))
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


def ours(topics=(), channel_id=account_model.CHANNEL, name="securityhub-slack", **more):
    return account_model.configuration_of(
        name,
        channel_id,
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


def theirs(topics=(), channel_id=account_model.CHANNEL, name="alerts"):
    return account_model.configuration_of(name, channel_id, topics)


IN_TEAMS = account_model.settings(**account_model.TEAMS, configuration_name="teams").routes[0].channel


def teams(topics=(), name="teams", *, managed=True):
    return {
        "ChatConfigurationArn": f"arn:aws:chatbot::111111111111:chat-configuration/microsoft-teams-channel/{name}",
        "ConfigurationName": name,
        "TeamId": IN_TEAMS.team_id.upper(),
        "TenantId": IN_TEAMS.tenant_id,
        "ChannelId": IN_TEAMS.channel_id.replace("%3a", "%3A"),
        "IamRoleArn": IDENTITY.role_arn,
        "SnsTopicArns": list(topics),
        "GuardrailPolicyArns": [IDENTITY.guardrail_arn],
        "LoggingLevel": "ERROR",
        "Tags": ours()["Tags"] if managed else [],
    }


def staying(*arns, leaving=()):
    return Topics(tuple((CHANNEL, arn) for arn in arns), frozenset(leaving), frozenset({CHANNEL}))


def leaving(*arns):
    return Topics(leaving=frozenset(arns))


def stale(*arns):
    return Topics(((CHANNEL, ONE),), stale=frozenset(arns), channels=frozenset({CHANNEL}))


def plan(configurations, topics, live=LIVE, settings=SETTINGS):
    return channel.plan(configurations, live, topics, IDENTITY, settings, [])


def written(planned):
    """Return what the plan writes: operation, configuration and the topics that it then lists."""
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
        # A run of only some targets keeps the topics of the others.
        ([ours([ONE])], staying(TWO), [("update", "securityhub-slack", [ONE, TWO])]),
        ([ours([ONE, THEIRS])], staying(TWO), [("update", "securityhub-slack", sorted([THEIRS, ONE, TWO]))]),
        ([ours([ONE, GONE])], staying(ONE, leaving=[GONE]), [("update", "securityhub-slack", [ONE])]),
        # The channel already has a configuration: it is adopted under its own name.
        ([theirs([THEIRS])], staying(ONE), [("update", "alerts", sorted([THEIRS, ONE]))]),
        ([theirs([THEIRS, ONE])], staying(ONE), []),
        # The ID of the channel has changed: the configuration is moved to it.
        ([ours([ONE], OTHER)], staying(ONE), [("update", "securityhub-slack", [ONE])]),
        # A topic that leaves for good leaves all configurations, foreign ones too.
        (
            [ours([ONE, GONE]), theirs([GONE], OTHER)],
            staying(ONE, leaving=[GONE]),
            [
                ("update", "securityhub-slack", [ONE]),
                ("update", "alerts", []),
            ],
        ),
        # One that stays leaves only those of ours that do not belong to its channel.
        ([ours([ONE]), ours([ONE], OTHER, "old")], staying(ONE), [("update", "old", [])]),
        ([ours([ONE]), theirs([ONE], OTHER)], staying(ONE), []),
        ([ours([ONE, TWO])], leaving(ONE), [("update", "securityhub-slack", [TWO])]),
        ([theirs([ONE, THEIRS])], leaving(ONE), [("update", "alerts", [THEIRS])]),
        # One that does not exist leaves only ours: in a foreign one it may have been anyone's.
        ([ours([ONE, GONE]), theirs([GONE], OTHER)], stale(GONE), [("update", "securityhub-slack", [ONE])]),
        ([theirs([THEIRS])], leaving(ONE), []),
        ([], leaving(ONE), []),
    ],
)
def test_topics_are_merged_into_the_configurations(configurations, topics, expected):
    assert written(plan(configurations, topics)) == expected


def in_both(of_slack, of_teams):
    return Topics(((CHANNEL, of_slack), (IN_TEAMS, of_teams)), channels=frozenset({CHANNEL, IN_TEAMS}))


@pytest.mark.parametrize(
    ("configurations", "topics", "expected", "deleted"),
    [
        ([], in_both(ONE, TWO), [("create", "securityhub-slack", [ONE]), ("create", "teams", [TWO])], []),
        ([ours([ONE]), teams([TWO])], in_both(ONE, TWO), [], []),
        # The topics of the two have changed places.
        (
            [ours([ONE]), teams([TWO])],
            in_both(TWO, ONE),
            [("update", "securityhub-slack", [TWO]), ("update", "teams", [ONE])],
            [],
        ),
        # Adopted under its own name.
        (
            [ours([ONE]), teams([THEIRS], "alerts", managed=False)],
            in_both(ONE, TWO),
            [("update", "alerts", sorted([THEIRS, TWO]))],
            [],
        ),
        # The entry in Microsoft Teams was deleted from the list.
        ([ours([ONE]), teams([TWO])], staying(ONE, leaving=[TWO]), [("update", "teams", [])], ["teams"]),
        (
            [ours([ONE]), teams([TWO])],
            leaving(ONE, TWO),
            [("update", "securityhub-slack", []), ("update", "teams", [])],
            ["securityhub-slack", "teams"],
        ),
    ],
)
def test_channels_of_two_platforms_are_planned_together(configurations, topics, expected, deleted):
    planned = plan(configurations, topics)
    assert written(planned) == expected
    assert [(removal.name, removal.platform.name) for removal in planned.deletions] == [
        (name, "Microsoft Teams" if name == "teams" else "Slack") for name in deleted
    ]


def test_what_is_written_to_microsoft_teams():
    (merge,) = plan([], Topics(((IN_TEAMS, ONE),), channels=frozenset({IN_TEAMS}))).merges
    members = {name: merge.plan.kwargs[name] for name in ("TeamId", "TenantId", "ChannelId", "SnsTopicArns")}
    assert members == {
        "TeamId": IN_TEAMS.team_id,
        "TenantId": IN_TEAMS.tenant_id,
        "ChannelId": IN_TEAMS.channel_id,
        "SnsTopicArns": [ONE],
    }


def test_a_name_of_the_other_platform_is_refused():
    taken = replace(IN_TEAMS, configuration="securityhub-slack")
    with pytest.raises(UserError, match=r"belongs to Slack workspace .* to Microsoft Teams team .* Use another name"):
        plan([ours([ONE])], Topics(((taken, TWO),), channels=frozenset({taken})))


@pytest.mark.parametrize(
    ("configurations", "topics", "deleted", "deletes_identity"),
    [
        ([ours([ONE])], leaving(ONE), ["securityhub-slack"], True),
        ([ours([])], leaving(ONE), ["securityhub-slack"], True),
        ([ours([ONE, TWO])], leaving(ONE), [], False),
        ([ours([ONE, THEIRS])], leaving(ONE), [], False),
        ([theirs([ONE])], leaving(ONE), [], True),
        ([], leaving(ONE), [], True),
        # Another configuration uses the role too.
        ([ours([ONE]), ours([TWO], OTHER, "other")], leaving(ONE), ["securityhub-slack"], False),
        # A channel that should have topics stays, even if none of them is ready yet.
        ([ours([ONE])], Topics(leaving=frozenset({ONE}), channels=frozenset({CHANNEL})), [], False),
        ([ours([ONE, GONE])], staying(ONE, leaving=[GONE]), [], False),
        ([ours([ONE]), ours([ONE], OTHER, "old")], staying(ONE), ["old"], False),
    ],
)
def test_unused_configurations_and_an_unused_role_are_deleted(configurations, topics, deleted, deletes_identity):
    planned = plan(configurations, topics)
    assert [removal.name for removal in planned.deletions] == deleted
    assert planned.deleted_identity == (IdentityPlan("delete", "delete") if deletes_identity else IdentityPlan())
    assert planned.removes


@pytest.mark.parametrize("configurations", [[], [ours([ONE])], [theirs([THEIRS])]])
def test_deploying_removes_nothing(configurations):
    assert not plan(configurations, staying(ONE)).removes


def test_a_first_channel_gets_role_guardrail_settings_and_tags():
    planned = plan([], staying(ONE), live=LiveIdentity())
    (merge,) = planned.merges
    assert planned.creates
    assert planned.identity == IdentityPlan("create", "create")
    assert merge.plan.kwargs == {
        "ConfigurationName": "securityhub-slack",
        "SlackTeamId": account_model.WORKSPACE,
        "SlackChannelId": account_model.CHANNEL,
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
    assert not channel.is_foreign(merge)


def test_given_guardrails_replace_our_own():
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    planned = plan([], staying(ONE), LiveIdentity(), account_model.settings(guardrail_policy_arns=[arn]))
    assert planned.identity == IdentityPlan("create", "none")
    assert planned.merges[0].plan.kwargs["GuardrailPolicyArns"] == [arn]


def test_of_an_adopted_configuration_only_the_topics_change():
    planned = plan([theirs([THEIRS])], staying(ONE), live=LiveIdentity())
    (merge,) = planned.merges
    assert planned.identity == IdentityPlan()
    assert set(merge.plan.kwargs) == {"ChatConfigurationArn", "SlackChannelId", "SnsTopicArns"}
    assert not merge.plan.tags_to_set
    assert channel.is_foreign(merge)


def refusal(*arguments, **options):
    """Return the text of the UserError that planning raises."""
    with pytest.raises(UserError) as raised:
        plan(*arguments, **options)
    return str(raised.value)


def test_a_name_of_a_foreign_configuration_for_another_channel_is_refused():
    found = refusal([theirs(channel_id=OTHER, name="securityhub-slack")], staying(ONE))
    for fact in (
        "channel configuration securityhub-slack",
        f"Slack channel {OTHER} ",
        "not managed by this collection",
        "securityhub_slack_configuration_name",
    ):
        assert fact in found


def test_a_foreign_role_and_guardrail_are_refused_where_a_channel_of_ours_needs_them():
    foreign = LiveIdentity(account_model.role_of([]), account_model.guardrail_of([]))
    found = refusal([ours([ONE])], staying(ONE), live=foreign)
    assert "the IAM role securityhub-slack-channel " in found
    assert "the IAM policy securityhub-slack-channel-guardrail " in found
    # An adopted configuration has its own role.
    assert plan([theirs([THEIRS])], staying(ONE), live=foreign).identity == IdentityPlan()


def test_the_order_in_which_aws_lists_configurations_does_not_matter():
    configurations = [ours([ONE, GONE]), theirs([GONE], OTHER)]
    topics = staying(ONE, leaving=[GONE])
    assert written(plan(configurations, topics)) == written(plan(configurations[::-1], topics))


# Buttons

WITH_BUTTONS = account_model.settings(tags={"Team": "security"}, buttons=True, message_format="custom")
BUTTON_IDENTITY = names.identity(WITH_BUTTONS, account_model.ACCOUNT)


def live_buttons(*configurations):
    """Return the custom actions of Amazon Q as a run creates them for these configurations."""
    arns = tuple(item["ChatConfigurationArn"] for item in configurations)
    planned = buttons.plan([], WITH_BUTTONS.name, WITH_BUTTONS.tags, arns)
    return [
        custom_action.normalized(
            {**button.after, "CustomActionArn": f"arn:aws:chatbot::111111111111:custom-action/{desired.name}"}
        )
        for desired, button in planned.desired
    ]


def plan_with_buttons(configurations, topics, actions, settings=WITH_BUTTONS, live=LIVE):
    return channel.plan(configurations, live, topics, BUTTON_IDENTITY, settings, actions)


def test_our_configurations_get_buttons_and_foreign_ones_do_not():
    planned = plan_with_buttons([], staying(ONE), [])
    assert [button.operation for _desired, button in planned.buttons.desired] == ["create"] * 3
    adopted = plan_with_buttons([theirs([THEIRS])], staying(ONE), [])
    assert not adopted.buttons.changed


def test_buttons_are_removed_where_they_are_no_longer_wanted():
    planned = plan_with_buttons([ours([ONE])], staying(ONE), live_buttons(ours()), SETTINGS)
    assert planned.buttons.removed == tuple(live_buttons(ours()))
    assert planned.changed


def test_buttons_are_deleted_with_the_role_whose_permissions_they_need():
    planned = plan_with_buttons([ours([ONE])], leaving(ONE), live_buttons(ours()))
    assert planned.deleted_buttons.removed == tuple(live_buttons(ours()))
    kept = plan_with_buttons([ours([ONE, TWO])], leaving(ONE), live_buttons(ours()))
    assert not kept.deleted_buttons.changed


@pytest.mark.parametrize(
    ("remaining", "planned_identity"), [(THEIRS, IdentityPlan("update", "update")), (TWO, IdentityPlan())]
)
def test_a_role_that_only_topics_of_others_need_loses_the_permissions_for_buttons(remaining, planned_identity):
    live = LiveIdentity(
        account_model.role_of([{"Key": key, "Value": value} for key, value in BUTTON_IDENTITY.role_tags]),
        {**LIVE.guardrail, "Document": BUTTON_IDENTITY.guardrail},
    )
    actions = live_buttons(ours())
    planned = plan_with_buttons([ours([ONE, remaining])], leaving(ONE), actions, live=live)
    assert not planned.deletions
    assert planned.deleted_identity == planned_identity
    assert planned.deleted_buttons.removed == (tuple(actions) if planned_identity.changed else ())
    # The next run has nothing to do.
    after = plan_with_buttons([ours([remaining])], leaving(ONE), [])
    assert not after.changed


def test_a_foreign_custom_action_is_refused():
    foreign = [{**item, "Tags": []} for item in live_buttons(ours())[:1]]
    with pytest.raises(UserError, match=foreign[0]["ActionName"]):
        plan_with_buttons([ours([ONE])], staying(ONE), foreign)


# Whether anything has to be written

UNCHANGED = ChannelPlan(IdentityPlan(), (), ButtonsPlan(), (), IdentityPlan(), ButtonsPlan())
REMOVED = ButtonsPlan(removed=tuple(live_buttons(ours())[:1]))
(CREATION,) = plan([], staying(ONE)).merges
(RESUBSCRIPTION,) = plan([ours([ONE])], replace(staying(ONE), unsubscribed=frozenset({ONE}))).merges


@pytest.mark.parametrize(
    "part",
    [
        {"identity": IdentityPlan(role="update")},
        {"identity": IdentityPlan(guardrail="update")},
        {"merges": (CREATION,)},
        {"merges": (RESUBSCRIPTION,)},
        {"buttons": REMOVED},
        {"deletions": (plans.Removal("securityhub-slack", remove_topics=()),)},
        {"deleted_identity": IdentityPlan(role="delete")},
        {"deleted_identity": IdentityPlan(guardrail="delete")},
        {"deleted_buttons": REMOVED},
    ],
    ids=lambda part: next(iter(part)),
)
def test_each_part_of_a_channel_plan_alone_is_a_change(part):
    assert not UNCHANGED.changed
    assert replace(UNCHANGED, **part).changed


def test_a_topic_without_subscription_is_removed_and_added_again():
    assert not RESUBSCRIPTION.plan.changed
    assert RESUBSCRIPTION.resubscribed == (ONE,)
    assert channel.without_resubscribed(RESUBSCRIPTION).remove_topics == (ONE,)


# Whether a channel is connected


@pytest.mark.parametrize(
    ("configurations", "facts"),
    [
        ([ours([ONE])], []),
        ([theirs([ONE, THEIRS])], []),
        ([], [account_model.CHANNEL, "topic securityhub-slack", "secops.securityhub.securityhub_slack"]),
        ([ours([TWO])], [account_model.CHANNEL, "topic securityhub-slack", "secops.securityhub.securityhub_slack"]),
        ([ours([ONE], OTHER)], [account_model.CHANNEL, "topic securityhub-slack"]),
        (
            [ours([ONE], State="DISABLED", StateReason="Denied by p-1.")],
            [account_model.CHANNEL, "is disabled (Denied by p-1)", "administrator of the organization"],
        ),
        ([ours([ONE], State="DISABLED")], ["no reason given"]),
    ],
)
def test_reasons_why_a_channel_misses_messages_of_a_topic(configurations, facts):
    reason = channel.why_not_connected(configurations, CHANNEL, ONE)
    assert bool(reason) == bool(facts)
    assert [fact for fact in facts if fact not in reason] == []
