# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The organization command: sets up Security Hub for an AWS organization, step by step. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.credentials import CredentialSource
from .._aws.errors import UserError
from .._aws.names import ACCOUNT_ID
from .._aws.names import REGION
from .._report import differences
from .._report import organization as report
from .._report.organization import Step
from .._securityhub import administrator
from .._securityhub import finding_aggregator
from .._securityhub import hub
from .._securityhub import organization
from .._services import securityhub
from .._services import sts
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Mapping
    from typing import TypeAlias

    from .._aws.clients import Caller
    from .context import Context

    Change: TypeAlias = "tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]"
    Act: TypeAlias = "Callable[[Caller], Change | None]"

PREFIX = "securityhub_organization_"
SPEC: dict[str, Any] = {
    "apply": {"type": "bool", "default": False},
    "regions": {"type": "list", "elements": "str", "default": []},
    "management_profile": {"type": "str", "default": ""},
    "administrator_profile": {"type": "str", "default": ""},
    "admin_account_id": {"type": "str", "default": ""},
    "enable_hub": {"type": "bool", "default": False},
    "default_standards": {"type": "bool", "default": True},
    "home_region": {"type": "str", "default": ""},
    "linking_mode": {"type": "str", "choices": list(finding_aggregator.MODES), "default": "ALL_REGIONS"},
    "linked_regions": {"type": "list", "elements": "str", "default": []},
    "auto_enable": {"type": "bool", "default": False},
    "auto_enable_standards": {"type": "str", "choices": ["NONE", "DEFAULT"], "default": "NONE"},
}


@dataclass(frozen=True)
class Options:
    """The options of SPEC."""

    apply: bool
    regions: list[str]
    management_profile: str
    administrator_profile: str
    admin_account_id: str
    enable_hub: bool
    default_standards: bool
    home_region: str
    linking_mode: str
    linked_regions: list[str]
    auto_enable: bool
    auto_enable_standards: str

    @property
    def concerns_administrator(self) -> bool:
        """Return whether a step is on that the administrator account takes."""
        return self.enable_hub or bool(self.home_region) or self.auto_enable


ACTIVATING = ("admin_account_id", "enable_hub", "home_region", "auto_enable")
DEPENDS = "not previewed: needs the steps above"


def run(context: Context) -> Outcome:
    """Take each step that is on, in all its regions. A region that fails does not stop the others."""
    given = Options(**context.options)
    problems = _problems(given)
    if problems:
        raise UserError(" ".join(problems))
    preview = context.check_mode or not given.apply
    steps = _steps(context, given, preview)
    result = report.result(steps, preview=preview, diff=context.diff)
    return Outcome(
        result,
        report.lines(steps, preview=preview),
        failure=report.failure(steps),
        differences=differences.lines(result.get("differences", [])),
    )


def _problems(given: Options) -> list[str]:
    """Return what is wrong with the options, each with the remedy."""
    if not given.admin_account_id and not given.concerns_administrator:
        names = ", ".join(PREFIX + name for name in ACTIVATING)
        return [f"Nothing to do. Every step of this playbook is off until its variable is set: {names}."]
    found = []
    if not given.regions and (given.admin_account_id or given.enable_hub or given.auto_enable):
        found.append(f"{PREFIX}regions is empty. Set it to the regions of these steps.")
    if given.admin_account_id and not ACCOUNT_ID.fullmatch(given.admin_account_id):
        account = given.admin_account_id
        found.append(f"{PREFIX}admin_account_id is {account!r}. Use the 12 digits of an account ID, in quotes.")
    named = [*given.regions, *filter(None, [given.home_region])]
    found += [f"{region!r} is not an AWS region." for region in named if not REGION.fullmatch(region)]
    if given.home_region:
        found += finding_aggregator.problems(given.linking_mode, given.linked_regions, given.home_region)
    return found


