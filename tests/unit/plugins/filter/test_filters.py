# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.secops.securityhub.plugins.filter.event_patterns import event_patterns
from ansible_collections.secops.securityhub.plugins.filter.severities import severities
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy

ROOT = Path(__file__).resolve().parents[4]


def test_severities_start_with_the_gravest():
    assert severities("HIGH") == ["CRITICAL", "HIGH"]
    assert severities("INFORMATIONAL") == ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"]


def test_a_wrong_severity_is_answered_with_the_right_ones():
    with pytest.raises(
        AnsibleFilterError, match=r"'high' is no severity: use CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL"
    ):
        severities("high")


def test_event_patterns_are_those_of_the_policy():
    assert event_patterns({}, "us-east-1") == list(automatic_patterns(Policy(("CRITICAL",)), Scope("x", "x")))
    elsewhere = list(automatic_patterns(Policy(("CRITICAL", "HIGH")), Scope("eu-west-1", "us-east-1")))
    assert event_patterns({"minimum_severity": "HIGH"}, "eu-west-1", owner_region="us-east-1") == elsewhere


def test_event_patterns_leave_out_what_has_expired():
    expired = {"suppressions": [{"control_ids": ["S3.1"], "expires": "2020-01-01"}]}
    assert event_patterns(expired, "us-east-1") == event_patterns({}, "us-east-1")


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("HIGH", "takes a policy, a mapping"),
        ({"minimum": "HIGH"}, "does not know minimum: use account_ids, automatic,"),
        ({"minimum_severity": "high"}, "minimum_severity says 'high': use CRITICAL"),
        (
            {"suppressions": [{"resource_ids": [f"arn:aws:s3:::bucket-{number}" for number in range(200)]}]},
            "the policy of us-east-1 needs an event pattern of",
        ),
    ],
)
def test_a_wrong_policy_is_answered_with_the_remedy(policy, sentence):
    with pytest.raises(AnsibleFilterError, match=sentence):
        event_patterns(policy, "us-east-1")


def test_a_playbook_finds_the_filters_by_their_full_names():
    message = (
        "{{ ({} | secops.securityhub.event_patterns(region='us-east-1'))[0].detail.findings.Severity.Label }} "
        "{{ 'HIGH' | secops.securityhub.severities }}"
    )
    run = subprocess.run(
        [Path(sys.executable).parent / "ansible", "localhost", "-m", "ansible.builtin.debug", "-a", f'msg="{message}"'],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible/collections")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "['CRITICAL'] ['CRITICAL', 'HIGH']" in run.stdout, run.stdout + run.stderr
