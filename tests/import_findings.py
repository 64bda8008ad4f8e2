# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import findings of tests/findings, each in its own account and region, in the given order.

python tests/import_findings.py NAME... prints {name: Id}; AWS_ENDPOINT_URL says where AWS is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import aws_state

FINDINGS = Path(__file__).resolve().parent / "findings"


def import_finding(name: str, endpoint: str = aws_state.ENDPOINT) -> str:
    """Import one finding as the service does that has found it; return its Id. Raise ValueError if refused."""
    finding = json.loads((FINDINGS / f"{name}.json").read_text(encoding="utf-8"))
    client = aws_state.client("securityhub", finding["Region"], finding["AwsAccountId"], endpoint)
    failed = client.batch_import_findings(Findings=[finding])["FailedFindings"]
    if failed:
        raise ValueError(f"{name} could not be imported: {failed[0]['ErrorMessage']}")
    return str(finding["Id"])


def main() -> None:
    """Import the findings that are named on the command line."""
    print(json.dumps({name: import_finding(name) for name in sys.argv[1:]}))


if __name__ == "__main__":
    main()
