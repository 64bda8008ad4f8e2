# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of AWS and of the network, in each phase: healthy targets are finished, and the next run finishes the rest."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._routing.witnesses import MAX_WITNESSES
from ansible_collections.secops.securityhub.tests.resilience.playbook import ACCOUNT
from ansible_collections.secops.securityhub.tests.resilience.playbook import CHANNEL
from ansible_collections.secops.securityhub.tests.resilience.playbook import WORKSPACE
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import Result
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect
from ansible_collections.secops.securityhub.tests.unit import old_template

# The last sentence of each cause has one of these.
REMEDIES = re.compile(r"\b([Rr]erun the playbook|[Rr]un the playbook again|Sign in again)\b")
# What an output says about a fault.
CAUSES = re.compile(
    r"throttled|failed inside AWS|Could not connect|Connection was closed|connection was closed|did not answer"
    r"|lets a process open|did not come from AWS|cut off|clock of this computer|SSL|not all|could not be|Amazon Q"
)
ATTEMPTS = 8
OTHER_ACCOUNT = "999999999999"
MANAGEMENT = "888888888888"
ORGANIZATION = "organization"
CHATBOT = "https://global.sns-api.chatbot.amazonaws.com"
SLOW_STACKS = 0.5


@dataclass(frozen=True)
class Fault:
    """Fault rules (tests/emulator/README.md), and which targets may fail because of them.

    *fails*: "none" (retries are enough), "region" (the one with the fault), "any" or "all". *endpoint*: where the
    faulty region is called, with the emulator's port; its calls do not arrive there. *limits*: what this computer
    permits a run, as for Fleet.
    """

    name: str
    rules: tuple[dict[str, Any], ...]
    fails: str = "any"
    endpoint: str = ""
    limits: Mapping[int, int] = field(default_factory=dict)

    def of(self, region: str) -> list[dict[str, Any]]:
        """Return the rules, with the name of the faulty region where they need one."""
        return [{**rule, "regions": [region]} if rule.get("regions") == "faulty" else rule for rule in self.rules]


FAULTS = (
    Fault("30 % throttling", ({"throttle": 0.3},)),
    Fault("30 % server errors", ({"errors": 0.3},)),
    Fault("connection resets", ({"resets": 0.3},)),
    Fault("lost answers", ({"lost": 0.2},)),
    Fault("half answers", ({"truncated": 0.2},)),
    Fault("429 of a proxy", ({"too_many": 0.3},)),
    Fault("429 with Retry-After", ({"too_many": 0.3, "retry_after": 1},)),
    Fault("2 s latency spikes", ({"spike_ms": 2000, "spikes": 0.1},), "none"),
    Fault("30 s latency spikes", ({"spike_ms": 31_000, "spikes": 0.02},)),
    Fault("a wrong clock", ({"skewed": 1},), "all"),
    Fault("a region that is unreachable", ({"unreachable": 1, "regions": "faulty"},), "region"),
    Fault("a region that answers garbage", ({"garbage": 1, "regions": "faulty"},), "region"),
    Fault("a region that answers by half", ({"truncated": 1, "regions": "faulty"},), "region"),
    Fault("a region that DNS does not know", (), "region", "http://aws.invalid:{port}"),
    Fault("a region with a TLS error", (), "region", "https://127.0.0.1:{port}"),
    Fault("a limit of 28 open files", ({"latency_ms": 50},), limits={resource.RLIMIT_NOFILE: 28}),
    Fault("all of them", ({"throttle": 0.2, "errors": 0.2, "resets": 0.1, "lost": 0.05},)),
)
IDENTITY = "credentials that change to another account"
FULL_DISK = "a full disk"
EXPIRED = Fault("credentials that expire during the run", ({"expired": 1},), "all")


@dataclass(frozen=True)
class Phase:
    """A run: what exists before it, its role variables, and the operation that shows that its work has begun."""

    name: str
    before: Callable[[Fleet], Any]
    wanted: dict[str, Any]
    under_way: str


def _nothing(fleet: Fleet) -> None:
    fleet.new_account()


def _deployed(fleet: Fleet) -> None:
    fleet.new_account()
    result = fleet.run()
    expect(result.code == 0, "the deployment before the faults failed", result)
    fleet.share_the_channel()


