# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python programs that run in a separate process, where a test can limit and interrupt them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any


def output(program: str, **options: Any) -> str:
    """Return what a program prints, which can import the collection. Raises CalledProcessError where it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, **options
    )
    return done.stdout
