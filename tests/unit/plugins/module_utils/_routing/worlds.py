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
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import topology
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import first
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import format_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import GLOBAL_KINDS
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import LISTS
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from hypothesis import reject
from hypothesis import strategies as st

# How many worlds, policies and proofs each test draws.
WORLDS = int(os.environ.get("ROUTING_WORLDS", "25"))

TODAY = datetime.date(2026, 11, 24)
DEFAULTS: dict[str, Any] = {
    "minimum_severity": "CRITICAL",
    "severities": [],
    "forward_automatically": True,
    "account_ids": [],
    "global_findings_region": "",
    "deduplicate_global": list(GLOBAL_KINDS),
    "suppressions": [],
    "fix_available": False,
    "exploit_available": False,
    "minimum_epss": 0.0,
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
MINIMUMS = (0.01, 0.1, 0.15, 0.9, 1.0)
SCORES = (0.0, 0.00043, 0.01, 0.099, 0.1, 0.149, 0.15, 0.2, 0.94321, 1.0)
CHANNELS = ("slack", "slack-oncall")


def product_arns(region: str) -> tuple[str, ...]:
    """Return the ARNs of the products in a region."""
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
    if "Vulnerabilities" in found:
        made["vulnerabilities"] = [_ocsf_vulnerability(item) for item in found["Vulnerabilities"]]
    return made


def _ocsf_vulnerability(item: dict[str, Any]) -> dict[str, Any]:
    names = {"ExploitAvailable": "is_exploit_available", "FixAvailable": "is_fix_available"}
    made: dict[str, Any] = {name: item[key] != "NO" for key, name in names.items() if key in item}
    score = {"epss": {"score": str(item["EpssScore"])}} if "EpssScore" in item else {}
    return {**made, "cve": {"uid": item["Id"], **score}}


def compiled(policy: Policy, scope: Scope, trusted: bool | None = None) -> tuple[dict[str, Any], ...]:
    """Return the patterns of a drawn policy. Raises UserError if it exceeds one of the limits in routing.rst."""
    try:
        return automatic_patterns(policy, scope, trusted)
    except UserError as error:
        assert re.search("quota is 2,048 characters|more than 20 event rules|asterisks", str(error)), error
        raise


def patterns_of(policy: Policy, scope: Scope, trusted: bool | None = None) -> tuple[dict[str, Any], ...]:
    """Return the patterns of a drawn policy; draw another one if it exceeds a limit."""
    try:
        return compiled(policy, scope, trusted)
    except UserError:
        return reject()


class Draw:
    """Draws inventories and findings from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Apart, so that what else a seed draws stays the same.
        self.of_vulnerabilities = random.Random(f"vulnerabilities {seed}")

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
            "fix_available": self.of_vulnerabilities.random() < 0.3,
            "exploit_available": self.of_vulnerabilities.random() < 0.3,
            "minimum_epss": self.of_vulnerabilities.choice((0.0, 0.0, 0.0, *MINIMUMS)),
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
        """Return the scope of a target of its own, one beside an aggregator, or a home region."""
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

    def vulnerability(self) -> dict[str, Any]:
        """Return what a finding may say about a vulnerability."""
        choice = self.of_vulnerabilities.choice
        made = {
            "EpssScore": choice((None, *SCORES)),
            "ExploitAvailable": choice((None, "YES", "NO")),
            "FixAvailable": choice((None, "YES", "NO", "PARTIAL")),
        }
        return {"Id": "CVE-2026-0001", **{key: value for key, value in made.items() if value is not None}}

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
            Vulnerabilities=[self.vulnerability() for _number in range(self.of_vulnerabilities.choice((0, 1, 2, 3)))],
        )

    def finding_in(self, world: World) -> dict[str, Any]:
        """Return a finding in the format of *world*."""
        return self.ocsf_finding() if world.finding_format == "ocsf" else self.finding()

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
        choice = self.random.choice
        regions = tuple(self.some(REGIONS, 4))
        policy, most = choice((self.policy, self.policy, self.ocsf_policy)), choice((1, 3, 5))
        few = [policy(most) for _number in range(3)]
        channels = CHANNELS[: choice((1, 1, 2))]
        policies = {region: tuple((name, choice(few)) for name in channels) for region in regions}
        linked = tuple(sorted(self.some(REGIONS, 3)))
        mode = choice(("ALL_REGIONS", "SPECIFIED_REGIONS", "ALL_REGIONS_EXCEPT_SPECIFIED", "NO_REGIONS"))
        aggregation = topology.Aggregation(choice((*regions, *regions, *REGIONS)), mode, linked)
        return World(
            policies,
            choice((None, aggregation, aggregation)),
            choice(("auto", "auto", "per_region", "home_region")),
            choice(("", *regions, *REGIONS)),
            self.random.random() < 0.9,
        )


@dataclass(frozen=True)
class World:
    """An inventory of one account, and its aggregator; knows_aggregation: whether AWS says that it has one."""

    policies: dict[str, tuple[tuple[str, Policy], ...]]
    aggregation: topology.Aggregation | None
    setting: str
    global_setting: str
    knows_aggregation: bool

    @property
    def finding_format(self) -> str:
        """Return the format of the account's findings."""
        return next(policy.finding_format for channels in self.policies.values() for _channel, policy in channels)

    @property
    def channels(self) -> list[str]:
        """Return the channels, which all targets have."""
        return [channel for channel, _policy in next(iter(self.policies.values()))]

    def lay_out(self) -> topology.Topology:
        """Return the topology."""
        candidates = [topology.Candidate(region, found, True) for region, found in sorted(self.policies.items())]
        known = self.aggregation if self.knows_aggregation else None
        return topology.lay_out(
            candidates, known, self.setting, self.global_setting, knows_aggregation=self.knows_aggregation
        )

    def rules(
        self, layout: topology.Topology, kinds: tuple[bool | None, ...] = (None,)
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """Return bus, channel and pattern of each rule; *kinds*: of texts (see trust.py). Raises UserError."""
        return [
            (assignment.region, channel, pattern)
            for assignment in layout.assignments
            for (channel, policy), scope in zip(self.policies[assignment.region], assignment.scopes)
            for kind in kinds
            for pattern in compiled(policy, scope, kind)
        ]

    def buses(self, region: str) -> set[str]:
        """Return the Regions on whose buses a finding of *region* appears."""
        return {region, self.aggregation.home} if self.aggregation and self.aggregation.links(region) else {region}

    # What routing.rst says of them. No code is shared with topology.py.

    def policy_for(self, region: str, channel: str) -> Policy | None:
        """Return the policy that decides about findings of *region* in a channel, None if none is sent there."""
        home = self._forwarding_home
        target = home if home and region not in self.policies and self.aggregation.links(region) else region
        return dict(self.policies.get(target, ())).get(channel)

    @property
    def global_findings_region(self) -> str:
        """Return the Region that forwards global findings."""
        home = self._forwarding_home
        channels = {
            channel
            for policies in self.policies.values()
            for channel, policy in policies
            if policy.severities and policy.deduplicate_global
        }
        own = {region: dict(policies) for region, policies in sorted(self.policies.items())}
        forwarding = [region for region in own if not (home and self.aggregation.links(region))]
        usable = [region for region in forwarding if all(own[region][channel].severities for channel in channels)]
        wanted = [self.global_setting, *(region for region in ("us-east-1", home) if region in usable), *usable]
        return next(filter(None, wanted), "")

    @property
    def _forwarding_home(self) -> str:
        """Return the home region if it forwards the findings of its linked regions, otherwise an empty text."""
        found = self.aggregation
        if not found or not self.knows_aggregation or self.setting == "per_region":
            return ""
        links_to_target = found.home in self.policies and found.mode != "NO_REGIONS"
        return found.home if links_to_target or any(map(found.links, self.policies)) else ""

    def is_expected(self, channel: str, found: dict[str, Any]) -> bool:
        """Return whether a finding arrives in a channel, by the documented policy of its own Region."""
        region = first(found, format_of(found).region)
        policy = self.policy_for(region, channel)
        return bool(policy) and why_not_forwarded(policy, Scope(region, self.global_findings_region), found) == ""


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
