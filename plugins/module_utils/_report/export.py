# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an export wrote, for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._stack import template
from .text import count
from .text import failed
from .text import notes

if TYPE_CHECKING:
    from .._model.export import Export
    from .._resource.shapes import Json


def result(found: Export) -> Json:
    """Return the result of the module, without what concerns the file."""
    instances = found.instances if found.document else []
    return {
        "stacks": [{"account_id": instance.account_id, "region": instance.region} for instance in instances],
        "targets_failed": {target.host: target.error for target in found.targets if target.problems},
        "problem": found.problem,
        "notices": list(found.notices),
    }


def lines(found: Export, path: str, text: str, *, changed: bool, check: bool) -> list[str]:
    """Return what a person reads: what the file at *path* contains and how to deploy it, or why there is none."""
    if found.problem:
        return ["", *failed((target.host, target.error) for target in found.targets if target.problems)]
    instances = found.instances
    accounts = {instance.account_id for instance in instances}
    kinds = {instance.design.digest for instance in instances}
    verb = ("would be written" if check else "was written") if changed else "is up to date"
    name = instances[0].design.name
    bucket = " --s3-bucket <your bucket>" if len(text) > template.MAX_BYTES else ""
    return [
        "",
        f"StackSet {name}: {count(len(instances), 'stack')} in {count(len(accounts), 'account')}, of "
        f"{count(len(kinds), 'kind')}.",
        f"{path} {verb}, {len(text):,} bytes.",
        "Deploy it in the account that administers your StackSets:",
        f"  aws cloudformation deploy --stack-name {name}-stack-set \\",
        f"    --template-file {path}{bucket}",
        "The playbook secops.securityhub.securityhub_slack takes care of custom actions and the channel.",
        *notes(found.notices),
    ]
