# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else a Slack channel hears, so that findings may arrive twice: pure. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._channel.platforms import SLACK
from .._channel.transformations import configuration_name
from .._model import playbooks
from .._resource.operation import Operation
from . import channel as channels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping

    from .._channel.transformations import Configuration
    from .._model.plan import AccountDesign
    from .._model.plan import ChannelPlan

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


def adopted(planned: ChannelPlan | None) -> list[str]:
    """Return what to report about configurations of others that a run begins to use, or would begin to use."""
    found = []
    for merge in planned.merges if planned else ():
        before, after = (set((state or {}).get("SnsTopicArns", [])) for state in (merge.plan.before, merge.plan.after))
        if not channels.is_foreign(merge) or merge.plan.operation == Operation.NONE or not after - before:
            continue
        others = sorted(arn for arn in before if arn not in merge.desired.add_topics)
        text = (
            f"the Slack channel has the configuration {merge.name} already, which is not managed by this collection. "
            f"Only topics are added to it; its role, guardrail and other settings stay"
        )
        if others:
            text += (
                f". It also hears {others[0]}"
                + (f" and {len(others) - 1} more" if len(others) > 1 else "")
                + ". If a rule sends Security Hub findings there, they arrive twice. To see its rules, run: aws events "
                f"list-rule-names-by-target --region {others[0].split(':')[3]} --target-arn {others[0]}"
            )
        found.append(text)
    return found


def other_topics(design: AccountDesign) -> list[str]:
    """Return the ARNs of topics of the account that the channels hear too: neither ours, nor those of the template."""
    listed = {arn for item in _configurations(design) for arn in item.get("SnsTopicArns", [])}
    own = f":{design.settings.name}"
    return sorted(
        arn for arn in listed if arn.split(":")[4] == design.account.id and own not in arn and not _is_of_template(arn)
    )


def of_rules(topic: str, rules: Mapping[str, str]) -> list[str]:
    """Return what to report about the rules, names with event patterns, that send Security Hub findings to a topic."""
    region = topic.split(":")[3]
    return [
        f"the rule {name} in {region} sends events of Security Hub to the topic {topic.rpartition(':')[2]}, which the "
        f"same Slack channel hears, so findings may arrive twice. If it is not needed, run: aws events disable-rule "
        f"--region {region} --name {name}"
        for name, pattern in sorted(rules.items())
        if '"aws.securityhub"' in pattern
    ]


def _configurations(design: AccountDesign) -> Iterator[Configuration]:
    """Yield the configurations of the Slack channels that the account's targets feed."""
    fed = {
        (route.channel.workspace_id, route.channel.channel_id)
        for target in (*design.targets, *design.others)
        if target.settings.present
        for route in target.settings.routes
    }
    for configuration in design.snapshot.configurations:
        if (configuration[SLACK.team_id], configuration[SLACK.channel_id]) in fed:
            yield configuration


def _is_of_template(arn: str) -> bool:
    return bool(TOPIC_OF_TEMPLATE.match(arn.rpartition(":")[2]))
