# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import disagreements
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._pipeline.fleet import CHANNEL
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._pipeline.fleet import TODAY
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._pipeline.fleet import settings

OTHER = "C0OTHER0000"
ROUTES = [
    {"name": "prod", "channel_id": CHANNEL, "minimum_severity": "HIGH"},
    {"name": "test", "channel_id": OTHER},
]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"region": "ap-southeast-7"},
        {"region": "me-central-1"},
        {"session_name": "jane+ci=1@example.com", "external_id": "arn:aws:x/y-1"},
        {"channel_id": "G0123456789"},
        {"name": "x" * 40},
        {"name": "x" * 40, "channels": [{"name": "y" * 11, "channel_id": CHANNEL}]},
        {"channels": ROUTES, "channel_id": ""},
        {"channels": [{**ROUTES[0], "account_ids": ["222222222222"]}, {**ROUTES[1], "other_accounts": True}]},
        {"tags": {"Team": "Sécurité 1", "cost-centre/a": ""}},
        {"tags": {f"key{number}": "x" * 256 for number in range(45)}},
        {"action_name": "x" * 20},
        {"kms_key": "create"},
        {"kms_key": "alias/security/chat"},
        {"kms_key": "alias/awsome"},
        {"kms_key": "12345678-90ab-cdef-1234-567890abcdef"},
        {"kms_key": "mrk-" + 32 * "0"},
        {"region": "eu-west-1", "kms_key": "arn:aws:kms:eu-west-1:222222222222:alias/security"},
        {"region": "eu-west-1", "kms_key": "arn:aws:kms:eu-west-1:222222222222:key/mrk-" + 32 * "0"},
        {"state": "absent", "kms_key": "nonsense"},
        {"region": "eu-west-1", "alarm_topic_arn": "arn:aws:sns:eu-west-1:222222222222:operations"},
        # What takes away needs no Slack.
        {"state": "absent", "workspace_id": "", "channel_id": ""},
        {"state": "absent", "suppressions": [{"reason": "all"}]},
    ],
)
def test_no_problem(given):
    assert problems(settings(**given)) == []


