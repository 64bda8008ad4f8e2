# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the checks know about one target. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._channel import transformations
from .._channel.platforms import SLACK
from .._pipeline import drift

if TYPE_CHECKING:
    from .._channel.transformations import Configuration
    from .._pipeline.settings import Channel
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target
    from .metrics import AccountMetrics
    from .metrics import TargetMetrics


@dataclass(frozen=True)
class Evidence:
    """A target, its account, and everything that was read about both.

    *hours*: how far back the metrics go. The errors say, with a remedy, why something could not be read ('' if it
    was): the target itself, the resources of its stack, its metrics, the account's metrics and workspaces.
    *channel_error*: why the channels cannot be configured as the inventory says.
    """

    target: Target
    account: AccountRun | None
    hours: int
    metrics: TargetMetrics | None = None
    account_metrics: AccountMetrics | None = None
    target_error: str = ""
    resources_error: str = ""
    metrics_error: str = ""
    account_error: str = ""
    channel_error: str = ""

    def drifts(self, *parts: str) -> list[drift.Drift]:
        """Return the differences between the stack's template and the live resources in these parts."""
        live = self.target.live
        if live.resources is None or live.path is None:
            return []
        return [item for item in drift.drifts(live.resources, live.path) if item.part in parts]

    def configuration_of(self, channel: Channel) -> Configuration | None:
        """Return the account's configuration of a Slack channel, whatever its name."""
        wanted = (channel.workspace_id, channel.channel_id)
        for found in self.account.configurations if self.account else ():
            if (found[SLACK.team_id], found[SLACK.channel_id]) == wanted:
                return found
        return None

    def configurations(self) -> list[Configuration]:
        """Return the configurations of the target's Slack channels, those that exist."""
        found = [self.configuration_of(route.channel) for route in self.target.settings.routes]
        return [item for item in found if item is not None]

    def counted(self, configuration: Configuration, metric: str) -> int:
        """Return what Amazon Q counted for a configuration."""
        name = transformations.configuration_name(configuration)
        return self.account_metrics.counts.get((name, metric), 0) if self.account_metrics else 0
