# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an account's credentials come from. PRIVATE to the collection."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import Refused

try:
    import botocore.credentials
    import botocore.exceptions
    import botocore.session
except ImportError:
    pass  # the action plugin and AnsibleAWSModule say so

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

SESSION_NAME = "secops.securityhub"
ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True)
class CredentialSource:
    """What tells one account's credentials from another's; empty strings mean botocore's own chain."""

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


class Acting:
    """Stand-in for credentials: signs with those of the account that the calling thread acts for.

    One botocore client a region then serves every account; a client for each account and region takes 11-16 s at
    1,700 targets.
    """

    method = "secops.securityhub"
    account_id = None
    token = None

    def __init__(self) -> None:
        self._thread = threading.local()

    @contextmanager
    def as_account(self, credentials: Any) -> Iterator[None]:
        """Let this thread sign with *credentials* (a botocore Credentials object) inside the block."""
        before = getattr(self._thread, "credentials", None)
        self._thread.credentials = credentials
        try:
            yield
        finally:
            self._thread.credentials = before

    def get_frozen_credentials(self) -> Any:
        """Return what botocore signs with; refreshes temporary credentials that are about to expire."""
        return self._thread.credentials.get_frozen_credentials()

    def get_deferred_property(self, property_name: str) -> Any:
        """Answer botocore's endpoint rules, which ask for an account id: no service used here has account endpoints."""
        return lambda: getattr(self, property_name, None)

    def load_credentials(self) -> Acting:
        """Answer botocore's session, which asks its credential provider for credentials."""
        return self


class CredentialStore:
    """The credentials of every source, each loaded once and each role assumed once; refreshed by botocore.

    *sts* makes the STS client of a region and endpoint, which signs with what *acting* says: one client then assumes
    the roles of all accounts. Not for several threads at once: its owner holds a lock while it calls.
    """

    def __init__(self, acting: Acting, sts: Callable[[str, str], Any]) -> None:
        self._acting = acting
        self._sts = sts
        self._loaded: dict[CredentialSource, Any] = {}
        self._sessions: dict[str, Any] = {}
        self._refused: dict[CredentialSource, Exception] = {}

    def load(self, source: CredentialSource) -> Any:
        """Return botocore Credentials of *source*; the role is assumed when they first sign.

        Raises NoCredentialsError, ProfileNotFound, or Refused for what is no role ARN.
        """
        if source not in self._loaded:
            self._loaded[source] = self._load(source)
        return self._loaded[source]

    def home_region(self, source: CredentialSource) -> str:
        """Return where the partition of *source* has its global services: us-east-1, unless in China, GovCloud, ..."""
        partition = self._partition(source)
        outputs = {item["id"]: item["outputs"] for item in self._session("").get_data("partitions")["partitions"]}
        return str(outputs[partition]["implicitGlobalRegion"])

    def _partition(self, source: CredentialSource) -> str:
        if source.role_arn:
            return partition_of_role(source.role_arn)
        region = self._session(source.profile).get_config_variable("region")
        # Each session reads botocore's endpoint data for itself, so one of them answers for all profiles.
        return str(self._session("").get_partition_for_region(region)) if region else "aws"

    def _load(self, source: CredentialSource) -> Any:
        credentials = self._session(source.profile).get_credentials()
        if credentials is None:
            raise botocore.exceptions.NoCredentialsError()
        if not source.role_arn:
            return credentials
        assume = partial(self._assume, source, self.home_region(source), credentials)
        return botocore.credentials.DeferredRefreshableCredentials(assume, "assume-role")

    def _session(self, profile: str) -> Any:
        if profile not in self._sessions:
            self._sessions[profile] = botocore.session.Session(profile=profile or None)
        return self._sessions[profile]

    def _assume(self, source: CredentialSource, region: str, own: Any) -> dict[str, str]:
        # botocore calls this once at a time for a source, and again for each thread that waited if it fails: a role
        # that AWS refuses is not asked for once more by every region of the account.
        if source in self._refused:
            raise self._refused[source]
        arguments = {"RoleArn": source.role_arn, "RoleSessionName": source.session_name}
        if source.external_id:
            arguments["ExternalId"] = source.external_id
        sts = self._sts(region, source.endpoint_url)
        try:
            with self._acting.as_account(own):
                assumed = sts.assume_role(**arguments)["Credentials"]
        except botocore.exceptions.ClientError as error:
            self._refused[source] = error
            raise
        return {
            "access_key": assumed["AccessKeyId"],
            "secret_key": assumed["SecretAccessKey"],
            "token": assumed["SessionToken"],
            "expiry_time": assumed["Expiration"].isoformat(),
        }


def partition_of_role(arn: str) -> str:
    """Return the partition that a role lies in, such as aws or aws-us-gov. Raise Refused for what is no role ARN."""
    match = ROLE_ARN.fullmatch(arn)
    if match is None:
        raise Refused(f"{arn!r} is no ARN of a role: write it as arn:aws:iam::111111111111:role/name.")
    return match["partition"]
