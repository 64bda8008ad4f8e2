# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts that an inventory file names, and what it says about their regions: pure. PRIVATE to the collection."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from typing import Any

from .._aws import credentials
from .._aws.credentials import ROLE_ARN
from .._aws.credentials import SESSION_NAME
from .._aws.credentials import CredentialSource

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS_OF_ENVIRONMENT = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID")
EVERY_REGION = "enabled"
# What --limit reads as an operator or a wildcard cannot be in a host's name.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
NAMES_OF_ANSIBLE = ("all", "ungrouped")
PATTERN = re.compile(r"[a-z0-9*?\[\]!-]+")
TEXTS = ("name", "profile", "role_arn", "external_id", "session_name", "endpoint_url")
LISTS = ("regions", "exclude")
DICTIONARIES = ("variables", "region_variables")
NOT_IN_GROUP_NAMES = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class Layer:
    """Variables of one level of the file: for all its regions, and for those that a name or pattern matches."""

    variables: dict[str, Any] = field(default_factory=dict)
    region_variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def variables_in(self, region: str) -> dict[str, Any]:
        """Return the variables of *region*; of several patterns that match it, the later one wins."""
        found = dict(self.variables)
        for pattern, variables in self.region_variables.items():
            if fnmatchcase(region, pattern):
                found.update(variables or {})
        return found


@dataclass(frozen=True)
class Account:
    """One entry of the file; *name* is empty for the only account of a file that does not name it."""

    name: str = ""
    source: CredentialSource = field(default_factory=CredentialSource)
    regions: tuple[str, ...] = (EVERY_REGION,)
    exclude: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()

    def wants(self, region: str) -> bool:
        """Tell whether the file asks for *region*, if the account has it."""
        return any(_matches(region, pattern) for pattern in self.regions) and not self._excludes(region)

    def variables_in(self, region: str) -> dict[str, Any]:
        """Return what the file sets for *region*: the account beats the file, in each the region beats the rest."""
        found: dict[str, Any] = {}
        for layer in self.layers:
            found.update(layer.variables_in(region))
        return found

    def unmatched(self, regions: list[str]) -> list[str]:
        """Return the patterns that ask for none of *regions*."""
        return [pattern for pattern in self.regions if not any(_matches(region, pattern) for region in regions)]

    def search_key(self, environment: Mapping[str, str]) -> str:
        """Return a text that is the same for the same question to AWS, and tells nothing of what is in it."""
        source = self.source
        # Not the session's name, which is only what CloudTrail shows.
        asked = [source.profile, source.role_arn, source.external_id, source.endpoint_url, self.regions, self.exclude]
        # Without a profile the environment says whose regions these are.
        whose = [] if source.profile else [environment.get(name, "") for name in CREDENTIALS_OF_ENVIRONMENT]
        return hashlib.sha256(json.dumps([asked, whose]).encode()).hexdigest()

    def _excludes(self, region: str) -> bool:
        return any(fnmatchcase(region, pattern) for pattern in self.exclude)


def _matches(region: str, pattern: str) -> bool:
    return pattern == EVERY_REGION or fnmatchcase(region, pattern)


def accounts_of(options: dict[str, Any]) -> list[Account]:
    """Return the accounts of a file in which *problems* found nothing."""
    return [_account(entry, options) for entry in options["accounts"]]


def _account(entry: dict[str, Any], options: dict[str, Any]) -> Account:
    def text(key: str) -> str:
        return str(entry.get(key) or "")

    return Account(
        name=text("name"),
        source=CredentialSource(
            text("profile"),
            text("role_arn"),
            text("external_id"),
            text("endpoint_url") or str(options.get("endpoint_url") or ""),
            text("session_name") or SESSION_NAME,
        ),
        regions=_patterns(entry.get("regions"), options["regions"], EVERY_REGION),
        exclude=_patterns(entry.get("exclude"), options["exclude"], []),
        layers=(_layer(options), _layer(entry)),
    )


def _patterns(*levels: Any) -> tuple[str, ...]:
    """Return the first of *levels* that says something, and be it an empty list."""
    said = next(level for level in levels if level is not None)
    return tuple(_as_list(said))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _layer(level: dict[str, Any]) -> Layer:
    return Layer(level.get("variables") or {}, level.get("region_variables") or {})


def group_of(prefix: str, value: str) -> str:
    """Return a group's name for *value*, in the characters that Ansible allows there."""
    return f"{prefix}_{NOT_IN_GROUP_NAMES.sub('_', value)}"


