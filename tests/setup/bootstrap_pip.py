# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install pip into the running virtual environment, for a Python without ensurepip.

pip's wheel can be run without being installed, so the wheel from the package index installs itself. The index is the
one that the environment variable PIP_INDEX_URL names, or PyPI.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

VERSION = "26.3"
WHEEL = f"pip-{VERSION}-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")
JSON = "application/vnd.pypi.simple.v1+json"


def find_wheel(listing: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of pip's wheel from an index page (PEP 691)."""
    (found,) = (entry for entry in listing["files"] if entry["filename"] == WHEEL)
    return dict(found)


def download(page: str) -> bytes:
    """Return pip's wheel, which the index page *page* lists. Raise ValueError if its digest is not the expected one."""
    with urllib.request.urlopen(urllib.request.Request(page, headers={"Accept": JSON}), timeout=60) as answer:
        address = urljoin(page, find_wheel(json.load(answer))["url"])
    with urllib.request.urlopen(address, timeout=60) as answer:
        wheel = bytes(answer.read())
    if hashlib.sha256(wheel).hexdigest() != SHA256:
        raise ValueError(f"the download of {WHEEL} does not match its SHA-256 digest")
    return wheel


def main() -> None:
    """Download pip and let it install itself."""
    page = f"{INDEX.rstrip('/')}/pip/"
    try:
        wheel = download(page)
    except (OSError, ValueError) as error:
        sys.exit(
            f"pip could not be downloaded from {page}: {error}. Install Python's venv module"
            " (on Debian and Ubuntu: sudo apt-get install python3-venv), or name another Python: make PYTHON=... setup"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WHEEL
        path.write_bytes(wheel)
        subprocess.run([sys.executable, path / "pip", "install", "-qq", "--no-index", path], check=True)


if __name__ == "__main__":
    main()
