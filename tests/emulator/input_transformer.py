# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transform an event for a target with an input transformer as EventBridge does, or stricter.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html: a variable that stands alone
becomes its JSON; inside a string its text is put in as it is ("EventBridge doesn't escape values extracted by Input
Path"), so that a quotation mark in it breaks the JSON. One that the event does not have leaves nothing inside a string;
what happens where it stands alone is documented nowhere, so that here the invocation fails.

A template of several lines, each a string, is a text: the target gets the lines with their quotation marks, and none of
them has to be JSON (https://github.com/aws/aws-cdk/issues/5924).
"""

from __future__ import annotations

import functools
import json
import operator
import re
from typing import Any

LONGEST_TEMPLATE = 8192
MOST_PATHS = 100
PATH = re.compile(r"\$(\.[\w/*-]+(\[(\d+|\*)\])*)*")
VARIABLE = re.compile(r"<([^<>]*)>")
# Whole strings, to distinguish variables inside a string from variables that stand alone.
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|<[^<>]*>')
RESERVED = ("aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time")
RESERVED_JSON = ("aws.events.event", "aws.events.event.json")
MISSING = object()


class NotJson(ValueError):
    """The transformed input is not valid JSON, so the target is not invoked."""


def problem_with(transformer: dict) -> str | None:
    """Return why AWS refuses a transformer, or None."""
    paths, template = transformer.get("InputPathsMap") or {}, transformer.get("InputTemplate") or ""
    if not 1 <= len(template) <= LONGEST_TEMPLATE:
        return f"Member must have length between 1 and {LONGEST_TEMPLATE}"
    if len(paths) > MOST_PATHS:
        return f"Member must have length less than or equal to {MOST_PATHS}"
    if any(name.lower().startswith("aws.") for name in paths):
        return "Keys of InputPathsMap cannot start with AWS."
    bad = [path for path in paths.values() if not PATH.fullmatch(path)]
    if bad:
        return f"Invalid InputPath {bad[0]}: use dot notation"
    unknown = set(VARIABLE.findall(template)) - {*paths, *RESERVED, *RESERVED_JSON}
    if unknown:
        return f"InputTemplate has placeholders without a path: {', '.join(sorted(unknown))}"
    if re.search(r"<[^<>]*>\s*:", TOKEN.sub(lambda found: _without_text(found[0]), template)):
        return "The placeholder cannot be used as an object key"
    filled = TOKEN.sub(lambda found: VARIABLE.sub("null", found[0]), template)
    try:
        json.loads(f"[{','.join(filled.splitlines())}]" if _is_text(template) else filled)
    except ValueError as error:
        return f"InputTemplate is not valid: {error}"
    return None


def _is_text(template: str) -> bool:
    """Return whether a template has several lines, each a string."""
    lines = template.split("\n")
    return len(lines) > 1 and all(line.startswith('"') and line.endswith('"') for line in lines)


def _without_text(token: str) -> str:
    return '""' if token.startswith('"') else token


def transformed(transformer: dict, event: dict, rule: dict, text_templates: str = "as_it_is") -> str:
    """Return the input for the target: JSON, minified, or a text. *text_templates*: see the switch. Raise NotJson."""
    found = {name: _value(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    found["aws.events.rule-arn"], found["aws.events.rule-name"] = rule.get("Arn", ""), rule.get("Name", "")
    found["aws.events.event.ingestion-time"] = event.get("time", "")
    found["aws.events.event.json"] = event
    found["aws.events.event"] = {key: value for key, value in event.items() if key != "detail"}
    template = transformer["InputTemplate"]
    text = TOKEN.sub(lambda token: _filled(token[0], found), template)
    if _is_text(template) and text_templates == "as_it_is":
        return text
    try:
        if _is_text(template):
            return "\n".join(json.dumps(json.loads(line)) for line in text.split("\n"))
        return json.dumps(json.loads(text, parse_constant=_no_constant), separators=(",", ":"))
    except ValueError as error:
        raise NotJson(f"The transformed input is not valid JSON: {error}") from None


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads although JSON does not have them."""
    raise ValueError(f"{name} is not JSON")


def _filled(token: str, found: dict[str, Any]) -> str:
    if token.startswith('"'):
        return VARIABLE.sub(lambda name: _inside(found[name[1]]), token)
    value = found[token[1:-1]]
    return "" if value is MISSING else json.dumps(value)


def _inside(value: Any) -> str:
    if value is MISSING:
        return ""
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


def _value(event: dict, path: str) -> Any:
    steps = [key or int(index) for key, index in re.findall(r"\.([\w/*-]+)|\[(\d+)\]", path)]
    try:
        return functools.reduce(operator.getitem, steps, event)
    except (KeyError, IndexError, TypeError):
        return MISSING
