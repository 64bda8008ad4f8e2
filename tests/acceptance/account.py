# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS account of an acceptance run: clients, facts and metrics."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from ansible_collections.secops.securityhub.tests.acceptance.masking import Mask
from ansible_collections.secops.securityhub.tests.acceptance.recording import Recorder
from ansible_collections.secops.securityhub.tests.acceptance.settings import Settings
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

CHATBOT_REGION = "us-east-2"  # of its API
METRICS_REGION = "us-east-1"  # of the metrics of Amazon Q
GLOBAL = "global"


class Refused(Exception):
    """The run cannot start or continue; the message says why and what to do."""


class Account:
    """boto3 clients of one account, created when they are first used. They never lead to another account."""

    def __init__(self, settings: Settings, mask: Mask, recorder: Recorder | None = None) -> None:
        self.settings = settings
        self.mask = mask
        self.session = boto3.Session(profile_name=settings.profile or None)
        if recorder:
            recorder.install(self.session)
        self._clients: dict[tuple[str, str], Any] = {}
        self._check_identity()

    def _check_identity(self) -> None:
        try:
            found = self.client("sts", self.settings.regions[0]).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise Refused(f"AWS does not accept the credentials: {error}. Set AWS_PROFILE, or --profile.") from error
        if found != self.settings.account_id:
            raise Refused(f"The credentials lead to account {found}, not to account_id {self.settings.account_id}.")

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service in a region, or in the one region that has it."""
        region = {"chatbot": CHATBOT_REGION}.get(service, region if region != GLOBAL else METRICS_REGION)
        if (service, region) not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 6})
            self._clients[service, region] = self.session.client(service, region_name=region, config=config)
        return self._clients[service, region]

    @property
    def principal(self) -> dict[str, str]:
        """Return all users and roles of the account as the principal of a policy."""
        return {"AWS": f"arn:aws:iam::{self.settings.account_id}:root"}

    def as_role(self, role_arn: str, service: str, region: str) -> Any:
        """Return a client that calls with a role of the account."""
        sts = self.client("sts", region)
        keys = sts.assume_role(RoleArn=role_arn, RoleSessionName=self.settings.prefix)["Credentials"]
        return self.session.client(
            service,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def chatbot(self) -> Any:
        """Return the client of Amazon Q Developer in chat applications."""
        return self.client("chatbot", CHATBOT_REGION)

    def pages(self, client: Any, operation: str, key: str, **given: Any) -> Iterator[Any]:
        """Yield the items of all pages of an operation."""
        if client.can_paginate(operation):
            for page in client.get_paginator(operation).paginate(**given):
                yield from page.get(key) or ()
        else:
            yield from getattr(client, operation)(**given).get(key) or ()

    def hub_tags(self, region: str) -> dict[str, str] | None:
        """Return the tags of the region's Security Hub CSPM, or None if it is not enabled."""
        client = self.client("securityhub", region)
        try:
            arn = client.describe_hub()["HubArn"]
        except ClientError as error:
            if code_of(error) in ("InvalidAccessException", "ResourceNotFoundException"):
                return None
            raise
        return dict(client.list_tags_for_resource(ResourceArn=arn).get("Tags") or {})

    def configurations(self) -> list[dict[str, Any]]:
        """Return the account's Slack channel configurations."""
        return list(self.pages(self.chatbot(), "describe_slack_channel_configurations", "SlackChannelConfigurations"))

    def metric(self, region: str, namespace: str, name: str, dimension: tuple[str, str], since: float) -> int:
        """Return the sum of a metric since a time (Unix)."""
        metric = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
        }
        answer = self.client("cloudwatch", region).get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
            StartTime=datetime.datetime.fromtimestamp(since // 60 * 60, datetime.timezone.utc),
            EndTime=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1),
        )
        return int(sum(sum(result["Values"]) for result in answer["MetricDataResults"]))

    def of_chatbot(self, name: str, configuration: str, since: float) -> int:
        """Return a metric of a channel configuration."""
        return self.metric(METRICS_REGION, "AWS/Chatbot", name, ("ConfigurationName", configuration), since)


def code_of(error: ClientError) -> str:
    """Return the code of an error of AWS."""
    return str(error.response["Error"]["Code"])


def words_of(error: ClientError) -> str:
    """Return code and message of an error of AWS."""
    return f"{code_of(error)}: {error.response['Error'].get('Message', '')}"


@contextmanager
def tolerating(*codes: str) -> Iterator[None]:
    """Ignore errors of AWS whose codes contain one of *codes*."""
    try:
        yield
    except ClientError as error:
        if not any(code in code_of(error) for code in codes):
            raise


def wait_for(condition: Callable[[], Any], seconds: float, pause: float) -> Any:
    """Return the first true result of a condition, or its last one after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() + pause > deadline:
            return found
        time.sleep(pause)
