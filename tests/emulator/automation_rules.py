# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automation rules of Security Hub CSPM and of the new Security Hub, and what they do to findings.

Sources: securityhub/latest/userguide/automation-rules.html and securityhub-v2-automation-rules.html, botocore's model,
and the schemas of AWS::SecurityHub::AutomationRule and AutomationRuleV2 (for lengths that the model lacks).
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

import findings
import ocsf_findings
from finding_filters import matches
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from rest_json import AwsError
from rest_json import page

if TYPE_CHECKING:
    from security_hub import SecurityHub

INVALID = "InvalidInputException"
VALIDATION = "ValidationException"
NOT_FOUND = "ResourceNotFoundException"
RULES_LIMIT = 100  # per administrator account and region
NAME_LENGTH = 256
DESCRIPTION_LENGTH = {"": 1024, "v2": 256}
NOTE_LENGTH = 512
VALUES_LIMIT = 20  # of one criterion, where its documentation does not say 100
VALUES_LIMITS = {"AwsAccountId": 100, "GeneratorId": 100, "ResourceId": 100, "Title": 100}
METADATA = ("RuleArn", "RuleStatus", "RuleOrder", "RuleName", "Description", "CreatedAt", "UpdatedAt")
GIVEN = ("RuleStatus", "RuleOrder", "RuleName", "Description", "IsTerminal", "Criteria", "Actions")


@dataclass
class Rule:
    """One rule: its members as BatchGetAutomationRules or GetAutomationRuleV2 answers them, and its tags."""

    members: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)


