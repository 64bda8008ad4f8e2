# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import disagreements
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.tests.unit.account_model import CHANNEL
from ansible_collections.secops.securityhub.tests.unit.account_model import TEAMS
from ansible_collections.secops.securityhub.tests.unit.account_model import TODAY
from ansible_collections.secops.securityhub.tests.unit.account_model import settings

OTHER = "C0OTHER0000"
CHANNELS = [
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
        {"channels": CHANNELS, "channel_id": ""},
        {**TEAMS, "workspace_id": ""},
        {"channels": [CHANNELS[0], {"name": "teams", **TEAMS}]},
        {**TEAMS, "channel_id": "", "channels": [CHANNELS[0], {"name": "teams", "channel_id": TEAMS["channel_id"]}]},
        {"channels": [{**CHANNELS[0], "account_ids": ["222222222222"]}, {**CHANNELS[1], "other_accounts": True}]},
        {"tags": {"Team": "Sécurité 1", "cost-center/a": ""}},
        {"tags": {f"key{number}": "x" * 256 for number in range(44)}},
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
        # A removal needs no Slack channel.
        {"state": "absent", "workspace_id": "", "channel_id": ""},
        {"state": "absent", "suppressions": [{"reason": "all"}]},
    ],
)
def test_no_problem(given):
    assert problems(settings(**given)) == []


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({"account_id": "11111111111"}, ["securityhub_slack_account_id is '11111111111'", "12 digits", "quotation"]),
        ({"region": "localhost"}, ["'localhost' is not an AWS region. End the host name with its", "_region"]),
        ({"region": "us-east-1\n"}, ["'us-east-1\\n' is not an AWS region"]),
        ({"session_name": "two words"}, ["securityhub_slack_session_name", "'two words'", "2 to 64"]),
        ({"session_name": "x" * 65}, ["securityhub_slack_session_name", "2 to 64"]),
        ({"external_id": "x"}, ["securityhub_slack_external_id", "2 to 1224"]),
        ({"region": "cn-north-1"}, ["cn-north-1", "AWS China", "Amazon Q Developer in chat"]),
        ({"region": "us-gov-west-1"}, ["us-gov-west-1", "AWS GovCloud"]),
        ({"region": "us-isob-east-1"}, ["us-isob-east-1", "an isolated partition"]),
        ({"region": "eusc-de-east-1"}, ["eusc-de-east-1", "the European Sovereign Cloud"]),
        ({"workspace_id": ""}, ["securityhub_slack_workspace_id is not set", "T..."]),
        ({"workspace_id": "T00000000"}, ["securityhub_slack_workspace_id is 'T00000000'"]),
        ({"workspace_id": CHANNEL}, [f"securityhub_slack_workspace_id is '{CHANNEL}'"]),
        ({"channel_id": "CXXXXXXXXXX"}, ["securityhub_slack_channel_id is 'CXXXXXXXXXX'", "C..."]),
        ({"channel_id": "C1234567890"}, ["securityhub_slack_channel_id is 'C1234567890'"]),
        ({"channel_id": "#security"}, ["securityhub_slack_channel_id is '#security'"]),
        ({"channel_id": f"{CHANNEL}\n"}, [f"securityhub_slack_channel_id is '{CHANNEL}\\n'"]),
        ({"channels": [{"name": "prod", "channel_id": None}]}, ["securityhub_slack_channel_id is not set"]),
        ({**TEAMS, "team_id": ""}, ["securityhub_slack_team_id is not set", "groupId="]),
        ({**TEAMS, "tenant_id": ""}, ["securityhub_slack_tenant_id is not set", "tenantId="]),
        ({**TEAMS, "workspace_id": "", "channel_id": ""}, ["securityhub_slack_channel_id is not set", "19%3a"]),
        (
            {**TEAMS, "team_id": "00000000-0000-0000-0000-000000000000"},
            ["securityhub_slack_team_id is '00000000-", "not a Microsoft Teams ID"],
        ),
        ({**TEAMS, "channel_id": "19%3aabc"}, ["securityhub_slack_channel_id is '19%3aabc'", "not a Microsoft Teams"]),
        (
            {"channels": [{"name": "teams", **TEAMS, "channel_id": CHANNEL}]},
            [f"securityhub_slack_channel_id is '{CHANNEL}'", "not a Microsoft Teams ID"],
        ),
        (
            {"message_format": "custom", "mentions": {"HIGH": ["here"]}, "channels": [{"name": "teams", **TEAMS}]},
            ["securityhub_slack_mentions", TEAMS["channel_id"], "cannot mention", "Set mentions to {}"],
        ),
        (
            {"alarm_topic_arn": "operations"},
            ["securityhub_slack_alarm_topic_arn is 'operations'", "standard SNS topic"],
        ),
        (
            {"alarm_topic_arn": "arn:aws:sns:us-east-1:222222222222:operations.fifo"},
            ["securityhub_slack_alarm_topic_arn is 'arn:aws:sns:us-east-1:222222222222:operations.fifo'", "standard"],
        ),
        (
            {"region": "eu-west-1", "alarm_topic_arn": "arn:aws:sns:us-east-1:222222222222:operations"},
            ["securityhub_slack_alarm_topic_arn", "us-east-1", "each target"],
        ),
        ({"endpoint_url": "localhost:4577"}, ["securityhub_slack_endpoint_url is 'localhost:4577'", "http://"]),
        (
            {"role_arn": "securityhub"},
            ["securityhub_slack_role_arn is 'securityhub', which is not the ARN of a role.", "arn:aws:iam::"],
        ),
        (
            {"role_arn": "arn:aws-cn:iam::222222222222:role/x"},
            ["securityhub_slack_role_arn is a role in the partition aws-cn", "us-east-1 is in the partition aws"],
        ),
        (
            {"guardrail_policy_arns": ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", "ReadOnlyAccess"]},
            ["securityhub_slack_guardrail_policy_arns has 'ReadOnlyAccess'", "arn:aws:iam::aws:policy/"],
        ),
        # Copied as it is shown in Slack, or in the wrong case
        (
            {"channel_id": "https://app.slack.com/client/T0ABC1DEF/C0ABC1DEF"},
            ["securityhub_slack_channel_id is 'https", "which is not a Slack ID", "Did you mean C0ABC1DEF?"],
        ),
        ({"channel_id": " c0abc1def\n"}, ["securityhub_slack_channel_id is ' c0abc1def", "Did you mean C0ABC1DEF?"]),
        (
            {"workspace_id": "https://app.slack.com/client/T0ABC1DEF/C0ABC1DEF"},
            ["securityhub_slack_workspace_id is 'https", "Did you mean T0ABC1DEF?"],
        ),
        ({"kms_key": "mine"}, ["securityhub_slack_kms_key is 'mine'", "Use create", "alias/"]),
        ({"kms_key": "alias/a b"}, ["securityhub_slack_kms_key is 'alias/a b'", "Use create"]),
        ({"kms_key": "alias/aws/sns"}, ["securityhub_slack_kms_key is 'alias/aws/sns'", "EventBridge", "Use create"]),
        (
            {"region": "eu-west-1", "kms_key": "arn:aws:kms:eu-west-1:222222222222:alias/aws/sns"},
            ["securityhub_slack_kms_key is 'arn:aws:kms:eu-west-1:222222222222:alias/aws/sns'", "EventBridge"],
        ),
        (
            {"region": "eu-west-1", "kms_key": "arn:aws:kms:us-east-1:222222222222:alias/security"},
            ["securityhub_slack_kms_key", "us-east-1", "each target", "use create"],
        ),
        (
            {"region": "eu-west-1", "kms_key": "arn:aws:kms:us-east-1:222222222222:key/mrk-" + 32 * "0"},
            ["securityhub_slack_kms_key", "us-east-1", "each target"],
        ),
        ({"name": "1st"}, ["securityhub_slack_name is '1st'", "1 to 40"]),
        ({"name": "x" * 41}, ["securityhub_slack_name is 'xxx", "1 to 40"]),
        ({"name": "slack\n"}, ["securityhub_slack_name is 'slack\\n'"]),
        ({"configuration_name": "a b"}, ["securityhub_slack_configuration_name", "letters, digits, hyphens"]),
        ({"configuration_name": "a\n"}, ["securityhub_slack_configuration_name"]),
        ({"channels": [{"name": "Prod", "channel_id": CHANNEL}]}, ["name 'Prod'", "1 to 16"]),
        ({"channels": [CHANNELS[0], dict(CHANNELS[0])]}, ["two entries of securityhub_slack_channels", "same name"]),
        (
            {"channels": [{"name": f"r{number}", "channel_id": CHANNEL} for number in range(15)]},
            ["securityhub_slack_channels has 15 entries", "14"],
        ),
        (
            {"name": "x" * 40, "channels": [{"name": "y" * 12, "channel_id": CHANNEL}]},
            ["securityhub_slack_name", "'yyyyyyyyyyyy'", "51 characters"],
        ),
        ({"channels": [{**CHANNELS[0], "suppressions": [{"title": "x"}]}]}, ["suppression 1 has the key 'title'"]),
        ({"channels": [{**CHANNELS[0], "account_ids": ["prod"]}]}, ["securityhub_slack_account_ids", "'prod'"]),
        (
            {"mentions": {"HIGH": ["here"]}},
            ["securityhub_slack_mentions", "securityhub_slack_message_format to custom"],
        ),
        (
            {"message_format": "custom", "channels": [{**CHANNELS[0], "mentions": {"HIGH": ["all"]}}]},
            ["securityhub_slack_mentions has 'all' for HIGH"],
        ),
        (
            {"channels": [{**CHANNELS[0], "account_ids": ["222222222222"], "other_accounts": True}]},
            ["'prod'", "account_ids and other_accounts"],
        ),
        (
            {"account_ids": ["222222222222"], "channels": [CHANNELS[0], {**CHANNELS[1], "other_accounts": True}]},
            ["'test'", "has other_accounts", "account_ids"],
        ),
        ({"action_id": "Send_To_Slack"}, ["securityhub_slack_action_id is 'Send_To_Slack'", "1 to 20"]),
        ({"action_id": "Send\n"}, ["securityhub_slack_action_id is 'Send\\n'"]),
        (
            {"action_name": "Send this to the channel"},
            ["securityhub_slack_action_name is 'Send this to the", "1 to 20"],
        ),
        ({"action_name": " "}, ["securityhub_slack_action_name is ' '"]),
        ({"suppressions": [{"reason": "all"}]}, ["suppression 1 would", "every finding"]),
        (
            {"tags": {"aws:cloudformation:stack-name": "x"}},
            ["securityhub_slack_tags", "'aws:cloudformation:stack-name'"],
        ),
        ({"tags": {"secops.securityhub/managed": "x"}}, ["securityhub_slack_tags", "'secops.securityhub/managed'"]),
        ({"tags": {"": "x"}}, ["securityhub_slack_tags", "''"]),
        ({"tags": {"x" * 129: "x"}}, ["securityhub_slack_tags", "'xxx", "128"]),
        ({"tags": {"key": "x" * 257}}, ["securityhub_slack_tags", "'key'", "256"]),
        ({"tags": {"key": "{{ 7*7 }}"}}, ["securityhub_slack_tags", "'key'"]),
        ({"tags": {"key": "\x1b[31m"}}, ["securityhub_slack_tags", "'key'"]),
        ({"tags": {f"key{number}": "" for number in range(45)}}, ["securityhub_slack_tags", "45 tags", "44"]),
        *(
            ({"report_resolved": True, **one}, ["securityhub_slack_report_resolved", "mark_notified", "custom"])
            for one in ({"mark_notified": True}, {"message_format": "custom"})
        ),
        *(
            ({"digest_schedule": expression}, ["securityhub_slack_digest_schedule", repr(expression), "cron(0 8"])
            for expression in (
                *("weekly", "cron(0 8 * * *)", "cron(0 8 * * MON *)", "cron(0 ? ? * MON *)", "cron(0 8 ? * MON ${x})"),
                *("rate(5 minutes)", "rate(0 days)", "at(2026-01-01T00:00:00)"),
                *("cron(* * * * ? *)", "cron(0/5 8 ? * MON *)"),
            )
        ),
        (
            {"digest_schedule": "rate(1 day)", "digest_time_zone": "Europe/Berlni"},
            ["securityhub_slack_digest_time_zone", "Europe/Berlin"],
        ),
        *(
            ({"overdue_days": days}, ["securityhub_slack_overdue_days", repr(next(iter(days.values())))])
            for days in ({"CRITICAL": 0}, {"URGENT": 7}, {"HIGH": "7"}, {"HIGH": True}, {"HIGH": 3651})
        ),
        ({"digest_days": 0}, ["securityhub_slack_digest_days", "1 to 90"]),
        (
            {"buttons": True, "message_format": "aws"},
            ["securityhub_slack_buttons", "securityhub_slack_message_format", "custom"],
        ),
    ],
)
def test_a_problem_names_the_variable_its_value_and_the_remedy(given, facts):
    (problem,) = problems(settings(**given))
    assert [fact for fact in facts if fact not in problem] == []


