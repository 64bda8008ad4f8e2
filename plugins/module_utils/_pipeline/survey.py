# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live state of targets and accounts: reads only. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._channel import configuration
from .._channel import custom_action
from .._channel.platforms import SLACK
from .._inventory import discovery
from .._services import chatbot
from .._services import cloudformation
from .._services import iam
from .._services import securityhub
from .._services import sns
from .._stack import resources as stack_resources
from .._stack import stack_set
from .._stack import states
from .._stack import template
from .._stack.resources import Strange
from . import desired
from . import identity as identities
from . import path as paths
from . import plan
from . import triage
from .desired import Account
from .organization import Organization

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._inventory.discovery import AccountFacts
    from .._stack.resources import Resources
    from .._stack.template import StackDesign
    from .settings import Settings

Answer = TypeVar("Answer")

# A question about a whole account is asked in so many of its regions before it fails.
REGIONS_THAT_MAY_FAIL = 3


@dataclass(frozen=True)
class LiveTarget:
    """One target as it is: whether Security Hub is on, the custom action and the stack as boto3 shapes them, or None.

    *hub*: None where nobody has asked. *actions*: how many custom actions there are, ours among them. *template*: the
    stack's, read only where it is to be shown. *resources*, *path*: what the stack's own template says, and what is
    there of it, read by a deep survey only.
    """

    hub: bool | None = None
    action: dict[str, Any] | None = field(default=None, hash=False)
    stack: dict[str, Any] | None = field(default=None, hash=False)
    template: dict[str, Any] | None = field(default=None, hash=False)
    resources: Resources | None = field(default=None, hash=False)
    path: paths.LivePath | None = field(default=None, hash=False)
    actions: int = 0


def account(clients: Clients, targets: list[Settings]) -> Account:
    """Return the account that the credentials of *targets*, which are the same, lead into: one call.

    Where the regions of all targets do not know the credentials, that of the global services is asked too.
    """
    source = targets[0].source

    def ask(region: str) -> Account:
        with clients.acting(source):
            identity = clients.get("sts", region, source.endpoint_url).get_caller_identity()
        return Account(identity["Account"], identity["Arn"].split(":")[1], caller=identity["Arn"])

    try:
        return first_answer(lambda settings: ask(settings.region), targets)
    except errors.failures() as error:
        if not errors.is_unrecognized(error):
            raise
        return ask(clients.home_region(source))


def first_answer(ask: Callable[[Settings], Answer], targets: list[Settings]) -> Answer:
    """Ask in one target's region after another: one that is out, or not enabled, must not cost the others.

    A region where Security Hub is off, or that is not enabled, has no answer. Raise the first failure, else what a
    region without an answer has said.
    """
    failures: list[BaseException] = []
    left_out: list[BaseException] = []
    for settings in targets:
        try:
            return ask(settings)
        except securityhub.HubNotEnabled as error:
            left_out.append(error)
        except errors.failures() as error:
            (left_out if errors.is_unrecognized(error) else failures).append(error)
        if len(failures) == REGIONS_THAT_MAY_FAIL:
            break
    raise (failures or left_out)[0]


def prepare_to_sign_in(clients: Clients, settings: Settings) -> None:
    """Make the clients that *account* asks: no call."""
    source = settings.source
    clients.get("sts", settings.region, source.endpoint_url)
    if source.role_arn:
        clients.get("sts", clients.home_region(source), source.endpoint_url)


def preparations(clients: Clients, targets: Iterable[Settings]) -> list[Callable[[], Any]]:
    """Return what can be done before the accounts of *targets* are known, which is to make their clients: no call."""
    accounts = {settings.source: settings for settings in targets}.values()
    places = dict.fromkeys((settings.region, settings.source.endpoint_url) for settings in targets)
    return [
        *(partial(make, clients, settings) for make in (iam_client, _chatbot) for settings in accounts),
        *(partial(clients.get, service, *place) for place in places for service in ("cloudformation", "securityhub")),
    ]


def target(clients: Clients, settings: Settings, account: Account) -> LiveTarget:
    """Return the live state of one target: two calls, three where a stack set makes its stack. Raise MultipleErrors.

    That is where both are denied.
    """
    endpoint = settings.source.endpoint_url

    def stack() -> dict[str, Any] | None:
        client = clients.get("cloudformation", settings.region, endpoint)
        if settings.stack_set:
            return _stack_of_set(client, settings, account)
        return cloudformation.describe_stack(client, settings.name)

    def actions() -> list[dict[str, Any]] | None:
        try:
            return securityhub.describe_action_targets(clients.get("securityhub", settings.region, endpoint))
        except securityhub.HubNotEnabled:
            return None

    with clients.acting(settings.source):
        live, there = _all_that_are_allowed(stack, actions)
    if there is None:
        return LiveTarget(hub=False, stack=live)
    arn = desired.action_arn(settings, account)
    ours = next((found for found in there if found["ActionTargetArn"] == arn), None)
    return LiveTarget(hub=True, action=ours, stack=live, actions=len(there))


