# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of Amazon Q's deliveries, by channel configuration. PRIVATE to the collection.

https://docs.aws.amazon.com/chatbot/latest/adminguide/monitoring-cloudwatch.html
"""

from __future__ import annotations

from .._services.cloudwatch import Metric

REGION = "us-east-1"  # wherever the topics are
NAMESPACE = "AWS/Chatbot"
DIMENSION = "ConfigurationName"
DELIVERED = "MessageDeliverySuccess"
FAILED = "MessageDeliveryFailure"
UNSUPPORTED = "UnsupportedEvents"
THROTTLED = "EventsThrottled"
ALL = (DELIVERED, FAILED, UNSUPPORTED, THROTTLED)


def of_configuration(name: str) -> list[Metric]:
    """Return the metrics of a channel configuration."""
    return [Metric(NAMESPACE, metric, DIMENSION, name) for metric in ALL]
