# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes on the channel role and guardrail: pure. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import unquote

from .._model.identity import TRUST
from .._model.plan import IdentityPlan
from .._resource.operation import Operation
from .._resource.ownership import is_managed
from .._resource.ownership import not_managed
from .._resource.tags import tags_of

if TYPE_CHECKING:
    from .._model.identity import Identity
    from .._model.identity import LiveIdentity
    from .._services.iam import ManagedPolicy
    from .._services.iam import Role


def plan(desired: Identity, live: LiveIdentity, *, own_guardrail: bool) -> IdentityPlan:
    """Return the operations on the role and, if *own_guardrail*, on the guardrail; problems() finds none."""
    role = _operation(live.role, differs=role_differs(desired, live))
    if not own_guardrail:
        return IdentityPlan(role=role)
    guardrail = live.guardrail
    differs = guardrail is not None and document_of(guardrail["Document"]) != desired.guardrail
    return IdentityPlan(role=role, guardrail=_operation(guardrail, differs=differs))


def problems(desired: Identity, live: LiveIdentity) -> list[str]:
    """Return why the role and guardrail cannot be managed, each as a sentence with its remedy."""
    parts = (("role", desired.role_name, live.role), ("policy", desired.guardrail_name, live.guardrail))
    return [
        not_managed(f"the IAM {kind} {name}")
        for kind, name, resource in parts
        if resource is not None and not is_managed(resource)
    ]


def plan_absent(desired: Identity, live: LiveIdentity, *, stays: bool = False) -> IdentityPlan:
    """Return the operations that end the use of both; those of others are left alone.

    *stays*: topics of others still need the role, so that it only loses the permissions for buttons.
    """
    role, guardrail = is_managed(live.role), is_managed(live.guardrail)
    if not stays:
        return IdentityPlan(*(Operation.DELETE if managed else Operation.NONE for managed in (role, guardrail)))
    if not role or not live.has_permissions:
        return IdentityPlan()
    return plan(desired.without_permissions, live, own_guardrail=guardrail)


def _operation(live: Role | ManagedPolicy | None, *, differs: bool) -> Operation:
    if live is None:
        return Operation.CREATE
    return Operation.UPDATE if differs else Operation.NONE


def role_differs(desired: Identity, live: LiveIdentity) -> bool:
    return live.role is not None and (
        document_of(live.role["AssumeRolePolicyDocument"]) != TRUST
        or not is_tagged(desired, live)
        or live.has_permissions != bool(desired.permissions)
        or lacks_boundary(desired, live)
    )


def lacks_boundary(desired: Identity, live: LiveIdentity) -> bool:
    """Return whether the live role has another permissions boundary than the one that is set, or none."""
    return live.role is not None and desired.boundary not in ("", live.boundary)


def is_tagged(desired: Identity, live: LiveIdentity) -> bool:
    return set(desired.role_tags) <= set(tags_of(live.role).items())


def document_of(document: Any) -> Any:
    # botocore decodes policy documents of IAM; what comes as a text is URL-encoded JSON.
    return json.loads(unquote(document)) if isinstance(document, str) else document
