# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chatbot refuses, lags and fails as AWS does, in words that are not documented: whole runs over HTTP."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration

EU, US = "eu-west-1", "us-east-1"
BUTTONS = {"message_format": "custom", "buttons": True}


def switch(lab, **values):
    lab.emulator.ask("POST", "switches", values)


@pytest.mark.parametrize("words", ["Please try again", "Invalid request provided: the role is not valid."])
def test_a_role_that_chatbot_cannot_assume_yet_is_waited_for(lab, monkeypatch, words):
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.2)
    switch(lab, chatbot_role_delay=5, chatbot_role_message=words)
    done = lab.run(lab.hosts(EU, US))
    assert done.errors == {}
    assert lab.carried() == [f"{EU}:securityhub-slack", f"{US}:securityhub-slack"]
    waiting = [line for line in done.said if line.startswith("Waiting")]
    name = "Waiting until Amazon Q accepts the channel configuration securityhub-slack"
    assert waiting == [f"{name} (InvalidRequestException: {words})"]


def test_a_role_that_stays_unknown_fails_in_the_words_of_aws(lab):
    switch(lab, chatbot_role_delay=600, chatbot_role_message="No such thing.")
    done = lab.run(lab.hosts(US))
    assert "CreateSlackChannelConfiguration was refused (InvalidRequestException: No such thing)." in done.errors[US]
    switch(lab, chatbot_role_delay=0)
    assert lab.run(lab.hosts(US)).errors == {}


@pytest.mark.parametrize("lag", [1, 3])
def test_reads_that_lag_behind_writes_are_waited_for(lab, lag):
    switch(lab, chatbot_read_lag=lag)
    done = lab.run(lab.hosts(EU, US, **BUTTONS))
    assert done.errors == {}
    assert any(line.startswith("Waiting until Amazon Q ") for line in done.said)
    switch(lab, chatbot_read_lag=0)
    assert lab.run(lab.hosts(EU, US, **BUTTONS)).result["changed"] is False
    switch(lab, chatbot_read_lag=lag)
    assert lab.run(lab.hosts(EU, US, state="absent", **BUTTONS)).errors == {}
    switch(lab, chatbot_read_lag=0)
    assert lab.ours(EU, US) == {}


@pytest.mark.parametrize("operation", ["CreateCustomAction", "ListCustomActions", "AssociateToConfiguration"])
def test_an_unauthorized_call_is_explained_as_denied(lab, operation):
    lab.emulator.faults({"unauthorized": 1, "operations": [operation]})
    done = lab.run(lab.hosts(US, **BUTTONS))
    assert f"these credentials may not call {operation}" in done.errors[US]
    lab.emulator.faults()
    assert lab.run(lab.hosts(US, **BUTTONS)).errors == {}


@pytest.mark.parametrize("operation", ["CreateSlackChannelConfiguration", "DescribeSlackChannelConfigurations"])
def test_a_chatbot_that_is_unavailable_for_a_while_is_asked_again(lab, operation):
    lab.emulator.faults({"unavailable": 0.6, "operations": [operation]}, seed=7)
    assert lab.run(lab.hosts(US)).errors == {}
    lab.emulator.faults()
    assert lab.carried() == [f"{US}:securityhub-slack"]
