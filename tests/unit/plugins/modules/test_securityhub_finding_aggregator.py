# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cross-region aggregation, end to end."""

from __future__ import annotations

import pytest

MODULE = "securityhub_finding_aggregator"
KEY = "finding_aggregator"


@pytest.fixture(autouse=True)
def hubs(emulator, modules):
    emulator.world({"111111111111": {"hubs": ["us-east-1", "eu-west-1", "eu-central-1"]}})


class TestPresent:
    @pytest.mark.parametrize(
        ("mode", "regions"),
        [
            ("ALL_REGIONS", []),
            ("NO_REGIONS", []),
            ("SPECIFIED_REGIONS", ["eu-west-1", "eu-central-1"]),
            ("ALL_REGIONS_EXCEPT_SPECIFIED", ["eu-west-1"]),
        ],
    )
    def test_creates(self, modules, mode, regions):
        result = modules.changes_once(MODULE, KEY, region_linking_mode=mode, regions=regions)
        assert (
            result[KEY]
            .pop("finding_aggregator_arn")
            .startswith("arn:aws:securityhub:us-east-1:111111111111:finding-aggregator/")
        )
        assert result[KEY] == {
            "finding_aggregation_region": "us-east-1",
            "region_linking_mode": mode,
            "regions": sorted(regions),
        }

    def test_replaces_the_regions(self, modules):
        options = {"region_linking_mode": "SPECIFIED_REGIONS"}
        modules.ok(MODULE, **options, regions=["eu-west-1"])
        result = modules.changes_once(MODULE, KEY, **options, regions=["eu-west-1", "eu-central-1"])
        assert result["diff"]["before"]["regions"] == ["eu-west-1"]
        modules.changes_nothing(MODULE, KEY, **options, regions=["eu-central-1", "eu-west-1"])

    def test_changes_the_mode(self, modules):
        modules.ok(MODULE, region_linking_mode="SPECIFIED_REGIONS", regions=["eu-west-1"])
        assert modules.changes_once(MODULE, KEY, region_linking_mode="ALL_REGIONS")[KEY]["regions"] == []

    def test_refuses_to_move_the_home_region(self, modules):
        modules.ok(MODULE, region_linking_mode="ALL_REGIONS")
        message = modules.refused(MODULE, region_linking_mode="ALL_REGIONS", region="eu-west-1")
        assert message.startswith(
            "Security Hub finding aggregator in eu-west-1: this account already aggregates findings in us-east-1"
        )

    def test_needs_security_hub(self, modules):
        message = modules.refused(MODULE, region_linking_mode="ALL_REGIONS", region="eu-west-2")
        assert "Security Hub is not enabled in eu-west-2" in message

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({}, "missing: region_linking_mode"),
            ({"region_linking_mode": "SPECIFIED_REGIONS"}, "SPECIFIED_REGIONS requires regions"),
            (
                {"region_linking_mode": "ALL_REGIONS", "regions": ["eu-west-1"]},
                "ALL_REGIONS cannot be combined with regions",
            ),
            ({"region_linking_mode": "SPECIFIED_REGIONS", "regions": ["us-east-1"]}, "is the home region"),
            (
                {"region_linking_mode": "SPECIFIED_REGIONS", "regions": ["Ireland"]},
                "'Ireland', which is not an AWS region",
            ),
        ],
    )
    def test_bad_input_is_refused_before_any_call(self, modules, options, words):
        mark = modules.mark()
        assert words in modules.refused(MODULE, **options)
        assert modules.mark() == mark


class TestAbsent:
    @pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
    def test_deletes_from_any_region(self, modules, region):
        modules.ok(MODULE, region_linking_mode="ALL_REGIONS")
        assert modules.changes_once(MODULE, KEY, state="absent", region=region)[KEY] == {}

    @pytest.mark.parametrize("region", ["us-east-1", "eu-west-2"])
    def test_tolerates_that_there_is_none(self, modules, region):
        modules.changes_nothing(MODULE, KEY, state="absent", region=region)


def test_info(modules):
    assert modules.ok(f"{MODULE}_info")["finding_aggregators"] == []
    created = modules.ok(MODULE, region_linking_mode="ALL_REGIONS")[KEY]
    assert modules.ok(f"{MODULE}_info", region="eu-west-1")["finding_aggregators"] == [created]
