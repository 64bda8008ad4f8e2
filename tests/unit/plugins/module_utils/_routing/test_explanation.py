# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing.explanation import why_not
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Scope
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings

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
        ({}, ELSEWHERE, {}, None),
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
        ({"account_ids": ["111111111111"]}, ELSEWHERE, {}, None),
        (
            {"account_ids": ["222222222222"]},
            ELSEWHERE,
            {},
            "account 111111111111 is not among securityhub_slack_account_ids",
        ),
        ({"account_ids_elsewhere": ["222222222222"]}, ELSEWHERE, {}, None),
        ({"account_ids_elsewhere": ["111111111111"]}, ELSEWHERE, {}, "account 111111111111 belongs to another route"),
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
        ({}, ELSEWHERE, {"Compliance": {"Status": "FAILED", "SecurityControlId": "IAM.28"}}, None),
        (
            {},
            ELSEWHERE,
            GUARDDUTY,
            "GuardDuty reports calls of iam.amazonaws.com in every Region, sent by us-east-1 only",
        ),
        ({}, ELSEWHERE, ANALYZER, "Access Analyzer reports AwsIamRole in every Region, sent by us-east-1 only"),
        ({"deduplicate_global": ["controls", "access_analyzer"]}, ELSEWHERE, GUARDDUTY, None),
        ({"deduplicate_global": ["controls", "guardduty"]}, ELSEWHERE, ANALYZER, None),
        ({}, Scope("us-east-1", "us-east-1"), ANALYZER, None),
        (
            {},
            Scope("us-east-1", "us-east-1", only_own=True),
            {"Region": "eu-west-1"},
            "eu-west-1 sends its findings itself",
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
        ({"finding_format": "ocsf"}, ELSEWHERE, {}, "it is no finding of the schema ocsf"),
        # The first of several reasons, in an order that does not depend on the finding.
        (
            {"minimum_severity": "HIGH"},
            ELSEWHERE,
            {"Severity": {"Label": "LOW"}, "Workflow": {"Status": "NOTIFIED"}},
            "workflow status is NOTIFIED",
        ),
    ],
)
def test_why_not_speaks_the_words_of_the_policy(rule, scope, found, sentence):
    given_finding = worlds.finding(**{"Region": scope.region, **found})
    assert why_not(worlds.policy(**rule), scope, given_finding) == sentence


def test_a_finding_is_held_back_only_when_each_of_its_resources_is():
    rule = worlds.policy(suppressions=[{"resource_types": ["AwsS3Bucket"], "reason": "website"}])
    bucket = {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::logs"}
    instance = {"Type": "AwsEc2Instance", "Id": "i-1"}
    assert why_not(rule, ELSEWHERE, worlds.finding(Resources=[bucket, instance])) is None
    assert why_not(rule, ELSEWHERE, worlds.finding(Resources=[bucket, bucket])) == "suppressed: website"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds.policies(), worlds.scopes(), worlds.findings())
def test_an_explanation_is_given_exactly_for_what_is_not_sent(policy, scope, found):
    # What appears on a bus of its own Region's findings only.
    if not scope.sends_linked and not scope.only_own:
        found["Region"] = scope.region
    assert (why_not(policy, scope, found) is None) is worlds.sent(policy, scope, found)
