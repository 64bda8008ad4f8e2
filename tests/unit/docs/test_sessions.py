# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded sessions of docs/sessions are what a user sees now, and the pages show them all."""

from __future__ import annotations

import re

import pytest
from ansible_collections.secops.securityhub.tests.sessions import recorder
from ansible_collections.secops.securityhub.tests.sessions.sessions import SESSIONS
from ansible_collections.secops.securityhub.tests.unit.docs import pages

QUICK = ("first_deployment", "unhealthy_doctor", "private_channel", "wrong_account")
OF_ANSIBLE = ("PLAY", "TASK", "localhost", "ok:", "changed:")  # may differ between its versions
PICTURES = ("cast.svg", "channel.png", "doctor.png", "simulation.png")


def lasting(text: str) -> list[str]:
    """Return the lines of the collection, without durations and the number of calls."""
    lines = [line for line in text.splitlines() if line and not line.startswith(OF_ANSIBLE)]
    return [re.sub(r'\d+ calls?| *\d+\.\d( s\b|$)|^fatal: .*(?="msg")', "N", line) for line in lines]


@pytest.mark.playbook
@pytest.mark.parametrize("session", [session for session in SESSIONS if session.name in QUICK], ids=lambda it: it.name)
def test_a_recorded_session_is_what_a_user_sees_now(emulator, session):
    recorded = (recorder.RECORDS / f"{session.file}.txt").read_text(encoding="utf-8")
    assert lasting(recorder.record(session, emulator).text) == lasting(recorded)


def test_all_sessions_are_recorded_and_shown():
    files = {f"{session.file}.{suffix}" for session in SESSIONS for suffix in ("txt", "svg")} | {*PICTURES, "README.md"}
    assert {path.name for path in recorder.RECORDS.iterdir()} == files
    index = (recorder.RECORDS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\((\d\w+)\.svg\)", index) == [session.file for session in SESSIONS]
    readme = (pages.ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in (*PICTURES, "docs/sessions") if name not in readme] == []
