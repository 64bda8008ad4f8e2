# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GetFindings' filters and sorting, as AwsSecurityFindingFilters documents them."""

from __future__ import annotations

import datetime
import ipaddress
from typing import Any
from typing import Callable

# Filter name -> path in a finding, where they differ. A path goes through all items of a list.
PATHS = {
    "Type": "Types",
    "SeverityProduct": "Severity.Product",
    "SeverityNormalized": "Severity.Normalized",
    "SeverityLabel": "Severity.Label",
    "RecommendationText": "Remediation.Recommendation.Text",
    "ComplianceStatus": "Compliance.Status",
    "ComplianceSecurityControlId": "Compliance.SecurityControlId",
    "ComplianceAssociatedStandardsId": "Compliance.AssociatedStandards.StandardsId",
    "ComplianceSecurityControlParametersName": "Compliance.SecurityControlParameters.Name",
    "ComplianceSecurityControlParametersValue": "Compliance.SecurityControlParameters.Value",
    "WorkflowStatus": "Workflow.Status",
    "NoteText": "Note.Text",
    "NoteUpdatedAt": "Note.UpdatedAt",
    "NoteUpdatedBy": "Note.UpdatedBy",
    "ResourceType": "Resources.Type",
    "ResourceId": "Resources.Id",
    "ResourcePartition": "Resources.Partition",
    "ResourceRegion": "Resources.Region",
    "ResourceTags": "Resources.Tags",
    "ResourceDetailsOther": "Resources.Details.Other",
    "ResourceApplicationName": "Resources.ApplicationName",
    "ResourceApplicationArn": "Resources.ApplicationArn",
    "MalwareName": "Malware.Name",
    "MalwareType": "Malware.Type",
    "MalwarePath": "Malware.Path",
    "MalwareState": "Malware.State",
    "NetworkDirection": "Network.Direction",
    "NetworkProtocol": "Network.Protocol",
    "NetworkSourceIpV4": "Network.SourceIpV4",
    "NetworkSourceIpV6": "Network.SourceIpV6",
    "NetworkDestinationIpV4": "Network.DestinationIpV4",
    "NetworkDestinationIpV6": "Network.DestinationIpV6",
    "RelatedFindingsProductArn": "RelatedFindings.ProductArn",
    "RelatedFindingsId": "RelatedFindings.Id",
    "FindingProviderFieldsConfidence": "FindingProviderFields.Confidence",
    "FindingProviderFieldsCriticality": "FindingProviderFields.Criticality",
    "FindingProviderFieldsSeverityLabel": "FindingProviderFields.Severity.Label",
    "FindingProviderFieldsSeverityOriginal": "FindingProviderFields.Severity.Original",
    "FindingProviderFieldsTypes": "FindingProviderFields.Types",
    "VulnerabilitiesExploitAvailable": "Vulnerabilities.ExploitAvailable",
    "VulnerabilitiesFixAvailable": "Vulnerabilities.FixAvailable",
}

NEGATIVE = {"NOT_EQUALS": "EQUALS", "PREFIX_NOT_EQUALS": "PREFIX", "NOT_CONTAINS": "CONTAINS"}
STRING_TESTS: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda value, expected: value == expected,
    "PREFIX": lambda value, expected: value.startswith(expected),
    "CONTAINS": lambda value, expected: expected in value,
    "CONTAINS_WORD": lambda value, expected: expected.lower() in value.lower().split(),
}
NUMBER_TESTS: dict[str, Callable[[float, float], bool]] = {
    "Gte": lambda value, bound: value >= bound,
    "Lte": lambda value, bound: value <= bound,
    "Gt": lambda value, bound: value > bound,
    "Lt": lambda value, bound: value < bound,
    "Eq": lambda value, bound: value == bound,
}


def values_at(node: Any, path: str) -> list[Any]:
    """Return all values in a finding at a dotted path."""
    nodes = [node]
    for step in path.split("."):
        nodes = [item for parent in nodes for item in _step(parent, step)]
    return nodes


def _step(node: Any, name: str) -> list[Any]:
    found = node.get(name) if isinstance(node, dict) else None
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def matches(finding: dict, filters: dict, now: datetime.datetime) -> bool:
    """Return whether a finding passes all filters: one positive condition of each, and all negative ones."""
    return all(_passes(finding, name, conditions, now) for name, conditions in filters.items() if conditions)


def _passes(finding: dict, name: str, conditions: list[dict], now: datetime.datetime) -> bool:
    if name == "Keyword":
        text = str(finding).lower()
        return any(condition["Value"].lower() in text for condition in conditions)
    values = values_at(finding, PATHS.get(name, name))
    return meets(values, conditions, now)


def meets(values: list[Any], conditions: list[dict], now: datetime.datetime) -> bool:
    """Return whether the values of a field meet one of the positive conditions, if any, and all negative ones."""
    positive = [condition for condition in conditions if condition.get("Comparison") not in NEGATIVE]
    negative = [condition for condition in conditions if condition.get("Comparison") in NEGATIVE]
    if positive and not any(_meets(value, condition, now) for condition in positive for value in values):
        return False
    return not any(
        _meets(value, {**condition, "Comparison": NEGATIVE[condition["Comparison"]]}, now)
        for condition in negative
        for value in values
    )


def _meets(value: Any, condition: dict, now: datetime.datetime) -> bool:
    if "Key" in condition:
        if not isinstance(value, dict):
            return False
        return condition["Key"] in value and _string_meets(str(value[condition["Key"]]), condition)
    if "Cidr" in condition:
        return ipaddress.ip_address(value) in ipaddress.ip_network(condition["Cidr"], strict=False)
    if "DateRange" in condition or "Start" in condition or "End" in condition:
        return _date_meets(str(value), condition, now)
    if any(bound in condition for bound in NUMBER_TESTS):
        return all(test(value, condition[bound]) for bound, test in NUMBER_TESTS.items() if bound in condition)
    if isinstance(condition.get("Value"), bool):
        return value is condition["Value"]
    return _string_meets(str(value), condition)


def _string_meets(value: str, condition: dict) -> bool:
    return STRING_TESTS[condition.get("Comparison", "EQUALS")](value, condition.get("Value", ""))


def _date_meets(value: str, condition: dict, now: datetime.datetime) -> bool:
    when = moment(value)
    if "DateRange" in condition:
        return when >= now - datetime.timedelta(days=condition["DateRange"].get("Value", 0))
    if "Start" in condition and when < moment(condition["Start"]):
        return False
    return "End" not in condition or when <= moment(condition["End"])


def moment(text: str) -> datetime.datetime:
    """Return an ISO 8601 time as findings carry it; without an offset it is UTC. Raise ValueError for anything else."""
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)


def is_moment(text: str) -> bool:
    """Return whether a text is a time."""
    try:
        moment(text)
    except ValueError:
        return False
    return True


def ordered(findings: list[dict], criteria: list[dict]) -> list[dict]:
    """Return findings sorted by SortCriteria; without any, in the order of import."""
    for criterion in reversed(criteria):
        path = PATHS.get(criterion.get("Field", ""), criterion.get("Field", ""))
        findings = sorted(
            findings, key=lambda finding: _sort_key(finding, path), reverse=criterion.get("SortOrder") == "desc"
        )
    return findings


def _sort_key(finding: dict, path: str) -> tuple[bool, float, str]:
    values = values_at(finding, path)
    if not values:
        return (False, 0, "")
    value = values[0]
    return (True, value, "") if isinstance(value, (int, float)) else (True, 0, str(value))
