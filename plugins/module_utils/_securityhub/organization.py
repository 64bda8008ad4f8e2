# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configures how Security Hub treats accounts that join the organization. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._aws.polling import poll
from .._services import securityhub

if TYPE_CHECKING:
    from .._aws.clients import Caller

Configuration = dict[str, Any]

# AWS sets these under central configuration, and refuses to change them.
UNDER_CENTRAL = {"AutoEnable": False, "AutoEnableStandards": "NONE"}
SECONDS_TO_SETTLE = 180


def central_of(configuration: Configuration) -> dict[str, Any]:
    """Return ConfigurationType, Status and StatusMessage; {} where AWS does not return them."""
    return configuration.get("OrganizationConfiguration") or {}


def configuration_type(configuration: Configuration) -> str:
    """Return LOCAL or CENTRAL."""
    return str(central_of(configuration).get("ConfigurationType", "LOCAL"))


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are set in the options, under their names in the API."""
    settings = {"AutoEnable": options["auto_enable"], "AutoEnableStandards": options["auto_enable_standards"]}
    return {key: value for key, value in settings.items() if value is not None}


def contradictions(options: dict[str, Any]) -> list[str]:
    """Return the options that central configuration does not allow, each with the remedy."""
    return [
        f"{key} is {value}, but central configuration sets it to {UNDER_CENTRAL[key]}. Remove it, and use a "
        f"configuration policy instead."
        for key, value in given(options).items()
        if value != UNDER_CENTRAL[key]
    ]


def desired_settings(current: Configuration, options: dict[str, Any]) -> dict[str, Any]:
    """Return the three desired settings. Raise UserError if the live configuration is central and contradicts them."""
    kind = options["configuration_type"] or configuration_type(current)
    if kind == "LOCAL":
        return {**{key: current[key] for key in UNDER_CENTRAL}, **given(options), "ConfigurationType": kind}
    problems = contradictions(options)
    if problems:
        raise UserError(" ".join(problems))
    return {**UNDER_CENTRAL, "ConfigurationType": kind}


def differs(current: Configuration, desired: dict[str, Any]) -> bool:
    """Tell whether anything must be changed."""
    return configuration_type(current) != desired["ConfigurationType"] or any(
        current[key] != desired[key] for key in UNDER_CENTRAL
    )


def projected(current: Configuration, desired: dict[str, Any]) -> Configuration:
    """Return the configuration as it will be."""
    central = {"ConfigurationType": desired["ConfigurationType"], "Status": "ENABLED"}
    return {**current, **{key: desired[key] for key in UNDER_CENTRAL}, "OrganizationConfiguration": central}


def update(aws: Caller, current: Configuration, desired: dict[str, Any]) -> Configuration:
    """Change the settings, wait until central configuration settles, and return the live configuration."""
    members = {key: desired[key] for key in UNDER_CENTRAL}
    if configuration_type(current) != desired["ConfigurationType"]:
        members["OrganizationConfiguration"] = {"ConfigurationType": desired["ConfigurationType"]}
    aws.call("securityhub", securityhub.update_organization_configuration, members)
    after = poll(
        lambda: aws.call("securityhub", securityhub.describe_organization_configuration),
        lambda shown: central_of(shown).get("Status") != "PENDING",
        SECONDS_TO_SETTLE,
    )
    central = central_of(after)
    if central.get("Status") in ("FAILED", "PENDING"):
        raise UserError(
            f"AWS did not switch to {desired['ConfigurationType']} configuration (status {central['Status']}: "
            f"{central.get('StatusMessage') or 'no reason given'}). Check the finding aggregator and the home region."
        )
    return after


def ensure(aws: Caller, current: Configuration, options: dict[str, Any], check_mode: bool) -> Configuration:
    """Return the configuration as it is (or would be) afterwards."""
    desired = desired_settings(current, options)
    if not differs(current, desired):
        return current
    return projected(current, desired) if check_mode else update(aws, current, desired)
