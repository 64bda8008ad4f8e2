# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies whose patterns are proved to forward exactly what the policy says: see proof.py."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import KEYS
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import problems
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import proof
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing.test_patterns import USUAL
from hypothesis import HealthCheck
from hypothesis import example
from hypothesis import given
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[5]
OWNER = Scope("us-east-1", "us-east-1")
ELSEWHERE = Scope("eu-west-1", "us-east-1")
BESIDE = Scope("eu-west-1", "us-east-1", only_own=True)


def home(*policies):
    """A home region with linked regions of these policies."""
    regions = ("ap-northeast-1", "ap-southeast-1", "us-east-1")
    return Scope("eu-west-1", "us-east-1", tuple(zip(regions, policies)), aggregates=True)


def is_proved(policy, scope):
    """Tell whether the patterns are proved: those of all findings, and those of the two kinds of custom messages."""
    return all(
        proof.counterexample(worlds.compiled(policy, scope, trusted), policy, scope, trusted) is None
        for trusted in (None, True, False)
    )


def test_classes_are_all_that_globs_tell_apart():
    globs = {tuple("ab"), ("a", proof.STAR), (proof.STAR, "b"), ("a", proof.STAR, "a", proof.STAR)}

    def matched(text):
        return (text == "ab", text.startswith("a"), text.endswith("b"), text.startswith("a") and "a" in text[1:])

    texts = proof.classes(frozenset(globs))
    assert len({matched(text) for text in texts}) == len(texts)
    assert {matched(text) for text in texts} == {
        matched(text) for text in ("x", "b", "a", "ab", "aa", "aab", "axb", "xb", "ba")
    }


def broken_patterns():
    policy = worlds.policy(suppressions=USUAL[:4])
    (pattern,) = automatic_patterns(policy, OWNER)
    yield worlds.policy(suppressions=USUAL[:4], fix_available=True), (pattern,)
    yield worlds.policy(suppressions=USUAL[:4], minimum_epss=0.15), (pattern,)
    for change in ("severity", "state", "control", "list"):
        changed = copy.deepcopy(pattern)
        findings = changed["detail"]["findings"]
        if change == "severity":
            findings["Severity"]["Label"].append("HIGH")
        elif change == "state":
            del findings["RecordState"]
        elif change == "control":
            findings["$or"][-1]["Compliance"]["SecurityControlId"].pop()
        else:
            findings["$or"].pop(0)
        yield policy, (changed,)
    yield policy, ()
    yield policy, (pattern, pattern)


@pytest.mark.parametrize(("policy", "patterns"), list(broken_patterns()))
def test_a_wrong_pattern_has_a_counterexample(policy, patterns):
    assert proof.counterexample(patterns, policy, OWNER)


def test_a_pattern_that_only_an_ideal_matcher_gets_right_has_a_counterexample(monkeypatch):
    policy = worlds.policy(
        account_ids=["222222222222", "333333333333"],
        suppressions=[{"control_ids": ["S3.8"], "account_ids": ["333333333333"]}],
    )
    (pattern,) = automatic_patterns(policy, OWNER)
    findings = pattern["detail"]["findings"]
    # Event-ruler may drop the second alternative, which has a value of each field of the first one.
    findings["$or"] = [
        {"AwsAccountId": ["222222222222"], "Compliance": {"SecurityControlId": [{"exists": True}, {"exists": False}]}},
        {
            "AwsAccountId": ["222222222222", "333333333333"],
            "Compliance": {"SecurityControlId": [{"anything-but": ["S3.8"]}, {"exists": False}]},
        },
    ]
    assert "333333333333" in proof.counterexample([pattern], policy, OWNER).values()
    monkeypatch.setattr(proof, "registered", lambda alternatives: alternatives)
    assert proof.counterexample([pattern], policy, OWNER) is None


# What takes the most rules, and every criterion beside every other one.
WORST = {
    "usual": USUAL,
    "whole product ARNs beside their ends": [
        {"product_arns": ["arn:aws:securityhub:eu-west-1::product/aws/guardduty"], "title_prefixes": ["S3"]},
        {"product_arns": ["product/aws/guardduty"], "resource_types": ["AwsS3Bucket"]},
        {"product_arns": ["arn:aws:securityhub:eu-west-1::product/aws/guardduty", "product/aws/inspector"]},
    ],
    "titles within titles": [
        {"title_prefixes": ["S3"], "account_ids": ["111111111111"]},
        {"title_prefixes": ["S3 is"], "product_arns": ["product/aws/guardduty"]},
        {"title_prefixes": ["S3 is public"], "resource_ids": ["arn:aws:s3:::*"]},
    ],
    "wildcards that overlap": [
        {"resource_ids": ["*a*", "arn:*b"], "title_prefixes": ["S3", "S3 is"]},
        {"resource_ids": ["arn:*:c*"], "title_prefixes": ["S3 is", "Tor"], "control_ids": ["S3.8"]},
        {"resource_ids": ["arn:aws:s3:::*"], "resource_types": ["AwsS3Bucket"]},
    ],
    "tags": [
        {"resource_tags": {"env": "dev", "team": "a"}},
        {"resource_tags": {"env": "prod", "team": ["b", "c"]}, "resource_ids": ["i-*"]},
        {"resource_tags": {"Ref": "dev"}, "control_ids": ["S3.8"]},
    ],
    "a list of each": [
        {"control_ids": ["S3.1", "S3.8"], "account_ids": ["111111111111", "222222222222"]},
        {"account_ids": ["222222222222", "333333333333"], "regions": ["eu-west-1", "us-east-1"]},
        {"regions": ["us-east-1", "ap-southeast-1"], "resource_types": ["AwsS3Bucket", "AwsIamRole"]},
        {"resource_types": ["AwsIamRole"], "product_arns": ["product/aws/access-analyzer"]},
    ],
    "one control for each account": [
        {"control_ids": [f"EC2.{number}"], "account_ids": [f"{number % 5:012}"]} for number in range(40)
    ],
}


