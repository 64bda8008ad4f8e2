# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Hub: one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``securityhub`` and raises botocore's errors, with one exception:
where Security Hub is off, AWS answers every request with InvalidAccessException, which becomes *HubNotEnabled*. The
same code for an account that may not make the request becomes *WrongAccount* in the calls for organizations.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextlib import suppress
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .._aws import errors
from .refusals import accepted
from .refusals import existing

try:
    from botocore.exceptions import ParamValidationError
    from botocore.validate import ParamValidator
except ImportError:
    pass  # the callers report it

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from .._resource.shapes import Json


class ActionTarget(TypedDict):
    """A custom action."""

    ActionTargetArn: str
    Name: str
    Description: str


class Hub(TypedDict, total=False):
    """A hub, with the keys that are used here; HubArn is always present. Tags are not part of AWS's answer."""

    HubArn: str
    AutoEnableControls: bool
    ControlFindingGenerator: str
    Tags: dict[str, str]


class AutomationRule(TypedDict, total=False):
    """An automation rule of either Security Hub, with the keys that are used here.

    RuleArn, RuleName, Description and RuleOrder are always present, Criteria and Actions are not listed, and Tags are
    not part of AWS's answer.
    """

    RuleArn: str
    RuleName: str
    Description: str
    RuleOrder: float
    Criteria: Json
    Actions: list[Json]
    Tags: dict[str, str]


class FindingAggregator(TypedDict, total=False):
    """A finding aggregator; some modes have Regions."""

    FindingAggregatorArn: str
    FindingAggregationRegion: str
    RegionLinkingMode: str
    Regions: list[str]


class AggregatorV2(TypedDict, total=False):
    """The aggregator of the new Security Hub; some modes have LinkedRegions."""

    AggregatorV2Arn: str
    AggregationRegion: str
    RegionLinkingMode: str
    LinkedRegions: list[str]


class Unprocessed(TypedDict, total=False):
    """A finding that AWS did not update.

    It has FindingIdentifier (Id and ProductArn) or, in the new Security Hub, MetadataUid.
    """

    FindingIdentifier: dict[str, str]
    MetadataUid: str
    ErrorCode: str
    ErrorMessage: str


class AdminAccount(TypedDict):
    """A delegated administrator of Security Hub."""

    AccountId: str
    Status: str


class Central(TypedDict, total=False):
    """How far an organization has central configuration; ConfigurationType is LOCAL or CENTRAL."""

    ConfigurationType: str
    Status: str
    StatusMessage: str


class OrganizationConfiguration(TypedDict, total=False):
    """How accounts that join an organization are enabled; AWS may leave out OrganizationConfiguration."""

    AutoEnable: bool
    AutoEnableStandards: str
    OrganizationConfiguration: Central


MANAGEMENT = "the management account of the organization"
ADMINISTRATOR = "the delegated administrator of Security Hub"

# InvalidAccessException also means "not the administrator of this organization"; then the hub may well be on.
NOT_ABOUT_THE_HUB = ("administrator", "organization", "management account")


class HubNotEnabled(errors.UserError):
    """Security Hub is off in this account and region."""

    def __init__(self, region: str) -> None:
        super().__init__(
            f"Security Hub is not enabled in {region}. Enable it there (in the console, or with the module "
            f"secops.securityhub.securityhub_hub), or leave the region out."
        )
        self.region = region


class HubV2NotEnabled(HubNotEnabled):
    """The new Security Hub is off in this account and region; *otherwise*: what to do if it stays off."""

    def __init__(self, region: str, otherwise: str) -> None:
        errors.UserError.__init__(
            self, f"The new Security Hub is not enabled in {region}. Enable it there, or {otherwise}."
        )
        self.region = region


class WrongAccount(errors.UserError):
    """The account of these credentials may not make this request."""

    def __init__(self, aws_says: str, right: str) -> None:
        super().__init__(f"{aws_says.rstrip('.')}. Run this with the credentials of {right}.")


