# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who has read the pages: a home with profiles, a folder with inventories, and accounts of the emulator."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit.docs import pages

# The ids of the pages' examples.
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
LATELY = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Reader:
    """A reader, who types commands and writes files in a folder of their own."""

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
            "PATH": os.pathsep.join(map(str, [tools, *commands, os.environ["PATH"]])),
            "AWS_ENDPOINT_URL": emulator.url,
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(pages.ROOT / ".ansible" / "collections")),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "80",
            # pip and ansible-galaxy may find that all is there, and may install nothing.
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9",
        }
        (home / ".aws").mkdir()
        (home / ".aws" / "credentials").write_text("".join(map(_profile, PROFILES)))

    def write(self, name: str, content: str) -> None:
        """Write a file of the reader's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def types(self, command: str, folder: Path | None = None) -> tuple[int, str]:
        """Return exit code and output of a command, which may contain whatever a shell understands."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        return done.returncode, said


def _profile(name: str) -> str:
    secret = "aws_secret_access_key = emulator\nregion = eu-west-1\n"
    return f"[{name}]\naws_access_key_id = {PROFILES[name]}\n{secret}"


@pytest.fixture
def reader(emulator, tmp_path):
    """Return a reader who has written what the pages say: two inventories, requirements and the organisation."""
    _world(emulator)
    found = Reader(emulator, tmp_path)
    (own,) = pages.blocks((pages.ROOT / "docs/docsite/rst/getting_started.rst").read_text(encoding="utf-8"), "yaml")
    fleet = pages.blocks((pages.ROOT / "docs/docsite/rst/inventory.rst").read_text(encoding="utf-8"), "yaml")[0]
    readme = pages.blocks((pages.ROOT / "README.md").read_text(encoding="utf-8"), "yaml")
    head = (pages.ROOT / "playbooks/securityhub_organization.yml").read_text(encoding="utf-8")
    organisation = "".join(f"{line}\n" for line in re.findall(r"^#   (securityhub_organization_\w+: .*)$", head, re.M))
    found.write("inventories/production/hosts.yml", own)
    found.write("inventories/fleet/securityhub_regions.yml", fleet)
    found.write("requirements.yml", next(block for block in readme if block.startswith("collections:")))
    found.write("organisation.yml", organisation)
    found.write("findings.json", json.dumps({"Findings": FINDINGS}))
    return found


def _world(emulator) -> None:
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
    """Make the keys that the page on encryption calls by an alias, with the statement that it asks for."""
    text = (pages.ROOT / "docs/docsite/rst/encryption.rst").read_text(encoding="utf-8")
    (statement,) = map(json.loads, pages.blocks(text, "json"))
    administrator = {"AWS": f"arn:aws:iam::{PRODUCTION}:root"}
    own = {"Effect": "Allow", "Principal": administrator, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own, statement]})
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
        "CreatedAt": LATELY,
        "UpdatedAt": LATELY,
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
