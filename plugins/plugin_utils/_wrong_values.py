# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the value of a role variable, and what to use instead: pure. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._aws.similar import did_you_mean

# The messages of ansible.module_utils.common.arg_spec. One that is not known stays as it is.
WRONG_TYPE = re.compile(
    r"(?:argument|Elements value for option) '(?P<option>\w+)'(?: is of type \w+)?(?: found in '(?P<where>.+?)')?"
    r".*unable to convert to (?P<type>\w+):"
)
NOT_A_CHOICE = re.compile(
    r"value of (?P<option>\w+) must be one (?:or more )?of: (?P<choices>.+?)[,.] [Gg]ot(?: no match for)?: "
    r"(?P<value>\S*)"
)
UNKNOWN_KEY = re.compile(r"(?P<where>[\w.]+)\.(?P<key>\w+)\. Supported parameters include: (?P<keys>.+)\.")
MISSING_KEY = re.compile(r"missing required arguments: (?P<keys>.+) found in (?P<where>.+)")
# Ansible says about the entries of a list, without the name of the variable, what another message says with it.
ECHOES = ("dictionary requested", "Value '")
KINDS = {
    "bool": "true or false",
    "dict": "a mapping of keys to values",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
}
LIST_OF_MAPPINGS = "a list of mappings of keys to values"


def checked(name: str, option: dict[str, Any], value: Any) -> tuple[Any, list[str]]:
    """Return the value of a variable with the type that its argument spec *option* says, and what is wrong with it."""
    result = ArgumentSpecValidator({name: option}).validate({name: value})
    return result.validated_parameters[name], _in_words(name, option, value, result.error_messages)


def _in_words(name: str, option: dict[str, Any], value: Any, messages: list[str]) -> list[str]:
    """Return the sentences for the *messages* of Ansible about a value, which name Python's classes and no remedy."""
    if not messages:
        return []
    found = [match for match in map(WRONG_TYPE.match, messages) if match]
    # Of a text with an equals sign, such as a URL, Ansible makes a mapping, and then quotes it as a key.
    is_text = isinstance(value, str) and option.get("elements") == "dict" and not value.lstrip().startswith(("[", "{"))
    if is_text or any(match["option"] == name for match in found):
        return [f"{name} {_given(value, option)}. Use {_kind(option)}."]
    return [_sentence(message) for message in messages if not message.startswith(ECHOES)]


def _kind(option: dict[str, Any]) -> str:
    return LIST_OF_MAPPINGS if option.get("elements") == "dict" else KINDS.get(option["type"], option["type"])


def _given(value: Any, option: dict[str, Any]) -> str:
    """Return what a value is, without content that may be long or secret, such as the URL of a receiver."""
    if isinstance(value, list):
        return "has an entry of another type" if option["type"] == "list" else "is a list"
    if isinstance(value, dict):
        return "is a mapping"
    if value == "":
        return "is empty"
    return "is a text" if isinstance(value, str) and option["type"] in ("dict", "list") else f"is {value!r}"


def _sentence(message: str) -> str:
    if found := WRONG_TYPE.match(message):
        kind = LIST_OF_MAPPINGS if message.startswith("Elements") else KINDS.get(found["type"], found["type"])
        return f"{found['option']} in {found['where']} has a value of another type. Use {kind}."
    if found := NOT_A_CHOICE.search(message):
        if not found["value"]:
            return f"{found['option']} is empty. Use one of {found['choices']}, or remove it."
        return f"{message}.{did_you_mean(found['value'], found['choices'].split(', '))}"
    if found := UNKNOWN_KEY.fullmatch(message):
        near = did_you_mean(found["key"], found["keys"].split(", "))
        return f"{found['where']} has the unknown key {found['key']}. Use {found['keys']}.{near}"
    if found := MISSING_KEY.fullmatch(message):
        return f"{found['where']} has an entry without {found['keys']}. Add it."
    return message
