# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account's targets shall be, given all of them and its Security Hub: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._channel import metrics
from .._channel import transformations
from .._routing import patterns
from .._routing import policy as policies
from .._routing import topology
from .._stack import states
from .._stack import template
from . import channels
from . import desired
from . import drift
from . import handover
from . import plan
from . import watch
from .target import healthy

if TYPE_CHECKING:
    import datetime

    from .settings import Settings
    from .target import AccountRun
    from .target import Target


def decide(account: AccountRun, today: datetime.date) -> None:
    """Give every target that shall have a pipeline the one it shall have; the others keep *wanted* None, and leave."""
    present = [target for target in healthy(account.targets) if target.settings.present]
    if not present:
        return
    if belongs_to_a_member(account):
        _fail(present, _member(account))
        return
    layout = _lay_out(account, present, today)
    if layout.problems:
        _fail(present, "; ".join(layout.problems) + ".")
        return
    for target in present:
        _settle(account, target, layout, today)
    _note_takers(account, layout, today)
    if layout.mode == topology.HOME_REGION:
        _settle_home(account, layout, today)
    account.notices += [*layout.notices, *_of_slice(account, present, today)]
    account.notices += [*_remarks(account, present, today), *_blind_spot(account, layout)]
    if account.beyond:
        aggregation = topology.aggregation_of(account.facts.aggregator)
        account.without_pipeline = watch.without_pipeline(account.beyond, aggregation, layout.mode)
        account.notices += watch.notices(account.beyond, account.without_pipeline)


def belongs_to_a_member(account: AccountRun) -> bool:
    """Tell whether the account is a member, whose administrator's is the one to run the playbook for."""
    present = [target for target in account.targets if target.settings.present]
    return bool(present and account.facts.administrator and not present[0].settings.value("allow_member"))


def worth_asking(account: AccountRun, today: datetime.date) -> list[Target]:
    """Return the neighbours, not asked yet, on whose state it depends what the account's targets shall be.

    They are the one that sends the global findings, if Security Hub is on there, and the home region; and all of them
    before anything is refused, since one in which Security Hub is off has no say; and those that take over from the
    home region.
    """
    present = [target for target in healthy(account.targets) if target.settings.present]
    if not present or not account.neighbours:
        return []
    layout = _lay_out(account, present, today)
    unknown = [item for item in account.neighbours if item.live.hub is None]
    if layout.problems:
        return unknown
    home = _home_region(account)
    matter = {layout.owner_region, home if layout.mode == topology.HOME_REGION else ""}
    if layout.mode == topology.PER_REGION and any(handover.sends_linked(target) for target in present):
        matter |= _linked(account)
    return [item for item in unknown if item.settings.region in matter]


def _lay_out(account: AccountRun, present: list[Target], today: datetime.date) -> topology.Topology:
    """Lay out all targets that the account shall have, so that a run of a few of them comes to the same.

    One that has failed, or that is left out, keeps its say; one whose variables are wrong is taken for one like the
    others. The order is that of the regions' names, not of this run.
    """
    settings = present[0].settings
    failed = [target for target in account.targets if target.error and target.settings.present]
    candidates = [_candidate(target, target.settings, today) for target in (*present, *failed, *account.neighbours)]
    candidates += [_candidate(target, settings, today) for target in account.unclear]
    return topology.lay_out(
        sorted(candidates, key=lambda candidate: candidate.region),
        topology.aggregation_of(account.facts.aggregator),
        settings.value("aggregation"),
        settings.value("global_findings_region") or "",
        sliced=account.sliced,
    )


def _home_region(account: AccountRun) -> str:
    aggregation = topology.aggregation_of(account.facts.aggregator)
    return aggregation.home if aggregation else ""


def _settle_home(account: AccountRun, layout: topology.Topology, today: datetime.date) -> None:
    """Find the home region's target, and let it fail where it would lose findings of a region that feeds it."""
    home = next((target for target in _everybody(account) if target.settings.region == _home_region(account)), None)
    account.home = home
    if home is None or home.error:
        return
    feeding = {place.region for place in layout.places if not place.scopes}
    blind = [target.host for target in account.unclear if target.settings.region in feeding]
    if blind:
        home.fail(
            UserError(
                f"it sends for {', '.join(blind)} too, whose variables are wrong: correct them, or its findings would "
                f"be lost."
            )
        )
    elif home in account.neighbours:
        _settle(account, home, layout, today)
        if not home.error and not _is_in_place(account, home):
            home.fail(UserError("it is not deployed as it shall be: include it in the run"))


