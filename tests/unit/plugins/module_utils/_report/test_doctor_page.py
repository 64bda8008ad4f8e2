# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the doctor: it holds everything, needs nothing from elsewhere, and nothing breaks out of it."""

from __future__ import annotations

import datetime
import itertools
import json
import re

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
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._report.pages import Reader
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 24, 6, 30)
ACCOUNT = "111111111111"
DISABLED = results.Result("broken", "The rule x is disabled.", "Nothing is sent.", "Run the playbook.")


def target(region="eu-west-1", host="", **changed):
    of_checks = {**dict.fromkeys(checks.NAMES, results.ok()), **changed}
    return TargetResults(host or region, ACCOUNT, region, "CRITICAL", of_checks)


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
    assert "Findings of 1 of 2 targets do not arrive, 1 region uncovered" in shown.texts
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
def test_every_region_is_on_or_beside_the_land_of_one_panel(region):
    (panel,) = [panel for panel in doctor_map.PANELS if doctor_map.is_on(panel, region)]
    x, y = doctor_map.position(region)
    assert panel.left + doctor_map.SPOT < x < panel.right - doctor_map.SPOT
    assert doctor_map.TOP + doctor_map.SPOT < y < doctor_map.BOTTOM - doctor_map.SPOT
    assert any(abs(dot_x - x) < 30 and abs(dot_y - y) < 30 for dot_x, dot_y in doctor_map.land(panel))


def boxes(named):
    """Return the left, upper, right and lower edges of the labels of each panel."""
    half = doctor_map.LINE / 2
    for panel in doctor_map.PANELS:
        shown = [region for region in doctor_map.REGIONS if doctor_map.is_on(panel, region)]
        found = doctor_map.labels(panel, shown, [region for region in shown if region in named])
        yield (
            panel,
            [
                (item.left, item.y - half, item.left + doctor_map.LETTER * len(item.region), item.y + half)
                for item in found
            ],
        )


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(doctor_map.REGIONS)), min_size=1))
@example(set(doctor_map.REGIONS))
@example({"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"})
def test_names_on_the_map_do_not_collide_and_are_inside(named):
    for panel, found in boxes(named):
        for left, upper, right, lower in found:
            assert panel.left <= left < right <= panel.right
            assert doctor_map.TOP <= upper < lower <= doctor_map.BOTTOM
        for one, other in itertools.combinations(found, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one, other)


def test_names_on_the_map_can_be_read_on_a_phone():
    on_phone = min(340 / (panel.right - panel.left) for panel in doctor_map.PANELS)
    assert 13 * on_phone > 11, "the letters are 13 units high, and a phone of 400 px has 340 px for the map"


def test_a_region_that_is_not_on_the_map_is_named_below_it():
    assert "Not on the map: xx-north-9" in read(target("xx-north-9", rules=DISABLED)).texts


def test_the_files_are_recognized_and_may_be_replaced():
    now = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
    found = diagnosis([target()], [])
    text = json.dumps(report.dated(report.document(found), now), indent=2)
    assert files.is_ours(page.page(found, now)[: files.LONGEST])
    assert files.is_ours(text[: files.LONGEST])
