# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS User Notifications, which has one endpoint, in us-east-1: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any
from typing import TypedDict

REGION = "us-east-1"


class NotificationConfiguration(TypedDict):
    """A notification configuration, with the keys that are used here."""

    arn: str
    name: str


def configurations_for(client: Any, source: str, channel_arn: str) -> list[NotificationConfiguration]:
    """Return the notification configurations that send events of *source* to a configuration of Amazon Q."""
    pages = client.get_paginator("list_notification_configurations")
    found = pages.paginate(eventRuleSource=source, channelArn=channel_arn)
    return [item for page in found for item in page["notificationConfigurations"]]
