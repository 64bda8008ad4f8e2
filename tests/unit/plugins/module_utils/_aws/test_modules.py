# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules share."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import botocore.exceptions
import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.secops.securityhub.plugins.module_utils._aws import modules

# Clears the line and rings the bell, reverses what follows, and pretends that a task of another host succeeded.
HOSTILE = "named\x1b[2K\x07 \u202eby a member\x9b31m account\nok: [localhost]"
SAFE = "named?[2K? ?by a member?31m account"
pytestmark = pytest.mark.usefixtures("environment")

ROOT = Path(__file__).resolve().parents[5]


def test_the_user_agent_carries_the_version_of_the_collection():
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"] == modules.VERSION


def test_every_module_that_calls_aws_itself_is_in_the_action_group():
    # A batch action takes no credentials of its own: module_defaults of the group would be refused by it.
    batch = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")}
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["aws"]
    named = {entry for entry in group if isinstance(entry, str)}
    assert {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - batch <= named


def ended(end):
    """Return the result of a module that does nothing but *end*."""
    printed = io.StringIO()
    options = {"access_key": "111111111111", "secret_key": "emulator", "region": "eu-west-1"}
    with patch_module_args(options), redirect_stdout(printed), pytest.raises(SystemExit):
        end(modules.Module(argument_spec={}))
    return json.loads(printed.getvalue())


def test_results_are_safe_to_print_at_any_depth():
    result = ended(lambda module: module.exit_with("hub", {"Tags": {"Name": HOSTILE}}, {"names": [HOSTILE]}))
    shown = f"{SAFE}\nok: [localhost]"
    assert (result["changed"], result["hub"]) == (True, {"names": [shown]})
    assert result["diff"] == {"before": {"Tags": {"Name": shown}}, "after": {"names": [shown]}}


def test_a_failure_is_one_line_that_is_safe_to_print():
    result = ended(lambda module: module.fail_json(msg=HOSTILE, names=[HOSTILE]))
    assert result["failed"] is True
    assert result["msg"] == f"{SAFE} ok: [localhost]"
    assert result["names"] == [f"{SAFE}\nok: [localhost]"]


def test_messages_of_aws_are_sanitized():
    def end(module):
        with module.explained("Security Hub in eu-west-1"):
            error = {"Error": {"Code": "ValidationError", "Message": HOSTILE}}
            raise botocore.exceptions.ClientError(error, "DescribeHub")

    said = ended(end)["msg"]
    assert said.startswith("Security Hub in eu-west-1: DescribeHub was refused")
    assert f"{SAFE} ok: [localhost]" in said


def test_a_warning_is_one_line_that_is_safe_to_print():
    def end(module):
        module.warn(HOSTILE)
        module.exit_json(changed=False)

    said = json.dumps(ended(end)["warnings"], ensure_ascii=False)
    assert f"{SAFE} ok: [localhost]" in said
    assert not any(char in said for char in "\x1b\x07\u202e\x9b\n") and "\\n" not in said
