# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each statement of the threat model names tests, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## Threat model")[2]
STATEMENTS = re.findall(r"^\* .*(?:\n  .*)*", MODEL.partition("### Out of scope")[0], re.MULTILINE)


def named_in(statement: str) -> list[str]:
    return re.findall(r"`(\S+\.py::\w+)`", statement)


def first_words(statement: str) -> str:
    return " ".join(statement.split()[1:7])


@pytest.mark.parametrize("statement", STATEMENTS, ids=first_words)
def test_a_statement_is_held_by_tests_that_exist(statement):
    named = named_in(statement)
    assert named
    for name in named:
        path, _colons, function = name.partition("::")
        tree = ast.parse((ROOT / "tests" / "unit" / path).read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_every_group_of_attackers_has_a_statement():
    groups = MODEL.split("\n### ")[1:]
    assert len(groups) > 5
    assert all("\n* " in group for group in groups)
