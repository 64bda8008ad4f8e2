# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configures how Security Hub treats accounts that join the organization. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._aws.polling import poll
from .._services import securityhub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._aws.clients import Caller
    from .._services.securityhub import Central
    from .._services.securityhub import OrganizationConfiguration

SECONDS_TO_SETTLE = 180


@dataclass(frozen=True)
class Settings:
    """The settings of an organization; *kind*: LOCAL or CENTRAL."""

    kind: str
    auto_enable: bool
    auto_enable_standards: str


# Under central configuration, AWS sets the other two, and refuses to change them.
CENTRAL = Settings("CENTRAL", auto_enable=False, auto_enable_standards="NONE")


def central_of(configuration: OrganizationConfiguration) -> Central:
    """Return ConfigurationType, Status and StatusMessage; {} where AWS does not return them."""
    return configuration.get("OrganizationConfiguration") or {}


def settings_of(configuration: OrganizationConfiguration) -> Settings:
    """Return the live settings."""
    kind = central_of(configuration).get("ConfigurationType", "LOCAL")
    return Settings(kind, configuration["AutoEnable"], configuration["AutoEnableStandards"])


def contradictions(options: Mapping[str, Any]) -> list[str]:
    """Return the options that central configuration does not allow, each with the remedy."""
    given = (
        ("AutoEnable", options["auto_enable"], CENTRAL.auto_enable),
        ("AutoEnableStandards", options["auto_enable_standards"], CENTRAL.auto_enable_standards),
    )
    return [
        f"{name} is {value}, but central configuration sets it to {central}. Remove it, and use a configuration policy "
        f"instead."
        for name, value, central in given
        if value not in (None, central)
    ]


def desired_settings(current: Settings, options: Mapping[str, Any]) -> Settings:
    """Return the desired settings. Raise UserError if the live configuration is central and contradicts them."""
    kind = options["configuration_type"] or current.kind
    if kind == "LOCAL":
        enable, standards = options["auto_enable"], options["auto_enable_standards"]
        return Settings(
            kind,
            current.auto_enable if enable is None else enable,
            current.auto_enable_standards if standards is None else standards,
        )
    problems = contradictions(options)
    if problems:
        raise UserError(" ".join(problems))
    return CENTRAL


def update(aws: Caller, current: Settings, desired: Settings) -> OrganizationConfiguration:
    """Change the settings, wait until central configuration settles, and return the live configuration."""
    members: OrganizationConfiguration = {
        "AutoEnable": desired.auto_enable,
        "AutoEnableStandards": desired.auto_enable_standards,
    }
    if current.kind != desired.kind:
        members["OrganizationConfiguration"] = {"ConfigurationType": desired.kind}
    aws.call("securityhub", securityhub.update_organization_configuration, members)
    after = poll(
        lambda: aws.call("securityhub", securityhub.describe_organization_configuration),
        lambda shown: central_of(shown).get("Status") != "PENDING",
        SECONDS_TO_SETTLE,
    )
    central = central_of(after)
    if central.get("Status") in ("FAILED", "PENDING"):
        raise UserError(
            f"AWS did not switch to {desired.kind} configuration (status {central['Status']}: "
            f"{central.get('StatusMessage') or 'no reason given'}). Check the finding aggregator and the home region."
        )
    return after


def ensure(
    aws: Caller, current: OrganizationConfiguration, options: Mapping[str, Any], check_mode: bool
) -> OrganizationConfiguration:
    """Return the configuration as it is (or would be) afterwards."""
    live = settings_of(current)
    desired = desired_settings(live, options)
    if live == desired:
        return current
    if not check_mode:
        return update(aws, live, desired)
    return {
        **current,
        "AutoEnable": desired.auto_enable,
        "AutoEnableStandards": desired.auto_enable_standards,
        "OrganizationConfiguration": {"ConfigurationType": desired.kind, "Status": "ENABLED"},
    }
