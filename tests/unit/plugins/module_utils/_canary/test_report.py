# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a canary fits a terminal, names the losses, and counts the rest."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._canary.channels import ChannelOutcome
from ansible_collections.secops.securityhub.plugins.module_utils._canary.findings import TestFinding as Finding
from ansible_collections.secops.securityhub.plugins.module_utils._canary.listeners import Listener
from ansible_collections.secops.securityhub.plugins.module_utils._canary.probes import Destination
from ansible_collections.secops.securityhub.plugins.module_utils._canary.probes import Probe
from ansible_collections.secops.securityhub.plugins.module_utils._canary.probes import ProbeOutcome
from ansible_collections.secops.securityhub.plugins.module_utils._channel import metrics
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import PLATFORMS
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._report import canary as report
from ansible_collections.secops.securityhub.tests.unit import account_model

TOPIC = "securityhub-slack"
ARN = f"arn:aws:sns:eu-west-1:111111111111:{TOPIC}"
DESTINATION = Destination(TOPIC, ARN, Channel("securityhub-slack", "T0", "C0", ""), "")
FINDING = Finding("1", "HIGH", {}, {}, (TOPIC,))


def outcome(host, *, arrived=True, untested=(), left_behind=()):
    """The outcome of a probe that was sent and whose rule matched."""
    target = TargetSnapshot(account_model.settings("eu-west-1", host))
    return ProbeOutcome(
        Probe(target, findings=(FINDING,), destinations=(DESTINATION,), untested=untested),
        listener=Listener(target.settings, "https://sqs/queue", frozenset()),
        matched={("1", TOPIC): ("rule",)},
        arrived={("1", TOPIC): 12.34} if arrived else {},
        imported=True,
        left_behind=left_behind,
    )


def table(*outcomes):
    return report.table(list(outcomes), [])


def test_of_many_targets_only_losses_are_listed():
    hosts = [f"account-{number}.eu-west-1" for number in range(100)]
    lines = table(*(outcome(host, arrived=host != hosts[7]) for host in hosts))
    assert [line.split()[0] for line in lines if " ok " in line] == [hosts[7]]
    assert "  and 99 targets where everything arrived" in lines
    assert lines[-1] == "100 targets: 99 arrived, 1 lost."


def test_a_cause_is_printed_once():
    lines = table(*(outcome(host, arrived=False) for host in ("a", "b")))
    assert "a, b: LOST: The test finding matches rule, but no unchanged event" in " ".join(" ".join(lines).split())
    assert " ".join(lines).count("LOST") == 1


def test_long_name_gets_a_separate_line():
    host = "security-tooling-production-and-more-of-it.ap-southeast-1"
    lines = table(outcome(host), outcome("short.eu-west-1"))
    assert f"  {host}" in lines
    assert max(map(len, lines)) <= 80


def test_of_messages_that_are_lost_the_remedy_is_that_of_the_chat_platform():
    lost = [
        ChannelOutcome(None, "securityhub-slack", platform, "C0", frozenset({ARN}), {}, 1, {metrics.FAILED: 1})
        for platform in PLATFORMS
    ]
    shown = " ".join(" ".join(report.table([], lost)).split())
    assert "Slack channel C0 (securityhub-slack): LOST: Amazon Q could not post 1 message." in shown
    assert "and type /invite @Amazon Q in it. Then run the canary again." in shown
    assert "Microsoft Teams channel C0 (securityhub-slack): LOST: Amazon Q could not post 1 message." in shown
    assert "and add the app Amazon Q Developer to its team. Then run the canary again." in shown
    assert shown.endswith("Not posted to Slack: C0. Not posted to Microsoft Teams: C0.")


def test_an_untested_topic_is_named():
    found = outcome("a", untested=("securityhub-slack-other",))
    assert "  a: not tested: securityhub-slack-other" in table(found)


def test_leftovers_are_a_failure():
    text = " ".join(" ".join(table(outcome("a", left_behind=("AccessDenied.",)))).split())
    assert "a: FAILED: Some test resources could not be deleted (AccessDenied)." in text
