# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads findings from files, in the shapes in which people have them. PRIVATE to the collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

Finding = dict[str, Any]

SHAPES = 'one finding, a list of them, or {"Findings": [...]} as aws securityhub get-findings prints it'


def read(paths: Iterable[str]) -> list[Finding]:
    """Return the findings in *paths*: JSON files, and folders of them. Raise UserError, naming the file."""
    return [finding for path in paths for file in _files(Path(path).expanduser()) for finding in _read(file)]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.json"))
    if not found:
        raise UserError(f"the folder {path} has no .json files. Choose another folder, or name the files.")
    return found


def _read(path: Path) -> list[Finding]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}. Paths are relative to the directory in which you run the "
            f"playbook."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON ({error}). Use {SHAPES}.") from error
    found = _findings_in(content)
    if any(not _is_finding(finding) for finding in found):
        raise UserError(f"{path} contains something that is not a finding. Use {SHAPES}.")
    return found


def _findings_in(content: Any) -> list[Any]:
    if isinstance(content, dict) and isinstance(content.get("Findings"), list):
        return list(content["Findings"])
    return content if isinstance(content, list) else [content]


def _is_finding(content: Any) -> bool:
    """Tell whether this may be a finding; AWS checks the other types of those that it sends."""
    if not isinstance(content, dict) or not {"ProductArn", "finding_info"} & set(content):
        return False
    parts, resources = content.get("finding_info", {}), content.get("Resources", [])
    return isinstance(parts, dict) and isinstance(resources, list) and all(isinstance(item, dict) for item in resources)
