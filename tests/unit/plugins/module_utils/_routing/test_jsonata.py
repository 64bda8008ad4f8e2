# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSONata expression of a policy selects the findings that its event patterns send, by the emulator's engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import jsonata
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import matches
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.tests.unit import emulator_python
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

EVALUATE = """
import json, sys
from jsonata import Jsonata
cases = json.load(sys.stdin)
answers = [[Jsonata.jsonata(text).evaluate(None, {"f": item}) for item in items] for text, items in cases]
json.dump(answers, sys.stdout)
"""
POLICIES, FINDINGS = worlds.WORLDS, 12


def evaluated(cases):
    """Return what expressions say of findings, given pairs of an expression and findings."""
    return emulator_python.run(EVALUATE, cases)


def is_sent(patterns, finding):
    """Return whether event patterns match a finding, or would if it were NEW."""
    new = {"status": "New"} if "finding_info" in finding else {"Workflow": {"Status": "NEW"}}
    event = event_of({**finding, **new}, "111111111111", "us-east-1")
    return any(matches(pattern, event) for pattern in patterns)


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_it_selects_what_the_event_patterns_send(finding_format):
    cases, expected = [], []
    for seed in range(POLICIES):
        draw = worlds.Draw(seed)
        is_ocsf = finding_format == "ocsf"
        policy, scope = draw.ocsf_policy() if is_ocsf else draw.policy(), draw.scope()
        if is_ocsf:  # an account has findings of one format
            other = draw.ocsf_policy()
            scope = replace(scope, linked=tuple((region, other) for region, _policy in scope.linked))
        try:
            patterns = worlds.compiled(policy, scope)
        except UserError:
            continue
        findings = [draw.ocsf_finding() if is_ocsf else draw.finding() for _number in range(FINDINGS)]
        cases.append((jsonata.forwarded(policy, scope), findings))
        expected.append([is_sent(patterns, finding) for finding in findings])
    assert sum(map(sum, expected)) > POLICIES / 2
    for answers, wanted, (text, findings) in zip(evaluated(cases), expected, cases):
        for answer, want, finding in zip(answers, wanted, findings):
            assert answer is want, (text, finding)


def test_texts_of_the_inventory_stay_texts():
    hostile = 'x" or true or "${AWS::Region}/[\\s]*\\ (`$) \u3042\U0001f600'
    for name in ("title_prefixes", "resource_ids"):
        ends = {"title_prefixes": "", "resource_ids": "*end"}
        variables = worlds.variables(minimum_severity="LOW", suppressions=[{name: [hostile + ends[name]]}])
        text = jsonata.forwarded(policy_of(variables, worlds.TODAY), Scope("us-east-1", "us-east-1"))
        assert "${" not in text
        suppressed = worlds.finding(Title=f"{hostile} and more", Resources=[{"Type": "Other", "Id": f"{hostile} end"}])
        ((first, second),) = evaluated([(text, [suppressed, worlds.finding()])])
        assert (first, second) == (False, True)
