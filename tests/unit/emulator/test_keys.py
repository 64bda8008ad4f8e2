# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS managed keys, and aliases that exist."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import error_code
from botocore.exceptions import ClientError


@pytest.mark.parametrize("name", ["alias/aws/sns", "arn:aws:kms:us-east-1:111111111111:alias/aws/sns"])
def test_an_aws_managed_key_is_created_by_its_first_use(aws, name):
    client = aws.client("kms")
    found = client.describe_key(KeyId=name)["KeyMetadata"]
    assert (found["KeyManager"], found["KeyState"]) == ("AWS", "Enabled")
    assert client.describe_key(KeyId=found["KeyId"])["KeyMetadata"]["KeyManager"] == "AWS"
    assert client.describe_key(KeyId="alias/aws/sns")["KeyMetadata"]["Arn"] == found["Arn"]
    policy = json.loads(client.get_key_policy(KeyId=found["Arn"], PolicyName="default")["Policy"])
    assert policy["Statement"][0]["Condition"]["StringEquals"]["kms:ViaService"] == "sns.us-east-1.amazonaws.com"


def test_the_id_of_an_aws_managed_key_does_not_help(aws):
    aws.deployment()
    key = aws.client("kms").describe_key(KeyId="alias/aws/sns")["KeyMetadata"]["KeyId"]
    aws.client("sns").set_topic_attributes(
        TopicArn="arn:aws:sns:us-east-1:111111111111:findings", AttributeName="KmsMasterKeyId", AttributeValue=key
    )
    aws.import_findings(aws.finding())
    assert aws.titles() == []
    assert aws.metric("AWS/Events", "FailedInvocations", "RuleName", "findings") == 1


def test_a_created_key_is_customer_managed_and_other_aliases_are_unknown(aws):
    client = aws.client("kms")
    assert client.create_key()["KeyMetadata"]["KeyManager"] == "CUSTOMER"
    with pytest.raises(ClientError) as raised:
        client.describe_key(KeyId="alias/security")
    assert error_code(raised) == "NotFoundException"


def test_a_stack_does_not_take_over_an_alias(aws):
    kms, cloudformation = aws.client("kms"), aws.client("cloudformation")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    properties = {"AliasName": "alias/mine", "TargetKeyId": key}
    body = json.dumps({"Resources": {"Alias": {"Type": "AWS::KMS::Alias", "Properties": properties}}})
    cloudformation.create_stack(StackName="s", TemplateBody=body, OnFailure="DO_NOTHING")
    events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    assert any("alias/mine' already exists" in event.get("ResourceStatusReason", "") for event in events)
