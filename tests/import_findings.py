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
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

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
    names = sys.argv[1:]
    unknown = [name for name in names if not (FINDINGS / f"{name}.json").is_file()]
    if not aws_state.ENDPOINT:
        sys.exit(
            "AWS_ENDPOINT_URL is not set. Start the emulator, for example with make demo KEEP=1, and set it to the "
            "emulator's URL: export AWS_ENDPOINT_URL=http://127.0.0.1:4577"
        )
    if not names or unknown:
        wrong = f"tests/findings has no {', '.join(unknown)}. " if unknown else ""
        sys.exit(f"{wrong}Name files of tests/findings without .json, for example rds-2-critical-ap-northeast-1.")
    try:
        print(json.dumps({name: import_finding(name) for name in names}))
    except (ValueError, BotoCoreError, ClientError) as error:
        sys.exit(f"{error}. AWS_ENDPOINT_URL is {aws_state.ENDPOINT}.")


if __name__ == "__main__":
    main()
