# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack with a scheduled digest has; tests/unit/playbooks/test_scheduled_digest.py runs it."""

from __future__ import annotations

import json
import random
import re
import subprocess
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._stack import scheduled_digest
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledChannel
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledDigest
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import waiting

CHANNEL = ScheduledChannel("slack", ("CRITICAL", "HIGH"), '$f.Severity.Label in ["CRITICAL","HIGH"]')
DIGEST = ScheduledDigest("cron(0 8 ? * MON *)", "Europe/Berlin", 7, False, (CHANNEL,))
RULE = template.Rule("slack-findings", "automatic", {"source": ["aws.securityhub"]}, "slack", automatic=True)
DESIGN = template.StackDesign("slack", ("slack",), (RULE,), scheduled=DIGEST)
SENDING = replace(DESIGN, scheduled=replace(DIGEST, to="us-east-1"))
RECEIVING = replace(DESIGN, scheduled=replace(DIGEST, others=("sa-east-1", "us-east-1")))
HERE = stack_resources.Location("aws", "111111111111", "eu-west-1")
PYTHON = Path(__file__).resolve().parents[5] / ".cache" / "emulator" / "venv" / "bin" / "python"
EVALUATE = """
import json, sys
from jsonata import Jsonata
json.dump([Jsonata.jsonata(text).evaluate(None, variables) for text, variables in json.load(sys.stdin)], sys.stdout)
"""


def resolved(design):
    return stack_resources.resolve(template.template(design), HERE)


def definition(design):
    machine = resolved(design).of_type(stack_resources.STATE_MACHINE)[0]
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
    assert len(scheduled_digest.rule_name("s" * 40)) <= 64
    assert len(scheduled_digest.regions_machine_name("s" * 40)) <= 80


def test_role_and_machine_carry_the_tags_and_the_role_the_boundary():
    design = replace(DESIGN, tags=(("team", "security"),), boundary="arn:aws:iam::111111111111:policy/boundary")
    found = template.template(design)["Resources"]
    for name in (scheduled_digest.MACHINE, scheduled_digest.ROLE):
        assert found[name]["Properties"]["Tags"] == [{"Key": "team", "Value": "security"}]
    (role,) = resolved(design).of_type(stack_resources.ROLE)
    assert role["PermissionsBoundary"] == "arn:aws:iam::111111111111:policy/boundary"


@pytest.mark.parametrize(
    ("expressions", "preferred", "to"),
    [
        ({"eu-west-1": "cron(0 8 ? * MON *)"}, [], {"eu-west-1": ""}),
        (dict.fromkeys("cba", "cron(0 8 ? * MON *)"), ["", "x"], {"a": "", "b": "a", "c": "a"}),
        (dict.fromkeys("abc", "cron(0 8 ? * MON *)"), ["x", "c", "b"], {"a": "c", "b": "c", "c": ""}),
        # A rate begins at another time in each region.
        (dict.fromkeys("abc", "rate(7 days)"), ["c"], dict.fromkeys("abc", "")),
    ],
)
def test_one_region_sends_the_message_for_all(expressions, preferred, to):
    digests = {region: replace(DIGEST, expression=text) for region, text in expressions.items()}
    found = scheduled_digest.together(digests, preferred)
    assert {region: digest.to for region, digest in found.items()} == to
    for region, digest in found.items():
        assert digest.others == tuple(sorted(other for other in to if to[other] == region))


