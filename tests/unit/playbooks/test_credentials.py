# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to sign in to AWS, and every way in which it fails, with the shipped playbook and the files of a user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit.plugins.modules.conftest import Modules
from ansible_collections.secops.securityhub.tests.unit.signing_in import START_URL
from ansible_collections.secops.securityhub.tests.unit.signing_in import WORKSPACE
from ansible_collections.secops.securityhub.tests.unit.signing_in import Home

PREVIEW = Path(__file__).with_name("preview.yml")
REGION = "eu-west-1"
ACCOUNTS = [f"{number}" * 12 for number in range(1, 10)]
TOKEN = "sso-token"


def role_in(account, name="deployer"):
    return f"arn:aws:iam::{account}:role/{name}"


@pytest.fixture
def home(emulator, tmp_path):
    emulator.world({account: {"hubs": "all", "workspaces": [WORKSPACE]} for account in ACCOUNTS})
    emulator.sign_in(
        sso_tokens={TOKEN: {"roles": {ACCOUNTS[0]: ["Admin"], ACCOUNTS[1]: ["Admin"]}, "user": "jane"}},
        web_identity_tokens={"a-web-identity": 600, "an-old-web-identity": -1},
    )
    return Home(tmp_path, emulator)


def keys_of(account, **more):
    """Return a program that prints the credentials of an account as a credential_process does."""
    given = {"Version": 1, "AccessKeyId": account, "SecretAccessKey": "a-secret-key", **more}
    return f"print({json.dumps(given)!r})"


def callers(emulator, operation="DescribeStacks"):
    return {entry["account"]: entry["caller"] for entry in emulator.requests() if entry["operation"] == operation}


def test_every_way_to_sign_in(home, emulator):
    sso, legacy, chained, process, web, keys, role, environment = ACCOUNTS[:8]
    home.sso_profile(sso)
    home.config(f"""
        [profile legacy]
        sso_start_url = {START_URL}
        sso_region = eu-west-1
        sso_account_id = {legacy}
        sso_role_name = Admin
        [profile chained]
        role_arn = {role_in(chained)}
        source_profile = keys
        role_session_name = of-the-profile
        external_id = of-the-profile
        [profile process]
        credential_process = {home.program("process.py", keys_of(process))}
        [profile web]
        role_arn = {role_in(web)}
        role_session_name = of-the-profile
        web_identity_token_file = {home.folder}/token
        [profile keys]
        aws_access_key_id = {keys}
        aws_secret_access_key = a-secret-key
    """)
    home.sso_token("acme", TOKEN)
    home.sso_token(START_URL, TOKEN)
    (home.folder / "token").write_text("a-web-identity")
    emulator.world(
        {
            chained: {"roles": [{"arn": role_in(chained), "external_id": "of-the-profile"}]},
            role: {"roles": [{"arn": role_in(role), "external_id": "the/external-id"}]},
        }
    )
    given = emulator.client("sts").assume_role(RoleArn=role_in(environment), RoleSessionName="by-hand")["Credentials"]
    home.environment = {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }
    hosts = {f"{name}.{REGION}": {"profile": name} for name in ("sso", "legacy", "chained", "process", "web", "keys")}
    hosts[f"role.{REGION}"] = {
        "profile": "sso",
        "role_arn": role_in(role),
        "external_id": "the/external-id",
        "session_name": "jane@example.com",
    }
    hosts[f"environment.{REGION}"] = {}
    emulator.forget_requests()
    result = home.run(PREVIEW, "-i", home.inventory(hosts), "--check")
    assert result.code == 0, result.output
    assert [result.states[host] for host in hosts] == ["changed"] * len(hosts)
    seen = callers(emulator)
    assert seen.pop(sso).endswith("/jane")
    assert seen.pop(legacy).endswith("/jane")
    assert seen == {
        chained: f"arn:aws:sts::{chained}:assumed-role/deployer/of-the-profile",
        process: f"arn:aws:iam::{process}:root",
        web: f"arn:aws:sts::{web}:assumed-role/deployer/of-the-profile",
        keys: f"arn:aws:iam::{keys}:root",
        role: f"arn:aws:sts::{role}:assumed-role/deployer/jane@example.com",
        environment: f"arn:aws:sts::{environment}:assumed-role/deployer/by-hand",
    }
    signing_in = [entry["operation"] for entry in emulator.requests() if entry["service"] in ("sts", "awsssoportal")]
    assert signing_in.count("GetRoleCredentials") == 2
    assert signing_in.count("AssumeRole") == 2
    assert signing_in.count("AssumeRoleWithWebIdentity") == 1


