# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import botocore.exceptions
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import LONGEST_BACKOFF
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import data_loader
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import mark_incomplete
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import retry_unavailable
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import timestamp
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._services import iam
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub
from ansible_collections.secops.securityhub.plugins.module_utils._services import sts
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._aws.programs import output
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import UnknownServiceError
from botocore.parsers import ResponseParserError
from botocore.utils import parse_timestamp

pytestmark = pytest.mark.usefixtures("environment")

SOURCE = CredentialSource()


@pytest.fixture
def clients():
    return Clients()


def itself(client):
    return client


# Programs for a process of its own: nothing else opens files there, and its limit of open files ends with it.
CLOSED_CONNECTIONS = """
import os
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._services import sts
def call(region):
    return clients.call(CredentialSource(), region, "sts", sts.get_caller_identity)
def open_files():
    return len(os.listdir("/dev/fd"))
clients = Clients()
before = open_files()
for region in ("eu-west-1", "eu-west-2", "eu-west-3"):
    call(region)
connections = open_files() - before
clients.close()
print(connections, open_files() - before, call("eu-west-1")["Account"])
"""
MANY_CONNECTIONS = """
from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors, parallel
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.credentials import CredentialSource
from ansible_collections.secops.securityhub.plugins.module_utils._services import sts
clients = Clients(connections=64)
def call(_index):
    return clients.call(CredentialSource(), "us-east-1", "sts", sts.get_caller_identity, attempts=1)
failed = [outcome.error for outcome in parallel.each(call, range(64)) if outcome.error]
print("\\n".join(sorted({errors.explain(error) for error in failed})) or "none failed")
"""


@pytest.mark.parametrize(
    ("hard", "said"),
    [
        (resource.getrlimit(resource.RLIMIT_NOFILE)[1], "none failed"),
        (48, "this computer lets a process open 48 files, which includes connections. Raise the hard limit to 4096 "),
    ],
)
def test_many_connections_need_many_open_files(emulator, hard, said):
    """macOS allows a process 256 open files unless it asks for more; a fleet needs more connections than that."""
    emulator.faults({"latency_ms": 2000})  # so that all threads wait for an answer at the same time
    found = output(MANY_CONNECTIONS, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, hard)))
    assert found.startswith(said)


def test_there_is_one_client_for_a_service_a_region_and_an_endpoint(clients, emulator):
    there = CredentialSource(endpoint_url=emulator.url)
    client = clients.call(SOURCE, "eu-west-1", "securityhub", itself)
    assert clients.call(CredentialSource(profile="other"), "eu-west-1", "securityhub", itself) is client
    others = [
        clients.call(SOURCE, "eu-west-2", "securityhub", itself),
        clients.call(SOURCE, "eu-west-1", "sns", itself),
        clients.call(there, "eu-west-1", "securityhub", itself),
        clients.call(SOURCE, "eu-west-1", "securityhub", itself, attempts=1),
    ]
    assert len({id(each) for each in [client, *others]}) == 5


def test_connections_can_be_closed():
    assert output(CLOSED_CONNECTIONS) == "3 0 111111111111\n"


def test_the_data_files_of_services_are_found_without_listing_their_versions(tmp_path):
    (tmp_path / "own" / "2020-01-01").mkdir(parents=True)
    (tmp_path / "own" / "2020-01-01" / "service-2.json").write_text(json.dumps({"metadata": {}}))
    loader = data_loader(str(tmp_path))
    assert loader.load_service_model("own", "service-2") == {"metadata": {}}
    assert loader.load_service_model("sns", "service-2")["metadata"]["serviceId"] == "SNS"
    with pytest.raises(UnknownServiceError):
        loader.load_service_model("none", "service-2")
    with pytest.raises(botocore.exceptions.DataNotFoundError):
        loader.load_service_model("own", "paginators-1")


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-29T02:20:58.123Z",
        "2026-11-29T02:20:58Z",
        "2026-11-29T02:20:58.123456+00:00",
        "2026-11-29T02:20:58+01:00",
        "2026-11-29",
        "Sun, 29 Nov 2026 02:20:58 GMT",
        "Tue, 24 Nov 2026 02:20:58 GMT",
        "20261129",
        "1764382858.5",
        1764382858,
        1764382858.25,
    ],
)
def test_times_are_what_botocore_reads(value):
    assert timestamp(value) == parse_timestamp(value)


