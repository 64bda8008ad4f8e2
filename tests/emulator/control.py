# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under /_emulator, which demo and tests use to set account state and read what happened."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import parse_qs

from account_state import FACTS
from account_state import InvalidAccountState
from aiohttp import web
from faults import InvalidFault
from inbox_page import page
from schedules import run_now
from stacks import put_into_status

if TYPE_CHECKING:
    from serve import Emulator

OF_SECURITY_HUB = ("hubs", "hubs_v2", "aggregator", "aggregator_v2", "control_finding_generator")


class Control:
    """A method for each route: takes the posted JSON and the query, and returns the answer."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.routes = {
            ("GET", "/_emulator/status"): self.status,
            ("POST", "/_emulator/reset"): self.reset,
            ("POST", "/_emulator/world"): self.describe_accounts,
            ("GET", "/_emulator/requests"): self.requests,
            ("DELETE", "/_emulator/requests"): self.forget_requests,
            ("GET", "/_emulator/inbox"): self.messages,
            ("DELETE", "/_emulator/inbox"): self.forget_messages,
            ("GET", "/_emulator/received"): self.received,
            ("POST", "/_emulator/confirm"): self.confirm,
            ("GET", "/_emulator/faults"): self.show_faults,
            ("POST", "/_emulator/faults"): self.set_faults,
            ("GET", "/_emulator/stacks"): self.show_stacks,
            ("POST", "/_emulator/stacks"): self.set_stacks,
            ("POST", "/_emulator/stack_status"): self.set_stack_status,
            ("POST", "/_emulator/custom_action"): self.custom_action,
            ("POST", "/_emulator/button"): self.button,
            ("POST", "/_emulator/schedule"): self.schedule,
            ("POST", "/_emulator/clock"): self.clock,
            ("POST", "/_emulator/sign_in"): self.describe_sign_in,
            ("POST", "/_emulator/event"): self.event,
            ("POST", "/_emulator/ocsf_finding"): self.ocsf_finding,
            ("GET", "/_emulator/switches"): self.show_switches,
            ("POST", "/_emulator/switches"): self.set_switches,
            ("GET", "/_emulator/callers"): self.show_callers,
            ("POST", "/_emulator/callers"): self.set_callers,
        }

    def __call__(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Answer a request for a path of the control API, or for the inbox page."""
        path, _mark, query = request.raw_path.partition("?")
        chosen = {name: values[0] for name, values in parse_qs(query).items()}
        if path in ("/", "/inbox"):
            workspaces, channels = self.emulator.account_state.workspace_names(), self.emulator.chatbot.channels()
            shown = page(self.emulator.inbox, chosen.get("channel"), workspaces, channels)
            return web.Response(text=shown, content_type="text/html")
        route = self.routes.get((request.method, path))
        if route is None:
            return _json(404, {"error": f"there is no {request.method} {path}"})
        try:
            given = json.loads(body) if body else {}
            return _json(200, route(given, chosen))
        except (InvalidFault, InvalidAccountState, LookupError, TypeError, ValueError) as error:
            return _json(400, {"error": f"{type(error).__name__}: {error}"})

    def status(self, given: Any, query: dict[str, str]) -> Any:
        return {"pid": self.emulator.pid, "requests": self.emulator.log.count, "messages": self.emulator.inbox.count}

    def reset(self, given: Any, query: dict[str, str]) -> Any:
        self.emulator.reset()
        return {}

    def describe_accounts(self, given: Any, query: dict[str, str]) -> Any:
        if set(given) - {"accounts", "management_account"}:
            raise InvalidAccountState("only accounts and management_account can be set")
        emulator = self.emulator
        if "management_account" in given:
            emulator.account_state.management_account = given["management_account"]
        for account, facts in given.get("accounts", {}).items():
            of_hub = {name: facts[name] for name in OF_SECURITY_HUB if name in facts}
            unknown = set(facts) - set(of_hub) - set(FACTS)
            if unknown:
                known = ", ".join(sorted({*FACTS, *OF_SECURITY_HUB}))
                raise InvalidAccountState(f"an account has no {', '.join(sorted(unknown))}; it has {known}")
            emulator.account_state.describe(account, {name: facts[name] for name in FACTS if name in facts})
            emulator.security_hub.describe(account, of_hub)
        return {}

    def requests(self, given: Any, query: dict[str, str]) -> Any:
        return self.emulator.log.since(int(query.get("since", 0)))

    def forget_requests(self, given: Any, query: dict[str, str]) -> Any:
        self.emulator.log.clear()
        return {}

    def messages(self, given: Any, query: dict[str, str]) -> Any:
        return self.emulator.inbox.in_channel(query.get("channel"))

    def forget_messages(self, given: Any, query: dict[str, str]) -> Any:
        self.emulator.inbox.clear()
        return {}

    def received(self, given: Any, query: dict[str, str]) -> Any:
        return self.emulator.subscribers.received

    def confirm(self, given: Any, query: dict[str, str]) -> Any:
        """{"endpoint": an e-mail address or a URL, "reachable"}: confirm its pending subscriptions to topics."""
        return {"confirmed": self.emulator.subscribers.confirm(given["endpoint"], given.get("reachable", True))}

    def show_faults(self, given: Any, query: dict[str, str]) -> Any:
        return self.emulator.faults.counters()

    def set_faults(self, given: Any, query: dict[str, str]) -> Any:
        self.emulator.faults.replace(given, query.get("seed"))
        return self.emulator.faults.counters()

    def show_stacks(self, given: Any, query: dict[str, str]) -> Any:
        return self.emulator.stacks.shown()

    def set_stacks(self, given: Any, query: dict[str, str]) -> Any:
        self.emulator.stacks.replace(given)
        return self.emulator.stacks.shown()

    def set_stack_status(self, given: Any, query: dict[str, str]) -> Any:
        put_into_status(given)
        return {}

    def custom_action(self, given: Any, query: dict[str, str]) -> Any:
        """{"account", "region", "action_arn" or "action" (an Id), "finding_id" or "finding_ids"}"""
        ids = given.get("finding_ids") or [given["finding_id"]]
        action = given.get("action_arn") or given.get("action") or given["id"]
        hub = self.emulator.security_hub
        return {"events": hub.send_by_custom_action(given["account"], given["region"], action, ids)}

    def button(self, given: Any, query: dict[str, str]) -> Any:
        """{"n": of a message, "button": its text}"""
        return self.emulator.buttons.press(given["n"], given["button"])

    def schedule(self, given: Any, query: dict[str, str]) -> Any:
        """{"account", "region", "name", "at"}: let a schedule start its state machine, as if it were due at that time.

        Without a time, now.
        """
        at = given.get("at") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"execution": run_now(given["account"], given["region"], given["name"], at)}

    def clock(self, given: Any, query: dict[str, str]) -> Any:
        """{"seconds"}: put the clock of events forward."""
        self.emulator.clock.put_forward(given["seconds"])
        return {"ahead": self.emulator.clock.ahead}

    def describe_sign_in(self, given: Any, query: dict[str, str]) -> Any:
        """{"session_seconds", "sso_tokens", "web_identity_tokens"}: merged; as the README has them."""
        self.emulator.sign_in.describe(given)
        return {}

    def show_switches(self, given: Any, query: dict[str, str]) -> Any:
        return self.emulator.switches.shown()

    def set_switches(self, given: Any, query: dict[str, str]) -> Any:
        """{switch: value}: merged."""
        self.emulator.switches.set(given)
        return self.emulator.switches.shown()

    def show_callers(self, given: Any, query: dict[str, str]) -> Any:
        """{"used": actions, "needed": [[number of the policy, Sid, action], ...], "denied": messages}

        About the callers with policies, since these were set. Needed: without that action in that statement, a call
        would have been denied.
        """
        callers = self.emulator.callers
        return {name: sorted(getattr(callers, name)) for name in ("used", "needed", "denied")}

    def set_callers(self, given: Any, query: dict[str, str]) -> Any:
        """{account or ARN pattern: [policy document, ...]}: replaces the identity policies of callers."""
        self.emulator.callers.replace(given)
        return {}

    def ocsf_finding(self, given: Any, query: dict[str, str]) -> Any:
        """A finding (OCSF): created or updated in the new Security Hub, as by the AWS service that it is of."""
        self.emulator.security_hub.ocsf.report(given)
        return {}

    def event(self, given: Any, query: dict[str, str]) -> Any:
        """{"account", "region", "source", "detail-type", "resources", "detail"}: any event of an AWS service."""
        self.emulator.emit(
            given["account"],
            given["region"],
            given.get("source", "aws.securityhub"),
            given["detail-type"],
            given.get("resources", []),
            given["detail"],
        )
        return {}


def _json(status: int, value: Any) -> web.Response:
    return web.Response(status=status, body=json.dumps(value).encode(), content_type="application/json")
