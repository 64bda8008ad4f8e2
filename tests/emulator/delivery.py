# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery path of an event, all on this machine: EventBridge, SNS topic, Chatbot's endpoint, channel."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import threading
import time
from dataclasses import asdict
from typing import Any
from typing import Callable
from urllib.parse import urlsplit

import chat_command
import chat_message
import limits
import metrics
import slack_markup
from account_state import AccountState
from chatbot import Chatbot
from chatbot import is_unlisted
from inbox import Inbox
from ministack.core.responses import new_uuid
from ministack.core.responses import request_scope
from ministack.services import eventbridge
from ministack.services import iam
from ministack.services import sns
from ministack.services import sqs
from subscribers import Subscribers
from switches import Switches

CHATBOT_ENDPOINT = "https://global.sns-api.chatbot.amazonaws.com"
log = logging.getLogger("delivery")


def emit(account: str, region: str, source: str, detail_type: str, resources: list, detail: dict) -> None:
    """Put an event of an AWS service on the default bus of an account and region."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    with request_scope(account, region):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


class ServiceLinkedRole:
    """What AWSServiceRoleForAWSChatbot may do: subscribe Chatbot's endpoint to the topics of configurations."""

    def __init__(self, may_be_created: Callable[[], bool], switches: Switches) -> None:
        self.may_be_created = may_be_created
        self.switches = switches

    def has_or_creates_role(self) -> bool:
        """Return whether the account has the role. AWS creates it with the first configuration, as the caller."""
        if limits.CHATBOT_ROLE not in iam._roles:
            if not self.may_be_created():
                return False
            limits.create_chatbot_role()
        return True

    def subscribe(self, topic_arn: str) -> None:
        """Subscribe the endpoint, once and maybe later; a topic that does not exist is skipped and never retried."""
        delay = self.switches["chatbot_subscription_delay"]
        if delay:
            threading.Timer(delay, self._subscribe, [topic_arn]).start()
        else:
            self._subscribe(topic_arn)

    def _subscribe(self, topic_arn: str) -> None:
        with _scope_of(topic_arn):
            topic = sns._topics.get(topic_arn)
            if topic is None or _chatbot_subscriptions(topic):
                return
            subscription = _subscription(topic_arn)
            topic["subscriptions"].append(subscription)
            sns._sub_arn_to_topic[subscription["arn"]] = topic_arn
            sns._refresh_subscription_counts(topic)

    def unsubscribe(self, topic_arn: str) -> None:
        """Remove the subscription of the endpoint."""
        with _scope_of(topic_arn):
            topic = sns._topics.get(topic_arn)
            for found in _chatbot_subscriptions(topic) if topic else ():
                topic["subscriptions"].remove(found)
                sns._sub_arn_to_topic.pop(found["arn"], None)
                sns._refresh_subscription_counts(topic)

    def exists(self, topic_arn: str) -> bool:
        """Return whether the topic exists."""
        with _scope_of(topic_arn):
            return topic_arn in sns._topics

    def may_assume(self, role_arn: str) -> bool:
        """Return whether the channel role exists and trusts chatbot.amazonaws.com."""
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        role = iam._roles.get_scoped(account, "", name)
        if role is None:
            return False
        trust = role.get("AssumeRolePolicyDocument")
        trust = json.loads(trust) if isinstance(trust, str) else trust
        return any(_trusts_chatbot(statement) for statement in _listed(trust.get("Statement")))

    def role_age(self, role_arn: str) -> float:
        """Return the seconds since the creation of a role; infinite where there is none."""
        role = iam._roles.get_scoped(role_arn.split(":")[4], "", role_arn.rsplit("/", 1)[-1])
        if role is None:
            return float("inf")
        created = datetime.datetime.fromisoformat(role["CreateDate"].replace("Z", "+00:00"))
        return (datetime.datetime.now(datetime.timezone.utc) - created).total_seconds()


