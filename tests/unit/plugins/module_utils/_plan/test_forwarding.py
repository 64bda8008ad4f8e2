# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What baseline and digest count as forwarded."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._plan import design
from ansible_collections.secops.securityhub.plugins.module_utils._plan.forwarding import forwarded
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds


@pytest.mark.parametrize("place", ["pattern", "security_hub"])
def test_suppressed_findings_do_not_count_wherever_they_are_suppressed(place):
    settings = account_model.settings(suppressions=[{"control_ids": ["S3.1"], "suppress_in": place}])
    account = design.account(account_model.AccountModel().snapshot([settings]), account_model.TODAY)
    other = worlds.finding(Id="other", Compliance={"Status": "FAILED", "SecurityControlId": "S3.2"})
    found = forwarded(account.targets[0], [worlds.finding(), other])
    assert [item.finding["Id"] for item in found] == ["other"]
