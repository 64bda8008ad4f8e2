# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a finding says, EventBridge turns it into a complete custom notification."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import message
from ansible_collections.secops.securityhub.tests.emulator import chat_message
from ansible_collections.secops.securityhub.tests.emulator import input_transformer
from ansible_collections.secops.securityhub.tests.unit.playbooks.findings import FINDINGS
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds
from hypothesis import given
from hypothesis import strategies as st

CONTROL = FINDINGS["s3-8-high-eu-west-1"]
HUB = "us-east-1"


def notification(finding, schema="asff", *, buttons=False):
    """What EventBridge sends to the topic for an event of the home region."""
    event = {"detail-type": "Security Hub Findings - Imported", "region": HUB, "detail": {"findings": [finding]}}
    return json.loads(input_transformer.transformed(message.transformer(schema, buttons=buttons), event, {}))


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
@pytest.mark.parametrize("buttons", [False, True])
def test_eventbridge_takes_the_transformer(schema, buttons):
    made = message.transformer(schema, buttons=buttons)
    assert input_transformer.problem_with(made) is None
    assert all(f"<{name}>" in made["InputTemplate"] for name in made["InputPathsMap"])


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
@pytest.mark.parametrize("name", FINDINGS)
def test_every_sample_becomes_a_message(name, schema):
    finding = FINDINGS[name]
    shown = chat_message.read(
        json.dumps(notification(worlds.ocsf(finding) if schema == "ocsf" else finding, schema, buttons=True))
    )
    assert shown.title == finding["Title"]
    assert shown.severity == finding["Severity"]["Label"]
    assert (shown.finding_id, shown.finding_region) == (finding["Id"], finding["Region"])
    assert shown.thread == finding["Id"]
    assert finding["Resources"][0]["Id"] in shown.text


def test_content_of_a_message():
    made = notification(CONTROL)
    assert made["content"] == {
        "textType": "client-markdown",
        "title": CONTROL["Title"],
        "description": (
            f"*HIGH* S3.8\nAccount {CONTROL['AwsAccountId']}, eu-west-1\n"
            f"https://docs.aws.amazon.com/console/securityhub/S3.8/remediation"
        ),
        "nextSteps": [
            f"Look at the finding: https://us-east-1.console.aws.amazon.com/securityhub/home?region=us-east-1"
            f"#/findings?search=Id%3D{CONTROL['Id']}"
        ],
        "keywords": [CONTROL["Resources"][0]["Id"]],
    }
    assert "enableCustomActions" not in made["metadata"]


def test_metadata_for_buttons():
    metadata = notification(CONTROL, buttons=True)["metadata"]
    assert metadata["enableCustomActions"] is True
    assert metadata["additionalContext"]["finding"] == f"Id={CONTROL['Id']},ProductArn={CONTROL['ProductArn']}"
    assert metadata["additionalContext"]["hub"] == HUB


def test_missing_fields_leave_no_text():
    bare = {key: CONTROL[key] for key in ("Id", "ProductArn", "Title", "Severity", "AwsAccountId", "Region")}
    made = notification({**bare, "Resources": [{"Id": "i-1", "Type": "Other"}]}, buttons=True)
    assert made["content"]["description"] == f"*HIGH* \nAccount {CONTROL['AwsAccountId']}, eu-west-1\n"


@given(title=st.text(min_size=1), resource=st.text(min_size=1))
def test_no_title_and_no_resource_breaks_the_message(title, resource):
    finding = copy.deepcopy(CONTROL)
    finding["Title"], finding["Resources"][0]["Id"] = title, resource
    made = notification(finding, buttons=True)
    assert made["content"]["title"] == title
    assert made["content"]["keywords"] == [resource]


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
@given(name=st.text())
def test_no_name_of_an_account_changes_the_message(schema, name):
    finding = {**CONTROL, "AwsAccountName": name}
    if schema == "ocsf":
        finding = worlds.ocsf(finding)
        finding["cloud"]["account"]["name"] = name
    made = notification(finding, schema, buttons=True)
    assert made["content"]["title"] == CONTROL["Title"]
    assert made["content"]["description"].splitlines()[1] == f"Account {CONTROL['AwsAccountId']}, eu-west-1"
