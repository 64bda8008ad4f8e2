# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as users run it: Ansible commands in separate processes, AWS over HTTP."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import waiting

ROOT = Path(__file__).resolve().parents[4]
FLEET = ROOT / "inventories" / "fleet"
PLUGIN = "secops.securityhub.securityhub_regions"
PROD, STAGE, LAB = "111111111111", "222222222222", "333333333333"
DEFAULT_REGIONS = 17


def role(account):
    return f"arn:aws:iam::{account}:role/securityhub-slack"


@pytest.fixture
def home(tmp_path):
    """A home directory without any files of the person who runs the tests."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def run(emulator, home):
    """Run one of Ansible's commands as the account PROD; variables of the environment that are None are not set."""

    def call(command, *arguments, **environment):
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "COLUMNS": "1000",
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "AWS_ACCESS_KEY_ID": PROD,
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_ENDPOINT_URL": emulator.url,
            **environment,
        }
        return subprocess.run(
            [ansible_commands.path(command), *map(str, arguments)],
            cwd=ROOT,
            env={name: value for name, value in variables.items() if value is not None},
            capture_output=True,
            text=True,
            check=False,
            timeout=waiting.PATIENCE,
        )

    return call


@pytest.fixture
def write(tmp_path):
    """Write an inventory file of the plugin and return its path."""

    def to(content, name="securityhub_regions.yml"):
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else yaml.safe_dump({"plugin": PLUGIN, **content}))
        return file

    return to


@pytest.fixture
def listed(run):
    """Return the inventory of a file or directory, as ansible-inventory --list shows it."""

    def of(path, *arguments, **environment):
        done = run("ansible-inventory", "--list", "-i", path, *arguments, **environment)
        assert done.returncode == 0, done.stderr
        return {"warnings": done.stderr, **json.loads(done.stdout, object_hook=plain)}

    return of


def plain(value):
    """Return the text of what --list marks as not to be templated, and everything else as it is."""
    return value.get("__ansible_unsafe", value)


def hosts(inventory):
    return inventory["_meta"]["hostvars"]


@pytest.fixture
def world(emulator):
    """Three administrator accounts: one with all hubs, one with two hubs, one whose role cannot be assumed."""
    emulator.world(
        {
            PROD: {"hubs": "all", "regions": ["ap-east-1"]},
            STAGE: {"hubs": ["us-east-1", "eu-west-1"]},
            LAB: {"hubs": "all", "roles": []},
        }
    )
    return emulator


def test_the_example_of_a_fleet(world, listed):
    assert len((FLEET / "securityhub_regions.yml").read_text().splitlines()) <= 15
    inventory = listed(FLEET)
    found = hosts(inventory)

    assert len(inventory["account_prod"]["hosts"]) == DEFAULT_REGIONS + 1
    assert len(inventory["account_stage"]["hosts"]) == DEFAULT_REGIONS
    assert inventory["account_lab"]["hosts"] == ["lab"]
    assert len(found) == len(inventory["securityhub"]["hosts"]) == 2 * DEFAULT_REGIONS + 2
    assert inventory["region_eu_west_1"]["hosts"] == ["prod.eu-west-1", "stage.eu-west-1"]
    # Opted in to by one account, and by no other.
    assert inventory["region_ap_east_1"]["hosts"] == ["prod.ap-east-1"]
    assert len(inventory["partition_aws"]["hosts"]) == 2 * DEFAULT_REGIONS + 1

    assert sorted(set(inventory["hub_enabled"]["hosts"]) & set(inventory["account_stage"]["hosts"])) == [
        "stage.eu-west-1",
        "stage.us-east-1",
    ]
    assert "stage.eu-west-2" in inventory["hub_disabled"]["hosts"]
    assert inventory["hub_unknown"]["hosts"] == ["lab"]

    assert found["stage.ap-southeast-1"] == {
        "securityhub_account_id": STAGE,
        "securityhub_hub": "disabled",
        "securityhub_hub_reason": "",
        "securityhub_partition": "aws",
        "securityhub_slack_channel_id": found["stage.eu-west-1"]["securityhub_slack_channel_id"],
        "securityhub_slack_minimum_severity": "MEDIUM",
        "securityhub_slack_region": "ap-southeast-1",
        "securityhub_slack_role_arn": role(STAGE),
        "securityhub_slack_workspace_id": found["stage.eu-west-1"]["securityhub_slack_workspace_id"],
    }
    assert "securityhub_slack_minimum_severity" not in found["stage.eu-west-1"]

    assert "may not assume the role" in found["lab"]["__securityhub_slack_account_error"]
    assert (
        "account lab (role arn:aws:iam::333333333333:role/securityhub-slack) could not be read" in inventory["warnings"]
    )
    assert world.writes() == []


