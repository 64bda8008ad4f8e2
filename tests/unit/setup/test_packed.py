# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import packed
import pytest


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", True),
        ("roles/securityhub_slack/tasks/main.yml", True),
        ("docs/docsite/links.yml", True),
        ("inventories/example/hosts.yml", True),
        ("inventories/demo/hosts.yml", False),
        ("changelogs/fragments/topic.yml", False),
        ("docs/build/index.html", False),
        ("tests/unit/plugins/modules/test_it.py", False),
        ("Makefile", False),
    ],
)
def test_wanted_are_only_files_that_users_need(path, expected):
    assert packed.wanted(path) is expected


def test_a_tarball_of_only_wanted_files_has_no_problems():
    assert packed.problems({"README.md", "MANIFEST.json", "FILES.json"}, {"README.md", "Makefile"}) == []


@pytest.mark.parametrize(
    ("files", "tracked", "named"),
    [
        ({"README.md", "Makefile"}, {"README.md", "Makefile"}, "Makefile is packed, but users do not need it"),
        ({"plugins/modules/stray.py"}, set(), "plugins/modules/stray.py is packed, but not tracked by git"),
        (set(), {"meta/runtime.yml"}, "meta/runtime.yml is not packed"),
    ],
)
def test_each_problem_names_the_file(files, tracked, named):
    (problem,) = packed.problems(files, tracked)

    assert problem.startswith(named)
