#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack
version_added: 1.0.0
short_description: Deploy or remove the Security Hub pipelines of all hosts of the play, and their Slack channels
description:
  - Handles every host of the play as a target (one AWS account in one region) in one go - it reads all of them at once,
    compares them with what their variables say, and writes what differs, all at once.
  - A target gets a pipeline - a Security Hub custom action and one CloudFormation stack with an SNS topic, its policy
    and EventBridge rules. An account gets, once, the Slack channel configuration of Amazon Q Developer in chat
    applications (formerly AWS Chatbot) that carries the topics of all its regions, with an IAM role and a
    guardrail policy.
  - It has no options. It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes, and checks them before the first call to AWS.
  - Where C(securityhub_slack_result_file) names a file, it writes there what came of the run, for programs.
  - The task itself does not fail for a target; look at RV(targets), or use the role, which lets a failed target fail
    its host.
author:
  - secops.securityhub maintainers (@secops)
attributes:
  check_mode:
    support: full
    description: Predicts every change, also on a first deployment, and writes nothing to AWS.
  diff_mode:
    support: full
    description: Shows custom action, rules, topics and channel before and after, alike targets together.
  idempotent:
    support: full
    description: A second run changes nothing.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_action_target
  - module: secops.securityhub.chatbot_slack_channel_configuration
"""

EXAMPLES = r"""
- name: Bring the findings of all regions of the inventory into Slack
  hosts: all
  gather_facts: false
  tasks:
    - name: Apply the pipelines and the channel
      secops.securityhub.securityhub_slack:
      register: result

    - name: Tell apart what happened
      ansible.builtin.debug:
        msg: "{{ result.targets | dict2items | selectattr('value.failed') | map(attribute='key') }}"
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether anything was written, or in check mode would be.
  returned: always
  type: bool
targets:
  description: What became of each host, by its name.
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
    changed:
      description: Whether the target's pipeline changed, or would change.
      type: bool
    changes:
      description: What was, or would be, written.
      type: list
      elements: str
      sample: ["custom action: create", "stack: create"]
    failed:
      description: Whether the target failed.
      type: bool
    problems:
      description: All that keeps the target from being built, or what it failed with - each with cause and remedy.
      type: list
      elements: str
      sample: ["Security Hub is not enabled there: enable it, or take the region out of the inventory."]
    msg:
      description: The problems in one line, else the changes.
      type: str
accounts:
  description: What became of what each account has once.
  returned: always
  type: list
  elements: dict
  contains:
    account_id:
      description: The AWS account.
      type: str
      sample: "111111111111"
    changed:
      description: Whether channel, role or guardrail changed, or would change.
      type: bool
    changes:
      description: What was, or would be, written.
      type: list
      elements: str
    channels:
      description: The channel configurations that the account's topics go to.
      type: list
      elements: dict
    notices:
      description: What is worth knowing, such as the owner region of global findings.
      type: list
      elements: str
uncovered_regions:
  description:
    - The regions, by account, where Security Hub is on and nobody sends the findings. Accounts without such regions are
      left out.
    - Empty where C(securityhub_slack_report_uncovered_regions) is off.
  returned: always
  type: dict
  sample: {"111111111111": [ap-east-1, eu-south-1]}
summary:
  description: How many targets there are, and how many of them changed, did not change, and failed.
  returned: always
  type: dict
  sample: {targets: 17, changed: 1, unchanged: 16, failed: 0}
"""
