# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of AWS and of the way to it, in every phase: the run ends, who can be served is, and the next run finishes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.secops.securityhub.tests.campaigns.playbook import Fleet
from ansible_collections.secops.securityhub.tests.campaigns.playbook import Result
from ansible_collections.secops.securityhub.tests.campaigns.playbook import expect

# What ends a cause: what to do.
REMEDIES = ("run the playbook again", "Sign in again")
ATTEMPTS = 8
CHATBOT = "https://global.sns-api.chatbot.amazonaws.com"
SLOW_STACKS = 0.5


@dataclass(frozen=True)
class Fault:
    """Fault rules (tests/emulator/README.md) for a fleet's odd region; *fails*: whom they may cost.

    *fails*: "nobody" (the retries are enough, as a rule), "region" (that one, surely), "anybody".
    """

    name: str
    rules: tuple[dict[str, Any], ...]
    fails: str = "anybody"

    def of(self, region: str) -> list[dict[str, Any]]:
        """The rules, with the odd region's name where they ask for one."""
        return [{**rule, "regions": [region]} if rule.get("regions") == "odd" else rule for rule in self.rules]


FAULTS = (
    Fault("30 % throttling", ({"throttle": 0.3},)),
    Fault("30 % server errors", ({"errors": 0.3},)),
    Fault("connection resets", ({"resets": 0.3},)),
    Fault("lost answers", ({"lost": 0.2},)),
    Fault("2 s latency spikes", ({"spike_ms": 2000, "spikes": 0.1},), "nobody"),
    Fault("a region that is unreachable", ({"unreachable": 1, "regions": "odd"},), "region"),
    Fault("a region that answers garbage", ({"garbage": 1, "regions": "odd"},), "region"),
    Fault("everything at once", ({"throttle": 0.2, "errors": 0.2, "resets": 0.1, "lost": 0.05},)),
)
EXPIRED = Fault("credentials that expire in mid-run", ({"expired": 1},), "everybody")


@dataclass(frozen=True)
class Phase:
    """A piece of work: what is there before, what is asked for, and the operation by which it is well under way."""

    name: str
    before: Callable[[Fleet], Any]
    wanted: dict[str, Any]
    under_way: str


def _nothing(fleet: Fleet) -> None:
    fleet.new_world()


def _deployed(fleet: Fleet) -> None:
    fleet.new_world()
    result = fleet.run()
    expect(result.code == 0, "the deployment before the faults failed", result)
    fleet.share_the_channel()


PHASES = (
    Phase("deployment", _nothing, {}, "CreateStack"),
    Phase("update", _deployed, {"minimum_severity": "HIGH", "action_name": "To Slack"}, "UpdateStack"),
    Phase("removal", _deployed, {"state": "absent"}, "DeleteStack"),
)


def under_fault(fleet: Fleet, fault: Fault, phase: Phase, seed: int) -> str:
    """Do the work of a phase under a fault, then without; Broken where anything is not as it has to be. Give a line."""
    odd = _odd_region(fleet)
    phase.before(fleet)
    fleet.emulator.stacks(SLOW_STACKS)
    fleet.emulator.forget_requests()
    fleet.emulator.faults(*fault.of(odd), seed=seed)
    result = fleet.run(**phase.wanted)
    fleet.emulator.faults()
    _check_the_end(fleet, result, fault, odd)
    _check_retries(fleet, result)
    _check_the_healthy(fleet, result, phase)
    _finish(fleet, phase)
    return f"{len(result.failed)} failed, {result.seconds:.0f} s"


def expired(fleet: Fleet, phase: Phase) -> str:
    """Let the credentials expire when the work of a phase is under way, then do it again with fresh ones."""
    phase.before(fleet)
    fleet.emulator.stacks(3)
    fleet.emulator.forget_requests()
    started = time.monotonic()
    process = fleet.start(**phase.wanted)
    while phase.under_way not in {entry["operation"] for entry in fleet.emulator.requests()}:
        expect(process.poll() is None, "the run ended before its work was under way")
        time.sleep(0.05)
    fleet.emulator.faults(*EXPIRED.rules)
    result = fleet.finish(process, started)
    fleet.emulator.faults()
    expect(result.code == 2, "an interrupted run has to say so by its exit code", result)
    expect(result.failed == set(fleet.regions), "all targets of the account should have failed", result)
    expect(
        all("the credentials have expired. Sign in again" in cause for cause in result.causes.values()), "cause", result
    )
    _finish(fleet, phase)
    return f"{len(result.failed)} failed, {result.seconds:.0f} s"


def _odd_region(fleet: Fleet) -> str:
    # Neither the home of the global services nor Chatbot's region, whose loss costs everybody the channel.
    return next(region for region in fleet.regions if region not in ("us-east-1", "us-east-2"))


