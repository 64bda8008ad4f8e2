# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks as py-spy writes them, and whose CPU time they are."""

from __future__ import annotations

import profile_table
import pytest

MAIN = 'process 7:"python ansible-playbook -i a (b) c.yml";<module> (/venv/bin/ansible-playbook:8)'
IMPORT = "_find_and_load (<frozen importlib._bootstrap>:1176)"
LIBRARIES = "/venv/lib/python3.11/site-packages"
OURS = "/collections/ansible_collections/secops/securityhub/plugins/module_utils"
OBSERVE = f"read ({OURS}/_observe/fleet.py:1)"


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        ([f"run ({LIBRARIES}/ansible/executor/task_queue_manager.py:3)"], "Ansible"),
        (
            [IMPORT, f"<module> ({LIBRARIES}/ansible/cli/__init__.py:3)", IMPORT, "compile (ast.py:1)"],
            "import of Ansible",
        ),
        ([OBSERVE, IMPORT, f"<module> ({LIBRARIES}/botocore/session.py:9)"], "import of boto3"),
        (
            [f"<module> ({LIBRARIES}/ansible/x.py:3)", IMPORT, f"<module> ({OURS}/_plan/plan.py:9)"],
            "import of the collection",
        ),
        (
            [OBSERVE, f"_make_api_call ({LIBRARIES}/botocore/client.py:9)", "loads (json/__init__.py:1)"],
            profile_table.CALLS,
        ),
        ([OBSERVE, "deepcopy (copy.py:1)"], "observe"),
        ([OBSERVE, f"plan ({OURS}/_plan/plan.py:9)", f"text ({OURS}/_resource/tags.py:3)"], "design and plan"),
        ([f"run ({OURS}/_commands/deploy.py:3)"], "other code of the collection"),
    ],
)
def test_a_sample_counts_for_the_innermost_part_that_has_a_name(frames, part):
    others = f"{MAIN} 1\n{MAIN};select (selectors.py:468) 2\n"
    shares = dict(profile_table.shares(f"{others}{';'.join([MAIN, *frames])} 3\n"))
    assert shares[part] == (1.0 if part == "Ansible" else 0.5)
