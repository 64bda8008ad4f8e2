# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the live state of one target. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws.errors import UserError
from .._model import names
from .._model.plan import DEPLOY_EXPORT
from .._model.snapshot import LiveTarget
from .._resource import ownership
from .._resource.tags import MANAGED_TAG
from .._routing import automation
from .._securityhub import action_target
from .._securityhub import automation_rule
from .._services import cloudformation
from .._services import securityhub
from .._services import sns
from .._stack import live as stacks
from .._stack import resources as stack_resources
from .._stack import stack_set
from .._stack import states
from .._stack import template
from .._stack.resources import UnrecognizedTemplate
from . import delivery_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._model.account import Account
    from .._model.settings import Settings
    from .._resource.shapes import Json
    from .._services.cloudformation import Stack
    from .._services.securityhub import ActionTarget
    from .._stack.template import StackDesign


ONLY_ADMINISTRATOR = (
    "Only the Security Hub administrator account can have automation rules: in a member account, set suppress_in to "
    "pattern."
)


def target(aws: Clients, settings: Settings, account: Account) -> LiveTarget:
    """Return the live state of one target: two calls, three if a StackSet creates its stack.

    With automation rules, it costs two more, or with those of the new Security Hub one more for each. Raise
    MultipleErrors if policies deny the calls.
    """
    stack, actions = _all_allowed(lambda: _stack(aws, settings, account), lambda: _actions(aws, settings))
    arn = names.action_arn(settings, account)
    own = next((action for action in actions or () if action["ActionTargetArn"] == arn), None)
    kinds = _kinds_of_rules(settings, stack, own)
    if actions is None:
        # A removal must not leave the rules of the new Security Hub, which may still be enabled.
        kinds = [kind for kind in kinds if kind is automation_rule.V2 and not settings.present]
        live = LiveTarget(hub=False, stack=stack)
    else:
        live = LiveTarget(hub=True, action=own, stack=stack, actions=len(actions))
    return with_rules(aws, settings, live, kinds) if kinds else live


def _kinds_of_rules(settings: Settings, stack: Stack | None, action: ActionTarget | None) -> list[automation_rule.Kind]:
    """Return the kinds of automation rules that the deployment may have or should have."""
    of_action = action_target.suppressing(action, settings.name)
    formats = {template.suppressing_of(stacks.tags_of(stack)), of_action} - {""}
    if settings.suppresses_in_security_hub:
        formats.add(str(settings.value("finding_format")))
    return [automation_rule.of_format(item) for item in sorted(formats)]


def with_rules(aws: Clients, settings: Settings, live: LiveTarget, kinds: list[automation_rule.Kind]) -> LiveTarget:
    """Return *live* with the automation rules of these kinds that belong to the deployment.

    Raise UserError if they cannot be read, as in a member account, or where the new Security Hub is off. There, a
    deployment that no longer needs rules has none.
    """
    rules: list[securityhub.AutomationRule] = []
    count = 0
    for kind in kinds:
        try:
            listed = _call(aws, settings, "securityhub", kind.read_all)
        except securityhub.HubV2NotEnabled:
            if _needs(settings, kind):
                raise
            continue
        except errors.failures() as error:
            if not errors.is_denied(error):
                raise
            if not _needs(settings, kind) and _is_member(aws, settings, live):
                continue
            raise UserError(f"{errors.explain(error)} {ONLY_ADMINISTRATOR}") from error
        ours = [item["RuleArn"] for item in listed if _is_ours(aws, settings, item)]
        rules += _call(aws, settings, "securityhub", kind.read, ours) if ours else []
        count = max(count, len(listed))
    return replace(live, rules=tuple(rules), rule_count=count)


def _needs(settings: Settings, kind: automation_rule.Kind) -> bool:
    """Return whether the deployment should have rules of a kind, and not only had some."""
    wanted = automation_rule.of_format(str(settings.value("finding_format")))
    return bool(settings.present and settings.suppresses_in_security_hub and kind is wanted)


def _is_member(aws: Clients, settings: Settings, live: LiveTarget) -> bool:
    """Return whether the account is a member account now: one call."""
    return bool(live.hub and _call(aws, settings, "securityhub", securityhub.get_administrator_account))


def _is_ours(aws: Clients, settings: Settings, rule: securityhub.AutomationRule) -> bool:
    """Tell whether the description of an automation rule or, where a person may have changed it, a tag proves that."""
    if ownership.is_marked(rule["Description"], settings.name):
        return True
    if not rule["RuleName"].startswith(automation.names(settings.name)):
        return False
    tags = _call(aws, settings, "securityhub", securityhub.list_tags_for_resource, rule["RuleArn"])
    return bool(tags.get(MANAGED_TAG) == settings.name)


