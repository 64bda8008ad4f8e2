# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse AWS requests (caller, region, service, operation) and write errors in the format of their protocol."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
CBOR_OPERATION = re.compile(r"/service/[^/]+/operation/(\w+)")
# Requests for credentials are not signed: path or operation -> service and operation.
UNSIGNED = {
    "/federation/credentials": ("awsssoportal", "GetRoleCredentials"),
    "/token": ("sso-oauth", "CreateToken"),
    "AssumeRoleWithWebIdentity": ("sts", "AssumeRoleWithWebIdentity"),
}
READS = re.compile(
    r"(Get|List|Describe|BatchGet|Head|Validate|Estimate|Detect|Test|Simulate|Lookup|Search|Query|Scan|Decode)"
    r"|AssumeRole|CreateToken|GET |HEAD "
)


@dataclass(frozen=True)
class AwsRequest:
    """access_key, region and service of the signature ("" when unsigned), and the operation's name."""

    access_key: str
    region: str
    service: str
    operation: str
    protocol: str

    @property
    def writes(self) -> bool:
        """Return whether the operation changes anything; drift detection and signing in count as reads."""
        return READS.match(self.operation) is None


def read(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> AwsRequest:
    """Return the parsed request. The operation of a REST protocol is returned as method and path."""
    signed = CREDENTIAL.search(headers.get("Authorization", "") or query.replace("%2F", "/"))
    access_key, region, service = signed.groups() if signed else ("", "", "")
    operation, protocol = _operation(method, path, query, headers, body, service)
    if not service:
        service, operation = UNSIGNED.get(path) or UNSIGNED.get(operation, (service, operation))
    return AwsRequest(access_key, region, service, operation, protocol)


def _operation(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, service: str
) -> tuple[str, str]:
    target = headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2], "json"
    cbor = CBOR_OPERATION.search(path)
    if cbor:
        return cbor[1], "cbor"
    action = ACTION.search(body if method == "POST" else query.encode())
    if action:
        return action[1].decode(), "ec2" if service == "ec2" else "query"
    return f"{method} {path}", "xml" if service in ("s3", "route53", "cloudfront") else "json"


def error(protocol: str, code: str, message: str, status: int) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an error answer."""
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id}
    if protocol == "json":
        body = json.dumps({"__type": code, "message": message}).encode()
        return status, {**headers, "Content-Type": "application/json", "x-amzn-ErrorType": code}, body
    if protocol == "cbor":
        body = b"\xa2" + b"".join(_cbor_text(text) for text in ("__type", code, "message", message))
        return status, {**headers, "Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    xml = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        xml = f"<Response><Errors><Error>{xml}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif protocol == "query":
        xml = (
            f"<ErrorResponse><Error><Type>Sender</Type>{xml}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    else:
        xml = f"<Error>{xml}<RequestId>{request_id}</RequestId></Error>"
    return status, {**headers, "Content-Type": "text/xml"}, xml.encode()


def _cbor_text(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) < 24:
        return bytes([0x60 + len(encoded)]) + encoded
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded


# Service -> code and status of its throttling error; others use Throttling (query) or ThrottlingException (json).
THROTTLES = {
    "ec2": ("RequestLimitExceeded", 503),
    "securityhub": ("TooManyRequestsException", 429),
    "chatbot": ("TooManyRequestsException", 429),
    "account": ("TooManyRequestsException", 429),
    "organizations": ("TooManyRequestsException", 400),
    "servicequotas": ("TooManyRequestsException", 400),
}


def throttled(request: AwsRequest) -> tuple[int, dict[str, str], bytes]:
    """Return the throttling error of the service."""
    code, status = THROTTLES.get(
        request.service, ("ThrottlingException" if request.protocol in ("json", "cbor") else "Throttling", 400)
    )
    return error(request.protocol, code, "Rate exceeded", status)


def unknown_credentials(request: AwsRequest) -> tuple[int, dict[str, str], bytes]:
    """The answer of a region that is not enabled in the caller's account: the credentials are not known there."""
    if request.protocol == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return error(request.protocol, "AuthFailure", message, 401)
    code = "InvalidClientTokenId" if request.protocol in ("query", "xml") else "UnrecognizedClientException"
    return error(request.protocol, code, "The security token included in the request is invalid", 403)


def denied(request: AwsRequest, account: str, reason: str) -> tuple[int, dict[str, str], bytes]:
    """Return the access denied error of the service."""
    code = "AccessDenied" if request.protocol in ("query", "xml") else "AccessDeniedException"
    user, action = f"arn:aws:iam::{account}:user/somebody", f"{request.service}:{request.operation}"
    return error(request.protocol, code, reason or f"User: {user} is not authorized to perform: {action}", 403)


def expired(request: AwsRequest) -> tuple[int, dict[str, str], bytes]:
    """Return the service's error for expired temporary credentials."""
    code = "ExpiredToken" if request.protocol in ("query", "xml") else "ExpiredTokenException"
    return error(request.protocol, code, "The security token included in the request is expired", 403)


def skewed(request: AwsRequest) -> tuple[int, dict[str, str], bytes]:
    """Return the service's error for a request whose clock is 15 minutes off."""
    code = "SignatureDoesNotMatch" if request.protocol in ("query", "xml") else "InvalidSignatureException"
    now = datetime.datetime.now(datetime.timezone.utc)
    signed, least, sent = (f"{now - datetime.timedelta(minutes=minutes):%Y%m%dT%H%M%SZ}" for minutes in (20, 15, 0))
    message = f"Signature expired: {signed} is now earlier than {least} ({sent} - 15 min.)"
    return error(request.protocol, code, message, 403)


def too_many(retry_after: str) -> tuple[int, dict[str, str], bytes]:
    """Return the answer of a proxy or firewall that limits requests, not of AWS."""
    headers = {"Content-Type": "text/html", **({"Retry-After": retry_after} if retry_after else {})}
    return 429, headers, b"<html><body>Too many requests</body></html>"


def unavailable(request: AwsRequest) -> tuple[int, dict[str, str], bytes]:
    """Return the error of a service that is not available. Chatbot's has the status 429 (service model)."""
    if request.service == "chatbot":
        return error(request.protocol, "ServiceUnavailableException", "We can't process your request right now", 429)
    code = "ServiceUnavailable" if request.protocol in ("query", "ec2", "xml") else "ServiceUnavailableException"
    return error(request.protocol, code, "Service is unable to handle request.", 503)


def failed(request: AwsRequest) -> tuple[int, dict[str, str], bytes]:
    """Return the internal error of the service."""
    code = "InternalFailure" if request.protocol in ("query", "ec2", "xml") else "InternalServerException"
    return error(request.protocol, code, "An internal error occurred", 500)
