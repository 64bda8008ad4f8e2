# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home directory of a user with files for AWS credentials, and playbooks that run in it."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.playbook import environment_of
from ansible_collections.secops.securityhub.tests.resilience.playbook import states_in
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from botocore import credentials
from botocore import tokens

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "securityhub_slack_"
WORKSPACE = {"SlackTeamId": "T0ABCDEFG12", "SlackTeamName": "acme"}
CHANNEL = "C0ABCDEFG12"
START_URL = "https://acme.awsapps.com/start"


def switching_program(url: str, first: str, other: str) -> str:
    """Return the code of a credential_process whose keys lead to *other* as soon as AWS has identified *first*.

    url: of the emulator. The credentials are about to expire: the collection asks for new ones a second later.
    """
    return f"""
        import datetime, json, urllib.request
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
        requests = json.load(direct.open("{url}/_emulator/requests"))
        identified = any(entry["operation"] == "GetCallerIdentity" for entry in requests)
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=50)
        given = dict(AccessKeyId="{other}" if identified else "{first}", SecretAccessKey="s")
        print(json.dumps(dict(Version=1, Expiration=expires.isoformat(), **given)))
    """


class Home:
    """The files below ``~/.aws`` of a user, and the environment."""

    def __init__(self, folder: Path, emulator: Any) -> None:
        self.folder = folder
        self.emulator = emulator
        self.environment: dict[str, str] = {}
        (folder / ".aws" / "sso" / "cache").mkdir(parents=True)

    def config(self, text: str) -> None:
        """Add sections to ``~/.aws/config``."""
        with (self.folder / ".aws" / "config").open("a") as file:
            file.write(textwrap.dedent(text))

    def sso_profile(self, account: str) -> None:
        """Add the profile sso, which signs in as Admin of an account by the sso-session acme."""
        self.config(f"""
            [sso-session acme]
            sso_start_url = {START_URL}
            sso_region = eu-west-1
            [profile sso]
            sso_session = acme
            sso_account_id = {account}
            sso_role_name = Admin
        """)

    def sso_token(self, key: str, token: str, seconds: float = 3600, **more: Any) -> None:
        """Keep a token as ``aws sso login`` does. key: the name of the sso-session, or the start URL."""
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        kept = {"accessToken": token, "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": "eu-west-1", **more}
        name = hashlib.sha1(key.encode()).hexdigest()
        (self.folder / ".aws" / "sso" / "cache" / f"{name}.json").write_text(json.dumps(kept))

    def program(self, name: str, code: str) -> str:
        """Write a Python program, and return the command that runs it, for a credential_process."""
        path = self.folder / name
        path.write_text(textwrap.dedent(code))
        return f"{sys.executable} {shlex.quote(str(path))}"

    def inventory(self, hosts: dict[str, dict[str, Any]], **variables: Any) -> Path:
        """Write an inventory; role variables are given without their prefix."""

        def prefixed(given: dict[str, Any]) -> dict[str, Any]:
            return {PREFIX + name: value for name, value in given.items()}

        given = {
            "workspace_id": WORKSPACE["SlackTeamId"],
            "channel_id": CHANNEL,
            "result_file": str(self.folder / "result.json"),
            **variables,
        }
        path = self.folder / "hosts.yml"
        of_hosts = {host: prefixed(own) for host, own in hosts.items()}
        path.write_text(json.dumps({"all": {"hosts": of_hosts, "vars": prefixed(given)}}))
        return path

    def run(self, playbook: str | Path, *arguments: str | Path) -> Run:
        """Run a playbook of the collection, or of a path, to its end."""
        path = playbook if isinstance(playbook, Path) else ROOT / "playbooks" / f"{playbook}.yml"
        return self.call("ansible-playbook", path, *arguments)

    def call(self, command: str, *arguments: str | Path) -> Run:
        """Run a command of Ansible to its end."""
        result_file = self.folder / "result.json"
        result_file.unlink(missing_ok=True)
        done = subprocess.run(
            [ansible_commands.path(command), *arguments],
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        return Run(done.returncode, done.stdout, done.stderr, states_in(result_file))

    def enter(self, monkeypatch: Any) -> None:
        """Let this process sign in as the user."""
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in self._environment().items():
            monkeypatch.setenv(name, value)
        # botocore has computed this directory when it was imported.
        for provider in (credentials.SSOProvider, tokens.SSOTokenProvider):
            monkeypatch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(self.folder / ".aws" / "sso" / "cache"))

    def _environment(self) -> dict[str, str]:
        return {
            **environment_of(self.folder),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.emulator.url,
            **self.environment,
        }


class Run:
    """Exit code and output of a run; *states*: ok, changed or failed, by host and by account ID."""

    def __init__(self, code: int, out: str, err: str, states: dict[str, str]) -> None:
        self.code = code
        self.output = out + err
        self.states = states

    @property
    def said(self) -> str:
        """Return the output on one line."""
        return " ".join(self.output.split())

    @property
    def failed(self) -> dict[str, str]:
        """Return the causes of failures that the report gives, by host."""
        found = re.search(r"^Failed:\n(.*?)\n(?=\S)", self.output, re.M | re.S)
        lines = re.sub(r"\n    ", " ", found[1]).splitlines() if found else []
        causes = dict(line.strip().split(": ", 1) for line in lines)
        return {host: cause for hosts, cause in causes.items() for host in hosts.split(", ")}
