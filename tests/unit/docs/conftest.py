# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader of the documentation, with AWS profiles, inventories, and accounts in the emulator."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit.docs import pages

# The IDs in the examples.
PRODUCTION, TEAM = "111111111111", "T0ABC1DEF"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
FLEET = ("444444444444", "222222222222", "333333333333")
MANAGEMENT, SECURITY = "999999999999", "123456789012"
FINDING = "arn:aws:securityhub:eu-west-1:111111111111:security-control/S3.8/finding/5f3c"

PROFILES = {
    "default": PRODUCTION,
    "security-admin": PRODUCTION,
    "securityhub-prod": FLEET[0],
    "securityhub-stage": FLEET[1],
    "security": SECURITY,
    "management": MANAGEMENT,
}
YESTERDAY = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime(
    "%Y-%m-%dT%H:%M:%S.000Z"
)


class Reader:
    """A reader who runs commands and writes files in a working directory."""

    def __init__(self, emulator, home: Path) -> None:
        self.emulator = emulator
        self.folder = home / "work"
        self.folder.mkdir()
        tools = home / "bin"
        tools.mkdir()
        (tools / "aws").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("aws.py")} "$@"\n')
        (tools / "aws").chmod(0o755)
        commands = ansible_commands.folder(), Path(sys.executable).parent
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_", "PIP_"))},
            "HOME": str(home),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws" / "credentials"),
            "PATH": os.pathsep.join(map(str, [tools, *commands, os.environ["PATH"]])),
            "AWS_ENDPOINT_URL": emulator.url,
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(pages.ROOT / ".ansible" / "collections")),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "80",
            # pip and ansible-galaxy can report what is installed, but cannot install anything.
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9",
        }
        (home / ".aws").mkdir()
        (home / ".aws" / "credentials").write_text("".join(map(_profile, PROFILES)))

    def write(self, name: str, content: str) -> None:
        """Write a file in the working directory."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def run(self, command: str, folder: Path | None = None) -> tuple[int, str]:
        """Run a shell command in *folder*, or the working directory. Return its exit status and its output."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert "Traceback" not in output
        return done.returncode, output


def _profile(name: str) -> str:
    secret = "aws_secret_access_key = emulator\nregion = eu-west-1\n"
    return f"[{name}]\naws_access_key_id = {PROFILES[name]}\n{secret}"


@pytest.fixture(name="reader")
def fixture_reader(emulator, tmp_path):
    """Return a reader with the example files: two inventories, requirements.yml, organization.yml, and findings."""
    _define_accounts(emulator)
    reader = Reader(emulator, tmp_path)
    (production,) = pages.blocks(
        (pages.ROOT / "docs/docsite/rst/getting_started.rst").read_text(encoding="utf-8"), "yaml"
    )
    fleet = pages.blocks((pages.ROOT / "docs/docsite/rst/inventory.rst").read_text(encoding="utf-8"), "yaml")[0]
    playbooks = pages.blocks((pages.ROOT / "docs/docsite/rst/playbooks.rst").read_text(encoding="utf-8"), "yaml")
    reader.write("inventories/production/hosts.yml", production)
    reader.write("inventories/fleet/securityhub_regions.yml", fleet)
    reader.write("requirements.yml", "collections: [secops.securityhub]\n")
    reader.write("organization.yml", next(block for block in playbooks if "securityhub_organization_" in block))
    reader.write("findings.json", json.dumps({"Findings": FINDINGS}))
    return reader


def _define_accounts(emulator) -> None:
    workspaces = [{"SlackTeamId": TEAM, "SlackTeamName": "acme"}]
    emulator.reset()
    emulator.world(
        {
            PRODUCTION: {"hubs": list(REGIONS), "workspaces": workspaces},
            **{account: {"hubs": "all", "workspaces": workspaces} for account in FLEET},
            **{account: {} for account in (SECURITY, MANAGEMENT)},
        },
        management_account=MANAGEMENT,
    )
    _make_keys(emulator)
    for finding in FINDINGS:
        client = emulator.client("securityhub", finding["Region"], PRODUCTION)
        client.batch_import_findings(Findings=[finding])


def _make_keys(emulator) -> None:
    """Create the keys of the guide to encryption, with the alias and the policy statement that it shows."""
    text = (pages.ROOT / "docs/docsite/rst/encryption.rst").read_text(encoding="utf-8")
    (statement,) = map(json.loads, pages.blocks(text, "json"))
    administrator = {"AWS": f"arn:aws:iam::{PRODUCTION}:root"}
    access = {"Effect": "Allow", "Principal": administrator, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [access, statement]})
    for region in REGIONS:
        client = emulator.client("kms", region, PRODUCTION)
        key = client.create_key(Policy=policy)["KeyMetadata"]["KeyId"]
        client.create_alias(AliasName="alias/security", TargetKeyId=key)


def _finding(name: str, severity: str, control: str, region: str) -> dict:
    return {
        "SchemaVersion": "2018-10-08",
        "Id": name,
        "ProductArn": f"arn:aws:securityhub:{region}::product/aws/securityhub",
        "GeneratorId": f"security-control/{control}",
        "AwsAccountId": PRODUCTION,
        "Region": region,
        "CreatedAt": YESTERDAY,
        "UpdatedAt": YESTERDAY,
        "Severity": {"Label": severity},
        "Title": f"{control} in {region}",
        "Description": "A check.",
        "Types": ["Software and Configuration Checks"],
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::example"}],
        "Compliance": {"Status": "FAILED", "SecurityControlId": control},
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    }


FINDINGS = [
    _finding(FINDING, "HIGH", "S3.8", "eu-west-1"),
    _finding("critical", "CRITICAL", "EC2.19", "ap-southeast-1"),
]
