# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each target of an account should have, given the account as AWS has it: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._channel import message
from .._channel import metrics
from .._channel import plans
from .._channel import regions
from .._channel import transformations
from .._model import additions
from .._model import layout as layouts
from .._model import names
from .._model.plan import AccountDesign
from .._model.plan import Deployment
from .._model.plan import FleetDesign
from .._model.plan import TargetDesign
from .._routing import automation
from .._routing import jsonata
from .._routing import patterns
from .._routing import policy as policies
from .._routing import simulation
from .._routing import topology
from .._securityhub import action_target
from .._stack import live
from .._stack import template
from .._stack.alarms import Alarms
from .._stack.receivers import EMAIL
from .._stack.receivers import QUEUE
from .._stack.resources import ARN
from .._stack.resources import HERE
from .._stack.scheduled_digest import ScheduledChannel
from .._stack.scheduled_digest import ScheduledDigest
from .._stack.scheduled_digest import together
from .._stack.template import Rule
from .._stack.template import StackDesign
from . import coverage
from . import recorded

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._model.receivers import ReceiverRoute
    from .._model.settings import Route
    from .._model.settings import Settings
    from .._model.snapshot import AccountSnapshot
    from .._model.snapshot import Fleet
    from .._model.snapshot import TargetSnapshot
    from .._stack.receivers import Receiver

# Of the rules that take only findings whose texts are trusted, or only the others.
OF_KIND = {None: "", True: ", with texts of AWS", False: ", with texts of others"}

ACTION_DESCRIPTION = "Send this finding to the {platform} channel."


def fleet(snapshot: Fleet, today: datetime.date) -> FleetDesign:
    """Return the deployments of all accounts; see account()."""
    return FleetDesign(snapshot, tuple(account(item, today) for item in snapshot.accounts))


def account(snapshot: AccountSnapshot, today: datetime.date) -> AccountDesign:
    """Return the deployment of every target that should have one; those that leave, or have problems, get None."""
    present = layouts.present_targets(snapshot)
    if not present:
        return _without_deployments(snapshot)
    if layouts.is_member(snapshot):
        return _without_deployments(snapshot, _is_a_member(snapshot))
    layout = layouts.of_account(snapshot, today)
    if layout.problems:
        return _without_deployments(snapshot, "; ".join(layout.problems) + ".")
    configurations = _configuration_names(snapshot)
    digests = _digests(snapshot, present, layout, today)
    home = layouts.home_region(snapshot) if layout.mode == topology.HOME_REGION else ""
    hosts = {target.host for target in present}
    hosts |= {target.host for target in snapshot.unselected if target.settings.region == home}
    everyone = [
        _target(snapshot, target, layout, configurations, digests, today) if target.host in hosts else _as_read(target)
        for target in snapshot.everyone
    ]
    everyone = [_home(snapshot, item, layout) if item.settings.region == home else item for item in everyone]
    linked = layouts.linked_regions(snapshot)
    missing = coverage.uncovered(snapshot.coverage, topology.aggregation_of(snapshot.facts.aggregator), layout.mode)
    connected = _connected_regions(snapshot)
    known = {*snapshot.regions, *snapshot.unplaced, *(item.settings.region for item in snapshot.everyone)}
    searched = missing if snapshot.coverage or snapshot.job_slices else sorted(connected)
    unlisted = tuple(region for region in searched if region in connected - known)
    uncovered = tuple(region for region in missing if region not in connected)
    design = AccountDesign(
        snapshot=snapshot,
        targets=tuple(everyone[: len(snapshot.targets)]),
        others=tuple(everyone[len(snapshot.targets) :]),
        home=_host_in(home, everyone),
        global_findings=_host_in(
            layout.global_findings_region, (item for item in everyone if _deduplicates(item, today))
        ),
        linked=tuple(item.host for item in everyone if item.settings.region in linked),
        uncovered=uncovered,
        unlisted=unlisted,
    )
    notices = [*layout.notices, *_of_slice(design, present, today), *_remarks(snapshot, present, today)]
    notices += [*_only_in_home(design), *_unwatched(snapshot, layout), *_several_digests(design)]
    notices += coverage.notices(snapshot.coverage, uncovered, unlisted)
    return replace(design, notices=tuple(notices))


