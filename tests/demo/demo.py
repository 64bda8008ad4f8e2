# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: deploy, import findings, show the messages, run again, preview a change, follow a finding, and remove all.

Exits with 0 if all checks pass, and with 1 otherwise; the last lines then explain what failed.
"""

from __future__ import annotations

import copy
import datetime
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from typing import Any

import explanations
import yaml
from local_aws import ACCOUNT
from local_aws import ROOT
from local_aws import LocalAws

INVENTORY = "inventories/demo"
PLAYBOOK = ("ansible-playbook", f"-i {INVENTORY}", "playbooks/securityhub_slack.yml")
MEMBERS = ("222222222222", "333333333333")
CHANNEL = "C0123456789"
STEPS = 8
STEPS_IF_KEPT = 6
ONE_MORE = "rds-2-critical-ap-northeast-1"  # a finding that the demo does not import
WIDTH = 80
SECONDS_AT_MOST = 60  # until a message arrives
# Prefixes of lines that Ansible writes about itself.
ANSIBLE_LINES = ("PLAY [", "TASK [", "ok: [", "changed: [", "skipping: ")


class NotAsExpected(Exception):
    """A result of the demo is wrong."""


class Demo:
    """The steps of the demo, on one emulator."""

    def __init__(self, aws: LocalAws, *, keep: bool) -> None:
        self.aws = aws
        self.keep = keep
        self.script = yaml.safe_load((ROOT / "tests/demo/findings.yml").read_text(encoding="utf-8"))
        self.findings = {
            name: json.loads((ROOT / f"tests/findings/{name}.json").read_text(encoding="utf-8"))
            for name in self.script["import"]
        }
        self.policies = explanations.regions_with_policies(INVENTORY)
        self.step = 0

    def run(self) -> None:
        """Run all steps. Raises NotAsExpected."""
        self.begin()
        self.deploy()
        self.import_findings()
        self.show_messages()
        self.run_again()
        self.preview_a_change()
        self.follow_a_finding()
        if not self.keep:
            self.remove()
            self.show_what_remains()

    def begin(self) -> None:
        """Create the accounts in the emulator and explain what the demo shows."""
        administrator = {"hubs": "all", "workspaces": [{"SlackTeamId": "T0123456789", "SlackTeamName": "demo"}]}
        members = {member: {"hubs": "all", "administrator": ACCOUNT} for member in MEMBERS}
        self.aws.ask("POST", "world", {"accounts": {ACCOUNT: administrator, **members}})
        say("Security Hub findings of 17 regions, each once, in one Slack channel.")
        say("AWS and Slack are emulated on this machine: no data leaves it, and you need no account.")
        say("You can run the lines that begin with $ yourself. Start with make demo KEEP=1, then run:")
        print(f"    . .venv/bin/activate\n    export EMULATOR_PORT={self.aws.port}")
        print(f"    export AWS_ACCESS_KEY_ID={ACCOUNT} AWS_SECRET_ACCESS_KEY=any")
        say("Lines that Ansible prints about itself (PLAY, TASK, changed, RECAP) are omitted here.")

    def deploy(self) -> None:
        """Deploy everything."""
        self.heading("Deploy: 17 regions of one account")
        self.play()
        self.show_holdings()

    def import_findings(self) -> None:
        """Import findings, update one, and send one by hand."""
        self.heading("Import findings into Security Hub")
        accounts = {finding["AwsAccountId"] for finding in self.findings.values()}
        regions = {finding["Region"] for finding in self.findings.values()}
        say(
            f"{len(self.findings)} findings of {len(accounts)} accounts in {len(regions)} regions are imported with "
            f"BatchImportFindings (they are in tests/findings). Account {ACCOUNT} is the Security Hub administrator "
            f"of the other accounts and receives their findings too."
        )
        for name, finding in self.findings.items():
            self.import_finding(name, finding)
        update = self.script["update"]
        for status in update["workflow"]:
            self.update_finding(self.findings[update["finding"]], status)
        say(f"One is updated twice, to {' and to '.join(update['workflow'])}: {update['finding']}")
        sent = self.findings[self.script["send"]]
        by_hand = {"account": ACCOUNT, "region": sent["Region"], "action": "SendToSlack", "finding_ids": [sent["Id"]]}
        self.aws.ask("POST", "custom_action", by_hand)
        say(f'One is sent by hand, with the custom action "Send to Slack": {self.script["send"]}')

    def import_finding(self, name: str, finding: dict[str, Any]) -> None:
        """Import one finding, as the service that detected it would."""
        client = self.aws.client("securityhub", finding["Region"], finding["AwsAccountId"])
        failed = client.batch_import_findings(Findings=[finding])["FailedFindings"]
        if failed:
            raise NotAsExpected(f"{name} could not be imported: {failed[0]['ErrorMessage']}")

    def update_finding(self, finding: dict[str, Any], status: str) -> None:
        """Set the workflow status of a finding, as a person who works on it would."""
        self.aws.client("securityhub", finding["Region"]).batch_update_findings(
            FindingIdentifiers=[{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}],
            Workflow={"Status": status},
        )

    def show_messages(self) -> None:
        """Show which messages arrived and why the others did not, and check both."""
        self.heading(f"Messages in Slack channel {CHANNEL}")
        messages = self.aws.ask("GET", f"inbox?channel={CHANNEL}")
        print(" #  REGION          SEVERITY  TITLE")
        for number, message in enumerate(messages, start=1):
            line = f"{number:2}  {message['region']:14}  {message['severity']:8}  {message['title']}"
            print(line if len(line) <= WIDTH else f"{line[: WIDTH - 3].rstrip()}...")
        by_hand = [n for n, message in enumerate(messages, start=1) if message["detail_type"].endswith("Custom Action")]
        say(f"Number {', '.join(map(str, by_hand))} was sent by hand: no severity filter applies.")
        say(f"Each message has the buttons {', '.join(messages[0]['buttons'])}.")
        names = {finding["Id"]: name for name, finding in self.findings.items()}
        arrived = [names[message["finding_id"]] for message in messages]
        verdicts = self.verdicts()
        print("\nFindings that did not arrive, with the reason (from the deployed rules):")
        for name, verdict in verdicts.items():
            if name not in arrived:
                print(f"    {name}")
                say(f"        {verdict.sentence.removeprefix('not sent: ')}")
        self.check_messages(arrived, {name for name, verdict in verdicts.items() if verdict.sent})

    def verdicts(self) -> dict[str, Any]:
        """Return which rules match each finding and each update."""
        update = self.script["update"]
        updated = {
            f"{update['finding']}, updated to {status}": {
                **self.findings[update["finding"]],
                "Workflow": {"Status": status},
            }
            for status in update["workflow"]
        }
        rules = {region: state["rules"] for region, state in self.aws.state(list(self.policies))["regions"].items()}
        return explanations.verdicts(self.findings | updated, self.policies, rules, ACCOUNT)

    def check_messages(self, arrived: list[str], forwarded: set[str]) -> None:
        """Compare what arrived, and what the rules forward, with findings.yml."""
        expected = self.script["arrives"]
        if arrived != expected:
            raise NotAsExpected(
                f"expected messages: {', '.join(expected)}; messages that arrived: {', '.join(arrived)}"
            )
        if forwarded | {self.script["send"]} != set(expected):
            raise NotAsExpected(f"the patterns of the rules match {', '.join(sorted(forwarded))}")
        checked(f"exactly the {len(expected)} messages that tests/demo/findings.yml expects, each once")

    def run_again(self) -> None:
        """Run a second time."""
        self.heading("Run again: nothing to do")
        before = self.requests_so_far()
        changed = self.play()
        self.check_nothing_written(before)
        if changed:
            raise NotAsExpected("the second run changed something")
        checked("changed=0, and none of the calls was a write")

    def preview_a_change(self) -> None:
        """Preview a change in check mode."""
        self.heading("Preview a change: eu-west-1 forwards HIGH too")
        before = self.requests_so_far()
        changed = self.play("--check --diff --limit eu-west-1", "-e securityhub_slack_minimum_severity=HIGH")
        self.check_nothing_written(before)
        if not changed:
            raise NotAsExpected("the preview shows no change")
        checked("nothing was written")

    def follow_a_finding(self) -> None:
        """Let a finding be detected, sent, corrected hours later, and reported in its thread."""
        life = self.script["life"]
        self.heading("Follow one finding from its first message to its end")
        region = self.findings[life["finding"]]["Region"]
        variables = [f"-e securityhub_slack_{name}={value}" for name, value in life["variables"].items()]
        self.play(f"--limit {region}", *variables)
        finding = copy.deepcopy(self.findings[life["finding"]])
        hours, now = life["hours"], datetime.datetime.now(datetime.timezone.utc)
        created, updated = (
            when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            for when in (now, now + datetime.timedelta(hours=hours))
        )
        finding |= {"Id": f"{finding['Id']}-2", "CreatedAt": created, "UpdatedAt": created}
        self.import_finding(life["finding"], finding)
        first = self.thread(finding, 1)
        self.aws.ask("POST", "clock", {"seconds": 3600 * hours})
        self.import_finding(life["finding"], finding | {"UpdatedAt": updated} | life["corrected"])
        messages = self.thread(finding, 2)
        for message, what in zip(messages, ("In the channel", f"In the thread of this message, {hours} hours later")):
            print(f"\n{what}:")
            print(textwrap.indent(f"{message['title']}\n{message['text']}", "    "))
        print()
        if messages[: len(first)] != first or len({message["thread"] for message in messages}) != 1:
            raise NotAsExpected("the end of the finding is not in the thread of its first message")
        if f"No longer open after {hours} hours" not in messages[1]["text"]:
            raise NotAsExpected(f"the end of the finding does not say that it was open for {hours} hours")
        checked(f"the finding has two messages in one thread, and the second one says: after {hours} hours")

    def thread(self, finding: dict[str, Any], number: int) -> list[dict[str, Any]]:
        """Return the messages about a finding, when it has so many and is marked as sent or as over."""
        deadline = time.monotonic() + SECONDS_AT_MOST
        while time.monotonic() < deadline:
            found = [item for item in self.aws.ask("GET", "inbox") if item["finding_id"] == finding["Id"]]
            mark = "OVER" if number > 1 else f"{finding['Severity']['Label']} at "
            if len(found) >= number and self.mark(finding).startswith(mark):
                return found
            time.sleep(0.1)
        raise NotAsExpected(f"{len(found)} of {number} messages about {finding['Id']} have arrived")

    def mark(self, finding: dict[str, Any]) -> str:
        """Return the user-defined field of a finding that says that it was sent."""
        filters = {"Id": [{"Value": finding["Id"], "Comparison": "EQUALS"}]}
        (found,) = self.aws.client("securityhub", finding["Region"]).get_findings(Filters=filters)["Findings"]
        return str(found.get("UserDefinedFields", {}).get("securityhub-slack", ""))

    def remove(self) -> None:
        """Remove everything."""
        self.heading("Remove everything")
        self.play("-e securityhub_slack_state=absent")

    def show_what_remains(self) -> None:
        """Read back what AWS has."""
        self.heading("Read back what remains")
        if any(self.show_holdings().values()):
            raise NotAsExpected("some resources remain")
        checked("no resources remain")

    # Parts of the steps

    def heading(self, text: str) -> None:
        """Print the heading of a step."""
        self.step += 1
        print(f"\n== {self.step}/{STEPS_IF_KEPT if self.keep else STEPS} {text}", flush=True)

    def play(self, *arguments: str) -> int:
        """Run the playbook, print its output, and return the number of changes in Ansible's recap."""
        command = [*PLAYBOOK, *arguments]
        print("$ " + command_line(command), flush=True)
        running = subprocess.Popen(
            " ".join(command).split(),
            cwd=ROOT,
            env=self.aws.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        output, blank, recap = [], "", False
        for line in (line.rstrip() for line in running.stdout):
            output.append(line)
            recap = recap or line.startswith("PLAY RECAP")
            if recap or line.startswith(ANSIBLE_LINES):
                continue
            if line:
                print(blank + line, flush=True)
            blank = "" if line else "\n"
        if running.wait() != 0:
            said = "\n".join(output)
            raise NotAsExpected(f"the playbook's exit code is {running.returncode}; its output:\n{said}")
        return sum(int(count) for line in output for count in re.findall(r"changed=(\d+)", line))

    def show_holdings(self) -> dict[str, int]:
        """Count the resources of the account, print the numbers, and return them."""
        state = self.aws.state(list(self.policies))
        in_regions = state["regions"].values()
        found = {
            "stack": sum(len(region["stacks"]) for region in in_regions),
            "custom action": sum(len(region["actions"]) for region in in_regions),
            "topic": sum(len(region["topics"]) for region in in_regions),
            "rule": sum(len(region["rules"]) for region in in_regions),
            "channel configuration": len(state["configurations"]),
            "role": len(state["roles"]),
            "policy": len(state["policies"]),
        }
        plural = {name: f"{name}s" for name in found} | {"policy": "policies"}
        counts = (f"{number} {name if number == 1 else plural[name]}" for name, number in found.items())
        say(f"Read back from AWS: {', '.join(counts)}.")
        return found

    def requests_so_far(self) -> int:
        """Return the number of the last request to AWS."""
        return int(self.aws.ask("GET", "status")["requests"])

    def check_nothing_written(self, before: int) -> None:
        """Raise NotAsExpected if a request after number *before* was a write."""
        written = [entry["operation"] for entry in self.aws.ask("GET", f"requests?since={before}") if entry["write"]]
        if written:
            raise NotAsExpected(f"AWS was written to: {', '.join(written)}")


def command_line(parts: list[str]) -> str:
    """Return a command as a user would type it, on several lines if it is long."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(f"    {lines[-1]} {part} \\") <= WIDTH:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return " \\\n    ".join(lines)


def say(text: str) -> None:
    """Print a sentence, with all lines indented as the first one."""
    indent = " " * (len(text) - len(text.lstrip()))
    print("\n".join(textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)), flush=True)


def checked(text: str) -> None:
    """Print a check that passed."""
    say(f"Checked: {text}.")


def main() -> int:
    """Start an emulator, run the demo, and stop the emulator."""
    started = time.monotonic()
    keep = os.environ.get("KEEP", "0") not in ("", "0")
    # The emulator is stopped on SIGTERM, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Starting the AWS emulator", flush=True)
    aws = LocalAws.started()
    try:
        Demo(aws, keep=keep).run()
    except NotAsExpected as error:
        print(f"\nThe demo has failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    finally:
        if not keep:
            aws.launcher("stop")
    explain_next_steps(aws, time.monotonic() - started, keep)
    return 0


def explain_next_steps(aws: LocalAws, seconds: float, keep: bool) -> None:
    """Print what to try next."""
    print(f"\nAll as expected, in {seconds:.0f} s.")
    if keep:
        say(f"Everything is still deployed. Open {aws.url}/ in a browser: it is the channel, and its buttons work.")
        say("To send one more message, import another finding (tests/findings has more):")
        print(f"    AWS_ENDPOINT_URL={aws.url} .venv/bin/python tests/import_findings.py {ONE_MORE}")
        say("To stop the emulator, run:")
        print(f"    EMULATOR_PORT={aws.port} tests/emulator/emulator stop")
        return
    say(
        f"The emulator is stopped. To see the channel in a browser and to try your own commands, run make demo KEEP=1 "
        f"and open {aws.url}/."
    )
    say("To deploy to your own account, continue with README.md.")


if __name__ == "__main__":
    sys.exit(main())
