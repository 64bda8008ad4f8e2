# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role variables of one inventory host, checked before the first call to AWS: pure. PRIVATE to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._routing import policy

PREFIX = "securityhub_slack_"
REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d+$")
WITHOUT_CHATBOT = {
    "cn-": "AWS China",
    "us-gov-": "AWS GovCloud",
    "us-iso": "an isolated partition",
    "eusc-": "the European Sovereign Cloud",
}
WORKSPACE_ID = re.compile(r"^T[0-9A-Z]{7,}$")
CHANNEL_ID = re.compile(r"^[CG][0-9A-Z]{7,}$")
PLACEHOLDER = re.compile(r"^[TCG](0+|X+|0*X+|0*EXAMPLE|0?CHANGE_?ME|1234567890?)$", re.IGNORECASE)
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9-]{0,39}$")
ROUTE_NAME = re.compile(r"^[a-z][a-z0-9]{0,15}$")
CONFIGURATION_NAME = re.compile(r"^[A-Za-z0-9_-]{1,128}$")
ACTION_ID = re.compile(r"^[0-9A-Za-z]{1,20}$")
ACTION_NAME_LENGTH = 20
SLACK_CHANNEL = ("channel_id", "channel_name")
CHATBOT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")


@dataclass(frozen=True)
class Channel:
    """One Slack channel that findings go to, and the name of its Chatbot configuration."""

    configuration: str
    workspace_id: str
    channel_id: str
    channel_name: str = ""


@dataclass(frozen=True)
class Route:
    """A Slack channel, the topic that feeds it, and the variables of the policy that chooses its findings."""

    channel: Channel
    topic: str
    variables: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Settings:
    """What one inventory host asks for."""

    host: str
    region: str
    source: CredentialSource
    present: bool
    name: str
    routes: tuple[Route, ...]
    variables: dict[str, Any] = field(hash=False)

    def value(self, name: str) -> Any:
        """Return the role variable *name*, given without its prefix; None if it has no default and is not set."""
        return self.variables.get(PREFIX + name)

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return the user's tags, sorted."""
        return tuple(sorted((str(key), str(value)) for key, value in self.value("tags").items()))


def settings_of(host: str, variables: dict[str, Any]) -> Settings:
    """Return the settings in *variables* (role variables of the types in the role's argument specs)."""

    def text(name: str) -> str:
        return str(variables.get(PREFIX + name) or "")

    return Settings(
        host=host,
        region=text("region"),
        source=CredentialSource(
            text("profile"), text("role_arn"), text("external_id"), text("endpoint_url"), text("session_name")
        ),
        present=text("state") == "present",
        name=text("name"),
        routes=_routes(variables, text("name")),
        variables=variables,
    )


def _routes(variables: dict[str, Any], name: str) -> tuple[Route, ...]:
    workspace = str(variables.get(PREFIX + "workspace_id") or "")
    configuration = str(variables[PREFIX + "configuration_name"])
    named = variables[PREFIX + "routes"]
    if not named:
        channel = Channel(configuration, workspace, *(str(variables.get(PREFIX + key) or "") for key in SLACK_CHANNEL))
        return (Route(channel, name, variables),)
    return tuple(
        Route(
            channel=Channel(
                f"{configuration}-{route['name']}", workspace, *(str(route.get(key) or "") for key in SLACK_CHANNEL)
            ),
            topic=f"{name}-{route['name']}",
            variables={**variables, **_policy_of_route(route)},
        )
        for route in named
    )


def _policy_of_route(route: dict[str, Any]) -> dict[str, Any]:
    return {
        PREFIX + key: value for key, value in route.items() if key not in ("name", *SLACK_CHANNEL) and value is not None
    }


def problems(settings: Settings) -> list[str]:
    """Return what is wrong with one host's settings, each as a sentence with its remedy."""
    found = [*_region_problems(settings.region), *_name_problems(settings), *_action_problems(settings)]
    if settings.value("account_error"):
        return [str(settings.value("account_error"))]
    if settings.present:
        found += _slack_problems(settings)
        found += dict.fromkeys(item for route in settings.routes for item in policy.problems(route.variables))
    return found


def _region_problems(region: str) -> list[str]:
    if not REGION.match(region):
        return [
            f"{region!r} is not an AWS region: end the host's name with its region (ap-northeast-1, "
            f"prod.ap-northeast-1), or set securityhub_slack_region"
        ]
    for prefix, partition in WITHOUT_CHATBOT.items():
        if region.startswith(prefix):
            return [
                f"{region} lies in {partition}, where Amazon Q Developer in chat applications (AWS Chatbot) does not "
                f"exist: subscribe an e-mail address or an HTTPS endpoint of yours to an SNS topic there instead"
            ]
    return []


