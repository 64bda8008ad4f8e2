# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding that was sent and is over has one more message, in the thread of the first; no other finding has one."""

from __future__ import annotations

import copy
import json
import re

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings
from botocore.exceptions import ClientError

HERE = "eu-west-1"
CONTROL = findings.FINDINGS["ec2-19-critical-eu-west-1"]
THREAT = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]
ON = {"mark_notified": True, "message_format": "custom", "report_resolved": True}
MARK = "securityhub-slack"


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings."""
    findings.set_up(emulator)
    return findings.Playbooks(tmp_path, emulator.url)


def deployed(playbooks, **variables):
    playbooks.inventory({HERE: {}}, minimum_severity="HIGH", **ON, **variables)
    playbooks.ok("securityhub_slack")


def fields(emulator, finding):
    """Return the user-defined fields of a finding."""
    filters = {"Id": [{"Value": finding["Id"], "Comparison": "EQUALS"}]}
    found = emulator.client("securityhub", finding["Region"]).get_findings(Filters=filters)["Findings"][0]
    return found.get("UserDefinedFields", {})


def marked(emulator, finding, value):
    """Wait until the state machine has written the mark, and return all user-defined fields, it without the time."""

    def shown():
        found = fields(emulator, finding)
        return {**found, MARK: without_time(found[MARK])} if MARK in found else found

    waiting.until(lambda: shown().get(MARK) == value)
    assert shown().get(MARK) == value
    return shown()


def without_time(mark):
    """Return the mark of a finding that was sent without the time, or any other mark."""
    return re.sub(r" at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "", mark)


def hours_later(emulator, hours):
    emulator.ask("POST", "clock", {"seconds": 3600 * hours})


def sent(emulator, *some):
    """Let findings arrive, and wait until they are marked as sent."""
    findings.bring(emulator, *some)
    for finding in some:
        marked(emulator, finding, finding["Severity"]["Label"])


def again(emulator, finding, year, **changed):
    """Import the finding again, as its product does."""
    findings.bring(emulator, {**copy.deepcopy(finding), "UpdatedAt": f"{year}-01-01T00:00:00.000Z", **changed})


def passed(finding):
    """Return what changes in the finding of a control that passes: its severity, too."""
    severity = {"Label": "INFORMATIONAL", "Normalized": 0}
    return {
        "Compliance": {**finding["Compliance"], "Status": "PASSED"},
        "Severity": severity,
        "FindingProviderFields": {"Severity": {"Label": "INFORMATIONAL"}},
    }


def by_hand(emulator, finding, **changes):
    emulator.client("securityhub", finding["Region"]).batch_update_findings(
        FindingIdentifiers=[{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}], **changes
    )


def set_status(emulator, finding, status):
    by_hand(emulator, finding, Workflow={"Status": status})


def messages(emulator, finding):
    """Return the messages about a finding: the first line of each, and its thread."""
    about = [item for item in findings.inbox_at_rest(emulator) if item["finding_id"] == finding["Id"]]
    return [(item["text"].splitlines()[0], item["thread"]) for item in about]


FIRST = "*CRITICAL* EC2.19"
PASSED = "*No longer open after 2 hours*: RESOLVED, ACTIVE"
AT_ONCE = "*No longer open after less than a minute*"


@pytest.mark.parametrize("events", ["one", "two"])
@pytest.mark.parametrize("update", ["replaced", "kept"])
def test_a_control_that_passes_is_reported_once_in_the_thread_of_its_finding(emulator, playbooks, events, update):
    emulator.ask("POST", "switches", {"security_hub_passed_events": events, "security_hub_user_defined_fields": update})
    deployed(playbooks)
    sent(emulator, CONTROL)
    by_hand(emulator, CONTROL, UserDefinedFields={**fields(emulator, CONTROL), "Owner": "jane"})
    hours_later(emulator, 2)
    again(emulator, CONTROL, 2097, **passed(CONTROL))
    assert marked(emulator, CONTROL, "OVER") == {"Owner": "jane", MARK: "OVER"}
    again(emulator, CONTROL, 2098, RecordState="ARCHIVED", **passed(CONTROL))
    assert messages(emulator, CONTROL) == [(FIRST, CONTROL["Id"]), (PASSED, CONTROL["Id"])]
    lines = emulator.inbox()[-1]["text"].splitlines()
    assert lines[1:] == ["Sent as CRITICAL EC2.19", f"Account {CONTROL['AwsAccountId']}, {HERE}"]
    assert emulator.inbox()[-1]["title"] == CONTROL["Title"]

    # It fails again: a new message, and a new end, counted from that message.
    hours_later(emulator, 30)
    again(emulator, CONTROL, 2099, RecordState="ACTIVE")
    assert marked(emulator, CONTROL, "CRITICAL") == {"Owner": "jane", MARK: "CRITICAL"}
    set_status(emulator, CONTROL, "SUPPRESSED")
    marked(emulator, CONTROL, "OVER")
    said = [line for line, _thread in messages(emulator, CONTROL)]
    assert said == [FIRST, PASSED, FIRST, f"{AT_ONCE}: SUPPRESSED, ACTIVE"]


ENDS = (
    (lambda emulator, finding: again(emulator, finding, 2097, RecordState="ARCHIVED"), "NOTIFIED, ARCHIVED"),
    (lambda emulator, finding: set_status(emulator, finding, "RESOLVED"), "RESOLVED, ACTIVE"),
    (lambda emulator, finding: set_status(emulator, finding, "SUPPRESSED"), "SUPPRESSED, ACTIVE"),
)


def test_each_other_end_is_reported_once(emulator, playbooks):
    deployed(playbooks)
    threats = [{**copy.deepcopy(THREAT), "Id": f"{THREAT['Id'][:-4]}000{n}"} for n in range(len(ENDS))]
    sent(emulator, *threats)
    for finding in threats:
        by_hand(emulator, finding, Note={"Text": "Looking", "UpdatedBy": "jane"})
    assert [len(messages(emulator, finding)) for finding in threats] == [1] * len(threats)
    for finding, (end, _said) in zip(threats, ENDS):
        end(emulator, finding)
        assert marked(emulator, finding, "OVER") == {MARK: "OVER"}
        set_status(emulator, finding, "SUPPRESSED")
        again(emulator, finding, 2099, RecordState="ARCHIVED")
    for finding, (_end, said) in zip(threats, ENDS):
        assert [line for line, _thread in messages(emulator, finding)][1:] == [f"{AT_ONCE}: {said}"]


def test_what_was_not_sent_has_no_end(emulator, playbooks):
    low, early, sample, forged = ({**copy.deepcopy(THREAT), "Id": f"{THREAT['Id'][:-4]}000{n}"} for n in range(4))
    low |= {"Severity": {"Label": "LOW"}, "FindingProviderFields": {"Severity": {"Label": "LOW"}}}
    forged |= {"Severity": {"Label": "LOW"}, "FindingProviderFields": {"Severity": {"Label": "LOW"}}}
    sample["Sample"] = True
    findings.bring(emulator, early)
    set_status(emulator, early, "RESOLVED")
    deployed(playbooks)
    findings.bring(emulator, low, sample, forged)
    emulator.custom_action(HERE, "SendToSlack", low["Id"])
    by_hand(emulator, forged, UserDefinedFields={MARK: "<!channel>"})
    assert len(messages(emulator, sample)) == 1
    for finding in (low, early, sample, forged):
        set_status(emulator, finding, "SUPPRESSED")
        again(emulator, finding, 2097, RecordState="ARCHIVED")
    assert [len(messages(emulator, finding)) for finding in (low, early, sample, forged)] == [1, 0, 1, 0]


def test_where_an_event_lacks_the_mark_nothing_is_said_and_no_field_is_lost(emulator, playbooks):
    emulator.ask("POST", "switches", {"security_hub_customer_fields": "left_out"})
    deployed(playbooks)
    sent(emulator, CONTROL)
    by_hand(emulator, CONTROL, UserDefinedFields={**fields(emulator, CONTROL), "Owner": "jane"})
    again(emulator, CONTROL, 2097, **passed(CONTROL))
    assert [line for line, _thread in messages(emulator, CONTROL)] == [FIRST]
    again(emulator, CONTROL, 2098)
    assert len(messages(emulator, CONTROL)) == 2
    assert marked(emulator, CONTROL, "CRITICAL") == {"Owner": "jane", MARK: "CRITICAL"}
    hours_later(emulator, 2)
    set_status(emulator, CONTROL, "RESOLVED")
    assert marked(emulator, CONTROL, "OVER") == {"Owner": "jane", MARK: "OVER"}
    assert [line for line, _thread in messages(emulator, CONTROL)] == [FIRST, FIRST, PASSED]


def test_each_channel_that_got_the_finding_gets_its_end_through_encrypted_topics(emulator, playbooks):
    channels = [
        {"name": "oncall", "channel_id": "C0ONCALL001", "minimum_severity": "CRITICAL"},
        {"name": "all", "channel_id": "C0EVERYONE1"},
    ]
    deployed(playbooks, channels=channels, kms_key="create")
    sent(emulator, CONTROL, THREAT)
    again(emulator, CONTROL, 2097, **passed(CONTROL))
    again(emulator, THREAT, 2097, RecordState="ARCHIVED")
    messages_of_both = findings.inbox_at_rest(emulator)
    about = sorted((item["finding_id"] == CONTROL["Id"], item["channel"]) for item in messages_of_both)
    everyone, oncall = (False, "C0EVERYONE1"), (True, "C0ONCALL001")
    assert about == sorted([everyone, everyone, (True, "C0EVERYONE1"), (True, "C0EVERYONE1"), oncall, oncall])


def test_the_home_region_reports_the_end_of_findings_of_linked_ones_without_the_texts_of_others(emulator, playbooks):
    findings.set_up(emulator, aggregator={"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"})
    playbooks.inventory({"us-east-1": {}, HERE: {}}, minimum_severity="HIGH", **ON)
    playbooks.ok("securityhub_slack")
    account, region = THREAT["AwsAccountId"], THREAT["Region"]
    product = f"arn:aws:securityhub:{region}:{account}:product/{account}/default"
    theirs = {**copy.deepcopy(THREAT), "Id": 'x", "y": "<!channel>', "Title": "<!channel>", "ProductArn": product}
    sent(emulator, theirs)
    again(emulator, theirs, 2097, RecordState="ARCHIVED")
    marked(emulator, theirs, "OVER")
    end = emulator.inbox()[-1]
    assert (end["title"], end["thread"]) == (f"Finding of {product}", theirs["Id"])
    assert end["text"].startswith(f"{AT_ONCE}: NOTIFIED, ARCHIVED\nSent as HIGH\nAccount {account}, {HERE}")
    assert "channel" not in end["text"]
    assert len(messages(emulator, theirs)) == 2


def test_the_end_of_a_finding_with_the_id_of_another_names_its_product(emulator, playbooks):
    deployed(playbooks)
    sent(emulator, CONTROL)
    account = CONTROL["AwsAccountId"]
    product = f"arn:aws:securityhub:{HERE}:{account}:product/{account}/default"
    over = {"RecordState": "ARCHIVED", "UserDefinedFields": {MARK: "CRITICAL at <!channel>"}}
    findings.bring(emulator, {**copy.deepcopy(CONTROL), "ProductArn": product, **over})
    first, *ends = findings.inbox_at_rest(emulator)
    assert {(end["title"], end["thread"]) for end in ends} == {(f"Finding of {product}", first["thread"])}
    said = "".join(end["text"] for end in ends)
    assert CONTROL["Title"] not in said
    # Whoever wrote the mark decides about nothing in the message.
    assert said.startswith("*No longer open*: NEW, ARCHIVED\nSent as CRITICAL\n")
    assert "channel" not in said


def test_it_is_previewed_enabled_simulated_and_disabled(emulator, playbooks):
    playbooks.inventory({HERE: {}}, minimum_severity="HIGH", mark_notified=True, message_format="custom")
    playbooks.ok("securityhub_slack")
    cloudformation = emulator.client("cloudformation", HERE)
    plain = cloudformation.get_template(StackName=MARK)["TemplateBody"]
    preview = playbooks.ok("securityhub_slack", "", "--check", "--diff", report_resolved=True)
    assert "securityhub-slack-resolved" in preview.output
    playbooks.ok("securityhub_slack", report_resolved=True)
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", report_resolved=True)
    assert emulator.writes() == []
    mark = "CRITICAL at 2026-11-23T09:12:31Z"
    over = {**CONTROL, "UserDefinedFields": {MARK: mark}, "Workflow": {"Status": "RESOLVED"}}
    (playbooks.folder / "over.json").write_text(json.dumps({"Findings": [over]}), encoding="utf-8")
    found = playbooks.ok(
        "securityhub_slack_simulate",
        "securityhub_slack_simulation",
        simulate_files=["over.json"],
        report_resolved=True,
    )
    assert "its end is reported by eu-west-1 (rule securityhub-slack-resolved) to securityhub-slack" in json.dumps(
        found.result
    )
    assert "not sent: workflow status is RESOLVED" in json.dumps(found.result)
    assert "1 target: 1 in order." in playbooks.run("securityhub_slack_doctor", report_resolved=True).output
    playbooks.ok("securityhub_slack")
    assert cloudformation.get_template(StackName=MARK)["TemplateBody"] == plain


def test_the_role_may_do_what_the_machine_does_and_nothing_else(emulator, playbooks):
    deployed(playbooks)
    findings.bring(emulator, CONTROL)
    marked(emulator, CONTROL, "CRITICAL")
    iam = emulator.client("iam")
    name = f"{MARK}-Notified-{HERE}"
    policy = iam.get_role_policy(RoleName=name, PolicyName="MarkFindingsNotified")["PolicyDocument"]
    emulator.ask("POST", "callers", {findings.ADMINISTRATOR: [policy]})

    def is_allowed(**changes):
        try:
            by_hand(emulator, CONTROL, **changes)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException"
            return False
        return True

    assert marked(emulator, CONTROL, "CRITICAL") == {MARK: "CRITICAL"}
    mark, notified = {"UserDefinedFields": {MARK: "OVER"}}, {"Workflow": {"Status": "NOTIFIED"}}
    assert [is_allowed(**mark), is_allowed(**mark, **notified), is_allowed(**notified)] == [True] * 3
    for changes in (
        {"Workflow": {"Status": "SUPPRESSED"}},
        {"Severity": {"Label": "LOW"}},
        {"Note": {"Text": "x", "UpdatedBy": "x"}},
        {"VerificationState": "FALSE_POSITIVE"},
    ):
        assert not is_allowed(**changes), changes
        assert not is_allowed(**{**mark, **changes}), changes


# In the new Security Hub, whose findings have a comment instead of user-defined fields.
OCSF = {"finding_format": "ocsf"}
OCSF_FIRST, OCSF_END = "*Critical* EC2.19", "*No longer open after 2 hours*"
OVER = f"No longer open, reported by {MARK}"


@pytest.fixture
def new_hub(emulator, playbooks):
    """Deploy for the findings of the new Security Hub, and return what reads and changes them."""
    findings.set_up_new_hub(emulator)
    deployed(playbooks, **OCSF)
    return NewHub(emulator)


class NewHub:
    """The new Security Hub as the administrator sees it."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.client = emulator.client("securityhub", HERE)

    def bring(self, *some):
        findings.bring_ocsf(self.emulator, *some)

    def finding(self, uid):
        shown = self.client.get_findings_v2()["Findings"]
        return next(item for item in shown if item["metadata"]["uid"] == uid)

    def update(self, finding, **changes):
        answer = self.client.batch_update_findings_v2(MetadataUids=[finding["metadata"]["uid"]], **changes)
        assert answer["UnprocessedFindings"] == []

    def comment(self, uid):
        """Return the comment of a finding without the time in it."""
        return without_time(self.finding(uid).get("comment", ""))

    def commented(self, finding, comment):
        """Wait until the finding has the comment, and return its status."""
        uid = finding["metadata"]["uid"]
        waiting.until(lambda: self.comment(uid) == comment)
        assert self.comment(uid) == comment
        return self.finding(uid)["status"]

    def sent(self, *some):
        """Let services report findings, and wait until they are marked as sent."""
        self.bring(*some)
        for finding in some:
            assert self.commented(finding, f"Sent as {finding['severity']} by {MARK}") == "In Progress"


