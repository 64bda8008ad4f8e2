# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a finding says, EventBridge turns it into a custom notification that says what AWS says."""

from __future__ import annotations

import copy
import itertools
import json
import re

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
KINDS = list(itertools.product(["asff", "ocsf"], [True, False], [True, False]))
# What Security Hub checks or sets itself, and what AWS services write (the ID of a control has no other signs).
CHECKED = {"severity", "account", "region", "product", "hub"}
OF_AWS = {"id", "uid", "control", "remedy"}


def notification(finding, schema="asff", *, trusted=True, buttons=False):
    """What EventBridge sends to the topic for an event of the home region."""
    event = {"detail-type": "Security Hub Findings - Imported", "region": HUB, "detail": {"findings": [finding]}}
    made = message.transformer(schema, trusted=trusted, buttons=buttons)
    return json.loads(input_transformer.transformed(made, event, {}))


@pytest.mark.parametrize(("schema", "trusted", "buttons"), KINDS)
def test_eventbridge_takes_the_transformer(schema, trusted, buttons):
    made = message.transformer(schema, trusted=trusted, buttons=buttons)
    assert input_transformer.problem_with(made) is None
    assert all(f"<{name}>" in made["InputTemplate"] for name in made["InputPathsMap"])


@pytest.mark.parametrize(("schema", "trusted", "buttons"), KINDS)
def test_no_free_text_is_inside_a_string(schema, trusted, buttons):
    template = message.transformer(schema, trusted=trusted, buttons=buttons)["InputTemplate"]
    strings = re.findall(r'"(?:\\.|[^"\\])*"', template)
    inside = {name for text in strings for name in re.findall(r"<(\w+)>", text)}
    assert inside <= CHECKED | (OF_AWS if trusted else set())


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
@pytest.mark.parametrize("name", FINDINGS)
def test_every_sample_becomes_a_message(name, schema):
    finding = FINDINGS[name]
    as_sent = worlds.ocsf(finding) if schema == "ocsf" else finding
    shown = chat_message.read(json.dumps(notification(as_sent, schema, buttons=True)))
    assert shown.title == finding["Title"]
    assert shown.severity == finding["Severity"]["Label"]
    assert (shown.finding_id, shown.finding_region) == (finding["Id"], finding["Region"])
    assert shown.thread == finding["Id"]
    lines = shown.text.splitlines()
    assert (finding["Resources"][0]["Id"] in lines) == (schema == "asff")


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
@pytest.mark.parametrize("name", FINDINGS)
def test_the_text_of_others_is_not_shown(name, schema):
    finding = FINDINGS[name]
    as_sent = worlds.ocsf(finding) if schema == "ocsf" else finding
    made = notification(as_sent, schema, trusted=False, buttons=True)
    shown = chat_message.read(json.dumps(made))
    product = as_sent["metadata"]["product"]["uid"] if schema == "ocsf" else finding["ProductArn"]
    assert (shown.title, shown.severity) == (f"Finding of {product}", finding["Severity"]["Label"])
    assert (shown.finding_id, shown.thread) == (finding["Id"], finding["Id"])
    assert f"Account {finding['AwsAccountId']}, {finding['Region']}" in shown.text
    hidden = {finding["Title"], finding["Resources"][0]["Id"], finding["Id"]}
    assert not [text for text in hidden if text in shown.title + shown.text]
    assert "enableCustomActions" not in made["metadata"]


@pytest.mark.parametrize("trusted", [True, False])
def test_no_free_text_is_inside_a_string_of_the_end_of_an_ocsf_finding(trusted):
    made = message.resolved("slack", "slack-prod", trusted=trusted, ocsf=True)
    assert input_transformer.problem_with(made) is None
    strings = re.findall(r'"(?:\\.|[^"\\])*"', made["InputTemplate"])
    inside = {name for text in strings for name in re.findall(r"<(\w+)>", text)}
    of_aws = {"workflow", "record", "compliance", "control"} if trusted else {"product"}
    assert inside == {"account", "region"} | of_aws


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("name", FINDINGS)
def test_the_end_of_a_finding_is_in_the_thread_of_its_message(name, trusted):
    mark = 'HIGH at "x", <!channel>'
    finding = {
        **FINDINGS[name],
        "UserDefinedFields": {"slack": mark},
        "Workflow": {"Status": "RESOLVED"},
        "RecordState": "ARCHIVED",
    }
    made = message.resolved("slack", "slack-prod", trusted=trusted, ocsf=False)
    assert input_transformer.problem_with(made) is None
    strings = re.findall(r'"(?:\\.|[^"\\])*"', made["InputTemplate"])
    inside = {name for text in strings for name in re.findall(r"<(\w+)>", text)}
    assert inside <= CHECKED | {"workflow", "record"} | ({"control"} if trusted else set())
    event = {"detail-type": "x", "time": "2026-11-23T11:14:02Z", "detail": {"findings": [finding]}}
    given = json.loads(input_transformer.transformed(made, event, {}))
    control = finding.get("Compliance", {}).get("SecurityControlId", "") if trusted else ""
    shown = given.pop("notification")
    assert given == {
        "topic": "slack-prod",
        "mark": mark,
        "ended": "2026-11-23T11:14:02Z",
        "state": ": RESOLVED, ARCHIVED",
        "about": f"{' ' if trusted else ''}{control}\nAccount {finding['AwsAccountId']}, {finding['Region']}",
        "detail": {"findings": [{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}]},
    }
    assert shown["content"]["title"] == (finding["Title"] if trusted else f"Finding of {finding['ProductArn']}")
    first = notification(FINDINGS[name], trusted=trusted)
    assert shown["metadata"]["threadId"] == first["metadata"]["threadId"]


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


