# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make installs nothing but files with known hashes, and container images are pinned by digest."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import bootstrap_pip
import lay_out_collections
import pytest
import versions
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ROOT / "tests" / "setup" / "locks"
WANTED = {
    "run": ["requirements.txt"],
    "dev": ["requirements.txt", "requirements-dev.txt", "tests/unit/requirements.txt"],
    "emulator": ["tests/emulator/requirements.txt"],
}


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock file: several, if they depend on the platform."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (LOCKS / f"{name}.txt").read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_lock_has_every_requirement_in_a_version_that_it_allows(name):
    found = locked(name)
    for path in WANTED[name]:
        for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                requirement = Requirement(line)
                versions_found = found[canonicalize_name(requirement.name)]
                assert all(requirement.specifier.contains(version) for version in versions_found), line


@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_locked_version_has_hashes_and_no_index(name):
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 5
    assert all("--hash=sha256:" in entry for entry in entries)


def test_everything_that_npm_installs_has_a_hash():
    lock = (ROOT / "tests" / "setup" / "chromium" / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in lock
    packages = [package for path, package in json.loads(lock)["packages"].items() if path]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)


def test_a_run_has_the_versions_that_are_tested():
    assert locked("run").items() <= locked("dev").items()


def test_make_installs_locks_only():
    installed = re.findall(r"(?:pip_install\.py|\$\(PIP_INSTALL\)) -r (\S+)", (ROOT / "Makefile").read_text())
    assert sorted(installed) == sorted(f"tests/setup/locks/{name}.txt" for name in WANTED)


@pytest.fixture
def wheel(tmp_path):
    """Return a wheel that can be installed."""
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", metadata)
        archive.writestr("tiny-1.0.dist-info/WHEEL", tags)
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path


def install(wheel: Path, requirement: str) -> subprocess.CompletedProcess[str]:
    listing = wheel.with_name("lock.txt")
    listing.write_text(f"{requirement}\n", encoding="utf-8")
    command = [sys.executable, ROOT / "tests" / "setup" / "pip_install.py", "--no-index", "--no-cache-dir"]
    options = [f"--find-links={wheel.parent}", f"--target={wheel.parent / 'installed'}", "-r", listing]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("hashed", ["", f" --hash=sha256:{'0' * 64}"], ids=["none", "another"])
def test_a_file_without_a_known_hash_is_not_installed(wheel, hashed):
    done = install(wheel, f"tiny==1.0{hashed}")
    assert done.returncode != 0
    assert "hash" in (done.stdout + done.stderr).lower()
    assert not (wheel.parent / "installed" / "tiny.py").exists()


def test_a_file_with_its_hash_is_installed(wheel):
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert install(wheel, f"tiny==1.0 --hash=sha256:{digest}").returncode == 0
    assert (wheel.parent / "installed" / "tiny.py").exists()


def test_a_pip_that_is_not_the_expected_one_is_refused(tmp_path):
    wheel, page = tmp_path / bootstrap_pip.WHEEL, tmp_path / "page"
    wheel.write_bytes(b"something else")
    listed = {"filename": wheel.name, "url": wheel.as_uri(), "hashes": {"sha256": hashlib.sha256(b"x").hexdigest()}}
    page.write_text(json.dumps({"files": [listed]}), encoding="utf-8")
    with pytest.raises(ValueError, match="SHA-256"):
        bootstrap_pip.download(page.as_uri())


def test_every_copy_of_amazon_aws_has_a_digest():
    assert {len(lay_out_collections.digest(entry.ansible)) for entry in versions.entries()} == {64}


def images(value: object) -> list[str]:
    """Return the container images in a YAML document: of execution environments, workflows and molecule scenarios."""
    if isinstance(value, list):
        return [image for item in value for image in images(item)]
    if not isinstance(value, dict):
        return []
    found = [image for item in value.values() for image in images(item)]
    for key in ("base_image", "builder_image"):
        found += [value[key]["name"]] if isinstance(value.get(key), dict) else []
    return found + [value[key] for key in ("image", "container") if isinstance(value.get(key), str)]


def test_images_are_pinned_by_digest():
    folders = ("*", ".github/**/*", "extensions/**/*", "tests/**/*")
    files = [path for folder in folders for path in ROOT.glob(folder) if path.is_file()]
    assert not [path for path in files if path.name.startswith(("Dockerfile", "Containerfile"))]
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix in {".yml", ".yaml"}]
    found = [image for text in texts for document in yaml.safe_load_all(text) for image in images(document)]
    # What users build here themselves has no digest before it is built.
    pulled = {image for image in found if not image.startswith("localhost/")}
    assert pulled, "execution-environment.yml names an image"
    assert [image for image in pulled if not re.search(r"@sha256:[0-9a-f]{64}$", image)] == []
