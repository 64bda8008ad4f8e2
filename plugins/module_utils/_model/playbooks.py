# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that remedies name. PRIVATE to the collection."""

from __future__ import annotations

# The action replaces it by the inventories and variables of the run's command line.
INVENTORY = "-i <inventory>"
BEGINNING = "ansible-playbook "

DEPLOY = f"{BEGINNING}{INVENTORY} secops.securityhub.securityhub_slack"
REPAIR = f"{DEPLOY} -e securityhub_slack_repair_drift=true"
CANARY, DOCTOR, EXPORT, MIGRATE = (f"{DEPLOY}_{name}" for name in ("canary", "doctor", "export", "migrate"))
