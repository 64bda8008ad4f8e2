# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vulnerability filters: what a finding of Inspector must not deny, in both finding formats."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing import simulation
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.notation import length
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import volume
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

SCOPE = Scope("us-east-1", "us-east-1")
INSPECTOR = "arn:aws:securityhub:us-east-1::product/aws/inspector"
EXPLOITED = {"ExploitAvailable": "YES"}
ALL = {"fix_available": True, "exploit_available": True, "minimum_epss": 0.1}


def about(*vulnerabilities, **changed):
    """Return a finding of Inspector about vulnerabilities."""
    listed = [{"Id": f"CVE-2026-{number}", **item} for number, item in enumerate(vulnerabilities)]
    return worlds.finding(**{"ProductArn": INSPECTOR, "Compliance": None, "Vulnerabilities": listed, **changed})


def reason(found, finding_format="asff", scope=SCOPE, **given):
    """Return why a finding is not sent, which the event patterns must agree with."""
    policy = worlds.policy(finding_format=finding_format, **given)
    found = worlds.ocsf(found) if finding_format == "ocsf" else found
    event = event_of(found, "111111111111", scope.region)
    why = why_not_forwarded(policy, scope, found)
    assert sum(matches(pattern, event) for pattern in automatic_patterns(policy, scope)) == (not why)
    return why


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
@pytest.mark.parametrize(
    ("given", "vulnerabilities", "why"),
    [
        ({}, [{"FixAvailable": "NO", "ExploitAvailable": "NO", "EpssScore": 0.0}], ""),
        ({"fix_available": True}, [{"FixAvailable": "YES"}], ""),
        ({"fix_available": True}, [{"FixAvailable": "PARTIAL"}], ""),
        ({"fix_available": True}, [{"FixAvailable": "NO"}], "no fix is available"),
        ({"fix_available": True}, [{"FixAvailable": "NO"}, {"FixAvailable": "YES"}], ""),
        ({"exploit_available": True}, [EXPLOITED], ""),
        ({"exploit_available": True}, [{"ExploitAvailable": "NO"}], "no exploit is known"),
        ({"minimum_epss": 0.1}, [{"EpssScore": 0.1}], ""),
        ({"minimum_epss": 0.1}, [{"EpssScore": 0.94321}], ""),
        ({"minimum_epss": 0.1}, [{"EpssScore": 1.0}], ""),
        ({"minimum_epss": 0.1}, [{"EpssScore": 0.09999}], "EPSS score 0.09999 is below 0.1"),
        ({"minimum_epss": 0.15}, [{"EpssScore": 0.149}], "EPSS score 0.149 is below 0.15"),
        ({"minimum_epss": 0.15}, [{"EpssScore": 0.2}], ""),
        ({"minimum_epss": 0.01}, [{"EpssScore": 0.00043}], "EPSS score 0.00043 is below 0.01"),
        ({"minimum_epss": 1.0}, [{"EpssScore": 0.99}], "EPSS score 0.99 is below 1"),
        # What a finding does not say is not held against it.
        (ALL, [], ""),
        (ALL, [{}], ""),
        (ALL, [EXPLOITED], ""),
        (ALL, [{**EXPLOITED, "FixAvailable": "NO"}], "no fix is available"),
        (ALL, [{**EXPLOITED, "FixAvailable": "YES", "EpssScore": 0.2}], ""),
        # One of several vulnerabilities must meet all.
        (ALL, [{"ExploitAvailable": "NO", "EpssScore": 0.2}, {**EXPLOITED, "EpssScore": 0.01}], "no exploit is known"),
        (ALL, [{"ExploitAvailable": "NO", "EpssScore": 0.2}, {**EXPLOITED, "EpssScore": 0.3}], ""),
        # Those without a score do not count if another one has a score.
        (ALL, [EXPLOITED, {"EpssScore": 0.01}], "EPSS score 0.01 is below 0.1"),
    ],
)
def test_which_vulnerabilities_are_forwarded(finding_format, given, vulnerabilities, why):
    assert reason(about(*vulnerabilities), finding_format, **given) == why


