# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Aggregation
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Candidate
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import aggregation_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import lay_out
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

ALL_INTO_FRANKFURT = Aggregation("eu-central-1", "ALL_REGIONS")


def candidates(*regions, hub=None, **changed):
    return [Candidate(region, (("slack", worlds.policy(**changed)),), hub) for region in regions]


@pytest.mark.parametrize(
    ("mode", "listed", "links"),
    [
        ("ALL_REGIONS", (), True),
        ("ALL_REGIONS_EXCEPT_SPECIFIED", ("eu-west-1",), False),
        ("ALL_REGIONS_EXCEPT_SPECIFIED", ("eu-west-2",), True),
        ("SPECIFIED_REGIONS", ("eu-west-1",), True),
        ("SPECIFIED_REGIONS", ("eu-west-2",), False),
        ("NO_REGIONS", (), False),
    ],
)
def test_linking_modes(mode, listed, links):
    answer = {"FindingAggregationRegion": "us-east-1", "RegionLinkingMode": mode, "Regions": list(listed)}
    aggregation = aggregation_of(answer)
    assert aggregation.links("eu-west-1") is links
    assert not aggregation.links("us-east-1")


def test_no_answer_is_no_aggregation():
    assert aggregation_of(None) is None


@pytest.mark.parametrize(
    ("regions", "setting", "owner"),
    [
        (("eu-west-1", "us-east-1"), "", "us-east-1"),
        (("eu-west-1", "eu-west-2"), "", "eu-west-1"),
        (("eu-west-1", "us-east-1"), "eu-west-1", "eu-west-1"),
    ],
)
def test_global_findings_region(regions, setting, owner):
    layout = lay_out(candidates(*regions), None, "auto", setting)
    assert layout.global_findings_region == owner
    assert layout.problems == ()
    assert layout.notices == (f"only {owner} forwards findings about global resources",)
    assert [scope.global_findings_region for assignment in layout.assignments for scope in assignment.scopes] == [
        owner,
        owner,
    ]


def test_global_findings_region_by_default_is_one_that_sends():
    quiet = [*candidates("us-east-1", forward_automatically=False), *candidates("eu-west-1"), *candidates("eu-west-2")]
    assert lay_out(quiet, None, "auto", "").global_findings_region == "eu-west-1"
    off = [*candidates("us-east-1", hub=False), *candidates("eu-west-2", "eu-west-1", hub=True)]
    assert lay_out(off, None, "auto", "").global_findings_region == "eu-west-2"


@pytest.mark.parametrize(
    ("owner", "cause"),
    [
        ("sa-east-1", "is sa-east-1, which is not a target: use one of eu-west-1"),
        ("us-east-1", "is us-east-1, where Security Hub is not enabled: use one of eu-west-1"),
        ("us-west-2", "is us-west-2, which forwards nothing automatically: use one of eu-west-1"),
    ],
)
def test_an_global_findings_region_that_sends_nothing_is_refused(owner, cause):
    given_targets = [
        *candidates("us-east-1", hub=False),
        *candidates("eu-west-1", hub=True),
        *candidates("us-west-2", forward_automatically=False),
    ]
    (problem,) = lay_out(given_targets, None, "auto", owner).problems
    assert "global findings would be lost" in problem
    assert cause in problem


def test_an_global_findings_region_is_not_asked_for_where_nothing_depends_on_it():
    layout = lay_out(candidates("eu-west-1", "eu-west-2", deduplicate_global=[]), None, "auto", "sa-east-1")
    assert (layout.problems, layout.notices) == ((), ())


def with_oncall(region, **oncall):
    return Candidate(region, (("slack", worlds.policy()), ("slack-oncall", worlds.policy(**oncall))), True)


def test_case_6_a_channel_that_the_global_findings_region_does_not_forward_to_is_refused():
    quiet, loud = with_oncall("us-east-1", forward_automatically=False), with_oncall("eu-west-1")
    (problem,) = lay_out([quiet, loud], None, "auto", "us-east-1").problems
    assert "forwards nothing automatically to the channel slack-oncall" in problem
    assert "use one of eu-west-1" in problem


def test_the_default_global_findings_region_forwards_to_every_channel():
    quiet, loud = with_oncall("us-east-1", forward_automatically=False), with_oncall("eu-west-1")
    layout = lay_out([quiet, loud], None, "auto", "")
    assert (layout.global_findings_region, layout.problems) == ("eu-west-1", ())


