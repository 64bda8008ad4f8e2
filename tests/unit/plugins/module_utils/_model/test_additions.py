# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mentions and links of custom messages: only what the inventory says, wherever a finding fills in a part."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote
from urllib.parse import urlsplit

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import message
from ansible_collections.secops.securityhub.plugins.module_utils._model import additions
from ansible_collections.secops.securityhub.tests.emulator import input_transformer
from ansible_collections.secops.securityhub.tests.unit.playbooks.findings import FINDINGS
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

CONTROL = FINDINGS["s3-8-high-eu-west-1"]
ACCOUNT = CONTROL["AwsAccountId"]
PORTAL = {"access_portal_url": "https://example.awsapps.com/start/", "access_portal_role": "Security+Audit"}
RUNBOOK = {"runbook_url": "https://wiki.example.com/hub/{control}?severity={severity}#{region}"}
TICKET = {"ticket_url": "https://jira.example.com/create?pid=1&summary={control}%20in%20{account_id}%20{finding_id}"}


def variables(**given):
    return {f"securityhub_slack_{name}": value for name, value in given.items()}


def content(finding, schema="asff", *, trusted=True, mention="", **given):
    """Return the content of the message that EventBridge makes of a finding."""
    links = additions.links_of(variables(**given), schema, trusted=trusted)
    made = message.transformer(schema, trusted=trusted, buttons=True, mention=mention, links=links)
    assert input_transformer.problem_with(made) is None
    event = {
        "detail-type": "Security Hub Findings - Imported",
        "region": "us-east-1",
        "detail": {"findings": [finding]},
    }
    return json.loads(input_transformer.transformed(made, event, {}))["content"]


