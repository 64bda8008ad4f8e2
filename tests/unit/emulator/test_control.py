# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: account state, regions, faults, log, inbox page; start and stop of the process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer
from pathlib import Path

import boto3
import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError
from botocore.exceptions import ConnectionClosedError
from botocore.parsers import ResponseParserError

from .conftest import TOPIC

ACCOUNT, MEMBER, REGION = "111111111111", "222222222222", "us-east-1"
ROLE = f"arn:aws:iam::{MEMBER}:role/deployer"
LAUNCHER = Path(__file__).resolve().parents[2] / "emulator" / "emulator"


def regions_of(aws, account) -> tuple[list[str], dict[str, str]]:
    """Return the regions of EC2 and of Account Management."""
    ec2 = sorted(region["RegionName"] for region in aws.client("ec2", account=account).describe_regions()["Regions"])
    listed = aws.client("account", account=account).list_regions(MaxResults=50)["Regions"]
    return ec2, {region["RegionName"]: region["RegionOptStatus"] for region in listed}


def test_an_account_has_the_default_regions(aws):
    enabled, statuses = regions_of(aws, MEMBER)
    assert len(enabled) == 17
    assert len(statuses) == 34
    assert (statuses["us-east-1"], statuses["ap-east-1"]) == ("ENABLED_BY_DEFAULT", "DISABLED")


def test_an_account_has_the_posted_regions(aws):
    aws.emulator.world({MEMBER: {"regions": ["eu-west-1", "ap-east-1"], "hubs": "all"}})
    enabled, statuses = regions_of(aws, MEMBER)
    assert len(enabled) == 18, "besides the 17 that cannot be disabled"
    assert (statuses["eu-west-1"], statuses["ap-east-1"]) == ("ENABLED_BY_DEFAULT", "ENABLED")
    assert statuses["af-south-1"] == "DISABLED"
    assert aws.client("securityhub", "ap-east-1", MEMBER).describe_hub()["HubArn"]
    with pytest.raises(ClientError, match="is not subscribed"):
        aws.client("securityhub", "us-east-1", MEMBER).describe_hub()


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("securityhub", "describe_hub", "UnrecognizedClientException"),
        ("cloudformation", "describe_stacks", "InvalidClientTokenId"),
        ("events", "list_rules", "UnrecognizedClientException"),
        ("ec2", "describe_regions", "AuthFailure"),
    ],
)
def test_a_region_that_is_not_enabled_knows_no_credentials(aws, service, operation, code):
    with pytest.raises(ClientError) as raised:
        getattr(aws.client(service, "af-south-1"), operation)()
    assert raised.value.response["Error"]["Code"] == code


def test_a_role_is_assumed_into_its_account(aws):
    credentials = aws.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="session")["Credentials"]
    sts = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=aws.emulator.url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert sts.get_caller_identity()["Account"] == MEMBER
    assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_only_the_listed_roles_are_assumed_and_with_their_external_id(aws):
    aws.emulator.world({MEMBER: {"roles": [{"arn": ROLE, "external_id": "e-1"}, ROLE + "-2"]}})
    sts = aws.client("sts")
    sts.assume_role(RoleArn=ROLE, RoleSessionName="session", ExternalId="e-1")
    sts.assume_role(RoleArn=ROLE + "-2", RoleSessionName="session")
    for given in ({"RoleArn": ROLE}, {"RoleArn": ROLE, "ExternalId": "e-2"}, {"RoleArn": ROLE + "-3"}):
        with pytest.raises(ClientError, match="is not authorized to perform: sts:AssumeRole") as raised:
            sts.assume_role(RoleSessionName="session", **given)
        assert raised.value.response["Error"]["Code"] == "AccessDenied"


def test_invalid_account_state_is_refused(aws):
    for accounts in ({"1": {}}, {ACCOUNT: {"hub": "all"}}, {ACCOUNT: {"hubs": ["eu-moon-1"]}}):
        with pytest.raises(urllib.error.HTTPError) as raised:
            aws.emulator.world(accounts)
        assert raised.value.code == 400
        assert "error" in raised.value.read().decode()


