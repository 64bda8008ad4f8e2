# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory hosts of accounts: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from typing import Any

from .._aws.credentials import SESSION_NAME
from .accounts import group_of
from .discovery import HUB_UNKNOWN

if TYPE_CHECKING:
    from .accounts import Account
    from .discovery import AccountFacts
    from .discovery import Hub

# Host name of an account that could not be read, if it is the only account of a file and has no name.
UNNAMED = "account"
# Has all hosts, so that a playbook can tell them from the machines of a mixed inventory.
GROUP = "securityhub"


@dataclass(frozen=True)
class Host:
    """One inventory host: a region of an account, or an account that could not be read."""

    name: str
    groups: tuple[str, ...]
    variables: dict[str, Any]


def hosts_of(account: Account, facts: AccountFacts) -> list[Host]:
    """Return a host for each region, or a single host with the error."""
    if facts.error:
        return [_failed(account, facts)]
    return [_region_host(account, facts, region, hub) for region, hub in sorted(facts.regions.items())]


def _failed(account: Account, facts: AccountFacts) -> Host:
    own_group = (group_of("account", account.name),) if account.name else ()
    return Host(
        name=account.name or UNNAMED,
        groups=(GROUP, *own_group, group_of("hub", HUB_UNKNOWN)),
        variables={
            **account.variables_in(""),
            **_source_variables(account),
            "__securityhub_slack_account_error": facts.error,
            "securityhub_hub": HUB_UNKNOWN,
            "securityhub_hub_reason": facts.error,
        },
    )


def _region_host(account: Account, facts: AccountFacts, region: str, hub: Hub) -> Host:
    return Host(
        name=f"{account.name}.{region}" if account.name else region,
        groups=(
            GROUP,
            group_of("account", account.name or facts.account_id),
            group_of("region", region),
            group_of("partition", facts.partition),
            group_of("hub", hub.state),
        ),
        variables={
            **account.variables_in(region),
            **_source_variables(account),
            "securityhub_slack_region": region,
            "securityhub_account_id": facts.account_id,
            "securityhub_partition": facts.partition,
            "securityhub_hub": hub.state,
            "securityhub_hub_reason": hub.reason,
        },
    )


def _source_variables(account: Account) -> dict[str, str]:
    source = account.source
    given = {
        "securityhub_slack_profile": source.profile,
        "securityhub_slack_role_arn": source.role_arn,
        "securityhub_slack_external_id": source.external_id,
        "securityhub_slack_session_name": source.session_name if source.session_name != SESSION_NAME else "",
        "securityhub_slack_endpoint_url": source.endpoint_url,
    }
    return {name: value for name, value in given.items() if value}


def warnings(accounts: list[Account], facts: list[AccountFacts], known_regions: frozenset[str]) -> list[str]:
    """Return the warnings about the file, each as a sentence.

    *facts*: in the order of *accounts*. *known_regions*: the regions that botocore knows.
    """
    pairs = list(zip(accounts, facts))
    return [
        *[warning for account, found in pairs for warning in _account_warnings(account, found)],
        *_unknown_regions(pairs, known_regions),
        *_duplicates(pairs),
    ]


def _account_warnings(account: Account, facts: AccountFacts) -> list[str]:
    name = f"account {account.name}" if account.name else "the account"
    if facts.error:
        return [f"{name} ({account.source}) could not be read, and has a single host, which fails: {facts.error}"]
    return [
        f"regions of {name} has {pattern!r}, which matches no region that is enabled in the account, has Security Hub "
        f"and is not excluded. Correct it, or enable the region."
        for pattern in account.unmatched(list(facts.regions))
    ]


def _unknown_regions(pairs: list[tuple[Account, AccountFacts]], known_regions: frozenset[str]) -> list[str]:
    regions = known_regions.union(*[facts.regions for _account, facts in pairs])
    patterns = [pattern for account, _facts in pairs for layer in account.layers for pattern in layer.region_variables]
    return [
        f"region_variables has {pattern!r}, which matches no region that has Security Hub, so that its variables are "
        f"not used. Correct it."
        for pattern in dict.fromkeys(patterns)
        if not any(fnmatchcase(region, pattern) for region in regions)
    ]


def _duplicates(pairs: list[tuple[Account, AccountFacts]]) -> list[str]:
    seen: dict[tuple[str, str], str] = {}
    found = []
    for account, facts in pairs:
        for region in facts.regions:
            first = seen.setdefault((facts.account_id, region), account.name)
            if first != account.name:
                found.append(
                    f"accounts {first} and {account.name} are the same account {facts.account_id}. Remove one of them, "
                    f"or give them different regions."
                )
    return list(dict.fromkeys(found))