def _note_takers(account: AccountRun, layout: topology.Topology, today: datetime.date) -> None:
    """Find who sends what a target that has it today may give up; nobody does what is no longer asked for."""
    linked = _linked(account)
    account.linked = [item for item in _everybody(account) if item.settings.region in linked]
    owners = [item for item in _everybody(account) if item.settings.region == layout.owner_region]
    account.owner = next((item for item in owners if any(map(topology.cares, _policies(item, today)))), None)


def _policies(target: Target, today: datetime.date) -> list[policies.Policy]:
    return [policies.policy_of(route.variables, today) for route in target.settings.routes]


def _everybody(account: AccountRun) -> tuple[Target, ...]:
    return (*account.targets, *account.neighbours, *account.unclear)


def _linked(account: AccountRun) -> frozenset[str]:
    """Return the regions of the inventory whose findings an aggregator copies."""
    aggregation = topology.aggregation_of(account.facts.aggregator)
    regions = {item.settings.region for item in _everybody(account) if item.settings.present}
    return frozenset(region for region in regions if aggregation and aggregation.links(region))


def _is_in_place(account: AccountRun, target: Target) -> bool:
    """Tell whether the target sends what it shall send: its stack stands, and the channel carries its topics."""
    if target.wanted is None or plan.status_of(target.live.stack) not in states.STANDING:
        return False
    carried = {arn for configuration in account.configurations for arn in configuration.get("SnsTopicArns", [])}
    return (
        plan.same(target.wanted.stack, target.live.stack) and {arn for _place, arn in target.wanted.topics} <= carried
    )


def _fail(targets: list[Target], sentence: str) -> None:
    for target in targets:
        target.fail(UserError(sentence))


def _member(account: AccountRun) -> str:
    return (
        f"{account.account.id} is a member account, and its administrator {account.facts.administrator} sees, and can "
        f"send, the same findings: run the playbook for {account.facts.administrator}, or set "
        f"securityhub_slack_allow_member."
    )


def _candidate(target: Target, settings: Settings, today: datetime.date) -> topology.Candidate:
    if target.elsewhere:
        return topology.Candidate(target.settings.region, (), target.live.hub, elsewhere=True)
    routes = tuple((route.topic, policies.policy_of(route.variables, today)) for route in settings.routes)
    return topology.Candidate(target.settings.region, routes, target.live.hub)


def _settle(account: AccountRun, target: Target, layout: topology.Topology, today: datetime.date) -> None:
    place = next(place for place in layout.places if place.region == target.settings.region)
    if not place.scopes:
        target.sends = place.reason
        return
    of_routes = _policies(target, today)
    try:
        automatic = tuple(patterns.automatic_patterns(policy, scope) for policy, scope in zip(of_routes, place.scopes))
    except UserError as error:
        target.fail(error)
        return
    duties = handover.duties(place.scopes[0], of_routes)
    pipeline = desired.pipeline(target.settings, account.account, automatic, duties, _configurations(account))
    problems = template.problems(pipeline.stack)
    if problems:
        target.refuse(*problems)
        return
    target.wanted = pipeline
    target.scopes = place.scopes
    target.sends = " | ".join(policies.in_words(route.variables) for route in target.settings.routes)


def _configurations(account: AccountRun) -> tuple[str, ...]:
    """Return the names of the account's channel configurations, as they are or will be, also with --limit."""
    names = {
        (found["SlackTeamId"], found["SlackChannelId"]): transformations.configuration_name(found)
        for found in account.configurations
    }
    wanted = {
        names.get((route.channel.workspace_id, route.channel.channel_id), route.channel.configuration)
        for target in (*account.targets, *account.neighbours)
        if target.settings.present
        for route in target.settings.routes
    }
    return tuple(sorted(wanted))


def _blind_spot(account: AccountRun, layout: topology.Topology) -> list[str]:
    """Return what to say where alarms are wanted, and none can watch what Amazon Q counts, in one region only."""
    present = [item.settings for item in _everybody(account) if item.settings.present]
    alarmed = {settings.region for settings in present if settings.value("alarms")}
    if not alarmed or any(place.region in alarmed & {metrics.REGION} and place.scopes for place in layout.places):
        return []
    return [
        f"no alarm tells when Amazon Q itself loses messages, because it counts them in {metrics.REGION}, where there "
        f"is no pipeline with alarms: add {metrics.REGION} to the inventory, or run the doctor, which looks there"
    ]


