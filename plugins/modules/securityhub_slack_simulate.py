#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_simulate
version_added: 1.0.0
short_description: Tell which Security Hub findings the pipelines of all hosts of the play send, and why not the others
description:
  - Asks the very event patterns that M(secops.securityhub.securityhub_slack) deploys from the same variables,
    whether they are deployed yet or not, and says for each finding in one sentence which rule of which target sends
    it, or which condition stops it.
  - Counts the messages that there would have been in the last days, for each region and severity.
  - Apart from its options it reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - With O(files), and C(securityhub_slack_aggregation=per_region) for all hosts, it calls nothing of AWS and needs no
    credentials. With another topology it asks AWS for the finding aggregator.
  - With C(--limit) it reads findings from those targets only, and still knows what the others send.
author:
  - secops.securityhub maintainers (@secops)
options:
  files:
    description:
      - JSON files on the controller, or folders of them, each with one finding, a list, or a dictionary with the key
        C(Findings), as C(aws securityhub get-findings) prints it. Relative paths start where the playbook is run.
      - Without any, the findings of the targets are read from AWS.
    type: list
    elements: str
    default: []
  days:
    description:
      - How many days to look back, 1 to 90; Security Hub keeps findings for 90 days.
      - From AWS, findings updated since then are read, archived and solved ones too, which may have been sent before.
    type: int
    default: 30
  finding_id:
    description:
      - The id of the one finding to explain, whenever it was updated.
    type: str
    default: ""
notes:
  - The volume is the least that there would have been. A finding counts on the day of its creation, and again on the
    day of its last update if it is sent as it stands now; updates in between leave no trace.
attributes:
  check_mode:
    support: full
    description: Writes nothing in any mode.
  diff_mode:
    support: N/A
    description: Changes nothing.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_slack
  - module: secops.securityhub.securityhub_slack_baseline
"""

EXAMPLES = r"""
- name: Explain findings, and preview how many messages there would have been
  hosts: all
  gather_facts: false
  tasks:
    - name: Simulate the last 14 days of the account
      secops.securityhub.securityhub_slack_simulate:
        days: 14
      register: result

    - name: Refuse a policy that would send more than 20 messages a day
      ansible.builtin.assert:
        that: result.volume.messages_a_day <= 20
      run_once: true

    - name: Tell why a finding did not arrive
      secops.securityhub.securityhub_slack_simulate:
        finding_id: arn:aws:securityhub:us-east-1:111111111111:security-control/S3.8/finding/5f3c

    - name: Simulate findings in files, without AWS
      secops.securityhub.securityhub_slack_simulate:
        files: [findings.json]
      vars:
        securityhub_slack_aggregation: per_region
"""

RETURN = r"""
findings:
  description: What becomes of each finding.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The finding's id.
      type: str
    title:
      description: The finding's title.
      type: str
    account_id:
      description: The account that it is about.
      type: str
      sample: "111111111111"
    region:
      description: The region that it comes from.
      type: str
      sample: eu-west-1
    severity:
      description: The label of its severity.
      type: str
      sample: HIGH
    sent:
      description: Whether it is sent.
      type: bool
    sent_by:
      description: The target, the rule and the topic of each message.
      type: list
      elements: dict
      sample:
        - target: us-east-1
          rule: securityhub-slack-findings
          topic: securityhub-slack
    verdict:
      description: All that in one sentence.
      type: str
      sample: "not sent: severity MEDIUM is below HIGH"
summary:
  description: How many findings there are, and how many of them are sent and not sent.
  returned: always
  type: dict
  sample: {findings: 58, sent: 21, not_sent: 37}
volume:
  description: How many messages there would have been.
  returned: always
  type: dict
  contains:
    days:
      description: The number of days, the last of which is today (UTC).
      type: int
    messages:
      description: The messages in these days.
      type: int
    messages_a_day:
      description: Their average.
      type: float
    repeated:
      description: How many of them were about a finding sent before, because it was updated while still NEW.
      type: int
    by_region_and_severity:
      description: The messages and their average for each region and severity.
      type: list
      elements: dict
      sample:
        - region: eu-west-1
          severity: HIGH
          messages: 12
          messages_a_day: 0.4
    by_day:
      description: The messages of each day that had some.
      type: dict
      sample: {"2026-11-24": 3}
    by_topic:
      description: The messages to each topic, that is channel.
      type: dict
      sample: {securityhub-slack: 12}
notices:
  description: What is worth knowing, such as the owner region of global findings.
  returned: always
  type: list
  elements: str
problems:
  description: Cause and remedy for each host whose findings or policy could not be read.
  returned: always
  type: dict
"""
