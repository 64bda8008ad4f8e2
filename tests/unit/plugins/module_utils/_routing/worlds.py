# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings, policies and whole inventories ("worlds") to test routing with.

Policies and findings draw their values from the same small pools, whose values begin, end and contain each other.
"""

from __future__ import annotations

import datetime
import os
import random
from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import topology
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import GLOBAL_KINDS
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import LISTS
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from hypothesis import reject
from hypothesis import strategies as st

# How many worlds, policies and proofs each test draws.
WORLDS = int(os.environ.get("ROUTING_WORLDS", "60"))

TODAY = datetime.date(2026, 11, 24)
DEFAULTS: dict[str, Any] = {
    "minimum_severity": "CRITICAL",
    "severities": [],
    "forward_automatically": True,
    "account_ids": [],
    "global_findings_region": "",
    "deduplicate_global": list(GLOBAL_KINDS),
    "suppressions": [],
    "aggregation": "auto",
    "allow_member": False,
    "finding_format": "asff",
}
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1", "ap-northeast-1")
ACCOUNTS = ("111111111111", "222222222222", "333333333333")
CONTROLS = ("IAM.1", "IAM.28", "KMS.1", "KMS.3", "S3.1", "S3.8", "EC2.2", "CloudFront.1", "Account.1")
PRODUCTS = ("securityhub", "guardduty", "access-analyzer", "inspector")
TYPES = ("AwsIamRole", "AwsIamAccessKey", "AwsS3Bucket", "AwsEc2Instance")
IDS = ("arn:aws:s3:::logs", "arn:aws:s3:::logs-old", "arn:aws:s3:::data*x", "i-1", "arn:aws:iam::1:role/a", "a\\b")
ID_PATTERNS = (
    "arn:aws:s3:::logs",
    "arn:aws:s3:::logs*",
    "arn:aws:s3:::*",
    "*:role/*",
    "i-1",
    "arn:*x",
    "*-old",
    "a\\*",
)
SERVICES = ("iam.amazonaws.com", "ec2.amazonaws.com", "route53.amazonaws.com")
TITLES = ("IAM.1 Policies", "S3 is public", "S3 is open", "Tor")
TITLE_PREFIXES = ("S3", "S3 is", "S3 is public", "Tor", "IAM.1 Policies")
TAGS = ("env", "team", "Ref", "prefix")
TAG_VALUES = ("dev", "prod")
CHANNELS = ("slack", "slack-oncall")


def product_arns(region: str) -> tuple[str, ...]:
    """Return the ARNs of the products in a Region."""
    return tuple(f"arn:aws:securityhub:{region}::product/aws/{name}" for name in PRODUCTS)


def variables(**changed: Any) -> dict[str, Any]:
    """Return role variables, without their prefix in *changed*."""
    return {f"securityhub_slack_{name}": value for name, value in {**DEFAULTS, **changed}.items()}


def policy(**changed: Any) -> Policy:
    """Return the policy of role variables."""
    return policy_of(variables(**changed), TODAY)


def finding(**changed: Any) -> dict[str, Any]:
    """Return a CRITICAL finding of control S3.1 that the default policy forwards."""
    made: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": "arn:aws:securityhub:us-east-1:111111111111:security-control/S3.1/finding/1",
        "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/securityhub",
        "Region": "us-east-1",
        "GeneratorId": "security-control/S3.1",
        "CreatedAt": "2026-11-24T00:00:00.000Z",
        "UpdatedAt": "2026-11-24T00:00:00.000Z",
        "Description": "This control checks whether an S3 bucket is public.",
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
    """Return the event with which Security Hub puts the finding on the bus of *region* (the finding's own)."""
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
        "class_uid": 2003,
        "type_uid": 200302,
        "category_uid": 2,
        "severity_id": 5,
        "resources": [
            {key: resource[name] for key, name in (("type", "Type"), ("uid", "Id")) if name in resource}
            for resource in found["Resources"]
        ],
    }
    if compliance is not None:
        control = {"control": compliance["SecurityControlId"]} if "SecurityControlId" in compliance else {}
        made["compliance"] = {"status": states[compliance["Status"]], **control}
    if service:
        made["evidences"] = [{"api": {"service": {"name": service}}}]
    return made


def patterns_of(policy: Policy, scope: Scope, trusted: bool | None = None) -> tuple[dict[str, Any], ...]:
    """Return the patterns of a drawn policy; draw another one if its suppressions exceed EventBridge's quotas."""
    try:
        return automatic_patterns(policy, scope, trusted)
    except UserError:
        return reject()


