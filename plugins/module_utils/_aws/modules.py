# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules of this collection share: their botocore clients and their failures. PRIVATE to the collection."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info

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
    pass  # AnsibleAWSModule says so

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

Answer = TypeVar("Answer")

VERSION = "1.0.0"


class ModuleAccess:
    """Signed calls with the credentials of a module, in *region*, or else in the region of the module's options.

    The same ``call`` as ``clients.Access`` has.
    """

    def __init__(self, module: Any, region: str = "") -> None:
        set_collection_info(collection_name=USER_AGENT, collection_version=VERSION)
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
        return function(self._client(service, region or self._region, attempts), *arguments, **options)

    def _client(self, service: str, region: str, attempts: int) -> Any:
        """Return a client; the module fails if the credentials cannot be loaded.

        botocore's standard retries cover throttling, faults and resets; the option aws_config still overrides them.
        """
        key = (service, region, attempts)
        if key not in self._clients:
            retries = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": attempts})
            where = {"region": region} if region else {}
            try:
                self._clients[key] = self._module.client(service, config=retries, **where)
            except Exception as error:  # some are not botocore's, such as a credential_process that does not exist
                self._module.fail_json(msg=errors.explain(_of_the_sign_in(self._module, error)))
        return self._clients[key]


def client(module: Any, service: str, **where: str) -> Any:
    """Return a client of *service* with the module's credentials; ``region=`` overrides the module's region."""
    return ModuleAccess(module)._client(service, where.get("region", ""), ATTEMPTS)


def _of_the_sign_in(module: Any, error: Exception) -> Exception:
    return sign_in.failure(error, module.params.get("profile") or "")


def refuse(module: Any, problems: list[str]) -> None:
    """Fail the module if its options would be refused by AWS."""
    if problems:
        module.fail_json(msg=sanitize_line(f"{'; '.join(problems)}."))


@contextmanager
def explained(module: Any, target: str) -> Iterator[None]:
    """Turn what AWS or the collection refuses inside the block into a sentence about *target*."""
    try:
        yield
    except (errors.UserError, aws.ClientError, aws.BotoCoreError, ResponseParserError) as error:
        said = _of_the_sign_in(module, error) if sign_in.concerns(error) else error
        module.fail_json(msg=f"{target}: {errors.explain(said)}")
    except RuntimeError as error:
        if not sign_in.concerns(error):
            raise
        module.fail_json(msg=f"{target}: {errors.explain(_of_the_sign_in(module, error))}")


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what --diff shows."""
    return {"before": sanitize_all(before), "after": sanitize_all(after)}
