# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automation rules of both kinds of Security Hub, end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

NAME = "Sandbox buckets"
TAGS = {"team": "security"}
MEMBER = "222222222222"


def values(*texts: str) -> list[dict[str, str]]:
    return [{"Comparison": "EQUALS", "Value": text} for text in texts]


def of_field(field: str, *texts: str) -> list[dict[str, Any]]:
    return [{"FieldName": field, "Filter": value} for value in values(*texts)]


def ocsf(*filters: dict[str, Any]) -> dict[str, Any]:
    return {"OcsfFindingCriteria": {"CompositeFilters": [{"StringFilters": list(filters), "Operator": "OR"}]}}


@dataclass(frozen=True)
class Kind:
    """A kind of rules: its module, criteria, the same in another order, other criteria, and the actions."""

    module: str
    criteria: dict[str, Any]
    same: dict[str, Any]
    other: dict[str, Any]
    action: dict[str, Any]
    suffix: str = ""
    longest_description: int = 1024

    @property
    def options(self) -> dict[str, Any]:
        return {
            "name": NAME,
            "description": "May be public",
            "order": 10,
            "criteria": self.criteria,
            "action": self.action,
        }

    def call(self, client: Any, operation: str, **given: Any) -> dict[str, Any]:
        return getattr(client, operation + self.suffix)(**given)

    def create(self, client: Any, name: str = NAME, **given: Any) -> str:
        members = {"RuleName": name, "Description": "By hand", "RuleOrder": 5, "Criteria": self.other, **given}
        return str(self.call(client, "create_automation_rule", Actions=[self.action], **members)["RuleArn"])

    def names(self, client: Any) -> list[str]:
        found = self.call(client, "list_automation_rules")
        return [rule["RuleName"] for rule in found.get("Rules") or found.get("AutomationRulesMetadata") or []]


CSPM = Kind(
    module="securityhub_automation_rule",
    criteria={"ComplianceSecurityControlId": values("S3.8"), "AwsAccountId": values(MEMBER, "333333333333")},
    same={"AwsAccountId": values("333333333333", MEMBER), "ComplianceSecurityControlId": values("S3.8"), "Title": []},
    other={"ComplianceSecurityControlId": values("S3.5")},
    action={
        "Type": "FINDING_FIELDS_UPDATE",
        "FindingFieldsUpdate": {
            "Workflow": {"Status": "SUPPRESSED"},
            "Note": {"Text": "May be public", "UpdatedBy": "security team"},
        },
    },
)
V2 = Kind(
    module="securityhub_automation_rule_v2",
    criteria=ocsf(*of_field("compliance.control", "S3.8", "S3.5")),
    same=ocsf(*of_field("compliance.control", "S3.5", "S3.8")),
    other=ocsf(*of_field("compliance.control", "S3.5")),
    action={"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"StatusId": 3, "Comment": "May be public"}},
    suffix="_v2",
    longest_description=256,
)
both = pytest.mark.parametrize("kind", [CSPM, V2], ids=["cspm", "v2"])


@pytest.fixture
def client(emulator, modules):
    emulator.world({"111111111111": {"hubs": ["us-east-1"], "hubs_v2": ["us-east-1"]}})
    return emulator.client("securityhub")


@both
def test_a_rule_is_created_changed_and_deleted(kind, client, modules):
    other = kind.create(client, "Other")
    created = modules.changes_once(kind.module, "automation_rule", **kind.options, tags=TAGS)["automation_rule"]
    assert created["rule_arn"] != other
    assert created["created_at"] == created["updated_at"]
    assert {key: created[key] for key in ("rule_name", "description", "rule_order", "rule_status", "tags")} == {
        "rule_name": NAME,
        "description": "May be public",
        "rule_order": 10,
        "rule_status": "ENABLED",
        "tags": TAGS,
    }
    assert (created["criteria"], created["action"]) == (kind.criteria, kind.action)
    assert created.get("is_terminal") is (False if kind is CSPM else None)
    # Neither options that are not set nor the order of values make a difference.
    modules.changes_nothing(kind.module, "automation_rule", name=NAME, criteria=kind.same)
    changes = {"criteria": kind.other, "order": 20, "enabled": False, "tags": {"owner": "jane"}}
    changed = modules.changes_once(kind.module, "automation_rule", name=NAME, **changes)["automation_rule"]
    assert (changed["criteria"], changed["rule_order"], changed["rule_status"]) == (kind.other, 20, "DISABLED")
    assert (changed["description"], changed["tags"]) == ("May be public", {"owner": "jane"})
    # By its ARN, a rule can be renamed.
    renamed = {"arn": created["rule_arn"], "name": "Buckets"}
    assert modules.changes_once(kind.module, "automation_rule", **renamed)["automation_rule"]["rule_name"] == "Buckets"
    listed = modules.ok(f"{kind.module}_info")["automation_rules"]
    assert [rule["rule_name"] for rule in listed] == ["Other", "Buckets"]
    assert modules.ok(f"{kind.module}_info", name="Buckets")["automation_rules"] == listed[1:]
    assert modules.ok(f"{kind.module}_info", arn=other)["automation_rules"] == listed[:1]
    assert modules.ok(f"{kind.module}_info", name=NAME)["automation_rules"] == []
    gone = modules.changes_once(kind.module, "automation_rule", name="Buckets", state="absent")
    assert gone["automation_rule"] == {}
    assert kind.names(client) == ["Other"]
    modules.changes_nothing(kind.module, "automation_rule", name="Buckets", state="absent")


@both
def test_of_two_rules_with_the_name_the_arn_decides(kind, client, modules):
    first, second = kind.create(client), kind.create(client)
    message = modules.refused(kind.module, name=NAME, order=7)
    assert "2 rules have this name. Set arn to one of" in message
    assert first in message and second in message
    modules.changes_once(kind.module, "automation_rule", arn=second, state="absent")
    modules.changes_nothing(kind.module, "automation_rule", name=NAME, order=5)


@both
def test_the_101st_rule_is_refused_at_once(kind, client, modules):
    for number in range(100):
        kind.create(client, f"Rule {number}")
    message = modules.refused(kind.module, **kind.options)
    assert "this account and region has 100 automation rules, and AWS allows 100" in message
    assert len(modules.ok(f"{kind.module}_info")["automation_rules"]) == 100


@both
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"description": None}, "a new one needs description"),
        ({"arn": "arn:aws:securityhub:us-east-1:111111111111:automation-rule/x"}, "no rule has this ARN"),
        ({"action": {"Type": "FINDING_FIELDS_UPDATE", "FindingFieldUpdate": {}}}, "FindingFieldUpdate"),
        ({"action": {"Type": ["FINDING_FIELDS_UPDATE"]}}, "Invalid type for parameter Actions[0].Type"),
    ],
)
def test_what_aws_would_refuse_is_refused_in_check_mode_too(kind, client, modules, changes, words):
    options = {key: value for key, value in {**kind.options, **changes}.items() if value is not None}
    assert words in modules.refused(kind.module, **options)


