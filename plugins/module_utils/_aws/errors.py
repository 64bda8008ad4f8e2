# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AWS error means for the person who runs the playbook: cause and remedy. PRIVATE to the collection."""

from __future__ import annotations

import re
from typing import Any

from .sanitize import sanitize

try:
    import botocore.exceptions as aws
    from botocore.parsers import ResponseParserError
except ImportError:
    pass  # the action plugin and AnsibleAWSModule say so


class UserError(Exception):
    """The product itself declines to go on; the text holds cause and remedy."""


class MultipleErrors(UserError):
    """Several failures that are known at once."""

    def __init__(self, failures: list[BaseException]) -> None:
        self.sentences = list(dict.fromkeys(explain(failure) for failure in failures))
        super().__init__(joined(self.sentences))


def failures() -> tuple[type[BaseException], ...]:
    """Return what a call may end with and *explain* puts into words: for an except clause."""
    return (aws.ClientError, aws.BotoCoreError, ResponseParserError, UserError)


# AWS error code -> (what it means, what to do). {message} is AWS's own sentence, {operation} the API call.
CODES = {
    "AccessDenied": (
        "these credentials may not call {operation} ({message})",
        "grant the action (the role's README lists them all), and look for a service control policy that denies it.",
    ),
    "AssumeRoleDenied": (
        "these credentials may not assume the role ({message})",
        "name them in its trust policy, allow them sts:AssumeRole, and check the external id.",
    ),
    "WebIdentityDenied": (
        "the role does not trust this web identity ({message})",
        "have its trust policy allow the identity provider, and the audience and subject of the token.",
    ),
    "WebIdentityExpired": (
        "the web identity token has expired ({message})",
        "run the playbook again with a new one; in CI, a new job gets it.",
    ),
    "InvalidIdentityToken": (
        "AWS does not take the web identity token ({message})",
        "check AWS_WEB_IDENTITY_TOKEN_FILE, and that the role's account knows the identity provider.",
    ),
    "ForbiddenException": (
        "IAM Identity Center does not give this role to who has signed in ({message})",
        "check sso_account_id and sso_role_name of the profile, and who signs in.",
    ),
    "ExpiredToken": (
        "the credentials have expired",
        "sign in again (for SSO: aws sso login) and run the playbook again.",
    ),
    "InvalidAccessException": (
        "Security Hub is not enabled there",
        "enable it, or take the region out of the inventory.",
    ),
    "LimitExceeded": (
        "a quota of AWS is used up ({message})",
        "remove what is not needed, or ask AWS for a higher quota.",
    ),
    "OptInRequired": ("the region is not enabled in this account", "enable it, or take it out of the inventory."),
    "Throttling": ("AWS still refused {operation} for its rate after {attempts} attempts", "run the playbook again."),
    "UnrecognizedClient": (
        "AWS does not accept these credentials in this region",
        "check that the region is enabled in this account and that the credentials are those of a live user or role.",
    ),
    "SignatureDoesNotMatch": ("the secret key is wrong or this clock is off", "check the credentials and the clock."),
}

# Kinds of policies as AWS names them when one of them denies a call, and what to do about each
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
DENIED_BY = {
    "service control policy": (
        "have the organization's administrator exempt it; a restriction to regions must let the global services "
        "chatbot and iam through."
    ),
    "resource control policy": "have the organization's administrator exempt it.",
    "permissions boundary": "have the permissions boundary of the user or role allow it.",
    "session policy": "ask for the session without the policy that narrows it down, or with one that allows it.",
    "VPC endpoint policy": "have the policy of the VPC endpoint, through which the call goes, allow it.",
    "identity-based policy": "grant the action (the role's README lists them all).",
}

SAME_AS = {
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "AuthorizationError": "AccessDenied",
    "ExpiredTokenException": "ExpiredToken",
    "RequestExpired": "ExpiredToken",
    "LimitExceededException": "LimitExceeded",
    "InvalidClientTokenId": "UnrecognizedClient",
    "UnrecognizedClientException": "UnrecognizedClient",
    "AuthFailure": "UnrecognizedClient",
    "ThrottlingException": "Throttling",
    "ThrottledException": "Throttling",
    "RequestThrottled": "Throttling",
    "RequestThrottledException": "Throttling",
    "TooManyRequestsException": "Throttling",
    "RequestLimitExceeded": "Throttling",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "IncompleteSignature": "SignatureDoesNotMatch",
    "IncompleteSignatureException": "SignatureDoesNotMatch",
    "RegionDisabledException": "OptInRequired",
}

