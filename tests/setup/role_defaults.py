# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write roles/*/defaults/main.yml from the argument specs of the roles, which define the defaults."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
HEAD = "---\n# Written by tests/setup/role_defaults.py from meta/argument_specs.yml, which describes each.\n"


def defaults(spec: dict[str, Any]) -> str:
    """Return the text of a defaults file. Variables without a default are commented out."""
    lines = []
    for name, option in spec.items():
        if "default" in option:
            value = yaml.safe_dump(option["default"], default_flow_style=True, width=200).removesuffix("...\n").rstrip()
            lines.append(f"{name}: {value}")
        else:
            lines.append(f"# {name}:")
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    """Write the files, or with --check fail if one of them is out of date."""
    stale = 0
    for specs in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        wanted = defaults(yaml.safe_load(specs.read_text())["argument_specs"]["main"]["options"])
        target = specs.parents[1] / "defaults" / "main.yml"
        if target.exists() and target.read_text() == wanted:
            continue
        stale += 1
        if "--check" in sys.argv:
            print(
                f"{target.relative_to(ROOT)} is out of date. Run: .venv/bin/python tests/setup/role_defaults.py",
                file=sys.stderr,
            )
            continue
        target.parent.mkdir(exist_ok=True)
        target.write_text(wanted)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