def test_without_variables_a_message_stays_as_it_is():
    assert additions.links_of(variables(mentions={}, runbook_url=None), "asff", trusted=True) == ()
    assert additions.mentions_of(variables(mentions={})) == {"": ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL")}
    plain = message.transformer("asff", trusted=True, buttons=True)
    assert plain == message.transformer("asff", trusted=True, buttons=True, mention="", links=())


def test_severities_with_the_same_mentions_are_together():
    given = {"CRITICAL": ["here", "S0123456789"], "HIGH": ["U0123456789"], "MEDIUM": "U0123456789", "LOW": []}
    assert additions.mentions_of(variables(mentions=given)) == {
        "<!here> <!subteam^S0123456789>": ("CRITICAL",),
        "<@U0123456789>": ("HIGH", "MEDIUM"),
        "": ("LOW", "INFORMATIONAL"),
    }


@pytest.mark.parametrize("trusted", [True, False])
def test_a_mention_begins_the_message(trusted):
    shown = content(CONTROL, trusted=trusted, mention="<!here> <@U0123456789>")
    assert shown["description"].startswith("<!here> <@U0123456789> *HIGH*")


def test_eventbridge_does_not_take_a_mention_for_a_variable():
    made = message.transformer("asff", trusted=True, buttons=False, mention="<!subteam^S0123456789>")
    assert re.findall(r"<[^<>]*[!@^][^<>]*>", made["InputTemplate"]) == []


@pytest.mark.parametrize("schema", ["asff", "ocsf"])
def test_links_are_filled_in(schema):
    finding = worlds.ocsf(CONTROL) if schema == "ocsf" else CONTROL
    _console, portal, runbook, ticket = content(finding, schema, **PORTAL, **RUNBOOK, **TICKET)["nextSteps"]
    severity = "High" if schema == "ocsf" else "HIGH"
    assert runbook == f"Runbook: https://wiki.example.com/hub/S3.8?severity={severity}#eu-west-1"
    assert ticket == (
        f"Create a ticket: https://jira.example.com/create?pid=1&summary=S3.8%20in%20{ACCOUNT}%20{CONTROL['Id']}"
    )
    words, _space, link = portal.partition(": ")
    assert words == "Sign in to the account"
    start, _hash, query = link.partition("#/console?")
    assert start == "https://example.awsapps.com/start/"
    parts = dict(part.split("=", 1) for part in query.split("&"))
    assert parts["account_id"] == ACCOUNT
    assert unquote(parts["role_name"]) == "Security+Audit"
    home = "securityhub/v2/home" if schema == "ocsf" else "securityhub/home"
    expected = f"https://eu-west-1.console.aws.amazon.com/{home}?region=eu-west-1#/findings"
    assert unquote(parts["destination"]) == expected


def test_a_finding_without_control_leads_to_the_page_above():
    macie = FINDINGS["macie-high-eu-west-1"]
    (_console, runbook) = content(macie, runbook_url="https://wiki.example.com/hub/{control}")["nextSteps"]
    assert runbook == "Runbook: https://wiki.example.com/hub/"


def test_links_with_texts_of_a_finding_are_left_out_where_others_may_have_written_them():
    hostile = {**CONTROL, "Id": "x|<!channel>", "Compliance": {"SecurityControlId": "](https://evil.example)"}}
    shown = content(hostile, trusted=False, mention="<!here>", **PORTAL, **RUNBOOK, **TICKET)
    assert [step.partition(":")[0] for step in shown["nextSteps"]] == ["Look at the findings", "Sign in to the account"]
    assert "evil" not in json.dumps(shown)
    assert "channel" not in json.dumps(shown)
    harmless = content(hostile, trusted=False, runbook_url="https://wiki.example.com/{account_id}/{region}/{severity}")
    assert harmless["nextSteps"][1] == f"Runbook: https://wiki.example.com/{ACCOUNT}/eu-west-1/HIGH"


@pytest.mark.parametrize("name", ["runbook_url", "ticket_url"])
def test_no_placeholder_is_in_a_host_name(name):
    for link in ("https://{control}.example.com/", "https://{control}", "https://a.example{control}/x"):
        assert additions.problems(variables(**{name: link}))
    assert urlsplit(RUNBOOK["runbook_url"]).netloc == "wiki.example.com"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mentions": {"critical": ["here"]}}, ["'critical'", "CRITICAL, HIGH"]),
        ({"mentions": {"HIGH": ["everyone"]}}, ["'everyone' for HIGH", "user group (S...)"]),
        ({"mentions": {"HIGH": ["@oncall"]}}, ["'@oncall' for HIGH"]),
        ({"mentions": {"HIGH": ["S0123|x"]}}, ["'S0123|x'"]),
        ({"mentions": {"HIGH": ["S0123456789\n"]}}, ["S0123456789"]),
        ({"mentions": {"HIGH": [f"U{number}00" for number in range(6)]}}, ["6 mentions for HIGH", "5"]),
        ({"access_portal_url": "https://example.awsapps.com/start"}, ["access_portal_role is not set"]),
        ({"access_portal_role": "SecurityAudit"}, ["access_portal_url is not set"]),
        ({**PORTAL, "access_portal_url": "http://example.awsapps.com/start"}, ["access_portal_url is 'http:"]),
        ({**PORTAL, "access_portal_url": "https://example.awsapps.com/start#/x"}, ["access_portal_url"]),
        ({**PORTAL, "access_portal_role": "arn:aws:iam::1:role/x"}, ["access_portal_role", "permission set"]),
        ({"runbook_url": "http://wiki.example.com"}, ["runbook_url is 'http:", "https"]),
        ({"runbook_url": "https://wiki.example.com/<!here>"}, ["runbook_url"]),
        ({"runbook_url": "https://wiki.example.com/a|b"}, ["runbook_url"]),
        ({"runbook_url": "https://wiki.example.com/{title}"}, ["runbook_url", "{control}"]),
        ({"runbook_url": 'https://wiki.example.com/"'}, ["runbook_url"]),
        ({"ticket_url": "https://jira.example.com/?a b"}, ["ticket_url"]),
        ({"ticket_url": "https://jira.example.com/{{resolve:ssm:x}}"}, ["ticket_url"]),
        ({"ticket_url": "https://jira.example.com/" + "x" * 500}, ["ticket_url", "500 characters"]),
    ],
)
def test_problems_name_the_value_and_the_remedy(given, words):
    (problem,) = additions.problems(variables(**given))
    assert [word for word in words if word not in problem] == []


def test_sound_variables_have_no_problems():
    mentions = {"CRITICAL": ["here", "S0123456789", "W0123456789"], "LOW": [], "HIGH": None}
    assert additions.problems(variables(mentions=mentions, **PORTAL, **RUNBOOK, **TICKET)) == []
    assert additions.problems(variables(mentions=None, runbook_url="", ticket_url="https://t.example.com:8443")) == []
