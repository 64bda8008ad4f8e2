# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading, planning and reporting cost by the number of targets: growth.py URL ACCOUNT REGION...

The accounts answer at once, as one of the emulator has answered, so only the work of the collection itself is measured.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import sys
import time

from ansible_collections.secops.securityhub.plugins.plugin_utils._command_action import OBJECTS_BEFORE_COLLECTION
from ansible_collections.secops.securityhub.tests.unit import account_model as model
from ansible_collections.secops.securityhub.tests.unit import growth
from ansible_collections.secops.securityhub.tests.unit.replay import Recording

ACCOUNTS = (1, 10, 100, 1000)


def cost(recording: Recording, hosts: list[model.Settings], accounts: int) -> dict[str, float]:
    """Return the CPU seconds and MiB of a run in a process of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
        started = time.process_time()
        aws = growth.replayed(recording, hosts, accounts)
        seconds = time.process_time() - started - sum(aws.seconds)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        os.write(writing, json.dumps({"targets": accounts * len(hosts), "cpu": seconds, "memory": memory}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found: dict[str, float] = json.loads(answer.read())
    os.wait()
    return found


def main() -> None:
    """Print the results as JSON."""
    url, account, *regions = sys.argv[1:]
    role = f"arn:aws:iam::{account}:role/deploy"
    channel = {"workspace_id": "T0123456789", "channel_id": "C0123456789"}
    hosts = [model.settings(region, endpoint_url=url, role_arn=role, **channel) for region in regions]
    recording = Recording()
    growth.run(recording, hosts)
    rows = [cost(recording, hosts, accounts) for accounts in ACCOUNTS]
    day = time.strftime("%Y-%m-%d")
    print(json.dumps({"python": platform.python_version(), "cores": os.cpu_count(), "day": day, "rows": rows}))


if __name__ == "__main__":
    main()