@pytest.mark.parametrize(
    ("given", "beginning"),
    [
        ({"region": "localhost"}, "'localhost' is not an AWS region: end the host's name with its region"),
        ({"region": "us-east-1\n"}, "'us-east-1\\n' is not an AWS region"),
        ({"session_name": "two words"}, "securityhub_slack_session_name is 'two words': AWS takes 2 to 64 letters"),
        ({"session_name": "x" * 65}, "securityhub_slack_session_name is"),
        ({"external_id": "x"}, "securityhub_slack_external_id is not one: AWS takes 2 to 1224 letters"),
        ({"region": "cn-north-1"}, "cn-north-1 lies in AWS China, where Amazon Q Developer in chat"),
        ({"region": "us-gov-west-1"}, "us-gov-west-1 lies in AWS GovCloud"),
        ({"region": "us-isob-east-1"}, "us-isob-east-1 lies in an isolated partition"),
        ({"region": "eusc-de-east-1"}, "eusc-de-east-1 lies in the European Sovereign Cloud"),
        ({"workspace_id": ""}, "securityhub_slack_workspace_id is '', which is no Slack workspace"),
        ({"workspace_id": "T00000000"}, "securityhub_slack_workspace_id is 'T00000000', which is no Slack workspace"),
        ({"workspace_id": CHANNEL}, f"securityhub_slack_workspace_id is '{CHANNEL}', which is no Slack workspace"),
        ({"channel_id": "CXXXXXXXXXX"}, "securityhub_slack_channel_id is 'CXXXXXXXXXX', which is no Slack channel"),
        ({"channel_id": "C1234567890"}, "securityhub_slack_channel_id is 'C1234567890', which is no Slack channel"),
        ({"channel_id": "#security"}, "securityhub_slack_channel_id is '#security', which is no Slack channel"),
        ({"channel_id": f"{CHANNEL}\n"}, f"securityhub_slack_channel_id is '{CHANNEL}\\n', which is no Slack channel"),
        ({"channels": [{"name": "prod", "channel_id": None}]}, "securityhub_slack_channel_id is '', which is no Slack"),
        ({"alarm_topic_arn": "operations"}, "securityhub_slack_alarm_topic_arn is 'operations', which is no ARN of a"),
        (
            {"alarm_topic_arn": "arn:aws:sns:us-east-1:222222222222:operations.fifo"},
            "securityhub_slack_alarm_topic_arn is 'arn:aws:sns:us-east-1:222222222222:operations.fifo', which is no",
        ),
        (
            {"region": "eu-west-1", "alarm_topic_arn": "arn:aws:sns:us-east-1:222222222222:operations"},
            "securityhub_slack_alarm_topic_arn is a topic of us-east-1, and alarms tell topics of their own",
        ),
        ({"kms_key": "mine"}, "securityhub_slack_kms_key is 'mine': use own, or the alias (alias/...), ARN or id"),
        ({"kms_key": "alias/a b"}, "securityhub_slack_kms_key is 'alias/a b': use own"),
        ({"kms_key": "alias/aws/sns"}, "securityhub_slack_kms_key is 'alias/aws/sns', a key of AWS that EventBridge"),
        (
            {"region": "eu-west-1", "kms_key": "arn:aws:kms:eu-west-1:222222222222:alias/aws/sns"},
            "securityhub_slack_kms_key is 'arn:aws:kms:eu-west-1:222222222222:alias/aws/sns', a key of AWS",
        ),
        (
            {"region": "eu-west-1", "kms_key": "arn:aws:kms:us-east-1:222222222222:alias/security"},
            "securityhub_slack_kms_key is a key of us-east-1, and a topic takes one of its own region",
        ),
        (
            {"region": "eu-west-1", "kms_key": "arn:aws:kms:us-east-1:222222222222:key/mrk-" + 32 * "0"},
            "securityhub_slack_kms_key is a key of us-east-1, and a topic takes one of its own region",
        ),
        ({"name": "1st"}, "securityhub_slack_name is '1st': use 1 to 40 letters"),
        ({"name": "x" * 41}, "securityhub_slack_name is 'xxx"),
        ({"name": "slack\n"}, "securityhub_slack_name is 'slack\\n'"),
        ({"configuration_name": "a b"}, "securityhub_slack_configuration_name may hold letters"),
        ({"configuration_name": "a\n"}, "securityhub_slack_configuration_name may hold letters"),
        ({"channels": [{"name": "Prod", "channel_id": CHANNEL}]}, "the route name 'Prod' must be 1 to 16 lower-case"),
        ({"channels": [ROUTES[0], dict(ROUTES[0])]}, "two entries of securityhub_slack_channels have the same name"),
        (
            {"channels": [{"name": f"r{number}", "channel_id": CHANNEL} for number in range(15)]},
            "securityhub_slack_channels has 15 entries: 14 are the most",
        ),
        (
            {"name": "x" * 40, "channels": [{"name": "y" * 12, "channel_id": CHANNEL}]},
            "securityhub_slack_name and the route name 'yyyyyyyyyyyy' make rule names that AWS does not take",
        ),
        ({"channels": [{**ROUTES[0], "suppressions": [{"title": "x"}]}]}, "suppression 1 has the key 'title': use"),
        (
            {"channels": [{**ROUTES[0], "account_ids": ["prod"]}]},
            "securityhub_slack_account_ids has 'prod': use an acc",
        ),
        (
            {"channels": [{**ROUTES[0], "account_ids": ["222222222222"], "other_accounts": True}]},
            "the route 'prod' has account_ids and other_accounts: keep one of them",
        ),
        (
            {"account_ids": ["222222222222"], "channels": [ROUTES[0], {**ROUTES[1], "other_accounts": True}]},
            "the route 'test' has other_accounts, and no route names account_ids: name the accounts in",
        ),
        ({"action_id": "Send_To_Slack"}, "securityhub_slack_action_id is 'Send_To_Slack': use 1 to 20"),
        ({"action_id": "Send\n"}, "securityhub_slack_action_id is 'Send\\n'"),
        ({"action_name": "Send this to the channel"}, "securityhub_slack_action_name is 'Send this to the channel'"),
        ({"action_name": " "}, "securityhub_slack_action_name is ' '"),
        ({"suppressions": [{"reason": "all"}]}, "suppression 1 would hold back every finding"),
        ({"tags": {"aws:cloudformation:stack-name": "x"}}, "securityhub_slack_tags holds 'aws:cloudformation:stack-na"),
        ({"tags": {"secops.securityhub/managed": "x"}}, "securityhub_slack_tags holds 'secops.securityhub/managed'"),
        ({"tags": {"": "x"}}, "securityhub_slack_tags holds '', which AWS does not take"),
        ({"tags": {"x" * 129: "x"}}, "securityhub_slack_tags holds 'xxx"),
        ({"tags": {"key": "x" * 257}}, "securityhub_slack_tags holds 'key', which AWS does not take"),
        ({"tags": {"key": "{{ 7*7 }}"}}, "securityhub_slack_tags holds 'key', which AWS does not take"),
        ({"tags": {"key": "\x1b[31m"}}, "securityhub_slack_tags holds 'key', which AWS does not take"),
        ({"tags": {f"key{number}": "" for number in range(46)}}, "securityhub_slack_tags holds 46 tags: 45 are"),
    ],
)
def test_a_problem_with_its_remedy(given, beginning):
    (problem,) = problems(settings(**given))
    assert problem.startswith(beginning)


