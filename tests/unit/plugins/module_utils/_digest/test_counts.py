# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted, and how it is said."""

from __future__ import annotations

import datetime
import json
import re

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._digest import text
from ansible_collections.secops.securityhub.plugins.module_utils._digest.counts import Period
from ansible_collections.secops.securityhub.plugins.module_utils._digest.counts import counts
from ansible_collections.secops.securityhub.plugins.module_utils._digest.counts import note
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.timezone.utc)
WEEK = Period(NOW, 7)
NAMES = st.text(min_size=1, max_size=400)


def finding(name="1", severity="CRITICAL", days=0.0, **changed):
    created = (NOW - datetime.timedelta(days=days)).isoformat()
    return worlds.finding(Id=name, Severity={"Label": severity}, CreatedAt=created, **changed)


def count(*found, period=WEEK):
    return counts(map(note, found), period)


def said(*found, period=WEEK, regions=("us-east-1",), home="", missing=()):
    return text.lines(count(*found, period=period), period.days, list(regions), home, list(missing))


def test_a_finding_counts_once_however_often_a_page_shows_it():
    assert count(finding("1"), finding("2", "HIGH"), finding("1")).severities == {"CRITICAL": 1, "HIGH": 1}


@pytest.mark.parametrize(("days", "new"), [(0, 1), (6.9, 1), (7, 0), (92, 0)])
def test_a_finding_is_new_for_as_many_days_as_asked(days, new):
    found = count(finding(days=days))
    assert found.new == ({"CRITICAL": 1} if new else {})
    assert found.oldest_days == int(days)


def test_the_oldest_is_one_of_the_gravest_severity():
    found = count(finding("1", "HIGH", 90), finding("2", "CRITICAL", 3), finding("3", "CRITICAL", 12))
    assert (found.gravest, found.oldest_days) == ("CRITICAL", 12)


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_a_finding_that_does_not_say_how_old_it_is_counts_all_the_same(created):
    lines = said(worlds.finding(CreatedAt=created))
    assert lines[:2] == ["*1 CRITICAL* open in us-east-1", "New in the last 7 days: none"]
    assert not [line for line in lines if line.startswith("Oldest")]


def test_what_has_most_is_named_first_and_the_rest_counted():
    resources = [{"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{name}"} for name in ("a", "b", "b", "c", "d")]
    lines = said(finding("1", Resources=resources), finding("2", Resources=resources[1:2]))
    assert lines[-2:] == [
        "Controls: `S3.1` (2)",
        "Resources: `arn:aws:s3:::b` (2), `arn:aws:s3:::a` (1), `arn:aws:s3:::c` (1) and 1 more",
    ]


def test_a_finding_without_a_control_counts_for_its_product():
    product = "arn:aws:securityhub:us-east-1::product/aws/guardduty"
    assert "Controls: `aws/guardduty` (1)" in said(finding(ProductArn=product, Compliance=None))


def test_regions_and_accounts_are_named_where_there_are_several():
    other = finding("2", Region="eu-west-1", AwsAccountId="222222222222", AwsAccountName="shop")
    assert not [line for line in said(finding()) if line.startswith(("Regions", "Accounts"))]
    lines = said(finding(), other, finding("3", AwsAccountId="222222222222", AwsAccountName="shop"))
    assert "Regions: `us-east-1` (2), `eu-west-1` (1)" in lines
    assert "Accounts: `222222222222 shop` (2), `111111111111` (1)" in lines


@pytest.mark.parametrize(
    ("regions", "home", "where"),
    [
        (["a", "b", "c"], "", "a, b, c"),
        (["a", "b", "c", "d"], "", "4 regions"),
        (["a"], "a", "a, with all that feed a"),
    ],
)
def test_the_regions_are_named_while_they_are_few(regions, home, where):
    assert said(regions=regions, home=home) == [f"*No finding* open in {where}"]


def test_what_was_not_counted_is_said():
    assert said(missing=["x.us-east-1"])[-1] == "*Not counted*: `x.us-east-1`, which failed"


def test_a_long_name_keeps_its_end():
    (line,) = [item for item in said(finding(Resources=[{"Id": "a" * 90 + "b" * 57}])) if item.startswith("Resources")]
    assert line == "Resources: `" + "a" * 40 + "..." + "b" * 57 + "` (1)"


@given(st.lists(NAMES, min_size=1, max_size=5), st.lists(NAMES, max_size=5))
def test_no_name_becomes_more_than_text_and_no_digest_too_long(names, missing):
    listed = [
        finding(f"{severity}{number}", severity, AwsAccountName=name, Resources=[{"Id": name}])
        | {"Region": name, "Compliance": {"Status": "FAILED", "SecurityControlId": name}}
        for severity in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
        for number, name in enumerate(names)
    ]
    lines = said(*listed, regions=["eu-west-1"] * 17, home="eu-west-1", missing=missing)
    made = text.notification("111111111111", "prod", lines, "eu-west-1")
    description = made["content"]["description"]
    assert len(description) <= 3000
    assert description.count("\n") == len(lines) - 1
    assert all(char.isprintable() or char == "\n" for char in description)
    assert not re.search("[<>&]", description)
    assert all(line.count("`") % 2 == 0 for line in lines)
    assert json.loads(json.dumps(made)) == made


def test_the_message_is_a_custom_notification_that_leads_to_the_console():
    made = text.notification("111111111111", "prod", ["one", "two"], "eu-west-1")
    assert (made["version"], made["source"]) == ("1.0", "custom")
    assert made["content"] == {
        "textType": "client-markdown",
        "title": "Security Hub digest: account 111111111111 (prod)",
        "description": "one\ntwo",
        "nextSteps": [
            "Look at them in eu-west-1: "
            "https://eu-west-1.console.aws.amazon.com/securityhub/home?region=eu-west-1#/findings"
        ],
    }
    assert "nextSteps" not in text.notification("111111111111", "", ["one"], "")["content"]
