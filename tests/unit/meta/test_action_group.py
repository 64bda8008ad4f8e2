# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry in module_defaults, group/secops.securityhub.aws, reaches the modules here and those of amazon.aws."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

ROOT = Path(__file__).resolve().parents[3]


def test_the_group_holds_each_module_that_talks_to_aws_by_itself():
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    group = [entry for entry in runtime["action_groups"]["aws"] if isinstance(entry, str)]
    # What runs as an action plugin reads the variables of its hosts, not options.
    actions = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}

    assert group == sorted(modules - actions)


def test_its_defaults_reach_the_modules_of_both_collections(emulator, tmp_path):
    emulator.world({"222222222222": {"hubs": ["eu-west-1"]}})
    defaults = {
        "region": "eu-west-1",
        "endpoint_url": emulator.url,
        "access_key": "222222222222",
        "secret_key": "emulator",
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "module_defaults": {"group/secops.securityhub.aws": defaults},
        "tasks": [
            {"secops.securityhub.securityhub_hub_info": {}, "register": "ours"},
            {"amazon.aws.aws_caller_info": {}, "register": "theirs"},
            {"ansible.builtin.assert": {"that": ["theirs.account == '222222222222'", "ours is success"]}},
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")

    done = subprocess.run(
        [ansible_commands.path("ansible-playbook"), playbook],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    called = {(call["service"], call["region"], call["account"]) for call in emulator.requests()}
    assert called >= {("securityhub", "eu-west-1", "222222222222"), ("sts", "eu-west-1", "222222222222")}
