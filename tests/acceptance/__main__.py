# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove the collection on a real AWS account: deploy, test, break, repair, remove, and report what AWS did."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.acceptance import commands
from ansible_collections.secops.securityhub.tests.acceptance import plan
from ansible_collections.secops.securityhub.tests.acceptance import settings as settings_of_run
from ansible_collections.secops.securityhub.tests.acceptance import trials
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.account import Refused
from ansible_collections.secops.securityhub.tests.acceptance.masking import Mask
from ansible_collections.secops.securityhub.tests.acceptance.recording import Recorder
from ansible_collections.secops.securityhub.tests.acceptance.report import FAILED
from ansible_collections.secops.securityhub.tests.acceptance.report import Report
from ansible_collections.secops.securityhub.tests.acceptance.report import Step
from ansible_collections.secops.securityhub.tests.acceptance.settings import InvalidSettings
from ansible_collections.secops.securityhub.tests.acceptance.settings import Settings
from ansible_collections.secops.securityhub.tests.acceptance.steps import Steps
from ansible_collections.secops.securityhub.tests.acceptance.steps import check_start
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PARTS = ("doctor", "canary", "again", "drift", "assumptions", "integration")
PASSED, NOT_PASSED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def say(line: str) -> None:
    """Show a line of progress."""
    print(line, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="tests/run/acceptance",
        description=__doc__,
        epilog="Credentials: of the environment, or --profile. Exit status: 0 passed, 1 failed, 2 refused to start.",
    )
    settings_of_run.add_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would be created and its cost, write nothing")
    parser.add_argument("--clean", action="store_true", help="only remove what an aborted run has left, and prove it")
    parser.add_argument("--yes", action="store_true", help="ask nothing; what only a person can see is not confirmed")
    parser.add_argument("--adopt-channel", action="store_true", help="use a channel that has a configuration already")
    parser.add_argument("--skip", type=_parts, default=[], metavar="PART,PART", help=f"leave out {', '.join(PARTS)}")
    parser.add_argument("--targets", type=_targets, metavar="TARGET,TARGET", help="only these integration targets")
    parser.add_argument("--patience", type=float, default=900, help="seconds to wait for metrics (default: 900)")
    parser.add_argument("--report", type=Path, default=Path("acceptance-report"), help="path without suffix")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep AWS's answers there, without names and IDs")
    return parser.parse_args(arguments)


def _parts(text: str) -> list[str]:
    unknown = set(text.split(",")) - set(PARTS)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
    return text.split(",")


