# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest is published where it reaches the channel, and names what was not counted."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._commands import digest
from ansible_collections.secops.securityhub.plugins.module_utils._report.digest import NOTHING_TO_COUNT
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE

HOME = {"home": HERE, "RegionLinkingMode": "ALL_REGIONS"}
TITLE = "Security Hub digest: account 111111111111"


@pytest.fixture
def fleet(emulator, monkeypatch):
    return deployed.deploy(emulator, monkeypatch)


def send(fleet, *faults, only=deployed.REGIONS, **variables):
    """Send a digest of one finding in each region, under faults, and return its result and lines."""
    for region in deployed.REGIONS:
        fleet.finding(region=region)
    fleet.emulator.ask("DELETE", "inbox")
    context = fleet.context(options={"days": 7}, **variables)
    context = replace(
        context,
        targets=[target for target in context.targets if target.host in only],
        unselected=[target for target in context.targets if target.host not in only],
        now=datetime.datetime.now(datetime.timezone.utc),
    )
    fleet.emulator.faults(*faults)
    outcome = digest.run(context)
    fleet.emulator.faults()
    return outcome.result, outcome.lines


@pytest.mark.parametrize(
    "happen",
    [breakages.topic_deleted, breakages.unsubscribed, breakages.topic_detached],
    ids=lambda item: item.__name__,
)
def test_a_topic_without_amazon_q_is_passed_over(fleet, happen, monkeypatch):
    monkeypatch.setattr(deployed, "REGIONS", (HERE, "ap-southeast-1", "us-east-1"))
    happen(fleet)
    found, _lines = send(fleet, only=deployed.REGIONS)
    assert fleet.arrived() == [TITLE]
    (sent,) = found["digests"]
    assert (sent["region"], sent["severities"], sent["missing"]) == ("ap-southeast-1", {"CRITICAL": 3}, [])


def test_a_region_without_security_hub_is_missing(fleet):
    breakages.hub_off(fleet)
    found, lines = send(fleet)
    (sent,) = found["digests"]
    assert (sent["missing"], sent["severities"]) == ([HERE], {"CRITICAL": 2})
    assert fleet.arrived() == [TITLE]
    assert found["summary"] == {"digests": 1, "published": 1, "unpublished": 0, "failed": 1}
    assert any(line.startswith(f"FAILED: {HERE}: Security Hub is not enabled") for line in lines)
    assert max(len(line) for line in lines if "https://" not in line) <= 80


def test_an_unreachable_channel_fails_with_a_remedy(fleet):
    breakages.configuration_deleted(fleet)
    found, lines = send(fleet)
    (sent,) = found["digests"]
    assert (sent["failed"], sent["published"], found["changed"]) == (True, False, False)
    assert "C0123456789 is not connected to the topic securityhub-slack. Run" in sent["msg"]
    assert lines[-1] == "1 digest: 0 sent, 1 failed. 0 targets failed."
    assert found["summary"]["unpublished"] == 1


def test_channels_that_cannot_be_read_fail_with_the_missing_permission(fleet):
    found, _lines = send(fleet, {"denied": 1.0, "operations": ["DescribeSlackChannelConfigurations"]})
    assert "may not call DescribeSlackChannelConfigurations" in found["digests"][0]["msg"]
    assert fleet.arrived() == []


def test_a_denied_publish_fails_with_the_missing_permission(fleet):
    found, _lines = send(fleet, {"denied": 1.0, "operations": ["Publish"]})
    (sent,) = found["digests"]
    assert (sent["failed"], sent["published"], found["changed"]) == (True, False, False)
    assert "may not call Publish" in sent["msg"]


def test_a_limited_run_counts_its_own_targets(fleet):
    found, _lines = send(fleet, only=(HERE,))
    assert found["digests"][0]["text"][0] == f"*1 CRITICAL* open in {HERE}"


@pytest.mark.parametrize("out", ["us-east-1", HERE])
def test_with_a_home_region_only_that_region_can_be_missing(fleet, out):
    fleet.emulator.world({deployed.ACCOUNT: {"aggregator": HOME}})
    fleet.run()
    found, lines = send(fleet, {"unreachable": 1.0, "services": ["securityhub"], "regions": [out]})
    assert found["targets"][out]["failed"]
    if out == HERE:
        assert (found["digests"], lines[1]) == ([], NOTHING_TO_COUNT)
        return
    (sent,) = found["digests"]
    assert (sent["missing"], sent["severities"], sent["counted"]) == ([], {"CRITICAL": 3}, [HERE])


def test_a_linked_region_alone_has_nothing_to_count(fleet):
    fleet.emulator.world({deployed.ACCOUNT: {"aggregator": HOME}})
    fleet.run()
    found, lines = send(fleet, only=("us-east-1",))
    assert (found["digests"], found["summary"]["failed"], found["changed"]) == ([], 0, False)
    assert NOTHING_TO_COUNT in lines


@pytest.mark.parametrize("answer", ["denied", "invalid", "not_found"])
def test_a_region_without_the_new_hub_is_missing(fleet, answer):
    fleet.emulator.ask("POST", "switches", {"security_hub_v2_findings": answer})
    others = [region for region in deployed.REGIONS if region != HERE]
    fleet.emulator.world({deployed.ACCOUNT: {"hubs_v2": others}})
    found, _lines = send(fleet, finding_format="ocsf")
    (sent,) = found["digests"]
    assert (sent["missing"], sent["severities"]) == ([HERE], {})
    words = ["The new Security Hub is not enabled in", HERE, "securityhub_slack_finding_format to asff"]
    assert [text for text in words if text not in found["targets"][HERE]["msg"]] == []


def test_an_encrypted_topic_is_published_to_like_any_other(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, kms_key="create")
    send(fleet)
    assert fleet.arrived() == [TITLE]
