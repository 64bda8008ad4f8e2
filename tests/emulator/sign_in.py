# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary credentials: who gets them, how long they last, and errors for expired ones.

The portal of IAM Identity Center (SSO) and its tokens, web identities, and the sessions of STS.
"""

from __future__ import annotations

import datetime
import json
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import aws_request
from account_facts import may_assume
from account_facts import sts_params
from account_state import AccountState
from aws_request import AwsRequest
from ministack.core.responses import get_account_id
from ministack.services import sts

Answer = tuple[int, dict[str, str], bytes]

PORTAL, OIDC = "awsssoportal", "sso-oauth"
BEARER = "x-amz-sso_bearer_token"
TOKEN = "X-Amz-Security-Token"
HOUR = 3600
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
KEYS = ("session_seconds", "sso_tokens", "web_identity_tokens")


class InvalidSignIn(ValueError):
    """The posted sign-in data is invalid."""


class SignIn:
    """Tokens that can be exchanged for credentials, and the credentials issued."""

    def __init__(self, account_state: AccountState) -> None:
        self.account_state = account_state
        self.clear()

    def clear(self) -> None:
        """Forget all tokens; sessions last an hour or as long as requested."""
        self.session_seconds: float | None = None
        self.sso_tokens: dict[str, dict[str, Any]] = {}
        self.web_identity_tokens: dict[str, float] = {}

    def describe(self, given: dict[str, Any]) -> None:
        """Merge posted sign-in data: KEYS, as documented in the README."""
        unknown = set(given) - set(KEYS)
        if unknown:
            raise InvalidSignIn(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(KEYS)}")
        if "session_seconds" in given:
            self.session_seconds = given["session_seconds"]
        now = time.time()
        for token, about in given.get("sso_tokens", {}).items():
            self.sso_tokens[token] = {**about, "expires": now + about.get("seconds", HOUR)}
        for token, seconds in given.get("web_identity_tokens", {}).items():
            self.web_identity_tokens[token] = now + seconds

    def install(self) -> None:
        """Replace the answers of ministack's STS."""
        # ministack would forget expired sessions, and take their keys for those of another account.
        sts._evict_expired_sessions = lambda: None
        handle = sts.handle_request
        checks = {"AssumeRole": self._refused_role, "AssumeRoleWithWebIdentity": self._refused_identity}

        async def check_and_handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Any:
            params = sts_params(body, query)
            check = checks.get(params.get("Action", ""))
            if check is None:
                return await handle(method, path, headers, body, query)
            refused = check(params)
            if refused:
                return sts._error(refused[0], refused[1], escape(refused[2]), ns="sts")
            before = set(sts._sessions)
            answer = await handle(method, path, headers, body, query)
            return answer if self.session_seconds is None else self._shortened(answer, before)

        sts.handle_request = check_and_handle

    def _shortened(self, answer: Any, before: set[str]) -> Any:
        """Let the new session last as long as configured, to the fraction of a second."""
        status, headers, body = answer
        seconds = self.session_seconds or 0
        for key in set(sts._sessions) - before:
            sts._sessions[key]["Expiration"] = time.time() + seconds
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        stamp = ends.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return status, headers, re.sub(rb"<Expiration>[^<]*", f"<Expiration>{stamp}".encode(), body)

    def _refused_role(self, params: dict[str, str]) -> tuple[int, str, str] | None:
        name = params.get("RoleSessionName", "")
        if not SESSION_NAME.fullmatch(name):
            rule = "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            message = f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint"
            return 400, "ValidationError", f"{message}: {rule}"
        if may_assume(self.account_state, params):
            return None
        user = f"arn:aws:iam::{get_account_id()}:root"
        message = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {params.get('RoleArn', '')}"
        return 403, "AccessDenied", message

    def _refused_identity(self, params: dict[str, str]) -> tuple[int, str, str] | None:
        ends = self.web_identity_tokens.get(params.get("WebIdentityToken", ""))
        if ends is None:
            message = "The web identity token that was passed could not be validated by AWS"
            return 400, "InvalidIdentityToken", message
        if ends <= time.time():
            about = f"current date/time {time.time():.0f} must be before the expiration date/time {ends:.0f}"
            return 400, "ExpiredTokenException", f"Token expired: {about}"
        if not may_assume(self.account_state, params):
            return 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        return None

    def caller(self, access_key: str) -> str:
        """Return who signs with a key, as CloudTrail names it; '' for an unsigned request."""
        if not access_key:
            return ""
        session = sts._sessions.get(access_key)
        return session["Arn"] if session else f"arn:aws:iam::{get_account_id()}:root"

    def refusal(self, about: AwsRequest, headers: Mapping[str, str]) -> Answer | None:
        """Return the error for temporary credentials that are expired, unknown, or without their session token."""
        session = sts._sessions.get(about.access_key)
        if session is None:
            return aws_request.unknown_credentials(about) if about.access_key.startswith("ASIA") else None
        if headers.get(TOKEN) != session["SessionToken"]:
            return aws_request.unknown_credentials(about)
        return aws_request.expired(about) if sts._session_expired(session) else None

    def answer(self, about: AwsRequest, headers: Mapping[str, str], query: str, body: bytes) -> Answer:
        """Return the answer of the portal, or of the service that refreshes its tokens."""
        if about.service == OIDC:
            return self._create_token(json.loads(body))
        return self._role_credentials(headers.get(BEARER, ""), {name: v[0] for name, v in parse_qs(query).items()})

    def _role_credentials(self, token: str, asked: dict[str, str]) -> Answer:
        known = self.sso_tokens.get(token)
        if known is None or known["expires"] <= time.time():
            return aws_request.error("json", "UnauthorizedException", "Session token not found or invalid", 401)
        account, role = asked.get("account_id", ""), asked.get("role_name", "")
        if role not in known.get("roles", {}).get(account, []):
            return aws_request.error("json", "ForbiddenException", "No access", 403)
        return _json({"roleCredentials": self._session_of(account, role, known.get("user", "engineer"))})

    def _session_of(self, account: str, role: str, user: str) -> dict[str, Any]:
        key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
        ends = time.time() + (HOUR if self.session_seconds is None else self.session_seconds)
        name = f"AWSReservedSSO_{role}_0123456789abcdef"
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{user}",
                "UserId": f"AROA0123456789ABCDEFG:{user}",
                "SecretAccessKey": secret,
                "SessionToken": token,
                "Expiration": ends,
                "AccountId": account,
                "PrincipalType": "AssumedRole",
            },
        )
        return {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": token, "expiration": int(ends * 1000)}

    def _create_token(self, given: dict[str, str]) -> Answer:
        """Refresh an SSO token; the token that it replaces names the refresh token."""
        asked = given.get("refreshToken")
        renewed = next((about for about in self.sso_tokens.values() if asked and about.get("refresh") == asked), None)
        if given.get("grantType") != "refresh_token" or renewed is None:
            body = json.dumps({"error": "invalid_grant", "error_description": "Invalid refresh token provided"})
            return 400, {"Content-Type": "application/json", "x-amzn-ErrorType": "InvalidGrantException"}, body.encode()
        token = f"renewed-{uuid.uuid4().hex}"
        self.sso_tokens[token] = {**renewed, "expires": time.time() + HOUR}
        return _json({"accessToken": token, "tokenType": "Bearer", "expiresIn": HOUR, "refreshToken": asked})


def _json(value: dict[str, Any]) -> Answer:
    return 200, {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}, json.dumps(value).encode()
