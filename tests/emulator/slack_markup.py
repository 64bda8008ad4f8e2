# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom Slack notifies about a text in its markup, and which links in it say something else than where they lead.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re

MENTION = re.compile(r"<(!(?:channel|here|everyone)|!subteam\^\w+|@[UW]\w+)(?:\|[^<>]*)?>")
LABELED_LINK = re.compile(r"<((?:https?://|mailto:)[^<>|]+)\|[^<>]*>")


def mentions(text: str) -> list[str]:
    """Return the mentions that notify people, such as !channel, @U012AB3CD and !subteam^SAZ94GDB8."""
    return MENTION.findall(text)


def labeled_links(text: str) -> list[str]:
    """Return the addresses of the links that are shown under another text."""
    return LABELED_LINK.findall(text)
