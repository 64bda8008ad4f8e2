# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads and refreshes the credentials of each account. PRIVATE to the collection."""

from __future__ import annotations

import logging
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from . import errors
from . import sign_in

try:
    import botocore.config
    import botocore.credentials
    import botocore.exceptions
    import botocore.session
except ImportError:
    pass  # the action plugin and AnsibleAWSModule report it

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

SESSION_NAME = "secops.securityhub"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
ROLE_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
DEFAULT_REGION = "us-east-1"
ASSUMED = "assume-role"  # botocore's name for credentials of a role
# If 30 % of the requests fail: with 3 attempts up to 3 of 60 calls failed, with 8 none did.
ATTEMPTS = 8
CONNECT_TIMEOUT = 5  # seconds
READ_TIMEOUT = 30  # seconds
# botocore's loggers that warn about each failed sign-in, with a traceback that Ansible writes to its log. The failure
# itself is reported in one sentence.
SILENCED_LOGGERS = ("botocore.credentials", "botocore.tokens")
HOLD = 60  # seconds between checks whether the credentials must be refreshed
MARGIN = 60  # seconds before their expiration in which they are checked more often,
AGAIN = 1  # every so many seconds
ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True)
class CredentialSource:
    """Where the credentials of an account come from; empty strings mean botocore's default chain."""

    profile: str = ""
    role_arn: str = ""
    external_id: str = field(default="", repr=False)
    endpoint_url: str = ""
    session_name: str = SESSION_NAME

    def __str__(self) -> str:
        if self.role_arn:
            return f"role {self.role_arn}"
        if self.profile:
            return f"profile {self.profile}"
        return "the credentials of the environment"


def problems(source: CredentialSource, session_name: str, external_id: str) -> list[str]:
    """Return what STS would refuse, each with its remedy.

    *session_name*, *external_id*: the names of the user's variables.
    """
    found = []
    if not ROLE_SESSION_NAME.fullmatch(source.session_name):
        found.append(
            f"{session_name} is {source.session_name!r}. Use 2 to 64 letters, digits and the characters _+=,.@-"
        )
    if source.external_id and not EXTERNAL_ID.fullmatch(source.external_id):
        # It may be a secret between two parties, so it is never shown.
        found.append(f"{external_id} is invalid. Use 2 to 1224 letters, digits and the characters _+=,.@:/-")
    return found


class Acting:
    """Credentials for botocore that are those of the account that the calling thread acts for.

    So one botocore client per region serves all accounts; one per account and region takes 11-16 s for 1,700 targets.
    """

    method = "secops.securityhub"
    account_id = None
    token = None

    def __init__(self) -> None:
        self._thread = threading.local()

    @contextmanager
    def as_account(self, credentials: Any) -> Iterator[None]:
        """Sign this thread's calls inside the block with *credentials* (a botocore Credentials object)."""
        before = getattr(self._thread, "credentials", None)
        self._thread.credentials = credentials
        try:
            yield
        finally:
            self._thread.credentials = before

    def get_frozen_credentials(self) -> Any:
        """Return the credentials for the next request."""
        return self._thread.credentials.get_frozen_credentials()

    def get_deferred_property(self, property_name: str) -> Any:
        """Return an attribute for botocore's endpoint rules; no service used here has account-specific endpoints."""
        return lambda: getattr(self, property_name, None)

    def load_credentials(self) -> Acting:
        """Return itself to botocore's session, as its credential provider."""
        return self


class SignIn:
    """The credentials of one source: loaded for the first request, and refreshed before they expire.

    botocore refreshes for each request as long as the credentials expire within 15 minutes: if they never last longer,
    a credential_process would run for each request. So credentials are kept for HOLD seconds, and until they expire if
    they cannot be refreshed. An error that is not temporary is kept and raised again.

    *identify* asks a region for the account of frozen credentials. Once the account is pinned, refreshed credentials
    sign only if they lead to the same one. None: no refresh can lead elsewhere.
    """

    def __init__(
        self, profile: str, load: Callable[[], Any], identify: Callable[[str, Any], str] | None = None
    ) -> None:
        self._profile = profile
        self._load = load
        self._identify = identify
        self._account = ""
        self._region = ""
        self._known_key = ""  # the access key ID that is known to lead to the account
        self._lock = threading.Lock()
        self._credentials: Any = None
        self._held: Any = None
        self._asked = 0.0
        self._refused: Exception | None = None

    def get_frozen_credentials(self) -> Any:
        """Return the current credentials. Raise UserError, or the error of AWS or the network, if there are none."""
        if self._is_due():
            with self._lock:
                if self._is_due():
                    held = self._refreshed()
                    self._verify(held)
                    self._held = held
                    self._asked = time.monotonic()
        return self._held

    def pin(self, account: str, region: str) -> None:
        """Refuse credentials of any account but *account*, which *region* has answered for the first ones."""
        with self._lock:
            if not self._account:
                self._account, self._region = account, region

    def _verify(self, held: Any) -> None:
        """Raise UserError if refreshed credentials lead to another account than the first ones."""
        if self._identify is None:
            return
        # The account of the first key is what the call that pins it was answered.
        self._known_key = self._known_key or held.access_key
        if not self._account or held.access_key == self._known_key:
            return
        account = self._identify(self._region, held)
        if account != self._account:
            self._refused = sign_in.leads_elsewhere(self._profile, self._account, account)
            raise self._refused
        self._known_key = held.access_key

    def _is_unverified(self) -> bool:
        return bool(self._identify and self._account and self._held.access_key != self._known_key)

    def _is_due(self) -> bool:
        if self._held is None or self._ends_within(0) or self._is_unverified():
            return True
        return time.monotonic() - self._asked > (AGAIN if self._ends_within(MARGIN) else HOLD)

    def _ends_within(self, seconds: float) -> bool:
        renewable = isinstance(self._credentials, botocore.credentials.RefreshableCredentials)
        return renewable and bool(self._credentials.refresh_needed(seconds))

    def _refreshed(self) -> Any:
        if self._refused is not None:
            raise self._refused
        try:
            if self._credentials is None:
                self._credentials = self._load()
            return self._credentials.get_frozen_credentials()
        except Exception as error:  # the user's configuration may fail in any way
            if self._held is not None and not self._ends_within(0):
                return self._held
            failure = sign_in.failure(error, self._profile)
            if not errors.is_passing(failure):
                self._refused = failure
            # Without its cause, which may quote the output of a program or the contents of a file.
            raise failure from None


