# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest as a custom notification of Amazon Q Developer in chat applications: pure. PRIVATE to the collection.

Whoever can import a finding chooses the names in it, and Slack obeys what a text holds: links, mentions of a whole
channel, markup. So names stand as code, without what would end that or begin anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._channel import message
from .._pipeline.differences import few_of
from .._pipeline.report import count

if TYPE_CHECKING:
    from .counts import Counts
    from .counts import Most

EVENT_TYPE = "Security Hub digest"
# Of a name are shown so many characters, of which the last tell more than the first: most are ARNs. All of them and
# what stands around them stay below the 3,000 characters that Slack takes in a block of text
# (https://docs.slack.dev/reference/block-kit/blocks/section-block).
LONGEST_NAME = 100
FIRST_OF_A_NAME = 40
# Slack's signs for what is more than text, and the one that ends code.
SIGNS = "<>&`"


def notification(account: str, name: str, said: list[str], look_in: str) -> dict[str, Any]:
    """Return what is published: *said* of an account that the inventory calls *name* ('' where it has no name).

    *look_in*: the region in whose console most of the findings are, '' where there are none.
    """
    title = f"{EVENT_TYPE}: account {account}" + (f" ({_plain(name)})" if name else "")
    console = message.CONSOLE.replace("<hub>", look_in)
    content: dict[str, Any] = {"title": title, "description": "\n".join(said)}
    if look_in:
        content["nextSteps"] = [f"Look at them in {look_in}: {console}/home?region={look_in}#/findings"]
    return message.custom(content, {"summary": title, "eventType": EVENT_TYPE})


def lines(found: Counts, days: int, regions: list[str], home: str, missing: list[str]) -> list[str]:
    """Return what is said of *found*, in Slack's markup.

    *days*: how long a finding is new. *regions*: those that were counted. *home*: that of them which others feed, ''
    without one. *missing*: names of the targets that could not be counted.
    """
    where = few_of(regions) if len(regions) <= 3 else count(len(regions), "region")
    where += f", with all that feed {home}" if home else ""
    said = [f"*{_severities(found.severities) or 'No finding'}* open in {where}"]
    if found.total:
        said.append(f"New in the last {count(days, 'day')}: {_severities(found.new) or 'none'}")
    if found.oldest_days is not None:
        said.append(f"Oldest {found.gravest}: {count(found.oldest_days, 'day')}")
    said += [_named(most) for most in found.most if most.of > 1 or (most.of and most.kind in ALWAYS_NAMED)]
    if missing:
        said.append(f"*Not counted*: {few_of([_code(name) for name in missing])}, which failed")
    return said


# That all findings are of one region, or of one account, says the rest of the message.
ALWAYS_NAMED = ("Controls", "Resources")


def _severities(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {severity}" for severity, number in numbers.items())


def _named(most: Most) -> str:
    named = ", ".join(f"{_code(name)} ({number:,})" for name, number in most.named)
    more = most.of - len(most.named)
    return f"{most.kind}: {named}" + (f" and {more:,} more" if more else "")


def _code(name: str) -> str:
    if len(name) > LONGEST_NAME:
        name = f"{name[:FIRST_OF_A_NAME]}...{name[FIRST_OF_A_NAME + 3 - LONGEST_NAME :]}"
    return f"`{_plain(name)}`"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() and char not in SIGNS else "?" for char in text)
