#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_canary
version_added: 1.0.0
short_description: Send a test finding through all hosts of the play, and see it arrive
description:
  - For every host of the play (one AWS account in one region), all at once - imports a test finding into Security
    Hub, asks EventBridge whether the rules match it, waits until it has come through the SNS topic, looks whether the
    Slack channel takes what comes from there, and archives the finding.
  - To listen, a temporary SQS queue is subscribed to the topic. Queue and subscription are always taken away again,
    also when something fails or the run is interrupted. What a killed run has left is taken away by the next one.
  - The finding says in title and description that it is a test. It belongs to the account's own default product, is
    marked as C(Sample), and has the lowest severity that the rules forward. Where several channels have no severity
    in common, as many findings are sent as it takes to reach each of them.
  - Where a home region sends for the regions that feed it, the finding of each such region is awaited in the home
    region.
  - Whether the message has arrived in Slack is told by Amazon Q's own metrics, which may come some minutes late, or by
    a look into the channel.
  - Hosts from which findings go by hand only (C(securityhub_slack_forward_automatically=false)), and those that send
    OCSF findings (C(securityhub_slack_finding_format=ocsf)), are skipped, with a reason.
  - It reads the variables C(securityhub_slack_*) of each host, as M(secops.securityhub.securityhub_slack) does.
  - The task itself does not fail for what gets lost; assert RV(healthy), as C(playbooks/securityhub_slack_canary.yml)
    does.
author:
  - secops.securityhub maintainers (@secops)
options:
  timeout:
    type: int
    default: 120
    description:
      - How many seconds to wait for the topics, and again for Amazon Q's metrics, up to 600.
attributes:
  check_mode:
    support: full
    description: Says what would be sent, and writes nothing.
  diff_mode:
    support: N/A
    description: There is nothing to compare.
  idempotent:
    support: N/A
    description: Each run sends a test finding of its own.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack_doctor
"""

EXAMPLES = r"""
- name: Prove that findings arrive
  hosts: all
  gather_facts: false
  tasks:
    - name: Send a test finding through every target
      secops.securityhub.securityhub_slack_canary:
        timeout: 180
      register: result

    - name: Fail where one got lost
      ansible.builtin.assert:
        that: result.healthy
        fail_msg: "{{ result.msg }}"
      run_once: true
"""

RETURN = r"""
changed:
  description: Whether anything was sent, or in check mode would be. What stays is an archived finding.
  returned: always
  type: bool
healthy:
  description: Whether no test finding got lost, as far as can be seen, all could be tested, and nothing was left
    behind.
  returned: always
  type: bool
msg:
  description: The outcome in a sentence.
  returned: always
  type: str
  sample: "17 targets: 17 arrived."
summary:
  description: How many targets there are, and what became of their test findings.
  returned: always
  type: dict
  sample: {targets: 17, ready: 0, arrived: 16, lost: 1, failed: 0, skipped: 0}
targets:
  description: What became of each host's test finding, by the host's name.
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
    state:
      description: C(arrived), C(lost), C(failed) (the target could not be tested, or something of the test could not
        be taken away), C(skipped) (there is nothing to send), or in check mode C(ready).
      type: str
      sample: arrived
    findings:
      description: The test findings, with their severities and the topics that each has to reach.
      type: list
      elements: dict
      sample:
        - id: secops.securityhub/canary/0d4f/medium
          severity: MEDIUM
          topics: [securityhub-slack]
    steps:
      description: Whether C(import) into Security Hub, C(rule), C(topic) and C(channel) have worked; null where that
        is not known, because an earlier step has not.
      type: dict
      sample: {import: true, rule: true, topic: true, channel: true}
    rules:
      description: Rules that are enabled and match it, as EventBridge itself says.
      type: list
      elements: str
      sample: [securityhub-slack-findings]
    topics:
      description: Seconds until each topic had it.
      type: dict
      sample: {securityhub-slack: 1.4}
    untested:
      description: Topics of the host that no test finding reaches, because nothing is sent there automatically, or
        because of suppressions.
      type: list
      elements: str
    seconds:
      description: Seconds until the last topic had it; null if none had.
      type: float
      sample: 1.4
    msg:
      description: The outcome in words; of a loss cause and remedy.
      type: str
channels:
  description: What Amazon Q has counted for each channel configuration since the start, other messages too. C(state)
    is C(delivered), C(failed), C(not seen) where the metrics do not tell yet, or C(nothing sent) where no test finding
    has come so far. Empty in check mode.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      configuration: securityhub-slack
      channel_id: C0123456789
      expected: 17
      delivered: 17
      failed: 0
      state: delivered
"""
