# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of findings that routing reads, in the two finding formats of Security Hub: pure data.

ASFF: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html. OCSF: the fields that
Security Hub's API knows (botocore's model of GetFindingsV2: OcsfStringField, OcsfMapField). PRIVATE to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from .._securityhub import mark as marks
from . import controls
from .conditions import EXACT
from .conditions import PREFIX
from .conditions import TRUE
from .conditions import Condition
from .conditions import Matcher
from .conditions import any_of
from .conditions import none_of

# The keys from an element of detail.findings to the field.
Path = tuple[str, ...]

# From the lowest to the highest.
SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL")

# The ends of product ARNs: product/<company>/<product> in ASFF, productv2/<company>/<product> in OCSF.
GUARDDUTY_ARN = "/aws/guardduty"
ACCESS_ANALYZER_ARN = "/aws/access-analyzer"
INSPECTOR_ARN = "/aws/inspector"


@dataclass(frozen=True)
class Fields:
    """One finding format: paths of the fields that routing reads, and the values it expects.

    states: clauses that hold for findings in a state to be sent. resource_copy: where controls repeat the ID of their
    resource, outside of a list. exploit_available, fix_available: with the condition of findings that do not deny it.
    optional_paths: fields that a finding may lack (tags are optional too). always_present: fields that it never lacks.
    labels_are: how the texts of *labels* match the severity: exactly, or as its prefix.
    """

    detail_type: str
    id: Path
    created: Path
    updated: Path
    severity: Path
    labels: Mapping[str, tuple[str, ...]]
    states: tuple[tuple[tuple[Path, Condition], ...], ...]
    control: Path
    account: Path
    region: Path
    product: Path
    title: Path
    resource_id: Path
    resource_type: Path
    resource_tags: Path | None
    resource_copy: Path | None
    called_service: Path
    global_resource_types: tuple[str, ...]
    epss_score: Path
    exploit_available: tuple[Path, Condition]
    fix_available: tuple[Path, Condition]
    optional_paths: frozenset[Path]
    always_present: tuple[Path, ...]
    labels_are: str = EXACT

    @property
    def is_ocsf(self) -> bool:
        """Return whether the findings are those of the new Security Hub."""
        return self.detail_type == OCSF.detail_type

    def is_optional(self, path: Path) -> bool:
        """Return whether a finding may lack the field."""
        return path in self.optional_paths or self.is_tag(path)

    def is_tag(self, path: Path) -> bool:
        """Return whether *path* is that of a resource's tag."""
        tags = self.resource_tags
        return tags is not None and path[: len(tags)] == tags

    def is_single(self, path: Path) -> bool:
        """Return whether a finding has at most one value there, and not one for each element of a list."""
        return path[0] not in ("Resources", "resources", "evidences") and not self.is_of_vulnerability(path)

    def is_of_vulnerability(self, path: Path) -> bool:
        """Return whether the field is one of a vulnerability."""
        return path[0] == self.epss_score[0]

    def element_marker(self, path: Path) -> Path | None:
        """Return the field that makes event-ruler choose the array element in which it then looks for *path*.

        It asks whether a field is missing from the element that a field before it, in alphabetical order, has chosen,
        and from all elements if there is no such field. None: *path* needs no such field.
        """
        if self.is_tag(path):
            return self.resource_id
        return self.resource_type if path == self.resource_id and self.is_optional(path) else None


ASFF = Fields(
    detail_type="Security Hub Findings - Imported",
    id=("Id",),
    created=("CreatedAt",),
    updated=("UpdatedAt",),
    severity=("Severity", "Label"),
    labels={label: (label,) for label in SEVERITIES},
    states=(
        ((("RecordState",), any_of(["ACTIVE"])),),
        ((("Workflow", "Status"), any_of(["NEW"])),),
        ((("Compliance", "Status"), any_of(["FAILED", "WARNING"], absent=True)),),
    ),
    control=("Compliance", "SecurityControlId"),
    account=("AwsAccountId",),
    region=("Region",),
    product=("ProductArn",),
    title=("Title",),
    resource_id=("Resources", "Id"),
    resource_type=("Resources", "Type"),
    resource_tags=("Resources", "Tags"),
    # https://docs.aws.amazon.com/securityhub/latest/userguide/sample-control-findings.html
    resource_copy=("ProductFields", "Resources:0/Id"),
    called_service=("Action", "AwsApiCallAction", "ServiceName"),
    global_resource_types=controls.GLOBAL_RESOURCE_TYPES,
    epss_score=("Vulnerabilities", "EpssScore"),
    # PARTIAL: a fix is available for some of the packages.
    exploit_available=(("Vulnerabilities", "ExploitAvailable"), none_of(["NO"], absent=True)),
    fix_available=(("Vulnerabilities", "FixAvailable"), none_of(["NO"], absent=True)),
    optional_paths=frozenset(
        {
            ("Compliance", "Status"),
            ("Compliance", "SecurityControlId"),
            ("ProductFields", "Resources:0/Id"),
            ("Action", "AwsApiCallAction", "ServiceName"),
        }
    ),
    # "Required top-level ASFF attributes",
    # https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html
    always_present=(("SchemaVersion",), ("Id",), ("GeneratorId",), ("CreatedAt",), ("UpdatedAt",), ("Description",)),
)

