# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse AWS CLI commands as a chat channel runs them, and the buttons that run them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from dataclasses import field
from typing import Any

# The NotificationType of buttons under custom notifications.
CUSTOM = "Custom"
VARIABLE = re.compile(r"\$([A-Za-z0-9_-]+)")


class InvalidCommand(ValueError):
    """The AWS CLI would refuse the command."""


@dataclass(frozen=True)
class Command:
    """The request of a command: the operation in kebab case, the parameters as options."""

    service: str
    operation: str
    options: dict[str, list[str]] = field(hash=False)
    region: str = ""


def read(text: str) -> Command:
    """Return the command in a text without the leading aws. Raise InvalidCommand."""
    words = shlex.split(text)
    if len(words) < 2:
        raise InvalidCommand(f"{text!r} names no operation")
    options: dict[str, list[str]] = {}
    values: list[str] = []
    for word in words[2:]:
        if word.startswith("--"):
            values = options.setdefault(word[2:], [])
        else:
            values.append(word)
    (region,) = options.pop("region", [""])
    return Command(words[0], words[1], options, region)


def operation_name(command: Command) -> str:
    """Return the operation as the API calls it."""
    return _capitalized(command.operation)


def parameters(command: Command, shape: Any) -> dict[str, Any]:
    """Return the input of the operation, whose shape is given. Raise InvalidCommand."""
    found = {}
    for option, values in command.options.items():
        name = _capitalized(option)
        if name not in shape.members:
            raise InvalidCommand(f"Unknown options: --{option}")
        found[name] = _value(shape.members[name], values)
    return found


def _capitalized(words: str) -> str:
    return "".join(part.capitalize() for part in words.split("-"))


def _value(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "list":
        return [_value(shape.member, [value]) for value in values]
    if len(values) != 1:
        raise InvalidCommand(f"expected one argument, got {len(values)}")
    if shape.type_name == "integer":
        if not re.fullmatch(r"-?\d+", values[0]):
            raise InvalidCommand(f"invalid literal for int() with base 10: {values[0]!r}")
        return int(values[0])
    return _shorthand(shape, values[0]) if shape.type_name == "structure" else values[0]


def _shorthand(shape: Any, text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    wrong = [name for name, equals, _value in pairs if not equals or name not in shape.members]
    if wrong:
        raise InvalidCommand(f"Error parsing parameter: {wrong[0]!r} in {text!r}")
    return {name: value for name, _equals, value in pairs}


def buttons(action: dict, notification: dict, quoted: bool = False) -> dict[str, str]:
    """Return the buttons of a custom action under a custom notification: their texts, each with the command it runs.

    quoted: whether a variable's value becomes one word of the command, whatever it holds.
    """
    if (notification.get("metadata") or {}).get("enableCustomActions") is not True:
        return {}
    found = {}
    for attachment in action.get("Attachments", ()):
        paths = attachment.get("Variables", {})
        variables = {name: _at(notification, path) for name, path in paths.items()}
        if attachment.get("NotificationType") == CUSTOM and _wanted(attachment, variables):
            if quoted:
                variables = {name: shlex.quote(value) for name, value in variables.items()}
            found[attachment["ButtonText"]] = _filled(action["Definition"]["CommandText"], variables)
    return found


def _wanted(attachment: dict, variables: dict[str, str]) -> bool:
    return all(
        variables.get(criterion["VariableName"], "") == criterion.get("Value")
        if criterion["Operator"] == "EQUALS"
        else bool(variables.get(criterion["VariableName"]))
        for criterion in attachment.get("Criteria", ())
    )


def _at(notification: dict, path: str) -> str:
    first, *keys = path.split(".")
    found: Any = notification if first == "event" else {}
    for key in keys:
        found = found.get(key, "") if isinstance(found, dict) else ""
    return found if isinstance(found, str) else ""


def _filled(command: str, variables: dict[str, str]) -> str:
    return VARIABLE.sub(lambda found: variables.get(found[1], found[0]), command)