@both
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "name has 1 characters"),
        ({"name": "n" * 257}, "name has 257 characters. Use 1 to 256"),
        ({"order": 1001}, "order is 1001"),
        ({"order": 0}, "order is 0"),
        ({"criteria": {}}, "criteria is empty"),
        ({"name": None}, "one of the following is required: name, arn"),
    ],
)
def test_bad_input_is_refused_before_any_call(kind, modules, changes, words):
    options = {key: value for key, value in {**kind.options, **changes}.items() if value is not None}
    mark = modules.mark()
    assert words in modules.refused(kind.module, **options)
    too_long = {**kind.options, "description": "d" * (kind.longest_description + 1)}
    assert f"Use 1 to {kind.longest_description}," in modules.refused(kind.module, **too_long)
    assert modules.mark() == mark


@pytest.mark.parametrize(("criterion", "limit"), [("ResourceType", 20), ("AwsAccountId", 100)])
def test_a_criterion_has_a_limited_number_of_values(client, modules, criterion, limit):
    def options(count: int) -> dict[str, Any]:
        return {**CSPM.options, "criteria": {criterion: values(*map(str, range(count)))}}

    message = modules.refused(CSPM.module, **options(limit + 1))
    assert f"criteria has {limit + 1} values for {criterion}, and AWS allows {limit}" in message
    modules.changes_once(CSPM.module, "automation_rule", **options(limit))


def test_security_hub_has_to_be_on(emulator, modules):
    emulator.world({"111111111111": {}})
    assert "Security Hub is not enabled in us-east-1. Enable it" in modules.refused(CSPM.module, **CSPM.options)
    modules.changes_nothing(CSPM.module, "automation_rule", name=NAME, state="absent")
    assert "Security Hub is not enabled" in modules.refused(f"{CSPM.module}_info")
    emulator.world({"111111111111": {"hubs": ["us-east-1"]}})
    off = "The new Security Hub is not enabled in us-east-1. Enable it there, or leave the region out."
    assert off in modules.refused(V2.module, **V2.options)
    modules.changes_nothing(V2.module, "automation_rule", name=NAME, state="absent")
    assert off in modules.refused(f"{V2.module}_info")
    emulator.ask("POST", "switches", {"security_hub_v2": "invalid"})
    assert "ListAutomationRulesV2" in modules.refused(V2.module, **V2.options)


def test_a_member_account_cannot_have_rules(emulator, modules):
    emulator.world({"111111111111": {"hubs": ["us-east-1"], "administrator": MEMBER}, MEMBER: {"hubs": ["us-east-1"]}})
    assert "ListAutomationRules" in modules.refused(CSPM.module, **CSPM.options)


def test_gets_through_throttling_and_faults(emulator, client, modules):
    emulator.faults({"throttle": 0.3, "errors": 0.2})
    assert modules.ok(CSPM.module, **CSPM.options)["changed"] is True
    assert modules.ok(CSPM.module, name=NAME, state="absent")["changed"] is True
