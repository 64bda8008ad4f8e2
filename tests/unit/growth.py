# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the main command in check mode over any number of accounts, each of which answers as a recorded one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._commands import deploy
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Context
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Outcome
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Settings
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.tests.unit import account_model as model
from ansible_collections.secops.securityhub.tests.unit.replay import Recording
from ansible_collections.secops.securityhub.tests.unit.replay import Replay
from ansible_collections.secops.securityhub.tests.unit.said import Said

FIRST_ACCOUNT = 200_000_000_000


def run(aws: Clients, hosts: Sequence[Settings]) -> Outcome:
    """Run the main command in check mode."""
    return deploy.run(
        Context(
            aws=aws,
            targets=[TargetSnapshot(item) for item in hosts],
            unselected=[],
            options={},
            check_mode=True,
            diff=False,
            now=datetime.datetime.combine(model.TODAY, datetime.time(12), datetime.timezone.utc),
            progress=Said(),
            write=lambda _path, _text: None,
            selection="-i hosts.yml",
        )
    )


def replayed(recording: Recording, hosts: Sequence[Settings], accounts: int) -> Replay:
    """Run over so many accounts with the *hosts* of the recorded one, and return the clients that have answered."""
    aws = Replay(hosts[0].source.role_arn.split(":")[4], recording.answers)
    targets = [
        replace(item, host=f"{number}.{item.region}", source=replace(item.source, role_arn=role))
        for number in range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
        for role in [f"arn:aws:iam::{number}:role/deploy"]
        for item in hosts
    ]
    outcome = run(aws, targets)
    assert outcome.result["summary"]["unchanged"] == len(targets)
    return aws
