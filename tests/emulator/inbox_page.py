# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inbox as a web page that looks like Slack: channels, threads, and buttons that work."""

from __future__ import annotations

import html
import json
from collections import Counter
from pathlib import Path
from string import Template
from urllib.parse import quote

from inbox import Inbox
from slack_markup import rendered

TEMPLATE = Template((Path(__file__).parent / "inbox.html").read_text(encoding="utf-8"))
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")
EMPTY = '<p class="nothing">No message has arrived here yet.</p>'


def page(inbox: Inbox, channel: str | None, workspaces: dict[str, str], channels: dict[str, str]) -> str:
    """Return the page of one channel, or of all. workspaces: team ID -> name; channels: ID -> name."""
    shown = inbox.in_channel(channel)
    used = sorted({workspaces.get(message["workspace"], message["workspace"]) for message in inbox.messages})
    return TEMPLATE.substitute(
        workspace=html.escape(", ".join(used or workspaces.values()) or "No workspace"),
        channels=_channels(inbox.messages, channel, channels),
        heading=html.escape(f"# {channels.get(channel, channel)}" if channel else "All channels"),
        summary=html.escape(_summary(shown)),
        messages="".join(_thread(thread, channels, named=not channel) for thread in _threads(shown)) or EMPTY,
    )


def _channels(messages: list[dict], current: str | None, names: dict[str, str]) -> str:
    counts = Counter(message["channel"] for message in messages)
    links = [("/", "All channels", len(messages), current is None)]
    links += [
        (f"/?channel={quote(found)}", f"# {names.get(found, found)}", counts[found], found == current)
        for found in sorted({*counts, *names})
    ]
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


def _threads(messages: list[dict]) -> list[list[dict]]:
    """Return the messages of each thread, the first of which the others reply to."""
    found: dict[tuple, list[dict]] = {}
    for message in messages:
        key = (message["channel"], message["thread"] or message["n"])
        found.setdefault(key, []).append(message)
    return list(found.values())


def _thread(messages: list[dict], channels: dict[str, str], named: bool) -> str:
    """Return the first message, with the others and the answers to buttons below it. named: show the channel."""
    first, *later = messages
    posted = [(message["time"], _card(message)) for message in later]
    posted += [(reply["time"], _reply(reply)) for message in messages for reply in message["replies"]]
    replies = "".join(f'<div class="reply">{_who(time)}{shown}</div>' for time, shown in sorted(posted))
    count = f"{len(posted)} repl{'y' if len(posted) == 1 else 'ies'}"
    thread = f'<section class="thread" aria-label="Thread"><p>{count}</p>{replies}</section>' if posted else ""
    name = f"# {channels.get(first['channel'], first['channel'])}" if named else ""
    return (
        f'<article><div class="face" aria-hidden="true">Q</div><div class="body">'
        f"{_who(first['time'], name)}{_card(first)}{thread}</div></article>"
    )


def _who(time: str, where: str = "") -> str:
    shown = f' <span class="where">{html.escape(where)}</span>' if where else ""
    return (
        f'<span class="who">Amazon Q</span> <span class="app">APP</span> '
        f'<time datetime="{html.escape(time)}">{html.escape(time[11:19])} UTC</time>{shown}'
    )


def _reply(reply: dict) -> str:
    outcome = "ran" if reply["status"] == 200 else "could not run"
    return (
        f"<p>@you pressed <b>{html.escape(reply['button'])}</b>. I {outcome} the command:</p>"
        f"<pre>{html.escape(json.dumps(reply['answer'], indent=2))}</pre>"
    )


def _buttons(message: dict) -> str:
    shown = "".join(
        f'<button type="button" data-message="{message["n"]}">{html.escape(text)}</button>'
        for text in message["buttons"]
    )
    return f'<div class="buttons">{shown}</div>' if shown else ""


def _card(message: dict) -> str:
    severity = message["severity"] if message["severity"] in SEVERITIES else "none"
    label = f'<span class="label">{severity}</span> ' if severity != "none" else ""
    text = {name: html.escape(str(value)) for name, value in message.items()}
    origin = ""
    if message["finding_region"] not in ("", message["region"]):
        origin = f"<span>found in {text['finding_region']}</span>"
    notified = "".join(f"<span>notifies {html.escape(name)}</span>" for name in message["mentions"])
    show = rendered if message["markup"] else html.escape
    return (
        f'<div class="card {severity}"><h3>{label}<span class="region">{text["region"]}</span> '
        f"{show(message['title'])}</h3><p>{show(message['text'])}</p>{_buttons(message)}"
        f"<footer><span>#{text['n']}</span><span>account {text['account']}</span>{origin}{notified}"
        f"<span>{text['detail_type']}</span></footer><footer><code>{text['finding_id']}</code></footer></div>"
    )