@pytest.mark.parametrize("channel", ["#cloudsecurity", "C00000000", "general"])
def test_no_id_is_suggested_where_the_value_has_none(channel):
    (problem,) = problems(settings(channel_id=channel))
    assert "Did you mean" not in problem


def test_without_named_channels_there_is_one_topic_and_one_configuration():
    (route,) = settings(name="pipe", configuration_name="alerts", channel_name="security").routes
    assert (route.topic, route.channel.configuration, route.channel.channel_name) == ("pipe", "alerts", "security")


def test_named_channels_override_the_policy_and_have_a_topic_and_a_configuration_each():
    prod, test = settings(channels=CHANNELS).routes
    assert [route.topic for route in (prod, test)] == ["securityhub-slack-prod", "securityhub-slack-test"]
    assert [route.channel.configuration for route in (prod, test)] == [
        "securityhub-slack-prod",
        "securityhub-slack-test",
    ]
    assert prod.variables["securityhub_slack_minimum_severity"] == "HIGH"
    assert test.variables["securityhub_slack_minimum_severity"] == "CRITICAL"


def test_the_form_of_its_id_tells_that_a_channel_is_in_microsoft_teams():
    shown = {
        "channel_id": "19:ABCDEF@thread.tacv2",
        "team_id": TEAMS["team_id"].upper(),
        "tenant_id": TEAMS["tenant_id"].upper(),
    }
    slack, teams = (
        route.channel for route in settings(**shown, channels=[CHANNELS[0], {"name": "teams", **shown}]).routes
    )
    assert (slack.platform.name, slack.team_id, slack.tenant_id) == ("Slack", "T0ABCDEFG12", "")
    assert teams.platform.name == "Microsoft Teams"
    assert (teams.team_id, teams.tenant_id) == (TEAMS["team_id"], TEAMS["tenant_id"])
    assert teams.channel_id == "19%3aABCDEF%40thread.tacv2"


