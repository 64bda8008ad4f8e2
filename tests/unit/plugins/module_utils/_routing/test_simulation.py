# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import HIGHEST_FIRST
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Target
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import buses_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import simulate
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Aggregation
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import Volume
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import at_least
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import suggestion
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import volume
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import weeks
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import given
from hypothesis import reject
from hypothesis import settings
from hypothesis import strategies as st

ACCOUNT = "111111111111"
FRANKFURT = Aggregation("eu-central-1", "ALL_REGIONS")


def target(region, scope, rule=None, account=ACCOUNT, known=True):
    rule = rule or worlds.policy()
    rules = tuple(
        Rule(f"slack-findings-{n}", pattern, "slack") for n, pattern in enumerate(automatic_patterns(rule, scope))
    )
    return Target(region, account, region, rules, (Channel("slack", rule, scope),) if known else ())


def verdicts(findings, targets, aggregation=None, **more):
    return [outlook.decision for _finding, outlook in simulate(findings, targets, {ACCOUNT: aggregation}, **more)]


def test_the_event_of_an_asff_finding():
    found = worlds.finding(UpdatedAt="2026-11-24T01:02:03.456Z")
    event = event_of(found, ACCOUNT, "us-east-1")
    assert event == {
        "version": "0",
        "id": event["id"],
        "detail-type": "Security Hub Findings - Imported",
        "source": "aws.securityhub",
        "account": ACCOUNT,
        "time": "2026-11-24T01:02:03.456Z",
        "region": "us-east-1",
        "resources": [
            "arn:aws:securityhub:us-east-1::product/aws/securityhub/"
            "arn:aws:securityhub:us-east-1:111111111111:security-control/S3.1/finding/1"
        ],
        "detail": {"findings": [found]},
    }
    assert event_of(found, ACCOUNT, "us-east-1") == event
    assert event_of(found, ACCOUNT, "eu-west-1")["id"] != event["id"]


def test_the_event_of_an_ocsf_finding():
    found = {"metadata": {"uid": "e51603d1"}, "finding_info": {"modified_time_dt": "2026-11-24T01:02:03Z"}}
    event = event_of(found, ACCOUNT, "us-east-1")
    assert event["detail-type"] == "Findings Imported V2"
    assert event["resources"] == ["e51603d1"]
    assert event["time"] == "2026-11-24T01:02:03Z"


def test_a_finding_is_on_the_bus_of_its_region_and_of_the_home_region():
    found = worlds.finding(Region="eu-west-1")
    assert buses_of(found, None) == ("eu-west-1",)
    assert buses_of(found, FRANKFURT) == ("eu-west-1", "eu-central-1")
    assert buses_of(worlds.finding(Region="eu-central-1"), FRANKFURT) == ("eu-central-1",)


def test_verdicts_name_the_rule_or_the_reason():
    targets = [
        target("us-east-1", Scope("us-east-1", "us-east-1")),
        target("eu-west-1", Scope("eu-west-1", "us-east-1"), worlds.policy(minimum_severity="HIGH")),
    ]
    medium = {"Severity": {"Label": "MEDIUM"}}
    found = [worlds.finding(), worlds.finding(Region="eu-west-1", **medium), worlds.finding(Region="sa-east-1")]
    sent, stopped, nowhere = verdicts(found, targets)
    assert sent.sent
    assert sent.sentence == "sent by us-east-1 (rule slack-findings-0) to slack"
    assert not stopped.sent
    assert stopped.sentence == "not sent: severity MEDIUM is below HIGH"
    assert nowhere.sentence == "not sent: no target is in sa-east-1: add it to the inventory"


def test_home_region_decides_for_a_linked_region():
    scope = Scope("eu-central-1", "eu-central-1", aggregates=True)
    silent = Target("eu-west-1", ACCOUNT, "eu-west-1", (), reason="its findings are sent from the home region")
    targets = [silent, target("eu-central-1", scope)]
    found = [worlds.finding(Region="eu-west-1"), worlds.finding(Region="eu-west-1", RecordState="ARCHIVED")]
    sent, stopped = verdicts(found, targets, FRANKFURT)
    assert [delivery.host for delivery in sent.deliveries] == ["eu-central-1"]
    assert stopped.sentence == "not sent: record state is ARCHIVED"
    (alone,) = verdicts(found[:1], [silent])
    assert alone.sentence == "not sent: its findings are sent from the home region"


def test_finding_sent_by_two_targets_is_reported_as_duplicate():
    targets = [target(region, Scope(region, region)) for region in ("eu-west-1", "eu-central-1")]
    (verdict,) = verdicts([worlds.finding(Region="eu-west-1")], targets, FRANKFURT)
    assert len(verdict.deliveries) == 2
    assert verdict.sentence.endswith("so it arrives more than once")