def test_the_link_of_an_ocsf_finding_leads_to_it_in_the_new_console():
    console = "https://us-east-1.console.aws.amazon.com/securityhub/v2/home?region=us-east-1#/findings"
    finding = worlds.ocsf(CONTROL)
    # The address is that of AWS's solution Automated Security Response.
    search = f"?search=finding_info.uid%3D%255Coperator%255C%253AEQUALS%255C%253A{CONTROL['Id']}"
    assert notification(finding, "ocsf")["content"]["nextSteps"] == [f"Look at the finding: {console}{search}"]
    (others,) = notification(finding, "ocsf", trusted=False)["content"]["nextSteps"]
    assert others == f"Look at the findings: {console}"


def test_metadata_for_buttons():
    metadata = notification(CONTROL, buttons=True)["metadata"]
    assert metadata["enableCustomActions"] is True
    assert metadata["additionalContext"]["finding"] == f"Id={CONTROL['Id']},ProductArn={CONTROL['ProductArn']}"
    assert metadata["additionalContext"]["hub"] == HUB


def test_a_button_identifies_an_ocsf_finding_by_its_uid():
    context = notification(worlds.ocsf(CONTROL), "ocsf", buttons=True)["metadata"]["additionalContext"]
    assert (context["finding"], context["hub"]) == ("1", HUB)


def test_missing_fields_leave_no_text():
    bare = {key: CONTROL[key] for key in ("Id", "ProductArn", "Title", "Severity", "AwsAccountId", "Region")}
    made = notification({**bare, "Resources": [{"Id": "i-1", "Type": "Other"}]}, buttons=True)
    assert made["content"]["description"] == f"*HIGH* \nAccount {CONTROL['AwsAccountId']}, eu-west-1\n"


def test_an_ocsf_finding_without_resource_and_title_becomes_a_message():
    finding = worlds.ocsf(CONTROL)
    finding["finding_info"].pop("title")
    finding.pop("resources")
    assert notification(finding, "ocsf", trusted=False)["metadata"]["additionalContext"]["findingId"] == CONTROL["Id"]


@given(title=st.text(min_size=1), resource=st.text(min_size=1))
def test_no_title_and_no_resource_breaks_the_message(title, resource):
    finding = copy.deepcopy(CONTROL)
    finding["Title"], finding["Resources"][0]["Id"] = title, resource
    made = notification(finding, buttons=True)
    assert made["content"]["title"] == title
    assert made["content"]["keywords"] == [resource]


@given(text=st.text(min_size=1))
def test_nothing_that_an_author_chooses_changes_a_message(text):
    finding = copy.deepcopy(CONTROL)
    expected = notification(finding, trusted=False)["content"]
    for name in ("Id", "Title", "Description", "GeneratorId", "AwsAccountName"):
        finding[name] = text
    finding["Resources"][0]["Id"] = finding["Compliance"]["SecurityControlId"] = text
    finding["Remediation"] = {"Recommendation": {"Url": text, "Text": text}}
    made = notification(finding, trusted=False, buttons=True)
    assert made["content"] == expected
    assert made["metadata"]["additionalContext"]["findingId"] == text


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


def mail(finding, schema="asff", *, trusted=True):
    """Return the lines of the e-mail that EventBridge makes of an event of the home region."""
    event = {"detail-type": "Security Hub Findings - Imported", "region": HUB, "detail": {"findings": [finding]}}
    made = message.mail(schema, trusted=trusted)
    assert input_transformer.problem_with(made) is None
    return input_transformer.transformed(made, event, {}).split("\n")


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
def test_an_e_mail_has_the_texts_of_aws(schema):
    finding = worlds.ocsf(CONTROL) if schema == "ocsf" else CONTROL
    first, title, *_links = mail(finding, schema)
    assert first.casefold() == f'"high finding in account {CONTROL["AwsAccountId"]}, eu-west-1"'
    assert title == f'"S3.8 {CONTROL["Title"]}"'
    made = message.mail(schema, trusted=False)
    assert set(made["InputPathsMap"]) <= CHECKED


@given(text=st.text(min_size=1))
def test_nothing_that_an_author_chooses_changes_an_e_mail(text):
    finding = copy.deepcopy(CONTROL)
    expected = mail(finding, trusted=False)
    for name in ("Id", "Title", "Description", "GeneratorId", "AwsAccountName"):
        finding[name] = text
    finding["Resources"][0]["Id"] = finding["Compliance"]["SecurityControlId"] = text
    finding["Remediation"] = {"Recommendation": {"Url": text, "Text": text}}
    assert mail(finding, trusted=False) == expected
