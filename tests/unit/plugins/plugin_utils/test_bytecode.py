# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of module_utils is compiled once, not at each run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

# Ansible loads the plugin of an action in this way. The modules of this collection, with their files and loaders.
LOADED = """
import json, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([])
import ansible_collections.secops.securityhub.plugins.action.securityhub_slack
ours = {name: module for name, module in sys.modules.items() if ".securityhub.plugins.module_utils." in name}
print(json.dumps({name: [module.__file__, type(module.__spec__.loader).__name__] for name, module in ours.items()}))
"""


def loaded(folder):
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run([sys.executable, "-c", LOADED], env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_a_command_leaves_bytecode_that_the_next_run_loads(tmp_path):
    found = loaded(tmp_path)
    cached = {name for name, (_file, loader) in found.items() if loader == "SourceFileLoader"}
    packages = {name for name in found if name.rpartition(".")[2].startswith("_")}
    assert cached == set(found) - packages
    written = {path.name.partition(".")[0]: path.stat().st_mtime_ns for path in tmp_path.rglob("*.pyc")}
    assert {name.rpartition(".")[2] for name in cached} <= set(written)
    assert loaded(tmp_path) == found
    assert {path.name.partition(".")[0]: path.stat().st_mtime_ns for path in tmp_path.rglob("*.pyc")} == written