def test_the_web_identity_of_a_ci_job(home, emulator):
    token = home.folder / "token"
    token.write_text("a-web-identity")
    home.environment = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": role_in(ACCOUNTS[4]),
        "AWS_ROLE_SESSION_NAME": "job-4711",
    }
    inventory = home.inventory({REGION: {}})
    assert home.run(PREVIEW, "-i", inventory, "--check").states[REGION] == "changed"
    assert callers(emulator)[ACCOUNTS[4]].endswith(":assumed-role/deployer/job-4711")
    token.write_text("an-old-web-identity")
    failed = home.run("securityhub_slack", "-i", inventory, "--check").failed[REGION]
    assert failed.startswith("the web identity token has expired (Token expired: current date/time")
    assert failed.endswith("). Run the playbook again with a new token; in CI, a new job gets one.")
    token.write_text("a-web-identity")
    emulator.world({ACCOUNTS[4]: {"roles": []}})
    assert home.run("securityhub_slack", "-i", inventory, "--check").failed[REGION] == (
        "the role does not trust this web identity (Not authorized to perform sts:AssumeRoleWithWebIdentity). Allow "
        "the identity provider, and the audience and subject of the token, in its trust policy."
    )
    token.unlink()
    assert home.run("securityhub_slack", "-i", inventory, "--check").failed[REGION] == (
        f"{token}, which the environment names, cannot be read or run (No such file or directory). Correct the AWS_* "
        f"variables."
    )