def problems(options: dict[str, Any]) -> list[str]:
    """Return what is wrong with the file, each as a sentence with its remedy.

    *options* has the keys accounts, regions, exclude, variables, region_variables and endpoint_url.
    """
    entries = options["accounts"]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return ["accounts must be a list with a dictionary for each account, such as - name: prod"]
    found = _level_problems("the file", options)
    for number, entry in enumerate(entries, 1):
        found += _account_problems(f"account {entry.get('name') or number}", entry)
    return found or _name_problems(entries)


def _account_problems(where: str, entry: dict[str, Any]) -> list[str]:
    known = (*TEXTS, *LISTS, *DICTIONARIES)
    found = [
        f"{where} has {key!r}, which is none of {', '.join(known)}: correct it, or move it into variables"
        for key in entry
        if key not in known
    ]
    found += [
        f"{key} of {where} is {entry[key]!r}, which is no text: put it in quotes"
        for key in TEXTS
        if entry.get(key) is not None and not isinstance(entry[key], str)
    ]
    return found or [*_identity_problems(where, entry), *_level_problems(where, entry)]


def _identity_problems(where: str, entry: dict[str, Any]) -> list[str]:
    found = []
    name = entry.get("name") or ""
    if name in NAMES_OF_ANSIBLE or (name and not NAME.fullmatch(name)):
        found.append(
            f"{name!r} cannot be the name of an account: use letters, digits, hyphens, underscores and dots, "
            f"and neither all nor ungrouped, which are groups of Ansible's own"
        )
    return found + _role_problems(where, entry)


def _role_problems(where: str, entry: dict[str, Any]) -> list[str]:
    role_arn = entry.get("role_arn") or ""
    if not role_arn:
        return [
            f"{where} has {what} but no role_arn: add the role that {verb} it, or take it out"
            for key, what, verb in (
                ("external_id", "an external_id", "asks for"),
                ("session_name", "a session_name", "is assumed with"),
            )
            if entry.get(key)
        ]
    if not ROLE_ARN.fullmatch(role_arn):
        return [
            f"role_arn of {where} is {role_arn!r}, which is no ARN of a role: write it as "
            f"arn:aws:iam::111111111111:role/name"
        ]
    source = CredentialSource(
        external_id=entry.get("external_id") or "", session_name=entry.get("session_name") or SESSION_NAME
    )
    return credentials.problems(source, f"session_name of {where}", f"external_id of {where}")


def _level_problems(where: str, level: dict[str, Any]) -> list[str]:
    return [
        *[problem for key in LISTS for problem in _pattern_problems(f"{key} of {where}", level.get(key))],
        *_variable_problems(f"variables of {where}", level.get("variables")),
        *_region_variable_problems(f"region_variables of {where}", level.get("region_variables")),
    ]


def _pattern_problems(what: str, patterns: Any) -> list[str]:
    if patterns is None:
        return []
    return [
        f"{what} holds {pattern!r}, which is neither a region nor a pattern: write eu-west-1, eu-*, or enabled for all"
        for pattern in _as_list(patterns)
        if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern)
    ]


def _variable_problems(what: str, variables: Any) -> list[str]:
    if variables is None or isinstance(variables, dict):
        return []
    return [f"{what} is no dictionary: write each variable as name: value"]


def _region_variable_problems(what: str, regions: Any) -> list[str]:
    if regions is None:
        return []
    if not isinstance(regions, dict):
        return [f"{what} is no dictionary: write each region as its name, and its variables below it"]
    return [
        *_pattern_problems(what, list(regions)),
        *[problem for region, given in regions.items() for problem in _variable_problems(f"{region} in {what}", given)],
    ]


def _name_problems(entries: list[dict[str, Any]]) -> list[str]:
    names = [entry.get("name") or "" for entry in entries]
    if len(names) > 1 and not all(names):
        return [f"account {names.index('') + 1} has no name: with several accounts each needs one, for its hosts"]
    found = []
    groups: dict[str, str] = {}
    for name in names:
        first = groups.setdefault(group_of("account", name), name)
        if names.count(name) > 1:
            found.append(f"two accounts have the name {name!r}: give each one of its own")
        elif first != name:
            found.append(f"the accounts {first!r} and {name!r} would share one group: rename one of them")
    return list(dict.fromkeys(found))