def _without_deployments(snapshot: AccountSnapshot, problem: str = "") -> AccountDesign:
    """Return the account without any deployment; *problem*: why the targets that should have one cannot."""
    hosts = {target.host for target in layouts.present_targets(snapshot)} if problem else set()
    targets = (item.refused(problem) if item.host in hosts else item for item in snapshot.targets)
    others = (*snapshot.unselected, *snapshot.invalid)
    return AccountDesign(snapshot, tuple(map(_as_read, targets)), tuple(map(_as_read, others)))


def _as_read(target: TargetSnapshot) -> TargetDesign:
    return TargetDesign(target, problems=target.problems)


def _is_a_member(snapshot: AccountSnapshot) -> str:
    account_id, administrator = snapshot.account.id, snapshot.facts.administrator
    return (
        f"{account_id} is a member account, and its administrator account {administrator} receives the same findings. "
        f"Run the playbook for {administrator}, or set securityhub_slack_allow_member."
    )


def _target(
    snapshot: AccountSnapshot,
    target: TargetSnapshot,
    layout: topology.Topology,
    configurations: tuple[str, ...],
    digests: dict[str, ScheduledDigest],
    today: datetime.date,
) -> TargetDesign:
    place = next(place for place in layout.assignments if place.region == target.settings.region)
    if not place.scopes or target.problems:
        return TargetDesign(target, policy=place.reason, problems=target.problems)
    if not _is_supported(target.settings):
        return TargetDesign(target, problems=(_unsupported(target.settings.region),))
    settings, of_outlets = target.settings, layouts.policies_of(target.settings, today)
    try:
        desired = deployment(settings, snapshot, of_outlets, place.scopes, configurations, digests.get(settings.region))
    except UserError as error:
        return TargetDesign(target, problems=(str(error),))
    made_of = recorded.record(target.settings, place.scopes, today, desired.stack.scheduled)
    desired = replace(desired, stack=replace(desired.stack, settings=made_of))
    problems = template.problems(desired.stack)
    if problems:
        return TargetDesign(target, problems=tuple(problems))
    words = [policies.summary(route.variables) for route in settings.routes]
    words += [
        f"{route.topic.removeprefix(f'{settings.name}-')}: {policies.summary(route.variables)}"
        for route in settings.receivers
    ]
    policy = " | ".join(words)
    channels = [
        simulation.Channel(
            route.topic,
            policy,
            scope,
            mentions=additions.mentioned(route.variables),
            reports_end=bool(settings.value("report_resolved")),
            marks=bool(settings.value("mark_notified")),
        )
        for route, policy, scope in zip(settings.routes, of_outlets, place.scopes)
    ]
    channels += [
        simulation.Channel(route.topic, policy, scope, is_receiver=True)
        for route, policy, scope in _of_receivers(settings, of_outlets, place.scopes)
    ]
    return TargetDesign(target, desired, policy, tuple(channels))


def _of_receivers(
    settings: Settings, of_outlets: Sequence[policies.Policy], scopes: Sequence[policies.Scope]
) -> Iterable[tuple[ReceiverRoute, policies.Policy, policies.Scope]]:
    first = len(settings.routes)
    return zip(settings.receivers, of_outlets[first:], scopes[first:])


def _is_supported(settings: Settings) -> bool:
    return settings.region in regions.SUPPORTED or settings.region in settings.value("additional_regions")


def _unsupported(region: str) -> str:
    return (
        f"Amazon Q Developer in chat applications does not list {region} among its regions, so no messages would "
        f"arrive. Link {region} to the finding aggregator, remove it from the inventory, or add it to "
        f"securityhub_slack_additional_regions if AWS supports it by now."
    )


def _home(snapshot: AccountSnapshot, home: TargetDesign, layout: topology.Topology) -> TargetDesign:
    """Return the home region's target, with a problem where it would lose findings of a linked region."""
    if home.problems:
        return home
    linked = {place.region for place in layout.assignments if not place.scopes}
    invalid = [target.host for target in snapshot.invalid if target.settings.region in linked]
    if invalid:
        sentence = (
            f"it also forwards the findings of {', '.join(invalid)}, whose variables are invalid. Correct them; "
            f"otherwise those findings would be lost."
        )
        return replace(home, problems=(sentence,))
    if home.host in {target.host for target in snapshot.unselected} and not _is_in_place(snapshot, home):
        return replace(home, problems=("its deployment is out of date. Include it in the run.",))
    return home