def ocsf(finding, number, **changed):
    return {**findings.ocsf({**copy.deepcopy(finding), "Id": f"{finding['Id'][:-4]}100{number}"}), **changed}


def ocsf_messages(emulator, finding):
    return [line for line, thread in messages(emulator, {"Id": finding["finding_info"]["uid"]}) if thread]


def test_each_end_of_a_finding_of_the_new_hub_is_reported_once_in_its_thread(emulator, new_hub):
    closed, passed_control, resolved, suppressed, archived = some = [
        ocsf(CONTROL if number < 2 else THREAT, number) for number in range(5)
    ]
    fatal = ocsf(THREAT, 5, severity="Fatal")
    new_hub.sent(*some, fatal)
    new_hub.bring(*some)
    assert len(emulator.inbox()) == 6
    hours_later(emulator, 2)
    new_hub.bring({**closed, "activity_name": "Close"})
    new_hub.bring(
        {**passed_control, "compliance": {"status": "Pass", "control": "EC2.19"}, "severity": "Informational"}
    )
    for finding, status in ((resolved, 4), (suppressed, 3), (archived, 5), (fatal, 4)):
        new_hub.update(finding, StatusId=status)
    for finding in (*some, fatal):
        new_hub.commented(finding, OVER)
        new_hub.bring({**finding, "activity_name": "Close"})
    assert [ocsf_messages(emulator, finding) for finding in (*some, fatal)] == [
        [OCSF_FIRST, f"{OCSF_END}: In Progress, Close Fail"],
        [OCSF_FIRST, f"{OCSF_END}: In Progress, Update Pass"],
        ["*High* ", f"{OCSF_END}: Resolved, Update "],
        ["*High* ", f"{OCSF_END}: Suppressed, Update "],
        ["*High* ", f"{OCSF_END}: Archived, Update "],
        ["*Fatal* ", f"{OCSF_END}: Resolved, Update "],
    ]
    about = [item for item in emulator.inbox() if item["finding_id"] == closed["finding_info"]["uid"]]
    assert about[1]["title"] == CONTROL["Title"]
    lines = about[1]["text"].splitlines()
    assert lines[1:] == ["Sent as Critical EC2.19", f"Account {CONTROL['AwsAccountId']}, {HERE}"]

    # It fails again: a new message, and a new end.
    new_hub.sent(closed)
    new_hub.update(closed, StatusId=4)
    new_hub.commented(closed, OVER)
    assert ocsf_messages(emulator, closed)[2:] == [OCSF_FIRST, f"{AT_ONCE}: Resolved, Update Fail"]


