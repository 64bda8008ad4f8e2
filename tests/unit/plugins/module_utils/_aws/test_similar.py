# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user who misspelt a name may have meant."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.similar import did_you_mean


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("medium", ["LOW", "MEDIUM", "HIGH"], " Did you mean MEDIUM?"),
        ("HIHG", ["LOW", "MEDIUM", "HIGH"], " Did you mean HIGH?"),
        ("EU-WEST-1", ["eu-west-1", "us-east-1"], " Did you mean eu-west-1?"),
        ("variabels", ["variables", "regions"], " Did you mean variables?"),
        ("severe", ["LOW", "HIGH"], ""),
        ("x", [], ""),
    ],
)
def test_a_similar_name_is_suggested(name, known, hint):
    assert did_you_mean(name, known) == hint
