# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP handler of all services: faults, quotas, policies, our services, ministack's services, log, control API."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Callable

import aws_request
import ministack_app
from aiohttp import web
from aws_request import AwsRequest
from callers import Callers
from faults import Faults
from faults import Outcome
from ministack.core.responses import get_account_id
from ministack.core.responses import set_request_account_id
from ministack.core.responses import set_request_region
from request_log import RequestLog
from rest_json import Answer
from rest_json import ConnectionLost
from sign_in import OIDC
from sign_in import PORTAL
from sign_in import SignIn

BODY_LIMIT = 64 * 1024 * 1024
# A closed socket with this option sends RST instead of FIN.
RESET = struct.pack("ii", 1, 0)

Service = Callable[[str, str, str, bytes], Answer]


class Frontend:
    """The request handler.

    services: ours, by signing name.
    named: ours, those whose requests name their operation.
    operation_of: service, method, path -> the operation's name, where only a path tells.
    is_enabled: account, region -> whether the region is enabled there.
    is_throttled: account, region, service, operation -> whether a quota of requests is exceeded.
    callers: the identity policies of callers.
    sign_in: issues temporary credentials and checks them.
    """

    def __init__(
        self,
        services: dict[str, Service],
        named: dict[str, Callable[[AwsRequest, bytes], tuple]],
        operation_of: Callable[[str, str, str], str | None],
        is_enabled: Callable[[str, str], bool],
        sign_in: SignIn,
        faults: Faults,
        is_throttled: Callable[[str, str, str, str], bool],
        callers: Callers,
        log: RequestLog,
        control: Callable[[web.BaseRequest, bytes], web.Response],
    ) -> None:
        self.services = services
        self.named = named
        self.operation_of = operation_of
        self.is_enabled = is_enabled
        self.sign_in = sign_in
        self.faults = faults
        self.is_throttled = is_throttled
        self.callers = callers
        self.log = log
        self.control = control

    def server(self) -> web.Server:
        """aiohttp's low-level server: no routing, no middleware."""

        def make(message, payload, protocol, writer, task):
            return web.BaseRequest(
                message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=BODY_LIMIT
            )

        return web.Server(self.handle, request_factory=make, access_log=None)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        raw_path, _mark, query = request.raw_path.partition("?")
        body = await request.read()
        if raw_path.startswith("/_emulator/") or _from_a_browser(request, raw_path, query):
            return self.control(request, body)
        about = aws_request.read(request.method, raw_path, query, request.headers, body)
        named = self.operation_of(about.service, request.method, raw_path)
        if named:
            about = AwsRequest(about.access_key, about.region, about.service, named, about.protocol)
        self.faults.requests += 1
        self.faults.in_flight += 1
        self.faults.peak = max(self.faults.peak, self.faults.in_flight)
        try:
            return await self._serve(request, about, raw_path, query, body)
        finally:
            self.faults.in_flight -= 1

    async def _serve(
        self, request: web.BaseRequest, about: AwsRequest, raw_path: str, query: str, body: bytes
    ) -> web.StreamResponse:
        set_request_account_id(about.access_key)
        set_request_region(about.region)
        account, caller = get_account_id(), self.sign_in.caller(about.access_key)
        self.callers.enter(caller)
        delay, outcome, reason = self.faults.decide(about.service, about.region, about.operation)
        if delay:
            await asyncio.sleep(delay)
        try:
            failure = _failure(outcome, about, account, reason)
            status, headers, answer = failure or await self._answer(request, about, raw_path, query, body)
            if outcome is Outcome.LOST:
                raise ConnectionLost
        except ConnectionLost:
            self.log.add(about, account, caller, 0)
            return _reset(request)
        self.log.add(about, account, caller, status)
        if outcome is Outcome.TRUNCATED:
            return await _truncated(request, status, headers, answer)
        return web.Response(status=status, headers=headers, body=answer)

    async def _answer(
        self, request: web.BaseRequest, about: AwsRequest, raw_path: str, query: str, body: bytes
    ) -> tuple:
        if not self.is_enabled(get_account_id(), about.region):
            return aws_request.unknown_credentials(about)
        refused = self.sign_in.refusal(about, request.headers)
        if refused:
            return refused
        if about.service in (PORTAL, OIDC):
            return self.sign_in.answer(about, request.headers, query, body)
        if self.is_throttled(get_account_id(), about.region, about.service, about.operation):
            return aws_request.throttled(about)
        denied = self.callers.denial(about, request.method, raw_path, dict(request.headers), query, body)
        if denied:
            return denied
        service = self.services.get(about.service)
        if service is not None:
            return service(request.method, raw_path, query, body)
        if about.service in self.named:
            return self.named[about.service](about, body)
        return await ministack_app.call(request.method, raw_path, query, request.raw_headers, body)


ERRORS = {
    Outcome.THROTTLED: aws_request.throttled,
    Outcome.FAILED: aws_request.failed,
    Outcome.UNAVAILABLE: aws_request.unavailable,
    Outcome.EXPIRED: aws_request.expired,
    Outcome.SKEWED: aws_request.skewed,
}


def _failure(outcome: Outcome, about: AwsRequest, account: str, reason: str) -> tuple | None:
    """Return the answer of a fault, or None. Raise ConnectionLost where the connection breaks."""
    if outcome is Outcome.RESET:
        raise ConnectionLost
    if outcome is Outcome.GARBLED:
        return 200, {"Content-Type": "text/html"}, b"<html><body>Welcome to the guest network. Please sign in."
    if outcome is Outcome.DENIED:
        return aws_request.denied(about, account, reason)
    if outcome is Outcome.UNAUTHORIZED:
        return aws_request.error(about.protocol, "UnauthorizedException", "You are not authorized", 403)
    if outcome is Outcome.TOO_MANY:
        return aws_request.too_many(reason)
    answer = ERRORS.get(outcome)
    return answer(about) if answer else None


def _from_a_browser(request: web.BaseRequest, raw_path: str, query: str) -> bool:
    looks_at_a_page = request.method == "GET" and raw_path in ("/", "/inbox", "/favicon.ico")
    return looks_at_a_page and "Authorization" not in request.headers and not query.startswith(("Action=", "X-Amz"))


async def _truncated(
    request: web.BaseRequest, status: int, headers: dict[str, str] | list[tuple[str, str]], body: bytes
) -> web.StreamResponse:
    """Send half of an answer, and end the connection."""
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = max(len(body), 1)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.BaseRequest) -> web.Response:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()
    return web.Response(status=500)
