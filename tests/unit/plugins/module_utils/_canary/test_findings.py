# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test findings cannot be mistaken for real ones, and are as few and as low in severity as the rules allow."""

from __future__ import annotations

import datetime
from functools import partial

import boto3
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.plugins.module_utils._model.account import Account
from ansible_collections.secops.securityhub.plugins.module_utils._routing import matcher
from ansible_collections.secops.securityhub.plugins.module_utils._routing import simulation
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import SEVERITIES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Target
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies

NOW = datetime.datetime(2026, 11, 24, 1, 2, 3, 4567, datetime.timezone.utc)
ACCOUNT = Account("111111111111", "aws")
REGION = "eu-west-1"


def rules_of(*severities, **policy):
    """A rule, by the name of its topic, for each tuple of severities."""
    chosen = [policy_of(worlds.variables(severities=list(labels), **policy), NOW.date()) for labels in severities]
    return [
        Rule(f"topic{number}-findings", pattern, f"topic{number}")
        for number, item in enumerate(chosen)
        for pattern in automatic_patterns(item, Scope("eu-west-1", "us-east-1"))
    ]


def as_in_event(**policy):
    """How Security Hub changes a finding, by the suppressions that are left to it."""
    of_channel = policy_of(worlds.variables(**policy), NOW.date())
    channels = (Channel("topic0", of_channel, Scope(REGION, "us-east-1")),)
    return partial(simulation.as_in_event, targets=[Target(REGION, ACCOUNT.id, REGION, (), channels)])


def sent(*severities, **policy):
    rules = rules_of(*severities, **policy)
    chosen = findings.choose(ACCOUNT, REGION, REGION, rules, as_in_event(**policy), "1", NOW)
    return [(item.severity, item.topics) for item in chosen]


def test_it_has_the_lowest_severity_that_the_rule_matches():
    assert sent(("MEDIUM", "HIGH", "CRITICAL")) == [("MEDIUM", ("topic0",))]


def test_one_is_enough_for_channels_with_a_common_severity():
    assert sent(("HIGH", "CRITICAL"), SEVERITIES) == [("HIGH", ("topic0", "topic1"))]


def test_channels_without_a_common_severity_get_one_each():
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
@pytest.mark.parametrize("place", ["pattern", "security_hub"])
def test_suppressions_filter_it_out_like_any_finding(suppression, place):
    assert sent(SEVERITIES, suppressions=[{**suppression, "suppress_in": place}]) == []


@given(strategies.lists(strategies.sets(strategies.sampled_from(SEVERITIES), min_size=1), min_size=1, max_size=4))
def test_the_fewest_findings_reach_every_channel(wanted):
    chosen = sent(*(tuple(label for label in SEVERITIES if label in labels) for labels in wanted))
    reached = [topic for _severity, topics in chosen for topic in topics]
    assert set(reached) == {f"topic{number}" for number in range(len(wanted))}
    assert len(chosen) <= len(wanted)
    for severity, topics in chosen:
        assert topics == tuple(f"topic{number}" for number, labels in enumerate(wanted) if severity in labels)


def test_it_cannot_be_mistaken_for_a_real_one():
    found = findings.finding(ACCOUNT, REGION, "1", "CRITICAL", NOW)
    assert found["ProductArn"] == "arn:aws:securityhub:eu-west-1:111111111111:product/111111111111/default"
    assert found["Title"].startswith("TEST")
    assert found["Sample"] is True
    assert found["Remediation"]["Recommendation"]["Text"] == "There is nothing to do."
    # Automatic remediation selects by control and by resource.
    assert "Compliance" not in found
    assert [resource["Type"] for resource in found["Resources"]] == ["Other"]


def test_aws_accepts_it_and_its_archived_form():
    found = findings.finding(ACCOUNT, REGION, "1", "LOW", NOW)
    as_read = {**found, "Region": "eu-west-1", "ProcessedAt": "2026-11-24T01:02:04.000Z", "WorkflowState": "NEW"}
    gone = findings.archived(as_read, NOW + datetime.timedelta(seconds=1))
    client = boto3.client("securityhub", "eu-west-1", aws_access_key_id="1", aws_secret_access_key="2")
    with Stubber(client) as stub:
        answer = {"FailedCount": 0, "SuccessCount": 1}
        for item in (found, gone):
            stub.add_response("batch_import_findings", answer, {"Findings": [item]})
            client.batch_import_findings(Findings=[item])
    assert (gone["RecordState"], gone["UpdatedAt"]) == ("ARCHIVED", "2026-11-24T01:02:04.004Z")
    # Security Hub and its users own these.
    assert {"Region", "ProcessedAt", "WorkflowState", "Workflow"}.isdisjoint(gone)


def test_no_rule_matches_it_when_it_is_archived():
    rules = rules_of(SEVERITIES)
    for item in findings.choose(ACCOUNT, REGION, REGION, rules, as_in_event(), "1", NOW):
        gone = {**item.event, "detail": {"findings": [{**item.asff, "RecordState": "ARCHIVED"}]}}
        assert [rule.name for rule in rules if matcher.matches(rule.pattern, gone)] == []
