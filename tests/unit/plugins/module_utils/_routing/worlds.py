# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings and policies to try routing with, and what routing must come to: a plain reading of the documentation.

Nothing here knows how patterns are made; sent() is what they are compared with.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import controls
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Suppression
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from hypothesis import reject
from hypothesis import strategies as st

TODAY = datetime.date(2026, 11, 24)
DEFAULTS: dict[str, Any] = {
    "minimum_severity": "CRITICAL",
    "severities": [],
    "forward_automatically": True,
    "account_ids": [],
    "global_findings_region": "",
    "deduplicate_global": ["controls", "guardduty", "access_analyzer"],
    "suppressions": [],
    "aggregation": "auto",
    "allow_member": False,
    "finding_format": "asff",
}
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1", "ap-northeast-1")
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
CONTROLS = ("IAM.1", "IAM.28", "KMS.1", "KMS.3", "S3.1", "EC2.2", "CloudFront.1", "Account.1")
PRODUCTS = ("securityhub", "guardduty", "access-analyzer", "inspector")
TYPES = ("AwsIamRole", "AwsIamAccessKey", "AwsS3Bucket", "AwsEc2Instance")
IDS = ("arn:aws:s3:::logs", "arn:aws:s3:::logs-old", "arn:aws:s3:::data*x", "i-1", "arn:aws:iam::1:role/a")
SERVICES = ("iam.amazonaws.com", "ec2.amazonaws.com", "route53.amazonaws.com")
TITLES = ("IAM.1 Policies", "S3 is public", "S3 is open", "Tor")


def variables(**changed: Any) -> dict[str, Any]:
    """Return role variables, without their prefix in *changed*."""
    return {f"securityhub_slack_{name}": value for name, value in {**DEFAULTS, **changed}.items()}


def policy(**changed: Any) -> Policy:
    """Return the policy of role variables."""
    return policy_of(variables(**changed), TODAY)


def finding(**changed: Any) -> dict[str, Any]:
    """Return a CRITICAL finding of control S3.1 that nothing speaks against."""
    made: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": "arn:aws:securityhub:us-east-1:111111111111:security-control/S3.1/finding/1",
        "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/securityhub",
        "Region": "us-east-1",
        "AwsAccountId": "111111111111",
        "Title": "S3 is public",
        "Severity": {"Label": "CRITICAL"},
        "Compliance": {"Status": "FAILED", "SecurityControlId": "S3.1"},
        "Workflow": {"Status": "NEW"},
        "RecordState": "ACTIVE",
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::logs"}],
        **changed,
    }
    return {key: value for key, value in made.items() if value is not None}


def event(found: dict[str, Any], region: str = "") -> dict[str, Any]:
    """Return the event in which Security Hub hands the finding to the bus of *region* (the finding's own)."""
    return {
        "version": "0",
        "id": "8e5622f9-d81c-4d81-612a-9319e7ee2506",
        "detail-type": "Security Hub Findings - Imported",
        "source": "aws.securityhub",
        "account": "111111111111",
        "time": "2026-11-24T00:00:00Z",
        "region": region or found["Region"],
        "resources": [found["ProductArn"] + "/" + found["Id"]],
        "detail": {"findings": [found]},
    }


def ocsf(found: dict[str, Any]) -> dict[str, Any]:
    """Return an ASFF finding in the new Security Hub's OCSF, as far as routing looks at it."""
    states = {"FAILED": "Fail", "WARNING": "Warning", "PASSED": "Pass", "NOT_AVAILABLE": "Unknown"}
    service = found.get("Action", {}).get("AwsApiCallAction", {}).get("ServiceName")
    compliance = found.get("Compliance")
    made = {
        "activity_name": "Close" if found["RecordState"] == "ARCHIVED" else "Update",
        "status": found["Workflow"]["Status"].capitalize(),
        "severity": found["Severity"]["Label"].capitalize(),
        "cloud": {"region": found["Region"], "account": {"uid": found["AwsAccountId"]}},
        "metadata": {"uid": "1", "product": {"uid": found["ProductArn"].replace("product/", "productv2/")}},
        "finding_info": {"title": found["Title"], "uid": found["Id"]},
        "resources": [{"type": resource["Type"], "uid": resource["Id"]} for resource in found["Resources"]],
    }
    if compliance is not None:
        control = {"control": compliance["SecurityControlId"]} if "SecurityControlId" in compliance else {}
        made["compliance"] = {"status": states[compliance["Status"]], **control}
    if service:
        made["evidences"] = [{"api": {"service": {"name": service}}}]
    return made


