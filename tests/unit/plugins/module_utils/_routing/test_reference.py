# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing import reference
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

ROOT = Path(__file__).resolve().parents[5]
ELSEWHERE = Scope("eu-west-1", "us-east-1")
GUARDDUTY = {
    "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/guardduty",
    "Compliance": None,
    "Action": {"ActionType": "AWS_API_CALL", "AwsApiCallAction": {"ServiceName": "iam.amazonaws.com"}},
}
ANALYZER = {
    "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/access-analyzer",
    "Compliance": None,
    "Resources": [{"Type": "AwsIamRole", "Id": "arn:aws:iam::111111111111:role/a"}],
}


@pytest.mark.parametrize(
    ("rule", "scope", "found", "sentence"),
    [
        ({}, ELSEWHERE, {}, ""),
        ({}, ELSEWHERE, {"RecordState": "ARCHIVED"}, "record state is ARCHIVED"),
        ({}, ELSEWHERE, {"Workflow": {"Status": "RESOLVED"}}, "workflow status is RESOLVED"),
        ({}, ELSEWHERE, {"Workflow": {}}, "workflow status is missing"),
        ({}, ELSEWHERE, {"Compliance": {"Status": "PASSED"}}, "compliance status is PASSED"),
        ({"minimum_severity": "HIGH"}, ELSEWHERE, {"Severity": {"Label": "MEDIUM"}}, "severity MEDIUM is below HIGH"),
        (
            {"severities": ["CRITICAL", "LOW"]},
            ELSEWHERE,
            {"Severity": {"Label": "MEDIUM"}},
            "severity MEDIUM is not one of CRITICAL, LOW",
        ),
        ({}, ELSEWHERE, {"Severity": {}}, "severity missing is not one of CRITICAL"),
        ({"forward_automatically": False}, ELSEWHERE, {}, "automatic forwarding is off for eu-west-1"),
        ({"account_ids": ["111111111111"]}, ELSEWHERE, {}, ""),
        (
            {"account_ids": ["222222222222"]},
            ELSEWHERE,
            {},
            "account 111111111111 is not in securityhub_slack_account_ids",
        ),
        ({"other_channels_account_ids": ["222222222222"]}, ELSEWHERE, {}, ""),
        (
            {"other_channels_account_ids": ["111111111111"]},
            ELSEWHERE,
            {},
            "account 111111111111 belongs to another channel",
        ),
        (
            {"suppressions": [{"control_ids": ["S3.1"], "reason": "public website"}]},
            ELSEWHERE,
            {},
            "suppressed: public website",
        ),
        (
            {"suppressions": [{"control_ids": ["S3.1"], "account_ids": ["111111111111"]}]},
            ELSEWHERE,
            {},
            "suppressed: control_ids S3.1, account_ids 111111111111",
        ),
        (
            {},
            ELSEWHERE,
            {"Compliance": {"Status": "FAILED", "SecurityControlId": "IAM.1"}},
            "control IAM.1 is a global finding, sent by us-east-1 only",
        ),
        ({}, ELSEWHERE, {"Compliance": {"Status": "FAILED", "SecurityControlId": "IAM.28"}}, ""),
        (
            {},
            ELSEWHERE,
            GUARDDUTY,
            "GuardDuty reports calls of iam.amazonaws.com in every region, sent by us-east-1 only",
        ),
        ({}, ELSEWHERE, ANALYZER, "Access Analyzer reports AwsIamRole in every region, sent by us-east-1 only"),
        ({"deduplicate_global": ["controls"]}, ELSEWHERE, GUARDDUTY, ""),
        ({"deduplicate_global": ["guardduty"]}, ELSEWHERE, ANALYZER, ""),
        ({}, Scope("us-east-1", "us-east-1"), ANALYZER, ""),
        (
            {},
            Scope("us-east-1", "us-east-1", only_own=True),
            {"Region": "eu-west-1"},
            "eu-west-1 forwards its findings itself",
        ),
        (
            {},
            Scope("us-east-1", "us-east-1", (("eu-west-1", worlds.policy(forward_automatically=False)),)),
            {"Region": "eu-west-1"},
            "automatic forwarding is off for eu-west-1",
        ),
        (
            {},
            Scope("us-east-1", "us-east-1", (("eu-west-1", worlds.policy(minimum_severity="HIGH")),)),
            {"Region": "eu-west-1", "Severity": {"Label": "LOW"}},
            "severity LOW is below HIGH",
        ),
        ({"finding_format": "ocsf"}, ELSEWHERE, {}, "it is not a finding in the format ocsf"),
        # The first of several reasons, in an order that does not depend on the finding.
        (
            {"minimum_severity": "HIGH"},
            ELSEWHERE,
            {"Severity": {"Label": "LOW"}, "Workflow": {"Status": "NOTIFIED"}},
            "workflow status is NOTIFIED",
        ),
    ],
)
def test_the_reason_names_the_condition(rule, scope, found, sentence):
    given_finding = worlds.finding(**{"Region": scope.region, **found})
    assert why_not_forwarded(worlds.policy(**rule), scope, given_finding) == sentence


