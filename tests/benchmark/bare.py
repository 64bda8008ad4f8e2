# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower limit: the calls of a run without changes, made by boto3 in threads, and nothing else.

One client a service and region serves all accounts, and the credentials are chosen when a call is signed, as in the
collection.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

THREADS = 64
NAME = "securityhub-slack"


class Acting(Credentials):
    """Credentials of the account that the thread works for; also their own provider."""

    def __init__(self) -> None:
        self.own = botocore.session.Session().get_credentials()
        super().__init__(self.own.access_key, self.own.secret_key)
        self.thread = threading.local()

    def load_credentials(self) -> Acting:
        return self

    def get_frozen_credentials(self) -> Any:
        return getattr(self.thread, "credentials", self.own).get_frozen_credentials()


class Bare:
    """Make the calls of one run. *accounts*: [{"role_arn": "" for the own account, "regions": [...]}]."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.acting = Acting()
        self.session = botocore.session.Session()
        self.session.register_component("credential_provider", self.acting)
        self.lock = threading.Lock()
        self.clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        with self.lock:
            if (service, region) not in self.clients:
                self.clients[service, region] = self.session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    config=Config(max_pool_connections=10, retries={"mode": "standard"}),
                )
            return self.clients[service, region]

    def call(self, credentials: Any, service: str, region: str, operation: str, **given: Any) -> Any:
        self.acting.thread.credentials = credentials
        try:
            return getattr(self.client(service, region), operation)(**given)
        except ClientError:
            return {}  # it does not exist, which is a valid answer

    def sign_in(self, account: dict) -> tuple[Any, str]:
        credentials = self.acting.own
        region = account["regions"][0]
        if account["role_arn"]:
            given = self.call(
                credentials, "sts", region, "assume_role", RoleArn=account["role_arn"], RoleSessionName="bare"
            )["Credentials"]
            credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return credentials, self.call(credentials, "sts", region, "get_caller_identity")["Account"]

    def reads(self, account: dict, credentials: Any, number: str) -> list[tuple]:
        first = account["regions"][0]
        guardrail = f"arn:aws:iam::{number}:policy/{NAME}-channel-guardrail"
        of_account = [
            ("chatbot", "us-east-2", "describe_slack_channel_configurations", {}),
            ("chatbot", "us-east-2", "list_microsoft_teams_channel_configurations", {}),
            ("iam", first, "get_role", {"RoleName": f"{NAME}-channel"}),
            ("iam", first, "get_policy", {"PolicyArn": guardrail}),
            ("iam", first, "get_policy_version", {"PolicyArn": guardrail, "VersionId": "v1"}),
            *(
                ("securityhub", first, operation, {})
                for operation in (
                    "describe_hub",
                    "list_finding_aggregators",
                    "get_administrator_account",
                    "describe_security_hub_v2",
                )
            ),
        ]
        of_targets = []
        for region in account["regions"]:
            action = f"arn:aws:securityhub:{region}:{number}:action/custom/SendToSlack"
            of_targets += [
                ("cloudformation", region, "describe_stacks", {"StackName": NAME}),
                ("securityhub", region, "describe_action_targets", {"ActionTargetArns": [action]}),
            ]
        return [(credentials, *read) for read in of_account + of_targets]

    def run(self, accounts: list[dict]) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            signed = list(threads.map(self.sign_in, accounts))
            reads = [read for account, who in zip(accounts, signed) for read in self.reads(account, *who)]
            list(threads.map(lambda read: self.call(*read[:4], **read[4]), reads))


if __name__ == "__main__":
    Bare(sys.argv[1]).run(json.loads(Path(sys.argv[2]).read_text()))
