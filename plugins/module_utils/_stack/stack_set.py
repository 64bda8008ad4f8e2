# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges the templates of many targets into one with parameters, for a StackSet: pure. PRIVATE to the collection.

A StackSet has one template. The differences between the stacks become its parameters: an event pattern is passed as
text, which AWS::Events::Rule accepts too (the schema of EventPattern in CloudFormation's registry has "type":
["string", "object"]), and a resource or list entry that only some stacks have gets a condition. So an update can
change the policy of a region, which never has to move to another StackSet.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._resource.tags import DIGEST_TAG
from .._resource.tags import MANAGED_TAG
from .._resource.tags import RESPONSIBILITIES_TAG
from .._resource.tags import TOPICS_TAG
from . import template as templates
from .resources import TOPIC
from .resources import UnrecognizedTemplate

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from .template import StackDesign

Template = dict[str, Any]
Parameters = dict[str, str]

# All stacks of a StackSet have the same tags, so parameters replace the tags that differ between our stacks.
MARKS = {
    "DeploymentName": MANAGED_TAG,
    "DeploymentTopics": TOPICS_TAG,
    "DeploymentResponsibilities": RESPONSIBILITIES_TAG,
    "DeploymentDigest": DIGEST_TAG,
}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_PARAMETERS = 200
PATTERN = "EventPattern"
TRUE, FALSE = "true", "false"
NO_VALUE = {"Ref": "AWS::NoValue"}


class _Absent:
    """Stands for a value that a variant does not have."""


ABSENT = _Absent()


def merge(designs: Sequence[StackDesign]) -> tuple[Template, list[Parameters]]:
    """Return one template for all *designs*, and the values of its parameters for each of them.

    Raise UserError if they differ in a part that cannot be a parameter.
    """
    marks = [_marks(design) for design in designs]
    variants = [_marked(templates.template(design)) for design in designs]
    merger = _Merger({name: [found[name] for found in marks] for name in MARKS})
    held = {name: [variant["Resources"].get(name, ABSENT) for variant in variants] for name in _names(variants)}
    # First, so that a resource that only some stacks have names the condition that other parts share with it.
    conditions = {name: merger.condition_of(name, values) for name, values in held.items()}
    resources = {name: {**conditions[name], **merger.node((name,), values)} for name, values in held.items()}
    if len(merger.parameters) > MOST_PARAMETERS:
        raise UserError(
            f"the StackSet would need {len(merger.parameters)} parameters, and CloudFormation allows "
            f"{MOST_PARAMETERS}. Use fewer channels or suppressions."
        )
    whole = {
        **variants[0],
        "Parameters": {name: _declaration(name, values) for name, values in merger.parameters.items()},
        **({"Conditions": merger.conditions} if merger.conditions else {}),
        "Resources": resources,
    }
    given = [{name: values[number] for name, values in merger.parameters.items()} for number in range(len(variants))]
    return whole, given


def filled_in(whole: Template, parameters: Parameters) -> Template:
    """Return a template of *merge* with the parameters and conditions of one stack resolved.

    Raise UnrecognizedTemplate.
    """
    try:
        return _without_parameters(whole, parameters)
    except (KeyError, TypeError, ValueError) as error:
        raise UnrecognizedTemplate from error


def _without_parameters(whole: Template, parameters: Parameters) -> Template:
    conditions = {
        name: parameters[condition["Fn::Equals"][0]["Ref"]] == condition["Fn::Equals"][1]
        for name, condition in whole.get("Conditions", {}).items()
    }
    rest = {key: value for key, value in whole.items() if key not in ("Parameters", "Conditions")}
    resources = {
        name: _filled({key: value for key, value in resource.items() if key != "Condition"}, parameters, conditions)
        for name, resource in whole["Resources"].items()
        if conditions.get(resource.get("Condition", ""), True)
    }
    return {**rest, "Resources": resources}


def _filled(value: Any, parameters: Parameters, conditions: dict[str, bool]) -> Any:
    if isinstance(value, list):
        items = [_filled(item, parameters, conditions) for item in value]
        return [item for item in items if item != NO_VALUE]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return parameters.get(value["Ref"], value)
    if set(value) == {"Fn::If"}:
        condition, then, otherwise = value["Fn::If"]
        return _filled(then if conditions[condition] else otherwise, parameters, conditions)
    found = {key: _filled(item, parameters, conditions) for key, item in value.items()}
    if isinstance(found.get(PATTERN), str):
        found[PATTERN] = json.loads(found[PATTERN])
    return found


def _marks(design: StackDesign) -> Parameters:
    tags = templates.stack_tags(design)
    return {parameter: tags[tag] for parameter, tag in MARKS.items()}


