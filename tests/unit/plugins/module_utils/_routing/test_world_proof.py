# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds whose targets are proved to send each finding exactly once, all regions together: see world_proof.py."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._routing import clauses
from ansible_collections.secops.securityhub.plugins.module_utils._routing import fields
from ansible_collections.secops.securityhub.plugins.module_utils._routing import patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing import pieces
from ansible_collections.secops.securityhub.plugins.module_utils._routing import topology
from ansible_collections.secops.securityhub.plugins.module_utils._routing import trust
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import policy_of
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing.test_proof import documented
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing.world_proof import Prover

ROOT = Path(__file__).resolve().parents[5]
# tests/run/proofs proves thousands.
WORLDS = 40


def test_drawn_worlds_are_proved():
    prover = Prover()
    for seed in range(WORLDS):
        world = worlds.Draw(seed).world()
        layout = world.lay_out()
        assert layout.problems or layout.global_findings_region == world.global_findings_region
        try:
            assert list(prover.differences(world)) == [], seed
        except UserError:
            continue
    assert prover.counts["proofs"] > WORLDS


def test_drawn_worlds_have_all_topologies():
    drawn = [worlds.Draw(seed).world() for seed in range(WORLDS)]
    found = [(world, world.lay_out()) for world in drawn if not world.lay_out().problems]
    assert len(found) > len(drawn) / 2
    assert {layout.mode for _world, layout in found} == {topology.PER_REGION, topology.HOME_REGION}
    assert {len(world.channels) for world, _layout in found} == {1, 2}
    assert {world.finding_format for world, _layout in found} == {"asff", "ocsf"}
    assert {world.knows_aggregation for world, _layout in found} == {True, False}


@pytest.mark.parametrize("mode", ["", "ALL_REGIONS", "SPECIFIED_REGIONS", "ALL_REGIONS_EXCEPT_SPECIFIED"])
@pytest.mark.parametrize("inventory", sorted(path.parent.name for path in ROOT.glob("inventories/*/hosts.yml")))
def test_the_inventories_that_are_shipped_are_proved(inventory, mode):
    folder = ROOT / "inventories" / inventory
    everywhere = yaml.safe_load((folder / "group_vars" / "all" / "securityhub_slack.yml").read_text(encoding="utf-8"))
    hosts = yaml.safe_load((folder / "hosts.yml").read_text(encoding="utf-8"))["all"]["hosts"]
    policies = {
        host: (("slack", policy_of({**worlds.variables(), **everywhere, **(own or {})}, worlds.TODAY)),)
        for host, own in hosts.items()
    }
    assert len(policies) == 17
    aggregation = topology.Aggregation("eu-west-1", mode, ("eu-west-2", "us-east-1")) if mode else None
    world = worlds.World(policies, aggregation, "auto", "", knows_aggregation=True)
    assert world.lay_out().mode == (topology.HOME_REGION if mode else topology.PER_REGION)
    assert list(Prover().differences(world)) == []


CHANNELS = [item for item in documented() if isinstance(item, dict) and "securityhub_slack_channels" in item]


@pytest.mark.parametrize("example", CHANNELS)
@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_the_channels_in_the_documentation_are_proved(example, finding_format):
    given = {name.removeprefix("securityhub_slack_"): value for name, value in example.items()}
    given |= {"channel_id": "", "finding_format": finding_format}
    regions = {"us-east-1": {}, "eu-west-1": {"minimum_severity": "LOW"}, "eu-west-2": {}}
    hosts = {region: account_model.settings(region, **{**given, **own}) for region, own in regions.items()}
    policies = {
        region: tuple((route.topic, policy_of(route.variables, worlds.TODAY)) for route in host.routes)
        for region, host in hosts.items()
    }
    assert len(policies["us-east-1"]) == len(given["channels"])
    for aggregation in (None, topology.Aggregation("eu-west-1", "SPECIFIED_REGIONS", ("us-east-1",))):
        world = worlds.World(policies, aggregation, "auto", "", knows_aggregation=True)
        assert not world.lay_out().problems
        assert list(Prover().differences(world)) == []


def test_the_documentation_has_examples_of_channels():
    assert len(CHANNELS) >= 4


def home_forwards_again(monkeypatch):
    """Each region forwards its own findings, and the home region forwards all on its bus."""
    original = topology._assignment

    def assignment(*arguments):
        made = original(*arguments)
        scopes = tuple(dataclasses.replace(scope, only_own=False) for scope in made.scopes)
        return dataclasses.replace(made, scopes=scopes)

    monkeypatch.setattr(topology, "_assignment", assignment)


def no_region_is_global(monkeypatch):
    monkeypatch.setattr(topology, "_default_global_region", lambda *_arguments: "")


def regions_share_policies(monkeypatch):
    monkeypatch.setattr(clauses, "_with", lambda clause, _path, _values: clause)


def suppressions_have_one_criterion(monkeypatch):
    original = clauses._not_suppressed
    monkeypatch.setattr(clauses, "_not_suppressed", lambda *arguments: original(*arguments)[:1])


def tags_are_missing_from_all_resources(monkeypatch):
    """Event-ruler looks for a missing tag in all resources unless an element is chosen before."""
    monkeypatch.setattr(fields.Fields, "element_marker", lambda _self, _path: None)


def rules_overlap(monkeypatch):
    """The rule for all other values has the first of them, too."""
    without = pieces.without
    monkeypatch.setattr(patterns, "without", lambda piece, at, values, known: without(piece, at, values[1:], known))


def kinds_overlap(monkeypatch):
    original = trust.clauses

    def clauses_of(policy, scope, trusted):
        return original(policy, scope, trusted=trusted)[: None if trusted else 1]

    monkeypatch.setattr(trust, "clauses", clauses_of)


@pytest.fixture
def no_caches():
    caches = (patterns._compiled, clauses._clauses)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize(
    "bug",
    [
        home_forwards_again,
        no_region_is_global,
        regions_share_policies,
        suppressions_have_one_criterion,
        tags_are_missing_from_all_resources,
        rules_overlap,
        kinds_overlap,
    ],
)
def test_a_bug_in_the_compiler_or_the_topology_has_a_counterexample(monkeypatch, no_caches, bug):
    bug(monkeypatch)
    found = first_difference()
    assert found is not None
    if bug is tags_are_missing_from_all_resources:
        assert any(name.endswith("#1") for name in found.finding)  # only several resources show it


def first_difference():
    prover = Prover()
    for seed in range(300):
        try:
            found = next(prover.differences(worlds.Draw(seed).world()), None)
        except (UserError, AssertionError):  # the checker refuses some of the patterns
            continue
        if found is not None:
            return found
    return None
