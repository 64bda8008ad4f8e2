# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for Slack and for Microsoft Teams channels, which differ in their platform. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import Any

from .._aws.modules import Module
from . import configuration
from . import messages
from . import plans
from .platforms import DEFAULT_REGION
from .platforms import REGIONS
from .platforms import TENANT_ID_HINT
from .platforms import UUID
from .platforms import Platform
from .transformations import configuration_name
from .transformations import configuration_result

# https://docs.aws.amazon.com/chatbot/latest/APIReference/API_CreateSlackChannelConfiguration.html
NAME = re.compile(r"^[A-Za-z0-9_-]{1,128}\Z")
TOPIC_ARN = re.compile(r"^arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}\Z")
ROLE_ARN = re.compile(r"^arn:aws:iam::\d{12}:role/[\w+=,.@/-]+\Z")
POLICY_ARN = re.compile(r"^arn:aws:iam::(\d{12}|aws):policy/(?!aws-service-role/)[\w+=,.@/-]+\Z")

REGION_OPTION = {"chatbot_region": {"type": "str", "choices": list(REGIONS), "default": DEFAULT_REGION}}
OPTIONS: dict[str, dict[str, Any]] = {
    **REGION_OPTION,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "configuration_name": {"type": "str", "required": True, "aliases": ["name"]},
    "iam_role_arn": {"type": "str"},
    "sns_topic_arns": {"type": "list", "elements": "str"},
    "purge_sns_topic_arns": {"type": "bool", "default": False},
    "remove_sns_topic_arns": {"type": "list", "elements": "str"},
    "guardrail_policy_arns": {"type": "list", "elements": "str"},
    "logging_level": {"type": "str", "choices": ["ERROR", "INFO", "NONE"]},
    "user_authorization_required": {"type": "bool"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}
INFO_OPTIONS = {**REGION_OPTION, "configuration_name": {"type": "str", "aliases": ["name"]}}


def run(module: Module, platform: Platform, identity: dict[str, Any]) -> None:
    """Create, change or delete the configuration as the module's options say, and report it.

    *identity*: the members of Desired that the platforms name differently.
    """
    options = module.params
    aws = module.access(options["chatbot_region"])
    subject = f"{platform.name} channel configuration {options['configuration_name']}"
    if options["state"] == "absent":
        module.require(name_problems(options["configuration_name"]))
        with module.explained(subject):
            outcome = configuration.delete(aws, options["configuration_name"], platform, check_mode=module.check_mode)
    else:
        desired = _desired(options, platform, identity)
        module.require(problems(desired))
        step = configuration.preview if module.check_mode else configuration.apply
        with module.explained(subject):
            outcome = step(aws, desired)
    before, after = configuration_result(outcome.before), configuration_result(outcome.after)
    _warn_if_disabled(module, after)
    module.exit_with("channel_configuration", before, after, outcome.changed)


def run_info(module: Module, platform: Platform, result: str) -> None:
    """Report the channel configurations of the account, or the one with the given name, under the key *result*."""
    name = module.params["configuration_name"]
    aws = module.access(module.params["chatbot_region"])
    with module.explained(f"{platform.name} channel configurations"):
        found = [
            configuration.with_tags(aws, item)
            for item in aws.call("chatbot", platform.list_configurations)
            if name in (None, configuration_name(item))
        ]
    results = sorted(map(configuration_result, found), key=lambda item: str(item["configuration_name"]))
    for item in results:
        _warn_if_disabled(module, item)
    module.exit_json(changed=False, **{result: results})


def _warn_if_disabled(module: Module, shown: dict[str, Any]) -> None:
    if shown.get("state") == "DISABLED":
        module.warn(messages.is_disabled(shown["configuration_name"], shown.get("state_reason", "")))


def _desired(options: dict[str, Any], platform: Platform, identity: dict[str, Any]) -> plans.Desired:
    topics = options["sns_topic_arns"]
    guardrails = options["guardrail_policy_arns"]
    return plans.Desired(
        name=options["configuration_name"],
        role_arn=options["iam_role_arn"],
        add_topics=tuple(topics or ()),
        remove_topics=tuple(options["remove_sns_topic_arns"] or ()),
        purge_topics=topics is not None and options["purge_sns_topic_arns"],
        guardrail_policy_arns=None if guardrails is None else tuple(guardrails),
        logging_level=options["logging_level"],
        user_authorization_required=options["user_authorization_required"],
        tags=options["tags"],
        purge_tags=options["purge_tags"],
        platform=platform,
        **identity,
    )


def problems(desired: plans.Desired) -> list[str]:
    """Return what AWS would refuse, each with its remedy."""
    return name_problems(desired.name) + _id_problems(desired) + _arn_problems(desired)


def _id_problems(desired: plans.Desired) -> list[str]:
    platform = desired.platform
    found = []
    if not platform.team_id_pattern.match(desired.team_id):
        found.append(
            f"{desired.team_id!r} is not the ID of a {platform.name} {platform.team}. Use {platform.team_id_hint}."
        )
    if not platform.channel_id_pattern.match(desired.channel_id):
        found.append(
            f"{desired.channel_id!r} is not the ID of a {platform.name} channel. Use {platform.channel_id_hint}."
        )
    if desired.tenant_id is not None and not UUID.match(desired.tenant_id):
        found.append(f"{desired.tenant_id!r} is not the ID of a tenant. Use {TENANT_ID_HINT}.")
    return found


def name_problems(name: str) -> list[str]:
    """Return why AWS would refuse the name of a configuration."""
    if NAME.match(name):
        return []
    return [f"configuration_name is {name!r}. Use 1 to 128 letters, digits, hyphens and underscores."]


def _arn_problems(desired: plans.Desired) -> list[str]:
    found = []
    if desired.role_arn is not None and not ROLE_ARN.match(desired.role_arn):
        found.append(f"iam_role_arn is {desired.role_arn!r}. Use the ARN of an IAM role (arn:aws:iam::...:role/...).")
    found += [
        f"{arn!r} is not the ARN of an SNS topic that Chatbot can use. Use a standard topic in the partition aws."
        for arn in (*desired.add_topics, *desired.remove_topics)
        if not TOPIC_ARN.match(arn)
    ]
    found += [
        f"{arn} is in sns_topic_arns and in remove_sns_topic_arns. Remove it from one of them."
        for arn in sorted(set(desired.add_topics) & set(desired.remove_topics))
    ]
    if desired.guardrail_policy_arns == ():
        found.append(
            "guardrail_policy_arns is empty, which AWS takes as AdministratorAccess. Set a policy, or remove it."
        )
    found += [
        f"guardrail_policy_arns has {arn!r}, which is not the ARN of an IAM policy."
        for arn in desired.guardrail_policy_arns or ()
        if not POLICY_ARN.match(arn)
    ]
    return found
