# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the shipped playbooks and the integration targets as processes that an interruption ends in an orderly way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from ansible import release
from ansible_collections.secops.securityhub.tests.acceptance.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "securityhub_slack_"
# An interrupted playbook finishes its calls, and the canary deletes its queues.
GRACE_SECONDS = 60


@dataclass(frozen=True)
class Run:
    """The end of a process: exit status and output."""

    status: int
    output: str

    @property
    def changed(self) -> list[str]:
        """Return the hosts that the recap counts as changed."""
        return re.findall(r"^(\S+) +: ok=\d+ +changed=[1-9]", self.output, re.M)

    @property
    def last_words(self) -> str:
        """Return the end of the output, where the cause of a failure is."""
        return self.output.strip()[-3000:]


def run(command: list[str], folder: Path, **more: str) -> Run:
    """Run a command to its end. If this process is interrupted, interrupt the command, wait for it, and pass it on."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a terminal's Ctrl-C reaches this process only, which passes it on
    )
    try:
        output, _nothing = process.communicate()
    except BaseException:
        _stop(process)
        raise
    return Run(process.returncode, output)


def _stop(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.communicate(timeout=GRACE_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return


class Playbooks:
    """The shipped playbooks, with an inventory of the run's regions in a temporary folder."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "hosts.json"
        hosts: dict[str, dict[str, str]] = {region: {} for region in settings.regions}
        variables = {PREFIX + name: value for name, value in variables_of(settings).items()}
        inventory = {"all": {"hosts": hosts, "vars": variables}}
        self.inventory.write_text(json.dumps(inventory, indent=2), encoding="utf-8")

    def run(self, name: str, *arguments: str, **variables: Any) -> Run:
        """Run a playbook to its end, with more variables."""
        command = ["ansible-playbook", "-i", str(self.inventory), str(ROOT / "playbooks" / f"{name}.yml")]
        return run([*command, "-e", json.dumps(variables), *arguments], self.folder)


def variables_of(settings: Settings) -> dict[str, Any]:
    """Return the role variables of all targets, without their prefix."""
    given = {
        "account_id": settings.account_id,
        "profile": settings.profile,
        "workspace_id": settings.workspace_id,
        "channel_id": settings.channel_id,
        "name": settings.prefix,
        "configuration_name": settings.prefix,
        "action_id": settings.prefix,
        "action_name": "Acceptance test",
        "minimum_severity": "CRITICAL",
        "logging_level": "NONE",  # with others, Amazon Q creates a log group
        "tags": settings.tags,
    }
    return {name: value for name, value in given.items() if value}


# Target -> why it is left out, unless its settings are given.
NEEDS: dict[str, tuple[tuple[str, ...], str]] = {
    "securityhub_action_target": ((), ""),
    "chatbot_slack_workspace_info": ((), ""),
    "chatbot_slack_channel_configuration": ((), ""),
    "chatbot_custom_action": ((), ""),
    "chatbot_teams_channel_configuration": (
        ("teams_team_id", "teams_tenant_id", "teams_channel_id"),
        "it needs an authorized team of Microsoft Teams. Set teams_team_id, teams_tenant_id and teams_channel_id",
    ),
    "securityhub_hub": (
        ("region_without_hub",),
        "it enables and disables Security Hub, which is on in all regions of the run. Set region_without_hub",
    ),
    "securityhub_finding_aggregator": (
        ("finding_aggregator",),
        "it changes in which region the account's findings are aggregated. Set finding_aggregator: true",
    ),
}
_ORGANIZATION = (
    "it changes the delegated administrator of an organization. Use an organization for tests, "
    "tests/integration/cloud-config-aws.ini.template and tests/run/ansible-test"
)
_ADMINISTRATOR = (
    "it needs the Security Hub administrator account, and that of the new Security Hub. Use "
    "tests/integration/cloud-config-aws.ini.template and tests/run/ansible-test"
)
LEFT_OUT = {
    "securityhub_automation_rule": _ADMINISTRATOR,
    "securityhub_automation_rule_v2": _ADMINISTRATOR,
    "securityhub_organization_admin_account": _ORGANIZATION,
    "securityhub_organization_configuration": _ORGANIZATION,
}
# They use the channel, so they run when the deployment is removed, and not at all in a channel of others.
USE_CHANNEL = ("chatbot_slack_channel_configuration", "chatbot_custom_action")


def integration_targets(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the integration targets to run, and the reasons why the others are left out."""
    chosen, left_out = [], dict(LEFT_OUT)
    for target, (needed, reason) in NEEDS.items():
        if all(getattr(settings, name) for name in needed):
            chosen.append(target)
        else:
            left_out[target] = reason
    return chosen, left_out


def integration(target: str, settings: Settings, credentials: Mapping[str, str | None], folder: Path) -> Run:
    """Run the integration target of a module with ansible-test against the account."""
    config = folder / "cloud-config-aws.ini"
    given = {
        "aws_access_key": credentials["access_key"],
        "aws_secret_key": credentials["secret_key"],
        "security_token": credentials["token"],
        "aws_region": settings.regions[0],
        "aws_endpoint_url": os.environ.get("AWS_ENDPOINT_URL"),
        "tiny_prefix": settings.tiny_prefix,
        "slack_team_id": settings.workspace_id,
        "slack_channel_id": settings.channel_id,
        "second_slack_channel_id": settings.channel_id,  # one target at a time
        "region_without_hub": settings.region_without_hub,
        "teams_team_id": settings.teams_team_id,
        "teams_tenant_id": settings.teams_tenant_id,
        "teams_channel_id": settings.teams_channel_id,
    }
    lines = [f"{name}: {value.replace('%', '%%')}" for name, value in given.items() if value]
    config.touch(mode=0o600)
    config.write_text("\n".join(["[default]", *lines, ""]), encoding="utf-8")
    command = [str(ROOT / "tests" / "run" / "ansible-test"), "integration", "--allow-unsupported", target]
    try:
        return run(command, ROOT, CLOUD_CONFIG=str(config))
    finally:
        config.unlink()


def versions() -> dict[str, str]:
    """Return the versions that a report names."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return {
        "secops.securityhub": str(galaxy["version"]),
        "ansible-core": release.__version__,
        "boto3": boto3.__version__,
        "Python": sys.version.split()[0],
    }
