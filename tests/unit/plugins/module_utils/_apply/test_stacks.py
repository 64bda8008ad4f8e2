# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often stacks on their way are asked for, by a clock that needs no waiting."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._apply import stacks
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet


class Clock:
    """Stands for the module time."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.mark.parametrize(("seconds", "times"), [(0, 2), (5, 6), (40, 13), (600, 125)])
def test_a_stack_is_asked_for_seldom_and_its_end_is_noticed_soon(monkeypatch, seconds, times):
    clock, asked = Clock(), []
    monkeypatch.setattr(stacks, "time", clock)

    def advance(work, _started):
        asked.append(clock.now)
        work.finished = 0 < clock.now >= seconds

    stacks.in_rounds([stacks.Work(fleet.settings("eu-west-1"), None, None)], advance, lambda _line: None)
    assert len(asked) == times
    assert clock.now - seconds <= stacks.LONGEST_PAUSE
