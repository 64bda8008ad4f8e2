# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a resource is ours, which decides whether it may be changed or deleted: pure. PRIVATE to the collection.

Only what carries our mark is ours: a tag, or, for resources without tags, the end of their description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .tags import MANAGED_TAG
from .tags import tags_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_managed(resource: Mapping[str, Any] | None) -> bool:
    """Tell whether the Tags of a resource, in boto3's shape, say that this collection manages it."""
    return MANAGED_TAG in tags_of(resource)


def mark(name: str) -> str:
    """Return the sentence that ends the description of a resource of the deployment *name* if it cannot have tags."""
    return f"Managed by secops.securityhub ({name})."


def is_marked(description: str | None, name: str) -> bool:
    """Tell whether a description says that the deployment *name* manages the resource."""
    return (description or "").endswith(mark(name))


def not_managed(resource: str, variable: str = "securityhub_slack_name") -> str:
    """Return why a *resource* ("the" kind and name) cannot be managed, and what to do."""
    return f"{resource} already exists and is not managed by this collection. Choose another {variable}."


def is_named_like(found: str, name: str) -> bool:
    """Return whether *found*, a name or an ARN, is *name*, or *name* with a dash and more."""
    return f"{found}-".startswith(f"{name}-")
