# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a digest counts, and the text of its message."""

from __future__ import annotations

import datetime
import json
import re

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._digest.counts import counts
from ansible_collections.secops.securityhub.plugins.module_utils._digest.counts import open_finding
from ansible_collections.secops.securityhub.plugins.module_utils._digest.digests import CountedTarget
from ansible_collections.secops.securityhub.plugins.module_utils._digest.digests import Digest
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import AccountDesign
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetDesign
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import AccountSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._report import digest_message
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.timezone.utc)
NAMES = st.text(min_size=1, max_size=400)


def finding(name="1", severity="CRITICAL", days=0.0, **changed):
    created = (NOW - datetime.timedelta(days=days)).isoformat()
    return worlds.finding(Id=name, Severity={"Label": severity}, CreatedAt=created, **changed)


def count(*found, days=7, overdue=None):
    return counts(map(open_finding, found), NOW, days, overdue or {})


def digest(*found, regions=("us-east-1",), home="", missing=(), busiest="", overdue=None):
    limits = {"overdue_days": overdue or {}}
    settings = [account_model.settings(region, f"prod.{region}", **limits) for region in regions]
    targets = [TargetDesign(TargetSnapshot(item)) for item in settings]
    snapshot = AccountSnapshot(account_model.ACCOUNT, tuple(target.snapshot for target in targets))
    return Digest(
        design=AccountDesign(snapshot, tuple(targets)),
        channel=targets[0].settings.routes[0].channel,
        topic="securityhub-slack",
        counted=tuple(CountedTarget(target, ()) for target in targets),
        missing=tuple(missing),
        home=home,
        busiest=busiest,
        counts=count(*found, overdue=overdue),
    )


def lines(*found, **given):
    return digest_message.lines(digest(*found, **given), 7)


def test_a_finding_that_is_listed_twice_counts_once():
    assert count(finding("1"), finding("2", "HIGH"), finding("1")).severities == {"CRITICAL": 1, "HIGH": 1}


@pytest.mark.parametrize(("days", "new"), [(0, 1), (6.9, 1), (7, 0), (92, 0)])
def test_a_finding_is_new_for_as_many_days_as_asked(days, new):
    found = count(finding(days=days))
    assert found.new == ({"CRITICAL": 1} if new else {})
    assert found.oldest_days == int(days)


@pytest.mark.parametrize(("days", "before"), [(6.9, 0), (7, 1), (13.9, 1), (14, 0)])
def test_the_days_before_are_as_many(days, before):
    assert count(finding(days=days)).new_before == ({"CRITICAL": 1} if before else {})


LIMITS = {"CRITICAL": 7, "HIGH": 30}


@pytest.mark.parametrize(
    ("severity", "days", "overdue"),
    [("CRITICAL", 6.9, 0), ("CRITICAL", 7, 1), ("HIGH", 29, 0), ("HIGH", 30, 1), ("MEDIUM", 92, 0)],
)
def test_a_finding_is_overdue_after_the_days_of_its_severity(severity, days, overdue):
    assert count(finding(severity=severity, days=days), overdue=LIMITS).overdue == ({severity: 1} if overdue else {})


def test_overdue_findings_are_counted_and_the_first_ten_are_linked_the_most_urgent_first():
    some = [finding(f"c{number}", days=7 + number) for number in range(9)]
    of_high = [finding("h1", "HIGH", 60), finding("h2", "HIGH", 90), finding("new", "HIGH", 1)]
    made = digest_message.notification(digest(*of_high, *some, busiest="us-east-1", overdue=LIMITS), 7)["content"]
    assert "Overdue: 9 CRITICAL (7 days), 2 HIGH (30 days)" in made["description"].splitlines()
    *listed, last = made["nextSteps"]
    assert [re.search(r"Id%3D(\w+)$", line)[1] for line in listed] == [*(f"c{n}" for n in reversed(range(9))), "h2"]
    console = "https://us-east-1.console.aws.amazon.com/securityhub/home?region=us-east-1#/findings"
    assert listed[0] == f"CRITICAL `S3.1`, 15 days, account 111111111111: {console}?search=Id%3Dc8"
    assert last.startswith("View the findings in us-east-1")


def test_without_limits_nothing_is_overdue_and_with_limits_none_may_be():
    old = finding(severity="MEDIUM", days=92)
    assert not [line for line in lines(old) if "Overdue" in line]
    assert "Overdue: none" in lines(old, overdue=LIMITS)


def test_an_id_cannot_end_its_link_and_a_long_one_has_none():
    def link(identifier):
        of_one = digest(finding(identifier, days=9), busiest="us-east-1", overdue=LIMITS)
        return digest_message.notification(of_one, 7)["content"]["nextSteps"][0]

    assert link("a b<!channel>|`\n*&#/\u3042").endswith("Id%3Da%20b%3C!channel%3E%7C%60%0A*%26%23%2F%E3%81%82")
    assert link("x" * 150).endswith("x" * 150)
    assert link("x" * 151).endswith("#/findings")


def test_the_digest_compares_with_the_week_before():
    found = [finding("1"), finding("2"), finding("3", "HIGH", 8), finding("4", "HIGH", 20)]
    assert lines(*found)[1] == "New in the last 7 days: 2 CRITICAL; of the 7 days before, 1 HIGH still open"
    assert lines(*found[:2])[1] == "New in the last 7 days: 2 CRITICAL; of the 7 days before, none still open"


