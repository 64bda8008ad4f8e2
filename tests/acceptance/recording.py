# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep AWS's answers, sanitized, as fixtures for the emulator's tests, and compare the shape of answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.acceptance.masking import Mask


class Recorder:
    """Keeps the largest answer to each operation, and each error code, that the clients of a session get."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.answers: dict[str, dict[str, Any]] = {}

    def install(self, session: Any) -> None:
        """Listen to a boto3 session; call it before a client is created."""
        session.events.register("after-call", self._keep)

    def _keep(self, parsed: dict[str, Any], model: Any, **_more: Any) -> None:
        answer = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        code = answer.get("Error", {}).get("Code", "")
        if code:
            answer = {"Error": {"Code": code, "Message": self.mask.text(str(answer["Error"].get("Message", "")))}}
        else:
            answer = self.mask.value(answer, model.output_shape)
        service, operation = model.service_model.service_name, model.name
        name = ".".join(filter(None, (service, operation, code)))
        before = self.answers.get(name, {}).get("answer", {})
        if name not in self.answers or len(json.dumps(answer)) > len(json.dumps(before)):
            self.answers[name] = {"service": service, "operation": operation, "answer": answer}

    def write(self, folder: Path) -> None:
        """Write one file for each operation and error code."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, answer in self.answers.items():
            text = json.dumps(answer, indent=2, sort_keys=True) + "\n"
            (folder / f"{name}.json").write_text(text, encoding="utf-8")


def compared(folder: Path, answers: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Return, by the name of each file that Recorder.write has written, how other answers differ in shape."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"))
        other = answers.get(path.stem)
        found[path.stem] = differences(recorded["answer"], other["answer"]) if other else ["no such answer"]
    return {name: listed for name, listed in found.items() if listed}


def differences(recorded: Any, emulated: Any, where: str = "") -> list[str]:
    """Return what an answer of the emulator lacks, or has in another type, compared to AWS's recorded answer.

    Lists are compared by their first members, and only if both have one. The emulator may add members.
    """
    if isinstance(recorded, dict) and isinstance(emulated, dict):
        missing = [f"{where}{name}: missing" for name in recorded if name not in emulated]
        common = [name for name in recorded if name in emulated]
        return missing + [
            found for name in common for found in differences(recorded[name], emulated[name], f"{where}{name}.")
        ]
    if isinstance(recorded, list) and isinstance(emulated, list):
        return differences(recorded[0], emulated[0], f"{where}0.") if recorded and emulated else []
    kinds = [type(value).__name__ for value in (recorded, emulated)]
    numbers = {"int", "float"}
    same = kinds[0] == kinds[1] or set(kinds) <= numbers or recorded is None
    return [] if same else [f"{where.rstrip('.')}: {kinds[0]}, not {kinds[1]}"]
