# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resilience tests in a short form; tests/run/resilience runs them all."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.tests.resilience import credentials
from ansible_collections.secops.securityhub.tests.resilience import faults
from ansible_collections.secops.securityhub.tests.resilience import interruptions
from ansible_collections.secops.securityhub.tests.resilience import load
from ansible_collections.secops.securityhub.tests.resilience import person
from ansible_collections.secops.securityhub.tests.resilience import slices
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

FEW = ("eu-west-1", "us-east-1", "us-east-2")
SLICED = (*FEW, "ap-south-1", "ca-central-1", "eu-north-1", "sa-east-1", "us-west-2")  # two in each of four slices
DEPLOYMENT, UPDATE, REMOVAL = faults.PHASES
COMMANDS = {command.name: command for command in faults.COMMANDS}
BY_NAME = {fault.name: fault for fault in faults.FAULTS}


@pytest.fixture
def fleet(emulator, tmp_path):
    found = Fleet(emulator, tmp_path, FEW)
    found.command = ansible_commands.patient("ansible-playbook")
    return found


@pytest.mark.parametrize(
    ("fault", "phase"),
    [("lost answers", DEPLOYMENT), ("half answers", UPDATE), ("a region that is unreachable", REMOVAL)],
)
def test_a_run_with_faults_finishes_healthy_targets_and_the_next_run_the_rest(fleet, fault, phase):
    faults.under_fault(fleet, BY_NAME[fault], phase, seed=1)


@pytest.mark.parametrize(
    ("fault", "command"),
    [("a wrong clock", "doctor"), ("a region with a TLS error", "migrate"), ("lost answers", "canary")],
)
def test_other_commands_say_what_failed_and_leave_nothing_half_done(fleet, fault, command):
    faults.under_fault_of(fleet, BY_NAME[fault], COMMANDS[command], seed=1)


def test_credentials_that_change_to_another_account_touch_nothing_there(fleet):
    faults.changed_identity(fleet, DEPLOYMENT)


def test_credentials_that_expire_during_the_run_are_reported_and_the_next_run_finishes(fleet):
    faults.expired(fleet, UPDATE)


def test_a_full_disk_stops_no_work_and_is_reported(fleet):
    faults.full_disk(fleet, DEPLOYMENT)


WORKS = {work.name: work for work in interruptions.WORKS}
INTERRUPTIONS = {interruption.name: interruption for interruption in interruptions.INTERRUPTIONS}


@pytest.mark.parametrize(
    ("work", "interruption", "share"),
    [
        ("channel change", "Ctrl-C", 0.6),
        ("removal of everything", "SIGKILL of the first process", 0.6),
    ],
)
def test_the_run_after_an_interruption_finishes(fleet, work, interruption, share):
    point = interruptions.Point(WORKS[work], INTERRUPTIONS[interruption], share)
    interruptions.interrupt(fleet, point, interruptions.undisturbed(fleet, point.work))


@pytest.mark.parametrize(
    ("form", "works"),
    [("limit", ("deployment", "update")), ("inventory", ("deployment", "channel change", "removal"))],
)
def test_parallel_slices_lose_nothing_and_create_nothing_twice(emulator, tmp_path, form, works):
    fleet = Fleet(emulator, tmp_path, SLICED)
    fleet.command = ansible_commands.patient("ansible-playbook")
    slices.work(fleet, slices=4, form=form, works=works)


def test_each_key_signs_for_its_own_account(emulator, tmp_path):
    credentials.stress(emulator, tmp_path, seconds=6)


def test_each_finding_of_a_flood_arrives_once_or_is_reported_as_lost(fleet):
    load.flood(fleet, count=300, seconds=5)


def test_the_run_after_a_person_renamed_the_configuration_meanwhile_finishes(fleet):
    person.beside(fleet, "renames the configuration")
