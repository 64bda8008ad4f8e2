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
from .._model.identity import tags_of
from .._model.plan import CREATE
from .._model.plan import DELETE
from .._model.plan import NONE
from .._model.plan import UPDATE
from .._model.plan import IdentityPlan
from .._stack.template import MANAGED_TAG

if TYPE_CHECKING:
    from .._model.identity import Identity
    from .._model.identity import LiveIdentity


def plan(desired: Identity, live: LiveIdentity, *, own_guardrail: bool) -> IdentityPlan:
    """Return the operations on the role and, if *own_guardrail*, on the guardrail; problems() finds none."""
    return IdentityPlan(
        role=_operation(live.role, differs=role_differs(desired, live)),
        guardrail=_operation(live.guardrail, differs=_guardrail_differs(desired, live)) if own_guardrail else NONE,
    )


def problems(desired: Identity, live: LiveIdentity) -> list[str]:
    """Return why the role and guardrail cannot be managed, each as a sentence with its remedy."""
    parts = (("role", desired.role_name, live.role), ("policy", desired.guardrail_name, live.guardrail))
    return [
        f"the IAM {kind} {name} already exists and is not managed by this collection. Choose another "
        f"securityhub_slack_name."
        for kind, name, resource in parts
        if resource is not None and not is_ours(resource)
    ]


def plan_absent(desired: Identity, live: LiveIdentity) -> IdentityPlan:
    """Return the operations that remove both; those of others are left alone."""
    return IdentityPlan(
        role=DELETE if is_ours(live.role) else NONE,
        guardrail=DELETE if is_ours(live.guardrail) else NONE,
    )


def _operation(live: dict[str, Any] | None, *, differs: bool) -> str:
    if live is None:
        return CREATE
    return UPDATE if differs else NONE


def role_differs(desired: Identity, live: LiveIdentity) -> bool:
    return live.role is not None and (
        document_of(live.role["AssumeRolePolicyDocument"]) != TRUST
        or not is_tagged(desired, live)
        or live.has_permissions != bool(desired.permissions)
    )


def is_tagged(desired: Identity, live: LiveIdentity) -> bool:
    return set(desired.role_tags) <= set(tags_of(live.role).items())


def _guardrail_differs(desired: Identity, live: LiveIdentity) -> bool:
    return live.guardrail is not None and document_of(live.guardrail["Document"]) != desired.guardrail


def document_of(document: Any) -> Any:
    # botocore decodes policy documents of IAM; what comes as a text is URL-encoded JSON.
    return json.loads(unquote(document)) if isinstance(document, str) else document


def is_ours(resource: dict[str, Any] | None) -> bool:
    return MANAGED_TAG in tags_of(resource)
