# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented policy as one function over a finding: the page routing.rst in code. PRIVATE to the collection.

A second function is what the page messages.rst says about the text of a finding.

It shares no code with the compiler of event patterns, which it is compared with: in the tests, and by the simulator.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from . import controls
from .policy import ACCESS_ANALYZER
from .policy import CONTROLS
from .policy import CRITERIA
from .policy import GUARDDUTY
from .policy import Policy
from .policy import Scope
from .policy import Suppression

# A finding, or an object in it.
Finding = dict[str, Any]

HIGHEST_FIRST = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")


@dataclass(frozen=True)
class Resource:
    """One resource of a finding; empty texts for what it does not have."""

    id: str = ""
    type: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Vulnerability:
    """What a finding says about one vulnerability; None for what it does not say."""

    epss_score: float | None = None
    has_exploit: bool | None = None
    has_fix: bool | None = None


@dataclass(frozen=True)
class Facts:
    """What the policy depends on, in the words of ASFF; empty texts for what a finding does not have."""

    record_state: str
    workflow_status: str
    compliance_status: str
    severity: str
    account: str
    region: str
    product_arn: str
    control: str
    title: str
    resource_copy: str
    called_services: tuple[str, ...]
    resources: tuple[Resource, ...]
    vulnerabilities: tuple[Vulnerability, ...]


def why_not_forwarded(policy: Policy, scope: Scope, finding: Finding) -> str:
    """Return why a target does not forward *finding* to a channel, as a sentence; an empty text if it does.

    *policy*: that of the target for the channel. *finding*: as it is in an event of the policy's format.
    """
    if ("finding_info" in finding) != (policy.finding_format == "ocsf"):
        return f"it is not a finding in the format {policy.finding_format}"
    facts = _ocsf(finding) if policy.finding_format == "ocsf" else _asff(finding)

    # Aggregation: the home Region applies the policy of the Region that the finding comes from.
    if scope.only_own and facts.region != scope.region:
        return f"{facts.region} forwards its findings itself"
    if scope.forwards_linked and facts.region != scope.region:
        policy = dict(scope.linked).get(facts.region, policy)
    if policy.mark:
        facts = replace(facts, severity=_sent_severity(policy, finding))
    region = facts.region if scope.forwards_linked else scope.region
    if not policy.severities:
        return f"automatic forwarding is off for {region}"

    owner = "" if region == scope.global_findings_region else scope.global_findings_region
    status = _open_reason(policy, facts, finding) if policy.mark else _status_reason(facts)
    in_hub = "" if policy.mark else _reason_in_security_hub(policy, scope, facts)
    return status or in_hub or _filter_reason(policy, facts) or _resource_reason(policy, facts, owner)


def shows_texts(policy: Policy, scope: Scope, finding: Finding) -> bool:
    """Return whether a custom message shows the text of *finding*; see why_not_forwarded() for the arguments."""
    is_ocsf = policy.finding_format == "ocsf"
    facts = _ocsf(finding) if is_ocsf else _asff(finding)
    suppressions = [item for one in (policy, *dict(scope.linked).values()) for item in one.suppressions]
    whole = [arn for item in suppressions for arn in item.product_arns if arn.startswith("arn:")]

    def is_of(product: str) -> bool:
        end = f"/aws/{product}"
        return facts.product_arn.endswith(end) and not any(arn.endswith(end) for arn in whole)

    if is_of("securityhub"):
        return is_ocsf or _is_plain(facts.resource_copy)
    by_title = any(item.title_prefixes for item in suppressions)
    return any(map(is_of, ("guardduty", "inspector", "macie"))) and not by_title and _is_plain(facts.title)


def _is_plain(text: str) -> bool:
    return bool(text) and "<" not in text and "](" not in text


def _status_reason(facts: Facts) -> str:
    if facts.record_state != "ACTIVE":
        return f"record state is {facts.record_state or 'missing'}"
    if facts.workflow_status != "NEW":
        return f"workflow status is {facts.workflow_status or 'missing'}"
    if facts.compliance_status not in ("FAILED", "WARNING", ""):
        return f"compliance status is {facts.compliance_status}"
    return ""


