# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of securityhub_slack_receivers, validated: pure. PRIVATE to the collection.

A URL may contain a key, so no sentence repeats one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import TypedDict

from .._routing import policy
from .._stack import receivers
from .._stack.receivers import Receiver
from .delivery_path import CHATBOT_ENDPOINT

if TYPE_CHECKING:
    from .._routing.policy import Variables

# The key that says where an entry sends to -> the kind of receiver.
KINDS = {
    "email": receivers.EMAIL,
    "url": receivers.HTTPS,
    "queue_arn": receivers.QUEUE,
    "event_bus_arn": receivers.BUS,
}
# The name of a receiver or a channel.
NAME = re.compile(r"[a-z][a-z0-9]{0,15}\Z")
EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`|~.-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z", re.ASCII)
# Neither a space nor braces, which CloudFormation could take for a reference.
URL = re.compile(r"https://[A-Za-z0-9:@._~%!$&'()*+,;=-]+(?:[/?][A-Za-z0-9:@._~%!$&'()*+,;=/?-]*)?\Z", re.ASCII)
_ARN = r"arn:aws[a-z-]*:{service}:(?P<region>[a-z0-9-]+):(?P<account>\d{{12}}):"
QUEUE = re.compile(_ARN.format(service="sqs") + r"(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)\Z", re.ASCII)
BUS = re.compile(_ARN.format(service="events") + r"event-bus/(?P<name>[A-Za-z0-9._/-]{1,256})\Z", re.ASCII)
RECEIVERS_AT_MOST = 10
ADDRESSES_AT_MOST = 20
LONGEST_URL = 2048  # characters


class Entry(TypedDict, total=False):
    """An entry of securityhub_slack_receivers; name is always present. Other keys are those of a policy."""

    name: str
    email: list[str]
    url: str
    queue_arn: str
    event_bus_arn: str


@dataclass(frozen=True)
class ReceiverRoute:
    """A receiver, and the variables of the policy that selects its findings."""

    receiver: Receiver
    variables: Variables = field(hash=False, repr=False)

    @property
    def topic(self) -> str:
        """Return what its rules are named after; see Receiver."""
        return self.receiver.name


def routes(variables: Variables, name: str) -> tuple[ReceiverRoute, ...]:
    """Return the receivers in the role variables of a host; *name*: of its deployment."""
    found = []
    for entry in variables[policy.PREFIX + "receivers"]:
        kinds = [key for key in KINDS if entry.get(key)]
        if len(kinds) != 1:
            continue  # problems() says so
        given = entry[kinds[0]]
        endpoints = tuple(map(str, given)) if isinstance(given, list) else (str(given),)
        receiver = Receiver(f"{name}-to-{entry['name']}", KINDS[kinds[0]], endpoints)
        keys = {key: value for key, value in entry.items() if key not in ("name", *KINDS)}
        found.append(ReceiverRoute(receiver, policy.for_channel(variables, keys)))
    return tuple(found)


def problems(entries: list[Entry], region: str) -> list[str]:
    """Return what is wrong with the entries of a host in *region*, each as a sentence with its remedy."""
    found = []
    if len(entries) > RECEIVERS_AT_MOST:
        found.append(f"securityhub_slack_receivers has {len(entries)} entries. Use up to {RECEIVERS_AT_MOST}.")
    names = Counter(str(entry["name"]) for entry in entries)
    found += [
        f"{count} entries of securityhub_slack_receivers have the name {name!r}. Rename all but one."
        for name, count in names.items()
        if count > 1
    ]
    for entry in entries:
        of_entry = [*_name_problems(str(entry["name"])), *_destination_problems(entry, region)]
        found += [f"the receiver {entry['name']!r} in securityhub_slack_receivers has {item}" for item in of_entry]
    return found + _shared_destinations(entries)


def _name_problems(name: str) -> list[str]:
    if NAME.match(name):
        return []
    return ["an invalid name. Use 1 to 16 lowercase letters and digits, starting with a letter."]


def _destination_problems(entry: Entry, region: str) -> list[str]:
    given = [key for key in KINDS if entry.get(key)]
    if len(given) != 1:
        return [f"{' and '.join(given) or 'no destination'}. Set one of {', '.join(KINDS)}."]
    return {"email": _email, "url": _url, "queue_arn": _queue, "event_bus_arn": _bus}[given[0]](entry, region)


def _email(entry: Entry, _region: str) -> list[str]:
    wrong = (receivers.without_keys(item) for item in entry["email"] if not EMAIL.match(item))
    found = [f"{item!r} in email, which is not an e-mail address." for item in wrong]
    if len(entry["email"]) > ADDRESSES_AT_MOST:
        found.append(
            f"{len(entry['email'])} addresses. Use up to {ADDRESSES_AT_MOST}, or the address of a mailing list."
        )
    return found


def _url(entry: Entry, _region: str) -> list[str]:
    url = str(entry["url"])
    if not URL.match(url) or len(url) > LONGEST_URL:
        return [f"a url that SNS does not accept. Use an https:// URL of up to {LONGEST_URL:,} characters."]
    if url.rstrip("/").startswith(CHATBOT_ENDPOINT):
        return ["the url of Amazon Q, which gets findings through securityhub_slack_channels."]
    return []


def _queue(entry: Entry, region: str) -> list[str]:
    arn = str(entry["queue_arn"])
    found = QUEUE.match(arn)
    if not found:
        return [f"{receivers.without_keys(arn)!r} in queue_arn. Use the ARN of an SQS queue (arn:aws:sqs:...)."]
    if found["name"].endswith(".fifo"):
        return [f"the FIFO queue {arn} in queue_arn. Use a standard queue."]
    if found["region"] != region:
        here = "{{ inventory_hostname.split('.') | last }}"
        return [
            f"a queue in {found['region']}, but EventBridge sends only to queues of the target's own region. Create it "
            f'in each region, and use "arn:aws:sqs:{here}:{found["account"]}:{found["name"]}"; or use an event bus '
            f"(event_bus_arn), which can be in another region."
        ]
    return []


def _bus(entry: Entry, _region: str) -> list[str]:
    arn = str(entry["event_bus_arn"])
    found = BUS.match(arn)
    if not found:
        shown = receivers.without_keys(arn)
        return [f"{shown!r} in event_bus_arn. Use the ARN of an event bus (arn:aws:events:...:event-bus/...)."]
    if found["name"] == "default":
        return [
            f"the default event bus {arn} in event_bus_arn, whose rules would take the findings for those of its own "
            f"account and region, and could send them again. Use an event bus of your own."
        ]
    return []


def _shared_destinations(entries: list[Entry]) -> list[str]:
    names: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        for key in KINDS:
            given = entry.get(key) or []
            for value in dict.fromkeys(given if isinstance(given, list) else [given]):
                names.setdefault((key, str(value)), []).append(str(entry["name"]))
    return [
        f"the receivers {' and '.join(sharing)} in securityhub_slack_receivers have the same {key}, so that findings "
        f"could arrive there twice. Remove it from all but one."
        for (key, _value), sharing in names.items()
        if len(sharing) > 1
    ]
