# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels that choose accounts by what AWS Organizations says about them: pure. PRIVATE to the collection.

A run reads the organization and puts the accounts into ``account_ids`` of these channels before anything else looks at
them, so that a moved account changes event patterns in the same way as a changed inventory does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import Final
from typing import Literal
from typing import TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping

    from .._resource.shapes import Json

NAME_PREFIXES: Final = "account_name_prefixes"
UNITS: Final = "organizational_unit_ids"
TAGS: Final = "account_tags"
SELECTORS: tuple[Literal["account_name_prefixes", "organizational_unit_ids", "account_tags"], ...] = (
    NAME_PREFIXES,
    UNITS,
    TAGS,
)
# https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html and API_Root.html
UNIT = re.compile(r"(ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}|r-[0-9a-z]{4,32})\Z")


class Channel(TypedDict, total=False):
    """An entry of securityhub_slack_channels; name is always present. Other keys are those of a policy."""

    name: str
    channel_id: str
    channel_name: str
    team_id: str
    tenant_id: str
    other_accounts: bool
    account_ids: list[str]
    account_name_prefixes: list[str]
    organizational_unit_ids: list[str]
    account_tags: dict[str, Any]
    suppressions: list[Json]


@dataclass(frozen=True)
class Directory:
    """What AWS Organizations says, as far as channels ask for it.

    *names*: of all accounts, by ID. *units*: the IDs of the accounts in each organizational unit and the units below
    it. *tags*: of all accounts, by ID.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def asks(channel: Channel) -> bool:
    """Return whether a channel chooses accounts by what AWS Organizations says."""
    return any(channel.get(name) for name in SELECTORS)


def units_of(channels: Iterable[Channel]) -> tuple[str, ...]:
    """Return the organizational units that channels name."""
    return tuple(dict.fromkeys(unit for channel in channels for unit in channel.get(UNITS) or []))


def with_accounts(channels: Iterable[Channel], directory: Directory) -> list[Channel]:
    """Return the channels with the accounts that they choose in their ``account_ids``."""
    return [_with_accounts(channel, directory) if asks(channel) else channel for channel in channels]


def _with_accounts(channel: Channel, directory: Directory) -> Channel:
    account_ids = sorted({*(channel.get("account_ids") or []), *_chosen(channel, directory)})
    resolved: Channel = {**channel, "account_ids": account_ids}
    for key in SELECTORS:
        resolved.pop(key, None)
    return resolved


def unmatched(channels: Iterable[Channel], directory: Directory) -> list[str]:
    """Return a problem for each channel that would get no findings, or those of every account."""
    return [
        f"no account of the organization is chosen by the channel {channel['name']!r} in securityhub_slack_channels "
        f"({', '.join(name for name in SELECTORS if channel.get(name))}). Correct it, or remove the channel."
        for channel in channels
        if asks(channel) and not _chosen(channel, directory) and not channel.get("account_ids")
    ]


def _chosen(channel: Channel, directory: Directory) -> set[str]:
    prefixes = tuple(channel.get(NAME_PREFIXES) or [])
    chosen = {account for account, name in directory.names.items() if name.startswith(prefixes)} if prefixes else set()
    for unit in channel.get(UNITS) or []:
        chosen |= directory.units[unit]
    wanted = [(str(key), _texts(values)) for key, values in (channel.get(TAGS) or {}).items()]
    if wanted:
        chosen |= {
            account
            for account, tags in directory.tags.items()
            if all(key in tags and tags[key] in values for key, values in wanted)
        }
    return chosen


def problems(channels: Iterable[Channel]) -> list[str]:
    """Return what is wrong with how channels choose accounts, each as a sentence with its remedy."""
    return [f"the channel {channel['name']!r} has {problem}" for channel in channels for problem in _problems(channel)]


def _problems(channel: Channel) -> list[str]:
    found = []
    if "" in (channel.get(NAME_PREFIXES) or []):
        found.append(f"an empty text in {NAME_PREFIXES}, with which every account name begins. Remove it.")
    found += [
        f"{unit!r} in {UNITS}. Use the ID of an organizational unit (ou-...) or of a root (r-...)."
        for unit in channel.get(UNITS) or []
        if not UNIT.match(str(unit))
    ]
    return found + [
        f"no value for the tag {key!r} in {TAGS}. Set a value or a list of values."
        for key, values in (channel.get(TAGS) or {}).items()
        if not _texts(values)
    ]


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(map(str, given if isinstance(given, list) else [] if given is None else [given]))
