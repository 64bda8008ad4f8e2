# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of an acceptance run, in order, each proved by what AWS says and not by the playbook alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from ansible_collections.secops.securityhub.tests.acceptance import commands
from ansible_collections.secops.securityhub.tests.acceptance import leftovers
from ansible_collections.secops.securityhub.tests.acceptance.account import Account
from ansible_collections.secops.securityhub.tests.acceptance.account import Refused
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.commands import Playbooks
from ansible_collections.secops.securityhub.tests.acceptance.commands import Run
from ansible_collections.secops.securityhub.tests.acceptance.report import FAILED
from ansible_collections.secops.securityhub.tests.acceptance.report import LEFT_OUT
from ansible_collections.secops.securityhub.tests.acceptance.report import NOT_CONFIRMED
from ansible_collections.secops.securityhub.tests.acceptance.report import PASSED
from ansible_collections.secops.securityhub.tests.acceptance.report import Step
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial

LATE_SECONDS = 180


def check_start(account: Account, *, adopt: bool) -> None:
    """Raise Refused with all reasons why a run must not start. Writes nothing."""
    reasons = [*_of_workspace(account), *_of_regions(account), *_of_leftovers(account)]
    if not adopt:
        reasons += _of_channel(account)
    if reasons:
        raise Refused("\n".join(reasons))


def _of_workspace(account: Account) -> Iterator[str]:
    wanted = account.settings.workspace_id
    found = account.pages(account.chatbot(), "describe_slack_workspaces", "SlackWorkspaces")
    if wanted not in [workspace["SlackTeamId"] for workspace in found]:
        yield (
            f"Workspace {wanted} is not authorized in the account. Authorize it in the console of Amazon Q Developer "
            "in chat applications."
        )


def _of_regions(account: Account) -> Iterator[str]:
    for region in account.settings.regions:
        if account.hub_tags(region) is None:
            yield f"Security Hub CSPM is not enabled in {region}. Enable it, or leave the region out of regions."
    region = account.settings.region_without_hub
    if region and account.hub_tags(region) is not None:
        yield (
            f"Security Hub CSPM is enabled in {region}, and the test of securityhub_hub would disable it. "
            "Set region_without_hub to another region."
        )
    if account.settings.finding_aggregator and _aggregators(account):
        yield "The account has a finding aggregator, and the test would change and delete it. Unset finding_aggregator."


def _of_leftovers(account: Account) -> Iterator[str]:
    for resource in leftovers.find(account):
        if resource.ours:
            yield f"{resource} is left from an earlier run. Run tests/run/acceptance --clean."
        else:
            yield f"{resource} was not created by this command. Choose another prefix."


def _of_channel(account: Account) -> Iterator[str]:
    for found in account.configurations():
        if found["SlackChannelId"] == account.settings.channel_id:
            yield (
                f"Channel {found['SlackChannelId']} belongs to the configuration {found['ConfigurationName']}. Choose "
                "another channel, or add --adopt-channel: its topics stay, and those of the run come and go."
            )


def _aggregators(account: Account) -> list[Any]:
    client = account.client("securityhub", account.settings.regions[0])
    return list(account.pages(client, "list_finding_aggregators", "FindingAggregators"))


