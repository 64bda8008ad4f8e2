# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from types import SimpleNamespace

import botocore.exceptions
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import credentials
from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import ROLE_ARN
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import Acting
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import SignIn
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub
from ansible_collections.secops.securityhub.plugins.module_utils._services import sts
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.credentials import ReadOnlyCredentials

pytestmark = pytest.mark.usefixtures("environment")

ROLE = "arn:aws:iam::222222222222:role/securityhub-slack"
SECRET = "not-for-any-eyes"
THREADS = 12


@pytest.fixture
def clients():
    return Clients(connections=THREADS)


@pytest.fixture
def pass_time(monkeypatch):
    """Return a function that lets seconds pass for the collection. No others pass, however slow this computer is."""
    passed = []
    monkeypatch.setattr(credentials, "time", SimpleNamespace(monotonic=lambda: 1000.0 + sum(passed)))
    return passed.append


def whoami(clients, source):
    """Return the account that *source* signs for, as AWS sees it."""
    return clients.call(source, "us-east-1", "sts", sts.get_caller_identity)["Account"]


def at_once(*calls):
    """Return what each call returns or raises, all started at the same moment in threads of their own."""
    start = threading.Barrier(len(calls))
    results = [None] * len(calls)

    def run(index, call):
        start.wait()
        try:
            results[index] = call()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(waiting.PATIENCE)
    return results


def operations(emulator):
    return [entry["operation"] for entry in emulator.requests()]


@pytest.mark.parametrize(
    ("source", "account"),
    [
        (CredentialSource(), "111111111111"),
        (CredentialSource(profile="other"), "222222222222"),
        (CredentialSource(role_arn=ROLE), "222222222222"),
        (CredentialSource(profile="china", role_arn=ROLE), "222222222222"),
    ],
    ids=str,
)
def test_signs_for_the_account_of_the_source(clients, source, account):
    assert whoami(clients, source) == account


