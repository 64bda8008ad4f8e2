# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables in the guides to performance and capacity match the measurements."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.secops.securityhub.tests.unit.docs import pages


def test_the_tables_match_the_results():
    script = pages.ROOT / "tests" / "benchmark" / "tables.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
