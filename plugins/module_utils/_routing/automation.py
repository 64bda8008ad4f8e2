# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles suppressions into automation rules of Security Hub: pure. PRIVATE to the collection.

A finding meets a rule if it meets each criterion by one of its values. Criteria know the beginning of a text and its
parts, but not its end: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_StringFilter.html. Criteria of
Security Hub CSPM have no Region, but the ARN of a product begins with it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from .._aws.errors import UserError
from .._resource import ownership
from .._resource.shapes import Json
from .._securityhub import automation_rule
from .policy import Policy
from .policy import Scope
from .policy import Suppression
from .policy import applies_to_linked

# The lowest: of rules with the same order, the one that was changed first applies first.
ORDER = 1
MAX_NOTE = 512
UPDATED_BY = "secops.securityhub"
# OCSF's number of the status Suppressed.
SUPPRESSED_ID = 3

EQUALS, STARTS_WITH, CONTAINS, DIFFERS = "EQUALS", "PREFIX", "CONTAINS", "NOT_EQUALS"
# A comparison and its value.
Value = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """An automation rule as it should be: its name, which its content determines, and its members."""

    name: str
    members: Json = field(hash=False)


# The criteria of a rule, by what a suppression calls them.
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AutomationRulesFindingFilters.html
ASFF = {
    "control_ids": "ComplianceSecurityControlId",
    "account_ids": "AwsAccountId",
    "product_arns": "ProductArn",
    "resource_ids": "ResourceId",
    "resource_types": "ResourceType",
    "resource_tags": "ResourceTags",
    "title_prefixes": "Title",
}
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_OcsfStringFilter.html
OCSF = {
    "control_ids": "compliance.control",
    "account_ids": "cloud.account.uid",
    "regions": "cloud.region",
    "product_arns": "metadata.product.uid",
    "resource_ids": "resources.uid",
    "resource_types": "resources.type",
    "title_prefixes": "finding_info.title",
}
# Values of a criterion.
VALUES_AT_MOST = 20
ASFF_VALUES_AT_MOST = {"account_ids": 100, "resource_ids": 100, "title_prefixes": 100}


def automation_rules(policy: Policy, scope: Scope, deployment: str, partition: str) -> tuple[Rule, ...]:
    """Return the rules that suppress in Security Hub what *policy* leaves to it, for findings of *scope*.

    *deployment*: its name, whose mark the rules have. Raises UserError for what no rule can express.
    """
    is_ocsf = policy.finding_format == "ocsf"
    kind = automation_rule.of_format(policy.finding_format)
    at_most = {} if is_ocsf else ASFF_VALUES_AT_MOST
    found: dict[str, Rule] = {}
    for suppression, regions in _covered(policy, scope):
        here = f"arn:{partition}:securityhub:{scope.region}:"
        criteria = _criteria(suppression, here, is_ocsf=is_ocsf, several=scope.forwards_linked)
        if regions and is_ocsf:
            criteria["regions"] = regions
        elif regions:
            criteria.setdefault("product_arns", ((STARTS_WITH, here),))
        for chunk in _chunks(criteria, at_most):
            written = _ocsf(chunk, suppression) if is_ocsf else _asff(chunk, suppression)
            rule = _rule(suppression.description, written, deployment, kind.description_length)
            found[rule.name] = rule
    if len(found) > automation_rule.LIMIT:
        raise UserError(
            f"the suppressions with suppress_in: security_hub need {len(found)} automation rules, and Security Hub "
            f"allows {automation_rule.LIMIT} in an account and region. Shorten them."
        )
    return tuple(found[name] for name in sorted(found))


def names(deployment: str) -> str:
    """Return what the names of the rules of a deployment begin with."""
    return f"{deployment}-suppression-"


def _covered(policy: Policy, scope: Scope) -> Iterator[tuple[Suppression, tuple[Value, ...]]]:
    """Yield each suppression that the Region of *scope* has a rule for, with conditions on Regions that the rule needs.

    A rule of the new Security Hub in a home Region applies in the linked Regions too, which may have other policies.
    """
    own = [item for item in policy.suppressions if item.in_security_hub]
    if not (applies_to_linked(policy) and scope.forwards_linked):
        for item in own:
            if not item.regions or scope.region in item.regions:
                needed = item.regions or (applies_to_linked(policy) and scope.only_own)
                yield item, ((EQUALS, scope.region),) if needed else ()
        return
    linked = {region: of_linked.suppressions for region, of_linked in scope.linked if region != scope.region}
    others = dict.fromkeys(item for items in linked.values() for item in items if item.in_security_hub)
    for item in dict.fromkeys([*own, *others]):
        lacking = [region for region, items in linked.items() if item not in items]
        having = [region for region, items in linked.items() if item in items]
        if item not in own:
            chosen = [region for region in having if not item.regions or region in item.regions]
        elif item.regions:
            chosen = [region for region in item.regions if region not in lacking]
        else:
            yield item, tuple((DIFFERS, region) for region in lacking)
            continue
        if chosen:
            yield item, tuple((EQUALS, region) for region in chosen)