PHASES = (
    Phase("deployment", _nothing, {}, "CreateStack"),
    Phase("update", _deployed, {"minimum_severity": "HIGH", "action_name": "To Slack"}, "UpdateStack"),
    Phase("removal", _deployed, {"state": "absent"}, "DeleteStack"),
)


def under_fault(fleet: Fleet, fault: Fault, phase: Phase, seed: int) -> str:
    """Run a phase with a fault, then without, and return a line about it. Raises Broken where a result is wrong."""
    faulty = _faulty_region(fleet)
    phase.before(fleet)
    fleet.emulator.stacks(SLOW_STACKS)
    fleet.emulator.forget_requests()
    result = _run(fleet, fault, faulty, seed, **phase.wanted)
    _check_the_end(fleet, result, fault, faulty)
    _check_retries(fleet, result)
    _check_the_healthy(fleet, result, phase)
    _finish(fleet, phase)
    return f"{len(result.failed)} failed, {result.seconds:.0f} s"


def _run(fleet: Fleet, fault: Fault, faulty: str, seed: int, *arguments: str, **options: Any) -> Result:
    """Run a playbook with a fault."""
    fleet.emulator.faults(*fault.of(faulty), seed=seed)
    if fault.endpoint:
        fleet.host_variables = {faulty: {"endpoint_url": fault.endpoint.format(port=fleet.emulator.port)}}
    fleet.limits = fault.limits
    try:
        return fleet.run(*arguments, **options)
    finally:
        fleet.limits = {}
        fleet.host_variables = {}
        fleet.emulator.faults()


@dataclass(frozen=True)
class Command:
    """Another playbook than the main one.

    *variables*: for its run, without the prefix. *writes*: whether it changes what stays, so that the next run has to
    finish it and a third one has nothing to write. *more*: returns variables that depend on the fleet, with prefix.
    """

    name: str
    variables: dict[str, Any]
    before: Callable[[Fleet], Any]
    writes: bool = False
    more: Callable[[Fleet], dict[str, Any]] = lambda _fleet: {}

    @property
    def playbook(self) -> str:
        """Return the name of the playbook."""
        return f"securityhub_{self.name}" if self.name == ORGANIZATION else f"securityhub_slack_{self.name}"


def _with_findings(fleet: Fleet) -> None:
    """Deploy, and have findings that were sent and one message of each."""
    _deployed(fleet)
    fleet.import_critical("before")


def deploy_old_template(fleet: Fleet) -> None:
    """Deploy AWS's template of 2020 with the channel in one region, and without the channel in another."""
    for region, without in zip(fleet.regions, ((), old_template.OF_THE_CHANNEL)):
        fleet.emulator.client("cloudformation", region).create_stack(
            StackName=f"hub-to-slack-{region}",
            TemplateBody=json.dumps(old_template.template(*without)),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": "SlackWorkSpaceID", "ParameterValue": WORKSPACE["SlackTeamId"]},
                {"ParameterKey": "SlackChannelID", "ParameterValue": CHANNEL},
            ],
        )


def _old(fleet: Fleet) -> None:
    fleet.new_account()
    deploy_old_template(fleet)


def _in_an_organization(fleet: Fleet) -> None:
    """Have an organization without Security Hub, and profiles of its management account and of another one."""
    fleet.environment = {"AWS_ENDPOINT_URL": fleet.emulator.url}
    fleet.emulator.reset()
    fleet.emulator.world({MANAGEMENT: {}}, management_account=MANAGEMENT)
    (fleet.folder / ".aws").mkdir(exist_ok=True)
    (fleet.folder / ".aws" / "config").write_text(
        "".join(
            f"[profile {name}]\naws_access_key_id = {account}\naws_secret_access_key = a-secret-key\n"
            for name, account in (("management", MANAGEMENT), ("security", ACCOUNT))
        ),
        encoding="utf-8",
    )


def _all_steps(fleet: Fleet) -> dict[str, Any]:
    """Return the variables with which the playbook for organizations takes all its steps."""
    given = {
        "apply": True,
        "regions": fleet.regions,
        "admin_account_id": ACCOUNT,
        "management_profile": "management",
        "administrator_profile": "security",
        "enable_hub": True,
        "home_region": "us-east-1",
        "auto_enable": True,
    }
    return {f"securityhub_organization_{name}": value for name, value in given.items()}


