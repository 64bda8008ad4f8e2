# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables Security Hub in a region, and changes its settings. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from .._aws.polling import poll
from .._resource.tags import tag_changes
from .._resource.tags import with_changes
from .._services import securityhub
from .._services import sts
from .._services.refusals import existing
from . import transformations

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping

    from .._aws.clients import Caller
    from .._services.securityhub import Hub

SECONDS_TO_APPEAR = 60

Found = TypeVar("Found")


def where_enabled(read: Callable[[], Found], *, hub_needed: bool) -> Found | None:
    """Return what *read* returns, None where Security Hub is off. Raise HubNotEnabled there if *hub_needed*."""
    return read() if hub_needed else existing(read, securityhub.HubNotEnabled)


def read_hub(aws: Caller) -> Hub | None:
    """Return the hub with its Tags as a dict, or None where Security Hub is off."""
    hub = existing(lambda: aws.call("securityhub", securityhub.describe_hub), securityhub.HubNotEnabled)
    if hub is None:
        return None
    return {**hub, "Tags": aws.call("securityhub", securityhub.list_tags_for_resource, hub["HubArn"])}


def changes(hub: Hub, options: Mapping[str, Any]) -> Hub:
    """Return the members of UpdateSecurityHubConfiguration that differ."""
    controls, generator = options["auto_enable_controls"], options["control_finding_generator"]
    found: Hub = {}
    if controls not in (None, hub.get("AutoEnableControls")):
        found["AutoEnableControls"] = controls
    if generator not in (None, hub.get("ControlFindingGenerator")):
        found["ControlFindingGenerator"] = generator
    return found


def projected(hub: Hub, options: Mapping[str, Any]) -> Hub:
    """Return the hub as it will be."""
    to_set, to_unset = tag_changes(hub["Tags"], options["tags"], purge=options["purge_tags"])
    return {**hub, **changes(hub, options), "Tags": with_changes(hub["Tags"], to_set, to_unset)}


def new_hub(aws: Caller) -> Hub:
    """Return the hub that AWS creates without any option."""
    identity = aws.call("sts", sts.get_caller_identity)
    arn = transformations.hub_arn(identity["Arn"].split(":")[1], aws.region, identity["Account"])
    return {"HubArn": arn, "AutoEnableControls": True, "ControlFindingGenerator": "SECURITY_CONTROL", "Tags": {}}


def enable(aws: Caller, options: Mapping[str, Any]) -> Hub:
    """Enable Security Hub and return the hub; one that was enabled meanwhile is updated afterwards."""
    members = {
        "EnableDefaultStandards": options["enable_default_standards"],
        "ControlFindingGenerator": options["control_finding_generator"],
        "Tags": options["tags"] or None,
    }
    given = {key: value for key, value in members.items() if value is not None}
    aws.call("securityhub", securityhub.enable_security_hub, given)
    hub = poll(lambda: read_hub(aws), lambda found: found is not None, SECONDS_TO_APPEAR)
    if hub is None:
        raise securityhub.HubNotEnabled(aws.region)
    return hub


def update(aws: Caller, hub: Hub, options: Mapping[str, Any]) -> None:
    """Change the settings and tags that differ."""
    differing = changes(hub, options)
    if differing:
        aws.call("securityhub", securityhub.update_security_hub_configuration, differing)
    to_set, to_unset = tag_changes(hub["Tags"], options["tags"], purge=options["purge_tags"])
    aws.call("securityhub", securityhub.change_tags, hub["HubArn"], to_set, to_unset)


def ensure_present(aws: Caller, current: Hub | None, options: Mapping[str, Any], check_mode: bool) -> Hub | None:
    """Return the hub as it is (or would be) afterwards."""
    if check_mode:
        return projected(current or new_hub(aws), options)
    if current is not None and projected(current, options) == current:
        return current
    update(aws, current or enable(aws, options), options)
    return read_hub(aws)
