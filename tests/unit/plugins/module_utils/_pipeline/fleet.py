# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory hosts for the tests of the pipeline."""

from __future__ import annotations

import datetime
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.desired import Account
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.settings import PREFIX
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.settings import Settings
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.settings import settings_of
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets

TODAY = datetime.date(2026, 11, 24)
ACCOUNT = Account("111111111111", "aws")
WORKSPACE, CHANNEL = "T0ABCDEFG12", "C0ABCDEFG12"
OPTIONS = ArgumentSpecValidator(_targets.options())


def variables(**given: Any) -> dict[str, Any]:
    """Role variables, given without their prefix, with the role's defaults."""
    wanted = {"workspace_id": WORKSPACE, "channel_id": CHANNEL, "region": "us-east-1", **given}
    checked = OPTIONS.validate({PREFIX + name: value for name, value in wanted.items()})
    assert not checked.error_messages
    return checked.validated_parameters


def settings(region: str = "us-east-1", host: str = "", **given: Any) -> Settings:
    """The settings of one inventory host, which is called as its region."""
    return settings_of(host or region, variables(region=region, **given))
