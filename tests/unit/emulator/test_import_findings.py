# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that imports sample findings, as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
NAME = "rds-2-critical-ap-northeast-1"


def run(*names, endpoint=""):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, TESTS / "import_findings.py", *names],
        env=environment | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_finding_is_imported(aws):
    aws.emulator.world({account: {"hubs": "all"} for account in ("111111111111", "222222222222", "333333333333")})
    done = run(NAME, endpoint=aws.emulator.url)
    assert done.returncode == 0, done.stderr
    assert f'"{NAME}": "arn:aws:securityhub:ap-northeast-1:' in done.stdout


@pytest.mark.parametrize(
    ("names", "endpoint", "words"),
    [
        ([NAME], "", "AWS_ENDPOINT_URL is not set"),
        ([], "http://127.0.0.1:9", "Name files of tests/findings"),
        (["nothing"], "http://127.0.0.1:9", "tests/findings has no nothing"),
        ([NAME], "http://127.0.0.1:9", "Could not connect"),
    ],
)
def test_a_mistake_is_explained_without_a_traceback(names, endpoint, words):
    done = run(*names, endpoint=endpoint)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
