#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_baseline
version_added: 1.0.0
short_description: Mark existing Security Hub findings as NOTIFIED, so that they are not sent
description:
  - Sets the workflow status of every finding that a target would forward now to C(NOTIFIED), so that only new or
    recurring findings are sent. Otherwise, each update of a finding with the status C(NEW) sends it. In the new
    Security Hub, which has no C(NOTIFIED), the status becomes C(In Progress).
  - Evaluates findings with exactly the event patterns that M(secops.securityhub.securityhub_slack) deploys from the
    same variables, whether they are deployed yet or not. They match only findings that are C(ACTIVE) and C(NEW), so
    resolved and suppressed findings are left alone.
  - It has no options. It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - If a target fails, the findings of the others are marked, and then the task fails.
author:
  - secops.securityhub maintainers (@secops)
notes:
  - Security Hub may take some minutes to show the new status. A run in the meantime marks the same findings again.
attributes:
  check_mode:
    support: full
    description: Counts what would be marked, and changes nothing.
  diff_mode:
    support: none
    description: Shows no difference; the counts show how many findings change.
  idempotent:
    support: full
    description: A second run has nothing to mark.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - module: secops.securityhub.securityhub_slack_simulate
"""

EXAMPLES = r"""
- name: Start without existing findings
  hosts: all
  gather_facts: false
  tasks:
    - name: Count what would be marked
      secops.securityhub.securityhub_slack_baseline:
      check_mode: true
      register: preview

    - name: Mark them
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
  description: The findings of each target, by host name.
  returned: always
  type: dict
  contains:
    account_id:
      description: ID of the AWS account, empty if it is unknown.
      type: str
      sample: "111111111111"
    region:
      description: The AWS region.
      type: str
      sample: eu-west-1
    findings:
      description: Number of findings that the target would forward now.
      type: int
    severities:
      description: Number of findings by severity.
      type: dict
      sample: {CRITICAL: 9, HIGH: 12}
    marked:
      description: Number of findings that were marked; 0 in check mode.
      type: int
    status:
      description: The status that they get. The new Security Hub has no C(NOTIFIED).
      type: str
      sample: NOTIFIED
    unprocessed:
      description: The findings that AWS did not update, and why.
      type: list
      elements: dict
      contains:
        id:
          description: ID of the finding.
          type: str
        error_code:
          description: Error code.
          type: str
          sample: FindingNotFound
        error_message:
          description: Error message.
          type: str
    failed:
      description: Whether the target failed.
      type: bool
    msg:
      description: Cause and remedy of the failure.
      type: str
summary:
  description: Totals of all targets.
  returned: always
  type: dict
  sample: {findings: 21, marked: 21, unprocessed: 0, failed: 0}
notices:
  description: Notices, such as which region forwards global findings.
  returned: always
  type: list
  elements: str
"""
