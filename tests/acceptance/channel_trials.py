# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trials about Amazon Q Developer in chat applications, with the channel configuration of the run."""

from __future__ import annotations

import time

from ansible_collections.secops.securityhub.tests.acceptance.account import code_of
from ansible_collections.secops.securityhub.tests.acceptance.account import wait_for
from ansible_collections.secops.securityhub.tests.acceptance.scratch import Scratch
from ansible_collections.secops.securityhub.tests.acceptance.scratch import changed_channel
from ansible_collections.secops.securityhub.tests.acceptance.settings import UNLISTED_REGIONS
from ansible_collections.secops.securityhub.tests.acceptance.trial import TEST_TEXT
from ansible_collections.secops.securityhub.tests.acceptance.trial import Answer
from ansible_collections.secops.securityhub.tests.acceptance.trial import NotTested
from ansible_collections.secops.securityhub.tests.acceptance.trial import Trial
from ansible_collections.secops.securityhub.tests.acceptance.trial import event_of
from ansible_collections.secops.securityhub.tests.acceptance.trial import notification
from ansible_collections.secops.securityhub.tests.acceptance.trial import refusal
from ansible_collections.secops.securityhub.tests.acceptance.trial import test_finding
from botocore.exceptions import ClientError

ROLE_SECONDS = 90
MANY_TOPICS = 101


def chatbot_unknown_arn(trial: Trial) -> Answer:
    """Describe a channel configuration that does not exist."""
    name = trial.settings.name("none")
    arn = f"arn:aws:chatbot::{trial.settings.account_id}:chat-configuration/slack-channel/{name}"
    try:
        answer = trial.account.chatbot().describe_slack_channel_configurations(ChatConfigurationArn=arn)
    except ClientError as error:
        return Answer("error", refusal(error))
    found = answer["SlackChannelConfigurations"]
    return Answer("empty" if not found else "other", f"{len(found)} configurations")


def chatbot_role_delay(trial: Trial) -> Answer:
    """Give our channel configuration a role that was just created, until it is accepted."""
    channel = trial.channel()
    words = ""
    with trial.scratch() as scratch:
        role = scratch.role("role", {"Service": "chatbot.amazonaws.com"})
        began = time.monotonic()

        def is_accepted() -> bool:
            nonlocal words
            try:
                with changed_channel(trial.account, channel, IamRoleArn=role):
                    return True
            except ClientError as error:
                words = refusal(error)
                return False

        if not wait_for(is_accepted, ROLE_SECONDS, 1):
            raise NotTested(f"the role was refused for {ROLE_SECONDS} seconds: {words}")
        seconds = round(time.monotonic() - began) if words else 0
    return Answer(seconds, f"accepted after {seconds} s; {words or 'never refused'}", held=bool(words))


def chatbot_role_message(trial: Trial) -> Answer:
    """Give our channel configuration a role that Amazon Q cannot assume."""
    channel = trial.channel()
    with trial.scratch() as scratch:
        role = scratch.role("distrustful", {"Service": "ec2.amazonaws.com"})
        try:
            with changed_channel(trial.account, channel, IamRoleArn=role):
                return Answer("accepted", "a role that does not trust chatbot.amazonaws.com was accepted", held=False)
        except ClientError as error:
            message = str(error.response["Error"]["Message"])
            return Answer(message, refusal(error), held=code_of(error) == "InvalidRequestException")


def _of_new_topic(trial: Trial, topic: str) -> dict[str, int]:
    """Wait until Amazon Q has subscribed to a topic, publish to it, and return how its metrics have grown."""
    return {} if trial.subscribed(topic) is None else trial.published(topic, notification())


def chatbot_subscription_delay(trial: Trial) -> Answer:
    """Give our channel configuration a new topic, and wait for the subscription."""
    channel = trial.channel()
    with trial.scratch() as scratch:
        topic = scratch.topic("late")
        with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
            seconds = trial.subscribed(topic)
    if seconds is None:
        return Answer(trial.soon, f"not subscribed after {trial.soon:.0f} s", held=True)
    return Answer(round(seconds), f"subscribed after {seconds} s", held=seconds >= 1)


def chatbot_read_lag(trial: Trial) -> Answer:
    """Give our channel configuration another topic, and count the reads that do not show it."""
    channel = trial.channel()
    topic = f"{channel['SnsTopicArns'][0]}-read"
    stale = 0

    def is_shown() -> bool:
        nonlocal stale
        shown = any(topic in found["SnsTopicArns"] for found in trial.account.configurations())
        stale += not shown
        return shown

    with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
        if not wait_for(is_shown, trial.soon, 0.2):
            raise NotTested(f"the topic is not shown after {trial.soon:.0f} s")
    return Answer(stale, f"{stale} reads after a write returned what was before", held=stale > 0)


