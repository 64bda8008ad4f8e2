#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack
version_added: 1.0.0
short_description: Forward the Security Hub findings of all hosts of the play to Slack
description:
  - Handles every host of the play as a target (one AWS account in one region). It reads all targets in parallel,
    compares them with their variables, and changes what differs.
  - A target gets a Security Hub custom action and one CloudFormation stack with an SNS topic, its policy and
    EventBridge rules. An account gets, once, the channel configuration of Amazon Q Developer in chat
    applications (formerly AWS Chatbot) that subscribes to the topics of all its regions, with an IAM role and a
    guardrail policy.
  - It has no options. It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes, and validates them before the first call to AWS.
  - If C(securityhub_slack_result_file) is set, it writes the result of the run to that file, for programs.
  - If a target fails, the others are deployed, and then the task fails. It shows what happened before, and returns
    only RV(changed) and a sentence. The file has the result of a run that failed, too.
author:
  - secops.securityhub maintainers (@secops)
attributes:
  check_mode:
    support: full
    description: Reports every change, for a first deployment too, and changes nothing in AWS.
  diff_mode:
    support: full
    description:
      - Shows which values of custom action, rules, topics and channel differ, before the report. Targets that change
        alike are shown together.
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
- name: Forward the findings of all regions of the inventory to Slack
  hosts: all
  gather_facts: false
  tasks:
    - name: Deploy all targets and the channel
      secops.securityhub.securityhub_slack:
      register: result

    - name: Show the targets that changed
      ansible.builtin.debug:
        msg: "{{ result.targets | dict2items | selectattr('value.changed') | map(attribute='key') }}"
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether anything was written, or in check mode would be.
  returned: always
  type: bool
targets:
  description: The outcome of each target, by host name.
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
      sample: ap-southeast-1
    policy:
      description: Which findings are forwarded automatically.
      type: str
      sample: MEDIUM and above
    changed:
      description: Whether the target changed, or would change.
      type: bool
    changes:
      description: What was changed, or would be.
      type: list
      elements: str
      sample: ["custom action: create", "stack: create"]
    failed:
      description: Whether the target failed.
      type: bool
    problems:
      description: Everything that keeps the target from being deployed, each with cause and remedy.
      type: list
      elements: str
      sample: ["Security Hub is not enabled. Enable it, or remove the region from the inventory."]
    msg:
      description: The problems or else the changes, in one line.
      type: str
accounts:
  description: The outcome of what each account has once.
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
      description: What was changed, or would be.
      type: list
      elements: str
    channels:
      description:
        - The channel configurations that subscribe to the account's topics, each with C(configuration), C(platform)
          (C(Slack) or C(Microsoft Teams)), C(workspace_id) or C(team_id), C(channel_id), C(topics), and C(foreign).
      type: list
      elements: dict
    notices:
      description: Notices, such as which region forwards global findings.
      type: list
      elements: str
differences:
  description: For each change its C(name) (the hosts, or what of the account), and its C(before) and C(after). Targets
    that change alike are listed together.
  returned: in diff mode
  type: list
  elements: dict
uncovered_regions:
  description:
    - By account, the regions where Security Hub is enabled and whose findings are not forwarded. Accounts without such
      regions are left out.
    - Empty if C(securityhub_slack_report_uncovered_regions) is V(false).
  returned: always
  type: dict
  sample: {"111111111111": [ap-east-1, eu-south-1]}
canary:
  description:
    - The outcome of the test findings, as M(secops.securityhub.securityhub_slack_canary) returns it.
    - A target whose test finding has not arrived is also failed in RV(targets).
  returned: if C(securityhub_slack_verify) is V(true) and the run has connected a target to a channel
  type: dict
summary:
  description: Number of targets, and of those that changed, did not change, and failed.
  returned: always
  type: dict
  sample: {targets: 17, changed: 1, unchanged: 16, failed: 0}
"""