def _is_in_place(snapshot: AccountSnapshot, target: TargetDesign) -> bool:
    """Return whether the target is deployed as it should be, and the channel configurations list its topics."""
    if target.desired is None or not live.is_deployed(target.live.stack):
        return False
    topics = {arn for _channel, arn in target.desired.topics}
    return live.matches(target.desired.stack, target.live.stack) and topics <= _connected_topics(snapshot)


def _connected_topics(snapshot: AccountSnapshot) -> set[str]:
    return {arn for configuration in snapshot.configurations for arn in configuration.get("SnsTopicArns", [])}


def _connected_regions(snapshot: AccountSnapshot) -> set[str]:
    """Return the regions with a topic that has the name of one of the inventory's and is in a channel."""
    topics = {route.topic for target in snapshot.targets for route in target.settings.routes}
    return {arn.split(":")[3] for arn in _connected_topics(snapshot) if arn.rpartition(":")[2] in topics}


def _host_in(region: str, targets: Iterable[TargetDesign]) -> str:
    return next((item.host for item in targets if item.settings.region == region), "")


def _deduplicates(target: TargetDesign, today: datetime.date) -> bool:
    return any(map(topology.leaves_global_findings, layouts.policies_of(target.settings, today)))


# The deployment of one target


def deployment(
    settings: Settings,
    snapshot: AccountSnapshot,
    of_outlets: Sequence[policies.Policy],
    scopes: Sequence[policies.Scope],
    configurations: tuple[str, ...] = (),
    scheduled: ScheduledDigest | None = None,
) -> Deployment:
    """Return the deployment of one target. Raise UserError where AWS cannot have it.

    *of_outlets*, *scopes*: the policy and scope of each of its outlets. *configurations*: the names of the account's
    channel configurations. *scheduled*: see StackDesign.
    """
    of_channels = list(zip(settings.routes, of_outlets, scopes))
    rules = [rule for of_channel in of_channels for rule in _automatic_rules(settings, *of_channel)]
    rules += [rule for of_channel in of_channels for rule in _resolved_rules(settings, *of_channel)]
    rules += [
        rule
        for of_receiver in _of_receivers(settings, of_outlets, scopes)
        for rule in _receiver_rules(settings, *of_receiver)
    ]
    # What is suppressed in Security Hub is suppressed for all channels.
    automation_rules = _automation_rules(settings, snapshot, of_outlets[0], scopes[0])
    suppressing = str(settings.value("finding_format")) if automation_rules else ""
    return Deployment(
        action=action_target.Desired(
            settings.value("action_id"),
            settings.value("action_name"),
            action_target.marked(
                ACTION_DESCRIPTION.format(platform=settings.routes[0].channel.platform.name), settings.name, suppressing
            ),
        ),
        stack=StackDesign(
            name=settings.name,
            topics=tuple(route.topic for route in settings.routes),
            rules=(*rules, *_action_rules(settings)),
            tags=settings.tags,
            mark_notified=settings.value("mark_notified"),
            ocsf=settings.ocsf,
            key=settings.key,
            responsibilities=layouts.responsibilities(scopes[0], of_outlets),
            alarms=_alarms(settings, configurations),
            boundary=settings.value("permissions_boundary"),
            conditions=settings.value("topic_policy_conditions"),
            receivers=_receivers(settings, snapshot),
            suppressing=suppressing,
            scheduled=scheduled,
        ),
        topics=names.topic_arns(settings, snapshot.account),
        rules=automation_rules,
    )


def _automation_rules(
    settings: Settings, snapshot: AccountSnapshot, policy: policies.Policy, scope: policies.Scope
) -> tuple[automation.Rule, ...]:
    """Return the automation rules of a target. Raises UserError where Security Hub cannot have them."""
    rules = automation.automation_rules(policy, scope, settings.name, snapshot.account.partition)
    aggregation = topology.aggregation_of(snapshot.facts.aggregator)
    if rules and policies.applies_to_linked(policy) and aggregation and aggregation.links(settings.region):
        raise UserError(
            f"{settings.region} is linked to the home region {aggregation.home}, and the new Security Hub only has "
            f"automation rules there: set securityhub_slack_aggregation to auto, or suppress_in to pattern"
        )
    return rules