class AutomationRules:
    """The rules of all accounts and regions, by ARN. `kind` is '' for those of CSPM and v2 for the others."""

    def __init__(self, security_hub: SecurityHub) -> None:
        self.security_hub = security_hub
        self.clear()

    def clear(self) -> None:
        """Forget all rules."""
        self.rules: dict[str, Rule] = {}

    def operations(self) -> dict[str, Callable[[dict], dict | None]]:
        return {
            "CreateAutomationRule": self.create,
            "ListAutomationRules": self.list,
            "BatchGetAutomationRules": self.get,
            "BatchUpdateAutomationRules": self.update,
            "BatchDeleteAutomationRules": self.delete,
            "CreateAutomationRuleV2": self.create_v2,
            "ListAutomationRulesV2": self.list_v2,
            "GetAutomationRuleV2": lambda given: self._v2(given).members,
            "UpdateAutomationRuleV2": self.update_v2,
            "DeleteAutomationRuleV2": self.delete_v2,
        }

    # Security Hub CSPM

    def create(self, given: dict) -> dict:
        self._check_administrator()
        _check(given, "", INVALID)
        _check_criteria(given["Criteria"])
        with self.security_hub.lock:
            if len(self.of("", get_account_id(), get_region())) >= RULES_LIMIT:
                raise AwsError("LimitExceededException", f"The limit of {RULES_LIMIT} automation rules is reached")
            members = {"RuleStatus": "ENABLED", "IsTerminal": False, "CreatedBy": get_account_id()}
            return {"RuleArn": self._add("", "automation-rule", {**members, **given})}

    def list(self, given: dict) -> dict:
        self._check_administrator()
        names = (*METADATA, "IsTerminal", "CreatedBy")
        shown = [
            {name: rule.members[name] for name in names}
            for rule in self.of("", get_account_id(), get_region()).values()
        ]
        return page(shown, given, "AutomationRulesMetadata", INVALID)

    def get(self, given: dict) -> dict:
        known, unknown = self._each(given["AutomationRulesArns"])
        return {"Rules": [rule.members for rule in known.values()], "UnprocessedAutomationRules": unknown}

    def update(self, given: dict) -> dict:
        items = given["UpdateAutomationRulesRequestItems"]
        known, failed = self._each([item["RuleArn"] for item in items])
        for item in items:
            rule = known.get(item["RuleArn"])
            if rule is None:
                continue
            try:
                _check(item, "", INVALID)
                _check_criteria(item.get("Criteria"))
            except AwsError as error:
                failed.append(_unprocessed(item["RuleArn"], 400, error.message))
                del known[item["RuleArn"]]
                continue
            _change(rule, item)
        return {"ProcessedAutomationRules": list(known), "UnprocessedAutomationRules": failed}

    def delete(self, given: dict) -> dict:
        known, unknown = self._each(given["AutomationRulesArns"])
        for arn in known:
            del self.rules[arn]
        return {"ProcessedAutomationRules": list(known), "UnprocessedAutomationRules": unknown}

    def _check_administrator(self) -> None:
        self.security_hub.hub()
        if self.security_hub.account_state.account(get_account_id())["administrator"]:
            message = f"Account {get_account_id()} is a member account. Only its administrator has automation rules"
            raise AwsError("AccessDeniedException", message)

    def _each(self, arns: list[str]) -> tuple[dict[str, Rule], list[dict]]:
        """Return the caller's rules with these ARNs, and the entries of the others."""
        self._check_administrator()
        here = self.of("", get_account_id(), get_region())
        unknown = [_unprocessed(arn, 404, "Automation rule not found") for arn in arns if arn not in here]
        return {arn: here[arn] for arn in arns if arn in here}, unknown

    # The new Security Hub

    def create_v2(self, given: dict) -> dict:
        self._check_v2()
        _check(given, "v2", VALIDATION)
        _check_criteria_v2(given["Criteria"])
        with self.security_hub.lock:
            if len(self.of("v2", get_account_id(), get_region())) >= RULES_LIMIT:
                message = f"The limit of {RULES_LIMIT} automation rules is reached"
                raise AwsError("ServiceQuotaExceededException", message)
            arn = self._add("v2", "automation-rulev2", {"RuleStatus": "ENABLED", **given})
            return {"RuleArn": arn, "RuleId": arn.rpartition("/")[2]}

    def list_v2(self, given: dict) -> dict:
        self._check_v2(anywhere=True)
        shown = [
            {
                **{name: rule.members[name] for name in (*METADATA, "RuleId")},
                "Actions": [{"Type": action["Type"]} for action in rule.members["Actions"]],
            }
            for rule in self.of("v2", get_account_id(), get_region()).values()
        ]
        return page(shown, given, "Rules", VALIDATION)

    def update_v2(self, given: dict) -> None:
        rule = self._v2(given)
        _check(given, "v2", VALIDATION)
        _check_criteria_v2(given.get("Criteria"))
        _change(rule, given)

    def delete_v2(self, given: dict) -> None:
        del self.rules[self._v2(given).members["RuleArn"]]

    def _v2(self, given: dict) -> Rule:
        self._check_v2(anywhere=True)
        name = given["Identifier"]
        for arn, rule in self.of("v2", get_account_id(), get_region()).items():
            if name in (arn, rule.members["RuleId"]):
                return rule
        raise AwsError(NOT_FOUND, f"Automation rule {name} is not found")

    def _check_v2(self, anywhere: bool = False) -> None:
        """Raise unless the caller has the new Security Hub, and here is no linked region (*anywhere*: or is)."""
        try:
            self.security_hub.hub_v2()
        except AwsError as error:
            raise AwsError("AccessDeniedException", error.message) from error
        aggregator = self.security_hub.organization.aggregators_v2.get(get_account_id())
        if not anywhere and aggregator and get_region() != aggregator["AggregationRegion"]:
            home = aggregator["AggregationRegion"]
            raise AwsError(VALIDATION, f"Automation rules can only be created in the home region {home}")

    # Both

    def of(self, kind: str, account: str, region: str) -> dict[str, Rule]:
        """Return the rules of an account and region by ARN."""
        start = f"arn:aws:securityhub:{region}:{account}:automation-rule{kind}/"
        return {arn: rule for arn, rule in self.rules.items() if arn.startswith(start)}

    def _add(self, kind: str, resource: str, given: dict) -> str:
        identifier, now = str(uuid.uuid4()), _now()
        arn = f"arn:aws:securityhub:{get_region()}:{get_account_id()}:{resource}/{identifier}"
        members = {name: value for name, value in given.items() if name not in ("Tags", "ClientToken")}
        members |= {"RuleArn": arn, "CreatedAt": now, "UpdatedAt": now}
        self.rules[arn] = Rule(members | ({"RuleId": identifier} if kind else {}), dict(given.get("Tags") or {}))
        return arn

    # What they do to findings

    def applied(self, finding: dict, account: str, region: str) -> dict:
        """Return a finding that *account* imports into *region*, changed by the rules of its administrator, or its own.

        BatchUpdateFindings does not trigger them.
        """
        owner = self.security_hub.account_state.account(account)["administrator"] or account
        regions = [region]
        if self.security_hub.switches["automation_rules_linked_findings"] == "applied":
            home = self.security_hub.organization.home_of(owner, region)
            regions += [home] if home and home != region else []
        for where in regions:
            finding = self._applied_in(finding, owner, where)
        return finding

    def _applied_in(self, finding: dict, owner: str, region: str) -> dict:
        now = datetime.datetime.now(datetime.timezone.utc)
        for members in self._enabled("", owner, region):
            if matches(finding, members["Criteria"], now):
                finding = findings.updated(finding, members["Actions"][0]["FindingFieldsUpdate"], now)
                if members["IsTerminal"]:
                    break
        return finding

    def applied_v2(self, finding: dict) -> dict:
        """Return a finding (OCSF) that a service reports, changed by the rules of its region, or of the home region."""
        account, region = finding["cloud"]["account"]["uid"], finding["cloud"]["region"]
        owner = self.security_hub.account_state.account(account)["administrator"] or account
        where = self.security_hub.organization.home_of(owner, region, v2=True) or region
        now = datetime.datetime.now(datetime.timezone.utc)
        for members in self._enabled("v2", owner, where):
            filters, update = members["Criteria"].get("OcsfFindingCriteria"), members["Actions"][0]
            if filters and "FindingFieldsUpdate" in update and ocsf_findings.selects(filters, finding, now):
                finding = {**finding, **ocsf_findings.changes_of(update["FindingFieldsUpdate"])}
        return finding

    def _enabled(self, kind: str, owner: str, region: str) -> list[dict]:
        """Return the rules that are applied, in order; of equal ones, the one that was changed first comes first."""
        enabled = [rule.members for rule in self.of(kind, owner, region).values()]
        enabled = [members for members in enabled if members["RuleStatus"] == "ENABLED"]
        return sorted(enabled, key=lambda members: (members["RuleOrder"], members["UpdatedAt"]))


