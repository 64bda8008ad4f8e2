# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A custom action of Chatbot: a button under messages, or an alias for a command. PRIVATE to the collection."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from .._aws import errors
from .._services import chatbot as api
from .platforms import SLACK
from .platforms import TEAMS
from .transformations import boto3_tags
from .transformations import result
from .transformations import tags_of

# As boto3 shapes it, with Tags, and ChatConfigurationArns: the sorted ARNs of the channels that offer it.
CustomAction = dict[str, Any]

# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateCustomAction.html
NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}\Z")
ALIAS = re.compile(r"^[A-Za-z0-9_-]{1,30}\Z")
VARIABLE = re.compile(r"^[A-Za-z0-9_-]{1,100}\Z")
NOTIFICATION_TYPE = re.compile(r"^[A-Za-z0-9-]{1,100}\Z")
CONFIGURATION_ARN = re.compile(r"^arn:aws:chatbot::\d{12}:chat-configuration/[a-z-]+/[A-Za-z0-9_-]{1,128}\Z")
BUTTON_LENGTH = 50
AT_MOST = 5  # criteria, and variables, of an attachment


@dataclass(frozen=True)
class Desired:
    """A custom action as it should be; None leaves a setting alone, an empty alias or list removes it.

    *attachments* have boto3's shape (NotificationType, ButtonText, Criteria, Variables).
    """

    name: str
    command_text: str | None = None
    alias_name: str | None = None
    attachments: tuple[dict[str, Any], ...] | None = None
    configuration_arns: tuple[str, ...] | None = None
    purge_configurations: bool = False
    tags: dict[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class Plan:
    """What must happen: *members* to create or update with (empty if that need not be), tags and associations."""

    operation: str  # create, update or none
    after: CustomAction
    members: dict[str, Any] = field(default_factory=dict)
    tags_to_set: dict[str, str] = field(default_factory=dict)
    tags_to_unset: tuple[str, ...] = ()
    associate: tuple[str, ...] = ()
    disassociate: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether anything must happen."""
        return self.operation != "none"


def problems(desired: Desired) -> list[str]:
    """Return what AWS would refuse, each as a sentence with its remedy."""
    found = []
    if not NAME.match(desired.name):
        found.append(f"action_name is {desired.name!r}: use 1 to 64 letters, digits, hyphens and underscores")
    if desired.command_text is not None and not desired.command_text.strip():
        found.append("command_text is empty: give the command without the leading aws")
    if desired.alias_name and not ALIAS.match(desired.alias_name):
        found.append(f"alias_name is {desired.alias_name!r}: use 1 to 30 letters, digits, hyphens and underscores")
    found += [
        f"{arn!r} in chat_configuration_arns is no ARN of a Chatbot channel configuration"
        for arn in desired.configuration_arns or ()
        if not CONFIGURATION_ARN.match(arn)
    ]
    for attachment in desired.attachments or ():
        found += _attachment_problems(attachment)
    return found


def _attachment_problems(attachment: dict[str, Any]) -> list[str]:
    found = []
    kind, text = attachment.get("NotificationType"), attachment.get("ButtonText")
    if kind is not None and not NOTIFICATION_TYPE.match(kind):
        found.append(f"notification_type is {kind!r}: use 1 to 100 letters, digits and hyphens")
    if text is not None and not 1 <= len(text) <= BUTTON_LENGTH:
        found.append(f"button_text is {text!r}: use 1 to {BUTTON_LENGTH} characters")
    variables, criteria = attachment.get("Variables", {}), attachment.get("Criteria", [])
    if max(len(variables), len(criteria)) > AT_MOST:
        found.append(f"an attachment has at most {AT_MOST} variables and {AT_MOST} criteria")
    found += [
        f"{name!r} is no name of a variable: use letters, digits, hyphens and underscores"
        for name in variables
        if not VARIABLE.match(name)
    ]
    return found


def plan(current: CustomAction | None, desired: Desired) -> Plan:
    """Return the way from *current* to *desired*. Raise UserError for a creation without a command."""
    return _creation(desired) if current is None else _change(current, desired)


def _creation(desired: Desired) -> Plan:
    if desired.command_text is None:
        raise errors.UserError(f"the custom action {desired.name} does not exist yet: set command_text to create it.")
    tags = boto3_tags(desired.tags or {})
    members = {
        "ActionName": desired.name,
        "Definition": {"CommandText": desired.command_text},
        **({"AliasName": desired.alias_name} if desired.alias_name else {}),
        **({"Attachments": _sorted(desired.attachments)} if desired.attachments else {}),
        **({"Tags": tags} if tags else {}),
    }
    arns = tuple(sorted(set(desired.configuration_arns or ())))
    after = normalized({**members, "Tags": tags, "ChatConfigurationArns": list(arns)})
    return Plan("create", after, members, associate=arns)


def _change(current: CustomAction, desired: Desired) -> Plan:
    wanted = {
        "Definition": current["Definition"] if desired.command_text is None else {"CommandText": desired.command_text},
        "AliasName": current["AliasName"] if desired.alias_name is None else desired.alias_name,
        "Attachments": current["Attachments"] if desired.attachments is None else _sorted(desired.attachments),
    }
    differs = any(current[key] != value for key, value in wanted.items())
    to_set, to_unset = _tag_changes(tags_of(current), desired)
    associate, disassociate = _association_changes(current["ChatConfigurationArns"], desired)
    if not (differs or to_set or to_unset or associate or disassociate):
        return Plan("none", current)
    tags = {key: value for key, value in {**tags_of(current), **to_set}.items() if key not in to_unset}
    arns = sorted({*current["ChatConfigurationArns"], *associate} - set(disassociate))
    # AWS does not say whether it keeps what an update leaves out, so an update names everything.
    members = {"CustomActionArn": current["CustomActionArn"], **{key: value for key, value in wanted.items() if value}}
    after = normalized({**current, **wanted, "Tags": boto3_tags(tags), "ChatConfigurationArns": arns})
    return Plan("update", after, members if differs else {}, to_set, to_unset, associate, disassociate)


def _tag_changes(current: dict[str, str], desired: Desired) -> tuple[dict[str, str], tuple[str, ...]]:
    if desired.tags is None:
        return {}, ()
    to_set = {key: str(value) for key, value in desired.tags.items() if current.get(key) != str(value)}
    surplus = set(current) - set(desired.tags) if desired.purge_tags else set()
    return to_set, tuple(sorted(key for key in surplus if not key.startswith("aws:")))


def _association_changes(current: list[str], desired: Desired) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if desired.configuration_arns is None:
        return (), ()
    wanted = set(desired.configuration_arns)
    surplus = set(current) - wanted if desired.purge_configurations else set()
    return tuple(sorted(wanted - set(current))), tuple(sorted(surplus))


def normalized(action: CustomAction) -> CustomAction:
    """Return the custom action with everything that AWS may leave out, and everything that is a set sorted."""
    return {
        "AliasName": "",
        **action,
        "Attachments": _sorted(action.get("Attachments") or []),
        "Tags": boto3_tags(tags_of(action)),
    }


def _sorted(attachments: Any) -> list[dict[str, Any]]:
    return sorted((_with_sorted_criteria(attachment) for attachment in attachments), key=_text)


def _with_sorted_criteria(attachment: dict[str, Any]) -> dict[str, Any]:
    filled = {key: value for key, value in attachment.items() if value}
    if "Criteria" in filled:
        filled["Criteria"] = sorted(filled["Criteria"], key=_text)
    return filled


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def action_result(action: CustomAction | None) -> dict[str, Any]:
    """Return a custom action as the modules show it, names of variables untouched; an empty dict for None."""
    if action is None:
        return {}
    shown = result({key: value for key, value in action.items() if key != "Attachments"})
    definition = shown.pop("definition")
    attachments = [_attachment_result(item) for item in action["Attachments"]]
    return {**shown, "command_text": definition["command_text"], "attachments": attachments}


def _attachment_result(attachment: dict[str, Any]) -> dict[str, Any]:
    untouched = {"variables": attachment["Variables"]} if "Variables" in attachment else {}
    return {**result({key: value for key, value in attachment.items() if key != "Variables"}), **untouched}


def read(client: Any, name: str) -> CustomAction | None:
    """Return the custom action of this name, with its tags and the channels that offer it, or None."""
    for arn in api.list_custom_actions(client):
        if arn.rpartition("/")[2] == name:
            return complete(client, arn, associations(client))
    return None


def associations(client: Any) -> dict[str, list[str]]:
    """Return what is associated with each channel configuration of the account, by the configuration's ARN."""
    configurations = [found for platform in (SLACK, TEAMS) for found in platform.list_configurations(client)]
    arns = [found["ChatConfigurationArn"] for found in configurations]
    return {arn: api.list_associations(client, arn) for arn in arns}


def complete(client: Any, arn: str, associated: dict[str, list[str]]) -> CustomAction | None:
    """Return the custom action with its tags and the channels that offer it, or None."""
    action = api.get_custom_action(client, arn)
    if action is None:
        return None
    return normalized(
        {
            **action,
            "ActionName": arn.rpartition("/")[2],
            "Tags": api.list_tags_for_resource(client, arn),
            "ChatConfigurationArns": sorted(place for place, resources in associated.items() if arn in resources),
        }
    )


def apply(client: Any, now: Plan, desired: Desired) -> CustomAction | None:
    """Carry the plan out as *write* does, and return what AWS shows then."""
    write(client, now, desired)
    return read(client, desired.name)


def write(client: Any, now: Plan, desired: Desired) -> None:
    """Carry the plan out, adopting a custom action that was created meanwhile."""
    if now.operation == "create":
        try:
            arn = api.create_custom_action(client, now.members)
        except client.exceptions.ConflictException:
            current = read(client, desired.name)
            if current is None:
                raise
            now = _change(current, desired)
            arn = current["CustomActionArn"]
            _update(client, now, arn)
    else:
        arn = now.after["CustomActionArn"]
        _update(client, now, arn)
    for place in now.associate:
        api.associate_to_configuration(client, place, arn)
    for place in now.disassociate:
        api.disassociate_from_configuration(client, place, arn)


def _update(client: Any, now: Plan, arn: str) -> None:
    if now.members:
        api.update_custom_action(client, now.members)
    if now.tags_to_set:
        api.tag_resource(client, arn, boto3_tags(now.tags_to_set))
    if now.tags_to_unset:
        api.untag_resource(client, arn, list(now.tags_to_unset))


def delete(client: Any, current: CustomAction) -> None:
    """Take the custom action out of its channels, and delete it."""
    for place in current["ChatConfigurationArns"]:
        api.disassociate_from_configuration(client, place, current["CustomActionArn"])
    api.delete_custom_action(client, current["CustomActionArn"])
