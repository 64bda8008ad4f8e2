# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest
import reproducible


def build(path: Path, names: list[str], time: int, owner: str) -> Path:
    """Build a tarball as ansible-galaxy does on a machine that lists files in this order."""
    listing = json.dumps({"files": [{"name": name} for name in names], "format": 1}).encode()
    manifest = {"file_manifest_file": {"name": "FILES.json", "chksum_sha256": hashlib.sha256(listing).hexdigest()}}
    contents = {"MANIFEST.json": json.dumps(manifest).encode(), "FILES.json": listing}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {**contents, **{name: name.encode() for name in names}}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname = len(content), time, owner
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def rewritten(tmp_path, monkeypatch):
    """Return a function that builds a tarball and rewrites it."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")

    def rewrite(number, *arguments):
        path = build(tmp_path / f"{number}.tar.gz", *arguments)
        monkeypatch.setattr(sys, "argv", ["reproducible.py", str(path)])
        reproducible.main()
        return path

    return rewrite


def test_two_machines_build_the_same_file(rewritten):
    first = rewritten(1, ["a.py", "b.py"], 1, "root")
    second = rewritten(2, ["b.py", "a.py"], 2, "me")
    assert first.read_bytes() == second.read_bytes()


def test_the_content_stays_and_the_manifest_has_the_digest_of_the_list(rewritten):
    entries = reproducible.read(rewritten(1, ["b.py", "a.py"], 1, "root"))
    assert {name: content for name, (_info, content) in entries.items() if name.endswith(".py")} == {
        "a.py": b"a.py",
        "b.py": b"b.py",
    }
    manifest = json.loads(entries["MANIFEST.json"][1])
    digest = hashlib.sha256(entries["FILES.json"][1]).hexdigest()
    assert manifest["file_manifest_file"]["chksum_sha256"] == digest
    assert {info.mtime for info, _content in entries.values()} == {1700000000}
