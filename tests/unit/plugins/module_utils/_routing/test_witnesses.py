# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

from ansible_collections.secops.securityhub.plugins.module_utils._routing import witnesses
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import alternatives_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import fit
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import fits
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import leaves_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import action_pattern
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.safety import registered
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import HealthCheck
from hypothesis import example
from hypothesis import given
from hypothesis import settings

OWNER = Scope("us-east-1", "us-east-1")
ELSEWHERE = Scope("eu-west-1", "us-east-1")


def test_each_alternative_has_an_event_and_each_condition_a_near_miss():
    policy = worlds.policy(suppressions=[{"control_ids": ["S3.8"], "account_ids": ["333333333333"]}])
    (pattern,) = automatic_patterns(policy, ELSEWHERE)
    made = witnesses.of_policy(pattern, policy, ELSEWHERE)
    assert sum(witness.must_match for witness in made) >= 4
    assert {witness.about for witness in made if not witness.must_match} >= {
        "source",
        "detail-type",
        "RecordState",
        "Workflow.Status",
        "Severity.Label",
        "Compliance.Status",
        "Compliance.SecurityControlId",
        "AwsAccountId",
        "Action.AwsApiCallAction.ServiceName",
        "Resources.Type",
    }


def matched(pattern, made):
    """The alternatives that have a witness, each by whether one of them matches no other alternative."""
    found = {}
    for leaves in [leaves_of(witness.event) for witness in made if witness.must_match]:
        matching = [number for number, one in enumerate(alternatives_of(pattern)) if fits(one, leaves)]
        found |= {number: found.get(number) or len(matching) == 1 for number in matching}
    return found


def covered(pattern, made):
    """How many alternatives have a witness that no other alternative matches."""
    return sum(matched(pattern, made).values())


def test_each_combination_of_lists_of_alternatives_has_an_event_of_its_own():
    policy = worlds.policy(suppressions=[{"control_ids": ["S3.8"], "account_ids": ["333333333333"]}])
    (pattern,) = automatic_patterns(policy, ELSEWHERE)
    assert len(alternatives_of(pattern)) == 6  # of two lists
    assert covered(pattern, witnesses.of_policy(pattern, policy, ELSEWHERE)) == 6


def test_more_combinations_than_can_be_tested_have_an_event_for_each_entry_of_a_list():
    lists = [[{"Title": [f"t{n}"]} for n in range(20)], [{"ProductArn": [f"p{n}"]} for n in range(7)]]
    pattern = {"detail": {"findings": {"$or": lists[0]}, "$or": [{"findings": entry} for entry in lists[1]]}}
    made = [item.event["detail"]["findings"][0] for item in witnesses.of_policy(pattern, worlds.policy(), OWNER)]
    assert {f"t{n}" for n in range(20)} <= {finding["Title"] for finding in made}
    assert {f"p{n}" for n in range(7)} <= {finding["ProductArn"] for finding in made}


@settings(max_examples=worlds.WORLDS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds.SEEDS)
@example(29146)  # an alternative that only a value of another alternative tells apart from it
def test_a_pattern_matches_its_witnesses_and_no_near_miss(seed):
    draw = worlds.Draw(seed)
    scope = draw.scope()
    policy = draw.policy() if scope.linked or seed % 2 else draw.ocsf_policy()
    trusted = draw.random.choice((None, True, False))
    for pattern in worlds.patterns_of(policy, scope, trusted):
        made = witnesses.of_policy(pattern, policy, scope, trusted)
        assert len(matched(pattern, made)) == min(len(alternatives_of(pattern)), witnesses.MAX_ALTERNATIVES)
        assert len(made) < witnesses.MAX_WITNESSES
        assert [witness for witness in made if matches(pattern, witness.event) is not witness.must_match] == []


def disagreements(pattern, policy, scope):
    """What TestEventPattern would answer otherwise, if event-ruler drops all alternatives that it may drop."""
    made = witnesses.of_policy(pattern, policy, scope)
    kept = registered(alternatives_of(pattern))
    return [item for item in made if fit(kept, leaves_of(item.event)) is not item.must_match]


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


ACTION = "arn:aws:securityhub:eu-west-1:111111111111:action/custom/SendToSlack"


def test_the_rule_of_a_custom_action_has_an_event_and_near_misses():
    made = witnesses.of_action(action_pattern(ACTION), ACTION)
    (match,) = [witness.event for witness in made if witness.must_match]
    assert (match["detail-type"], match["resources"]) == ("Security Hub Findings - Custom Action", [ACTION])
    misses = {witness.about: witness.event for witness in made if not witness.must_match}
    assert set(misses) == {"source", "detail-type", "resources"}
    assert misses["resources"]["resources"] == [f"{ACTION}-x"]
    assert misses["detail-type"]["detail-type"] == "Security Hub Findings - Imported"


def test_the_rules_of_a_custom_action_for_both_kinds_of_texts_are_told_apart():
    for trusted, fields in [(True, {"ProductArn", "Title"}), (False, {"ProductArn"})]:
        pattern = action_pattern(ACTION, trusted)
        made = witnesses.of_action(pattern, ACTION, trusted)
        assert [item for item in made if matches(pattern, item.event) is not item.must_match] == []
        assert {item.about for item in made if not item.must_match} >= {"source", "detail-type", "resources"} | fields
        assert covered(pattern, made) == len(alternatives_of(pattern))


def test_the_rule_of_another_custom_action_disagrees_with_a_witness():
    pattern = action_pattern(ACTION.replace("SendToSlack", "Other"))
    made = witnesses.of_action(pattern, ACTION)
    assert [item for item in made if matches(pattern, item.event) is not item.must_match]
