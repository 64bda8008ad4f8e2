# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the plugins and roles of the collection that `ansible-doc --metadata-dump` lists, by kind."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Read the dump named on the command line."""
    documented = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["all"]
    documented.pop("keyword", None)  # Ansible's own
    for kind, plugins in sorted(documented.items()):
        if plugins:
            print(f"{kind}: {', '.join(sorted(name.rpartition('.')[2] for name in plugins))}")


if __name__ == "__main__":
    main()
