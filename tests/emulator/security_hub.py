# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Hub: hubs, custom actions (action targets), findings and the events that these send."""

from __future__ import annotations

import datetime
import json
import re
import threading
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Callable

import findings
from account_state import ALL_REGIONS
from account_state import AccountState
from account_state import InvalidAccountState
from automation_rules import AutomationRules
from automation_rules import Rule
from finding_filters import is_moment
from finding_filters import matches
from finding_filters import ordered
from hub_arns import hub_arn
from hub_arns import hub_v2_arn
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ocsf_findings import OcsfFindings
from organization import Organization
from rest_json import AwsError
from rest_json import Garbage
from rest_json import RestJson
from rest_json import find_problems
from rest_json import page
from switches import Switches

INVALID = "InvalidInputException"
NOT_FOUND = "ResourceNotFoundException"
ACTION_TARGETS_LIMIT = 50
# Switch security_hub_v2 -> code, message and status of what DescribeSecurityHubV2 answers.
V2_ERRORS = {
    "denied": ("AccessDeniedException", "You don't have permission to perform this operation", 403),
    "unknown": ("UnknownOperationException", "", 404),
    "invalid": ("ValidationException", "Security Hub V2 is not available", 400),
}
# Members that only BatchUpdateFindings writes and an import keeps.
FIELDS = "UserDefinedFields"
CUSTOMER_FIELDS = ("Note", FIELDS, "VerificationState")
FINDING_LIMIT_BYTES = 240 * 1024

# (account, region, detail-type, resources, detail) -> an event on the default bus there
Emit = Callable[[str, str, str, list, dict], None]


@dataclass
class Hub:
    """Security Hub CSPM of one account in one region."""

    subscribed_at: str
    control_finding_generator: str = "SECURITY_CONTROL"
    auto_enable_controls: bool = True
    tags: dict[str, str] = field(default_factory=dict)
    action_targets: dict[str, dict] = field(default_factory=dict)
    findings: dict[tuple[str, str], dict] = field(default_factory=dict)


