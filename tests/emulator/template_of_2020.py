# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource types of AWS's template of 2020 that ministack lacks: Slack channel, custom resource that times out."""

from __future__ import annotations

from typing import Any

from chatbot import SLACK
from chatbot import Chatbot
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners
from rest_json import AwsError
from security_hub import SecurityHub

ACTION = {
    "Id": "SendToSlack",
    "Name": "Send_To_Slack",
    "Description": "Send Messages to ChatApplication via AWS ChatBot",
}
TIMEOUT = "Custom Resource failed to stabilize in expected time."


class Failed(ValueError):
    """The failure of a resource, worded as by CloudFormation."""


def install(chatbot: Chatbot, security_hub: SecurityHub) -> None:
    """Add the two types."""
    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::Chatbot::SlackChannelConfiguration": _channel(chatbot),
            "Custom::AddCustomActionSH": _custom_action(security_hub),
        }
    )


def _channel(chatbot: Chatbot) -> dict[str, Any]:
    def create(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        names = {"SlackWorkspaceId": "SlackTeamId"}
        # AWS accepted the template's role, although it trusts SNS and could never be assumed.
        given = {names.get(key, key): value for key, value in properties.items() if key != "IamRoleArn"}
        with chatbot.lock:
            try:
                made = chatbot.create_slack(given)["ChannelConfiguration"]
            except AwsError as error:
                raise Failed(f"{error.message} (Service: AWSChatbot; Status Code: 400)") from error
            arn = made["ChatConfigurationArn"]
            chatbot.account().configurations[arn]["IamRoleArn"] = properties["IamRoleArn"]
        return arn, {"Arn": arn}

    def delete(physical_id: str, properties: dict) -> None:
        with chatbot.lock:
            if physical_id in chatbot.account().configurations:
                chatbot.delete(SLACK, {"ChatConfigurationArn": physical_id})

    return {"create": create, "delete": delete}


def _custom_action(security_hub: SecurityHub) -> dict[str, Any]:
    """The function of the template creates the custom action for every request, and does not answer on failure."""

    def create(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        _call_function(security_hub, properties)
        return "CustomResourcePhysicalID", {}

    def update(physical_id: str, old: dict, new: dict, stack_name: str, logical_id: str | None = None) -> tuple:
        _call_function(security_hub, new)
        return physical_id, {}

    def delete(physical_id: str, properties: dict) -> None:
        _call_function(security_hub, properties)

    return {"create": create, "update": update, "delete": delete}


def _call_function(security_hub: SecurityHub, properties: dict) -> None:
    name = properties["ServiceToken"]
    if lambda_svc._get_func_record_for_ref(name)[0] is None:
        raise Failed(f"Function not found: {name} (Service: Lambda, Status Code: 404)")
    try:
        security_hub.create_action_target(dict(ACTION))
    except AwsError as error:
        raise Failed(TIMEOUT) from error