@contextmanager
def _needing_hub_v2(client: Any, otherwise: str) -> Iterator[None]:
    """Raise HubV2NotEnabled for any refusal inside the block if AWS says that the new Security Hub is off.

    Its operations have no error of their own for that.
    """
    try:
        yield
    except client.exceptions.ClientError as error:
        if errors.is_passing(error) or not _is_v2_off(client):
            raise
        raise HubV2NotEnabled(client.meta.region_name, otherwise) from error


def _is_v2_off(client: Any) -> bool:
    with suppress(client.exceptions.ClientError):
        return not has_security_hub_v2(client)
    return False


@contextmanager
def _needing_hub(client: Any, right_account: str = "") -> Iterator[None]:
    """Raise what InvalidAccessException means inside the block; *right_account*: who may make the request."""
    try:
        yield
    except client.exceptions.ClientError as error:
        if errors.code(error) != "InvalidAccessException":
            raise
        if not any(words in errors.message(error).lower() for words in NOT_ABOUT_THE_HUB):
            raise HubNotEnabled(client.meta.region_name) from error
        if right_account:
            raise WrongAccount(errors.message(error), right_account) from error
        raise


def _without_metadata(answer: Json) -> Any:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def describe_hub(client: Any) -> Hub:
    """Return the hub. Raise HubNotEnabled."""
    try:
        with _needing_hub(client):
            hub: Hub = _without_metadata(client.describe_hub())
    except client.exceptions.ResourceNotFoundException as error:
        raise HubNotEnabled(client.meta.region_name) from error
    return hub


def enable_security_hub(client: Any, members: Json) -> None:
    """Enable Security Hub with members of EnableSecurityHub; a hub that is enabled already stays as it is."""
    with suppress(client.exceptions.ResourceConflictException):
        client.enable_security_hub(**members)


def update_security_hub_configuration(client: Any, changes: Hub) -> None:
    """Change AutoEnableControls, ControlFindingGenerator or both. Raise HubNotEnabled."""
    with _needing_hub(client):
        client.update_security_hub_configuration(**changes)


def disable_security_hub(client: Any) -> bool:
    """Disable Security Hub; return False if it was off. Raise UserError in the administrator account."""
    try:
        with _needing_hub(client):
            client.disable_security_hub()
    except (client.exceptions.ResourceNotFoundException, HubNotEnabled):
        return False
    except client.exceptions.ClientError as error:
        if "administrator" not in errors.message(error).lower():
            raise
        raise errors.UserError(
            f"{errors.message(error).rstrip('.')}. Remove the designation of this account first (module "
            f"secops.securityhub.securityhub_organization_admin_account)."
        ) from error
    return True


def list_tags_for_resource(client: Any, arn: str) -> dict[str, str]:
    """Return the tags of a Security Hub resource."""
    tags: dict[str, str] = client.list_tags_for_resource(ResourceArn=arn).get("Tags") or {}
    return tags


def change_tags(client: Any, arn: str, to_set: dict[str, str], to_unset: tuple[str, ...]) -> None:
    """Add or overwrite tags, and remove others by key: up to two calls."""
    if to_set:
        client.tag_resource(ResourceArn=arn, Tags=to_set)
    if to_unset:
        client.untag_resource(ResourceArn=arn, TagKeys=list(to_unset))


def describe_action_targets(client: Any) -> list[ActionTarget]:
    """Return all custom actions (at most 50 in an account and region). Raise HubNotEnabled."""
    with _needing_hub(client):
        pages = client.get_paginator("describe_action_targets").paginate()
        return [target for page in pages for target in page["ActionTargets"]]


def create_action_target(client: Any, identifier: str, name: str, description: str) -> str:
    """Create the custom action; return its ARN, or '' if the Id is taken. Raise HubNotEnabled."""
    try:
        with _needing_hub(client):
            created = client.create_action_target(Id=identifier, Name=name, Description=description)
    except client.exceptions.ResourceConflictException:
        return ""
    return str(created["ActionTargetArn"])


