# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack with a scheduled digest has; tests/unit/playbooks/test_scheduled_digest.py runs it."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._stack import scheduled_digest
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledChannel
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledDigest
from ansible_collections.secops.securityhub.tests.unit import deployed

CHANNEL = ScheduledChannel("slack", ("CRITICAL", "HIGH"), '$f.Severity.Label in ["CRITICAL","HIGH"]')
DIGEST = ScheduledDigest("cron(0 8 ? * MON *)", "Europe/Berlin", 7, False, (CHANNEL,))
RULE = template.Rule("slack-findings", "automatic", {"source": ["aws.securityhub"]}, "slack", automatic=True)
DESIGN = template.StackDesign("slack", ("slack",), (RULE,), scheduled=DIGEST)
HERE = stack_resources.Location("aws", "111111111111", "eu-west-1")


def resolved(design):
    return stack_resources.resolve(template.template(design), HERE)


def definition(design):
    (machine,) = resolved(design).of_type(stack_resources.STATE_MACHINE)
    return json.loads(machine["DefinitionString"])


def statements(design):
    (role,) = resolved(design).of_type(stack_resources.ROLE)
    (policy,) = role["Policies"]
    return {
        tuple([item["Action"]] if isinstance(item["Action"], str) else item["Action"]): item
        for item in policy["PolicyDocument"]["Statement"]
    }


def test_nothing_of_it_is_there_unless_asked_for():
    off = replace(DESIGN, scheduled=None)
    assert "igest" not in json.dumps(template.template(off))
    assert off.digest != DESIGN.digest


def test_the_role_may_read_findings_publish_to_its_topics_and_start_its_machine():
    found = statements(DESIGN)
    assert {action: item["Resource"] for action, item in found.items()} == {
        ("states:StartExecution",): "arn:aws:states:eu-west-1:111111111111:stateMachine:slack-digest",
        ("states:ListExecutions",): "arn:aws:states:eu-west-1:111111111111:stateMachine:slack-digest",
        ("states:DescribeExecution",): "arn:aws:states:eu-west-1:111111111111:execution:slack-digest:*",
        ("securityhub:GetFindings",): "arn:aws:securityhub:eu-west-1:111111111111:hub/default",
        ("sns:Publish",): ["arn:aws:sns:eu-west-1:111111111111:slack"],
    }
    (role,) = resolved(DESIGN).of_type(stack_resources.ROLE)
    trusted = {
        item["Principal"]["Service"]: item["Condition"] for item in role["AssumeRolePolicyDocument"]["Statement"]
    }
    machine = {"aws:SourceArn": ["arn:aws:states:eu-west-1:111111111111:stateMachine:slack-digest"]}
    group = {"aws:SourceArn": ["arn:aws:scheduler:eu-west-1:111111111111:schedule-group/default"]}
    own = {"aws:SourceAccount": "111111111111"}
    assert trusted == {
        "states.amazonaws.com": {"ArnLike": machine, "StringEquals": own},
        "scheduler.amazonaws.com": {"ArnLike": group, "StringEquals": own},
    }


@pytest.mark.parametrize(
    ("key", "resource", "alias"),
    [
        ("arn:aws:kms:eu-west-1:999999999999:key/0-1", "key/0-1", None),
        ("arn:aws:kms:eu-west-1:999999999999:alias/security", "key/*", "alias/security"),
        ("create", "key/*", "alias/slack"),
        ("alias/security", "key/*", "alias/security"),
        ("arn:aws:kms:eu-west-1:111111111111:alias/security", "key/*", "alias/security"),
        ("mrk-0123456789abcdef0123456789abcdef", "key/mrk-0123456789abcdef0123456789abcdef", None),
        ("arn:aws:kms:eu-west-1:111111111111:key/0-1", "key/0-1", None),
    ],
)
def test_with_a_key_the_role_may_use_it_through_sns_only(key, resource, alias):
    permission = statements(replace(DESIGN, key=key, alarms=None))["kms:Decrypt", "kms:GenerateDataKey"]
    owner = "999999999999" if "999999999999" in key else "111111111111"
    assert permission["Resource"] == f"arn:aws:kms:eu-west-1:{owner}:{resource}"
    aliases = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}} if alias else {}
    via = {"StringEquals": {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}}
    assert permission["Condition"] == {**via, **aliases}


def test_the_names_fit_with_the_longest_names():
    assert len(scheduled_digest.role_name("s" * 40, "ap-southeast-1")) <= 64
    assert len(scheduled_digest.schedule_name("s" * 40)) <= 64