def _export_file(fleet: Fleet) -> dict[str, Any]:
    return {"securityhub_slack_export_file": str(fleet.folder / "stack-set.json")}


COMMANDS = (
    Command("doctor", {"doctor_html": ""}, _with_findings),
    Command("canary", {"canary_timeout": 20}, _with_findings),
    Command("digest", {}, _with_findings),
    Command("simulate", {"simulate_html": ""}, _with_findings),
    Command("baseline", {}, _with_findings),
    Command("export", {"use_stack_set": True}, _with_findings, more=_export_file),
    Command("migrate", {}, _old, writes=True),
    Command(ORGANIZATION, {}, _in_an_organization, writes=True, more=_all_steps),
)


def under_fault_of(fleet: Fleet, fault: Fault, command: Command, seed: int) -> str:
    """Run a command with a fault, then without, and return a line about it. Raises Broken where a result is wrong."""
    faulty = _faulty_region(fleet)
    fleet.emulator.stacks(0)
    command.before(fleet)
    before = None if command.writes else fleet.snapshot()
    arguments = ("-e", json.dumps(command.more(fleet)))
    result = _run(fleet, fault, faulty, seed, *arguments, playbook=command.playbook, **command.variables)
    expect(result.code in (0, 2), f"exit code {result.code}", result)
    if fault.fails == "none":
        expect(result.code == 0, "retries should have been enough", result)
    if fault.fails in ("region", "all"):
        expect(result.code == 2, "the exit code is that of a successful run", result)
    if result.code == 2:
        named = {faulty} if fault.fails == "region" else {*fleet.regions, ACCOUNT}
        # The playbook for organizations cannot take any step with a wrong clock, so it names what is wrong, once.
        named |= {"this computer"} if command.name == ORGANIZATION and fault.fails == "all" else set()
        expect(any(name in result.output for name in named), "the output does not name what failed", result)
        expect(bool(CAUSES.search(" ".join(result.output.split()))), "the output does not say why", result)
    again = fleet.run(*arguments, playbook=command.playbook, **command.variables)
    expect(again.code == 0, f"the next run failed; the one with the fault:\n{result.output}", again)
    if command.writes:
        fleet.emulator.forget_requests()
        last = fleet.run(*arguments, playbook=command.playbook)
        expect((last.code, fleet.emulator.writes()) == (0, []), "a third run changed something", last)
    else:
        expect(fleet.snapshot() == before, f"left over: {fleet.snapshot()}, before: {before}", result)
    return f"exit {result.code}, {result.seconds:.0f} s"


def has(command: Command, fault: Fault) -> bool:
    """Return whether a command can meet a fault: the one for organizations has no endpoints by region."""
    return command.name != ORGANIZATION or not fault.endpoint


def await_work(fleet: Fleet, process: subprocess.Popen[str], phase: Phase) -> None:
    """Wait until a started run has begun the work of its phase. Raises Broken if it ends before."""
    while phase.under_way not in {entry["operation"] for entry in fleet.emulator.requests()}:
        expect(process.poll() is None, "the run ended before its work had begun")
        time.sleep(0.05)


def changed_identity(fleet: Fleet, phase: Phase) -> str:
    """Let the credentials lead to another account during a phase, then run it again with the right ones."""
    phase.before(fleet)
    fleet.emulator.world({OTHER_ACCOUNT: {"hubs": "all", "workspaces": [WORKSPACE]}})
    fleet.emulator.stacks(3)
    fleet.emulator.forget_requests()
    switch = fleet.folder / "other-account"
    fleet.environment = _profile_of(fleet.folder, switch)
    started = time.monotonic()
    try:
        process = fleet.start(**phase.wanted)
        await_work(fleet, process, phase)
        switch.touch()
        result = fleet.finish(process, started)
    finally:
        fleet.environment = {}
        switch.unlink(missing_ok=True)
    there = [entry for entry in fleet.emulator.requests() if entry["account"] == OTHER_ACCOUNT]
    foreign = sorted({entry["operation"] for entry in there} - {"GetCallerIdentity"})
    expect(not foreign, f"the other account was called: {foreign}", result)
    expect(result.code == 2, "the exit code is that of a successful run", result)
    expect(OTHER_ACCOUNT in result.output, "the output does not name the other account", result)
    _finish(fleet, phase)
    return f"{len(result.failed)} failed, {result.seconds:.0f} s"


