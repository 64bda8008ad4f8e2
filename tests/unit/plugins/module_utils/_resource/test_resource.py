# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._resource import ownership
from ansible_collections.secops.securityhub.plugins.module_utils._resource import tags
from ansible_collections.secops.securityhub.plugins.module_utils._resource.operation import Operation


def test_an_operation_is_shown_by_its_value():
    assert (f"{Operation.CREATE}", str(Operation.CREATE), json.dumps(Operation.CREATE)) == (
        "create",
        "create",
        '"create"',
    )


@pytest.mark.parametrize("shape", [tags.boto3_tags, tags.chatbot_tags])
def test_tags_come_back_from_either_shape(shape):
    assert tags.tags_of({"Tags": shape({"b": 1, "a": "x"})}) == {"a": "x", "b": "1"}


@pytest.mark.parametrize("resource", [None, {}, {"Tags": None}, {"Tags": []}])
def test_a_resource_may_have_no_tags(resource):
    assert tags.tags_of(resource) == {}
    assert not ownership.is_managed(resource)


CURRENT = {"same": "1", "old": "x", "aws:cloudformation:stack-id": "y", "kept": "z"}


@pytest.mark.parametrize(
    ("desired", "purge", "changes"),
    [
        (None, True, ({}, ())),
        ({"same": 1}, False, ({}, ())),
        ({"same": 2, "new": "n"}, False, ({"same": "2", "new": "n"}, ())),
        ({"same": "1"}, True, ({}, ("old",))),
        ({}, True, ({}, ("old", "same"))),
    ],
)
def test_tag_changes(desired, purge, changes):
    assert tags.tag_changes(CURRENT, desired, purge=purge, keep=["kept"]) == changes
    after = tags.with_changes(CURRENT, *changes)
    assert tags.tag_changes(after, desired, purge=purge, keep=["kept"]) == ({}, ())


@pytest.mark.parametrize("shape", [tags.boto3_tags, tags.chatbot_tags])
def test_the_tag_proves_that_a_resource_is_managed(shape):
    assert ownership.is_managed({"Tags": shape({tags.MANAGED_TAG: "securityhub-slack"})})
    assert not ownership.is_managed({"Tags": shape({"team": "security"})})


@pytest.mark.parametrize(
    ("description", "ours"),
    [
        ("Sends findings to Slack. Managed by secops.securityhub (securityhub-slack).", True),
        ("Managed by secops.securityhub (securityhub-slack).", True),
        ("Managed by secops.securityhub (securityhub-slack). Opens a ticket", False),
        ("Managed by secops.securityhub (securityhub-slack-2).", False),
        ("Opens a Jira ticket", False),
        ("", False),
        (None, False),
    ],
)
def test_a_description_proves_it_by_its_end(description, ours):
    assert ownership.is_marked(description, "securityhub-slack") is ours


def test_a_name_that_is_taken_is_reported_with_the_variable_to_change():
    text = ownership.not_managed("IAM role securityhub-slack", "securityhub_slack_name")
    assert text.startswith("IAM role securityhub-slack already exists and is not managed by this collection.")
    assert "securityhub_slack_name" in text
