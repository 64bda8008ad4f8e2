# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit tests and the sanity tests on each ansible-core of tests/matrix.json whose Python this machine has.

Each entry has its virtual environment and collections path below .cache/versions, with amazon.aws from the PyPI package
`ansible` of the entry. Pythons are taken from PYTHONS (executables, separated by colons), from PATH, and from pyenv.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "versions"
REQUIREMENTS = ROOT / "tests" / "unit" / "requirements.txt"


class NoPython(Exception):
    """The Python of an entry is not installed."""


@dataclass(frozen=True)
class Entry:
    """One line of the matrix."""

    core: str
    requirement: str
    python: str
    ansible: str

    @property
    def folder(self) -> Path:
        """Return the folder of the environment."""
        return CACHE / f"{self.core}-py{self.python}"


def entries() -> list[Entry]:
    """Return the matrix."""
    lines = json.loads((ROOT / "tests" / "matrix.json").read_text(encoding="utf-8"))
    return [Entry(line["core"], line["ansible-core"], line["python"], line["ansible"]) for line in lines]


def candidates(version: str) -> Iterator[Path]:
    """Yield paths at which the Python of that version may be."""
    yield from (Path(path) for path in os.environ.get("PYTHONS", "").split(os.pathsep) if path)
    yield from (Path(folder) / f"python{version}" for folder in os.environ["PATH"].split(os.pathsep) if folder)
    try:
        root = subprocess.run(["pyenv", "root"], check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return
    yield from sorted(Path(root).glob(f"versions/{version}.*/bin/python{version}"))


def find_python(version: str) -> Path:
    """Return a Python of that version that runs. A pyenv shim may not."""
    tell = "import sys; print('{}.{}'.format(*sys.version_info), sys.executable)"
    for candidate in candidates(version):
        try:
            told = subprocess.run([candidate, "-c", tell], check=True, capture_output=True, text=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        found, _space, executable = told.strip().partition(" ")
        if found == version:
            return Path(executable)
    raise NoPython(f"python{version} is not installed")


def prepare(entry: Entry) -> None:
    """Create the environment of an entry, unless it is up to date."""
    venv, stamp = entry.folder / "venv", entry.folder / "stamp"
    wanted = f"{entry}\n{REQUIREMENTS.read_text(encoding='utf-8')}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    python = find_python(entry.python)
    shutil.rmtree(entry.folder, ignore_errors=True)
    subprocess.run([ROOT / "tests" / "setup" / "venv", python, venv], check=True)
    pip = [venv / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--upgrade"]
    subprocess.run([*pip, entry.requirement, "boto3", "botocore", "-r", REQUIREMENTS], check=True)
    lay_out = [venv / "bin" / "python", ROOT / "tests" / "setup" / "lay_out_collections.py"]
    collections = entry.folder / "collections"
    subprocess.run([*lay_out, f"--collections={collections}", f"--ansible-version={entry.ansible}"], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def answers(address: str) -> bool:
    """Return whether the address can be reached."""
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except OSError:
        return False
    return True


def out_of_reach(venv: Path) -> dict[str, str]:
    """Return the sanity tests whose requirements are on a host that cannot be reached, with that host."""
    return {
        path.stem.removeprefix("sanity."): urllib.parse.urlsplit(address).netloc
        for path in sorted(venv.glob("lib/python*/site-packages/ansible_test/_data/requirements/sanity.*.txt"))
        for address in re.findall(r"https://[^\s#]+", path.read_text(encoding="utf-8"))
        if not answers(address)
    }


def failures(entry: Entry, skipped: Iterable[str]) -> list[str]:
    """Run the tests of an entry and return which failed."""
    venv, collections = entry.folder / "venv", entry.folder / "collections"
    environment = {
        **os.environ,
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VENV": str(venv),
        "COLLECTIONS": str(collections),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
    }
    skips = [f"--skip-test={test}" for test in skipped]
    tests = {
        "unit": [venv / "bin" / "pytest", "-n", "2", "-o", f"pythonpath={collections} tests/setup"],
        "sanity": [ROOT / "tests" / "run" / "ansible-test", "sanity", *skips],
    }
    return [name for name, command in tests.items() if subprocess.call(command, cwd=ROOT, env=environment)]


def outcome(entry: Entry) -> str:
    """Run one entry and return the result: ok, or what failed."""
    print(f"\n==== ansible-core {entry.core}, Python {entry.python}, amazon.aws of ansible {entry.ansible}", flush=True)
    try:
        prepare(entry)
    except NoPython as reason:
        return f"not run: {reason}"
    skipped = out_of_reach(entry.folder / "venv")
    failed = failures(entry, skipped)
    if failed:
        return f"failed: {', '.join(failed)}"
    return "ok" + "".join(f", without {test}: {host} does not answer" for test, host in skipped.items())


def main() -> None:
    """Run the entries named on the command line, or all whose Python is installed, and print a summary."""
    known = {entry.core for entry in entries()}
    parser = argparse.ArgumentParser(prog="tests/run/versions", description=__doc__)
    parser.add_argument("core", nargs="*", help="ansible-core versions of the matrix, all by default")
    named = set(parser.parse_args().core)
    if named - known:
        parser.error(f"the matrix has {', '.join(sorted(known))}, not {', '.join(sorted(named - known))}")
    outcomes = {entry: outcome(entry) for entry in entries() if entry.core in (named or known)}
    print()
    for entry, result in outcomes.items():
        print(f"ansible-core {entry.core:5} Python {entry.python:5} {result}")
    ran = [result for result in outcomes.values() if named or not result.startswith("not run")]
    sys.exit(not ran or not all(result.startswith("ok") for result in ran))


if __name__ == "__main__":
    main()
