# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and applies a custom action of Chatbot: a button under messages, or an alias. PRIVATE to the collection."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

from .._aws import errors
from .._aws.clients import Caller
from .._resource.operation import Operation
from .._resource.ownership import is_managed
from .._resource.ownership import not_managed
from .._resource.tags import MANAGED_TAG
from .._resource.tags import chatbot_tags
from .._resource.tags import tag_changes
from .._resource.tags import tags_of
from .._resource.tags import with_changes
from .._services import chatbot as api
from .._services.chatbot import Attachment
from . import messages
from .configuration import settle_seconds
from .platforms import PLATFORMS
from .transformations import result

if TYPE_CHECKING:
    from .._resource.shapes import ChatbotTag
    from .._resource.shapes import Json


# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateCustomAction.html
NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}\Z")
ALIAS = re.compile(r"^[A-Za-z0-9_-]{1,30}\Z")
VARIABLE = re.compile(r"^[A-Za-z0-9_-]{1,100}\Z")
NOTIFICATION_TYPE = re.compile(r"^[A-Za-z0-9-]{1,100}\Z")
CONFIGURATION_ARN = re.compile(r"^arn:aws:chatbot::\d{12}:chat-configuration/[a-z-]+/[A-Za-z0-9_-]{1,128}\Z")
BUTTON_LENGTH = 50
ROUNDS = 5  # until a new custom action is known everywhere
# What Chatbot answers to the name of something that it does not know, or not yet.
UNKNOWN = ("ResourceNotFoundException", "InvalidRequestException")
AT_MOST = 5  # criteria, and variables, of an attachment


class CustomAction(api.CustomAction, total=False):
    """A custom action with its tags, and the sorted ARNs of the channels that offer it.

    It has all members, except that a planned one has no CustomActionArn.
    """

    Tags: list[ChatbotTag]
    ChatConfigurationArns: list[str]


