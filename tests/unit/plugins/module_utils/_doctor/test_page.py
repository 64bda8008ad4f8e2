# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the doctor: it holds everything, needs nothing from elsewhere, and nothing breaks out of it."""

from __future__ import annotations

import datetime
import re
from html.parser import HTMLParser

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import checks
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import page
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import report
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import verdicts
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import world
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.diagnosis import Row
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.diagnosis import diagnosis
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 24, 6, 30)
ACCOUNT = "111111111111"
DISABLED = verdicts.Verdict("broken", "The rule x is disabled.", "Nothing is sent.", "Run the playbook.")
VOID = {"meta", "circle"}


def row(region="eu-west-1", host="", **changed):
    of_checks = {**dict.fromkeys(checks.NAMES, verdicts.fine()), **changed}
    return Row(host or region, ACCOUNT, region, "CRITICAL", of_checks)


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


def read(*rows, uncovered=()):
    return Reader(page.page(diagnosis(list(rows), list(uncovered), {}), NOW))


def test_a_healthy_fleet_is_said_to_deliver():
    shown = read(row(), row("us-east-1"))
    assert "All 2 targets deliver" in shown.texts
    assert {state for state in shown.classes("span") if state.startswith("cell ok")} == {"cell ok"}
    assert "None. Every part of the way is as it should be." in shown.texts


def test_what_is_broken_stands_first_is_explained_and_is_on_the_map():
    shown = read(row("us-east-1"), row(rules=DISABLED), uncovered=[(ACCOUNT, "ca-central-1")])
    assert "Findings of 2 targets do not reach Slack" in shown.texts
    for text in ("The rule x is disabled.", "Nothing is sent.", "Run the playbook."):
        assert text in shown.texts
    cells = [found for _tag, found in shown.elements if found.get("class") == "cell broken"]
    titles = [found["title"] for found in cells if "title" in found]
    assert titles == ["Rules: findings get lost\nThe rule x is disabled.\nNothing is sent.\nRun the playbook."]
    hosts = [text for text in shown.texts if text in ("eu-west-1", "us-east-1")]
    assert hosts[0] == "eu-west-1"
    spots = [kind for kind in shown.classes("circle") if kind.startswith("spot")]
    assert spots == ["spot ok", "spot uncovered", "spot broken"], "the worst is drawn last, above the others"


def test_every_cell_is_explained_to_those_who_see_it_and_to_those_who_hear_it():
    shown = read(row(rules=DISABLED, action=verdicts.nothing("not looked at")))
    cells = [found for tag, found in shown.elements if tag == "span" and "title" in found]
    assert len(cells) == len(checks.CHECKS)
    assert all(found["aria-label"] and found["title"] for found in cells)


def test_nothing_is_fetched_and_nothing_is_run():
    text = page.page(diagnosis([row(rules=DISABLED)], [], {}), NOW)
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe|object)|\b(src|href|action)=|url\(|@import|\bon\w+=", text)


@settings(deadline=None, max_examples=30)
@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_breaks_out(name, text):
    shown = read(row(host=name, rules=verdicts.Verdict("broken", text, text, text)), uncovered=[(name, name)])
    plain = read(row(host="x", rules=verdicts.Verdict("broken", "x", "x", "x")), uncovered=[("x", "x")])
    assert [tag for tag, _attributes in shown.elements] == [tag for tag, _attributes in plain.elements]


def test_many_targets_in_order_are_folded_away_and_the_rest_is_not():
    rows = [row(host=f"{number}.eu-west-1") for number in range(99)] + [row("us-east-1", rules=DISABLED)]
    shown = read(*rows)
    assert "99 targets in order" in shown.texts
    assert "and 99 targets in order" in report.table(diagnosis(rows, [], {}))[3]


@pytest.mark.parametrize("region", world.REGIONS)
def test_every_region_is_on_or_beside_the_land(region):
    column, row_number = world.cell_of(world.REGIONS[region])
    near = [abs(x + 0.5 - column) < 3 and abs(y + 0.5 - row_number) < 3 for x, y in world.land()]
    assert any(near)


def test_a_region_that_is_not_on_the_map_is_named_below_it():
    assert "Not on the map: xx-north-9" in read(row("xx-north-9", rules=DISABLED)).texts
