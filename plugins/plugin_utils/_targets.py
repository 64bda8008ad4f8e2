# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role variables of all hosts of a play, gathered and checked by one action. PRIVATE to the collection."""

from __future__ import annotations

import difflib
from functools import cache
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load

from ..module_utils._aws.names import REGION
from ..module_utils._aws.similar import similar
from ..module_utils._model.settings import settings_of
from ..module_utils._model.snapshot import TargetSnapshot
from ..module_utils._routing.policy import PREFIX
from ._wrong_values import checked

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase
    from ansible.template import Templar

ACCOUNT_ERROR = "__securityhub_slack_account_error"  # set by the inventory plugin: why an account could not be read
FOUND_ACCOUNT = "securityhub_account_id"  # set by the inventory plugin: the account to which its credentials led
# Commands that a run prints do not have these: the first may be secret, and URLs in the second may contain keys.
SECRETS = {f"{PREFIX}external_id", f"{PREFIX}receivers"}
RESULT = "securityhub_slack_result"  # the fact that the action sets
# Variables of playbooks, which are set on the command line and are not the role's.
OF_PLAYBOOKS = (
    "securityhub_slack_canary_timeout",
    "securityhub_slack_doctor_hours",
    "securityhub_slack_doctor_html",
    "securityhub_slack_doctor_json",
    "securityhub_slack_export_file",
    "securityhub_slack_simulate_days",
    "securityhub_slack_simulate_files",
    "securityhub_slack_simulate_finding_id",
    "securityhub_slack_simulate_finding_id_file",
    "securityhub_slack_simulate_html",
)
ARGUMENT_SPECS = Path(__file__).parents[2] / "roles" / "securityhub_slack" / "meta" / "argument_specs.yml"

Variables = dict[str, Any]

# What identifies the account and region of a target, and the files of a run, even if other variables are invalid.
WHERE = tuple(
    f"{PREFIX}{name}"
    for name in (
        "state",
        "account_id",
        "region",
        "profile",
        "role_arn",
        "external_id",
        "session_name",
        "endpoint_url",
        "name",
        "result_file",
        "file_mode",
    )
)