def sent(rule: Policy, scope: Scope, found: dict[str, Any]) -> bool:
    """Return whether a target sends the finding, by the words of the documentation."""
    if scope.only_own and found["Region"] != scope.region:
        return False
    aggregated = scope.aggregates or bool(scope.linked)
    if aggregated:
        linked = {region: other for region, other in scope.linked if region != scope.region}
        rule = linked.get(found["Region"], rule)
    if found["RecordState"] != "ACTIVE" or found["Workflow"]["Status"] != "NEW":
        return False
    if (found.get("Compliance") or {}).get("Status", "FAILED") not in ("FAILED", "WARNING"):
        return False
    if found["Severity"]["Label"] not in rule.severities:
        return False
    if rule.account_ids and found["AwsAccountId"] not in rule.account_ids:
        return False
    if found["AwsAccountId"] in rule.account_ids_elsewhere:
        return False
    at = found["Region"] if aggregated else scope.region
    return any(_sent_for(resource, rule, at == scope.owner_region, found) for resource in found["Resources"])


def _sent_for(resource: dict[str, Any], rule: Policy, owner: bool, found: dict[str, Any]) -> bool:
    if any(_holds_back(suppression, resource, found) for suppression in rule.suppressions):
        return False
    return owner or not _is_global(resource, rule, found)


def _is_global(resource: dict[str, Any], rule: Policy, found: dict[str, Any]) -> bool:
    product = found["ProductArn"]
    control = found.get("Compliance", {}).get("SecurityControlId")
    service = found.get("Action", {}).get("AwsApiCallAction", {}).get("ServiceName")
    if rule.global_controls_once and control in controls.REPEATING:
        return True
    guardduty = rule.global_guardduty_once and product.endswith("/aws/guardduty")
    if guardduty and service in controls.GLOBAL_SERVICES:
        return True
    analyzer = rule.global_access_analyzer_once and product.endswith(
        ("product/aws/access-analyzer", "productv2/aws/access-analyzer")
    )
    return analyzer and resource["Type"] in ("AwsIamRole", "AwsIamUser")


def _holds_back(given: Suppression, resource: dict[str, Any], found: dict[str, Any]) -> bool:
    checks = [
        (given.control_ids, lambda: found.get("Compliance", {}).get("SecurityControlId") in given.control_ids),
        (given.account_ids, lambda: found["AwsAccountId"] in given.account_ids),
        (given.regions, lambda: found["Region"] in given.regions),
        (given.product_arns, lambda: any(_is_product(found["ProductArn"], text) for text in given.product_arns)),
        (given.resource_types, lambda: resource["Type"] in given.resource_types),
        (given.resource_ids, lambda: any(_like(resource["Id"], text) for text in given.resource_ids)),
        (given.title_prefixes, lambda: any(found["Title"].startswith(text) for text in given.title_prefixes)),
    ]
    tags = resource.get("Tags", {})
    return all(check() for values, check in checks if values) and all(
        tags.get(key) in values for key, values in given.resource_tags
    )


def _is_product(arn: str, text: str) -> bool:
    return arn == text or (arn.split("/")[-2:] == text.split("/")[-2:] and not text.startswith("arn:"))


def _like(text: str, wildcard: str) -> bool:
    return re.fullmatch(".*".join(re.escape(piece) for piece in wildcard.split("*")), text, re.DOTALL) is not None


def patterns_of(rule: Policy, scope: Scope) -> tuple[dict[str, Any], ...]:
    """Return the patterns of a drawn policy; draw another one where its suppressions are too much for EventBridge."""
    try:
        return automatic_patterns(rule, scope)
    except UserError:
        return reject()