def test_without_accounts_the_regions_of_the_environment_are_the_hosts(world, listed, write):
    inventory = listed(write({"exclude": ["us-*"]}))
    assert "eu-west-1" in inventory[f"account_{PROD}"]["hosts"]
    assert not [host for host in hosts(inventory) if host.startswith("us-") or "." in host]
    assert hosts(inventory)["eu-west-1"]["securityhub_account_id"] == PROD
    assert inventory["warnings"] == ""


def test_a_region_that_the_account_opts_in_to_is_there_in_the_next_run(world, listed, write):
    file = write({})
    assert "ap-east-2" not in hosts(listed(file))
    world.world({PROD: {"regions": ["ap-east-1", "ap-east-2"]}})
    assert "ap-east-2" in hosts(listed(file))


def test_host_patterns(world, run, write, tmp_path):
    accounts = [{"name": name, "role_arn": role(account)} for name, account in [("prod", PROD), ("stage", STAGE)]]
    file = write(
        {"accounts": [*accounts, {"name": "lab", "role_arn": role(LAB)}], "regions": ["eu-west-*", "us-east-1"]}
    )
    expected = {
        "prod.*": ["prod.eu-west-1", "prod.eu-west-2", "prod.eu-west-3", "prod.us-east-1"],
        "*.eu-west-1": ["prod.eu-west-1", "stage.eu-west-1"],
        "stage.eu-west-1,prod.us-east-1": ["prod.us-east-1", "stage.eu-west-1"],
        "account_stage:&hub_enabled": ["stage.eu-west-1", "stage.us-east-1"],
        "region_us_east_1:!account_prod": ["stage.us-east-1"],
        "account_lab": ["lab"],
        r"~.*\.us-.*": ["prod.us-east-1", "stage.us-east-1"],
    }
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"name": pattern, "hosts": pattern, "gather_facts": False} for pattern in expected])
    )
    done = run("ansible-playbook", "-i", file, tmp_path / "play.yml", "--list-hosts")
    assert hosts_of_plays(done.stdout) == expected
    limited = run("ansible-playbook", "-i", file, tmp_path / "play.yml", "--list-hosts", "--limit", "stage.eu-*")
    assert hosts_of_plays(limited.stdout)["account_stage:&hub_enabled"] == ["stage.eu-west-1"]
    assert hosts_of_plays(limited.stdout)["account_lab"] == []


def hosts_of_plays(text):
    """Return the hosts of each play by its name, as --list-hosts shows them."""
    found = {}
    for line in text.splitlines():
        if line.startswith("  play #"):
            name = line.partition("): ")[2].partition("\t")[0].strip()
            found[name] = []
        elif line.startswith("      "):
            found[name] = sorted([*found[name], line.strip()])
    return found


CACHE = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile"}


def test_cached_accounts_are_not_read_again(world, listed, write, tmp_path):
    entries = [
        {"name": "prod", "role_arn": role(PROD), "external_id": "a-password"},
        {"name": "lab", "role_arn": role(LAB)},
    ]
    options = {**CACHE, "cache_connection": str(tmp_path / "cache")}
    first = listed(write({**options, "accounts": entries}))
    (kept,) = (tmp_path / "cache").iterdir()
    assert "a-password" not in kept.read_text()
    written = kept.stat().st_mtime_ns

    # Only the account that could not be read is read again, and that does not restart the timeout of the others.
    world.forget_requests()
    again = listed(write({**options, "accounts": entries}))
    assert hosts(again) == hosts(first)
    assert [entry["operation"] for entry in world.requests()] == ["AssumeRole"]
    assert kept.stat().st_mtime_ns == written

    # Changes to the file take effect immediately, and only a new account is read.
    world.forget_requests()
    entries[1] = {"name": "stage", "role_arn": role(STAGE)}
    changed = listed(write({**options, "accounts": entries, "variables": {"fresh": True}}))
    assert hosts(changed)["prod.eu-west-1"]["fresh"] is True
    assert len(changed["account_stage"]["hosts"]) == DEFAULT_REGIONS
    assert {entry["account"] for entry in world.requests()} == {PROD, STAGE}
    assert [entry["operation"] for entry in world.requests()].count("AssumeRole") == 1

    world.forget_requests()
    listed(write({**options, "accounts": entries}), "--flush-cache")
    assert [entry["operation"] for entry in world.requests()].count("AssumeRole") == 2


