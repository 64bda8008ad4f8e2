#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_slack_simulate
version_added: 1.0.0
short_description: Show which Security Hub findings all hosts of the play forward, and why not the others
description:
  - Evaluates findings with exactly the event patterns that M(secops.securityhub.securityhub_slack) deploys from the
    same variables, whether they are deployed yet or not. Shows for each finding in one sentence which rule of which
    target forwards it, or which condition does not match.
  - Counts the messages that there would have been in the last days, by region and severity, with the policy of the
    inventory and with each minimum severity, in the terminal and as an HTML page.
  - Apart from its options it reads the variables C(securityhub_slack_*) of each host, which the role
    P(secops.securityhub.securityhub_slack#role) describes.
  - With O(files), and C(securityhub_slack_aggregation=per_region) for all hosts, it makes no calls to AWS and needs no
    credentials. Otherwise it asks AWS for the finding aggregator.
  - With C(--limit) it reads findings from those targets only, and still evaluates what the others forward.
author:
  - secops.securityhub maintainers (@secops)
options:
  html:
    description:
      - HTML file on the controller for the volume of messages. One self-contained page without scripts.
      - It replaces only a file that this collection wrote. With C(--check), or for one finding, no file is written.
    type: path
  files:
    description:
      - JSON files on the controller, or folders of them, each with one finding, a list, or a dictionary with the key
        C(Findings), as C(aws securityhub get-findings) prints it, or several of these one after another (JSON Lines).
      - Files are read in parts, so they can be larger than the memory. Relative paths start in the current directory.
      - By default, the findings of the targets are read from AWS.
    type: list
    elements: str
    default: []
  days:
    description:
      - Number of days to look back, 1 to 90. Security Hub keeps findings for 90 days.
      - From AWS, all findings updated since then are read, including archived and resolved ones, which may have been
        sent before.
    type: int
    default: 30
  finding_id:
    description:
      - ID of the one finding to explain, however old it is.
      - By default, the environment variable E(SECURITYHUB_FINDING_ID), if it is set.
      - Whoever imports a finding chooses its ID, which may be a template. Never take it from C(--extra-vars), whose
        templates Ansible runs.
    type: str
    default: ""
  finding_id_file:
    description:
      - File on the controller with the ID of the one finding to explain.
    type: path
    default: ""
notes:
  - The volume is a minimum. A finding counts on the day of its creation, and again on the day of its last update if it
    would be sent as it is now; updates in between are not recorded.
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode.
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
- name: Explain findings, and preview the number of messages
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

    - name: Explain why a finding did not arrive
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
  description: The verdict on each of the first 1,000 findings. RV(verdicts) and RV(summary) count all of them.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: ID of the finding.
      type: str
    title:
      description: Title of the finding.
      type: str
    account_id:
      description: Account that the finding is about.
      type: str
      sample: "111111111111"
    region:
      description: Region of the finding.
      type: str
      sample: eu-west-1
    severity:
      description: Severity label.
      type: str
      sample: HIGH
    sent:
      description: Whether it is forwarded.
      type: bool
    sent_by:
      description: Target, rule and topic of each message.
      type: list
      elements: dict
      sample:
        - target: us-east-1
          rule: securityhub-slack-findings
          topic: securityhub-slack
    verdict:
      description: The verdict in one sentence.
      type: str
      sample: "not sent: severity MEDIUM is below HIGH"
summary:
  description: Number of findings, and of those that are sent and not sent.
  returned: always
  type: dict
  sample: {findings: 58, sent: 21, not_sent: 37}
verdicts:
  description: How many findings have each verdict, the most frequent first. Beyond 1,000 verdicts, C(other verdicts).
  returned: always
  type: list
  elements: dict
  sample:
    - verdict: "not sent: severity MEDIUM is below HIGH"
      findings: 21
volume:
  description: Number of messages that there would have been.
  returned: always
  type: dict
  contains:
    days:
      description: Number of days; the last one is today (UTC).
      type: int
    messages:
      description: Messages in these days.
      type: int
    messages_a_day:
      description: Average per day.
      type: float
    repeated:
      description: How many of them repeat a finding, because it was updated while its workflow status was NEW.
      type: int
    by_region_and_severity:
      description: Messages and their daily average by region and severity.
      type: list
      elements: dict
      sample:
        - region: eu-west-1
          severity: HIGH
          messages: 12
          messages_a_day: 0.4
    by_day:
      description: Messages by day; days without messages are left out.
      type: dict
      sample: {"2026-11-24": 3}
    by_week:
      description: Messages of each whole week, in all and by severity, the oldest first. The last one ends today (UTC).
      type: list
      elements: dict
      sample:
        - from: "2026-11-18"
          messages: 3
          severities: {HIGH: 3}
    by_minimum_severity:
      description:
        - Messages if all regions had each minimum severity, and the other variables were as they are. Regions with
          C(securityhub_slack_forward_automatically=false) forward nothing.
      type: list
      elements: dict
      sample:
        - minimum_severity: CRITICAL
          messages: 60
          messages_a_day: 2.0
          messages_a_day_by_region: {eu-west-1: 2.0}
    controls:
      description: The ten controls, or products, with the most messages.
      type: list
      elements: dict
      sample:
        - control: S3.8
          title: S3 general purpose buckets should block public access
          messages: 12
          messages_a_day: 0.4
    suppressions:
      description:
        - Messages that there would have been without each suppression or vulnerability filter. Several of them can
          remove the same message.
      type: list
      elements: dict
      sample:
        - suppression: a public website
          messages: 6
          messages_a_day: 0.2
    channels:
      description: Messages in each channel, by the name of its topic.
      type: list
      elements: dict
      sample:
        - channel: securityhub-slack-security
          messages: 12
          messages_a_day: 0.4
    mentions:
      description: Messages that mention someone, by whom (C(securityhub_slack_mentions)).
      type: list
      elements: dict
      sample:
        - mention: here
          messages: 3
          messages_a_day: 0.1
    receivers:
      description: Findings that each receiver gets, by the name of its topic or rules. They do not count as messages.
      type: list
      elements: dict
      sample:
        - receiver: securityhub-slack-to-pager
          messages: 3
          messages_a_day: 0.1
    resolved:
      description:
        - Messages in threads about findings that were sent and are over. C(reported) says whether
          C(securityhub_slack_report_resolved) is on, so that they are sent.
        - A minimum. A finding does not record that a control failed before it passed, so controls that passed are not
          counted.
      type: list
      elements: dict
      sample:
        - reported: false
          messages: 9
          messages_a_day: 0.3
    digests_a_week:
      description:
        - Messages a week of C(securityhub_slack_digest_schedule), on average, in all channels and regions. C(null) if
          the schedule is not understood.
      type: float
      sample: 1.0
    suggestion:
      description:
        - The lowest minimum severity with at most five messages a day in all regions. For that, up to three controls
          without critical findings may have to be suppressed.
      type: dict
      sample: {minimum_severity: HIGH, suppressed_control_ids: [S3.8], messages: 141, messages_a_day: 4.7}
notices:
  description: Notices, such as which region forwards global findings.
  returned: always
  type: list
  elements: str
problems:
  description: Cause and remedy for each host that could not be simulated.
  returned: always
  type: dict
"""
