# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains errors to the person who runs the playbook: cause and remedy. PRIVATE to the collection."""

from __future__ import annotations

import errno
import os
import re
import resource
from typing import Any

from .sanitize import sanitize

try:
    import botocore.exceptions as aws
    from botocore.parsers import ResponseParserError
except ImportError:
    pass  # the action plugin and AnsibleAWSModule report it


class UserError(Exception):
    """An error that the user can fix; the text has the cause and the remedy."""


class MultipleErrors(UserError):
    """Several errors that were found together."""

    def __init__(self, failures: list[BaseException]) -> None:
        self.sentences = list(dict.fromkeys(explain(failure) for failure in failures))
        super().__init__(joined(self.sentences))


def failures() -> tuple[type[BaseException], ...]:
    """Return the errors that a call may raise and *explain* describes, for an except clause."""
    return (aws.ClientError, aws.BotoCoreError, ResponseParserError, UserError)


# Variables of the environment that name the profile if no variable of the role does.
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
# AWS error code -> (what it means, what to do). {message} is AWS's own sentence, {operation} the API call.
CODES = {
    "AccessDenied": (
        "these credentials may not call {operation} ({message})",
        "Grant the action (the role's README lists all of them), and check whether a service control policy denies it.",
    ),
    "AssumeRoleDenied": (
        "these credentials may not assume the role ({message})",
        "Name them in its trust policy, grant them sts:AssumeRole, and check the external ID.",
    ),
    "WebIdentityDenied": (
        "the role does not trust this web identity ({message})",
        "Allow the identity provider, and the audience and subject of the token, in its trust policy.",
    ),
    "WebIdentityExpired": (
        "the web identity token has expired ({message})",
        "Run the playbook again with a new token; in CI, a new job gets one.",
    ),
    "InvalidIdentityToken": (
        "AWS does not accept the web identity token ({message})",
        "Check AWS_WEB_IDENTITY_TOKEN_FILE, and that the role's account has the identity provider.",
    ),
    "ForbiddenException": (
        "IAM Identity Center does not grant this role to the user who signed in ({message})",
        "Check sso_account_id and sso_role_name of the profile, and which user signs in.",
    ),
    "ExpiredToken": (
        "the credentials have expired",
        "Sign in again (for SSO: aws sso login) and run the playbook again.",
    ),
    "InvalidAccessException": (
        "Security Hub is not enabled there",
        "Enable it, or remove the region from the inventory.",
    ),
    "LimitExceeded": (
        "an AWS quota is exhausted ({message})",
        "Delete what is no longer needed, or request a higher quota.",
    ),
    "OptInRequired": (
        "the region is not enabled in this account",
        "Enable it, or remove it from the inventory.",
    ),
    "Throttling": (
        "AWS still throttled {operation} after {attempts} attempts",
        "Run the playbook again.",
    ),
    "UnrecognizedClient": (
        "AWS does not accept these credentials in this region",
        "Check the access key and the session token, that the region is enabled in this account, and that the user or "
        "role still exists.",
    ),
    "SignatureDoesNotMatch": (
        "the secret key is wrong, or the clock of this computer is off",
        "Check the credentials and the clock.",
    ),
    "WrongClock": (
        "the clock of this computer is wrong ({message})",
        "Set the clock and run the playbook again.",
    ),
}

# Kinds of policies as AWS names them when one of them denies a call, and what to do about each
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
DENIED_BY = {
    "service control policy": (
        "Ask the organization's administrator for an exemption; a restriction to regions must allow the global "
        "services chatbot and iam."
    ),
    "resource control policy": "Ask the organization's administrator for an exemption.",
    "permissions boundary": "Allow the action in the permissions boundary of the user or role.",
    "session policy": "Start the session without the policy that restricts it, or with one that allows the action.",
    "VPC endpoint policy": "Allow the action in the policy of the VPC endpoint that the call uses.",
    "identity-based policy": "Grant the action (the role's README lists all of them).",
}

