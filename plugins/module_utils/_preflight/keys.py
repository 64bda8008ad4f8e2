# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether EventBridge may use the KMS key that the user gave. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._observe import delivery_path
from .._plan import key_uses
from .._stack import alarms
from .._stack import encryption
from .._stack import live
from .._stack import resources
from .._stack import template
from .questions import Answer

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._model.plan import TargetDesign

REMEDY = (
    "Ask its owner to enable it and to allow events.amazonaws.com (with alarms, cloudwatch.amazonaws.com too) "
    "kms:Decrypt and kms:GenerateDataKey* in its policy, without a condition on aws:SourceArn or aws:SourceAccount; or "
    "set securityhub_slack_kms_key to create"
)


def is_due(target: TargetDesign) -> bool:
    """Return whether the key has to be checked: a stack that does not change was created with one that works."""
    if target.desired is None or target.settings.key in ("", encryption.CREATE):
        return False
    return bool(target.settings.value("repair_drift")) or not live.matches(target.desired.stack, target.live.stack)


def of_key(aws: Clients, target: TargetDesign) -> Answer:
    """Ask for the key and its policy: two calls."""
    settings = target.settings
    key = delivery_path.read_key(aws, settings, settings.key)
    if key.error:
        return Answer(
            notices=(
                f"whether EventBridge may use the key {settings.key} in {settings.region} is unknown "
                f"({key.error.rstrip('.')})",
            )
        )
    unusable = key_uses.key_problem(settings.key, key, _uses(target))
    if unusable is None:
        return Answer()
    effect = "no findings would arrive" if unusable.loses else "losses would not be reported"
    return Answer((f"the KMS key {settings.key} {unusable}, so {effect}. {REMEDY}.",))


def _uses(target: TargetDesign) -> list[key_uses.KeyUse]:
    if target.desired is None or target.account is None:
        return []
    design = target.desired.stack
    place = resources.Location(target.account.partition, target.account.id, target.settings.region)
    # The queue does not exist yet; CloudFormation generates a name that begins so.
    names = {alarms.QUEUE: f"{design.name}-{alarms.QUEUE}"}
    return key_uses.uses(resources.resolve(template.template(design), place, names))
