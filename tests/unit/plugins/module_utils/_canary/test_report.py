# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a canary fits a terminal, names what is lost, and counts what is not."""

from __future__ import annotations

from ansible_collections.secops.securityhub.plugins.module_utils._canary import report
from ansible_collections.secops.securityhub.plugins.module_utils._canary.flights import Flight
from ansible_collections.secops.securityhub.plugins.module_utils._canary.flights import Way
from ansible_collections.secops.securityhub.plugins.module_utils._canary.run import Canary
from ansible_collections.secops.securityhub.plugins.module_utils._canary.specimens import Specimen
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Channel
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot as Target
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet

TOPIC = "securityhub-slack"
WAY = Way(TOPIC, f"arn:aws:sns:eu-west-1:111111111111:{TOPIC}", Channel("securityhub-slack", "T0", "C0", ""))
SPECIMEN = Specimen({"Id": "1", "Severity": {"Label": "HIGH"}}, {}, (TOPIC,))


def flight(host, *, arrived=True):
    """A flight that has been sent; its rule matched."""
    found = Flight(
        Target(fleet.settings("eu-west-1", host)),
        specimens=(SPECIMEN,),
        ways=(WAY,),
        matched={("1", TOPIC): ["rule"]},
        imported=True,
    )
    if arrived:
        found.arrived[("1", TOPIC)] = 12.34
    return found


def table(*flights):
    return report.table(Canary(list(flights), [], check=False))


def test_of_many_targets_only_those_that_lose_something_are_listed():
    hosts = [f"account-{number}.eu-west-1" for number in range(100)]
    lines = table(*(flight(host, arrived=host != hosts[7]) for host in hosts))
    assert [line.split()[0] for line in lines if " ok " in line] == [hosts[7]]
    assert "  and 99 targets where all has arrived" in lines
    assert lines[-1] == "100 targets: 99 arrived, 1 lost."


def test_a_cause_is_said_once():
    lines = table(*(flight(host, arrived=False) for host in ("a", "b")))
    assert "a, b: LOST: rule matches, and no unchanged event has come" in " ".join(" ".join(lines).split())
    assert " ".join(lines).count("LOST") == 1


def test_a_long_name_gets_a_line_of_its_own():
    host = "security-tooling-production-and-more-of-it.ap-southeast-1"
    lines = table(flight(host), flight("short.eu-west-1"))
    assert f"  {host}" in lines
    assert max(map(len, lines)) <= 80


def test_a_topic_that_has_no_test_is_named():
    found = flight("a")
    found.untested = ("securityhub-slack-other",)
    assert "  a: not tested: securityhub-slack-other" in table(found)


def test_what_aws_says_is_inert():
    found = flight("a")
    found.left.append("\x1b]0;owned\x07{{ 7 * 7 }}")
    said = "\n".join(table(found))
    assert "\x1b" not in said
    assert "FAILED: something of the test could not be taken away" in " ".join(said.split())
