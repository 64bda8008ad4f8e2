# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role variables of all hosts of a play, gathered and checked by one action. PRIVATE to the collection."""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load

from ..module_utils._aws.names import REGION
from ..module_utils._model.settings import settings_of
from ..module_utils._model.snapshot import TargetSnapshot

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase
    from ansible.template import Templar

PREFIX = "securityhub_slack_"
ACCOUNT_ERROR = "__securityhub_slack_account_error"  # set by the inventory plugin: why an account could not be read
RESULT = "securityhub_slack_result"  # what a batch action left for the tasks after it
# What playbooks take on the command line beside the role's variables.
OF_PLAYBOOKS = (
    "securityhub_slack_canary_timeout",
    "securityhub_slack_digest_days",
    "securityhub_slack_doctor_hours",
    "securityhub_slack_doctor_html",
    "securityhub_slack_doctor_json",
    "securityhub_slack_export_file",
    "securityhub_slack_simulate_days",
    "securityhub_slack_simulate_files",
    "securityhub_slack_simulate_finding_id",
)
ARGUMENT_SPECS = Path(__file__).parents[2] / "roles" / "securityhub_slack" / "meta" / "argument_specs.yml"

Variables = dict[str, Any]

# What tells a target's account and region, and where to report, also where other variables are wrong.
WHERE = tuple(
    f"{PREFIX}{name}"
    for name in (
        "state",
        "region",
        "profile",
        "role_arn",
        "external_id",
        "session_name",
        "endpoint_url",
        "name",
        "result_file",
    )
)


@lru_cache(maxsize=1)
def options() -> dict[str, Any]:
    """Return the options of the role, which also name and check what the batch actions read."""
    specs: dict[str, Any] = yaml_load(ARGUMENT_SPECS.read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


def gather(action: ActionBase, task_vars: Variables) -> tuple[list[TargetSnapshot], list[TargetSnapshot]]:
    """Return a target for every host of the play, and the inventory's other targets (--limit).

    A target whose variables are wrong has failed already, with what is wrong.

    The inventory's variables are read as they are, host by host, and templated only where that is needed: a task a host
    would cost more than all calls to AWS. What the play says over the inventory (vars, vars_files, role parameters) is
    the same for all hosts, and is found by comparing what this task sees of its host with what the inventory says.
    """
    validator = ArgumentSpecValidator(options())
    everywhere = _said_by_the_play(action, task_vars)
    targets, neighbours = [], []
    play = set(task_vars["ansible_play_hosts"])
    for host in task_vars["groups"]["all"]:
        raw = task_vars["hostvars"].raw_get(host)
        variables, problems = _variables(action, raw, everywhere)
        problems += [*_misplaced(host, raw), *_misspelt(variables), *_invalid(validator, variables)]
        if ACCOUNT_ERROR in raw:
            problems = [str(raw[ACCOUNT_ERROR])]
        settings = settings_of(host, _where_it_lies(validator, variables) if problems else variables)
        (targets if host in play else neighbours).append(TargetSnapshot(settings, problems=tuple(problems)))
    return targets, neighbours


def _where_it_lies(validator: ArgumentSpecValidator, variables: Variables) -> Variables:
    """Return variables that hold nothing wrong any more, but still tell account and region."""
    kept = {name: str(variables[name]) for name in WHERE if variables.get(name) is not None}
    return dict(validator.validate(kept).validated_parameters)


def _role_defaults(action: ActionBase) -> Variables:
    role = action._task._role
    return role.get_default_vars() if role else {}


def _said_by_the_play(action: ActionBase, task_vars: Variables) -> Variables:
    """Return the variables that this task sees and that are not the inventory's, which all hosts have in common."""
    task, role = action._task, action._task._role
    # Named one by one: what the play says may be what the inventory says of this one host.
    named = {**task.get_play().get_vars(), **task.get_vars(), **(role.get_vars() if role else {})}
    seen = _role_defaults(action) | task_vars["hostvars"].raw_get(task_vars["inventory_hostname"])
    return {
        name: value for name, value in task_vars.items() if name in named or name not in seen or value != seen[name]
    }


def _variables(action: ActionBase, raw: Variables, everywhere: Variables) -> tuple[Variables, list[str]]:
    """Return a host's role variables, templated where that is needed, and what could not be."""
    chosen = {name: value for name, value in (raw | everywhere).items() if name.startswith(PREFIX)}
    for name in (RESULT, *OF_PLAYBOOKS):
        chosen.pop(name, None)
    problems: list[str] = []
    templates = [name for name, value in chosen.items() if _has_template(value)]
    if templates:
        available = _role_defaults(action) | raw | everywhere
        templar = action._templar.copy_with_new_env(available_variables=available)
        problems = [problem for name in templates for problem in _fill_in(templar, chosen, name)]
    variables = {name: value for name, value in chosen.items() if value is not None}
    if not variables.get(f"{PREFIX}region"):
        variables[f"{PREFIX}region"] = str(raw["inventory_hostname"]).rsplit(".", maxsplit=1)[-1]
    return variables, problems


def _fill_in(templar: Templar, chosen: Variables, name: str) -> list[str]:
    try:
        chosen[name] = templar.template(chosen[name])
    except AnsibleError as error:
        del chosen[name]
        return [f"{name} is a template that cannot be filled in: {error.message}"]
    return []


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, dict):
        return any(_has_template(item) for item in value.values())
    return isinstance(value, list) and any(_has_template(item) for item in value)


def _misplaced(host: str, raw: Variables) -> list[str]:
    """Return what reads as a host and is a variable of one: one space too many, and its targets would be left out."""
    return [
        f"{name} is a variable of {host} as it stands in the inventory: indent it as far as {host}, to make it a host"
        for name in sorted(raw)
        if REGION.fullmatch(name.rsplit(".", maxsplit=1)[-1])
    ]


def _misspelt(variables: Variables) -> list[str]:
    # The prefix, which all have, would make all of them alike.
    known = [name.removeprefix(PREFIX) for name in (*options(), *OF_PLAYBOOKS)]
    problems = []
    for name in sorted(set(variables) - set(options())):
        near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
        hint = f"did you mean {PREFIX}{near[0]}?" if near else "see the role's README for those there are"
        problems.append(f"{name} is not a variable of this role: {hint}")
    return problems


def _invalid(validator: ArgumentSpecValidator, variables: Variables) -> list[str]:
    known = {name: value for name, value in variables.items() if name in options()}
    result = validator.validate(known)
    variables.update(result.validated_parameters)
    return list(result.error_messages)