SAME_AS = {
    "AccessDeniedException": "AccessDenied",
    "UnauthorizedOperation": "AccessDenied",
    "UnauthorizedException": "AccessDenied",  # of Chatbot
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

# Codes that have their own meaning in the answer to one operation.
OF_OPERATION = {
    ("AssumeRole", "AccessDenied"): "AssumeRoleDenied",
    ("AssumeRoleWithWebIdentity", "AccessDenied"): "WebIdentityDenied",
    ("AssumeRoleWithWebIdentity", "ExpiredToken"): "WebIdentityExpired",
}

# AWS's own sentences are shorter; the page of a proxy or a foreign text may be longer.
HTTP_TOO_MANY_REQUESTS = 429
INCOMPLETE = "the answer is incomplete"  # text of a ResponseParserError
LONGEST = 1000  # characters

# Each connection is an open file. A call keeps one open for the next call, for each service and region.
OPEN_FILES = 4096

# EC2 appends hundreds of characters that only sts:DecodeAuthorizationMessage can decode.
ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


def code(error: BaseException) -> str:
    """Return the code of a botocore ClientError, else an empty string."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def message(error: BaseException) -> str:
    """Return AWS's own sentence of a ClientError, else the text of the error."""
    return str(_response(error).get("Error", {}).get("Message", "") or error)


def is_passing(error: BaseException) -> bool:
    """Tell whether the same call may succeed a little later: throttling, an AWS fault, a broken connection."""
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError, ResponseParserError)):
        return True
    status, known = _status(error), code(error)
    # Chatbot's ServiceUnavailableException has the status 429.
    return status >= 500 or status == HTTP_TOO_MANY_REQUESTS or SAME_AS.get(known, known) == "Throttling"


def _status(error: BaseException) -> int:
    """Return the HTTP status of a ClientError, else 0."""
    return int(_response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _response(error: BaseException) -> dict[str, Any]:
    response = getattr(error, "response", None)
    return response if isinstance(response, dict) else {}


def is_denied(error: BaseException) -> bool:
    """Tell whether a policy of any kind does not allow the call."""
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
    """Return the cause and the remedy, sanitized, since AWS and others word parts of it."""
    if isinstance(error, UserError):
        return sanitize(str(error))
    if _lacks_open_files(error):
        limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f"this computer lets a process open {limit} files, which includes connections. Raise the hard limit to "
            f"{OPEN_FILES} (ulimit -Hn, or nofile in /etc/security/limits.conf) and run the playbook again."
        )
    known = code(error)
    if known in ("", str(HTTP_TOO_MANY_REQUESTS)) and _status(error) == HTTP_TOO_MANY_REQUESTS:
        known = "Throttling"  # by a proxy, whose answer has no code of AWS
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
    if meaning == "SignatureDoesNotMatch" and facts["message"].startswith("Signature "):
        meaning = "WrongClock"  # Signature expired, or Signature not yet current
    if meaning in CODES:
        cause, remedy = CODES[meaning]
        if meaning == "AccessDenied":
            remedy = next((to_do for kind, to_do in DENIED_BY.items() if kind in facts["message"]), remedy)
        return f"{cause.format(**facts)}. {remedy}"
    if metadata.get("HTTPStatusCode", 0) >= 500:
        return f"{error.operation_name} failed inside AWS {facts['attempts']} times ({known}). Run the playbook again."
    return f"{error.operation_name} was refused ({known}: {facts['message']})."


def _explain_transport(error: BaseException) -> str:
    cause = _in_a_sentence(str(error))
    if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError)):
        return "no AWS credentials were found. Set securityhub_slack_profile, AWS_PROFILE, or the AWS_* variables."
    if isinstance(error, aws.ProfileNotFound):
        named = [name for name in PROFILES if os.environ.get(name) == error.kwargs["profile"]]
        return f"{cause}. Set {(*named, 'securityhub_slack_profile')[0]} to a profile of ~/.aws/config."
    if isinstance(error, (aws.TokenRetrievalError, aws.SSOError, aws.LoginError)):
        return "the sign-in is missing or has expired. Run aws sso login (or aws login) and run the playbook again."
    if isinstance(
        error, (aws.CredentialRetrievalError, aws.MetadataRetrievalError, aws.RefreshWithMFAUnsupportedError)
    ):
        return f"{cause}. Check how ~/.aws/config gets these credentials."
    if isinstance(error, aws.HTTPClientError):
        cause = f"AWS did not answer ({type(error).__name__})"
    if isinstance(error, (aws.ConnectionError, aws.HTTPClientError)):
        return f"{cause}. Check the network, the proxy and the name of the region, and run the playbook again."
    if isinstance(error, ResponseParserError):
        if str(error) == INCOMPLETE:
            return "the answer was cut off on its way from AWS. Check the network and run the playbook again."
        return "the answer did not come from AWS. Check the proxy and the endpoint, and run the playbook again."
    if isinstance(error, aws.BotoCoreError):
        return f"{cause}."
    return f"{type(error).__name__}: {cause or 'no details'}."


def _lacks_open_files(error: BaseException) -> bool:
    """Tell whether *error*, or what caused it, is that this process may not open more files."""
    cause: Any = error
    while isinstance(cause, BaseException):
        if getattr(cause, "errno", None) in (errno.EMFILE, errno.ENFILE):
            return True
        # botocore keeps the error of urllib3 as a value, and that one has the system's as its cause.
        cause = getattr(cause, "kwargs", {}).get("error") or cause.__cause__
    return False


def _in_a_sentence(text: str) -> str:
    return _shortened(" ".join(text.split())).rstrip(".")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
