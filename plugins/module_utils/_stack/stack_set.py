# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges the templates of many targets into one, for a StackSet: pure. PRIVATE to the collection.

A StackSet has one template. The differences between the stacks become its mappings, which each stack looks up by its
account and region: an event pattern is text in a mapping, which AWS::Events::Rule accepts too (the schema of
EventPattern in CloudFormation's registry has "type": ["string", "object"]), and a resource or list entry that only some
stacks have gets a condition. Nothing is a parameter that one stack overrides: AWS::CloudFormation::StackSet updates the
template everywhere before it updates the overrides, and allows an organizational unit in one group only.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._resource.tags import AUTOMATION_TAG
from .._resource.tags import DIGEST_TAG
from .._resource.tags import RESPONSIBILITIES_TAG
from .._resource.tags import TOPICS_TAG
from .._resource.tags import boto3_tags
from . import scheduled_digest
from . import template as templates
from .resources import TOPIC
from .resources import UnrecognizedTemplate

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._resource.shapes import Json
    from .resources import Template
    from .template import StackDesign

Place = tuple[str, str]  # account ID, region

# All stacks of a StackSet have the same tags, so outputs replace the tags that differ between our stacks.
MARKS = {
    "DeploymentTopics": TOPICS_TAG,
    "DeploymentResponsibilities": RESPONSIBILITIES_TAG,
    "DeploymentDigest": DIGEST_TAG,
    "DeploymentAutomationRules": AUTOMATION_TAG,
}
# What stands for a tag that only other stacks have.
NO_TAG = "-"
# The parameter, the same for all stacks, that says where the StackSet is, and the output that repeats it.
LOCATION, LOCATION_OUTPUT = "StackSet", "DeploymentStackSet"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: mappings of a template, and
# attributes of a mapping.
MOST = 200
VARIANTS, ACCOUNTS, KIND, VALUE = "Variants", "Accounts", "Kind", "Value"
PATTERN = "EventPattern"
TRUE, FALSE = "true", "false"
NO_VALUE = {"Ref": "AWS::NoValue"}
FIND = "Fn::FindInMap"


# Stands for a value that a variant does not have.
ABSENT = object()


def merge(designs: Mapping[Place, StackDesign]) -> Template:
    """Return one template for the stacks of these places.

    Raise UserError if they differ in a part that no mapping can hold, or in too many.
    """
    variants = {designs[place].digest: designs[place] for place in sorted(designs)}
    names = {digest: f"V{number}" for number, digest in enumerate(variants, start=1)}
    kinds, kind_of = _kinds({place: names[designs[place].digest] for place in sorted(designs)})
    merger = _Merger(tuple(names.values()), several_kinds=len(kinds) > 1)
    tags = [tag for tag in MARKS.values() if any(tag in templates.stack_tags(design) for design in variants.values())]
    found = merger.template([_variant(design, tags) for design in variants.values()])
    if not merger.values:
        return found
    mappings = {
        VARIANTS: {
            region: {kind: regions[region] for kind, regions in kinds.items() if region in regions}
            for region in sorted({region for _account, region in designs})
        },
        **({ACCOUNTS: {account: {KIND: kind} for account, kind in kind_of.items()}} if len(kinds) > 1 else {}),
        **merger.mappings(),
    }
    _check_limits(mappings)
    return {**found, "Mappings": mappings}


def _kinds(variants: dict[Place, str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return kinds of accounts, each with its variant by region, and the kind of each account.

    Accounts are of one kind if they have the same variant in each region that both have.
    """
    by_account: dict[str, dict[str, str]] = {}
    for (account, region), variant in variants.items():
        by_account.setdefault(account, {})[region] = variant
    kinds: dict[str, dict[str, str]] = {}
    kind_of = {}
    for account, own in by_account.items():
        alike = (
            name for name, kind in kinds.items() if all(kind.get(region, own[region]) == own[region] for region in own)
        )
        kind_of[account] = next(alike, f"K{len(kinds) + 1}")
        kinds.setdefault(kind_of[account], {}).update(own)
    return kinds, kind_of


def _check_limits(mappings: Json) -> None:
    for count, what, remedy in (
        (len(mappings), "mappings", "Use fewer channels or suppressions"),
        (len(mappings.get(ACCOUNTS, ())), "accounts whose stacks differ", "Export them from several inventories"),
        (max(map(len, mappings[VARIANTS].values())), "kinds of accounts", "Export them from several inventories"),
        (max(map(len, mappings.values())), "kinds of stacks", "Give more targets the same variables"),
    ):
        if count > MOST:
            raise UserError(f"the StackSet would have {count} {what}, and CloudFormation allows {MOST}. {remedy}.")


def filled_in(whole: Template, place: Place) -> Template:
    """Return a template of *merge* with the mappings and conditions of the stack of *place* resolved.

    Raise UnrecognizedTemplate.
    """
    try:
        return _Lookup(whole, place).template()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnrecognizedTemplate from error


class _Lookup:
    """What the functions in a template of *merge* return in the stack of a place."""

    def __init__(self, whole: Template, place: Place) -> None:
        self._whole = whole
        self._place = dict(zip(("AWS::AccountId", "AWS::Region"), place))
        self._conditions = {
            name: self._found(condition["Fn::Equals"][0]) == condition["Fn::Equals"][1]
            for name, condition in whole.get("Conditions", {}).items()
        }

    def template(self) -> Template:
        sections = ("Parameters", "Mappings", "Conditions", "Outputs")
        parameters = {name: item for name, item in self._whole.get("Parameters", {}).items() if name != LOCATION}
        resources = {
            name: self._filled({key: value for key, value in resource.items() if key != "Condition"})
            for name, resource in self._whole["Resources"].items()
            if self._conditions.get(resource.get("Condition", ""), True)
        }
        kept = {key: value for key, value in self._whole.items() if key not in sections}
        return {**kept, **({"Parameters": parameters} if parameters else {}), "Resources": resources}

    def _found(self, function: Any) -> str:
        mapping, *keys = function[FIND]
        first, second = (key if isinstance(key, str) else self._key(key) for key in keys)
        return str(self._whole["Mappings"][mapping][first][second])

    def _key(self, function: Any) -> str:
        return self._place[function["Ref"]] if "Ref" in function else self._found(function)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            items = [self._filled(item) for item in value]
            return [item for item in items if item != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if set(value) == {FIND}:
            return self._found(value)
        if set(value) == {"Fn::If"}:
            condition, then, otherwise = value["Fn::If"]
            return self._filled(then if self._conditions[condition] else otherwise)
        found = {key: self._filled(item) for key, item in value.items()}
        if isinstance(found.get(PATTERN), str):
            found[PATTERN] = json.loads(found[PATTERN])
        return found


def _variant(design: StackDesign, shown: list[str]) -> Template:
    """Return the template of a design, with the tags *shown* as outputs, and all as tags of its topics.

    CloudFormation propagates tags of a stack to its topics.
    """
    tags = {**dict.fromkeys(shown, NO_TAG), **templates.stack_tags(design)}
    whole = templates.template(design)
    resources = {
        name: {**resource, "Properties": {**resource["Properties"], "Tags": boto3_tags(tags)}}
        if resource["Type"] == TOPIC
        else resource
        for name, resource in whole["Resources"].items()
    }
    outputs = {name: {"Value": tags[tag]} for name, tag in MARKS.items() if tag in shown}
    return {**whole, "Resources": resources, "Outputs": outputs}


def _union(lists: Sequence[list[Any]]) -> list[Any]:
    """Return all entries of the lists once. Lists that differ are sources in a policy, whose order means nothing."""
    found: list[Any] = []
    for entries in lists:
        found += [entry for entry in entries if entry not in found]
    return found


class _Merger:
    """Merges variants into one template, and collects the values in which they differ."""

    def __init__(self, variants: tuple[str, ...], *, several_kinds: bool) -> None:
        kind: Any = {FIND: [ACCOUNTS, {"Ref": "AWS::AccountId"}, KIND]} if several_kinds else "K1"
        self._variants = variants
        self._variant = {FIND: [VARIANTS, {"Ref": "AWS::Region"}, kind]}
        self._conditions: dict[str, Json] = {}
        self.values: dict[str, list[str]] = {}

    def template(self, variants: list[Template]) -> Template:
        """Return the merger of the templates, without its mappings."""
        outputs = self._members("Outputs", variants)
        resources = self._members("Resources", variants)
        return {
            **variants[0],
            "Parameters": {
                LOCATION: {"Type": "String", "Description": "Account, region, CallAs and name of the StackSet."},
                **{name: item for variant in variants for name, item in variant.get("Parameters", {}).items()},
            },
            **({"Conditions": self._conditions} if self._conditions else {}),
            "Resources": resources,
            "Outputs": {**outputs, LOCATION_OUTPUT: {"Value": {"Ref": LOCATION}}},
        }

    def mappings(self) -> Json:
        """Return the mappings of the values by variant."""
        return {
            name: {variant: {VALUE: value} for variant, value in zip(self._variants, values)}
            for name, values in self.values.items()
        }

    def _members(self, section: str, variants: list[Template]) -> Json:
        names = _union([list(variant[section]) for variant in variants])
        held = {name: [variant[section].get(name, ABSENT) for variant in variants] for name in names}
        # First, so that a resource that only some stacks have names the condition that other parts share with it.
        conditions = {
            name: {"Condition": self._condition((name,), [value is not ABSENT for value in values])}
            for name, values in held.items()
            if section == "Resources" and ABSENT in values
        }
        return {name: {**conditions.get(name, {}), **self._node((name,), values)} for name, values in held.items()}

    def _node(self, path: tuple[str, ...], values: list[Any]) -> Any:
        """Return the merger of *values*, one of each variant, at *path* of the template."""
        there = [value for value in values if value is not ABSENT]
        first = there[0]
        if all(value == first for value in there):
            return first
        if path[0] in scheduled_digest.ALTERNATIVES and len({_shape(value) for value in there}) > 1:
            return self._either(path, values)
        if path[-1] == PATTERN:
            return self._value(path, values, lambda value: json.dumps(value, separators=(",", ":")))
        if all(isinstance(value, str) for value in there):
            return self._value(path, values, str)
        if all(_has_variables(value) for value in there) and len({value["Fn::Sub"][0] for value in there}) == 1:
            variables = [_part(_part(value, "Fn::Sub"), 1) for value in values]
            return {"Fn::Sub": [first["Fn::Sub"][0], self._node(path, variables)]}
        if all(isinstance(value, list) for value in there):
            return self._list(path, values)
        if all(isinstance(value, dict) and value.keys() == first.keys() for value in there) and not _is_function(first):
            return {key: self._node((*path, key), [_part(value, key) for value in values]) for key in first}
        raise UserError(
            f"the stacks of a StackSet have one template, but these differ in {'.'.join(path)}. Give all targets the "
            f"same securityhub_slack_alarms, securityhub_slack_kms_key, securityhub_slack_mark_notified, "
            f"securityhub_slack_report_resolved, securityhub_slack_digest_schedule, securityhub_slack_message_format, "
            f"securityhub_slack_finding_format, securityhub_slack_tags and channel names."
        )

    def _either(self, path: tuple[str, ...], values: list[Any]) -> Json:
        """Return a choice between values of different shapes."""
        shape = _shape(next(value for value in values if value is not ABSENT))
        alike = [value if value is ABSENT or _shape(value) == shape else ABSENT for value in values]
        others = [ABSENT if known is not ABSENT else value for known, value in zip(alike, values)]
        # Before the values, which may share the mapping.
        condition = self._condition(path, [value is not ABSENT for value in alike])
        return {"Fn::If": [condition, self._node(path, alike), self._node(path, others)]}

    def _list(self, path: tuple[str, ...], values: list[Any]) -> list[Any]:
        there = [value for value in values if value is not ABSENT]
        if len({len(value) for value in there}) == 1 and not any(_is_function(item) for item in there[0]):
            return [
                self._node((*path, str(number)), [_part(value, number) for value in values])
                for number in range(len(there[0]))
            ]
        return [self._entry(path, entry, values) for entry in _union(there)]

    def _entry(self, path: tuple[str, ...], entry: Any, values: list[Any]) -> Any:
        if all(entry in value for value in values if value is not ABSENT):
            return entry
        condition = self._condition(path, [value is not ABSENT and entry in value for value in values])
        return {"Fn::If": [condition, entry, NO_VALUE]}

    def _value(self, path: tuple[str, ...], values: list[Any], text: Callable[[Any], str]) -> Json:
        return self._find(self._named(path, ["-" if value is ABSENT else text(value) for value in values]))

    def _find(self, name: str) -> Json:
        return {FIND: [name, self._variant, VALUE]}

    def _condition(self, path: tuple[str, ...], present: list[bool]) -> str:
        name = self._named(("Has", *path), [TRUE if found else FALSE for found in present])
        # Names are unique in a template.
        condition = f"If{name}"
        self._conditions[condition] = {"Fn::Equals": [self._find(name), TRUE]}
        return condition

    def _named(self, path: tuple[str, ...], values: list[str]) -> str:
        """Return the name of the mapping with these values, which several parts of the template may share."""
        for known, its in self.values.items():
            if its == values:
                return known
        name = re.sub(r"[^A-Za-z0-9]", "", "".join(part for part in path if part != "Properties"))
        taken = sum(known.startswith(name) for known in self.values)
        self.values[f"{name}{taken or ''}"] = values
        return f"{name}{taken or ''}"


def _shape(value: Any) -> Any:
    """Return what two values must have in common so that mappings can hold how they differ."""
    if _has_variables(value):
        return value["Fn::Sub"][0]
    return tuple(value) if isinstance(value, dict) else type(value)


def _part(value: Any, key: Any) -> Any:
    return ABSENT if value is ABSENT else value[key]


def _has_variables(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("Fn::Sub"), list)


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and any(key == "Ref" or key.startswith("Fn::") for key in value)
