# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs over 17 regions under the request rates that AWS allows (tests/emulator/quotas.yml)."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.tests.resilience.playbook import SEVENTEEN

SETTLE_SECONDS = configuration.SETTLE_SECONDS
RUNS = {
    "first deployment": {},
    "no change": {},
    "drift": {"repair_drift": True},
    "change": {"minimum_severity": "LOW"},
    "removal": {"state": "absent"},
}
EVERYTHING = {
    "alarms": True,
    "buttons": True,
    "kms_key": "create",
    "mark_notified": True,
    "message_format": "custom",
    "report_uncovered_regions": True,
}


# Without further variables, a run makes fewer calls; only its removal has no exception.
PLAIN = {name: RUNS[name] for name in ("first deployment", "removal")}


@pytest.mark.parametrize(("variables", "runs"), [({}, PLAIN), (EVERYTHING, RUNS)], ids=["plain", "everything"])
def test_no_run_over_17_regions_is_throttled(lab, monkeypatch, variables, runs):
    """Without a retry, no run takes longer than without quotas."""
    # Time passes as in AWS: between the calls, and after each write to Chatbot.
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", SETTLE_SECONDS)
    lab.emulator.faults({"latency_ms": 50})
    for name, more in runs.items():
        # The buckets are full when a run begins.
        lab.emulator.ask("POST", "switches", {"request_quotas": "enforced"})
        done = lab.run(lab.hosts(*SEVENTEEN, **{**variables, **more}))
        assert done.errors == {}
        # Deleting buttons takes more calls than the assumed rate of Chatbot allows.
        removes_buttons = name == "removal" and "buttons" in variables
        by_chatbot = [entry for entry in done.requests if (entry["service"], entry["status"]) == ("chatbot", 429)]
        assert done.traffic.retries <= (len(by_chatbot) if removes_buttons else 0), name
    lab.emulator.faults()
    assert lab.ours(*SEVENTEEN) == {}