def update_action_target(client: Any, arn: str, changes: dict[str, str]) -> None:
    """Update Name, Description or both. Raise ResourceNotFoundException, HubNotEnabled."""
    with _needing_hub(client):
        client.update_action_target(ActionTargetArn=arn, **changes)


def delete_action_target(client: Any, arn: str) -> bool:
    """Delete the custom action; return False if there was none, or no hub."""
    try:
        with _needing_hub(client):
            client.delete_action_target(ActionTargetArn=arn)
    except (client.exceptions.ResourceNotFoundException, HubNotEnabled):
        return False
    return True


def list_automation_rules(client: Any) -> list[AutomationRule]:
    """Return the automation rules of the account in this region (at most 100), without criteria and actions.

    Raise HubNotEnabled.
    """
    with _needing_hub(client):
        return _all_pages(client.list_automation_rules, "AutomationRulesMetadata")


def get_automation_rules(client: Any, arns: list[str]) -> list[AutomationRule]:
    """Return automation rules (1 to 100) with criteria and actions; one that was deleted meanwhile is left out."""
    with _needing_hub(client):
        rules: list[AutomationRule] = client.batch_get_automation_rules(AutomationRulesArns=arns)["Rules"]
    return rules


def create_automation_rule(client: Any, members: Json) -> str:
    """Create an automation rule and return its ARN. Raise HubNotEnabled."""
    with _needing_hub(client):
        return str(client.create_automation_rule(**members)["RuleArn"])


def update_automation_rule(client: Any, arn: str, changes: Json) -> None:
    """Change members of an automation rule. Raise UserError, HubNotEnabled."""
    with _needing_hub(client):
        answer = client.batch_update_automation_rules(UpdateAutomationRulesRequestItems=[{"RuleArn": arn, **changes}])
    _refuse_unprocessed(answer)


def delete_automation_rule(client: Any, arn: str) -> None:
    """Delete an automation rule; one that does not exist is not an error. Raise UserError, HubNotEnabled."""
    with _needing_hub(client):
        answer = client.batch_delete_automation_rules(AutomationRulesArns=[arn])
        if answer.get("UnprocessedAutomationRules") and get_automation_rules(client, [arn]):
            _refuse_unprocessed(answer)


def _refuse_unprocessed(answer: Json) -> None:
    for failed in answer.get("UnprocessedAutomationRules") or []:
        reason = str(failed.get("ErrorMessage") or "no reason given").rstrip(".")
        raise errors.UserError(f"Security Hub refused the automation rule ({reason}).")


def list_automation_rules_v2(client: Any) -> list[AutomationRule]:
    """Return the automation rules of the new Security Hub in this region (at most 100), without criteria.

    Raise HubV2NotEnabled.
    """
    with _needing_hub_v2(client, "leave the region out"):
        return _all_pages(client.list_automation_rules_v2, "Rules")


def get_automation_rules_v2(client: Any, arns: list[str]) -> list[AutomationRule]:
    """Return automation rules of the new Security Hub with criteria and actions: one call for each."""
    found = []
    for arn in arns:
        with suppress(client.exceptions.ResourceNotFoundException):
            found.append(_without_metadata(client.get_automation_rule_v2(Identifier=arn)))
    return found


def create_automation_rule_v2(client: Any, members: Json) -> str:
    """Create an automation rule of the new Security Hub and return its ARN."""
    return str(client.create_automation_rule_v2(**members)["RuleArn"])


def update_automation_rule_v2(client: Any, arn: str, changes: Json) -> None:
    """Change members of an automation rule of the new Security Hub."""
    client.update_automation_rule_v2(Identifier=arn, **changes)


def delete_automation_rule_v2(client: Any, arn: str) -> None:
    """Delete an automation rule of the new Security Hub; one that does not exist is not an error."""
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_automation_rule_v2(Identifier=arn)


