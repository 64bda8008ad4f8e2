# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrite the tarball of `ansible-galaxy collection build` so that the same commit always gives the same bytes.

The build writes the current time, the times, owner and order of the checkout's files, and the order of the file system.
Times become SOURCE_DATE_EPOCH, or the time of the last commit.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

FILES, MANIFEST = "FILES.json", "MANIFEST.json"


def epoch() -> int:
    """Return the time of all files."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    command = ["git", "log", "-1", "--format=%ct"]
    return int(given or subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def read(path: Path) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Return the entries of the tarball by name, with their content."""
    with tarfile.open(path) as archive:
        found = {}
        for member in archive.getmembers():
            file = archive.extractfile(member) if member.isfile() else None
            found[member.name] = (member, file.read() if file else b"")
    return found


def in_order(entries: dict[str, tuple[tarfile.TarInfo, bytes]]) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Sort the list of files, whose digest the manifest has."""
    listing = json.loads(entries[FILES][1])
    listing["files"].sort(key=lambda item: item["name"])
    files = json.dumps(listing, indent=1).encode()
    manifest = json.loads(entries[MANIFEST][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files).hexdigest()
    text = json.dumps(manifest, indent=1).encode()
    return {**entries, FILES: (entries[FILES][0], files), MANIFEST: (entries[MANIFEST][0], text)}


def packed(entries: dict[str, tuple[tarfile.TarInfo, bytes]], time: int) -> bytes:
    """Return the tarball with the same content, in order of the names, without what the machine adds."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=time) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(entries):
            member, content = entries[name]
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mtime = member.type, len(content), time
            info.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            archive.addfile(info, io.BytesIO(content) if content else None)
    return buffer.getvalue()


def main() -> None:
    """Rewrite the tarball named on the command line."""
    path = Path(sys.argv[1])
    path.write_bytes(packed(in_order(read(path)), epoch()))


if __name__ == "__main__":
    main()
