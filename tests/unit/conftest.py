# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWS emulator for the tests: one for each pytest process, on a free port."""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
import yaml
from ansible_collections.secops.securityhub.tests.resilience.playbook import kill
from ansible_collections.secops.securityhub.tests.unit import botocore_data
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.config import Config
from hypothesis import settings

# The time of one example depends on what else the machine does. To search longer: pytest --hypothesis-profile=long
settings.register_profile("default", deadline=None, max_examples=30)
settings.register_profile("long", deadline=None, max_examples=1000)
settings.load_profile("default")

botocore_data.keep_in_memory()

# Until all tests are collected, there is next to no garbage, but its collector would take a sixth of the time.
gc.disable()

# libyaml, if it is there, reads a file in a tenth of the time.
yaml.safe_load = functools.partial(yaml.load, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

# A shell ignores SIGINT in background jobs (make test &, nohup), and child processes inherit that. The tests interrupt
# themselves and playbooks, so they need Python's handler.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Ansible takes a shim of pyenv for a Python even where that version is not installed.
os.environ["PATH"] = os.pathsep.join(
    folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.endswith("/shims")
)
# The width of all reports, whatever the terminal of the tests.
os.environ["COLUMNS"] = "80"
# Without compiled files, each playbook run would compile the collection again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# With the path of a shell, each playbook run would import Ansible again (ansible_client.py).
os.environ.pop("PYTHONPATH", None)

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "tests" / "emulator" / "emulator"
ACCOUNT = "111111111111"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers here, because ansible-test does not read pyproject.toml."""
    for marker in (
        "emulator: uses the AWS emulator",
        "playbook: is in a file that runs commands of Ansible",
        "pure: neither of them",
    ):
        config.addinivalue_line("markers", marker)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what will stay until the end: modules and tests."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test: emulator if it uses that fixture, playbook if its file runs commands of Ansible, else pure."""
    for item in items:
        needs_emulator = "emulator" in getattr(item, "fixturenames", ())
        runs_playbooks = _runs_commands(getattr(item, "module", None))
        if needs_emulator:
            item.add_marker("emulator")
        if runs_playbooks:
            item.add_marker("playbook")
        if not needs_emulator and not runs_playbooks:
            item.add_marker("pure")


@functools.cache
def _runs_commands(module: ModuleType | None) -> bool:
    """Return whether a test file runs commands of Ansible, by itself or with a module or class that it imports."""
    found = vars(module) if module else {}
    imported = [sys.modules.get(getattr(item, "__module__", "")) or item for item in found.values()]
    return "ansible_commands" in found or any(hasattr(item, "ansible_commands") for item in imported)


class Emulator:
    """A running emulator and its control API (tests/emulator/README.md)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._clients: dict[str, Any] = {}

    def client(self, service: str, region: str = "us-east-1", account: str = ACCOUNT, **config: Any) -> Any:
        """Return a boto3 client of an account in a Region, without retries. **config is passed to botocore's Config."""
        key = f"{service} {region} {account} {config}"
        if key not in self._clients:
            self._clients[key] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=account,
                aws_secret_access_key="emulator",
                config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
            )
        return self._clients[key]

    def ask(self, method: str, path: str, given: Any = None) -> Any:
        """Return the answer of the control API. Raises urllib.error.HTTPError where it answers with an error."""
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data=body, method=method)
        with DIRECT.open(request, timeout=waiting.PATIENCE) as answer:
            return json.load(answer)

    def reset(self) -> None:
        """Remove all accounts, faults and messages."""
        self.ask("POST", "reset", {})

    def world(self, accounts: dict[str, dict], **more: Any) -> None:
        """Add accounts, by ID, or replace what they have."""
        self.ask("POST", "world", {"accounts": accounts, **more})

    def requests(self, since: int = 0) -> list[dict]:
        """Return the AWS requests so far, or those after number `since`."""
        return self.ask("GET", f"requests?since={since}")

    def writes(self, since: int = 0) -> list[str]:
        """Return the operations among them that write."""
        return [entry["operation"] for entry in self.requests(since) if entry["write"]]

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self.ask("DELETE", "requests")

    def inbox(self, channel: str | None = None) -> list[dict]:
        """Return the messages that arrived, in order."""
        return self.ask("GET", "inbox" + (f"?{urlencode({'channel': channel})}" if channel else ""))

    def faults(self, *rules: dict, seed: int | None = None) -> dict:
        """Replace the fault rules; without arguments, remove them. A seed makes random faults repeatable."""
        return self.ask("POST", "faults" + ("" if seed is None else f"?seed={seed}"), list(rules))

    def stacks(self, seconds: float = 0, *failures: dict) -> dict:
        """Set how long operations on stacks take, and which of them fail."""
        return self.ask("POST", "stacks", {"seconds": seconds, "fail": list(failures)})

    def sign_in(self, **given: Any) -> dict:
        """Set how long temporary credentials last (session_seconds), and which tokens are valid."""
        return self.ask("POST", "sign_in", given)

    def custom_action(self, region: str, action: str, *finding_ids: str, account: str = ACCOUNT) -> dict:
        """Send findings with a custom action, as a person does in the console."""
        given = {"account": account, "region": region, "action": action, "finding_ids": list(finding_ids)}
        return self.ask("POST", "custom_action", given)

    def press(self, message: dict, button: str) -> dict:
        """Press a button of a message of the inbox, and return status and answer."""
        return self.ask("POST", "button", {"n": message["n"], "button": button})


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def emulator_of_the_process() -> Iterator[Emulator]:
    """Return the emulator of this process, which all its tests share."""
    with started() as found:
        yield found


@pytest.fixture
def emulator(emulator_of_the_process: Emulator) -> Emulator:
    """Return an emulator without accounts, faults, requests and messages."""
    emulator_of_the_process.reset()
    return emulator_of_the_process


@pytest.fixture
def popen() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return Popen for a new session. What still runs after the test is killed: the next one uses the same emulator."""
    started: list[subprocess.Popen[str]] = []

    def start(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[str]:
        started.append(subprocess.Popen(command, start_new_session=True, **options))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            kill(process, signal.SIGKILL, "family")
            process.communicate()


@contextlib.contextmanager
def started() -> Iterator[Emulator]:
    """Start an emulator on a free port, and stop it in the end."""
    port = free_port()
    environment = {**os.environ, "EMULATOR_PORT": str(port)}
    launched = subprocess.run([LAUNCHER, "start"], env=environment, check=False, capture_output=True, text=True)
    assert launched.returncode == 0, launched.stderr
    try:
        yield Emulator(port)
    finally:
        subprocess.run([LAUNCHER, "stop"], env=environment, check=True, capture_output=True)
        shutil.rmtree(ROOT / ".cache" / "emulator" / str(port), ignore_errors=True)
