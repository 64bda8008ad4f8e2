# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan against an AWS that is slow, shared and forgetful, in virtual time."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from dataclasses import replace

import botocore.exceptions
import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import Desired
from ansible_collections.secops.securityhub.plugins.module_utils._channel.plans import Removal
from ansible_collections.secops.securityhub.plugins.module_utils._channel.platforms import SLACK
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from ansible_collections.secops.securityhub.tests.unit.stubbed import Stubbed
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

ROLE = "arn:aws:iam::111111111111:role/securityhub-slack-channel"
ARN = "arn:aws:chatbot::111111111111:chat-configuration/slack-channel/"


def refusal(code, text, status=400):
    error = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.exceptions.ClientError(error, "Operation")


class Chatbot:
    """The few rules of AWS that merging must live with; *pause* is called before and after each effect."""

    def __init__(self, *configurations, teams=("T0000TEAM",), pause=lambda: None):
        self.configurations = {found["ConfigurationName"]: found for found in configurations}
        self.teams = teams
        self.pause = pause
        self.refusals = []
        self.before_write = None  # called once
        self.calls = []
        self.platform = replace(
            SLACK,
            list_configurations=lambda _client: self._call("list", self._list),
            list_teams=lambda _client: [{"SlackTeamId": team, "SlackTeamName": "example"} for team in self.teams],
            create=lambda _client, members: self._call("create", lambda: self._create(members)),
            update=lambda _client, members: self._call("update", lambda: self._update(members)),
            delete=lambda _client, arn: self._call("delete", lambda: self._delete(arn)),
        )

    def _call(self, name, effect):
        self.pause()
        self.calls.append(name)
        if name != "list" and self.before_write:
            before_write, self.before_write = self.before_write, None
            before_write()
        if name != "list" and self.refusals:
            raise self.refusals.pop(0)
        answer = effect()
        self.pause()
        return answer

    def _list(self):
        return [dict(found) for found in self.configurations.values()]

    def _create(self, members):
        if members["ConfigurationName"] in self.configurations:
            raise refusal("ConflictException", "exists")
        for found in self.configurations.values():
            if found["SlackChannelId"] == members["SlackChannelId"]:
                text = "Slack channel with ID C0000CHAN in Slack team T0000TEAM has already been configured for AWS"
                raise refusal("InvalidRequestException", text)
        arn = ARN + members["ConfigurationName"]
        self.configurations[members["ConfigurationName"]] = {"Tags": [], **members, "ChatConfigurationArn": arn}

    def _update(self, members):
        name = members["ChatConfigurationArn"].rpartition("/")[2]
        if name not in self.configurations:
            raise refusal("ResourceNotFoundException", "no such configuration")
        self.configurations[name].update(members)

    def _delete(self, arn):
        return self.configurations.pop(arn.rpartition("/")[2], None) is not None

    def desired(self, *topics, **members):
        return Desired(
            "securityhub-slack", "T0000TEAM", "C0000CHAN", ROLE, add_topics=topics, platform=self.platform, **members
        )

    def removal(self, *topics):
        return Removal("securityhub-slack", topics, "T0000TEAM", "C0000CHAN", platform=self.platform)

    def topics(self, name="securityhub-slack"):
        return set(self.configurations[name]["SnsTopicArns"])


def existing(*topics, name="securityhub-slack", tags=()):
    return {
        "ChatConfigurationArn": ARN + name,
        "ConfigurationName": name,
        "SlackTeamId": "T0000TEAM",
        "SlackChannelId": "C0000CHAN",
        "IamRoleArn": ROLE,
        "SnsTopicArns": list(topics),
        "Tags": [{"TagKey": key, "TagValue": "true"} for key in tags],
    }


class Naps(list):
    """Stands for time.sleep and remembers what it was asked for, in seconds."""

    def __call__(self, seconds):
        self.append(seconds)


def test_a_second_run_asks_once_and_writes_nothing():
    chatbot, naps = Chatbot(), Naps()
    first = configuration.apply(Stubbed(), chatbot.desired("own"), sleep=naps)
    assert (first.changed, first.before) == (True, None)
    assert first.after["SnsTopicArns"] == ["own"]
    chatbot.calls.clear()
    naps.clear()
    second = configuration.apply(Stubbed(), chatbot.desired("own"), sleep=naps)
    assert second.changed is False
    assert (chatbot.calls, naps) == (["list"], [])


