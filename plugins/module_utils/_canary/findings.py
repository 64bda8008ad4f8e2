# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test findings that a canary sends through a target: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._routing.fields import SEVERITIES
from .._routing.matcher import matches
from .._routing.simulation import event_of

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from collections.abc import Sequence

    from .._model.account import Account
    from .._resource.shapes import Json
    from .._routing.simulation import Rule

NAME = "secops.securityhub canary"
GENERATOR = "secops.securityhub/canary"
TITLE = "TEST, please ignore: the canary of secops.securityhub"
DESCRIPTION = (
    "Nothing is wrong. The Ansible collection secops.securityhub imported this finding to prove that findings of this "
    "region reach the channel. It archives the finding as soon as the test ends."
)


@dataclass(frozen=True)
class TestFinding:
    """A test finding (ASFF) with its Id and severity, its event, and the names of the topics that it must reach."""

    id: str
    severity: str
    asff: Json
    event: Json
    topics: tuple[str, ...]


def choose(
    account: Account,
    region: str,
    forwarding_region: str,
    rules: Sequence[Rule],
    shown: Callable[[Json], Json],
    identifier: str,
    now: datetime.datetime,
) -> tuple[TestFinding, ...]:
    """Return the fewest test findings, of the lowest severities, that reach every topic that any test finding reaches.

    Usually one is enough. Two channels without a severity in common need one each. *forwarding_region*: the region
    whose *rules* forward the findings of *region*: the same or the home region. *shown*: returns a finding as its event
    has it.
    """
    candidates = []
    for severity in SEVERITIES:
        asff = finding(account, region, identifier, severity, now)
        # Security Hub adds the region itself.
        event = event_of(shown({**asff, "Region": region}), account.id, forwarding_region)
        topics = dict.fromkeys(rule.topic for rule in rules if matches(rule.pattern, event))
        candidates.append(TestFinding(str(asff["Id"]), severity, asff, event, tuple(topics)))
    missing = {topic for candidate in candidates for topic in candidate.topics}
    chosen = []
    while missing:
        best = max(candidates, key=lambda item: len(missing.intersection(item.topics)))
        chosen.append(best)
        missing -= set(best.topics)
    return tuple(chosen)


def finding(account: Account, region: str, identifier: str, severity: str, now: datetime.datetime) -> Json:
    """Return a finding (ASFF) of the account's own default product that cannot be mistaken for a real one.

    https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
    """
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
    """Return the ARN of the product under which an account imports its own findings."""
    return f"arn:{account.partition}:securityhub:{region}:{account.id}:product/{account.id}/default"


def active_filters(account: Account, region: str) -> Json:
    """Return the AwsSecurityFindingFilters of the test findings of a region that are not archived."""
    values = {
        "ProductArn": product_arn(account, region),
        "GeneratorId": GENERATOR,
        "AwsAccountId": account.id,
        "RecordState": "ACTIVE",
    }
    return {name: [{"Value": value, "Comparison": "EQUALS"}] for name, value in values.items()}


# The members returned by GetFindings that BatchImportFindings accepts. Security Hub and its users own the others.
IMPORTABLE = (
    *("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "Severity", "Title"),
    *("Description", "Types", "Resources", "ProductName", "CompanyName", "Sample", "Remediation"),
)


def archived(asff: Json, now: datetime.datetime) -> Json:
    """Return the finding in its archived state."""
    kept = {name: asff[name] for name in IMPORTABLE if name in asff}
    return {**kept, "UpdatedAt": timestamp(now), "RecordState": "ARCHIVED"}


def timestamp(moment: datetime.datetime) -> str:
    """Return a time in the format of ASFF: RFC 3339 in UTC, with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