def _targets(text: str) -> list[str]:
    unknown = set(text.split(",")) - set(commands.NEEDS)
    if unknown:
        raise argparse.ArgumentTypeError(f"not {', '.join(sorted(unknown))}, but some of {', '.join(commands.NEEDS)}")
    return text.split(",")


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status."""
    options = parse(arguments)
    try:
        settings = settings_of_run.read(options)
        known = {settings.workspace_id: "T0000000000", settings.channel_id: "C0000000000"}
        mask = Mask(settings.account_id, settings.prefix, known)
        recorder = Recorder(mask) if options.record else None
        account = Account(settings, mask, recorder)
        if options.clean:
            return _clean(account, options)
        check_start(account, adopt=options.adopt_channel)
    except (InvalidSettings, Refused, BotoCoreError, ClientError) as error:
        print(f"Refused: {error}", file=sys.stderr)
        return REFUSED
    if options.dry_run:
        return _dry_run(account, options)
    if not _may_start(settings, options):
        return REFUSED
    status = Acceptance(account, options).run()
    if recorder:
        recorder.write(options.record)
        say(f"AWS's answers without names and IDs: {options.record}")
    return status


def asker(options: argparse.Namespace) -> Callable[[str], bool | None]:
    """Return what asks a person a question, or returns None if there is none."""

    def ask(question: str) -> bool | None:
        if options.yes or not sys.stdin.isatty():
            return None
        answer = ""
        while answer not in ("y", "n"):
            answer = input(f"{question} [y/n] ").strip().lower()
        return answer == "y"

    return ask


def _may_start(settings: Settings, options: argparse.Namespace) -> bool:
    question = f"Create and delete resources in account {settings.account_id}, {', '.join(settings.regions)}?"
    if options.yes or asker(options)(question):
        return True
    say("Not started. Add --yes to run without questions, or --dry-run to see what would be created.")
    return False


def _dry_run(account: Account, options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        done = commands.Playbooks(account.settings, Path(folder)).run("securityhub_slack", "--check")
    say(done.output)
    for line in plan.lines(account.settings, options.patience):
        say(line)
    say("Nothing was written to AWS.")
    return PASSED if done.status == 0 else NOT_PASSED


def _clean(account: Account, options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        playbooks = commands.Playbooks(account.settings, Path(folder))
        steps = Steps(account, playbooks, Trial(account, options.patience, asker(options)))
        done = list(steps.clean())
    for step in done:
        say(f"{step.state}: {step.name}: {step.seen}")
    return PASSED if all(step.state != FAILED for step in done) else NOT_PASSED


class Acceptance:
    """A whole run: steps, cleanup in any case, and the report."""

    def __init__(self, account: Account, options: argparse.Namespace) -> None:
        self.account = account
        self.options = options
        self.report = Report(
            versions={**commands.versions(), "date": time.strftime("%Y-%m-%d", time.gmtime())},
            regions=account.settings.regions,
            emulated=bool(os.environ.get("AWS_ENDPOINT_URL")),
        )

    def run(self) -> int:
        """Run all steps, clean up, write the report, and return the exit status."""
        for number in SIGNALS:
            signal.signal(number, _interrupt)
        with tempfile.TemporaryDirectory() as folder:
            playbooks = commands.Playbooks(self.account.settings, Path(folder))
            trial = Trial(self.account, self.options.patience, asker(self.options))
            steps = Steps(self.account, playbooks, trial)
            try:
                self._work(steps, trial)
            except KeyboardInterrupt:
                self.report.interrupted = True
            finally:
                self._finish(steps)
        for path in self.report.write(self.options.report, self.account.mask):
            say(f"Report: {path}")
        if self.report.interrupted:
            return INTERRUPTED
        return PASSED if self.report.passed else NOT_PASSED

    def _work(self, steps: Steps, trial: Trial) -> None:
        self._note_all("deploy", steps.deploy)
        if not self.report.passed:
            return
        parts: dict[str, Callable[[], Iterator[Step]]] = {
            "doctor": steps.doctor,
            "canary": steps.canary,
            "again": steps.again,
            "drift": steps.drift,  # before the assumptions, whose messages the doctor would report
            "assumptions": lambda: self._assumptions(trial),
            "removal": steps.remove,
            "integration": lambda: steps.integration(self.options.targets, adopted=self.options.adopt_channel),
        }
        for name, part in parts.items():
            if name not in self.options.skip:
                self._note_all(name, part)

    def _assumptions(self, trial: Trial) -> Iterator[Step]:
        self.report.findings += trials.settle(trial, say)
        self.report.findings += trials.untested()
        yield from ()

    def _finish(self, steps: Steps) -> None:
        for number in SIGNALS:
            signal.signal(number, lambda *_more: say("Cleaning up. To continue later: tests/run/acceptance --clean"))
        self._note_all("cleanup", steps.clean)
        self._note_all("comparison", steps.compare)
        try:
            self.report.left = [str(resource) for resource in steps.left()]
        except (BotoCoreError, ClientError) as error:
            self.report.left = [f"unknown: {error}. Run tests/run/acceptance --clean."]

    def _note_all(self, name: str, part: Callable[[], Iterator[Step]]) -> None:
        """Note the steps of a part of the run; one that cannot continue has failed, and the next one begins."""
        say(f"{name} ...")
        try:
            for step in part():
                self._note(step)
        except Exception as error:
            self._note(Step(name, FAILED, f"{type(error).__name__}: {error}"))

    def _note(self, step: Step) -> None:
        self.report.steps.append(step)
        say(f"{step.state}: {step.name}" + (f": {step.seen}" if step.state == FAILED else ""))


def _interrupt(*_more: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
