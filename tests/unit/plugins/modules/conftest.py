# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules as Ansible runs them, against the emulator over HTTP."""

from __future__ import annotations

import importlib
import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration

MODULES = "ansible_collections.secops.securityhub.plugins.modules."
ACCOUNT = "111111111111"


@dataclass
class Modules:
    """Runs modules of the collection; results are dicts, `failed` among their keys."""

    emulator: Any

    def run(self, name: str, /, check: bool = False, account: str = ACCOUNT, **options: Any) -> dict[str, Any]:
        """Run a module once; region is us-east-1 unless given."""
        arguments = {
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "endpoint_url": self.emulator.url,
            "access_key": account,
            "secret_key": "emulator",
            "region": "us-east-1",
            **options,
        }
        module = importlib.import_module(MODULES + name)
        printed = io.StringIO()
        with patch_module_args(arguments), redirect_stdout(printed), pytest.raises(SystemExit):
            module.main()
        result = json.loads(printed.getvalue())
        assert "exception" not in result, result
        return result

    def ok(self, name: str, /, **options: Any) -> dict[str, Any]:
        """Run a module that must not fail."""
        result = self.run(name, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def refused(self, name: str, /, **options: Any) -> str:
        """Return the message of a module that must fail, in check mode and outside, without having written."""
        mark = self.mark()
        messages = [self.run(name, check=check, **options) for check in (True, False)]
        assert all(result.get("failed") for result in messages), messages
        assert self.emulator.writes(mark) == []
        assert messages[0]["msg"] == messages[1]["msg"]
        return messages[0]["msg"]

    def mark(self) -> int:
        """Return the number of the last request so far."""
        return max((entry["n"] for entry in self.emulator.requests()), default=0)

    def changes_once(self, name: str, key: str, /, **options: Any) -> dict[str, Any]:
        """Run CHECK, run, CHECK, run; return what the first real run returned.

        Checks that check mode writes nothing and predicts what a run does, and that a second run finds nothing to do.
        """
        mark = self.mark()
        predicted = self.ok(name, check=True, **options)
        assert self.emulator.writes(mark) == []
        real = self.ok(name, **options)
        assert (predicted["changed"], real["changed"]) == (True, True)
        assert real["diff"]["before"] == predicted["diff"]["before"]
        assert real["diff"]["after"] == real[key]
        assert predicted["diff"]["after"] == predicted[key]
        assert predicted[key].items() <= real[key].items()
        assert self.emulator.writes(mark) != []
        self.changes_nothing(name, key, **options)
        return real

    def changes_nothing(self, name: str, key: str, /, **options: Any) -> dict[str, Any]:
        """Run CHECK and run, neither of which may change or write anything; return the second result."""
        mark = self.mark()
        results = [self.ok(name, check=check, **options) for check in (True, False)]
        assert [result["changed"] for result in results] == [False, False]
        assert results[0][key] == results[1][key]
        assert results[1]["diff"]["before"] == results[1]["diff"]["after"]
        assert self.emulator.writes(mark) == []
        return results[1]


@pytest.fixture
def modules(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Modules:
    """Return a runner of modules in an empty world; nothing waits for other writers."""
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.01)
    return Modules(emulator)
