# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary credentials: the portal of IAM Identity Center, web identities, sessions, expiration."""

from __future__ import annotations

import time
import urllib.error

import boto3
import pytest
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import error_code
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT, OTHER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{OTHER}:role/path/deployer"
NAMES = {
    "AccessKeyId": "aws_access_key_id",
    "SecretAccessKey": "aws_secret_access_key",
    "SessionToken": "aws_session_token",
}


@pytest.fixture
def signed_in(emulator):
    emulator.sign_in(
        sso_tokens={
            "valid": {"roles": {ACCOUNT: ["Admin"]}, "user": "jane", "refresh": "again"},
            "over": {"roles": {ACCOUNT: ["Admin"]}, "seconds": -1},
        },
        web_identity_tokens={"valid": 60, "over": -1},
    )
    return emulator


def signed_with(emulator, credentials, service="sts", leave_out=()):
    keys = {
        NAMES[key[0].upper() + key[1:]]: value for key, value in credentials.items() if not key.startswith(("e", "E"))
    }
    keys = {name: value for name, value in keys.items() if name not in leave_out}
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, region_name="us-east-1", endpoint_url=emulator.url, config=config, **keys)


def portal(emulator, service="sso"):
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return boto3.client(service, region_name="eu-west-1", endpoint_url=emulator.url, config=config)


def role_credentials(emulator, token, role="Admin", account=ACCOUNT):
    return portal(emulator).get_role_credentials(accessToken=token, roleName=role, accountId=account)["roleCredentials"]


def assumed(emulator, **more):
    return emulator.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="a-session", **more)["Credentials"]


def test_the_portal_gives_credentials_of_the_role(signed_in):
    credentials = role_credentials(signed_in, "valid")
    identity = signed_with(signed_in, credentials).get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_")
    assert identity["Arn"].endswith("/jane")
    assert 3500 < credentials["expiration"] / 1000 - time.time() < 3601


@pytest.mark.parametrize(
    ("token", "role", "code", "status"),
    [
        ("unknown", "Admin", "UnauthorizedException", 401),
        ("over", "Admin", "UnauthorizedException", 401),
        ("valid", "Other", "ForbiddenException", 403),
    ],
)
def test_the_portal_refuses(signed_in, token, role, code, status):
    with pytest.raises(ClientError) as raised:
        role_credentials(signed_in, token, role)
    assert error_code(raised) == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_token_is_renewed(signed_in):
    asked = {"clientId": "c", "clientSecret": "s", "grantType": "refresh_token"}
    renewed = portal(signed_in, "sso-oidc").create_token(refreshToken="again", **asked)
    assert renewed["expiresIn"] == 3600
    assert role_credentials(signed_in, renewed["accessToken"])["accessKeyId"]
    with pytest.raises(ClientError) as raised:
        portal(signed_in, "sso-oidc").create_token(refreshToken="unknown", **asked)
    assert error_code(raised) == "InvalidGrantException"


def test_a_web_identity_becomes_a_role(signed_in):
    asked = {"RoleArn": ROLE, "RoleSessionName": "from-ci"}
    sts = portal(signed_in, "sts")
    credentials = sts.assume_role_with_web_identity(WebIdentityToken="valid", **asked)["Credentials"]
    identity = signed_with(signed_in, credentials).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/deployer/from-ci"
    signed_in.world({OTHER: {"roles": []}})
    for token, code in (
        ("unknown", "InvalidIdentityToken"),
        ("over", "ExpiredTokenException"),
        ("valid", "AccessDenied"),
    ):
        with pytest.raises(ClientError) as raised:
            sts.assume_role_with_web_identity(WebIdentityToken=token, **asked)
        assert error_code(raised) == code


def test_the_log_names_the_caller_as_cloudtrail_does(signed_in):
    signed_in.forget_requests()
    credentials = assumed(signed_in)
    signed_with(signed_in, credentials).get_caller_identity()
    role_credentials(signed_in, "valid")
    assert [(entry["operation"], entry["caller"]) for entry in signed_in.requests()] == [
        ("AssumeRole", f"arn:aws:iam::{ACCOUNT}:root"),
        ("GetCallerIdentity", f"arn:aws:sts::{OTHER}:assumed-role/deployer/a-session"),
        ("GetRoleCredentials", ""),
    ]


@pytest.mark.parametrize("name", ["two words", "x", "x" * 65])
def test_a_session_name_that_aws_does_not_take(signed_in, name):
    with pytest.raises(ClientError) as raised:
        signed_in.client("sts", parameter_validation=False).assume_role(RoleArn=ROLE, RoleSessionName=name)
    assert error_code(raised) == "ValidationError"


def test_temporary_credentials_without_their_token_are_unknown(signed_in):
    credentials = assumed(signed_in)
    for given, leave_out in ((credentials, ("aws_session_token",)), ({**credentials, "SessionToken": "other"}, ())):
        with pytest.raises(ClientError) as raised:
            signed_with(signed_in, given, leave_out=leave_out).get_caller_identity()
        assert error_code(raised) == "InvalidClientTokenId"
    with pytest.raises(ClientError) as raised:
        signed_with(signed_in, {"AccessKeyId": "ASIA0000000000000000", "SecretAccessKey": "x"}).get_caller_identity()
    assert error_code(raised) == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("sts", "get_caller_identity", "ExpiredToken"),
        ("securityhub", "describe_hub", "ExpiredTokenException"),
        ("cloudformation", "describe_stacks", "ExpiredToken"),
        ("chatbot", "describe_slack_channel_configurations", "ExpiredTokenException"),
    ],
)
def test_every_service_refuses_expired_credentials(signed_in, service, operation, code):
    signed_in.sign_in(session_seconds=0.2)
    began = time.time()
    of_role, of_portal = assumed(signed_in), role_credentials(signed_in, "valid")
    assert began - 1 < of_role["Expiration"].timestamp() < time.time() + 1
    signed_in.sign_in(session_seconds=None)
    time.sleep(0.3)
    assumed(signed_in)
    for credentials in (of_role, of_portal):
        with pytest.raises(ClientError) as raised:
            getattr(signed_with(signed_in, credentials, service), operation)()
        assert error_code(raised) == code


def test_invalid_sign_in_data_is_refused(signed_in):
    with pytest.raises(urllib.error.HTTPError) as raised:
        signed_in.sign_in(password="x")
    assert raised.value.code == 400
