# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains why signing in failed, by profile: pure. PRIVATE to the collection."""

from __future__ import annotations

import shlex
from typing import Any

from . import errors
from .errors import UserError

try:
    import botocore.exceptions as aws
except ImportError:
    pass  # the action plugin and AnsibleAWSModule report it

# The text of botocore's RuntimeError if a refresh returned credentials that have expired already.
EXPIRED = "credentials are still expired"
PROCESS = "custom-process"  # botocore's name of a credential_process


def failure(error: Exception, profile: str) -> Exception:
    """Return what to raise for *error*: itself where *errors.explain* knows more, else a sentence about *profile*.

    *profile* is empty if none is named. Programs and files may return secrets, so nothing of it is quoted, except what
    a credential_process reports about its own failure.
    """
    if isinstance(error, (UserError, aws.ClientError)) or errors.is_passing(error):
        return error
    return UserError(_sentence(error, profile))


def concerns(error: Exception) -> bool:
    """Tell whether a call failed because of its credentials, and not because of the request."""
    if isinstance(error, RuntimeError):
        return EXPIRED in str(error)
    kinds = (
        aws.SSOError,
        aws.TokenRetrievalError,
        aws.LoginError,
        aws.NoCredentialsError,
        aws.CredentialRetrievalError,
        aws.InvalidConfigError,
    )
    return isinstance(error, kinds)


def asks_for_a_code(profile: str) -> UserError:
    """Return the error for a profile that assumes its role with an MFA code, which only a terminal can ask for."""
    return UserError(
        f"{_whose(profile)} needs an MFA code, and a run cannot ask for one. Before the run, sign in with "
        f'eval "$(aws configure export-credentials --format env{_option(profile)})", and do not set a profile.'
    )


def leads_elsewhere(profile: str, account: str, other: str) -> UserError:
    """Return the error for refreshed credentials of the *other* account, where the first ones led to *account*."""
    return UserError(
        f"the credentials of {_whose(profile)} led to account {account}, and since they were refreshed they lead to "
        f"account {other}. Nothing more is done with them. Correct where they come from, then rerun the playbook."
    )


def _sentence(error: Any, profile: str) -> str:
    whose = _whose(profile)
    again = _signs_in_with(error)
    if again:
        command = f"{again}{_option(profile)}"
        return f"the sign-in of {whose} is missing or has expired. Run {command} and run the playbook again."
    if isinstance(error, RuntimeError) and EXPIRED in str(error):
        return f"the credentials of {whose} have expired. Sign in where they come from and run the playbook again."
    if isinstance(error, aws.MissingDependencyException):
        return f"{whose} signs in with a library that is not installed. Run pip install 'botocore[crt]'."
    if isinstance(error, aws.ProfileNotFound) or (isinstance(error, aws.NoCredentialsError) and not profile):
        return errors.explain(error)
    return f"{_cause(error, whose)}. {'Correct it in ~/.aws/config.' if profile else 'Correct the AWS_* variables.'}"


def _signs_in_with(error: Exception) -> str:
    if isinstance(error, (aws.SSOError, aws.TokenRetrievalError)):
        return "aws sso login"
    if isinstance(error, aws.LoginError) and not isinstance(error, aws.LoginInsufficientPermissions):
        return "aws login"
    return ""


def _cause(error: Any, whose: str) -> str:
    if isinstance(error, aws.NoCredentialsError):
        return f"{whose} has no credentials"
    if isinstance(error, aws.CredentialRetrievalError) and error.kwargs.get("provider") == PROCESS:
        return f"the credential_process of {whose} failed ({_last_line(error.kwargs['error_msg'])})"
    if isinstance(error, aws.BotoCoreError):
        return f"{whose} cannot be used ({' '.join(str(error).split()).rstrip('.')})"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}, which {whose} names, cannot be read or run ({error.strerror})"
    return f"{whose} does not return AWS credentials ({type(error).__name__})"


def _whose(profile: str) -> str:
    return f"profile {profile}" if profile else "the environment"


def _option(profile: str) -> str:
    return f" --profile {shlex.quote(profile)}" if profile else ""


def _last_line(text: str) -> str:
    """Return the last line that is not empty: the cause, if a program ends with a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it prints nothing"
