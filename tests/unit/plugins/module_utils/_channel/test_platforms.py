# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is an id of a workspace, team or channel."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import SLACK
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import TEAMS

UUID = "2c5b8f0a-1d3e-4f6a-9b7c-0d1e2f3a4b5c"
THREAD = "19%3aabcdef%40thread.tacv2"


@pytest.mark.parametrize(
    ("pattern", "valid"),
    [
        (SLACK.team_id_pattern, "T0123456789"),
        (SLACK.channel_id_pattern, "C0123456789"),
        (SLACK.channel_id_pattern, "G0123456789"),
        (TEAMS.team_id_pattern, UUID),
        (TEAMS.channel_id_pattern, THREAD),
    ],
)
def test_an_id_is_all_there_is(pattern, valid):
    assert pattern.match(valid)
    assert not pattern.match(f"{valid}\n"), "as a YAML block gives it"
    assert not pattern.match(f" {valid}")
