# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an account has once. PRIVATE to the collection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from .._aws import errors
from .._aws import parallel
from .._channel import configuration
from .._channel import custom_action
from .._channel import plans
from .._channel.platforms import PLATFORMS
from .._channel.platforms import Platform
from .._inventory import discovery
from .._model import buttons as model_buttons
from .._model import names
from .._model.account import Account
from .._model.identity import LiveIdentity
from .._model.organization import Organization
from .._model.snapshot import Facts
from .._services import chatbot
from .._services import iam
from .._services import securityhub
from .._services import sts

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

    from .._aws.clients import Access
    from .._aws.clients import Clients
    from .._inventory.discovery import AccountFacts
    from .._model.identity import Identity
    from .._model.settings import Settings
    from .._model.snapshot import AccountSnapshot
    from .._services.chatbot import Configuration

Answer = TypeVar("Answer")

# A read that any region of an account can answer is tried in so many of its regions before it fails.
REGIONS_THAT_MAY_FAIL = 3


def account(aws: Clients, targets: list[Settings]) -> Account:
    """Return the account of *targets*, which have the same credentials, and pin the credentials to it: one call.

    If none of their regions recognizes the credentials, the region of the global services is asked too.
    """
    source = targets[0].source

    def ask(region: str) -> Account:
        identity = aws.call(source, region, "sts", sts.get_caller_identity)
        aws.pin(source, identity["Account"], region)
        return Account(identity["Account"], identity["Arn"].split(":")[1], caller=identity["Arn"])

    try:
        return first_answer(lambda settings: ask(settings.region), targets)
    except errors.failures() as error:
        if not errors.is_unrecognized(error):
            raise
        return ask(aws.home_region(source))


def first_answer(ask: Callable[[Settings], Answer], targets: Iterable[Settings]) -> Answer:
    """Ask in one target's region after another: one that fails, or is not enabled, must not fail the others.

    A region where Security Hub is not enabled has no answer. Raise the first failure, or else what a region without an
    answer said.
    """
    failures: list[BaseException] = []
    without_answer: list[BaseException] = []
    for settings in targets:
        try:
            return ask(settings)
        except securityhub.HubNotEnabled as error:
            without_answer.append(error)
        except errors.failures() as error:
            (without_answer if errors.is_unrecognized(error) else failures).append(error)
        if len(failures) == REGIONS_THAT_MAY_FAIL:
            break
    raise (failures or without_answer)[0]


def prepare_sign_in(aws: Clients, settings: Settings) -> None:
    """Create the clients that *account* uses: no call."""
    aws.prepare(settings.source, settings.region, "sts")
    if settings.source.role_arn:
        aws.prepare(settings.source, aws.home_region(settings.source), "sts")


def preparations(aws: Clients, targets: Iterable[Settings]) -> list[Callable[[], Any]]:
    """Return what can be done before the accounts of *targets* are known, which is to create their clients: no call."""
    found: list[Callable[[], Any]] = []
    for settings in {settings.source: settings for settings in targets}.values():
        found.append(partial(_prepare_iam, aws, settings))
        found.append(partial(aws.prepare, settings.source, settings.value("chatbot_region"), "chatbot"))
    regions = {(settings.region, settings.source.endpoint_url): settings for settings in targets}.values()
    return found + [
        partial(aws.prepare, settings.source, settings.region, service)
        for settings in regions
        for service in ("cloudformation", "securityhub")
    ]


def _prepare_iam(aws: Clients, settings: Settings) -> None:
    aws.prepare(settings.source, aws.home_region(settings.source), "iam")


def configurations(aws: Clients, settings: Settings, identity: Identity) -> tuple[Configuration, ...]:
    """Return all channel configurations of the account, of all platforms, as boto3 shapes them: two calls in parallel.

    Those that may be ours have their tags, which show whether they are: one more call each if AWS leaves them out.
    """
    channels = [route.channel for route in settings.routes]
    found = _together(partial(_configurations, aws, settings, platform) for platform in PLATFORMS)
    return tuple(
        configuration.with_tags(chatbot_access(aws, settings), item)
        if item["IamRoleArn"] == identity.role_arn or any(plans.same_channel(item, channel) for channel in channels)
        else item
        for of_platform in found
        for item in of_platform
    )


def _configurations(aws: Clients, settings: Settings, platform: Platform) -> list[Configuration]:
    try:
        return call_chatbot(aws, settings, platform.list_configurations)
    except errors.failures() as error:
        # An organization may forbid a platform, of which there are then no configurations.
        if not errors.is_denied(error) or any(route.channel.platform is platform for route in settings.routes):
            raise
        return []


def identity(aws: Clients, settings: Settings, desired: Identity) -> LiveIdentity:
    """Return the account's channel role and guardrail: two calls in parallel, a third if the guardrail exists."""
    reads = (
        partial(call_iam, aws, settings, iam.get_role, desired.role_name),
        partial(call_iam, aws, settings, iam.get_policy, desired.guardrail_arn),
    )
    return LiveIdentity(*_together(reads))


