# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the emulator in the foreground: python serve.py PORT."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys

# ministack reads these when it is imported. Its other servers are not needed.
os.environ.update(
    LOG_LEVEL=os.environ.get("EMULATOR_LOG_LEVEL", "WARNING"),
    SFTP_ENABLED="0",
    IOT_MTLS_ENABLED="0",
    MINISTACK_HOST="127.0.0.1",
    GATEWAY_PORT=sys.argv[1],
)

# Next to nothing of what is imported is garbage, but its collector would take a tenth of the time.
gc.disable()

import loopback_only

loopback_only.install()

import account_facts
import alarms
import boundaries
import delivery
import directory
import event_bus
import keys
import ministack_app
import resource_types
import schedules
import stacks
import state_machines
import subscribers
import template_of_2020
from account_state import AccountState
from aiohttp import web
from buttons import Buttons
from callers import Callers
from callers import Check
from chatbot import Chatbot
from clock import Clock
from control import Control
from delivery import Delivery
from delivery import ServiceLinkedRole
from faults import Faults
from faults import Outcome
from frontend import Frontend
from inbox import Inbox
from limits import CHATBOT
from limits import CHATBOT_ROLE
from limits import Limits
from ministack import app as ministack
from ministack.core.responses import get_account_id
from notifications import Notifications
from quotas import Quotas
from request_log import RequestLog
from rest_json import Routes
from rest_json import model_of
from security_hub import SecurityHub
from sign_in import SignIn
from stack_sets import StackSets
from stacks import Stacks
from switches import Switches


class Emulator:
    """All parts, wired together."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.switches = Switches()
        self.callers = Callers(self.switches)
        self.quotas = Quotas()
        self.switches.on_change(self.quotas.clear)
        self.account_state = AccountState()
        self.inbox = Inbox()
        self.faults = Faults()
        self.log = RequestLog()
        self.subscribers = subscribers.Subscribers()
        self.delivery = Delivery(self.account_state, self.inbox, self.subscribers, self.switches)
        self.security_hub = SecurityHub(self.account_state, self.emit_of_security_hub, self.switches)
        self.limits = Limits(self.account_state)
        subscriptions = ServiceLinkedRole(self.may_create_service_role, self.switches)
        self.chatbot = Chatbot(self.account_state, subscriptions, self.switches)
        self.delivery.install(self.chatbot)
        self.buttons = Buttons(self.inbox, self.chatbot, self.security_hub.service, self.switches)
        account_facts.install(self.account_state)
        self.sign_in = SignIn(self.account_state)
        self.sign_in.install()
        self.stacks = Stacks(self.switches)
        self.stacks.install()
        stacks.install_refusals()
        stacks.install_conditions()
        stacks.install_change_sets()
        stacks.install_search()
        stacks.install_modes(self.switches)
        stacks.install_names(self.switches)
        stacks.install_validation(self.switches)
        self.stack_sets = StackSets(self.account_state)
        self.stack_sets.install()
        self.limits.install()
        directory.install(self.account_state)
        event_bus.install(self.limits.rules, self.switches)
        self.clock = Clock()
        self.clock.install()
        resource_types.install(self.limits.rules)
        subscribers.install(self.switches)
        keys.install()
        alarms.install()
        boundaries.install()
        self.callers.install(resource_types.HandlerError)
        template_of_2020.install(self.chatbot, self.security_hub)
        state_machines.install(self.security_hub.service, self.switches)
        schedules.install()
        self.notifications = Notifications()
        services = {
            "securityhub": self.security_hub.service.answer,
            "chatbot": self.chatbot.answer,
            "notifications": self.notifications.answer,
        }
        self.routes = {
            "securityhub": self.security_hub.service.routes,
            "chatbot": self.chatbot.service.routes,
            "notifications": self.notifications.service.routes,
            "account": Routes(model_of("account")),
            "lambda": Routes(model_of("lambda")),
            "scheduler": Routes(model_of("scheduler")),
        }
        named = {"servicequotas": self.limits.service_quotas}
        self.frontend = Frontend(
            services,
            named,
            self.operation_of,
            self.account_state.is_enabled,
            self.sign_in,
            self.faults,
            self.is_throttled,
            self.callers,
            self.log,
            Control(self),
        )

    def may_create_service_role(self) -> bool:
        """Return whether the caller may create Chatbot's service-linked role."""
        _delay, outcome, _reason = self.faults.decide("iam", "us-east-1", "CreateServiceLinkedRole")
        role = f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{CHATBOT}/{CHATBOT_ROLE}"
        check = Check("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": CHATBOT})
        return outcome is not Outcome.DENIED and self.callers.allows(check)

    def is_throttled(self, account: str, region: str, service: str, operation: str) -> bool:
        """Return whether a request exceeds the quotas of AWS, if they are enforced."""
        enforced = self.switches["request_quotas"] == "enforced"
        return enforced and not self.quotas.allow(account, region, service, operation)

    def emit(self, account: str, region: str, source: str, detail_type: str, resources: list, detail: dict) -> None:
        """Put an event of an AWS service on the bus."""
        delivery.emit(account, region, source, detail_type, resources, detail)

    def emit_of_security_hub(self, account: str, region: str, detail_type: str, resources: list, detail: dict) -> None:
        """Put an event of Security Hub on the bus."""
        self.emit(account, region, "aws.securityhub", detail_type, resources, detail)

    def operation_of(self, service: str, method: str, raw_path: str) -> str | None:
        """Return the name of the operation of a service whose requests have a path only; None for other services."""
        routes = self.routes.get(service)
        operation = routes.operation(method, raw_path)[0] if routes else None
        return operation.name if operation else None

    def reset(self) -> None:
        """Forget everything."""
        ministack._reset_all_state()
        self.account_state.clear()
        self.sign_in.clear()
        self.security_hub.clear()
        self.chatbot.clear()
        self.notifications.clear()
        self.inbox.clear()
        self.subscribers.clear()
        self.clock.ahead = 0
        self.faults.clear()
        self.switches.clear()
        self.callers.clear()
        self.quotas.clear()
        self.stacks.clear()
        self.stack_sets.clear()
        self.log.clear()


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    life = await ministack_app.start()
    runner = web.ServerRunner(Emulator().frontend.server())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    # Imported modules stay in memory, so the garbage collector does not have to examine them again and again.
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000)
    await stopped.wait()
    await runner.cleanup()
    life.cancel()


def main() -> None:
    """Raise the limit of open files to the hard limit, and serve."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    asyncio.run(serve(int(sys.argv[1])))
    # Do not wait for the threads of ministack's schedulers.
    os._exit(0)


if __name__ == "__main__":
    main()
