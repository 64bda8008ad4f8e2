# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test findings: nobody can take them for real ones, they are as mild and as few as the rules let them be."""

from __future__ import annotations

import datetime

import boto3
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._canary import specimens
from ansible_collections.secops.securityhub.plugins.module_utils._model.account import Account
from ansible_collections.secops.securityhub.plugins.module_utils._routing import matcher
from ansible_collections.secops.securityhub.plugins.module_utils._routing.clauses import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import SEVERITIES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import DEFAULTS
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies

NOW = datetime.datetime(2026, 11, 24, 1, 2, 3, 4567, datetime.timezone.utc)
ACCOUNT = Account("111111111111", "aws")
PLACE = specimens.Place(ACCOUNT, "eu-west-1", "eu-west-1")


def rules_of(*severities, **policy):
    """A rule, by the name of its topic, for each tuple of severities."""
    chosen = [policy_of(_prefixed(severities=list(labels), **policy), NOW.date()) for labels in severities]
    return [
        Rule(f"topic{number}-findings", pattern, f"topic{number}")
        for number, item in enumerate(chosen)
        for pattern in automatic_patterns(item, Scope("eu-west-1", "us-east-1"))
    ]


def _prefixed(**variables):
    return {f"securityhub_slack_{name}": value for name, value in {**DEFAULTS, **variables}.items()}


def sent(*severities, **policy):
    chosen = specimens.specimens(PLACE, rules_of(*severities, **policy), "1", NOW)
    return [(item.severity, item.topics) for item in chosen]


def test_it_is_as_mild_as_the_rule_lets_it_be():
    assert sent(("MEDIUM", "HIGH", "CRITICAL")) == [("MEDIUM", ("topic0",))]


def test_one_is_enough_for_channels_that_have_a_severity_in_common():
    assert sent(("HIGH", "CRITICAL"), SEVERITIES) == [("HIGH", ("topic0", "topic1"))]


def test_channels_that_have_none_in_common_get_one_each():
    assert sent(("LOW",), ("CRITICAL",)) == [("LOW", ("topic0",)), ("CRITICAL", ("topic1",))]


@pytest.mark.parametrize(
    "suppression",
    [
        {"title_prefixes": ["TEST"]},
        {"product_arns": ["product/111111111111/default"]},
        {"account_ids": ["111111111111"]},
        {"resource_types": ["Other"]},
    ],
)
def test_suppressions_hold_it_back_as_any_finding(suppression):
    assert sent(SEVERITIES, suppressions=[suppression]) == []


@given(strategies.lists(strategies.sets(strategies.sampled_from(SEVERITIES), min_size=1), min_size=1, max_size=4))
def test_every_channel_is_reached_by_the_fewest(wanted):
    chosen = sent(*(tuple(label for label in SEVERITIES if label in labels) for labels in wanted))
    reached = [topic for _severity, topics in chosen for topic in topics]
    assert set(reached) == {f"topic{number}" for number in range(len(wanted))}
    assert len(chosen) <= len(wanted)
    for severity, topics in chosen:
        assert topics == tuple(f"topic{number}" for number, labels in enumerate(wanted) if severity in labels)


def test_nobody_can_take_it_for_a_real_one():
    found = specimens.finding(PLACE, "1", "CRITICAL", NOW)
    assert found["ProductArn"] == "arn:aws:securityhub:eu-west-1:111111111111:product/111111111111/default"
    assert found["Title"].startswith("TEST")
    assert found["Sample"] is True
    assert found["Remediation"]["Recommendation"]["Text"] == "There is nothing to do."
    # Automatic remediations go by controls, and by resources.
    assert "Compliance" not in found
    assert [resource["Type"] for resource in found["Resources"]] == ["Other"]


def test_aws_takes_it_and_what_is_made_of_it():
    found = specimens.finding(PLACE, "1", "LOW", NOW)
    as_read = {**found, "Region": "eu-west-1", "ProcessedAt": "2026-11-24T01:02:04.000Z", "WorkflowState": "NEW"}
    gone = specimens.archived(as_read, NOW + datetime.timedelta(seconds=1))
    client = boto3.client("securityhub", "eu-west-1", aws_access_key_id="1", aws_secret_access_key="2")
    with Stubber(client) as stub:
        answer = {"FailedCount": 0, "SuccessCount": 1}
        for item in (found, gone):
            stub.add_response("batch_import_findings", answer, {"Findings": [item]})
            client.batch_import_findings(Findings=[item])
    assert (gone["RecordState"], gone["UpdatedAt"]) == ("ARCHIVED", "2026-11-24T01:02:04.004Z")
    # Of these Security Hub keeps its own, and people theirs.
    assert {"Region", "ProcessedAt", "WorkflowState", "Workflow"}.isdisjoint(gone)


def test_no_rule_sends_it_when_it_is_archived():
    rules = rules_of(SEVERITIES)
    for item in specimens.specimens(PLACE, rules, "1", NOW):
        gone = {**item.event, "detail": {"findings": [{**item.finding, "RecordState": "ARCHIVED"}]}}
        assert [rule.name for rule in rules if matcher.matches(rule.pattern, gone)] == []
