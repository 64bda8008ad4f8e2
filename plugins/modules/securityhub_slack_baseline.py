#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_baseline
version_added: 1.0.0
short_description: Mark the Security Hub findings that are already there as NOTIFIED, so that they are not sent
description:
  - Sets the workflow status of every finding that a target's pipeline would send as it stands to C(NOTIFIED), so that
    only findings that appear or come back from now on are sent. Otherwise each update of a finding that is C(NEW) sends
    it.
  - Decides by the event patterns that M(secops.securityhub.securityhub_slack) deploys from the same variables,
    whether they are deployed yet or not. They ask for findings that are C(ACTIVE) and C(NEW), so that what
    somebody has resolved or suppressed is left alone.
  - It has no options. It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - The task itself does not fail for a target; look at RV(summary).
author:
  - secops.securityhub maintainers (@secops)
notes:
  - Security Hub may take some minutes to show the new status. Findings that it still shows as C(NEW) are marked again
    by a run in the meantime.
attributes:
  check_mode:
    support: full
    description: Counts what would be marked, and writes nothing.
  diff_mode:
    support: none
    description: Shows no difference; the counts say how many findings change.
  idempotent:
    support: full
    description: A second run finds nothing to mark.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - module: secops.securityhub.securityhub_slack_simulate
"""

EXAMPLES = r"""
- name: Begin in silence
  hosts: all
  gather_facts: false
  tasks:
    - name: Count what would be marked
      secops.securityhub.securityhub_slack_baseline:
      check_mode: true
      register: preview

    - name: Mark it
      secops.securityhub.securityhub_slack_baseline:
      when: preview.summary.findings < 5000
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether any finding was marked, or in check mode would be.
  returned: always
  type: bool
targets:
  description: What was found and marked for each host, by its name.
  returned: always
  type: dict
  contains:
    account_id:
      description: The AWS account, empty if it could not be found out.
      type: str
      sample: "111111111111"
    region:
      description: The AWS region.
      type: str
      sample: eu-west-1
    findings:
      description: How many findings the target would send as they stand.
      type: int
    severities:
      description: How many of each severity.
      type: dict
      sample: {CRITICAL: 9, HIGH: 12}
    marked:
      description: How many of them were marked; none in check mode.
      type: int
    unprocessed:
      description: The findings that AWS did not update, with its reason.
      type: list
      elements: dict
      contains:
        id:
          description: The finding's id.
          type: str
        error_code:
          description: AWS's code.
          type: str
          sample: FindingNotFound
        error_message:
          description: AWS's sentence.
          type: str
    failed:
      description: Whether the target failed.
      type: bool
    msg:
      description: Cause and remedy of a failure.
      type: str
summary:
  description: The same for all targets together.
  returned: always
  type: dict
  sample: {findings: 21, marked: 21, unprocessed: 0, failed: 0}
notices:
  description: What is worth knowing, such as the owner region of global findings.
  returned: always
  type: list
  elements: str
"""