def _check(given: dict, kind: str, invalid: str) -> None:
    for name, limit in (("RuleName", NAME_LENGTH), ("Description", DESCRIPTION_LENGTH[kind])):
        if len(given.get(name, "")) > limit:
            raise AwsError(invalid, f"Invalid parameter '{name}'. It should NOT be longer than {limit} characters")
    for action in given.get("Actions", []):
        update = action.get("FindingFieldsUpdate")
        if action.get("Type") == "FINDING_FIELDS_UPDATE" and not update:
            raise AwsError(invalid, "Invalid parameter 'Actions'. FindingFieldsUpdate should NOT be empty")
        if len(((update or {}).get("Note") or {}).get("Text", "")) > NOTE_LENGTH:
            raise AwsError(invalid, f"Invalid parameter 'Note.Text'. At most {NOTE_LENGTH} characters are allowed")


def _check_criteria(criteria: dict | None) -> None:
    if criteria is None:
        return
    if not any(criteria.values()):
        raise AwsError(INVALID, "Invalid parameter 'Criteria'. At least one criterion is required")
    for name, values in criteria.items():
        limit = VALUES_LIMITS.get(name, VALUES_LIMIT)
        if not 1 <= len(values) <= limit:
            raise AwsError(INVALID, f"Invalid parameter 'Criteria.{name}'. Between 1 and {limit} values are allowed")


def _check_criteria_v2(criteria: dict | None) -> None:
    if criteria is None:
        return
    if not any(criteria.values()):
        raise AwsError(VALIDATION, "Criteria must not be empty")
    ocsf_findings.check_filters(criteria.get("OcsfFindingCriteria") or {})


def _unprocessed(arn: str, code: int, message: str) -> dict:
    return {"RuleArn": arn, "ErrorCode": code, "ErrorMessage": message}


def _change(rule: Rule, given: dict) -> None:
    rule.members |= {name: given[name] for name in GIVEN if name in given}
    rule.members["UpdatedAt"] = _now()


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
