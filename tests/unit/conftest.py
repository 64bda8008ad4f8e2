# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local AWS for the tests: one emulator for each pytest process, on a port of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.config import Config
from hypothesis import settings

# How long one example takes says more about what else the machine does than about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "tests" / "emulator" / "emulator"
ACCOUNT = "111111111111"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Emulator:
    """A running emulator and its control API (tests/emulator/README.md)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def client(self, service: str, region: str = "us-east-1", account: str = ACCOUNT, **config: Any) -> Any:
        """A boto3 client of an account in a region, that asks once; **config goes to botocore's Config."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="emulator",
            config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
        )

    def ask(self, method: str, path: str, given: Any = None) -> Any:
        """The answer of the control API; urllib.error.HTTPError when it refuses."""
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data=body, method=method)
        with DIRECT.open(request, timeout=30) as answer:
            return json.load(answer)

    def reset(self) -> None:
        """Everything back to an empty world."""
        self.ask("POST", "reset", {})

    def world(self, accounts: dict[str, dict], **more: Any) -> None:
        """Merges accounts, by id, into the world."""
        self.ask("POST", "world", {"accounts": accounts, **more})

    def requests(self, since: int = 0) -> list[dict]:
        """The AWS requests so far, or those after number `since`."""
        return self.ask("GET", f"requests?since={since}")

    def writes(self, since: int = 0) -> list[str]:
        """The operations among them that write."""
        return [entry["operation"] for entry in self.requests(since) if entry["write"]]

    def forget_requests(self) -> None:
        """Empties the log of requests."""
        self.ask("DELETE", "requests")

    def inbox(self, channel: str | None = None) -> list[dict]:
        """The messages that arrived, in order."""
        return self.ask("GET", "inbox" + (f"?{urlencode({'channel': channel})}" if channel else ""))

    def faults(self, *rules: dict, seed: int | None = None) -> dict:
        """Replaces the fault rules; none at all when called without one. A seed makes chance repeat itself."""
        return self.ask("POST", "faults" + ("" if seed is None else f"?seed={seed}"), list(rules))

    def stacks(self, seconds: float = 0, *failures: dict) -> dict:
        """How long operations on stacks take, and which of them fail."""
        return self.ask("POST", "stacks", {"seconds": seconds, "fail": list(failures)})

    def sign_in(self, **given: Any) -> dict:
        """How long temporary credentials last (session_seconds), and which tokens lead to some."""
        return self.ask("POST", "sign_in", given)

    def custom_action(self, region: str, action: str, *finding_ids: str, account: str = ACCOUNT) -> dict:
        """Sends findings by a custom action, as a person does in the console."""
        given = {"account": account, "region": region, "action": action, "finding_ids": list(finding_ids)}
        return self.ask("POST", "custom_action", given)

    def press(self, message: dict, button: str) -> dict:
        """Presses a button under a message of the inbox, and returns status and answer."""
        return self.ask("POST", "button", {"n": message["n"], "button": button})


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """A started emulator. Its world is shared by the tests of the process: a test that needs it empty resets it."""
    with started() as found:
        yield found


@contextlib.contextmanager
def started() -> Iterator[Emulator]:
    """An emulator on a port of its own, stopped in the end."""
    port = free_port()
    environment = {**os.environ, "EMULATOR_PORT": str(port)}
    subprocess.run([LAUNCHER, "start"], env=environment, check=True, capture_output=True)
    try:
        yield Emulator(port)
    finally:
        subprocess.run([LAUNCHER, "stop"], env=environment, check=True, capture_output=True)
        shutil.rmtree(ROOT / ".cache" / "emulator" / str(port), ignore_errors=True)
