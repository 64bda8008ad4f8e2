#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_export
version_added: 1.0.0
short_description: Write the stacks of all targets of a play as a CloudFormation StackSet
description:
  - Writes the stacks that M(secops.securityhub.securityhub_slack) would deploy as a file for CloudFormation, for
    organizations that deploy by StackSets only. The file is a template with one resource, an
    C(AWS::CloudFormation::StackSet) that holds the one template of all stacks, and the parameters of each of them.
  - The targets are those with O(secops.securityhub.securityhub_slack#role:main:securityhub_slack_use_stack_set). What a
    stack set cannot do, the custom action and the channel, is left to M(secops.securityhub.securityhub_slack),
    which does not touch their stacks.
  - It writes nothing to AWS. The file is not written where the stack of a target is not known, because whoever deploys
    it deletes the stacks that it does not hold. For the same reason it refuses C(--limit).
  - It reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - The task itself does not fail for a target; look at RV(problem).
author:
  - secops.securityhub maintainers (@secops)
options:
  path:
    description:
      - The file to write, on the controller.
    type: path
    required: true
notes:
  - Nothing of it was tried on AWS; the file is proved by cfn-lint, and its stacks by an emulator.
attributes:
  check_mode:
    support: full
    description: Says whether the file would be written, and does not write it.
  diff_mode:
    support: none
    description: Shows no difference; compare the file with the one that is in your repository.
  idempotent:
    support: full
    description: The same variables and the same state of AWS give the same file, to the byte.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - name: Use it with StackSets
    description: How the file is deployed.
    link: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html
"""

EXAMPLES = r"""
- name: Export the stacks
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the stack set
      secops.securityhub.securityhub_slack_export:
        path: securityhub-stack-set.json
      register: stack_set
      run_once: true
      delegate_to: localhost

    - name: Fail where it was not written
      ansible.builtin.assert:
        that: not stack_set.problem
        quiet: true
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether the file was written, or in check mode would be.
  returned: always
  type: bool
path:
  description: The file.
  returned: always
  type: str
  sample: securityhub-stack-set.json
problem:
  description: Why no file was written, with the remedy, or an empty text.
  returned: always
  type: str
stacks:
  description: The stacks that the file holds, by account and region.
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
targets_failed:
  description: The hosts whose stacks are not known, with cause and remedy.
  returned: always
  type: dict
  sample: {}
"""
