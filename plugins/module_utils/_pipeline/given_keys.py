# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether EventBridge may use the KMS keys that targets are given, before a write. PRIVATE to the collection.

A topic whose key keeps EventBridge out loses every finding without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._stack import alarms
from .._stack import encryption
from .._stack import resources
from .._stack import template
from . import key_uses
from . import path
from . import plan

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .target import Target

REMEDY = (
    "let whoever owns it enable it, and allow events.amazonaws.com (with alarms, cloudwatch.amazonaws.com too) "
    "kms:Decrypt and kms:GenerateDataKey* in its policy, without a condition on aws:SourceArn or aws:SourceAccount; or "
    "set securityhub_slack_kms_key to own"
)


def is_due(target: Target) -> bool:
    """Tell whether the key of a target has to be looked at: a stack that stays as it is was made with a good one."""
    if target.wanted is None or target.settings.key in ("", encryption.CREATE):
        return False
    return bool(target.settings.value("repair_drift")) or not plan.same(target.wanted.stack, target.live.stack)


def look(clients: Clients, target: Target) -> str:
    """Return why the key cannot be judged, '' if it can: two calls. Raise UserError where it is of no use."""
    settings = target.settings
    with clients.acting(settings.source):
        key = path.read_key(clients.get("kms", settings.region, settings.source.endpoint_url), settings.key)
    obstacle = key_uses.obstacle(settings.key, key, _uses(target))
    if obstacle:
        effect = "no finding would arrive" if obstacle.loses else "nobody would be told of losses"
        raise UserError(f"the KMS key {settings.key} {obstacle}, so {effect}: {REMEDY}.")
    return key.error


def _uses(target: Target) -> list[key_uses.KeyUse]:
    if target.wanted is None or target.account is None:
        return []
    design = target.wanted.stack
    place = resources.Place(target.account.partition, target.account.id, target.settings.region)
    # The queue has no name yet; CloudFormation begins it so.
    names = {alarms.QUEUE: f"{design.name}-{alarms.QUEUE}"}
    return key_uses.uses(resources.resolve(template.template(design), place, names))
