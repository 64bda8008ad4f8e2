# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twice as much of anything costs twice as much, in calls of functions, which no load of the machine changes."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.tests.unit import account_model as model
from ansible_collections.secops.securityhub.tests.unit import growth
from ansible_collections.secops.securityhub.tests.unit.function_calls import counted
from ansible_collections.secops.securityhub.tests.unit.replay import Recording

REGIONS = ("ap-southeast-1", "eu-west-1", "us-east-1")
# Of what the second half costs, compared with the first.
MORE_AT_MOST = 1.02


def assert_linear(work, size):
    """Assert that from 2 *size* to 4 *size*, what *work* costs grows as from *size* to 2 *size*."""
    work(size)  # what is made once is made now
    one, two, four = (counted(lambda count=count: work(count)) for count in (size, 2 * size, 4 * size))
    assert one < two < four
    assert four - two <= MORE_AT_MOST * 2 * (two - one)


def test_accounts(lab):
    role = f"arn:aws:iam::{model.ACCOUNT.id}:role/deploy"
    hosts = lab.hosts(*REGIONS, role_arn=role)
    lab.run(hosts)
    recording = Recording()
    assert not growth.run(recording, hosts).result["changed"]
    assert_linear(lambda count: growth.replayed(recording, hosts, count), 24)


def numbers(count):
    return [f"{300_000_000_000 + number}" for number in range(count)]


def channels(count):
    return {
        "channels": [
            {"name": f"c{number}", "channel_id": f"C0{number:09d}", "account_ids": [account]}
            for number, account in enumerate(numbers(count))
        ]
    }


def accounts_of_a_channel(count):
    return {"channels": [{"name": "prod", "channel_id": model.CHANNEL, "account_ids": numbers(count)}]}


def suppressions(count):
    return {
        "suppressions": [
            {"control_ids": [f"S3.{number % 10}"], "resource_ids": [f"arn:aws:s3:::{number}"]}
            for number in range(count)
        ]
    }


@pytest.mark.parametrize(("given", "size"), [(channels, 5), (accounts_of_a_channel, 100), (suppressions, 50)])
def test_settings_of_a_target(given, size):
    assert_linear(lambda count: model.AccountModel().planned([model.settings(**given(count))]), size)


def test_topics_of_a_channel():
    def planned(count):
        account = model.AccountModel()
        topics = [f"arn:aws:sns:us-east-1:{model.ACCOUNT.id}:t{number}" for number in range(count)]
        account.configurations = [model.configuration_of("theirs", model.CHANNEL, topics)]
        return account.planned([model.settings()])

    assert_linear(planned, 125)