def _subscription(topic_arn: str) -> dict:
    arn, owner = f"{topic_arn}:{new_uuid()}", topic_arn.split(":")[4]
    return {
        "arn": arn,
        "protocol": "https",
        "endpoint": CHATBOT_ENDPOINT,
        "confirmed": True,
        "topic_arn": topic_arn,
        "owner": owner,
        "token": None,
        "attributes": {
            "SubscriptionArn": arn,
            "TopicArn": topic_arn,
            "Protocol": "https",
            "Endpoint": CHATBOT_ENDPOINT,
            "Owner": owner,
            "ConfirmationWasAuthenticated": "true",
            "PendingConfirmation": "false",
            "RawMessageDelivery": "false",
        },
    }


def _chatbot_subscriptions(topic: dict) -> list[dict]:
    return [found for found in topic["subscriptions"] if _is_chatbot(found["endpoint"])]


def _scope_of(topic_arn: str) -> Any:
    _arn, _partition, _service, region, account, _name = topic_arn.split(":", 5)
    return request_scope(account, region)


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _trusts_chatbot(statement: dict) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and "chatbot.amazonaws.com" in services


class Delivery:
    """Delivers what SNS posts to HTTP(S) subscribers: to Chatbot in-process, to others on loopback only."""

    def __init__(self, account_state: AccountState, inbox: Inbox, subscribers: Subscribers, switches: Switches) -> None:
        self.account_state = account_state
        self.subscribers = subscribers
        self.inbox = inbox
        self.switches = switches
        self.shown: dict[tuple[str, str], list[float]] = {}
        self.chatbot: Chatbot | None = None

    def install(self, chatbot: Chatbot) -> None:
        """Replace how ministack posts to subscribers."""
        self.chatbot = chatbot
        fan_out, post, confirm = sns._fanout, sns._deliver_to_http, sns._send_subscription_confirmation

        def fan_out_to_chatbot_too(
            topic_arn: str, msg_id: str, message: str, subject: str, *rest: Any, **more: Any
        ) -> None:
            metrics.of_topic(topic_arn, "NumberOfMessagesPublished")
            fan_out(topic_arn, msg_id, message, subject, *rest, **more)
            _structure, attributes = (*rest, None, None)[:2]
            self._to_subscribers(topic_arn, message, attributes or {})

        async def post_on_loopback(endpoint: str, payload: str) -> None:
            if _is_chatbot(endpoint) or not on_loopback(endpoint):
                return
            await post(endpoint, payload)

        async def confirm_on_loopback(topic_arn: str, subscription: dict) -> None:
            if _is_chatbot(subscription["endpoint"]):
                subscription.update(confirmed=True, token=None)
                subscription["attributes"].update(PendingConfirmation="false", ConfirmationWasAuthenticated="true")
            elif on_loopback(subscription["endpoint"]):
                await confirm(topic_arn, subscription)

        sns._fanout = fan_out_to_chatbot_too
        sns._deliver_to_http = post_on_loopback
        sns._send_subscription_confirmation = confirm_on_loopback

    def _to_subscribers(self, topic_arn: str, message: str, attributes: dict) -> None:
        """Count whether each subscriber gets a message, and deliver it to Chatbot."""
        topic = sns._topics.get(topic_arn)
        for subscription in topic["subscriptions"] if topic else ():
            if not subscription["confirmed"] or not sns._matches_filter_policy(subscription, attributes, message):
                continue
            delivered = _reaches(subscription) or subscription["endpoint"] in self.subscribers.reachable
            self.subscribers.deliver(topic_arn, subscription, message)
            metrics.of_topic(topic_arn, "NumberOfNotifications" + ("Delivered" if delivered else "Failed"))
            if _is_chatbot(subscription["endpoint"]):
                raw = subscription["attributes"].get("RawMessageDelivery") == "true"
                self._to_chatbot(topic_arn, message, raw)

    def _to_chatbot(self, topic_arn: str, message: str, raw: bool) -> None:
        for account, configuration in self.chatbot.listening_to(topic_arn):
            name = configuration["ConfigurationName"]
            if self._never_arrives(topic_arn):
                continue
            if self._is_throttled(account, name):
                metrics.of_chatbot(account, name, "EventsThrottled")
                continue
            metrics.of_chatbot(account, name, "EventsProcessed")
            ocsf = self.switches["chatbot_ocsf_events"] == "shown"
            markup = self.switches["chatbot_event_texts"] == "markup"
            custom = self.switches["chatbot_custom_texts"] == "markup"
            shown = None if raw else chat_message.read(message, ocsf=ocsf, markup=markup, custom_markup=custom)
            if shown is None:
                metrics.of_chatbot(account, name, "UnsupportedEvents")
                log.info("%s: the event is not supported", name)
                continue
            delivered = self._post(account, configuration, topic_arn, shown)
            if not delivered and self.switches["chatbot_uninvited"] == "silent":
                continue
            metrics.of_chatbot(account, name, "MessageDelivery" + ("Success" if delivered else "Failure"))

    def _never_arrives(self, topic_arn: str) -> bool:
        """Return whether Chatbot never sees the messages of a topic that one of its configurations lists."""
        if is_unlisted(topic_arn) and self.switches["chatbot_unlisted_regions"] == "silent":
            return True
        encrypted = sns._topics[topic_arn]["attributes"].get("KmsMasterKeyId")
        return bool(encrypted) and self.switches["chatbot_encrypted_topics"] == "lost"

    def _is_throttled(self, account: str, configuration: str) -> bool:
        """Return whether a configuration has had all the events that it shows in a second."""
        limit = self.switches["chatbot_events_per_second"]
        if not limit:
            return False
        now = time.monotonic()
        begin = now - max(1, 1 / limit)  # a limit of 0.1 is one event in ten seconds
        recent = [moment for moment in self.shown.get((account, configuration), []) if moment > begin]
        throttled = len(recent) >= limit
        self.shown[account, configuration] = recent if throttled else [*recent, now]
        return throttled

    def _post(self, account: str, configuration: dict, topic_arn: str, shown: chat_message.ChatMessage) -> bool:
        facts = self.account_state.account(account)
        channel = configuration.get("SlackChannelId") or configuration.get("ChannelId")
        disabled = self.account_state.chat_disabled(account, configuration)
        if disabled or channel in facts["private_channels"]:
            return False
        # Teams reads no mention in a text: it needs an object for each.
        markup = f"{shown.title}\n{shown.text}" if shown.markup and "SlackTeamId" in configuration else ""
        effects = {"mentions": slack_markup.mentions(markup), "labeled_links": slack_markup.labeled_links(markup)}
        message = {**asdict(shown), **effects}
        message["region"] = message["region"] or topic_arn.split(":")[3]
        message["account"] = message["account"] or topic_arn.split(":")[4]
        self.inbox.post(
            {
                **message,
                "channel": channel,
                "workspace": configuration.get("SlackTeamId") or configuration.get("TeamId"),
                "configuration": configuration["ConfigurationName"],
                "topic": topic_arn,
                "buttons": self._buttons(account, configuration, shown.notification),
            }
        )
        return True

    def _buttons(self, account: str, configuration: dict, notification: dict) -> list[str]:
        offered = self.chatbot.offered(account, configuration["ChatConfigurationArn"])
        return [text for action in offered for text in chat_command.buttons(action, notification)]


def _is_chatbot(endpoint: str) -> bool:
    return endpoint.rstrip("/") == CHATBOT_ENDPOINT


def _reaches(subscription: dict) -> bool:
    """Whether SNS can deliver to a subscriber: a queue that is there, an endpoint on this machine, or Chatbot."""
    endpoint = subscription["endpoint"]
    if subscription["protocol"] == "sqs":
        return sqs._queue_by_arn(endpoint) is not None
    if subscription["protocol"] in ("http", "https"):
        return _is_chatbot(endpoint) or on_loopback(endpoint)
    return True


def on_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine, by its address, without a DNS query."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
