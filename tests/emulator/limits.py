# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of an account: quotas, the chat applications policy of the organization, service-linked roles."""

from __future__ import annotations

import json
import re
from typing import Any
from typing import Callable

import aws_request
from account_state import AccountState
from aws_request import AwsRequest
from ministack.core.responses import error_response_json
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.services import iam
from ministack.services import organizations

RULES = ("events", "L-244521F2")
RULES_QUOTA = 300
RULES_QUOTA_IN = {"af-south-1": 100, "eu-south-1": 100}
CHATBOT = "management.chatbot.amazonaws.com"
CHATBOT_ROLE = "AWSServiceRoleForAWSChatbot"


class Limits:
    """The limits of the accounts. `install` replaces those of ministack."""

    def __init__(self, account_state: AccountState) -> None:
        self.account_state = account_state

    def install(self) -> None:
        """Make Organizations and IAM use the account state."""
        organizations._DISPATCH["DescribeEffectivePolicy"] = self._effective_policy
        summary = iam._IAM_HANDLERS["GetAccountSummary"]
        iam._IAM_HANDLERS["GetAccountSummary"] = lambda params: self._with_quotas(summary(params))
        for operation, kind, there in (
            ("CreateRole", "roles", lambda: iam._roles),
            ("CreatePolicy", "policies", lambda: iam._policies),
        ):
            iam._IAM_HANDLERS[operation] = self._within_quota(iam._IAM_HANDLERS[operation], kind, there)
        iam._IAM_HANDLERS["CreateServiceLinkedRole"] = _create_service_linked_role(
            iam._IAM_HANDLERS["CreateServiceLinkedRole"]
        )

    def rules(self) -> int:
        """Return how many rules the caller's account may have on an event bus of the caller's region."""
        return self._quotas().get("rules") or RULES_QUOTA_IN.get(get_region(), RULES_QUOTA)

    def _quotas(self) -> dict[str, int]:
        return self.account_state.account(get_account_id())["quotas"]

    def service_quotas(self, request: AwsRequest, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the answer of Service Quotas, which knows the quota of rules only."""
        given = json.loads(body)
        if request.operation != "GetServiceQuota":
            return aws_request.error("json", "InvalidAction", f"{request.operation} is not emulated", 501)
        if (given["ServiceCode"], given["QuotaCode"]) != RULES:
            return aws_request.error("json", "NoSuchResourceException", "The request failed because it is unknown", 400)
        quota = {"ServiceCode": RULES[0], "QuotaCode": RULES[1], "QuotaName": "Number of rules", "Value": self.rules()}
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps({"Quota": quota}).encode()

    def _effective_policy(self, given: dict) -> Any:
        policy = self.account_state.account(get_account_id())["chatbot_policy"]
        if self.account_state.management_account is None and policy is None:
            message = "Your account is not a member of an organization."
            return error_response_json("AWSOrganizationsNotInUseException", message, 400)
        if given.get("PolicyType") != "CHATBOT_POLICY" or policy is None:
            message = "The effective policy for the target cannot be found"
            return error_response_json("EffectivePolicyNotFoundException", message, 400)
        found = {
            "PolicyContent": json.dumps(policy),
            "TargetId": get_account_id(),
            "PolicyType": "CHATBOT_POLICY",
            "LastUpdatedTimestamp": 0,
        }
        body = json.dumps({"EffectivePolicy": found}).encode()
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, body

    def _with_quotas(self, answer: tuple) -> tuple:
        status, headers, body = answer
        text = body.decode() if isinstance(body, bytes) else body
        for kind, quota in self._quotas().items():
            text = re.sub(rf"(<key>{kind.capitalize()}Quota</key><value>)\d+", rf"\g<1>{quota}", text)
        return status, headers, text.encode()

    def _within_quota(self, create: Callable, kind: str, there: Callable[[], Any]) -> Callable:
        def create_if_there_is_room(params: dict) -> Any:
            quota = self._quotas().get(kind)
            if quota is not None and len(there()) >= quota:
                message = f"Cannot exceed quota for {kind.capitalize()}PerAccount: {quota}"
                return iam._error(409, "LimitExceeded", message, ns="iam")
            return create(params)

        return create_if_there_is_room


def _create_service_linked_role(create: Callable) -> Callable:
    def create_with_fixed_name(params: dict) -> Any:
        if iam._p(params, "AWSServiceName") != CHATBOT:
            return create(params)
        if CHATBOT_ROLE in iam._roles:
            message = f"Service role name {CHATBOT_ROLE} has been taken in this account, please try a different suffix."
            return iam._error(400, "InvalidInput", message, ns="iam")
        create_chatbot_role()
        role = f"<Role>{iam._role_xml(CHATBOT_ROLE)}</Role>"
        result = f"<CreateServiceLinkedRoleResult>{role}</CreateServiceLinkedRoleResult>"
        return iam._xml(200, "CreateServiceLinkedRoleResponse", result, ns="iam")

    return create_with_fixed_name


def create_chatbot_role() -> None:
    """Create the role with which Chatbot subscribes to topics, if it is missing."""
    trust = {"Effect": "Allow", "Principal": {"Service": CHATBOT}, "Action": "sts:AssumeRole"}
    path = f"/aws-service-role/{CHATBOT}/"
    iam._roles.setdefault(
        CHATBOT_ROLE,
        {
            "RoleName": CHATBOT_ROLE,
            "Arn": f"arn:aws:iam::{get_account_id()}:role{path}{CHATBOT_ROLE}",
            "RoleId": iam._gen_id("AROA"),
            "CreateDate": iam._now(),
            "Path": path,
            "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            "Description": "",
            "MaxSessionDuration": 3600,
            "AttachedPolicies": [],
            "InlinePolicies": {},
            "Tags": [],
        },
    )
