# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python of the emulator, which has the engine of JSONata that Step Functions is emulated with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

PYTHON = Path(__file__).resolve().parents[2] / ".cache" / "emulator" / "venv" / "bin" / "python"
EVALUATE = """
import json, sys
from ministack.services import stepfunctions
expression, inputs = json.load(sys.stdin)
json.dump([stepfunctions._evaluate_jsonata(expression, given) for given in inputs], sys.stdout)
"""


def run(program: str, given: Any) -> Any:
    """Return what a program, which reads and writes JSON, answers."""
    done = subprocess.run([PYTHON, "-c", program], input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def evaluated(field: str, inputs: list[Any]) -> list[Any]:
    """Return the values of a state's field, which is an expression, for inputs of the state."""
    answers: list[Any] = run(EVALUATE, [field.removeprefix("{%").removesuffix("%}"), inputs])
    return answers