class SecurityHub:
    """The service. `service.answer` serves its requests; the rest is for the control API."""

    def __init__(self, account_state: AccountState, emit: Emit, switches: Switches) -> None:
        self.account_state = account_state
        self.emit = emit
        self.switches = switches
        self.lock = threading.RLock()
        self.organization = Organization(account_state, self)
        self.ocsf = OcsfFindings(self)
        self.automation_rules = AutomationRules(self)
        operations = self._operations()
        for part in (self.organization, self.ocsf, self.automation_rules):
            operations |= part.operations()
        self.service = RestJson("securityhub", operations, INVALID)
        self.service.check_items = frozenset({"BatchImportFindings"})
        self.clear()

    def _operations(self) -> dict[str, Callable[[dict], dict | None]]:
        return {
            "DescribeHub": self.describe_hub,
            "EnableSecurityHub": self.enable,
            "DisableSecurityHub": self.disable,
            "UpdateSecurityHubConfiguration": self.update_configuration,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": lambda given: {"Tags": self._tagged(given).tags},
            "DescribeSecurityHubV2": self.describe_v2,
            "EnableSecurityHubV2": self.enable_v2,
            "DisableSecurityHubV2": self.disable_v2,
            "CreateActionTarget": self.create_action_target,
            "DescribeActionTargets": self.describe_action_targets,
            "UpdateActionTarget": self.update_action_target,
            "DeleteActionTarget": self.delete_action_target,
            "BatchImportFindings": self.import_findings,
            "BatchUpdateFindings": self.update_findings,
            "GetFindings": self.get_findings,
        }

    def clear(self) -> None:
        """Forget all hubs."""
        self.hubs: dict[tuple[str, str], Hub] = {}
        self.v2: dict[tuple[str, str], str] = {}
        self.origins: dict[tuple[str, str], tuple[str, str]] = {}
        self.organization.clear()
        self.ocsf.clear()
        self.automation_rules.clear()

    # For the control API

    def describe(self, account: str, facts: dict[str, Any]) -> None:
        """Merge `hubs`, `hubs_v2`, `aggregator`, `aggregator_v2`, `control_finding_generator` of an account."""
        if "hubs" in facts:
            desired = self._desired_regions(account, facts["hubs"])
            self._set_regions(self.hubs, account, desired, lambda: Hub(_now()))
        if "hubs_v2" in facts:
            self._set_regions(self.v2, account, self._desired_regions(account, facts["hubs_v2"]), _now)
        generator = facts.get("control_finding_generator")
        if generator:
            for (owner, _region), hub in self.hubs.items():
                if owner == account:
                    hub.control_finding_generator = generator
        self.organization.describe(account, facts)

    def _desired_regions(self, account: str, regions: Any) -> list[str]:
        desired = self.account_state.regions(account) if regions == "all" else list(regions or [])
        wrong = set(desired) - set(ALL_REGIONS)
        if wrong:
            raise InvalidAccountState(f"no such region: {', '.join(sorted(wrong))}")
        return desired

    def _set_regions(self, there: dict, account: str, desired: list[str], new: Callable[[], Any]) -> None:
        for target in [target for target in there if target[0] == account and target[1] not in desired]:
            del there[target]
        for region in desired:
            there.setdefault((account, region), new())
        known = self.account_state.account(account)
        known["hub_regions"] = sorted({*known["hub_regions"], *desired})

    def send_by_custom_action(self, account: str, region: str, action: str, finding_ids: list[str]) -> int:
        """Send findings with a custom action, as in the console, and return the number of events.

        Raise LookupError for an unknown hub, action (an ARN or an Id) or finding.
        """
        hub = self.hubs.get((account, region))
        if hub is None:
            raise LookupError(f"Security Hub is not enabled in {account} {region}")
        arn = action if action.startswith("arn:") else _action_target_arn(account, region, action)
        target = hub.action_targets.get(arn)
        if target is None:
            raise LookupError(f"custom action {arn} does not exist")
        chosen = [finding for finding in hub.findings.values() if finding["Id"] in finding_ids]
        missing = set(finding_ids) - {finding["Id"] for finding in chosen}
        if missing:
            raise LookupError(f"{account} {region} shows no finding {', '.join(sorted(missing))}")
        for finding in chosen:
            detail = {"actionName": target["Name"], "actionDescription": target["Description"], "findings": [finding]}
            self.emit(account, region, "Security Hub Findings - Custom Action", [arn], detail)
        return len(chosen)

    # Hubs

    def hub(self) -> Hub:
        """Return the caller's hub; raise InvalidAccessException when there is none."""
        found = self.hubs.get((get_account_id(), get_region()))
        if found is None:
            message = f"Account {get_account_id()} is not subscribed to AWS Security Hub"
            raise AwsError("InvalidAccessException", message)
        return found

    def describe_hub(self, given: dict) -> dict:
        hub, arn = self.hub(), hub_arn(get_account_id(), get_region())
        if given.get("HubArn", arn) != arn:
            raise AwsError(NOT_FOUND, f"Hub {given['HubArn']} is not found")
        return {
            "HubArn": arn,
            "SubscribedAt": hub.subscribed_at,
            "AutoEnableControls": hub.auto_enable_controls,
            "ControlFindingGenerator": hub.control_finding_generator,
        }

    def enable(self, given: dict) -> None:
        target = (get_account_id(), get_region())
        if target in self.hubs:
            raise AwsError("ResourceConflictException", "Account is already subscribed to Security Hub")
        generator = given.get("ControlFindingGenerator", "SECURITY_CONTROL")
        self.hubs[target] = Hub(_now(), generator, tags=dict(given.get("Tags") or {}))

    def enable_in(self, account: str, region: str) -> None:
        """Enable a hub, as AWS does for a new delegated administrator."""
        self.hubs.setdefault((account, region), Hub(_now()))
        known = self.account_state.account(account)
        known["hub_regions"] = sorted({*known["hub_regions"], region})

    def disable(self, given: dict) -> None:
        self.hub()
        if self.organization.administers(get_account_id(), get_region()):
            raise AwsError(INVALID, "Cannot disable Security Hub on the Security Hub administrator")
        del self.hubs[get_account_id(), get_region()]

    def update_configuration(self, given: dict) -> None:
        hub = self.hub()
        hub.control_finding_generator = given.get("ControlFindingGenerator", hub.control_finding_generator)
        hub.auto_enable_controls = given.get("AutoEnableControls", hub.auto_enable_controls)

    def _tagged(self, given: dict) -> Hub | Rule:
        arn = given["ResourceArn"]
        rule = self.automation_rules.rules.get(arn)
        if rule is not None and arn.startswith(_arn("")):
            return rule
        if arn != hub_arn(get_account_id(), get_region()):
            raise AwsError(NOT_FOUND, f"Resource {arn} is not found")
        return self.hub()

    def tag(self, given: dict) -> None:
        self._tagged(given).tags.update(given["Tags"])

    def untag(self, given: dict) -> None:
        tags = self._tagged(given).tags
        for key in given["TagKeys"]:
            tags.pop(key, None)

    def describe_v2(self, given: dict) -> dict:
        answer = self.switches["security_hub_v2"]
        if answer == "garbage":
            raise Garbage
        if answer != "served":
            raise AwsError(*V2_ERRORS[answer])
        return {"HubV2Arn": hub_v2_arn(get_account_id(), get_region()), "SubscribedAt": self.hub_v2()}

    def hub_v2(self) -> str:
        """Return since when the caller has the new Security Hub. Raise ResourceNotFoundException without it."""
        since = self.v2.get((get_account_id(), get_region()))
        if since is None:
            raise AwsError(NOT_FOUND, f"Account {get_account_id()} is not subscribed to Security Hub V2")
        return since

    def enable_v2(self, given: dict) -> dict:
        self.v2.setdefault((get_account_id(), get_region()), _now())
        return {"HubV2Arn": hub_v2_arn(get_account_id(), get_region())}

    def disable_v2(self, given: dict) -> None:
        self.hub_v2()
        del self.v2[get_account_id(), get_region()]

    # Custom actions

    def create_action_target(self, given: dict) -> dict:
        with self.lock:
            hub, name = self.hub(), given["Id"]
            if not re.fullmatch(r"[0-9A-Za-z]{1,20}", name):
                raise AwsError(INVALID, f"Invalid parameter 'Id'. '{name}' should be 1 to 20 alphanumeric characters")
            _check_action_target(given)
            arn = _action_target_arn(get_account_id(), get_region(), name)
            if arn in hub.action_targets:
                raise AwsError("ResourceConflictException", f"Action with Id: {name} already exists")
            if len(hub.action_targets) >= ACTION_TARGETS_LIMIT:
                message = f"The maximum of {ACTION_TARGETS_LIMIT} custom actions is reached"
                raise AwsError("LimitExceededException", message)
            hub.action_targets[arn] = {
                "ActionTargetArn": arn,
                "Name": given["Name"],
                "Description": given["Description"],
            }
            return {"ActionTargetArn": arn}

    def describe_action_targets(self, given: dict) -> dict:
        hub, arns = self.hub(), given.get("ActionTargetArns")
        if not arns:
            return page(list(hub.action_targets.values()), given, "ActionTargets", INVALID)
        return page([_action_target(hub, arn) for arn in arns], given, "ActionTargets", INVALID)

    def update_action_target(self, given: dict) -> None:
        target = _action_target(self.hub(), given["ActionTargetArn"])
        _check_action_target(given)
        target.update({name: given[name] for name in ("Name", "Description") if name in given})

    def delete_action_target(self, given: dict) -> dict:
        with self.lock:
            hub, arn = self.hub(), given["ActionTargetArn"]
            _action_target(hub, arn)
            del hub.action_targets[arn]
            return {"ActionTargetArn": arn}

    # Findings

    def import_findings(self, given: dict) -> dict:
        self.hub()
        batch = given.get("Findings")
        if not isinstance(batch, list) or not 1 <= len(batch) <= 100:
            raise AwsError(INVALID, "Invalid parameter 'Findings'. Between 1 and 100 findings can be imported")
        failed = [failure for failure in map(self._import, batch) if failure]
        return {"FailedCount": len(failed), "SuccessCount": len(batch) - len(failed), "FailedFindings": failed}

    def _import(self, given: dict) -> dict | None:
        """Import a finding of a batch, and return its entry in FailedFindings, or None."""
        account, region = get_account_id(), get_region()
        try:
            self._check_finding(given, account, region)
        except AwsError as error:
            name = given.get("Id", "") if isinstance(given, dict) else ""
            return {"Id": name, "ErrorCode": error.code, "ErrorMessage": error.message}
        with self.lock:
            old = self.hubs[account, region].findings.get(findings.key(given))
            new = findings.imported(old, given, region, _utc_now())
        if new is not None:
            # "Automation rules take effect before EventBridge rules are applied"
            # (securityhub/latest/userguide/automations.html).
            new = self.automation_rules.applied(new, account, region)
            self.origins[findings.key(new)] = (account, region)
            if self.switches["security_hub_passed_events"] == "two" and old and new["Workflow"] != old["Workflow"]:
                self._publish({**new, "Workflow": old["Workflow"]})
            self._publish(new, self._shown_after_import(new))
        return None

    def _shown_after_import(self, finding: dict) -> dict:
        """Return the finding as the event of its import has it."""
        if self.switches["security_hub_customer_fields"] == "kept":
            return finding
        return {name: value for name, value in finding.items() if name not in CUSTOMER_FIELDS}

    def _check_finding(self, given: dict, account: str, region: str) -> None:
        problems: list[str] = []
        find_problems(self.service.model.shape_for("AwsSecurityFinding"), given, "", problems)
        if problems:
            message = f"Finding does not adhere to Amazon Finding Format. {problems[0]}"
            raise AwsError("InvalidInput", message)
        if len(json.dumps(given)) > FINDING_LIMIT_BYTES:
            raise AwsError("InvalidInput", "Finding exceeds the maximum size of 240 KB")
        if not (is_moment(given["CreatedAt"]) and is_moment(given["UpdatedAt"])):
            message = "Finding does not adhere to Amazon Finding Format. data.UpdatedAt is not an ISO 8601 time"
            raise AwsError("InvalidInput", message)
        if given["AwsAccountId"] != account:
            message = f"AwsAccountId {given['AwsAccountId']} is not the account of the caller, {account}"
            raise AwsError("InvalidAccess", message)
        if not self._may_import_under(given["ProductArn"], account, region):
            raise AwsError("InvalidAccess", f"The product {given['ProductArn']} is not enabled in {region}")

    def _may_import_under(self, product: str, account: str, region: str) -> bool:
        """Return whether an account may import findings of a product: its default one, or one that is registered."""
        if product == f"arn:aws:securityhub:{region}:{account}:product/{account}/default":
            return True
        registered = re.fullmatch(rf"arn:aws:securityhub:{region}::product/([a-z0-9-]+)/[a-z0-9-]+", product)
        only_services = self.switches["security_hub_aws_products"] == "services"
        return registered is not None and not (only_services and registered[1] == "aws")

    def update_findings(self, given: dict) -> dict:
        hub = self.hub()
        changes = {name: value for name, value in given.items() if name != "FindingIdentifiers"}
        processed, unprocessed = [], []
        for identifier in given["FindingIdentifiers"]:
            with self.lock:
                old = hub.findings.get(findings.key(identifier))
                new = findings.updated(old, self._with_kept_fields(old, changes), _utc_now()) if old else None
            if new is None:
                unprocessed.append(
                    {
                        "FindingIdentifier": identifier,
                        "ErrorCode": "FindingNotFound",
                        "ErrorMessage": "Finding Not Found",
                    }
                )
                continue
            processed.append(identifier)
            self._publish(new)
        return {"ProcessedFindings": processed, "UnprocessedFindings": unprocessed}

    def _with_kept_fields(self, old: dict, changes: dict) -> dict:
        if self.switches["security_hub_user_defined_fields"] == "replaced" or FIELDS not in changes:
            return changes
        return {**changes, FIELDS: {**old.get(FIELDS, {}), **changes[FIELDS]}}

    def _publish(self, finding: dict, shown: dict | None = None) -> None:
        """Store the finding in every hub that shows it, and send the event of each."""
        for account, region in self.organization.feeds(*self.origins[findings.key(finding)]):
            hub = self.hubs.get((account, region))
            if hub is None:
                continue
            hub.findings[findings.key(finding)] = finding
            resources = [findings.resource(finding)]
            self.emit(account, region, "Security Hub Findings - Imported", resources, {"findings": [shown or finding]})

    def get_findings(self, given: dict) -> dict:
        now = _utc_now()
        shown = [finding for finding in self.hub().findings.values() if matches(finding, given.get("Filters", {}), now)]
        return page(ordered(shown, given.get("SortCriteria", [])), given, "Findings", INVALID)


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _now() -> str:
    return findings.text_of(_utc_now())


def _arn(resource: str) -> str:
    return f"arn:aws:securityhub:{get_region()}:{get_account_id()}:{resource}"


def _action_target_arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:securityhub:{region}:{account}:action/custom/{name}"


def _action_target(hub: Hub, arn: str) -> dict:
    if arn not in hub.action_targets:
        raise AwsError(NOT_FOUND, f"ActionTarget {arn} is not found")
    return hub.action_targets[arn]


def _check_action_target(given: dict) -> None:
    if len(given.get("Name", "")) > 20:
        message = f"Invalid parameter 'Name'. '{given['Name']}' should NOT be longer than 20 characters"
        raise AwsError(INVALID, message)
    if len(given.get("Description", "")) > 500:
        raise AwsError(INVALID, "Invalid parameter 'Description'. It should NOT be longer than 500 characters")