def test_two_channels_are_not_duplicates_and_have_separate_reasons():
    scope = Scope("us-east-1", "us-east-1")
    high, low = worlds.policy(minimum_severity="HIGH"), worlds.policy(severities=["LOW"])
    both = Target(
        "us-east-1",
        ACCOUNT,
        "us-east-1",
        (
            *target("us-east-1", scope, high).rules,
            Rule("slack-low-findings", automatic_patterns(low, scope)[0], "slack-low"),
        ),
        (Channel("slack", high, scope), Channel("slack-low", low, scope)),
    )
    low_one, medium = verdicts([worlds.finding(Severity={"Label": label}) for label in ("LOW", "MEDIUM")], [both])
    assert low_one.sentence == "sent by us-east-1 (rule slack-low-findings) to slack-low"
    assert medium.sentence == (
        "not sent: slack: severity MEDIUM is below HIGH; slack-low: severity MEDIUM is not one of LOW"
    )


def test_a_target_without_its_policy_still_gives_a_reason():
    bare = target("us-east-1", Scope("us-east-1", "us-east-1"), known=False)
    (decision,) = verdicts([worlds.finding(RecordState="ARCHIVED")], [bare])
    assert decision.sentence == "not sent: no rule of us-east-1 matches it"


def test_pattern_that_differs_from_the_policy_is_reported():
    scope = Scope("us-east-1", "us-east-1")
    deployed, changed = worlds.policy(minimum_severity="HIGH"), worlds.policy()
    old = Target(
        "us-east-1",
        ACCOUNT,
        "us-east-1",
        target("us-east-1", scope, deployed).rules,
        (Channel("slack", changed, scope),),
    )
    too_much, as_said = verdicts([worlds.finding(Severity={"Label": "HIGH"}), worlds.finding()], [old])
    assert too_much.differs
    assert too_much.sentence.startswith(
        "sent by us-east-1 (rule slack-findings-0) to slack; this is wrong: by the policy"
    )
    assert "severity HIGH is below CRITICAL" in too_much.sentence
    assert not as_said.differs
    lost = Target("us-east-1", ACCOUNT, "us-east-1", (), (Channel("slack", changed, scope),))
    (decision,) = verdicts([worlds.finding()], [lost])
    assert decision.sentence.startswith("not sent: no rule of us-east-1 matches it; this is wrong: by the policy of")


def test_a_target_without_rules_for_a_reason_is_not_wrong():
    channel = Channel("slack", worlds.policy(), Scope("us-east-1", "us-east-1"))
    failed = Target("us-east-1", ACCOUNT, "us-east-1", (), (channel,), reason="us-east-1 has failed: no access")
    (decision,) = verdicts([worlds.finding()], [failed])
    assert (decision.sentence, decision.differs) == ("not sent: us-east-1 has failed: no access", False)


def test_a_members_finding_is_seen_by_its_administrator():
    first = target("us-east-1", Scope("us-east-1", "us-east-1"))
    second = target("us-east-1", Scope("us-east-1", "us-east-1"), account="222222222222")
    both = [first, second]

    def deliveries(account, **more):
        (verdict,) = verdicts([worlds.finding(AwsAccountId=account)], both, **more)
        return len(verdict.deliveries)

    assert deliveries("222222222222") == 1
    assert deliveries("333333333333") == 2
    assert deliveries("333333333333", administrators={"333333333333": ACCOUNT}) == 1
    assert deliveries("333333333333", administrators={"333333333333": "999999999999"}) == 0


def past(created, updated=None, **changed):
    return worlds.finding(
        CreatedAt=f"{created}T10:00:00.000Z", UpdatedAt=f"{updated or created}T10:00:00.000Z", **changed
    )


def with_times(finding, schema):
    if schema == "asff":
        return finding
    made = worlds.ocsf(finding)
    times = {"created_time_dt": finding["CreatedAt"], "modified_time_dt": finding["UpdatedAt"]}
    return {**made, "finding_info": {**made["finding_info"], **times}}


def forecast(found, *targets, channels=(), aggregation=None):
    return volume(simulate(found, targets, {ACCOUNT: aggregation}), 7, worlds.TODAY, channels)


