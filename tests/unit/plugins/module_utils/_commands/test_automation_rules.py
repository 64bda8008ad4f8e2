# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suppressions with suppress_in: security_hub become automation rules, which a run keeps as they should be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

HERE, THERE = "us-east-1", "eu-west-1"
ACCOUNT = "111111111111"
LISTING = {"asff": "ListAutomationRules", "ocsf": "ListAutomationRulesV2"}
WEBSITE = {"control_ids": ["S3.8"], "reason": "a public website", "suppress_in": "security_hub"}
SUPPRESSED = {
    "Workflow": {"Status": "SUPPRESSED"},
    "Note": {"Text": "a public website", "UpdatedBy": "secops.securityhub"},
}


def equal(*texts: str) -> list[dict[str, str]]:
    return [{"Comparison": "EQUALS", "Value": text} for text in texts]


def rules(lab: Any, region: str = HERE) -> list[dict[str, Any]]:
    """The automation rules of a region, by name."""
    hub = lab.client("securityhub", region)
    arns = [item["RuleArn"] for item in hub.list_automation_rules()["AutomationRulesMetadata"]]
    found = hub.batch_get_automation_rules(AutomationRulesArns=arns)["Rules"] if arns else []
    return sorted(found, key=lambda rule: rule["RuleName"])


def rules_v2(lab: Any, region: str = HERE) -> list[dict[str, Any]]:
    hub = lab.client("securityhub", region)
    return [hub.get_automation_rule_v2(Identifier=rule["RuleArn"]) for rule in hub.list_automation_rules_v2()["Rules"]]


