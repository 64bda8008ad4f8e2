# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which findings would be sent, by which rule, and why the others would not: pure. PRIVATE to the collection.

Two ways lead to each answer: the deployed patterns, and the documented policy (reference.py). If they differ, the
answer says so. A finding appears on the bus of its own Region, and on that of the home Region if an aggregator links
its own (https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation.html).
"""

from __future__ import annotations

import functools
import uuid
from collections import Counter
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from . import alike
from .fields import OCSF
from .fields import first
from .fields import format_of
from .fields import key_of
from .fields import severity_of
from .matcher import Alternative
from .matcher import Event
from .matcher import fit
from .matcher import leaves_of
from .matcher import parsed
from .notation import SOURCE
from .notation import Pattern
from .policy import Policy
from .policy import Scope
from .reference import HIGHEST_FIRST
from .reference import Finding
from .reference import is_over
from .reference import is_suppressed_in_security_hub
from .reference import why_not_forwarded
from .topology import Aggregation

# Of findings that are alike: about 30 MiB.
MOST_OUTLOOKS = 10_000
MOST_VERDICTS = 1_000
OTHER_VERDICTS = "other verdicts"
MOST_LISTED = 1_000

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "securityhub.amazonaws.com")


@dataclass(frozen=True)
class Rule:
    """An event rule, and the topic (of a channel) that it sends to."""

    name: str
    pattern: Pattern = field(hash=False)
    topic: str

    @functools.cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """Return the alternatives of the pattern."""
        return parsed(self.pattern)


@dataclass(frozen=True)
class Channel:
    """The policy and the scope that a target's rules for one topic were compiled from.

    is_receiver: it belongs to a receiver beside the channels. mentions: whom its messages mention, by severity.
    reports_end: a message in the thread of a finding says when it is over. marks: findings that are sent are set to
    NOTIFIED, so that their updates are not.
    """

    topic: str
    policy: Policy
    scope: Scope
    is_receiver: bool = False
    mentions: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    reports_end: bool = False
    marks: bool = False


@dataclass(frozen=True)
class Target:
    """One target: its deployed rules, and what they were compiled from. reason: why it has none, if so.

    resolved: the rules that report that findings which were sent are no longer open.
    """

    host: str
    account: str
    region: str
    rules: tuple[Rule, ...]
    channels: tuple[Channel, ...] = ()
    reason: str = ""
    resolved: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """A message: the target and the rule that send it, and the topic."""

    host: str
    rule: str
    topic: str


@dataclass(frozen=True)
class Decision:
    """The messages about one finding, and the reason in one sentence.

    differs: the deployed patterns do not do what the policy says; the sentence says both.
    """

    deliveries: tuple[Delivery, ...]
    sentence: str
    differs: bool = False

    @property
    def sent(self) -> bool:
        """Return whether the finding arrives in any channel."""
        return bool(self.deliveries)


@dataclass(frozen=True)
class Prospect:
    """Whether a finding is sent to one channel, and whether it would be under other policies.

    sent: by the rules. at_any_severity: by the policies, if they forwarded every severity. suppressed_by: the
    descriptions of the suppressions and vulnerability filters without which it would be sent. is_receiver: the channel
    is a receiver. mentions: whom the message mentions. reports_end: another message says when the finding is over.
    marks: the finding is set to NOTIFIED then.
    """

    topic: str
    sent: bool
    at_any_severity: bool
    suppressed_by: tuple[str, ...] = ()
    is_receiver: bool = False
    mentions: tuple[str, ...] = ()
    reports_end: bool = False
    marks: bool = False


@dataclass(frozen=True)
class Outlook:
    """What would happen to a finding, now and in the past.

    created: the prospects at its creation, when it was NEW and ACTIVE. updated: those in its present state, without the
    channels whose first message has set it to NOTIFIED. repeated: how many channels get it by both. ended: for each
    channel that got it first, if it is over by now, whether another message says so. region and severity: as counted.
    """

    decision: Decision
    created: tuple[Prospect, ...]
    updated: tuple[Prospect, ...]
    repeated: int
    ended: tuple[bool, ...]
    region: str
    severity: str


@dataclass
class Tally:
    """The decisions on findings, added up in a limited memory.

    verdicts: how many findings have each sentence, further ones together under OTHER_VERDICTS. first: some findings,
    each with its decision.
    """

    findings: int = 0
    sent: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    first: list[tuple[Finding, Decision]] = field(default_factory=list)

    def counting(self, outlooks: Iterable[tuple[Finding, Outlook]]) -> Iterator[tuple[Finding, Outlook]]:
        """Yield *outlooks*, and count their decisions meanwhile."""
        for finding, outlook in outlooks:
            decision = outlook.decision
            self.findings += 1
            self.sent += decision.sent
            is_room = len(self.verdicts) < MOST_VERDICTS or decision.sentence in self.verdicts
            self.verdicts[decision.sentence if is_room else OTHER_VERDICTS] += 1
            if len(self.first) < MOST_LISTED:
                self.first.append((finding, decision))
            yield finding, outlook


def event_of(finding: Finding, account: str, region: str) -> Event:
    """Return the event that Security Hub puts on the bus of *account* in *region* for one finding.

    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html and
    securityhub-v2-cwe-event-formats.html. The same finding always has the same event ID.
    """
    fields = format_of(finding)
    product, identifier = key_of(finding)
    resource = identifier if fields is OCSF else f"{product}/{identifier}"
    time = first(finding, fields.updated)
    return {
        "version": "0",
        "id": str(uuid.uuid5(NAMESPACE, f"{account}/{region}/{resource}/{time}")),
        "detail-type": fields.detail_type,
        "source": SOURCE,
        "account": account,
        "time": time,
        "region": region,
        "resources": [resource],
        "detail": {"findings": [finding]},
    }


def buses_of(finding: Finding, aggregation: Aggregation | None) -> tuple[str, ...]:
    """Return the Regions on whose buses *finding* appears: its own first, then the home Region."""
    region = first(finding, format_of(finding).region)
    return (region, aggregation.home) if aggregation and aggregation.links(region) else (region,)


def simulate(
    findings: Iterable[Finding],
    targets: Sequence[Target],
    aggregations: Mapping[str, Aggregation | None],
    administrators: Mapping[str, str] | None = None,
) -> Iterator[tuple[Finding, Outlook]]:
    """Yield each of *findings* with its outlook.

    *aggregations*: by the account of the targets. *administrators*: by a finding's account, the account of the targets
    that sees it. Without an entry that is the account itself if it has targets, and otherwise every account that has.

    Findings that neither patterns nor policies can tell apart share an outlook. The memory for it is limited.
    """
    channels = [channel for target in targets for channel in target.channels]
    read = alike.reader(
        (rule.pattern for target in targets for rule in (*target.rules, *target.resolved)),
        (policy for item in channels for policy in (item.policy, *(linked for _region, linked in item.scope.linked))),
        (*(target.account for target in targets), *(administrators or ())),
    )
    known: dict[Hashable, Outlook] = {}
    known_prospects: dict[Hashable, tuple[Prospect, ...]] = {}

    def of(finding: Finding) -> tuple[Prospect, ...]:
        key = read(finding)
        if key not in known_prospects:
            known_prospects[key] = prospects(finding, targets, aggregations, administrators)
        return known_prospects[key]

    for finding in findings:
        key = read(finding)
        outlook = known.get(key)
        if outlook is None:
            if len(known) >= MOST_OUTLOOKS:
                known.clear()
                known_prospects.clear()
            decision = _decision(finding, _on_buses(finding, targets, aggregations, administrators))
            outlook = known[key] = _outlook(finding, decision, of(_as_created(finding)), of(finding))
        yield finding, outlook


def _outlook(
    finding: Finding, decision: Decision, created: tuple[Prospect, ...], present: tuple[Prospect, ...]
) -> Outlook:
    sent = {item.topic: item for item in created if item.sent and not item.is_receiver}
    updated = tuple(item for item in present if not (item.topic in sent and sent[item.topic].marks))
    return Outlook(
        decision,
        created,
        updated,
        len(sent.keys() & {item.topic for item in updated if item.sent}),
        tuple(item.reports_end for item in sent.values()) if is_over(finding) else (),
        first(finding, format_of(finding).region),
        severity_of(finding),
    )


def _as_created(finding: Finding) -> Finding:
    if format_of(finding) is OCSF:
        return {**finding, "activity_name": "Create", "status": "New"}
    return {**finding, "RecordState": "ACTIVE", "Workflow": {"Status": "NEW"}}


def prospects(
    finding: Finding,
    targets: Sequence[Target],
    aggregations: Mapping[str, Aggregation | None],
    administrators: Mapping[str, str] | None = None,
) -> tuple[Prospect, ...]:
    """Return the prospects of *finding* in each channel of the targets that see it; see simulate()."""
    on_buses = [item for item in _on_buses(finding, targets, aggregations, administrators) if not item.reason]
    sent = {(delivery.topic, delivery.host) for delivery in _deliveries(finding, on_buses)}
    senders = [(target, item) for target in on_buses for item in target.channels if (item.topic, target.host) in sent]
    severity = severity_of(finding)
    channels: dict[str, list[Channel]] = {}
    for channel in (channel for target in on_buses for channel in target.channels):
        channels.setdefault(channel.topic, []).append(_of_region(channel, finding))
    return tuple(
        Prospect(
            topic,
            any(item.topic == topic for _target, item in senders),
            any(_is_forwarded(_at_any_severity(item.policy), item.scope, finding) for item in of_topic),
            tuple(dict.fromkeys(text for item in of_topic for text in _suppressed_by(item, finding))),
            of_topic[0].is_receiver,
            next((item.mentions.get(severity, ()) for _target, item in senders if item.topic == topic), ()),
            any(item.reports_end for item in of_topic),
            any(item.marks for item in of_topic),
        )
        for topic, of_topic in channels.items()
    )


def _of_region(channel: Channel, finding: Finding) -> Channel:
    """Return the channel with the policy that applies to the Region of *finding*, which a home Region may forward."""
    policy = dict(channel.scope.linked).get(first(finding, format_of(finding).region), channel.policy)
    scope = replace(channel.scope, linked=(), aggregates=channel.scope.forwards_linked)
    return replace(channel, policy=policy, scope=scope)


def _is_forwarded(policy: Policy, scope: Scope, finding: Finding) -> bool:
    return not why_not_forwarded(policy, scope, finding)


def _at_any_severity(policy: Policy) -> Policy:
    """Return the policy with all severities, unless it forwards nothing automatically."""
    return replace(policy, severities=HIGHEST_FIRST) if policy.severities else policy


def _suppressed_by(channel: Channel, finding: Finding) -> tuple[str, ...]:
    """Return the filters that each keep *finding* from a channel; all of them if only all together do."""
    policy, scope = channel.policy, channel.scope
    filters = policy.filters
    if not filters or _is_forwarded(policy, scope, finding) or not _is_forwarded(policy.unfiltered, scope, finding):
        return ()
    alone = [description for description, only in filters if not _is_forwarded(only, scope, finding)]
    return tuple(alone or (description for description, _only in filters))


def _on_buses(
    finding: Finding,
    targets: Sequence[Target],
    aggregations: Mapping[str, Aggregation | None],
    administrators: Mapping[str, str] | None,
) -> list[Target]:
    """Return the targets on whose buses *finding* appears, that of its own Region first."""
    accounts = list(dict.fromkeys(target.account for target in targets))
    owner = first(finding, format_of(finding).account)
    viewers = [owner] if owner in accounts else accounts
    if administrators and owner in administrators:
        viewers = [administrators[owner]]
    return [
        target
        for account in viewers
        for bus in buses_of(finding, aggregations.get(account))
        for target in targets
        if (target.account, target.region) == (account, bus)
    ]


def _decision(finding: Finding, targets: list[Target]) -> Decision:
    deliveries = _deliveries(finding, targets)
    sentence = _sent(deliveries) if deliveries else f"not sent: {_reasons(finding, targets)}"
    reports = _matching(finding, [(target, rule) for target in targets for rule in target.resolved])
    sentence += f"; its end is reported {_by(reports)}" if reports else ""
    difference = _difference(finding, targets, deliveries)
    return Decision(deliveries, f"{sentence}; {difference}" if difference else sentence, bool(difference))


def _deliveries(finding: Finding, targets: list[Target]) -> tuple[Delivery, ...]:
    return _matching(finding, [(target, rule) for target in targets for rule in target.rules])


def as_in_event(finding: Finding, targets: Iterable[Target]) -> Finding:
    """Return *finding* as its event has it: suppressed if an automation rule of one of *targets* does that.

    "Automation rules take effect before EventBridge rules are applied"
    (https://docs.aws.amazon.com/securityhub/latest/userguide/automations.html).
    """
    channels = [channel for target in targets if not target.reason for channel in target.channels]
    if not any(is_suppressed_in_security_hub(item.policy, item.scope, finding) for item in channels):
        return finding
    if format_of(finding) is OCSF:
        return {**finding, "status": "Suppressed"}
    return {**finding, "Workflow": {**(finding.get("Workflow") or {}), "Status": "SUPPRESSED"}}


def _matching(finding: Finding, rules: list[tuple[Target, Rule]]) -> tuple[Delivery, ...]:
    finding = as_in_event(finding, [target for target, _rule in rules])
    places = {(target.account, target.region) for target, _rule in rules}
    leaves = {place: leaves_of(event_of(finding, *place)) for place in places}
    return tuple(
        Delivery(target.host, rule.name, rule.topic)
        for target, rule in rules
        if fit(rule.alternatives, leaves[target.account, target.region])
    )


def _sent(deliveries: tuple[Delivery, ...]) -> str:
    topics = [item.topic for item in deliveries]
    duplicate = ", so it arrives more than once" if len(set(topics)) < len(topics) else ""
    return f"sent {_by(deliveries)}{duplicate}"


def _by(deliveries: tuple[Delivery, ...]) -> str:
    return " and ".join(f"by {item.host} (rule {item.rule}) to {item.topic}" for item in deliveries)


def _difference(finding: Finding, targets: list[Target], deliveries: tuple[Delivery, ...]) -> str:
    """Return where the rules of *targets* do not do what their policies say, an empty text if they all do."""
    sent = Counter((delivery.host, delivery.topic) for delivery in deliveries)
    for target in targets:
        for channel in () if target.reason else target.channels:
            count = sent[target.host, channel.topic]
            reason = why_not_forwarded(channel.policy, channel.scope, finding)
            if count != (0 if reason else 1):
                expected = f"it must not be ({reason})" if reason else "it must be, once"
                return (
                    f"this is wrong: by the policy of {target.host} for {channel.topic} {expected}. Redeploy the "
                    f"target; if that does not help, report a bug with this finding and the policy"
                )
    return ""


def _reasons(finding: Finding, targets: list[Target]) -> str:
    if not targets:
        region = first(finding, format_of(finding).region)
        return f"no target is in {region or 'its region'}: add it to the inventory"
    # With an aggregator, the target of the finding's own Region leaves it to the home Region, which comes after it.
    decisive = [target for target in targets if not target.reason] or targets[-1:]
    return "; ".join(dict.fromkeys(reason for target in decisive for reason in _reasons_of(finding, target)))


def _reasons_of(finding: Finding, target: Target) -> list[str]:
    if target.reason:
        return [target.reason]
    by_topic = {item.topic: why_not_forwarded(item.policy, item.scope, finding) for item in target.channels}
    known = {topic: reason for topic, reason in by_topic.items() if reason}
    if not known:
        return [f"no rule of {target.host} matches it"]
    alike = len(set(known.values())) == 1
    return [reason if alike else f"{topic}: {reason}" for topic, reason in known.items()]
