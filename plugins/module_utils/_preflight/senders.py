# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what else sends Security Hub findings to the channels of an account. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws import errors
from .._aws import parallel
from .._plan import duplicates
from .._routing.notation import SOURCE
from .._services import events
from .._services import notifications

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

    from .._aws.clients import Clients
    from .._model.plan import AccountDesign


def of_account(aws: Clients, account: AccountDesign) -> list[str]:
    """Return what to report about other rules, and about AWS User Notifications.

    A call for each channel; and where a channel has other topics, one for each of them and for each of their regions.
    """
    return [*_of_notifications(aws, account), *_of_rules(aws, account)]


def _of_notifications(aws: Clients, account: AccountDesign) -> list[str]:
    def configurations(channel_arn: str) -> list[str]:
        function = notifications.configurations_for
        source, region = account.settings.source, notifications.REGION
        found = aws.call(source, region, "notifications", function, SOURCE, channel_arn)
        return duplicates.of_notifications(channel_arn, found)

    return _each(configurations, duplicates.channel_arns(account), "whether AWS User Notifications send findings to")


def _of_rules(aws: Clients, account: AccountDesign) -> list[str]:
    topics = duplicates.other_topics(account)
    by_region = {
        outcome.item: outcome
        for outcome in parallel.each(
            lambda region: aws.call(account.settings.source, region, "events", events.list_rules),
            sorted({topic.split(":")[3] for topic in topics}),
        )
    }

    def rules(topic: str) -> list[str]:
        region = topic.split(":")[3]
        of_region = by_region[region]
        if of_region.error:
            raise of_region.error
        found = of_region.value or {}
        names = aws.call(account.settings.source, region, "events", events.rules_of_target, topic)
        return duplicates.of_rules(
            topic, {name: found[name].get("EventPattern", "") for name in names if name in found}
        )

    return _each(rules, topics, "which rules send to")


def _each(read: Callable[[str], list[str]], arns: Iterable[str], unknown: str) -> list[str]:
    """Return the sentences about each ARN, or that *unknown* is not known of it."""
    found = parallel.recovered(
        read,
        arns,
        lambda arn, error: [f"it is not known {unknown} {arn}: {errors.explain(error).rstrip('.')}"],
    )
    return [sentence for sentences in found for sentence in sentences]
