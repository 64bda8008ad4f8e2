# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slack's markup: how a text looks, whom it notifies, and which links say something else than where they lead.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import html
import re

MENTION = re.compile(r"<(!(?:channel|here|everyone)|!subteam\^\w+|@[UW]\w+)(?:\|[^<>]*)?>")
LABELED_LINK = re.compile(r"<((?:https?://|mailto:)[^<>|]+)\|[^<>]*>")


def mentions(text: str) -> list[str]:
    """Return the mentions that notify people, such as !channel, @U012AB3CD and !subteam^SAZ94GDB8."""
    return MENTION.findall(text)


def labeled_links(text: str) -> list[str]:
    """Return the addresses of the links that are shown under another text."""
    return LABELED_LINK.findall(text)


# A block of code, code, something in angle brackets, or a bare address, in which no other markup counts.
TOKEN = re.compile(
    r"```(?P<block>.+?)```|`(?P<code>[^`\n]+)`|<(?P<target>[^<>|\s]+)(?:\|(?P<label>[^<>]*))?>|(?P<url>https?://[^\s<>|]+)",
    re.DOTALL,
)
STYLES = {"*": "b", "_": "i", "~": "s"}
STYLED = re.compile(r"(?<![\w*_~])(?P<mark>[*_~])(?P<text>\S(?:[^\n]*?\S)?)(?P=mark)(?![\w*_~])")
ADDRESS = re.compile(r"https?://|mailto:")
ESCAPES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
TOKEN_MARK = "\0"


def rendered(text: str) -> str:
    """Return a text in Slack's markup as HTML."""
    tokens = [_token(found) for found in TOKEN.finditer(text.replace(TOKEN_MARK, ""))]
    shown = _styled(_plain(TOKEN.sub(TOKEN_MARK, text.replace(TOKEN_MARK, ""))))
    return re.sub(TOKEN_MARK, lambda _found: tokens.pop(0), shown)


def _styled(text: str) -> str:
    def style(found: re.Match[str]) -> str:
        tag = STYLES[found["mark"]]
        return f"<{tag}>{_styled(found['text'])}</{tag}>"

    return STYLED.sub(style, text)


def _plain(text: str) -> str:
    return html.escape(re.sub("|".join(ESCAPES), lambda found: ESCAPES[found[0]], text))


def _token(found: re.Match[str]) -> str:
    if found["block"] or found["code"]:
        tag = "pre" if found["block"] else "code"
        return f"<{tag}>{_plain(found['block'] or found['code'])}</{tag}>"
    target, label = found["target"] or found["url"], found["label"]
    if ADDRESS.match(target):
        shown = _plain(label or target.removeprefix("mailto:"))
        return f'<a href="{_plain(target)}" target="_blank" rel="noreferrer">{shown}</a>'
    if MENTION.fullmatch(found[0]):
        name = label or target.rpartition("^")[2].lstrip("!@")
        return f'<span class="mention">@{_plain(name.lstrip("@"))}</span>'
    return _plain(found[0])