def check_input(client: Any, operation: str, members: Json) -> None:
    """Raise ParamValidationError if *members* do not have the shape of the operation's input, as a call would."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    report = ParamValidator().validate(members, shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())


def _all_pages(function: Callable[..., Json], key: str) -> list[AutomationRule]:
    """Return all items of a list for which botocore has no paginator."""
    found: list[AutomationRule] = []
    token: dict[str, str] = {}
    while True:
        answer = function(**token)
        found += answer.get(key) or []
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def list_finding_aggregators(client: Any) -> list[str]:
    """Return the ARNs of the account's finding aggregators: none or one; works in any region. Raise HubNotEnabled."""
    with _needing_hub(client):
        pages = client.get_paginator("list_finding_aggregators").paginate()
        return [found["FindingAggregatorArn"] for page in pages for found in page["FindingAggregators"]]


def get_finding_aggregator(client: Any, arn: str) -> FindingAggregator:
    """Return the finding aggregator."""
    with _needing_hub(client):
        aggregator: FindingAggregator = _without_metadata(client.get_finding_aggregator(FindingAggregatorArn=arn))
    return aggregator


def list_aggregators_v2(client: Any) -> list[str]:
    """Return the ARNs of the aggregators of the account's new Security Hub: none or one."""
    pages = client.get_paginator("list_aggregators_v2").paginate()
    return [found["AggregatorV2Arn"] for page in pages for found in page["AggregatorsV2"]]


def get_aggregator_v2(client: Any, arn: str) -> AggregatorV2:
    """Return the aggregator of the new Security Hub."""
    aggregator: AggregatorV2 = _without_metadata(client.get_aggregator_v2(AggregatorV2Arn=arn))
    return aggregator


def create_finding_aggregator(client: Any, members: FindingAggregator) -> FindingAggregator:
    """Make the client's region the home region, from RegionLinkingMode and Regions; return the aggregator."""
    with _needing_hub(client):
        aggregator: FindingAggregator = _without_metadata(client.create_finding_aggregator(**members))
    return aggregator


def update_finding_aggregator(client: Any, arn: str, members: FindingAggregator) -> FindingAggregator:
    """Replace RegionLinkingMode and Regions, and return the aggregator. Only works in the home region."""
    with _needing_hub(client):
        answer = client.update_finding_aggregator(FindingAggregatorArn=arn, **members)
    aggregator: FindingAggregator = _without_metadata(answer)
    return aggregator


def delete_finding_aggregator(client: Any, arn: str) -> bool:
    """Delete the aggregator; return False if there was none. Only works in the home region."""
    with _needing_hub(client):
        return accepted(
            client.delete_finding_aggregator, client.exceptions.ResourceNotFoundException, FindingAggregatorArn=arn
        )


def get_administrator_account(client: Any) -> str:
    """Return the ID of the administrator account that this account is a member of, '' for none.

    AWS answers for an account without one with an empty answer, with ResourceNotFoundException, or with AccessDenied
    whose text says that no such resource was found.
    """
    try:
        with _needing_hub(client):
            administrator = client.get_administrator_account().get("Administrator") or {}
    except client.exceptions.ResourceNotFoundException:
        return ""
    except client.exceptions.ClientError as error:
        if errors.is_denied(error) and "no such resource" in errors.message(error).lower():
            return ""
        raise
    return str(administrator.get("AccountId", ""))


def has_security_hub_v2(client: Any) -> bool:
    """Return whether the new Security Hub is enabled, and available."""
    off = (client.exceptions.ResourceNotFoundException, client.exceptions.InvalidAccessException)
    return existing(client.describe_security_hub_v2, off) is not None


