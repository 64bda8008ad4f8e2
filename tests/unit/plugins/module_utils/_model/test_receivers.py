# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import problems
from ansible_collections.secops.securityhub.tests.unit.account_model import settings

QUEUE = "arn:aws:sqs:us-east-1:111111111111:findings"
BUS = "arn:aws:events:eu-west-1:222222222222:event-bus/lake"
URL = "https://events.pagerduty.com/integration/0123/enqueue"
MAIL = {"name": "mail", "email": ["oncall@example.com"]}


def found(*entries, **more):
    return problems(settings(receivers=list(entries), **more))


@pytest.mark.parametrize(
    "entry",
    [
        MAIL,
        {"name": "mail", "email": ["a.b+c@sub.example.com", "d@example.com"], "minimum_severity": "LOW"},
        {"name": "pager", "url": URL, "severities": ["CRITICAL"], "account_ids": ["222222222222"]},
        {"name": "pager", "url": "https://user:word@example.com:8443/v1/json/amazonsns?apiKey=a-b_c"},
        {"name": "q1", "queue_arn": QUEUE},
        {"name": "lake", "event_bus_arn": BUS, "suppressions": [{"control_ids": ["S3.8"]}]},
        {"name": "lake", "event_bus_arn": BUS, "forward_automatically": True},
    ],
)
def test_no_problem(entry):
    assert found(entry) == []
    (route,) = settings(receivers=[entry]).receivers
    assert route.topic == f"securityhub-slack-to-{entry['name']}"
    assert found(entry, forward_automatically=False) == []


@pytest.mark.parametrize(
    ("entry", "facts"),
    [
        ({"name": "mail"}, ["'mail'", "no destination", "email, url, queue_arn, event_bus_arn"]),
        ({**MAIL, "url": URL}, ["email and url"]),
        ({**MAIL, "name": "Mail"}, ["invalid name", "1 to 16"]),
        ({**MAIL, "name": "to-mail"}, ["invalid name"]),
        ({"name": "mail", "email": ["nobody"]}, ["'nobody'", "not an e-mail address"]),
        ({"name": "mail", "email": ["a@example.com\n"]}, ["not an e-mail address"]),
        ({"name": "mail", "email": [f"a{number}@example.com" for number in range(21)]}, ["21 addresses", "up to 20"]),
        ({"name": "pager", "url": URL.replace("https", "http")}, ["https:// URL"]),
        ({"name": "pager", "url": f"{URL}/{{{{resolve:ssm:x}}}}"}, ["https:// URL"]),
        ({"name": "pager", "url": URL + "x" * 2048}, ["2,048 characters"]),
        ({"name": "pager", "url": "https://global.sns-api.chatbot.amazonaws.com/"}, ["Amazon Q"]),
        ({"name": "q", "queue_arn": "findings"}, ["'findings'", "arn:aws:sqs"]),
        ({"name": "q", "queue_arn": f"{QUEUE}.fifo"}, ["FIFO"]),
        (
            {"name": "q", "queue_arn": QUEUE.replace("us-east-1", "eu-west-1")},
            ["eu-west-1", "arn:aws:sqs:{{ inventory_hostname.split('.') | last }}:111111111111:findings"],
        ),
        ({"name": "lake", "event_bus_arn": QUEUE}, ["event-bus"]),
        ({"name": "lake", "event_bus_arn": BUS.replace("lake", "default")}, ["default event bus", "send them again"]),
        ({"name": "pager", "email": [URL]}, ["'https://events.pagerduty.com/...'", "not an e-mail address"]),
        ({"name": "pager", "queue_arn": URL}, ["'https://events.pagerduty.com/...'", "arn:aws:sqs"]),
        ({"name": "pager", "event_bus_arn": URL}, ["'https://events.pagerduty.com/...'", "event-bus"]),
        ({**MAIL, "minimum_epss": 2}, ["securityhub_slack_minimum_epss"]),
        ({**MAIL, "suppressions": [{"reason": "all"}]}, ["would suppress every finding"]),
    ],
)
def test_problems(entry, facts):
    said = " ".join(found(entry))
    assert [fact for fact in facts if fact not in said] == []
    assert "0123" not in said


def test_problems_of_several():
    assert "2 entries" in " ".join(found(MAIL, {**MAIL, "email": ["other@example.com"]}))
    assert "mail and list" in " ".join(found(MAIL, {**MAIL, "name": "list"}))
    shared = " ".join(found({"name": "a", "url": URL}, {"name": "b", "url": URL}))
    assert "a and b" in shared
    assert "0123" not in shared
    many = [{"name": f"q{number}", "email": [f"a{number}@example.com"]} for number in range(11)]
    assert "11 entries" in " ".join(found(*many))
    assert "too long" in " ".join(found({**MAIL, "name": "x" * 16}, name="y" * 40))


def test_a_url_is_not_part_of_what_python_shows():
    # Not the URL's number: it may be a part of the address of a function.
    assert "pagerduty" not in repr(settings(receivers=[{"name": "pager", "url": URL}]))
