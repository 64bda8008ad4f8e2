# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an acceptance run is given: a YAML file (settings.yml.template) and options of the command line, which win."""

from __future__ import annotations

import argparse
import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
DEFAULT_FILE = HERE / "settings.yml"
# On all resources that can have tags: proves that this command created them.
TAG = "SecurityHubSlackAcceptance"
# Amazon Q Developer in chat applications does not list them; they must be enabled in the account (opt-in).
UNLISTED_REGIONS = ("ap-east-2", "ap-southeast-6")
PATTERNS = {
    "account_id": (r"\d{12}", "12 digits in quotation marks"),
    "workspace_id": (r"T[0-9A-Z]{2,}", "the ID of a Slack workspace (T...)"),
    "channel_id": (r"[CG][0-9A-Z]{2,}", "the ID of a Slack channel (C... or G...)"),
    # The names of the custom action and of the modules' test resources are made from it.
    "prefix": (r"[a-z][a-z0-9]{3,11}", "4 to 12 lowercase letters and digits"),
}


class InvalidSettings(ValueError):
    """The settings are incomplete or wrong; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """The settings of a run; settings.yml.template explains them."""

    account_id: str = ""
    workspace_id: str = ""
    channel_id: str = ""
    regions: tuple[str, ...] = ()
    prefix: str = "shacceptance"
    profile: str = ""
    region_without_hub: str = ""
    unlisted_region: str = ""
    finding_aggregator: bool = False
    kms_key: str = ""
    teams_team_id: str = ""
    teams_tenant_id: str = ""
    teams_channel_id: str = ""

    @property
    def tiny_prefix(self) -> str:
        """Return the name of the resources of the integration targets."""
        return f"{self.prefix}it"

    @property
    def all_regions(self) -> tuple[str, ...]:
        """Return all regions in which a run may create something."""
        return tuple(dict.fromkeys(filter(None, (*self.regions, self.region_without_hub, self.unlisted_region))))

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags of all resources that can have tags."""
        return {TAG: self.prefix}

    def name(self, purpose: str) -> str:
        """Return the name of a resource beside the deployment."""
        return f"{self.prefix}-{purpose}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting."""
    parser.add_argument("--settings", type=Path, help="file with the settings (default: tests/acceptance/settings.yml)")
    for field in dataclasses.fields(Settings):
        option = f"--{field.name.replace('_', '-')}"
        if field.type == "bool":
            parser.add_argument(option, action="store_true", default=None)
        elif field.name == "regions":
            parser.add_argument(option, type=lambda text: text.split(","), metavar="R,R")
        else:
            parser.add_argument(option, metavar=field.name.upper())


def read(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the file and of the command line. Raise InvalidSettings if they are incomplete."""
    names = [field.name for field in dataclasses.fields(Settings)]
    given = _of_file(arguments.settings)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InvalidSettings(f"Unknown setting: {', '.join(unknown)}. See tests/acceptance/settings.yml.template.")
    given |= {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    settings = Settings(**{**given, "regions": tuple(given.get("regions") or ())})
    _check(settings)
    return settings


def _of_file(path: Path | None) -> dict[str, Any]:
    if path is None and not DEFAULT_FILE.exists():
        return {}
    try:
        found = yaml.safe_load((path or DEFAULT_FILE).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidSettings(f"{path or DEFAULT_FILE} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InvalidSettings(f"{path or DEFAULT_FILE} is not a mapping. See tests/acceptance/settings.yml.template.")
    return found


def _check(settings: Settings) -> None:
    for name, (pattern, meaning) in PATTERNS.items():
        value = getattr(settings, name)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            option = f"--{name.replace('_', '-')}"
            raise InvalidSettings(f"{name} is {value!r}. Set {name} (or {option}) to {meaning}.")
    if not 2 <= len(settings.regions) <= 3 or len(set(settings.regions)) < len(settings.regions):
        raise InvalidSettings(f"regions are {list(settings.regions)}. Set regions (or --regions) to two or three.")
    if settings.unlisted_region not in ("", *UNLISTED_REGIONS):
        raise InvalidSettings(
            f"unlisted_region is {settings.unlisted_region}. Set it to {' or '.join(UNLISTED_REGIONS)}."
        )
    if settings.region_without_hub in settings.regions:
        raise InvalidSettings("region_without_hub is one of the regions. Choose one without Security Hub CSPM.")
