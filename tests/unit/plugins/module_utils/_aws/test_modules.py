# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules share."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._aws import modules

pytestmark = pytest.mark.usefixtures("environment")

ROOT = Path(__file__).resolve().parents[5]


def test_the_user_agent_carries_the_version_of_the_collection():
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"] == modules.VERSION


def test_every_module_that_calls_aws_itself_is_in_the_action_group():
    # A batch action takes no credentials of its own: module_defaults of the group would be refused by it.
    batch = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["aws"]
    named = {entry for entry in group if isinstance(entry, str)}
    assert {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - batch <= named
