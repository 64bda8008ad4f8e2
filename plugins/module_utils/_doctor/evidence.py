# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the checks know about a target and its account: frozen values. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._channel import plans
from .._channel import transformations
from .._model import names
from .._plan import drift

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._model.drift import Drift
    from .._model.plan import TargetDesign
    from .._model.receivers import ReceiverRoute
    from .._model.settings import Channel
    from .._model.snapshot import AccountSnapshot
    from .._preflight.pattern_tests import Tested
    from .._services.chatbot import Configuration
    from .metrics import AccountMetrics
    from .metrics import TargetMetrics
    from .stack_sets import Instances


@dataclass(frozen=True)
class RolePolicies:
    """The policies of a role: the documents of the inline ones by name, the ARNs of the attached ones."""

    inline: Mapping[str, Any]
    attached: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """A state machine, and its role with its policies; None for what is gone.

    *schedule*: what starts it, *executions*: its last ones, the latest first, and *regions*: the machine that receives
    the numbers of other regions; of the machine of the digest only.
    """

    role: Mapping[str, Any] | None
    policies: RolePolicies
    machine: Mapping[str, Any] | None
    schedule: Mapping[str, Any] | None = None
    executions: Sequence[Mapping[str, Any]] = ()
    regions: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AccountEvidence:
    """An account, its metrics and the policies of its channel role.

    The errors say, with a remedy, why something could not be read ('' if it was): its metrics with its authorized
    workspaces and teams, and the policies. *channel_error*: why its channels cannot be configured as the inventory
    says.
    """

    snapshot: AccountSnapshot
    metrics: AccountMetrics | None = None
    role_policies: RolePolicies | None = None
    metrics_error: str = ""
    role_error: str = ""
    channel_error: str = ""

    def counted(self, configuration: Configuration, metric: str) -> int:
        """Return what Amazon Q counted for a configuration."""
        name = transformations.configuration_name(configuration)
        return self.metrics.counts.get((name, metric), 0) if self.metrics else 0


@dataclass(frozen=True)
class Evidence:
    """A target and its metrics. *hours*: how far back the metrics go. *account*: None if it is unknown.

    *instances*: those of the StackSet that the target's stack is of, None without one. *tested*: what EventBridge
    answers about its event patterns, None if it was not asked. *marking*, *digest*: None if the stack does not mark
    findings, or sends no digest. *receiver_problems*: why queues and event buses do not accept findings.

    The errors say, with a remedy, why something could not be read ('' if it was): the target itself, the resources of
    its stack, its metrics, what marks findings, what sends the digest, queues and event buses.
    """

    target: TargetDesign
    hours: int
    account: AccountEvidence | None = None
    metrics: TargetMetrics | None = None
    instances: Instances | None = None
    target_error: str = ""
    resources_error: str = ""
    metrics_error: str = ""
    tested: Tested | None = None
    marking: Machine | None = None
    marking_error: str = ""
    receiver_problems: tuple[str, ...] = ()
    receivers_error: str = ""
    digest: Machine | None = None
    digest_error: str = ""

    def drifts(self, *parts: str) -> list[Drift]:
        """Return the differences between the stack's template and the live resources in these parts."""
        live = self.target.live
        if live.resources is None or live.path is None:
            return []
        return [item for item in drift.drifts(live.resources, live.path) if item.part in parts]

    def receiver_topics(self) -> list[tuple[str, ReceiverRoute]]:
        """Return the receivers that have a topic, each with its ARN."""
        settings, account = self.target.settings, self.target.account
        routes = [route for route in settings.receivers if route.receiver.has_topic]
        return [(names.topic_arn(settings, account, route.topic), route) for route in routes] if account else []

    def configuration_of(self, channel: Channel) -> Configuration | None:
        """Return the account's configuration of a channel, whatever its name."""
        configurations: Sequence[Configuration] = self.account.snapshot.configurations if self.account else ()
        return next((item for item in configurations if plans.same_channel(item, channel)), None)

    def configurations(self) -> list[Configuration]:
        """Return the configurations of the target's channels, those that exist."""
        found = [self.configuration_of(route.channel) for route in self.target.settings.routes]
        return [item for item in found if item is not None]
