# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed calls through botocore clients that accounts and threads share. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import os
import random
import resource
import threading
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import TypeVar

from . import errors
from .credentials import ATTEMPTS
from .credentials import CONNECT_TIMEOUT
from .credentials import READ_TIMEOUT
from .credentials import Acting
from .credentials import CredentialSource
from .credentials import CredentialStore

try:
    import botocore.config
    import botocore.exceptions
    import botocore.loaders
    import botocore.session
    from botocore.parsers import ResponseParserError
    from botocore.utils import parse_timestamp
except ImportError:
    pass  # the action plugin reports it

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")

HTTP_REDIRECT = 300
HTTP_BAD_GATEWAY = 502
# More would keep a run waiting for minutes where something between here and AWS cuts off each answer.
INCOMPLETE_ATTEMPTS = 4
LONGEST_BACKOFF = 20  # seconds, as botocore's
_RANDOM = random.SystemRandom()
USER_AGENT = "secops.securityhub"


@dataclass
class Traffic:
    """How many calls were answered in this run, and how often botocore retried."""

    calls: int = 0
    retries: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, parsed: dict[str, Any], **_event: Any) -> None:
        """Add one answered call (a botocore after-call event)."""
        attempts = parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        with self._lock:
            self.calls += 1
            self.retries += attempts


class Caller(Protocol):
    """Makes signed calls for one account: ``Access`` in playbooks, ``modules.ModuleAccess`` in modules."""

    @property
    def region(self) -> str:
        """The region that is called unless a call names another."""

    def call(
        self,
        service: str,
        function: Callable[..., Answer],
        *arguments: Any,
        attempts: int = ATTEMPTS,
        region: str = "",
        **options: Any,
    ) -> Answer:
        """Call *function*, one of ``_services``, with a signing client of *service*, then the other arguments.

        *attempts*: how often botocore sends the request at most; 1 for a write that must not be repeated blindly.
        """


class Clients:
    """Makes signed calls: one botocore client per service, region and endpoint, which all accounts share."""

    def __init__(self, connections: int = 10) -> None:
        allow_open_files()
        self.traffic = Traffic()
        self._acting = Acting()
        self._lock = threading.Lock()
        # A separate lock: otherwise each call waits while another thread creates a client, which takes 23 % of a run.
        self._store_lock = threading.Lock()
        self._clients: dict[tuple[str, str, str, int], Any] = {}
        self._store = CredentialStore(self._acting, partial(self._client, "sts"))
        self._session = botocore.session.Session()
        # Opt-in regions refuse tokens of the old global endpoint, which AWS_STS_REGIONAL_ENDPOINTS=legacy selects.
        self._session.set_config_variable("sts_regional_endpoints", "regional")
        self._session.register_component("credential_provider", self._acting)
        try:
            data_path = self._session.get_config_variable("data_path")
        except botocore.exceptions.ProfileNotFound as error:  # the first value that is read from the user's profile
            raise errors.UserError(errors.explain(error)) from None
        self._session.register_component("data_loader", data_loader(data_path))
        parsers = self._session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=timestamp)
        self._session.user_agent_extra = USER_AGENT
        self._config = botocore.config.Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=connections,
        )

    def call(
        self,
        source: CredentialSource,
        region: str,
        service: str,
        function: Callable[..., Answer],
        *arguments: Any,
        attempts: int = ATTEMPTS,
        **options: Any,
    ) -> Answer:
        """Call *function* with the client of *service* in *region*, signed with *source*, then the other arguments.

        *function*: one of ``_services``. *attempts*: how often botocore sends the request at most; fewer for calls that
        may fail, where a host that does not exist would cost 45 s.
        """
        client = self._client(service, region, source.endpoint_url, attempts)
        with self._store_lock:
            credentials = self._store.sign_in(source)
        with self._acting.as_account(credentials):
            return function(client, *arguments, **options)

    def prepare(self, source: CredentialSource, region: str, service: str) -> None:
        """Create the client of *service* that *call* will use, without a request."""
        self._client(service, region, source.endpoint_url)

    def close(self) -> None:
        """Close all connections, which are open files; another call opens one again."""
        for client in self._clients.values():
            client.close()

    def access(self, source: CredentialSource, region: str) -> Access:
        """Return what calls the services of *region* for the account of *source*."""
        return Access(self, source, region)

    def pin(self, source: CredentialSource, account: str, region: str) -> None:
        """Refuse credentials of *source* from now on that lead to another account; *region*: where to ask for it."""
        with self._store_lock:
            signing = self._store.sign_in(source)
        signing.pin(account, region)

    def home_region(self, source: CredentialSource) -> str:
        """Return the region of the global services (STS, account, ...) in the partition of *source*."""
        with self._store_lock:
            return self._store.home_region(source)

    def available_regions(self, service: str) -> frozenset[str]:
        """Return the regions of all partitions where botocore knows *service* to exist."""
        with self._lock:
            return frozenset(
                region
                for partition in self._session.get_available_partitions()
                for region in self._session.get_available_regions(service, partition)
            )

    def _client(self, service: str, region: str, endpoint_url: str = "", attempts: int = ATTEMPTS) -> Any:
        """Return the client of *service* in *region*; botocore's session can only create one at a time."""
        key = (service, region, endpoint_url, attempts)
        client = self._clients.get(key)
        if client is not None:
            return client
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._create(*key)
            return self._clients[key]

    def _create(self, service: str, region: str, endpoint_url: str, attempts: int) -> Any:
        retries = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": attempts})
        client = self._session.create_client(
            service, region_name=region, endpoint_url=endpoint_url or None, config=self._config.merge(retries)
        )
        after_call = f"after-call.{client.meta.service_model.service_id.hyphenize()}"
        client.meta.events.register(after_call, self.traffic.count)
        client.meta.events.register(after_call, refuse_pages)
        service_id = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-parse.{service_id}", mark_incomplete)
        retry = partial(retry_unavailable, limit=attempts)
        client.meta.events.register(f"needs-retry.{service_id}", retry)
        # botocore creates the classes of errors when they are first asked for. Where two threads ask for them, the
        # errors of one are of other classes than ``client.exceptions`` has later, which no ``except`` clause catches.
        _created = client.exceptions
        return client


