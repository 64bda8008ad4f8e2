# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a HOME in which ansible-test can create its virtual environments from the package index alone.

By default it downloads get-pip.py from another host, and removes all PIP_* variables before it calls pip. A file in its
download cache and a pip.conf replace both.
"""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

# This name is private to ansible-core, but the file's name hangs on what it returns.
from ansible_test._internal.python_requirements import get_venv_packages

# The pip of this Python installs into another environment of the same version in a third of the time of ensurepip.
GET_PIP = f"""\
import subprocess
import sys

wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
command = [sys.executable, "-m", "pip"]
if sys.version_info[:2] == {sys.version_info[:2]}:
    command = [{sys.executable!r}, "-m", "pip", "--python", sys.executable]
else:
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([*command, "install", *wanted], check=True, stdout=subprocess.DEVNULL)
"""


def get_pip_name() -> str:
    """Return the name that ansible-test looks for in its download cache."""
    python = SimpleNamespace(version="{}.{}".format(*sys.version_info))
    version = get_venv_packages(python)["pip"]
    return f"get_pip_{version.replace('.', '_')}.py"


def pip_configuration(listing: str) -> dict[str, str]:
    """Return the settings for `pip install` out of what `pip config list` prints; the environment's come last."""
    lines = [line.partition("=") for line in listing.splitlines()]
    rank = {"global": 0, "install": 1, ":env:": 2}
    found = []
    for name, _equals, value in lines:
        section, _dot, key = name.partition(".")
        if section in rank:
            found.append((rank[section], key, value.strip("'").replace("\\n", "\n")))
    return {key: value for _rank, key, value in sorted(found)}


def write_pip_conf(path: Path) -> None:
    """Write the caller's pip settings to *path*, for its owner only: an index address may hold a password."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True)
    settings = configparser.RawConfigParser()
    settings["global"] = {**pip_configuration(listing.stdout), "quiet": "1"}
    # What a test imports is compiled then. This is how pip's files spell --no-compile, whose value they negate.
    settings["install"] = {"no-compile": "false"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        settings.write(file)


def main() -> None:
    """Fill the HOME named on the command line."""
    home = Path(sys.argv[1])
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / get_pip_name()).write_text(GET_PIP, encoding="utf-8")
    write_pip_conf(home / ".config" / "pip" / "pip.conf")


if __name__ == "__main__":
    main()
