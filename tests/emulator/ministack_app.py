# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ministack's ASGI application, called in-process: its services, without its server."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from ministack import app as ministack

Answer = tuple[int, list[tuple[str, str]], bytes]


async def start() -> asyncio.Task:
    """Run ministack's start-up; the task ends when it is cancelled."""
    ready = asyncio.Event()
    messages: asyncio.Queue = asyncio.Queue()
    await messages.put({"type": "lifespan.startup"})

    async def send(message: dict) -> None:
        if message["type"] == "lifespan.startup.complete":
            ready.set()

    task = asyncio.create_task(ministack.app({"type": "lifespan"}, messages.get, send))
    await ready.wait()
    return task


async def call(method: str, raw_path: str, query: str, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> Answer:
    """Return ministack's answer to a request."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    started: dict = {}
    parts: list[bytes] = []

    async def receive() -> dict:
        return next(requests, {"type": "http.disconnect"})

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await ministack.app(scope, receive, send)
    names = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in started["headers"]]
    # The server sets these itself, except the length of the answer to HEAD, whose body is not sent.
    own = ("transfer-encoding",) if method == "HEAD" else ("content-length", "transfer-encoding")
    return started["status"], [pair for pair in names if pair[0].lower() not in own], b"".join(parts)
