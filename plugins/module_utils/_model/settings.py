# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role variables of one inventory host, validated before the first call to AWS: pure. PRIVATE to the collection."""

from __future__ import annotations

import re
import unicodedata
import zoneinfo
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import credentials
from .._aws.credentials import CredentialSource
from .._aws.names import ACCOUNT_ID
from .._aws.names import REGION
from .._aws.similar import did_you_mean
from .._channel import regions
from .._channel.platforms import SLACK
from .._channel.platforms import TEAMS
from .._channel.platforms import TENANT_ID_HINT
from .._channel.platforms import UUID
from .._channel.platforms import Platform
from .._routing import policy
from .._routing.fields import SEVERITIES
from .._routing.policy import PREFIX
from .._securityhub import action_target
from .._stack import encryption
from . import account_channels
from . import additions
from . import receivers
from .receivers import ReceiverRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._routing.policy import Variables

WITHOUT_CHATBOT = {
    "cn-": "AWS China",
    "us-gov-": "AWS GovCloud",
    "us-iso": "an isolated partition",
    "eusc-": "the European Sovereign Cloud",
}
PLACEHOLDER = re.compile(r"^([TCG](0+|X+|0*X+|0*EXAMPLE|0?CHANGE_?ME|1234567890?)|[0-]+)\Z", re.IGNORECASE)
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9-]{0,39}\Z")
CONFIGURATION_NAME = re.compile(r"^[A-Za-z0-9_-]{1,128}\Z")
ACTION_NAME_LENGTH = 20
# https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html; a key's id, of one region or of several.
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_KEY_ID = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
KEY = re.compile(
    rf"^(?:(?:arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{{12}}:)?{_ALIAS}|{_KEY_ID}|"
    rf"arn:aws[a-z-]*:kms:(?P<key_region>[a-z0-9-]+):\d{{12}}:key/{_KEY_ID})\Z",
    re.ASCII,
)
POLICY_ARN = re.compile(r"^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+\Z", re.ASCII)
URL = re.compile(r"^https?://[^/\s]")
TOPIC_ARN = re.compile(r"^arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}\Z", re.ASCII)
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. A digest every few minutes would
# flood the channel.
RATE = re.compile(r"^rate\([1-9][0-9]{0,3} (?:hours?|days?)\)\Z", re.ASCII)
CRON = re.compile(r"^cron\(((?:[0-9A-Z*,/#?L-]+ ){5}[0-9A-Z*,/#?L-]+)\)\Z", re.ASCII)
# Security Hub keeps findings for 90 days.
DIGEST_DAYS = range(1, 91)
OVERDUE_DAYS = range(1, 3651)
# EventBridge allows 64 characters for a rule, whose name is that of the topic with up to "-findings-10".
TOPIC_LENGTH = 52
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html; a topic can have 50, ours included.
TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
TAGS_AT_MOST = 44
TAG_SIGNS = "_.:/=+-@"
OUR_TAGS = "secops.securityhub/"
# The names of a stack's topics have to fit in the value of one tag.
ROUTES_AT_MOST = 14
CHANNEL = ("channel_id", "channel_name")
TEAM = ("team_id", "tenant_id")
# In Slack's links, an ID has none of them; in those of Teams, : and @ may be encoded.
SIGNS_OF_TEAMS = frozenset("%:@")
SLACK_URL = "slack.com/"  # A whole link in place of an ID is a mistake that should be explained as one of Slack.
OTHER_ACCOUNTS = "other_accounts"


@dataclass(frozen=True)
class Channel:
    """A chat channel, and the name of its channel configuration.

    *team_id*: of its Slack workspace or its team in Microsoft Teams. *tenant_id*: of that team, '' in Slack.
    """

    configuration: str
    team_id: str
    channel_id: str
    channel_name: str = ""
    platform: Platform = SLACK
    tenant_id: str = ""

    @property
    def words(self) -> str:
        """Return the channel in words."""
        return f"{self.platform.name} channel {self.channel_id}"


@dataclass(frozen=True)
class Route:
    """A chat channel, the topic that feeds it, and the variables of the policy that selects its findings."""

    channel: Channel
    topic: str
    variables: Variables = field(hash=False, repr=False)


