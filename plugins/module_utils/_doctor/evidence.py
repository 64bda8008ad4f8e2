# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the checks know about a target and its account: frozen values. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import Generic
from typing import TypeVar

from .._channel import plans
from .._channel import transformations
from .._model import names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._model.drift import Drift
    from .._model.identity import Identity
    from .._model.plan import Deployment
    from .._model.plan import TargetDesign
    from .._model.receivers import ReceiverRoute
    from .._model.settings import Channel
    from .._model.snapshot import AccountSnapshot
    from .._preflight.pattern_tests import Tested
    from .._services.chatbot import Configuration
    from .._stack.resources import Resources
    from .metrics import AccountMetrics
    from .metrics import TargetMetrics
    from .stack_sets import Instances

Value = TypeVar("Value")


@dataclass(frozen=True)
class RolePolicies:
    """The policies of a role: the documents of the inline ones by name, the ARNs of the attached ones."""

    inline: Mapping[str, Any]
    attached: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """A state machine, and its role with its policies; None for what is gone. *resources*: those of its stack.

    *schedule*: what starts it, *executions*: its last ones, the latest first, and *regions*: the machine that receives
    the numbers of other regions; of the machine of the digest only.
    """

    resources: Resources
    role: Mapping[str, Any] | None
    policies: RolePolicies
    machine: Mapping[str, Any] | None
    schedule: Mapping[str, Any] | None = None
    executions: Sequence[Mapping[str, Any]] = ()
    regions: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Read(Generic[Value]):
    """What was read. *value*: None if there is none, or if reading it failed. *error*: why, with a remedy."""

    value: Value | None = None
    error: str = ""


@dataclass(frozen=True)
class AccountEvidence:
    """An account, its metrics with its authorized workspaces and teams, and the policies of its channel role.

    *channel_error*: why its channels cannot be configured as the inventory says.
    """

    snapshot: AccountSnapshot
    metrics: Read[AccountMetrics]
    role_policies: Read[RolePolicies]
    channel_error: str

    def counted(self, configuration: Configuration, metric: str) -> int:
        """Return what Amazon Q counted for a configuration."""
        name = transformations.configuration_name(configuration)
        return self.metrics.value.counts.get((name, metric), 0) if self.metrics.value else 0


@dataclass(frozen=True)
class Evidence:
    """A target with a deployment. *hours*: how far back its metrics go.

    *resources_error*: why the live resources of its stack could not be read, with a remedy, '' if they were. *drift*:
    how they differ from its template. *instances*: those of the StackSet that its stack is of, None without one.
    *tested*: what EventBridge answers about its event patterns, None if it was not asked. *marking*, *digest*: without
    a value if the stack does not mark findings, or sends no digest. *receiver_problems*: why queues and event buses do
    not accept findings.
    """

    target: TargetDesign
    desired: Deployment
    account: AccountEvidence
    hours: int
    resources_error: str
    drift: tuple[Drift, ...]
    instances: Instances | None
    tested: Tested | None
    metrics: Read[TargetMetrics]
    marking: Read[Machine]
    digest: Read[Machine]
    receiver_problems: Read[list[str]]

    @property
    def identity(self) -> Identity:
        """Return the channel role and guardrail that the account should have."""
        return names.identity(self.target.settings, self.account.snapshot.account)

    def drifts(self, *parts: str) -> list[Drift]:
        """Return the differences between the stack's template and the live resources in these parts."""
        return [item for item in self.drift if item.part in parts]

    def receiver_topics(self) -> list[tuple[str, ReceiverRoute]]:
        """Return the receivers that have a topic, each with its ARN."""
        settings, account = self.target.settings, self.account.snapshot.account
        routes = [route for route in settings.receivers if route.receiver.has_topic]
        return [(names.topic_arn(settings, account, route.topic), route) for route in routes]

    def configuration_of(self, channel: Channel) -> Configuration | None:
        """Return the account's configuration of a channel, whatever its name."""
        found = (item for item in self.account.snapshot.configurations if plans.same_channel(item, channel))
        return next(found, None)

    def configurations(self) -> list[Configuration]:
        """Return the configurations of the target's channels, those that exist."""
        found = [self.configuration_of(route.channel) for route in self.target.settings.routes]
        return [item for item in found if item is not None]
