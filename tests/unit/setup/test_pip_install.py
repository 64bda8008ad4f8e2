# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import bootstrap_pip
import pip_install
import pytest


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Collecting boto3>=1.44 (from -r requirements.txt (line 3))\n", "resolving boto3"),
        (
            "  Downloading botocore-1.44.0-py3-none-any.whl.metadata (5.9 kB)\n",
            "downloading botocore-1.44.0-py3-none-any.whl (5.9 kB)",
        ),
        ("  Downloading https://example.org/packages/a-1.0.whl (1.2 MB)\n", "downloading a-1.0.whl (1.2 MB)"),
        ("Installing collected packages: six, boto3, botocore\n", "installing 3 packages"),
        ("Requirement already satisfied: six in /x\n", ""),
    ],
)
def test_step_names_the_package_that_pip_processes(line, expected):
    assert pip_install.step(line) == expected


def test_a_slow_step_is_printed_while_it_lasts(monkeypatch):
    monkeypatch.setattr(pip_install, "SECONDS_BETWEEN_LINES", 0.01)
    printed: list[str] = []

    def lines():
        yield "Collecting boto3\n"
        while not any("resolving" in line for line in printed):
            time.sleep(0.01)
        yield "Done\n"

    assert pip_install.Progress(printed.append).follow(lines()) == "Collecting boto3\nDone\n"
    assert "s: resolving boto3" in printed[-1]


def test_find_wheel_finds_pip_in_the_answer_of_an_index():
    wheel = {"filename": bootstrap_pip.WHEEL, "url": "x", "hashes": {"sha256": "1"}}
    assert bootstrap_pip.find_wheel({"files": [{"filename": "pip-1.0.tar.gz"}, wheel]}) == wheel
