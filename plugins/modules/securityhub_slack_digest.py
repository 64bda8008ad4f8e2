#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_digest
version_added: 1.0.0
short_description: Tell each Slack channel which Security Hub findings are open
description:
  - Sends one message to each Slack channel of each account of the play - how many findings of each severity are open,
    how many of them are new, how old the oldest of the gravest is, and which regions, accounts, controls and resources
    have the most.
  - Open is what is C(ACTIVE) and C(NEW) or C(NOTIFIED), and has not passed its check. A channel is told of what the
    event patterns that M(secops.securityhub.securityhub_slack) deploys from the same variables send to it, so its
    severities, accounts and suppressions hold, findings about global resources count in their owner region only, and
    those that an aggregator copies in the home region only.
  - The message is published to the topic of a region from which the channel hears. A region that fails is named in it
    as not counted.
  - Hosts and routes from which findings go by hand only (C(securityhub_slack_forward_automatically=false)) are not
    counted, and those that send OCSF findings (C(securityhub_slack_finding_format=ocsf)) fail.
  - It reads the variables C(securityhub_slack_*) of each host, as M(secops.securityhub.securityhub_slack) does.
  - The task itself does not fail for a target or a channel; look at RV(summary), as
    C(playbooks/securityhub_slack_digest.yml) does.
author:
  - secops.securityhub maintainers (@secops)
options:
  days:
    type: int
    default: 7
    description:
      - How many days a finding is new, from its creation, 1 to 90.
attributes:
  check_mode:
    support: full
    description: Says what would be sent, and sends nothing.
  diff_mode:
    support: N/A
    description: There is nothing to compare.
  idempotent:
    support: N/A
    description: Each run sends its messages.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - module: secops.securityhub.securityhub_slack_simulate
"""

EXAMPLES = r"""
- name: Tell the channels what is open
  hosts: all
  gather_facts: false
  tasks:
    - name: Send a digest of the month
      secops.securityhub.securityhub_slack_digest:
        days: 30
      register: digest

    - name: Fail where a channel has none, or one that is not whole
      ansible.builtin.assert:
        that: digest.summary.failed == 0 and digest.summary.unpublished == 0
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether any message was sent, or in check mode would be.
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
    channel_id:
      description: The Slack channel.
      type: str
      sample: C0123456789
    topic:
      description: The name of the SNS topic that leads there.
      type: str
      sample: securityhub-slack
    region:
      description: The region in which the message was published, or in check mode would be; empty where that failed.
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
      description: How many findings of each severity are open.
      type: dict
      sample: {CRITICAL: 12, HIGH: 40}
    new:
      description: How many of them are new.
      type: dict
      sample: {CRITICAL: 3}
    oldest_days:
      description: The age in days of the oldest finding of the gravest severity, null without any.
      type: int
      sample: 92
    counted:
      description: The hosts whose findings were counted.
      type: list
      elements: str
      sample: [us-east-1, ap-southeast-1]
    missing:
      description: The hosts of the account that failed, and whose findings are not in it.
      type: list
      elements: str
      sample: [eu-west-1]
    failed:
      description: Whether the message could not be sent.
      type: bool
    msg:
      description: Cause and remedy of that.
      type: str
targets:
  description: What was found for each host, by its name.
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
      sample: eu-west-1
    findings:
      description: How many open findings the target sends, or would if they were new.
      type: int
    failed:
      description: Whether the target failed.
      type: bool
    msg:
      description: Cause and remedy of a failure.
      type: str
summary:
  description: How many digests there are, what became of them, and how many targets failed.
  returned: always
  type: dict
  sample: {digests: 2, published: 2, unpublished: 0, failed: 0}
notices:
  description: What is worth knowing, such as the owner region of global findings.
  returned: always
  type: list
  elements: str
"""
