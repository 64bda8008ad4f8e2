# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages pass frozen values on: a value is complete when it is created, and no other code writes into it.

Read from the source: dataclasses are frozen, and no attribute is written except that of ``self`` in ``__init__``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULE_UTILS = Path(__file__).resolve().parents[4] / "plugins" / "module_utils"
PACKAGES = (
    *("_model", "_observe", "_plan", "_preflight", "_apply", "_report", "_commands"),
    *("_canary", "_digest", "_doctor", "_migrate"),
)
MODULES = [path for package in PACKAGES for path in sorted((MODULE_UTILS / package).glob("**/*.py"))]
# Modules that have to change something while they work, with the reason.
EXCEPTIONS = {
    "_observe/finding_files.py": "a file is read in parts, and has to be read on from where it was left",
    "_canary/cleanup.py": "threads add the steps that undo what they create while the run may already be interrupted",
}
# Methods with which a list, set or dictionary is changed in place.
CHANGING = {
    *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault"),
    *("sort", "update"),
}
SETTING = {"setattr", "delattr", "__setattr__", "__delattr__", "__setitem__", "__delitem__"}


class Writes(ast.NodeVisitor):
    """Collects what would change a value, each as the text of the code with its line."""

    def __init__(self):
        self.found = []
        self._functions = []

    def visit_ClassDef(self, node):
        for decorator in node.decorator_list:
            if _name(decorator) == "dataclass" and not _is_frozen(decorator):
                self._report(node.lineno, f"class {node.name} is a dataclass, and not frozen")
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self._functions.append(node.name)
        self.generic_visit(node)
        self._functions.pop()

    def visit_Attribute(self, node):
        # Whatever statement writes it: an assignment, a loop, a with block, del.
        if isinstance(node.ctx, (ast.Store, ast.Del)) and not self._is_own(node):
            self._report(node.lineno, ast.unparse(node))
        self.generic_visit(node)

    def visit_Subscript(self, node):
        if isinstance(node.ctx, (ast.Store, ast.Del)) and isinstance(node.value, ast.Attribute):
            self._report(node.lineno, ast.unparse(node))
        self.generic_visit(node)

    def visit_Call(self, node):
        name = _name(node)
        on_attribute = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Attribute)
        if name in SETTING or (name in CHANGING and on_attribute):
            self._report(node.lineno, ast.unparse(node))
        self.generic_visit(node)

    def _is_own(self, node):
        return self._functions[-1:] == ["__init__"] and isinstance(node.value, ast.Name) and node.value.id == "self"

    def _report(self, line, text):
        self.found.append(f"line {line}: {text}")


def _name(node):
    """Return the last part of what a decorator or call names: dataclass for dataclasses.dataclass(frozen=True)."""
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _is_frozen(decorator):
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return any(item.arg == "frozen" and getattr(item.value, "value", None) is True for item in keywords)


def writes(source):
    """Return what in a source changes a value."""
    visitor = Writes()
    visitor.visit(ast.parse(source))
    return visitor.found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(MODULE_UTILS)))
def test_no_value_is_changed_after_it_was_created(path):
    found = writes(path.read_text(encoding="utf-8"))
    assert bool(found) == (str(path.relative_to(MODULE_UTILS)) in EXCEPTIONS), found


def test_each_package_of_a_stage_is_checked():
    assert {path.relative_to(MODULE_UTILS).parts[0] for path in MODULES} >= set(PACKAGES)


@pytest.mark.parametrize(
    "source",
    [
        "@dataclass\nclass A: pass",
        "@dataclass()\nclass A: pass",
        "@dataclasses.dataclass(frozen=False)\nclass A: pass",
        "def f(a):\n    a.b = 1",
        "def f(a):\n    a.b: int = 1",
        "def f(a):\n    a.b += [1]",
        "def f(a):\n    a.b, c = 1, 2",
        "def f(a):\n    del a.b",
        "def f(a):\n    for a.b in []: pass",
        "def f(a):\n    a.b['c'] = 1",
        "def f(a):\n    a.b.append(1)",
        "def f(a):\n    setattr(a, 'b', 1)",
        "def f(a):\n    object.__setattr__(a, 'b', 1)",
        "class A:\n    def f(self):\n        self.b = 1",
        "class A:\n    def __init__(self, other):\n        other.b = 1",
    ],
)
def test_the_check_finds(source):
    assert len(writes(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "@dataclass(frozen=True)\nclass A: pass",
        "class A:\n    def __init__(self):\n        self.b = 1",
        "def f(a):\n    b = a.b\n    b = [*b, 1]",
        "def f():\n    found = []\n    found.append(1)\n    found[0] = 2",
    ],
)
def test_the_check_allows(source):
    assert writes(source) == []
