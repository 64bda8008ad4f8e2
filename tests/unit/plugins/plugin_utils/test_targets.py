# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a variable may be set, and which value counts: plays of all kinds, run by Ansible itself in check mode."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets
from ansible_collections.secops.securityhub.plugins.plugin_utils._targets import OF_PLAYBOOKS
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import waiting

ROOT = Path(__file__).resolve().parents[4]
ROLE = "secops.securityhub.securityhub_slack"
PREFIX = "securityhub_slack_"
WORKSPACE, CHANNEL = "T0ABCDEFG12", "C0ABCDEFG12"
REGIONS = ("eu-west-1", "us-east-1")
OUTCOME = "outcome.json"


def prefixed(**given):
    return {PREFIX + name: value for name, value in given.items()}


class Play:
    """A play with the role, and an inventory."""

    def __init__(self, folder, emulator):
        self.folder = folder
        self.common = prefixed(
            endpoint_url=emulator.url, workspace_id=WORKSPACE, channel_id=CHANNEL, result_file=str(folder / OUTCOME)
        )

    def run(self, hosts, *arguments, common=None, play=None, before=(), role=None):
        """Run the play, and return the result of each target, and all output."""
        inventory = {"all": {"hosts": hosts, "vars": {**self.common, **(common or {})}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        apply = {
            "name": "Apply",
            "ansible.builtin.import_role": {"name": ROLE, "rolespec_validate": False},
        }
        tasks = [{**apply, "vars": role or {}}]
        whole = [
            {"name": "Set up", "hosts": "all", "gather_facts": False, "tasks": list(before)},
            {"name": "Play", "hosts": "all", "gather_facts": False, "tasks": tasks, "vars": play or {}},
        ]
        (self.folder / "play.yml").write_text(json.dumps(whole))
        return self.play(*arguments)

    def play(self, *arguments):
        done = subprocess.run(
            [ansible_commands.path("ansible-playbook"), "-i", "hosts.yml", "play.yml", *arguments],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "AWS_ACCESS_KEY_ID": "111111111111",
                "AWS_SECRET_ACCESS_KEY": "emulator",
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
                "ANSIBLE_LOCALHOST_WARNING": "false",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=waiting.PATIENCE,
        )
        output = done.stdout + done.stderr
        outcome = self.folder / OUTCOME
        assert outcome.exists(), output
        targets = json.loads(outcome.read_text())["targets"]
        outcome.unlink()
        return targets, output


@pytest.fixture
def play(tmp_path, emulator):
    emulator.world(
        {"111111111111": {"hubs": "all", "workspaces": [{"SlackTeamId": WORKSPACE, "SlackTeamName": "acme"}]}}
    )
    return Play(tmp_path, emulator)


def hosts(**variables):
    """Return an inventory of two hosts, the first with variables."""
    return {"eu-west-1": variables, "us-east-1": {}}


def test_the_account_that_the_inventory_found_is_pinned_unless_another_one_is(play):
    found = {"eu-west-1": {"securityhub_account_id": "222222222222"}, "us-east-1": {}}
    targets, _output = play.run(found)
    assert "222222222222" in targets["eu-west-1"]["msg"]
    assert not targets["us-east-1"]["failed"]
    targets, _output = play.run(found, common=prefixed(account_id="111111111111"))
    assert not targets["eu-west-1"]["failed"]


def policies(targets):
    return [targets[region]["policy"] for region in REGIONS]


SEVERITY = prefixed(minimum_severity="MEDIUM")


@pytest.mark.parametrize(
    ("given", "arguments", "expected"),
    [
        ({}, [], ["MEDIUM and above", "CRITICAL"]),
        ({"common": prefixed(minimum_severity="HIGH")}, [], ["MEDIUM and above", "HIGH and above"]),
        ({"play": prefixed(minimum_severity="LOW")}, [], ["LOW and above", "LOW and above"]),
        # The play sets the same value as the inventory for the host whose variables the task sees.
        ({"play": prefixed(minimum_severity="MEDIUM")}, [], ["MEDIUM and above", "MEDIUM and above"]),
        ({"role": prefixed(minimum_severity="LOW")}, [], ["LOW and above", "LOW and above"]),
        # The play sets the role's default.
        ({"play": prefixed(minimum_severity="CRITICAL")}, [], ["CRITICAL", "CRITICAL"]),
        (
            {"play": prefixed(minimum_severity="LOW")},
            ["-e", "securityhub_slack_minimum_severity=HIGH"],
            ["HIGH and above", "HIGH and above"],
        ),
        (
            {"before": [{"name": "Set", "ansible.builtin.set_fact": prefixed(minimum_severity="{{ 'HIGH' }}")}]},
            [],
            ["HIGH and above", "HIGH and above"],
        ),
    ],
)
def test_precedence_is_that_of_ansible(play, given, arguments, expected):
    targets, _output = play.run(hosts(**SEVERITY), *arguments, **given)
    assert policies(targets) == expected


@pytest.mark.parametrize("where", ["common", "play", "role"])
def test_templates_are_filled_in_for_each_host_wherever_they_are_set(play, where):
    given = {where: prefixed(minimum_severity="{{ lowest[inventory_hostname] }}")}
    given.setdefault("play", {})["lowest"] = {"eu-west-1": "LOW", "us-east-1": "HIGH"}
    targets, _output = play.run(hosts(), **given)
    assert policies(targets) == ["LOW and above", "HIGH and above"]


def test_a_template_can_use_host_variables_and_other_role_variables(play):
    targets, _output = play.run(
        {"eu-west-1": {"lowest": "LOW"}, "us-east-1": {"lowest": "HIGH"}},
        common=prefixed(minimum_severity="{{ lowest }}", tags={"Lowest": "{{ securityhub_slack_minimum_severity }}"}),
    )
    assert policies(targets) == ["LOW and above", "HIGH and above"]


def test_a_limited_run_knows_the_unselected_targets(play):
    targets, output = play.run(hosts(**SEVERITY), "--limit", "eu-west-1")
    assert list(targets) == ["eu-west-1"]
    assert "only us-east-1 forwards findings about global resources" in " ".join(output.split())


def test_a_batch_of_serial_is_a_limited_run(play):
    play.run(hosts(**SEVERITY))
    whole = json.loads((play.folder / "play.yml").read_text())
    whole[1]["serial"] = 1
    (play.folder / "play.yml").write_text(json.dumps(whole))
    targets, output = play.play()
    assert list(targets) == ["us-east-1"], "the second batch has written the result"
    assert output.count("1 target: ") == 2


def test_the_region_is_the_end_of_the_host_name_or_a_variable(play):
    targets, _output = play.run({"prod.eu-west-1": {}, "frankfurt": prefixed(region="eu-central-1"), "database": {}})
    assert targets["prod.eu-west-1"]["region"] == "eu-west-1"
    assert targets["frankfurt"]["region"] == "eu-central-1"
    assert "'database' is not an AWS region" in targets["database"]["msg"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"channels": [{"channel_id": CHANNEL}]}, "securityhub_slack_channels has an entry without name. Add it."),
        ({"stack_timeout": "soon"}, "securityhub_slack_stack_timeout is 'soon'. Use a whole number."),
        ({"state": "presnt"}, "value of securityhub_slack_state must be one of: present, absent"),
        ({"minimum_severty": "LOW"}, "did you mean securityhub_slack_minimum_severity?"),
        ({"unheard_of": "x"}, "securityhub_slack_unheard_of is not a variable of this role: see the role's README"),
        ({"channel_id": "{{ not_defined_anywhere }}"}, "not_defined_anywhere"),
        ({"channel_id": "{{ 1 / 0 }}"}, "securityhub_slack_channel_id"),
        ({"name": {"a": "mapping"}}, "securityhub_slack_name"),
    ],
)
def test_invalid_variables_fail_only_their_host(play, given, sentence):
    targets, output = play.run(hosts(**prefixed(**given)))
    assert targets["eu-west-1"]["failed"] is True
    assert sentence in targets["eu-west-1"]["msg"]
    assert targets["us-east-1"]["failed"] is False
    assert "Traceback" not in output
    written = {path.name for path in play.folder.iterdir()} - {"hosts.yml", "play.yml", ".ansible"}
    assert not written, "variables without a value must not name a file"


