# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an acceptance run would create and cost, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.secops.securityhub.tests.acceptance import commands
from ansible_collections.secops.securityhub.tests.acceptance.settings import Settings
from ansible_collections.secops.securityhub.tests.acceptance.trials import TRIALS

POLL_SECONDS = 15
METRICS_A_POLL = 12  # rules, topics and channel of three regions
WAITS = 5  # of the canary, and of the trials that publish to the channel
# USD, list prices of us-east-1, November 2026: https://aws.amazon.com/cloudwatch/pricing/
PRICE_OF_A_METRIC = 0.01 / 1000  # requested by GetMetricData


def lines(settings: Settings, patience: float) -> Iterator[str]:
    """Yield the lines of a dry run, without the plan of the playbook."""
    name, tiny = settings.prefix, settings.tiny_prefix
    chosen, left_out = commands.integration_targets(settings)
    yield "Created by the deployment, and removed in the end:"
    yield f"  in {', '.join(settings.regions)}: stack {name} (topic, rules), custom action {name}"
    yield f"  global: channel configuration {name}, role {name}-channel, policy {name}-channel-guardrail"
    yield "  while the canary runs: a queue and its subscription in each region"
    yield f"Created in {settings.regions[0]} to ask AWS about {len(TRIALS)} assumptions, and deleted after each:"
    yield f"  topics, queues, rules, roles and stacks whose names begin with {name}-"
    yield f"  changes of the channel configuration {name}, which are undone"
    yield f"Created by the integration targets {', '.join(chosen)}, and deleted by them:"
    yield f"  custom action, channel configurations and roles whose names begin with {tiny}"
    if settings.region_without_hub:
        yield f"  Security Hub CSPM in {settings.region_without_hub}, which begins its free trial there"
    for target, reason in left_out.items():
        yield f"Left out: {target}: {reason}."
    yield "What stays:"
    yield f"  up to {len(settings.regions) + 5} archived test findings, which Security Hub deletes within 90 days"
    yield "  the role AWSServiceRoleForAWSChatbot, which AWS creates with the first channel configuration of an account"
    yield f"Messages in {settings.channel_id}: {len(settings.regions)} canaries, up to 4 others, all marked TEST."
    metrics = patience / POLL_SECONDS * METRICS_A_POLL * WAITS
    yield (
        f"Cost: at most {metrics * PRICE_OF_A_METRIC:.2f} USD for {metrics:.0f} metrics of GetMetricData. Some events, "
        "notifications, requests and findings cost less than a cent. Stacks, rules, roles and Amazon Q Developer in "
        "chat applications are free of charge."
    )