def test_no_comment_of_others_is_lost_and_what_was_not_sent_has_no_end(emulator, new_hub):
    analyzed, low, forged, lost, hidden = some = [ocsf(THREAT, number) for number in range(5)]
    for finding in some:
        new_hub.bring({**finding, "severity": "Low"})
    new_hub.update(analyzed, Comment="Looking at it")
    new_hub.update(forged, Comment="Sent as <!channel> by securityhub-slack at 2026-11-23T09:12:31Z")
    new_hub.bring(analyzed)
    waiting.until(lambda: new_hub.finding(analyzed["metadata"]["uid"])["status"] != "New")
    assert new_hub.commented(analyzed, "Looking at it") == "In Progress"
    new_hub.sent(lost, hidden)
    new_hub.update(lost, Comment="Fixed by us", StatusId=4)
    # AWS does not document whether the event of a product's update has the comment.
    emulator.ask("POST", "switches", {"security_hub_customer_fields": "left_out"})
    new_hub.bring({**hidden, "activity_name": "Close"})
    emulator.ask("POST", "switches", {"security_hub_customer_fields": "kept"})
    for finding in (analyzed, low, forged):
        new_hub.update(finding, StatusId=3)
        new_hub.bring({**finding, "activity_name": "Close"})
    assert [len(ocsf_messages(emulator, finding)) for finding in some] == [1, 0, 0, 1, 1]
    assert new_hub.commented(analyzed, "Looking at it") == "Suppressed"
    assert new_hub.commented(lost, "Fixed by us") == "Resolved"
    new_hub.commented(hidden, f"Sent as High by {MARK}")