# Profile -> its section in ~/.aws/config, and the error of a run.
BAD_PROFILES = {
    "no-such-profile": (
        None,
        "The config profile (no-such-profile) could not be found. Set securityhub_slack_profile to a profile of "
        "~/.aws/config.",
    ),
    "nothing": (
        "region = eu-west-1",
        "profile nothing has no credentials. Correct it in ~/.aws/config.",
    ),
    "half": (
        "aws_access_key_id = 111111111111",
        "profile half cannot be used (Partial credentials found in config-file, missing: aws_secret_access_key). "
        "Correct it in ~/.aws/config.",
    ),
    "sso-over": (
        "sso_session = over\nsso_account_id = 111111111111\nsso_role_name = Admin",
        "the sign-in of profile sso-over is missing or has expired. Run aws sso login --profile sso-over and run the "
        "playbook again.",
    ),
    "sso-revoked": (
        "sso_session = revoked\nsso_account_id = 111111111111\nsso_role_name = Admin",
        "the sign-in of profile sso-revoked is missing or has expired. Run aws sso login --profile sso-revoked and run "
        "the playbook again.",
    ),
    "sso never": (
        f"sso_start_url = {START_URL}/other\nsso_region = eu-west-1\nsso_account_id = 111111111111\n"
        f"sso_role_name = Admin",
        "the sign-in of profile sso never is missing or has expired. Run aws sso login --profile 'sso never' and run "
        "the playbook again.",
    ),
    "sso-legacy-over": (
        f"sso_start_url = {START_URL}\nsso_region = eu-west-1\nsso_account_id = 111111111111\nsso_role_name = Admin",
        "the sign-in of profile sso-legacy-over is missing or has expired. Run aws sso login --profile sso-legacy-over "
        "and run the playbook again.",
    ),
    "sso-other-role": (
        "sso_session = acme\nsso_account_id = 111111111111\nsso_role_name = Other",
        "IAM Identity Center does not grant this role to the user who signed in (No access). Check sso_account_id and "
        "sso_role_name of the profile, and which user signs in.",
    ),
    "sso-half": (
        "sso_session = acme\nsso_account_id = 111111111111",
        'profile sso-half cannot be used (The profile "sso-half" is configured to use SSO but is missing required '
        "configuration: sso_role_name). Correct it in ~/.aws/config.",
    ),
    "not-there": (
        "credential_process = /no/such/program",
        "/no/such/program, which profile not-there names, cannot be read or run (No such file or directory). Correct "
        "it in ~/.aws/config.",
    ),
    "no-program": (
        "credential_process = /usr",
        "/usr, which profile no-program names, cannot be read or run (Permission denied). Correct it in ~/.aws/config.",
    ),
    "locked": (
        "print('a-secret-key'); raise SystemExit('error: the vault is locked.')",
        "the credential_process of profile locked failed (error: the vault is locked). Correct it in ~/.aws/config.",
    ),
    "broken": (
        "raise ValueError('no vault')",
        "the credential_process of profile broken failed (ValueError: no vault). Correct it in ~/.aws/config.",
    ),
    "silent": (
        "raise SystemExit(3)",
        "the credential_process of profile silent failed (it prints nothing). Correct it in ~/.aws/config.",
    ),
    "prose": (
        "print('a-secret-key')",
        "profile prose does not return AWS credentials (JSONDecodeError). Correct it in ~/.aws/config.",
    ),
    "list": (
        "print('[\"a-secret-key\"]')",
        "profile list does not return AWS credentials (AttributeError). Correct it in ~/.aws/config.",
    ),
    "noise": (
        "import sys; sys.stdout.buffer.write(b'\\xff\\xfe')",
        "profile noise does not return AWS credentials (UnicodeDecodeError). Correct it in ~/.aws/config.",
    ),
    "over": (
        keys_of(ACCOUNTS[2], SessionToken="x", Expiration="2026-01-01T00:00:00Z"),
        "the credentials of profile over have expired. Sign in where they come from and run the playbook again.",
    ),
    "mfa": (
        f"role_arn = {role_in(ACCOUNTS[3])}\nsource_profile = keys\nmfa_serial = arn:aws:iam::{ACCOUNTS[8]}:mfa/jane",
        'profile mfa needs an MFA code, and a run cannot ask for one. Before the run, sign in with eval "$(aws '
        'configure export-credentials --format env --profile mfa)", and do not set a profile.',
    ),
    "after-mfa": (
        f"role_arn = {role_in(ACCOUNTS[4])}\nsource_profile = mfa",
        'profile after-mfa needs an MFA code, and a run cannot ask for one. Before the run, sign in with eval "$(aws '
        'configure export-credentials --format env --profile after-mfa)", and do not set a profile.',
    ),
    "lost-source": (
        f"role_arn = {role_in(ACCOUNTS[3])}\nsource_profile = missing",
        'profile lost-source cannot be used (The source_profile "missing" referenced in the profile "lost-source" does '
        "not exist). Correct it in ~/.aws/config.",
    ),
    "not-trusted": (
        f"role_arn = {role_in(ACCOUNTS[5])}\nsource_profile = keys",
        f"these credentials may not assume the role (User: arn:aws:iam::{ACCOUNTS[8]}:root is not authorized to "
        f"perform: sts:AssumeRole on resource: {role_in(ACCOUNTS[5])}). Name them in its trust policy, grant them "
        f"sts:AssumeRole, and check the external ID.",
    ),
}
CONFIG_OPTIONS = ("region", "aws_", "sso_", "role_", "credential_process")


