# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps account IDs, names and ARNs out of what a run writes for others: reports, and recorded answers."""

from __future__ import annotations

import json
import re
from typing import Any

ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"
ARN = re.compile(r"arn:(aws[\w-]*):([\w-]*):([\w-]*):(\d*):([^\s\"',;]*)")
TWELVE_DIGITS = re.compile(r"(?<!\d)\d{12}(?!\d)")
SECRETS = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|ANPA)[A-Z0-9]{12,}")
MASKED = "masked"


class Mask:
    """Replaces what identifies an account, a workspace, a channel or a person. *prefix*: names that may stay."""

    def __init__(self, account: str, prefix: str, known: dict[str, str]) -> None:
        self.account = account
        self.prefix = prefix
        self.known = {value: shown for value, shown in known.items() if value}

    def text(self, text: str) -> str:
        """Return a text for people: with ARNs, account IDs and access keys replaced."""
        text = ARN.sub(self._arn, text)
        for value, shown in self.known.items():
            text = text.replace(value, shown)
        return SECRETS.sub(MASKED, TWELVE_DIGITS.sub(self._account, text))

    def _account(self, match: re.Match[str]) -> str:
        return ACCOUNT if match[0] in (self.account, ACCOUNT) else OTHER_ACCOUNT

    def _arn(self, match: re.Match[str]) -> str:
        partition, service, region, account, resource = match.groups()
        kind, slash, _name = resource.partition("/") if "/" in resource else ("", "", resource)
        kept = resource if self.prefix in resource else f"{kind}{slash}{MASKED}"
        return f"arn:{partition}:{service}:{region}:{account}:{kept}"

    def value(self, value: Any, shape: Any) -> Any:
        """Return an answer with all its free text replaced. *shape*: that of botocore's model, or None.

        Texts stay if they are one of the values that the model names, or if they are about a resource of the run.
        """
        kind = getattr(shape, "type_name", None)
        if isinstance(value, dict):
            members = getattr(shape, "members", {}) if kind == "structure" else {}
            inner = getattr(shape, "value", None) if kind == "map" else None
            return {key: self.value(item, members.get(key, inner)) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item, getattr(shape, "member", None)) for item in value]
        if isinstance(value, str):
            return value if value in getattr(shape, "enum", ()) else self._string(value)
        return value if value is None or isinstance(value, (bool, int, float)) else f"<{type(value).__name__}>"

    def _string(self, text: str) -> str:
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if isinstance(document, dict):  # a policy, or an event pattern
            return json.dumps(self.value(document, None))
        if self.prefix in text or ARN.fullmatch(text) or text.lower() in ("true", "false") or text.isdigit():
            return self.text(text)
        return MASKED