def test_an_empty_plan_spares_every_call():
    chatbot = Chatbot(existing("own"))
    wish = chatbot.desired("own")
    now = configuration.plan(chatbot.configurations.values(), wish)
    outcome = configuration.apply(Stubbed(), wish, now)
    assert (outcome.changed, chatbot.calls) == (False, [])


def test_outdated_plan_is_recomputed_so_that_no_topic_is_lost():
    chatbot = Chatbot(existing("foreign"))
    wish = chatbot.desired("own")
    old = configuration.plan(list(chatbot.configurations.values()), wish)
    chatbot.configurations["securityhub-slack"]["SnsTopicArns"] = ["foreign", "added-meanwhile"]
    configuration.apply(Stubbed(), wish, old, sleep=Naps())
    assert chatbot.topics() == {"foreign", "added-meanwhile", "own"}


def test_preview_predicts_and_writes_nothing():
    chatbot = Chatbot(existing("foreign"))
    outcome = configuration.preview(Stubbed(), chatbot.desired("own"))
    assert outcome.changed is True
    assert outcome.after["SnsTopicArns"] == ["foreign", "own"]
    assert chatbot.calls == ["list"]


@pytest.mark.parametrize("step", [configuration.preview, configuration.apply])
def test_a_workspace_that_is_not_authorised_gives_the_steps_before_anything_is_created(step):
    chatbot = Chatbot(teams=("T0000AAAA",))
    with pytest.raises(UserError) as refused:
        step(Stubbed(), chatbot.desired("own"))
    assert "workspace T0000TEAM is not authorized" in str(refused.value)
    assert "T0000AAAA (example)" in str(refused.value)
    assert "https://us-east-2.console.aws.amazon.com/chatbot/home" in str(refused.value)
    assert "create" not in chatbot.calls


@pytest.mark.parametrize(
    "answer",
    [
        refusal("ConflictException", "exists"),
        refusal("InvalidRequestException", "Slack channel with ID C in Slack team T has already been configured"),
        refusal("InvalidParameterException", "The chat configuration with the name securityhub-slack already exists."),
    ],
)
def test_creation_that_loses_a_race_updates_the_winner(answer):
    chatbot = Chatbot()

    def other_run_creates(_seconds):
        chatbot.configurations.setdefault("alerts", existing("foreign", name="alerts"))

    chatbot.refusals.append(answer)
    outcome = configuration.apply(Stubbed(), chatbot.desired("own"), sleep=other_run_creates)
    assert chatbot.topics("alerts") == {"foreign", "own"}
    assert list(chatbot.configurations) == ["alerts"]
    assert outcome.after["ConfigurationName"] == "alerts"


def test_a_configuration_deleted_between_read_and_write_is_created():
    chatbot = Chatbot(existing("foreign"))
    chatbot.before_write = chatbot.configurations.clear
    configuration.apply(Stubbed(), chatbot.desired("own"), sleep=Naps())
    assert chatbot.topics() == {"own"}


# AWS does not document the words, so they must not matter.
WORDS = ("The role cannot be assumed by AWS Chatbot", "Please try again", "")
REFUSALS = [refusal(code, text) for code in configuration.REFUSALS for text in WORDS]


@pytest.mark.parametrize("error", REFUSALS)
def test_a_role_that_iam_does_not_show_everywhere_yet_is_tried_again(error):
    chatbot, naps, said = Chatbot(), Naps(), []
    chatbot.refusals += [error] * 3
    configuration.apply(Stubbed(), chatbot.desired("own"), sleep=naps, progress=said.append)
    assert chatbot.topics() == {"own"}
    assert len(naps) == 4
    (sentence,) = said
    assert sentence.startswith("Waiting until Amazon Q accepts the channel configuration securityhub-slack (Invalid")


@pytest.mark.parametrize("members", [{"guardrail_policy_arns": ("new",)}, {"role_arn": f"{ROLE}-new"}])
def test_a_new_role_or_guardrail_of_a_configuration_is_tried_again(members):
    chatbot = Chatbot(existing("own"))
    chatbot.refusals += [REFUSALS[1]] * 5
    wish = replace(chatbot.desired("own"), **members)
    assert configuration.apply(Stubbed(), wish, sleep=Naps()).changed


