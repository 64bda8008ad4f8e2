# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator of the demo, on a free port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import aws_state

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "111111111111"
# inventories/demo uses the first one by default; molecule uses 4578.
PORTS = (4577, *range(4579, 4600))
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class LocalAws:
    """The emulator on one port. *environment* directs all AWS calls of a process to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = kept | {
            "EMULATOR_PORT": str(port),
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    @classmethod
    def started(cls) -> LocalAws:
        """Start an emulator on a port that is free. Raises OSError if none is."""
        for port in filter(_is_free, PORTS):
            found = cls(port)
            # Another process may have taken this port in the meantime.
            if found.launcher("start").startswith("emulator: started"):
                return found
        raise OSError(f"no port from {PORTS[0]} to {PORTS[-1]} is free on 127.0.0.1")

    def launcher(self, command: str) -> str:
        """Return the output of tests/emulator/emulator for *command* (start, stop)."""
        script = ROOT / "tests" / "emulator" / "emulator"
        return subprocess.run(
            [script, command], env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def ask(self, method: str, path: str, given: Any = None) -> Any:
        """Return the answer of the control API (tests/emulator/README.md)."""
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data=body, method=method)
        with DIRECT.open(request, timeout=30) as answer:
            return json.load(answer)

    def client(self, service: str, region: str, account: str = ACCOUNT) -> Any:
        """Return a boto3 client of an account in a region."""
        return aws_state.client(service, region, account, self.url)

    def state(self, regions: list[str]) -> dict[str, Any]:
        """Return the account's resources that the playbook creates."""
        return aws_state.of_account(ACCOUNT, regions, self.url)
