# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the tarball of the collection has all files for users, and no others."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import PurePosixPath

# Created by the build.
MANIFESTS = {"FILES.json", "MANIFEST.json"}
FILES = {"CHANGELOG.rst", "LICENSE", "README.md", "changelogs/changelog.yaml"}
FOLDERS = {
    *("docs/docsite", "extensions/eda", "inventories/example", "inventories/fleet"),
    *("meta", "playbooks", "plugins", "roles"),
}


def wanted(path: str) -> bool:
    """Return whether users need the file *path* of the checkout."""
    folders = {str(parent) for parent in PurePosixPath(path).parents}
    return path in FILES or bool(folders & FOLDERS)


def problems(packed: set[str], tracked: set[str]) -> list[str]:
    """Return the differences between the files *packed* and those that users need."""
    for_users = {path for path in tracked if wanted(path)}
    found = []
    for path in sorted(packed - for_users - MANIFESTS):
        if path in tracked:
            found.append(f"{path} is packed, but users do not need it. Add it to build_ignore of galaxy.yml")
        else:
            found.append(f"{path} is packed, but not tracked by git. Delete it, or add it")
    return found + [f"{path} is not packed. Check build_ignore of galaxy.yml" for path in sorted(for_users - packed)]


def main() -> None:
    """Check the tarball named on the command line."""
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
