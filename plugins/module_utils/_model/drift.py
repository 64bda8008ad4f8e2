# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live resource that differs from its template: a value. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass

# The parts of a delivery path, and how a sentence names them.
RULE = "rule"
TARGET = "target"
TOPIC = "topic"
POLICY = "policy"
OPEN_POLICY = "open policy"
ENCRYPTION = "encryption"
OWN_KEY = "own key"
GIVEN_KEY = "given key"
SUBSCRIPTION = "subscription"
LISTENER = "listener"
DEAD_LETTERS = "dead letters"
QUEUE = "queue"
ALARM = "alarm"
ALARM_TOPIC = "alarm topic"  # a foreign topic, which only its owner can fix
WORDS = {
    RULE: "rule",
    TARGET: "target of the rule",
    TOPIC: "topic",
    POLICY: "policy of the topic",
    OPEN_POLICY: "policy of the topic",
    ENCRYPTION: "topic",
    OWN_KEY: "key",
    GIVEN_KEY: "key",
    SUBSCRIPTION: "subscription of Amazon Q to the topic",
    LISTENER: "subscription of Amazon Q to the topic",
    DEAD_LETTERS: "target of the rule",
    QUEUE: "dead-letter queue",
    ALARM: "alarm",
    ALARM_TOPIC: "topic that the alarms notify,",
}


@dataclass(frozen=True)
class Drift:
    """A part of the delivery path that differs from the template: which part, its name, and what is wrong.

    *loses*: whether findings are lost because of it.
    """

    part: str
    name: str
    problem: str
    loses: bool = True

    def __str__(self) -> str:
        return f"the {WORDS[self.part]} {self.name} {self.problem}"
