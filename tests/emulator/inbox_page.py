# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inbox as a web page: messages in order, each with its region."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path
from string import Template
from urllib.parse import quote

from inbox import Inbox

TEMPLATE = Template((Path(__file__).parent / "inbox.html").read_text(encoding="utf-8"))
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
EMPTY = '<p class="nothing">No message has arrived here yet.</p>'


def page(inbox: Inbox, channel: str | None, workspaces: dict[str, str]) -> str:
    """Return the page of one channel, or of all. workspaces: team id -> name."""
    shown = inbox.in_channel(channel)
    names = sorted({workspaces.get(message["workspace"], message["workspace"]) for message in inbox.messages})
    return TEMPLATE.substitute(
        workspace=html.escape(", ".join(names or workspaces.values()) or "No workspace"),
        channels=_channels(inbox.messages, channel),
        heading=html.escape(f"# {channel}" if channel else "All channels"),
        summary=html.escape(_summary(shown)),
        messages="".join(map(_article, shown)) or EMPTY,
    )


def _channels(messages: list[dict], current: str | None) -> str:
    counts = Counter(message["channel"] for message in messages)
    links = [("/", "All channels", len(messages), current is None)]
    links += [(f"/?channel={quote(name)}", f"# {name}", counts[name], name == current) for name in sorted(counts)]
    return "".join(
        f'<a href="{html.escape(address)}"{" aria-current=page" if chosen else ""}>'
        f"<span>{html.escape(name)}</span><small>{count}</small></a>"
        for address, name, count, chosen in links
    )


def _summary(messages: list[dict]) -> str:
    if not messages:
        return "Waiting for the first message"
    regions = len({message["region"] for message in messages})
    counts = Counter(message["severity"] for message in messages)
    parts = [f"{counts[name]} {name.lower()}" for name in SEVERITIES if counts[name]]
    total = f"{len(messages)} message{'s' if len(messages) > 1 else ''}"
    return f"{total} from {regions} region{'s' if regions > 1 else ''}" + (f": {', '.join(parts)}" if parts else "")


def _buttons(texts: list[str]) -> str:
    shown = "".join(f"<span>{html.escape(text)}</span>" for text in texts)
    return f'<div class="buttons">{shown}</div>' if shown else ""


def _article(message: dict) -> str:
    severity = message["severity"] if message["severity"] in SEVERITIES else "none"
    label = f'<span class="label">{severity}</span> ' if severity != "none" else ""
    text = {name: html.escape(str(value)) for name, value in message.items()}
    origin = ""
    if message["finding_region"] not in ("", message["region"]):
        origin = f"<span>found in {text['finding_region']}</span>"
    notified = "".join(f"<span>notifies {html.escape(name)}</span>" for name in message["mentions"])
    return (
        f'<article class="{severity}"><div class="face" aria-hidden="true">Q</div><div class="body">'
        f'<span class="who">Amazon Q</span> <span class="app">APP</span> '
        f'<time datetime="{text["time"]}">{text["time"][11:19]} UTC</time> <span class="number">#{text["n"]}</span>'
        f'<div class="card"><h3>{label}<span class="region">{text["region"]}</span> {text["title"]}</h3>'
        f"<p>{text['text']}</p>{_buttons(message['buttons'])}"
        f"<footer><span>account {text['account']}</span>{origin}{notified}"
        f"<span>{text['detail_type']}</span></footer><footer><code>{text['finding_id']}</code></footer>"
        f"</div></div></article>"
    )
