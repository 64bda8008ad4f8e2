# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often unfinished stacks are polled, by a clock that needs no waiting."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._apply import stacks
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._resource.operation import Operation
from ansible_collections.secops.securityhub.tests.unit import account_model
from ansible_collections.secops.securityhub.tests.unit.said import Said


class Clock:
    """A replacement for the module time."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(stacks, "time", found)
    return found


def work(region="eu-west-1"):
    return stacks.Work(account_model.settings(region), None, None, None)


@pytest.mark.parametrize(("seconds", "times"), [(0, 2), (5, 6), (40, 13), (600, 125)])
def test_a_stack_is_polled_seldom_and_its_end_is_noticed_soon(clock, seconds, times):
    polled = []

    def advance(item, _started):
        polled.append(clock.now)
        return replace(item, finished=0 < clock.now >= seconds)

    (done,) = stacks.in_rounds([work()], advance, Said())
    assert done.finished
    assert len(polled) == times
    assert clock.now - seconds <= stacks.LONGEST_PAUSE


def test_a_stack_that_fails_is_not_polled_again_and_does_not_stop_the_others(clock):
    polled = []

    def advance(item, _started):
        polled.append(item.settings.region)
        if item.settings.region == "us-east-1":
            raise UserError("no answer.")
        return replace(item, finished=clock.now > 2)

    fine, failed = stacks.in_rounds([work(), work("us-east-1")], advance, Said())
    assert (fine.finished, fine.error) == (True, None)
    assert str(failed.error) == "no answer."
    assert polled.count("us-east-1") == 1
    assert polled.count("eu-west-1") > 1


def test_progress_names_the_stacks_that_are_unfinished(clock):
    lines = Said()

    def advance(item, _started):
        return replace(item, finished=clock.now > 25 or item.settings.region == "us-east-1")

    stacks.in_rounds([work(), work("us-east-1")], advance, lines)
    assert lines[0] == "Stacks 1/2, waiting for eu-west-1"
    assert lines[3].startswith("Stacks 1/2, about ")
    assert lines[3].endswith(" s left, waiting for eu-west-1")


@pytest.mark.parametrize(
    ("operation", "others", "cause"),
    [
        (
            Operation.UPDATE,
            "UPDATE_COMPLETE",
            "another run, with other settings or another version of the collection, ",
        ),
        (Operation.CREATE, "", "the stack securityhub-slack was deleted during this run. "),
    ],
)
def test_what_others_do_to_the_stack_meanwhile_is_told_from_a_failure(operation, others, cause):
    ours, theirs = (
        account_model.AccountModel().planned([account_model.settings(minimum_severity=severity)]).targets[0].desired
        for severity in ("CRITICAL", "HIGH")
    )
    live = account_model.stack_of(theirs.stack, others) if others else None
    given = stacks.Work(account_model.settings(), None, ours.stack, live, done=(operation,))
    (done,) = stacks.in_rounds([given], partial(stacks.advanced, None), Said())
    assert str(done.error).startswith(cause)
    assert "rerun the playbook" in str(done.error).lower()