# A pattern cannot say that a boolean is not false.
IS_TRUE = Condition(frozenset({Matcher(TRUE, "true")}), absent=True)

OCSF = Fields(
    detail_type="Findings Imported V2",
    id=("finding_info", "uid"),
    created=("finding_info", "created_time_dt"),
    updated=("finding_info", "modified_time_dt"),
    severity=("severity",),
    # OCSF has Fatal above Critical.
    labels={**{label: (label.capitalize(),) for label in SEVERITIES}, "CRITICAL": ("Critical", "Fatal")},
    states=(
        # "Security Hub considers findings with activity_name != Close as active"
        # (https://docs.aws.amazon.com/securityhub/latest/userguide/ocsf-findings.html)
        ((("activity_name",), none_of(["Close"], absent=True)),),
        ((("status",), any_of(["New"])),),
        ((("compliance", "status"), any_of(["Fail", "Warning"], absent=True)),),
    ),
    control=("compliance", "control"),
    account=("cloud", "account", "uid"),
    region=("cloud", "region"),
    product=("metadata", "product", "uid"),
    title=("finding_info", "title"),
    resource_id=("resources", "uid"),
    resource_type=("resources", "type"),
    # OCSF lists tags as name and value, and a pattern cannot say that a list has no such pair.
    resource_tags=None,
    resource_copy=None,
    called_service=("evidences", "api", "service", "name"),
    global_resource_types=(*controls.GLOBAL_RESOURCE_TYPES, "AWS::IAM::Role", "AWS::IAM::User"),
    epss_score=("vulnerabilities", "cve", "epss", "score"),
    exploit_available=(("vulnerabilities", "is_exploit_available"), IS_TRUE),
    fix_available=(("vulnerabilities", "is_fix_available"), IS_TRUE),
    optional_paths=frozenset(
        {
            ("activity_name",),
            ("compliance", "status"),
            ("compliance", "control"),
            ("evidences", "api", "service", "name"),
            ("metadata", "product", "uid"),
            ("finding_info", "title"),
            ("resources", "uid"),
            ("resources", "type"),
        }
    ),
    # Security Hub identifies a finding by the first two, and every OCSF class requires the others:
    # https://schema.ocsf.io/classes/base_event
    always_present=(
        ("finding_info", "uid"),
        ("metadata", "uid"),
        ("class_uid",),
        ("type_uid",),
        ("category_uid",),
        ("severity_id",),
    ),
)

BY_FORMAT = {"asff": ASFF, "ocsf": OCSF}


def ended(mark: str, finding_format: str) -> Fields:
    """Return the fields of findings that were sent and are over.

    The user-defined field *mark*, or a comment about *mark*, begins with the severity that they were sent with: a
    control that passes is RESOLVED, and then its severity is INFORMATIONAL.
    """
    of_format = BY_FORMAT[finding_format]
    labels = {
        label: tuple(marks.sent(mark, text, ocsf=of_format.is_ocsf) for text in texts)
        for label, texts in of_format.labels.items()
    }
    if of_format.is_ocsf:
        closed = (
            (("activity_name",), any_of(["Close"])),
            (("compliance", "status"), any_of(["Pass"])),
            (("status",), any_of(["Archived", "Resolved", "Suppressed"])),
        )
        return replace(OCSF, severity=("comment",), labels=labels, labels_are=PREFIX, states=(closed,))
    over = (
        (("RecordState",), any_of(["ARCHIVED"])),
        (("Workflow", "Status"), any_of(["RESOLVED", "SUPPRESSED"])),
    )
    return replace(ASFF, severity=("UserDefinedFields", mark), labels=labels, labels_are=PREFIX, states=(over,))


def format_of(finding: Mapping[str, Any]) -> Fields:
    """Return the format of *finding*: OCSF has finding_info, ASFF has not."""
    return OCSF if "finding_info" in finding else ASFF


def key_of(finding: Mapping[str, Any]) -> tuple[str, str]:
    """Return what identifies a finding: its product and ID, or in OCSF what the new Security Hub generates."""
    if format_of(finding) is OCSF:
        return "", first(finding, ("metadata", "uid"))
    return first(finding, ASFF.product), first(finding, ASFF.id)


def values_at(finding: Any, path: Path) -> list[Any]:
    """Return the plain values at *path*, in every element of an array."""
    if isinstance(finding, list):
        return [value for element in finding for value in values_at(element, path)]
    if not path:
        return [] if isinstance(finding, dict) else [finding]
    return values_at(finding[path[0]], path[1:]) if isinstance(finding, dict) and path[0] in finding else []


def first(finding: Mapping[str, Any], path: Path) -> str:
    """Return the first value at *path* as text, an empty text if there is none."""
    node: Any = finding
    for key in path:
        if not isinstance(node, dict) or key not in node:
            break
        node = node[key]
    else:
        if isinstance(node, str):
            return node
    return str((values_at(finding, path) or [""])[0])


def severity_of(finding: Mapping[str, Any]) -> str:
    """Return the severity label that a policy selects the finding by."""
    fields = format_of(finding)
    text = first(finding, fields.severity)
    return next((label for label in SEVERITIES if text in fields.labels[label]), text.upper())
