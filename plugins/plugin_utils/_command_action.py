# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of a command: runs once for the whole play, on the controller. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import gc
import html
import json
import os
import re
import shlex
import tempfile
from dataclasses import replace
from functools import partial
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import ClassVar

import yaml
from ansible import constants
from ansible import context as command_line
from ansible.errors import AnsibleActionFail
from ansible.parsing.splitter import parse_kv
from ansible.parsing.vault import AnsibleVaultError
from ansible.plugins.action import ActionBase

from ..module_utils._aws.errors import UserError
from ..module_utils._aws.sanitize import sanitize
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._aws.sanitize import sanitize_line
from ..module_utils._aws.similar import similar
from ..module_utils._commands.context import Context
from ..module_utils._commands.context import Outcome
from ..module_utils._model.playbooks import INVENTORY
from ..module_utils._report.files import LONGEST
from ..module_utils._report.files import is_ours
from . import _progress
from . import _targets
from ._wrong_values import checked

try:
    import botocore.session

    BOTOCORE = botocore.session.__name__
except ImportError:
    BOTOCORE = ""

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

    from ..module_utils._model.snapshot import TargetSnapshot

# Ansible forks a process for the task, and almost everything allocated in it lives until its end. Collecting garbage
# as often as Python does by default took a seventh of a small run.
OBJECTS_BEFORE_COLLECTION = 100_000

# A text in JSON that stays the same text, and the only one, as the value of name=value.
PLAIN = re.compile(r'"([A-Za-z0-9_./:@,+-]*)"')

# Of the lines of a difference, by their sign.
COLORS = {"-": constants.COLOR_DIFF_REMOVE, "+": constants.COLOR_DIFF_ADD}


# Ansible imports this module before it forks the worker, which has no terminal.
TERMINAL = _progress.terminal()


class Failed(AnsibleActionFail):
    """A failure of which Ansible shows one sentence, and neither an error of its own nor the source of the task."""

    @property
    def omit_exception_key(self) -> bool:
        """Return that the result has no exception, which Ansible would show beside the sentence."""
        return True


class CommandAction(ActionBase):
    """An action that runs once for the whole play.

    A subclass (see _compiled.py) names its command: *SPEC* and *command* are those of a module of
    ``module_utils/_commands``, *PLAYBOOK* is the playbook that runs it, with what has to follow on the command line.
    *NEEDS_TARGETS*: whether its hosts are targets. *REFUSED*: variables that must not be set, with why and what to do.
    *WRITES*: options with the paths of files that the command writes at its end.
    """

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    PLAYBOOK: str
    SPEC: dict[str, Any]
    command: Callable[[Context], Outcome]
    NEEDS_TARGETS: ClassVar[bool] = True
    REFUSED: ClassVar[dict[str, str]] = {}
    WRITES: ClassVar[tuple[str, ...]] = ()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the command and return its result; print its lines and write its files.

        Raise Failed if it has failed: Ansible shows the whole result of a failed task.
        """
        gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            outcome = self._outcome(task_vars or {})
        except (UserError, AnsibleActionFail) as error:
            raise Failed(sanitize_line(str(error))) from None
        except AnsibleVaultError as error:
            raise Failed(
                f"The variables of the inventory cannot be decrypted: {sanitize_line(error.message)} "
                f"Run with --vault-password-file, --vault-id or --ask-vault-pass."
            ) from None
        if outcome.failure:
            raise Failed(sanitize_line(outcome.failure), result={"changed": outcome.result["changed"]})
        found: dict[str, Any] = sanitize_all(outcome.result)
        return result | found

    def _outcome(self, task_vars: dict[str, Any]) -> Outcome:
        for name, reason in self.REFUSED.items():
            if name in task_vars:
                raise UserError(f"{name} is set. {reason}")
        options = self._options(task_vars)
        for path in filter(None, (options[name] for name in self.WRITES)):
            write_file(path, "", check_mode=True)  # so that nobody waits for a report that has no place
        context = self._context(options, task_vars)
        with context.progress:
            outcome = _with_options(type(self).command(context))
        # Where this computer permits few open files, the connections would leave none for the reports.
        context.aws.close()
        for line in outcome.differences:
            self._display.display(sanitize_line(line), color=COLORS.get(line.strip()[:1]))
        self._print(outcome.lines)
        for file in outcome.files:
            context.write(file.path, file.text)
        return outcome

    def _options(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the options of the task. Raise UserError, which names the variables of the playbook behind them."""
        prefix = f"{self.PLAYBOOK}_"
        names = {prefix + name: name for name in self.SPEC}
        # Where it needs targets, all names that begin alike are known and checked for each of them.
        others = () if self.NEEDS_TARGETS else (name for name in task_vars if name.startswith(prefix))
        # Without the prefix, which would make all names similar.
        near = {name: similar(name.removeprefix(prefix), self.SPEC) for name in sorted(set(others) - set(names))}
        problems = [
            f"{name} is not a variable of this playbook: did you mean {prefix}{meant}?"
            for name, meant in near.items()
            if meant
        ]
        for variable, name in names.items():
            if name in self._task.args:
                problems += checked(variable, self.SPEC[name], self._task.args[name])[1]
        if problems:
            raise UserError(" ".join(problems))
        return dict(self.validate_argument_spec(argument_spec=self.SPEC)[1])

    def _context(self, options: dict[str, Any], task_vars: dict[str, Any]) -> Context:
        if not BOTOCORE:
            raise AnsibleActionFail("boto3 and botocore are missing on the controller. Run: pip install boto3")
        from ..module_utils._aws.clients import Clients  # needs botocore

        targets, unselected = _targets.gather(self, task_vars) if self.NEEDS_TARGETS else ([], [])
        if self.NEEDS_TARGETS and not targets:
            raise AnsibleActionFail(
                "The inventory has no targets. Fix any parse error reported above; otherwise add one host per region, "
                f"as in inventories/example, and run: ansible-playbook -i inventories/production "
                f"secops.securityhub.{self.PLAYBOOK}"
            )
        aws = Clients()
        return Context(
            aws=aws,
            targets=targets,
            unselected=unselected,
            options=options,
            check_mode=bool(self._task.check_mode),
            diff=bool(self._task.diff),
            now=datetime.datetime.now(datetime.timezone.utc),
            progress=_progress.Live(TERMINAL, self._display, lambda: aws.traffic.calls),
            write=partial(write_file, mode=_file_mode([*targets, *unselected]), check_mode=bool(self._task.check_mode)),
            selection=selection(),
        )

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._display.display(sanitize_line(line))