def is_suppressed_in_security_hub(policy: Policy, scope: Scope, finding: Finding) -> bool:
    """Return whether an automation rule of the target suppresses *finding*; see why_not_forwarded() for arguments."""
    if not any(item.in_security_hub for one in (policy, *dict(scope.linked).values()) for item in one.suppressions):
        return False
    facts = _ocsf(finding) if policy.finding_format == "ocsf" else _asff(finding)
    if scope.forwards_linked and facts.region != scope.region:
        policy = dict(scope.linked).get(facts.region, policy)
    return bool(_reason_in_security_hub(policy, scope, facts))


def _reason_in_security_hub(policy: Policy, scope: Scope, facts: Facts) -> str:
    """Return by which suppression an automation rule suppresses the finding, an empty text if none does.

    A rule of Security Hub CSPM only applies in its own Region. Of several resources, one is enough for each criterion.
    """
    if policy.finding_format != "ocsf" and facts.region != scope.region:
        return ""
    found = (item for item in policy.suppressions if item.in_security_hub and _meets_each(facts, item))
    return next((f"suppressed in Security Hub: {item.description}" for item in found), "")


def _meets_each(facts: Facts, suppression: Suppression) -> bool:
    """Return whether the finding meets every criterion that is given, by any of its resources."""
    for name in CRITERIA:
        values = getattr(suppression, name)
        only = replace(Suppression(), **{name: values})
        if values and not any(_is_suppressed(facts, resource, only) for resource in facts.resources):
            return False
    return True


def is_over(finding: Finding) -> bool:
    """Return whether *finding* is no longer open: archived, resolved, suppressed or, in OCSF, passed."""
    is_ocsf = "finding_info" in finding
    facts = _ocsf(finding) if is_ocsf else _asff(finding)
    is_closed = facts.workflow_status in ("RESOLVED", "SUPPRESSED", "ARCHIVED")
    return facts.record_state == "ARCHIVED" or is_closed or (is_ocsf and facts.compliance_status == "pass")


def _open_reason(policy: Policy, facts: Facts, finding: Finding) -> str:
    if not is_over(finding):
        return "it is not over"
    mark = "comment by" if policy.finding_format == "ocsf" else "user-defined field"
    return "" if facts.severity else f"it has no {mark} {policy.mark}, so it was not sent, or is reported"


def _sent_severity(policy: Policy, finding: Finding) -> str:
    """Return the severity that the finding was sent with, an empty text if it does not say that it was."""
    if policy.finding_format == "asff":
        sent = re.match("([A-Z]+) at ", _text(finding, "UserDefinedFields", policy.mark))
        return sent[1] if sent else ""
    sent = re.match(rf"Sent as ([A-Z][a-z]+) by {re.escape(policy.mark)} at ", _text(finding, "comment"))
    return _in_asff(sent[1]) if sent else ""


def _filter_reason(policy: Policy, facts: Facts) -> str:
    if facts.severity not in policy.severities:
        return _severity_reason(facts.severity, policy.severities)
    if policy.account_ids and facts.account not in policy.account_ids:
        return f"account {facts.account or 'missing'} is not in securityhub_slack_account_ids"
    if facts.account in policy.other_channels_account_ids:
        return f"account {facts.account} belongs to another channel"
    return _vulnerability_reason(policy, facts) if is_product(facts.product_arn, "product/aws/inspector") else ""


def _vulnerability_reason(policy: Policy, facts: Facts) -> str:
    """Return why no vulnerability counts, an empty text if one does or if none answers what the policy asks.

    Of several vulnerabilities, those that do not answer a question do not count if another one answers it.
    """
    answers = [tuple(_answers(policy, item)) for item in facts.vulnerabilities]
    for question in range(len(answers[0]) if answers else 0):
        counted = [answer for answer in answers if answer[question] is not None]
        if counted:
            denials = [next(filter(None, answer), "") for answer in counted]
            return denials[0] if all(denials) else ""
    return ""


def _answers(policy: Policy, item: Vulnerability) -> Iterator[str | None]:
    """Yield why a vulnerability does not count for each question of the policy: an empty text if it does."""
    if policy.minimum_epss:
        score = item.epss_score
        below = f"EPSS score {score} is below {policy.minimum_epss:g}"
        yield None if score is None else "" if score >= policy.minimum_epss else below
    if policy.exploit_available:
        yield None if item.has_exploit is None else "" if item.has_exploit else "no exploit is known"
    if policy.fix_available:
        yield None if item.has_fix is None else "" if item.has_fix else "no fix is available"


