# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the channel role and guardrail. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws.errors import UserError
from .._model.identity import PERMISSIONS_TAG
from .._model.identity import ROLE_POLICY
from .._model.identity import TRUST
from .._model.identity import LiveIdentity
from .._plan import identity as identities
from .._plan.identity import document_of
from .._plan.identity import is_tagged
from .._plan.identity import lacks_boundary
from .._resource.operation import Operation
from .._services import iam

if TYPE_CHECKING:
    from .._model.identity import Identity
    from .._model.plan import IdentityPlan

ROLE_DESCRIPTION = "Assumed by the Slack channel configuration (secops.securityhub)"
GUARDRAIL_DESCRIPTION = "Bounds what anybody can do from the Slack channel (secops.securityhub)"
UNFINISHED = "-"
VERSIONS_AT_MOST = 5  # of a managed policy; AWS refuses a sixth


def write(client: Any, desired: Identity, live: LiveIdentity, planned: IdentityPlan) -> None:
    """Carry out *planned*. The role goes before the guardrail when removing, after it when building."""
    tags = dict(desired.tags)
    if planned.guardrail == Operation.CREATE:
        if not iam.create_policy(client, desired.guardrail_name, GUARDRAIL_DESCRIPTION, desired.guardrail, tags):
            _refuse(desired, LiveIdentity(guardrail=iam.get_policy(client, desired.guardrail_arn)))
    elif planned.guardrail == Operation.UPDATE:
        _renew_guardrail(client, desired)
    if planned.role == Operation.CREATE:
        if not iam.create_role(client, desired.role_name, ROLE_DESCRIPTION, TRUST, tags, desired.boundary):
            _refuse(desired, LiveIdentity(role=iam.get_role(client, desired.role_name)))
        _grant(client, desired)
    elif planned.role == Operation.UPDATE:
        _renew_role(client, desired, live)
    elif planned.role == Operation.DELETE:
        # AWS deletes no role that has a policy.
        _revoke(client, desired, live)
        iam.delete_role(client, desired.role_name)
    if planned.guardrail == Operation.DELETE:
        _delete_guardrail(client, desired.guardrail_arn)


def _refuse(desired: Identity, live: LiveIdentity) -> None:
    """Raise UserError for what exists since the plan was made, unless a parallel run has created it."""
    problems = identities.problems(desired, live)
    if problems:
        raise UserError(errors.joined(problems))


def _renew_role(client: Any, desired: Identity, live: LiveIdentity) -> None:
    if live.role is not None and document_of(live.role["AssumeRolePolicyDocument"]) != TRUST:
        iam.update_trust(client, desired.role_name, TRUST)
    if lacks_boundary(desired, live):
        iam.put_role_permissions_boundary(client, desired.role_name, desired.boundary)
    if desired.permissions is None:
        _revoke(client, desired, live)
    if not is_tagged(desired, live):
        iam.tag_role(client, desired.role_name, dict(desired.tags))
        _grant(client, desired)


def _grant(client: Any, desired: Identity) -> None:
    """Give the role its permissions; a run that is killed meanwhile leaves a tag that says so."""
    if desired.permissions is None:
        return
    iam.tag_role(client, desired.role_name, {PERMISSIONS_TAG: UNFINISHED})
    iam.put_role_policy(client, desired.role_name, ROLE_POLICY, desired.permissions)
    iam.tag_role(client, desired.role_name, dict(desired.role_tags))


def _revoke(client: Any, desired: Identity, live: LiveIdentity) -> None:
    if live.has_permissions:
        iam.delete_role_policy(client, desired.role_name, ROLE_POLICY)
        iam.untag_role(client, desired.role_name, [PERMISSIONS_TAG])


def _renew_guardrail(client: Any, desired: Identity) -> None:
    arn = desired.guardrail_arn
    versions = iam.list_policy_versions(client, arn)
    if len(versions) >= VERSIONS_AT_MOST:
        oldest = min((item for item in versions if not item["IsDefaultVersion"]), key=lambda item: item["CreateDate"])
        iam.delete_policy_version(client, arn, oldest["VersionId"])
    iam.create_policy_version(client, arn, desired.guardrail)


def _delete_guardrail(client: Any, arn: str) -> None:
    for version in iam.list_policy_versions(client, arn):
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(client, arn, version["VersionId"])
    iam.delete_policy(client, arn)
