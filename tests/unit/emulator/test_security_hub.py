# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Hub as boto3 sees it."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError

ACCOUNT, MEMBER, REGION = "111111111111", "222222222222", "us-east-1"


def code_of(call, *args, **kwargs):
    """Return the code and the HTTP status of the error that a call raises."""
    with pytest.raises(ClientError) as raised:
        call(*args, **kwargs)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_hub_is_described_enabled_and_disabled(aws):
    hub = aws.client("securityhub", account=MEMBER)
    assert code_of(hub.describe_hub) == ("InvalidAccessException", 401)
    assert code_of(hub.describe_action_targets) == ("InvalidAccessException", 401)
    hub.enable_security_hub(ControlFindingGenerator="STANDARD_CONTROL")
    described = hub.describe_hub()
    assert described["HubArn"] == f"arn:aws:securityhub:{REGION}:{MEMBER}:hub/default"
    assert described["ControlFindingGenerator"] == "STANDARD_CONTROL"
    assert code_of(hub.enable_security_hub) == ("ResourceConflictException", 409)
    hub.disable_security_hub()
    assert code_of(hub.describe_hub) == ("InvalidAccessException", 401)


def test_an_action_target_is_created_updated_and_deleted(aws):
    hub = aws.client("securityhub")
    arn = hub.create_action_target(Name="Send to Slack", Description="To the channel", Id="SendToSlack")[
        "ActionTargetArn"
    ]
    assert arn == f"arn:aws:securityhub:{REGION}:{ACCOUNT}:action/custom/SendToSlack"
    hub.update_action_target(ActionTargetArn=arn, Description="Elsewhere")
    expected = [{"ActionTargetArn": arn, "Name": "Send to Slack", "Description": "Elsewhere"}]
    assert hub.describe_action_targets(ActionTargetArns=[arn])["ActionTargets"] == expected
    assert aws.client("securityhub", "eu-west-1").describe_action_targets()["ActionTargets"] == []
    assert hub.delete_action_target(ActionTargetArn=arn)["ActionTargetArn"] == arn
    assert hub.describe_action_targets()["ActionTargets"] == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"Name": "n", "Description": "d", "Id": "There"}, ("ResourceConflictException", 409)),
        ({"Name": "n" * 21, "Description": "d", "Id": "A"}, ("InvalidInputException", 400)),
        ({"Name": "n", "Description": "d", "Id": "A" * 21}, ("InvalidInputException", 400)),
        ({"Name": "n", "Description": "d", "Id": "send-to-slack"}, ("InvalidInputException", 400)),
        ({"Name": " ", "Description": "d", "Id": "A"}, ("InvalidInputException", 400)),
    ],
)
def test_a_bad_action_target_is_refused(aws, given, expected):
    hub = aws.client("securityhub")
    hub.create_action_target(Name="n", Description="d", Id="There")
    assert code_of(hub.create_action_target, **given) == expected


def test_an_unknown_action_target_is_not_found(aws):
    hub, arn = aws.client("securityhub"), f"arn:aws:securityhub:{REGION}:{ACCOUNT}:action/custom/Gone"
    missing = ("ResourceNotFoundException", 404)
    assert code_of(hub.describe_action_targets, ActionTargetArns=[arn]) == missing
    assert code_of(hub.update_action_target, ActionTargetArn=arn, Name="n") == missing
    assert code_of(hub.delete_action_target, ActionTargetArn=arn) == missing


def test_action_targets_come_in_pages_up_to_fifty(aws):
    hub = aws.client("securityhub")
    for number in range(50):
        hub.create_action_target(Name="n", Description="d", Id=f"A{number}")
    pages = list(hub.get_paginator("describe_action_targets").paginate(PaginationConfig={"PageSize": 20}))
    assert [len(page["ActionTargets"]) for page in pages] == [20, 20, 10]
    assert code_of(hub.create_action_target, Name="n", Description="d", Id="B") == ("LimitExceededException", 429)
    assert code_of(hub.describe_action_targets, NextToken="stale") == ("InvalidInputException", 400)


def test_an_imported_finding_is_completed_and_found(aws):
    given = aws.finding(Severity={"Normalized": 75}, Region="eu-west-1")
    assert aws.import_findings(given)["SuccessCount"] == 1
    (found,) = aws.client("securityhub").get_findings()["Findings"]
    assert found["Severity"]["Label"] == "HIGH"
    assert found["Region"] == REGION, "Security Hub fills the region in itself"
    assert (found["Workflow"]["Status"], found["RecordState"]) == ("NEW", "ACTIVE")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"AwsAccountId": MEMBER}, "InvalidAccess"),
        ({"ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub"}, "InvalidAccess"),
        ({"ProductArn": f"arn:aws:securityhub:us-east-1:{MEMBER}:product/{MEMBER}/default"}, "InvalidAccess"),
        ({"ProductArn": "arn:aws:securityhub:us-east-1::product/other/Id=x,y"}, "InvalidAccess"),
        ({"UpdatedAt": "yesterday"}, "InvalidInput"),
        ({"Severity": {"Label": "GRAVE"}}, "InvalidInput"),
        ({"Description": "x" * 250_000}, "InvalidInput"),
    ],
)
def test_a_bad_finding_fails_alone(aws, more, code):
    answer = aws.import_findings(aws.finding("good"), aws.finding("bad", **more))
    assert (answer["SuccessCount"], answer["FailedCount"]) == (1, 1)
    assert answer["FailedFindings"][0]["ErrorCode"] == code


