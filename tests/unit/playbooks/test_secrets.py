# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets, given in every possible way, appear in no output and in no file of any playbook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit.signing_in import WORKSPACE
from ansible_collections.secops.securityhub.tests.unit.signing_in import Home

ACCOUNTS = [f"{number}" * 12 for number in range(1, 9)]
SSO, PROCESS, KEYS, WEB, CHAINED, ENVIRONMENT, ROLE, MODULE = ACCOUNTS
PREVIEW = Path(__file__).with_name("preview.yml")
REGION = "us-east-1"
SENTINEL = re.compile(r"sentinel[\w-]*")
GIVEN_FILES = (".aws", "process.py", "web-identity", "hosts.yml", "play.yml", "vault-password", "site")


def role_in(account):
    return f"arn:aws:iam::{account}:role/deployer"


@pytest.fixture
def home(emulator, tmp_path):
    emulator.world({account: {"hubs": [REGION], "workspaces": [WORKSPACE]} for account in ACCOUNTS})
    emulator.sign_in(
        sso_tokens={"sentinel-sso-token": {"roles": {SSO: ["Admin"]}}},
        web_identity_tokens={"sentinel-web-identity": 600},
    )
    home = Home(tmp_path, emulator)
    given = {
        "Version": 1,
        "AccessKeyId": PROCESS,
        "SecretAccessKey": "sentinel-secret-of-process",
        "SessionToken": "sentinel-token-of-process",
    }
    home.sso_profile(SSO)
    home.config(f"""
        [profile process]
        credential_process = {home.program("process.py", f"print({json.dumps(given)!r})")}
        [profile keys]
        aws_access_key_id = {KEYS}
        aws_secret_access_key = sentinel-secret-of-profile
        [profile web]
        role_arn = {role_in(WEB)}
        web_identity_token_file = {tmp_path}/web-identity
        [profile chained]
        role_arn = {role_in(CHAINED)}
        source_profile = keys
        external_id = sentinel-external-id-of-profile
    """)
    (tmp_path / "web-identity").write_text("sentinel-web-identity")
    home.sso_token(
        "acme",
        "sentinel-sso-token",
        refreshToken="sentinel-refresh-token",
        clientId="sentinel-client",
        clientSecret="sentinel-client-secret",
        registrationExpiresAt="2099-01-01T00:00:00Z",
    )
    home.environment = {
        "AWS_ACCESS_KEY_ID": ENVIRONMENT,
        "AWS_SECRET_ACCESS_KEY": "sentinel-secret-of-environment",
        "AWS_SESSION_TOKEN": "sentinel-token-of-environment",
        "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
    }
    return home


GOOD = {
    **{f"{profile}.{REGION}": {"profile": profile} for profile in ("sso", "process", "keys", "web", "chained")},
    f"environment.{REGION}": {},
    f"role.{REGION}": {
        "role_arn": role_in(ROLE),
        "external_id": "sentinel-external-id",
        "receivers": [{"name": "pager", "url": "https://events.example.com/sentinel-url"}],
    },
}
WRONG = {
    "wrong-name.eu-west-1": {
        "profile": "keys",
        "secret_access_key": "sentinel-misnamed-secret",
        "session_token": "sentinel-misnamed-token",
        "external-id": "sentinel-misnamed-external-id",
    },
    "wrong-type.eu-west-1": {"role_arn": role_in(ROLE), "external_id": {"of": "sentinel-typed external id"}},
    "wrong-template.eu-west-1": {"role_arn": role_in(ROLE), "external_id": "{{ 'sentinel-template' + nowhere }}"},
    "wrong-id.eu-west-1": {"role_arn": role_in(ROLE), "external_id": "sentinel with spaces"},
    "wrong-receiver.eu-west-1": {"receivers": ["https://events.example.com/sentinel-receiver"]},
    "wrong-url.eu-west-1": {"receivers": [{"name": "pager", "url": "http://events.example.com/sentinel-http"}]},
    "wrong-urls.eu-west-1": {"receivers": [{"name": "pager", "url": ["https://events.example.com/sentinel-list"]}]},
    "wrong-key.eu-west-1": {"receivers": [{"name": "pager", "uri": "https://events.example.com/sentinel-uri"}]},
}


