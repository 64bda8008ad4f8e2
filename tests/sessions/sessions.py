# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of a new user: what AWS has, what the user writes, and what the user types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .terminal import Terminal

ACCOUNT, OTHER, MEMBER = "111111111111", "222222222222", "333333333333"
WORKSPACE, CHANNEL, OTHER_CHANNEL = "T0ABC1DEF", "C0ABC1DEF", "C0XYZ9UVW"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
WORLD = {"hubs": list(REGIONS), "workspaces": [{"SlackTeamId": WORKSPACE, "SlackTeamName": "acme"}]}
HOSTS = """\
securityhub:
  hosts:
    us-east-1:
    eu-west-1:
    ap-southeast-1:
      securityhub_slack_minimum_severity: MEDIUM
  vars:
    securityhub_slack_profile: security-admin
    securityhub_slack_workspace_id: T0ABC1DEF
    securityhub_slack_channel_id: C0ABC1DEF
"""
TWO_ACCOUNTS = """\
securityhub:
  children:
    production:
      hosts:
        production.us-east-1:
        production.eu-west-1:
      vars:
        securityhub_slack_profile: security-admin
        securityhub_slack_channel_id: C0ABC1DEF
    sandbox:
      hosts:
        sandbox.us-east-1:
        sandbox.eu-west-1:
      vars:
        securityhub_slack_profile: sandbox-admin
        securityhub_slack_channel_id: C0XYZ9UVW
  vars:
    securityhub_slack_workspace_id: T0ABC1DEF
"""
SUPPRESSION = """\
    securityhub_slack_suppressions:
      - control_ids: [S3.9]
        account_ids: ["333333333333"]
        reason: The sandbox account needs no access logs
        expires: 2027-03-31
"""
PROFILES = {"security-admin": ACCOUNT, "sandbox-admin": OTHER}
PLAYBOOK = "ansible-playbook -i inventories/production secops.securityhub.securityhub_slack"
INVENTORY = "inventories/production/hosts.yml"


class User:
    """A new user in a folder with an inventory that git tracks, who has not run anything yet."""

    def __init__(self, emulator: Any, terminal: Terminal) -> None:
        self.emulator = emulator
        self.type = terminal.type
        self.run = terminal.run
        self._terminal = terminal
        emulator.reset()
        emulator.world({ACCOUNT: WORLD, OTHER: WORLD, MEMBER: {"administrator": ACCOUNT, "hubs": list(REGIONS)}})
        credentials = terminal.folder / ".aws" / "credentials"
        credentials.parent.mkdir()
        for profile, account in PROFILES.items():
            with credentials.open("a", encoding="utf-8") as file:
                file.write(f"[{profile}]\naws_access_key_id = {account}\naws_secret_access_key = emulator\n")
        (terminal.folder / INVENTORY).parent.mkdir(parents=True)
        self.write(HOSTS)
        terminal.run(f"git init --quiet && git add {INVENTORY}")

    def write(self, inventory: str) -> None:
        """Write the inventory."""
        (self._terminal.folder / INVENTORY).write_text(inventory, encoding="utf-8")

    def deploy(self) -> None:
        """Deploy the inventory before the session begins."""
        self.run(PLAYBOOK)


def first_deployment(user: User) -> None:
    user.emulator.stacks(6)
    user.type(f"cat {INVENTORY}")
    user.type(f"{PLAYBOOK} --check")
    user.type(PLAYBOOK)


def failed_deployment(user: User) -> None:
    user.emulator.world({ACCOUNT: {**WORLD, "workspaces": []}})
    user.type(PLAYBOOK)
    user.emulator.world({ACCOUNT: {**WORLD, "hubs": ["us-east-1", "eu-west-1"]}})
    user.type(PLAYBOOK)
    user.emulator.world({ACCOUNT: WORLD})
    failure = {"operation": "create", "region": "ap-southeast-1", "resource": "TopicSecurityhubSlack"}
    user.emulator.stacks(0, failure | {"reason": "The quota of topics is reached."})
    user.type(PLAYBOOK)


def changed_threshold(user: User) -> None:
    user.deploy()
    user.write(HOSTS.replace("MEDIUM", "HIGH"))
    user.type("git diff --unified=1")
    user.type(f"{PLAYBOOK} --check")
    user.type(PLAYBOOK)


def added_suppression(user: User) -> None:
    user.deploy()
    user.write(HOSTS + SUPPRESSION)
    user.type("git diff --unified=1")
    user.type(f"{PLAYBOOK} --check")
    user.type(PLAYBOOK)


def interrupted_run(user: User) -> None:
    user.emulator.stacks(6)
    user.type(PLAYBOOK, interrupt="Stacks 0/3")
    user.type(PLAYBOOK)


def unhealthy_doctor(user: User) -> None:
    user.deploy()
    rule = {"Name": "securityhub-slack-findings"}
    user.emulator.client("events", "eu-west-1").disable_rule(**rule)
    user.type(f"{PLAYBOOK}_doctor")
    user.type(f"{PLAYBOOK} -e securityhub_slack_repair_drift=true")


def private_channel(user: User) -> None:
    user.deploy()
    user.emulator.world({ACCOUNT: {**WORLD, "private_channels": [CHANNEL]}})
    user.type(f"{PLAYBOOK}_canary")


def wrong_account(user: User) -> None:
    user.write(HOSTS + f'    securityhub_slack_account_id: "{OTHER}"\n')
    user.type(f"cat {INVENTORY}")
    user.type(PLAYBOOK)


def two_accounts(user: User) -> None:
    user.write(TWO_ACCOUNTS)
    user.type(f"cat {INVENTORY}")
    user.type(PLAYBOOK)


def removal(user: User) -> None:
    user.deploy()
    user.type(f"{PLAYBOOK} -e securityhub_slack_state=absent --check")
    user.type(f"{PLAYBOOK} -e securityhub_slack_state=absent")


@dataclass(frozen=True)
class Session:
    """One session of the user."""

    title: str
    happen: Callable[[User], None]

    @property
    def name(self) -> str:
        """Return the name on the command line."""
        return self.happen.__name__

    @property
    def file(self) -> str:
        """Return the file that has the session, without its suffix."""
        return f"{SESSIONS.index(self) + 1:02}_{self.name}"


SESSIONS = (
    Session("The first deployment", first_deployment),
    Session("A deployment that fails in three ways", failed_deployment),
    Session("A changed threshold", changed_threshold),
    Session("An added suppression", added_suppression),
    Session("An interrupted run", interrupted_run),
    Session("The doctor finds a fault", unhealthy_doctor),
    Session("The channel is private", private_channel),
    Session("Credentials of the wrong account", wrong_account),
    Session("Two accounts", two_accounts),
    Session("Removal", removal),
)
