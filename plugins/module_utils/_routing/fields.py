# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a finding's facts stand in the two schemas of Security Hub, and what they are called there: pure data.

ASFF: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html. OCSF: the fields that
Security Hub's API knows (botocore's model of GetFindingsV2: OcsfStringField, OcsfMapField). PRIVATE to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import controls
from .conditions import Condition
from .conditions import any_of
from .conditions import exactly
from .conditions import none_of

# The keys from one element of detail.findings down to the field.
Path = tuple[str, ...]

# From the mildest to the gravest.
SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")


# The ends of product ARNs, which say product/<company>/<product>, and productv2/... in the new Security Hub.
GUARDDUTY_ARN = "/aws/guardduty"
ACCESS_ANALYZER_ARN = "/aws/access-analyzer"


@dataclass(frozen=True)
class Fields:
    """One schema: paths of the fields that routing looks at, and the values it asks for."""

    detail_type: str
    severity: Path
    labels: Mapping[str, tuple[str, ...]]
    states: tuple[tuple[Path, Condition], ...]
    state_names: Mapping[Path, str]
    compliance: Path
    open_compliance: tuple[str, ...]
    control: Path
    account: Path
    region: Path
    product: Path
    title: Path
    resource_id: Path
    resource_type: Path
    resource_tags: Path | None
    called_service: Path
    global_resource_types: tuple[str, ...]

    def optional(self, path: Path) -> bool:
        """Return whether a finding may come without the field."""
        return path in (self.control, self.compliance, self.called_service) or self.is_tag(path)

    def is_tag(self, path: Path) -> bool:
        """Return whether *path* is that of a resource's tag."""
        tags = self.resource_tags
        return tags is not None and path[: len(tags)] == tags

    def subject(self, path: Path) -> Path:
        """Return *path*, but for a tag that of the resource's id, which stands beside every tag in a pattern."""
        return self.resource_id if self.is_tag(path) else path

    def single(self, path: Path) -> bool:
        """Return whether a finding has at most one value there (not one for each resource)."""
        return path in (self.region, self.account, self.product, self.control)


CSPM = Fields(
    detail_type="Security Hub Findings - Imported",
    severity=("Severity", "Label"),
    labels={label: (label,) for label in SEVERITIES},
    states=(
        (("RecordState",), any_of(["ACTIVE"])),
        (("Workflow", "Status"), any_of(["NEW"])),
    ),
    state_names={("RecordState",): "record state", ("Workflow", "Status"): "workflow status"},
    compliance=("Compliance", "Status"),
    open_compliance=("FAILED", "WARNING"),
    control=("Compliance", "SecurityControlId"),
    account=("AwsAccountId",),
    region=("Region",),
    product=("ProductArn",),
    title=("Title",),
    resource_id=("Resources", "Id"),
    resource_type=("Resources", "Type"),
    resource_tags=("Resources", "Tags"),
    called_service=("Action", "AwsApiCallAction", "ServiceName"),
    global_resource_types=controls.GLOBAL_RESOURCE_TYPES,
)

V2 = Fields(
    detail_type="Findings Imported V2",
    severity=("severity",),
    # OCSF knows something graver than Critical, which is never to be missed.
    labels={**{label: (label.capitalize(),) for label in SEVERITIES}, "CRITICAL": ("Critical", "Fatal")},
    states=(
        # "Security Hub considers findings with activity_name != Close as active"
        # (https://docs.aws.amazon.com/securityhub/latest/userguide/ocsf-findings.html)
        (("activity_name",), none_of(exactly(["Close"]), absent=True)),
        (("status",), any_of(["New"])),
    ),
    state_names={("activity_name",): "activity", ("status",): "status"},
    compliance=("compliance", "status"),
    open_compliance=("Fail", "Warning"),
    control=("compliance", "control"),
    account=("cloud", "account", "uid"),
    region=("cloud", "region"),
    product=("metadata", "product", "uid"),
    title=("finding_info", "title"),
    resource_id=("resources", "uid"),
    resource_type=("resources", "type"),
    # OCSF lists tags as name and value, and a pattern cannot say that a list has no such pair.
    resource_tags=None,
    called_service=("evidences", "api", "service", "name"),
    global_resource_types=(*controls.GLOBAL_RESOURCE_TYPES, "AWS::IAM::Role", "AWS::IAM::User"),
)

BY_SCHEMA = {"asff": CSPM, "ocsf": V2}
