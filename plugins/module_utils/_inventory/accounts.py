# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of an inventory file, with their regions and variables: pure. PRIVATE to the collection."""

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
from .._aws.similar import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

# Environment variables that decide the account: where profiles are defined and where calls go, and, without a profile,
# which credentials sign (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
CONFIGURATION = ("HOME", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL")
CREDENTIALS = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
)
EVERY_REGION = "enabled"
# Host names cannot have characters that --limit reads as operators or wildcards.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
RESERVED_NAMES = ("all", "ungrouped")
PATTERN = re.compile(r"[a-z0-9*?\[\]!-]+")
TEXTS = ("name", "profile", "role_arn", "external_id", "session_name", "endpoint_url")
LISTS = ("regions", "exclude")
DICTIONARIES = ("variables", "region_variables")
NOT_IN_GROUP_NAMES = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class Layer:
    """Variables of the file or of one account: for all regions, and for those that match a name or pattern."""

    variables: dict[str, Any] = field(default_factory=dict)
    region_variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def variables_in(self, region: str) -> dict[str, Any]:
        """Return the variables of *region*; if several patterns match it, the later one wins."""
        merged = dict(self.variables)
        for pattern, variables in self.region_variables.items():
            if fnmatchcase(region, pattern):
                merged.update(variables or {})
        return merged


@dataclass(frozen=True)
class Account:
    """One entry of the file. *name*: empty if the file has a single account without a name."""

    name: str = ""
    source: CredentialSource = field(default_factory=CredentialSource)
    regions: tuple[str, ...] = (EVERY_REGION,)
    exclude: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()

    def wants(self, region: str) -> bool:
        """Return whether the file asks for *region*."""
        excluded = any(fnmatchcase(region, pattern) for pattern in self.exclude)
        return not excluded and any(_matches(region, pattern) for pattern in self.regions)

    def variables_in(self, region: str) -> dict[str, Any]:
        """Return the variables of *region*: the account overrides the file, and in both the region overrides others."""
        merged: dict[str, Any] = {}
        for layer in self.layers:
            merged.update(layer.variables_in(region))
        return merged

    def unmatched(self, regions: list[str]) -> list[str]:
        """Return the patterns that match none of *regions*."""
        return [pattern for pattern in self.regions if not any(_matches(region, pattern) for region in regions)]

    def cache_key(self, environment: Mapping[str, str]) -> str:
        """Return a hash of everything that decides which regions AWS returns, and of no secret."""
        source = self.source
        # The role decides the account, so the external ID does not matter; the session name is only for CloudTrail.
        file = [source.profile, source.role_arn, source.endpoint_url, self.regions, self.exclude]
        names = CONFIGURATION if source.profile else (*CONFIGURATION, *CREDENTIALS)
        variables = [environment.get(name, "") for name in names]
        return hashlib.sha256(json.dumps([file, variables]).encode()).hexdigest()


def _matches(region: str, pattern: str) -> bool:
    return pattern == EVERY_REGION or fnmatchcase(region, pattern)


def accounts_of(options: dict[str, Any]) -> list[Account]:
    """Return the accounts of a file for which *problems* returns nothing."""
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


def _patterns(of_account: Any, of_file: Any, default: Any) -> tuple[str, ...]:
    """Return the patterns of the account, of the file, or the default; an empty list counts as set."""
    return tuple(_as_list(next(patterns for patterns in (of_account, of_file, default) if patterns is not None)))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _layer(level: dict[str, Any]) -> Layer:
    return Layer(level.get("variables") or {}, level.get("region_variables") or {})


def group_of(prefix: str, value: str) -> str:
    """Return the name of the group for *value*, with the characters that Ansible allows."""
    return f"{prefix}_{NOT_IN_GROUP_NAMES.sub('_', value)}"


def problems(options: dict[str, Any]) -> list[str]:
    """Return what is wrong with the file, each with its fix. Values that may have an external ID are never included.

    *options*: as in the file, with the keys accounts, regions, exclude, variables, region_variables and endpoint_url.
    """
    entries = options.get("accounts", [{}])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return ["accounts is not a list of dictionaries. Write one for each account, for example: - name: prod"]
    found = [*_text_problems("the file", options), *_level_problems("the file", options)]
    for number, entry in enumerate(entries, 1):
        found += _account_problems(f"account {entry.get('name') or number}", entry)
    return found or _name_problems(entries)