def test_what_a_region_may_that_sends_its_numbers():
    assert {action: (item["Resource"], item.get("Condition")) for action, item in statements(SENDING).items()} == {
        ("states:StartExecution",): ("arn:aws:states:eu-west-1:111111111111:stateMachine:slack-digest", None),
        ("securityhub:GetFindings",): ("arn:aws:securityhub:eu-west-1:111111111111:hub/default", None),
        # On its own bus, see below.
        ("events:PutEvents",): ("arn:aws:events:us-east-1:111111111111:event-bus/default", None),
    }
    (role,) = resolved(SENDING).of_type(stack_resources.ROLE)
    (own,) = [item for item in role["Policies"][0]["PolicyDocument"]["Statement"] if "Condition" in item]
    assert (own["Action"], own["Resource"]) == (
        "events:PutEvents",
        "arn:aws:events:eu-west-1:111111111111:event-bus/default",
    )
    assert own["Condition"]["StringEquals"] == {
        "events:source": "secops.securityhub",
        "events:detail-type": "Security Hub digest",
    }
    (rule,) = [item for item in resolved(SENDING).of_type(stack_resources.RULE) if item["Name"] == "slack-digest"]
    assert rule["EventPattern"] == {
        "source": ["secops.securityhub"],
        "detail-type": ["Security Hub digest"],
        "account": ["111111111111"],
        "region": ["eu-west-1"],
        "detail": {"name": ["slack"]},
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == "arn:aws:events:us-east-1:111111111111:event-bus/default"


def test_what_the_region_may_beside_that_receives_them():
    plain, found = statements(DESIGN), statements(RECEIVING)
    other = "arn:aws:states:eu-west-1:111111111111:stateMachine:slack-digest-regions"
    assert {action: item["Resource"] for action, item in found.items() if item != plain.get(action)} == {
        ("states:ListExecutions", "states:StartExecution"): other,
        # It replaces the one for the last digest in this dictionary.
        ("states:DescribeExecution",): f"{other.replace('stateMachine', 'execution')}:*",
    }
    assert found.keys() >= plain.keys()
    (role,) = resolved(RECEIVING).of_type(stack_resources.ROLE)
    trusted = {
        item["Principal"]["Service"]: item["Condition"]["ArnLike"]["aws:SourceArn"]
        for item in role["AssumeRolePolicyDocument"]["Statement"]
    }
    assert trusted["states.amazonaws.com"] == [other.removesuffix("-regions"), other]
    assert trusted["events.amazonaws.com"] == ["arn:aws:events:eu-west-1:111111111111:rule/slack-digest"]


def evaluated(cases):
    """Return the values of expressions, given pairs of an expression and its variables."""
    done = subprocess.run([PYTHON, "-c", EVALUATE], input=json.dumps(cases), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def numbers(draw, region):
    """Return the numbers of a channel as a region has counted them."""
    found = {
        name: {
            key: draw.randrange(1, 5000) for key in draw.sample(("HIGH", "LOW", "x y", "CRITICAL"), draw.randrange(4))
        }
        for name in scheduled_digest.NUMBERS
    }
    late = [
        {
            "s": draw.choice(("CRITICAL", "HIGH")),
            "a": draw.randrange(9),
            "i": f"{region}{number}",
            "r": "us-east-1",
            "k": "222222222222",
        }
        for number in range(draw.randrange(11))
    ]
    return {"topic": "slack", **found, "late": late, "from": [{"r": region, "n": 1, "h": False, "m": False}]}


def joined(own, other):
    """Return the sum of two regions, in Python."""
    sums = {name: dict(Counter(own[name]) + Counter(other[name])) for name in scheduled_digest.NUMBERS}
    oldest = {key: max(own["oldest"].get(key, 0), other["oldest"].get(key, 0)) for key in sums["oldest"]}
    late = sorted([*own["late"], *other["late"]], key=lambda item: (item["s"], -item["a"], item["i"]))[:10]
    return {**own, **sums, "oldest": oldest, "late": late, "from": [*own["from"], *other["from"]]}


def test_numbers_are_added_once_for_each_region_of_the_same_digest():
    draw, cases, expected = random.Random(17), [], []
    for number in range(100):
        own, other = [{**numbers(draw, "a"), "topic": "x"}, numbers(draw, "a")], [numbers(draw, "b")]
        region, at = ("b", "b", "c", "b")[number % 4], ("now", "before")[number % 8 == 0]
        detail = {"at": at, "region": region, "channels": other}
        states = {"result": {"Input": {"detail": detail}}}
        variables = {"states": states, "joint": own, "missing": ["b", "d"], "at": "now"}
        is_new = region == "b" and at == "now"
        for name, otherwise, added in (
            ("joint", own, [own[0], joined(own[1], other[0])]),
            ("missing", ["b", "d"], ["d"]),
        ):
            cases.append((scheduled_digest.JOINED[name].replace("$parse", ""), variables))
            expected.append(added if is_new else otherwise)
    assert evaluated(cases) == expected


def test_an_event_of_someone_else_brings_no_markup():
    late = {"s": "HIGH", "a": 1, "i": "1", "r": "us-east-1", "k": "222222222222"}
    hostile = [{**late, name: "<!channel>"} for name in ("s", "r", "k")]
    own = {"topic": "slack", **{name: {} for name in scheduled_digest.NUMBERS}, "late": [], "from": []}
    other = {**own, "late": [*hostile, late], "from": [{"r": "<!channel>", "n": 1, "h": False, "m": False}]}
    states = {"result": {"Input": {"detail": {"at": "now", "region": "b", "channels": [other]}}}}
    variables = {"states": states, "joint": [own], "missing": ["b"], "at": "now"}
    ((found,),) = evaluated([(scheduled_digest.JOINED["joint"].replace("$parse", ""), variables)])
    assert (found["late"], found["from"]) == ([late], [{"r": "b", "n": 1, "h": False, "m": False}])


@pytest.mark.parametrize(
    ("counted", "having", "home", "where"),
    [
        ("a", "a", "", "a"),
        ("abc", "abc", "", "a, b, c"),
        ("abc", "", "", "a, b, c"),
        ("abc", "b", "", "b (1 of 3 regions)"),
        ("abc", "ac", "", "c, a (2 of 3 regions)"),
        ("abcde", "abcd", "", "4 of 5 regions"),
        ("abcde", "abcde", "", "5 regions"),
        ("abc", "bx", "", "b (1 of 3 regions)"),
        ("abc", "bd", "b", "a, b, c, including the regions linked to b"),
        ("abcd", "b", "b", "4 regions, including the regions linked to b"),
    ],
)
def test_where_findings_are_open_as_the_playbook_says_it(counted, having, home, where):
    found = {
        "regions": {region: number for number, region in enumerate(having, start=1)},
        "from": [{"r": region, "h": region == home} for region in counted],
    }
    text = f"($by_number:={scheduled_digest.BY_NUMBER};{scheduled_digest.WHERE})"
    assert evaluated([(text, {"found": found, "names": sorted(counted)})]) == [where]


def test_the_size_of_numbers_is_that_of_the_answer_with_them():
    given = [{"accounts": {'222222222222 "shop" \\ prod': 12, "3" * 50: 1}, "late": [{"i": "\u3042\U0001f600\n"}]}]
    (size,) = evaluated([(scheduled_digest.SIZE, {"states": {"input": given}})])
    text = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
    exact = len(json.dumps({"text": text}, separators=(",", ":"), ensure_ascii=False).encode())
    # It may only be too high, for characters that are not ASCII.
    assert exact <= size <= exact + 20


def test_numbers_that_do_not_fit_into_an_event_fail_the_execution_of_their_region(emulator, monkeypatch):
    monkeypatch.setattr(scheduled_digest, "NUMBERS_AT_MOST", 100)
    deployed.deploy(emulator, monkeypatch, digest_schedule="cron(0 8 ? * MON *)")
    given = {"account": deployed.ACCOUNT, "region": deployed.HERE, "name": "securityhub-slack-digest"}
    execution = emulator.ask("POST", "schedule", given)["execution"]
    client = emulator.client("stepfunctions", deployed.HERE)
    assert waiting.ended_execution(client, execution)["error"] == "TooManyAccounts"


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
        texts.append(waiting.until(emulator.inbox)[0]["text"].splitlines())
    assert texts[0][0] == texts[1][0] == "*20 CRITICAL* open in eu-west-1"
    left_out = "*Not counted*: findings after the first 1 pages"
    assert (left_out in texts[0], left_out in texts[1]) == (False, True)


def in_any_order(value):
    """Return a value whose lists are sorted: the order of statements, and of what they name, means nothing."""
    if isinstance(value, dict):
        return {key: in_any_order(item) for key, item in value.items()}
    return sorted(map(in_any_order, value), key=json.dumps) if isinstance(value, list) else value


def test_stacks_of_a_stack_set_can_differ_in_it():
    other = replace(DIGEST, days=30, home=True, channels=(replace(CHANNEL, forwarded='$f.Title = "${x}"'),))
    designs = {
        ("111111111111", "eu-west-1"): DESIGN,
        ("111111111111", "us-east-1"): replace(DESIGN, scheduled=other),
        ("111111111111", "eu-north-1"): replace(DESIGN, scheduled=None),
        # Other accounts have no aggregator.
        ("222222222222", "eu-west-1"): RECEIVING,
        ("222222222222", "us-east-1"): SENDING,
        ("333333333333", "eu-west-1"): replace(DESIGN, scheduled=replace(DIGEST, to="sa-east-1")),
        ("444444444444", "eu-west-1"): replace(DESIGN, scheduled=replace(DIGEST, others=("sa-east-1",), days=1)),
    }
    merged = stack_set.merge(designs)
    for place, design in designs.items():
        location = replace(HERE, account_id=place[0], region=place[1])
        found = stack_resources.resolve(stack_set.filled_in(merged, place), location)
        wanted = stack_resources.resolve(template.template(design), location)
        for kind in ("STATE_MACHINE", "ROLE", "SCHEDULE", "RULE"):
            of_kind = getattr(stack_resources, kind)
            assert in_any_order(found.of_type(of_kind)) == in_any_order(wanted.of_type(of_kind))


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