def test_without_routes_there_is_one_topic_and_one_configuration():
    (route,) = settings(name="pipe", configuration_name="alerts", channel_name="security").routes
    assert (route.topic, route.channel.configuration, route.channel.channel_name) == ("pipe", "alerts", "security")


def test_routes_override_the_policy_and_have_a_topic_and_a_configuration_each():
    prod, test = settings(channels=ROUTES).routes
    assert [route.topic for route in (prod, test)] == ["securityhub-slack-prod", "securityhub-slack-test"]
    assert [route.channel.configuration for route in (prod, test)] == [
        "securityhub-slack-prod",
        "securityhub-slack-test",
    ]
    assert prod.variables["securityhub_slack_minimum_severity"] == "HIGH"
    assert test.variables["securityhub_slack_minimum_severity"] == "CRITICAL"


def test_other_accounts_are_those_that_no_other_route_names():
    given = [
        {**ROUTES[0], "account_ids": ["222222222222"]},
        {**ROUTES[1], "other_accounts": True},
        {"name": "team", "channel_id": "C0TEAM00000", "account_ids": ["333333333333", "222222222222"]},
        {"name": "oncall", "channel_id": "C0NCALL0000"},
    ]
    found = [policy_of(route.variables, TODAY) for route in settings(channels=given).routes]
    assert [(item.account_ids, item.account_ids_elsewhere) for item in found] == [
        (("222222222222",), ()),
        ((), ("222222222222", "333333333333")),
        (("222222222222", "333333333333"), ()),
        ((), ()),
    ]


def account(*changes, **common):
    return [settings(region, **{**common, **given}) for region, given in changes]


@pytest.mark.parametrize(
    "hosts",
    [
        account(("us-east-1", {})),
        account(("us-east-1", {}), ("eu-west-1", {"minimum_severity": "HIGH", "tags": {"a": "b"}})),
        account(("us-east-1", {}), ("eu-west-1", {"channel_id": OTHER, "configuration_name": "other"})),
        account(("us-east-1", {}), ("eu-west-1", {"channels": ROUTES[1:]})),
        # Who leaves has nothing to say about the channel.
        account(("us-east-1", {}), ("eu-west-1", {"state": "absent", "channel_id": OTHER})),
    ],
)
def test_agreement(hosts):
    assert disagreements(hosts) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"name": "other"},
            "securityhub_slack_name is 'securityhub-slack' for us-east-1 and 'other' for eu-west-1, which are in one "
            "account: set it once, for the whole account",
        ),
        ({"chatbot_region": "eu-west-1"}, "securityhub_slack_chatbot_region is 'us-east-2' for us-east-1 and 'eu-west"),
        (
            {"logging_level": "INFO"},
            "securityhub_slack_logging_level is 'ERROR' for us-east-1 and 'INFO' for eu-west-1",
        ),
        ({"user_authorization_required": True}, "securityhub_slack_user_authorization_required is False for us-east-1"),
        ({"guardrail_policy_arns": ["arn:aws:iam::aws:policy/X"]}, "securityhub_slack_guardrail_policy_arns is []"),
        (
            {"global_findings_region": "eu-west-1"},
            "securityhub_slack_global_findings_region is None for us-east-1 and 'eu-west-1' for",
        ),
        (
            {"aggregation": "per_region"},
            "securityhub_slack_aggregation is 'auto' for us-east-1 and 'per_region' for eu-west-1",
        ),
        (
            {"channel_id": OTHER},
            f"the channel configuration securityhub-slack means Slack channel {CHANNEL} for us-east",
        ),
        ({"configuration_name": "other"}, f"Slack channel {CHANNEL} is named by two configurations, securityhub-slack"),
        (
            {"region": "us-east-1", "host": "prod.us-east-1"},
            "us-east-1 and prod.us-east-1 are the same region us-east-1",
        ),
    ],
)
def test_a_contradiction(given, sentence):
    hosts = [settings("us-east-1"), settings(**{"region": "eu-west-1", **given})]
    (found,) = disagreements(hosts)
    assert found.startswith(sentence)


def test_two_routes_into_one_channel_are_a_contradiction():
    twice = [{"name": name, "channel_id": CHANNEL} for name in ("prod", "test")]
    (found,) = disagreements([settings(channels=twice)])
    assert found.startswith(f"Slack channel {CHANNEL} is named by two configurations, securityhub-slack-prod")
