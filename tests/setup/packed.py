# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the collection's tarball holds what users need, all of it and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import PurePosixPath

# Made by the build itself.
MANIFESTS = {"FILES.json", "MANIFEST.json"}
FILES = {"CHANGELOG.rst", "LICENSE", "README.md", "changelogs/changelog.yaml"}
FOLDERS = {"docs/docsite", "inventories/example", "inventories/fleet", "meta", "playbooks", "plugins", "roles"}


def wanted(path: str) -> bool:
    """Return whether the file *path* of the checkout is for users."""
    folders = {str(parent) for parent in PurePosixPath(path).parents}
    return path in FILES or bool(folders & FOLDERS)


def problems(packed: set[str], tracked: set[str]) -> list[str]:
    """Return what is wrong with the files *packed*, given those that git knows."""
    for_users = {path for path in tracked if wanted(path)}
    found = []
    for path in sorted(packed - for_users - MANIFESTS):
        if path in tracked:
            found.append(f"{path} is packed, but not for users: name it in build_ignore of galaxy.yml")
        else:
            found.append(f"{path} is packed, but git does not know it: delete it, or add it")
    return found + [f"{path} is not packed: see build_ignore of galaxy.yml" for path in sorted(for_users - packed)]


def main() -> None:
    """Read the tarball named on the command line and say what is wrong with it."""
    with tarfile.open(sys.argv[1]) as archive:
        packed = {member.name for member in archive.getmembers() if not member.isdir()}
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], check=True, capture_output=True, text=True
    )
    found = problems(packed, set(listing.stdout.splitlines()))
    if found:
        sys.exit("\n".join(found))
    print(f"{len(packed)} files")


if __name__ == "__main__":
    main()
