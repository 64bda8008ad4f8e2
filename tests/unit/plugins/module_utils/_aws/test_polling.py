# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for AWS, without waiting."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import polling
from ansible_collections.secops.securityhub.plugins.module_utils._aws.polling import LONGEST_PAUSE
from ansible_collections.secops.securityhub.plugins.module_utils._aws.polling import poll


@pytest.mark.parametrize(("needed", "expected", "naps"), [(1, 1, 0), (3, 3, 2), (99, 11, 10)])
def test_reads_until_done_or_until_the_limit(monkeypatch, needed, expected, naps):
    slept = []
    monkeypatch.setattr(polling.time, "sleep", slept.append)
    reads = iter(range(1, 100))
    assert poll(lambda: next(reads), lambda state: state >= needed, 60) == expected
    assert len(slept) == naps
    assert max(slept, default=0) <= LONGEST_PAUSE
    assert sum(slept) < 60 + LONGEST_PAUSE
