# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A custom action: what AWS would refuse, what differs, and the race of two creations."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import action_target
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import transformations
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub as api
from ansible_collections.secops.securityhub.tests.unit.stubbed import Stubbed
from botocore.stub import Stubber

ARN = "arn:aws:securityhub:ap-northeast-1:111111111111:action/custom/SendToSlack"
LIVE = {"ActionTargetArn": ARN, "Name": "Send to Slack", "Description": "Sends it"}


@pytest.fixture
def client():
    return boto3.client(
        "securityhub",
        region_name="ap-northeast-1",
        aws_access_key_id="111111111111",
        aws_secret_access_key="test",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("SendToSlack", "Send to Slack", "Sends it"), []),
        (("SendToSlack", "x" * 20, "Sends it"), []),
        (("SendToSlack", None, None), []),
        (("Send-To-Slack", "Send", "it"), ["id is 'Send-To-Slack'"]),
        (("x" * 21, "Send", "it"), ["id is"]),
        (("", "Send", "it"), ["id is ''"]),
        (("SendToSlack", "x" * 21, "it"), ["name is"]),
        (("SendToSlack", "  ", " "), ["name is", "description is empty"]),
    ],
)
def test_problems(options, words):
    found = action_target.problems(*options)
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found))


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("Send to Slack", "Sends it", {}),
        ("Send", "Sends it", {"Name": "Send"}),
        ("Send", "Does", {"Name": "Send", "Description": "Does"}),
    ],
)
def test_changes_are_the_differences(name, description, expected):
    assert action_target.changes(LIVE, action_target.Desired("SendToSlack", name, description)) == expected


def test_find_matches_the_whole_id():
    targets = [{**LIVE, "ActionTargetArn": f"{ARN}2"}, LIVE]
    assert action_target.find(targets, "SendToSlack") is LIVE
    assert action_target.find(targets, "Slack") is None


def test_arn_beside_the_hub():
    hub = "arn:aws:securityhub:ap-northeast-1:111111111111:hub/default"
    assert transformations.action_target_arn(hub, "SendToSlack") == ARN


def test_result_adds_the_id():
    assert transformations.action_target_result(LIVE) == {
        "action_target_arn": ARN,
        "id": "SendToSlack",
        "name": "Send to Slack",
        "description": "Sends it",
    }
    assert transformations.action_target_result(None) == {}


def test_a_creation_that_lost_the_race_adopts_and_brings_in_line(client):
    with Stubber(client) as aws:
        aws.add_client_error("create_action_target", "ResourceConflictException", "Action with Id already exists")
        aws.add_response("describe_action_targets", {"ActionTargets": [{**LIVE, "Name": "Old"}]})
        aws.add_response("update_action_target", {}, {"ActionTargetArn": ARN, "Name": "Send to Slack"})
        wish = action_target.Desired("SendToSlack", "Send to Slack", "Sends it")
        assert action_target.create_or_adopt(Stubbed(client), wish) == ARN
        aws.assert_no_pending_responses()


MARKED = "Sends findings to Slack. Managed by secops.securityhub (securityhub-slack)."


@pytest.mark.parametrize(
    ("description", "ours"),
    [
        (MARKED, True),
        (action_target.marked("Any text.", "securityhub-slack"), True),
        (action_target.marked("Any text.", "another-deployment"), False),
        ("Opens a Jira ticket", False),
    ],
)
def test_a_custom_action_is_ours_by_its_description(description, ours):
    assert action_target.is_ours({**LIVE, "Description": description}, "securityhub-slack") is ours


def test_a_foreign_custom_action_created_meanwhile_is_named_and_left_alone(client):
    with Stubber(client) as aws:
        aws.add_client_error("create_action_target", "ResourceConflictException", "Action with Id already exists")
        aws.add_response("describe_action_targets", {"ActionTargets": [{**LIVE, "Description": "Opens a Jira ticket"}]})
        wish = action_target.Desired("SendToSlack", "Send to Slack", MARKED)
        with pytest.raises(errors.UserError, match="SendToSlack already exists and is not managed by this collection"):
            action_target.create_or_adopt(Stubbed(client), wish, "securityhub-slack")
        aws.assert_no_pending_responses()


class TestHubOff:
    def test_has_its_own_error_with_cause_region_and_remedy(self, client):
        with Stubber(client) as aws:
            aws.add_client_error(
                "describe_action_targets",
                "InvalidAccessException",
                "Account 111111111111 is not subscribed to AWS Security Hub",
                http_status_code=401,
            )
            with pytest.raises(api.HubNotEnabled) as raised:
                api.describe_action_targets(client)
        assert isinstance(raised.value, errors.UserError)
        assert errors.explain(raised.value).startswith("Security Hub is not enabled in ap-northeast-1. Enable it")

    def test_is_not_taken_for_the_question_of_who_administers(self, client):
        with Stubber(client) as aws:
            aws.add_client_error(
                "describe_hub",
                "InvalidAccessException",
                "Account 111111111111 is not an administrator for this organization",
            )
            with pytest.raises(client.exceptions.InvalidAccessException):
                api.describe_hub(client)

    @pytest.mark.parametrize("code", ["InvalidAccessException", "ResourceNotFoundException"])
    def test_has_two_codes_when_describing_the_hub(self, client, code):
        with Stubber(client) as aws:
            aws.add_client_error("describe_hub", code, "not subscribed")
            with pytest.raises(api.HubNotEnabled):
                api.describe_hub(client)

    @pytest.mark.parametrize("code", ["InvalidAccessException", "ResourceNotFoundException"])
    def test_and_not_found_are_no_error_when_deleting(self, client, code):
        with Stubber(client) as aws:
            aws.add_client_error("delete_action_target", code, "is not subscribed")
            assert api.delete_action_target(client, ARN) is False


def test_all_pages_are_read(client):
    with Stubber(client) as aws:
        aws.add_response("describe_action_targets", {"ActionTargets": [LIVE], "NextToken": "more"})
        aws.add_response("describe_action_targets", {"ActionTargets": [LIVE]}, {"NextToken": "more"})
        assert len(api.describe_action_targets(client)) == 2


def test_the_custom_action_of_the_template_of_2020_is_recognized():
    name, description = action_target.TEMPLATE_TEXTS
    remedy = "secops.securityhub.securityhub_slack_migrate"
    assert remedy in action_target.not_ours("SendToSlack", {"Name": name, "Description": description})
    assert remedy not in action_target.not_ours("SendToSlack", {"Name": name, "Description": "Opens a ticket"})
