# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import versions
import yaml

HERE = "{}.{}".format(*sys.version_info)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose PATH holds one folder, and a shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("PYTHONS", raising=False)
    return folder


def test_find_python_skips_a_shim_without_an_installed_version(machine, tmp_path, monkeypatch):
    script(machine / f"python{HERE}", "exit 127")
    real = tmp_path / "real"
    real.mkdir()
    (real / f"python{HERE}").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{machine}{os.pathsep}{real}")

    assert versions.find_python(HERE) == real / f"python{HERE}"


def test_find_python_uses_the_variable_pythons(machine, monkeypatch):
    monkeypatch.setenv("PYTHONS", f"/nowhere/python{os.pathsep}{sys.executable}")

    assert versions.find_python(HERE) == Path(sys.executable)


def test_find_python_asks_pyenv(machine, tmp_path):
    script(machine / "pyenv", f"echo {tmp_path}/pyenv")
    found = tmp_path / "pyenv" / "versions" / f"{HERE}.7" / "bin" / f"python{HERE}"
    found.parent.mkdir(parents=True)
    found.symlink_to(sys.executable)

    assert versions.find_python(HERE) == found


def test_find_python_never_returns_another_version(machine, monkeypatch):
    monkeypatch.setenv("PYTHONS", sys.executable)

    with pytest.raises(versions.NoPython, match=r"python2\.7 is not installed"):
        versions.find_python("2.7")


def test_out_of_reach_returns_the_test_and_the_host(tmp_path):
    folder = tmp_path / "lib" / "python3.13" / "site-packages" / "ansible_test" / "_data" / "requirements"
    folder.mkdir(parents=True)
    (folder / "sanity.pylint.txt").write_text("dill @ https://127.0.0.1:1/dill.zip#sha256=0\n", encoding="utf-8")
    (folder / "sanity.pep8.txt").write_text("pycodestyle==2.14.0\n", encoding="utf-8")

    assert versions.out_of_reach(tmp_path) == {"pylint": "127.0.0.1:1"}


def test_the_matrix_covers_the_oldest_ansible_core_that_the_collection_asks_for():
    runtime = yaml.safe_load((versions.ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))

    assert runtime["requires_ansible"] == f">={versions.entries()[0].core}.0"
