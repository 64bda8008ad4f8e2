# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels that divide the member accounts among them."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

SCOPE = Scope("us-east-1", "us-east-1")
REST = {"name": "rest", "channel_id": "C0REST00000", "other_accounts": True}


def policies(**variables) -> dict[str, Policy]:
    """Return the policy of each channel, by its topic."""
    routes = account_model.settings(minimum_severity="LOW", **variables).routes
    return {route.topic: policy_of(route.variables, account_model.TODAY) for route in routes}


def matching_rules(policy: Policy, finding: dict) -> int:
    """Return how many of the policy's rules forward the finding."""
    event = event_of(finding, account_model.ACCOUNT.id, "us-east-1")
    return sum(matches(pattern, event) for pattern in worlds.patterns_of(policy, SCOPE))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(worlds.ACCOUNTS), st.sampled_from(["first", "second"]), min_size=1),
    st.lists(worlds.findings(), min_size=1, max_size=10),
    st.sampled_from(["asff", "ocsf"]),
)
def test_each_forwarded_finding_goes_to_the_one_channel_of_its_account(owners, findings, finding_format):
    accounts = {name: [account for account in owners if owners[account] == name] for name in ("first", "second")}
    channels = [
        {"name": name, "channel_id": f"C0{name.upper()}0000", "account_ids": named}
        for name, named in accounts.items()
        if named
    ]
    (everything,) = policies(finding_format=finding_format).values()
    divided = policies(finding_format=finding_format, channels=[*channels, REST])
    for finding in findings:
        seen = finding if finding_format == "asff" else worlds.ocsf(finding)
        counts = {topic: count for topic, policy in divided.items() if (count := matching_rules(policy, seen))}
        topic = f"securityhub-slack-{owners.get(finding['AwsAccountId'], 'rest')}"
        assert counts == ({topic: 1} if matching_rules(everything, seen) else {})