@dataclass(frozen=True)
class Settings:
    """The settings of one inventory host."""

    host: str
    region: str
    source: CredentialSource
    present: bool
    name: str
    routes: tuple[Route, ...]
    variables: Variables = field(hash=False, repr=False)
    receivers: tuple[ReceiverRoute, ...] = ()

    @property
    def outlets(self) -> tuple[Route | ReceiverRoute, ...]:
        """Return everything to which findings are sent by a policy of its own: the channels, then the receivers."""
        return (*self.routes, *self.receivers)

    def value(self, name: str) -> Any:
        """Return the role variable *name*, given without its prefix; None if it is not set and has no default."""
        return self.variables.get(PREFIX + name)

    @property
    def custom_messages(self) -> bool:
        """Return whether EventBridge creates the messages, instead of Amazon Q from the unchanged event."""
        wanted = self.value("message_format")
        # AWS does not document that Amazon Q shows the events of the new Security Hub.
        return bool(wanted == "custom" or (wanted == "auto" and self.ocsf))

    @property
    def ocsf(self) -> bool:
        """Return whether the findings are those of the new Security Hub."""
        return bool(self.value("finding_format") == "ocsf")

    @property
    def stack_set(self) -> bool:
        """Return whether the user's StackSet creates the target's stack, which is then not ours to change."""
        return bool(self.value("use_stack_set"))

    @property
    def suppresses_in_security_hub(self) -> bool:
        """Return whether automation rules of Security Hub suppress findings, now or until a day in the past."""
        return any(map(policy.is_in_security_hub, self.value("suppressions") or []))

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return the user's tags, sorted."""
        return tuple(sorted((str(key), str(value)) for key, value in self.value("tags").items()))

    @property
    def key(self) -> str:
        """Return the key of the topics: encryption.CREATE, the ID, ARN or alias of a key, or '' for none."""
        return str(self.value("kms_key") or "")


def settings_of(host: str, variables: Variables) -> Settings:
    """Return the settings in *variables*, which have the types of the role's argument specs."""

    def text(name: str) -> str:
        return str(variables.get(PREFIX + name) or "")

    return Settings(
        host=host,
        region=text("region"),
        source=CredentialSource(
            text("profile"), text("role_arn"), text("external_id"), text("endpoint_url"), text("session_name")
        ),
        present=text("state") != "absent",
        name=text("name"),
        routes=_routes(variables, text("name")),
        variables=variables,
        receivers=receivers.routes(variables, text("name")),
    )


def _routes(variables: Variables, name: str) -> tuple[Route, ...]:
    configuration = str(variables[PREFIX + "configuration_name"])
    named = variables[PREFIX + "channels"]
    if not named:
        only = {key: variables.get(PREFIX + key) for key in CHANNEL}
        return (Route(_channel(only, variables, configuration), name, variables),)
    others = ("name", OTHER_ACCOUNTS, *account_channels.SELECTORS, *CHANNEL, *TEAM)
    found = []
    for route in named:
        own = policy.for_channel(variables, {key: value for key, value in route.items() if key not in others})
        if route.get(OTHER_ACCOUNTS):
            of_others = [number for other in named if other is not route for number in other.get("account_ids") or []]
            own = {**own, PREFIX + policy.OTHER_CHANNELS_ACCOUNT_IDS: of_others}
        channel = _channel(route, variables, f"{configuration}-{route['name']}")
        found.append(Route(channel, f"{name}-{route['name']}", own))
    return tuple(found)


def _channel(given: Mapping[str, Any], variables: Variables, configuration: str) -> Channel:
    """Return the channel with its own IDs in *given*; those of its workspace or team may be in the *variables*."""
    channel_id, channel_name = (str(given.get(key) or "") for key in CHANNEL)
    workspace = str(variables.get(PREFIX + SLACK.team_variable) or "")
    team, tenant = (str(given.get(key) or variables.get(PREFIX + key) or "") for key in TEAM)
    signs = SIGNS_OF_TEAMS & set(channel_id) and SLACK_URL not in channel_id
    if not (signs or any(given.get(key) for key in TEAM) or (team and not workspace)):
        return Channel(configuration, workspace, channel_id, channel_name)
    # AWS accepts the encoded form only.
    encoded = re.sub("%3a|:", "%3a", channel_id, flags=re.IGNORECASE).replace("@", "%40")
    return Channel(configuration, team.lower(), encoded, channel_name, TEAMS, tenant.lower())


