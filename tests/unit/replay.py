# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer calls at once with what one account has answered, so that only the collection's own work is left."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource

Key = tuple[str, str, str]


class Recording(Clients):
    """Clients that keep each answer or error, by Region, function and arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[Key, tuple[bytes, Exception | None]] = {}

    def call(
        self, source: CredentialSource, region: str, service: str, function: Callable, *arguments: Any, **options: Any
    ) -> Any:
        key = (region, function.__name__, repr(arguments))
        try:
            answer = super().call(source, region, service, function, *arguments, **options)
        except Exception as error:
            self.answers[key] = (b"", error)
            raise
        self.answers[key] = (pickle.dumps(answer), None)
        return answer


class Replay(Clients):
    """Clients that answer for any account, which is the one of the role, as the recorded *account* has answered.

    *seconds*: of CPU time that the answers themselves took.
    """

    def __init__(self, account: str, answers: dict[Key, tuple[bytes, Exception | None]]) -> None:
        super().__init__()
        self.account = account
        self.answers = answers
        self.seconds: list[float] = []

    def call(
        self, source: CredentialSource, region: str, service: str, function: Callable, *arguments: Any, **options: Any
    ) -> Any:
        started = time.thread_time()
        account = source.role_arn.split(":")[4]
        answer, error = self.answers[region, function.__name__, repr(arguments).replace(account, self.account)]
        if error is not None:
            raise error
        found = pickle.loads(answer.replace(self.account.encode(), account.encode()))
        self.seconds.append(time.thread_time() - started)
        return found

    def prepare(self, source: CredentialSource, region: str, service: str) -> None:
        """Make no client, because none is needed."""

    def pin(self, source: CredentialSource, account: str, region: str) -> None:
        """Sign in nowhere."""

    def home_region(self, source: CredentialSource) -> str:
        """Return the Region of the global services."""
        return "us-east-1"