def test_a_reset_empties_everything(aws):
    aws.deployment()
    aws.client("cloudformation").create_stack(
        StackName="s", TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    )
    aws.import_findings(aws.finding())
    aws.emulator.faults({"latency_ms": 1})
    aws.emulator.reset()
    assert (aws.emulator.inbox(), aws.emulator.requests()) == ([], [])
    assert aws.client("cloudformation").describe_stacks()["Stacks"] == []
    assert (
        aws.client("chatbot", "us-east-2").describe_slack_channel_configurations()["SlackChannelConfigurations"] == []
    )
    with pytest.raises(ClientError):
        aws.client("securityhub").describe_hub()
    assert aws.emulator.ask("GET", "faults")["rules"] == []


def test_the_log_distinguishes_reads_and_writes(aws):
    aws.emulator.forget_requests()
    aws.client("securityhub").describe_hub()
    aws.client("sns", "eu-west-1").create_topic(Name="t")
    aws.client("account").list_regions()
    aws.client("cloudwatch").list_metrics()
    entries = aws.emulator.requests()
    seen = [(entry["service"], entry["operation"], entry["region"], entry["write"]) for entry in entries]
    assert seen == [
        ("securityhub", "DescribeHub", "us-east-1", False),
        ("sns", "CreateTopic", "eu-west-1", True),
        ("account", "ListRegions", "us-east-1", False),
        ("monitoring", "ListMetrics", "us-east-1", False),
    ]
    assert {entry["account"] for entry in entries} == {ACCOUNT}
    assert [entry["operation"] for entry in aws.emulator.requests(since=entries[1]["n"])] == [
        "ListRegions",
        "ListMetrics",
    ]
    assert aws.emulator.writes() == ["CreateTopic"]


CALLS = {
    "securityhub": "describe_hub",
    "cloudformation": "describe_stacks",
    "events": "list_rules",
    "ec2": "describe_regions",
    "iam": "list_roles",
    "cloudwatch": "list_metrics",
}


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ({"throttle": 1}, {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}),
        ({"errors": 1}, {"InternalFailure", "InternalServerException"}),
        ({"denied": 1}, {"AccessDenied", "AccessDeniedException"}),
        ({"expired": 1}, {"ExpiredToken", "ExpiredTokenException"}),
        ({"skewed": 1}, {"SignatureDoesNotMatch", "InvalidSignatureException"}),
    ],
)
def test_faults_use_the_error_format_of_each_service(aws, service, rule, codes):
    aws.emulator.faults(rule)
    with pytest.raises(ClientError) as raised:
        getattr(aws.client(service), CALLS[service])()
    assert raised.value.response["Error"]["Code"] in codes
    aws.emulator.faults()
    getattr(aws.client(service), CALLS[service])()


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"resets": 1}, ConnectionClosedError),
        ({"unreachable": 1}, ConnectionClosedError),
        ({"garbage": 1}, (ResponseParserError, ClientError)),
        ({"truncated": 1}, ResponseParserError),
    ],
)
def test_connections_break_and_answers_are_garbled(aws, rule, error):
    aws.emulator.faults(rule)
    with pytest.raises(error):
        aws.client("cloudformation").describe_stacks()


@pytest.mark.parametrize("seconds", [0, 3])
def test_a_proxy_limits_requests_and_may_say_for_how_long(aws, seconds):
    aws.emulator.faults({"too_many": 1, "retry_after": seconds})
    with pytest.raises((ClientError, ResponseParserError)):
        aws.client("securityhub").describe_hub()
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(aws.emulator.url + "/accounts", timeout=waiting.PATIENCE)
    assert (raised.value.code, raised.value.headers.get("Retry-After")) == (429, str(seconds) if seconds else None)


def test_lost_response_is_sent_after_the_effect(aws):
    aws.emulator.faults({"lost": 1})
    with pytest.raises(ConnectionClosedError):
        aws.client("sns").create_topic(Name="lost-answer")
    aws.emulator.faults()
    assert [topic["TopicArn"].rpartition(":")[2] for topic in aws.client("sns").list_topics()["Topics"]] == [
        "lost-answer"
    ]


@pytest.mark.parametrize("service", CALLS)
def test_a_denial_has_the_posted_reason(aws, service):
    aws.emulator.faults({"denied": 1, "reason": "<b>no</b> & {{ 7*7 }}"})
    with pytest.raises(ClientError) as raised:
        getattr(aws.client(service), CALLS[service])()
    assert raised.value.response["Error"]["Message"] == "<b>no</b> & {{ 7*7 }}"