# What a code means as the answer to one operation only.
OF_OPERATION = {
    ("AssumeRole", "AccessDenied"): "AssumeRoleDenied",
    ("AssumeRoleWithWebIdentity", "AccessDenied"): "WebIdentityDenied",
    ("AssumeRoleWithWebIdentity", "ExpiredToken"): "WebIdentityExpired",
}

# No sentence of AWS's is as long; a page of a proxy's, or what somebody has put there, may be.
LONGEST = 1000  # characters

# EC2 adds some hundred characters that only sts:DecodeAuthorizationMessage can read.
ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


def code(error: BaseException) -> str:
    """Return the code of a botocore ClientError, else an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def message(error: BaseException) -> str:
    """Return AWS's own sentence of a ClientError, else the text of the error."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return str(error)
    return str(response.get("Error", {}).get("Message", "") or error)


def is_passing(error: BaseException) -> bool:
    """Tell whether the same call may well succeed a little later: throttling, a fault of AWS's, a broken connection."""
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError, ResponseParserError)):
        return True
    response = getattr(error, "response", None)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) if isinstance(response, dict) else 0
    known = code(error)
    return status >= 500 or SAME_AS.get(known, known) == "Throttling"


def is_denied(error: BaseException) -> bool:
    """Tell whether a policy, of whatever kind, does not allow the call."""
    known = code(error)
    return SAME_AS.get(known, known) == "AccessDenied"


def is_unrecognized(error: BaseException) -> bool:
    """Tell whether AWS does not know the credentials, as everywhere in a region that the account has not enabled."""
    known = code(error)
    return SAME_AS.get(known, known) == "UnrecognizedClient"


def joined(sentences: list[str]) -> str:
    """Return several explanations as one text."""
    return "; ".join([*(sentence.rstrip(".") for sentence in sentences[:-1]), *sentences[-1:]])


def sentences(error: BaseException) -> list[str]:
    """Return an explanation for each failure that *error* stands for."""
    return list(error.sentences) if isinstance(error, MultipleErrors) else [explain(error)]


def explain(error: BaseException) -> str:
    """Return one sentence with the cause and one with the remedy, fit to be shown: much of it is not ours."""
    if isinstance(error, UserError):
        return sanitize(str(error))
    known = code(error)
    return sanitize(_explain_code(error, known) if known else _explain_transport(error))


def _explain_code(error: Any, known: str) -> str:
    metadata = error.response.get("ResponseMetadata", {})
    facts = {
        "operation": error.operation_name,
        "message": _in_a_sentence(ENCODED.sub("", message(error))),
        "attempts": metadata.get("RetryAttempts", 0) + 1,
    }
    meaning = SAME_AS.get(known, known)
    meaning = OF_OPERATION.get((error.operation_name, meaning), meaning)
    if meaning in CODES:
        cause, remedy = CODES[meaning]
        if meaning == "AccessDenied":
            remedy = next((to_do for kind, to_do in DENIED_BY.items() if kind in facts["message"]), remedy)
        return f"{cause.format(**facts)}: {remedy.format(**facts)}"
    if metadata.get("HTTPStatusCode", 0) >= 500:
        return f"{error.operation_name} failed inside AWS {facts['attempts']} times ({known}): run the playbook again."
    return f"{error.operation_name} was refused ({known}: {facts['message']})."


def _explain_transport(error: BaseException) -> str:
    cause = _in_a_sentence(str(error))
    if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError)):
        return "no AWS credentials were found: set securityhub_slack_profile, AWS_PROFILE, or the AWS_* variables."
    if isinstance(error, aws.ProfileNotFound):
        return f"{cause}: name a profile of ~/.aws/config in securityhub_slack_profile."
    if isinstance(error, (aws.TokenRetrievalError, aws.SSOError, aws.LoginError)):
        return "the sign-in is missing or has expired: run aws sso login (or aws login) and run the playbook again."
    if isinstance(
        error, (aws.CredentialRetrievalError, aws.MetadataRetrievalError, aws.RefreshWithMFAUnsupportedError)
    ):
        return f"{cause}: correct where ~/.aws/config says that the credentials come from."
    if isinstance(error, aws.HTTPClientError):
        cause = f"AWS did not answer ({type(error).__name__})"
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError)):
        return f"{cause}: check the network, the proxy and the region's name, and run the playbook again."
    if isinstance(error, ResponseParserError):
        return "the answer was not one of AWS: check the proxy and the endpoint, and run the playbook again."
    if isinstance(error, aws.BotoCoreError):
        return f"{cause}."
    return f"{type(error).__name__}: {cause or 'no more is known'}."


def _in_a_sentence(text: str) -> str:
    return _of_bearable_length(" ".join(text.split())).rstrip(".")


def _of_bearable_length(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
