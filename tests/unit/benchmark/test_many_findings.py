# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings of the benchmark: as many as asked for, readable, and different."""

from __future__ import annotations

import many_findings
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._observe import finding_files
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import BY_FORMAT
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import first
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import format_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.volume import created_at

REGIONS = ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("shape", [many_findings.ARRAY, many_findings.LINES])
@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_they_can_be_read_and_differ(tmp_path, finding_format, shape):
    path = tmp_path / "findings.json"
    many_findings.write(path, 200, finding_format, shape, REGIONS)
    found = list(finding_files.read([str(path)]))
    fields = BY_FORMAT[finding_format]
    assert len(found) == 200
    assert all(format_of(one) is fields and created_at(one) for one in found)
    assert {first(one, fields.region) for one in found} == set(REGIONS)
    assert len({first(one, fields.account) for one in found}) > 50
    assert len({first(one, fields.resource_id) for one in found}) == 200
    assert "@" not in path.read_text().replace("@example", "")
