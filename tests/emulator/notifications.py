# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS User Notifications: which of its configurations send events to which channels. It delivers nothing."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from rest_json import Answer
from rest_json import AwsError
from rest_json import ConnectionLost
from rest_json import RestJson

HOME = "us-east-1"  # it has no other endpoint
NOT_FOUND = "ResourceNotFoundException"


@dataclass
class Configuration:
    """A notification configuration: the members that it is listed with, the sources of its rules, its channels."""

    account_id: str
    members: dict[str, Any]
    sources: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


class Notifications:
    """The service. `answer` serves its requests."""

    def __init__(self) -> None:
        operations = {
            "CreateNotificationConfiguration": self.create,
            "CreateEventRule": self.create_rule,
            "AssociateChannel": self.associate,
            "DisassociateChannel": self.disassociate,
            "ListNotificationConfigurations": self.configurations,
        }
        self.service = RestJson("notifications", operations, "ValidationException")
        self.clear()

    def clear(self) -> None:
        """Forget all configurations."""
        self._configurations: dict[str, Configuration] = {}

    def answer(self, method: str, raw_path: str, query: str, body: bytes) -> Answer:
        """Answer a request."""
        if get_region() != HOME:
            raise ConnectionLost
        return self.service.answer(method, raw_path, query, body)

    def create(self, given: dict) -> dict:
        """CreateNotificationConfiguration."""
        arn = f"arn:aws:notifications::{get_account_id()}:configuration/{uuid.uuid4().hex[:27]}"
        members = {
            "arn": arn,
            "name": given["name"],
            "description": given["description"],
            "status": "ACTIVE",
            "creationTime": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "aggregationDuration": given.get("aggregationDuration", "NONE"),
        }
        self._configurations[arn] = Configuration(get_account_id(), members)
        return {"arn": arn, "status": "ACTIVE"}

    def create_rule(self, given: dict) -> dict:
        """CreateEventRule."""
        found = self._configuration(given)
        found.sources.append(given["source"])
        arn = f"{found.members['arn']}/rule/{uuid.uuid4().hex[:27]}"
        statuses = {region: {"status": "ACTIVE", "reason": ""} for region in given["regions"]}
        return {
            "arn": arn,
            "notificationConfigurationArn": found.members["arn"],
            "statusSummaryByRegion": statuses,
        }

    def associate(self, given: dict) -> None:
        """AssociateChannel."""
        self._configuration(given).channels.append(given["arn"])

    def disassociate(self, given: dict) -> None:
        """DisassociateChannel."""
        channels = self._configuration(given).channels
        if given["arn"] not in channels:
            raise AwsError(NOT_FOUND, f"Channel {given['arn']} is not associated")
        channels.remove(given["arn"])

    def configurations(self, given: dict) -> dict:
        """ListNotificationConfigurations, on one page."""
        source, channel = given.get("eventRuleSource"), given.get("channelArn")
        listed = [
            found.members
            for found in self._configurations.values()
            if found.account_id == get_account_id()
            and (source is None or source in found.sources)
            and (channel is None or channel in found.channels)
        ]
        return {"notificationConfigurations": listed}

    def _configuration(self, given: dict) -> Configuration:
        found = self._configurations.get(given["notificationConfigurationArn"])
        if found is None or found.account_id != get_account_id():
            raise AwsError(NOT_FOUND, "The notification configuration does not exist")
        return found