def _stack(aws: Clients, settings: Settings, account: Account) -> Stack | None:
    name = settings.name
    if settings.stack_set:
        # A StackSet generates the names of its stacks, so the stack is found by its first topic.
        topic = names.topic_arn(settings, account, settings.routes[0].topic)
        name = _call(aws, settings, "cloudformation", cloudformation.stack_of, topic)
    return _call(aws, settings, "cloudformation", cloudformation.describe_stack, name) if name else None


def _actions(aws: Clients, settings: Settings) -> list[ActionTarget] | None:
    try:
        found: list[ActionTarget] = _call(aws, settings, "securityhub", securityhub.describe_action_targets)
    except securityhub.HubNotEnabled:
        return None
    return found


def _call(aws: Clients, settings: Settings, service: str, function: Callable[..., Any], *arguments: Any) -> Any:
    return aws.call(settings.source, settings.region, service, function, *arguments)


def _all_allowed(*reads: Callable[[], Any]) -> list[Any]:
    """Return all answers. If a policy denies one, read the others too, so that all missing permissions are known."""
    outcomes = [_answer_or_denial(read) for read in reads]
    denials = [denial for _answer, denial in outcomes if denial is not None]
    if denials:
        raise errors.MultipleErrors(denials)
    return [answer for answer, _denial in outcomes]


def _answer_or_denial(read: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return read(), None
    except errors.failures() as error:
        if errors.is_denied(error):
            return None, error
        raise


def hub(aws: Clients, settings: Settings) -> LiveTarget:
    """Return only whether Security Hub is enabled in the target's region: one call."""
    try:
        _call(aws, settings, "securityhub", securityhub.describe_hub)
    except securityhub.HubNotEnabled:
        return LiveTarget(hub=False)
    return LiveTarget(hub=True)


def topic_exists(aws: Clients, settings: Settings, arn: str) -> bool:
    """Return whether a topic in the target's region exists: one call."""
    return _call(aws, settings, "sns", sns.get_topic_attributes, arn) is not None


def findings(aws: Clients, settings: Settings, filters: Json) -> list[Json]:
    """Return the findings of the target's region that match *filters*, both in its format: one call for every 100."""
    read = securityhub.get_findings_v2 if settings.ocsf else securityhub.get_findings
    found: list[Json] = _call(aws, settings, "securityhub", read, filters)
    return found


def with_template(aws: Clients, settings: Settings, live: LiveTarget) -> LiveTarget:
    """Return *live* with the template of its stack: one call."""
    text = _call(aws, settings, "cloudformation", cloudformation.stack_template, _stack_name(settings, live))
    if not isinstance(text, dict) or live.stack is None:
        return replace(live, template=None)
    try:
        return replace(live, template=stack_set.filled_in(text, stacks.place_of(live.stack)))
    except UnrecognizedTemplate:
        return replace(live, template=text)


def _stack_name(settings: Settings, live: LiveTarget) -> str:
    return str(live.stack["StackName"]) if live.stack else settings.name


def with_path(aws: Clients, settings: Settings, account: Account, live: LiveTarget, design: StackDesign) -> LiveTarget:
    """Return *live* with the resources of its stack, as its template and as AWS has them: six calls.

    It costs one more if the stack is out of date, and one more if only the stack knows names of its resources. Nothing
    is read if the stack has nothing to repair, because it is about to be created or is being created. Raise UserError
    if this collection did not write its template.
    """
    if stacks.status_of(live.stack) not in states.STANDING | states.RESUMABLE:
        return live
    if not stacks.matches(design, live.stack):
        live = with_template(aws, settings, live)
    whole = template.template(design) if live.template is None else live.template
    place = stack_resources.Location(account.partition, account.id, settings.region)
    generated = _generated_names(aws, settings, live) if stack_resources.has_names_of_its_own(whole) else {}
    try:
        resources = stack_resources.resolve(whole, place, generated)
    except UnrecognizedTemplate as error:
        remedy = DEPLOY_EXPORT if settings.stack_set else "rerun the playbook without it, which restores the template"
        raise UserError(
            f"the template of the stack {_stack_name(settings, live)} was changed, so securityhub_slack_repair_drift "
            f"cannot compare it: {remedy}."
        ) from error
    return replace(live, path=delivery_path.read(aws, settings, resources))


def _generated_names(aws: Clients, settings: Settings, live: LiveTarget) -> dict[str, str]:
    name = _stack_name(settings, live)
    summaries = _call(aws, settings, "cloudformation", cloudformation.stack_resources, name)
    return {item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in summaries}
