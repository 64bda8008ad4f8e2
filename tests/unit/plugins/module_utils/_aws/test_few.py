# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of names for people."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._aws.few import few_of


def test_names_after_the_third_are_only_counted():
    assert few_of(["a", "b", "c"]) == "a, b, c"
    assert few_of(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert few_of(["a", "b", "c", "d", "e"], 4) == "a, b, c, d and 1 more"