def _digests(
    snapshot: AccountSnapshot, present: list[TargetSnapshot], layout: topology.Topology, today: datetime.date
) -> dict[str, ScheduledDigest]:
    """Return the digests that AWS sends by region, whichever targets are part of the run.

    An invalid target counts as one like the others. A slice does not know all regions, so each sends its own digest.
    The regions that send the same to the same channels send it together. Events do not cross regions in the partitions
    of China and GovCloud (https://aws.amazon.com/blogs/compute/expanding-cross-region-event-routing-with-amazon-eventbridge/).
    """
    scopes = {place.region: place.scopes for place in layout.assignments}
    alike: dict[Any, dict[str, ScheduledDigest]] = {}
    everyone = [item.settings for item in (*snapshot.targets, *snapshot.unselected)]
    everyone += [replace(present[0].settings, region=item.settings.region) for item in snapshot.invalid]
    for settings in everyone:
        is_scheduled = settings.present and settings.value("digest_schedule")
        if not (is_scheduled and scopes.get(settings.region) and _is_supported(settings)):
            continue
        of_channels = list(zip(settings.routes, layouts.policies_of(settings, today), scopes[settings.region]))
        digest = scheduled_digest(settings, of_channels)
        if digest is None:
            continue
        topics = {channel.topic for channel in digest.channels}
        channels = tuple((route.topic, route.channel) for route in settings.routes if route.topic in topics)
        key = (replace(digest, home=False, channels=()), channels)
        alike.setdefault(key, {})[settings.region] = digest
    if snapshot.account.partition != "aws" or snapshot.job_slices:
        return {region: digest for group in alike.values() for region, digest in group.items()}
    preferred = (layouts.home_region(snapshot), layout.global_findings_region)
    return {region: digest for group in alike.values() for region, digest in together(group, preferred).items()}


def scheduled_digest(
    settings: Settings, of_channels: Sequence[tuple[Route, policies.Policy, policies.Scope]]
) -> ScheduledDigest | None:
    """Return the digest that AWS sends to the channels that get findings automatically, None for none."""
    expression = settings.value("digest_schedule")
    if not expression:
        return None
    channels = tuple(
        ScheduledChannel(
            route.topic,
            tuple(text for label in severities for text in policy.fields.labels[label]),
            jsonata.forwarded(policy, scope),
        )
        for route, policy, scope in of_channels
        for severities in [policies.severities_of(policy, scope)]
        if severities
    )
    if not channels:
        return None
    return ScheduledDigest(
        expression,
        settings.value("digest_time_zone"),
        settings.value("digest_days"),
        overdue=tuple(sorted(settings.value("overdue_days").items())),
        home=of_channels[0][2].forwards_linked,
        channels=channels,
        ocsf=settings.ocsf,
    )


def _kinds(settings: Settings) -> tuple[bool | None, ...]:
    """Return the kinds of findings that have rules of their own: whether their texts are trusted; None for all."""
    return (True, False) if settings.custom_messages else (None,)


def _rules(
    name: str, description: str, topic: str, compiled: Iterable[tuple[Any, bool | None, Any]], **kind: bool
) -> list[Rule]:
    """Return a rule for each event pattern. *compiled*: see Rule for pattern, trusted and transformer."""
    return [
        Rule(
            name=name if number == 1 else f"{name}-{number}",
            description=description + OF_KIND[trusted],
            pattern=pattern,
            topic=topic,
            trusted=trusted,
            transformer=transformer,
            **kind,
        )
        for number, (pattern, trusted, transformer) in enumerate(compiled, start=1)
    ]


