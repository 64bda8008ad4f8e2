# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM role that the channel assumes, and the guardrail that bounds it. PRIVATE to the collection.

Both allow nothing, or just what the buttons need.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import unquote

from .._aws import errors
from .._aws.errors import UserError
from .._services import iam as api
from .._stack.template import MANAGED_TAG

if TYPE_CHECKING:
    from .desired import Account

# https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-iam-policies-for-slack-channel-configurations.html
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
# The messages need no permission of the role. AWS's own default guardrail is AdministratorAccess.
DENY_ALL: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}
ROLE_DESCRIPTION = "Assumed by the Slack channel configuration (secops.securityhub)"
GUARDRAIL_DESCRIPTION = "Bounds what anybody can do from the Slack channel (secops.securityhub)"
ROLE_POLICY = "TriageFindings"
# Tells, in the read that there is anyway, whether the role has a policy, and which.
PERMISSIONS_TAG = "secops.securityhub/permissions"
UNFINISHED = "-"
VERSIONS_AT_MOST = 5  # of a managed policy; AWS refuses a sixth

NONE = "none"
CREATE = "create"
UPDATE = "update"
DELETE = "delete"


@dataclass(frozen=True)
class Identity:
    """The names under which an account has role and guardrail, the tags they carry, and what they allow.

    *permissions*: a policy document, None for nothing.
    """

    role_name: str
    role_arn: str
    guardrail_name: str
    guardrail_arn: str
    tags: tuple[tuple[str, str], ...]
    permissions: dict[str, Any] | None = field(default=None, hash=False)

    @property
    def guardrail(self) -> dict[str, Any]:
        """Return the document of the guardrail."""
        return self.permissions or DENY_ALL

    @property
    def role_tags(self) -> tuple[tuple[str, str], ...]:
        """Return the tags of the role."""
        return (*self.tags, (PERMISSIONS_TAG, _digest(self.permissions))) if self.permissions else self.tags


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class LiveIdentity:
    """Role and guardrail as boto3 shapes them, or None; the guardrail with its ``Document``."""

    role: dict[str, Any] | None = field(default=None, hash=False)
    guardrail: dict[str, Any] | None = field(default=None, hash=False)

    @property
    def has_permissions(self) -> bool:
        """Tell whether a run has given the role permissions, or has begun to."""
        return PERMISSIONS_TAG in _tags(self.role)


@dataclass(frozen=True)
class IdentityPlan:
    """One operation on each of the two."""

    role: str = NONE
    guardrail: str = NONE

    @property
    def changed(self) -> bool:
        """Tell whether anything has to be written."""
        return (self.role, self.guardrail) != (NONE, NONE)


def identity(
    account: Account, name: str, tags: tuple[tuple[str, str], ...], permissions: dict[str, Any] | None = None
) -> Identity:
    """Return the identity of the channels that are called *name*."""
    role, guardrail = f"{name}-channel", f"{name}-channel-guardrail"
    where = f"arn:{account.partition}:iam::{account.id}"
    return Identity(
        role_name=role,
        role_arn=f"{where}:role/{role}",
        guardrail_name=guardrail,
        guardrail_arn=f"{where}:policy/{guardrail}",
        tags=(*tags, (MANAGED_TAG, name)),
        permissions=permissions,
    )


def plan(wanted: Identity, live: LiveIdentity, *, own_guardrail: bool) -> IdentityPlan:
    """Plan the role and, if *own_guardrail*, the guardrail. Raise UserError for a foreign one."""
    found = problems(wanted, live)
    if found:
        raise UserError(errors.joined(found))
    return IdentityPlan(
        role=_towards(live.role, _role_differs(wanted, live)),
        guardrail=_towards(live.guardrail, _guardrail_differs(wanted, live)) if own_guardrail else NONE,
    )


def problems(wanted: Identity, live: LiveIdentity) -> list[str]:
    """Return why role and guardrail cannot become ours, each as a sentence with its remedy."""
    parts = (("role", wanted.role_name, live.role), ("policy", wanted.guardrail_name, live.guardrail))
    return [
        f"the IAM {kind} {name} is there, but was not made by this collection: set securityhub_slack_name to a name of "
        f"its own."
        for kind, name, resource in parts
        if resource is not None and not _is_ours(resource)
    ]