def test_threads_share_the_client_that_the_first_of_them_makes(clients):
    start = threading.Barrier(8)

    def get(region):
        start.wait()
        return clients.call(SOURCE, region, "securityhub", itself)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(get, ["eu-west-1", "eu-west-2"] * 4))
    assert len({id(client) for client in found}) == 2


def test_errors_of_all_threads_are_of_the_same_classes(clients, monkeypatch):
    created = []
    create = ClientExceptionsFactory._create_client_exceptions

    def create_slowly(factory, model):
        created.append(model.service_name)
        time.sleep(0.1)
        return create(factory, model)

    monkeypatch.setattr(ClientExceptionsFactory, "_create_client_exceptions", create_slowly)
    start = threading.Barrier(8)

    def read(number):
        start.wait()
        return clients.call(SOURCE, "us-east-1", "iam", iam.get_policy, f"arn:aws:iam::111111111111:policy/p{number}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(8))) == [None] * 8
    assert created == ["iam"]


def test_counts_the_calls(clients):
    for region in ("eu-west-1", "eu-west-2"):
        clients.call(SOURCE, region, "sts", sts.get_caller_identity)
    with pytest.raises(securityhub.HubNotEnabled):
        clients.call(SOURCE, "eu-west-1", "securityhub", securityhub.describe_hub)
    assert (clients.traffic.calls, clients.traffic.retries) == (3, 0)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("errors", "DescribeHub failed inside AWS 2 times"),
        ("throttle", "AWS still throttled DescribeHub after 2 attempts"),
    ],
)
def test_counts_how_often_a_call_was_tried_again(clients, emulator, fault, sentence):
    emulator.faults({fault: 1.0})
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        clients.call(SOURCE, "eu-west-1", "securityhub", securityhub.describe_hub, attempts=2)
    assert errors.explain(raised.value).startswith(sentence)
    assert (clients.traffic.calls, clients.traffic.retries) == (1, 1)
    assert len(emulator.requests()) == 2


def test_counts_without_losing_any(clients):
    def call(_number):
        clients.call(SOURCE, "us-east-1", "sts", sts.get_caller_identity)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(80)))
    assert clients.traffic.calls == 80


def test_most_failures_are_survived(clients, emulator):
    emulator.faults({"errors": 0.1, "resets": 0.1})
    for _time in range(10):
        clients.call(SOURCE, "us-east-1", "sts", sts.get_caller_identity)
    assert clients.traffic.calls == 10


@pytest.mark.parametrize(
    ("service", "function"), [("securityhub", securityhub.describe_hub), ("sts", sts.get_caller_identity)]
)
def test_a_web_page_is_no_answer(clients, emulator, service, function):
    emulator.faults({"garbage": 1.0})
    with pytest.raises(ResponseParserError) as raised:
        clients.call(SOURCE, "eu-west-1", service, function)
    assert errors.explain(raised.value).startswith("the answer did not come from AWS. ")


def explained_after_two_attempts(clients, emulator, service, function):
    """Return how a call is explained that may succeed later, but not in the two attempts that it has."""
    emulator.forget_requests()
    with pytest.raises(errors.failures()) as raised:
        clients.access(SOURCE, "eu-west-1").call(service, function, attempts=2)
    assert errors.is_passing(raised.value)
    assert len(emulator.requests()) == 2
    return errors.explain(raised.value)


@pytest.mark.parametrize(
    ("service", "function"), [("securityhub", securityhub.describe_hub), ("sts", sts.get_caller_identity)]
)
def test_half_an_answer_is_no_answer_and_is_asked_for_again(clients, emulator, service, function):
    """botocore takes JSON that it cannot read for an empty answer: no channel, no rules, nothing to do."""
    emulator.world({"111111111111": {"hubs": ["eu-west-1"]}})
    emulator.faults({"truncated": 0.5}, seed=1)
    assert clients.call(SOURCE, "eu-west-1", service, function) is not None
    emulator.faults({"truncated": 1.0})
    assert "run the playbook again" in explained_after_two_attempts(clients, emulator, service, function)