def test_only_the_owner_can_read_the_cache(world, listed, write, tmp_path):
    file = write({**CACHE, "cache_connection": str(tmp_path / "cache"), "regions": ["eu-west-1"]})
    listed(file)
    (kept,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    # Also after a run that writes it again.
    listed(file, AWS_ACCESS_KEY_ID=STAGE)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "cached",
    [
        '{"__payload__": "{',
        '{"__payload__": "{"}',
        '{"__payload__": "[]"}',
        '{"__payload__": "{\\"an account\\": {\\"of another\\": \\"version\\"}}"}',
        '{"__payload__": "{\\"an account\\": {\\"regions\\": []}}"}',
    ],
    ids=["cut off", "content cut off", "a list", "of another version", "of another shape"],
)
def test_an_unusable_cache_is_written_again(world, run, write, tmp_path, cached):
    file = write({**CACHE, "cache_connection": str(tmp_path / "cache"), "regions": ["eu-west-1"]})
    graph = run("ansible-inventory", "-i", file, "--graph")
    (kept,) = (tmp_path / "cache").iterdir()
    usable = kept.read_text()

    kept.write_text(cached)
    again = run("ansible-inventory", "-i", file, "--graph")
    assert (again.returncode, again.stdout) == (0, graph.stdout), again.stderr
    assert "so all accounts are read again" in again.stderr
    assert kept.read_text() == usable


def test_a_cache_without_a_file_works_too(world, listed, write):
    assert "eu-west-1" in hosts(listed(write({"cache": True, "cache_plugin": "ansible.builtin.memory"})))


def test_the_cache_of_one_web_identity_is_not_used_for_another(world, listed, write, tmp_path):
    file = write({**CACHE, "cache_connection": str(tmp_path / "cache"), "regions": ["eu-west-1"]})
    world.sign_in(web_identity_tokens={"a-web-identity": 3600})
    (tmp_path / "token").write_text("a-web-identity")

    def account_of(number):
        inventory = listed(
            file,
            AWS_ROLE_ARN=role(number),
            AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
            AWS_ACCESS_KEY_ID=None,
            AWS_SECRET_ACCESS_KEY=None,
        )
        return hosts(inventory)["eu-west-1"]["securityhub_account_id"]

    assert account_of(PROD) == PROD
    assert account_of(STAGE) == STAGE


def test_the_cache_of_one_users_credentials_is_not_used_for_another(world, listed, write, tmp_path):
    file = write({**CACHE, "cache_connection": str(tmp_path / "cache"), "regions": ["eu-west-1"]})
    assert hosts(listed(file))["eu-west-1"]["securityhub_account_id"] == PROD
    assert hosts(listed(file, AWS_ACCESS_KEY_ID=STAGE))["eu-west-1"]["securityhub_account_id"] == STAGE


def test_custom_groups_and_variables(world, listed, write):
    inventory = listed(
        write(
            {
                "accounts": [{"name": "prod"}],
                "regions": ["eu-west-1", "us-east-1"],
                "groups": {"europe": "securityhub_slack_region.startswith('eu-')"},
                "keyed_groups": [{"key": "securityhub_account_id", "prefix": "id"}],
                "compose": {"short": "securityhub_slack_region | replace('-', '')"},
                "strict": True,
            }
        )
    )
    assert inventory["europe"]["hosts"] == ["prod.eu-west-1"]
    assert sorted(inventory[f"id_{PROD}"]["hosts"]) == ["prod.eu-west-1", "prod.us-east-1"]
    assert hosts(inventory)["prod.us-east-1"]["short"] == "useast1"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"regionz": ["eu-*"]}, "Unknown options in the file: regionz. Did you mean regions?"),
        ({"variabels": {}}, "Did you mean variables?"),
        ({"accounts": [{"name": "prod", "variabels": {}}]}, "Did you mean variables?"),
        (
            {"accounts": [{"name": "prod", "rolearn": "x"}]},
            "account prod has the unknown key 'rolearn'. Use one of name, profile",
        ),
        ({"accounts": [{"name": "prod"}, {"profile": "x"}]}, "account 2 has no name"),
        ({"accounts": "prod"}, "accounts is not a list of dictionaries"),
        ({"accounts": []}, "accounts is not a list of dictionaries"),
        ({"regions": ["EU"]}, "regions of the file has 'EU'"),
    ],
)
def test_a_mistake_in_the_file_ends_the_run_with_a_sentence(emulator, run, write, content, sentence):
    emulator.forget_requests()
    done = run("ansible-inventory", "--list", "-i", write(content))
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert emulator.requests() == []


