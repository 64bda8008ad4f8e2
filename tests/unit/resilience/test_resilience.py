# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The short forms of the campaigns; tests/campaign runs the long ones."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.tests.resilience import crashes
from ansible_collections.secops.securityhub.tests.resilience import faults
from ansible_collections.secops.securityhub.tests.resilience import slices
from ansible_collections.secops.securityhub.tests.resilience.playbook import SEVENTEEN
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet

FEW = ("eu-west-1", "us-east-1", "us-east-2")
DEPLOYMENT, UPDATE, REMOVAL = faults.PHASES
BY_NAME = {fault.name: fault for fault in faults.FAULTS}


@pytest.fixture
def fleet(emulator, tmp_path):
    found = Fleet(emulator, tmp_path, FEW)
    yield found
    emulator.reset()


@pytest.mark.parametrize(
    ("fault", "phase"),
    [
        ("everything at once", DEPLOYMENT),
        ("lost answers", UPDATE),
        ("30 % throttling", REMOVAL),
        ("a region that answers garbage", DEPLOYMENT),
        ("a region that is unreachable", REMOVAL),
    ],
)
def test_a_run_among_faults_serves_whom_it_can_and_the_next_one_finishes(fleet, fault, phase):
    faults.under_fault(fleet, BY_NAME[fault], phase, seed=1)


def test_credentials_that_expire_in_mid_run_are_said_to_be_so_and_the_next_run_finishes(fleet):
    faults.expired(fleet, UPDATE)


@pytest.mark.parametrize(
    ("work", "blow", "share"),
    [(0, 0, 0.7), (1, 2, 0.6), (2, 1, 0.7), (3, 0, 0.6), (4, 0, 0.6), (0, 2, 0.5)],
)
def test_the_run_after_a_blow_finishes_what_was_begun(fleet, work, blow, share):
    point = crashes.Point(crashes.WORKS[work], crashes.BLOWS[blow], share)
    crashes.strike(fleet, point, crashes.undisturbed(fleet, point.work))


@pytest.mark.parametrize("form", slices.FORMS)
def test_slices_at_once_lose_nothing_and_make_nothing_twice(emulator, tmp_path, form):
    slices.work(Fleet(emulator, tmp_path, SEVENTEEN), slices=4, form=form)
