# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports the stacks of all targets as one CloudFormation StackSet. PRIVATE to the collection."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._model.export import Export
from .._observe import fleet as observe
from .._plan import design
from .._plan import forwarding
from .._preflight import pattern_tests
from .._report import export as report
from .._stack import live
from .._stack import stack_set_resource
from .context import File
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._model.plan import TargetDesign
    from .._resource.shapes import Json
    from .context import Context

SPEC: dict[str, Any] = {"path": {"type": "path", "required": True}}
LIMITED = (
    "The file contains the stacks of all targets, and deploying it deletes the stacks that it does not contain. Run "
    "this playbook without --limit."
)
NO_STACK_SET = (
    "No target has securityhub_slack_use_stack_set. Set it to true, so that the playbook leaves the stacks to the "
    "StackSet."
)
NO_STACKS = "No target should have a stack, so there is nothing to deploy. Delete the stack that contains the StackSet."
UNKNOWN_STACKS = "The stacks of some targets are unknown, and a file without them would delete them."
REJECTED_PATTERNS = "EventBridge does not evaluate the event patterns of some targets as intended."
DIFFERENT_NAMES = "securityhub_slack_name or securityhub_slack_tags differ between targets. Set them once for all."


def run(context: Context) -> Outcome:
    """Write the file, unless it is up to date."""
    path = context.options["path"]
    found = _export(context)
    text = json.dumps(found.document, indent=2) + "\n" if found.document else ""
    changed = bool(text) and text != _text_of(path)
    return Outcome(
        {**report.result(found), "changed": changed, "path": path},
        report.lines(found, path, text, changed=changed, check=context.check_mode),
        [File(path, text)] if changed else [],
        failure=f"No file was written. {found.problem}" if found.problem else "",
    )


def _text_of(path: str) -> str:
    file = Path(path)
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else ""  # reading a named pipe would never end
    except (OSError, UnicodeDecodeError):
        return ""  # why it cannot be written is reported when it is


def _export(context: Context) -> Export:
    if context.unselected:
        return Export((), problem=LIMITED)
    # As a deployment does: what alarms watch depends on the existing channels.
    fleet = observe.fleet(context.aws, context.targets, [], context.today)
    targets = forwarding.without_disabled_hubs(design.fleet(fleet, context.today)).targets
    try:
        return _tested(context.aws, Export(targets, _document(targets)))
    except UserError as error:
        return Export(targets, problem=str(error))


def _tested(aws: Clients, found: Export) -> Export:
    """Return the export, or a refusal if EventBridge does not evaluate a new or changed pattern as intended."""
    changed = [
        rule
        for target in found.targets
        if target.desired and target.settings.stack_set and not live.matches(target.desired.stack, target.live.stack)
        for rule in pattern_tests.rules(target, {}, deployed=False)
    ]
    tested = pattern_tests.test(aws, changed)
    problems = {host: pattern_tests.problems(item) for host, item in tested.items()}
    if not any(problems.values()):
        return replace(found, notices=tuple(pattern_tests.notices(tested)))
    targets = tuple(replace(target, problems=problems.get(target.host, ())) for target in found.targets)
    return Export(targets, problem=REJECTED_PATTERNS)


def _document(targets: Sequence[TargetDesign]) -> Json:
    if any(target.problems for target in targets):
        raise UserError(UNKNOWN_STACKS)
    if not any(target.settings.stack_set for target in targets):
        raise UserError(NO_STACK_SET)
    instances = Export(tuple(targets)).instances
    if not instances:
        raise UserError(NO_STACKS)
    names = {(instance.design.name, instance.design.tags) for instance in instances}
    if len(names) > 1:
        raise UserError(DIFFERENT_NAMES)
    ((name, tags),) = names
    return stack_set_resource.deployment(name, tags, instances)
