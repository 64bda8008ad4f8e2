# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS SDK integration of Step Functions with our Security Hub."""

from __future__ import annotations

import json
from typing import Any

from ministack import app as ministack
from ministack.services import stepfunctions
from rest_json import RestJson

PREFIX = "arn:aws:states:::aws-sdk:securityhub:"


def install(security_hub: RestJson) -> None:
    """Allow tasks to call arn:aws:states:::aws-sdk:securityhub:<action>."""
    integrate = stepfunctions._invoke_aws_sdk_integration

    async def serve(method: str, path: str, _headers: dict, body: bytes, _query: dict) -> Any:
        return security_hub.answer(method, path, "", body)

    def integrate_security_hub_too(resource: str, given: Any) -> Any:
        if not resource.startswith(PREFIX):
            return integrate(resource, given)
        action = resource[len(PREFIX) :]
        name = action[:1].upper() + action[1:]
        if name not in security_hub.operations:
            raise stepfunctions._ExecutionError("States.Runtime", f"Invalid AWS SDK action: {action}")
        http = security_hub.model.operation_model(name).http
        body = json.dumps(given or {}).encode()
        status, headers, answer = ministack.call_service_handler_sync(
            serve, http["method"], http["requestUri"], {}, body, {}
        )
        result = json.loads(answer)
        if status >= 400:
            raise stepfunctions._ExecutionError(f"SecurityHub.{headers['x-amzn-ErrorType']}", result["Message"])
        return result

    stepfunctions._invoke_aws_sdk_integration = integrate_security_hub_too