def _resource_reason(policy: Policy, facts: Facts, owner: str) -> str:
    """Return why none of the resources counts, an empty text if one is neither suppressed nor global.

    *owner*: the global findings region, an empty text if the finding comes from it.
    """
    reasons = [
        [f"suppressed: {item.description}" for item in policy.suppressions if _is_suppressed(facts, resource, item)]
        + [f"{reason}, sent by {owner} only" for reason in _global_reasons(policy, facts, resource) if owner]
        for resource in facts.resources
    ]
    if not all(reasons):
        return ""
    common = [reason for reason in reasons[0] if all(reason in others for others in reasons)]
    return common[0] if common else "; ".join(dict.fromkeys(others[0] for others in reasons))


def _severity_reason(severity: str, severities: tuple[str, ...]) -> str:
    lowest = severities[-1]
    above = HIGHEST_FIRST[: HIGHEST_FIRST.index(lowest) + 1]
    if severities == above and severity in HIGHEST_FIRST:
        return f"severity {severity} is below {lowest}"
    return f"severity {severity or 'missing'} is not one of {', '.join(severities)}"


def _is_suppressed(facts: Facts, resource: Resource, suppression: Suppression) -> bool:
    """Return whether a finding about *resource* matches every criterion that is given, each by one of its values."""
    criteria = (
        (suppression.control_ids, lambda value: value == facts.control),
        (suppression.account_ids, lambda value: value == facts.account),
        (suppression.regions, lambda value: value == facts.region),
        (suppression.product_arns, lambda value: is_product(facts.product_arn, value)),
        (suppression.resource_types, lambda value: value == resource.type),
        (suppression.resource_ids, lambda value: is_like(resource.id, value)),
        (suppression.title_prefixes, facts.title.startswith),
        *((values, lambda value, key=key: (key, value) in resource.tags) for key, values in suppression.resource_tags),
    )
    return all(any(map(is_met, values)) for values, is_met in criteria if values)


def is_product(arn: str, value: str) -> bool:
    """Return whether *value* is the whole *arn*, or names its company and product."""
    return arn == value if value.startswith("arn:") else arn.endswith("/" + "/".join(value.split("/")[-2:]))


def is_like(text: str, value: str) -> bool:
    """Return whether *text* is *value*, in which * stands for any text."""
    return bool(text) and _compiled(value).fullmatch(text) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(value: str) -> re.Pattern[str]:
    return re.compile(expression(value), re.DOTALL)


def expression(value: str) -> str:
    """Return the regular expression for the texts that are like *value*."""
    return ".*".join(map(re.escape, value.split("*")))


def _global_reasons(policy: Policy, facts: Facts, resource: Resource) -> Iterator[str]:
    """Yield why a finding about *resource* appears in every Region."""
    if CONTROLS in policy.deduplicate_global and facts.control in controls.REPEATING:
        yield f"control {facts.control} is a global finding"
    is_guardduty = is_product(facts.product_arn, "product/aws/guardduty")
    only_global = facts.called_services and all(item in controls.GLOBAL_SERVICES for item in facts.called_services)
    if GUARDDUTY in policy.deduplicate_global and is_guardduty and only_global:
        yield f"GuardDuty reports calls of {facts.called_services[0]} in every region"
    is_access_analyzer = is_product(facts.product_arn, "product/aws/access-analyzer")
    types = _GLOBAL_TYPES[policy.finding_format]
    if ACCESS_ANALYZER in policy.deduplicate_global and is_access_analyzer and resource.type in types:
        yield f"Access Analyzer reports {resource.type} in every region"


_GLOBAL_TYPES = {
    "asff": ("AwsIamRole", "AwsIamUser"),
    "ocsf": ("AwsIamRole", "AwsIamUser", "AWS::IAM::Role", "AWS::IAM::User"),
}