def _marked(whole: Template) -> Template:
    """Return the template with our tags on its topics, as CloudFormation propagates them in a stack with tags."""
    tags = [{"Key": tag, "Value": {"Ref": parameter}} for parameter, tag in MARKS.items()]
    resources = {
        name: {**resource, "Properties": {**resource["Properties"], "Tags": _tags(resource) + tags}}
        if resource["Type"] == TOPIC
        else resource
        for name, resource in whole["Resources"].items()
    }
    return {**whole, "Resources": resources}


def _tags(resource: dict[str, Any]) -> list[Any]:
    return list(resource["Properties"].get("Tags", []))


def _names(variants: Sequence[Template]) -> list[str]:
    return _union([list(variant["Resources"]) for variant in variants])


def _union(lists: Sequence[list[Any]]) -> list[Any]:
    """Return all entries of the lists once. Lists that differ are sources in a policy, whose order means nothing."""
    found: list[Any] = []
    for entries in lists:
        found += [entry for entry in entries if entry not in found]
    return found


def _declaration(name: str, values: list[str]) -> dict[str, Any]:
    # The most common value; the export sets the value for each stack.
    declared: dict[str, Any] = {"Type": "String", "Default": max(values, key=values.count)}
    if name in MARKS:
        declared["Description"] = f"The tag {MARKS[name]} of a stack that the playbook creates."
    if set(values) <= {TRUE, FALSE}:
        declared["AllowedValues"] = [TRUE, FALSE]
    return declared


class _Merger:
    """Merges variants into one template, and collects the parameters for their differences."""

    def __init__(self, parameters: dict[str, list[str]]) -> None:
        self.parameters = parameters
        self.conditions: dict[str, dict[str, Any]] = {}

    def condition_of(self, name: str, values: list[Any]) -> dict[str, str]:
        """Return the Condition of a resource, {} if all variants have it."""
        if ABSENT not in values:
            return {}
        return {"Condition": self._condition((name,), [value is not ABSENT for value in values])}

    def node(self, path: tuple[str, ...], values: list[Any]) -> Any:
        """Return the merger of *values*, one of each variant, at *path* of the template."""
        there = [value for value in values if value is not ABSENT]
        first = there[0]
        if all(value == first for value in there):
            return first
        if path[-1] == PATTERN:
            return self._parameter(path, values, lambda value: json.dumps(value, separators=(",", ":")))
        if all(isinstance(value, str) for value in there):
            return self._parameter(path, values, str)
        if all(isinstance(value, list) for value in there):
            return self._list(path, values)
        if all(isinstance(value, dict) and value.keys() == first.keys() for value in there) and not _is_function(first):
            return {key: self.node((*path, key), [_part(value, key) for value in values]) for key in first}
        raise UserError(
            f"the stacks of a StackSet have one template, but these differ in {'.'.join(path)}. Give all targets the "
            f"same securityhub_slack_alarms, securityhub_slack_kms_key, securityhub_slack_mark_notified, "
            f"securityhub_slack_message_format, securityhub_slack_finding_format, securityhub_slack_tags and "
            f"channel names."
        )

    def _list(self, path: tuple[str, ...], values: list[Any]) -> list[Any]:
        there = [value for value in values if value is not ABSENT]
        if len({len(value) for value in there}) == 1 and not any(_is_function(item) for item in there[0]):
            return [
                self.node((*path, str(number)), [_part(value, number) for value in values])
                for number in range(len(there[0]))
            ]
        return [self._entry(path, entry, values) for entry in _union(there)]

    def _entry(self, path: tuple[str, ...], entry: Any, values: list[Any]) -> Any:
        if all(entry in value for value in values if value is not ABSENT):
            return entry
        condition = self._condition(path, [value is not ABSENT and entry in value for value in values])
        return {"Fn::If": [condition, entry, NO_VALUE]}

    def _parameter(self, path: tuple[str, ...], values: list[Any], text: Callable[[Any], str]) -> dict[str, str]:
        return {"Ref": self._named(path, ["" if value is ABSENT else text(value) for value in values])}

    def _condition(self, path: tuple[str, ...], present: list[bool]) -> str:
        name = self._named(("Has", *path), [TRUE if found else FALSE for found in present])
        self.conditions[name] = {"Fn::Equals": [{"Ref": name}, TRUE]}
        return name

    def _named(self, path: tuple[str, ...], values: list[str]) -> str:
        """Return the name of the parameter with these values, which several parts of the template may share."""
        for known, its in self.parameters.items():
            if its == values and known not in MARKS:
                return known
        name = re.sub(r"[^A-Za-z0-9]", "", "".join(part for part in path if part != "Properties"))
        taken = sum(known.startswith(name) for known in self.parameters)
        self.parameters[f"{name}{taken or ''}"] = values
        return f"{name}{taken or ''}"


def _part(value: Any, key: Any) -> Any:
    return ABSENT if value is ABSENT else value[key]


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and any(key == "Ref" or key.startswith("Fn::") for key in value)
