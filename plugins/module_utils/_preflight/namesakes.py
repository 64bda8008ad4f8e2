# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources that have names of a stack, although that stack does not exist: those of others. PRIVATE to the collection.

A run that would create the stack is refused, and one that would delete it says what stays.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from .._model import names
from .._observe import accounts as observe
from .._services import cloudwatch
from .._services import events
from .._services import iam
from .._services import kms
from .._services import scheduler
from .._services import sns
from .._services import step_functions
from .._stack import alarms
from .._stack import marking
from .._stack import receivers
from .._stack import scheduled_digest
from .._stack.resources import Location
from . import blockers
from . import questions
from .questions import Answer

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._model.account import Account
    from .._model.settings import Settings


def ask(aws: Clients, settings: Settings, account: Account) -> Answer:
    """Ask for each kind of resource that the stack would have: a call for each topic, and one for each other kind.

    Rules are only asked for if the stack would be deleted: see questions.of_rules.
    """
    found = _namesakes(aws, settings, account)
    if not found or questions.has_stack_now(aws, settings):
        return Answer()
    if settings.present:
        return Answer(tuple(blockers.of_name(kind, name) for kind, name in found))
    return Answer(
        notices=tuple(
            f"the {kind} {name} in {settings.region} is not managed by the deployment {settings.name}, and stays"
            for kind, name in found
        )
    )


def _namesakes(aws: Clients, settings: Settings, account: Account) -> list[tuple[str, str]]:
    """Return the kind and name of each resource."""
    call = partial(aws.call, settings.source, settings.region)
    prefix, rule = f"{settings.name}-", _rule(settings)
    topics = [arn for _channel, arn in names.topic_arns(settings, account)]
    topics += names.receiver_topic_arns(settings, account)
    found = [("topic", arn.rpartition(":")[2]) for arn in topics if call("sns", sns.get_topic_attributes, arn)]
    if not settings.present:
        listed = call("events", events.list_rules, prefix)
        found += [("rule", name) for name in listed if re.fullmatch(rule, name)]
    if settings.value("alarms"):
        named = call("cloudwatch", cloudwatch.describe_metric_alarms, prefix)
        found += [("alarm", name) for name in named if re.fullmatch(_alarm(settings, rule), name)]
    alias = f"alias/{settings.name}"
    if settings.key == "create" and call("kms", kms.describe_key, alias):
        found.append(("key", alias))
    schedule = scheduled_digest.schedule_name(settings.name)
    if settings.value("digest_schedule") and call("scheduler", scheduler.get_schedule, schedule):
        found.append(("schedule", schedule))
    machines, roles = _machines_and_roles(settings)
    location = Location(account.partition, account.id, settings.region)
    arns = {machine: location.arn("states", f"stateMachine:{machine}") for machine in machines}
    found += [("IAM role", role) for role in roles if observe.call_iam(aws, settings, iam.get_role, role)]
    described = step_functions.describe_state_machine
    found += [("state machine", machine) for machine in machines if call("stepfunctions", described, arns[machine])]
    return found


def _machines_and_roles(settings: Settings) -> tuple[list[str], list[str]]:
    """Return the names of the state machines, and of the roles."""
    of_region = settings.name, settings.region
    machines, roles = [], []
    if any(route.receiver.kind == receivers.BUS for route in settings.receivers):
        roles.append(receivers.role_name(*of_region))
    if settings.value("mark_notified"):
        machines.append(marking.machine_name(settings.name))
        roles.append(marking.role_name(*of_region))
    if settings.value("digest_schedule"):
        machines.append(scheduled_digest.machine_name(settings.name))
        machines.append(scheduled_digest.regions_machine_name(settings.name))
        roles.append(scheduled_digest.role_name(*of_region))
    return machines, roles


def _rule(settings: Settings) -> str:
    """Return a regular expression for the names of the rules; their number depends on the policy."""
    topics = "|".join(re.escape(route.topic) for route in settings.outlets)
    digest = re.escape(scheduled_digest.rule_name(settings.name))
    return rf"(?:(?:{topics})-(?:findings|resolved)|{re.escape(settings.name)}-action)(?:-\d+)?|{digest}"


def _alarm(settings: Settings, rule: str) -> str:
    """Return a regular expression for the names of the alarms."""
    topics = tuple(route.topic for route in settings.outlets)
    configurations = tuple(route.channel.configuration for route in settings.routes)
    machines = dict.fromkeys([marking.machine_name(settings.name), scheduled_digest.machine_name(settings.name)], "")
    designed = alarms.alarms(settings.name, [], topics, machines, configurations, "")
    fixed = "|".join(re.escape(item["Properties"]["AlarmName"]) for item in designed.values())
    return rf"{rule}-failed-invocations|{fixed}"
