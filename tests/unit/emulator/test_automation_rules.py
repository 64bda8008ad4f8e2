# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automation rules as boto3 sees them, and what those of CSPM do to findings."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT
from .conftest import REGION
from .conftest import error_code

MEMBER = "222222222222"


def rule(name: str = "rule", **members: Any) -> dict[str, Any]:
    update = {"Workflow": {"Status": "SUPPRESSED"}, "Note": {"Text": "May be", "UpdatedBy": "team"}}
    return {
        "RuleName": name,
        "Description": "A rule",
        "RuleOrder": 1,
        "Criteria": {"ComplianceSecurityControlId": [{"Value": "EC2.8", "Comparison": "EQUALS"}]},
        "Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": update}],
        **members,
    }


def severity(label: str, **members: Any) -> dict[str, Any]:
    action = {"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Severity": {"Label": label}}}
    return rule(label, Actions=[action], **members)


def test_a_rule_suppresses_findings_before_their_event(aws):
    aws.deployment()
    hub = aws.client("securityhub")
    arn = hub.create_automation_rule(**rule())["RuleArn"]
    aws.import_findings(
        aws.finding("1"), aws.finding("2", Compliance={"Status": "FAILED", "SecurityControlId": "S3.8"})
    )
    found = {item["Id"][-1]: item for item in hub.get_findings()["Findings"]}
    assert (found["1"]["Workflow"], found["2"]["Workflow"]) == ({"Status": "SUPPRESSED"}, {"Status": "NEW"})
    assert (found["1"]["Note"]["Text"], found["1"]["Note"]["UpdatedBy"]) == ("May be", "team")
    assert len(aws.titles()) == 2  # an event each, the first one with SUPPRESSED
    # A rule that was disabled does nothing; the status stays.
    hub.batch_update_automation_rules(UpdateAutomationRulesRequestItems=[{"RuleArn": arn, "RuleStatus": "DISABLED"}])
    aws.import_findings(aws.finding("3"))
    assert sum(item["Workflow"]["Status"] == "NEW" for item in hub.get_findings()["Findings"]) == 2


def test_rules_apply_in_order_until_a_terminal_one(aws):
    hub = aws.client("securityhub")
    hub.create_automation_rule(**severity("LOW", RuleOrder=2, IsTerminal=True))
    hub.create_automation_rule(**severity("HIGH", RuleOrder=3))
    hub.create_automation_rule(**severity("MEDIUM", RuleOrder=1))
    aws.import_findings(aws.finding())
    assert hub.get_findings()["Findings"][0]["Severity"]["Label"] == "LOW"


def test_only_the_administrator_has_rules_and_they_apply_to_its_members(aws):
    aws.emulator.world({ACCOUNT: {"hubs": [REGION]}, MEMBER: {"hubs": [REGION], "administrator": ACCOUNT}})
    member = aws.client("securityhub", account=MEMBER)
    with pytest.raises(ClientError) as raised:
        member.create_automation_rule(**rule())
    assert error_code(raised) == "AccessDeniedException"
    aws.client("securityhub").create_automation_rule(**rule())
    aws.import_findings(aws.finding(account=MEMBER), account=MEMBER)
    assert member.get_findings()["Findings"][0]["Workflow"]["Status"] == "SUPPRESSED"