def buttons(aws: Clients, snapshot: AccountSnapshot) -> tuple[custom_action.CustomAction, ...]:
    """Return the custom actions behind the account's buttons, with their tags and the channels that offer them.

    One call; if there are any, one for each of the channels, and two for each custom action.
    """
    settings = snapshot.settings
    role = names.identity(settings, snapshot.account).role_arn
    own = [found["ChatConfigurationArn"] for found in snapshot.configurations if found["IamRoleArn"] == role]
    wanted = model_buttons.action_names(settings.name)
    arns = [arn for arn in call_chatbot(aws, settings, chatbot.list_custom_actions) if arn.rpartition("/")[2] in wanted]
    if not arns:
        return ()
    associations = _together([partial(call_chatbot, aws, settings, chatbot.list_associations, arn) for arn in own])
    offered = dict(zip(own, associations))
    found = _together([partial(custom_action.complete, chatbot_access(aws, settings), arn, offered) for arn in arns])
    return tuple(item for item in found if item is not None)


def _together(reads: Iterable[Callable[[], Any]]) -> list[Any]:
    """Return all answers. Raise the first failure, or MultipleErrors if all failures are denials."""
    outcomes = parallel.each(lambda read: read(), reads)
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if failures and all(errors.is_denied(error) for error in failures):
        raise errors.MultipleErrors(list(failures))
    if failures:
        raise failures[0]
    return [outcome.value for outcome in outcomes]


def coverage(aws: Clients, settings: Settings, regions: frozenset[str]) -> AccountFacts:
    """Return the account's enabled regions other than *regions*: two calls, and one for each of them."""
    return discovery.discover(aws, [discovery.Search(settings.source, lambda region: region not in regions)])[0]


def facts(aws: Clients, targets: list[Settings]) -> Facts:
    """Ask the first target's region in which Security Hub is enabled: four calls in parallel, five with an aggregator.

    The aggregator is that of the findings that are forwarded; the new Security Hub has one of its own. If no region can
    answer, each target fails for its own reason.
    """
    try:
        return first_answer(partial(_facts, aws), targets)
    except errors.failures() as error:
        if isinstance(error, securityhub.HubNotEnabled) or errors.is_unrecognized(error):
            return Facts()
        raise


def _facts(aws: Clients, settings: Settings) -> Facts:
    reads = (
        _aggregator_v2 if settings.ocsf else _aggregator,
        securityhub.describe_hub,
        securityhub.get_administrator_account,
        securityhub.has_security_hub_v2,
    )
    outcomes = parallel.each(partial(aws.call, settings.source, settings.region, "securityhub"), reads)
    for outcome in outcomes:
        if isinstance(outcome.error, securityhub.HubNotEnabled):
            raise outcome.error
    (aggregator, hub, administrator, v2) = outcomes
    if aggregator.error is not None and (not settings.ocsf or errors.is_passing(aggregator.error)):
        raise aggregator.error
    informative = (
        ("which regions the aggregator of the new Security Hub links", aggregator),
        ("whether consolidated control findings are on", hub),
        ("whether the account is a member of an administrator account", administrator),
        ("whether the new Security Hub is enabled", v2),
    )
    return Facts(
        aggregator=aggregator.value,
        knows_aggregator=aggregator.error is None,
        administrator=str(administrator.value or ""),
        per_standard=(hub.value or {}).get("ControlFindingGenerator") == "STANDARD_CONTROL",
        v2=None if v2.error is not None else bool(v2.value),
        unknown=tuple(
            f"{what} is unknown ({errors.explain(outcome.error).rstrip('.')})"
            for what, outcome in informative
            if outcome.error is not None
        ),
    )


def _aggregator(client: Any) -> securityhub.FindingAggregator | None:
    found = securityhub.list_finding_aggregators(client)
    return securityhub.get_finding_aggregator(client, found[0]) if found else None


def _aggregator_v2(client: Any) -> securityhub.AggregatorV2 | None:
    found = securityhub.list_aggregators_v2(client)
    return securityhub.get_aggregator_v2(client, found[0]) if found else None


def organization(aws: Clients, settings: Settings) -> Organization:
    """Return what AWS tells the account about its organization: two calls, each answered in one account only."""
    reads = (securityhub.list_organization_admin_accounts, securityhub.describe_organization_configuration)
    outcomes = parallel.each(partial(aws.call, settings.source, settings.region, "securityhub"), reads)
    # AWS refuses in several ways, and nothing depends on the answer.
    designated, rules = (outcome.value if outcome.error is None else None for outcome in outcomes)
    return Organization(
        designated=None if designated is None else next((item["AccountId"] for item in designated), ""), rules=rules
    )


def call_iam(aws: Clients, settings: Settings, function: Callable[..., Answer], *arguments: Any) -> Answer:
    """Call a function of ``_services/iam`` for the target's account."""
    return aws.call(settings.source, aws.home_region(settings.source), "iam", function, *arguments)


def chatbot_access(aws: Clients, settings: Settings) -> Access:
    """Return what calls Amazon Q for the target's account."""
    return aws.access(settings.source, settings.value("chatbot_region"))


def call_chatbot(
    aws: Clients, settings: Settings, function: Callable[..., Answer], *arguments: Any, **options: Any
) -> Answer:
    """Call a function of ``_services/chatbot`` for the target's account."""
    return aws.call(settings.source, settings.value("chatbot_region"), "chatbot", function, *arguments, **options)