def _pinned(context: Context, variable: str, profile: str, expected: str = "") -> Callable[[str], Caller]:
    """Return access with a profile, in any region, to the account that it leads to now and to no other: one call.

    *variable*: that of the profile. *expected*: the account that it has to be, if known. Raise UserError.
    """
    source = CredentialSource(profile=profile)
    try:
        region = context.aws.home_region(source)
        account = context.aws.call(source, region, "sts", sts.get_caller_identity)["Account"]
    except Exception as error:
        raise UserError(errors.explain(error).replace("securityhub_slack_profile", PREFIX + variable)) from None
    if expected and account != expected:
        raise UserError(
            f"{PREFIX}admin_account_id is {expected}, but the credentials ({source}) lead to account {account}. "
            f"Correct one of them: the steps after the first are those of the administrator."
        )
    context.aws.pin(source, account, region)
    return partial(context.aws.access, source)


def _steps(context: Context, given: Options, preview: bool) -> list[Step]:
    regions, home, designated = given.regions, given.home_region, given.admin_account_id
    if designated:
        management = _pinned(context, "management_profile", given.management_profile)
    if given.concerns_administrator:
        security = _pinned(context, "administrator_profile", given.administrator_profile, designated)
    steps: list[Step] = []

    def take(name: str, access: Callable[[str], Caller], act: Act, of: Iterable[str]) -> None:
        context.progress.now(name)
        outcomes = parallel.each(lambda region: act(access(region)), of)
        steps.extend(_step(name, outcome) for outcome in outcomes)

    if designated:
        # One region after the other: AWS Organizations refuses concurrent changes.
        for region in regions:
            act = partial(_designate, designated, preview)
            take(f"Delegated administrator {designated}", management, act, [region])
    if given.enable_hub:
        take("Security Hub", security, partial(_enable, given, preview), regions)
    if home:
        take("Aggregation", security, partial(_aggregate, given, preview), [home])
    if given.auto_enable:
        waiting = {step.region for step in steps if preview and step.name.startswith("Delegated") and step.changed}
        take(
            "Accounts that join",
            security,
            partial(_configure, given, preview),
            [region for region in regions if region not in waiting],
        )
        steps += [Step("Accounts that join", region, skipped=DEPENDS) for region in regions if region in waiting]
    return steps


def _step(name: str, outcome: parallel.Outcome[str, Change | None]) -> Step:
    if outcome.error:
        return Step(name, outcome.item, problem=errors.explain(outcome.error))
    if outcome.value is None:
        return Step(name, outcome.item, skipped=DEPENDS)
    return Step(name, outcome.item, *outcome.value)


# Each returns what AWS has before and afterwards, or would have; None if that cannot be previewed.


def _designate(account: str, preview: bool, aws: Caller) -> Change:
    current = administrator.read_admin(aws)
    return current, administrator.ensure_present(aws, current, account, preview)


def _enable(given: Options, preview: bool, aws: Caller) -> Change:
    unset = dict.fromkeys(("auto_enable_controls", "control_finding_generator", "tags"))
    options = {**unset, "purge_tags": False, "enable_default_standards": given.default_standards}
    current = hub.read_hub(aws)
    return current, hub.ensure_present(aws, current, options, preview)


def _aggregate(given: Options, preview: bool, aws: Caller) -> Change | None:
    try:
        current = finding_aggregator.read_aggregator(aws, hub_needed=True)
    except securityhub.HubNotEnabled:
        if preview:
            return None
        raise
    desired = finding_aggregator.desired_of(given.linking_mode, given.linked_regions)
    return current, finding_aggregator.ensure_present(aws, current, desired, preview)


def _configure(given: Options, preview: bool, aws: Caller) -> Change:
    options = {
        "auto_enable": True,
        "auto_enable_standards": given.auto_enable_standards,
        "configuration_type": None,
    }
    current = aws.call("securityhub", securityhub.describe_organization_configuration)
    return current, organization.ensure(aws, current, options, preview)
