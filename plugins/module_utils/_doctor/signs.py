# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services have counted of late, and what an account has authorised: reads only. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from .._channel import metrics as chatbot_metrics
from .._channel import transformations
from .._services import chatbot
from .._services import cloudwatch
from .._services.cloudwatch import Metric

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .._pipeline.settings import Settings
    from .._pipeline.target import AccountRun
    from .._stack.template import StackDesign

CHATBOT_METRICS = (
    chatbot_metrics.DELIVERED,
    chatbot_metrics.FAILED,
    chatbot_metrics.UNSUPPORTED,
    chatbot_metrics.THROTTLED,
)


@dataclass(frozen=True)
class Window:
    """The time that is looked back at."""

    start: datetime.datetime
    end: datetime.datetime

    @property
    def words(self) -> str:
        """Return how long it is."""
        hours = round((self.end - self.start).total_seconds() / 3600)
        return f"{hours} hours" if hours != 1 else "hour"


@dataclass(frozen=True)
class TargetSigns:
    """What EventBridge and SNS have counted for a target."""

    invocations: int = 0
    failed_invocations: int = 0
    delivered: int = 0
    failed_deliveries: int = 0


@dataclass(frozen=True)
class AccountSigns:
    """The workspaces that an account has authorised, and what Amazon Q has counted, by configuration and metric."""

    workspaces: frozenset[str] = frozenset()
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def of_target(clients: Clients, settings: Settings, design: StackDesign, window: Window) -> TargetSigns:
    """Return what was counted for a target: one call."""

    def total(namespace: str, name: str, dimension: str) -> int:
        found = [metric for metric in counted if (metric.namespace, metric.name) == (namespace, name)]
        return sum(counted[metric] for metric in found)

    rules = [("AWS/Events", name, "RuleName") for name in ("Invocations", "FailedInvocations")]
    topics = [("AWS/SNS", f"NumberOfNotifications{end}", "TopicName") for end in ("Delivered", "Failed")]
    metrics = [Metric(*kind, rule.name) for kind in rules for rule in design.rules]
    metrics += [Metric(*kind, topic) for kind in topics for topic in design.topics]
    with clients.acting(settings.source):
        client = clients.get("cloudwatch", settings.region, settings.source.endpoint_url)
        counted = cloudwatch.sums(client, metrics, window.start, window.end)
    return TargetSigns(*(total(*kind) for kind in (*rules, *topics)))


def of_account(clients: Clients, account: AccountRun, window: Window) -> AccountSigns:
    """Return what was counted for the account's configurations, and its workspaces: two calls."""
    settings = account.settings
    names = [transformations.configuration_name(found) for found in account.configurations]
    metrics = [
        Metric(chatbot_metrics.NAMESPACE, metric, chatbot_metrics.DIMENSION, name)
        for name in names
        for metric in CHATBOT_METRICS
    ]
    with clients.acting(settings.source):
        endpoint = settings.source.endpoint_url
        workspaces = chatbot.describe_slack_workspaces(
            clients.get("chatbot", settings.value("chatbot_region"), endpoint)
        )
        client = clients.get("cloudwatch", chatbot_metrics.REGION, endpoint)
        counted = cloudwatch.sums(client, metrics, window.start, window.end) if metrics else {}
    return AccountSigns(frozenset(item["SlackTeamId"] for item in workspaces), _by_configuration(counted))


def _by_configuration(counted: dict[Metric, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for metric, value in counted.items():
        found.setdefault(metric.value, {})[metric.name] = value
    return found
