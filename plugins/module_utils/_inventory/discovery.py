# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which regions an account has enabled, and whether Security Hub is on there. PRIVATE to the collection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import as_completed
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws.credentials import ATTEMPTS
from .._aws.names import REGION
from .._services import account
from .._services import ec2
from .._services import securityhub
from .._services import sts

try:
    import botocore.exceptions
except ImportError:
    pass  # the plugins report it

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from .._aws.clients import Clients
    from .._aws.credentials import CredentialSource

HUB_ENABLED = "enabled"
HUB_DISABLED = "disabled"
HUB_UNKNOWN = "unknown"

# 100 accounts with 17 regions at 50 ms a call, on 2 cores: 32 threads 3.6 s, 64 2.2 s, 100 2.1 s.
THREADS = 64
# A host that does not exist is tried again for 45 s with the attempts that other calls get.
FEW_ATTEMPTS = 2


@dataclass(frozen=True)
class Hub:
    """Security Hub in one region of an account: HUB_ENABLED, HUB_DISABLED, or HUB_UNKNOWN and why."""

    state: str
    reason: str = ""


@dataclass(frozen=True)
class AccountFacts:
    """What AWS says about an account. *error* (cause and remedy) is empty, or all that is known."""

    account_id: str = ""
    partition: str = ""
    regions: dict[str, Hub] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> AccountFacts:
        """Return what dataclasses.asdict made a dictionary of."""
        return cls(**{**facts, "regions": {region: Hub(**hub) for region, hub in facts["regions"].items()}})

    def regions_with_hub(self) -> list[str]:
        """Return the regions where Security Hub is on, sorted."""
        return sorted(region for region, hub in self.regions.items() if hub.state == HUB_ENABLED)


@dataclass(frozen=True)
class Search:
    """An account to look at: whose credentials, and which of its regions are of interest."""

    source: CredentialSource
    wants: Callable[[str], bool]


def every_region(_region: str) -> bool:
    """Want each region that the account has."""
    return True


def discover(aws: Clients, source: CredentialSource, wants: Callable[[str], bool] = every_region) -> AccountFacts:
    """Return the facts of one account: its enabled regions that *wants* accepts, each with the state of its hub.

    Only regions that have Security Hub. What AWS refuses is in the facts, nothing is raised for it.
    """
    return discover_all(aws, [Search(source, wants)])[0]


def discover_all(aws: Clients, searches: list[Search]) -> list[AccountFacts]:
    """Return the facts of each search, in order; all accounts and regions are asked at once."""
    known = aws.available_regions("securityhub")
    with ThreadPoolExecutor(THREADS) as pool:
        looks = {pool.submit(_open, aws, search): search.source for search in searches}
        hubs = {}
        # An account's regions are asked as soon as they are known, whatever the other accounts take.
        for look in as_completed(looks):
            hubs[look] = {
                region: pool.submit(_hub, aws, looks[look], region, region in known) for region in look.result().regions
            }
        return [_facts(look.result(), hubs[look]) for look in looks]


@dataclass(frozen=True)
class _Opened:
    account_id: str = ""
    partition: str = ""
    regions: tuple[str, ...] = ()
    error: str = ""


def _open(aws: Clients, search: Search) -> _Opened:
    source = search.source
    try:
        identity = aws.call(source, aws.home_region(source), "sts", sts.get_caller_identity)
        enabled = enabled_regions(aws, source)
    except errors.failures() as error:
        return _Opened(error=errors.explain(error))
    partition = identity["Arn"].split(":")[1]
    # A region's name becomes part of host and group names, so nothing else is accepted.
    wanted = sorted(region for region in enabled if REGION.fullmatch(region) and search.wants(region))
    return _Opened(identity["Account"], partition, tuple(wanted))


def enabled_regions(aws: Clients, source: CredentialSource) -> list[str]:
    """Return the regions that the account has enabled: one call, two if the first is denied."""
    home = aws.home_region(source)
    try:
        return aws.call(source, home, "account", account.list_enabled_regions, attempts=FEW_ATTEMPTS)
    except errors.failures():
        # Denied, or a partition without that service: EC2 knows the same.
        return aws.call(source, home, "ec2", ec2.list_enabled_regions)


def _hub(aws: Clients, source: CredentialSource, region: str, known: bool) -> Hub | None:
    """Return the hub's state, or None where Security Hub does not exist.

    A region younger than this botocore is asked too: AWS adds regions faster than people upgrade. It has no Security
    Hub if there is no host to ask.
    """
    attempts = ATTEMPTS if known else FEW_ATTEMPTS
    try:
        aws.call(source, region, "securityhub", securityhub.describe_hub, attempts=attempts)
    except botocore.exceptions.EndpointConnectionError as error:
        return Hub(HUB_UNKNOWN, errors.explain(error)) if known else None
    except securityhub.HubNotEnabled:
        return Hub(HUB_DISABLED)
    except errors.failures() as error:
        if errors.code(error) == "InvalidAccessException":
            return Hub(HUB_DISABLED)
        return Hub(HUB_UNKNOWN, errors.explain(error))
    return Hub(HUB_ENABLED)


def _facts(opened: _Opened, hubs: dict[str, Future[Hub | None]]) -> AccountFacts:
    states = {region: hub.result() for region, hub in hubs.items()}
    found = {region: hub for region, hub in states.items() if hub is not None}
    return AccountFacts(opened.account_id, opened.partition, found, opened.error)