def test_the_profile_of_the_environment_is_used_where_none_is_named(clients, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert whoami(Clients(), CredentialSource()) == "222222222222"


def test_the_endpoint_of_the_source_is_asked_for_the_role(emulator, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients = Clients()
    assert whoami(clients, CredentialSource(role_arn=ROLE, endpoint_url=emulator.url)) == "222222222222"


def test_assumes_a_role_once_however_many_threads_ask(emulator, clients):
    source = CredentialSource(role_arn=ROLE)
    emulator.faults({"latency_ms": 50})
    assert set(at_once(*[lambda: whoami(clients, source)] * THREADS)) == {"222222222222"}
    assert operations(emulator).count("AssumeRole") == 1


def test_threads_do_not_sign_for_one_another(clients):
    sources = [CredentialSource(role_arn=ROLE.replace("222222222222", f"{n:012}")) for n in range(1, THREADS + 1)]

    def again_and_again(source):
        return lambda: [whoami(clients, source) for _time in range(5)]

    found = at_once(*[again_and_again(source) for source in sources])
    assert found == [[f"{n:012}"] * 5 for n in range(1, THREADS + 1)]


def test_a_refused_role_is_asked_for_once(emulator, clients):
    emulator.world({"222222222222": {"roles": []}})
    emulator.faults({"latency_ms": 50})
    source = CredentialSource(role_arn=ROLE)
    found = at_once(*[lambda: whoami(clients, source)] * THREADS)
    assert {errors.code(error) for error in found} == {"AccessDenied"}
    assert operations(emulator) == ["AssumeRole"]


@pytest.mark.parametrize("fault", ["garbage", "errors", "throttle"])
def test_a_role_that_was_out_of_reach_is_asked_for_again(emulator, monkeypatch, fault):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    clients = Clients()
    source = CredentialSource(role_arn=ROLE)
    emulator.faults({"services": ["sts"], fault: 1.0})
    with pytest.raises(errors.failures()):
        whoami(clients, source)
    emulator.faults()
    assert whoami(clients, source) == "222222222222"


@pytest.mark.parametrize(("given", "accepted"), [("right", True), ("wrong", False), ("", False)])
def test_the_external_id_is_sent(emulator, clients, given, accepted):
    emulator.world({"222222222222": {"roles": [{"arn": ROLE, "external_id": "right"}]}})
    (found,) = at_once(lambda: whoami(clients, CredentialSource(role_arn=ROLE, external_id=given)))
    assert (found == "222222222222") is accepted


@pytest.mark.parametrize(
    ("seconds", "assumed"),
    [
        (3600, 1),
        # Less than botocore wants to see left: it would assume the role again for each call.
        (300, 1),
        (30, 2),
    ],
)
def test_credentials_are_renewed_when_they_are_about_to_expire(emulator, clients, pass_time, seconds, assumed):
    emulator.sign_in(session_seconds=seconds)
    source = CredentialSource(role_arn=ROLE)
    assert [whoami(clients, source) for _time in range(3)] == ["222222222222"] * 3
    pass_time(1.1)
    assert whoami(clients, source) == "222222222222"
    assert operations(emulator).count("AssumeRole") == assumed


def test_a_slow_run_outlives_its_credentials(emulator, clients):
    emulator.sign_in(session_seconds=1.5)
    source = CredentialSource(role_arn=ROLE)
    for _time in range(3):
        assert whoami(clients, source) == "222222222222"
        time.sleep(1.6)


def test_credentials_that_cannot_be_renewed_sign_until_they_have_expired(emulator, clients, pass_time):
    emulator.sign_in(session_seconds=4)
    source = CredentialSource(role_arn=ROLE)
    whoami(clients, source)
    emulator.world({"222222222222": {"roles": []}})
    pass_time(1.1)
    assert [whoami(clients, source) for _time in range(3)] == ["222222222222"] * 3
    assert operations(emulator).count("AssumeRole") == 2
    time.sleep(4)
    with pytest.raises(botocore.exceptions.ClientError, match="is not authorized to perform: sts:AssumeRole"):
        whoami(clients, source)


def test_one_renewal_serves_all_threads(emulator, clients):
    source = CredentialSource(role_arn=ROLE)
    emulator.sign_in(session_seconds=2)
    whoami(clients, source)
    emulator.sign_in(session_seconds=None)
    time.sleep(2.1)
    emulator.faults({"latency_ms": 50, "operations": ["AssumeRole"]})
    assert set(at_once(*[lambda: whoami(clients, source)] * THREADS)) == {"222222222222"}
    assert operations(emulator).count("AssumeRole") == 2


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        (CredentialSource(profile="none"), botocore.exceptions.ProfileNotFound, "profile (none) could not be found"),
        (CredentialSource(profile="empty"), errors.UserError, "profile empty has no credentials. Correct it in"),
    ],
    ids=str,
)
def test_reports_invalid_sources_without_a_call(emulator, clients, source, error, sentence):
    with pytest.raises(error) as raised:
        whoami(clients, source)
    assert sentence in errors.explain(raised.value)
    assert operations(emulator) == []


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_profile_of_the_environment_that_does_not_exist_is_reported_as_such(monkeypatch, variable):
    monkeypatch.setenv(variable, "none")
    with pytest.raises(errors.UserError) as raised:
        Clients()
    said = "The config profile (none) could not be found"
    assert errors.explain(raised.value) == f"{said}. Set {variable} to a profile of ~/.aws/config."


def test_a_bad_source_does_not_spoil_the_others(clients):
    with pytest.raises(botocore.exceptions.ProfileNotFound):
        whoami(clients, CredentialSource(profile="none"))
    assert whoami(clients, CredentialSource()) == "111111111111"


@pytest.mark.parametrize(
    ("source", "region"),
    [
        (CredentialSource(), "us-east-1"),
        (CredentialSource(profile="other"), "us-east-1"),
        (CredentialSource(profile="china"), "cn-northwest-1"),
        (CredentialSource(role_arn=ROLE), "us-east-1"),
        (CredentialSource(profile="other", role_arn="arn:aws-us-gov:iam::222222222222:role/x"), "us-gov-west-1"),
        (CredentialSource(role_arn="arn:aws-eusc:iam::222222222222:role/x"), "eusc-de-east-1"),
    ],
    ids=str,
)
def test_the_home_region_is_that_of_the_partition(clients, source, region):
    assert clients.home_region(source) == region


