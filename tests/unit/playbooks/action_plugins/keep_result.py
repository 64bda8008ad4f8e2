# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a registered result, given as JSON, to a file that only its owner can read.

ansible.builtin.copy starts Python for each of its steps, which takes four times as long as a run of the collection.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Takes the arguments path and content."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the file."""
        path, content = Path(self._task.args["path"]), self._task.args["content"]
        path.touch(mode=0o600)
        # Before ansible-core 2.19, templates turn JSON into what it describes.
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return {"changed": True}
