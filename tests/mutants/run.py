# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the tests notice small mistakes: apply each mutation of mutants.yml to a copy of the checkout and run the
tests that must fail.

A mutation is killed if pytest reports failed tests. First, all these tests have to pass without any mutation.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutants.yml")
COLLECTIONS = Path(os.environ.get("COLLECTIONS", ROOT / ".ansible" / "collections")) / "ansible_collections"
# Below the root of the checkout; linked into the copies.
SHARED = (".venv", ".cache/emulator/venv")
PASSED, FAILED = 0, 1  # exit codes of pytest
SECONDS_FOR_ONE, SECONDS_FOR_ALL = 300, 1800


@dataclass(frozen=True)
class Mutant:
    """One mutation: in *file*, *find* (which is there once) becomes *replace*; one of *tests* has to fail."""

    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.find, self.replace))
        return f"{self.file}: {before} -> {after or '(removed)'}"

    def mutated(self, source: str) -> str:
        """Return the source with the mutation. Raises ValueError where *find* is not there exactly once."""
        if source.count(self.find) != 1:
            raise ValueError(f"{self.file} has {source.count(self.find)} times, not once: {self.find!r}")
        return source.replace(self.find, self.replace)


def mutants(path: Path = LIST) -> list[Mutant]:
    """Return the mutations of the list."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [Mutant(entry["file"], entry["find"], entry["replace"], tuple(entry["tests"])) for entry in entries]


@contextlib.contextmanager
def copies(count: int) -> Iterator[queue.Queue[Path]]:
    """Make copies of the checkout that tests can run in."""
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    made: queue.Queue[Path] = queue.Queue()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for number in range(count):
            copy = Path(folder) / str(number)
            for name in names:
                if (ROOT / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, copy / name)
            for name in SHARED:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).symlink_to(ROOT / name)
            beside = copy / ".ansible" / "collections" / "ansible_collections"
            (beside / "secops").mkdir(parents=True)
            (beside / "secops" / "securityhub").symlink_to(copy)
            (beside / "amazon").symlink_to(COLLECTIONS / "amazon")
            made.put(copy)
        yield made


def pytest(copy: Path, tests: Iterable[str], limit: float) -> tuple[int, str]:
    """Run tests in a copy of the checkout, up to the first failure, and return exit code and output.

    Tests that take more than *limit* seconds have failed.
    """
    # Both name the checkout, whose playbooks have no mutation.
    kept = {name: os.environ[name] for name in os.environ.keys() - {"COLLECTIONS", "ANSIBLE_COLLECTIONS_PATH"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n0", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _nothing = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        # pytest stops the emulator then.
        process.send_signal(signal.SIGINT)
        output, _nothing = process.communicate()
        return FAILED, f"{output}\ninterrupted after {limit:.0f} s"
    return process.returncode, output


def verdict(mutant: Mutant, free: queue.Queue[Path]) -> str:
    """Return how the tests take a mutation: killed, SURVIVED, or what keeps them from running."""
    copy = free.get()
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    try:
        path.write_text(mutant.mutated(source), encoding="utf-8")
        code, output = pytest(copy, mutant.tests, SECONDS_FOR_ONE)
    except ValueError as error:
        return f"STALE: {error}"
    finally:
        path.write_text(source, encoding="utf-8")
        free.put(copy)
    if code == FAILED:
        return "killed"
    return "SURVIVED" if code == PASSED else f"pytest ended with {code}:\n{output}"


def main() -> int:
    """Run the mutations whose file contains one of the given words, or all; return 1 unless all are killed."""
    parser = argparse.ArgumentParser(prog="tests/run/mutants", description=__doc__)
    parser.add_argument("word", nargs="*", help="part of the path of a file to mutate; all files by default")
    words = parser.parse_args().word
    chosen = [mutant for mutant in mutants() if not words or any(word in mutant.file for word in words)]
    with copies(2) as free, concurrent.futures.ThreadPoolExecutor(2) as pool:
        copy = free.get()
        code, output = pytest(copy, sorted({test for mutant in chosen for test in mutant.tests}), SECONDS_FOR_ALL)
        if code != PASSED:
            sys.exit(f"The tests fail without any mutation:\n{output}")
        free.put(copy)
        alive = 0
        for mutant, found in zip(chosen, pool.map(lambda mutant: verdict(mutant, free), chosen)):
            alive += found != "killed"
            print(f"{found}: {mutant}", flush=True)
    print(f"{len(chosen)} mutants, {alive} not killed")
    return min(alive, 1)


if __name__ == "__main__":
    sys.exit(main())