class Steps:
    """The steps of a run, in one account. *trial*: knows when the run began, how long to wait, and whom to ask."""

    def __init__(self, account: Account, playbooks: Playbooks, trial: Trial) -> None:
        self.account = account
        self.settings = account.settings
        self.playbooks = playbooks
        self.trial = trial
        self.before = self.untouched()

    def untouched(self) -> dict[str, Any]:
        """Return what a run must leave as it is: where Security Hub is on, aggregation, and others' configurations."""
        return {
            "Security Hub": [name for name in self.settings.all_regions if self.account.hub_tags(name) is not None],
            "aggregators": _aggregators(self.account),
            "configurations": sorted(
                (
                    {**item, "SnsTopicArns": sorted(item.get("SnsTopicArns") or [])}
                    for item in self.account.configurations()
                    if item["ConfigurationName"] != self.settings.prefix
                ),
                key=lambda item: str(item["ChatConfigurationArn"]),
            ),
        }

    def deploy(self) -> Iterator[Step]:
        """Deploy all regions."""
        done = self.playbooks.run("securityhub_slack")
        yield _step("deploy", done, "localhost" in done.changed, _summary(done))

    def doctor(self) -> Iterator[Step]:
        """Let the doctor examine the deployment."""
        yield self._doctor("doctor after the deployment", in_order=True)

    def canary(self) -> Iterator[Step]:
        """Import a canary finding in each region, and follow it: rule, topic, channel."""
        seconds = int(min(600, max(1, self.trial.patience)))
        done = self.playbooks.run("securityhub_slack_canary", securityhub_slack_canary_timeout=seconds)
        yield _step("canary", done, True, _summary(done))
        count = len(self.settings.regions)
        # Metrics come minutes late, so wait for the last ones first.
        posted = self._wait(lambda: self._posted() >= count)
        rules, failed, published = self._forwarded()
        yield Step(
            "rules invoked without FailedInvocations",
            _state(_in_each(rules, count) and not any(failed.values())),
            f"AWS/Events Invocations: {rules}; FailedInvocations: {failed}",
        )
        yield Step(
            "topics published",
            _state(_in_each(published, count)),
            f"AWS/SNS NumberOfMessagesPublished: {published}",
        )
        yield Step("channel metric", _state(posted), f"AWS/Chatbot MessageDeliverySuccess: {self._posted()}")
        yield self._seen(f"Does the channel show {count} messages titled 'TEST, please ignore'?")

    def again(self) -> Iterator[Step]:
        """Run the deployment again: nothing may change."""
        done = self.playbooks.run("securityhub_slack")
        yield _step("second run", done, not done.changed, _summary(done))

    def drift(self) -> Iterator[Step]:
        """Disable a rule by hand, and let the doctor find and the playbook repair it."""
        region, rule = self._first_rule()
        events = self.account.client("events", region)
        events.disable_rule(Name=rule)
        yield self._doctor(f"doctor after {rule} was disabled by hand in {region}", in_order=False)
        done = self.playbooks.run("securityhub_slack", securityhub_slack_repair_drift=True)
        state = wait_for(lambda: events.describe_rule(Name=rule)["State"] == "ENABLED", self.trial.soon, 2)
        yield _step("repair", done, bool(state), f"{_summary(done)} Rule enabled: {state}")
        yield self._doctor("doctor after the repair", in_order=True)

    def remove(self) -> Iterator[Step]:
        """Remove the deployment."""
        done = self.playbooks.run("securityhub_slack", securityhub_slack_state="absent")
        yield _step("removal", done, True, _summary(done))

    def integration(self, targets: list[str] | None, *, adopted: bool) -> Iterator[Step]:
        """Run the integration target of each module; after the removal, because they use the channel."""
        chosen, left_out = commands.integration_targets(self.settings)
        credentials = self.account.session.get_credentials().get_frozen_credentials()._asdict()
        for target in chosen:
            if targets is not None and target not in targets:
                left_out[target] = "it is not one of --targets"
                continue
            if adopted and target in commands.USE_CHANNEL:
                left_out[target] = "the channel belongs to a configuration of others"
                continue
            done = commands.integration(target, self.settings, credentials, self.playbooks.folder)
            yield _step(f"integration target {target}", done, True, "create, update, delete, with check mode and twice")
        for target, reason in left_out.items():
            yield Step(f"integration target {target}", LEFT_OUT, reason)

    def clean(self) -> Iterator[Step]:
        """Remove all that is left of the run, also after an abort, and prove it."""
        found = self.left()
        if any(resource.ours and resource.kind != "active test finding" for resource in found):
            self.playbooks.run("securityhub_slack", securityhub_slack_state="absent")
            found = self.left()
        reasons = leftovers.remove(self.account, found)
        self._delete_aggregators()
        # AWS's lists need some time until they are correct; those of queues a minute.
        seconds = min(LATE_SECONDS, self.trial.patience)
        wait_for(lambda: not self.left(), seconds, min(5, seconds / 3))
        left = self.left()
        seen = "; ".join([*reasons, *map(str, left)])
        yield Step("nothing with the prefix is left", _state(not left), seen or "nothing found")

    def _delete_aggregators(self) -> None:
        """Delete the finding aggregator that an interrupted integration target leaves behind; there was none before."""
        client = self.account.client("securityhub", self.settings.regions[0])
        for found in _aggregators(self.account) if self.settings.finding_aggregator else ():
            if found not in self.before["aggregators"]:
                client.delete_finding_aggregator(FindingAggregatorArn=found["FindingAggregatorArn"])

    def left(self) -> list[leftovers.Resource]:
        """Return what is left with the prefix of the run."""
        return leftovers.find(self.account)

    def compare(self) -> Iterator[Step]:
        """Prove that what belongs to others is as it was before."""
        after = self.untouched()
        changed = [name for name, value in self.before.items() if value != after[name]]
        yield Step("what belongs to others is unchanged", _state(not changed), f"changed: {_listed(changed)}")

    def _doctor(self, name: str, *, in_order: bool) -> Step:
        path = self.playbooks.folder / "doctor.json"
        path.unlink(missing_ok=True)
        variables = {"securityhub_slack_doctor_json": str(path), "securityhub_slack_doctor_html": ""}
        done = self.playbooks.run("securityhub_slack_doctor", **variables)
        targets = json.loads(path.read_text(encoding="utf-8"))["targets"] if path.exists() else {}
        problems = [
            f"{host}: {check['problem']}"
            for host, target in targets.items()
            for check in target["checks"].values()
            if check["problem"]
        ]
        # Not its verdict, which is about the other regions of the account, too.
        states = {target["state"] for target in targets.values()}
        working = bool(states & {"ok", "risk"}) and states <= {"ok", "risk", "none"}  # none: linked to a home region
        as_expected = working if in_order else "broken" in states
        return Step(name, _state(as_expected), "; ".join(problems) or _summary(done) or done.last_words)

    def _wait(self, condition: Callable[[], bool]) -> bool:
        return bool(wait_for(condition, self.trial.patience, min(15, self.trial.patience / 10)))

    def _posted(self) -> int:
        name = self._configuration()
        return self.account.of_chatbot("MessageDeliverySuccess", name, self.trial.started)

    def _configuration(self) -> str:
        of_channel = (
            str(item["ConfigurationName"])
            for item in self.account.configurations()
            if item["SlackChannelId"] == self.settings.channel_id
        )
        return next(of_channel, self.settings.prefix)

    def _forwarded(self) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        """Return, by region with rules, invocations, failed invocations and published messages, when they have come.

        If regions are linked to a home region, only that one has rules.
        """
        count = len(self.settings.regions)
        rules = {region: found for region in self.settings.regions if (found := self._rules(region))}

        def of_rules(metric: str) -> dict[str, int]:
            return {
                region: sum(
                    self.account.metric(region, "AWS/Events", metric, ("RuleName", rule), self.trial.started)
                    for rule in names
                )
                for region, names in rules.items()
            }

        def published() -> dict[str, int]:
            topic = ("TopicName", self.settings.prefix)
            return {
                region: self.account.metric(region, "AWS/SNS", "NumberOfMessagesPublished", topic, self.trial.started)
                for region in rules
            }

        self._wait(lambda: _in_each(of_rules("Invocations"), count) and _in_each(published(), count))
        return of_rules("Invocations"), of_rules("FailedInvocations"), published()

    def _rules(self, region: str) -> list[str]:
        client = self.account.client("events", region)
        rules = self.account.pages(client, "list_rules", "Rules", NamePrefix=self.settings.prefix)
        return [rule["Name"] for rule in rules]

    def _first_rule(self) -> tuple[str, str]:
        """Return the region and name of a rule that forwards findings automatically."""
        for region in self.settings.regions:
            for name in self._rules(region):
                if name.startswith(f"{self.settings.prefix}-findings"):
                    return region, name
        raise Refused("The deployment has no rule that forwards findings automatically.")

    def _seen(self, question: str) -> Step:
        answer = self.trial.ask(question)
        state = NOT_CONFIRMED if answer is None else _state(answer)
        return Step("messages seen in the channel", state, question)


def _in_each(counts: dict[str, int], total: int) -> bool:
    """Tell whether each region has counted something, and all together have counted enough."""
    return all(counts.values()) and sum(counts.values()) >= total


def _state(good: bool) -> str:
    return PASSED if good else FAILED


def _step(name: str, done: Run, as_expected: bool, seen: str) -> Step:
    good = done.status == 0 and as_expected
    return Step(name, _state(good), seen if good else f"exit status {done.status}. {seen}\n{done.last_words}")


def _summary(done: Run) -> str:
    """Return the sentences of the output that count the targets. They may have several lines."""
    found = re.search(r"^ *(\d+ targets?: .*?(?:\.|secops\.securityhub\.\w+))$", done.output, re.M | re.S)
    return " ".join(found[1].split()) if found else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