def test_a_seed_makes_chance_repeatable(aws):
    def outcomes():
        aws.emulator.faults({"errors": 0.5}, seed=7)
        aws.emulator.forget_requests()
        client = aws.client("securityhub")
        for _attempt in range(12):
            with contextlib.suppress(ClientError):
                client.describe_hub()
        return [entry["status"] for entry in aws.emulator.requests()]

    first = outcomes()
    assert outcomes() == first
    assert set(first) == {200, 500}


def test_faults_apply_to_the_named_operations(aws):
    aws.emulator.faults(
        {"errors": 1, "services": ["securityhub"], "regions": ["eu-west-1"], "operations": ["DescribeHub"]}
    )
    aws.client("securityhub").describe_hub()
    aws.client("securityhub", "eu-west-1").describe_action_targets()
    with pytest.raises(ClientError):
        aws.client("securityhub", "eu-west-1").describe_hub()
    with pytest.raises(urllib.error.HTTPError):
        aws.emulator.faults({"latency": 1})


def test_latency_delays_and_concurrency_is_counted(aws):
    aws.emulator.faults({"latency_ms": 3000})  # so that a busy machine, too, has sent all before the first is answered
    client = aws.client("securityhub", max_pool_connections=5)
    started = time.monotonic()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: client.describe_hub(), range(5)))
    assert 3 <= time.monotonic() - started < 15
    counters = aws.emulator.ask("GET", "faults")
    assert (counters["requests"], counters["peak_concurrency"]) == (5, 5)
    assert counters["outcomes"] == {"served": 5}


def test_a_rate_limit_throttles_and_retries_get_through(aws):
    aws.emulator.faults({"rate_limit": 3})
    impatient = aws.client("securityhub")
    with pytest.raises(ClientError, match="Rate exceeded"):
        for _call in range(8):
            impatient.describe_hub()
    patient = aws.client("securityhub", retries={"mode": "standard", "total_max_attempts": 8})
    for _call in range(4):
        assert patient.describe_hub()["HubArn"]


def test_the_inbox_page_shows_the_messages_safely(aws):
    aws.deployment()
    aws.import_findings(aws.finding(Title="<script>alert(1)</script>"))
    with urllib.request.urlopen(aws.emulator.url) as answer:
        page = answer.read().decode()
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "us-east-1" in page
    assert "CRITICAL" in page
    assert "http://" not in page.replace(aws.emulator.url, "")
    assert "https://" not in page, "the page loads nothing from elsewhere"


def test_the_inbox_page_names_channels_and_shows_later_messages_of_a_thread_below_the_first(aws):
    aws.deployment()
    aws.channel(TOPIC, name="named", channel="C0NAMED", SlackChannelName="security-findings")
    for text in ("*first*", "second"):
        metadata = {"threadId": "t1"}
        notification = {"version": "1.0", "source": "custom", "content": {"description": text}, "metadata": metadata}
        aws.client("sns").publish(TopicArn=TOPIC, Message=json.dumps(notification))
    with urllib.request.urlopen(f"{aws.emulator.url}/?channel=C0NAMED") as answer:
        page = answer.read().decode()
    assert "# security-findings" in page
    assert page.count("<article>") == 1
    assert page.index("<b>first</b>") < page.index("1 reply") < page.index("second")


def launch(command: str, port: int) -> subprocess.CompletedProcess:
    environment = {**os.environ, "EMULATOR_PORT": str(port)}
    return subprocess.run([LAUNCHER, command], env=environment, capture_output=True, text=True, check=False)


def test_start_is_idempotent_and_status_reports_it(aws):
    pid = aws.emulator.ask("GET", "status")["pid"]
    assert "already on" in launch("start", aws.emulator.port).stdout
    assert aws.emulator.ask("GET", "status")["pid"] == pid
    assert launch("status", aws.emulator.port).returncode == 0
    assert launch("dance", aws.emulator.port).returncode == 2


def test_a_port_in_use_is_reported():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other_server:
        threading.Thread(target=other_server.serve_forever, daemon=True).start()
        port = other_server.server_port
        started = launch("start", port)
        assert started.returncode == 1
        assert "address already in use" in started.stderr
        assert launch("status", port).returncode == 3
        assert "not running" in launch("stop", port).stdout
        other_server.shutdown()
    shutil.rmtree(LAUNCHER.parents[2] / ".cache" / "emulator" / str(port))