def test_a_role_that_stays_unknown_is_reported_in_the_words_of_aws_after_a_minute_or_two():
    chatbot, naps = Chatbot(), Naps()
    chatbot.refusals += [refusal("InvalidParameterException", "No such thing")] * 99
    with pytest.raises(botocore.exceptions.ClientError, match="No such thing"):
        configuration.apply(Stubbed(), chatbot.desired("own"), sleep=naps)
    assert 60 < sum(naps) < 150


@pytest.mark.parametrize("error", REFUSALS)
def test_a_refused_write_that_concerns_neither_role_nor_guardrail_is_made_again_once(error):
    chatbot, naps = Chatbot(existing("foreign")), Naps()
    chatbot.refusals += [error] * 99
    with pytest.raises(botocore.exceptions.ClientError):
        configuration.apply(Stubbed(), chatbot.desired("own"), sleep=naps)
    assert chatbot.calls.count("update") == 2
    assert len(naps) == 1


def test_a_write_that_is_not_shown_yet_is_waited_for():
    chatbot, said = Chatbot(existing("foreign")), []
    stale = [dict(found) for found in chatbot.configurations.values()]
    answers = [stale, stale, stale]
    fresh = chatbot._list
    chatbot._list = lambda: answers.pop() if answers else fresh()
    configuration.apply(Stubbed(), chatbot.desired("own"), sleep=Naps(), progress=said.append)
    assert chatbot.topics() == {"foreign", "own"}
    assert said == ["Waiting until Amazon Q shows the channel configuration securityhub-slack as it was written"]


PASSING = [
    refusal("TooManyRequestsException", "Rate exceeded"),
    refusal("InternalServiceError", "", 500),
    botocore.exceptions.ConnectionClosedError(endpoint_url="https://chatbot"),
]


@pytest.mark.parametrize("error", PASSING)
def test_failed_write_is_planned_again_from_the_live_state(error):
    chatbot = Chatbot(existing("foreign"))
    chatbot.refusals.append(error)

    def another_run(_seconds):
        topics = chatbot.topics() | {"theirs"}
        chatbot.configurations["securityhub-slack"]["SnsTopicArns"] = sorted(topics)

    configuration.apply(Stubbed(), chatbot.desired("own"), sleep=another_run)
    assert chatbot.calls == ["list", "update", "list", "update", "list"]
    assert chatbot.topics() == {"foreign", "theirs", "own"}


@pytest.mark.parametrize("error", PASSING)
def test_writes_that_never_get_through_end_with_the_last_cause(error):
    chatbot = Chatbot()
    chatbot.refusals += [error] * 99
    with pytest.raises(type(error)):
        configuration.apply(Stubbed(), chatbot.desired("own"), sleep=Naps())
    assert chatbot.calls.count("create") == configuration.ROUNDS


def test_botocore_sends_each_write_once():
    aws, chatbot = Stubbed(), Chatbot()
    configuration.apply(aws, chatbot.desired("own"), sleep=Naps())
    assert chatbot.calls == ["list", "create", "list"]
    assert aws.attempts == [None, None, 1, None]  # the second call lists the workspaces


def test_any_other_refusal_is_raised_at_once():
    chatbot, naps = Chatbot(), Naps()
    chatbot.refusals.append(refusal("AccessDeniedException", "not allowed to call chatbot with this role"))
    with pytest.raises(botocore.exceptions.ClientError, match="not allowed"):
        configuration.apply(Stubbed(), chatbot.desired("own"), sleep=naps)
    assert naps == []


def test_a_name_that_aws_holds_but_does_not_list_is_explained():
    chatbot = Chatbot()
    chatbot.refusals += [refusal("ConflictException", "exists")] * 99
    with pytest.raises(UserError, match=r"securityhub-slack exists, but does not list it.*Use another name"):
        configuration.apply(Stubbed(), chatbot.desired("own"), sleep=Naps())


def test_endless_concurrent_writes_end_with_the_difference():
    chatbot = Chatbot(existing("own"))

    def spoil(_seconds):
        chatbot.configurations["securityhub-slack"]["LoggingLevel"] = "NONE"

    naps = Naps()
    with pytest.raises(UserError, match=r"LoggingLevel still differ"):
        configuration.apply(
            Stubbed(), chatbot.desired(logging_level="ERROR"), sleep=lambda seconds: (naps(seconds), spoil(seconds))
        )
    assert len(naps) == configuration.ROUNDS