@pytest.fixture
def bad_profiles(home, emulator):
    """Return a home with all bad profiles and a good one."""
    sections = [
        f"[profile keys]\naws_access_key_id = {ACCOUNTS[8]}\naws_secret_access_key = a-secret-key",
        *(f"[sso-session {name}]\nsso_start_url = {START_URL}\nsso_region = eu-west-1" for name in SSO_SESSIONS),
    ]
    for name, (given, _said) in BAD_PROFILES.items():
        if given is None:
            continue
        if not given.startswith(CONFIG_OPTIONS):
            given = f"credential_process = {home.program(f'{name}.py', given)}"
        sections.append(f'[profile "{name}"]\n{given}')
    home.config("\n\n".join(sections))
    home.sso_token("acme", TOKEN)
    home.sso_token("over", TOKEN, seconds=-60)
    home.sso_token("revoked", "a-revoked-token")
    home.sso_token(START_URL, TOKEN, seconds=-60)
    emulator.world({ACCOUNTS[5]: {"roles": []}})
    return home


SSO_SESSIONS = ("acme", "over", "revoked")


def test_a_failed_sign_in_fails_only_its_targets_with_the_remedy(bad_profiles, emulator):
    hosts = {f"{name.replace(' ', '-')}.{REGION}": {"profile": name} for name in BAD_PROFILES}
    good = f"keys.{REGION}"
    inventory = bad_profiles.inventory({**hosts, good: {"profile": "keys"}})
    log = bad_profiles.folder / "ansible.log"
    bad_profiles.environment["ANSIBLE_LOG_PATH"] = str(log)
    result = bad_profiles.run("securityhub_slack", "-i", inventory, "-vvv")
    assert [result.states[host] for host in (*hosts, good)] == [*["failed"] * len(hosts), "changed"]
    assert result.failed == {
        f"{name.replace(' ', '-')}.{REGION}": said for name, (_given, said) in BAD_PROFILES.items()
    }
    for text in (result.output, log.read_text()):
        assert "Traceback" not in text
        assert "a-secret-key" not in text
    assert "errantly" not in result.output, "a prompt or a warning from Python"


def test_an_inventory_of_accounts_reports_the_same_errors(bad_profiles, emulator):
    accounts = [{"name": name.replace(" ", "-"), "profile": name, "regions": [REGION]} for name in BAD_PROFILES]
    source = bad_profiles.folder / "securityhub_regions.yml"
    source.write_text(json.dumps({"plugin": "secops.securityhub.securityhub_regions", "accounts": accounts}))
    result = bad_profiles.call("ansible-inventory", "-i", source, "--list", "-vvv")
    for _given, said in BAD_PROFILES.values():
        assert said in result.said, result.output
    assert "Traceback" not in result.output
    assert "a-secret-key" not in result.output


def test_a_failed_sign_in_is_not_repeated_for_each_region(home, emulator):
    log = home.folder / "calls"
    asked = home.program("locked.py", f"open({str(log)!r}, 'a').write('x'); raise SystemExit('locked')")
    home.config(f"""
        [profile locked]
        credential_process = {asked}
    """)
    regions = ["ap-northeast-1", "eu-west-1", "us-east-1", "us-west-2"]
    result = home.run("securityhub_slack", "-i", home.inventory({region: {} for region in regions}, profile="locked"))
    assert result.states == dict.fromkeys(regions, "failed")
    assert log.read_text() == "x"


# Seconds: credentials expire while the stacks are created.
LIFE = 2
STACK = 2 * LIFE + 1


