# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor knows of one target when it judges. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._pipeline import drift
from .._pipeline import plan
from .signs import AccountSigns
from .signs import TargetSigns

if TYPE_CHECKING:
    from .._channel.transformations import Configuration
    from .._pipeline.settings import Channel
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target


@dataclass(frozen=True)
class Case:
    """A target, its account, and what was read of both.

    *unread*: why the target itself could not be looked at, '' if it was. *path_error*, *signs_error*, *account_error*:
    why the stack's resources, the target's metrics, or the account's workspaces and metrics could not be read.
    *channel_error*: why the channels cannot be as the inventory wants. *window*: in words, how far metrics go back.
    """

    target: Target
    account: AccountRun | None
    unread: str = ""
    signs: TargetSigns | None = None
    account_signs: AccountSigns | None = None
    path_error: str = ""
    signs_error: str = ""
    account_error: str = ""
    channel_error: str = ""
    window: str = "24 hours"

    @property
    def stack_status(self) -> str:
        """Return the status of the stack, '' without one."""
        return plan.status_of(self.target.live.stack)

    @property
    def is_current(self) -> bool:
        """Tell whether the stack is made from the variables as they are now."""
        return self.target.wanted is not None and plan.same(self.target.wanted.stack, self.target.live.stack)

    def drifts(self, *parts: str) -> list[drift.Drift]:
        """Return what is not as the stack's template says in these parts of the way."""
        live = self.target.live
        if live.resources is None or live.path is None:
            return []
        return [item for item in drift.drifts(live.resources, live.path) if item.part in parts]

    def configuration_of(self, channel: Channel) -> Configuration | None:
        """Return the account's configuration of a Slack channel, whatever its name."""
        wanted = (channel.workspace_id, channel.channel_id)
        for found in self.account.configurations if self.account else ():
            if (found["SlackTeamId"], found["SlackChannelId"]) == wanted:
                return found
        return None

    def metrics_of(self, configuration: dict[str, Any]) -> dict[str, int]:
        """Return what Amazon Q has counted for a configuration."""
        name = str(configuration["ChatConfigurationArn"]).rpartition("/")[2]
        return self.account_signs.counts.get(name, {}) if self.account_signs else {}
