# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of all modules of this collection, and their signed calls. PRIVATE to the collection."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from . import errors
from . import sign_in
from .clients import USER_AGENT
from .credentials import ATTEMPTS
from .sanitize import sanitize_all
from .sanitize import sanitize_line

try:
    import botocore.config
    import botocore.exceptions as aws
    from botocore.parsers import ResponseParserError
except ImportError:
    pass  # AnsibleAWSModule reports it

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from collections.abc import Mapping

Answer = TypeVar("Answer")

VERSION = "1.0.0"


class Module(AnsibleAWSModule):  # type: ignore[misc]  # amazon.aws ships no types
    """An AnsibleAWSModule whose results, failures and warnings are safe to print, and that explains AWS's errors."""

    def exit_json(self, **result: Any) -> None:
        """End with *result*, sanitized."""
        super().exit_json(**sanitize_all(result))

    def fail_json(self, msg: str = "", **result: Any) -> None:
        """Fail with *msg* as one line and *result*, both sanitized."""
        super().fail_json(msg=sanitize_line(str(msg)), **sanitize_all(result))

    def warn(self, warning: str, **options: Any) -> None:
        """Warn in one sanitized line."""
        super().warn(sanitize_line(warning), **options)

    def exit_with(
        self, name: str, before: Mapping[str, Any], after: Mapping[str, Any], changed: bool | None = None
    ) -> None:
        """End with *after* as the result *name*, the difference from *before*, and *changed* (default: they differ)."""
        self.exit_json(
            changed=before != after if changed is None else changed,
            diff={"before": before, "after": after},
            **{name: after},
        )

    def require(self, problems: list[str]) -> None:
        """Fail if there are *problems*: options that AWS would refuse."""
        if problems:
            self.fail_json(msg=" ".join(problems))

    @contextmanager
    def explained(self, subject: str) -> Iterator[None]:
        """Fail with a sentence about *subject* if AWS or the collection raises an error inside the block."""
        try:
            yield
        except (errors.UserError, aws.ClientError, aws.BotoCoreError, ResponseParserError, RuntimeError) as error:
            of_sign_in = sign_in.concerns(error)
            if isinstance(error, RuntimeError) and not of_sign_in:
                raise
            self.fail_json(msg=f"{subject}: {errors.explain(self._of_sign_in(error) if of_sign_in else error)}")

    def access(self, region: str = "") -> ModuleAccess:
        """Return what makes signed calls to *region*, or to the region of the options."""
        return ModuleAccess(self, region)

    def client_of(self, service: str, region: str, attempts: int) -> Any:
        """Return a client of *service* ('' for *region*: that of the options); fail if credentials cannot be loaded.

        botocore's standard retries cover throttling, faults and resets; the option aws_config still overrides them.
        """
        set_collection_info(collection_name=USER_AGENT, collection_version=VERSION)
        retries = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": attempts})
        where = {"region": region} if region else {}
        try:
            return self.client(service, config=retries, **where)
        except Exception as error:  # some are not botocore's, such as a credential_process that does not exist
            self.fail_json(msg=errors.explain(self._of_sign_in(error)))
            raise  # not reached: fail_json ends the module

    def _of_sign_in(self, error: Exception) -> Exception:
        return sign_in.failure(error, self.params.get("profile") or "")


class ModuleAccess:
    """Signed calls with the credentials of a module: the same ``call`` as ``clients.Access`` has."""

    def __init__(self, module: Module, region: str) -> None:
        self._module = module
        self._region = region
        self._clients: dict[tuple[str, str, int], Any] = {}

    @property
    def region(self) -> str:
        """The region that is called unless a call names another."""
        return self._region or str(self._module.region)

    def call(
        self,
        service: str,
        function: Callable[..., Answer],
        *arguments: Any,
        attempts: int = ATTEMPTS,
        region: str = "",
        **options: Any,
    ) -> Answer:
        """Call *function* of ``_services`` with a signing client of *service*; see ``clients.Caller``."""
        key = (service, region or self._region, attempts)
        if key not in self._clients:
            self._clients[key] = self._module.client_of(*key)
        return function(self._clients[key], *arguments, **options)