def test_volume_counts_messages_by_day_region_and_severity():
    target_ = target("us-east-1", Scope("us-east-1", "us-east-1"), worlds.policy(minimum_severity="HIGH"))
    other = target("eu-west-1", Scope("eu-west-1", "us-east-1"), worlds.policy(minimum_severity="HIGH"))
    found = [
        past("2026-11-24"),
        past("2026-11-24"),
        past("2026-11-23", Region="eu-west-1", Severity={"Label": "HIGH"}),
        past("2026-11-24", Severity={"Label": "LOW"}),
        # It has been resolved since, but it was sent.
        past("2026-11-23", Workflow={"Status": "RESOLVED"}, RecordState="ARCHIVED"),
        # It is updated while NEW, so it comes again.
        past("2026-11-01", updated="2026-11-24"),
        past("2026-11-17"),
        past("2026-11-25"),
        worlds.finding(CreatedAt="yesterday", UpdatedAt="today"),
    ]
    counted = forecast(iter(found), target_, other)
    assert counted.days_sent == {
        ("2026-11-23", "HIGH"): 1,
        ("2026-11-23", "CRITICAL"): 1,
        ("2026-11-24", "CRITICAL"): 3,
    }
    assert counted.regions_sent == {("eu-west-1", "HIGH"): 1, ("us-east-1", "CRITICAL"): 4}
    assert (counted.messages, counted.repeated) == (5, 1)
    assert counted.regions_of_any == {**counted.regions_sent, ("us-east-1", "LOW"): 1}
    assert [at_least(label, counted.regions_of_any).total() for label in ("CRITICAL", "HIGH", "LOW")] == [4, 5, 6]


@pytest.mark.parametrize("marks", [True, False])
def test_volume_has_no_update_of_a_finding_that_its_first_message_has_marked(marks):
    sender = target("us-east-1", Scope("us-east-1", "us-east-1"))
    sender = replace(sender, channels=tuple(replace(item, marks=marks) for item in sender.channels))
    found = [
        past("2026-11-23", updated="2026-11-24"),
        past("2026-11-01", updated="2026-11-24"),  # its first message was sent before these days
    ]
    counted = forecast(found, sender)
    assert (counted.messages, counted.repeated) == ((1, 0) if marks else (3, 2))


@pytest.mark.parametrize("suppress_in", ["pattern", "security_hub"])
def test_volume_says_what_each_suppression_removes(suppress_in):
    suppressions = [
        {"control_ids": ["S3.1"], "reason": "public"},
        {"regions": ["us-east-1"], "reason": "sandbox"},
        {"control_ids": ["KMS.1"], "reason": "keys"},
    ]
    policy = worlds.policy(suppressions=[{**item, "suppress_in": suppress_in} for item in suppressions])
    found = [
        past("2026-11-24", Workflow={"Status": "SUPPRESSED" if suppress_in == "security_hub" else "NEW"}),
        past("2026-11-24", Region="eu-west-1"),
        past("2026-11-24", Severity={"Label": "LOW"}),  # would not have been sent anyway
        past("2026-11-24", Compliance={"Status": "FAILED", "SecurityControlId": "EC2.2"}),
    ]
    targets = [target(region, Scope(region, "us-east-1"), policy) for region in ("us-east-1", "eu-west-1")]
    channels = [channel for each in targets for channel in each.channels]
    assert forecast(found, *targets, channels=channels).suppressed == {
        "public": 2,
        "sandbox": 2,
        "keys": 0,
    }


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
@pytest.mark.parametrize("reports", [True, False])
def test_volume_counts_receivers_mentions_and_ends_apart_from_the_messages_of_channels(schema, reports):
    here = Scope("us-east-1", "us-east-1")
    high = worlds.policy(minimum_severity="HIGH", finding_format=schema)
    low = worlds.policy(
        minimum_severity="LOW", finding_format=schema, suppressions=[{"control_ids": ["KMS.1"], "reason": "keys"}]
    )
    channels = (
        Channel("slack", high, here, mentions={"CRITICAL": ("here", "S012"), "LOW": ("U0",)}, reports_end=reports),
        Channel("slack-to-mail", low, here, is_receiver=True),
        Channel("slack-to-pager", replace(high, severities=()), here, is_receiver=True),
    )
    rules = tuple(
        Rule(f"{item.topic}-findings", pattern, item.topic)
        for item in channels
        for pattern in automatic_patterns(item.policy, here)
    )
    sender = Target("us-east-1", ACCOUNT, "us-east-1", rules, channels)
    found = [
        past("2026-11-24"),
        past("2026-11-24", Severity={"Label": "HIGH"}),
        past("2026-11-24", Severity={"Label": "LOW"}),
        # They are over: in these days, before them, and without having been sent to the channel.
        past("2026-11-01", updated="2026-11-24", RecordState="ARCHIVED"),
        past("2026-11-01", updated="2026-11-23", Workflow={"Status": "SUPPRESSED"}),
        past("2026-11-01", updated="2026-11-02", Workflow={"Status": "RESOLVED"}),
        past("2026-11-01", updated="2026-11-24", Workflow={"Status": "RESOLVED"}, Severity={"Label": "LOW"}),
    ]
    found = [with_times(item, schema) for item in found]
    counted = forecast(found, sender, channels=channels)
    assert (counted.messages, counted.topics_sent) == (2, {"slack": 2})
    assert sum(counted.regions_of_any.values()) == sum(counted.controls_of_any.values()) == 3
    assert counted.receivers_sent == {"slack-to-mail": 3, "slack-to-pager": 0}
    assert counted.mentioned == {"here": 1, "S012": 1, "U0": 0}
    assert counted.ended == {reports: 2}
    assert counted.suppressed == {}


