# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the doctor: it holds everything, needs nothing from elsewhere, and nothing breaks out of it."""

from __future__ import annotations

import datetime
import json
import re
from html.parser import HTMLParser

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import checks
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import messages
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import results
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.results import RegionResult
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.results import TargetResults
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.results import diagnosis
from ansible_collections.secops.securityhub.plugins.module_utils._report import doctor as report
from ansible_collections.secops.securityhub.plugins.module_utils._report import doctor_map
from ansible_collections.secops.securityhub.plugins.module_utils._report import doctor_page as page
from ansible_collections.secops.securityhub.plugins.module_utils._report import files
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 24, 6, 30)
ACCOUNT = "111111111111"
DISABLED = results.Result("broken", "The rule x is disabled.", "Nothing is sent.", "Run the playbook.")
VOID = {"meta", "circle"}


def target(region="eu-west-1", host="", **changed):
    of_checks = {**dict.fromkeys(checks.NAMES, results.ok()), **changed}
    return TargetResults(host or region, ACCOUNT, region, "CRITICAL", of_checks)


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def classes(self, tag):
        return [found.get("class", "") for name, found in self.elements if name == tag]


def read(*targets, uncovered=()):
    regions = [RegionResult(account, region, messages.REGION_UNCOVERED) for account, region in uncovered]
    return Reader(page.page(diagnosis(list(targets), regions), NOW))


def test_a_healthy_fleet_is_reported_as_in_order():
    shown = read(target(), target("us-east-1"))
    assert "All 2 targets in order" in shown.texts
    assert {state for state in shown.classes("span") if state.startswith("cell ok")} == {"cell ok"}
    assert "None. All checks passed." in shown.texts


def test_problems_come_first_with_explanation_and_map():
    shown = read(target("us-east-1"), target(rules=DISABLED), uncovered=[(ACCOUNT, "ca-central-1")])
    assert "Findings of 1 of 2 targets do not reach Slack, 1 region uncovered" in shown.texts
    for text in ("The rule x is disabled.", "Nothing is sent.", "Run the playbook."):
        assert text in shown.texts
    cells = [found for _tag, found in shown.elements if found.get("class") == "cell broken"]
    titles = [found["title"] for found in cells if "title" in found]
    assert titles == ["Rules: findings are lost\nThe rule x is disabled.\nNothing is sent.\nRun the playbook."]
    hosts = [text for text in shown.texts if text in ("eu-west-1", "us-east-1")]
    assert hosts[0] == "eu-west-1"
    spots = [kind for kind in shown.classes("circle") if kind.startswith("spot")]
    assert spots == ["spot ok", "spot uncovered", "spot broken"], "the worst is drawn last, above the others"


def test_every_cell_is_explained_to_those_who_see_it_and_to_those_who_hear_it():
    shown = read(target(rules=DISABLED, action=results.nothing("not looked at")))
    cells = [found for tag, found in shown.elements if tag == "span" and "title" in found]
    assert len(cells) == len(checks.CHECKS)
    assert all(found["aria-label"] and found["title"] for found in cells)


def test_nothing_is_fetched_and_nothing_is_run():
    text = page.page(diagnosis([target(rules=DISABLED)], []), NOW)
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe|object)|\b(src|href|action)=|url\(|@import|\bon\w+=", text)


@settings(deadline=None, max_examples=30)
@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_breaks_out(name, text):
    shown = read(
        target(host=name, rules=results.Result("broken", text, text, text)), uncovered=[(name, f"not a region: {name}")]
    )
    plain = read(target(host="x", rules=results.Result("broken", "x", "x", "x")), uncovered=[("x", "not a region: x")])
    assert [tag for tag, _attributes in shown.elements] == [tag for tag, _attributes in plain.elements]


def test_many_targets_in_order_are_folded_away_and_the_rest_is_not():
    targets = [target(host=f"{number}.eu-west-1") for number in range(99)] + [target("us-east-1", rules=DISABLED)]
    shown = read(*targets)
    assert "99 targets in order" in shown.texts
    assert "and 99 targets in order" in report.table(diagnosis(targets, []))[3]


@pytest.mark.parametrize("region", doctor_map.REGIONS)
def test_every_region_is_on_or_beside_the_land(region):
    column, row_number = doctor_map.cell_of(doctor_map.REGIONS[region])
    near = [abs(x + 0.5 - column) < 3 and abs(y + 0.5 - row_number) < 3 for x, y in doctor_map.land()]
    assert any(near)


def test_a_region_that_is_not_on_the_map_is_named_below_it():
    assert "Not on the map: xx-north-9" in read(target("xx-north-9", rules=DISABLED)).texts


def test_the_files_are_recognized_and_may_be_replaced():
    now = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
    found = diagnosis([target()], [])
    text = json.dumps(report.dated(report.document(found), now), indent=2)
    assert files.is_ours(page.page(found, now)[: files.LONGEST])
    assert files.is_ours(text[: files.LONGEST])
