# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons under custom notifications: when they are shown, and the permissions of their commands."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import botocore.session
import pytest
from ansible_collections.secops.securityhub.tests.emulator import chat_command

from .conftest import ACCOUNT
from .conftest import REGION

ATTACHMENT = {
    "NotificationType": "Custom",
    "ButtonText": "Suppress",
    "Variables": {"f": "event.metadata.additionalContext.finding", "r": "event.metadata.additionalContext.region"},
    "Criteria": [{"Operator": "HAS_VALUE", "VariableName": "f"}],
}
# AWS takes 100 characters.
COMMAND = "securityhub batch-update-findings --finding-identifiers $f --workflow Status=SUPPRESSED --region $r"
ACTION = {"Definition": {"CommandText": COMMAND}, "Attachments": [ATTACHMENT]}
GUARDRAIL = f"arn:aws:iam::{ACCOUNT}:policy/guardrail"
PATHS = {name: f"$.detail.findings[0].{name}" for name in ("Id", "ProductArn", "Title")}
MAY = {"Effect": "Allow", "Action": "securityhub:BatchUpdateFindings", "Resource": "*"}


def notification(finding="Id=1,ProductArn=2", enabled=True):
    context = {"finding": finding, "region": REGION}
    metadata = {"additionalContext": context, "enableCustomActions": enabled}
    return {"version": "1.0", "source": "custom", "content": {"description": "<Title>"}, "metadata": metadata}


@pytest.mark.parametrize(
    ("attachment", "shown", "there"),
    [
        (ATTACHMENT, notification(), True),
        (ATTACHMENT, notification(enabled=False), False),
        (ATTACHMENT, notification(finding=""), False),
        ({**ATTACHMENT, "NotificationType": "CloudWatch"}, notification(), False),
        ({**ATTACHMENT, "Variables": {"f": "$.metadata.additionalContext.finding"}}, notification(), False),
        (
            {**ATTACHMENT, "Criteria": [{"Operator": "EQUALS", "VariableName": "f", "Value": "other"}]},
            notification(),
            False,
        ),
    ],
)
def test_when_a_button_is_shown(attachment, shown, there):
    found = chat_command.buttons({**ACTION, "Attachments": [attachment]}, shown)
    assert found == ({"Suppress": COMMAND.replace("$f", "Id=1,ProductArn=2").replace("$r", REGION)} if there else {})


UPDATE = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchUpdateFindings")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("securityhub", "names no operation"),
        ("securityhub batch-update-findings --finding Id=1", "Unknown options: --finding"),
        ("securityhub batch-update-findings --workflow Status=A Status=B", "expected one argument"),
        ("securityhub batch-update-findings --finding-identifiers Id=a,b", "Error parsing parameter: 'b'"),
    ],
)
def test_a_command_that_the_command_line_does_not_take(text, words):
    with pytest.raises(chat_command.InvalidCommand, match=words):
        chat_command.parameters(chat_command.read(text), UPDATE.input_shape)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def page_of(aws):
    with urllib.request.urlopen(aws.emulator.url) as answer:
        return answer.read().decode()


def pressed(aws, permissions, guardrail=(MAY,)):
    """Press the button under the message of a finding; permissions: the statements of the channel's role."""
    iam = aws.client("iam")
    aws.role()
    if permissions:
        iam.put_role_policy(RoleName="channel", PolicyName="may", PolicyDocument=policy(*permissions))
    iam.create_policy(PolicyName="guardrail", PolicyDocument=policy(*guardrail))
    aws.topic()
    template = json.dumps(notification("Id=<Id>,ProductArn=<ProductArn>"))
    aws.rule(InputTransformer={"InputPathsMap": PATHS, "InputTemplate": template})
    arn = aws.channel(GuardrailPolicyArns=[GUARDRAIL])["ChatConfigurationArn"]
    chatbot = aws.client("chatbot", "us-east-2")
    action = chatbot.create_custom_action(ActionName="suppress", **ACTION)["CustomActionArn"]
    chatbot.associate_to_configuration(ChatConfiguration=arn, Resource=action)
    aws.import_findings(aws.finding())
    (message,) = aws.emulator.inbox()
    assert message["buttons"] == ["Suppress"]
    assert f'<button type="button" data-message="{message["n"]}">Suppress</button>' in page_of(aws)
    assert "Thread" not in page_of(aws)
    status = aws.emulator.press(message, "Suppress")["status"]
    assert "1 reply" in page_of(aws)
    assert ("I ran the command" in page_of(aws)) == (status == 200)
    return status


def status(aws):
    (finding,) = aws.client("securityhub").get_findings()["Findings"]
    return finding["Workflow"]["Status"]


ONLY_NOTIFIED = {**MAY, "Condition": {"StringEquals": {"securityhub:ASFFSyntaxPath/Workflow.Status": "NOTIFIED"}}}
NO_WORKFLOW = {**MAY, "Condition": {"Null": {"securityhub:ASFFSyntaxPath/Workflow.Status": "true"}}}
NO_NOTE = {**MAY, "Condition": {"Null": {"securityhub:ASFFSyntaxPath/Note.Text": "true"}}}
DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("permissions", "guardrail", "answer"),
    [
        ([MAY], [MAY], (200, "SUPPRESSED")),
        ([NO_NOTE], [MAY], (200, "SUPPRESSED")),
        ([], [MAY], (403, "NEW")),
        ([MAY], [DENY], (403, "NEW")),
        ([MAY], [ONLY_NOTIFIED], (403, "NEW")),
        ([NO_WORKFLOW], [MAY], (403, "NEW")),
    ],
)
def test_button_is_limited_by_role_and_guardrail(aws, permissions, guardrail, answer):
    assert (pressed(aws, permissions, guardrail), status(aws)) == answer


def test_an_unknown_button(aws):
    aws.deployment()
    aws.import_findings(aws.finding())
    (message,) = aws.emulator.inbox()
    assert message["buttons"] == []
    with pytest.raises(urllib.error.HTTPError):
        aws.emulator.press(message, "Suppress")