def test_import_needs_a_later_time_and_keeps_customer_fields(aws):
    hub = aws.client("securityhub")
    first = aws.finding()
    aws.import_findings(first)
    identifier = {"Id": first["Id"], "ProductArn": first["ProductArn"]}
    hub.batch_update_findings(FindingIdentifiers=[identifier], Workflow={"Status": "NOTIFIED"})
    aws.import_findings({**first, "Title": "ignored"})
    aws.import_findings({**first, "Title": "taken", "UpdatedAt": "2026-01-02T00:00:00Z", "Workflow": {"Status": "NEW"}})
    (found,) = hub.get_findings()["Findings"]
    assert (found["Title"], found["Workflow"]["Status"]) == ("taken", "NOTIFIED")


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ({"RecordState": "ARCHIVED"}, {"RecordState": "ACTIVE"}, "NEW"),
        ({"Compliance": {"Status": "PASSED"}}, {"Compliance": {"Status": "FAILED"}}, "NEW"),
        ({"Compliance": {"Status": "FAILED"}}, {"Compliance": {"Status": "PASSED"}}, "RESOLVED"),
        ({"Compliance": {"Status": "FAILED"}}, {"Compliance": {"Status": "WARNING"}}, "NOTIFIED"),
    ],
)
def test_a_finding_that_fails_again_is_new_and_one_that_passes_is_resolved(aws, before, after, status):
    hub, first = aws.client("securityhub"), aws.finding(**before)
    aws.import_findings(first)
    identifier = {"Id": first["Id"], "ProductArn": first["ProductArn"]}
    hub.batch_update_findings(FindingIdentifiers=[identifier], Workflow={"Status": "NOTIFIED"})
    aws.import_findings({**first, **after, "UpdatedAt": "2026-01-02T00:00:00Z"})
    assert hub.get_findings()["Findings"][0]["Workflow"]["Status"] == status


def test_an_update_of_an_unknown_finding_is_reported(aws):
    unknown = {"Id": "nowhere", "ProductArn": aws.finding()["ProductArn"]}
    answer = aws.client("securityhub").batch_update_findings(FindingIdentifiers=[unknown], Workflow={"Status": "NEW"})
    assert answer["ProcessedFindings"] == []
    assert answer["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound"


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"SeverityLabel": [{"Value": "CRITICAL", "Comparison": "EQUALS"}]}, {"old", "new"}),
        (
            {"SeverityLabel": [{"Value": v, "Comparison": "EQUALS"} for v in ("LOW", "CRITICAL")]},
            {"old", "new", "guard"},
        ),
        ({"SeverityLabel": [{"Value": "CRITICAL", "Comparison": "NOT_EQUALS"}]}, {"guard"}),
        ({"Title": [{"Value": "EC2", "Comparison": "PREFIX"}]}, {"old", "new"}),
        ({"Title": [{"Value": "EC2", "Comparison": "PREFIX_NOT_EQUALS"}]}, {"guard"}),
        ({"ComplianceStatus": [{"Value": "FAILED", "Comparison": "NOT_EQUALS"}]}, {"guard"}),
        ({"ResourceId": [{"Value": "i-1", "Comparison": "EQUALS"}]}, {"old", "new", "guard"}),
        ({"CreatedAt": [{"Start": "2026-01-01T00:00:00Z", "End": "2026-06-01T00:00:00Z"}]}, {"new", "guard"}),
        ({"CreatedAt": [{"DateRange": {"Value": 36500, "Unit": "DAYS"}}]}, {"old", "new", "guard"}),
        ({"SeverityNormalized": [{"Gte": 90}]}, {"old", "new"}),
        (
            {
                "Title": [{"Value": "EC2", "Comparison": "PREFIX"}],
                "CreatedAt": [{"End": "2025-12-31T00:00:00Z"}],
            },
            {"old"},
        ),
    ],
)
def test_findings_are_filtered_as_documented(aws, filters, names):
    guard = aws.finding("guard", Title="A probe", Severity={"Label": "LOW"})
    del guard["Compliance"]
    aws.import_findings(aws.finding("old", CreatedAt="2020-01-01T00:00:00Z"), aws.finding("new"), guard)
    found = aws.client("securityhub").get_findings(Filters=filters)["Findings"]
    assert {finding["Id"].rsplit("/", 1)[-1] for finding in found} == names


