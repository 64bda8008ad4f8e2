# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account that has Security Hub CSPM and the new Security Hub: each finding arrives once, or a run says why not."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

HERE = "eu-west-1"
SENT = {"ec2-19-critical-eu-west-1", "guardduty-backdoor-high-eu-west-1", "macie-high-eu-west-1"}
SAMPLES = [findings.FINDINGS[name] for name in sorted(SENT)]
GIVEN = {"minimum_severity": "HIGH", "message_format": "custom"}
OTHER = {
    "name": "securityhub-slack-new",
    "action_id": "SendToOther",
    "action_name": "Send to other",
    "finding_format": "ocsf",
}


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings that has both hubs, with one target."""
    findings.set_up_new_hub(emulator)
    made = findings.Playbooks(tmp_path, emulator.url)
    made.inventory({HERE: {}}, **GIVEN)
    return made


def said(outcome):
    return " ".join(outcome.output.split())


def brought(emulator, number):
    """Let both hubs have the findings, and return how often each has arrived."""
    some = [{**finding, "Id": f"{finding['Id'][:-4]}000{number}"} for finding in SAMPLES]
    emulator.ask("DELETE", "inbox")
    findings.bring(emulator, *some)
    findings.bring_ocsf(emulator, *map(findings.ocsf, some))
    expected = Counter(finding["Id"] for finding in some)
    return Counter(findings.delivered(emulator)), expected


@pytest.mark.parametrize("marking", [False, True])
def test_each_finding_arrives_once_in_either_format_and_after_a_change_of_it(emulator, playbooks, marking):
    for number, finding_format in enumerate(("asff", "ocsf", "asff")):
        variables = {"finding_format": finding_format, "mark_notified": marking, "report_resolved": marking}
        outcome = playbooks.ok("securityhub_slack", "", **variables)
        assert f"only {finding_format} findings are forwarded (securityhub_slack_finding_format)" in said(outcome)
        arrived, expected = brought(emulator, number)
        assert arrived == expected


def test_a_second_deployment_for_the_other_hub_is_reported_whatever_its_name(emulator, playbooks):
    playbooks.ok("securityhub_slack")
    playbooks.inventory({HERE: {}}, **GIVEN, **OTHER)
    reported = said(playbooks.ok("securityhub_slack"))
    words = "in eu-west-1 sends events of Security Hub to the topic"
    assert f"the rule securityhub-slack-findings {words} securityhub-slack, which the same channel" in reported
    assert "findings may arrive twice" in reported
    arrived, expected = brought(emulator, 1)
    assert arrived == expected + expected
    # The other one has a name that begins like that of the first.
    playbooks.inventory({HERE: {}}, **GIVEN)
    examined = said(playbooks.run("securityhub_slack_doctor"))
    assert f"the rule securityhub-slack-new-findings {words} securityhub-slack-new" in examined
