# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the canary tells the user: every sentence with cause and remedy. PRIVATE to the collection."""

from __future__ import annotations

from .._model import playbooks

DEPLOY = f"Run: {playbooks.DEPLOY}"
REPAIR = f"Run: {playbooks.REPAIR}"
CHECK = f"To check the delivery path, run: {playbooks.DOCTOR}"

# Why a target is skipped. They follow the word skipped and a colon.
ABSENT = "securityhub_slack_state is absent, so there is nothing to test."
MANUAL = (
    "findings are forwarded only by hand here (securityhub_slack_forward_automatically is false). To see a message, "
    f"send a finding in the Security Hub console (Findings, Actions). {CHECK}"
)
OCSF = (
    "AWS has no API that imports findings into the new Security Hub (securityhub_slack_finding_format is ocsf), so no "
    f"test finding can be sent. {CHECK}"
)
SUPPRESSED = f"securityhub_slack_suppressions filters out every possible test finding. {CHECK}"

# Why a target cannot be tested.
NOT_DEPLOYED = f"Nothing is deployed in {{region}}. {DEPLOY}"
HOME_FAILED = "The home region {home}, which forwards these findings, failed: {error}"
TOPIC_DELETED = f"The topic {{topic}} does not exist. {REPAIR}"
QUEUE_DELETED = (
    "The canary's queue was deleted while it was in use. Run the canary again. If this happens again, check CloudTrail "
    "for the caller of DeleteQueue."
)
INTERRUPTED = "Interrupted: archiving the test findings and deleting their queues"
NOTHING_LEFT = "The test findings are archived, and their queues are deleted."
LEFT_BEHIND = "Some test resources could not be deleted ({reason}). The next canary deletes them."

# Where a test finding was lost.
LOST_AT_RULE = f"No enabled rule forwards the test finding to the topic {{topic}}. {REPAIR}"
LOST_AT_TOPIC = (
    "The test finding matches {rules}, but no unchanged event arrived at the topic {topic} within the timeout. "
    f"{CHECK}"
)
LOST_AT_CHANNEL = "The test finding reached the topic {topic}, but not {platform}: {problem}"
UNSUBSCRIBED = f"Amazon Q is not subscribed to the topic. {REPAIR}"

# Where all test findings were lost before their topics, whose policies have a condition.
NOTHING_PUBLISHED = (
    "No test finding arrived at a topic. If the doctor finds rules, targets, topics and keys in order, EventBridge "
    "does not send aws:SourceArn, which the topic policies require. Set securityhub_slack_topic_policy_conditions to "
    f"false, then run: {playbooks.DEPLOY}"
)