@pytest.mark.parametrize(
    ("minimum", "score", "is_sent"),
    [
        (0.15, "0.1", False),
        (0.15, "0.10", False),
        (0.15, "0.15", True),
        (0.15, "0.1500", True),
        (0.05, "0.049", False),
        (0.05, "0.1", True),
        (0.05, "0.0", False),
        (0.1, "0.1", True),
        # Not a decimal between 0 and 1.
        (0.9, "1", True),
        (0.9, "0", True),
        (0.9, "4.3E-4", True),
        (0.9, "95 %", True),
        # Begins like a decimal: it is read as the highest that it may mean.
        (0.15, "0.0.", False),
        (0.15, "0.1.", True),
        (0.15, "0.12x", False),
        (0.15, "0.2x", True),
        (0.15, "0.", True),
    ],
)
def test_ocsf_has_the_epss_score_as_text(minimum, score, is_sent):
    policy = worlds.policy(finding_format="ocsf", minimum_epss=minimum)
    found = worlds.ocsf(about({}))
    found["vulnerabilities"][0]["cve"]["epss"] = {"score": score}
    (pattern,) = automatic_patterns(policy, SCOPE)
    assert matches(pattern, event_of(found, "111111111111", SCOPE.region)) is is_sent
    assert (why_not_forwarded(policy, SCOPE, found) == "") is is_sent


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
@pytest.mark.parametrize("product", ["guardduty", "securityhub", "inspector-x"])
def test_findings_of_other_products_are_not_affected(finding_format, product):
    denied = {"FixAvailable": "NO", "ExploitAvailable": "NO", "EpssScore": 0.0}
    arn = INSPECTOR.replace("inspector", product)
    assert reason(about(denied, ProductArn=arn), finding_format, **ALL) == ""
    assert reason(about(denied), finding_format, **ALL)


def test_a_home_region_applies_the_filters_of_the_region_that_a_finding_comes_from():
    linked = worlds.policy(**ALL)
    scope = Scope("us-east-1", "us-east-1", (("eu-west-1", linked),), aggregates=True)
    denied = {"FixAvailable": "YES", "ExploitAvailable": "NO"}
    arn = INSPECTOR.replace("us-east-1", "eu-west-1")
    assert reason(about(denied, Region="eu-west-1", ProductArn=arn), scope=scope) == "no exploit is known"
    assert reason(about(denied), scope=scope) == ""
    assert reason(about(denied), scope=scope, fix_available=True) == ""
    assert reason(about(denied), scope=scope, minimum_epss=0.2, exploit_available=True) == "no exploit is known"


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_the_filters_leave_room_for_suppressions(finding_format):
    plain = worlds.policy(finding_format=finding_format, deduplicate_global=[])
    filtered = worlds.policy(finding_format=finding_format, deduplicate_global=[], **{**ALL, "minimum_epss": 0.01})
    (before,), (after,) = (automatic_patterns(policy, SCOPE) for policy in (plain, filtered))
    assert length(after) - length(before) < 500


def test_a_simulation_counts_what_each_filter_removes():
    policy = worlds.policy(**ALL, suppressions=[{"title_prefixes": ["S3"], "reason": "buckets"}])
    times = {"CreatedAt": "2026-11-24T10:00:00Z", "UpdatedAt": "2026-11-24T10:00:00Z"}
    found = [
        about({"FixAvailable": "NO"}, Title="CVE", **times),
        about({"FixAvailable": "NO", "EpssScore": 0.01}, Title="CVE", **times),
        about({"FixAvailable": "YES"}, Title="CVE", **times),
        about({"FixAvailable": "YES"}, **times),
    ]
    rules = tuple(simulation.Rule("rule", pattern, "slack") for pattern in automatic_patterns(policy, SCOPE))
    channel = simulation.Channel("slack", policy, SCOPE)
    target = simulation.Target("us-east-1", "111111111111", "us-east-1", rules, (channel,))
    counted = volume(simulation.simulate(found, [target], {}), 7, worlds.TODAY, [channel])
    assert counted.messages == 1
    assert counted.suppressed == {
        "buckets": 1,
        "vulnerabilities without a fix": 2,
        "vulnerabilities without a known exploit": 0,
        "vulnerabilities with an EPSS score below 0.1": 1,
    }