def selection() -> str:
    """Return the options of the command line that select hosts and set variables."""
    limit = command_line.CLIARGS.get("subset")
    return shlex.join([*inventories(), *(["--limit", limit] if limit else []), *extra_variables()])


def extra_variables() -> list[str]:
    """Return the options of the command line that set role variables, without those that may be secret."""
    words = []
    for given in map(str, command_line.CLIARGS.get("extra_vars") or ()):
        if given.startswith("@"):
            words += ["-e", f"@{_from_here(given[1:])}"]
            continue
        assigned = _assigned(given)
        for name in sorted(set(assigned) & set(_targets.options()) - _targets.SECRETS):
            plain = PLAIN.fullmatch(assigned[name])
            words += ["-e", f"{name}={plain[1]}" if plain else f'{{"{name}": {assigned[name]}}}']
    return words


def _assigned(given: str) -> dict[str, str]:
    """Return the variables that an option -e sets, each with its value as JSON or as Ansible's YAML."""
    if not given.startswith("{"):
        return {name: json.dumps(value) for name, value in parse_kv(given).items()}
    try:
        return {name: json.dumps(value) for name, value in json.loads(given).items()}
    except ValueError:
        # As it was written: what JSON lacks, such as a date or !unsafe, has to stay.
        whole: Any = yaml.compose(given, Loader=yaml.SafeLoader)
        return {key.value: given[value.start_mark.index : value.end_mark.index] for key, value in whole.value}


def inventories() -> list[str]:
    """Return the options of the command line that name inventories."""
    return [word for source in command_line.CLIARGS.get("inventory") or () for word in ("-i", _from_here(source))]


def _from_here(path: str) -> str:
    """Return a path that Ansible has made absolute, as a relative one where it is below the current directory."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _with_options(outcome: Outcome) -> Outcome:
    """Return the outcome, in whose commands inventories and variables of this run stand, so that they can be pasted."""
    options = [*inventories(), *extra_variables()]
    given = shlex.join(options)

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(INVENTORY, given)
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return [filled(item) for item in value] if isinstance(value, (list, tuple)) else value

    def of_file(text: str) -> str:
        in_json = text.replace(INVENTORY, json.dumps(given)[1:-1])
        return in_json if text.startswith("{") else text.replace(html.escape(INVENTORY), html.escape(given))

    if not options:
        return outcome
    return replace(
        outcome,
        result=filled(outcome.result),
        lines=filled(outcome.lines),
        files=[replace(file, text=of_file(file.text)) for file in outcome.files],
        failure=filled(outcome.failure),
    )


def _file_mode(targets: list[TargetSnapshot]) -> int:
    """Return the permissions that all targets allow."""
    given = {str(target.settings.value("file_mode") or "0600") for target in targets}
    return reduce(and_, (int(mode, 8) for mode in given), 0o777)


def write_file(path: str, text: str, mode: int = 0o600, *, check_mode: bool = False) -> None:
    """Write a sanitized text to a file on the controller with these permissions, whatever the umask; not in check mode.

    It replaces an empty file or one that this collection wrote, and nothing else: a wrong path must not destroy an
    inventory. Raise AnsibleActionFail, with a remedy, where it cannot.
    """
    file = Path(path)
    try:
        reason = _why_not(file)
        if not reason and not check_mode:
            _replace(file, sanitize(text), mode)
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        # Ansible would append the text of an error that is the cause to a sentence that already has it.
        raise AnsibleActionFail(f"{path} could not be written: {reason}. Choose another file.") from None


def _why_not(file: Path) -> str:
    """Return why a file must not be written, or ''. Raise OSError."""
    if not file.parent.is_dir():
        return f"the folder {file.parent} does not exist"
    if file.is_symlink():
        return "it is a symbolic link"
    if not file.exists():
        return ""
    if not file.is_file():
        return "it is not a regular file"
    with os.fdopen(
        os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8", errors="replace"
    ) as opened:
        return "" if is_ours(opened.read(LONGEST)) else "it exists, and this collection did not write it"


def _replace(file: Path, text: str, mode: int) -> None:
    """Write a new file beside *file* and rename it, so that no reader sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        os.fchmod(descriptor, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
