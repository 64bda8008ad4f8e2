# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings (OCSF) of the new Security Hub: what AWS services report, and what customers read and update.

Source: API_BatchUpdateFindingsV2.html, API_GetFindingsV2.html, and securityhub-v2-cwe-event-rules.html, which says that
BatchUpdateFindingsV2 causes events, too.
"""

from __future__ import annotations

import datetime
import threading
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from account_state import InvalidAccountState
from finding_filters import meets
from finding_filters import values_at
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from rest_json import AwsError
from rest_json import page

if TYPE_CHECKING:
    from security_hub import SecurityHub

INVALID = "ValidationException"
EVENT = "Findings Imported V2"
# Switch security_hub_v2_findings -> code, and status if the model of the operations lacks it.
WITHOUT_HUB: dict[str, tuple[str, int | None]] = {
    "denied": ("AccessDeniedException", None),
    "invalid": (INVALID, None),
    "not_found": ("ResourceNotFoundException", 404),
}
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindingsV2.html names the IDs, and
# https://schema.ocsf.io/classes/detection_finding and base_event have the texts.
STATUSES = {
    0: "Unknown",
    1: "New",
    2: "In Progress",
    3: "Suppressed",
    4: "Resolved",
    5: "Archived",
    99: "Other",
}
SEVERITIES = {
    0: "Unknown",
    1: "Informational",
    2: "Low",
    3: "Medium",
    4: "High",
    5: "Critical",
    6: "Fatal",
    99: "Other",
}
COMMENT_LENGTH = 512
COMPOSITE_FILTERS, FILTERS = 10, 20
# What a finding of a provider must have.
REQUIRED = ("metadata.uid", "metadata.product.uid", "finding_info.uid", "cloud.account.uid", "cloud.region", "severity")
# Only customers set these.
OF_THE_CUSTOMER = ("status", "status_id", "comment")


class OcsfFindings:
    """The findings of each account and region, by metadata.uid."""

    def __init__(self, security_hub: SecurityHub) -> None:
        self.security_hub = security_hub
        self.lock = threading.RLock()
        self.clear()

    def operations(self) -> dict[str, Callable[[dict], dict | None]]:
        """Return the operations of Security Hub that are served here."""
        return {"BatchUpdateFindingsV2": self.update, "GetFindingsV2": self.get}

    def clear(self) -> None:
        """Forget all findings."""
        self.shown: dict[tuple[str, str], dict[str, dict]] = {}

    def report(self, given: dict) -> None:
        """Let an AWS service create or update a finding in the account and region that the finding names."""
        missing = [path for path in REQUIRED if not values_at(given, path)]
        if missing:
            raise InvalidAccountState(f"an OCSF finding needs {', '.join(missing)}")
        account, region, uid = given["cloud"]["account"]["uid"], given["cloud"]["region"], given["metadata"]["uid"]
        if (account, region) not in self.security_hub.v2:
            raise InvalidAccountState(f"the new Security Hub is not enabled in {account} {region}")
        new = {name: value for name, value in given.items() if name not in OF_THE_CUSTOMER}
        with self.lock:
            old = self.shown.get((account, region), {}).get(uid)
            kept = {name: old[name] for name in OF_THE_CUSTOMER if name in old} if old else {}
            if old is None or self._is_reset(old, new):
                kept |= {"status": STATUSES[1], "status_id": 1}
            # "Automation rules take effect before EventBridge rules are applied"
            # (securityhub/latest/userguide/securityhub-v2-automations.html).
            stored = self.security_hub.automation_rules.applied_v2({**new, **kept})
            event = stored
            if self.security_hub.switches["security_hub_customer_fields"] == "left_out":
                event = {name: value for name, value in stored.items() if name != "comment"}
            self._publish(stored, event)

    def _is_reset(self, old: dict, new: dict) -> bool:
        """Return whether a finding is New again, because it was closed or passed, and is not any more."""
        if self.security_hub.switches["security_hub_v2_reopened"] == "kept" or old["status"] == STATUSES[3]:
            return False
        return _is_over(old) and not _is_over(new)

    def _publish(self, finding: dict, event: dict) -> None:
        """Store the finding in every hub that shows it, and send the event of each."""
        account, region = finding["cloud"]["account"]["uid"], finding["cloud"]["region"]
        for place in self.security_hub.organization.feeds(account, region, v2=True):
            if place not in self.security_hub.v2:
                continue
            uid = finding["metadata"]["uid"]
            self.shown.setdefault(place, {})[uid] = finding
            self.security_hub.emit(*place, EVENT, [uid], {"findings": [event]})

    def _own(self) -> dict[str, dict]:
        try:
            self.security_hub.hub_v2()
        except AwsError as error:
            code, status = WITHOUT_HUB[self.security_hub.switches["security_hub_v2_findings"]]
            raise AwsError(code, error.message, status) from error
        return self.shown.setdefault((get_account_id(), get_region()), {})

    def update(self, given: dict) -> dict:
        """Answer BatchUpdateFindingsV2."""
        with self.lock:
            own, changes = self._own(), changes_of(given)
            uids, identifiers = given.get("MetadataUids") or [], given.get("FindingIdentifiers") or []
            if bool(uids) == bool(identifiers):
                raise AwsError(INVALID, "Specify either MetadataUids or FindingIdentifiers")
            by_identifier = {_identifier(finding): uid for uid, finding in own.items()}
            chosen = [({"MetadataUid": uid}, uid) for uid in uids]
            chosen += [
                ({"FindingIdentifier": item}, by_identifier.get(tuple(sorted(item.items())), ""))
                for item in identifiers
            ]
            answer: dict[str, list] = {"ProcessedFindings": [], "UnprocessedFindings": []}
            for named, uid in chosen:
                if uid not in own:
                    error = {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": "Finding not found"}
                    answer["UnprocessedFindings"].append({**named, **error})
                    continue
                new = {**own[uid], **changes}
                self._publish(new, new)
                answer["ProcessedFindings"].append({**named, "MetadataUid": uid})
        return answer

    def get(self, given: dict) -> dict:
        """Answer GetFindingsV2."""
        if given.get("Scopes") or given.get("SortCriteria"):
            raise AwsError("NotImplemented", "The emulator has neither Scopes nor SortCriteria", 501)
        now = datetime.datetime.now(datetime.timezone.utc)
        filters = given.get("Filters", {})
        check_filters(filters)
        found = [finding for finding in self._own().values() if selects(filters, finding, now)]
        return page(found, given, "Findings", INVALID)


def check_filters(filters: dict) -> None:
    """Raise if AWS refuses OcsfFindingFilters."""
    composite = filters.get("CompositeFilters", [])
    if len(composite) > COMPOSITE_FILTERS:
        raise AwsError(INVALID, f"At most {COMPOSITE_FILTERS} composite filters are allowed")
    for item in composite:
        _check_composite(item)


def selects(filters: dict, finding: dict, now: datetime.datetime) -> bool:
    """Return whether OcsfFindingFilters select a finding."""
    composite = filters.get("CompositeFilters", [])
    combine = any if filters.get("CompositeOperator") == "OR" else all
    return not composite or combine(_passes(finding, item, now) for item in composite)


def changes_of(given: dict) -> dict[str, Any]:
    """Return what a request changes in its findings."""
    changes: dict[str, Any] = {}
    for name, texts, key in (("StatusId", STATUSES, "status"), ("SeverityId", SEVERITIES, "severity")):
        if name in given:
            if given[name] not in texts:
                raise AwsError(INVALID, f"{name} must be one of {sorted(texts)}")
            changes |= {key: texts[given[name]], f"{key}_id": given[name]}
    if "Comment" in given:
        if len(given["Comment"]) > COMMENT_LENGTH:
            raise AwsError(INVALID, f"Comment must have at most {COMMENT_LENGTH} characters")
        changes["comment"] = given["Comment"]
    if not changes:
        raise AwsError(INVALID, "Specify at least one of Comment, SeverityId and StatusId")
    return changes


def _identifier(finding: dict) -> tuple[tuple[str, str], ...]:
    return (
        ("CloudAccountUid", finding["cloud"]["account"]["uid"]),
        ("FindingInfoUid", finding["finding_info"]["uid"]),
        ("MetadataProductUid", finding["metadata"]["product"]["uid"]),
    )


def _is_over(finding: dict) -> bool:
    return finding.get("activity_name") == "Close" or finding.get("compliance", {}).get("status") == "Pass"


def _check_composite(given: dict) -> None:
    for kind, items in given.items():
        if kind in ("MapFilters", "IpFilters", "NestedCompositeFilters"):
            raise AwsError("NotImplemented", f"The emulator has no {kind}", 501)
        if kind != "Operator" and len(items) > FILTERS:
            raise AwsError(INVALID, f"At most {FILTERS} {kind} are allowed")


def _passes(finding: dict, composite: dict, now: datetime.datetime) -> bool:
    """Return whether a finding passes a composite filter, whose filters are combined by its operator (AND)."""
    combine = any if composite.get("Operator") == "OR" else all
    items = [item for kind, of_kind in composite.items() if kind != "Operator" for item in of_kind]
    return combine(meets(values_at(finding, item["FieldName"]), [item["Filter"]], now) for item in items)