def test_a_finding_is_suppressed_only_if_each_of_its_resources_is():
    rule = worlds.policy(suppressions=[{"resource_types": ["AwsS3Bucket"], "reason": "website"}])
    bucket = {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::logs"}
    instance = {"Type": "AwsEc2Instance", "Id": "i-1"}
    assert why_not_forwarded(rule, ELSEWHERE, worlds.finding(Resources=[bucket, instance])) == ""
    assert why_not_forwarded(rule, ELSEWHERE, worlds.finding(Resources=[bucket, bucket])) == "suppressed: website"


def ocsf(**changed):
    return {**worlds.ocsf(worlds.finding()), **changed}


@pytest.mark.parametrize(
    ("suppression", "resources", "forwarded"),
    [
        ({"resource_types": ["AwsS3Bucket"]}, [{"uid": "a"}], True),
        ({"resource_ids": ["a*"]}, [{"type": "AwsS3Bucket"}], True),
        ({"resource_ids": ["a*"]}, [], True),
        ({"resource_ids": ["a*"], "control_ids": ["S3.1"]}, [], True),
        ({"resource_ids": ["a*"]}, [{"uid": "ab"}], False),
        ({"resource_types": ["AwsS3Bucket"]}, [{"type": "AwsS3Bucket"}, {"type": "AwsEc2Instance"}], True),
        # Resources without a type do not count beside one that has a type.
        ({"resource_types": ["AwsS3Bucket"]}, [{"type": "AwsS3Bucket"}, {"uid": "a"}], False),
    ],
)
def test_case_5_missing_ocsf_fields_do_not_match_suppressions(suppression, resources, forwarded):
    policy = worlds.policy(finding_format="ocsf", suppressions=[suppression])
    scope, found = Scope("us-east-1", "us-east-1"), ocsf(resources=resources)
    assert (why_not_forwarded(policy, scope, found) == "") is forwarded
    fitting = [item for item in automatic_patterns(policy, scope) if matches(item, event_of(found, "1", "us-east-1"))]
    assert len(fitting) == forwarded


def test_a_finding_without_ocsf_title_or_product_is_not_suppressed_by_them():
    given = [{"title_prefixes": ["S3"]}, {"product_arns": ["product/aws/securityhub"]}]
    policy, scope = worlds.policy(finding_format="ocsf", suppressions=given), Scope("us-east-1", "us-east-1")
    found = ocsf(finding_info={"uid": "1"}, metadata={"uid": "1"})
    assert why_not_forwarded(policy, scope, found) == ""
    assert [matches(item, event_of(found, "1", "us-east-1")) for item in automatic_patterns(policy, scope)] == [True]


# From the first to the last condition, as in the table of routing.rst: the reason, and what meets the condition.
CONDITIONS = {
    "Finding format": ("it is not a finding in the format ocsf", {"finding_format": "asff"}),
    "Aggregation": ("eu-west-1 forwards its findings itself", {"Region": "us-east-1"}),
    "Automatic forwarding": ("automatic forwarding is off for us-east-1", {"forward_automatically": True}),
    "Record state": ("record state is ARCHIVED", {"RecordState": "ACTIVE"}),
    "Workflow status": ("workflow status is NOTIFIED", {"Workflow": {"Status": "NEW"}}),
    "Compliance status": ("compliance status is PASSED", {"Compliance": {"SecurityControlId": "IAM.1"}}),
    "Severity": ("severity LOW is below CRITICAL", {"Severity": {"Label": "CRITICAL"}}),
    "Account": ("account 111111111111 is not in securityhub_slack_account_ids", {"AwsAccountId": "222222222222"}),
    "Vulnerability": ("no exploit is known", {"exploit_available": False}),
    "Suppressions": ("suppressed: root user", {"suppressions": []}),
    "Global resources": ("control IAM.1 is a global finding, sent by eu-west-1 only", {"deduplicate_global": []}),
}


def test_the_conditions_are_those_of_the_documentation_in_its_order():
    lines = (ROOT / "docs" / "docsite" / "rst" / "routing.rst").read_text(encoding="utf-8").splitlines()
    table = lines[lines.index("The conditions") : lines.index("Findings about global resources")]
    rows = [line.removeprefix("   * - ") for line in table if line.startswith("   * - ")]
    assert rows == ["Condition", *CONDITIONS]
    rule = {
        "finding_format": "ocsf",
        "forward_automatically": False,
        "account_ids": ["222222222222"],
        "exploit_available": True,
        "suppressions": [{"control_ids": ["IAM.1"], "reason": "root user"}],
    }
    found = {
        "Region": "eu-west-1",
        "RecordState": "ARCHIVED",
        "Workflow": {"Status": "NOTIFIED"},
        "Compliance": {"Status": "PASSED", "SecurityControlId": "IAM.1"},
        "Severity": {"Label": "LOW"},
        "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/inspector",
        "Vulnerabilities": [{"Id": "CVE-2026-0001", "ExploitAvailable": "NO"}],
    }
    scope = Scope("us-east-1", "eu-west-1", only_own=True)
    for reason, met in CONDITIONS.values():
        assert why_not_forwarded(worlds.policy(**rule), scope, worlds.finding(**found)) == reason
        rule |= {key: value for key, value in met.items() if key[0].islower()}
        found |= {key: value for key, value in met.items() if key[0].isupper()}
    assert why_not_forwarded(worlds.policy(**rule), scope, worlds.finding(**found)) == ""


def test_the_reference_shares_no_code_with_the_compiler():
    tree = ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))
    imported = {node.module or node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "collections.abc", "dataclasses", "typing", "controls", "policy"}
