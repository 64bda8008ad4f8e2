#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_canary
version_added: 1.0.0
short_description: Send a test finding through all hosts of the play and watch it arrive
description:
  - For every host of the play (one AWS account in one region), in parallel - imports a test finding into Security Hub,
    asks EventBridge whether the rules match it, waits until the SNS topic has delivered it, checks whether the Slack
    channel is connected to the topic, and archives the finding.
  - A temporary SQS queue listens to the topic. The queue and its subscription are always deleted, also if a call fails
    or the run is interrupted. The next run deletes what a killed run has left behind.
  - The title and description of the finding say that it is a test. It belongs to the account's own default product, is
    marked as C(Sample), and has the lowest severity that the rules forward. If several channels have no severity in
    common, as many findings are sent as are needed to reach each of them.
  - If a home region forwards the findings of its linked regions, the test findings of those regions are awaited in the
    home region.
  - Amazon Q's own metrics show whether it posted the message to Slack. They may come some minutes late. In that case,
    check the channel.
  - Hosts that forward findings only by hand (C(securityhub_slack_forward_automatically=false)), and hosts that forward
    OCSF findings (C(securityhub_slack_finding_format=ocsf)), are skipped, with a reason.
  - The module reads the variables C(securityhub_slack_*) of each host, as M(secops.securityhub.securityhub_slack) does.
  - The task fails if a test finding is lost or if a target could not be tested. It shows the report before, and returns
    only a sentence.
author:
  - secops.securityhub maintainers (@secops)
options:
  timeout:
    type: int
    default: 120
    description:
      - Seconds to wait for the topics, and again for Amazon Q's metrics, from 1 to 600.
attributes:
  check_mode:
    support: full
    description: Reports what would be sent, and writes nothing.
  diff_mode:
    support: N/A
    description: There is nothing to compare.
  idempotent:
    support: N/A
    description: Each run sends its own test findings.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack_doctor
"""

EXAMPLES = r"""
- name: Prove that findings reach Slack
  hosts: all
  gather_facts: false
  tasks:
    - name: Send a test finding through every target
      secops.securityhub.securityhub_slack_canary:
        timeout: 180
"""

RETURN = r"""
changed:
  description: Whether a test finding was sent, or would be in check mode. It stays as an archived finding.
  returned: always
  type: bool
healthy:
  description: Whether no test finding is known to be lost, no target failed, and nothing was left behind.
  returned: always
  type: bool
msg:
  description: The outcome in a sentence.
  returned: always
  type: str
  sample: "17 targets: 17 arrived."
summary:
  description: The number of targets, in total and by state.
  returned: always
  type: dict
  sample: {targets: 17, ready: 0, arrived: 16, lost: 1, failed: 0, skipped: 0}
targets:
  description: The outcome for each host, by the host's name.
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
      sample: ap-southeast-1
    state:
      description: C(arrived), C(lost), C(failed) (the target could not be tested, or a test resource could not be
        deleted), C(skipped) (there is nothing to test), or in check mode C(ready).
      type: str
      sample: arrived
    findings:
      description: The test findings, with their severities and the topics that each must reach.
      type: list
      elements: dict
      sample:
        - id: secops.securityhub/canary/0d4f/medium
          severity: MEDIUM
          topics: [securityhub-slack]
    steps:
      description: Whether the steps C(import) into Security Hub, C(rule), C(topic) and C(channel) worked. Null if that
        is unknown because an earlier step did not.
      type: dict
      sample: {import: true, rule: true, topic: true, channel: true}
    rules:
      description: Names of the enabled rules that match a test finding, according to EventBridge.
      type: list
      elements: str
      sample: [securityhub-slack-findings]
    topics:
      description: Seconds until each topic delivered its test finding.
      type: dict
      sample: {securityhub-slack: 1.4}
    untested:
      description: Topics of the host that no test finding reaches, because nothing is forwarded to them automatically
        or because of suppressions, and receivers at which no test finding can be seen.
      type: list
      elements: str
    unconfirmed:
      description: Topics of receivers of which not all have confirmed their subscription.
      type: list
      elements: str
    seconds:
      description: Seconds until the last topic delivered its test finding. Null if none did.
      type: float
      sample: 1.4
    msg:
      description: The outcome in words. For a loss or failure, its cause and remedy.
      type: str
channels:
  description: The messages that Amazon Q has counted for each channel configuration since the start, including other
    messages. C(state) is C(delivered), C(failed), C(not seen) if the metrics are not available yet, or C(nothing sent)
    if no test finding reached a topic of the channel. Empty in check mode.
  returned: always
  type: list
  elements: dict
  sample:
    - account_id: "111111111111"
      configuration: securityhub-slack
      platform: Slack
      channel_id: C0123456789
      expected: 17
      delivered: 17
      failed: 0
      state: delivered
"""
