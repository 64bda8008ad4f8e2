#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_doctor
version_added: 1.0.0
short_description: Tell whether findings of all hosts of the play reach Slack, and what is wrong where they do not
description:
  - Looks at every host of the play (one AWS account in one region) in one go, along the whole way of a finding -
    Security Hub, custom action, stack, EventBridge rules and their targets, SNS topic, its policy, key and
    subscription, the channel configuration of Amazon Q Developer in chat applications, and what all of them have
    counted of late.
  - Compares the resources themselves with what the variables of the hosts want, so that it sees what somebody has
    changed by hand, which CloudFormation does not.
  - Finds regions of the accounts where Security Hub is on and that the inventory does not have.
  - Reads only. It has none of the options of the pipelines, but reads the variables C(securityhub_slack_*) of each
    host, as M(secops.securityhub.securityhub_slack) does.
  - The task itself does not fail for what it finds; assert RV(healthy), as C(playbooks/securityhub_slack_doctor.yml)
    does.
author:
  - secops.securityhub maintainers (@secops)
options:
  html:
    type: path
    description:
      - File on the controller for the report as one HTML page, which needs no network. Not written in check mode.
  json:
    type: path
    description:
      - File on the controller for what this module returns. Not written in check mode.
  hours:
    type: int
    default: 24
    description:
      - How far to look back at the metrics of EventBridge, SNS and Amazon Q, up to 336 hours.
attributes:
  check_mode:
    support: full
    description: Nothing is ever written to AWS; in check mode no report is written to a file either.
  diff_mode:
    support: N/A
    description: It changes nothing.
  idempotent:
    support: full
    description: It changes nothing.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
"""

EXAMPLES = r"""
- name: See whether everything arrives
  hosts: all
  gather_facts: false
  tasks:
    - name: Look at all targets, and write the report
      secops.securityhub.securityhub_slack_doctor:
        html: securityhub-doctor.html
      register: result

    - name: Fail where findings get lost
      ansible.builtin.assert:
        that: result.healthy
        fail_msg: "{{ result.msg }}"
      run_once: true
"""

RETURN = r"""
healthy:
  description: Whether all findings arrive, as far as can be seen. What is only at risk counts as healthy; an uncovered
    region, and what could not be looked at, do not.
  returned: always
  type: bool
msg:
  description: The outcome in a sentence.
  returned: always
  type: str
  sample: "17 targets: 1 with findings that get lost, 16 in order."
summary:
  description: How many targets there are, how many are in each state, and how many regions are uncovered.
  returned: always
  type: dict
  sample: {targets: 17, broken: 1, unknown: 0, risk: 0, ok: 16, none: 0, uncovered: 0}
targets:
  description: What was seen of each host, by its name.
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
      sample: ap-southeast-1
    policy:
      description: What is forwarded automatically, in words.
      type: str
      sample: MEDIUM and above
    state:
      description: The worst state of the checks.
      type: str
      sample: broken
    checks:
      description: By the name of each check its C(state) (V(ok), V(risk), V(unknown), V(broken), or V(none) where
        there is nothing to look at), C(problem), C(effect) on delivery and C(remedy), and a C(note).
      type: dict
      sample:
        rules:
          state: broken
          problem: The rule securityhub-slack-findings is disabled.
          effect: Findings that should be sent by themselves do not arrive, or not all of them.
          remedy: Run the playbook securityhub_slack.yml with -e securityhub_slack_repair_drift=true.
          note: ""
accounts:
  description: By account id, in sentences, what the account is in its organisation, and what a finding aggregator
    copies where. Accounts of which there is nothing to say are left out.
  returned: always
  type: dict
  sample: {"111111111111": ["An aggregator copies the findings of all Regions to eu-west-1"]}
uncovered:
  description: Regions where Security Hub is on and that have no pipeline.
  returned: always
  type: list
  elements: dict
  sample: [{account_id: "111111111111", region: ca-central-1}]
findings:
  description: Everything that is wrong, worst first, alike things once, with the hosts of which it is.
  returned: always
  type: list
  elements: dict
"""
