# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sample finding through every capability: exactly the messages in tests/findings/everything.yml, each once."""

from __future__ import annotations

import json
import time
from collections import Counter
from urllib.parse import unquote

import yaml
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

EXPECTED = yaml.safe_load((findings.SAMPLES / "everything.yml").read_text(encoding="utf-8"))
HOME, MARK = EXPECTED["aggregator"]["home"], "securityhub-slack"
CHANNELS = {channel["channel_id"]: channel["name"] for channel in EXPECTED["variables"]["channels"]}
MAIL = EXPECTED["variables"]["receivers"][0]["email"][0]
# Older than overdue_days; the dates of the samples are fixed.
OLD = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 10 * 86_400))
FINDINGS = {name: {**item, "CreatedAt": OLD, "UpdatedAt": OLD} for name, item in findings.FINDINGS.items()}
NAMES = {finding["Id"]: name for name, finding in FINDINGS.items()}
SECONDS = 30


def wait_for(emulator, are_there):
    """Wait until the state machine has written the marks: call *are_there* with those of all findings, by name."""
    client, deadline = emulator.client("securityhub", HOME), time.monotonic() + SECONDS
    while True:
        listed = client.get_findings(MaxResults=100)["Findings"]
        marks = {NAMES[item["Id"]]: item.get("UserDefinedFields", {}).get(MARK, "") for item in listed}
        if are_there(marks) or time.monotonic() > deadline:
            return
        time.sleep(0.1)


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
            what = "resolved" if text.startswith("*No longer open*") else "opened"
            assert message["thread"] == message["finding_id"]
            yield NAMES[message["finding_id"]], f"{what} in {channel}"
        else:
            assert message["detail_type"] == "Security Hub digest"
            for line in text.splitlines():
                if line.startswith("CRITICAL `"):
                    yield reminded_of(line), f"reminded in {channel}"


def reminded_of(line):
    """Return the finding that a line of a digest links to; the ID of one is too long for a link, but no other's."""
    if "?search=" not in line:
        assert "`IAM.4`" in line
        return "iam-4-critical-eu-west-1-of-a-standard"
    return NAMES[unquote(line).partition("?search=Id=")[2]]


def mailed(emulator):
    """Yield the finding that each mail is about; one of a third party only says which product that is."""
    for item in emulator.ask("GET", "received"):
        found = [
            name
            for name, finding in FINDINGS.items()
            if finding["Id"] in item["message"] or f"Finding of {finding['ProductArn']}" in item["message"]
        ]
        assert len(found) == 1, (found, item["message"])
        yield found[0], "mailed"


def test_each_finding_is_opened_routed_counted_reminded_of_and_resolved_exactly_once(emulator, tmp_path):
    findings.set_up(emulator, aggregator=EXPECTED["aggregator"])
    for region in EXPECTED["targets"]:
        rules = f"arn:aws:events:{region}:{findings.ADMINISTRATOR}:rule/{MARK}-to-eda-*"
        findings.queue(emulator, region, findings.ADMINISTRATOR, "eda", rules)
    handled = {name: item for name, item in FINDINGS.items() if item["Workflow"]["Status"] != "NEW"}
    findings.bring(emulator, *handled.values())
    for finding in handled.values():
        identifiers = [{name: finding[name] for name in ("Id", "ProductArn")}]
        client = emulator.client("securityhub", finding["Region"], finding["AwsAccountId"])
        client.batch_update_findings(FindingIdentifiers=identifiers, Workflow=finding["Workflow"])
    playbooks = findings.Playbooks(tmp_path, emulator.url)
    playbooks.inventory(EXPECTED["targets"], **EXPECTED["variables"])
    playbooks.ok("securityhub_slack")
    emulator.ask("POST", "confirm", {"endpoint": MAIL})

    written = Counter((name, words) for name, listed in EXPECTED["findings"].items() for words in listed)
    over = {name for name, words in written if words.startswith("resolved")}
    findings.bring(emulator, *(item for name, item in FINDINGS.items() if name not in handled))
    wait_for(emulator, lambda marks: all(map(marks.get, over)))
    queued = [item["Id"] for item in findings.sent_to_queue(emulator, HOME, findings.ADMINISTRATOR, "eda")]
    playbooks.ok("securityhub_slack", **EXPECTED["later"])
    done = findings.start_schedule(emulator, HOME, f"{MARK}-digest")
    assert done["status"] == "SUCCEEDED", done
    findings.bring(emulator, *map(ended, FINDINGS.values()))
    wait_for(emulator, lambda marks: all(marks[name] == "OVER" for name in over))
    time.sleep(0.5)

    happened = Counter([*in_channels(emulator), *mailed(emulator), *((NAMES[item], "queued") for item in queued)])
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