def problems(settings: Settings) -> list[str]:
    """Return what is wrong with the settings of one host, each as a sentence with its remedy."""
    found = [
        *_region_problems(settings.region),
        *_account_problems(settings.value("account_id")),
        *_source_problems(settings),
        *_name_problems(settings),
        *_action_problems(settings),
        *_tag_problems(settings.tags),
    ]
    if settings.present:
        found += dict.fromkeys(item for route in settings.routes for item in _channel_problems(route.channel))
        found += _other_accounts_problems(settings.value("channels"))
        found += account_channels.problems(settings.value("channels"))
        found += _resolved_problems(settings)
        found += _digest_problems(settings)
        found += _key_problems(settings)
        found += _alarm_problems(settings)
        found += _triage_problems(settings)
        found += receivers.problems(settings.value("receivers"), settings.region)
        found += _outlet_suppression_problems(settings)
        found += dict.fromkeys(item for route in settings.outlets for item in policy.problems(route.variables))
        found += dict.fromkeys(item for route in settings.routes for item in _addition_problems(settings, route))
    return found


def _other_accounts_problems(routes: list[account_channels.Channel]) -> list[str]:
    taking = [route for route in routes if route.get(OTHER_ACCOUNTS)]
    found = [
        f"the channel {route['name']!r} in securityhub_slack_channels has both {_chosen_by(route)} and other_accounts. "
        f"Remove one."
        for route in taking
        if _chosen_by(route)
    ]
    if taking and not any(map(_chosen_by, routes)):
        found.append(
            f"the channel {taking[0]['name']!r} in securityhub_slack_channels has other_accounts, but no channel has "
            f"account_ids. Set account_ids for the other channels, or remove other_accounts."
        )
    return found


def _outlet_suppression_problems(settings: Settings) -> list[str]:
    return [
        f"the {kind} {outlet['name']!r} in securityhub_slack_{kind}s has a suppression with suppress_in: security_hub, "
        f"which applies to every channel and receiver. Move it to securityhub_slack_suppressions."
        for kind in ("channel", "receiver")
        for outlet in settings.value(f"{kind}s") or []
        if any(map(policy.is_in_security_hub, outlet.get("suppressions") or []))
    ]


def _chosen_by(route: account_channels.Channel) -> str:
    """Return the keys with which a channel chooses accounts, '' if it does not."""
    return ", ".join(key for key in ("account_ids", *account_channels.SELECTORS) if route.get(key))


def _resolved_problems(settings: Settings) -> list[str]:
    if settings.value("report_resolved") and not (settings.value("mark_notified") and settings.custom_messages):
        return [
            "securityhub_slack_report_resolved is set, but it needs marked findings and threads of custom messages. "
            "Set securityhub_slack_mark_notified to true and securityhub_slack_message_format to custom too."
        ]
    return []


def _digest_problems(settings: Settings) -> list[str]:
    days = settings.value("digest_days")
    found = [
        f"securityhub_slack_overdue_days has {severity}: {limit!r}. Map {', '.join(reversed(SEVERITIES))} to 1 to 3650 "
        f"days."
        for severity, limit in settings.value("overdue_days").items()
        if severity not in SEVERITIES or isinstance(limit, bool) or limit not in OVERDUE_DAYS
    ]
    if days not in DIGEST_DAYS:
        found.append(f"securityhub_slack_digest_days is {days}. Use 1 to 90, as long as Security Hub keeps findings.")
    expression = settings.value("digest_schedule") or ""
    if not expression:
        return found
    if not _is_schedule(expression):
        found.append(
            f"securityhub_slack_digest_schedule is {expression!r}. Use an expression of EventBridge Scheduler, such as "
            f"cron(0 8 ? * MON *), in which the first field is a number and the third or the fifth is ?, or "
            f"rate(7 days)."
        )
    zone, known = settings.value("digest_time_zone"), zoneinfo.available_timezones()
    if known and zone not in known:
        found.append(
            f"securityhub_slack_digest_time_zone is {zone!r}. Use a name of the time zone database, such as "
            f"Europe/Berlin.{did_you_mean(zone, sorted(known))}"
        )
    return found


