#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_migrate
version_added: 1.0.0
short_description: Move accounts from AWS's Security Hub template of 2020 to this collection
description:
  - Finds what C(SecurityHub_to_AWSChatBot.yml) has left in all regions of the inventory - stacks, in whatever state
    they are stuck, recognised by their resources; the channel configuration C(securityhubnotification); and rules,
    topics, functions and custom actions that no stack holds any more.
  - Then builds the pipelines as M(secops.securityhub.securityhub_slack) does, exchanges the topics of the channel
    in one write, and takes away what is left. Custom action and channel stay.
  - It has no options. It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - The task itself does not fail for a target; look at RV(summary).
author:
  - secops.securityhub maintainers (@secops)
notes:
  - A stack of the template is one that holds the function C(addcustomactionsecurityhub), the custom resource
    C(AddCustomActionSHResource1) that calls it, and a rule for the custom action C(SendToSlack); or nothing but the
    channel C(securityhubnotification) and its role. What only looks like that is left alone.
  - A target fails, and is left as it is, where a stack of the template holds something else too or is protected, and
    where somebody else uses its topic.
  - A channel is taken over if it is as the template made it. One that somebody has changed since then keeps its role,
    its guardrail and all but the template's topics.
  - A stack in C(DELETE_IN_PROGRESS) may need an hour until CloudFormation gives its function up. The target fails after
    C(securityhub_slack_stack_timeout), and the next run goes on from there.
  - IAM roles that look like the template's and that no stack in the inventory's regions holds are named in
    RV(accounts[].notices), and not deleted, since a stack in another region may hold them. The function's log group
    stays too.
attributes:
  check_mode:
    support: full
    description: Shows what is there of the template and what would become of it, and writes nothing.
  diff_mode:
    support: full
    description: Shows what would differ in the pipelines and channels, as M(secops.securityhub.securityhub_slack)
      does.
  idempotent:
    support: full
    description: A second run finds nothing left. One after an interruption goes on from there.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - name: The template of 2020
    description: The template, and what is wrong with it.
    link: https://github.com/aws-samples/aws-securityhub-to-slack
"""

EXAMPLES = r"""
- name: Move from the template of 2020
  hosts: all
  gather_facts: false
  tasks:
    - name: Look what is left of it
      secops.securityhub.securityhub_slack_migrate:
      check_mode: true
      register: left

    - name: Move
      secops.securityhub.securityhub_slack_migrate:
      when: left.summary.leftovers > 0
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
    leftovers:
      description: What there was of the template before this run, and what becomes of it.
      type: list
      elements: dict
      contains:
        kind:
          description: C(stack), C(rule), C(topic), C(function) or C(custom action).
          type: str
        name:
          description: Its name, or its ARN.
          type: str
          sample: hub-to-slack
        status:
          description: The state of a stack, else empty.
          type: str
          sample: DELETE_FAILED
        plan:
          description: What is done with it, or would be, in words.
          type: str
          sample: delete all but AddCustomActionSHResource1
    policy:
      description: What is forwarded automatically, in words.
      type: str
      sample: MEDIUM and above
    changed:
      description: Whether the target's pipeline changed or anything was left, or would change.
      type: bool
    changes:
      description: What was, or would be, written for its pipeline.
      type: list
      elements: str
      sample: ["custom action: update", "stack: create"]
    failed:
      description: Whether the target failed.
      type: bool
    msg:
      description: Cause and remedy of a failure, else the changes, and what becomes of what was left, in one line.
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
    leftovers:
      description: The channel configurations that come from the template, with the same keys as those of targets.
      type: list
      elements: dict
      sample:
        - kind: channel configuration
          name: securityhubnotification
          status: ""
          plan: take over, with a role and a guardrail of this collection
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
      description: What is worth knowing, such as roles to delete by hand.
      type: list
      elements: str
uncovered_regions:
  description: As M(secops.securityhub.securityhub_slack) returns it.
  returned: always
  type: dict
summary:
  description: How many targets there are, how many of them changed, did not change, and failed, and how much was left.
  returned: always
  type: dict
  sample: {targets: 17, changed: 17, unchanged: 0, failed: 0, leftovers: 18}
"""
