# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the emulator in the foreground: python serve.py PORT."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys

# ministack reads these when it is imported. Its side servers are of no use here.
os.environ.update(
    LOG_LEVEL=os.environ.get("EMULATOR_LOG_LEVEL", "WARNING"),
    SFTP_ENABLED="0",
    IOT_MTLS_ENABLED="0",
    MINISTACK_HOST="127.0.0.1",
    GATEWAY_PORT=sys.argv[1],
)

import loopback_only

loopback_only.install()

import account_facts
import alarms
import delivery
import event_bus
import keys
import ministack_app
import resource_types
import stacks
import state_machines
import template_of_2020
from aiohttp import web
from buttons import Buttons
from chatbot import Chatbot
from control import Control
from delivery import Delivery
from delivery import ServiceLinkedRole
from faults import Faults
from faults import Outcome
from front import Front
from inbox import Inbox
from limits import Limits
from ministack import app as ministack
from request_log import RequestLog
from rest_json import Routes
from rest_json import model_of
from security_hub import SecurityHub
from sign_in import SignIn
from stack_sets import StackSets
from stacks import Stacks
from world import World


class Emulator:
    """All parts, wired together."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.world = World()
        self.inbox = Inbox()
        self.faults = Faults()
        self.log = RequestLog()
        self.delivery = Delivery(self.world, self.inbox)
        self.security_hub = SecurityHub(self.world, self.emit_of_security_hub)
        self.limits = Limits(self.world)
        self.chatbot = Chatbot(self.world, ServiceLinkedRole(self.may_make_service_role))
        self.delivery.install(self.chatbot)
        self.buttons = Buttons(self.inbox, self.chatbot, self.security_hub.service)
        account_facts.install(self.world)
        self.sign_in = SignIn(self.world)
        self.sign_in.install()
        self.stacks = Stacks()
        self.stacks.install()
        stacks.install_refusals()
        stacks.install_change_sets()
        stacks.install_search()
        self.stack_sets = StackSets()
        self.stack_sets.install()
        self.limits.install()
        event_bus.install(self.limits.rules)
        resource_types.install(self.limits.rules)
        keys.install()
        alarms.install()
        template_of_2020.install(self.chatbot, self.security_hub)
        state_machines.install(self.security_hub.service)
        services = {"securityhub": self.security_hub.service.answer, "chatbot": self.chatbot.answer}
        self.routes = {
            "securityhub": self.security_hub.service.routes,
            "chatbot": self.chatbot.service.routes,
            "account": Routes(model_of("account")),
            "lambda": Routes(model_of("lambda")),
        }
        named = {"servicequotas": self.limits.service_quotas}
        self.front = Front(
            services,
            named,
            self.operation_of,
            self.world.is_enabled,
            self.sign_in,
            self.faults,
            self.log,
            Control(self),
        )

    def may_make_service_role(self) -> bool:
        """Whether AWS, in the name of the caller, may make Chatbot's role: what a direct call would be told."""
        _delay, outcome, _reason = self.faults.decide("iam", "us-east-1", "CreateServiceLinkedRole")
        return outcome is not Outcome.DENIED

    def emit(self, account: str, region: str, source: str, detail_type: str, resources: list, detail: dict) -> None:
        """Puts an event of an AWS service on the bus."""
        delivery.emit(account, region, source, detail_type, resources, detail)

    def emit_of_security_hub(self, account: str, region: str, detail_type: str, resources: list, detail: dict) -> None:
        """Puts an event of Security Hub on the bus."""
        self.emit(account, region, "aws.securityhub", detail_type, resources, detail)

    def operation_of(self, service: str, method: str, raw_path: str) -> str | None:
        """The name of the operation of a service whose requests only name a path; None for the others."""
        routes = self.routes.get(service)
        operation = routes.operation(method, raw_path)[0] if routes else None
        return operation.name if operation else None

    def reset(self) -> None:
        """Back to an empty world."""
        ministack._reset_all_state()
        self.world.clear()
        self.sign_in.clear()
        self.security_hub.clear()
        self.chatbot.clear()
        self.inbox.clear()
        self.faults.clear()
        self.stacks.clear()
        self.stack_sets.clear()
        self.log.clear()


async def serve(port: int) -> None:
    """Serves until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    life = await ministack_app.start()
    runner = web.ServerRunner(Emulator().front.server())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await stopped.wait()
    await runner.cleanup()
    life.cancel()


def main() -> None:
    """Raises the limit of open files to what is allowed, and serves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    asyncio.run(serve(int(sys.argv[1])))
    # Threads of ministack's schedulers may sleep on; nothing of theirs is worth waiting for.
    os._exit(0)


if __name__ == "__main__":
    main()
