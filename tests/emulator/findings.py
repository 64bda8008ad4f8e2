# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Security Hub changes a finding that is imported or updated.

Source: securityhub/latest/userguide/finding-update-batchimportfindings.html and finding-workflow-status.html.
"""

from __future__ import annotations

import datetime
from typing import Any

from finding_filters import moment

# Members that a finding provider cannot change after the first import.
OF_THE_CUSTOMER = ("Note", "UserDefinedFields", "VerificationState", "Workflow", "WorkflowState")
# Lowest normalized severity of each label, highest first.
LABELS = {"CRITICAL": 90, "HIGH": 70, "MEDIUM": 40, "LOW": 1, "INFORMATIONAL": 0}
PRODUCT_NAMES = {
    "aws/securityhub": "Security Hub CSPM",
    "aws/guardduty": "GuardDuty",
    "aws/inspector": "Inspector",
    "aws/macie": "Macie",
    "aws/access-analyzer": "IAM Access Analyzer",
    "aws/config": "Config",
    "aws/health": "Health",
}


def key(finding: dict) -> tuple[str, str]:
    """Return the key that identifies a finding."""
    return finding["ProductArn"], finding["Id"]


def resource(finding: dict) -> str:
    """Return the entry of a finding in the resources of its event: product and finding."""
    return f"{finding['ProductArn']}/{finding['Id']}"


def text_of(when: datetime.datetime) -> str:
    """Return a time as Security Hub writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def imported(old: dict | None, given: dict, region: str, now: datetime.datetime) -> dict | None:
    """Return the finding after an import into `region`, or None when the import is ignored for its UpdatedAt."""
    if old is not None and moment(given["UpdatedAt"]) <= moment(old["UpdatedAt"]):
        return None
    new = {**given, "Region": region, "ProcessedAt": text_of(now)}
    new["Severity"] = severity(given.get("FindingProviderFields", {}).get("Severity") or given.get("Severity") or {})
    new.setdefault("RecordState", "ACTIVE")
    product = given["ProductArn"].split(":product/")[-1]
    new.setdefault("ProductName", PRODUCT_NAMES.get(product, "Default" if product.endswith("/default") else product))
    new.setdefault("CompanyName", "AWS" if product.startswith("aws/") else "Personal")
    provider = {"Severity": {"Label": new["Severity"]["Label"]}, "Types": given.get("Types", [])}
    new["FindingProviderFields"] = {**provider, **given.get("FindingProviderFields", {})}
    if old is None:
        new.setdefault("Workflow", {"Status": "NEW"})
        new.setdefault("WorkflowState", "NEW")
    else:
        for name in OF_THE_CUSTOMER:
            new.pop(name, None)
            if name in old:
                new[name] = old[name]
    new["Workflow"] = {"Status": workflow_status(old, new)}
    return new


def workflow_status(old: dict | None, new: dict) -> str:
    """Return the workflow status after an import: RESOLVED if it passes, NEW if it fails again; SUPPRESSED stays."""
    status = new["Workflow"]["Status"]
    compliance = new.get("Compliance", {}).get("Status")
    if old is None or status == "SUPPRESSED":
        return status
    if compliance == "PASSED" and old.get("Compliance", {}).get("Status") != "PASSED":
        return "RESOLVED"
    reactivated = old.get("RecordState") == "ARCHIVED" and new["RecordState"] == "ACTIVE"
    failed_again = old.get("Compliance", {}).get("Status") == "PASSED" and compliance not in (None, "PASSED")
    return "NEW" if reactivated or failed_again else status


def severity(given: dict) -> dict:
    """Return a severity with label and normalized value, each derived from the other."""
    label, normalized = given.get("Label"), given.get("Normalized")
    if label is None:
        score = normalized or 0
        label = next(name for name, least in LABELS.items() if score >= least)
    if normalized is None:
        normalized = LABELS[label]
    return {**given, "Label": label, "Normalized": normalized}


def updated(old: dict, changes: dict[str, Any], now: datetime.datetime) -> dict:
    """Return the finding after a BatchUpdateFindings with these members."""
    new = {**old, "ProcessedAt": text_of(now)}
    for name, value in changes.items():
        if name == "Note":
            new["Note"] = {**value, "UpdatedAt": text_of(now)}
        elif name == "Severity":
            new["Severity"] = severity({**old.get("Severity", {}), "Normalized": None, **value})
        elif name == "Workflow":
            new["Workflow"] = {**old.get("Workflow", {}), **value}
        else:
            new[name] = value
    return new
