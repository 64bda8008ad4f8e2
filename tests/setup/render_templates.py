# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the stack templates that cfn-lint reads: one of each shape that a pipeline can have."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.secops.securityhub.plugins.module_utils._cloudformation.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._cloudformation.template import StackDesign
from ansible_collections.secops.securityhub.plugins.module_utils._cloudformation.template import template

IMPORTED = {
    "source": ["aws.securityhub"],
    "detail-type": ["Security Hub Findings - Imported"],
    "detail": {"findings": {"Severity": {"Label": ["CRITICAL"]}, "RecordState": ["ACTIVE"]}},
}
SENT_BY_HAND = {
    "source": ["aws.securityhub"],
    "detail-type": ["Security Hub Findings - Custom Action"],
    "resources": [{"suffix": ":action/custom/SendToSlack"}],
}


def route(topic: str) -> tuple[Rule, ...]:
    """Return the rules that feed one topic."""
    return (
        Rule(f"{topic}-findings", "Findings that are forwarded automatically", IMPORTED, topic),
        Rule(f"{topic}-action", "Findings sent by hand", SENT_BY_HAND, topic),
    )


DESIGNS = {
    "one-channel": StackDesign("securityhub-slack", ("securityhub-slack",), route("securityhub-slack")),
    "several-channels": StackDesign(
        "securityhub-slack",
        ("securityhub-slack-security", "securityhub-slack-platform"),
        route("securityhub-slack-security") + route("securityhub-slack-platform"),
        (("Team", "security"), ("CostCentre", "1234")),
    ),
}


def main() -> None:
    """Write one file a design to the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, design in DESIGNS.items():
        (folder / f"{name}.json").write_text(json.dumps(template(design), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
