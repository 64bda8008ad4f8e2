# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook for Microsoft Teams in the documentation works as it is written."""

from __future__ import annotations

import re
import textwrap

from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

PAGE = (findings.ROOT / "docs/docsite/rst/messages.rst").read_text(encoding="utf-8")
FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]


def example():
    (block,) = re.findall(r"\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", PAGE.partition("Microsoft Teams\n---")[2])
    return textwrap.dedent(block)


def value(name):
    return re.search(rf"{name}: (\S+)", example())[1]


def test_findings_of_all_regions_arrive_in_slack_and_in_teams(emulator, tmp_path):
    findings.set_up(emulator, teams=[{"TenantId": value("tenant_id"), "TeamId": value("team_id")}])
    playbooks = findings.Playbooks(tmp_path, emulator.url)
    playbooks.inventory({"eu-west-1": {}, "us-east-1": {}})
    text = example().replace("configuration_name:", f"endpoint_url: {emulator.url}\n        configuration_name:")

    done = playbooks.play(text)
    assert done.returncode == 0, done.stdout + done.stderr
    findings.bring(emulator, FINDING)
    assert {message["channel"] for message in emulator.inbox()} == {findings.CHANNEL, value("channel_id")}

    emulator.forget_requests()
    again = playbooks.play(text)
    assert again.returncode == 0, again.stdout + again.stderr
    assert emulator.writes() == []