@pytest.mark.parametrize(
    "text",
    [
        "accounts: {name: prod, external_id: %s}",
        "accounts: [{name: prod, external_id: [%s]}]",
        "accounts: [{name: prod, external_id: {%s: 1}}]",
        "accounts: [{name: prod, external_id: %s with spaces}]",
        "accounts: [[{external_id: %s}]]",
        "accounts: [{name: prod, regions: [{external_id: %s}]}]",
        "variables: [{securityhub_slack_external_id: %s}]",
        "region_variables: [{securityhub_slack_external_id: %s}]",
        "regions: {external_id: %s}",
        "endpoint_url: {external_id: %s}",
        "external_id: %s",
    ],
)
def test_no_error_shows_an_external_id_whatever_its_type(run, write, text):
    done = run("ansible-inventory", "--list", "-i", write(f"plugin: {PLUGIN}\n{text % 'a-password'}\n"))
    assert done.returncode != 0
    assert "a-password" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["prod.yml", "securityhub_regions.yml.bak", "securityhub_regions.json"])
def test_takes_only_files_of_its_name(emulator, run, write, name):
    emulator.forget_requests()
    assert run("ansible-inventory", "--list", "-i", write({}, name)).returncode != 0
    assert emulator.requests() == []


def test_takes_files_of_its_name_with_something_before_it(world, listed, write):
    assert "eu-west-1" in hosts(listed(write({"regions": ["eu-west-1"]}, "prod.securityhub_regions.yaml")))


def test_an_external_id_may_be_encrypted(world, listed, run, write, tmp_path):
    world.world({LAB: {"roles": [{"arn": role(LAB), "external_id": "a-password"}]}})
    (tmp_path / "key").write_text("opensesame")
    vault = ("--vault-password-file", tmp_path / "key")
    encrypted = run("ansible-vault", "encrypt_string", *vault, "a-password", "--name", "    external_id").stdout
    text = f"plugin: {PLUGIN}\naccounts:\n  - name: lab\n    role_arn: {role(LAB)}\n{encrypted}"
    inventory = listed(write(text), *vault)
    assert len(inventory["account_lab"]["hosts"]) == DEFAULT_REGIONS


# A template that creates a file when it is evaluated.
HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch %s') }}"


class HostileAws(BaseHTTPRequestHandler):
    """Answers like AWS, with a template in each text."""

    template = ""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/listRegions":
            regions = [{"RegionName": name} for name in ("eu-west-1", self.template, f"eu-{self.template}-1")]
            self.answer(200, json.dumps({"Regions": regions}))
        else:
            self.answer(
                200,
                "<GetCallerIdentityResponse><GetCallerIdentityResult>"
                f"<Arn>arn:{self.template}:sts::1:x</Arn><Account>{self.template}</Account>"
                "</GetCallerIdentityResult></GetCallerIdentityResponse>",
            )

    def do_GET(self):
        self.answer(403, json.dumps({"__type": "AccessDeniedException", "message": self.template}))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments):
        """Keep quiet."""


@pytest.fixture
def hostile_aws(tmp_path):
    HostileAws.template = HOSTILE % (tmp_path / "owned")
    server = ThreadingHTTPServer(("127.0.0.1", 0), HostileAws)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_text_from_aws_is_never_evaluated_as_a_template(hostile_aws, run, write, tmp_path):
    file = write(
        {
            "accounts": [{"name": "prod", "variables": {"mine": "{{ securityhub_slack_region | upper }}"}}],
            "compose": {"copied": "securityhub_hub_reason"},
            "keyed_groups": [{"key": "securityhub_account_id", "prefix": "id"}],
            "endpoint_url": hostile_aws,
        }
    )
    names = [
        *("securityhub_account_id", "securityhub_partition", "securityhub_hub_reason", "copied"),
        *("mine", "group_names", "inventory_hostname"),
    ]
    play = {
        "name": "Show",
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [
            {
                "name": "Show",
                "ansible.builtin.copy": {
                    "content": "{{ [" + ", ".join(names) + "] | to_json }}",
                    "dest": str(tmp_path / "shown"),
                    "mode": "0600",
                },
            }
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    done = run("ansible-playbook", "-i", file, tmp_path / "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    account, partition, reason, copied, mine, _groups, host = json.loads((tmp_path / "shown").read_text())
    assert host == "prod.eu-west-1"
    assert account == HostileAws.template
    assert HostileAws.template.startswith(partition)
    assert HostileAws.template in reason
    assert copied == reason
    assert mine == "EU-WEST-1"
    assert not (tmp_path / "owned").exists()