def test_in_the_new_hub_the_texts_of_others_are_not_shown_and_it_is_simulated(emulator, playbooks, new_hub):
    account, hostile = THREAT["AwsAccountId"], 'x", "y": "<!channel>'
    theirs = ocsf(THREAT, 1, activity_name=hostile)
    product = f"arn:aws:securityhub:{HERE}:{account}:productv2/{account}/default"
    theirs["metadata"]["product"]["uid"] = product
    theirs["finding_info"] |= {"title": "<!channel>", "created_time_dt": hostile}
    new_hub.sent(theirs)
    new_hub.update(theirs, StatusId=4)
    new_hub.commented(theirs, OVER)
    first, end = findings.inbox_at_rest(emulator)
    assert (end["title"], end["thread"]) == (f"Finding of {product}", first["thread"])
    assert end["text"] == f"{AT_ONCE}\nSent as High\nAccount {account}, {HERE}"

    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    assert emulator.writes() == []
    assert "1 target: 1 in order." in playbooks.run("securityhub_slack_doctor").output
    over = ocsf(CONTROL, 2, status="Resolved", comment=f"Sent as Critical by {MARK} at x")
    (playbooks.folder / "over.json").write_text(json.dumps([over, {**over, "comment": "x"}]), encoding="utf-8")
    found = playbooks.ok("securityhub_slack_simulate", "securityhub_slack_simulation", simulate_files=["over.json"])
    reported = f"its end is reported by {HERE} (rule securityhub-slack-resolved) to securityhub-slack"
    listed = json.dumps(found.result["findings"])
    assert (listed.count(reported), listed.count("not sent: workflow status is RESOLVED")) == (1, 2)


def test_the_role_for_the_new_hub_may_do_what_the_machine_does_and_nothing_else(emulator, new_hub):
    finding = ocsf(THREAT, 1)
    new_hub.sent(finding)
    iam = emulator.client("iam")
    name = f"{MARK}-Notified-{HERE}"
    policy = iam.get_role_policy(RoleName=name, PolicyName="MarkFindingsNotified")["PolicyDocument"]
    boundary = json.loads((findings.ROOT / "roles/securityhub_slack/files/iam/boundary.json").read_text())
    for document in (policy, boundary):
        emulator.ask("POST", "callers", {findings.ADMINISTRATOR: [document]})
        new_hub.finding(finding["metadata"]["uid"])
        for changes in ({"Comment": "x"}, {"Comment": "x", "StatusId": 2}, {"StatusId": 2}):
            new_hub.update(finding, **changes)
        for changes in (
            {"StatusId": 1},
            {"SeverityId": 1},
            {"Comment": "x", "StatusId": 3},
            {"Comment": "x", "SeverityId": 1},
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                new_hub.update(finding, **changes)
