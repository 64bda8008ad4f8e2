# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings of the new Security Hub: reported by services, read and updated by customers."""

from __future__ import annotations

import urllib.error

import pytest
from botocore.exceptions import ClientError

ACCOUNT, MEMBER, REGION, HOME = "111111111111", "222222222222", "us-east-1", "eu-west-1"
PRODUCT = f"arn:aws:securityhub:{REGION}::productv2/aws/guardduty"


def finding(uid="u-1", account=ACCOUNT, **more):
    return {
        "activity_name": "Create",
        "cloud": {"account": {"uid": account}, "region": REGION},
        "finding_info": {"uid": f"arn:{uid}", "title": "Tor", "created_time_dt": "2026-11-24T00:00:00.000Z"},
        "metadata": {"uid": uid, "product": {"uid": PRODUCT}},
        "severity": "High",
        "severity_id": 4,
        **more,
    }


def enable(aws, **facts):
    aws.emulator.world({ACCOUNT: {"hubs_v2": "all", **facts}, MEMBER: {"hubs_v2": "all", "administrator": ACCOUNT}})


def report(aws, *some):
    for item in some:
        aws.emulator.ask("POST", "ocsf_finding", item)


def shown(aws, region=REGION, account=ACCOUNT, **given):
    return aws.client("securityhub", region, account).get_findings_v2(**given)["Findings"]


def equals(field, *values):
    filters = [{"FieldName": field, "Filter": {"Value": value, "Comparison": "EQUALS"}} for value in values]
    return {"StringFilters": filters, "Operator": "OR"}


def test_a_service_reports_findings_only_where_the_hub_is_enabled(aws):
    with pytest.raises(urllib.error.HTTPError):
        report(aws, finding())
    enable(aws)
    with pytest.raises(urllib.error.HTTPError):
        report(aws, finding(metadata={"uid": "u-1"}))
    report(aws, finding(status="Resolved"), finding("u-2", MEMBER))
    assert [(item["metadata"]["uid"], item["status"], item["status_id"]) for item in shown(aws)] == [
        ("u-1", "New", 1),
        ("u-2", "New", 1),
    ]
    assert [item["metadata"]["uid"] for item in shown(aws, account=MEMBER)] == ["u-2"]


def test_findings_are_filtered_and_paged(aws):
    enable(aws)
    report(aws, finding("a"), finding("b", severity="Low"), finding("c", severity="Critical"))

    def uids(*composite, **more):
        filters = {"CompositeFilters": list(composite), "CompositeOperator": "AND"}
        return [item["metadata"]["uid"] for item in shown(aws, Filters=filters, **more)]

    assert uids(equals("severity", "High", "Critical"), equals("status", "New")) == ["a", "c"]
    assert uids(equals("severity", "High"), equals("status", "Resolved")) == []
    since = {"DateRange": {"Value": 30000, "Unit": "DAYS"}}
    dates = {"DateFilters": [{"FieldName": "finding_info.created_time_dt", "Filter": since}]}
    assert uids(dates) == ["a", "b", "c"]
    assert uids({"NumberFilters": [{"FieldName": "status_id", "Filter": {"Eq": 2}}]}) == []
    pages = aws.client("securityhub").get_paginator("get_findings_v2").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["Findings"]) for page in pages] == [2, 1]


@pytest.mark.parametrize(
    "given",
    [
        {"MetadataUids": ["u-1"]},
        {"StatusId": 2},
        {"StatusId": 6, "MetadataUids": ["u-1"]},
        {"SeverityId": 7, "MetadataUids": ["u-1"]},
        {"StatusId": 2, "MetadataUids": [" "]},
        {"StatusId": 2, "MetadataUids": ["u-1"] * 101},
        {"Comment": "c" * 513, "MetadataUids": ["u-1"]},
        {
            "StatusId": 2,
            "MetadataUids": ["u-1"],
            "FindingIdentifiers": [{"CloudAccountUid": "1", "FindingInfoUid": "1", "MetadataProductUid": "1"}],
        },
    ],
    ids=str,
)
def test_a_bad_update_is_refused(aws, given):
    enable(aws)
    report(aws, finding())
    with pytest.raises(ClientError) as raised:
        aws.client("securityhub", parameter_validation=False).batch_update_findings_v2(**given)
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def test_an_update_changes_the_finding_everywhere_and_causes_an_event_in_each_hub(aws):
    enable(aws, aggregator_v2={"home": HOME})
    aws.role()
    for region in (REGION, HOME):
        aws.topic(region)
        aws.rule({"detail-type": ["Findings Imported V2"], "detail": {"findings": {"status_id": [2]}}}, region)
    aws.channel(*(f"arn:aws:sns:{region}:{ACCOUNT}:findings" for region in (REGION, HOME)))
    aws.emulator.ask("POST", "switches", {"chatbot_ocsf_events": "shown"})
    report(aws, finding(account=MEMBER))
    hub = aws.client("securityhub", HOME)
    identifier = {"CloudAccountUid": MEMBER, "FindingInfoUid": "arn:u-1", "MetadataProductUid": PRODUCT}
    answer = hub.batch_update_findings_v2(FindingIdentifiers=[identifier], StatusId=2, Comment="Looking")
    assert [item["MetadataUid"] for item in answer["ProcessedFindings"]] == ["u-1"]
    for region, account in ((REGION, ACCOUNT), (HOME, ACCOUNT), (REGION, MEMBER)):
        (found,) = shown(aws, region, account)
        assert (found["status"], found["status_id"], found["comment"]) == ("In Progress", 2, "Looking")
    assert sorted(message["topic"].split(":")[3] for message in aws.emulator.inbox()) == [HOME, REGION]
    answer = hub.batch_update_findings_v2(MetadataUids=["u-1", "gone"], SeverityId=5)
    assert [item["ErrorCode"] for item in answer["UnprocessedFindings"]] == ["ResourceNotFoundException"]
    assert shown(aws)[0]["severity"] == "Critical"


def test_a_member_account_updates_only_its_own_findings(aws):
    enable(aws)
    report(aws, finding())
    member = aws.client("securityhub", account=MEMBER)
    assert len(member.batch_update_findings_v2(MetadataUids=["u-1"], StatusId=3)["UnprocessedFindings"]) == 1
    assert shown(aws)[0]["status"] == "New"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("denied", "AccessDeniedException"),
        ("invalid", "ValidationException"),
        ("not_found", "ResourceNotFoundException"),
    ],
)
def test_without_the_new_security_hub(aws, answer, code):
    aws.emulator.ask("POST", "switches", {"security_hub_v2_findings": answer})
    hub = aws.client("securityhub")
    for ask in (hub.get_findings_v2, lambda: hub.batch_update_findings_v2(MetadataUids=["u-1"], StatusId=3)):
        with pytest.raises(ClientError) as raised:
            ask()
        assert raised.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(("answer", "status"), [("new", "New"), ("kept", "In Progress")])
def test_a_reopened_finding(aws, answer, status):
    enable(aws)
    aws.emulator.ask("POST", "switches", {"security_hub_v2_reopened": answer})
    report(aws, finding(), finding("u-2"))
    hub = aws.client("securityhub")
    hub.batch_update_findings_v2(MetadataUids=["u-1"], StatusId=2, Comment="Looking")
    hub.batch_update_findings_v2(MetadataUids=["u-2"], StatusId=3)
    for activity in ("Close", "Create"):
        report(aws, finding(activity_name=activity), finding("u-2", activity_name=activity))
    first, second = shown(aws)
    assert (first["status"], first["comment"], second["status"]) == (status, "Looking", "Suppressed")