def test_a_channel_without_global_findings_does_not_ask_for_a_global_findings_region():
    quiet = with_oncall("us-east-1", forward_automatically=False)
    layout = lay_out([quiet, with_oncall("eu-west-1", deduplicate_global=[])], None, "auto", "us-east-1")
    assert layout.problems == ()


@pytest.mark.parametrize(("setting", "owner"), [("per_region", "eu-west-1"), ("auto", "eu-west-2")])
def test_case_7_only_with_home_region_the_aggregator_decides_the_global_findings_region(setting, owner):
    aggregation = Aggregation("eu-west-2", "SPECIFIED_REGIONS", ("sa-east-1",))
    assert lay_out(candidates("eu-west-1", "eu-west-2"), aggregation, setting, "").global_findings_region == owner


@pytest.mark.parametrize(
    ("regions", "aggregation", "mode"),
    [
        (("eu-west-1",), None, "per_region"),
        (("eu-west-1",), Aggregation("eu-west-1", "NO_REGIONS"), "per_region"),
        # Regions that are not in the inventory are linked to a target.
        (("eu-west-1",), Aggregation("eu-west-1", "ALL_REGIONS"), "home_region"),
        (("eu-west-1", "eu-west-2"), Aggregation("eu-west-1", "SPECIFIED_REGIONS", ("eu-west-2",)), "home_region"),
        (("eu-west-2",), Aggregation("eu-west-1", "SPECIFIED_REGIONS", ("sa-east-1",)), "per_region"),
    ],
)
def test_case_7_auto_is_home_region_where_an_aggregator_links_a_target_or_links_to_one(regions, aggregation, mode):
    assert lay_out(candidates(*regions), aggregation, "auto", "").mode == mode


def test_case_5_ocsf_has_a_separate_aggregator():
    answer = {
        "AggregationRegion": "eu-west-1",
        "RegionLinkingMode": "SPECIFIED_REGIONS",
        "LinkedRegions": ["eu-west-2"],
    }
    assert aggregation_of(answer) == Aggregation("eu-west-1", "SPECIFIED_REGIONS", ("eu-west-2",))


def test_linked_regions_have_no_deployment_and_the_home_region_sends_for_them():
    home, linked, unlinked = candidates("eu-central-1"), candidates("eu-west-1", minimum_severity="LOW"), []
    unlinked = candidates("ap-south-1")
    aggregation = Aggregation("eu-central-1", "SPECIFIED_REGIONS", ("eu-west-1",))
    layout = lay_out([*linked, *home, *unlinked], aggregation, "auto", "")
    assert layout.mode == "home_region"
    assert layout.global_findings_region == "eu-central-1"
    assert [len(assignment.scopes) for assignment in layout.assignments] == [0, 1, 1]
    assert "the home region eu-central-1 forwards its findings" in layout.assignments[0].reason
    (scope,) = layout.assignments[1].scopes
    assert scope.aggregates
    assert scope.linked == (("eu-west-1", worlds.policy(minimum_severity="LOW")),)
    assert layout.assignments[2].scopes[0].linked == ()
    assert layout.notices[0] == "eu-central-1 forwards the findings of its linked regions: eu-west-1"


def test_a_home_region_without_linked_targets_forwards_findings_of_unlisted_regions():
    layout = lay_out(candidates("eu-central-1"), ALL_INTO_FRANKFURT, "auto", "")
    assert layout.assignments[0].scopes[0].aggregates
    alone = lay_out(candidates("eu-central-1"), Aggregation("eu-central-1", "NO_REGIONS"), "auto", "")
    assert not alone.assignments[0].scopes[0].aggregates


def test_per_region_in_spite_of_an_aggregator_keeps_the_home_region_to_its_own():
    layout = lay_out(candidates("eu-central-1", "eu-west-1"), ALL_INTO_FRANKFURT, "per_region", "")
    assert layout.problems == ()
    assert [assignment.scopes[0].only_own for assignment in layout.assignments] == [True, False]
    assert "an aggregator copies findings to eu-central-1" in layout.notices[0]


@pytest.mark.parametrize("setting", ["auto", "home_region"])
def test_a_home_region_that_is_not_a_target_is_refused(setting):
    (problem,) = lay_out(candidates("eu-west-1", "eu-west-2"), ALL_INTO_FRANKFURT, setting, "").problems
    assert problem == (
        "eu-west-1, eu-west-2 are linked to the home region eu-central-1, which is not a target: add it to the "
        "inventory, or set securityhub_slack_aggregation to per_region"
    )
    assert lay_out(candidates("eu-west-1"), ALL_INTO_FRANKFURT, "per_region", "").problems == ()