@pytest.mark.parametrize("scope", [OWNER, ELSEWHERE, BESIDE], ids=["owner", "elsewhere", "beside"])
@pytest.mark.parametrize("suppressions", list(WORST.values()), ids=list(WORST))
def test_the_worst_policies_are_proved(suppressions, scope):
    policy = worlds.policy(minimum_severity="HIGH", suppressions=suppressions)
    assert is_proved(policy, scope)


VULNERABILITIES = {"fix_available": True, "exploit_available": True, "minimum_epss": 0.15}


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
@pytest.mark.parametrize("name", ["usual", "titles within titles", "wildcards that overlap", "a list of each"])
def test_vulnerability_filters_beside_the_worst_policies_are_proved(finding_format, name):
    policy = worlds.policy(finding_format=finding_format, suppressions=untagged(WORST[name]), **VULNERABILITIES)
    assert is_proved(policy, ELSEWHERE)


def untagged(suppressions):
    """The suppressions that a policy for OCSF can have."""
    return [item for item in suppressions if "resource_tags" not in item]


def test_a_home_region_with_other_vulnerability_filters_than_its_linked_regions_is_proved():
    others = [worlds.policy(minimum_epss=0.5), worlds.policy(exploit_available=True), worlds.policy(**VULNERABILITIES)]
    assert is_proved(worlds.policy(fix_available=True, suppressions=USUAL[:3]), home(*others))


@pytest.mark.parametrize("minimum", [0.01, 0.1, 0.99, 1.0])
@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_the_minimum_of_the_epss_score_is_proved(finding_format, minimum):
    assert is_proved(worlds.policy(finding_format=finding_format, minimum_epss=minimum), OWNER)


def test_a_home_region_with_three_policies_is_proved():
    usual = worlds.policy(suppressions=USUAL)
    scope = home(worlds.policy(minimum_severity="LOW", suppressions=USUAL), worlds.policy(), usual)
    assert is_proved(usual, scope)


def documented():
    """The examples of the documentation and the files of the inventories."""
    texts = []
    for path in sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst")):
        lines, block = path.read_text(encoding="utf-8").splitlines(), None
        for line in [*lines, "end"]:
            if block is not None and line.strip() and not line.startswith("   "):
                texts.append("\n".join(block))
                block = None
            if block is not None:
                block.append(line)
            if line.strip() == ".. code-block:: yaml":
                block = []
    texts += [path.read_text(encoding="utf-8") for path in sorted((ROOT / "inventories").rglob("*.yml"))]
    return [next(iter(yaml.safe_load_all(text)), None) for text in texts]


def nodes(node):
    yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(item)


def is_suppression(node):
    return isinstance(node, dict) and bool(node) and set(node) <= set(KEYS) and set(node) - {"account_ids"} != set()


def test_the_suppressions_in_documentation_and_inventories_are_proved():
    only_in_patterns = {"expires": "", "suppress_in": "pattern"}
    suppressions = [{**item, **only_in_patterns} for item in nodes(documented()) if is_suppression(item)]
    assert len(suppressions) >= 2
    assert problems(worlds.variables(suppressions=suppressions)) == []
    for scope in (OWNER, ELSEWHERE):
        assert is_proved(worlds.policy(minimum_severity="MEDIUM", suppressions=suppressions), scope)


@settings(max_examples=worlds.WORLDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(worlds.SEEDS)
@example(331)  # alternatives that are only told apart by a field that every finding has
@example(896444)  # a title must contain one of two texts, by which its findings cannot be divided into rules
def test_drawn_policies_are_proved(seed):
    draw = worlds.Draw(seed)
    policy, scope = (draw.ocsf_policy(), ELSEWHERE) if seed % 3 == 0 else (draw.policy(), draw.scope())
    try:
        assert is_proved(policy, scope)
    except UserError:
        return