def _of_slice(account: AccountRun, present: list[Target], today: datetime.date) -> list[str]:
    """Return what a slice leaves to others."""
    found = []
    owner = account.owner
    waiting = owner is not None and owner.elsewhere and not handover.sends_global(owner)
    if owner and waiting and any(topology.cares(policy) for target in present for policy in _policies(target, today)):
        found.append(
            f"{owner.settings.region} does not send the findings about global resources yet: that is left to the "
            f"slice that has it"
        )
    if account.sliced and present[0].settings.value("report_uncovered_regions"):
        found.append("new regions are not looked for in a slice, which does not know what the others have")
    return found


def _remarks(account: AccountRun, present: list[Target], today: datetime.date) -> list[str]:
    """Return what somebody should know who wonders why a finding arrives twice, again, or not at all."""
    found = []
    if account.facts.per_standard:
        found.append(
            "consolidated control findings are off, so a failed control arrives once for each standard that has it: "
            "turn them on in Security Hub's settings (all findings are then made anew, once)"
        )
    if account.facts.v2:
        found.append(
            f"the new Security Hub is on too; only {present[0].settings.value('finding_format')} findings are sent "
            f"(securityhub_slack_finding_format)"
        )
    expired = {
        suppression.words: suppression.expires
        for target in present
        for route in target.settings.routes
        for suppression in policies.expired(route.variables, today)
    }
    found += [f"a suppression has expired on {day} and holds nothing back: {words}" for words, day in expired.items()]
    return found


def plan_channels(account: AccountRun) -> channels.ChannelsPlan:
    """Return what the account's channels need, given the targets that have not failed so far. Raise UserError."""
    return channels.plan(
        account.configurations,
        account.identity,
        _topics(account),
        desired.identity(account.settings, account.account),
        account.settings,
        account.actions,
    )


def stacks_to_give_back(account: AccountRun) -> list[str]:
    """Return what to say of stacks of a stack set that are not wanted any more, which are not ours to delete."""
    hosts = [
        target.host
        for target in healthy(account.targets)
        if target.settings.stack_set and target.wanted is None and plan.is_ours(target.live.stack)
    ]
    if not hosts:
        return []
    return [
        f"the stack set has stacks that nothing listens to any more, for {', '.join(hosts)}: {plan.BRING}, or delete "
        f"the stack set where all of them go"
    ]


def without_buttons(account: AccountRun) -> list[str]:
    """Return what to say of channels that get no buttons although the account shall have some."""
    merges = account.plan.merges if account.plan and account.settings.value("buttons") else ()
    others = [merge.name for merge in merges if channels.foreign(merge) and merge.desired.add_topics]
    return [
        f"the configuration {name} was there before, with a role of its own: its messages get no buttons"
        for name in others
    ]


def _topics(account: AccountRun) -> channels.Topics:
    wanted = [topic for target in healthy(account.targets) if target.wanted for topic in target.wanted.topics]
    staying = {arn for _channel, arn in wanted}
    live = {arn for target in healthy(account.targets) for arn in (*_live_topics(target, account), *target.superseded)}
    return channels.Topics(
        wanted=tuple(wanted),
        leaving=frozenset(live | account.lost) - staying,
        channels=frozenset(
            route.channel for target in account.targets if target.settings.present for route in target.settings.routes
        ),
        unheard=frozenset(arn for target in healthy(account.targets) for arn in _unheard(target, account)),
    )


def unknown_topics(account: AccountRun) -> list[tuple[Target, str]]:
    """Return the topics, by their target, that are called as ours and that neither stacks nor settings know of."""
    known = _topics(account)
    arns = {arn for configuration in account.configurations for arn in configuration.get("SnsTopicArns", [])}
    strange = sorted(arns - known.leaving - {arn for _channel, arn in known.wanted})
    named = [
        (target, desired.topic_arn(target.settings, account.account, target.settings.name))
        for target in healthy(account.targets)
    ]
    return [(target, arn) for target, ours in named for arn in strange if f"{arn}-".startswith(f"{ours}-")]


def _unheard(target: Target, account: AccountRun) -> list[str]:
    """Return the topics that Amazon Q is not subscribed to: a topic that is made anew loses its subscriptions."""
    live = target.live
    if target.wanted is None:
        return []
    if states.CREATE in target.plan.stack:
        return _live_topics(target, account)
    if live.path is None or live.resources is None:
        return []
    missing = [item for item in drift.drifts(live.resources, live.path) if item.part in (drift.LISTENER, drift.TOPIC)]
    return [live.resources.place.arn("sns", item.name) for item in missing]


def _live_topics(target: Target, account: AccountRun) -> list[str]:
    """Return the topics that the target has: those that its stack says, and those it would have by its settings."""
    names = {*template.topics_of(plan.tags_of(target.live.stack)), *(route.topic for route in target.settings.routes)}
    return [desired.topic_arn(target.settings, account.account, name) for name in sorted(names)]
