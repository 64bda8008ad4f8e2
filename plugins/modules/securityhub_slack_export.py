#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_export
version_added: 1.0.0
short_description: Export the stacks of all hosts of the play as a CloudFormation StackSet
description:
  - Writes the stacks that M(secops.securityhub.securityhub_slack) would deploy to a file, for organizations that deploy
    only with StackSets. The file is a template with one resource, an C(AWS::CloudFormation::StackSet), which contains
    the template of all stacks.
  - The targets are those with O(secops.securityhub.securityhub_slack#role:main:securityhub_slack_use_stack_set). A
    StackSet cannot create the custom action and the channel; M(secops.securityhub.securityhub_slack) does that, and
    does not change their stacks.
  - It changes nothing in AWS. If the stack of a target is unknown, no file is written, because deploying the file
    deletes the stacks that it does not contain. For the same reason it refuses C(--limit).
  - EventBridge tests the event patterns of stacks that the file would create or change, unless
    C(securityhub_slack_test_event_patterns) is C(false). If it does not evaluate one as intended, no file is written.
  - It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - If no file is written, the task fails, and says why.
author:
  - secops.securityhub maintainers (@secops)
options:
  path:
    description:
      - File to write on the controller.
    type: path
    required: true
notes:
  - It was not tried on AWS. cfn-lint validates the file, and an emulator creates its stacks.
attributes:
  check_mode:
    support: full
    description: Reports whether the file would be written, and does not write it.
  diff_mode:
    support: none
    description: Shows no difference; compare the file with the one in your repository.
  idempotent:
    support: full
    description: The same variables and the same state of AWS give the same file.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - name: Use it with StackSets
    description: How to deploy the file.
    link: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
"""

EXAMPLES = r"""
- name: Export the stacks
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the StackSet
      secops.securityhub.securityhub_slack_export:
        path: securityhub-stack-set.json
      run_once: true
      delegate_to: localhost
"""

RETURN = r"""
changed:
  description: Whether the file was written, or in check mode would be.
  returned: always
  type: bool
path:
  description: Path of the file.
  returned: always
  type: str
  sample: securityhub-stack-set.json
problem:
  description: Why no file was written, with the remedy; empty if it was.
  returned: always
  type: str
stacks:
  description: The stacks in the file, by account and region.
  returned: always
  type: list
  elements: dict
  contains:
    account_id:
      description: The AWS account.
      type: str
      sample: "111111111111"
    region:
      description: The AWS region.
      type: str
      sample: eu-west-1
notices:
  description: What could not be checked.
  returned: always
  type: list
  elements: str
  sample: []
targets_failed:
  description: Hosts whose stacks are unknown or would lose findings, with cause and remedy.
  returned: always
  type: dict
  sample: {}
"""