def test_volume_in_a_home_region_is_that_of_the_policies_of_the_linked_ones():
    linked = worlds.policy(suppressions=[{"control_ids": ["S3.1"], "reason": "public"}])
    scope = Scope("eu-central-1", "eu-central-1", linked=(("eu-west-1", linked),), aggregates=True)
    silent = Target("eu-west-1", ACCOUNT, "eu-west-1", (), reason="its findings are sent from the home region")
    home = target("eu-central-1", scope)
    found = [past("2026-11-24", Region=region) for region in ("eu-west-1", "eu-central-1")]
    counted = forecast(found, silent, home, aggregation=FRANKFURT)
    assert counted.suppressed == {"public": 1}
    assert counted.regions_sent == {("eu-central-1", "CRITICAL"): 1}


def test_a_target_that_forwards_nothing_automatically_would_not_at_any_severity():
    off = target("us-east-1", Scope("us-east-1", "us-east-1"), worlds.policy(forward_automatically=False))
    assert not forecast([past("2026-11-24")], off).regions_of_any


@pytest.mark.parametrize("severity", ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"])
@given(data=st.data())
@settings(deadline=None)
def test_the_volume_at_a_minimum_severity_is_that_of_the_policy_with_it(severity, data):
    """The forecast takes one pass for all severities; deploying each policy must give the same number."""
    found = [
        {**finding, "CreatedAt": "2026-11-24T10:00:00Z", "UpdatedAt": "2026-11-24T10:00:00Z"}
        for finding in data.draw(st.lists(worlds.findings(), max_size=8))
    ]
    drawn = data.draw(worlds.policies())
    scopes = [Scope(region, "us-east-1") for region in worlds.REGIONS]

    def counted(policy):
        try:
            targets = [target(scope.region, scope, policy) for scope in scopes]
        except UserError:  # more suppressions than an event pattern has room for
            reject()
        return forecast(found, *targets)

    of_any = counted(replace(drawn, severities=HIGHEST_FIRST[:1])).regions_of_any
    deployed = counted(replace(drawn, severities=HIGHEST_FIRST[: HIGHEST_FIRST.index(severity) + 1]))
    assert at_least(severity, of_any).total() == deployed.messages


def counted_controls(**messages):
    """Return a volume of ten days, given the messages of controls: S3_8_HIGH=3."""
    keys = {(key.rpartition("_")[0].replace("_", "."), key.rpartition("_")[2]): n for key, n in messages.items()}
    return Volume(10, controls_of_any=Counter(keys))


@pytest.mark.parametrize(
    ("messages", "severity", "suppressed", "left"),
    [
        ({"S3_8_HIGH": 30, "S3_5_MEDIUM": 500, "KMS_1_MEDIUM": 10}, "INFORMATIONAL", ["S3.5"], 40),
        ({"S3_8_HIGH": 20, **{f"EC2_{n}_MEDIUM": 60 for n in range(9)}}, "HIGH", [], 20),
        # A control with critical messages is never suppressed, nor is a product.
        ({"S3_8_CRITICAL": 90, "S3_8_HIGH": 90, "guardduty_HIGH": 90}, "CRITICAL", [], 90),
    ],
)
def test_the_suggested_policy_sends_about_five_messages_a_day(messages, severity, suppressed, left):
    found = suggestion(counted_controls(**messages))
    assert (found.minimum_severity, list(found.control_ids), found.messages) == (severity, suppressed, left)


def test_weeks_are_whole_and_end_today():
    days = [(worlds.TODAY - datetime.timedelta(days=ago)).isoformat() for ago in (0, 6, 7, 13, 14)]
    days_sent = Counter({(day, "HIGH"): 1 for day in days})
    assert list(weeks(Volume(16, days_sent=days_sent), worlds.TODAY)) == [
        (datetime.date(2026, 11, 11), {"HIGH": 2}),
        (datetime.date(2026, 11, 18), {"HIGH": 2}),
    ]