def test_a_misspelled_prefix_is_not_a_variable_of_someone_else(play):
    targets, _output = play.run(
        {
            "eu-west-1": {"security_hub_slack_minimum_severity": "LOW"},
            "us-east-1": {"securityhub_account_name": "prod", "security_contact": "a", "slack_channel_id": "C1"},
        },
    )
    assert targets["eu-west-1"]["msg"] == (
        "security_hub_slack_minimum_severity is not a variable of this role: did you mean "
        "securityhub_slack_minimum_severity?"
    )
    assert targets["us-east-1"]["failed"] is False
    # Otherwise this run would deploy.
    targets, _output = play.play("-e", "securityhub_slak_state=absent")
    assert {item["failed"] for item in targets.values()} == {True}
    assert "did you mean securityhub_slack_state?" in targets["us-east-1"]["msg"]


def test_a_region_that_is_indented_too_far_is_an_error(play):
    targets, _output = play.run({"eu-west-1": {"us-east-1": None}, "prod.us-east-2": {"prod.us-west-1": {}}})
    assert (
        "us-east-1 is a variable of eu-west-1 in the inventory. If it should be a host, indent it"
        in targets["eu-west-1"]["msg"]
    )
    assert "prod.us-west-1 is a variable of prod.us-east-2" in targets["prod.us-east-2"]["msg"]


