# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Press buttons under messages: run the command of a custom action with the permissions of the channel."""

from __future__ import annotations

import json
from typing import Any

import channel_role
import chat_command
from chatbot import Chatbot
from inbox import Inbox
from ministack.core.responses import request_scope
from rest_json import RestJson
from switches import Switches


class Buttons:
    """Presses buttons of messages in the inbox. security_hub: the only service whose commands can be run."""

    def __init__(self, inbox: Inbox, chatbot: Chatbot, security_hub: RestJson, switches: Switches) -> None:
        self.inbox = inbox
        self.chatbot = chatbot
        self.security_hub = security_hub
        self.switches = switches

    def press(self, number: int, text: str) -> dict:
        """Press a button, and return {"status", "answer"}. Raise LookupError when the message has no such button."""
        message = next(item for item in self.inbox.messages if item["n"] == number)
        if text not in message["buttons"]:
            raise LookupError(f"message {number} has the buttons {message['buttons']}")
        account, configuration = next(
            (account, found)
            for account, found in self.chatbot.listening_to(message["topic"])
            if found["ConfigurationName"] == message["configuration"]
        )
        offered = self.chatbot.offered(account, configuration["ChatConfigurationArn"])
        quoted = self.switches["chatbot_button_values"] == "quoted"
        commands = {
            button: command
            for action in offered
            for button, command in chat_command.buttons(action, message["notification"], quoted).items()
        }
        outcome = self._run(account, configuration, commands[text])
        self.inbox.reply(message, {"button": text, **outcome})
        return outcome

    def _run(self, account: str, configuration: dict, text: str) -> dict:
        command = chat_command.read(text)
        name = chat_command.operation_name(command)
        if command.service != "securityhub" or name not in self.security_hub.operations:
            raise chat_command.InvalidCommand(f"the emulator runs no {command.service} {command.operation}")
        operation = self.security_hub.model.operation_model(name)
        given = chat_command.parameters(command, operation.input_shape)
        if configuration["UserAuthorizationRequired"] or not channel_role.allows(
            configuration, name, command.region, given
        ):
            return {"status": 403, "answer": {"Message": f"not authorized to perform: securityhub:{name}"}}
        with request_scope(account, command.region):
            status, _headers, answer = self._ask(operation, given)
        return {"status": status, "answer": json.loads(answer)}

    def _ask(self, operation: Any, given: dict) -> tuple:
        http = operation.http
        return self.security_hub.answer(http["method"], http["requestUri"], "", json.dumps(given).encode())
