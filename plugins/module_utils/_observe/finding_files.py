# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads findings from files, in the shapes in which people have them. PRIVATE to the collection.

Files may be larger than the memory: they are read in parts, and findings are decoded one by one.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TextIO

from .._aws.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator

    from .._routing.reference import Finding

SHAPES = (
    'one finding, a list of them, {"Findings": [...]} as aws securityhub get-findings prints it, or several of these '
    "one after another (JSON Lines)"
)

CHARACTERS = 1 << 20  # of a file, read together
# The longest token that an error names the beginning of, except texts.
LONGEST_LITERAL = len("-Infinity")
ANSWER = re.compile(r'\{\s*"Findings"\s*:\s*\[')
LONGEST_ANSWER = 100  # characters, of which most can be blank
BLANK = " \t\r\n"
_decode = json.JSONDecoder().raw_decode


def read(paths: Iterable[str]) -> Iterator[Finding]:
    """Return the findings in *paths*: JSON files, and folders of them. Raise UserError, naming the file.

    A missing file raises immediately; what is wrong within one, when its findings are read.
    """
    files = [file for path in paths for file in _files(Path(path).expanduser())]
    return itertools.chain.from_iterable(map(_read, files))


def _files(path: Path) -> list[Path]:
    try:
        path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.json"))
    if not found:
        raise UserError(f"the folder {path} has no .json files. Choose another folder, or name the files.")
    return found


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be read: {error.strerror}. Paths are relative to the directory in which you run the playbook."
    )


def _read(path: Path) -> Iterator[Finding]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = _Text(file)
            try:
                for content in _contents(text):
                    if not _is_finding(content):
                        raise UserError(f"{path} contains something that is not a finding. Use {SHAPES}.")
                    yield content
            except json.JSONDecodeError as error:
                raise UserError(f"{path} is not valid JSON ({text.located(error)}). Use {SHAPES}.") from error
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path} is not valid JSON ({error}). Use {SHAPES}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


class _Text:
    """The text of a file, of which only one part is in memory."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.part = ""
        self.at = 0
        # Of the beginning of the part, from 0.
        self.line = self.column = 0

    def more(self) -> bool:
        """Read on, and drop what has been decoded. Return whether there is more."""
        read = self.file.read(max(CHARACTERS, len(self.part) - self.at))
        if not read:
            return False
        lines = self.part.count("\n", 0, self.at)
        self.line += lines
        self.column = self.at - self.part.rfind("\n", 0, self.at) - 1 if lines else self.column + self.at
        self.part, self.at = self.part[self.at :] + read, 0
        return True

    def next(self) -> str:
        """Return the next character that is not blank, without going past it; an empty text at the end."""
        while True:
            part, at = self.part, self.at
            while at < len(part) and part[at] in BLANK:
                at += 1
            self.at = at
            if at < len(part):
                return part[at]
            if not self.more():
                return ""

    def is_answer(self) -> bool:
        """Return whether a list of findings follows, as the first member of an object."""
        self.next()
        while len(self.part) - self.at < LONGEST_ANSWER and self.more():
            pass
        return ANSWER.match(self.part, self.at) is not None

    def take(self, expected: str) -> str:
        """Go past the next character, which must be one of *expected*, and return it."""
        found = self.next()
        if not found or found not in expected:
            raise json.JSONDecodeError(f"Expecting {' or '.join(map(repr, expected))}", self.part, self.at)
        self.at += 1
        return found

    def value(self) -> Any:
        """Decode the next value. Raises ValueError."""
        self.next()
        value, end = self._decoded()
        while end == len(self.part) and self.more():  # as a number may go on
            value, end = self._decoded()
        self.at = end
        return value

    def _decoded(self) -> tuple[Any, int]:
        try:
            return _decode(self.part, self.at)
        except json.JSONDecodeError as error:
            # The value may go on in the next part. Otherwise, do not read the whole file for a mistake in it.
            is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self.part) - LONGEST_LITERAL
            if not (is_cut and self.more()):
                raise
        return self._decoded()

    def located(self, error: json.JSONDecodeError) -> str:
        """Return what is wrong, with the line and the column in the file."""
        column = error.colno + (self.column if error.lineno == 1 else 0)
        return f"{error.msg}: line {self.line + error.lineno} column {column}"


def _contents(text: _Text) -> Iterator[Any]:
    """Yield what should be findings. Raises ValueError."""
    while True:
        if text.next() == "[":
            yield from _elements(text)
        elif text.is_answer():
            text.take("{")
            text.value()
            text.take(":")
            yield from _elements(text)
            while text.take(",}") == ",":
                text.value()
                text.take(":")
                text.value()
        else:
            content = text.value()
            is_answer = isinstance(content, dict) and isinstance(content.get("Findings"), list)
            yield from content["Findings"] if is_answer else [content]
        if not text.next():
            return


def _elements(text: _Text) -> Iterator[Any]:
    text.take("[")
    if text.next() == "]":
        text.take("]")
        return
    yield text.value()
    while text.take(",]") == ",":
        yield text.value()


def _is_finding(content: Any) -> bool:
    """Tell whether this may be a finding; AWS checks the other types of those that it sends."""
    if not isinstance(content, dict) or not ("ProductArn" in content or "finding_info" in content):
        return False
    parts, resources = content.get("finding_info", {}), content.get("Resources", [])
    return isinstance(parts, dict) and isinstance(resources, list) and all(isinstance(item, dict) for item in resources)
