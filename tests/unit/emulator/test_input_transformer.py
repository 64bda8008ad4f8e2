# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Input transformers as EventBridge documents them."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT
from .conftest import REGION
from .conftest import error_code

DEAD = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
TITLE = {"t": "$.detail.findings[0].Title"}


def custom(description, title='"a"'):
    return f'{{"version":"1.0","source":"custom","content":{{"title":{title},"description":{description}}}}}'


def sent(aws, finding, paths, template):
    aws.deployment()
    aws.rule(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    aws.import_findings(finding)
    return [message["text"] for message in aws.emulator.inbox()]


def failed(aws):
    return aws.metric("AWS/Events", "FailedInvocations", "RuleName", "findings")


@pytest.mark.parametrize(
    ("paths", "description", "text"),
    [
        (TITLE, "<t>", "EC2.8 Instances should use IMDSv2"),
        (TITLE, '"<t> in <aws.events.rule-name>"', "EC2.8 Instances should use IMDSv2 in findings"),
        ({"r": "$.detail.findings[0].Resources[0].Id"}, "<r>", "i-1"),
        ({"r": "$.detail.findings[0].Compliance"}, '"is <r>"', "is {Status: FAILED, SecurityControlId: EC2.8}"),
        ({"n": "$.detail.findings[0].AwsAccountName"}, '"by <n>."', "by ."),
        ({"n": "$.detail.findings[7].Title"}, '"by <n>."', "by ."),
    ],
)
def test_variables_are_filled_in(aws, paths, description, text):
    assert sent(aws, aws.finding(), paths, custom(description)) == [text]


HOSTILE = 'a "quoted" \\ title\nof two lines'


def test_any_text_is_safe_where_it_stands_alone(aws):
    assert sent(aws, aws.finding(Title=HOSTILE), TITLE, custom("<t>")) == [HOSTILE]


def test_a_quotation_mark_inside_a_string_loses_the_event(aws):
    assert sent(aws, aws.finding(Title=HOSTILE), TITLE, custom('"<t>"')) == []
    assert failed(aws) == 1


@pytest.mark.parametrize("broken", ['{"a":<t>}', '"a","title":["b"]', "NaN"])
def test_what_is_not_a_custom_notification_is_lost(aws, broken):
    assert sent(aws, aws.finding(), {"t": "$.detail.findings[0].Title"}, custom('"d"', broken)) == []
    assert failed(aws) == (1 if broken == "NaN" else 0)


def test_a_missing_variable_must_not_stand_alone(aws):
    assert sent(aws, aws.finding(), {"n": "$.detail.findings[0].AwsAccountName"}, custom("<n>")) == []
    assert failed(aws) == 1


@pytest.mark.parametrize(
    ("paths", "template", "words"),
    [
        (TITLE, '{"a": <other>}', "placeholders without a path: other"),
        (TITLE, '{<t>: "a"}', "cannot be used as an object key"),
        (TITLE, '{"a": <t>', "InputTemplate is not valid"),
        (TITLE, "<t> is not quoted", "InputTemplate is not valid"),
        (TITLE, json.dumps("x" * 8192), "between 1 and 8192"),
        ({f"t{number}": "$.id" for number in range(101)}, '"a"', "less than or equal to 100"),
        ({"t": "$['detail']"}, "<t>", "use dot notation"),
        ({"AWS.t": "$.id"}, '"a"', "cannot start with AWS."),
    ],
)
def test_a_bad_transformer_is_refused(aws, paths, template, words):
    aws.topic()
    with pytest.raises(ClientError) as caught:
        aws.rule(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    assert error_code(caught) == "ValidationException"
    assert words in str(caught.value)


def test_a_template_with_a_bad_transformer_is_rolled_back(aws):
    target = {"Id": "topic", "Arn": aws.topic(), "InputTransformer": {"InputTemplate": '{"a": <b>}'}}
    rule = {"Name": "findings", "EventPattern": {"source": ["aws.securityhub"]}, "Targets": [target]}
    body = {"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": rule}}}
    client = aws.client("cloudformation")
    client.create_stack(StackName="bad", TemplateBody=json.dumps(body))
    assert client.describe_stacks(StackName="bad")["Stacks"][0]["StackStatus"].startswith("ROLLBACK")
