# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How texts fit a terminal: widths and plurals. PRIVATE to the collection."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._model.playbooks import BEGINNING

if TYPE_CHECKING:
    from collections.abc import Iterable

NARROWEST, WIDEST = 60, 200
# Of the terminal, or as COLUMNS says; 80 for a pipe. Ansible imports this module before it forks the process that runs
# a command, which has no terminal.
WIDTH = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
# More targets than this are counted, not listed.
LISTED_AT_MOST = 40


def wrapped(line: str, indent: int = 4) -> list[str]:
    """Return *line* in as many lines as the terminal needs, all but the first indented.

    A command, with which a sentence can end, has a line of its own and is not broken, so that it can be pasted.
    """
    text, command = command_of(line)
    found = textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return [*found, f"{' ' * indent}{command}"] if command else found


def command_of(sentence: str) -> tuple[str, str]:
    """Return a sentence without the command that it ends with, and the command, '' for none."""
    for beginning in (BEGINNING, "aws "):
        text, found, command = sentence.rpartition(f"un: {beginning}")
        if found:
            return f"{text}un:", f"{beginning}{command}"
    return sentence, ""


def count(number: int, noun: str) -> str:
    """Return the number with its noun, in the singular or the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def row(host: str, width: int, cells: str) -> list[str]:
    """Return a row of a table whose first column is *width* wide; a longer name of a host has a line of its own."""
    if len(host) <= width:
        return [f"  {host:{width}}{cells}"]
    return [f"  {host}", f"  {'':{width}}{cells}"]


def each_once(texts: Iterable[tuple[str, str]], beginning: str = "  ") -> list[str]:
    """Return the lines that say each text but '' once, after the hosts that it is about, given pairs of host and text.

    *beginning*: of each text.
    """
    hosts: dict[str, list[str]] = {}
    for host, text in texts:
        if text:
            hosts.setdefault(text, []).append(host)
    return [line for text, named in hosts.items() for line in wrapped(f"{beginning}{few_of(named)}: {text}")]


def failed(failures: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines of a report without a table that name each cause once, given pairs of host and cause."""
    return each_once(failures, "FAILED: ")


def failed_below(failures: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines below a table that name each cause once, given pairs of host, or what else failed, and cause."""
    lines = each_once(failures)
    return ["", "Failed:", *lines] if lines else []


def notes(notices: Iterable[str], indent: str = "") -> list[str]:
    """Return the lines that show notices."""
    return [line for notice in notices for line in wrapped(f"{indent}Note: {notice}")]
