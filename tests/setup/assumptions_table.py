# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table in docs/docsite/rst/assumptions.rst from tests/emulator/assumptions.yml. --check: only compare."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests" / "emulator" / "assumptions.yml"
PAGE = ROOT / "docs" / "docsite" / "rst" / "assumptions.rst"
BEGIN = ".. Written by tests/setup/assumptions_table.py from tests/emulator/assumptions.yml.\n\n"
HEADINGS = ("Assumption", "What depends on it", "How acceptance settles it")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the table in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 40 30 30", ""]
    cells = [HEADINGS]
    for row in rows:
        name = f"``{row['switch']}`` ({row['certainty']}): "
        cells.append((name + _text(row["assumption"]), _text(row["depends"]), _text(row["acceptance"])))
    for first, *others in cells:
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    sentence = re.sub(r"([*`|])", r"\\\1", " ".join(value.split()))
    # The names of variables, and of operations and fields of AWS, are literal.
    return re.sub(r"(?<![\w`])(securityhub_slack_\w+|\$or)", r"``\1``", sentence)


def main() -> int:
    """Write the page, or with --check fail if it is out of date."""
    text = PAGE.read_text(encoding="utf-8")
    wanted = text.partition(BEGIN)[0] + BEGIN + table(yaml.safe_load(TABLE.read_text(encoding="utf-8")))
    if text == wanted:
        return 0
    if "--check" in sys.argv:
        command = ".venv/bin/python tests/setup/assumptions_table.py"
        print(f"{PAGE.relative_to(ROOT)} is out of date. Run: {command}", file=sys.stderr)
        return 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
