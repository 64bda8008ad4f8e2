# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows: the commands that people shall type, and the YAML that they shall write."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *ROOT.glob("roles/*/README.md"),
        *ROOT.glob("inventories/**/README.md"),
        *ROOT.glob("docs/docsite/rst/*.rst"),
    ]
)
# Files whose comments say how to run them.
COMMENTED = sorted([*ROOT.glob("playbooks/*.yml"), *ROOT.glob("inventories/**/*.yml"), *ROOT.glob("*.yml")])

_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.M | re.S)
_CODE_BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:(?:\1 +\S.*)?\n)+)", re.M)
_INLINE = re.compile(r"``(?=\S)([^`]+)``|`(?=\S)([^`]+)`")
_RUN = re.compile(r"^ *- run: (.*)$", re.M)  # a step of a CI system
# What a command in running text begins with; a name alone, without arguments, is no command.
_PROGRAM = re.compile(r"(?:\.venv/bin/)?(?:(?:ansible|antsibull)[\w-]*|aws|git|jq|make|pip|pytest) |tests/\w+ ")
_IN_COMMENT = re.compile(r"^# *(?:\d\. run: *)?((?:ansible|aws|make)[\w-]* -?[\w@].*)$")
_OPTION_IN_COMMENT = re.compile(r"^#     ((?:-e |--).+?)(?:  .*)?$")


def blocks(text: str, *languages: str) -> list[str]:
    """Return the code blocks of a Markdown or reStructuredText page in *languages*, without their indentation."""
    found = [(match.start(), match[2], match[3]) for match in [*_FENCE.finditer(text), *_CODE_BLOCK.finditer(text)]]
    return [_dedented(body) for _start, language, body in sorted(found) if language in languages]


def _dedented(body: str) -> str:
    lines = body.strip("\n").split("\n")
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[margin:].rstrip() for line in lines) + "\n"


def commands(text: str) -> list[str]:
    """Return the commands of a page, as they are written: those of its blocks, and those in running text."""
    found = [line for block in blocks(text, "shell") for line in _lines(block)]
    found += [line for block in blocks(text, "yaml") for run in _RUN.findall(block) for line in _lines(run)]
    typed = [line for block in blocks(text, "console") for line in _lines(block) if line.startswith("$ ")]
    found += [line.removeprefix("$ ") for line in typed]
    prose = _CODE_BLOCK.sub("", _FENCE.sub("", text))
    inline = [" ".join((first or second).split()) for first, second in _INLINE.findall(prose)]
    return found + [words for words in inline if _PROGRAM.match(words)]


def _lines(block: str) -> list[str]:
    """Return one line for each command: continued lines joined, comments dropped."""
    joined = re.sub(r" *\\\n *", " ", block)
    stripped = [re.sub(r"(?:^| +)# .*$", "", line).strip() for line in joined.splitlines()]
    return [line for line in stripped if line]


def commands_in_comments(text: str) -> list[str]:
    """Return the commands in a YAML file's comments; each option that is explained below one makes one more."""
    found, base = [], ""
    for line in text.splitlines():
        command, option = _IN_COMMENT.match(line), _OPTION_IN_COMMENT.match(line)
        if command:
            base = re.sub(r"   .*$", "", command[1])
            found.append(base)
        elif option and base:
            found.append(f"{base} {option[1]}")
    return found


def all_commands() -> dict[str, str]:
    """Return every command of the documentation, each once, with the file that shows it first."""
    found: dict[str, str] = {}
    for paths, read in ((PAGES, commands), (COMMENTED, commands_in_comments)):
        for path in paths:
            for command in read(path.read_text(encoding="utf-8")):
                found.setdefault(command, str(path.relative_to(ROOT)))
    return found
