#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_digest
version_added: 1.0.0
short_description: Post the number of open Security Hub findings to each Slack channel
description:
  - Sends one message to each Slack channel of each account of the play. It shows the number of open findings by
    severity, how many of them are new compared with as many days before, the age of the oldest finding of the highest
    severity, and the regions, accounts, controls and resources with the most findings.
  - A finding is open if it is C(ACTIVE), is C(NEW) or C(NOTIFIED) (in the new Security Hub, C(New) or C(In Progress)),
    and has not passed its check. The findings of a channel are selected by the event patterns that
    M(secops.securityhub.securityhub_slack) deploys from the same variables. So the channel's severities, accounts and
    suppressions apply, findings about global resources are counted only in the global findings region, and findings
    that an aggregator copies are counted only in the home region.
  - The message is published to the topic of a region that reaches the channel. It names the regions that failed and
    were not counted.
  - Hosts and channels to which findings are forwarded only by hand (C(securityhub_slack_forward_automatically=false))
    are not counted.
  - The module reads the variables C(securityhub_slack_*) of each host, as M(secops.securityhub.securityhub_slack) does.
  - If a target or a channel fails, the other digests are sent, and then the task fails.
author:
  - secops.securityhub maintainers (@secops)
options:
  days:
    type: int
    default: 7
    description:
      - For how many days after its creation a finding is new, from 1 to 90.
attributes:
  check_mode:
    support: full
    description: Reports what would be sent, and sends nothing.
  diff_mode:
    support: N/A
    description: There is nothing to compare.
  idempotent:
    support: N/A
    description: Each run sends new messages.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - module: secops.securityhub.securityhub_slack_simulate
"""

EXAMPLES = r"""
- name: Post the number of open findings
  hosts: all
  gather_facts: false
  tasks:
    - name: Send a monthly digest
      secops.securityhub.securityhub_slack_digest:
        days: 30
      register: digest

    - name: Fail if a digest is missing or incomplete
      ansible.builtin.assert:
        that: digest.summary.failed == 0 and digest.summary.unpublished == 0
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether a message was sent, or would be in check mode.
  returned: always
  type: bool
digests:
  description: The message to each channel.
  returned: always
  type: list
  elements: dict
  contains:
    account_id:
      description: The AWS account.
      type: str
      sample: "111111111111"
    platform:
      description: V(Slack) or V(Microsoft Teams).
      type: str
      sample: Slack
    channel_id:
      description: The channel.
      type: str
      sample: C0123456789
    topic:
      description: The name of the SNS topic that the channel is connected to.
      type: str
      sample: securityhub-slack
    region:
      description: The region in which the message was published, or would be in check mode. Empty if that failed.
      type: str
      sample: eu-west-1
    published:
      description: Whether it was published.
      type: bool
    title:
      description: The title of the message.
      type: str
      sample: "Security Hub digest: account 111111111111 (prod)"
    text:
      description: The lines of the message, in Slack's markup.
      type: list
      elements: str
    severities:
      description: The number of open findings by severity.
      type: dict
      sample: {CRITICAL: 12, HIGH: 40}
    new:
      description: The number of new findings among them, by severity.
      type: dict
      sample: {CRITICAL: 3}
    new_before:
      description: The number of those that were created in as many days before, by severity.
      type: dict
      sample: {CRITICAL: 1, HIGH: 9}
    oldest_days:
      description: The age in days of the oldest finding of the highest severity. Null without any.
      type: int
      sample: 92
    overdue:
      description: The number of findings that are overdue by C(securityhub_slack_overdue_days), by severity.
      type: dict
      sample: {CRITICAL: 2}
    counted:
      description: The hosts whose findings were counted.
      type: list
      elements: str
      sample: [us-east-1, ap-southeast-1]
    missing:
      description: The hosts of the account that failed and whose findings are not counted.
      type: list
      elements: str
      sample: [eu-west-1]
    failed:
      description: Whether the message could not be sent.
      type: bool
    msg:
      description: Cause and remedy of the failure.
      type: str
targets:
  description: The outcome for each host, by its name.
  returned: always
  type: dict
  contains:
    account_id:
      description: The ID of the AWS account, empty if it is unknown.
      type: str
      sample: "111111111111"
    region:
      description: The AWS region.
      type: str
      sample: eu-west-1
    findings:
      description: The number of open findings that the target forwards, or would if their status were C(NEW).
      type: int
    failed:
      description: Whether the target failed.
      type: bool
    msg:
      description: Cause and remedy of a failure.
      type: str
summary:
  description: The number of digests, of those that were published and of those that failed, and of failed targets.
  returned: always
  type: dict
  sample: {digests: 2, published: 2, unpublished: 0, failed: 0}
notices:
  description: Notices, for example which region forwards global findings.
  returned: always
  type: list
  elements: str
"""