class Draw:
    """Draws inventories and findings from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, values: tuple[Any, ...], most: int = 2) -> list[Any]:
        """Return one to *most* of *values*."""
        return self.random.sample(values, self.random.randint(1, most))

    def maybe(self, values: tuple[Any, ...], most: int = 2) -> list[Any]:
        """Return some of *values*, often none."""
        return self.some(values, most) if self.random.random() < 0.4 else []

    def suppression(self) -> dict[str, Any]:
        """Return a suppression with one to three criteria."""
        suffixes = tuple(f"product/aws/{name}" for name in PRODUCTS)
        values = {
            "control_ids": CONTROLS,
            "account_ids": ACCOUNTS,
            "regions": REGIONS,
            "product_arns": (*suffixes, *suffixes, *product_arns(self.random.choice(REGIONS))),
            "resource_ids": ID_PATTERNS,
            "resource_types": TYPES,
            "title_prefixes": TITLE_PREFIXES,
            "resource_tags": (),
        }
        names = self.some(tuple(values), 3)
        return {
            name: {tag: self.some(TAG_VALUES) for tag in self.some(TAGS)}
            if name == "resource_tags"
            else self.some(values[name])
            for name in names
        }

    def policy(self, most_suppressions: int = 5, **changed: Any) -> Policy:
        """Return a policy."""
        choice = self.random.choice
        drawn = {
            "minimum_severity": choice(("INFORMATIONAL", "LOW", "HIGH")),
            "severities": self.maybe(("CRITICAL", "HIGH", "LOW")),
            "forward_automatically": self.random.random() < 0.9,
            "suppressions": [self.suppression() for _number in range(self.random.randint(0, most_suppressions))],
            "account_ids": self.maybe(ACCOUNTS),
            "other_channels_account_ids": self.maybe(ACCOUNTS),
            "deduplicate_global": [kind for kind in GLOBAL_KINDS if self.random.random() < 0.7],
            **changed,
        }
        given = variables(**drawn)
        assert problems(given) == []
        return policy_of(given, TODAY)

    def ocsf_policy(self, most_suppressions: int = 5) -> Policy:
        """Return a policy for OCSF, which has no tags."""
        suppressions = [self.suppression() for _number in range(self.random.randint(0, most_suppressions))]
        untagged = [{name: item[name] for name in LISTS if name in item} for item in suppressions]
        return self.policy(finding_format="ocsf", suppressions=[item for item in untagged if item])

    def scope(self) -> Scope:
        """Return the scope of a target of its own, one beside an aggregator, or a home Region."""
        region, owner = self.random.choice(REGIONS), self.random.choice(REGIONS)
        kind = self.random.choice(("own", "only_own", "home"))
        if kind != "home":
            return Scope(region, owner, only_own=kind == "only_own")
        few = [self.policy(1) for _number in range(2)]
        linked = sorted(self.some(tuple(other for other in REGIONS if other != region), 3))
        return Scope(region, owner, tuple((name, self.random.choice(few)) for name in linked), aggregates=True)

    def near(self, text: str) -> str:
        """Return *text*, or now and then one that begins or ends like it."""
        return self.random.choice((*[text] * 8, f"{text}x", f"x{text}", text[:-1] or "x", text.swapcase()))

    def resource(self) -> dict[str, Any]:
        """Return a resource of a finding."""
        tags = {tag: self.near(self.random.choice(TAG_VALUES)) for tag in self.maybe(TAGS)}
        made = {"Type": self.near(self.random.choice(TYPES)), "Id": self.near(self.random.choice(IDS))}
        return {**made, "Tags": tags} if tags or self.random.random() < 0.2 else made

    def finding(self, region: str = "") -> dict[str, Any]:
        """Return a finding near enough to what is forwarded that each condition decides about some of them."""
        choice = self.random.choice
        region = region or choice(REGIONS)
        control = {"SecurityControlId": self.near(choice(CONTROLS))} if self.random.random() < 0.8 else {}
        status = {"Status": choice(("FAILED", "FAILED", "FAILED", "WARNING", "PASSED"))}
        service = {"ActionType": "AWS_API_CALL", "AwsApiCallAction": {"Api": "X", "ServiceName": choice(SERVICES)}}
        return finding(
            Region=region,
            AwsAccountId=choice(ACCOUNTS),
            ProductArn=self.near(choice(product_arns(choice((region, region, *REGIONS))))),
            Title=self.near(choice(TITLES)),
            Severity={"Label": choice(("CRITICAL", "CRITICAL", "HIGH", "MEDIUM", "LOW"))},
            Compliance=choice((None, {**status, **control}, {**status, **control})),
            Action=choice((None, service)),
            Workflow={"Status": choice((*["NEW"] * 8, "NOTIFIED", "SUPPRESSED"))},
            RecordState=choice((*["ACTIVE"] * 8, "ARCHIVED")),
            Resources=[self.resource() for _number in range(choice((1, 1, 1, 2, 3)))],
        )

    def ocsf_finding(self) -> dict[str, Any]:
        """Return a finding in OCSF, now and then without some of what it may lack."""
        made = ocsf(self.finding())
        for resource in made["resources"]:
            for key in self.maybe(("type", "uid"), 1) if self.random.random() < 0.3 else ():
                del resource[key]
        if self.random.random() < 0.1:
            made[self.random.choice(("resources", "evidences"))] = []
        if self.random.random() < 0.1:
            del made["finding_info"]["title"]
        if self.random.random() < 0.2:
            names = [*self.some(SERVICES), None]
            made["evidences"] = [{"api": {"service": {"name": name}} if name else {}} for name in names]
        return made

    def world(self) -> World:
        """Return an inventory of one account: targets with their policies for one or two channels."""
        regions = self.some(REGIONS, 4)
        few = [self.policy(3) for _number in range(3)]
        channels = CHANNELS[: self.random.choice((1, 1, 2))]
        policies = {region: tuple((name, self.random.choice(few)) for name in channels) for region in regions}
        linked = tuple(sorted(self.some(REGIONS, 3)))
        mode = self.random.choice(("ALL_REGIONS", "SPECIFIED_REGIONS", "ALL_REGIONS_EXCEPT_SPECIFIED", "NO_REGIONS"))
        aggregation = topology.Aggregation(self.random.choice(REGIONS), mode, linked)
        return World(
            policies,
            self.random.choice((None, aggregation)),
            self.random.choice(("auto", "auto", "per_region", "home_region")),
            self.random.choice(("", *REGIONS)),
        )


@dataclass(frozen=True)
class World:
    """An inventory of one account, and its aggregator."""

    policies: dict[str, tuple[tuple[str, Policy], ...]]
    aggregation: topology.Aggregation | None
    setting: str
    global_setting: str

    def lay_out(self) -> topology.Topology:
        """Return the topology."""
        candidates = [topology.Candidate(region, policies, True) for region, policies in self.policies.items()]
        return topology.lay_out(candidates, self.aggregation, self.setting, self.global_setting)

    def rules(self, layout: topology.Topology) -> list[tuple[str, str, dict[str, Any]]]:
        """Return bus, channel and pattern of each rule. Raises UserError."""
        return [
            (assignment.region, channel, pattern)
            for assignment in layout.assignments
            for (channel, policy), scope in zip(self.policies[assignment.region], assignment.scopes)
            for pattern in automatic_patterns(policy, scope)
        ]

    def buses(self, region: str) -> set[str]:
        """Return the Regions on whose buses a finding of *region* appears."""
        return {region, self.aggregation.home} if self.aggregation and self.aggregation.links(region) else {region}

    def is_expected(self, layout: topology.Topology, channel: str, found: dict[str, Any]) -> bool:
        """Return whether a finding arrives in a channel, by the documented policy of its own Region."""
        region = found["Region"]
        if region in self.policies:
            policy = dict(self.policies[region])[channel]
        elif layout.mode == "home_region" and self.aggregation and self.aggregation.links(region):
            policy = dict(self.policies[self.aggregation.home])[channel]
        else:
            return False
        return why_not_forwarded(policy, Scope(region, layout.global_findings_region), found) == ""


SEEDS = st.integers(0, 2**32)


def policies() -> st.SearchStrategy[Policy]:
    """Return a strategy of policies."""
    return SEEDS.map(lambda seed: Draw(seed).policy())


def scopes() -> st.SearchStrategy[Scope]:
    """Return a strategy of scopes."""
    return SEEDS.map(lambda seed: Draw(seed).scope())


def findings() -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of findings."""
    return SEEDS.map(lambda seed: Draw(seed).finding())