def test_a_role_is_assumed_in_its_own_partition(emulator, clients):
    whoami(clients, CredentialSource(role_arn="arn:aws-cn:iam::222222222222:role/x"))
    (assumed,) = [entry for entry in emulator.requests() if entry["operation"] == "AssumeRole"]
    assert assumed["region"] == "cn-northwest-1"


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "role/x",
        "arn:aws:iam::2222:role/x",
        "arn:aws:iam::222222222222:user/x",
        "arn:aws:iam::222222222222:role/",
        "arn:aws:iam::222222222222:role/x\n",
        "arn:aws:iam::222222222222:role/{{x}}",
        "arn:{{x}}:iam::222222222222:role/x",
    ],
)
def test_refuses_arns_that_are_not_roles(arn):
    assert not ROLE_ARN.fullmatch(arn)


@pytest.mark.parametrize("name", ["x", "path/to/x", "AWSReservedSSO_Admin_1a2b", "a+b=c,d.e@f-g"])
def test_accepts_every_name_of_a_role(name):
    assert ROLE_ARN.fullmatch(f"arn:aws-iso-b:iam::222222222222:role/{name}")


def test_acting_is_undone_even_by_an_error():
    acting = Acting()
    outer, inner = FrozenAs("outer"), FrozenAs("inner")
    with acting.as_account(outer):
        with pytest.raises(KeyError), acting.as_account(inner):
            assert acting.get_frozen_credentials() == "inner"
            raise KeyError
        assert acting.get_frozen_credentials() == "outer"


class FrozenAs:
    """Credentials as botocore asks for them."""

    def __init__(self, frozen):
        self.frozen = frozen

    def get_frozen_credentials(self):
        return self.frozen


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (CredentialSource(), "the credentials of the environment"),
        (CredentialSource(profile="other"), "profile other"),
        (CredentialSource(profile="other", role_arn=ROLE, external_id="a-password"), f"role {ROLE}"),
    ],
)
def test_source_is_described_as_the_user_gave_it(source, text):
    assert str(source) == text
    assert "a-password" not in repr(source)


@pytest.mark.parametrize("fault", ["errors", "throttle", "garbage", "resets"])
def test_no_failure_shows_a_secret(emulator, fault):
    clients = Clients()
    source = CredentialSource(role_arn=ROLE, external_id="a-password")
    token = clients.call(source, "us-east-1", "sts", lambda _client: clients._acting.get_frozen_credentials().token)
    emulator.faults({fault: 1.0})
    with pytest.raises(errors.failures()) as raised:
        clients.call(source, "us-east-1", "securityhub", securityhub.describe_hub, attempts=1)
    told = f"{errors.explain(raised.value)} {raised.value!r}"
    assert token
    assert not [secret for secret in (SECRET, token, "a-password") if secret in told]


def test_one_slow_sign_in_does_not_hold_up_the_others(tmp_path):
    signs_in = tmp_path / "signed-in"
    slow = f"until [ -e {signs_in} ]; do sleep 0.05; done; echo no"
    (tmp_path / "config").write_text(f"""
[profile slow]
credential_process = sh -c '{slow}'

[profile quick]
aws_access_key_id = 222222222222
aws_secret_access_key = {SECRET}
""")

    def then_let_the_slow_one_go():
        time.sleep(0.3)
        found = whoami(clients, CredentialSource(profile="quick"))
        signs_in.touch()
        return found

    clients = Clients()
    slow_one, quick_one = at_once(
        lambda: whoami(clients, CredentialSource(profile="slow")),
        then_let_the_slow_one_go,
    )
    assert quick_one == "222222222222"
    assert isinstance(slow_one, errors.UserError)


def switching(tmp_path, seconds=1):
    """Write a profile whose credentials expire after *seconds* and lead to the account that a file names.

    Return the file.
    """
    account = tmp_path / "account"
    account.write_text("111111111111")
    script = tmp_path / "process.py"
    script.write_text(f"""
import datetime, json
expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds={seconds})
key = open({str(account)!r}).read()
print(json.dumps(dict(Version=1, AccessKeyId=key, SecretAccessKey={SECRET!r}, Expiration=expires.isoformat())))
""")
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {sys.executable} {script}\n")
    return account