def test_role_and_machine_carry_the_tags_and_the_role_the_boundary():
    design = replace(DESIGN, tags=(("team", "security"),), boundary="arn:aws:iam::111111111111:policy/boundary")
    found = template.template(design)["Resources"]
    for name in (scheduled_digest.MACHINE, scheduled_digest.ROLE):
        assert found[name]["Properties"]["Tags"] == [{"Key": "team", "Value": "security"}]
    (role,) = resolved(design).of_type(stack_resources.ROLE)
    assert role["PermissionsBoundary"] == "arn:aws:iam::111111111111:policy/boundary"


@pytest.mark.parametrize("channels", [1, 2, 14])
def test_an_execution_stays_within_the_events_that_its_history_may_have(channels):
    some = tuple(replace(CHANNEL, topic=f"slack-{number}") for number in range(channels))
    states = definition(replace(DESIGN, scheduled=replace(DIGEST, channels=some)))["States"]["EachChannel"]
    pages = int(re.search(r"\$pages>=(\d+)", json.dumps(states))[1])
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html. A task has five events, a choice two.
    assert channels * pages * (5 + 2) < 25_000 - 1_000
    assert channels * pages > 2_900


def test_the_message_says_if_findings_are_left_out_because_there_are_too_many(emulator, monkeypatch):
    monkeypatch.setattr(scheduled_digest, "PAGES_AT_MOST", 1)
    fleet = deployed.deploy(emulator, monkeypatch, digest_schedule="rate(7 days)")
    texts = []
    for first in (0, 20):
        for number in range(first, first + 20):
            fleet.finding(str(number))
        emulator.ask("DELETE", "inbox")
        given = {"account": deployed.ACCOUNT, "region": deployed.HERE, "name": "securityhub-slack-digest"}
        emulator.ask("POST", "schedule", given)
        deadline = time.monotonic() + 20
        while not emulator.inbox() and time.monotonic() < deadline:
            time.sleep(0.05)
        texts.append(emulator.inbox()[0]["text"].splitlines())
    assert texts[0][0] == texts[1][0] == "*20 CRITICAL* open in eu-west-1"
    left_out = "*Not counted*: findings after the first 1 pages"
    assert (left_out in texts[0], left_out in texts[1]) == (False, True)


def test_stacks_of_a_stack_set_can_differ_in_it():
    other = replace(DIGEST, days=30, home=True, channels=(replace(CHANNEL, forwarded='$f.Title = "${x}"'),))
    designs = {
        ("111111111111", "eu-west-1"): DESIGN,
        ("111111111111", "us-east-1"): replace(DESIGN, scheduled=other),
        ("111111111111", "eu-north-1"): replace(DESIGN, scheduled=None),
    }
    merged = stack_set.merge(designs)
    for place, design in designs.items():
        location = replace(HERE, region=place[1])
        found = stack_resources.resolve(stack_set.filled_in(merged, place), location)
        wanted = stack_resources.resolve(template.template(design), location)
        for kind in (stack_resources.STATE_MACHINE, stack_resources.ROLE, stack_resources.SCHEDULE):
            assert found.of_type(kind) == wanted.of_type(kind)


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(7 days)", 1),
        ("rate(12 hours)", 14),
        ("cron(0 8 ? * MON *)", 1),
        ("cron(0 8 ? * MON-FRI *)", 5),
        ("cron(0 8 ? * FRI-MON *)", 4),
        ("cron(0 8,16 ? * 2,4,THU *)", 6),
        ("cron(0 8 * * ? *)", 7),
        ("cron(0/30 8-9 ? * L *)", 4),
        ("cron(0 */6 ? * * *)", 28),
        ("cron(0 8 1 * ? *)", 12 * 7 / 365.25),
        ("cron(0 8 1,L * ? *)", 24 * 7 / 365.25),
        ("cron(0 8 ? JAN,JUL 2#1 *)", 2 * 7 / 365.25),
        ("cron(0 8 ? 1/3 6L *)", 4 * 7 / 365.25),
        ("cron(X 8 ? * MON *)", None),
        ("cron(0 8 ? * FUN *)", None),
        ("cron(0/0 8 ? * MON *)", None),
    ],
)
def test_how_often_a_schedule_starts(expression, times):
    assert scheduled_digest.a_week(expression) == (None if times is None else pytest.approx(times))


def test_names_are_made_safe_as_in_python():
    for char in map(chr, range(0x10000)):
        if unicodedata.category(char) not in ("Cn", "Cs"):
            is_unsafe = not char.isprintable() or char in scheduled_digest.MARKUP
            assert bool(re.match(scheduled_digest.UNSAFE, char)) is is_unsafe, hex(ord(char))