def get_findings(client: Any, filters: Json) -> list[Json]:
    """Return all findings (ASFF) that match *filters* (AwsSecurityFindingFilters). Raise HubNotEnabled.

    AWS returns 100 per call, and allows 3 calls per second in an account and region.
    """
    with _needing_hub(client):
        pages = client.get_paginator("get_findings").paginate(Filters=filters, PaginationConfig={"PageSize": 100})
        return [finding for page in pages for finding in page["Findings"]]


def get_findings_v2(client: Any, filters: Json) -> list[Json]:
    """Return all findings (OCSF) of the new Security Hub that match *filters* (OcsfFindingFilters), 100 per call.

    Raise HubV2NotEnabled.
    """
    with _needing_hub_v2(client, "set securityhub_slack_finding_format to asff"):
        pages = client.get_paginator("get_findings_v2").paginate(Filters=filters, PaginationConfig={"PageSize": 100})
        return [finding for page in pages for finding in page["Findings"]]


def batch_import_findings(client: Any, findings: list[Json]) -> None:
    """Create up to 100 findings of an own product, or update them with a later UpdatedAt.

    Raise HubNotEnabled, UserError.

    https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
    """
    with _needing_hub(client):
        answer = client.batch_import_findings(Findings=findings)
    for failed in answer.get("FailedFindings", []):
        reason = str(failed.get("ErrorMessage") or "no reason given").rstrip(".")
        raise errors.UserError(f"Security Hub refused the finding ({reason}).")


def batch_update_findings(client: Any, identifiers: list[dict[str, str]], changes: Json) -> list[Unprocessed]:
    """Update up to 100 findings (each Id and ProductArn), and return those that AWS refused. Raise HubNotEnabled."""
    with _needing_hub(client):
        answer = client.batch_update_findings(FindingIdentifiers=identifiers, **changes)
    return list(answer["UnprocessedFindings"])


def batch_update_findings_v2(client: Any, uids: list[str], changes: Json) -> list[Unprocessed]:
    """Update up to 100 findings of the new Security Hub (each metadata.uid), and return those that AWS refused."""
    return list(client.batch_update_findings_v2(MetadataUids=uids, **changes)["UnprocessedFindings"])


def list_organization_admin_accounts(client: Any) -> list[AdminAccount]:
    """Return the organization's delegated administrators of Security Hub CSPM: none or one.

    Raise WrongAccount in any account except the organization's management account.
    """
    with _needing_hub(client, MANAGEMENT):
        pages = client.get_paginator("list_organization_admin_accounts").paginate(Feature="SecurityHub")
        return [account for page in pages for account in page["AdminAccounts"]]


def enable_organization_admin_account(client: Any, account: str) -> Exception | None:
    """Designate the delegated administrator in this region; return the error if another change conflicts.

    Raise WrongAccount.
    """
    try:
        with _needing_hub(client, MANAGEMENT):
            client.enable_organization_admin_account(AdminAccountId=account, Feature="SecurityHub")
    except client.exceptions.ResourceConflictException as error:
        conflict: Exception = error
        return conflict
    return None


def disable_organization_admin_account(client: Any, account: str) -> bool:
    """Remove the designation; return False if there was none. Raise WrongAccount."""
    with _needing_hub(client, MANAGEMENT):
        return accepted(
            client.disable_organization_admin_account,
            client.exceptions.ResourceNotFoundException,
            AdminAccountId=account,
            Feature="SecurityHub",
        )


def describe_organization_configuration(client: Any) -> OrganizationConfiguration:
    """Return how accounts that join the organization are enabled.

    Raise HubNotEnabled; raise WrongAccount in any account except the delegated administrator's.
    """
    with _needing_hub(client, ADMINISTRATOR):
        configuration: OrganizationConfiguration = _without_metadata(client.describe_organization_configuration())
    return configuration


def update_organization_configuration(client: Any, members: OrganizationConfiguration) -> None:
    """Update how new member accounts are enabled; AutoEnable is required. Raise HubNotEnabled, WrongAccount."""
    with _needing_hub(client, ADMINISTRATOR):
        client.update_organization_configuration(**members)