def test_case_5_with_an_unknown_aggregator_each_region_forwards_its_own_findings_only():
    targets = candidates("eu-west-1", "us-east-1")
    layout = lay_out(targets, None, "auto", "", knows_aggregation=False)
    assert [scope.only_own for assignment in layout.assignments for scope in assignment.scopes] == [True, True]
    assert layout.problems == ()
    (problem,) = lay_out(targets, None, "home_region", "", knows_aggregation=False).problems
    assert "securityhub:ListAggregatorsV2" in problem


def test_home_region_without_an_aggregator_is_refused():
    (problem,) = lay_out(candidates("eu-west-1"), None, "home_region", "").problems
    assert "the account has no finding aggregator: use auto" in problem
    (problem,) = lay_out(candidates("eu-west-1"), None, "regional", "").problems
    assert "'regional': use auto, per_region, home_region" in problem


def test_a_channel_or_schema_that_the_home_region_lacks_is_refused():
    home = Candidate("eu-central-1", (("slack", worlds.policy()),))
    linked = Candidate("eu-west-1", (("slack", worlds.policy(finding_format="ocsf")), ("slack-extra", worlds.policy())))
    schema, channel = lay_out([home, linked], ALL_INTO_FRANKFURT, "auto", "").problems
    assert "securityhub_slack_finding_format is ocsf for eu-west-1 and asff for eu-central-1" in schema
    assert "has no channel slack-extra" in channel


def test_a_linked_region_without_a_channel_sends_nothing_there():
    home = Candidate("eu-central-1", (("slack", worlds.policy()), ("slack-extra", worlds.policy())))
    linked = Candidate("eu-west-1", (("slack", worlds.policy()),))
    layout = lay_out([home, linked], ALL_INTO_FRANKFURT, "auto", "")
    assert [scope.linked[0][1].severities for scope in layout.assignments[0].scopes] == [("CRITICAL",), ()]


def in_another_slice(region, hub=None):
    return Candidate(region, (), hub, in_another_slice=True)


def test_a_slice_leaves_global_findings_to_the_global_findings_region_of_another_one():
    layout = lay_out([*candidates("eu-west-1"), in_another_slice("us-east-1")], None, "auto", "us-east-1", sliced=True)
    assert layout.problems == ()
    assert layout.assignments[0].scopes[0].global_findings_region == "us-east-1"
    assert layout.notices == ("only us-east-1 forwards findings about global resources",)


def test_a_slice_refuses_an_global_findings_region_where_security_hub_is_off():
    given_targets = [*candidates("eu-west-1", hub=True), in_another_slice("us-east-1", hub=False)]
    (problem,) = lay_out(given_targets, None, "auto", "us-east-1", sliced=True).problems
    assert (
        "securityhub_slack_global_findings_region is us-east-1, where Security Hub is not enabled: use one of eu-west-1"
        in problem
    )


def test_a_slice_does_not_choose_an_global_findings_region():
    (problem,) = lay_out(candidates("eu-west-1"), None, "auto", "", sliced=True).problems
    assert "set securityhub_slack_global_findings_region to the same region" in problem
    assert lay_out(candidates("eu-west-1", forward_automatically=False), None, "auto", "", sliced=True).problems == ()


@pytest.mark.parametrize("regions", [("eu-central-1",), ("eu-central-1", "eu-west-1"), ("eu-west-1",)])
def test_a_slice_cannot_know_the_policies_of_linked_regions(regions):
    (problem,) = lay_out(candidates(*regions), ALL_INTO_FRANKFURT, "auto", "eu-west-1", sliced=True).problems
    assert "the home region eu-central-1 forwards findings of its linked regions by their policies" in problem
    assert "split this account's work with --limit" in problem
    of_each = lay_out(candidates(*regions), ALL_INTO_FRANKFURT, "per_region", regions[0], sliced=True)
    assert of_each.problems == ()


def test_a_slice_of_regions_outside_the_aggregator_is_as_any_other():
    aggregation = Aggregation("eu-central-1", "SPECIFIED_REGIONS", ("eu-west-1",))
    # That the owner region is a linked one is the home region's affair.
    given_targets = [*candidates("ap-south-1"), in_another_slice("eu-west-1")]
    layout = lay_out(given_targets, aggregation, "auto", "eu-west-1", sliced=True)
    assert (layout.mode, layout.problems) == ("per_region", ())