def leaks(home, run):
    """Return the secrets that are readable: file or output -> the secrets in it."""
    texts = {"output": run.output}
    for path in home.folder.rglob("*"):
        given = path.relative_to(home.folder).parts[0] in GIVEN_FILES
        if path.is_file() and not given:
            texts[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    assert len(texts) > 1, "the log is missing"
    return {name: found for name, text in texts.items() if (found := set(SENTINEL.findall(text)))}


PLAYBOOKS = {
    "securityhub_slack": ["-e", "securityhub_slack_result_file=result.json"],
    "securityhub_slack_doctor": [
        "-e",
        "securityhub_slack_doctor_html={folder}/doctor.html securityhub_slack_doctor_json={folder}/doctor.json",
    ],
    "securityhub_slack_baseline": [],
    "securityhub_slack_canary": ["-e", "securityhub_slack_canary_timeout=2"],
    "securityhub_slack_simulate": [],
    "securityhub_slack_migrate": [],
    "securityhub_slack_digest": [],
    "securityhub_slack_export": ["-e", "securityhub_slack_export_file={folder}/stack-set.json"],
}


# These are the same with --check.
READING = ("securityhub_slack_doctor", "securityhub_slack_simulate")


def arguments_of(playbook, folder):
    return [
        text.replace("{folder}", str(folder)).replace("=result", f"={folder}/result") for text in PLAYBOOKS[playbook]
    ]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_no_playbook_shows_a_secret(home, playbook):
    inventory = home.inventory({**GOOD, **WRONG})
    arguments = ["-i", inventory, "--diff", "-vvvv", *arguments_of(playbook, home.folder)]
    for more in [[]] if playbook in READING else [["--check"], []]:
        run = home.run(playbook, *arguments, *more)
        assert "wrong-name.eu-west-1" in run.output
        assert leaks(home, run) == {}


@pytest.mark.parametrize("fault", ["denied", "errors", "garbage", "expired"])
def test_no_failure_shows_a_secret(home, fault):
    home.emulator.faults({fault: 1, "operations": ["AssumeRole", "GetRoleCredentials", "DescribeStacks"]})
    run = home.run("securityhub_slack", "-i", home.inventory(GOOD), "--check", "-vvvv")
    assert run.failed
    assert leaks(home, run) == {}


def test_debugging_ansible_shows_no_secret(home):
    home.environment["ANSIBLE_DEBUG"] = "1"
    run = home.run("securityhub_slack", "-i", home.inventory({**GOOD, **WRONG}), "--diff", "-vvvv")
    assert leaks(home, run) == {}


def test_the_role_shows_no_secret(home):
    play = home.folder / "play.yml"
    play.write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["secops.securityhub.securityhub_slack"]}])
    )
    for hosts in (GOOD, {**GOOD, **WRONG}):
        assert leaks(home, home.run(play, "-i", home.inventory(hosts), "--diff", "-vvvv")) == {}


def test_the_playbook_for_organizations_shows_no_secret(home):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        del home.environment[name]
    given = {
        "regions": [REGION],
        "enable_hub": True,
        "auto_enable": True,
        "administrator_profile": "sso",
        "apply": True,
    }
    prefixed = json.dumps({f"securityhub_organization_{name}": value for name, value in given.items()})
    run = home.run("securityhub_organization", "-e", prefixed, "--diff", "-vvvv")
    assert "Account 111111111111 is not a delegated" in run.output  # an answer to a signed call
    assert leaks(home, run) == {}


