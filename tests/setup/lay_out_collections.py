# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill .ansible/collections: this checkout as secops.securityhub, and amazon.aws beside it.

Ansible Galaxy is not used: the PyPI package `ansible` contains amazon.aws, and only that part is unpacked (5 MB of
500). The checkout is linked, not copied, so edits take effect immediately.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from pathlib import Path

from pip_install import pip

ROOT = Path(__file__).resolve().parents[2]
MATRIX = ROOT / "tests" / "matrix.json"
AMAZON_AWS = "ansible_collections/amazon/aws/"


def link_checkout(collections: Path) -> None:
    """Link the checkout into the collections path as secops.securityhub."""
    link = collections / "ansible_collections" / "secops" / "securityhub"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)


def digest(ansible_version: str) -> str:
    """Return the SHA-256 digest that the wheel of a version must have."""
    entries = json.loads(MATRIX.read_text(encoding="utf-8"))
    return next(entry["ansible-sha256"] for entry in entries if entry["ansible"] == ansible_version)


def unpack_amazon_aws(collections: Path, ansible_version: str) -> None:
    """Extract amazon.aws from the wheel of the PyPI package `ansible` of that version."""
    print(f"  downloading ansible {ansible_version} (50 MB) for its copy of amazon.aws", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # The wheel is only unpacked here, so the Python version that it requires does not matter.
        of_any = ("--no-deps", "--only-binary=:all:", "--python-version=3.14")
        locked = Path(folder) / "locked.txt"
        locked.write_text(f"ansible=={ansible_version} --hash=sha256:{digest(ansible_version)}\n", encoding="utf-8")
        pip("download", *of_any, f"--dest={folder}", f"--requirement={locked}")
        (wheel,) = Path(folder).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(AMAZON_AWS)]
            archive.extractall(collections, names)


def main() -> None:
    """Fill the collections path that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, default=ROOT / ".ansible" / "collections")
    parser.add_argument("--ansible-version", default="14.5.0", help="PyPI version of ansible to take amazon.aws from")
    args = parser.parse_args()
    link_checkout(args.collections)
    if not (args.collections / AMAZON_AWS / "MANIFEST.json").exists():
        unpack_amazon_aws(args.collections, args.ansible_version)


if __name__ == "__main__":
    main()