def _slack_problems(settings: Settings) -> list[str]:
    found = []
    workspace = settings.routes[0].channel.workspace_id
    if not WORKSPACE_ID.match(workspace) or PLACEHOLDER.match(workspace):
        found.append(
            f"securityhub_slack_workspace_id is {workspace!r}, which is no Slack workspace: set the id that begins "
            f"with T, as in https://app.slack.com/client/<workspace>/<channel>"
        )
    for route in settings.routes:
        channel = route.channel.channel_id
        if not CHANNEL_ID.match(channel) or PLACEHOLDER.match(channel):
            found.append(
                f"securityhub_slack_channel_id is {channel!r}, which is no Slack channel: set the id that begins with "
                f"C (private channels: C or G), as in https://app.slack.com/client/<workspace>/<channel>"
            )
    return found


def _name_problems(settings: Settings) -> list[str]:
    found = []
    if not NAME.match(settings.name):
        found.append(
            f"securityhub_slack_name is {settings.name!r}: use 1 to 40 letters, digits and hyphens, a letter first"
        )
    if not CONFIGURATION_NAME.match(settings.value("configuration_name")):
        found.append("securityhub_slack_configuration_name may hold letters, digits, hyphens and underscores only")
    names = [route["name"] for route in settings.value("routes")]
    found += [
        f"the route name {name!r} must be 1 to 16 lower-case letters and digits, a letter first"
        for name in names
        if not ROUTE_NAME.match(name)
    ]
    if len(set(names)) < len(names):
        found.append("two entries of securityhub_slack_routes have the same name")
    return found


def _action_problems(settings: Settings) -> list[str]:
    found = []
    if not ACTION_ID.match(settings.value("action_id")):
        found.append(f"securityhub_slack_action_id is {settings.value('action_id')!r}: use 1 to 20 letters and digits")
    name = settings.value("action_name")
    if not name.strip() or len(name) > ACTION_NAME_LENGTH:
        found.append(f"securityhub_slack_action_name is {name!r}: AWS takes 1 to {ACTION_NAME_LENGTH} characters")
    if not settings.value("action_description").strip():
        found.append("securityhub_slack_action_description is empty: AWS wants one")
    return found


# What all hosts of an account must agree on, because an account has it once.
SHARED = (
    "name",
    "chatbot_region",
    "logging_level",
    "user_authorization_required",
    "guardrail_policy_arns",
    "owner_region",
    "topology",
)


def disagreements(settings: list[Settings]) -> list[str]:
    """Return where hosts of one account contradict each other about what the account has once."""
    found = [sentence for name in SHARED for sentence in _disagreement(name, settings)]
    return found + _channel_disagreements(settings) + _twice(settings)


def _disagreement(name: str, settings: list[Settings]) -> list[str]:
    first = settings[0]
    for other in settings[1:]:
        if other.value(name) != first.value(name):
            return [
                f"securityhub_slack_{name} is {first.value(name)!r} for {first.host} and {other.value(name)!r} for "
                f"{other.host}, which are in one account: set it once, for the whole account"
            ]
    return []


def _channel_disagreements(settings: list[Settings]) -> list[str]:
    by_name: dict[str, tuple[str, Channel]] = {}
    by_slack: dict[tuple[str, str], tuple[str, Channel]] = {}
    found = []
    for item in settings:
        for channel in (route.channel for route in item.routes if item.present):
            host, known = by_name.setdefault(channel.configuration, (item.host, channel))
            if known != channel:
                found.append(
                    f"the channel configuration {channel.configuration} means Slack channel {known.channel_id} for "
                    f"{host} and {channel.channel_id} for {item.host}: set securityhub_slack_channel_id once for the "
                    f"account, or give the second channel a securityhub_slack_configuration_name of its own"
                )
            slack = (channel.workspace_id, channel.channel_id)
            host, known = by_slack.setdefault(slack, (item.host, channel))
            if known.configuration != channel.configuration:
                found.append(
                    f"Slack channel {channel.channel_id} is named by two configurations, "
                    f"{known.configuration} ({host}) "
                    f"and {channel.configuration} ({item.host}), and AWS allows one in an account: use one name"
                )
    return list(dict.fromkeys(found))


def _twice(settings: list[Settings]) -> list[str]:
    seen: dict[str, str] = {}
    found = []
    for item in settings:
        first = seen.setdefault(item.region, item.host)
        if first != item.host:
            found.append(f"{first} and {item.host} are the same region {item.region} of one account: keep one of them")
    return found
