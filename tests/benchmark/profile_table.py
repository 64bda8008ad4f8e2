# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the CPU time of a run goes, from the stacks that py-spy has sampled while they held Python's lock."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

# A frame: a function, and the file and line where it is.
FRAME = re.compile(r"(?P<function>.+) \((?P<file>.+?)(?::\d+)?\)")
IMPORTING = "<frozen importlib._bootstrap>"
COLLECTION = "/plugins/"
OF_CALLS = ("/botocore/", "/boto3/", "/s3transfer/", "/urllib3/")
STAGES = {
    "_model": "settings: variables of the inventory",
    "_inventory": "settings: variables of the inventory",
    "_observe": "observe",
    "_plan": "design and plan",
    "_routing": "design and plan",
    "_stack": "design and plan",
    "_channel": "design and plan",
    "_preflight": "preflight",
    "_apply": "apply",
    "_report": "report",
}
CALLS = "calls to AWS (botocore)"


def shares(raw: str) -> list[tuple[str, float]]:
    """Return what took how much of the CPU time, the largest share first, from lines 'frame;frame;... count'."""
    counts: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _space, count = line.rpartition(" ")
        frames = [found for text in stack.split(";") if (found := FRAME.fullmatch(text))]
        counts[_part([(found["function"], found["file"]) for found in frames])] += int(count)
    return [(part, count / counts.total()) for part, count in counts.most_common()]


def _part(frames: list[tuple[str, str]]) -> str:
    """Return to what a stack of (function, file), the innermost last, belongs."""
    files = [file for _function, file in frames]
    if IMPORTING in files:
        return f"import of {_whose(file for function, file in frames if function == '<module>')}"
    if any(part in file for file in files for part in OF_CALLS):
        return CALLS
    packages = [found[1] for file in files if (found := re.search(r"/module_utils/(_[a-z_]+)/", file))]
    stages = [STAGES[package] for package in packages if package in STAGES]
    if stages:
        return stages[-1]
    return "other code of the collection" if packages else "Ansible"


def _whose(files: Iterable[str]) -> str:
    """Return whose modules are imported, from the files whose code runs: the last one that is of anybody here."""
    for file in reversed(list(files)):
        if any(part in file for part in OF_CALLS):
            return "boto3"
        if "securityhub/plugins/" in file:
            return "the collection"
        if "/ansible/" in file:
            return "Ansible"
    return "Ansible"
