# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inbox as a page to look at."""

from __future__ import annotations

import html

from inbox import Inbox


def page(inbox: Inbox) -> str:
    """The page of all messages."""
    rows = "".join(
        f"<li>{html.escape(message['region'])} {html.escape(message['title'])}" for message in inbox.messages
    )
    return f"<!doctype html><title>Inbox</title><ol>{rows}</ol>"
