# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why signing in failed, by the profile that should lead to credentials: pure. PRIVATE to the collection."""

from __future__ import annotations

import shlex
from typing import Any

from . import errors
from .errors import UserError

try:
    import botocore.exceptions as aws
except ImportError:
    pass  # the action plugin and AnsibleAWSModule say so

# botocore's words of a RuntimeError of its own, where renewing gave what is over already.
OVER = "credentials are still expired"
PROCESS = "custom-process"  # botocore's name of a credential_process


def failure(error: Exception, profile: str) -> Exception:
    """Return what to raise for *error*: itself where *errors.explain* knows more, else a sentence about *profile*.

    *profile* is empty where none is named. What programs and files give may hold secrets, so nothing of it is quoted
    but what a credential_process says of its own failure.
    """
    if isinstance(error, (UserError, aws.ClientError)) or errors.is_passing(error):
        return error
    return UserError(_sentence(error, profile))


def concerns(error: Exception) -> bool:
    """Tell whether a call failed for what should have signed it, and not for what it asked."""
    if isinstance(error, RuntimeError):
        return OVER in str(error)
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
    """Return what to raise for a profile that assumes its role with an MFA code, which only a terminal can ask for."""
    return UserError(
        f"{_whose(profile)} asks for an MFA code, and a run cannot ask you for one: sign in before it with "
        f'eval "$(aws configure export-credentials --format env{_option(profile)})", and name no profile.'
    )


def _sentence(error: Any, profile: str) -> str:
    whose = _whose(profile)
    again = _signs_in_with(error)
    if again:
        command = f"{again}{_option(profile)}"
        return f"the sign-in of {whose} is missing or has expired: run {command} and run the playbook again."
    if isinstance(error, RuntimeError) and OVER in str(error):
        return f"the credentials of {whose} have expired: sign in where they come from and run the playbook again."
    if isinstance(error, aws.MissingDependencyException):
        return f"{whose} signs in by a library that is not installed: pip install 'botocore[crt]'."
    if isinstance(error, aws.ProfileNotFound) or (isinstance(error, aws.NoCredentialsError) and not profile):
        return errors.explain(error)
    return f"{_cause(error, whose)}: {'correct it in ~/.aws/config.' if profile else 'correct the AWS_* variables.'}"


def _signs_in_with(error: Exception) -> str:
    if isinstance(error, (aws.SSOError, aws.TokenRetrievalError)):
        return "aws sso login"
    if isinstance(error, aws.LoginError) and not isinstance(error, aws.LoginInsufficientPermissions):
        return "aws login"
    return ""


def _cause(error: Any, whose: str) -> str:
    if isinstance(error, aws.NoCredentialsError):
        return f"{whose} leads to no credentials"
    if isinstance(error, aws.CredentialRetrievalError) and error.kwargs.get("provider") == PROCESS:
        return f"the credential_process of {whose} failed ({_last_line(error.kwargs['error_msg'])})"
    if isinstance(error, aws.BotoCoreError):
        return f"{whose} is of no use ({' '.join(str(error).split()).rstrip('.')})"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}, which {whose} names, cannot be read or run ({error.strerror})"
    return f"what {whose} gives is not what AWS credentials look like ({type(error).__name__})"


def _whose(profile: str) -> str:
    return f"profile {profile}" if profile else "the environment"


def _option(profile: str) -> str:
    return f" --profile {shlex.quote(profile)}" if profile else ""


def _last_line(text: str) -> str:
    """Return the last line that says something: the cause, where a program ends with a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it says nothing"
