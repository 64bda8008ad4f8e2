# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail if cloudsplaining finds that an IAM policy allows too much."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cloudsplaining.command.scan_policy_file import scan_policy


def findings(text: str) -> list[str]:
    """Return what cloudsplaining finds in a policy document, whatever its severity."""
    risks = {kind: found for kind, found in scan_policy(json.loads(text)).items() if kind != "ServicesAffected"}
    return [f"{kind}: {finding}" for kind, found in risks.items() for finding in found["findings"]]


def main() -> int:
    """Scan the files named on the command line."""
    found = {name: findings(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]}
    print("".join(f"{name}: {finding}\n" for name, of_file in found.items() for finding in of_file), end="")
    return 1 if not found or any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