def _account_problems(owner: str, entry: dict[str, Any]) -> list[str]:
    known = (*TEXTS, *LISTS, *DICTIONARIES)
    found = [
        f"{owner} has the unknown key {key!r}. Use one of {', '.join(known)}, or move it into variables."
        f"{did_you_mean(str(key), known)}"
        for key in entry
        if key not in known
    ]
    found += _text_problems(owner, entry)
    if found:
        return found
    name = entry.get("name") or ""
    if name in RESERVED_NAMES or (name and not NAME.fullmatch(name)):
        found.append(
            f"{name!r} is not a valid account name. Use letters, digits, hyphens, underscores and dots, but not the "
            f"names all and ungrouped, which are groups of Ansible."
        )
    return [*found, *_role_problems(owner, entry), *_level_problems(owner, entry)]


def _text_problems(owner: str, level: dict[str, Any]) -> list[str]:
    return [
        f"{key} of {owner} is not a string. Put it in quotes."
        for key in TEXTS
        if level.get(key) is not None and not isinstance(level[key], str)
    ]


def _role_problems(owner: str, entry: dict[str, Any]) -> list[str]:
    role_arn = entry.get("role_arn") or ""
    if not role_arn:
        unused = [key for key in ("external_id", "session_name") if entry.get(key)]
        return [f"{owner} has {key} but no role_arn. Add the role_arn, or remove {key}." for key in unused]
    if not ROLE_ARN.fullmatch(role_arn):
        return [
            f"role_arn of {owner} is {role_arn!r}, which is not the ARN of a role. "
            f"Write it as arn:aws:iam::111111111111:role/name."
        ]
    source = CredentialSource(
        external_id=entry.get("external_id") or "", session_name=entry.get("session_name") or SESSION_NAME
    )
    return credentials.problems(source, f"session_name of {owner}", f"external_id of {owner}")


def _level_problems(owner: str, level: dict[str, Any]) -> list[str]:
    return [
        *[problem for key in LISTS for problem in _pattern_problems(f"{key} of {owner}", level.get(key))],
        *_variable_problems(f"variables of {owner}", level.get("variables")),
        *_region_variable_problems(f"region_variables of {owner}", level.get("region_variables")),
    ]


def _pattern_problems(option: str, patterns: Any) -> list[str]:
    if patterns is None:
        return []
    wrong = [
        repr(pattern) if isinstance(pattern, str) else "a value that is not a string"
        for pattern in _as_list(patterns)
        if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern)
    ]
    return [
        f"{option} has {shown}, which is neither a region nor a pattern. Write eu-west-1, eu-*, or enabled for all."
        for shown in wrong
    ]


def _variable_problems(option: str, variables: Any) -> list[str]:
    if variables is None or isinstance(variables, dict):
        return []
    return [f"{option} is not a dictionary. Write each variable as name: value."]


def _region_variable_problems(option: str, regions: Any) -> list[str]:
    if regions is None:
        return []
    if not isinstance(regions, dict):
        return [f"{option} is not a dictionary. Write the name of each region with its variables below it."]
    return [
        *_pattern_problems(option, list(regions)),
        *[
            problem
            for region, variables in regions.items()
            for problem in _variable_problems(f"{region} in {option}", variables)
        ],
    ]


def _name_problems(entries: list[dict[str, Any]]) -> list[str]:
    names = [entry.get("name") or "" for entry in entries]
    if len(names) > 1 and not all(names):
        return [f"account {names.index('') + 1} has no name. Name each account if there are several."]
    found = []
    groups: dict[str, str] = {}
    for name in names:
        first = groups.setdefault(group_of("account", name), name)
        if names.count(name) > 1:
            found.append(f"Several accounts are named {name!r}. Give each account a different name.")
        elif first != name:
            found.append(f"The accounts {first!r} and {name!r} would share a group. Rename one of them.")
    return list(dict.fromkeys(found))
