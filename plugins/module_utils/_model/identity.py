# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel role and its guardrail policy: pure. PRIVATE to the collection."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING

from .._resource.tags import MANAGED_TAG
from .._resource.tags import tags_of

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._services.iam import ManagedPolicy
    from .._services.iam import Role
    from .account import Account

# https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-iam-policies-for-slack-channel-configurations.html
TRUST: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
# Messages need no permissions of the role. AWS's own default guardrail is AdministratorAccess.
DENY_ALL: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}
# The name of the role's inline policy.
ROLE_POLICY = "TriageFindings"
# A digest of the role's inline policy: the one read of the role that each run makes shows whether it is up to date.
PERMISSIONS_TAG = "secops.securityhub/permissions"


@dataclass(frozen=True)
class Identity:
    """The role and guardrail that an account should have: names, ARNs, tags and permissions.

    *permissions*: a policy document; None allows nothing. *boundary*: the ARN of the role's permissions boundary; ''
    leaves the role as it is.
    """

    role_name: str
    role_arn: str
    guardrail_name: str
    guardrail_arn: str
    tags: tuple[tuple[str, str], ...]
    permissions: Json | None = field(default=None, hash=False)
    boundary: str = ""

    @property
    def guardrail(self) -> Json:
        """Return the document of the guardrail."""
        return self.permissions or DENY_ALL

    @property
    def without_permissions(self) -> Identity:
        """Return the role and guardrail when no messages with buttons arrive any more."""
        return replace(self, permissions=None)

    @property
    def role_tags(self) -> tuple[tuple[str, str], ...]:
        """Return the tags of the role."""
        return (*self.tags, (PERMISSIONS_TAG, _digest(self.permissions))) if self.permissions else self.tags


def _digest(document: Json) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class LiveIdentity:
    """The live role and guardrail; None for one that does not exist."""

    role: Role | None = field(default=None, hash=False)
    guardrail: ManagedPolicy | None = field(default=None, hash=False)

    @property
    def has_permissions(self) -> bool:
        """Return whether a run has granted the role permissions, or has started to."""
        return PERMISSIONS_TAG in tags_of(self.role)

    @property
    def boundary(self) -> str:
        """Return the ARN of the role's permissions boundary, '' for none."""
        return (self.role or {}).get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")


def identity_of(
    account: Account,
    name: str,
    tags: tuple[tuple[str, str], ...],
    permissions: Json | None = None,
    boundary: str = "",
) -> Identity:
    """Return the role and guardrail of the deployment *name*."""
    role, guardrail = f"{name}-channel", f"{name}-channel-guardrail"
    where = f"arn:{account.partition}:iam::{account.id}"
    return Identity(
        role_name=role,
        role_arn=f"{where}:role/{role}",
        guardrail_name=guardrail,
        guardrail_arn=f"{where}:policy/{guardrail}",
        tags=(*tags, (MANAGED_TAG, name)),
        permissions=permissions,
        boundary=boundary,
    )
