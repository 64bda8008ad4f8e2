# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages in a real Chromium: axe finds nothing against WCAG 2.1 AA, in light and dark, and they fit a phone."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import checks
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import messages
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import results
from ansible_collections.secops.securityhub.plugins.module_utils._model.simulation import Simulation
from ansible_collections.secops.securityhub.plugins.module_utils._report import doctor_page
from ansible_collections.secops.securityhub.plugins.module_utils._report import simulate_page
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Tally
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import Volume
from ansible_collections.secops.securityhub.tests import browser
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="requirements-dev.txt has it")
NOW = datetime.datetime(2026, 11, 24, 6, 30, tzinfo=datetime.timezone.utc)
PHONE, DESKTOP = 400, 1200
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
STATES = (results.BROKEN, results.UNKNOWN, results.RISK, results.OK, results.NONE)


def doctor() -> str:
    """Return the page of a fleet with everything that a page can show."""
    found = [
        results.TargetResults(
            f"target-{number}.eu-west-1",
            "111111111111",
            region,
            "CRITICAL",
            {
                **dict.fromkeys(checks.NAMES, results.ok()),
                "rules": results.Result(state, "The rule x is disabled.", "Nothing is sent.", "Run it.", ("aws x",)),
            },
        )
        for number, (state, region) in enumerate(zip(STATES, ("eu-west-1", "us-east-1", "sa-east-1", "me-x-1", "eu-x")))
    ]
    uncovered = results.RegionResult("111111111111", "ca-central-1", messages.REGION_UNCOVERED)
    return doctor_page.page(results.diagnosis(found, [uncovered], {"111111111111": ("a sentence",)}), NOW)


def simulation() -> str:
    """Return the page of a simulation with every severity."""
    severities = {"CRITICAL": 40, "HIGH": 140, "MEDIUM": 640, "LOW": 7, "INFORMATIONAL": 3}
    of_regions = Counter({("eu-west-1", severity): number for severity, number in severities.items()})
    of_controls = Counter({("EC2.19", severity): number for severity, number in severities.items()})
    days = {(f"2026-11-{day}", severity): 9 for day in (3, 10, 17, 23) for severity in severities}
    found = Volume(
        30,
        days_sent=Counter(days),
        regions_sent=of_regions,
        regions_of_any=of_regions,
        controls_sent=of_controls,
        controls_of_any=of_controls,
        suppressed=Counter({"dev buckets": 60}),
    )
    simulated = Simulation((), ("a notice",), Tally(), found)
    return simulate_page.page(simulated, NOW)


def channel(emulator, monkeypatch) -> str:
    """Return the address of a channel with a message, one of whose buttons was clicked."""
    fleet = deployed.deploy(emulator, monkeypatch, message_format="custom", buttons=True)
    finding = {**findings.FINDINGS["ec2-19-critical-eu-west-1"], "AwsAccountId": deployed.ACCOUNT}
    fleet.client("securityhub").batch_import_findings(Findings=[finding])
    (message,) = emulator.inbox()
    emulator.press(message, message["buttons"][0])
    return f"{emulator.url}/?channel={deployed.CHANNEL}"


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as found:
        yield found


@pytest.mark.parametrize("shown", [doctor, simulation, channel], ids=lambda page: page.__name__)
def test_a_page_is_accessible_and_fits_a_phone(emulator, monkeypatch, tmp_path, chromium, shown):
    address = channel(emulator, monkeypatch) if shown is channel else f"file://{tmp_path}/page.html"
    if shown is not channel:
        (tmp_path / "page.html").write_text(shown(), encoding="utf-8")
    for scheme, width in itertools.product(("light", "dark"), (PHONE, DESKTOP)):
        page = chromium.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
        page.goto(address)
        found = axe.Axe().run(page, options={"runOnly": RULES}).response
        violations = [(item["id"], item["nodes"][0]["html"]) for item in found["violations"]]
        assert violations == []
        assert "color-contrast" in {item["id"] for item in found["passes"]}
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        page.close()