def allow_open_files() -> None:
    """Raise this process's limit of open files as far as needed, and as the system permits.

    macOS allows 256 unless a process asks for more. The connections of 170 targets are more than that.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = errors.OPEN_FILES if hard == resource.RLIM_INFINITY else min(errors.OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # another limit of the system is lower
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def data_loader(data_path: str | None) -> Any:
    """Return botocore's loader of data files; *data_path*: more folders (``AWS_DATA_PATH``).

    Whether botocore knows a service, its own loader finds out by listing the versions of all 400 services, for each
    type of file and in each thread at once, which took a fifth of the CPU time of a small run.
    """

    class DataLoader(botocore.loaders.Loader):  # type: ignore[misc]
        @botocore.loaders.instance_cache  # type: ignore[untyped-decorator]
        def list_available_services(self, type_name: str) -> list[str]:
            return sorted(
                {entry.name for folder in self.search_paths if os.path.isdir(folder) for entry in os.scandir(folder)}
            )

    folders = botocore.loaders.create_loader(data_path).search_paths
    return DataLoader(folders, include_default_search_paths=False)


def timestamp(value: float | str) -> datetime.datetime:
    """Return the time that an answer has; botocore's own parser takes ten times as long for a time of ISO 8601."""
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.datetime.fromisoformat(value)
        except ValueError:
            pass
    parsed: datetime.datetime = parse_timestamp(value)
    return parsed


def retry_unavailable(
    attempts: int, response: tuple[Any, dict[str, Any]] | None, limit: int, **_event: Any
) -> float | None:
    """Return the seconds to wait before another attempt, None for none (a botocore needs-retry event).

    botocore retries throttling by its codes and a service that is unavailable by its status, 503. AWS Chatbot answers
    with 429, as its service model says, and so does a proxy that limits requests, which may also say for how long.
    """
    if response is None or attempts >= limit:
        return None
    http_response, parsed = response
    if is_incomplete(http_response, parsed):
        if attempts >= INCOMPLETE_ATTEMPTS:
            return None
    else:
        known = parsed.get("Error", {}).get("Code", "")
        if http_response.status_code != errors.HTTP_TOO_MANY_REQUESTS or errors.SAME_AS.get(known) == "Throttling":
            return None
    backoff = _RANDOM.random() * min(2 ** (attempts - 1), LONGEST_BACKOFF)
    asked = http_response.headers.get("retry-after", "")
    return float(min(max(backoff, int(asked)), LONGEST_BACKOFF) if asked.isdecimal() else backoff)


def mark_incomplete(response_dict: dict[str, Any], **_event: Any) -> None:
    """Have an answer that is cut off parsed as an error (a botocore before-parse event).

    botocore does not compare the length, takes JSON that it cannot read for an empty answer (no channel, no rules), and
    does not retry XML that it cannot read.
    """
    headers, body = response_dict["headers"], response_dict["body"]
    length = headers.get("content-length", "")
    # A proxy may have compressed the body, which has been decompressed here: its length is another one then.
    is_short = length.isdecimal() and len(body) < int(length) and "content-encoding" not in headers
    is_cut = "json" in headers.get("content-type", "") and bool(body) and not body.rstrip().endswith(b"}")
    if response_dict["status_code"] < HTTP_REDIRECT and (is_short or is_cut):
        response_dict.update(status_code=HTTP_BAD_GATEWAY, body=b"")


def is_incomplete(http_response: Any, parsed: dict[str, Any]) -> bool:
    """Tell whether *mark_incomplete* has marked an answer, which really has the status of a success."""
    status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return bool(http_response.status_code < HTTP_REDIRECT and status == HTTP_BAD_GATEWAY)


@dataclass(frozen=True)
class Access:
    """Signed calls for one account (*source*), in *region* unless a call names another."""

    aws: Clients
    source: CredentialSource
    region: str

    def call(
        self,
        service: str,
        function: Callable[..., Answer],
        *arguments: Any,
        region: str = "",
        **options: Any,
    ) -> Answer:
        """Call *function* of ``_services`` with a signing client of *service*; see ``Caller``."""
        return self.aws.call(self.source, region or self.region, service, function, *arguments, **options)


def refuse_pages(http_response: Any, parsed: dict[str, Any], **_event: Any) -> None:
    """Raise ResponseParserError if the answer is a web page, or cut off (a botocore after-call event).

    The sign-in page of a network has status 200, and botocore parses it as the empty answer of a JSON service: a hub
    that is enabled, no channel, nothing to do.
    """
    kind = http_response.headers.get("content-type", "")
    if http_response.status_code < HTTP_REDIRECT and "html" in kind:
        raise ResponseParserError(f"the answer is {kind}")
    if is_incomplete(http_response, parsed):
        raise ResponseParserError(errors.INCOMPLETE)
