# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SNS: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any


def topic_exists(client: Any, arn: str) -> bool:
    """Tell whether the topic exists."""
    try:
        client.get_topic_attributes(TopicArn=arn)
    except client.exceptions.NotFoundException:
        return False
    return True
