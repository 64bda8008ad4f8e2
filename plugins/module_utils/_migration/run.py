# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the accounts of a play from AWS's template of 2020 to this collection. PRIVATE to the collection.

In this order, so that no finding is lost, and none sent twice as far as AWS allows:

1. The pipelines are built. Nobody listens to their topics yet.
2. One write to the channel takes the template's topics out and the pipelines' in. Before it, what somebody sends with
   the custom action arrives through the old topic, after it through the new one.
3. The template's stacks go, and what they have left behind. The custom action and the channel stay.

Where a target fails, what it has of the template stays, and goes on sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import parallel
from .._channel import configuration
from .._channel import plans
from .._channel.platforms import SLACK
from .._channel.transformations import boto3_tags
from .._channel.transformations import configuration_name
from .._pipeline import apply
from .._pipeline import run as pipelines
from .._pipeline.target import Target
from .._pipeline.target import healthy
from .._pipeline.target import note_failures
from .._services import chatbot
from . import leftovers
from . import plan
from . import removal
from . import report
from . import survey
from .plan import Channels
from .plan import Migration

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._pipeline.target import AccountRun


@dataclass
class Move:
    """What a run knows: the accounts, what each target has of the template, and the channels that come from it."""

    accounts: list[AccountRun]
    migrations: list[Migration]
    channels: list[Channels] = field(default_factory=list)

    def of(self, account: AccountRun) -> list[Migration]:
        """Return what the targets of one account have."""
        return [item for item in self.migrations if item.target.account == account.account]


def run(
    targets: list[Target],
    neighbours: list[Target],
    clients: Clients,
    *,
    check: bool,
    diff: bool,
    today: datetime.date,
    say: Callable[[str], None],
) -> Move:
    """Move the healthy ones of *targets*, and return what was found; with the arguments of the pipelines' run."""
    accounts = pipelines.look(targets, neighbours, clients, today)
    move = Move(accounts, [Migration(target) for target in targets])
    _look(clients, move)
    outcomes = parallel.each(lambda account: survey.roles(clients, account), accounts)
    note_failures(outcomes)
    for outcome in outcomes:
        _decide(move, outcome.item, outcome.value or [])
    pipelines.prepare(targets, accounts, clients, diff=diff, today=today)
    if not check:
        _carry_out(clients, move, neighbours, today, say)
    return move


def _look(clients: Clients, move: Move) -> None:
    channels = {account.account: account.configurations for account in move.accounts}
    asked = [item for item in move.migrations if item.target.account and not item.target.error]

    def look(item: Migration) -> None:
        known = channels[item.target.account] if item.target.account else []
        item.found = survey.leftovers(clients, item.target, known)
        survey.refuse_obstacles(item.target, item.found)

    outcomes = parallel.each(look, asked)
    note_failures([parallel.Outcome(outcome.item.target, error=outcome.error) for outcome in outcomes])


def _decide(move: Move, account: AccountRun, roles: list[dict[str, Any]]) -> None:
    migrations = move.of(account)
    found = plan.channels(account, migrations)
    for item in migrations:
        item.fates = found.fates
        item.target.superseded = item.found.topics
    account.notices += report.notices(migrations, plan.unheld_roles(roles, account, migrations))
    plan.adopt(found)
    move.channels.append(found)


def _carry_out(
    clients: Clients, move: Move, neighbours: list[Target], today: datetime.date, say: Callable[[str], None]
) -> None:
    _each_account(_take_over, clients, move.channels)
    apply.apply(clients, move.accounts, say)
    removal.remove(clients, move.migrations, say)
    _each_account(_remove_channels, clients, move.channels)
    _make_lost_channels_anew(clients, move, neighbours, today, say)


def _each_account(work: Callable[[Clients, Channels], None], clients: Clients, channels: list[Channels]) -> None:
    outcomes = parallel.each(lambda found: work(clients, found), channels)
    note_failures([parallel.Outcome(outcome.item.account, error=outcome.error) for outcome in outcomes])


def _take_over(clients: Clients, found: Channels) -> None:
    """Mark the channels that are taken over, so that they are ours for every later run; that run does the rest."""
    settings = found.account.settings
    taken = found.with_fate(leftovers.TAKE_OVER)
    if not taken or not healthy(found.account.targets):
        return
    with clients.acting(settings.source):
        client = clients.get("chatbot", settings.value("chatbot_region"), settings.source.endpoint_url)
        for item in taken:
            chatbot.tag_resource(client, item["ChatConfigurationArn"], boto3_tags({plans.MANAGED_TAG: settings.name}))


def _remove_channels(clients: Clients, found: Channels) -> None:
    """Delete what nobody needs and no stack has taken along: of another Slack channel, and without topics by now."""
    settings = found.account.settings
    going = found.with_fate(leftovers.GO)
    if not going or any(target.error for target in found.account.targets):
        return
    with clients.acting(settings.source):
        client = clients.get("chatbot", settings.value("chatbot_region"), settings.source.endpoint_url)
        there = {item["ChatConfigurationArn"]: item for item in chatbot.describe_slack_channel_configurations(client)}
        for item in going:
            live = there.get(item["ChatConfigurationArn"])
            if live is not None and not live.get("SnsTopicArns"):
                configuration.delete(client, configuration_name(item), SLACK)


def _make_lost_channels_anew(
    clients: Clients, move: Move, neighbours: list[Target], today: datetime.date, say: Callable[[str], None]
) -> None:
    """Deploy once more where a channel had to go with its stack: the topics are in none then."""
    losers = {
        item.target.account for item in move.migrations for stack in item.found.stacks if item.loses_channel(stack)
    }
    concerned = [item.target for item in move.migrations if item.target.account in losers]
    first = healthy(concerned)
    if not first:
        return
    second = [Target(target.settings) for target in first]
    # Those that failed keep their say, as everybody has who is left out of a run.
    others = [Target(target.settings) for target in concerned if target.error]
    pipelines.run(second, [*neighbours, *others], clients, check=False, diff=False, today=today, say=say)
    for target, again in zip(first, second):
        target.problems = again.problems
