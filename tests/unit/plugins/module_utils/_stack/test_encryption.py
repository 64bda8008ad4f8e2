# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the key of a stack, and that nothing of it is there unless asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._iam_policies import evaluation
from ansible_collections.secops.securityhub.plugins.module_utils._stack import encryption
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template

ALIAS = "alias/security"
PLAIN = template.StackDesign(
    "slack",
    ("slack-prod", "slack-test"),
    tuple(template.Rule(f"{topic}-findings", "", {"source": ["x"]}, topic) for topic in ("slack-prod", "slack-test")),
)
OWN = replace(PLAIN, key=encryption.CREATE)
GIVEN = replace(PLAIN, key=ALIAS)
PLACE = stack_resources.Location("aws", "111111111111", "eu-west-1")


def resolved(design, kind):
    return stack_resources.resolve(template.template(design), PLACE, {encryption.KEY: "1-2-3"}).of_type(kind)


@pytest.mark.parametrize(("design", "wanted"), [(PLAIN, None), (OWN, "alias/slack"), (GIVEN, ALIAS)])
def test_every_topic_has_the_key(design, wanted):
    assert [topic.get("KmsMasterKeyId") for topic in resolved(design, stack_resources.TOPIC)] == [wanted, wanted]


@pytest.mark.parametrize("design", [PLAIN, GIVEN])
def test_key_is_created_only_if_requested(design):
    assert "AWS::KMS" not in design.text


def test_the_own_key_is_rotated_and_found_by_its_alias():
    (key,) = resolved(OWN, stack_resources.KEY)
    (alias,) = resolved(OWN, stack_resources.ALIAS)
    assert key["EnableKeyRotation"] is True
    assert 7 <= key["PendingWindowInDays"] <= 30
    assert alias == {"AliasName": "alias/slack", "TargetKeyId": "1-2-3"}


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"])
def test_eventbridge_may_use_the_own_key_for_the_topics_of_the_stack_only(action):
    (key,) = resolved(OWN, stack_resources.KEY)

    def may(action, topic):
        arn = PLACE.arn("sns", topic)
        return evaluation.lets_in(key["KeyPolicy"], evaluation.of_key(action, PLACE.arn("kms", "key/1-2-3"), arn))

    assert may(action, "slack-prod")
    assert may(action, "slack-test")
    assert not may(action, "slack")
    assert not may("kms:Encrypt", "slack-prod")


def test_the_account_can_change_the_own_key():
    (key,) = resolved(OWN, stack_resources.KEY)
    assert {
        "Sid": "AccountByItsIamPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "kms:*",
        "Resource": "*",
    } in key["KeyPolicy"]["Statement"]


def test_the_key_carries_the_tags():
    (key,) = resolved(replace(OWN, tags=(("team", "security"),)), stack_resources.KEY)
    assert key["Tags"] == [{"Key": "team", "Value": "security"}]


def test_outline_names_the_key():
    assert "key" not in template.outline(template.template(PLAIN))
    assert template.outline(template.template(OWN))["key"] == "alias/slack (of the stack)"
    assert template.outline(template.template(GIVEN))["key"] == ALIAS


def test_digest_depends_on_the_key():
    assert len({design.digest for design in (PLAIN, OWN, GIVEN)}) == 3