def chatbot_topic_limit(trial: Trial) -> Answer:
    """Give our channel configuration more topics than the strict answer allows; they do not exist."""
    channel = trial.channel()
    topics = [f"{channel['SnsTopicArns'][0]}-{number}" for number in range(MANY_TOPICS)]
    with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topics[0]]):
        pass  # so that a refusal of the many is not one of topics that do not exist
    try:
        with changed_channel(trial.account, channel, SnsTopicArns=topics):
            return Answer(0, f"{MANY_TOPICS} topics were accepted")
    except ClientError as error:
        return Answer(MANY_TOPICS - 1, refusal(error), held=True)


def chatbot_unlisted_regions(trial: Trial) -> Answer:
    """Give our channel configuration a topic of a region that Amazon Q does not list."""
    channel = trial.channel()
    region = trial.settings.unlisted_region
    with Scratch(trial.account, region or UNLISTED_REGIONS[0]) as scratch:
        topic = scratch.arn("sns", trial.settings.name("unlisted"))
        if region:
            scratch.topic("unlisted")
        try:
            with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
                growth = _of_new_topic(trial, topic) if region else {}
        except ClientError as error:
            return Answer("refused", refusal(error))
    if not region:
        return Answer("delivered or silent", "the topic was accepted; set unlisted_region to see whether it delivers")
    return Answer("delivered" if growth.get("MessageDeliverySuccess") else "silent", f"metrics: {growth or 'none'}")


def chatbot_missing_topics(trial: Trial) -> Answer:
    """Give our channel configuration a topic that does not exist."""
    channel = trial.channel()
    topics = [*channel["SnsTopicArns"], f"{channel['SnsTopicArns'][0]}-missing"]
    try:
        with changed_channel(trial.account, channel, SnsTopicArns=topics):
            return Answer("accepted", "a topic that does not exist was accepted")
    except ClientError as error:
        return Answer("refused", refusal(error))


def chatbot_ocsf_events(trial: Trial) -> Answer:
    """Publish an event of the new Security Hub to a topic of our channel."""
    finding = {
        "class_uid": 2003,
        "severity": "Critical",
        "severity_id": 5,
        "finding_info": {"title": TEST_TEXT, "uid": trial.settings.prefix, "desc": "Nothing is wrong."},
        "cloud": {"region": trial.region, "account": {"uid": trial.settings.account_id}},
        "metadata": {"uid": trial.settings.prefix, "version": "1.6.0", "product": {"name": "Security Hub"}},
    }
    event = event_of(trial, "Findings Imported V2", finding)
    growth = trial.published(trial.channel()["SnsTopicArns"][0], event)
    if growth.get("MessageDeliverySuccess"):
        return Answer("shown", f"metrics: {growth}")
    if growth.get("UnsupportedEvents"):
        return Answer("dropped", f"metrics: {growth}")
    raise NotTested(f"Amazon Q's metrics do not show the event: {growth or 'none'}")


def chatbot_event_texts(trial: Trial) -> Answer:
    """Publish an event with markup in its title to a topic of our channel, and ask a person."""
    finding = {**test_finding(trial), "Title": f"{TEST_TEXT}: <https://example.com|link>", "Region": trial.region}
    finding |= {"RecordState": "ACTIVE", "Workflow": {"Status": "NEW"}}
    event = event_of(trial, "Security Hub Findings - Imported", finding)
    growth = trial.published(trial.channel()["SnsTopicArns"][0], event)
    if not growth.get("MessageDeliverySuccess"):
        raise NotTested(f"Amazon Q's metrics do not show the message: {growth or 'none'}")
    question = "Is the word 'link' at the end of the title of the last message a link?"
    answer = trial.ask(question)
    if answer is None:
        raise NotTested(f"nobody was asked: {question}")
    return Answer("markup" if answer else "escaped", f"{question} {'Yes' if answer else 'No'}.")


def chatbot_encrypted_topics(trial: Trial) -> Answer:
    """Publish to a topic of our channel that a customer managed key encrypts."""
    if not trial.settings.kms_key:
        raise NotTested("kms_key is not set. A key of the run would stay for seven days after its deletion")
    channel = trial.channel()
    with trial.scratch() as scratch:
        topic = scratch.topic("encrypted", KmsMasterKeyId=trial.settings.kms_key)
        with changed_channel(trial.account, channel, SnsTopicArns=[*channel["SnsTopicArns"], topic]):
            growth = _of_new_topic(trial, topic)
    return Answer("delivered" if growth.get("MessageDeliverySuccess") else "lost", f"metrics: {growth or 'none'}")