@pytest.mark.parametrize(
    "members",
    [
        {"RuleName": "n" * 257},
        {"RuleName": " "},
        {"Description": "d" * 1025},
        {"RuleOrder": 1001},
        {"Criteria": {}},
        {"Criteria": {"ResourceType": [{"Value": str(number), "Comparison": "EQUALS"} for number in range(21)]}},
        {"Criteria": {"AwsAccountId": [{"Value": str(number), "Comparison": "EQUALS"} for number in range(101)]}},
        {"Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {}}]},
    ],
)
def test_a_bad_rule_is_refused(aws, members):
    hub = aws.client("securityhub")
    with pytest.raises(ClientError) as raised:
        hub.create_automation_rule(**rule(**members))
    assert error_code(raised) == "InvalidInputException"
    assert hub.list_automation_rules()["AutomationRulesMetadata"] == []


def test_an_account_has_100_rules_in_a_region(aws):
    hub = aws.client("securityhub")
    arns = [hub.create_automation_rule(**rule(str(number)))["RuleArn"] for number in range(100)]
    with pytest.raises(ClientError) as raised:
        hub.create_automation_rule(**rule())
    assert error_code(raised) == "LimitExceededException"
    aws.client("securityhub", "eu-west-1").create_automation_rule(**rule())
    first = hub.list_automation_rules(MaxResults=60)
    rest = hub.list_automation_rules(NextToken=first["NextToken"])
    assert (len(first["AutomationRulesMetadata"]), len(rest["AutomationRulesMetadata"])) == (60, 40)
    answer = hub.batch_delete_automation_rules(AutomationRulesArns=[arns[0], f"{arns[0]}x"])
    assert answer["ProcessedAutomationRules"] == [arns[0]]
    assert [item["RuleArn"] for item in answer["UnprocessedAutomationRules"]] == [f"{arns[0]}x"]
    assert hub.batch_get_automation_rules(AutomationRulesArns=arns)["Rules"][0]["RuleArn"] == arns[1]


def test_rules_have_tags(aws):
    hub = aws.client("securityhub")
    arn = hub.create_automation_rule(**rule(Tags={"a": "1"}))["RuleArn"]
    hub.tag_resource(ResourceArn=arn, Tags={"b": "2"})
    hub.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert hub.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}


def ocsf(region: str, control: str) -> dict[str, Any]:
    product = f"arn:aws:securityhub:{region}::productv2/aws/securityhub"
    return {
        "cloud": {"account": {"uid": ACCOUNT}, "region": region},
        "finding_info": {"uid": f"arn:{region}", "title": control},
        "metadata": {"uid": region, "product": {"uid": product}},
        "compliance": {"control": control, "status": "Fail"},
        "severity": "High",
    }


def test_rules_of_the_new_security_hub(aws):
    filters = [{"FieldName": "compliance.control", "Filter": {"Value": "S3.8", "Comparison": "EQUALS"}}]
    criteria = {"OcsfFindingCriteria": {"CompositeFilters": [{"StringFilters": filters}]}}
    action = {"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"StatusId": 3}}
    given = {"RuleName": "r", "Description": "d", "RuleOrder": 1.5, "Criteria": criteria, "Actions": [action]}
    hub = aws.client("securityhub")
    with pytest.raises(ClientError) as raised:
        hub.create_automation_rule_v2(**given)
    assert error_code(raised) == "AccessDeniedException"
    aws.emulator.world({ACCOUNT: {"hubs_v2": [REGION, "eu-west-1"], "aggregator_v2": {"home": REGION}}})
    with pytest.raises(ClientError) as raised:
        aws.client("securityhub", "eu-west-1").create_automation_rule_v2(**given)
    assert error_code(raised) == "ValidationException"
    created = hub.create_automation_rule_v2(**given)
    hub.update_automation_rule_v2(Identifier=created["RuleArn"], RuleStatus="DISABLED")
    found = hub.get_automation_rule_v2(Identifier=created["RuleId"])
    assert (found["RuleStatus"], found["RuleOrder"], found["Criteria"]) == ("DISABLED", 1.5, criteria)
    assert [item["RuleArn"] for item in hub.list_automation_rules_v2()["Rules"]] == [created["RuleArn"]]
    hub.update_automation_rule_v2(Identifier=created["RuleArn"], RuleStatus="ENABLED")
    for region, control in (("eu-west-1", "S3.8"), (REGION, "S3.5")):
        aws.emulator.ask("POST", "ocsf_finding", ocsf(region, control))
    shown = {item["cloud"]["region"]: item["status"] for item in hub.get_findings_v2()["Findings"]}
    assert shown == {"eu-west-1": "Suppressed", REGION: "New"}
    hub.delete_automation_rule_v2(Identifier=created["RuleArn"])
    with pytest.raises(ClientError) as raised:
        hub.get_automation_rule_v2(Identifier=created["RuleArn"])
    assert error_code(raised) == "ResourceNotFoundException"