@lru_cache(maxsize=1)
def options() -> dict[str, Any]:
    """Return the options of the role's argument spec, which also validate what the actions read."""
    specs: dict[str, Any] = yaml_load(ARGUMENT_SPECS.read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


class Validator:
    """Validates variables of the role. Each value once: thousands of hosts share a few values."""

    def __init__(self) -> None:
        self._defaults = ArgumentSpecValidator(options()).validate({}).validated_parameters
        self._known: dict[tuple[str, str], tuple[Any, list[str]]] = {}

    def validate(self, variables: Variables) -> tuple[Variables, list[str]]:
        """Return the variables with the types of the argument spec and its defaults, and what is wrong with them."""
        validated = {**self._defaults, **variables}
        problems: list[str] = []
        for name in [name for name in variables if name in options()]:
            key = (name, repr(variables[name]))
            if key not in self._known:
                self._known[key] = checked(name, options()[name], variables[name])
            validated[name], errors = self._known[key]
            problems += errors
        return validated, problems


def gather(action: ActionBase, task_vars: Variables) -> tuple[list[TargetSnapshot], list[TargetSnapshot]]:
    """Return a target for every host of the play or, with serial, of the batch, and the inventory's other targets.

    A target whose variables are invalid has problems that say why.

    The variables of the inventory are read host by host, and templated only if they need it: one task per host would
    take longer than all calls to AWS. Variables of the play (vars, vars_files, role parameters) are the same for all
    hosts; they are those that this task sees with another value than the inventory's.
    """
    validator = Validator()
    of_the_play = _variables_of_the_play(action, task_vars)
    targets: list[TargetSnapshot] = []
    unselected: list[TargetSnapshot] = []
    play = set(task_vars["ansible_play_batch"])
    for host in task_vars["groups"]["all"]:
        raw = task_vars["hostvars"].raw_get(host)
        variables, problems = _variables(action, raw, of_the_play)
        validated, invalid = validator.validate(variables)
        problems += [
            *_misplaced(host, raw),
            *_misspelt(variables),
            *filter(None, map(_misnamed, raw | of_the_play)),
            *invalid,
        ]
        if ACCOUNT_ERROR in raw:
            problems = [str(raw[ACCOUNT_ERROR])]
        settings = settings_of(host, _location_variables(validator, variables) if problems else validated)
        (targets if host in play else unselected).append(TargetSnapshot(settings, problems=tuple(problems)))
    return targets, unselected


def _location_variables(validator: Validator, variables: Variables) -> Variables:
    """Return only the valid variables that identify account and region."""
    kept = {name: str(variables[name]) for name in WHERE if variables.get(name) is not None}
    return validator.validate(kept)[0]


def _role_defaults(action: ActionBase) -> Variables:
    role = action._task._role
    return role.get_default_vars() if role else {}


def _variables_of_the_play(action: ActionBase, task_vars: Variables) -> Variables:
    """Return the variables that this task sees and that are not from the inventory; all hosts share them."""
    task, role = action._task, action._task._role
    # By name too: the play may set the same value as the inventory does for this one host.
    named = {**task.get_play().get_vars(), **task.get_vars(), **(role.get_vars() if role else {})}
    seen = _role_defaults(action) | task_vars["hostvars"].raw_get(task_vars["inventory_hostname"])
    return {
        name: value for name, value in task_vars.items() if name in named or name not in seen or value != seen[name]
    }


def _variables(action: ActionBase, raw: Variables, of_the_play: Variables) -> tuple[Variables, list[str]]:
    """Return the role variables of a host, templated if they need it, and problems for those that cannot be."""
    chosen = {name: value for name, value in (raw | of_the_play).items() if name.startswith(PREFIX)}
    for name in (RESULT, *OF_PLAYBOOKS):
        chosen.pop(name, None)
    problems: list[str] = []
    # A misspelled variable is reported as it is: it may be the ID of a finding, which is anyone's choice.
    templates = [name for name, value in chosen.items() if name in options() and _has_template(value)]
    if templates:
        available = _role_defaults(action) | raw | of_the_play
        templar = action._templar.copy_with_new_env(available_variables=available)
        problems = [problem for name in templates for problem in _fill_in(templar, chosen, name)]
    variables = {name: value for name, value in chosen.items() if value is not None}
    # Not set by the inventory plugin under this name: its variables would win over a group variable of the user.
    if FOUND_ACCOUNT in raw:
        variables.setdefault(f"{PREFIX}account_id", str(raw[FOUND_ACCOUNT]))
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
    """Return problems for hosts that are indented too far, so that Ansible reads them as variables of another host."""
    return [
        f"{name} is a variable of {host} in the inventory. If it should be a host, indent it like {host}."
        for name in sorted(raw)
        if REGION.fullmatch(name.rsplit(".", maxsplit=1)[-1])
    ]


def _misspelt(variables: Variables) -> list[str]:
    # Without the prefix, which would make all names similar.
    known = [name.removeprefix(PREFIX) for name in (*options(), *OF_PLAYBOOKS)]
    problems = []
    for name in sorted(set(variables) - set(options())):
        near = similar(name.removeprefix(PREFIX), known)
        hint = f"did you mean {PREFIX}{near}?" if near else "see the role's README for the list"
        problems.append(f"{name} is not a variable of this role: {hint}")
    return problems


@cache
def _misnamed(name: str) -> str:
    """Return the problem of a variable whose prefix is misspelled, '' for one that is someone else's.

    A name of the inventory plugin, which begins alike, is less similar.
    """
    if name.startswith(PREFIX) or not name.casefold().startswith("sec"):
        return ""
    near = difflib.get_close_matches(name.casefold(), [*options(), *OF_PLAYBOOKS], n=1, cutoff=0.93)
    return f"{name} is not a variable of this role: did you mean {near[0]}?" if near else ""