@dataclass(frozen=True)
class _Held:
    """Credentials for ``Acting`` that are never refreshed."""

    frozen: Any = field(repr=False)

    def get_frozen_credentials(self) -> Any:
        return self.frozen


class CredentialStore:
    """The credentials of every source, each loaded once and each role assumed once.

    *sts* returns the STS client of a region and endpoint, which signs as *acting* says, so one client assumes the roles
    of all accounts. Not thread-safe: the owner holds a lock while it calls. No method waits for AWS; the SignIn does,
    for each source separately.
    """

    def __init__(self, acting: Acting, sts: Callable[[str, str], Any]) -> None:
        self._acting = acting
        self._sts = sts
        self._sign_ins: dict[CredentialSource, SignIn] = {}
        self._sessions: dict[str, Any] = {}
        for name in SILENCED_LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)

    def sign_in(self, source: CredentialSource) -> SignIn:
        """Return the credentials of *source*. Raise ProfileNotFound."""
        if source not in self._sign_ins:
            self._sign_ins[source] = self._sign_in(source)
        return self._sign_ins[source]

    def home_region(self, source: CredentialSource) -> str:
        """Return the region of the global services in the partition of *source*: us-east-1 in the partition aws."""
        partitions = self._session("").get_data("partitions")["partitions"]
        partition = self._partition(source, partitions)
        outputs = next(item["outputs"] for item in partitions if item["id"] == partition)
        return str(outputs["implicitGlobalRegion"])

    def _partition(self, source: CredentialSource, partitions: list[dict[str, Any]]) -> str:
        if source.role_arn:
            return source.role_arn.split(":")[1]
        region = self._session(source.profile).get_config_variable("region")
        # botocore's own lookup reads the endpoints of all services, which takes long.
        return next((str(item["id"]) for item in partitions if re.match(item["regionRegex"], region)), "aws")

    def _sign_in(self, source: CredentialSource) -> SignIn:
        session = self._session(source.profile)
        profile = str(session.get_config_variable("profile") or "")
        if not source.role_arn:
            return SignIn(profile, partial(_credentials, session, profile), partial(self._account_of, source))
        own = self.sign_in(CredentialSource(profile=source.profile))
        assume = partial(self._assume, source, self.home_region(source), own)
        return SignIn(profile, lambda: botocore.credentials.DeferredRefreshableCredentials(assume, ASSUMED))

    def _account_of(self, source: CredentialSource, region: str, held: Any) -> str:
        """Return the account of frozen credentials: one call."""
        sts = self._sts(region, source.endpoint_url)
        with self._acting.as_account(_Held(held)):
            return str(sts.get_caller_identity()["Account"])

    def _session(self, profile: str) -> Any:
        if profile not in self._sessions:
            self._sessions[profile] = _new_session(profile)
        return self._sessions[profile]

    def _assume(self, source: CredentialSource, region: str, own: SignIn) -> dict[str, str]:
        arguments = {"RoleArn": source.role_arn, "RoleSessionName": source.session_name}
        if source.external_id:
            arguments["ExternalId"] = source.external_id
        sts = self._sts(region, source.endpoint_url)
        with self._acting.as_account(own):
            assumed = sts.assume_role(**arguments)["Credentials"]
        return {
            "access_key": assumed["AccessKeyId"],
            "secret_key": assumed["SecretAccessKey"],
            "token": assumed["SessionToken"],
            "expiry_time": assumed["Expiration"].isoformat(),
        }


def _new_session(profile: str) -> Any:
    """Return a session that reads the credentials of *profile*, and assumes the role that it names, if any."""
    session = botocore.session.Session(profile=profile or None)
    # Opt-in regions refuse tokens of the old global endpoint. botocore uses it if AWS_STS_REGIONAL_ENDPOINTS says so,
    # and if no region is set, which is not required here.
    session.set_config_variable("sts_regional_endpoints", "regional")
    if not session.get_config_variable("region"):
        session.set_config_variable("region", DEFAULT_REGION)
    session.set_default_client_config(
        botocore.config.Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
    )
    return session


def _credentials(session: Any, profile: str) -> Any:
    found = session.get_credentials()
    if found is None:
        raise botocore.exceptions.NoCredentialsError()
    if found.method == ASSUMED and _asks_for_a_code(session.full_config["profiles"], profile or "default"):
        raise sign_in.asks_for_a_code(profile)
    return found


def _asks_for_a_code(profiles: dict[str, dict[str, str]], profile: str) -> bool:
    """Tell whether the role of *profile*, or of a source profile in its chain, is assumed with an MFA code."""
    chain: list[str] = []
    while profile in profiles and profile not in chain:
        chain.append(profile)
        options = profiles[profile]
        if "role_arn" in options and "mfa_serial" in options:
            return True
        profile = options.get("source_profile", "")
    return False
