# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks of targets as a stack set that somebody else deploys. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._stack import stack_set_resource
from .._stack import template
from .._stack.stack_set_resource import Instance
from . import decisions
from . import forwarding
from . import run as pipelines
from .report import count
from .report import failed
from .report import wrapped

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .target import Target

LIMITED = (
    "the file holds the stacks of all targets, and who deploys it deletes those that it does not hold: run this "
    "without --limit."
)
NONE = "no target has securityhub_slack_use_stack_set: set it, so that the playbook leaves the stacks to the stack set."
NONE_LEFT = "no target is to have a stack, so there is nothing to deploy: delete the stack that holds the stack set."


@dataclass
class Export:
    """What becomes of the targets: the template that holds their stack set, or why there is none.

    *problem*: what keeps the stack set as a whole from being written; what keeps a target is in its *error*.
    """

    targets: list[Target]
    document: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def failed(self) -> list[Target]:
        """Return the targets whose stacks are not known: with wrong variables, it is not known whose stack it is."""
        return [target for target in self.targets if target.error]

    @property
    def instances(self) -> list[Instance]:
        """Return the stacks of the stack set, by account and region."""
        return sorted(
            (
                Instance(target.account_id, target.settings.region, target.wanted.stack)
                for target in self.targets
                if target.wanted is not None and target.settings.stack_set
            ),
            key=lambda instance: (instance.account_id, instance.region),
        )


def run(targets: list[Target], neighbours: list[Target], clients: Clients, today: datetime.date) -> Export:
    """Return the stack set of the targets that shall have their stacks by one. Reads only; nothing is raised."""
    if neighbours:
        return Export(targets, problem=LIMITED)
    found = Export(targets)
    # As a deployment does: what alarms watch depends on the channels that are there.
    for account in pipelines.look(targets, [], clients, today):
        decisions.decide(account, today)
        forwarding.refuse_without_hub(account)
    try:
        found.document = _document(found)
    except UserError as error:
        found.problem = str(error)
    return found


def _document(found: Export) -> dict[str, Any]:
    if found.failed:
        raise UserError("the stacks of some targets are not known, and would be deleted by a file without them.")
    if not any(target.settings.stack_set for target in found.targets):
        raise UserError(NONE)
    instances = found.instances
    if not instances:
        raise UserError(NONE_LEFT)
    names = {(instance.design.name, instance.design.tags) for instance in instances}
    if len(names) > 1:
        raise UserError(
            "securityhub_slack_name or securityhub_slack_tags differ between targets: set them once for all."
        )
    ((name, tags),) = names
    return stack_set_resource.deployment(name, tags, instances)


def result(found: Export) -> dict[str, Any]:
    """Return what the action returns of the targets."""
    instances = found.instances if found.document else []
    return {
        "stacks": [{"account_id": instance.account_id, "region": instance.region} for instance in instances],
        "targets_failed": {target.host: target.error for target in found.failed},
        "problem": found.problem,
    }


def lines(found: Export, path: str, text: str, *, changed: bool, check: bool) -> list[str]:
    """Return what a person reads: what the file at *path* holds, and how to deploy it; or why there is none."""
    if found.problem:
        told = failed({target.host: target.error for target in found.failed})
        return ["", *told, *wrapped(f"No file was written: {found.problem}")]
    instances = found.instances
    accounts = {instance.account_id for instance in instances}
    kinds = {instance.design.digest for instance in instances}
    verb = ("would be written" if check else "was written") if changed else "is up to date"
    name = instances[0].design.name
    bucket = " --s3-bucket <a bucket of yours>" if len(text) > template.MAX_BYTES else ""
    return [
        "",
        f"Stack set {name}: {count(len(instances), 'stack')} in {count(len(accounts), 'account')}, of "
        f"{count(len(kinds), 'kind')}.",
        f"{path} {verb}, {len(text):,} bytes.",
        "Deploy it in the account that administers your stack sets:",
        f"  aws cloudformation deploy --stack-name {name}-stack-set \\",
        f"    --template-file {path}{bucket}",
        "Custom actions and channel are left to the playbook securityhub_slack.yml.",
    ]
