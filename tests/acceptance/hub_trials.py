# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials about Security Hub."""

from __future__ import annotations

import datetime
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
