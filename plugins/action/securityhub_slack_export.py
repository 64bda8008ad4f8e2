# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the stacks of all targets of the play as a stack set. Documented in plugins/modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._pipeline import export
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import today
from ..plugin_utils._batch_action import write_file


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_export"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the stacks of the file, or why there is none; never fails for it."""
        result = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec={"path": {"type": "path", "required": True}})
        check, path = bool(self._task.check_mode), options["path"]
        targets, neighbours = self._gather(task_vars or {})
        found = export.run(targets, neighbours, Clients(), today())
        text = json.dumps(found.document, indent=2) + "\n" if found.document else ""
        changed = bool(text) and text != _text_of(path)
        if changed and not check:
            write_file(path, text)
        self._print(export.lines(found, path, text, changed=changed, check=check))
        return result | sanitize_all(export.result(found)) | {"changed": changed, "path": path}


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # there is none, or none of ours; what keeps it from being written is said then