def test_other_accounts_are_those_that_no_other_channel_names():
    given = [
        {**CHANNELS[0], "account_ids": ["222222222222"]},
        {**CHANNELS[1], "other_accounts": True},
        {"name": "team", "channel_id": "C0TEAM00000", "account_ids": ["333333333333", "222222222222"]},
        {"name": "oncall", "channel_id": "C0NCALL0000"},
    ]
    found = [policy_of(route.variables, TODAY) for route in settings(channels=given).routes]
    assert [(item.account_ids, item.other_channels_account_ids) for item in found] == [
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
        account(("us-east-1", {}), ("eu-west-1", {"channels": CHANNELS[1:]})),
        # A target that is removed does not have to agree on the channel.
        account(("us-east-1", {}), ("eu-west-1", {"state": "absent", "channel_id": OTHER})),
    ],
)
def test_agreement(hosts):
    assert disagreements(hosts) == []


# For each variable that an account has once, another value than the default.
OTHER_VALUES = {
    "name": "other",
    "chatbot_region": "eu-west-1",
    "logging_level": "INFO",
    "user_authorization_required": True,
    "guardrail_policy_arns": ["arn:aws:iam::aws:policy/X"],
    "global_findings_region": "eu-west-1",
    "job_slices": True,
    "aggregation": "per_region",
    "finding_format": "ocsf",
    "report_uncovered_regions": True,
    "buttons": True,
}


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_targets_of_an_account_must_agree_on_account_settings(name):
    first, second = settings("us-east-1"), settings("eu-west-1", **{name: OTHER_VALUES[name]})
    (found,) = disagreements([first, second])
    assert f"securityhub_slack_{name} " in found
    assert f"{first.value(name)!r} for us-east-1" in found
    assert f"{second.value(name)!r} for eu-west-1" in found
    assert "account" in found


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        (
            {"channel_id": OTHER},
            ["securityhub-slack ", CHANNEL, "us-east-1", OTHER, "eu-west-1", "securityhub_slack_configuration_name"],
        ),
        ({"configuration_name": "other"}, [f"Slack channel {CHANNEL}", "securityhub-slack (us-east-1)", "other (eu-"]),
        ({"region": "us-east-1", "host": "prod.us-east-1"}, ["us-east-1 and prod.us-east-1 are", "same account"]),
    ],
)
def test_targets_of_an_account_must_not_contradict_each_other(given, facts):
    (found,) = disagreements([settings("us-east-1"), settings(**{"region": "eu-west-1", **given})])
    assert [fact for fact in facts if fact not in found] == []


def test_two_entries_for_one_slack_channel_contradict_each_other():
    twice = [{"name": name, "channel_id": CHANNEL} for name in ("prod", "test")]
    (found,) = disagreements([settings(channels=twice)])
    assert f"Slack channel {CHANNEL}" in found
    assert "securityhub-slack-prod" in found
    assert "securityhub-slack-test" in found
