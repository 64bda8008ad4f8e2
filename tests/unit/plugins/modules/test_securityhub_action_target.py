# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom actions of Security Hub, end to end."""

from __future__ import annotations

import pytest

MODULE = "securityhub_action_target"
OPTIONS = {"id": "SendToSlack", "name": "Send to Slack", "description": "Sends the chosen findings to Slack"}
ARN = "arn:aws:securityhub:us-east-1:111111111111:action/custom/SendToSlack"


@pytest.fixture
def hub(emulator, modules):
    emulator.world({"111111111111": {"hubs": ["us-east-1"]}})


@pytest.mark.usefixtures("hub")
class TestPresent:
    def test_creates(self, modules):
        result = modules.changes_once(MODULE, "action_target", **OPTIONS)
        assert result["action_target"] == {"action_target_arn": ARN, **OPTIONS}
        assert result["diff"]["before"] == {}

    def test_adopts_one_with_the_same_id_and_renames_it(self, modules, emulator):
        emulator.client("securityhub").create_action_target(Id="SendToSlack", Name="Old", Description="Old")
        result = modules.changes_once(MODULE, "action_target", **OPTIONS)
        assert result["diff"]["before"]["name"] == "Old"
        assert result["action_target"] == {"action_target_arn": ARN, **OPTIONS}

    def test_leaves_other_custom_actions_alone(self, modules, emulator):
        client = emulator.client("securityhub")
        client.create_action_target(Id="SendToSlack2", Name="Other", Description="Other")
        modules.changes_once(MODULE, "action_target", **OPTIONS)
        assert [target["Name"] for target in client.describe_action_targets()["ActionTargets"]] == [
            "Other",
            "Send to Slack",
        ]

    def test_gets_through_throttling_and_faults(self, modules, emulator):
        emulator.faults({"throttle": 0.3, "errors": 0.2})
        assert modules.ok(MODULE, **OPTIONS)["changed"] is True

    def test_refuses_the_51st_at_once(self, modules, emulator):
        client = emulator.client("securityhub")
        for number in range(50):
            client.create_action_target(Id=f"Action{number}", Name="Other", Description="Other")
        message = modules.refused(MODULE, **OPTIONS)
        assert message.startswith(
            "Security Hub custom action SendToSlack in us-east-1: this account and region has 50 custom actions"
        )
        modules.changes_nothing(MODULE, "action_target", id="Action7", name="Other", description="Other")


@pytest.mark.usefixtures("hub")
class TestAbsent:
    def test_deletes(self, modules, emulator):
        modules.ok(MODULE, **OPTIONS)
        result = modules.changes_once(MODULE, "action_target", id="SendToSlack", state="absent")
        assert result["action_target"] == {}
        assert result["diff"]["before"]["action_target_arn"] == ARN
        assert emulator.client("securityhub").describe_action_targets()["ActionTargets"] == []

    def test_tolerates_that_there_is_none(self, modules):
        modules.changes_nothing(MODULE, "action_target", id="SendToSlack", state="absent")


class TestHubOff:
    def test_is_a_clear_refusal(self, modules):
        message = modules.refused(MODULE, region="eu-west-1", **OPTIONS)
        assert message.startswith(
            "Security Hub custom action SendToSlack in eu-west-1: Security Hub is not enabled in eu-west-1. Enable it"
        )

    def test_is_no_obstacle_to_a_removal(self, modules):
        modules.changes_nothing(MODULE, "action_target", id="SendToSlack", state="absent")

    def test_is_refused_by_the_info_module(self, modules):
        assert "Security Hub is not enabled in us-east-1" in modules.refused(f"{MODULE}_info")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({**OPTIONS, "id": "Send-To-Slack"}, "'Send-To-Slack'"),
        ({**OPTIONS, "name": "Send the finding to Slack"}, "'Send the finding to Slack'"),
        ({**OPTIONS, "description": ""}, "description is empty"),
        ({"id": "SendToSlack"}, "missing: name, description"),
        ({"id": "", "state": "absent"}, "id is ''"),
    ],
)
def test_bad_input_is_refused_before_any_call(modules, options, words):
    mark = modules.mark()
    assert words in modules.refused(MODULE, **options)
    assert modules.mark() == mark


@pytest.mark.usefixtures("hub")
class TestInfo:
    def test_lists_all_or_one(self, modules, emulator):
        client = emulator.client("securityhub")
        for identifier in ("Second", "First"):
            client.create_action_target(Id=identifier, Name=identifier, Description=identifier)
        listed = modules.ok(f"{MODULE}_info")["action_targets"]
        assert [target["id"] for target in listed] == ["First", "Second"]
        assert modules.ok(f"{MODULE}_info", id="Second")["action_targets"] == listed[1:]
        assert modules.ok(f"{MODULE}_info", id="Third")["action_targets"] == []