def _is_schedule(expression: str) -> bool:
    fields = CRON.match(expression)
    if not fields:
        return RATE.match(expression) is not None
    minute, hour, day_of_month, month, day_of_week, year = fields[1].split()
    return minute.isdigit() and (day_of_month == "?") != (day_of_week == "?") and "?" not in (hour + month + year)


def _key_problems(settings: Settings) -> list[str]:
    key = settings.key
    if key in ("", encryption.CREATE):
        return []
    found = KEY.match(key)
    if not found:
        return [f"securityhub_slack_kms_key is {key!r}. Use create, or the alias (alias/...), ARN or ID of a KMS key."]
    if ":alias/aws/" in f":{key}":
        return [
            f"securityhub_slack_kms_key is {key!r}, an AWS managed key that EventBridge cannot use, so no findings "
            f"would arrive. Use create, or a key of yours."
        ]
    region = found["region"] or found["key_region"]
    if region and region != settings.region:
        return [
            f"securityhub_slack_kms_key is a key in {region}, but a topic needs a key in its own region. Set it for "
            f"each target, or use create or an alias."
        ]
    return []


def _alarm_problems(settings: Settings) -> list[str]:
    topic = str(settings.value("alarm_topic_arn") or "")
    found = TOPIC_ARN.match(topic)
    if topic and not found:
        return [f"securityhub_slack_alarm_topic_arn is {topic!r}. Use the ARN of a standard SNS topic."]
    if found and found["region"] != settings.region:
        return [
            f"securityhub_slack_alarm_topic_arn is a topic in {found['region']}, but alarms notify only topics in "
            f"their own region. Set it for each target."
        ]
    return []


def _triage_problems(settings: Settings) -> list[str]:
    if not settings.value("buttons"):
        return []
    if not settings.custom_messages:
        return [
            "securityhub_slack_buttons is set, but only custom messages identify their finding. Set "
            "securityhub_slack_message_format to custom too."
        ]
    if not settings.value("topic_policy_conditions"):
        return [
            "securityhub_slack_buttons is set, but with securityhub_slack_topic_policy_conditions: false, rules of any "
            "account can send messages whose buttons change any finding. Remove one of the two settings."
        ]
    return []


def _addition_problems(settings: Settings, route: Route) -> list[str]:
    names = additions.is_set(route.variables)
    if additions.MENTIONS in names and route.channel.platform is TEAMS:
        # https://learn.microsoft.com/en-us/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations
        return [
            f"{PREFIX}{additions.MENTIONS} is set for {route.channel.words}, but Amazon Q cannot mention anyone there: "
            f"Teams needs an object for each mention, which custom messages do not have. Set mentions to {{}} for the "
            f"channel."
        ]
    if names and not settings.custom_messages:
        return [
            f"{PREFIX}{names[0]} is set, but only custom messages can show it. Set securityhub_slack_message_format to "
            f"custom too."
        ]
    return additions.problems(route.variables)


def _region_problems(region: str) -> list[str]:
    if not REGION.fullmatch(region):
        return [
            f"{region!r} is not an AWS region. End the host name with its region (ap-northeast-1, "
            f"prod.ap-northeast-1), or set securityhub_slack_region.{did_you_mean(region, regions.SUPPORTED)}"
        ]
    area, _hyphen, number = region.rpartition("-")
    opened = [int(known.rpartition("-")[2]) for known in regions.SUPPORTED if known.rpartition("-")[0] == area]
    # AWS numbers the regions of an area one after the other, so the next one may open any day.
    if opened and int(number) > max(opened) + 2:
        return [f"{region} is not an AWS region. Correct it.{did_you_mean(region, regions.SUPPORTED)}"]
    for prefix, partition in WITHOUT_CHATBOT.items():
        if region.startswith(prefix):
            return [
                f"{region} is in {partition}, where Amazon Q Developer in chat applications (AWS Chatbot) does not "
                f"exist. Subscribe an email address or an HTTPS endpoint to an SNS topic there instead."
            ]
    return []


def _account_problems(account: str | None) -> list[str]:
    if not account or ACCOUNT_ID.fullmatch(account):
        return []
    return [f"securityhub_slack_account_id is {account!r}. Use the 12 digits of the account, in quotation marks."]


