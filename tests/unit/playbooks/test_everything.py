# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sample finding through every capability: exactly the messages in tests/findings/everything.yml, each once."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from urllib.parse import unquote

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

EXPECTED = yaml.safe_load((findings.SAMPLES / "everything.yml").read_text(encoding="utf-8"))
HOME, MARK, OURS = EXPECTED["aggregator"]["home"], "securityhub-slack", findings.ADMINISTRATOR
CHANNELS = {channel["channel_id"]: channel["name"] for channel in EXPECTED["variables"]["channels"]}
RECEIVERS = {receiver["name"]: receiver for receiver in EXPECTED["beside"]["receivers"]}
MAIL, PAGER = RECEIVERS["mail"]["email"][0], RECEIVERS["pager"]["url"]
TEAM = {"TeamId": EXPECTED["variables"]["team_id"], "TenantId": EXPECTED["variables"]["tenant_id"], "TeamName": "rest"}
# Older than overdue_days; the dates of the samples are fixed.
OLD = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 10 * 86_400))
FINDINGS = {name: {**item, "CreatedAt": OLD, "UpdatedAt": OLD} for name, item in findings.FINDINGS.items()}
NAMES = {finding["Id"]: name for name, finding in FINDINGS.items()}


class SecurityHub:
    """Security Hub CSPM, in which services import findings, people set statuses, and the state machine sets a mark."""

    over = "OVER"

    def __init__(self, emulator):
        self.emulator, self.client = emulator, emulator.client("securityhub", HOME)
        findings.set_up(emulator, aggregator=EXPECTED["aggregator"], teams=[TEAM])

    def bring(self, *some):
        findings.bring(self.emulator, *some)

    def handled(self, finding):
        """Let a person have set the status that the finding has."""
        identifiers = [{name: finding[name] for name in ("Id", "ProductArn")}]
        client = self.emulator.client("securityhub", finding["Region"], finding["AwsAccountId"])
        client.batch_update_findings(FindingIdentifiers=identifiers, Workflow=finding["Workflow"])

    def marks(self):
        """Return the marks of all findings, by name."""
        listed = self.client.get_findings(MaxResults=100)["Findings"]
        return {NAMES[item["Id"]]: item.get("UserDefinedFields", {}).get(MARK, "") for item in listed}

    def name(self, finding):
        """Return the name of a finding as events have it."""
        return NAMES[finding["Id"]]


class NewSecurityHub(SecurityHub):
    """The new Security Hub, whose services report findings (OCSF), and whose mark is a comment."""

    over = f"No longer open, reported by {MARK}"

    def __init__(self, emulator):
        self.emulator, self.client = emulator, emulator.client("securityhub", HOME)
        home = {"home": HOME, "RegionLinkingMode": "ALL_REGIONS"}
        findings.set_up_new_hub(emulator, aggregator_v2=home, teams=[TEAM])

    def bring(self, *some):
        findings.bring_ocsf(self.emulator, *map(findings.ocsf, some))

    def handled(self, finding):
        status = {"NOTIFIED": 2, "SUPPRESSED": 3, "RESOLVED": 4}[finding["Workflow"]["Status"]]
        client = self.emulator.client("securityhub", finding["Region"], finding["AwsAccountId"])
        uid = findings.ocsf(finding)["metadata"]["uid"]
        client.batch_update_findings_v2(MetadataUids=[uid], StatusId=status)

    def marks(self):
        listed = self.client.get_findings_v2(MaxResults=100)["Findings"]
        return {NAMES[item["finding_info"]["uid"]]: item.get("comment", "") for item in listed}

    def name(self, finding):
        return NAMES[finding["finding_info"]["uid"]]


def ended(finding):
    """Return the finding as its product imports it at its end: a control has passed, others are archived."""
    changed = {**finding, "UpdatedAt": "2097-01-01T00:00:00.000Z"}
    if "SecurityControlId" not in finding.get("Compliance", {}):
        return {**changed, "RecordState": "ARCHIVED"}
    severity = {
        "Severity": {"Label": "INFORMATIONAL"},
        "FindingProviderFields": {"Severity": {"Label": "INFORMATIONAL"}},
    }
    return {**changed, **severity, "Compliance": {**finding["Compliance"], "Status": "PASSED"}}


def in_channels(emulator):
    """Yield what each message about a finding says, and each line of a digest that reminds of one."""
    for message in emulator.inbox():
        channel, text = CHANNELS[message["channel"]], message["text"]
        if message["finding_id"] in NAMES:
            what = "resolved" if text.startswith("*No longer open") else "opened"
            whom = " @here" if "<!here>" in text else ""
            assert message["thread"] == message["finding_id"]
            yield NAMES[message["finding_id"]], f"{what} in {channel}{whom}"
        else:
            assert message["detail_type"] == "Security Hub digest"
            for line in text.splitlines():
                if line.upper().startswith("CRITICAL `"):
                    yield reminded_of(line), f"reminded in {channel}"


