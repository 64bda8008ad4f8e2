# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions that an account has enabled, and whether Security Hub is enabled there. PRIVATE to the collection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import as_completed
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
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
    from botocore.exceptions import EndpointConnectionError
except ImportError:
    pass  # the plugins report it

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._aws.credentials import CredentialSource

HUB_ENABLED = "enabled"
HUB_DISABLED = "disabled"
HUB_UNKNOWN = "unknown"

# 100 accounts with 17 regions at 50 ms a call, on 2 cores: 32 threads 3.6 s, 64 2.2 s, 100 2.1 s.
THREADS = 64
# With the default number of attempts, a host that does not exist would be retried for 45 s.
FEW_ATTEMPTS = 2


@dataclass(frozen=True)
class Hub:
    """Security Hub in one region of an account: HUB_ENABLED, HUB_DISABLED, or HUB_UNKNOWN with the reason."""

    state: str
    reason: str = ""


@dataclass(frozen=True)
class AccountFacts:
    """The ID, partition and regions of an account, or only the *error* (with its fix) that prevented reading them."""

    account_id: str = ""
    partition: str = ""
    regions: dict[str, Hub] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> AccountFacts:
        """Return the facts from the result of dataclasses.asdict."""
        return cls(**{**facts, "regions": {region: Hub(**hub) for region, hub in facts["regions"].items()}})

    def regions_with_hub(self) -> list[str]:
        """Return the regions in which Security Hub is enabled, sorted."""
        return sorted(region for region, hub in self.regions.items() if hub.state == HUB_ENABLED)


@dataclass(frozen=True)
class Search:
    """The account that *source* signs in to. *wants*: returns whether a region is of interest."""

    source: CredentialSource
    wants: Callable[[str], bool] = lambda _region: True


def discover(aws: Clients, searches: list[Search]) -> list[AccountFacts]:
    """Return the facts of each search, in order. Errors of AWS are in the facts; nothing is raised for them.

    *regions* of the facts has the enabled regions that the search wants and that have Security Hub. All accounts and
    regions are read in parallel: three calls for each account, and one for each region.
    """
    known = aws.available_regions("securityhub")
    with ThreadPoolExecutor(THREADS) as pool:
        accounts = {pool.submit(_account, aws, search): search for search in searches}
        hubs = {}
        # The regions of an account are read as soon as they are known, however long other accounts take.
        for future in as_completed(accounts):
            source, (_facts, regions) = accounts[future].source, future.result()
            hubs[future] = {region: pool.submit(_hub, aws, source, region, region in known) for region in regions}
        facts = []
        for future in accounts:
            states = {region: hub.result() for region, hub in hubs[future].items()}
            found = {region: hub for region, hub in states.items() if hub is not None}
            facts.append(replace(future.result()[0], regions=found))
        return facts


def _account(aws: Clients, search: Search) -> tuple[AccountFacts, list[str]]:
    """Return the facts of an account without its regions, and the names of those that the search wants."""
    source = search.source
    try:
        identity = aws.call(source, aws.home_region(source), "sts", sts.get_caller_identity)
        enabled = enabled_regions(aws, source)
    except errors.failures() as error:
        return AccountFacts(error=errors.explain(error)), []
    # Region names become part of host and group names, so nothing else is accepted as one.
    wanted = sorted(region for region in enabled if REGION.fullmatch(region) and search.wants(region))
    return AccountFacts(identity["Account"], identity["Arn"].split(":")[1]), wanted


def enabled_regions(aws: Clients, source: CredentialSource) -> list[str]:
    """Return the regions that the account has enabled: one call, or two if the first is denied."""
    home = aws.home_region(source)
    try:
        return aws.call(source, home, "account", account.list_enabled_regions, attempts=FEW_ATTEMPTS)
    except errors.failures():
        # The call is denied, or the partition does not have the service.
        return aws.call(source, home, "ec2", ec2.describe_regions)


def _hub(aws: Clients, source: CredentialSource, region: str, known: bool) -> Hub | None:
    """Return the state of Security Hub, or None if the region does not have it. *known*: to this botocore.

    Regions that are newer than this botocore are read too. If their host does not exist, they do not have Security Hub.
    """
    attempts = ATTEMPTS if known else FEW_ATTEMPTS
    try:
        aws.call(source, region, "securityhub", securityhub.describe_hub, attempts=attempts)
    except securityhub.HubNotEnabled:
        return Hub(HUB_DISABLED)
    except EndpointConnectionError as error:
        return Hub(HUB_UNKNOWN, errors.explain(error)) if known else None
    except errors.failures() as error:
        return Hub(HUB_UNKNOWN, errors.explain(error))
    return Hub(HUB_ENABLED)