def _source_problems(settings: Settings) -> list[str]:
    source = settings.source
    found = credentials.problems(source, f"{PREFIX}session_name", f"{PREFIX}external_id")
    if source.endpoint_url and not URL.match(source.endpoint_url):
        found.append(
            f"{PREFIX}endpoint_url is {source.endpoint_url!r}. Use a URL that begins with http:// or https://, or "
            f"remove it: it is for emulators of AWS."
        )
    role = credentials.ROLE_ARN.fullmatch(source.role_arn)
    if source.role_arn and not role:
        found.append(
            f"{PREFIX}role_arn is {source.role_arn!r}, which is not the ARN of a role. Write it as "
            f"arn:aws:iam::111111111111:role/name."
        )
    elif role and role["partition"] != "aws" and not _region_problems(settings.region):
        found.append(
            f"{PREFIX}role_arn is a role in the partition {role['partition']}, but {settings.region} is in the "
            f"partition aws, where only roles with arn:aws:iam:: can be assumed. Correct one of the two."
        )
    return found


def _channel_problems(channel: Channel) -> list[str]:
    platform = channel.platform
    ids = [
        (platform.team_variable, channel.team_id, platform.team_id_pattern, platform.team_id_hint),
        ("channel_id", channel.channel_id, platform.channel_id_pattern, platform.channel_id_hint),
    ]
    if platform is TEAMS:
        ids.append(("tenant_id", channel.tenant_id, UUID, TENANT_ID_HINT))
    return [
        f"{_not_set_or_wrong(name, value, platform)} Set it to {hint}.{_meant(value, pattern)}"
        for name, value, pattern, hint in ids
        if not pattern.match(value) or PLACEHOLDER.match(value)
    ]


def _not_set_or_wrong(name: str, value: str, platform: Platform) -> str:
    if not value:
        return f"{PREFIX}{name} is not set."
    return f"{PREFIX}{name} is {value!r}, which is not a {platform.name} ID."


def _meant(value: str, pattern: re.Pattern[str]) -> str:
    """Return a question after the ID that a text such as a URL contains, '' if it contains none."""
    words = [word for word in re.split(r"\W+", value.upper()) if pattern.match(word) and not PLACEHOLDER.match(word)]
    # Names of channels may look like an ID, but hardly with digits.
    ids = [word for word in words if word != value and re.search(r"\d", word)]
    return f" Did you mean {ids[0]}?" if len(ids) == 1 else ""


def _name_problems(settings: Settings) -> list[str]:
    found = []
    if not NAME.match(settings.name):
        found.append(
            f"securityhub_slack_name is {settings.name!r}. Use 1 to 40 letters, digits and hyphens, starting with a "
            "letter."
        )
    if not CONFIGURATION_NAME.match(settings.value("configuration_name")):
        found.append("securityhub_slack_configuration_name is invalid. Use letters, digits, hyphens and underscores.")
    boundary = settings.value("permissions_boundary")
    if boundary and not POLICY_ARN.match(boundary):
        found.append(
            f"securityhub_slack_permissions_boundary is {boundary!r}. Use the ARN of an IAM policy "
            "(arn:aws:iam::...:policy/...)."
        )
    found += [
        f"securityhub_slack_guardrail_policy_arns has {arn!r}. Use ARNs of IAM policies, such as "
        f"arn:aws:iam::aws:policy/ReadOnlyAccess."
        for arn in settings.value("guardrail_policy_arns")
        if not POLICY_ARN.match(arn)
    ]
    names = [route["name"] for route in settings.value("channels")]
    if len(names) > ROUTES_AT_MOST:
        found.append(f"securityhub_slack_channels has {len(names)} entries. Use up to {ROUTES_AT_MOST}.")
    found += [
        f"securityhub_slack_name and the channel name {name!r} make rule names that are too long for AWS. Shorten them "
        f"to {TOPIC_LENGTH - 1} characters together."
        for name in names
        if len(f"{settings.name}-{name}") > TOPIC_LENGTH
    ]
    found += [
        f"securityhub_slack_name and the receiver name {route.topic.removeprefix(f'{settings.name}-to-')!r} make rule "
        f"names that are too long for AWS. Shorten them to {TOPIC_LENGTH - len('-to-')} characters together."
        for route in settings.receivers
        if len(route.topic) > TOPIC_LENGTH
    ]
    found += [
        f"the name {name!r} in securityhub_slack_channels is invalid. Use 1 to 16 lowercase letters and digits, "
        f"starting with a letter."
        for name in names
        if not receivers.NAME.match(name)
    ]
    if len(set(names)) < len(names):
        found.append("two entries of securityhub_slack_channels have the same name. Rename one.")
    return found


