# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record sessions of a new user against the emulator, in a real terminal, in docs/sessions: as text and as pictures.

Without names, all sessions are recorded and the screenshots of README are taken.
"""

from __future__ import annotations

import argparse

from ansible_collections.secops.securityhub.tests.unit import conftest

from . import screenshots
from .picture import cast
from .picture import picture
from .recorder import RECORDS
from .recorder import record
from .recorder import user
from .sessions import SESSIONS

SCREENSHOTS = "screenshots"


def main() -> None:
    """Record the sessions that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*(session.name for session in SESSIONS), SCREENSHOTS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names), default=names)
    chosen = parser.parse_args().names
    with conftest.started() as emulator:
        for session in SESSIONS:
            if session.name in chosen:
                print(f"Recording: {session.title}", flush=True)
                terminal = record(session, emulator)
                (RECORDS / f"{session.file}.txt").write_text(terminal.text, encoding="utf-8")
                (RECORDS / f"{session.file}.svg").write_text(picture(terminal.colored, session.title), encoding="utf-8")
                if session is SESSIONS[0]:
                    (RECORDS / "cast.svg").write_text(cast(terminal.screens, session.title), encoding="utf-8")
        if SCREENSHOTS in chosen:
            print("Taking screenshots", flush=True)
            with user(emulator) as (person, terminal):
                screenshots.take(person, terminal.folder, RECORDS)


if __name__ == "__main__":
    main()