@dataclass(frozen=True)
class Desired:
    """The desired custom action; None leaves a setting alone, an empty alias or list removes it."""

    name: str
    command_text: str | None = None
    alias_name: str | None = None
    attachments: tuple[Attachment, ...] | None = None
    configuration_arns: tuple[str, ...] | None = None
    purge_configurations: bool = False
    tags: dict[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class Plan:
    """The change of a custom action: *members* to create or update it with (maybe empty), tags and associations."""

    operation: Operation
    after: CustomAction
    members: Json = field(default_factory=dict)
    tags_to_set: dict[str, str] = field(default_factory=dict)
    tags_to_unset: tuple[str, ...] = ()
    associate: tuple[str, ...] = ()
    disassociate: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether there is anything to do."""
        return self.operation != Operation.NONE


def problems(desired: Desired) -> list[str]:
    """Return what AWS would refuse, each with its remedy."""
    found = []
    if not NAME.match(desired.name):
        found.append(f"action_name is {desired.name!r}. Use 1 to 64 letters, digits, hyphens and underscores.")
    if desired.command_text is not None and not desired.command_text.strip():
        found.append("command_text is empty. Set it to the command without the leading aws.")
    if desired.alias_name and not ALIAS.match(desired.alias_name):
        found.append(f"alias_name is {desired.alias_name!r}. Use 1 to 30 letters, digits, hyphens and underscores.")
    found += [
        f"chat_configuration_arns has {arn!r}, which is not the ARN of a Chatbot channel configuration."
        for arn in desired.configuration_arns or ()
        if not CONFIGURATION_ARN.match(arn)
    ]
    for attachment in desired.attachments or ():
        found += _attachment_problems(attachment)
    return found


def _attachment_problems(attachment: Attachment) -> list[str]:
    found = []
    kind, text = attachment.get("NotificationType"), attachment.get("ButtonText")
    if kind is not None and not NOTIFICATION_TYPE.match(kind):
        found.append(f"notification_type is {kind!r}. Use 1 to 100 letters, digits and hyphens.")
    if text is not None and not 1 <= len(text) <= BUTTON_LENGTH:
        found.append(f"button_text is {text!r}. Use 1 to {BUTTON_LENGTH} characters.")
    variables, criteria = attachment.get("Variables", {}), attachment.get("Criteria", [])
    if max(len(variables), len(criteria)) > AT_MOST:
        found.append(f"an attachment can have at most {AT_MOST} variables and {AT_MOST} criteria. Remove some.")
    found += [
        f"{name!r} is not the name of a variable. Use letters, digits, hyphens and underscores."
        for name in variables
        if not VARIABLE.match(name)
    ]
    return found


def plan(current: CustomAction | None, desired: Desired) -> Plan:
    """Return the change from *current* to *desired*. Raise UserError for a creation without a command."""
    return _creation(desired) if current is None else _change(current, desired)


def _creation(desired: Desired) -> Plan:
    if desired.command_text is None:
        raise errors.UserError(messages.needs_command(desired.name))
    tags = chatbot_tags(desired.tags or {})
    members = {
        "ActionName": desired.name,
        "Definition": {"CommandText": desired.command_text},
        **({"AliasName": desired.alias_name} if desired.alias_name else {}),
        **({"Attachments": _sorted(desired.attachments)} if desired.attachments else {}),
        **({"Tags": tags} if tags else {}),
    }
    arns = tuple(sorted(set(desired.configuration_arns or ())))
    after = normalized({**members, "Tags": tags, "ChatConfigurationArns": list(arns)})
    return Plan(Operation.CREATE, after, members, associate=arns)


def _change(current: CustomAction, desired: Desired) -> Plan:
    settings = {
        "Definition": current["Definition"] if desired.command_text is None else {"CommandText": desired.command_text},
        "AliasName": current["AliasName"] if desired.alias_name is None else desired.alias_name,
        "Attachments": current["Attachments"] if desired.attachments is None else _sorted(desired.attachments),
    }
    differs = any(current.get(key) != value for key, value in settings.items())
    to_set, to_unset = tag_changes(tags_of(current), desired.tags, purge=desired.purge_tags)
    associate, disassociate = _association_changes(current["ChatConfigurationArns"], desired)
    if not (differs or to_set or to_unset or associate or disassociate):
        return Plan(Operation.NONE, current)
    tags = with_changes(tags_of(current), to_set, to_unset)
    arns = sorted({*current["ChatConfigurationArns"], *associate} - set(disassociate))
    # AWS does not document whether it keeps what an update leaves out, so an update names everything.
    members = {
        "CustomActionArn": current["CustomActionArn"],
        **{key: value for key, value in settings.items() if value},
    }
    after = normalized({**current, **settings, "Tags": chatbot_tags(tags), "ChatConfigurationArns": arns})
    return Plan(Operation.UPDATE, after, members if differs else {}, to_set, to_unset, associate, disassociate)


def _association_changes(current: list[str], desired: Desired) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if desired.configuration_arns is None:
        return (), ()
    channels = set(desired.configuration_arns)
    surplus = set(current) - channels if desired.purge_configurations else set()
    return tuple(sorted(channels - set(current))), tuple(sorted(surplus))


def normalized(action: Mapping[str, Any]) -> CustomAction:
    """Return the custom action with everything that AWS may leave out, and sorted where order means nothing."""
    created: CustomAction = {"CustomActionArn": action["CustomActionArn"]} if "CustomActionArn" in action else {}
    return {
        **created,
        "ActionName": action["ActionName"],
        "AliasName": action.get("AliasName") or "",
        "Definition": action["Definition"],
        "Attachments": _sorted(action.get("Attachments") or []),
        "Tags": chatbot_tags(tags_of(action)),
        "ChatConfigurationArns": action["ChatConfigurationArns"],
    }


def _sorted(attachments: Iterable[Attachment]) -> list[Attachment]:
    found = []
    for attachment in attachments:
        filled = cast("Attachment", {key: value for key, value in attachment.items() if value})
        if "Criteria" in filled:
            filled["Criteria"] = sorted(filled["Criteria"], key=_text)
        found.append(filled)
    return sorted(found, key=_text)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def action_result(action: CustomAction | None) -> dict[str, Any]:
    """Return a custom action as the modules show it, with variables' names unchanged; an empty dict for None."""
    if action is None:
        return {}
    shown = result({key: value for key, value in action.items() if key != "Attachments"})
    definition = shown.pop("definition")
    attachments = [_attachment_result(item) for item in action["Attachments"]]
    return {**shown, "command_text": definition["command_text"], "attachments": attachments}


def _attachment_result(attachment: Attachment) -> dict[str, Any]:
    untouched = {"variables": attachment["Variables"]} if "Variables" in attachment else {}
    return {**result({key: value for key, value in attachment.items() if key != "Variables"}), **untouched}


def read(aws: Caller, name: str) -> CustomAction | None:
    """Return the custom action of this name, with its tags and the channels that offer it, or None."""
    for arn in aws.call("chatbot", api.list_custom_actions):
        if arn.rpartition("/")[2] == name:
            return complete(aws, arn, associations(aws))
    return None


def associations(aws: Caller) -> dict[str, list[str]]:
    """Return what is associated with each channel configuration of the account, by the configuration's ARN."""
    listed = [found for platform in PLATFORMS for found in aws.call("chatbot", platform.list_configurations)]
    arns = [found["ChatConfigurationArn"] for found in listed]
    return {arn: aws.call("chatbot", api.list_associations, arn) for arn in arns}


def complete(aws: Caller, arn: str, associated: dict[str, list[str]]) -> CustomAction | None:
    """Return the custom action with its tags and the channels that offer it, or None."""
    action = aws.call("chatbot", api.get_custom_action, arn)
    if action is None:
        return None
    return normalized(
        {
            **action,
            "ActionName": arn.rpartition("/")[2],
            "Tags": aws.call("chatbot", api.list_tags_for_resource, arn),
            "ChatConfigurationArns": sorted(channel for channel, offered in associated.items() if arn in offered),
        }
    )


def write(aws: Caller, now: Plan, desired: Desired, sleep: Callable[[float], None] = time.sleep) -> None:
    """Carry the plan out. A custom action of the same name that was created meanwhile is changed instead.

    Raise UserError if it must have our tag and has not.
    """
    created = aws.call("chatbot", api.create_custom_action, now.members) if now.operation == Operation.CREATE else ""
    if now.operation == Operation.CREATE and not created:
        current = read(aws, desired.name)
        if current is None:
            raise errors.UserError(messages.action_is_not_listed(desired.name))
        if MANAGED_TAG in (desired.tags or {}) and not is_managed(current):
            raise errors.UserError(not_managed(f"the custom action {desired.name} of Amazon Q"))
        now = _change(current, desired)
    arn = created or now.after["CustomActionArn"]
    if now.members and not created:
        aws.call("chatbot", api.update_custom_action, now.members)
    aws.call("chatbot", api.change_tags, arn, now.tags_to_set, now.tags_to_unset)
    for channel in now.associate:
        _associate(aws, channel, arn, sleep)
    for channel in now.disassociate:
        aws.call("chatbot", api.disassociate_from_configuration, channel, arn)


def _associate(aws: Caller, channel: str, arn: str, sleep: Callable[[float], None]) -> None:
    """Offer the custom action in a channel, which Chatbot may refuse until it knows a new custom action everywhere."""
    for number in range(ROUNDS):
        try:
            return aws.call("chatbot", api.associate_to_configuration, channel, arn)
        except errors.failures() as error:
            if errors.code(error) not in UNKNOWN or number == ROUNDS - 1:
                raise
        sleep(settle_seconds(number))
    return None


def delete(aws: Caller, current: CustomAction) -> None:
    """Remove the custom action from its channels and delete it."""
    arn = current["CustomActionArn"]
    for channel in current["ChatConfigurationArns"]:
        _disassociate(aws, channel, arn)
    aws.call("chatbot", api.delete_custom_action, arn)


def _disassociate(aws: Caller, channel: str, arn: str) -> None:
    """Stop offering the custom action in a channel, unless another run has deleted it meanwhile."""
    try:
        aws.call("chatbot", api.disassociate_from_configuration, channel, arn)
    except errors.failures() as error:
        if errors.code(error) not in UNKNOWN or aws.call("chatbot", api.get_custom_action, arn) is not None:
            raise
