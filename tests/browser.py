# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium, for tests of pages and for screenshots."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INSTALLED = Path(__file__).resolve().parents[1] / ".cache" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Return Chromium as Playwright's Browser: the one that make has installed, or the one in PATH."""
    from playwright import sync_api

    path, environment = str(INSTALLED / "chromium"), dict(os.environ)
    if os.path.exists(path):
        environment |= {"LD_LIBRARY_PATH": f"{INSTALLED}/al2023/lib", "FONTCONFIG_PATH": f"{INSTALLED}/fonts"}
    else:
        path = next(filter(None, map(shutil.which, NAMES)), "")
        assert path, f"Run make chromium; or install Chromium, so that one of {', '.join(NAMES)} is in PATH"
    with sync_api.sync_playwright() as playwright:
        # As root, which CI may be, Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"], env=environment)
        try:
            yield browser
        finally:
            browser.close()
