# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explain why a finding is forwarded or not, from the deployed patterns and the policy of the inventory."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.secops.securityhub.plugins.module_utils._routing import policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing import simulation
from ansible_collections.secops.securityhub.plugins.module_utils._routing import topology

ROOT = Path(__file__).resolve().parents[2]
NAME = "securityhub-slack"


def regions_with_policies(inventory: str) -> dict[str, policy.Policy]:
    """Return the policy of each host of the inventory; hosts are named after their regions."""
    loader = DataLoader()
    hosts = InventoryManager(loader, sources=[str(ROOT / inventory)])
    variables = VariableManager(loader, hosts)
    defaults = yaml.safe_load((ROOT / "roles/securityhub_slack/defaults/main.yml").read_text(encoding="utf-8"))
    today = datetime.date.today()
    return {
        host.name: policy.policy_of({**defaults, **variables.get_vars(host=host)}, today) for host in hosts.get_hosts()
    }


def verdicts(
    findings: dict[str, Any],
    policies: dict[str, policy.Policy],
    rules: dict[str, dict[str, dict[str, Any]]],
    account: str,
) -> dict[str, simulation.Decision]:
    """Return for each finding whether it is forwarded, and why. *rules*: of each region, as in aws_state."""
    candidates = [topology.Candidate(region, ((NAME, of_region),)) for region, of_region in policies.items()]
    assignments = topology.lay_out(candidates, None, topology.AUTO, "").assignments
    targets = [
        simulation.Target(
            host=assignment.region,
            account=account,
            region=assignment.region,
            rules=tuple(
                simulation.Rule(name, rule["pattern"], NAME) for name, rule in rules[assignment.region].items()
            ),
            channels=(simulation.Channel(NAME, policies[assignment.region], assignment.scopes[0]),),
        )
        for assignment in assignments
    ]
    outlooks = simulation.simulate(findings.values(), targets, {})
    return {name: outlook.decision for name, (_finding, outlook) in zip(findings, outlooks)}
