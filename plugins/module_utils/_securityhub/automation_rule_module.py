# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for both kinds of automation rules. PRIVATE to the collection.

The name of a rule need not be unique, so a rule is found by its name if there is one, and by its ARN otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from .._aws.errors import UserError
from .._aws.modules import Module
from .._resource.tags import tag_changes
from .._resource.tags import with_changes
from .._services import securityhub
from .automation_rule import CSPM
from .automation_rule import LIMIT
from .automation_rule import comparable
from .hub import where_enabled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._aws.clients import Caller
    from .._resource.shapes import Json
    from .._services.securityhub import AutomationRule
    from .automation_rule import Kind

NAME_LENGTH = 256
ORDERS = (1, 1000)
# Values of one criterion: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AutomationRulesFindingFilters.html
VALUES_AT_MOST_OF = {"AwsAccountId": 100, "GeneratorId": 100, "ResourceId": 100, "Title": 100}
REQUIRED = {
    "RuleName": "name",
    "Description": "description",
    "RuleOrder": "order",
    "Criteria": "criteria",
    "Actions": "action",
}
AS_GIVEN = ("Tags", "Criteria", "Actions")


def run(kind: Kind) -> None:
    """Run the module that creates, changes or deletes a rule of this kind."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "name": {"type": "str"},
            "arn": {"type": "str"},
            "description": {"type": "str"},
            "enabled": {"type": "bool"},
            "criteria": {"type": "dict"},
            "action": {"type": "dict"},
            "tags": {"type": "dict", "aliases": ["resource_tags"]},
            "purge_tags": {"type": "bool", "default": True},
            **kind.argument_spec,
        },
        required_one_of=[("name", "arn")],
        supports_check_mode=True,
    )
    options = module.params
    desired = _members(options)
    module.require(_problems(kind, desired))
    aws = module.access()
    after: Mapping[str, Any] | None = None
    with module.explained(f"{kind.subject} {options['name'] or options['arn']} in {aws.region}"):
        present = options["state"] == "present"
        rules = where_enabled(lambda: aws.call("securityhub", kind.read_all), hub_needed=present) or []
        current = _current(kind, aws, rules, options["name"], options["arn"])
        if present:
            after = _ensure_present(kind, aws, current, desired, options, module.check_mode, len(rules))
        elif current is not None and not module.check_mode:
            aws.call("securityhub", kind.delete, current["RuleArn"])
    before, now = _result(current), _result(after)
    module.exit_with("automation_rule", before, now, changed=_without_times(before) != _without_times(now))


def run_info(kind: Kind) -> None:
    """Run the module that reads the rules of this kind, or those of one name or ARN."""
    module = Module(
        argument_spec={"name": {"type": "str"}, "arn": {"type": "str"}},
        supports_check_mode=True,
    )
    name, arn = module.params["name"], module.params["arn"]
    aws = module.access()
    with module.explained(f"{kind.subject}s in {aws.region}"):
        listed = aws.call("securityhub", kind.read_all)
        chosen = [
            rule["RuleArn"] for rule in listed if name in (None, rule["RuleName"]) and arn in (None, rule["RuleArn"])
        ]
        rules = _read(kind, aws, chosen)
    rules.sort(key=lambda rule: (rule["RuleOrder"], rule["RuleName"], rule["RuleArn"]))
    module.exit_json(changed=False, automation_rules=[_result(rule) for rule in rules])


def _members(options: Mapping[str, Any]) -> Json:
    """Return the members that the options set, as CreateAutomationRule takes them."""
    members = {
        "RuleName": options["name"],
        "Description": options["description"],
        "RuleOrder": options["order"],
        "RuleStatus": {None: None, True: "ENABLED", False: "DISABLED"}[options["enabled"]],
        "IsTerminal": options.get("terminal"),
        "Criteria": options["criteria"],
        "Actions": None if options["action"] is None else [options["action"]],
    }
    return {name: value for name, value in members.items() if value is not None}


def _problems(kind: Kind, members: Json) -> list[str]:
    """Return what AWS would refuse, each with its remedy."""
    found = []
    for name, length in (("RuleName", NAME_LENGTH), ("Description", kind.description_length)):
        text = members.get(name)
        if text is not None and not (text.strip() and len(text) <= length):
            found.append(f"{REQUIRED[name]} has {len(text)} characters. Use 1 to {length}, not only blanks.")
    first, last = ORDERS
    if not first <= members.get("RuleOrder", first) <= last:
        found.append(f"order is {members['RuleOrder']}. Use {first} to {last}.")
    if "Criteria" in members and not any(members["Criteria"].values()):
        found.append("criteria is empty, so the rule would apply to every finding. Set at least one criterion.")
    for name, values in members.get("Criteria", {}).items() if kind.values_at_most else ():
        at_most = VALUES_AT_MOST_OF.get(name, kind.values_at_most)
        if isinstance(values, list) and len(values) > at_most:
            found.append(
                f"criteria has {len(values)} values for {name}, and AWS allows {at_most}. Divide them among several "
                f"rules."
            )
    return found


def _read(kind: Kind, aws: Caller, arns: list[str]) -> list[AutomationRule]:
    """Return rules as AWS has them, each with its Tags as a dict."""
    return [
        {**rule, "Tags": aws.call("securityhub", securityhub.list_tags_for_resource, rule["RuleArn"])}
        for rule in (aws.call("securityhub", kind.read, arns) if arns else [])
    ]


def _current(
    kind: Kind, aws: Caller, rules: list[AutomationRule], name: str | None, arn: str | None
) -> AutomationRule | None:
    """Return the rule with this ARN or, without one, of this name. Raise UserError if that is not one rule."""
    found = [rule["RuleArn"] for rule in rules if (rule["RuleArn"] == arn if arn else rule["RuleName"] == name)]
    if len(found) > 1:
        raise UserError(f"{len(found)} rules have this name. Set arn to one of {', '.join(sorted(found))}.")
    return next(iter(_read(kind, aws, found)), None)


def _ensure_present(
    kind: Kind,
    aws: Caller,
    current: AutomationRule | None,
    desired: Json,
    options: Mapping[str, Any],
    check_mode: bool,
    count: int,
) -> Mapping[str, Any]:
    """Return the rule as it is (or would be) afterwards. *count*: how many rules there are."""
    if current is None:
        return _created(kind, aws, desired, options, check_mode, count)
    changes = {name: value for name, value in desired.items() if comparable(value) != comparable(current.get(name))}
    to_set, to_unset = tag_changes(current["Tags"], options["tags"], purge=options["purge_tags"])
    aws.call("securityhub", securityhub.check_input, kind.operation, _whole({**current, **desired}))
    if check_mode:
        kept = {name: value for name, value in current.items() if not (changes and name == "UpdatedAt")}
        return {**kept, **changes, "Tags": with_changes(current["Tags"], to_set, to_unset)}
    arn = current["RuleArn"]
    if changes:
        aws.call("securityhub", kind.update, arn, changes)
    aws.call("securityhub", securityhub.change_tags, arn, to_set, to_unset)
    if not (changes or to_set or to_unset):
        return current
    return next(iter(_read(kind, aws, [arn])), {**current, **changes})


def _created(
    kind: Kind, aws: Caller, desired: Json, options: Mapping[str, Any], check_mode: bool, count: int
) -> Mapping[str, Any]:
    if options["arn"]:
        raise UserError("no rule has this ARN, and AWS chooses the ARN of a new one. Set name instead of arn.")
    missing = [option for name, option in REQUIRED.items() if name not in desired]
    if missing:
        raise UserError(f"the rule does not exist, and a new one needs {', '.join(missing)}. Set them.")
    # AWS would refuse with LimitExceededException, which botocore takes for throttling and retries.
    if count >= LIMIT:
        raise UserError(
            f"this account and region has {count} automation rules, and AWS allows {LIMIT}. Delete one that is no "
            f"longer needed."
        )
    tags = {key: str(value) for key, value in (options["tags"] or {}).items()}
    whole = {**_whole({"RuleStatus": "ENABLED", **desired}), **({"Tags": tags} if tags else {})}
    aws.call("securityhub", securityhub.check_input, kind.operation, whole)
    if check_mode:
        return {**whole, "Tags": tags, **({"IsTerminal": False, **desired} if kind is CSPM else {})}
    arn = aws.call("securityhub", kind.create, whole)
    return next(iter(_read(kind, aws, [arn])), {**whole, "RuleArn": arn, "Tags": tags})


def _whole(rule: Mapping[str, Any]) -> Json:
    """Return what the operation that creates a rule takes of it."""
    names = ("RuleStatus", "IsTerminal", *REQUIRED)
    return {name: rule[name] for name in names if name in rule}


def _result(rule: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the rule as the modules show it: criteria and action in the notation of AWS; an empty dict for None."""
    if rule is None:
        return {}
    shown = {key: value for key, value in rule.items() if key not in AS_GIVEN}
    snake = camel_dict_to_snake_dict(shown)
    times = {key: str(snake[key]) for key in ("created_at", "updated_at") if key in snake}
    action: dict[str, Any] = next(iter(rule["Actions"]), {})
    return {**snake, **times, "criteria": rule["Criteria"], "action": action, "tags": rule["Tags"]}


def _without_times(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "updated_at"}
