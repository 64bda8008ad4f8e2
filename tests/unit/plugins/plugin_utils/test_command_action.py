# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that leaves a command is sanitized on its way: printed lines, results, files and errors."""

from __future__ import annotations

import os
import shlex
import unicodedata
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import File
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Outcome
from ansible_collections.secops.securityhub.plugins.module_utils._report import files
from ansible_collections.secops.securityhub.plugins.plugin_utils import _command_action
from ansible_collections.secops.securityhub.plugins.plugin_utils import _progress
from ansible_collections.secops.securityhub.tests.unit.plugins.plugin_utils.display import Display

# Terminals obey these: colors, a title, backspace, a line that is written over, the other direction of writing.
HOSTILE = "\x1b[31mred\x1b]0;title\x07 back\b over\r bidi\u202e\u2066 null\x00 del\x7f c1\x9b31m"


def is_sanitized(text):
    return not any(unicodedata.category(char).startswith("C") and char != "\n" for char in text)


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
        display = Display()
        context = SimpleNamespace(
            aws=SimpleNamespace(close=lambda: None),
            check_mode=check_mode,
            progress=_progress.Live("", display, lambda: 0),
            write=_command_action.write_file,
        )
        monkeypatch.setattr(action, "_context", lambda options, task_vars: context)
        action._display = display
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


def test_files_are_sanitized(run, tmp_path):
    path = tmp_path / "report.json"
    run(lambda context: Outcome({}, files=[File(str(path), files.DOCUMENT + HOSTILE)]))
    assert is_sanitized(path.read_text(encoding="utf-8"))


def test_check_mode_writes_no_file_and_refuses_what_a_run_would(tmp_path):
    path, of_others = tmp_path / "report.html", tmp_path / "hosts.yml"
    _command_action.write_file(str(path), "new", check_mode=True)
    assert list(tmp_path.iterdir()) == []
    path.write_text(files.PAGE)
    _command_action.write_file(str(path), "new", check_mode=True)
    assert path.read_text() == files.PAGE
    of_others.write_text(INVENTORY)
    for refused in (of_others, tmp_path / "no" / "folder.html"):
        with pytest.raises(AnsibleActionFail):
            _command_action.write_file(str(refused), "new", check_mode=True)
    assert not (tmp_path / "no").exists()


INVENTORY = "plugin: secops.securityhub.securityhub_regions\naccounts: []\n"


def refusal(path):
    """Return why a file is not written."""
    with pytest.raises(AnsibleActionFail) as raised:
        _command_action.write_file(str(path), "text")
    assert str(path) in str(raised.value)
    assert "Choose another file" in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize(
    ("given", "expected"), [((), 0o600), (("0644",), 0o644), (("0640", "0644"), 0o640), (("0664", ""), 0o600)]
)
def test_a_file_has_the_permissions_that_all_targets_allow(tmp_path, umask, given, expected):
    path = tmp_path / "report.html"
    path.write_text(files.PAGE)
    path.chmod(0o644)
    before = os.umask(umask)
    try:
        if given:
            targets = [SimpleNamespace(settings=SimpleNamespace(value={"file_mode": mode}.get)) for mode in given]
            _command_action.write_file(str(path), "text", _command_action._file_mode(targets))
        else:
            _command_action.write_file(str(path), "text")
    finally:
        os.umask(before)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("text", expected)
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("beginning", ["", files.PAGE, files.DOCUMENT, files.EXPORT])
def test_a_file_of_ours_is_replaced(tmp_path, beginning):
    path = tmp_path / "report"
    path.write_text(beginning and f"{beginning} old")
    _command_action.write_file(str(path), "text")
    assert path.read_text() == "text"


