# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test findings that a canary sends through a target: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._routing.fields import SEVERITIES
from .._routing.matcher import matches
from .._routing.simulation import event_of

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from .._pipeline.desired import Account
    from .._routing.simulation import Rule

NAME = "secops.securityhub canary"
GENERATOR = "secops.securityhub/canary"
TITLE = "TEST, please ignore: the canary of secops.securityhub"
DESCRIPTION = (
    "Nothing is wrong. The Ansible collection secops.securityhub has sent this finding to prove that findings of this "
    "region arrive, and archives it at once."
)


@dataclass(frozen=True)
class Place:
    """Where a test finding comes from; *bus*: the region in which it is sent on, its own or the home region."""

    account: Account
    region: str
    bus: str


@dataclass(frozen=True)
class Specimen:
    """A test finding, its event, and the names of the topics that it has to reach."""

    finding: dict[str, Any]
    event: dict[str, Any]
    topics: tuple[str, ...]

    @property
    def id(self) -> str:
        """Return the finding's id."""
        return str(self.finding["Id"])

    @property
    def severity(self) -> str:
        """Return the finding's severity."""
        return str(self.finding["Severity"]["Label"])


def specimens(place: Place, rules: Iterable[Rule], identifier: str, now: datetime.datetime) -> tuple[Specimen, ...]:
    """Return the fewest, and mildest, test findings of a place that reach every topic that any would reach.

    Mostly one; two channels that take different severities need one each.
    """
    candidates = [_specimen(finding(place, identifier, severity, now), place, rules) for severity in SEVERITIES]
    missing = {topic for candidate in candidates for topic in candidate.topics}
    chosen = []
    while missing:
        best = max(candidates, key=lambda item: len(missing.intersection(item.topics)))
        chosen.append(best)
        missing -= set(best.topics)
    return tuple(chosen)


def _specimen(found: dict[str, Any], place: Place, rules: Iterable[Rule]) -> Specimen:
    # Security Hub fills in the region itself.
    event = event_of({**found, "Region": place.region}, place.account.id, place.bus)
    topics = dict.fromkeys(rule.route for rule in rules if matches(rule.pattern, event))
    return Specimen(found, event, tuple(topics))


def finding(place: Place, identifier: str, severity: str, now: datetime.datetime) -> dict[str, Any]:
    """Return a finding of the account's own default product, which nobody can take for a real one.

    https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
    """
    account, region = place.account, place.region
    time = timestamp(now)
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"{GENERATOR}/{identifier}/{severity.lower()}",
        "ProductArn": product_arn(account, region),
        "ProductName": NAME,
        "CompanyName": "secops.securityhub",
        "GeneratorId": GENERATOR,
        "AwsAccountId": account.id,
        "CreatedAt": time,
        "UpdatedAt": time,
        "Sample": True,
        "Severity": {"Label": severity},
        "Title": TITLE,
        "Description": DESCRIPTION,
        "Types": ["Software and Configuration Checks/Test"],
        "Remediation": {"Recommendation": {"Text": "There is nothing to do."}},
        "Resources": [{"Type": "Other", "Id": NAME, "Partition": account.partition, "Region": region}],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    }


def product_arn(account: Account, region: str) -> str:
    """Return the ARN of the product under which an account imports findings of its own."""
    return f"arn:{account.partition}:securityhub:{region}:{account.id}:product/{account.id}/default"


def filters(account: Account, region: str) -> dict[str, Any]:
    """Return what finds the test findings of a region that nobody has archived, as AwsSecurityFindingFilters."""
    wanted = {
        "ProductArn": product_arn(account, region),
        "GeneratorId": GENERATOR,
        "AwsAccountId": account.id,
        "RecordState": "ACTIVE",
    }
    return {name: [{"Value": value, "Comparison": "EQUALS"}] for name, value in wanted.items()}


# What BatchImportFindings takes of what GetFindings gives: the rest is Security Hub's own, or other people's.
IMPORTABLE = (
    *("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "Severity", "Title"),
    *("Description", "Types", "Resources", "ProductName", "CompanyName", "Sample", "Remediation"),
)


def archived(found: dict[str, Any], now: datetime.datetime) -> dict[str, Any]:
    """Return the finding as it is to be left behind."""
    kept = {name: found[name] for name in IMPORTABLE if name in found}
    return {**kept, "UpdatedAt": timestamp(now), "RecordState": "ARCHIVED"}


def timestamp(moment: datetime.datetime) -> str:
    """Return a time as findings have it: RFC 3339 in UTC, with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