def test_a_module_shows_no_secret_of_its_options(home):
    play = home.folder / "play.yml"
    where = {
        "region": REGION,
        "access_key": MODULE,
        "secret_key": "sentinel-secret-of-module",
        "session_token": "sentinel-token-of-module",
    }
    modules = {
        "securityhub_hub": {},
        "securityhub_hub_info": {},
        "securityhub_action_target": {"id": "X", "name": "X", "description": "X"},
        "chatbot_slack_workspace_info": {"region": "us-east-2"},
    }
    tasks = {
        name: {"name": name, f"secops.securityhub.{name}": {**where, **more}, "ignore_errors": True}
        for name, more in modules.items()
    }
    faults = ({"denied": 1, "operations": ["DescribeHub"]}, {"garbage": 1, "operations": ["DescribeActionTargets"]})
    working = ("securityhub_hub", "chatbot_slack_workspace_info")
    failing = ("securityhub_hub_info", "securityhub_action_target")
    for names, given, failed in ((working, (), 0), (failing, faults, 2)):
        home.emulator.faults(*given)
        chosen = [tasks[name] for name in names]
        play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": chosen}]))
        run = home.run(play, "--diff", "-vvvv")
        assert all(f"TASK [{name}]" in run.output for name in names)
        assert f"ignored={failed} " in run.output
        assert leaks(home, run) == {}


CRASH = '''
import sys
import textwrap

wrap = textwrap.wrap
GIVEN = ("task_vars", "variables")


def crash(*given, **named):
    """Fail in the report of a run, with the local variables of all functions that lead to it."""
    frame = sys._getframe(1)
    if not frame.f_code.co_filename.endswith("_report/text.py"):
        return wrap(*given, **named)
    held = []
    while frame:
        if "securityhub/plugins" in frame.f_code.co_filename:
            held.append({name: value for name, value in frame.f_locals.items() if name not in GIVEN})
        frame = frame.f_back
    raise LookupError(repr(held)) from ValueError(f"{held}")


textwrap.wrap = crash
'''


def test_a_crash_shows_no_secret(home):
    site = home.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(CRASH)
    home.environment |= {"PYTHONPATH": str(site), "ANSIBLE_DISPLAY_TRACEBACK": "always"}
    run = home.run("securityhub_slack", "-i", home.inventory({**GOOD, **WRONG}), "--check", "-vvvv")
    assert run.code == 2
    assert "LookupError" in run.output
    assert "CredentialSource" in run.output
    assert leaks(home, run) == {}


def encrypted(home, text):
    """Return a text in Ansible Vault and the options that decrypt it."""
    password = home.folder / "vault-password"
    password.write_text("a-password")
    vault = ["--vault-password-file", str(password)]
    shown = home.call("ansible-vault", "encrypt_string", *vault, text).output
    return shown[shown.index("!vault") :].replace("Encryption successful", ""), vault


def test_an_encrypted_external_id_is_used_and_stays_encrypted(home, emulator):
    emulator.world({ROLE: {"roles": [{"arn": role_in(ROLE), "external_id": "sentinel-encrypted"}]}})
    text, vault = encrypted(home, "sentinel-encrypted")
    inventory = home.folder / "securityhub_regions.yml"
    inventory.write_text(
        f"plugin: secops.securityhub.securityhub_regions\n"
        f"accounts:\n  - name: role\n    role_arn: {role_in(ROLE)}\n    external_id: {text}\n"
        f"regions: [{REGION}]\n"
        f"variables:\n  securityhub_slack_workspace_id: T0ABCDEFG12\n  securityhub_slack_channel_id: C0ABCDEFG12\n"
        f"  securityhub_slack_result_file: {home.folder}/result.json\n"
    )
    static = home.inventory({f"role.{REGION}": {"role_arn": role_in(ROLE), "external_id": "EXTERNAL"}})
    lines = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    static.write_text(static.read_text().replace('"EXTERNAL"', f"!vault {json.dumps(chr(10).join(lines))}"))
    for source in (static, inventory):
        run = home.run(PREVIEW, "-i", source, *vault, "--check", "-vvvv")
        assert run.states.get(f"role.{REGION}") == "changed", run.output
        assert leaks(home, run) == {}
        listed = home.call("ansible-inventory", "-i", source, *vault, "--list", "-vvvv")
        assert "__ansible_vault" in listed.output
        assert leaks(home, listed) == {}
