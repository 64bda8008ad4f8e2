# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS services counted recently, and the workspaces and teams that an account has authorized: reads only.

PRIVATE to the collection.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from .._channel import metrics as chatbot_metrics
from .._channel import transformations
from .._observe import accounts
from .._services import cloudwatch
from .._services.cloudwatch import Metric
from .._stack import marking
from .._stack.resources import Location

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from .._aws.clients import Clients
    from .._model.account import Account
    from .._model.settings import Settings
    from .._model.snapshot import AccountSnapshot
    from .._stack.template import StackDesign


@dataclass(frozen=True)
class Window:
    """The period that metrics are read for."""

    start: datetime.datetime
    end: datetime.datetime

    @property
    def hours(self) -> int:
        """Return its length in hours."""
        return round((self.end - self.start).total_seconds() / 3600)


@dataclass(frozen=True)
class TargetMetrics:
    """What EventBridge, SNS and Step Functions counted for a target: *failed_executions*, of what marks findings."""

    invocations: int = 0
    failed_invocations: int = 0
    delivered: int = 0
    failed_deliveries: int = 0
    failed_executions: int = 0


@dataclass(frozen=True)
class AccountMetrics:
    """An account's authorized workspaces and teams, and what Amazon Q counted by name of configuration and metric."""

    teams: frozenset[str] = frozenset()
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)


def of_target(aws: Clients, settings: Settings, account: Account, design: StackDesign, window: Window) -> TargetMetrics:
    """Return what was counted for a target: one call."""
    here = Location(account.partition, account.id, settings.region)
    machine = here.arn("states", f"stateMachine:{marking.machine_name(design.name)}")
    rules = [rule.name for rule in design.rules]
    kinds = (
        ("AWS/Events", "Invocations", "RuleName", rules),
        ("AWS/Events", "FailedInvocations", "RuleName", rules),
        ("AWS/SNS", "NumberOfNotificationsDelivered", "TopicName", design.topics),
        ("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", design.all_topics),
        ("AWS/States", "ExecutionsFailed", "StateMachineArn", [machine] if design.starts_marking else []),
    )
    metrics = [
        Metric(namespace, name, dimension, value) for namespace, name, dimension, values in kinds for value in values
    ]
    sums = aws.call(settings.source, settings.region, "cloudwatch", cloudwatch.sums, metrics, window.start, window.end)
    totals: Counter[str] = Counter()
    for metric, count in sums.items():
        totals[metric.name] += count
    return TargetMetrics(*(totals[name] for _namespace, name, _dimension, _values in kinds))


def of_account(aws: Clients, account: AccountSnapshot, window: Window) -> AccountMetrics:
    """Return an account's authorized workspaces and teams, and what was counted for its configurations.

    One call, and one for each platform of its channels.
    """
    settings = account.settings
    platforms = {route.channel.platform for target in account.targets for route in target.settings.routes}
    teams = {
        team[platform.team_id].casefold()
        for platform in platforms
        for team in accounts.call_chatbot(aws, settings, platform.list_teams)
    }
    metrics = [
        metric
        for configuration in account.configurations
        for metric in chatbot_metrics.of_configuration(transformations.configuration_name(configuration))
    ]
    sums = {}
    if metrics:
        region = chatbot_metrics.REGION
        sums = aws.call(settings.source, region, "cloudwatch", cloudwatch.sums, metrics, window.start, window.end)
    return AccountMetrics(
        teams=frozenset(teams),
        counts={(metric.value, metric.name): count for metric, count in sums.items()},
    )
