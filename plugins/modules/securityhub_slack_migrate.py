#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_migrate
version_added: 1.0.0
short_description: Migrate accounts from AWS's Security Hub template of 2020 to this collection
description:
  - Finds the resources of AWS's template C(SecurityHub_to_AWSChatBot.yml) of 2020 in all regions of the inventory.
    These are its stacks, in any state; the channel configuration C(securityhubnotification); and rules, topics,
    functions and custom actions that no stack has any more.
  - Deploys as M(secops.securityhub.securityhub_slack) does, replaces the topics of the channel in a single write, and
    then deletes the resources of the template. The custom action and the channel are adopted.
  - Has no options. It reads the variables C(securityhub_slack_*) of each host, which are described in the role
    P(secops.securityhub.securityhub_slack#role).
  - If a target fails, the others are migrated, and then the task fails, after it has shown what happened.
author:
  - secops.securityhub maintainers (@secops)
notes:
  - A stack is recognized as one of the template if it has the Lambda function C(addcustomactionsecurityhub), the custom
    resource C(AddCustomActionSHResource1) that calls it, and a rule for the custom action C(SendToSlack); or if it only
    has the channel configuration C(securityhubnotification) and its role. Other stacks are left alone.
  - A target fails and is left unchanged if a stack of the template has other resources too, has termination protection
    or is nested, or if its topic has other subscribers or receives messages from other rules.
  - A channel configuration is adopted if it is as the template created it. If it was changed since then, it keeps its
    role, its guardrail policies and all other settings, and only the topics of the template are replaced.
  - A stack can stay in C(DELETE_IN_PROGRESS) for an hour, because its Lambda function does not respond. The target
    fails after C(securityhub_slack_stack_timeout) seconds. Rerun the playbook later to continue.
  - IAM roles that look like those of the template, and that no stack in the regions of the inventory has, are listed in
    RV(accounts[].notices) and kept, because a stack in another region may have them. The log group of the Lambda
    function is kept too.
attributes:
  check_mode:
    support: full
    description: Reports the resources of the template and what would be done with them, without changing anything.
  diff_mode:
    support: full
    description: Reports what would change in deployments and channels, as M(secops.securityhub.securityhub_slack) does.
  idempotent:
    support: full
    description: A second run finds no resources of the template. A run after an interruption continues.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - name: The template of 2020
    description: The template and its known problems.
    link: https://github.com/aws-samples/aws-securityhub-to-slack
"""

EXAMPLES = r"""
- name: Migrate from the template of 2020
  hosts: all
  gather_facts: false
  tasks:
    - name: Find the resources of the template
      secops.securityhub.securityhub_slack_migrate:
      check_mode: true
      register: preview

    - name: Migrate
      secops.securityhub.securityhub_slack_migrate:
      when: preview.summary.leftovers > 0
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether anything was changed, or would be changed in check mode.
  returned: always
  type: bool
targets:
  description: The result of each host, by host name.
  returned: always
  type: dict
  contains:
    account_id:
      description: The AWS account, or an empty string if it is not known.
      type: str
      sample: "111111111111"
    region:
      description: The AWS region.
      type: str
      sample: ap-southeast-1
    leftovers:
      description: The resources of the template that existed before this run, and what is done with each of them.
      type: list
      elements: dict
      contains:
        kind:
          description: C(stack), C(rule), C(topic), C(function) or C(custom action).
          type: str
        name:
          description: The name or ARN of the resource.
          type: str
          sample: hub-to-slack
        status:
          description: The status of a stack, or an empty string.
          type: str
          sample: DELETE_FAILED
        plan:
          description: What is done with the resource, or would be done in check mode.
          type: str
          sample: delete, but retain AddCustomActionSHResource1
    policy:
      description: The findings that are forwarded automatically, in words.
      type: str
      sample: MEDIUM and above
    changed:
      description: Whether the target changed or had resources of the template, or would change in check mode.
      type: bool
    changes:
      description: The changes to the target's deployment.
      type: list
      elements: str
      sample: ["custom action: update", "stack: create"]
    failed:
      description: Whether the target failed.
      type: bool
    msg:
      description: Cause and fix of a failure; otherwise the changes, and what is done with each leftover, in one line.
      type: str
accounts:
  description: The result of each account.
  returned: always
  type: list
  elements: dict
  contains:
    account_id:
      description: The AWS account.
      type: str
      sample: "111111111111"
    leftovers:
      description: The channel configurations of the template, with the same keys as the leftovers of a target.
      type: list
      elements: dict
      sample:
        - kind: channel configuration
          name: securityhubnotification
          status: ""
          plan: adopt, with a role and a guardrail policy of this collection
    changed:
      description: Whether the channel, its role or its guardrail policy changed, or would change in check mode.
      type: bool
    changes:
      description: The changes to the account's channel, role and guardrail policy.
      type: list
      elements: str
    channels:
      description: The channel configurations that have topics of the account.
      type: list
      elements: dict
    notices:
      description: Things to know, such as roles to delete manually.
      type: list
      elements: str
uncovered_regions:
  description: The same as the return value of M(secops.securityhub.securityhub_slack).
  returned: always
  type: dict
summary:
  description: The number of targets, of those that changed, did not change and failed, and of leftovers.
  returned: always
  type: dict
  sample: {targets: 17, changed: 17, unchanged: 0, failed: 0, leftovers: 18}
"""
