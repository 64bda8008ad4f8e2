# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample findings of tests/findings, against what is written down about them by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import problems
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Target
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import simulate
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Candidate
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import aggregation_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import lay_out
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

ROOT = Path(__file__).resolve().parents[5]
SAMPLES = ROOT / "tests" / "findings"
EXPECTED = yaml.safe_load((SAMPLES / "expected.yml").read_text(encoding="utf-8"))
FINDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*.json"))}

# Findings of real accounts, if there are any beside the repository.
RECORDED = ROOT.parent / "shared" / "findings"


def targets_of(scenario):
    variables = {
        region: worlds.variables(**{**scenario["variables"], **own}) for region, own in scenario["targets"].items()
    }
    for given in variables.values():
        assert problems(given) == []
    policies = {region: policy_of(given, worlds.TODAY) for region, given in variables.items()}
    layout = lay_out(
        [Candidate(region, (("slack", policy),)) for region, policy in policies.items()],
        aggregation_of(scenario["aggregator"]),
        "auto",
        scenario["variables"].get("global_findings_region", ""),
    )
    assert layout.problems == ()
    return [_target(assignment, policies[assignment.region], scenario["account"]) for assignment in layout.assignments]


def _target(assignment, policy, account):
    channels = tuple(Channel("slack", policy, scope) for scope in assignment.scopes)
    rules = tuple(
        Rule(f"slack-findings-{number}", pattern, "slack")
        for scope in assignment.scopes
        for number, pattern in enumerate(automatic_patterns(policy, scope))
    )
    return Target(assignment.region, account, assignment.region, rules, channels, assignment.reason)


def test_every_sample_has_its_expectations_and_the_other_way_round():
    assert len(FINDINGS) >= 40
    assert set(FINDINGS) == set(EXPECTED["findings"])
    for expected in EXPECTED["findings"].values():
        assert set(expected) == set(EXPECTED["scenarios"])
    assert len(FINDINGS) * len(EXPECTED["scenarios"]) >= 150


@pytest.mark.parametrize("scenario", sorted(EXPECTED["scenarios"]))
def test_samples_go_where_they_are_expected_to(scenario):
    given = EXPECTED["scenarios"][scenario]
    outlooks = simulate(FINDINGS.values(), targets_of(given), {given["account"]: aggregation_of(given["aggregator"])})
    become = {
        name: [delivery.host for delivery in outlook.decision.deliveries] or outlook.decision.sentence
        for name, (_finding, outlook) in zip(FINDINGS, outlooks)
    }
    wanted = {name: expected[scenario] for name, expected in EXPECTED["findings"].items()}
    assert become == {
        name: [outcome] if outcome in given["targets"] else f"not sent: {outcome}" for name, outcome in wanted.items()
    }


def recorded_findings():
    """Findings of files that hold a finding, an event, or what GetFindings answers."""
    found = []
    for path in sorted(RECORDED.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        held = content.get("detail", {}).get("findings") or content.get("Findings") or [content]
        found += [finding for finding in held if "ProductArn" in finding]
    return found


def test_recorded_findings_are_decided_like_the_policy_reads():
    everything = worlds.policy(minimum_severity="INFORMATIONAL")
    for scope in (Scope("us-east-1", "us-east-1"), Scope("us-east-2", "us-east-1"), Scope("us-east-1", "us-east-2")):
        patterns = automatic_patterns(everything, scope)
        for found in recorded_findings():
            event = event_of(found, "111111111111", scope.region)
            sent = sum(matches(pattern, event) for pattern in patterns)
            assert sent == (not why_not_forwarded(everything, scope, found))
