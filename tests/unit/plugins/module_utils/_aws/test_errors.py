# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import inspect
import string

import botocore.exceptions
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors
from botocore.parsers import ResponseParserError


def client_error(code, message="AWS says so.", operation="DescribeHub", status=400, retries=0):
    return botocore.exceptions.ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
        },
        operation,
    )


EXCEPTIONS = [
    cls
    for cls in vars(botocore.exceptions).values()
    if inspect.isclass(cls)
    and issubclass(cls, Exception)
    and not issubclass(cls, Warning)
    and cls.__module__ == botocore.exceptions.__name__
]


def an(cls):
    """Return an instance of a botocore exception, each part of its text filled in, over two lines."""
    if issubclass(cls, botocore.exceptions.ClientError):
        return cls({"Error": {"Code": "Odd", "Message": "one\ntwo"}}, "DescribeHub")
    if cls is botocore.exceptions.WaiterError:
        return cls(name="stack", reason="one\ntwo", last_response={})
    fields = {name for _text, name, _spec, _conversion in string.Formatter().parse(getattr(cls, "fmt", "")) if name}
    return cls(**dict.fromkeys(fields, "one\ntwo"))


@pytest.mark.parametrize("cls", EXCEPTIONS, ids=lambda cls: cls.__name__)
def test_every_exception_of_botocore_is_one_line_that_ends_as_a_sentence(cls):
    error = an(cls)
    assert isinstance(error, errors.failures()) or not issubclass(cls, botocore.exceptions.BotoCoreError)
    sentence = errors.explain(error)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert ": ." not in sentence


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (client_error("AccessDenied"), "may not call DescribeHub (AWS says so)", "Grant the action"),
        (client_error("AccessDeniedException"), "may not call DescribeHub (AWS says so)", "Grant the action"),
        (client_error("UnauthorizedOperation"), "may not call DescribeHub (AWS says so)", "Grant the action"),
        (client_error("AccessDenied", operation="AssumeRole"), "may not assume the role (AWS says so)", "trust policy"),
        (
            client_error("AccessDenied", "... with an explicit deny in a service control policy"),
            "may not call DescribeHub (... with an explicit deny in a service control policy)",
            "Ask the organization's administrator for an exemption; a restriction to regions must allow",
        ),
        (
            client_error("AccessDenied", "... because no permissions boundary allows the action"),
            "(... because no permissions boundary allows the action)",
            "Allow the action in the permissions boundary of the user or role",
        ),
        (
            client_error("AccessDenied", "... because no identity-based policy allows the action"),
            "(... because no identity-based policy allows the action)",
            "Grant the action (the role's README",
        ),
        (client_error("ExpiredToken"), "have expired", "Sign in again"),
        (client_error("ExpiredTokenException"), "have expired", "Sign in again"),
        (client_error("InvalidAccessException"), "Security Hub is not enabled", "Enable it"),
        (client_error("LimitExceededException"), "an AWS quota is exhausted (AWS says so)", "request a higher"),
        (client_error("OptInRequired"), "region is not enabled", "Enable it"),
        (client_error("RegionDisabledException"), "region is not enabled", "Enable it"),
        (client_error("ThrottlingException", retries=7), "throttled DescribeHub after 8 attempts", "again"),
        (client_error("RequestThrottled", retries=7), "throttled DescribeHub after 8 attempts", "again"),
        (client_error("UnrecognizedClientException"), "does not accept these credentials", "region is enabled"),
        (client_error("InvalidClientTokenId"), "does not accept these credentials", "region is enabled"),
        (client_error("SignatureDoesNotMatch"), "secret key is wrong, or the clock of this computer is off", "Check"),
        (
            client_error("InvalidSignatureException", "Signature expired: now"),
            "this computer is wrong",
            "Set the clock",
        ),
        (client_error("429", status=429, retries=7), "throttled DescribeHub after 8 attempts", "again"),
        (client_error("", status=429), "throttled DescribeHub after 1 attempts", "again"),
        (client_error("Internal", status=503, retries=7), "DescribeHub failed inside AWS 8 times (Internal)", "again"),
        (client_error("Odd", "One.\n  Two."), "DescribeHub was refused (Odd: One. Two).", ""),
        (botocore.exceptions.NoCredentialsError(), "no AWS credentials were found", "AWS_PROFILE"),
        (botocore.exceptions.ProfileNotFound(profile="prod"), "The config profile (prod) could not be found", "~/.aws"),
        (botocore.exceptions.UnauthorizedSSOTokenError(), "sign-in is missing or has expired", "aws sso login"),
        (botocore.exceptions.LoginRefreshRequired(), "sign-in is missing or has expired", "aws login"),
        (
            botocore.exceptions.EndpointConnectionError(endpoint_url="https://securityhub.eu-wset-1.amazonaws.com"),
            "https://securityhub.eu-wset-1.amazonaws.com",
            "Check the network",
        ),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="https://x"), "https://x", "Check the network"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="https://x"), "did not answer (ReadTimeout", "the network"),
        (ResponseParserError("<html>"), "the answer did not come from AWS", "Check the proxy"),
        (errors.UserError("The cause: the remedy."), "The cause: ", "the remedy."),
        (RuntimeError("something\nelse"), "RuntimeError: something else.", ""),
    ],
)
def test_explains_cause_and_remedy(error, cause, remedy):
    sentence = errors.explain(error)
    assert cause in sentence
    assert remedy in sentence.partition(cause)[2]