def _stack_of_set(client: Any, settings: Settings, account: Account) -> dict[str, Any] | None:
    """Return the stack that has the target's first topic: a stack set gives its stacks names that nobody foresees."""
    found = cloudformation.stack_of(client, desired.topic_arn(settings, account, settings.routes[0].topic))
    return cloudformation.describe_stack(client, found) if found else None


def _all_that_are_allowed(*asks: Callable[[], Any]) -> list[Any]:
    """Return all answers; where a policy denies one, ask the others too, so that all that is missing can be said."""
    outcomes = [_answer_or_denial(ask) for ask in asks]
    denials = [denial for _answer, denial in outcomes if denial is not None]
    if denials:
        raise errors.MultipleErrors(denials)
    return [answer for answer, _denial in outcomes]


def _answer_or_denial(ask: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return ask(), None
    except errors.failures() as error:
        if errors.is_denied(error):
            return None, error
        raise


def hub(clients: Clients, settings: Settings) -> bool:
    """Tell whether Security Hub is on in the target's region: one call."""
    with clients.acting(settings.source):
        try:
            securityhub.describe_hub(clients.get("securityhub", settings.region, settings.source.endpoint_url))
        except securityhub.HubNotEnabled:
            return False
    return True


def findings(clients: Clients, settings: Settings, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the findings (ASFF) that the target's region shows and *filters* lets through: a call for every 100."""
    with clients.acting(settings.source):
        client = clients.get("securityhub", settings.region, settings.source.endpoint_url)
        return securityhub.get_findings(client, filters)


def with_template(clients: Clients, settings: Settings, live: LiveTarget) -> LiveTarget:
    """Return *live* with the template of its stack, for a readable difference: one call."""
    with clients.acting(settings.source):
        client = clients.get("cloudformation", settings.region, settings.source.endpoint_url)
        found = cloudformation.stack_template(client, _stack_name(settings, live))
    if not isinstance(found, dict):
        return replace(live, template=None)
    try:
        return replace(live, template=stack_set.filled_in(found, plan.parameters_of(live.stack)))
    except Strange:
        return replace(live, template=found)


def _stack_name(settings: Settings, live: LiveTarget) -> str:
    return str(live.stack["StackName"]) if live.stack else settings.name


def with_path(
    clients: Clients, settings: Settings, account: Account, live: LiveTarget, design: StackDesign
) -> LiveTarget:
    """Return *live* with what is there of the stack's resources: six calls.

    One more where the stack is out of date, and one more where only the stack knows names of its resources. Raise
    UserError where that stack is of another template than this collection writes.
    Nothing is read where the stack holds nothing that could be put back: it is about to be built, or is being built.
    """
    if plan.status_of(live.stack) not in states.STANDING | states.RESUMABLE:
        return live
    if not plan.same(design, live.stack):
        live = with_template(clients, settings, live)
    whole = template.template(design) if live.template is None else live.template
    place = stack_resources.Place(account.partition, account.id, settings.region)
    made_up = _names(clients, settings, live) if stack_resources.has_names_of_its_own(whole) else {}
    try:
        found = stack_resources.resolve(whole, place, made_up)
    except Strange as error:
        remedy = plan.BRING if settings.stack_set else "run the playbook without it, which brings the stack back"
        raise UserError(
            f"the stack {_stack_name(settings, live)} has a template that somebody has changed, in which "
            f"securityhub_slack_repair_drift cannot look: {remedy}."
        ) from error
    return replace(live, resources=found, path=paths.read(clients, settings, found))


def _names(clients: Clients, settings: Settings, live: LiveTarget) -> dict[str, str]:
    with clients.acting(settings.source):
        client = clients.get("cloudformation", settings.region, settings.source.endpoint_url)
        summaries = cloudformation.stack_resources(client, _stack_name(settings, live))
    return {item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in summaries}


def configurations(clients: Clients, settings: Settings, wanted: identities.Identity) -> list[dict[str, Any]]:
    """Return all Slack channel configurations of the account as boto3 shapes them: one call.

    Those that may be ours come with their tags, which tell whether they are: one call more where AWS leaves them out.
    """
    channels = {route.channel.channel_id for route in settings.routes}
    with clients.acting(settings.source):
        client = _chatbot(clients, settings)
        return [
            configuration.with_tags(client, found)
            if found["IamRoleArn"] == wanted.role_arn or found[SLACK.channel_id] in channels
            else found
            for found in chatbot.describe_slack_channel_configurations(client)
        ]


def topic_exists(clients: Clients, settings: Settings, arn: str) -> bool:
    """Tell whether a topic in the target's region exists: one call."""
    with clients.acting(settings.source):
        client = clients.get("sns", settings.region, settings.source.endpoint_url)
        return sns.get_topic_attributes(client, arn) is not None


def identity(clients: Clients, settings: Settings, wanted: identities.Identity) -> identities.LiveIdentity:
    """Return the account's channel role and guardrail: two calls at once, a third where the guardrail is there."""

    def ask(question: Callable[[Any], Any]) -> Any:
        with clients.acting(settings.source):
            return question(iam_client(clients, settings))

    questions = (
        lambda client: iam.get_role(client, wanted.role_name),
        lambda client: iam.get_policy(client, wanted.guardrail_arn),
    )
    return identities.LiveIdentity(*_at_once(ask, questions))


def buttons(clients: Clients, settings: Settings, configuration_arns: list[str]) -> list[dict[str, Any]]:
    """Return the custom actions behind the account's buttons, with their tags and which of the channels offer them.

    One call; if there are any, one for each of the channels, and two for each custom action.
    """

    def ask(question: Callable[[Any], Any]) -> Any:
        with clients.acting(settings.source):
            return question(_chatbot(clients, settings))

    names = triage.action_names(settings.name)
    arns = [arn for arn in ask(chatbot.list_custom_actions) if arn.rpartition("/")[2] in names]
    if not arns:
        return []
    offered = _answers(lambda arn: ask(lambda client: chatbot.list_associations(client, arn)), configuration_arns)
    return list(_answers(lambda arn: ask(lambda client: custom_action.complete(client, arn, offered)), arns).values())


def _at_once(ask: Callable[[Callable[[Any], Any]], Any], questions: Sequence[Callable[[Any], Any]]) -> list[Any]:
    """Return all answers. Raise the first failure, or MultipleErrors if all failures are denials."""
    outcomes = parallel.each(ask, questions)
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if failures:
        raise (
            errors.MultipleErrors(list(failures)) if all(errors.is_denied(error) for error in failures) else failures[0]
        )
    return [outcome.value for outcome in outcomes]


def _answers(ask: Callable[[str], Answer | None], items: list[str]) -> dict[str, Answer]:
    """Ask for all items at once. Raise the first failure."""
    outcomes = parallel.each(ask, items)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return {outcome.item: outcome.value for outcome in outcomes if outcome.value is not None}


def beyond(clients: Clients, settings: Settings, regions: frozenset[str]) -> AccountFacts:
    """Return the account's enabled regions other than *regions*: two calls, and one for each of them."""
    return discovery.discover(clients, [discovery.Search(settings.source, lambda region: region not in regions)])[0]


@dataclass(frozen=True)
class Facts:
    """How an account's Security Hub is set up. *aggregator*: as GetFindingAggregator answers, or None.

    *administrator*: the account that sees this one's findings, '' if none. *per_standard*: a failure gives one finding
    for each standard that has the control. *v2*: the new Security Hub is on too.
    """

    aggregator: dict[str, Any] | None = field(default=None, hash=False)
    administrator: str = ""
    per_standard: bool = False
    v2: bool = False


def facts(clients: Clients, targets: list[Settings]) -> Facts:
    """Ask the first target's region in which Security Hub is on: four calls at once, five with an aggregator.

    Where no region can tell, each target fails for its own reason.
    """
    try:
        return first_answer(partial(_facts, clients), targets)
    except errors.failures() as error:
        if isinstance(error, securityhub.HubNotEnabled) or errors.is_unrecognized(error):
            return Facts()
        raise


def _facts(clients: Clients, settings: Settings) -> Facts:
    def ask(question: Callable[[Any], Any]) -> Any:
        with clients.acting(settings.source):
            return question(clients.get("securityhub", settings.region, settings.source.endpoint_url))

    questions = (
        securityhub.describe_hub,
        _aggregator,
        securityhub.get_administrator_account,
        securityhub.describe_security_hub_v2,
    )
    hub, aggregator, administrator, v2 = _at_once(ask, questions)
    return Facts(
        aggregator=aggregator,
        administrator=(administrator or {}).get("AccountId", ""),
        per_standard=(hub or {}).get("ControlFindingGenerator") == "STANDARD_CONTROL",
        v2=v2 is not None,
    )


def organization(clients: Clients, settings: Settings) -> Organization:
    """Return what AWS tells the account of its organisation: two calls at once, each of which one account may make."""

    def ask(question: Callable[[Any], Any]) -> Any:
        with clients.acting(settings.source):
            return question(clients.get("securityhub", settings.region, settings.source.endpoint_url))

    outcomes = parallel.each(
        ask, (securityhub.list_organization_admin_accounts, securityhub.describe_organization_configuration)
    )
    # AWS refuses to tell in several ways, and nothing depends on it.
    designated, rules = (outcome.value if outcome.error is None else None for outcome in outcomes)
    return Organization(
        designated=None if designated is None else next((item["AccountId"] for item in designated), ""), rules=rules
    )


def _aggregator(client: Any) -> dict[str, Any] | None:
    found = securityhub.list_finding_aggregators(client)
    return securityhub.get_finding_aggregator(client, found[0]) if found else None


def iam_client(clients: Clients, settings: Settings) -> Any:
    """Return the client of IAM for the target's account."""
    return clients.get("iam", clients.home_region(settings.source), settings.source.endpoint_url)


def _chatbot(clients: Clients, settings: Settings) -> Any:
    return clients.get("chatbot", settings.value("chatbot_region"), settings.source.endpoint_url)
