# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials about Security Hub."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.tests.acceptance.account import code_of
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.account import words_of
from ansible_collections.secops.securityhub.tests.acceptance.trial import Answer
from ansible_collections.secops.securityhub.tests.acceptance.trial import NotTested
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial
from ansible_collections.secops.securityhub.tests.acceptance.trial import now_utc
from ansible_collections.secops.securityhub.tests.acceptance.trial import test_finding
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError


def administrator_none(trial: Trial) -> Answer:
    """Read the administrator account."""
    try:
        answer = trial.client("securityhub").get_administrator_account()
    except ClientError as error:
        answers = {"ResourceNotFoundException": "not_found", "AccessDeniedException": "access_denied"}
        if "is not authorized to perform" in words_of(error):
            raise
        return Answer(answers.get(code_of(error), code_of(error)), words_of(error))
    if (answer.get("Administrator") or {}).get("AccountId"):
        raise NotTested("the account has an administrator account")
    return Answer("empty", "GetAdministratorAccount: an empty answer")


def security_hub_v2(trial: Trial) -> Answer:
    """Describe the new Security Hub."""
    try:
        answer = trial.client("securityhub").describe_security_hub_v2()
    except ClientError as error:
        answers = {
            "ResourceNotFoundException": "served",
            "AccessDeniedException": "denied",
            "UnknownOperationException": "unknown",
            "ValidationException": "invalid",
        }
        return Answer(answers.get(code_of(error), code_of(error)), words_of(error))
    except BotoCoreError as error:
        return Answer("garbage", str(error))
    return Answer("served" if answer.get("HubV2Arn") else "garbage", f"DescribeSecurityHubV2: {sorted(answer)}")


def security_hub_customer_fields(trial: Trial) -> Answer:
    """Import a finding, set its user-defined fields, import it again, and look at the second event."""
    hub = trial.client("securityhub")
    with trial.scratch() as scratch:
        queue = scratch.queue("fields", "events.amazonaws.com")
        asff = test_finding(trial)
        pattern = {"source": ["aws.securityhub"], "detail": {"findings": {"Id": [asff["Id"]]}}}
        scratch.rule("fields", pattern, queue.arn)
        hub.batch_import_findings(Findings=[asff])
        try:
            identifier = {name: asff[name] for name in ("Id", "ProductArn")}
            fields = {"Acceptance": "kept"}

            def is_updated() -> bool:
                answer = hub.batch_update_findings(FindingIdentifiers=[identifier], UserDefinedFields=fields)
                return bool(answer["ProcessedFindings"])

            if not wait_for(is_updated, trial.soon, 1):
                raise NotTested("BatchUpdateFindings does not find the finding that was imported")

            def imported_again() -> list[dict[str, Any]]:
                later = findings.timestamp(now_utc())
                hub.batch_import_findings(Findings=[{**asff, "Title": "Again", "UpdatedAt": later}])
                found = [body["detail"]["findings"][0] for body in queue.receive()]
                return [item for item in found if item.get("Title") == "Again"]

            events = wait_for(imported_again, trial.soon, 1)
        finally:
            hub.batch_import_findings(Findings=[findings.archived(asff, now_utc() + datetime.timedelta(seconds=1))])
    if not events:
        raise NotTested("EventBridge sent no event for the second import")
    kept = events[0].get("UserDefinedFields") == fields
    return Answer("kept" if kept else "left_out", f"members of the finding in the event: {sorted(events[0])}")


def security_hub_user_defined_fields(trial: Trial) -> Answer:
    """Set a user-defined field of a test finding, then another one, and read both."""
    hub = trial.client("securityhub")
    asff = test_finding(trial)
    identifier = {name: asff[name] for name in ("Id", "ProductArn")}
    hub.batch_import_findings(Findings=[asff])
    try:

        def is_set(name: str) -> bool:
            fields = {name: "acceptance"}
            answer = hub.batch_update_findings(FindingIdentifiers=[identifier], UserDefinedFields=fields)
            return bool(answer["ProcessedFindings"])

        def read() -> dict[str, Any]:
            shown = hub.get_findings(Filters={"Id": [{"Value": asff["Id"], "Comparison": "EQUALS"}]})["Findings"]
            found: dict[str, Any] = shown[0].get("UserDefinedFields", {}) if shown else {}
            return found if "Second" in found else {}

        if not all(wait_for(partial(is_set, name), trial.soon, 1) for name in ("First", "Second")):
            raise NotTested("BatchUpdateFindings does not find the finding that was imported")
        fields = wait_for(read, trial.soon, 1)
    finally:
        hub.batch_import_findings(Findings=[findings.archived(asff, now_utc() + datetime.timedelta(seconds=1))])
    if not fields:
        raise NotTested("GetFindings does not show the field that was set")
    return Answer("kept" if "First" in fields else "replaced", f"user-defined fields of the finding: {sorted(fields)}")


def security_hub_passed_events(trial: Trial) -> Answer:
    """Import a finding that failed, and then passed, and count the events of the latter."""
    hub = trial.client("securityhub")
    with trial.scratch() as scratch:
        queue = scratch.queue("passed", "events.amazonaws.com")
        asff = {**test_finding(trial), "Compliance": {"Status": "FAILED"}}
        scratch.rule("passed", {"source": ["aws.securityhub"], "detail": {"findings": {"Id": [asff["Id"]]}}}, queue.arn)
        shown: list[dict[str, Any]] = []

        def has_come(status: str) -> bool:
            shown.extend(body["detail"]["findings"][0] for body in queue.receive())
            return any(item["Compliance"]["Status"] == status for item in shown)

        try:
            for status in ("FAILED", "PASSED"):
                compliance = {"Compliance": {"Status": status}, "UpdatedAt": findings.timestamp(now_utc())}
                hub.batch_import_findings(Findings=[{**asff, **compliance}])
                if not wait_for(partial(has_come, status), trial.soon, 1):
                    raise NotTested("EventBridge sent no event for an import")
            # A second event would come soon after the first.
            shown.extend(body["detail"]["findings"][0] for body in queue.receive())
        finally:
            hub.batch_import_findings(Findings=[findings.archived(asff, now_utc() + datetime.timedelta(seconds=1))])
    statuses = [item["Workflow"]["Status"] for item in shown if item["Compliance"]["Status"] == "PASSED"]
    return Answer("one" if len(statuses) == 1 else "two", f"workflow statuses of the events: {', '.join(statuses)}")


def security_hub_aws_products(trial: Trial) -> Answer:
    """Import a finding under the product of Security Hub itself."""
    product = f"arn:aws:securityhub:{trial.region}::product/aws/securityhub"
    own = test_finding(trial)
    asff = {**own, "ProductArn": product}
    hub = trial.client("securityhub")
    hub.batch_import_findings(Findings=[{**own, "RecordState": "ARCHIVED"}])  # so that a refusal is one of the product
    try:
        refused = hub.batch_import_findings(Findings=[asff])["FailedFindings"]
    except ClientError as error:
        return Answer("services", words_of(error))
    if refused:
        return Answer("services", f"{refused[0]['ErrorCode']}: {refused[0]['ErrorMessage']}")
    hub.batch_import_findings(Findings=[findings.archived(asff, now_utc() + datetime.timedelta(seconds=1))])
    return Answer("anyone", "BatchImportFindings accepted the finding")