def test_leaves_out_encoded_messages():
    message = "You are not authorized. Encoded authorization failure message: " + "x" * 500
    sentence = errors.explain(client_error("UnauthorizedOperation", message))
    assert "(You are not authorized)" in sentence


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignatureException"])
def test_hides_the_signed_request(code):
    # AWS's own message repeats the signed headers, and with them the session token.
    sentence = errors.explain(client_error(code, "The Canonical String should have been x-amz-security-token:SECRET"))
    assert "SECRET" not in sentence


def test_code_and_message_of_a_client_error():
    error = client_error("Odd", "Words of AWS.")
    assert (errors.code(error), errors.message(error)) == ("Odd", "Words of AWS.")


def test_code_and_message_of_any_other_error():
    assert (errors.code(ValueError("x")), errors.message(ValueError("x"))) == ("", "x")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (client_error("TooManyRequestsException", "Rate exceeded"), True),
        (client_error("Throttling", "Rate exceeded"), True),
        (client_error("InternalFailure", "", status=500), True),
        (client_error("AccessDenied", "no"), False),
        (client_error("ConflictException", "taken"), False),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="https://aws"), True),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="https://aws"), True),
        (botocore.exceptions.NoCredentialsError(), False),
        (errors.UserError("no"), False),
        (ValueError("no"), False),
    ],
)
def test_passing_inputs(error, passes):
    assert errors.is_passing(error) is passes


def test_several_failures_are_several_sentences_each_once():
    denied = client_error("AccessDenied")
    several = errors.MultipleErrors([denied, denied, client_error("AccessDenied", operation="DescribeStacks")])
    first, second = errors.sentences(several)
    assert first.startswith("these credentials may not call DescribeHub")
    assert errors.explain(several) == f"{first.rstrip('.')}; {second}"
    assert errors.sentences(denied) == [first]


@pytest.mark.parametrize(
    "code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"]
)
def test_a_denial_has_many_codes(code):
    assert errors.is_denied(client_error(code))
    assert not errors.is_denied(client_error("Throttling"))


@pytest.mark.parametrize("code", ["AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"])
def test_credentials_that_a_region_does_not_know_have_many_codes(code):
    assert errors.is_unrecognized(client_error(code))
    assert not errors.is_unrecognized(client_error("AccessDenied"))


def test_an_endless_text_of_aws_is_cut():
    explained = errors.explain(client_error("ValidationError", "x" * 5000))
    assert "x" * 100 in explained
    assert len(explained) < 1200
