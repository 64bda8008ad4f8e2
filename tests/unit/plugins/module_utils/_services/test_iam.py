# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM against the emulator: resources that exist already, or no longer exist, are not an error."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import DENY_ALL
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.plugins.module_utils._services import iam as api
from botocore.stub import Stubber

TAGS = {"Team": "security"}
CHATBOT = "management.chatbot.amazonaws.com"
ARN = "arn:aws:iam::111111111111:policy/guardrail"


@pytest.fixture
def client(emulator):
    return emulator.client("iam")


def test_role_creation_and_deletion_are_idempotent(client):
    assert api.get_role(client, "channel") is None
    assert api.create_role(client, "channel", "for the channel", TRUST, TAGS, "") is True
    assert api.create_role(client, "channel", "for the channel", TRUST, TAGS, "") is False
    role = api.get_role(client, "channel")
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert role["Tags"] == api.boto3_tags(TAGS)
    assert api.delete_role(client, "channel") is True
    assert api.delete_role(client, "channel") is False


def test_a_role_gets_and_changes_its_permissions_boundary(client):
    boundaries = [f"arn:aws:iam::aws:policy/{name}" for name in ("ReadOnlyAccess", "SecurityAudit")]
    api.create_role(client, "channel", "for the channel", TRUST, TAGS, boundaries[0])
    assert api.get_role(client, "channel")["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundaries[0]
    api.put_role_permissions_boundary(client, "channel", boundaries[1])
    assert api.get_role(client, "channel")["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundaries[1]


def test_role_policy_creation_and_deletion_are_idempotent(client):
    api.create_role(client, "channel", "for the channel", TRUST, TAGS, "")
    api.put_role_policy(client, "channel", "may", DENY_ALL)
    assert client.get_role_policy(RoleName="channel", PolicyName="may")["PolicyDocument"] == DENY_ALL
    assert api.delete_role_policy(client, "channel", "may") is True
    assert api.delete_role_policy(client, "channel", "may") is False
    assert api.untag_role(client, "channel", list(TAGS)) is True
    assert api.get_role(client, "channel").get("Tags", []) == []
    assert api.untag_role(client, "missing", list(TAGS)) is False


def test_policy_creation_and_deletion_are_idempotent(client):
    assert api.get_policy(client, ARN) is None
    assert api.create_policy(client, "guardrail", "denies all", DENY_ALL, TAGS) is True
    assert api.create_policy(client, "guardrail", "denies all", DENY_ALL, TAGS) is False
    policy = api.get_policy(client, ARN)
    assert policy["Document"] == DENY_ALL
    assert policy["Tags"] == api.boto3_tags(TAGS)
    assert api.delete_policy(client, ARN) is True
    assert api.delete_policy(client, ARN) is False


def test_versions_of_a_policy(client):
    assert api.list_policy_versions(client, ARN) == []
    api.create_policy(client, "guardrail", "denies all", TRUST | {"Statement": DENY_ALL["Statement"]}, {})
    api.create_policy_version(client, ARN, DENY_ALL)
    versions = {item["VersionId"]: item["IsDefaultVersion"] for item in api.list_policy_versions(client, ARN)}
    assert versions == {"v1": False, "v2": True}
    assert api.delete_policy_version(client, ARN, "v1") is True
    assert api.delete_policy_version(client, ARN, "v1") is False


def test_trust_and_tags_of_a_role_are_replaced_and_added(client):
    api.create_role(client, "channel", "for the channel", TRUST | {"Id": "old"}, TAGS, "")
    api.update_trust(client, "channel", TRUST)
    api.tag_role(client, "channel", {"Owner": "me"})
    role = api.get_role(client, "channel")
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == {"Owner": "me", **TAGS}


def test_a_service_linked_role_is_made_once(client):
    assert api.list_service_linked_roles(client, CHATBOT) == []
    assert api.create_service_linked_role(client, CHATBOT) is True
    assert api.create_service_linked_role(client, CHATBOT) is False
    (role,) = api.list_service_linked_roles(client, CHATBOT)
    assert role["RoleName"] == "AWSServiceRoleForAWSChatbot"


@pytest.mark.parametrize(
    ("result", "denied"),
    [
        ({"EvalDecision": "allowed"}, False),
        ({"EvalDecision": "implicitDeny"}, True),
        ({"EvalDecision": "explicitDeny"}, True),
        # The policies ask for what the simulation was not told: it may well be allowed.
        ({"EvalDecision": "implicitDeny", "MissingContextValues": ["aws:SourceIp"]}, False),
    ],
)
def test_a_simulation_is_believed_where_nothing_is_missing(client, result, denied):
    with Stubber(client) as aws:
        aws.add_response(
            "simulate_principal_policy",
            {"EvaluationResults": [{"EvalActionName": "iam:CreateServiceLinkedRole", **result}]},
            {
                "PolicySourceArn": ARN,
                "ActionNames": ["iam:CreateServiceLinkedRole"],
                "ResourceArns": ["*"],
                "ContextEntries": [
                    {
                        "ContextKeyName": "iam:AWSServiceName",
                        "ContextKeyValues": [CHATBOT],
                        "ContextKeyType": "string",
                    }
                ],
            },
        )
        context = {"iam:AWSServiceName": CHATBOT}
        assert api.denies(client, ARN, "iam:CreateServiceLinkedRole", "*", context) is denied