def _tag_problems(tags: tuple[tuple[str, str], ...]) -> list[str]:
    found = []
    if len(tags) > TAGS_AT_MOST:
        found.append(
            f"securityhub_slack_tags has {len(tags)} tags. Use up to {TAGS_AT_MOST}; the collection adds its own."
        )
    for key, value in tags:
        if key.lower().startswith(("aws:", OUR_TAGS)):
            found.append(f"securityhub_slack_tags has the key {key!r}, whose prefix is reserved. Rename it.")
        if not 0 < len(key) <= TAG_KEY_LENGTH or len(value) > TAG_VALUE_LENGTH or not _is_tag_text(key + value):
            found.append(
                f"securityhub_slack_tags has {key!r}, which AWS does not allow. Use up to {TAG_KEY_LENGTH} characters "
                f"for the key and {TAG_VALUE_LENGTH} for the value: letters, digits, spaces and {TAG_SIGNS}"
            )
    return found


def _is_tag_text(text: str) -> bool:
    # Categories of Unicode: letters, numbers, separators.
    return all(char in TAG_SIGNS or unicodedata.category(char)[0] in "LNZ" for char in text)


def _action_problems(settings: Settings) -> list[str]:
    found = []
    if not action_target.ID.fullmatch(settings.value("action_id")):
        found.append(f"securityhub_slack_action_id is {settings.value('action_id')!r}. Use 1 to 20 letters and digits.")
    name = settings.value("action_name")
    if not name.strip() or len(name) > ACTION_NAME_LENGTH:
        found.append(f"securityhub_slack_action_name is {name!r}. Use 1 to {ACTION_NAME_LENGTH} characters.")
    return found


# What all hosts of an account must agree on, because the account has it once.
SHARED = (
    "name",
    "chatbot_region",
    "logging_level",
    "user_authorization_required",
    "guardrail_policy_arns",
    "permissions_boundary",
    "global_findings_region",
    "job_slices",
    "aggregation",
    "finding_format",
    "report_uncovered_regions",
    "buttons",
    "overdue_days",
)


def disagreements(settings: list[Settings]) -> list[str]:
    """Return the contradictions between hosts of one account about what the account has once."""
    found = [sentence for name in SHARED for sentence in _disagreement(name, settings)]
    return found + _channel_disagreements(settings) + _twice(settings)


def _disagreement(name: str, settings: list[Settings]) -> list[str]:
    first = settings[0]
    for other in settings[1:]:
        if other.value(name) != first.value(name):
            return [
                f"securityhub_slack_{name} is {first.value(name)!r} for {first.host} and {other.value(name)!r} for "
                f"{other.host}, which are in the same account. Set it once for the account."
            ]
    return []


def _channel_disagreements(settings: list[Settings]) -> list[str]:
    by_name: dict[str, tuple[str, Channel]] = {}
    by_ids: dict[tuple[str, str], tuple[str, Channel]] = {}
    found = []
    for item in settings:
        for channel in (route.channel for route in item.routes if item.present):
            host, known = by_name.setdefault(channel.configuration, (item.host, channel))
            if known != channel:
                found.append(
                    f"the channel configuration {channel.configuration} is for {known.words} on {host} and for "
                    f"{channel.channel_id} on {item.host}. Set securityhub_slack_channel_id once for the account, or "
                    f"give the second channel another securityhub_slack_configuration_name."
                )
            host, known = by_ids.setdefault((channel.team_id, channel.channel_id), (item.host, channel))
            if known.configuration != channel.configuration:
                found.append(
                    f"{channel.words} has two configurations, {known.configuration} ({host}) and "
                    f"{channel.configuration} ({item.host}), but AWS allows one per account. Use one name."
                )
    return list(dict.fromkeys(found))


def _twice(settings: list[Settings]) -> list[str]:
    seen: dict[str, str] = {}
    found = []
    for item in settings:
        first = seen.setdefault(item.region, item.host)
        if first != item.host:
            found.append(f"{first} and {item.host} are both {item.region} of the same account. Keep one of them.")
    return found