def _automatic_rules(settings: Settings, route: Route, policy: policies.Policy, scope: policies.Scope) -> list[Rule]:
    """Return the rules that send new findings to a channel.

    A message depends on its rule alone, so severities with different mentions have rules of their own.
    """
    compiled = (
        (pattern, trusted, _transformer(settings, route, settings.value("finding_format"), trusted, mention))
        for mention, severities in additions.mentions_of(route.variables).items()
        for trusted in _kinds(settings)
        for pattern in patterns.automatic_patterns(*policies.limited(policy, scope, severities), trusted)
    )
    description = "New findings that are important enough to be sent automatically"
    return _rules(f"{route.topic}-findings", description, route.topic, compiled, automatic=True)


def _resolved_rules(settings: Settings, route: Route, policy: policies.Policy, scope: policies.Scope) -> list[Rule]:
    """Return the rules that report to a channel that findings are over, if it gets such reports."""
    if not settings.value("report_resolved"):
        return []
    ended = policies.of_ended(policy, scope, settings.name)
    compiled = (
        (pattern, trusted, message.resolved(settings.name, route.topic, trusted=bool(trusted), ocsf=settings.ocsf))
        for trusted in _kinds(settings)
        for pattern in patterns.automatic_patterns(*ended, trusted)
    )
    description = "Findings that were sent automatically and are no longer open"
    return _rules(f"{route.topic}-resolved", description, route.topic, compiled, resolved=True)


def _receiver_rules(
    settings: Settings, route: ReceiverRoute, policy: policies.Policy, scope: policies.Scope
) -> list[Rule]:
    """Return the rules of a receiver; people read texts, whose authors matter, and machines get the event."""
    kinds: tuple[bool | None, ...] = (True, False) if route.receiver.kind == EMAIL else (None,)
    finding_format = settings.value("finding_format")
    compiled = (
        (pattern, trusted, None if trusted is None else message.mail(finding_format, trusted=trusted))
        for trusted in kinds
        for pattern in patterns.automatic_patterns(policy, scope, trusted)
    )
    description = "New findings for a receiver beside the channels"
    return _rules(f"{route.topic}-findings", description, route.topic, compiled, automatic=True)


def _receivers(settings: Settings, snapshot: AccountSnapshot) -> tuple[Receiver, ...]:
    """Return the receivers. Raise UserError for a queue of another account."""
    for route in settings.receivers:
        arn = route.receiver.endpoints[0]
        if route.receiver.kind == QUEUE and arn.split(":")[4] != snapshot.account.id:
            raise UserError(
                f"the receiver {route.topic.removeprefix(f'{settings.name}-to-')!r} in securityhub_slack_receivers has "
                f"the queue {arn}, but the target is in {snapshot.account.id}. Use a queue of this account, or an "
                f"event bus (event_bus_arn), which can be in another account."
            )
    return tuple(route.receiver for route in settings.receivers)


def _action_rules(settings: Settings) -> list[Rule]:
    # One text for all accounts and regions: CloudFormation fills in which.
    action = {"Fn::Sub": f"{ARN}:securityhub:{HERE}:action/custom/{settings.value('action_id')}"}
    route = settings.routes[0]
    # Custom actions are part of Security Hub CSPM, whichever findings are forwarded automatically.
    compiled = (
        (patterns.action_pattern(action, trusted), trusted, _transformer(settings, route, "asff", trusted))
        for trusted in _kinds(settings)
    )
    description = "Findings that a person sends with the Security Hub custom action"
    return _rules(f"{settings.name}-action", description, route.topic, compiled)


def _transformer(
    settings: Settings, route: Route, finding_format: str, trusted: bool | None, mention: str = ""
) -> message.InputTransformer | None:
    if trusted is None:
        return None
    # The buttons are for the findings that are forwarded automatically.
    has_buttons = settings.value("buttons") and finding_format == settings.value("finding_format")
    return message.transformer(
        finding_format,
        trusted=trusted,
        buttons=has_buttons,
        mention=mention,
        links=additions.links_of(route.variables, finding_format, trusted=trusted),
    )


def _alarms(settings: Settings, configurations: tuple[str, ...]) -> Alarms | None:
    if not settings.value("alarms"):
        return None
    counted_here = settings.region == metrics.REGION
    return Alarms(str(settings.value("alarm_topic_arn") or ""), configurations if counted_here else ())


