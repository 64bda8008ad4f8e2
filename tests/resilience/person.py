# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person changes something in the console while a run works. The next run finishes, and keeps what is theirs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ansible_collections.secops.securityhub.tests.resilience.faults import PHASES
from ansible_collections.secops.securityhub.tests.resilience.faults import await_work
from ansible_collections.secops.securityhub.tests.resilience.faults import check_converged
from ansible_collections.secops.securityhub.tests.resilience.playbook import NAME
from ansible_collections.secops.securityhub.tests.resilience.playbook import Broken
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect

UPDATE = PHASES[1]


def _delete_stack(fleet: Fleet) -> None:
    """Delete a stack as soon as CloudFormation lets a person do it: not while it is updated."""
    client = fleet.emulator.client("cloudformation", fleet.regions[0])
    for _attempt in range(200):
        with contextlib.suppress(client.exceptions.ClientError):
            client.delete_stack(StackName=NAME)
            return
        time.sleep(0.05)
    raise Broken("the stack could not be deleted")


def _disable_rule(fleet: Fleet) -> None:
    client = fleet.emulator.client("events", fleet.regions[1])
    client.disable_rule(Name=client.list_rules()["Rules"][0]["Name"])


def _rename_configuration(fleet: Fleet) -> None:
    """Delete our configuration, and create one of another name for the same channel: the only way to rename it."""
    (ours,) = (found for found in fleet.configurations() if found["ConfigurationName"] == NAME)
    chatbot = fleet.emulator.client("chatbot", "us-east-2")
    chatbot.delete_slack_channel_configuration(ChatConfigurationArn=ours["ChatConfigurationArn"])
    chatbot.create_slack_channel_configuration(
        ConfigurationName="renamed",
        **{name: ours[name] for name in ("SlackTeamId", "SlackChannelId", "SnsTopicArns", "IamRoleArn")},
    )


DEEDS: dict[str, Callable[[Fleet], None]] = {
    "adds a topic to the channel": Fleet.share_the_channel,
    "deletes a stack": _delete_stack,
    "disables a rule": _disable_rule,
    "renames the configuration": _rename_configuration,
}


def beside(fleet: Fleet, deed: str) -> str:
    """Update, have a person do something meanwhile, run again, and return a line about it."""
    fleet.new_account()
    fleet.emulator.stacks(0)
    first = fleet.run()
    expect(first.code == 0, "the deployment failed", first)
    fleet.emulator.stacks(2)
    fleet.emulator.forget_requests()
    process = fleet.start(**UPDATE.wanted)
    await_work(fleet, process, UPDATE)
    DEEDS[deed](fleet)
    result = fleet.finish(process, time.monotonic())
    expect(result.code in (0, 2), f"exit code {result.code}", result)
    fleet.emulator.stacks(0)
    wanted = {**UPDATE.wanted, "repair_drift": True}
    again = fleet.run(**wanted)
    expect(again.code == 0, f"the next run failed; the one beside the person:\n{result.output}", again)
    check_converged(fleet, wanted)
    disabled = {region: found["disabled"] for region, found in fleet.deployed().items() if found.get("disabled")}
    expect(not disabled, f"rules are disabled: {disabled}", again)
    last = fleet.run(**wanted)
    expect((last.code, last.changed) == (0, set()), "a third run changed something", last)
    return f"exit {result.code}, then {len(again.changed)} changed"