class TestDetach:
    def test_deletes_ours_with_its_last_topic(self):
        chatbot = Chatbot(existing("own", tags=[MANAGED_TAG]))
        outcome = configuration.detach(Stubbed(), chatbot.removal("own"), sleep=Naps())
        assert (outcome.changed, outcome.after) == (True, None)
        assert chatbot.configurations == {}

    def test_twice_changes_nothing(self):
        chatbot = Chatbot(existing("own", "foreign"))
        assert configuration.detach(Stubbed(), chatbot.removal("own"), sleep=Naps()).changed is True
        assert configuration.detach(Stubbed(), chatbot.removal("own"), sleep=Naps()).changed is False
        assert chatbot.topics() == {"foreign"}


class TestDelete:
    def test_tolerates_that_it_is_gone(self):
        chatbot = Chatbot(existing("foreign"))
        assert configuration.delete(Stubbed(), "securityhub-slack", chatbot.platform, sleep=Naps()).changed is True
        assert configuration.delete(Stubbed(), "securityhub-slack", chatbot.platform, sleep=Naps()).changed is False


class VirtualTime:
    """Runs functions as if at once, one at a time, in the order in which their sleeps end."""

    def __init__(self):
        self.now = 0.0
        self._order = itertools.count()
        self._sleeping = []
        self._control = threading.Semaphore(0)

    def sleep(self, seconds):
        woken = threading.Event()
        heapq.heappush(self._sleeping, (self.now + seconds, next(self._order), woken))
        self._control.release()
        woken.wait()

    def run(self, *functions):
        outcomes = [None] * len(functions)

        def body(number, function):
            self.sleep(0)
            try:
                outcomes[number] = function()
            finally:
                self._control.release()

        threads = [threading.Thread(target=body, args=item, daemon=True) for item in enumerate(functions)]
        for thread in threads:
            thread.start()
            self._control.acquire()
        while self._sleeping:
            self.now, _order, woken = heapq.heappop(self._sleeping)
            woken.set()
            self._control.acquire()
        return outcomes


seeds = st.integers(0, 2**32).map(random.Random)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5),
    seeds,
    st.floats(0.01, 0.2),
    st.booleans(),
    st.floats(0, 1),
)
def test_writers_at_once_lose_no_topic(writers, chance, longest_latency, there_already, spread):
    """*longest_latency* seconds on each way of a call, so up to three of them between a read and its write."""
    time = VirtualTime()
    chatbot = Chatbot(
        *([existing("foreign")] if there_already else []),
        pause=lambda: time.sleep(chance.uniform(0, longest_latency)),
    )

    def writer(number):
        wish = chatbot.desired(f"own-{number}")

        def start():
            time.sleep(chance.uniform(0, spread))
            return configuration.apply(Stubbed(), wish, sleep=time.sleep)

        return start

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "_RANDOM", random.Random(chance.random()))
        outcomes = time.run(*(writer(number) for number in range(writers)))
    assert None not in outcomes
    assert chatbot.topics() >= {f"own-{number}" for number in range(writers)}
    assert ("foreign" in chatbot.topics()) is there_already
    assert time.now < 90


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.01, 0.2), st.floats(0, 1))
def test_a_removal_and_a_deployment_at_once_do_not_undo_each_other(chance, longest_latency, spread):
    time = VirtualTime()
    chatbot = Chatbot(
        existing("leaving", "foreign", tags=[MANAGED_TAG]),
        pause=lambda: time.sleep(chance.uniform(0, longest_latency)),
    )

    def remove():
        time.sleep(chance.uniform(0, spread))
        return configuration.detach(Stubbed(), chatbot.removal("leaving"), sleep=time.sleep)

    def deploy():
        time.sleep(chance.uniform(0, spread))
        return configuration.apply(Stubbed(), chatbot.desired("coming"), sleep=time.sleep)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "_RANDOM", random.Random(chance.random()))
        outcomes = time.run(remove, deploy)
    assert None not in outcomes
    assert chatbot.topics() == {"coming", "foreign"}
