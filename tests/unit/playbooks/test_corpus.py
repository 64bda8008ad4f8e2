# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sample finding, deployed: exactly the messages in tests/findings/expected.yml arrive, each once."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

SCENARIOS = findings.EXPECTED["scenarios"]
# Findings recorded in real accounts in 2021; optional, beside the repository.
RECORDED = findings.ROOT.parent / "shared" / "findings"
# Those that the targets of the scenario per_region forward, all from us-east-1 (HIGH and above), selected by hand. The
# others have a lower severity, passed, are resolved, were sent by hand, or belong to a region without a target.
RECORDED_SENT = {
    *("afsbp-codebuild.2", "afsbp-ec2.8", "afsbp-redshift.1", "afsbp-s3.8"),
    *("cis-42", "pci-codebuild.2", "pci-redshift.1"),
}
# Of several resources, one is enough for an automation rule, but not for an event pattern.
SUPPRESSED_BY_ONE_RESOURCE = {
    "guardduty-exfiltration-critical-eu-west-1-two-resources": "accepted until the migration",
    "macie-high-eu-west-1": "accepted until the migration",
}


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings."""
    findings.set_up(emulator)
    return findings.Playbooks(tmp_path, emulator.url)


def arrive(emulator, finding, regions, schema="asff"):
    """Put the finding on the administrator's bus, as Security Hub does in each of the regions."""
    detail_type, detail = "Security Hub Findings - Imported", finding
    if schema == "ocsf":
        detail_type, detail = "Findings Imported V2", worlds.ocsf(finding)
    for region in regions:
        event = {"account": findings.ADMINISTRATOR, "region": region, "detail-type": detail_type}
        emulator.ask("POST", "event", {**event, "detail": {"findings": [detail]}})


def messages(emulator):
    """Return the number of messages for each finding and the region of their topic."""
    return Counter((message["finding_id"], message["topic"].split(":")[3]) for message in emulator.inbox())


def expected(scenario):
    """Return the same, from expected.yml."""
    written = {name: outcomes[scenario] for name, outcomes in findings.EXPECTED["findings"].items()}
    targets = SCENARIOS[scenario]["targets"]
    return Counter((findings.FINDINGS[name]["Id"], sender) for name, sender in written.items() if sender in targets)


@pytest.mark.parametrize(
    ("scenario", "schema", "message_format"),
    [
        ("per_region", "asff", "auto"),
        ("home_region", "asff", "custom"),
        ("suppressed", "asff", "aws"),
        ("per_region", "ocsf", "auto"),
        ("per_region", "ocsf", "custom"),
    ],
)
def test_each_sample_arrives_once_from_the_expected_region_or_not_at_all(
    emulator, playbooks, scenario, schema, message_format
):
    given = SCENARIOS[scenario]
    linked = given["aggregator"] or {}
    if linked:
        home = {"home": linked["FindingAggregationRegion"], "RegionLinkingMode": linked["RegionLinkingMode"]}
        findings.set_up(emulator, aggregator=home)
    playbooks.inventory(given["targets"], **given["variables"], finding_format=schema, message_format=message_format)
    playbooks.ok("securityhub_slack")
    for finding in findings.FINDINGS.values():
        copies = {finding["Region"], linked.get("FindingAggregationRegion", finding["Region"])}
        arrive(emulator, finding, sorted(copies), schema)
    assert messages(emulator) == expected(scenario)
    assert len(expected(scenario)) > 20


def test_what_security_hub_suppresses_does_not_arrive_and_has_the_reason_as_a_note(emulator, playbooks):
    """The same samples as with event patterns: automation rules change them before their events."""
    given = SCENARIOS["suppressed"]
    in_hub = [{**item, "suppress_in": "security_hub"} for item in given["variables"]["suppressions"]]
    playbooks.inventory(given["targets"], **{**given["variables"], "suppressions": in_hub})
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, *findings.FINDINGS.values())
    verdicts = {name: outcomes["suppressed"] for name, outcomes in findings.EXPECTED["findings"].items()}
    suppressed = {name: text.partition(": ")[2] for name, text in verdicts.items() if text.startswith("suppressed: ")}
    arriving = expected("suppressed")
    for name in SUPPRESSED_BY_ONE_RESOURCE:
        del arriving[findings.FINDINGS[name]["Id"], verdicts[name]]
    assert messages(emulator) == arriving
    for name, reason in {**suppressed, **SUPPRESSED_BY_ONE_RESOURCE}.items():
        sample = findings.FINDINGS[name]
        hub = emulator.client("securityhub", sample["Region"], findings.ADMINISTRATOR)
        filters = {"Id": [{"Comparison": "EQUALS", "Value": sample["Id"]}]}
        (found,) = hub.get_findings(Filters=filters)["Findings"]
        assert (found["Workflow"]["Status"], found["Note"]["Text"]) == ("SUPPRESSED", reason)


def test_recorded_findings_arrive_once_or_not_at_all(emulator, playbooks):
    playbooks.inventory(SCENARIOS["per_region"]["targets"])
    playbooks.ok("securityhub_slack")
    expected_messages = Counter()
    for path in sorted(RECORDED.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        event = content if "detail-type" in content else {"detail-type": "Security Hub Findings - Imported"}
        finding = content["detail"]["findings"][0] if "detail-type" in content else content
        region = finding["ProductArn"].split(":")[3]
        given = {"account": findings.ADMINISTRATOR, "region": region, "detail-type": event["detail-type"]}
        given |= {"resources": event.get("resources", []), "detail": event.get("detail", {"findings": [finding]})}
        emulator.ask("POST", "event", given)
        if path.stem in RECORDED_SENT:
            expected_messages[finding["Id"], region] += 1
    assert messages(emulator) == expected_messages
