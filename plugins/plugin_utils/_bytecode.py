# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets Python cache the bytecode of module_utils, from the import of this module on. PRIVATE to the collection.

Ansible's loader of collections compiles each module at each run, which took half of the time of our imports.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES
from importlib.machinery import FileFinder
from importlib.machinery import ModuleSpec
from importlib.machinery import SourceFileLoader
from types import ModuleType

MODULE_UTILS = f"{__name__.rpartition('.plugin_utils.')[0]}.module_utils."


class Finder(MetaPathFinder):
    """Finds the modules below module_utils. Their packages remain with Ansible, which asks them for files."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module, None for everything else."""
        if not path or not fullname.startswith(MODULE_UTILS):
            return None
        spec = _in_folder(path[0]).find_spec(fullname, target)
        return spec if spec and spec.loader else None


@cache
def _in_folder(path: str) -> FileFinder:
    return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))


if not any(isinstance(finder, Finder) for finder in sys.meta_path):
    sys.meta_path.insert(0, Finder())