@pytest.mark.parametrize("service", ["securityhub", "cloudformation", "events", "iam"])
def test_a_proxy_that_limits_requests_is_asked_again(clients, emulator, service):
    calls = {"securityhub": "describe_hub", "cloudformation": "describe_stacks", "events": "list_rules"}

    def call(client):
        return getattr(client, calls.get(service, "list_roles"))()

    emulator.world({"111111111111": {"hubs": ["eu-west-1"]}})
    emulator.faults({"too_many": 0.5}, seed=3)
    clients.call(SOURCE, "eu-west-1", service, call)
    emulator.faults({"too_many": 1.0})
    assert "again" in explained_after_two_attempts(clients, emulator, service, call)


def test_tokens_are_those_that_opted_in_regions_accept(monkeypatch):
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    client = Clients().call(SOURCE, "us-east-1", "sts", itself)
    assert client.meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"


def test_user_agent_names_the_collection(clients):
    sent = []

    def get_caller_identity(client):
        client.meta.events.register("before-send.sts", lambda request, **_event: sent.append(request.headers))
        client.get_caller_identity()

    clients.call(SOURCE, "us-east-1", "sts", get_caller_identity)
    assert b"secops.securityhub" in sent[0]["User-Agent"]


def test_access_calls_its_region_unless_another_is_named(clients, emulator):
    aws = clients.access(CredentialSource(profile="other"), "eu-west-1")

    def caller_of(client):
        return client.get_caller_identity()["Account"], client.meta.region_name

    assert aws.call("sts", caller_of) == ("222222222222", "eu-west-1")
    assert aws.call("sts", caller_of, region="eu-west-2") == ("222222222222", "eu-west-2")
    assert {call["account"] for call in emulator.requests()} == {"222222222222"}


def test_access_limits_attempts(clients, emulator):
    emulator.faults({"errors": 1.0})
    with pytest.raises(botocore.exceptions.ClientError):
        clients.access(SOURCE, "eu-west-1").call("sts", lambda client: client.get_caller_identity(), attempts=1)
    assert len(emulator.requests()) == 1


@pytest.mark.parametrize(
    ("status", "code", "attempts", "retried"),
    [
        (429, "ServiceUnavailableException", 1, True),
        (429, "ServiceUnavailableException", 7, True),
        (429, "ServiceUnavailableException", 8, False),
        (429, "ThrottlingException", 1, False),  # botocore does
        (503, "ServiceUnavailableException", 1, False),  # botocore does
        (400, "InvalidRequestException", 1, False),
    ],
)
def test_an_unavailable_chatbot_is_asked_again(status, code, attempts, retried):
    response = (SimpleNamespace(status_code=status, headers={}), {"Error": {"Code": code}})
    seconds = retry_unavailable(attempts=attempts, response=response, limit=8, operation="any")
    assert (seconds is not None) is retried
    assert seconds is None or 0 <= seconds <= LONGEST_BACKOFF


@pytest.mark.parametrize(("asked", "least", "most"), [("7", 7, 7), ("900", 20, 20), ("soon", 0, 1), ("", 0, 1)])
def test_a_proxy_says_how_long_to_wait(asked, least, most):
    response = (SimpleNamespace(status_code=429, headers={"retry-after": asked}), {"Error": {"Code": "429"}})
    assert least <= retry_unavailable(attempts=1, response=response, limit=8) <= most


def test_a_broken_connection_is_left_to_botocore():
    assert retry_unavailable(attempts=1, response=None, limit=8, caught_exception=OSError()) is None


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-length": "22"}, b"<a/>", 502),
        ({"content-length": "4"}, b"<a/>", 200),
        ({"content-length": "24", "content-encoding": "gzip"}, b"<a/>", 200),  # it was longer while it was compressed
        ({"content-type": "application/x-amz-json-1.1"}, b'{"Topics": [', 502),
        ({"content-type": "application/x-amz-json-1.1"}, b"{}\n", 200),
        ({}, b"", 200),
    ],
)
def test_answers_that_are_cut_off_are_errors(headers, body, status):
    answer = {"status_code": 200, "headers": headers, "body": body}
    mark_incomplete(answer)
    assert answer["status_code"] == status