def _criteria(suppression: Suppression, here: str, *, is_ocsf: bool, several: bool) -> dict[str, tuple[Value, ...]]:
    """Return the values of each criterion, without those about Regions.

    *several*: a rule applies in several Regions.
    """
    if len(suppression.resource_tags) > 1:
        raise _inexpressible(suppression, "several resource_tags, all of which must match", "one tag")
    if is_ocsf and several and any(not text.startswith("arn:") for text in suppression.product_arns):
        raise _inexpressible(suppression, "the end of an ARN in product_arns", "whole ARNs")
    kind = "productv2" if is_ocsf else "product"
    found = {
        "control_ids": _equal(suppression.control_ids),
        "account_ids": _equal(suppression.account_ids),
        "product_arns": _equal(_product(text, here, kind) for text in suppression.product_arns),
        "resource_ids": tuple(_resource(text, suppression) for text in suppression.resource_ids),
        "resource_types": _equal(suppression.resource_types),
        "resource_tags": _equal(text for _key, texts in suppression.resource_tags for text in texts),
        "title_prefixes": tuple((STARTS_WITH, text) for text in suppression.title_prefixes),
    }
    return {name: values for name, values in found.items() if values}


def _equal(texts: Iterable[str]) -> tuple[Value, ...]:
    return tuple((EQUALS, text) for text in texts)


def _product(text: str, here: str, kind: str) -> str:
    """Return the whole ARN of a product. *here*: how those of the Region begin."""
    if text.startswith("arn:"):
        return text
    company, product = text.split("/")[-2:]
    return f"{here}{company if company.isdigit() else ''}:{kind}/{company}/{product}"


def _resource(text: str, suppression: Suppression) -> Value:
    if "*" not in text:
        return EQUALS, text
    inner = text.strip("*")
    if "*" not in inner and text == f"{inner}*":
        return STARTS_WITH, inner
    if "*" not in inner and text == f"*{inner}*":
        return CONTAINS, inner
    raise _inexpressible(suppression, f"{text!r}", "a * at the end, or one at the beginning and one at the end")


def _inexpressible(suppression: Suppression, what: str, remedy: str) -> UserError:
    return UserError(
        f"the suppression {suppression.description!r} has suppress_in: security_hub, but an automation rule cannot "
        f"express {what}. Use {remedy}, or suppress_in: pattern."
    )


def _chunks(
    criteria: Mapping[str, tuple[Value, ...]], at_most: Mapping[str, int]
) -> Iterator[dict[str, tuple[Value, ...]]]:
    """Yield the criteria with at most as many values as a rule can have. One that must not be met is not divided.

    *at_most*: values of those criteria that can have other than VALUES_AT_MOST.
    """
    divided = []
    for name, values in criteria.items():
        size = at_most.get(name, VALUES_AT_MOST)
        whole = any(comparison == DIFFERS for comparison, _text in values)
        divided.append([(name, part) for part in ([values] if whole else _parts(values, size))])
    yield from map(dict, itertools.product(*divided))


def _parts(values: tuple[Value, ...], size: int) -> list[tuple[Value, ...]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _asff(criteria: Mapping[str, tuple[Value, ...]], suppression: Suppression) -> Json:
    """Return criteria and actions of a rule of Security Hub CSPM."""
    written: Json = {ASFF[name]: _filters(values) for name, values in criteria.items()}
    for key, _texts in suppression.resource_tags:
        written["ResourceTags"] = [{"Key": key, **item} for item in written["ResourceTags"]]
    note = {"Text": suppression.description[:MAX_NOTE], "UpdatedBy": UPDATED_BY}
    return _members(written, {"Workflow": {"Status": "SUPPRESSED"}, "Note": note}) | {"IsTerminal": False}


def _ocsf(criteria: Mapping[str, tuple[Value, ...]], suppression: Suppression) -> Json:
    """Return criteria and actions of a rule of the new Security Hub."""
    composite = [
        {
            "StringFilters": [{"FieldName": OCSF[name], "Filter": item} for item in _filters(part)],
            "Operator": "AND" if part[0][0] == DIFFERS else "OR",
        }
        for name, values in criteria.items()
        for part in _parts(values, VALUES_AT_MOST)
    ]
    written = {"OcsfFindingCriteria": {"CompositeFilters": composite, "CompositeOperator": "AND"}}
    return _members(written, {"StatusId": SUPPRESSED_ID, "Comment": suppression.description[:MAX_NOTE]})


def _members(criteria: Json, update: Json) -> Json:
    action = {"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": update}
    return {"RuleOrder": ORDER, "RuleStatus": "ENABLED", "Criteria": criteria, "Actions": [action]}


def _filters(values: tuple[Value, ...]) -> list[dict[str, str]]:
    return [{"Comparison": comparison, "Value": text} for comparison, text in values]


def _rule(reason: str, members: Json, deployment: str, description_length: int) -> Rule:
    """Return a rule of this content. Its name contains a digest, so other content makes another rule."""
    mark = ownership.mark(deployment)
    description = f"{reason[: description_length - len(mark) - 1]} {mark}"
    whole = json.dumps([members, description], sort_keys=True)
    name = f"{names(deployment)}{hashlib.sha256(whole.encode()).hexdigest()[:12]}"
    return Rule(name, {"RuleName": name, "Description": description, **members})