def _check_the_end(fleet: Fleet, result: Result, fault: Fault, odd: str) -> None:
    expect(result.code in (0, 2), f"exit code {result.code}", result)
    expect((result.code == 2) == bool(result.failed), "exit code and recap contradict each other", result)
    if fault.fails == "nobody":
        expect(not result.failed, "nobody should have failed", result)
    if fault.fails == "region":
        expect(result.failed == {odd}, f"{odd} alone should have failed", result)
    for who, cause in result.causes.items():
        expect(cause.rstrip(".").endswith(REMEDIES), f"no remedy for {who}: {cause}", result)
    expect(bool(result.causes) == bool(result.failed), "the report leaves out who failed", result)


def _check_retries(fleet: Fleet, result: Result) -> None:
    """Everything was asked for at most as often as the attempts at each call allow."""
    asked: dict[tuple[str, str, str], int] = {}
    for entry in fleet.emulator.requests():
        key = (entry["service"], entry["region"], entry["operation"])
        asked[key] = asked.get(key, 0) + 1
    # A stack is looked at again and again while it is at work, and the channel is read back after each write.
    rounds = {"DescribeStacks": 60, "DescribeSlackChannelConfigurations": 14, "UpdateSlackChannelConfiguration": 10}
    for (service, region, operation), count in asked.items():
        expect(count <= ATTEMPTS * rounds.get(operation, 2), f"{count} times {service} {operation} in {region}", result)
    expect("retried, in" in result.output, "the summary does not say how many retries there were", result)


def _check_the_healthy(fleet: Fleet, result: Result, phase: Phase) -> None:
    deployed = fleet.deployed()
    topics = {arn for found in fleet.configurations() for arn in found["SnsTopicArns"]}
    for region in set(fleet.regions) - result.failed:
        if phase.wanted.get("state") == "absent":
            expect(region not in deployed, f"something is left in {region}", result)
        else:
            expect(deployed[region]["stacks"][0][1] == "CREATE_COMPLETE", f"{region} is not done", result)
            expect(set(deployed[region]["topics"]) <= topics, f"{region} is not in the channel", result)


def _finish(fleet: Fleet, phase: Phase) -> None:
    fleet.emulator.stacks(0)
    again = fleet.run(**phase.wanted)
    expect(again.code == 0, "the next run did not finish", again)
    check_converged(fleet, phase.wanted)
    last = fleet.run(**phase.wanted)
    expect((last.code, last.changed) == (0, set()), "the run after that had something to do", last)


def check_converged(fleet: Fleet, wanted: dict[str, Any]) -> None:
    """Compare what there is in AWS with what an undisturbed run leaves."""
    found = fleet.snapshot()
    ours = [item for item in found["channels"] if item[0] != "theirs"]
    theirs = [item for item in found["channels"] if item[0] == "theirs"]
    expect(len(theirs) == 1 and len(theirs[0][2]) == 1, f"the foreign configuration was touched: {theirs}")
    topics = [arn for _name, _channel, arns in ours for arn in arns]
    foreign = [arn for arn in topics if arn.endswith(":billing")]
    if wanted.get("state") == "absent":
        expect(found["regions"] == {}, f"left over: {found['regions']}")
        # Where somebody else's topic is in our configuration, that and its role stay.
        expect(topics == foreign, f"left over in the channel: {topics}")
        expect(bool(ours) == bool(foreign), f"an empty configuration is left over: {ours}")
        expect(bool(found["identities"]) == bool(foreign), f"left over: {found['identities']}")
        return
    expect(list(found["regions"]) == fleet.regions, f"missing: {set(fleet.regions) - set(found['regions'])}")
    expect(len(ours) == 1, f"not one configuration: {ours}")
    expect(len(topics) == len(set(topics)) == len(fleet.regions) + len(foreign), f"topics lost or doubled: {topics}")
    for region, of_region in found["regions"].items():
        expect(of_region["stacks"] == [("securityhub-slack", "CREATE_COMPLETE")], f"{region}: {of_region['stacks']}")
        expect(
            of_region["actions"] == [wanted.get("action_name", "Send to Slack")], f"{region}: {of_region['actions']}"
        )
        expect(of_region["topics"][0] in topics, f"the topic of {region} is not in the channel")
        expect(len(of_region["topics"]) == 1, f"{region}: {of_region['topics']}")
        listeners = of_region.get("listeners", [])
        expect(listeners == [CHATBOT], f"not Amazon Q alone listens in {region}: {listeners}")
        expect(len(of_region["rules"]) == 2, f"{region}: {of_region['rules']}")
        severity = '"HIGH"' in str(of_region["rules"])
        expect(severity == (wanted.get("minimum_severity") == "HIGH"), f"{region} has the other threshold")
