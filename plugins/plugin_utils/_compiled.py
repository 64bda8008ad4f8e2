# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports the commands in such a way that Python keeps them compiled. PRIVATE to the collection.

Ansible's loader of collections compiles all source code again in each run: 150 modules for the main job, a tenth of the
CPU time of a run over 17 regions. Under a name that does not begin with ansible_collections, Python's own import system
reads the same files, and keeps what it has compiled in __pycache__ where it may write.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import Any

PACKAGE = "secops_securityhub_plugins"


def command_action(command: str, playbook: str, **attributes: Any) -> Any:
    """Return the action plugin (a CommandAction) of a module of ``module_utils/_commands``.

    *playbook*: runs the command, with what has to follow on the command line. *attributes*: others of the class.
    """
    base, found = _module("plugin_utils._command_action").CommandAction, _module(f"module_utils._commands.{command}")
    of_command = {"PLAYBOOK": playbook, "SPEC": found.SPEC, "command": staticmethod(found.run)}
    return type("ActionModule", (base,), {**of_command, **attributes})


def _module(name: str) -> Any:
    """Return a module below the folder plugins."""
    if PACKAGE not in sys.modules:
        spec = importlib.machinery.ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(Path(__file__).parents[1])]
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.{name}")