def resources() -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of resources, with and without tags."""
    tags = st.dictionaries(st.sampled_from(("env", "team")), st.sampled_from(("dev", "prod")), max_size=2)
    return st.fixed_dictionaries({"Type": st.sampled_from(TYPES), "Id": st.sampled_from(IDS)}, optional={"Tags": tags})


@st.composite
def findings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a finding, near enough to what is sent that about every condition decides some."""
    region = draw(st.sampled_from(REGIONS))
    mostly = st.sampled_from
    return finding(
        Region=region,
        AwsAccountId=draw(st.sampled_from(ACCOUNTS)),
        ProductArn=f"arn:aws:securityhub:{region}::product/aws/{draw(st.sampled_from(PRODUCTS))}",
        Title=draw(st.sampled_from(TITLES)),
        Severity={"Label": draw(mostly(("CRITICAL", "CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")))},
        Compliance=draw(
            st.none()
            | st.fixed_dictionaries(
                {"Status": mostly(("FAILED", "FAILED", "WARNING", "PASSED", "NOT_AVAILABLE"))},
                optional={"SecurityControlId": st.sampled_from(CONTROLS)},
            )
        ),
        Action=draw(
            st.none()
            | st.sampled_from(SERVICES).map(
                lambda name: {"ActionType": "AWS_API_CALL", "AwsApiCallAction": {"Api": "X", "ServiceName": name}}
            )
        ),
        Workflow={"Status": draw(mostly(("NEW", "NEW", "NEW", "NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED")))},
        RecordState=draw(mostly(("ACTIVE", "ACTIVE", "ACTIVE", "ARCHIVED"))),
        Resources=draw(st.lists(resources(), min_size=1, max_size=3)),
    )


@st.composite
def suppressions(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one to three criteria."""
    choices: dict[str, st.SearchStrategy[Any]] = {
        "control_ids": _some(CONTROLS),
        "account_ids": _some(ACCOUNTS),
        "regions": _some(REGIONS),
        "product_arns": _some(
            [*(f"product/aws/{name}" for name in PRODUCTS), "arn:aws:securityhub:us-east-1::product/aws/inspector"]
        ),
        "resource_ids": _some(("arn:aws:s3:::logs", "arn:aws:s3:::logs*", "*:role/*", "i-1", "arn:*x")),
        "resource_types": _some(TYPES),
        "title_prefixes": _some(("S3 is", "S3 is public", "Tor")),
        "resource_tags": st.dictionaries(
            st.sampled_from(("env", "team")), _some(("dev", "prod")), min_size=1, max_size=2
        ),
    }
    names = draw(st.lists(st.sampled_from(sorted(choices)), min_size=1, max_size=3, unique=True))
    return {name: draw(choices[name]) for name in names}


def _some(values: Any) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(list(values)), min_size=1, max_size=2, unique=True)


@st.composite
def policies(draw: st.DrawFn, most_suppressions: int = 3) -> Policy:
    """Draw a policy."""
    return policy(
        minimum_severity=draw(st.sampled_from(("INFORMATIONAL", "LOW", "HIGH"))),
        forward_automatically=draw(st.sampled_from((True, True, True, True, False))),
        suppressions=draw(st.lists(suppressions(), max_size=most_suppressions)),
        account_ids=draw(st.just([]) | st.lists(st.sampled_from(ACCOUNTS), max_size=2)),
        account_ids_elsewhere=draw(st.just([]) | st.lists(st.sampled_from(ACCOUNTS), max_size=2)),
        deduplicate_global=draw(st.lists(st.sampled_from(("controls", "guardduty", "access_analyzer")), unique=True)),
    )


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    """Draw the place of a target: on its own, beside a home Region's aggregation, or a home Region."""
    region = draw(st.sampled_from(REGIONS))
    owner = draw(st.sampled_from(REGIONS))
    kind = draw(st.sampled_from(("own", "only_own", "home")))
    if kind != "home":
        return Scope(region, owner, only_own=kind == "only_own")
    others = [other for other in REGIONS if other != region]
    linked = draw(st.lists(st.sampled_from(others), unique=True, max_size=3))
    few = st.sampled_from(draw(st.lists(policies(1), min_size=1, max_size=2)))
    return Scope(region, owner, tuple((name, draw(few)) for name in sorted(linked)), aggregates=True)
