# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask AWS about the assumptions of tests/emulator/assumptions.yml, one trial for each that a run can settle."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.secops.securityhub.tests.acceptance import channel_trials
from ansible_collections.secops.securityhub.tests.acceptance import event_trials
from ansible_collections.secops.securityhub.tests.acceptance import hub_trials
from ansible_collections.secops.securityhub.tests.acceptance.account import words_of
from ansible_collections.secops.securityhub.tests.acceptance.trial import Answer
from ansible_collections.secops.securityhub.tests.acceptance.trial import NotTested
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial
from botocore.exceptions import ClientError

TABLE = Path(__file__).resolve().parents[1] / "emulator" / "assumptions.yml"
HELD, NOT_HELD, NOT_TESTED = "held", "not held", "not tested"

# Those that wait for metrics come last.
TRIALS: dict[str, Callable[[Trial], Answer]] = {
    "test_event_pattern": event_trials.test_event_pattern,
    "event_ruler_alternatives": event_trials.event_ruler_alternatives,
    "event_pattern_complexity": event_trials.event_pattern_complexity,
    "eventbridge_context": event_trials.eventbridge_context,
    "eventbridge_rule_delay": event_trials.eventbridge_rule_delay,
    "sns_subscription_resource": event_trials.sns_subscription_resource,
    "administrator_none": hub_trials.administrator_none,
    "security_hub_v2": hub_trials.security_hub_v2,
    "security_hub_customer_fields": hub_trials.security_hub_customer_fields,
    "security_hub_user_defined_fields": hub_trials.security_hub_user_defined_fields,
    "security_hub_passed_events": hub_trials.security_hub_passed_events,
    "security_hub_aws_products": hub_trials.security_hub_aws_products,
    "cloudformation_names": event_trials.cloudformation_names,
    "cloudformation_express": event_trials.cloudformation_express,
    "chatbot_unknown_arn": channel_trials.chatbot_unknown_arn,
    "chatbot_role_delay": channel_trials.chatbot_role_delay,
    "chatbot_role_message": channel_trials.chatbot_role_message,
    "chatbot_topic_limit": channel_trials.chatbot_topic_limit,
    "chatbot_read_lag": channel_trials.chatbot_read_lag,
    "chatbot_subscription_delay": channel_trials.chatbot_subscription_delay,
    "chatbot_missing_topics": channel_trials.chatbot_missing_topics,
    "chatbot_unlisted_regions": channel_trials.chatbot_unlisted_regions,
    "chatbot_ocsf_events": channel_trials.chatbot_ocsf_events,
    "chatbot_event_texts": channel_trials.chatbot_event_texts,
    "chatbot_encrypted_topics": channel_trials.chatbot_encrypted_topics,
}


@dataclass(frozen=True)
class Finding:
    """What a run has found out about an assumption: *row* of the table, *result* and what AWS answered."""

    row: dict[str, Any]
    result: str
    aws: Any = None
    evidence: str = ""


def assumptions() -> list[dict[str, Any]]:
    """Return the rows of the table."""
    return list(yaml.safe_load(TABLE.read_text(encoding="utf-8")))


def settle(trial: Trial, progress: Callable[[str], None]) -> Iterator[Finding]:
    """Yield a finding about each assumption that has a trial."""
    rows = {row["switch"]: row for row in assumptions()}
    for name, ask in TRIALS.items():
        row = rows[name]
        try:
            answer = ask(trial)
        except NotTested as error:
            found = Finding(row, NOT_TESTED, evidence=str(error))
        except ClientError as error:
            found = Finding(row, NOT_TESTED, evidence=words_of(error))
        except Exception as error:  # an answer that no trial expects must not end the run
            found = Finding(row, NOT_TESTED, evidence=f"{type(error).__name__}: {error}")
        else:
            held = answer.aws == row["strict"] if answer.held is None else answer.held
            found = Finding(row, HELD if held else NOT_HELD, answer.aws, answer.evidence)
        progress(f"{name}: {found.result}" + (f" (AWS: {found.aws})" if found.aws is not None else ""))
        yield found


def untested() -> list[Finding]:
    """Return the assumptions without a trial, each with the reason."""
    return [
        Finding(row, NOT_TESTED, evidence=row.get("acceptance", ""))
        for row in assumptions()
        if row["switch"] not in TRIALS
    ]
