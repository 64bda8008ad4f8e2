# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest as a custom notification of Amazon Q Developer in chat applications: pure. PRIVATE to the collection.

Whoever can import a finding chooses the names in it, and chats interpret markup in a text: links, mentions of a whole
channel, formatting. So names are shown as code, without the characters that would end the code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._channel import message
from .._digest.counts import REGIONS
from .._stack.scheduled_digest import EVENT_TYPE
from .._stack.scheduled_digest import FIRST_OF_A_NAME
from .._stack.scheduled_digest import LINK
from .._stack.scheduled_digest import LONGEST_NAME
from .._stack.scheduled_digest import MARKUP
from .text import count

if TYPE_CHECKING:
    from .._digest.counts import OpenFinding
    from .._digest.counts import Ranking
    from .._digest.digests import Digest
    from .._model.plan import AccountDesign
    from .._resource.shapes import Json

# If all findings are in one region, or one account, the rest of the message shows it.
ALWAYS_RANKED = ("Controls", "Resources")


def notification(digest: Digest, days: int) -> Json:
    """Return what is published; a finding is called new for *days*."""
    name = _account_name(digest.design)
    title = f"{EVENT_TYPE}: account {digest.design.account.id}" + (f" ({_plain(name)})" if name else "")
    content: Json = {"title": title, "description": "\n".join(lines(digest, days))}
    if digest.busiest:
        finding_format = digest.design.settings.value("finding_format")
        link = message.link_to_all(finding_format, digest.busiest)
        steps = [_overdue(finding_format, *item) for item in digest.counts.listed]
        content["nextSteps"] = [*steps, f"View the findings in {digest.busiest}: {link}"]
    return message.custom(content, {"summary": title, "eventType": EVENT_TYPE})


def _account_name(design: AccountDesign) -> str:
    """Return the part before the region that the names of all hosts of the account have in common, or ''."""
    names = {target.host.removesuffix(target.settings.region).rstrip(".") for target in design.targets}
    return names.pop() if len(names) == 1 else ""


def lines(digest: Digest, days: int) -> list[str]:
    """Return the lines of the message, in Slack's markup."""
    found = digest.counts
    regions = sorted(target.settings.region for target in digest.counted)
    where = few_of(regions) if len(regions) <= 3 else count(len(regions), "region")
    where += f", including the regions linked to {digest.home}" if digest.home else ""
    having = next((ranking for ranking in found.rankings if ranking.kind == REGIONS), None)
    if having and not digest.home and 0 < having.of < len(regions):
        share = f"{having.of} of {len(regions)} regions"
        where = share if having.of > len(having.top) else f"{', '.join(name for name, _n in having.top)} ({share})"
    text = [f"*{_severities(found.severities) or 'No finding'}* open in {where}"]
    if found.total:
        new, before = (_severities(numbers) or "none" for numbers in (found.new, found.new_before))
        since = count(days, "day")
        text.append(f"New in the last {since}: {new}; of the {since} before, {before} still open")
    if found.oldest_days is not None:
        text.append(f"Oldest {found.highest}: {count(found.oldest_days, 'day')}")
    limits = digest.design.settings.value("overdue_days")
    if limits and found.total:
        overdue = (f"{n:,} {severity} ({count(limits[severity], 'day')})" for severity, n in found.overdue.items())
        text.append(f"Overdue: {', '.join(overdue) or 'none'}")
    shown = (item for item in found.rankings if item.of > 1 or (item.of and item.kind in ALWAYS_RANKED))
    text += map(_ranking, shown)
    if digest.missing:
        text.append(f"*Not counted* (failed): {few_of([_code(host) for host in digest.missing])}")
    return text


def _overdue(finding_format: str, item: OpenFinding, age: int) -> str:
    link = message.link_to(finding_format, item.region, item.id)
    account = item.account.partition(" ")[0]
    return f"{item.severity} {_code(item.control)}, {count(age, 'day')}, account {account}: {link}"


def _severities(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {severity}" for severity, number in numbers.items())


def _ranking(ranking: Ranking) -> str:
    top = ", ".join(f"{_code(name)} ({number:,})" for name, number in ranking.top)
    more = ranking.of - len(ranking.top)
    return f"{ranking.kind}: {top}" + (f" and {more:,} more" if more else "")


def _code(name: str) -> str:
    if len(name) > LONGEST_NAME:
        name = f"{name[:FIRST_OF_A_NAME]}...{name[FIRST_OF_A_NAME + 3 - LONGEST_NAME :]}"
    return f"`{_plain(name)}`"


def _plain(text: str) -> str:
    safe = "".join(char if char.isprintable() and char not in MARKUP else "?" for char in text)
    return re.sub(LINK, "?", safe, flags=re.IGNORECASE)