def test_expiring_credentials_are_refreshed_during_a_run(home, emulator):
    of_sso, of_role, of_process = ACCOUNTS[0], ACCOUNTS[5], ACCOUNTS[6]
    program = home.program(
        "process.py",
        f"""
        import json
        import botocore.session
        keys = dict(aws_access_key_id={ACCOUNTS[7]!r}, aws_secret_access_key="x")
        sts = botocore.session.Session().create_client("sts", "us-east-1", **keys)
        given = sts.assume_role(RoleArn={role_in(of_process)!r}, RoleSessionName="by-process")["Credentials"]
        print(json.dumps({{"Version": 1, **given}}, default=lambda ends: ends.isoformat()))
        """,
    )
    home.sso_profile(of_sso)
    home.config(f"""
        [profile process]
        credential_process = {program}
    """)
    token = {"roles": {of_sso: ["Admin"]}, "seconds": LIFE, "refresh": "a-refresh-token"}
    emulator.sign_in(session_seconds=LIFE, sso_tokens={"a-short-token": token})
    client = {"clientId": "c", "clientSecret": "s", "registrationExpiresAt": "2099-01-01T00:00:00Z"}
    home.sso_token("acme", "a-short-token", LIFE, refreshToken="a-refresh-token", **client)
    home.environment = {"AWS_ACCESS_KEY_ID": ACCOUNTS[7], "AWS_SECRET_ACCESS_KEY": "a-secret-key"}
    hosts = {
        f"sso.{REGION}": {"profile": "sso"},
        f"process.{REGION}": {"profile": "process"},
        f"role.{REGION}": {"role_arn": role_in(of_role)},
    }
    emulator.stacks(STACK)
    emulator.forget_requests()
    result = home.run("securityhub_slack", "-i", home.inventory(hosts))
    assert [result.states[host] for host in hosts] == ["changed"] * len(hosts), result.output
    for account in (of_sso, of_role, of_process):
        (stack,) = emulator.client("cloudformation", REGION, account).describe_stacks()["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
    asked = [entry["operation"] for entry in emulator.requests()]
    assert min(asked.count(operation) for operation in ("AssumeRole", "GetRoleCredentials")) > 2
    assert "CreateToken" in asked
    assert not [entry for entry in emulator.requests() if entry["status"] == 403]


def test_credentials_that_cannot_be_refreshed_fail_with_the_remedy_and_the_next_run_continues(home, emulator):
    emulator.sign_in(session_seconds=LIFE)
    emulator.stacks(STACK)
    role = role_in(ACCOUNTS[6])
    given = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="by-hand")["Credentials"]
    home.environment = {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }
    inventory = home.inventory({REGION: {}})
    assert home.run("securityhub_slack", "-i", inventory).failed[REGION] == (
        "the credentials have expired. Sign in again (for SSO: aws sso login) and run the playbook again."
    )
    home.environment = {"AWS_ACCESS_KEY_ID": ACCOUNTS[6], "AWS_SECRET_ACCESS_KEY": "a-secret-key"}
    assert home.run("securityhub_slack", "-i", inventory).code == 0


# amazon.aws reports these with its own messages.
WITH_MESSAGES_OF_AMAZON_AWS = (
    "no-such-profile",
    "half",
    "sso-half",
    "locked",
    "silent",
    "prose",
    "noise",
    "lost-source",
)
# It asks for an MFA code, and shows the whole output of a credential_process.
NOT_OF_MODULES = (*WITH_MESSAGES_OF_AMAZON_AWS, "mfa", "after-mfa", "broken")
OF_MODULES = {name: said for name, (_given, said) in BAD_PROFILES.items() if name not in NOT_OF_MODULES}


def test_a_module_reports_the_same_errors(bad_profiles, emulator, monkeypatch):
    bad_profiles.enter(monkeypatch)
    for name in (*OF_MODULES, *WITH_MESSAGES_OF_AMAZON_AWS):
        options = {"region": REGION, "profile": name, "access_key": None, "secret_key": None}
        result = Modules(emulator).run("securityhub_hub_info", **options)
        assert OF_MODULES.get(name, "") in result["msg"]
        assert "a-secret-key" not in str(result)


def test_a_module_that_ansible_runs_reports_them_too(bad_profiles):
    play = bad_profiles.folder / "play.yml"
    task = {
        "name": "Read the hub",
        "secops.securityhub.securityhub_hub_info": {"region": REGION, "profile": "{{ item }}"},
        "loop": ["list", "prose"],
        "ignore_errors": True,
    }
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    result = bad_profiles.run(play, "-vvv")
    assert OF_MODULES["list"] in result.said, result.output
    assert "Traceback" not in result.output
    assert "a-secret-key" not in result.output
