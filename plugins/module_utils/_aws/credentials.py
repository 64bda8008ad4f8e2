# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an account's credentials come from. PRIVATE to the collection."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

try:
    import botocore.credentials
    import botocore.exceptions
    import botocore.session
except ImportError:
    pass  # the action plugin and AnsibleAWSModule say so

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSION_NAME = "secops.securityhub"


@dataclass(frozen=True)
class CredentialSource:
    """What tells one account's credentials from another's; empty strings mean botocore's own chain."""

    profile: str = ""
    role_arn: str = ""
    external_id: str = ""
    endpoint_url: str = ""

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
    """The credentials of every source, each loaded once and each role assumed once; refreshed by botocore."""

    def __init__(self, sts_region: str) -> None:
        self._sts_region = sts_region
        self._loaded: dict[CredentialSource, Any] = {}
        self._sessions: dict[str, Any] = {}

    def load(self, source: CredentialSource) -> Any:
        """Return botocore Credentials of *source*, without a call to AWS. Raise NoCredentialsError, ProfileNotFound."""
        if source not in self._loaded:
            self._loaded[source] = self._load(source)
        return self._loaded[source]

    def _load(self, source: CredentialSource) -> Any:
        session = self._session(source.profile)
        credentials = session.get_credentials()
        if credentials is None:
            raise botocore.exceptions.NoCredentialsError()
        if not source.role_arn:
            return credentials
        extra = {"RoleSessionName": SESSION_NAME}
        if source.external_id:
            extra["ExternalId"] = source.external_id
        fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
            client_creator=self._sts_creator(session, source.endpoint_url),
            source_credentials=credentials,
            role_arn=source.role_arn,
            extra_args=extra,
        )
        return botocore.credentials.DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")

    def _session(self, profile: str) -> Any:
        if profile not in self._sessions:
            self._sessions[profile] = botocore.session.Session(profile=profile or None)
        return self._sessions[profile]

    def _sts_creator(self, session: Any, endpoint_url: str) -> Any:
        def create(service: str, **arguments: Any) -> Any:
            arguments.setdefault("region_name", self._sts_region)
            return session.create_client(service, endpoint_url=endpoint_url or None, **arguments)

        return create