def test_findings_are_sorted_and_come_in_pages(aws):
    labels = ["LOW", "CRITICAL", "MEDIUM"]
    aws.import_findings(*[aws.finding(label, Severity={"Label": label}) for label in labels])
    pages = (
        aws.client("securityhub")
        .get_paginator("get_findings")
        .paginate(SortCriteria=[{"Field": "SeverityNormalized", "SortOrder": "desc"}], MaxResults=2)
    )
    found = [[finding["Severity"]["Label"] for finding in page["Findings"]] for page in pages]
    assert found == [["CRITICAL", "MEDIUM"], ["LOW"]]


def test_an_aggregator_links_regions(aws):
    home, linked = aws.client("securityhub"), aws.client("securityhub", "eu-west-1")
    assert home.list_finding_aggregators()["FindingAggregators"] == []
    arn = home.create_finding_aggregator(RegionLinkingMode="SPECIFIED_REGIONS", Regions=["eu-west-1"])[
        "FindingAggregatorArn"
    ]
    seen = linked.get_finding_aggregator(FindingAggregatorArn=arn)
    assert (seen["FindingAggregationRegion"], seen["Regions"]) == (REGION, ["eu-west-1"])
    assert code_of(home.create_finding_aggregator, RegionLinkingMode="ALL_REGIONS")[0] == "LimitExceededException"
    update = {"FindingAggregatorArn": arn, "RegionLinkingMode": "ALL_REGIONS"}
    assert code_of(linked.update_finding_aggregator, **update) == ("InvalidInputException", 400)
    assert "Regions" not in home.update_finding_aggregator(**update)
    home.delete_finding_aggregator(FindingAggregatorArn=arn)
    assert code_of(home.get_finding_aggregator, FindingAggregatorArn=arn) == ("ResourceNotFoundException", 404)


def test_a_finding_is_shown_in_the_home_region_and_to_the_administrator(aws):
    aggregator = {"home": REGION, "RegionLinkingMode": "ALL_REGIONS"}
    aws.emulator.world({MEMBER: {"hubs": "all", "administrator": ACCOUNT}, ACCOUNT: {"aggregator": aggregator}})
    aws.import_findings(aws.finding(region="eu-west-1", account=MEMBER), region="eu-west-1", account=MEMBER)
    targets = [(ACCOUNT, "eu-west-1"), (ACCOUNT, REGION), (MEMBER, "eu-west-1"), (MEMBER, REGION)]
    shown = [len(aws.client("securityhub", region, account).get_findings()["Findings"]) for account, region in targets]
    assert shown == [1, 1, 1, 0]
    (found,) = aws.client("securityhub").get_findings()["Findings"]
    assert (found["Region"], found["AwsAccountId"]) == ("eu-west-1", MEMBER)
    identifier = {"Id": found["Id"], "ProductArn": found["ProductArn"]}
    aws.client("securityhub").batch_update_findings(FindingIdentifiers=[identifier], Workflow={"Status": "SUPPRESSED"})
    (at_member,) = aws.client("securityhub", "eu-west-1", MEMBER).get_findings()["Findings"]
    assert at_member["Workflow"]["Status"] == "SUPPRESSED"


def test_administrator_and_members_know_each_other(aws):
    aws.emulator.world({MEMBER: {"hubs": "all", "administrator": ACCOUNT}})
    administrator = aws.client("securityhub", account=MEMBER).get_administrator_account()["Administrator"]
    assert administrator["AccountId"] == ACCOUNT
    members = aws.client("securityhub").list_members()["Members"]
    assert [(member["AccountId"], member["MemberStatus"]) for member in members] == [(MEMBER, "Enabled")]
    assert "Administrator" not in aws.client("securityhub").get_administrator_account()


def test_the_management_account_delegates(aws):
    aws.emulator.world({}, management_account=MEMBER)
    management = aws.client("securityhub", account=MEMBER)
    assert code_of(aws.client("securityhub").list_organization_admin_accounts)[0] == "InvalidAccessException"
    management.enable_organization_admin_account(AdminAccountId=ACCOUNT)
    listed = management.list_organization_admin_accounts()["AdminAccounts"]
    assert listed == [{"AccountId": ACCOUNT, "Status": "ENABLED"}]
    hub = aws.client("securityhub")
    hub.update_organization_configuration(AutoEnable=True, AutoEnableStandards="NONE")
    configuration = hub.describe_organization_configuration()
    assert (configuration["AutoEnable"], configuration["AutoEnableStandards"]) == (True, "NONE")
    management.disable_organization_admin_account(AdminAccountId=ACCOUNT)
    assert management.list_organization_admin_accounts()["AdminAccounts"] == []


def test_the_new_hub_is_separate(aws):
    hub = aws.client("securityhub")
    assert code_of(hub.describe_security_hub_v2) == ("ResourceNotFoundException", 404)
    aws.emulator.world({ACCOUNT: {"hubs_v2": [REGION], "aggregator_v2": {"home": REGION}}})
    assert re.search(r":hubv2/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", hub.describe_security_hub_v2()["HubV2Arn"])
    assert len(hub.list_aggregators_v2()["AggregatorsV2"]) == 1
