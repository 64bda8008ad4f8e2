# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all AWS services have in common in the shapes of their requests and answers. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any
from typing import TypedDict

# An object of JSON that code takes apart without knowing its keys, or only passes on: a template or a part of it, a
# policy, a finding, an event pattern, members of a request.
Json = dict[str, Any]
Statement = dict[str, Any]  # of a policy


class Tag(TypedDict):
    """A tag, as most services shape it."""

    Key: str
    Value: str


class ChatbotTag(TypedDict):
    """A tag, as Chatbot shapes it."""

    TagKey: str
    TagValue: str
