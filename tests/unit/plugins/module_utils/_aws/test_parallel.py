# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import parallel
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._aws.programs import output


def test_outcomes_are_in_the_order_of_the_items_whichever_ends_first():
    second_is_done = threading.Event()

    def work(item):
        if item == "second":
            second_is_done.set()
        elif not second_is_done.wait(waiting.PATIENCE):
            raise TimeoutError
        return item.upper()

    outcomes = parallel.each(work, ["first", "second"])
    assert [(outcome.item, outcome.value) for outcome in outcomes] == [("first", "FIRST"), ("second", "SECOND")]


def test_an_error_concerns_its_item_alone():
    outcomes = parallel.each(lambda number: 1 / number, [0, 1])
    assert isinstance(outcomes[0].error, ZeroDivisionError)
    assert (outcomes[1].value, outcomes[1].error) == (1.0, None)


@pytest.mark.parametrize("possible", [0, 1])
def test_a_computer_that_permits_no_more_threads_serves_with_those_it_has(monkeypatch, possible):
    """A container may limit the number of threads."""
    started = []
    start = threading.Thread.start

    def start_some(thread):
        if len(started) == possible:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    assert [outcome.value for outcome in parallel.each(str, range(9))] == [*"012345678"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_item_whose_thread_dies_has_failed():
    def die(item):
        raise SystemExit if item == "deadly" else ValueError

    errors = [outcome.error for outcome in parallel.each(die, ["deadly", "other"])]
    assert [type(error) for error in errors] == [MemoryError, ValueError]


INTERRUPTED = """
import signal, threading, time
from ansible_collections.secops.securityhub.plugins.module_utils._aws import parallel
def work(seconds):
    time.sleep(1)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    time.sleep(seconds)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    parallel.each(work, [600])
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_that_another_thread_gets_interrupts_the_one_that_waits():
    """The system chooses the thread that gets a signal. Python handles it in the main thread, but does not wake it."""
    assert output(INTERRUPTED, timeout=waiting.PATIENCE) == "interrupted\n"


def test_what_failed_is_replaced():
    assert parallel.recovered(lambda number: 1 / number, [0, 1], lambda number, _error: number) == [0, 1.0]