def test_the_oldest_finding_is_of_the_highest_severity():
    found = count(finding("1", "HIGH", 90), finding("2", "CRITICAL", 3), finding("3", "CRITICAL", 12))
    assert (found.highest, found.oldest_days) == ("CRITICAL", 12)


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_a_finding_of_unknown_age_is_counted(created):
    text = lines(worlds.finding(CreatedAt=created))
    assert text[:2] == [
        "*1 CRITICAL* open in us-east-1",
        "New in the last 7 days: none; of the 7 days before, none still open",
    ]
    assert not [line for line in text if line.startswith("Oldest")]


def test_names_are_ranked_and_the_rest_is_counted():
    resources = [{"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{name}"} for name in ("a", "b", "b", "c", "d")]
    text = lines(finding("1", Resources=resources), finding("2", Resources=resources[1:2]))
    assert text[-2:] == [
        "Controls: `S3.1` (2)",
        "Resources: `arn:aws:s3:::b` (2), `arn:aws:s3:::a` (1), `arn:aws:s3:::c` (1) and 1 more",
    ]


def test_a_finding_without_a_control_counts_for_its_product():
    product = "arn:aws:securityhub:us-east-1::product/aws/guardduty"
    assert "Controls: `aws/guardduty` (1)" in lines(finding(ProductArn=product, Compliance=None))


def test_controls_that_others_name_in_their_findings_are_not_counted():
    """So a member account cannot have its findings count for a control, or fill a digest with its own words."""
    product = "arn:aws:securityhub:us-east-1:222222222222:product/222222222222/default"
    named = [finding(name, ProductArn=product, Compliance={"SecurityControlId": name}) for name in ("S3.1", "win-$")]
    assert "Controls: `222222222222/default` (2)" in lines(*named)


def test_no_name_becomes_a_link():
    text = "\n".join(lines(finding(Resources=[{"Type": "Other", "Id": "HTTPS://a.example/WWW.b.example"}])))
    assert "`HTTPS?a.example/?b.example`" in text


def test_regions_and_accounts_are_named_where_there_are_several():
    other = finding("2", Region="eu-west-1", AwsAccountId="222222222222", AwsAccountName="shop")
    assert not [line for line in lines(finding()) if line.startswith(("Regions", "Accounts"))]
    text = lines(finding(), other, finding("3", AwsAccountId="222222222222", AwsAccountName="shop"))
    assert "Regions: `us-east-1` (2), `eu-west-1` (1)" in text
    assert "Accounts: `222222222222 shop` (2), `111111111111` (1)" in text


@pytest.mark.parametrize(
    ("regions", "home", "where"),
    [
        (["a", "b", "c"], "", "a, b, c"),
        (["a", "b", "c", "d"], "", "4 regions"),
        (["a"], "a", "a, including the regions linked to a"),
    ],
)
def test_up_to_three_regions_are_named(regions, home, where):
    assert lines(regions=regions, home=home) == [f"*No finding* open in {where}"]


@pytest.mark.parametrize(
    ("having", "where"),
    [
        (1, "r0 (1 of 17 regions)"),
        (3, "r0, r1, r2 (3 of 17 regions)"),
        (5, "5 of 17 regions"),
        (17, "17 regions"),
    ],
)
def test_regions_without_open_findings_are_not_counted(having, where):
    found = [finding(str(number), Region=f"r{number}") for number in range(having)]
    text = lines(*found, regions=[f"r{number}" for number in range(17)])
    assert text[0] == f"*{having} CRITICAL* open in {where}"


def test_targets_that_were_not_counted_are_named():
    assert lines(missing=["x.us-east-1"])[-1] == "*Not counted* (failed): `x.us-east-1`"


def test_a_long_name_keeps_its_end():
    (line,) = [item for item in lines(finding(Resources=[{"Id": "a" * 90 + "b" * 57}])) if item.startswith("Resources")]
    assert line == "Resources: `" + "a" * 40 + "..." + "b" * 57 + "` (1)"


@given(st.lists(NAMES, min_size=1, max_size=5), st.lists(NAMES, max_size=5))
def test_names_are_never_markup_and_no_digest_is_too_long(names, missing):
    listed = [
        finding(f"{severity}{number}", severity, AwsAccountName=name, Resources=[{"Id": name}])
        | {"Region": name, "Compliance": {"Status": "FAILED", "SecurityControlId": name}}
        for severity in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
        for number, name in enumerate(names)
    ]
    of_all = digest(*listed, regions=["eu-west-1"] * 17, home="eu-west-1", missing=missing, busiest="eu-west-1")
    text = digest_message.lines(of_all, 7)
    made = digest_message.notification(of_all, 7)
    description = made["content"]["description"]
    assert len(description) <= 3000
    assert description.count("\n") == len(text) - 1
    assert all(char.isprintable() or char == "\n" for char in description)
    assert not re.search("[<>&]", description)
    assert all(line.count("`") % 2 == 0 for line in text)
    assert json.loads(json.dumps(made)) == made


def test_the_message_is_a_custom_notification_that_links_to_the_console():
    made = digest_message.notification(digest(finding(), busiest="us-east-1"), 7)
    assert (made["version"], made["source"]) == ("1.0", "custom")
    assert made["content"] == {
        "textType": "client-markdown",
        "title": "Security Hub digest: account 111111111111 (prod)",
        "description": "\n".join(lines(finding())),
        "nextSteps": [
            "View the findings in us-east-1: "
            "https://us-east-1.console.aws.amazon.com/securityhub/home?region=us-east-1#/findings"
        ],
    }
    assert "nextSteps" not in digest_message.notification(digest(), 7)["content"]
