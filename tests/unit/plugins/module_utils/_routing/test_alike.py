# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that share an outlook: each has the one that it has alone, is read once, and is forgotten."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import alike
from ansible_collections.secops.securityhub.plugins.module_utils._routing import simulation
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import of_ended
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Tally
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Target
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import simulate
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import volume
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings

ACCOUNT = "111111111111"
BASES, VARIANTS = 3, 16
OFTEN = settings(max_examples=worlds.WORLDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def rules_of(kind, topic, policy, scope):
    return tuple(
        Rule(f"{topic}-{kind}-{number}", pattern, topic)
        for number, pattern in enumerate(automatic_patterns(policy, scope))
    )


def targets_of(draw, world):
    """Return the targets of a world; now and then with suppressions in Security Hub, mentions and resolved rules."""
    targets = []
    for assignment in world.lay_out().assignments:
        channels, rules, resolved = [], (), ()
        for (topic, policy), scope in zip(world.policies[assignment.region], assignment.scopes):
            in_hub = tuple(
                replace(item, in_security_hub=draw.random.random() < 0.3) if not item.resource_tags else item
                for item in policy.suppressions
            )
            policy = replace(policy, suppressions=in_hub)
            options = {"is_receiver": draw.random.random() < 0.2, "marks": draw.random.random() < 0.3}
            mentions = {"CRITICAL": ("here",)} if draw.random.random() < 0.5 else {}
            channels.append(Channel(topic, policy, scope, mentions=mentions, **options))
            rules += rules_of("findings", topic, policy, scope)
            resolved += rules_of("resolved", topic, *of_ended(policy, scope, "slack"))
        region = assignment.region
        targets.append(Target(region, ACCOUNT, region, rules, tuple(channels), assignment.reason, resolved))
    return targets


ODD = [
    {"Title": ["S3 is public", "x"]},
    {"Title": 1},
    {"title": True},
    {"Severity.Label": "LOW"},
    {"Compliance": {"Status": ["PASSED", "FAILED"], "SecurityControlId": None}},
    {"Compliance": {"Status": {"deeper": "FAILED"}}},
    {"Workflow": {"Status": "NEW", "Status.x": "NEW"}},
    {"Resources": []},
    {"Resources": [{"Id": "i-1", "Type": "AwsS3Bucket", "Tags": None}]},
    {"finding_info": {}},
    {"cloud": {"region": "us-east-1", "account.uid": ACCOUNT}},
    {"AwsAccountId": 111111111111},
    {"AwsAccountId": "444444444444"},
    {"AwsAccountId": "555555555555"},
    {"Region": ""},
    {"Severity": "HIGH"},
    {"Vulnerabilities": [{"EpssScore": 0}]},
    {"Vulnerabilities": [{"EpssScore": 0.0}]},
    {"Vulnerabilities": [{"EpssScore": False}]},
    {"UserDefinedFields": {"slack": "HIGH"}},
    {"comment": "Sent as High by slack"},
]


def variants(draw, world):
    """Yield findings that differ from another one in one or two fields, which may be what no finding should have."""
    for _base in range(BASES):
        base = draw.finding_in(world)
        for _variant in range(VARIANTS):
            other = draw.finding_in(world)
            taken = {key: other[key] for key in draw.some(tuple(other))}
            yield {**base, **draw.random.choice((taken, taken, draw.random.choice(ODD)))}


@OFTEN
@given(worlds.SEEDS)
def test_each_finding_has_the_outlook_that_it_has_alone(seed):
    draw = worlds.Draw(seed)
    world = draw.world()
    try:
        targets = [] if world.lay_out().problems else targets_of(draw, world)
    except UserError:
        return
    found = list(variants(draw, world))
    found += [worlds.ocsf(worlds.finding()), worlds.finding()]  # in the other format
    arguments = (targets, {ACCOUNT: world.aggregation}, {"222222222222": ACCOUNT} if seed % 2 else None)
    together = [outlook for _finding, outlook in simulate(found, *arguments)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "reader", lambda *_arguments: lambda _finding: object())
        for outlook, (one, alone) in zip(together, simulate(found, *arguments)):
            assert outlook == alone, one


def sender(**policy):
    """Return a target whose policy asks about a text of every kind that differs between findings."""
    suppressions = [
        {"resource_ids": ["arn:aws:s3:::logs*"], "reason": "logs"},
        {"title_prefixes": ["Tor"], "reason": "Tor"},
        {"account_ids": ["999999999999"], "control_ids": ["S3.8"], "reason": "sandbox"},
    ]
    made, scope = worlds.policy(suppressions=suppressions, **policy), Scope("us-east-1", "us-east-1")
    channels = (Channel("slack", made, scope),)
    return Target("us-east-1", ACCOUNT, "us-east-1", rules_of("", "slack", made, scope), channels)


def different(number):
    """Yield findings that differ in all that nothing is asked about."""
    for index in range(number):
        yield worlds.finding(
            Id=f"finding/{index}",
            AwsAccountId=f"{index:012}",
            Title=f"Title {index}",
            Compliance={"Status": "FAILED", "SecurityControlId": f"EC2.{index % 150}"},
            Resources=[{"Type": "AwsEc2Instance", "Id": f"i-{index}", "Tags": {"name": f"n{index}"}}],
            CreatedAt=f"2026-11-24T00:00:00.{index % 1000:03}Z",
            UpdatedAt="2026-11-24T01:00:00.000Z",
        )


def test_a_finding_is_read_once_and_only_what_is_new_is_decided(monkeypatch):
    calls = {"read": 0, "leaves": 0, "facts": 0}

    def counted(name, function):
        def count(*arguments):
            calls[name] += 1
            return function(*arguments)

        return count

    reader = alike.reader
    monkeypatch.setattr(alike, "reader", lambda *arguments: counted("read", reader(*arguments)))
    monkeypatch.setattr(simulation, "leaves_of", counted("leaves", simulation.leaves_of))
    monkeypatch.setattr(simulation, "why_not_forwarded", counted("facts", simulation.why_not_forwarded))
    outlooks = simulate(different(500), [sender()], {})
    seen = [next(outlooks)[1]]
    of_first = dict(calls)
    seen += [outlook for _finding, outlook in outlooks]
    assert len(seen) == 500
    assert len(set(map(id, seen))) == 1
    assert calls == {**of_first, "read": of_first["read"] + 499}
    assert of_first["leaves"] <= 3


@pytest.mark.parametrize("most", [3, 10_000])
def test_forgotten_outlooks_are_found_again(monkeypatch, most):
    monkeypatch.setattr(simulation, "MOST_OUTLOOKS", most)
    monkeypatch.setattr(alike, "MOST_TEXTS", most)
    draw = worlds.Draw(1)
    found = [draw.finding() for _number in range(100)]
    target = sender(minimum_severity="LOW")
    together = [outlook for _finding, outlook in simulate(found, [target], {})]
    assert together == [outlook for one in found for _finding, outlook in simulate([one], [target], {})]


def test_memory_does_not_grow_with_the_findings(monkeypatch):
    monkeypatch.setattr(simulation, "MOST_LISTED", 100)
    monkeypatch.setattr(alike, "MOST_TEXTS", 100)

    def peak(number):
        tally, target = Tally(), sender()
        list(simulate(different(1), [target], {}))  # what is compiled once
        tracemalloc.start()
        counted = volume(tally.counting(simulate(different(number), [target], {})), 7, worlds.TODAY, target.channels)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (tally.findings, tally.sent, len(tally.first)) == (number, number, 100)
        assert (counted.messages, counted.repeated) == (2 * number, number)
        return memory

    # A thread that an earlier test has left may take memory, too, for a moment.
    assert any(peak(10_000) < 1.5 * peak(1_000) for _attempt in range(3))


def test_verdicts_are_added_up_in_limited_memory(monkeypatch):
    monkeypatch.setattr(simulation, "MOST_VERDICTS", 2)
    tally = Tally()
    found = [worlds.finding(Region=f"r-{number}") for number in (1, 2, 3, 1, 4)]
    assert [one for one, _outlook in tally.counting(simulate(found, [sender()], {}))] == found
    assert tally.verdicts.most_common() == [
        ("not sent: no target is in r-1: add it to the inventory", 2),
        ("other verdicts", 2),
        ("not sent: no target is in r-2: add it to the inventory", 1),
    ]