def _configuration_names(snapshot: AccountSnapshot) -> tuple[str, ...]:
    """Return the names of the account's channel configurations as they are or will be, with --limit too."""
    channels = {
        route.channel
        for target in (*snapshot.targets, *snapshot.unselected)
        if target.settings.present
        for route in target.settings.routes
    }
    live = {
        channel: transformations.configuration_name(found)
        for channel in channels
        for found in snapshot.configurations
        if plans.same_channel(found, channel)
    }
    return tuple(sorted({live.get(channel, channel.configuration) for channel in channels}))


# Notices


def _only_in_home(design: AccountDesign) -> list[str]:
    """Return where automation rules do not suppress the findings of linked regions."""
    home = next((item for item in design.targets if item.host == design.home), None)
    if home is None or home.desired is None or not home.desired.rules:
        return []
    if policies.applies_to_linked(home.channels[0].policy):
        return []
    return [
        f"suppressions with suppress_in: security_hub apply in Security Hub to findings of {home.settings.region} "
        f"only, because an automation rule applies in its own region. The event patterns suppress those of linked "
        f"regions"
    ]


def _several_digests(design: AccountDesign) -> list[str]:
    """Return which regions send a scheduled digest each, if there are several."""
    scheduled = {item.settings.region: item.desired.stack.scheduled for item in design.targets if item.desired}
    sending = [region for region, digest in scheduled.items() if digest and not digest.to]
    if len(sending) < 2:
        return []
    return [
        f"{', '.join(sending)} each send a scheduled digest. Regions send one together if they have the same channels "
        f"and the same securityhub_slack_digest_schedule (cron, not rate), digest_days and overdue_days"
    ]


def _unwatched(snapshot: AccountSnapshot, layout: topology.Topology) -> list[str]:
    """Return what to report where alarms are on, and none can watch Amazon Q's metrics, which one region has."""
    present = [item.settings for item in snapshot.everyone if item.settings.present]
    alarmed = {settings.region for settings in present if settings.value("alarms")}
    if not alarmed or any(place.region in alarmed & {metrics.REGION} and place.scopes for place in layout.assignments):
        return []
    return [
        f"no alarm reports when Amazon Q itself loses messages: its metrics are in {metrics.REGION}, where no "
        f"deployment has alarms. Add {metrics.REGION} to the inventory, or run the doctor, which reads them"
    ]


def _of_slice(design: AccountDesign, present: list[TargetSnapshot], today: datetime.date) -> list[str]:
    """Return what this slice leaves to other slices."""
    notices = []
    other = next((item for item in design.others if item.host == design.global_findings), None)
    waiting = other is not None and other.snapshot.in_another_slice and not layouts.forwards_global(other)
    if other and waiting and any(_deduplicates(_as_read(target), today) for target in present):
        notices.append(
            f"{other.settings.region} does not forward findings about global resources yet; the slice that has it does "
            f"that"
        )
    if design.snapshot.job_slices and present[0].settings.value("report_uncovered_regions"):
        notices.append("uncovered regions are not reported in a slice, which does not know the other slices' regions")
    return notices


def _remarks(snapshot: AccountSnapshot, present: list[TargetSnapshot], today: datetime.date) -> list[str]:
    """Return what explains why a finding arrives twice, again, or not at all."""
    notices = list(snapshot.facts.unknown)
    if snapshot.facts.per_standard:
        notices.append(
            "consolidated control findings are off, so a failed control arrives once for each standard that includes "
            "it. Turn them on in Security Hub's settings (all findings are then created again, once)"
        )
    settings = present[0].settings
    if snapshot.facts.v2:
        notices.append(
            f"Security Hub CSPM and the new Security Hub are both enabled; only {settings.value('finding_format')} "
            f"findings are forwarded (securityhub_slack_finding_format), so none arrives twice"
        )
    if settings.ocsf and snapshot.facts.v2 is False:
        notices.append(
            "the new Security Hub is not enabled, so nothing is forwarded automatically. Enable it, or set "
            "securityhub_slack_finding_format to asff"
        )
    expired = {
        suppression.description: suppression.expires
        for target in present
        for route in target.settings.outlets
        for suppression in policies.expired(route.variables, today)
    }
    return notices + [f"a suppression expired on {day} and has no effect: {words}" for words, day in expired.items()]
