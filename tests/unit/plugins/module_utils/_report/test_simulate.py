# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume of a simulation in a terminal and as a page: the numbers agree, they fit, and nothing breaks out."""

from __future__ import annotations

import datetime
import re
from collections import Counter

import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetDesign
from ansible_collections.secops.securityhub.plugins.module_utils._model.simulation import Simulation
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._report import files
from ansible_collections.secops.securityhub.plugins.module_utils._report import simulate
from ansible_collections.secops.securityhub.plugins.module_utils._report import simulate_chart
from ansible_collections.secops.securityhub.plugins.module_utils._report import simulate_page
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import SEVERITIES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import Tally
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import Volume
from ansible_collections.secops.securityhub.plugins.modules import securityhub_slack_simulate as module
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._report.pages import Reader
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 24, 6, 30, tzinfo=datetime.timezone.utc)
TODAY = NOW.date()


def volume(**changed):
    """Return a volume of 20 days: 2 CRITICAL a day, 7 HIGH and 32 MEDIUM, of which CRITICAL and HIGH are sent."""
    sent = {"CRITICAL": 40, "HIGH": 140}
    given_ = {
        "days_sent": Counter({("2026-11-23", label): number for label, number in sent.items()}),
        "regions_sent": Counter({("eu-west-1", label): number for label, number in sent.items()}),
        "regions_of_any": Counter({("eu-west-1", label): n for label, n in {**sent, "MEDIUM": 640}.items()}),
        "controls_sent": Counter({("EC2.19", "CRITICAL"): 40, ("S3.8", "HIGH"): 140}),
        "controls_of_any": Counter({("EC2.19", "CRITICAL"): 40, ("S3.8", "HIGH"): 140, ("S3.5", "MEDIUM"): 640}),
        "topics_sent": Counter({"securityhub-slack": 180}),
        "suppressed": Counter({"dev buckets": 60, "nothing": 0}),
        "titles": {"S3.8": "S3 buckets should block public access"},
    }
    return Volume(20, **{**given_, **changed})


BESIDE = {
    "topics_sent": Counter({"slack-security": 160, "slack-shop": 20}),
    "receivers_sent": Counter({"slack-to-mail": 50, "slack-to-pager": 0}),
    "mentioned": Counter({"here": 40}),
    "ended": Counter({True: 60, False: 10}),
}


def simulated(found, *notices, targets=()):
    return Simulation(targets, notices, Tally(), found)


def chart(found):
    return simulate_chart.chart(simulated(found), TODAY)


def page(found, *notices):
    return simulate_page.page(simulated(found, *notices), NOW)


def test_the_thresholds_stand_side_by_side():
    lines = chart(volume())
    headings, row = lines[2].split(), lines[3].split()
    assert dict(zip(headings, row)) == {
        "REGION": "eu-west-1",
        "CRITICAL": "2.0",
        "+HIGH": "9.0",
        "+MEDIUM": "41.0",
        "+LOW": "41.0",
        "+INFO": "41.0",
        "NOW": "9.0",
    }
    lengths = {line.split()[0]: line.count("█") for line in lines if "█" in line}
    assert lengths["CRITICAL"] < lengths["+HIGH"] < lengths["+MEDIUM"]
    assert lengths["NOW"] == lengths["+HIGH"]


def test_what_suppressions_remove_and_the_noisiest_controls_are_shown():
    lines = chart(volume())
    for line in ("     3.0  dev buckets", "     0.0  nothing", "     7.0  S3.8  S3 buckets should block public access"):
        assert line in lines
    said = " ".join(" ".join(lines).split())
    assert "INFORMATIONAL without the controls S3.5, S3.8 in all regions (2.0 a day)." in said


def test_what_other_options_add_is_shown_in_few_lines():
    alone, everything = (chart(volume(**more)) for more in ({}, BESIDE))
    added = [line for line in everything if line not in alone]
    assert added == [
        "Messages a day in each channel:",
        "     8.0  slack-security",
        "     1.0  slack-shop",
        "Messages a day that mention:",
        "     2.0  here",
        "Findings a day to each receiver, not counted as messages:",
        "     2.5  slack-to-mail",
        "     0.0  slack-to-pager",
        "At least 3.0 more messages a day, in threads, say that a finding is over.",
        "securityhub_slack_report_resolved would add at least 0.5 a day in threads.",
    ]
    shown = Reader(page(volume(**BESIDE))).texts
    assert {"slack-shop", "1.0", "here", "2.0", "slack-to-mail", "2.5", *added[-2:]} <= set(shown)
    quiet = chart(Volume(20, receivers_sent=BESIDE["receivers_sent"]))
    assert quiet[:1] + quiet[2:] == ["Over the last 20 days: no messages.", *added[5:8]]


def test_the_page_has_the_numbers_of_the_terminal():
    shown = Reader(page(volume()))
    assert "9.0 messages a day" in shown.texts
    cells = [text for text in shown.texts if re.fullmatch(r"[\d.]+", text)]
    assert {"2.0", "9.0", "41.0", "3.0", "7.0", "0.0"} <= set(cells)
    suggested = yaml.safe_load(next(text for text in shown.texts if text.startswith("securityhub_slack_minimum")))
    assert suggested["securityhub_slack_minimum_severity"] == "INFORMATIONAL"
    assert suggested["securityhub_slack_suppressions"][0]["control_ids"] == ["S3.5", "S3.8"]


def test_a_simulation_without_messages_is_short():
    assert chart(Volume(30)) == ["Over the last 30 days: no messages."]
    assert "0.0 messages a day" in Reader(page(Volume(30))).texts


def test_findings_that_could_not_be_read_are_not_said_to_be_none():
    failed = TargetDesign(TargetSnapshot(account_model.settings("eu-west-1")), problems=("You may not.",))
    found = simulated(Volume(30), targets=(failed,))
    assert simulate.table(found, TODAY) == ["FAILED: eu-west-1: You may not."]


@settings(deadline=None, max_examples=30)
@given(st.text(min_size=1))
def test_no_text_breaks_out_of_the_page(text):
    def shown(name):
        counts = Counter({(name, "HIGH"): 40, (name, "MEDIUM"): 400})
        found = volume(
            regions_of_any=counts,
            controls_sent=counts,
            controls_of_any=counts,
            titles={name: name},
            suppressed=Counter({name: 1}),
            topics_sent=Counter({name: 1, "other": 1}),
            mentioned=Counter({name: 1}),
            receivers_sent=Counter({name: 1}),
        )
        return Reader(page(found, name)).elements

    assert [tag for tag, _found in shown(text)] == [tag for tag, _found in shown("x")]


@given(st.integers(0, 10**6), st.text(min_size=1, max_size=200))
def test_the_chart_fits(number, name):
    of_all = Counter({(region, label): number for region in ("ap-southeast-1", "me-central-1") for label in SEVERITIES})
    beside = {key: Counter({name: number, "x": 1}) for key in ("topics_sent", "mentioned", "receivers_sent")}
    found = volume(regions_of_any=of_all, suppressed=Counter({name: 1}), titles={"S3.8": name}, **beside)
    assert max(map(len, chart(found))) <= simulate_chart.WIDTH


def test_nothing_is_fetched_and_nothing_is_run():
    text = page(volume())
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe|object)|\b(src|href|action)=|url\(|@import|\bon\w+=", text)
    assert files.is_ours(text[: files.LONGEST])


def test_every_key_of_the_volume_is_documented():
    documented = yaml.safe_load(module.RETURN)["volume"]["contains"]
    assert set(simulate.result(simulated(volume()), TODAY)["volume"]) == set(documented)