def plan_absent(wanted: Identity, live: LiveIdentity) -> IdentityPlan:
    """Return what takes both away; a foreign one is left alone."""
    return IdentityPlan(
        role=DELETE if _is_ours(live.role) else NONE,
        guardrail=DELETE if _is_ours(live.guardrail) else NONE,
    )


def apply(client: Any, wanted: Identity, live: LiveIdentity, planned: IdentityPlan) -> None:
    """Carry out *planned*. The role goes before the guardrail when removing, after it when building."""
    tags = dict(wanted.tags)
    if planned.guardrail == CREATE:
        api.create_policy(client, wanted.guardrail_name, GUARDRAIL_DESCRIPTION, wanted.guardrail, tags)
    elif planned.guardrail == UPDATE:
        _renew_guardrail(client, wanted)
    if planned.role == CREATE:
        api.create_role(client, wanted.role_name, ROLE_DESCRIPTION, TRUST, tags)
        _grant(client, wanted)
    elif planned.role == UPDATE:
        _renew_role(client, wanted, live)
    elif planned.role == DELETE:
        # AWS deletes no role that has a policy.
        _revoke(client, wanted, live)
        api.delete_role(client, wanted.role_name)
    if planned.guardrail == DELETE:
        _delete_guardrail(client, wanted.guardrail_arn)


def _towards(live: dict[str, Any] | None, differs: bool) -> str:
    if live is None:
        return CREATE
    return UPDATE if differs else NONE


def _role_differs(wanted: Identity, live: LiveIdentity) -> bool:
    return live.role is not None and (
        _document(live.role["AssumeRolePolicyDocument"]) != TRUST
        or not _is_tagged(wanted, live)
        or live.has_permissions != bool(wanted.permissions)
    )


def _is_tagged(wanted: Identity, live: LiveIdentity) -> bool:
    return set(wanted.role_tags) <= set(_tags(live.role).items())


def _guardrail_differs(wanted: Identity, live: LiveIdentity) -> bool:
    return live.guardrail is not None and _document(live.guardrail["Document"]) != wanted.guardrail


def _document(document: Any) -> Any:
    # botocore decodes policy documents of IAM; what comes as a text is URL-encoded JSON.
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _tags(resource: dict[str, Any] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in (resource or {}).get("Tags", [])}


def _is_ours(resource: dict[str, Any] | None) -> bool:
    return MANAGED_TAG in _tags(resource)


def _renew_role(client: Any, wanted: Identity, live: LiveIdentity) -> None:
    if live.role is not None and _document(live.role["AssumeRolePolicyDocument"]) != TRUST:
        api.update_trust(client, wanted.role_name, TRUST)
    if wanted.permissions is None:
        _revoke(client, wanted, live)
    if not _is_tagged(wanted, live):
        api.tag_role(client, wanted.role_name, dict(wanted.tags))
        _grant(client, wanted)


def _grant(client: Any, wanted: Identity) -> None:
    """Give the role its permissions; a run that is killed meanwhile leaves a tag that says so."""
    if wanted.permissions is None:
        return
    api.tag_role(client, wanted.role_name, {PERMISSIONS_TAG: UNFINISHED})
    api.put_role_policy(client, wanted.role_name, ROLE_POLICY, wanted.permissions)
    api.tag_role(client, wanted.role_name, dict(wanted.role_tags))


def _revoke(client: Any, wanted: Identity, live: LiveIdentity) -> None:
    if live.has_permissions:
        api.delete_role_policy(client, wanted.role_name, ROLE_POLICY)
        api.untag_role(client, wanted.role_name, [PERMISSIONS_TAG])


def _renew_guardrail(client: Any, wanted: Identity) -> None:
    arn = wanted.guardrail_arn
    versions = api.list_policy_versions(client, arn)
    if len(versions) >= VERSIONS_AT_MOST:
        oldest = min((item for item in versions if not item["IsDefaultVersion"]), key=lambda item: item["CreateDate"])
        api.delete_policy_version(client, arn, oldest["VersionId"])
    api.create_policy_version(client, arn, wanted.guardrail)


def _delete_guardrail(client: Any, arn: str) -> None:
    for version in api.list_policy_versions(client, arn):
        if not version["IsDefaultVersion"]:
            api.delete_policy_version(client, arn, version["VersionId"])
    api.delete_policy(client, arn)