def _asff(finding: Finding) -> Facts:
    """Return the facts of a finding in ASFF."""
    return Facts(
        record_state=_text(finding, "RecordState"),
        workflow_status=_text(finding, "Workflow", "Status"),
        compliance_status=_text(finding, "Compliance", "Status"),
        severity=_text(finding, "Severity", "Label"),
        account=_text(finding, "AwsAccountId"),
        region=_text(finding, "Region"),
        product_arn=_text(finding, "ProductArn"),
        control=_text(finding, "Compliance", "SecurityControlId"),
        title=_text(finding, "Title"),
        resource_copy=_text(finding, "ProductFields", "Resources:0/Id"),
        called_services=tuple(_texts(finding, "Action", "AwsApiCallAction", "ServiceName")),
        resources=tuple(
            Resource(_text(item, "Id"), _text(item, "Type"), tuple(sorted((item.get("Tags") or {}).items())))
            for item in finding.get("Resources") or [{}]
        ),
        vulnerabilities=tuple(map(_vulnerability, finding.get("Vulnerabilities") or [])),
    )


def _vulnerability(item: Finding) -> Vulnerability:
    """Return what a finding in ASFF says about a vulnerability. A fix for some of the packages is a fix."""
    score = item.get("EpssScore")
    return Vulnerability(
        epss_score=score if score is None or isinstance(score, (int, float)) else -1,
        has_exploit=item["ExploitAvailable"] != "NO" if "ExploitAvailable" in item else None,
        has_fix=item["FixAvailable"] != "NO" if "FixAvailable" in item else None,
    )


def _ocsf(finding: Finding) -> Facts:
    """Return the facts of a finding in OCSF. Where a resource has a type, those without a type do not count."""
    listed = finding.get("resources") or [{}]
    counted = [item for item in listed if item.get("type")] or [item for item in listed if item.get("uid")] or [{}]
    return Facts(
        # "Security Hub considers findings with activity_name != Close as active"
        # (https://docs.aws.amazon.com/securityhub/latest/userguide/ocsf-findings.html)
        record_state="ARCHIVED" if _text(finding, "activity_name") == "Close" else "ACTIVE",
        workflow_status=_in_asff(_text(finding, "status")),
        compliance_status=_in_asff(_text(finding, "compliance", "status")),
        severity=_in_asff(_text(finding, "severity")),
        account=_text(finding, "cloud", "account", "uid"),
        region=_text(finding, "cloud", "region"),
        product_arn=_text(finding, "metadata", "product", "uid"),
        control=_text(finding, "compliance", "control"),
        title=_text(finding, "finding_info", "title"),
        resource_copy="",
        called_services=tuple(_texts(finding, "evidences", "api", "service", "name")),
        resources=tuple(Resource(_text(item, "uid"), _text(item, "type")) for item in counted),
        vulnerabilities=tuple(map(_ocsf_vulnerability, finding.get("vulnerabilities") or [])),
    )


def _ocsf_vulnerability(item: Finding) -> Vulnerability:
    """Return what a finding in OCSF says about a vulnerability."""
    return Vulnerability(
        epss_score=_score(_text(item, "cve", "epss", "score")),
        has_exploit=item.get("is_exploit_available"),
        has_fix=item.get("is_fix_available"),
    )


def _score(text: str) -> float | None:
    """Return the EPSS score of a text, the highest that it may mean if it is no decimal; None for no text."""
    if not text or re.fullmatch(r"0\.[0-9]+", text):
        return float(text) if text else None
    begins = re.match(r"0\.([0-9]{1,2})", text)
    return float(f"0.{begins[1]:9<2}") if begins else 1.0


# OCSF has Fatal above Critical.
_ASFF_WORDS = {
    "New": "NEW",
    "Suppressed": "SUPPRESSED",
    "Resolved": "RESOLVED",
    "Archived": "ARCHIVED",
    "Fail": "FAILED",
    "Warning": "WARNING",
    "Fatal": "CRITICAL",
    **{label.capitalize(): label for label in HIGHEST_FIRST},
}


def _in_asff(word: str) -> str:
    return _ASFF_WORDS.get(word, word.lower())


def _text(value: Any, *keys: str) -> str:
    return next(_texts(value, *keys), "")


def _texts(value: Any, *keys: str) -> Iterator[str]:
    """Yield the texts at *keys*, in each element of a list."""
    if isinstance(value, list):
        for element in value:
            yield from _texts(element, *keys)
    elif keys:
        if isinstance(value, dict) and keys[0] in value:
            yield from _texts(value[keys[0]], *keys[1:])
    elif isinstance(value, str):
        yield value