@pytest.mark.parametrize(
    "content", [INVENTORY, "{}", '{"generator": 1}', f" {files.PAGE}", "\xff" * 200, files.PAGE[:-2]]
)
def test_a_file_of_others_is_kept(tmp_path, content):
    path = tmp_path / "hosts.yml"
    path.write_text(content, encoding="latin-1")
    assert "this collection did not write it" in refusal(path)
    assert path.read_text(encoding="latin-1") == content


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_not_followed(tmp_path, exists):
    path, other = tmp_path / "report.html", tmp_path / "other"
    if exists:
        other.write_text(files.PAGE)
    path.symlink_to(other)
    assert "symbolic link" in refusal(path)
    assert path.is_symlink()
    assert (other.read_text() if exists else "") == (files.PAGE if exists else "")


def test_a_hard_link_is_replaced_and_not_written_to(tmp_path):
    path, other = tmp_path / "report.html", tmp_path / "other"
    other.write_text(files.PAGE)
    path.hardlink_to(other)
    _command_action.write_file(str(path), "text")
    assert (path.read_text(), other.read_text()) == ("text", files.PAGE)


def test_a_named_pipe_is_refused(tmp_path):
    path = tmp_path / "report.html"
    os.mkfifo(path)
    assert "regular file" in refusal(path)


def test_no_folder_is_created_and_none_is_replaced(tmp_path):
    assert "does not exist" in refusal(tmp_path / "reprots" / "report.html")
    assert list(tmp_path.iterdir()) == []
    assert "regular file" in refusal(tmp_path)
    assert "regular file" in refusal("/dev/null")


def test_a_file_that_cannot_be_written_is_kept_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text(files.PAGE)

    def full(*_names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_command_action.os, "replace", full)
    assert "No space left on device" in refusal(path)
    assert path.read_text() == files.PAGE
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]


def repeated(monkeypatch, given):
    """Return what a printed command repeats of the variables that a run was *given*, as a shell reads it."""
    monkeypatch.setattr(_command_action.command_line, "CLIARGS", {"extra_vars": (given,)})
    words = shlex.split(shlex.join(_command_action.extra_variables()))
    assert words[::2] == ["-e"] * (len(words) // 2)
    return words[1::2]


def read_by_ansible(texts):
    """Return the variables that Ansible reads from the values of -e."""
    found = {}
    for text in texts:
        found |= DataLoader().load(text) if text.startswith("{") else parse_kv(text)
    return found


# Spaces and signs with which one value could set another variable, and what only Ansible's YAML has.
GIVEN = [
    """{"securityhub_slack_channel_name": "a securityhub_slack_state=absent"}""",
    """securityhub_slack_channel_name='a securityhub_slack_state=absent'""",
    r"""{"securityhub_slack_channel_name": "it's $(id) \\ \"x\" \ud83d\ude00"}""",
    """{"securityhub_slack_suppressions":\t[],\t"securityhub_slack_name": "a"}""",
    "{securityhub_slack_suppressions: [{expires: 2026-12-31, title_prefixes: [x]}], securityhub_slack_alarms: yes}",
    "{securityhub_slack_name: a, securityhub_slack_channel_name: !unsafe 'a {{ b }}'}",
]


@pytest.mark.parametrize("given", GIVEN)
def test_a_printed_command_sets_the_variables_of_the_run_and_no_others(monkeypatch, given):
    assert read_by_ansible(repeated(monkeypatch, given)) == read_by_ansible([given])


def test_what_is_no_template_does_not_become_one_in_a_printed_command(monkeypatch):
    (given,) = repeated(monkeypatch, '{securityhub_slack_channel_name: !unsafe \'{{ lookup("pipe", "id") }}\'}')
    assert "!unsafe" in given


@pytest.mark.parametrize("value", ["s3cret", "!unsafe s3cret", "[2026-12-31, s3cret]"])
def test_a_printed_command_has_no_secret_and_no_variable_of_others(monkeypatch, value):
    given = f"{{securityhub_slack_external_id: {value}, my_password: {value}, securityhub_slack_name: a}}"
    assert read_by_ansible(repeated(monkeypatch, given)) == {"securityhub_slack_name": "a"}
