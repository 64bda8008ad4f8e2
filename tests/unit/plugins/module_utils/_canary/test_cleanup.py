# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cleanup undoes everything, waits for running calls, and lets no further ones start."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._canary.cleanup import Cleanup
from ansible_collections.secops.securityhub.plugins.module_utils._canary.cleanup import Stopped
from ansible_collections.secops.securityhub.plugins.module_utils._canary.cleanup import interrupts_raise
from ansible_collections.secops.securityhub.tests.unit import waiting


def refuse():
    raise UserError("no")


def test_a_step_that_fails_does_not_stop_the_others():
    undone = []
    cleanup = Cleanup()
    cleanup.add("a", lambda: undone.append("a"))
    cleanup.add("b", refuse)
    cleanup.add("b", lambda: undone.append("b"))
    assert cleanup.undo() == {"a": (), "b": ("no",)}
    assert sorted(undone) == ["a", "b"]


def test_a_running_call_is_awaited_and_undone():
    cleanup, undone = Cleanup(), []
    started, finish = threading.Event(), threading.Event()

    def create():
        with cleanup.creating():
            started.set()
            finish.wait(waiting.PATIENCE)
            cleanup.add("a", lambda: undone.append("a"))

    thread = threading.Thread(target=create)
    thread.start()
    started.wait(waiting.PATIENCE)
    threading.Timer(0.1, finish.set).start()
    cleanup.undo()
    thread.join()
    assert undone == ["a"]


def test_nothing_is_created_after_the_cleanup_has_begun():
    cleanup = Cleanup()
    cleanup.undo()
    with pytest.raises(Stopped), cleanup.creating():
        pytest.fail("created")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_interruption_raises_and_is_sent_again_after_the_cleanup(number):
    received = []
    before = signal.signal(number, lambda *_arguments: received.append("after"))
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_raise():
            try:
                os.kill(os.getpid(), number)
                pytest.fail("not interrupted")
            finally:
                os.kill(os.getpid(), number)  # ignored
                received.append("cleanup")
    finally:
        signal.signal(number, before)
    assert received == ["cleanup", "after"]
