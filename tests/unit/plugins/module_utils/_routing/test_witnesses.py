# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.witnesses import witnesses
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings

OWNER = Scope("us-east-1", "us-east-1")
ELSEWHERE = Scope("eu-west-1", "us-east-1")


def test_each_alternative_has_an_event_and_each_condition_a_near_miss():
    policy = worlds.policy(suppressions=[{"control_ids": ["S3.8"], "account_ids": ["333333333333"]}])
    (pattern,) = automatic_patterns(policy, ELSEWHERE)
    made = witnesses(pattern, policy, ELSEWHERE)
    assert sum(witness.must_match for witness in made) >= 4
    assert {witness.about for witness in made if not witness.must_match} >= {
        "RecordState",
        "Workflow.Status",
        "Severity.Label",
        "Compliance.Status",
        "Compliance.SecurityControlId",
        "AwsAccountId",
        "Action.AwsApiCallAction.ServiceName",
        "Resources.Type",
    }


@settings(max_examples=worlds.WORLDS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds.SEEDS)
def test_a_pattern_matches_its_witnesses_and_no_near_miss(seed):
    draw = worlds.Draw(seed)
    scope = draw.scope()
    policy = draw.policy() if scope.linked or seed % 2 else draw.ocsf_policy()
    trusted = draw.random.choice((None, True, False))
    for pattern in worlds.patterns_of(policy, scope, trusted):
        made = witnesses(pattern, policy, scope)
        assert any(witness.must_match for witness in made)
        assert [witness for witness in made if matches(pattern, witness.event) is not witness.must_match] == []


def disagreements(pattern, policy, scope):
    """What TestEventPattern would answer otherwise; our matcher stands for EventBridge."""
    return [item for item in witnesses(pattern, policy, scope) if matches(pattern, item.event) is not item.must_match]


def test_a_pattern_with_a_wrong_condition_disagrees_with_a_witness():
    policy = worlds.policy()
    (pattern,) = automatic_patterns(policy, OWNER)
    changed = copy.deepcopy(pattern)
    changed["detail"]["findings"]["Severity"]["Label"] = ["HIGH"]
    assert disagreements(pattern, policy, OWNER) == []
    assert disagreements(changed, policy, OWNER)


def test_case_1_a_dropped_alternative_disagrees_with_its_witness():
    policy = worlds.policy(
        account_ids=["222222222222", "333333333333"],
        suppressions=[{"control_ids": ["S3.8"], "account_ids": ["333333333333"]}],
    )
    (pattern,) = automatic_patterns(policy, OWNER)
    overlapping = copy.deepcopy(pattern)
    findings = overlapping["detail"]["findings"]
    findings["$or"] = [
        {"AwsAccountId": ["222222222222"], "Compliance": {"SecurityControlId": [{"exists": True}, {"exists": False}]}},
        {
            "AwsAccountId": ["222222222222", "333333333333"],
            "Compliance": {"SecurityControlId": [{"anything-but": ["S3.8"]}, {"exists": False}]},
        },
    ]
    findings.pop("AwsAccountId", None)
    assert disagreements(pattern, policy, OWNER) == []
    assert disagreements(overlapping, policy, OWNER)
