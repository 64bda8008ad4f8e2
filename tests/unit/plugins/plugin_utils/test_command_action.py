# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that leaves a command is sanitized on its way: printed lines, results, files and errors."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import File
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Outcome
from ansible_collections.secops.securityhub.plugins.plugin_utils import _command_action

# Terminals obey these: colors, a title, backspace, a line that is written over, the other direction of writing.
HOSTILE = "\x1b[31mred\x1b]0;title\x07 back\b over\r bidi\u202e\u2066 null\x00 del\x7f c1\x9b31m"


def is_sanitized(text):
    return not any(unicodedata.category(char).startswith("C") and char != "\n" for char in text)


class Display:
    """A replacement for Ansible's display that keeps what is printed."""

    def __init__(self):
        self.lines = []

    def display(self, line):
        self.lines.append(line)


@pytest.fixture
def run(monkeypatch):
    """Return a function that runs an action of a command, and returns its result and the printed lines."""

    def run_action(command, *, check_mode=False):
        class Action(_command_action.CommandAction):
            PLAYBOOK, SPEC = "securityhub_slack", {}

        Action.command = command
        action = Action(SimpleNamespace(async_val=0, check_mode=check_mode, diff=False), None, None, None, None, None)
        monkeypatch.setattr(_command_action.ActionBase, "run", lambda self, tmp, task_vars: {})
        monkeypatch.setattr(action, "validate_argument_spec", lambda argument_spec: (None, {}))
        context = SimpleNamespace(check_mode=check_mode, progress=lambda line: action._print([line]))
        monkeypatch.setattr(action, "_context", lambda options, task_vars: context)
        action._display = Display()
        return action.run(None, {}), action._display.lines

    return run_action


def test_lines_and_results_are_sanitized(run):
    result, lines = run(lambda context: Outcome({"msg": HOSTILE, "items": [{"reason": HOSTILE}]}, [f"Note: {HOSTILE}"]))
    assert all(is_sanitized(line) and "\n" not in line for line in lines)
    assert "?[31mred" in lines[0]
    assert is_sanitized(result["msg"])
    assert is_sanitized(result["items"][0]["reason"])


def test_progress_is_sanitized(run):
    def command(context):
        context.progress(f"{HOSTILE}\nnext")
        return Outcome({})

    _result, (line,) = run(command)
    assert is_sanitized(line)
    assert "\n" not in line


def test_errors_are_sanitized(run):
    def command(context):
        raise UserError(HOSTILE)

    with pytest.raises(AnsibleActionFail) as raised:
        run(command)
    assert is_sanitized(str(raised.value))
    assert "?[31mred" in str(raised.value)


def test_files_are_sanitized_and_in_check_mode_only_written_if_they_say_so(run, tmp_path):
    always, otherwise = tmp_path / "folder" / "always.json", tmp_path / "otherwise.json"
    outcome = Outcome({}, files=[File(str(always), HOSTILE, in_check_mode=True), File(str(otherwise), "text")])
    run(lambda context: outcome, check_mode=True)
    assert is_sanitized(always.read_text(encoding="utf-8"))
    assert not otherwise.exists()
    run(lambda context: outcome)
    assert otherwise.read_text(encoding="utf-8") == "text"
