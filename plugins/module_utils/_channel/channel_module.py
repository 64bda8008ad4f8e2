# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Slack and for Microsoft Teams channels share. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import Any

from .._aws import modules
from . import configuration
from . import plans
from .platforms import DEFAULT_REGION
from .platforms import REGIONS
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


def chatbot_client(module: Any) -> Any:
    """Return a Chatbot client in the endpoint region that the module was given."""
    return modules.client(module, "chatbot", region=module.params["chatbot_region"])


def desired_of(options: dict[str, Any], platform: Platform, **identity: Any) -> plans.Desired:
    """Return what the options ask for; *identity* are the members of Desired that the platforms name differently."""
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
    """Return what AWS would refuse, each as a sentence with its remedy."""
    return name_problems(desired.name) + _id_problems(desired) + _arn_problems(desired)


def _id_problems(desired: plans.Desired) -> list[str]:
    platform = desired.platform
    found = []
    if not platform.team_id_pattern.match(desired.team_id):
        found.append(f"{desired.team_id!r} is no {platform.name} {platform.team}: give {platform.team_id_hint}")
    if not platform.channel_id_pattern.match(desired.channel_id):
        found.append(f"{desired.channel_id!r} is no {platform.name} channel: give {platform.channel_id_hint}")
    if desired.tenant_id is not None and not UUID.match(desired.tenant_id):
        found.append(f"{desired.tenant_id!r} is no tenant: give the UUID that stands as tenantId= in the link")
    return found


def name_problems(name: str) -> list[str]:
    """Return what is wrong with the name of a configuration."""
    if NAME.match(name):
        return []
    return [f"configuration_name is {name!r}: use 1 to 128 letters, digits, hyphens and underscores"]


def _arn_problems(desired: plans.Desired) -> list[str]:
    found = []
    if desired.role_arn is not None and not ROLE_ARN.match(desired.role_arn):
        found.append(
            f"iam_role_arn is {desired.role_arn!r}, which is no ARN of an IAM role (arn:aws:iam::...:role/...)"
        )
    found += [
        f"{arn!r} is no ARN of an SNS topic that Chatbot can use: it takes standard topics of the partition aws"
        for arn in (*desired.add_topics, *desired.remove_topics)
        if not TOPIC_ARN.match(arn)
    ]
    found += [
        f"{arn} stands in sns_topic_arns and in remove_sns_topic_arns: decide for one"
        for arn in sorted(set(desired.add_topics) & set(desired.remove_topics))
    ]
    if desired.guardrail_policy_arns == ():
        found.append(
            "guardrail_policy_arns is empty, which for AWS means AdministratorAccess: name a policy, or leave it out"
        )
    found += [
        f"{arn!r} in guardrail_policy_arns is no ARN of an IAM policy"
        for arn in desired.guardrail_policy_arns or ()
        if not POLICY_ARN.match(arn)
    ]
    return found


def run(module: Any, desired: plans.Desired) -> None:
    """Bring the configuration to the desired state and report it."""
    modules.refuse(module, problems(desired))
    client = chatbot_client(module)
    with modules.explained(module, f"{desired.platform.name} channel configuration {desired.name}"):
        step = configuration.preview if module.check_mode else configuration.apply
        outcome = step(client, desired)
    _report(module, outcome)


def run_absent(module: Any, platform: Platform) -> None:
    """Delete the configuration of the given name and report that."""
    name = module.params["configuration_name"]
    modules.refuse(module, name_problems(name))
    client = chatbot_client(module)
    with modules.explained(module, f"{platform.name} channel configuration {name}"):
        if module.check_mode:
            now = plans.plan_deletion(platform.list_configurations(client), name)
            outcome = configuration.Outcome(now.changed, now.before, now.after)
        else:
            outcome = configuration.delete(client, name, platform)
    _report(module, outcome)


def _report(module: Any, outcome: configuration.Outcome) -> None:
    before, after = configuration_result(outcome.before), configuration_result(outcome.after)
    warn_if_disabled(module, after)
    module.exit_json(changed=outcome.changed, channel_configuration=after, diff=modules.difference(before, after))


def run_info(module: Any, platform: Platform, result: str) -> None:
    """Report the channel configurations of the account, or the one with the given name, under the key *result*."""
    wanted = module.params["configuration_name"]
    client = chatbot_client(module)
    with modules.explained(module, f"{platform.name} channel configurations"):
        found = [
            configuration.with_tags(client, item)
            for item in platform.list_configurations(client)
            if wanted in (None, configuration_name(item))
        ]
    results = sorted(map(configuration_result, found), key=lambda item: str(item["configuration_name"]))
    for item in results:
        warn_if_disabled(module, item)
    module.exit_json(changed=False, **{result: results})


def warn_if_disabled(module: Any, shown: dict[str, Any]) -> None:
    """Warn about a configuration that an organisation policy has switched off."""
    if shown.get("state") == "DISABLED":
        module.warn(
            f"The channel configuration {shown['configuration_name']} is DISABLED and delivers nothing: "
            f"{shown.get('state_reason') or 'AWS gives no reason'}. Ask whoever manages the chat applications policy "
            f"of the AWS organisation."
        )
