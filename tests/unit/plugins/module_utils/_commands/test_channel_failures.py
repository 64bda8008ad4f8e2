# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is reported of a channel that could not be written, or was not reached: whole runs over HTTP."""

from __future__ import annotations

import json

from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.plugins.module_utils._report import deploy as report
from ansible_collections.secops.securityhub.tests.unit import account_model

EU, US = "eu-west-1", "us-east-1"


def test_a_channel_that_was_not_reached_is_not_reported_as_changed(lab):
    lab.emulator.faults({"denied": 1, "operations": ["CreateStack"]})
    done = lab.run(lab.hosts(US))
    assert list(done.problems) == [US]
    (account,) = done.result["accounts"]
    assert (account["changed"], account["changes"], account["channels"]) == (False, [], [])
    assert report.UNFINISHED not in " ".join(done.lines)


def test_a_channel_whose_write_fails_is_reported_as_partly_configured_and_fails_all_targets(lab):
    lab.emulator.faults({"denied": 1, "operations": ["CreateSlackChannelConfiguration"]})
    done = lab.run(lab.hosts(EU, US))
    assert set(done.problems) == {EU, US}
    assert "CreateSlackChannelConfiguration" in done.errors[US]
    # The role was created before.
    assert "CreateRole" in done.writes
    (account,) = done.result["accounts"]
    assert account["changed"] is True
    assert report.UNFINISHED in " ".join(line.strip() for line in done.lines)
    assert not any(line.startswith("Next:") for line in done.lines)
    lab.emulator.faults()
    assert lab.run(lab.hosts(EU, US)).problems == {}
    assert lab.carried() == [f"{EU}:securityhub-slack", f"{US}:securityhub-slack"]


def test_a_channel_lists_no_topic_of_a_target_that_failed_before(lab):
    lab.emulator.faults({"denied": 1, "operations": ["CreateStack"], "regions": [EU]})
    done = lab.run(lab.hosts(EU, US))
    assert list(done.problems) == [EU]
    assert lab.carried() == [f"{US}:securityhub-slack"]
    (channel,) = done.result["accounts"][0]["channels"]
    assert [arn.split(":")[3] for arn in channel["topics"]] == [US]


def test_a_region_that_amazon_q_refuses_fails_alone(lab):
    taipei = "ap-east-2"
    lab.world(hubs=[US, taipei])
    targets = lab.hosts(US, taipei, additional_regions=[taipei])
    lab.emulator.ask("POST", "switches", {"chatbot_unlisted_regions": "refused"})
    for operation in ("CreateSlackChannelConfiguration", "UpdateSlackChannelConfiguration"):
        done = lab.run(targets)
        assert list(done.problems) == [taipei]
        assert "is in an unsupported region" in done.errors[taipei]
        assert operation in done.errors[taipei]
        assert lab.carried() == [f"{US}:securityhub-slack"]
        (account,) = done.result["accounts"]
        assert [arn.split(":")[3] for arn in account["channels"][0]["topics"]] == [US]
    lab.emulator.ask("POST", "switches", {"chatbot_unlisted_regions": "delivered"})
    assert lab.run(targets).problems == {}
    assert lab.carried() == [f"{taipei}:securityhub-slack", f"{US}:securityhub-slack"]
    lab.emulator.ask("POST", "switches", {"chatbot_unlisted_regions": "refused"})
    assert lab.run(lab.hosts(US, taipei, additional_regions=[taipei], state="absent")).problems == {}
    assert lab.ours(US, taipei) == {}


def test_topics_of_others_that_no_longer_exist_do_not_stop_an_update(lab):
    role = lab.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    billing, gone = (lab.client("sns", US).create_topic(Name=name)["TopicArn"] for name in ("billing", "gone"))
    lab.client("chatbot", "us-east-2").create_slack_channel_configuration(
        ConfigurationName="alerts",
        SlackTeamId=account_model.WORKSPACE,
        SlackChannelId=account_model.CHANNEL,
        IamRoleArn=role,
        SnsTopicArns=[billing, gone],
    )
    lab.client("sns", US).delete_topic(TopicArn=gone)
    assert lab.run(lab.hosts(EU)).problems == {}
    assert lab.carried("alerts") == [f"{EU}:securityhub-slack", f"{US}:billing", f"{US}:gone"]
    lab.emulator.ask("POST", "switches", {"chatbot_missing_topics": "refused"})
    done = lab.run(lab.hosts(EU, US))
    assert done.problems == {}
    assert [notice for notice in done.notices if gone in notice and "no longer exist" in notice]
    assert lab.carried("alerts") == [f"{EU}:securityhub-slack", f"{US}:billing", f"{US}:securityhub-slack"]
    assert lab.run(lab.hosts(EU, US)).result["changed"] is False
