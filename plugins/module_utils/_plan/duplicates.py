# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else a channel hears, so that findings may arrive twice: pure. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._channel.plans import same_channel
from .._channel.platforms import platform_of
from .._channel.transformations import configuration_name
from .._model import playbooks
from .._model.topics import live_topics
from .._resource.ownership import is_managed
from .._routing.notation import SOURCE
from . import channel as channels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator
    from collections.abc import Mapping

    from .._model.plan import AccountDesign
    from .._model.plan import ChannelPlan
    from .._services.chatbot import Configuration
    from .._services.notifications import NotificationConfiguration

# CloudFormation names the topic of AWS's template of 2020 after its stack and its logical ID.
TOPIC_OF_TEMPLATE = re.compile(r"[A-Za-z0-9-]+-SNSTopicAWSChatBot-[A-Za-z0-9]+\Z")


def of_template(design: AccountDesign) -> list[str]:
    """Return what to report about channels that still hear topics of AWS's template of 2020."""
    replaced = {arn for target in design.targets for arn in target.replaced}
    found = []
    for configuration in _configurations(design):
        topics = [arn for arn in configuration.get("SnsTopicArns", []) if arn not in replaced and _is_of_template(arn)]
        if topics:
            regions = sorted({arn.split(":")[3] for arn in topics})
            found.append(
                f"the channel configuration {configuration_name(configuration)} also hears the topics of AWS's "
                f"template of 2020 in {', '.join(regions)}, so findings that are sent by hand arrive twice. To replace "
                f"them, run: {playbooks.MIGRATE}"
            )
    return found


def begins(planned: ChannelPlan | None) -> bool:
    """Return whether a run lets a channel hear more topics, or would."""
    return any(merge.plan.new_topics for merge in planned.merges) if planned else False


def adopted(planned: ChannelPlan | None) -> list[str]:
    """Return what to report about configurations of others that a run begins to use, or would begin to use."""
    return [
        f"the {merge.desired.platform.name} channel has the configuration {merge.name} already, which is not managed "
        f"by this collection. Only topics are added to it; its role, guardrail and other settings stay"
        for merge in (planned.merges if planned else ())
        if channels.is_foreign(merge) and merge.plan.new_topics
    ]


def foreign(design: AccountDesign) -> list[str]:
    """Return what to report about configurations of others that the targets use."""
    return [
        f"the {platform_of(item).name} channel's configuration {configuration_name(item)} is not managed by this "
        f"collection: its role, guardrail and other settings are not checked"
        for item in _configurations(design)
        if not is_managed(item)
    ]


def channel_arns(design: AccountDesign) -> list[str]:
    """Return the ARNs of the configurations of the channels."""
    return [item["ChatConfigurationArn"] for item in _configurations(design)]


def of_notifications(channel_arn: str, found: Iterable[NotificationConfiguration]) -> list[str]:
    """Return what to report about configurations of AWS User Notifications that send findings to a channel."""
    return [
        f"AWS User Notifications ({item['name']}) send events of Security Hub to the same channel, so findings "
        f"may arrive twice. If that is not needed, run: aws notifications disassociate-channel --region us-east-1 "
        f"--arn {channel_arn} --notification-configuration-arn {item['arn']}"
        for item in found
    ]


def other_topics(design: AccountDesign) -> list[str]:
    """Return the ARNs of topics of the account that the channels hear too: neither ours, nor those of the template.

    Those of another deployment are among them, whatever its name, such as one that forwards the findings of the other
    hub. A topic of ours has the same name in a region that another inventory has.
    """
    listed = {arn for item in _configurations(design) for arn in item.get("SnsTopicArns", [])}
    targets = (*design.targets, *design.others)
    own = {arn.rpartition(":")[2] for target in targets for arn in live_topics(target, design.account)}
    return sorted(
        arn
        for arn in listed
        if arn.split(":")[4] == design.account.id and arn.rpartition(":")[2] not in own and not _is_of_template(arn)
    )


def of_rules(topic: str, rules: Mapping[str, str]) -> list[str]:
    """Return what to report about the rules, names with event patterns, that send Security Hub findings to a topic."""
    region = topic.split(":")[3]
    return [
        f"the rule {name} in {region} sends events of Security Hub to the topic {topic.rpartition(':')[2]}, which the "
        f"same channel hears, so findings may arrive twice. If it is not needed, run: aws events disable-rule "
        f"--region {region} --name {name}"
        for name, pattern in sorted(rules.items())
        if f'"{SOURCE}"' in pattern
    ]


def _configurations(design: AccountDesign) -> Iterator[Configuration]:
    """Yield the configurations of the channels that the account's targets feed."""
    fed = {
        route.channel
        for target in (*design.targets, *design.others)
        if target.settings.present
        for route in target.settings.routes
    }
    for configuration in design.snapshot.configurations:
        if any(same_channel(configuration, channel) for channel in fed):
            yield configuration


def _is_of_template(arn: str) -> bool:
    return bool(TOPIC_OF_TEMPLATE.match(arn.rpartition(":")[2]))
