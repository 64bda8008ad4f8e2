# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQS: one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``sqs`` and lets botocore's errors through.
"""

from __future__ import annotations

from typing import Any

Attributes = dict[str, str]


def get_queue_attributes(client: Any, url: str) -> Attributes | None:
    """Return the attributes of the queue (Policy is a JSON text, ApproximateNumberOfMessages a number), or None."""
    try:
        attributes: Attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    except client.exceptions.QueueDoesNotExist:
        return None
    return attributes


def create_queue(client: Any, name: str, attributes: Attributes, tags: dict[str, str]) -> None:
    """Create the queue; SQS refuses the name of one that was deleted within the last minute."""
    client.create_queue(QueueName=name, Attributes=attributes, tags=tags)


def set_queue_attributes(client: Any, url: str, attributes: Attributes) -> None:
    """Set attributes of the queue, as Policy (a JSON text)."""
    client.set_queue_attributes(QueueUrl=url, Attributes=attributes)