def test_refreshed_credentials_of_another_account_sign_nothing(emulator, clients, tmp_path):
    account = switching(tmp_path)
    source = CredentialSource(profile="p")
    clients.pin(source, whoami(clients, source), "us-east-1")
    account.write_text("222222222222")
    time.sleep(1.1)
    emulator.forget_requests()
    # Every later call fails too, and none goes out.
    for _time in range(2):
        with pytest.raises(errors.UserError) as raised:
            clients.call(source, "us-east-1", "securityhub", securityhub.describe_hub)
        sentence = str(raised.value)
        assert all(fact in sentence for fact in ("profile p", "111111111111", "222222222222", "refreshed"))
        assert SECRET not in sentence
    assert [(entry["operation"], entry["account"]) for entry in emulator.requests()] == [
        ("GetCallerIdentity", "222222222222")
    ]


def test_refreshed_credentials_of_the_same_account_are_accepted(emulator, clients, tmp_path):
    switching(tmp_path)
    source = CredentialSource(profile="p")
    clients.pin(source, whoami(clients, source), "us-east-1")
    time.sleep(1.1)
    assert whoami(clients, source) == "111111111111"
    assert operations(emulator) == ["GetCallerIdentity"] * 2


class Keys:
    """Credentials that have another access key ID at each refresh."""

    def __init__(self, *keys):
        self.keys = iter(keys)

    def get_frozen_credentials(self):
        return ReadOnlyCredentials(next(self.keys), SECRET, None)


@pytest.fixture
def always_due(monkeypatch):
    monkeypatch.setattr(credentials, "HOLD", -1)


def identified(keys, accounts):
    """Return a sign-in with these keys, and the list of those whose account is asked for."""
    asked = []

    def identify(region, held):
        asked.append(held.access_key)
        answer = accounts[held.access_key]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SignIn("p", lambda: Keys(*keys), identify), asked


@pytest.mark.usefixtures("always_due")
def test_each_new_key_is_verified_once():
    signing, asked = identified("AABBB", {"B": "1"})
    signing.get_frozen_credentials()
    signing.pin("1", "us-east-1")
    assert [signing.get_frozen_credentials().access_key for _time in range(4)] == ["A", "B", "B", "B"]
    assert asked == ["B"]


@pytest.mark.usefixtures("always_due")
def test_a_key_that_came_while_the_account_was_asked_for_is_verified_too():
    signing, asked = identified("ABC", {"C": "2"})
    for _time in range(2):
        signing.get_frozen_credentials()
    signing.pin("1", "us-east-1")
    with pytest.raises(errors.UserError):
        signing.get_frozen_credentials()
    assert asked == ["C"]


def test_a_key_that_was_held_when_the_account_became_known_is_verified_before_it_signs():
    signing, asked = identified("AA", {"A": "2"})
    signing.get_frozen_credentials()
    signing._known_key = "FIRST"
    signing.pin("1", "us-east-1")
    with pytest.raises(errors.UserError):
        signing.get_frozen_credentials()
    assert asked == ["A"]


@pytest.mark.usefixtures("always_due")
def test_where_the_account_cannot_be_asked_for_nothing_is_signed_until_it_can():
    failure = botocore.exceptions.EndpointConnectionError(endpoint_url="https://sts")
    signing, _asked = identified("ABB", {"B": [failure, "1"]})
    signing.get_frozen_credentials()
    signing.pin("1", "us-east-1")
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        signing.get_frozen_credentials()
    assert signing.get_frozen_credentials().access_key == "B"


class Proxy:
    """Takes a connection, notes for whom it is, and closes it."""

    def __init__(self):
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self.socket.accept()
                with connection:
                    self.asked.append(connection.recv(1000).split()[1].decode())


@pytest.mark.parametrize("legacy", [True, False])
def test_the_role_of_a_profile_is_assumed_in_a_region_whose_tokens_every_region_takes(monkeypatch, tmp_path, legacy):
    (tmp_path / "config").write_text(f"""
[profile chained]
role_arn = {ROLE}
source_profile = keys
{"region = us-west-2" if legacy else ""}

[profile keys]
aws_access_key_id = 333333333333
aws_secret_access_key = {SECRET}
""")
    proxy = Proxy()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    if legacy:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    with pytest.raises(errors.failures()):
        whoami(Clients(), CredentialSource(profile="chained"))
    proxy.socket.close()
    assert set(proxy.asked) == {f"sts.{'us-west-2' if legacy else 'us-east-1'}.amazonaws.com:443"}
