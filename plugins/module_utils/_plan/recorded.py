# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings that a stack was created from, as a tag of it, so that a later run can say what changes: pure. PRIVATE.

The tag has entries ``name=value``, those of a channel as ``channel:name=value``. It is not part of the digest: a stack
is not updated because of it.
"""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

from .._model import additions
from .._routing import policy as policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._model.settings import Route
    from .._model.settings import Settings
    from .._routing.policy import Policy
    from .._routing.policy import Scope
    from .._routing.policy import Suppression
    from .._stack.scheduled_digest import ScheduledDigest

LONGEST = 256  # characters of the value of a tag
SEVERITY, ACCOUNTS, SUPPRESSIONS, ON = "severity", "accounts", "suppressions", "on"
VULNERABILITIES, ADDITIONS, DIGEST, RECEIVERS = "vulnerabilities", "additions", "digest", "receivers"
SWITCHES = ("buttons", "alarms", "mark_notified", "report_resolved", "topic_policy_conditions")
# A severity and all above it: HIGH+. Several values: CRITICAL/LOW.
ABOVE, AND, NONE, BY_HAND = "+", "/", "none", "by-hand"


def record(
    settings: Settings, scopes: tuple[Scope, ...], today: datetime.date, scheduled: ScheduledDigest | None
) -> str:
    """Return the value of the tag, '' if it would be too long. *scheduled*: see StackDesign."""
    entries: dict[str, str] = {}
    for route in settings.routes:
        own = _of_channel(route, policies.policy_of(route.variables, today))
        entries |= {f"{channel(route, settings)}{name}": value for name, value in own.items()}
    entries |= {
        "findings": str(settings.value("finding_format")),
        "messages": "custom" if settings.custom_messages else "aws",
        ON: AND.join(name for name in SWITCHES if settings.value(name)) or NONE,
        "key": settings.key if settings.key in ("", "create") else f"key:{_hash(settings.key)}",
        "boundary": _hash(settings.value("permissions_boundary")) if settings.value("permissions_boundary") else "",
        "deduplicated": _hash(sorted(settings.value("deduplicate_global"))),
        DIGEST: _digest(settings, scheduled),
        "linked": _hash([scope.linked for scope in scopes]),
        RECEIVERS: _receivers(settings, today),
    }
    text = " ".join(f"{name}={value}" for name, value in entries.items() if value not in ("", NONE))
    return text if len(text) <= LONGEST else ""


def entries_of(text: str) -> dict[str, str]:
    """Return the entries of a tag, in which those with the value NONE are missing."""
    return dict(entry.split("=", 1) for entry in text.split() if "=" in entry)


def channel(route: Route, settings: Settings) -> str:
    """Return what the names of a channel's entries begin with, '' for the only one."""
    return f"{route.topic.removeprefix(settings.name).strip('-')}:" if len(settings.routes) > 1 else ""


def suppressions(settings: Settings) -> dict[str, str]:
    """Return the descriptions of all suppressions, by the hashes that the tag has of them."""
    found = (policies.policy_of(route.variables, datetime.date.min).suppressions for route in settings.routes)
    return {_hash_of(item): item.description for of_route in found for item in of_route}


def _of_channel(route: Route, policy: Policy) -> dict[str, str]:
    above = not route.variables[f"{policies.PREFIX}severities"]
    severity = f"{policy.severities[-1]}{ABOVE}" if policy.severities and above else AND.join(policy.severities)
    accounts = f"{len(policy.account_ids)}:{_hash(policy.account_ids)}" if policy.account_ids else NONE
    return {
        # Never missing, so that it tells whether a stack has the channel.
        SEVERITY: severity or BY_HAND,
        ACCOUNTS: "others" if policy.other_channels_account_ids else accounts,
        SUPPRESSIONS: AND.join(map(_hash_of, policy.suppressions)) or NONE,
        VULNERABILITIES: AND.join(_vulnerabilities(policy)) or NONE,
        ADDITIONS: _additions(route),
    }


def _receivers(settings: Settings, today: datetime.date) -> str:
    found = [
        (route.receiver.name, route.receiver.kind, route.receiver.endpoints, policies.policy_of(route.variables, today))
        for route in settings.receivers
    ]
    return _hash(found) if found else NONE


def _vulnerabilities(policy: Policy) -> Iterator[str]:
    yield from ["fix"] if policy.fix_available else []
    yield from ["exploit"] if policy.exploit_available else []
    yield from [f"EPSS-{policy.minimum_epss:g}"] if policy.minimum_epss else []


def _digest(settings: Settings, scheduled: ScheduledDigest | None) -> str:
    names = ("digest_schedule", "digest_time_zone", "digest_days", "overdue_days")
    regions = [scheduled.to, scheduled.others] if scheduled and (scheduled.to or scheduled.others) else []
    return _hash([settings.value(name) for name in names] + regions) if settings.value("digest_schedule") else NONE


def _additions(route: Route) -> str:
    names = additions.is_set(route.variables)
    return _hash([(name, route.variables[policies.PREFIX + name]) for name in names]) if names else NONE


def _hash_of(suppression: Suppression) -> str:
    criteria = [getattr(suppression, name) for name in policies.CRITERIA]
    return _hash([*criteria, policies.SECURITY_HUB] if suppression.in_security_hub else criteria)


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:4]