def test_untrusted_text_is_not_a_template(play):
    (play.folder / "hostile.txt").write_text("{{ 7 * 7 }}{{ lookup('pipe', 'touch pwned') }}")
    read = {
        "name": "Read",
        "ansible.builtin.set_fact": prefixed(channel_name="{{ lookup('file', 'hostile.txt') }}"),
    }
    _targets, output = play.run(hosts(), "--diff", before=[read], common=prefixed(minimum_severity="{{ 'HIGH' }}"))
    assert "{{ 7 * 7 }}{{ lookup('pipe', 'touch pwned') }}" in output
    assert not (play.folder / "pwned").exists()


def test_a_vaulted_variable_is_decrypted_and_not_shown(play):
    (play.folder / "password").write_text("open sesame")
    secret = subprocess.run(
        [
            Path(sys.executable).with_name("ansible-vault"),
            "encrypt_string",
            "--vault-password-file",
            "password",
            CHANNEL,
        ],
        cwd=play.folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    play.run(hosts())
    inventory = (play.folder / "hosts.yml").read_text()
    (play.folder / "hosts.yml").write_text(inventory.replace(CHANNEL, secret.replace("\n", "\n          ").rstrip()))
    targets, output = play.play("--vault-password-file", "password")
    assert [item["failed"] for item in targets.values()] == [False, False], output
    with pytest.raises(AssertionError) as failed:  # it has no outcome
        play.play()
    output = str(failed.value)
    assert "The variables of the inventory cannot be decrypted: " in output
    assert "Run with --vault-password-file, --vault-id or --ask-vault-pass." in output
    assert "Origin:" not in output, "Ansible shows the source of the task for errors that nobody expects"


def test_command_line_options_of_playbooks_are_known_variables():
    taken = {
        name
        for playbook in (ROOT / "playbooks").glob("*.yml")
        for name in re.findall(rf"({PREFIX}\w+) \| default", playbook.read_text(encoding="utf-8"))
    }
    # An ID of a finding on the command line is known, so that it can be refused with the reason.
    assert taken - set(_targets.options()) | {"securityhub_slack_simulate_finding_id"} == set(OF_PLAYBOOKS)