def foreign(lab: Any, name: str, region: str = HERE) -> None:
    lab.client("securityhub", region).create_automation_rule(
        RuleName=name,
        Description="By hand",
        RuleOrder=7,
        Criteria={"ComplianceSecurityControlId": equal("EC2.8")},
        Actions=[{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Severity": {"Label": "LOW"}}}],
    )


def patterns(lab: Any, region: str = HERE) -> str:
    found = lab.client("events", region).list_rules()["Rules"]
    return next(rule["EventPattern"] for rule in found if rule["Name"].endswith("-findings"))


def finding(name: str, control: str, region: str = HERE) -> dict[str, Any]:
    return {
        "SchemaVersion": "2018-10-08",
        "Id": name,
        "ProductArn": f"arn:aws:securityhub:{region}::product/aws/securityhub",
        "GeneratorId": f"security-control/{control}",
        "AwsAccountId": ACCOUNT,
        "CreatedAt": "2026-01-01T00:00:00.000Z",
        "UpdatedAt": "2026-01-01T00:00:00.000Z",
        "Severity": {"Label": "CRITICAL"},
        "Title": f"{name} {control}",
        "Description": "A check.",
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::example"}],
        "Types": ["Software and Configuration Checks"],
        "Compliance": {"Status": "FAILED", "SecurityControlId": control},
    }


def arrived(lab: Any, name: str, control: str, region: str = HERE) -> bool:
    lab.client("securityhub", region).batch_import_findings(Findings=[finding(name, control, region)])
    return any(name in message["title"] for message in lab.emulator.inbox())


def test_the_life_of_an_automation_rule(lab):
    hosts = lab.hosts(HERE, THERE, suppressions=[WEBSITE], tags={"Team": "security"})
    foreign(lab, "securityhub-slack-suppression-1")
    predicted = lab.run(hosts, check=True, diff=True)
    assert predicted.writes == []
    assert all(
        "automation rules: 1 created" in changes for changes, _failed, _policy in predicted.reported["targets"].values()
    )
    (shown,) = [item for item in predicted.result["differences"] if HERE in item["name"]]
    (members,) = shown["after"]["automation rules"].values()
    assert members["Criteria"] == {"ComplianceSecurityControlId": equal("S3.8")}
    done = lab.run(hosts)
    assert done.reported == predicted.reported
    for region in (HERE, THERE):
        (rule,) = [rule for rule in rules(lab, region) if rule["RuleOrder"] == 1]
        assert rule["Description"] == "a public website Managed by secops.securityhub (securityhub-slack)."
        assert rule["Criteria"] == {"ComplianceSecurityControlId": equal("S3.8")}
        assert rule["Actions"][0]["FindingFieldsUpdate"] == SUPPRESSED
        assert "S3.8" not in patterns(lab, region)
        assert not arrived(lab, f"website-{region}", "S3.8", region)
        assert arrived(lab, f"other-{region}", "S3.5", region)
    tags = lab.client("securityhub", THERE).list_tags_for_resource(ResourceArn=rule["RuleArn"])["Tags"]
    assert tags == {"Team": "security", "secops.securityhub/managed": "securityhub-slack"}
    again = lab.run(hosts)
    assert (again.writes, again.result["changed"]) == ([], False)
    assert again.calls["ListAutomationRules"] == again.calls["BatchGetAutomationRules"] == 2

    # Drift is shown, and repaired without securityhub_slack_repair_drift.
    here, there = lab.client("securityhub", HERE), lab.client("securityhub", THERE)
    ours = next(rule["RuleArn"] for rule in rules(lab) if rule["RuleOrder"] == 1)
    changed_by_hand = {"RuleStatus": "DISABLED", "Criteria": {"Title": equal("nothing")}, "Description": "mine"}
    items = [{"RuleArn": ours, **changed_by_hand}]
    here.batch_update_automation_rules(UpdateAutomationRulesRequestItems=items)
    there.batch_delete_automation_rules(AutomationRulesArns=[rule["RuleArn"]])
    drifted = lab.run(hosts, check=True)
    assert drifted.reported["targets"][HERE][0] == ["automation rules: 1 restored after a change by hand"]
    assert drifted.reported["targets"][THERE][0] == ["automation rules: 1 created"]
    assert lab.run(hosts).reported == drifted.reported
    assert [rule["RuleStatus"] for region in (HERE, THERE) for rule in rules(lab, region)] == ["ENABLED"] * 3
    assert lab.run(hosts).writes == []

    # A suppression that changes, one that no longer needs Security Hub, and the removal.
    changed = lab.hosts(HERE, THERE, suppressions=[{**WEBSITE, "control_ids": ["S3.5"]}], tags={"Team": "security"})
    assert lab.run(changed).reported["targets"][HERE][0] == ["automation rules: 1 created, 1 deleted"]
    in_patterns = lab.hosts(
        HERE, THERE, suppressions=[{**WEBSITE, "suppress_in": "pattern"}], tags={"Team": "security"}
    )
    assert lab.run(in_patterns).reported["targets"][THERE][0][1] == "automation rules: 1 deleted"
    assert [rule["Description"] for rule in rules(lab)] == ["By hand"]
    assert "S3.8" in patterns(lab)
    unread = lab.run(in_patterns)
    assert (unread.writes, unread.calls["ListAutomationRules"]) == ([], 0)
    lab.run(hosts)
    gone = lab.hosts(HERE, THERE, suppressions=[WEBSITE], state="absent")
    removed = lab.run(gone)
    assert "automation rules: 1 deleted" in removed.reported["targets"][HERE][0]
    assert lab.ours(HERE, THERE) == {}
    assert (len(rules(lab)), rules(lab, THERE)) == (1, [])


@pytest.mark.parametrize("answer", ["ignored", "applied"])
def test_a_home_region_suppresses_linked_findings_in_its_patterns(lab, answer):
    """Whether or not its rules apply to the copies of linked findings."""
    lab.world(aggregator={"home": HERE})
    lab.emulator.ask("POST", "switches", {"automation_rules_linked_findings": answer})
    done = lab.run(lab.hosts(HERE, THERE, suppressions=[WEBSITE]))
    assert any("apply in Security Hub to findings of us-east-1 only" in notice for notice in done.notices)
    assert (len(rules(lab)), rules(lab, THERE)) == (1, [])
    assert not arrived(lab, "website", "S3.8", THERE)
    assert not arrived(lab, "own website", "S3.8")
    assert arrived(lab, "other", "S3.5", THERE)


def test_the_new_security_hub_has_its_rules_in_the_home_region(lab):
    lab.world(hubs_v2=[HERE, THERE], aggregator_v2={"home": HERE})
    buckets = {"resource_ids": ["arn:aws:s3:::logs-*", "arn:aws:s3:::example"], "suppress_in": "security_hub"}
    hosts = [
        lab.settings(HERE, finding_format="ocsf", suppressions=[WEBSITE]),
        lab.settings(THERE, finding_format="ocsf", suppressions=[buckets]),
    ]
    assert lab.run(hosts).problems == {}
    by_reason = {rule["Description"].partition(" Managed")[0]: rule for rule in rules_v2(lab)}
    assert len(by_reason) == 2

    def filters(rule: dict[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
        return [
            (
                part["Operator"],
                [
                    (item["FieldName"], item["Filter"]["Comparison"], item["Filter"]["Value"])
                    for item in part["StringFilters"]
                ],
            )
            for part in rule["Criteria"]["OcsfFindingCriteria"]["CompositeFilters"]
        ]

    assert filters(by_reason["a public website"]) == [
        ("OR", [("compliance.control", "EQUALS", "S3.8")]),
        ("AND", [("cloud.region", "NOT_EQUALS", THERE)]),
    ]
    other = next(rule for reason, rule in by_reason.items() if reason != "a public website")
    assert filters(other) == [
        (
            "OR",
            [("resources.uid", "EQUALS", "arn:aws:s3:::example"), ("resources.uid", "PREFIX", "arn:aws:s3:::logs-")],
        ),
        ("OR", [("cloud.region", "EQUALS", THERE)]),
    ]
    assert by_reason["a public website"]["Actions"][0]["FindingFieldsUpdate"] == {
        "StatusId": 3,
        "Comment": "a public website",
    }
    assert lab.run(hosts).writes == []
    # Each suppression applies to the findings of its own region only, although all are in the home region.
    for region, control, resource, sent in (
        (HERE, "S3.8", "logs-1", False),
        (THERE, "S3.8", "web", True),
        (THERE, "S3.5", "logs-1", False),
        (HERE, "S3.5", "logs-1", True),
    ):
        made = {**finding(f"{region}-{control}-{resource}", control, region), "Region": region}
        made["Resources"] = [{"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{resource}"}]
        made |= {"Workflow": {"Status": "NEW"}, "RecordState": "ACTIVE"}
        findings.bring_ocsf(lab.emulator, findings.ocsf(made))
        assert any(made["Id"] in message["title"] for message in lab.emulator.inbox()) is sent, made["Id"]
    per_region = [lab.settings(THERE, finding_format="ocsf", suppressions=[WEBSITE], aggregation="per_region")]
    (problem,) = lab.run(per_region).problems[THERE]
    assert "the new Security Hub only has automation rules there" in problem


def test_a_suppression_too_long_for_patterns_becomes_rules(lab):
    buckets = {"resource_ids": [f"arn:aws:s3:::a-bucket-with-a-name-{number:03}" for number in range(250)]}
    (problem,) = lab.run(lab.hosts(HERE, suppressions=[buckets])).problems[HERE]
    assert "suppress_in: security_hub" in problem
    in_hub = lab.hosts(HERE, suppressions=[{**buckets, "suppress_in": "security_hub"}])
    assert "automation rules: 3 created" in lab.run(in_hub).reported["targets"][HERE][0]
    assert sorted(len(rule["Criteria"]["ResourceId"]) for rule in rules(lab)) == [50, 100, 100]


@pytest.mark.parametrize(
    ("suppression", "words"),
    [
        ({"resource_ids": ["arn:aws:s3:::*-logs"]}, "cannot express 'arn:aws:s3:::*-logs'. Use a * at the end"),
        ({"resource_tags": {"env": "dev", "team": "web"}}, "cannot express several resource_tags"),
        ({"resource_types": [f"Type{number}" for number in range(2001)]}, "need 101 automation rules"),
    ],
)
def test_what_no_rule_can_express_is_refused(lab, suppression, words):
    done = lab.run(lab.hosts(HERE, suppressions=[{**suppression, "suppress_in": "security_hub"}]))
    assert words in done.problems[HERE][0]
    assert done.writes == []


def test_a_region_without_room_is_refused_before_anything_is_written(lab):
    for number in range(100):
        foreign(lab, f"Rule {number}")
    done = lab.run(lab.hosts(HERE, suppressions=[WEBSITE]))
    (problem,) = done.problems[HERE]
    assert "has 100 automation rules of Security Hub, 1 more are needed" in problem
    assert done.writes == []


def test_a_rule_is_replaced_only_after_the_new_one_was_created_unless_there_is_no_room(lab):
    lab.run(lab.hosts(HERE, suppressions=[WEBSITE]))
    (before,) = rules(lab)
    changed = lab.hosts(HERE, suppressions=[{**WEBSITE, "control_ids": ["S3.8", "S3.5"]}])
    lab.emulator.faults({"denied": 1, "operations": ["CreateAutomationRule"]})
    assert lab.run(changed).problems != {}
    assert rules(lab) == [before]
    lab.emulator.faults()
    for number in range(99):
        foreign(lab, f"Rule {number}")
    assert lab.run(changed).problems == {}
    assert len(rules(lab)) == 100
    assert before not in rules(lab)


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_rules_of_an_interrupted_run_are_found_by_later_runs(lab, finding_format):
    """The custom action tells that there are rules until the stack does, and until the rules are gone."""
    lab.world(hubs_v2=[HERE])
    given, there = {"finding_format": finding_format}, rules if finding_format == "asff" else rules_v2
    with_rules = lab.hosts(HERE, suppressions=[WEBSITE], **given)
    without, absent = lab.hosts(HERE, **given), lab.hosts(HERE, state="absent", **given)
    deletion = "BatchDeleteAutomationRules" if finding_format == "asff" else "DeleteAutomationRuleV2"

    def stopped(hosts: list[Any], operation: str) -> int:
        """The number of rules after a run that ends at an operation."""
        lab.emulator.faults({"denied": 1, "operations": [operation]})
        assert lab.run(hosts).problems != {}
        lab.emulator.faults()
        return len(there(lab))

    # The first two have no stack yet, the others a stack that was deployed without rules.
    for ending in (absent, without, without, absent):
        assert stopped(with_rules, "CreateStack" if lab.stack(HERE) is None else "UpdateStack") == 1
        assert stopped(ending, deletion) == 1
        assert "automation rules: 1 deleted" in lab.run(ending, check=True).reported["targets"][HERE][0]
        if ending is without:
            assert stopped(ending, "UpdateActionTarget") == 0
        assert lab.run(ending).problems == {}
        assert there(lab) == []
        again = lab.run(ending)
        assert (again.writes, again.calls[LISTING[finding_format]]) == ([], 0)
    assert lab.ours(HERE) == {}


def test_a_member_account_is_told_to_use_patterns(lab):
    lab.world(administrator="222222222222")
    done = lab.run(lab.hosts(HERE, suppressions=[WEBSITE], allow_member=True))
    assert "in a member account, set suppress_in to pattern" in done.problems[HERE][0]


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_an_account_that_became_a_member_can_use_patterns_and_be_removed(lab, finding_format):
    """Nobody can read or delete its rules there; in the new Security Hub, the same is true once it is off."""
    lab.world(hubs_v2=[HERE])
    given = {"finding_format": finding_format, "allow_member": True}
    lab.run(lab.hosts(HERE, suppressions=[WEBSITE], **given))
    lab.world(administrator="222222222222", hubs_v2=[])
    in_patterns = lab.hosts(HERE, suppressions=[{**WEBSITE, "suppress_in": "pattern"}], **given)
    assert lab.run(in_patterns).problems == {}
    assert "S3.8" in patterns(lab)
    assert lab.run(in_patterns).calls[LISTING[finding_format]] == 0
    lab.run(lab.hosts(HERE, state="absent", **given))
    assert lab.ours(HERE) == {}


def test_a_removal_deletes_rules_of_the_new_security_hub_after_the_other_was_disabled(lab):
    lab.world(hubs_v2=[HERE])
    lab.run(lab.hosts(HERE, finding_format="ocsf", suppressions=[WEBSITE]))
    assert len(rules_v2(lab)) == 1
    lab.client("securityhub", HERE).disable_security_hub()
    gone = lab.hosts(HERE, finding_format="ocsf", suppressions=[WEBSITE], state="absent")
    assert "automation rules: 1 deleted" in lab.run(gone, check=True).reported["targets"][HERE][0]
    assert len(rules_v2(lab)) == 1
    assert lab.run(gone).problems == {}
    assert rules_v2(lab) == []


def test_what_is_suppressed_in_security_hub_is_suppressed_for_every_channel(lab):
    channels = [
        {"name": "web", "channel_id": "C0ABCDEFG12", "suppressions": [{"control_ids": ["S3.5"]}]},
        {"name": "ops", "channel_id": "C0ABCDEFG34"},
    ]
    assert lab.run(lab.hosts(HERE, channels=channels, suppressions=[WEBSITE])).problems == {}
    assert len(rules(lab)) == 1
    assert not arrived(lab, "website", "S3.8")
    channels[0]["suppressions"] = [WEBSITE]
    (problem,) = lab.run(lab.hosts(HERE, channels=channels)).problems[HERE]
    assert "the channel 'web' in securityhub_slack_channels has a suppression with suppress_in" in problem
    receivers = [{"name": "mail", "email": ["security@example.com"], "suppressions": [WEBSITE]}]
    (problem,) = lab.run(lab.hosts(HERE, receivers=receivers)).problems[HERE]
    assert "the receiver 'mail' in securityhub_slack_receivers has a suppression with suppress_in" in problem
