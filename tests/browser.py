# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Chromium of this machine, for tests of pages and for screenshots."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """This machine has no Chromium."""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Return Chromium as Playwright's Browser. Raises NoBrowser."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise NoBrowser(f"Install Chromium: one of {', '.join(NAMES)} must be in PATH")
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        # As root, which CI may be, Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