def reminded_of(line):
    """Return the finding that a line of a digest links to; the ID of one is too long for a link, but no other's."""
    if "?search=" not in line:
        assert "`IAM.4`" in line
        return "iam-4-critical-eu-west-1-of-a-standard"
    link = unquote(unquote(line))
    (found,) = [name for identifier, name in NAMES.items() if link.endswith(identifier)]
    return found


def sent_to_receivers(emulator, hub):
    """Yield the finding that each receiver got; a mail about one of a third party only says which product that is."""
    for item in emulator.ask("GET", "received"):
        if item["endpoint"] == PAGER:
            yield hub.name(json.loads(item["message"])["detail"]["findings"][0]), "paged"
            continue
        assert item["endpoint"] == MAIL
        found = [name for name, finding in FINDINGS.items() if finding["Id"] in item["message"]]
        found += ["third-party-critical-eu-west-1"] if "Finding of " in item["message"] else []
        assert len(found) == 1, (found, item["message"])
        yield found[0], "mailed"
    for finding in findings.sent_to_queue(emulator, HOME, OURS, "eda"):
        yield hub.name(finding), "queued"
    _arn, _aws, _events, region, account, _bus = RECEIVERS["lake"]["event_bus_arn"].split(":")
    for finding in findings.sent_to_queue(emulator, region, account, "lake"):
        yield hub.name(finding), "in the lake"


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_each_finding_is_opened_routed_counted_reminded_of_and_resolved_exactly_once(
    emulator, tmp_path, finding_format
):
    hub = {"asff": SecurityHub, "ocsf": NewSecurityHub}[finding_format](emulator)
    rules = f"arn:aws:events:{HOME}:{OURS}:rule/{EXPECTED['beside']['name']}-to-eda-*"
    findings.queue(emulator, HOME, OURS, "eda", rules)
    findings.event_bus(emulator, RECEIVERS["lake"]["event_bus_arn"], OURS)
    handled = {name: item for name, item in FINDINGS.items() if item["Workflow"]["Status"] != "NEW"}
    hub.bring(*handled.values())
    for finding in handled.values():
        hub.handled(finding)
    playbooks = findings.Playbooks(tmp_path, emulator.url)
    playbooks.inventory(EXPECTED["targets"], finding_format=finding_format, **EXPECTED["variables"])
    playbooks.ok("securityhub_slack")
    playbooks.ok("securityhub_slack", **EXPECTED["beside"])
    for endpoint in (MAIL, PAGER):
        emulator.ask("POST", "confirm", {"endpoint": endpoint})

    expected = {**EXPECTED["findings"], **EXPECTED.get(finding_format, {})}
    written = Counter((name, words) for name, listed in expected.items() for words in listed)
    over = {name for name, words in written if words.startswith("resolved")}
    hub.bring(*(item for name, item in FINDINGS.items() if name not in handled))
    assert waiting.until(lambda: all(map(hub.marks().get, over)))
    received = list(sent_to_receivers(emulator, hub))
    playbooks.ok("securityhub_slack", **EXPECTED["later"])
    done = findings.start_schedule(emulator, HOME, f"{MARK}-digest")
    assert done["status"] == "SUCCEEDED", done
    emulator.ask("POST", "clock", {"seconds": 2 * 3600})
    hub.bring(*map(ended, FINDINGS.values()))
    assert waiting.until(lambda: all(mark == hub.over for name, mark in hub.marks().items() if name in over))
    findings.inbox_at_rest(emulator)

    happened = Counter([*in_channels(emulator), *received])
    # A digest says how many findings it counts, not which.
    counted = Counter(
        (words.rpartition(" ")[2], FINDINGS[name]["Severity"]["Label"])
        for name, words in written
        if words.startswith("counted")
    )
    assert happened == Counter({key: number for key, number in written.items() if not key[1].startswith("counted")})
    digests = {item["topic"].rpartition("-")[2]: item["severities"] for item in json.loads(done["output"])}
    assert {(name, label): n for name, labels in digests.items() for label, n in labels.items()} == counted
    assert EXPECTED["findings"].keys() == FINDINGS.keys()
    for name, texts in EXPECTED["messages"][finding_format].items():
        about = [item["text"] for item in emulator.inbox() if item["finding_id"] == FINDINGS[name]["Id"]]
        assert len(about) == len(texts)
        for text, as_written in zip(about, texts):
            assert re.fullmatch(re.escape(as_written).replace(r"\.\.\.", ".*"), text), text