def _profile_of(folder: Path, switch: Path) -> dict[str, str]:
    """Return an environment with keys of the account, and of another one as soon as the file *switch* exists."""
    program = folder / "keys.sh"
    program.write_text(
        f"account={ACCOUNT}; [ -e {switch} ] && account={OTHER_ACCOUNT}\n"
        "ends=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)\n"
        'echo "{\\"Version\\": 1, \\"AccessKeyId\\": \\"$account\\", \\"SecretAccessKey\\": \\"a-secret-key\\", '
        '\\"Expiration\\": \\"$ends\\"}"\n',
        encoding="utf-8",
    )
    (folder / ".aws").mkdir(exist_ok=True)
    (folder / ".aws" / "config").write_text(f"[profile changing]\ncredential_process = sh {program}\n")
    return {"AWS_PROFILE": "changing", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def expired(fleet: Fleet, phase: Phase) -> str:
    """Let the credentials expire during a phase, then run it again with fresh ones."""
    phase.before(fleet)
    fleet.emulator.stacks(3)
    fleet.emulator.forget_requests()
    started = time.monotonic()
    process = fleet.start(**phase.wanted)
    await_work(fleet, process, phase)
    fleet.emulator.faults(*EXPIRED.rules)
    result = fleet.finish(process, started)
    fleet.emulator.faults()
    expect(result.code == 2, "the exit code is that of a successful run", result)
    expect(result.failed == set(fleet.regions), "all targets of the account should have failed", result)
    expect(
        all("the credentials have expired. Sign in again" in cause for cause in result.causes.values()), "cause", result
    )
    _finish(fleet, phase)
    return f"{len(result.failed)} failed, {result.seconds:.0f} s"


def full_disk(fleet: Fleet, phase: Phase) -> str:
    """Let no file grow to more than 100 bytes during a phase. All the work must be done, and the lost file named."""
    phase.before(fleet)
    # Ansible's semaphores are files of 32 bytes. Python would leave incomplete .pyc files behind.
    fleet.limits = {resource.RLIMIT_FSIZE: 100}
    fleet.environment = {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        result = fleet.run(**phase.wanted)
    finally:
        fleet.limits = {}
        fleet.environment = {}
    expect(result.code == 2, "the exit code is that of a successful run", result)
    expect(".json could not be written: File too large" in result.output, "the output does not name the file", result)
    cut_off = [path.name for path in fleet.folder.glob("*result-*") if 0 < path.stat().st_size <= 100]
    expect(not cut_off, f"incomplete files are left over: {cut_off}", result)
    check_converged(fleet, phase.wanted)
    again = fleet.run(**phase.wanted)
    expect((again.code, again.changed) == (0, set()), "the next run failed or changed something", again)
    return f"exit {result.code}, {result.seconds:.0f} s"


def _faulty_region(fleet: Fleet) -> str:
    # A fault of the global findings region or of Chatbot's endpoint affects all targets.
    return next(region for region in fleet.regions if region not in ("us-east-1", "us-east-2"))


def _check_the_end(fleet: Fleet, result: Result, fault: Fault, faulty: str) -> None:
    expect(result.code in (0, 2), f"exit code {result.code}", result)
    expect((result.code == 2) == bool(result.failed), "exit code and result file differ", result)
    if fault.fails == "none":
        expect(not result.failed, "no target should have failed", result)
    if fault.fails == "region":
        expect(result.failed == {faulty}, f"only {faulty} should have failed", result)
    for who, cause in result.causes.items():
        expect(bool(REMEDIES.search(cause.rpartition(". ")[2])), f"no remedy for {who}: {cause}", result)
    expect(bool(result.causes) == bool(result.failed), "the report does not name the failed targets", result)


def _check_retries(fleet: Fleet, result: Result) -> None:
    """Check that no call was repeated more often than its attempts allow."""
    asked: dict[tuple[str, str, str], int] = {}
    for entry in fleet.emulator.requests():
        key = (entry["service"], entry["region"], entry["operation"])
        asked[key] = asked.get(key, 0) + 1
    # A stack in progress is polled, the channel is read back after each write, and patterns are tested with events.
    rounds = {"DescribeStacks": 60, "DescribeSlackChannelConfigurations": 14, "UpdateSlackChannelConfiguration": 10}
    rounds["TestEventPattern"] = MAX_WITNESSES
    for (service, region, operation), count in asked.items():
        expect(count <= ATTEMPTS * rounds.get(operation, 2), f"{count} times {service} {operation} in {region}", result)
    expect("retried, in" in result.output, "the summary does not give the number of retries", result)


def _check_the_healthy(fleet: Fleet, result: Result, phase: Phase) -> None:
    deployed = fleet.deployed()
    topics = {arn for found in fleet.configurations() for arn in found["SnsTopicArns"]}
    for region in set(fleet.regions) - result.failed:
        if phase.wanted.get("state") == "absent":
            expect(region not in deployed, f"resources are left in {region}", result)
        else:
            expect(deployed[region]["stacks"][0][1] == "CREATE_COMPLETE", f"{region} is not finished", result)
            expect(set(deployed[region]["topics"]) <= topics, f"{region} is not in the channel", result)


def _finish(fleet: Fleet, phase: Phase) -> None:
    fleet.emulator.stacks(0)
    again = fleet.run(**phase.wanted)
    expect(again.code == 0, "the next run failed", again)
    check_converged(fleet, phase.wanted)
    last = fleet.run(**phase.wanted)
    expect((last.code, last.changed) == (0, set()), "a third run changed something", last)


def check_converged(fleet: Fleet, wanted: dict[str, Any]) -> None:
    """Check that AWS has what an undisturbed run with these role variables leaves."""
    found = fleet.snapshot()
    ours = [item for item in found["channels"] if item[0] != "theirs"]
    theirs = [item for item in found["channels"] if item[0] == "theirs"]
    expect(len(theirs) == 1 and len(theirs[0][2]) == 1, f"the foreign configuration was touched: {theirs}")
    topics = [arn for _name, _channel, arns in ours for arn in arns]
    foreign = [arn for arn in topics if arn.endswith(":billing")]
    if wanted.get("state") == "absent":
        expect(found["regions"] == {}, f"left over: {found['regions']}")
        # A configuration that has a topic of others stays, and so does its role.
        expect(topics == foreign, f"left over in the channel: {topics}")
        expect(bool(ours) == bool(foreign), f"an empty configuration is left over: {ours}")
        expect(bool(found["identities"]) == bool(foreign), f"left over: {found['identities']}")
        # Nobody gets messages with buttons any more, so nobody needs what the buttons do.
        expect(not any(found["identities"].values()), f"permissions are left over: {found['identities']}")
        expect(not found["buttons"], f"left over: {found['buttons']}")
        return
    expect(list(found["regions"]) == fleet.regions, f"missing: {set(fleet.regions) - set(found['regions'])}")
    expect(len(ours) == 1, f"not exactly one configuration: {ours}")
    expect(len(topics) == len(set(topics)) == len(fleet.regions) + len(foreign), f"topics lost or repeated: {topics}")
    for region, of_region in found["regions"].items():
        expect(of_region["stacks"] == [("securityhub-slack", "CREATE_COMPLETE")], f"{region}: {of_region['stacks']}")
        expect(
            of_region["actions"] == [wanted.get("action_name", "Send to Slack")], f"{region}: {of_region['actions']}"
        )
        expect(of_region["topics"][0] in topics, f"the topic of {region} is not in the channel")
        expect(len(of_region["topics"]) == 1, f"{region}: {of_region['topics']}")
        listeners = of_region.get("listeners", [])
        expect(listeners == [CHATBOT], f"other subscribers than Amazon Q in {region}: {listeners}")
        expect(len(of_region["rules"]) == 2, f"{region}: {of_region['rules']}")
        severity = '"HIGH"' in str(of_region["rules"])
        expect(severity == (wanted.get("minimum_severity") == "HIGH"), f"{region} has the wrong severity filter")
