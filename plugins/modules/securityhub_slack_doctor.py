#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_doctor
version_added: 1.0.0
short_description: Check whether Security Hub findings reach Slack from all hosts of the play
description:
  - Checks the entire delivery path of findings for all hosts of the play (one AWS account in one region each) in one
    task - Security Hub, custom action, stack, EventBridge rules and their targets, SNS topic, its policy, key and
    subscriptions, the channel configuration of Amazon Q Developer in chat applications, and the recent metrics of
    these services.
  - Compares the live resources with the variables of the hosts, so that it finds manual changes, which CloudFormation
    does not.
  - Finds regions of the accounts where Security Hub is enabled and that the inventory lacks.
  - Reads only. It uses the variables C(securityhub_slack_*) of each host, as M(secops.securityhub.securityhub_slack)
    does, and has no options for them.
  - The task fails if findings are lost or if something could not be checked. It shows the report before, and returns
    only a sentence. The file O(json) has the result of an unhealthy run, too.
author:
  - secops.securityhub maintainers (@secops)
options:
  html:
    type: path
    description:
      - File on the controller for the report as one HTML page that loads nothing from the network. It is not written
        in check mode.
  json:
    type: path
    description:
      - File on the controller for the return values of this module. It is not written in check mode.
  hours:
    type: int
    default: 24
    description:
      - Period for which the metrics of EventBridge, SNS and Amazon Q are read, in hours, from 1 to 336.
attributes:
  check_mode:
    support: full
    description: The module never writes to AWS. In check mode it does not write files either.
  diff_mode:
    support: N/A
    description: The module changes nothing.
  idempotent:
    support: full
    description: The module changes nothing.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
"""

EXAMPLES = r"""
- name: Check whether all findings arrive
  hosts: all
  gather_facts: false
  tasks:
    - name: Check all targets and write the report
      secops.securityhub.securityhub_slack_doctor:
        html: securityhub-doctor.html
"""

RETURN = r"""
healthy:
  description: Whether all findings arrive, as far as can be checked. A target at risk counts as healthy. An uncovered
    region does not, nor does anything that could not be checked.
  returned: always
  type: bool
msg:
  description: The outcome in a sentence.
  returned: always
  type: str
  sample: "17 targets: 1 losing findings, 16 in order."
summary:
  description: The number of targets, the number in each state, and the number of regions that the inventory lacks.
  returned: always
  type: dict
  sample: {targets: 17, broken: 1, unknown: 0, risk: 0, ok: 16, none: 0, uncovered: 0, unlisted: 0}
targets:
  description: The results of each host, by its name.
  returned: always
  type: dict
  contains:
    account_id:
      description: The AWS account ID, empty if it could not be read.
      type: str
      sample: "111111111111"
    region:
      description: The AWS region.
      type: str
      sample: ap-southeast-1
    policy:
      description: Which findings are forwarded automatically, in words.
      type: str
      sample: MEDIUM and above
    state:
      description: The worst state of the checks.
      type: str
      sample: broken
    checks:
      description: By the name of each check, its C(state) (V(ok), V(risk), V(unknown), V(broken), or V(none) if there
        is nothing to check), C(problem), C(effect) on delivery, C(remedy), C(commands) of the remedy, and C(note).
      type: dict
      sample:
        rules:
          state: broken
          problem: The rule securityhub-slack-findings is disabled.
          effect: Findings that should be sent automatically do not arrive, or not all of them.
          remedy: Run the playbook with drift repair to restore it.
          commands:
            - ansible-playbook -i <inventory> secops.securityhub.securityhub_slack
              -e securityhub_slack_repair_drift=true
          note: ""
accounts:
  description: By account ID, sentences about the account's place in its organization, and about the regions that its
    finding aggregator links. Accounts without either are left out.
  returned: always
  type: dict
  sample: {"111111111111": ["An aggregator copies the findings of all regions to eu-west-1"]}
uncovered:
  description: Regions where Security Hub is enabled and nothing is deployed.
  returned: always
  type: list
  elements: dict
  sample: [{account_id: "111111111111", region: ca-central-1}]
unlisted:
  description: Regions with a deployment that the inventory lacks.
  returned: always
  type: list
  elements: dict
  sample: [{account_id: "111111111111", region: ca-west-1}]
findings:
  description: All problems, worst first, with the hosts that have them. The same problem of several hosts is listed
    once.
  returned: always
  type: list
  elements: dict
"""
