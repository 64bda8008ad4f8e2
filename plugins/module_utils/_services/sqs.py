# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQS: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

from .refusals import accepted
from .refusals import existing

Attributes = dict[str, str]


def get_queue_attributes(client: Any, url: str) -> Attributes | None:
    """Return the attributes of the queue (Policy is a JSON text, ApproximateNumberOfMessages a number), or None."""
    missing = client.exceptions.QueueDoesNotExist
    return existing(lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"], missing)


def attributes_of(client: Any, name: str) -> Attributes | None:
    """Return the attributes of the queue of this name, or None: two calls."""
    url = existing(lambda: client.get_queue_url(QueueName=name)["QueueUrl"], client.exceptions.QueueDoesNotExist)
    return get_queue_attributes(client, url) if url else None


def create_queue(client: Any, name: str, attributes: Attributes, tags: dict[str, str]) -> str:
    """Create the queue, and return its URL; SQS refuses the name of a queue that was deleted within the last minute."""
    return str(client.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"])


def set_queue_attributes(client: Any, url: str, attributes: Attributes) -> None:
    """Set attributes of the queue, such as Policy (a JSON text)."""
    client.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def list_queues(client: Any, prefix: str) -> list[str]:
    """Return the URLs of the queues whose names begin with *prefix*; those created a minute ago may be missing."""
    pages = client.get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
    return [url for page in pages for url in page.get("QueueUrls", [])]


def receive_messages(client: Any, url: str, seconds: int) -> list[str] | None:
    """Return the bodies of up to ten messages, waiting up to *seconds* (20 at most) for the first.

    Return None if the queue is missing. A queue that was just created may not be visible everywhere yet.
    """
    answer = existing(
        lambda: client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=seconds),
        client.exceptions.QueueDoesNotExist,
    )
    return None if answer is None else [message["Body"] for message in answer.get("Messages", [])]


def delete_queue(client: Any, url: str) -> bool:
    """Delete the queue with all its messages; return False if there was none."""
    return accepted(client.delete_queue, client.exceptions.QueueDoesNotExist, QueueUrl=url)
