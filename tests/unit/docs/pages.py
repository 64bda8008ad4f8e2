# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the commands and the examples from the documentation."""

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
# Files whose comments contain commands.
COMMENTED = sorted([*ROOT.glob("playbooks/*.yml"), *ROOT.glob("inventories/**/*.yml"), *ROOT.glob("*.yml")])

_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.M | re.S)
_CODE_BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:(?:\1 +\S.*)?\n)+)", re.M)
_INLINE = re.compile(r"``(?=\S)([^`]+)``|`(?=\S)([^`]+)`")
_RUN = re.compile(r"^ *- run: (.*)$", re.M)  # a step of a CI system
# The beginning of a command in the text. A name without arguments is not a command.
_PROGRAM = re.compile(r"(?:\.venv/bin/)?(?:(?:ansible|antsibull)[\w-]*|aws|git|jq|make|pip|pytest) |tests/[\w/-]+ ")
_IN_COMMENT = re.compile(r"^# *(?:\d\. run: *)?((?:ansible|aws|make)[\w-]* -?[\w@].*)$")
_OPTION_IN_COMMENT = re.compile(r"^#     ((?:-e |--).+?)(?:  .*)?$")


def blocks(text: str, *languages: str) -> list[str]:
    """Return the code blocks in *languages* of a Markdown or reStructuredText page in order, dedented."""
    found = [(match.start(), match[2], match[3]) for match in [*_FENCE.finditer(text), *_CODE_BLOCK.finditer(text)]]
    return [_dedent(body) for _start, language, body in sorted(found) if language in languages]


def _dedent(body: str) -> str:
    lines = body.strip("\n").split("\n")
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[margin:].rstrip() for line in lines) + "\n"


def commands(text: str) -> list[str]:
    """Return the commands of a page as they are written, from its code blocks and its text."""
    found = [line for block in blocks(text, "shell") for line in _lines(block)]
    found += [line for block in blocks(text, "yaml") for run in _RUN.findall(block) for line in _lines(run)]
    prompts = [line for block in blocks(text, "console") for line in _lines(block) if line.startswith("$ ")]
    found += [line.removeprefix("$ ") for line in prompts]
    prose = _CODE_BLOCK.sub("", _FENCE.sub("", text))
    inline = [" ".join((first or second).split()) for first, second in _INLINE.findall(prose)]
    return found + [command for command in inline if _PROGRAM.match(command)]


def _lines(block: str) -> list[str]:
    """Return one line per command. Join continued lines and remove comments."""
    joined = re.sub(r" *\\\n *", " ", block)
    stripped = [re.sub(r"(?:^| +)# .*$", "", line).strip() for line in joined.splitlines()]
    return [line for line in stripped if line]


def commands_in_comments(text: str) -> list[str]:
    """Return the commands in the comments of a YAML file, and each of them again with each option listed below it."""
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
    """Return every command of the documentation, with the first file that contains it."""
    found: dict[str, str] = {}
    for paths, read in ((PAGES, commands), (COMMENTED, commands_in_comments)):
        for path in paths:
            for command in read(path.read_text(encoding="utf-8")):
                found.setdefault(command, str(path.relative_to(ROOT)))
    return found
