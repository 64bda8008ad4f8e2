#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_hub
version_added: 1.0.0
short_description: Enable and disable AWS Security Hub in a region
description:
  - Enables, configures and disables AWS Security Hub CSPM for the account of the credentials in one region.
  - An option that is not set leaves its setting unchanged.
options:
  state:
    description:
      - V(present) enables Security Hub, or updates its settings if it is enabled already.
      - V(absent) disables it. AWS deletes findings, insights, custom actions and settings after 90 days.
      - AWS refuses this in an account that administers Security Hub for other accounts.
    type: str
    choices: [present, absent]
    default: present
  enable_default_standards:
    description:
      - Whether AWS enables its default standards together with Security Hub.
      - Only used when Security Hub is being enabled. If it is not set, AWS enables them.
    type: bool
  auto_enable_controls:
    description: Whether new controls of enabled standards are enabled automatically.
    type: bool
  control_finding_generator:
    description:
      - V(SECURITY_CONTROL) creates one finding per failed check, V(STANDARD_CONTROL) one for each standard.
      - In an organization only the administrator account can change it. A change archives all control findings and
        creates new ones.
    type: str
    choices: [SECURITY_CONTROL, STANDARD_CONTROL]
notes:
  - Most controls require AWS Config in the region. This module does not enable it.
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_hub_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Enable Security Hub without any standard
  secops.securityhub.securityhub_hub:
    enable_default_standards: false
    control_finding_generator: SECURITY_CONTROL
    region: ap-northeast-1

- name: Disable it
  secops.securityhub.securityhub_hub:
    state: absent
    region: ap-northeast-1

- name: Check whether it is enabled
  secops.securityhub.securityhub_hub_info:
    region: ap-northeast-1
"""

RETURN = r"""
hub:
  description:
    - The hub as it is now, or as it would be in check mode.
    - Empty if Security Hub is off.
  returned: always
  type: dict
  contains:
    auto_enable_controls:
      description: Whether new controls of enabled standards are enabled automatically.
      returned: when Security Hub is enabled
      type: bool
      sample: true
    control_finding_generator:
      description:
        - V(SECURITY_CONTROL) for one finding per failed check, V(STANDARD_CONTROL) for one for each standard.
      returned: when AWS returns it
      type: str
      sample: SECURITY_CONTROL
    hub_arn:
      description: The ARN of the hub.
      returned: when Security Hub is enabled
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:hub/default
    subscribed_at:
      description: When Security Hub was enabled.
      returned: when Security Hub is enabled, outside check mode
      type: str
      sample: "2026-11-23T09:00:00.000Z"
    tags:
      description: The tags of the hub.
      returned: when Security Hub is enabled
      type: dict
      sample: {team: security}
"""

from typing import Any

from ..module_utils._aws.clients import Caller
from ..module_utils._aws.modules import Module
from ..module_utils._aws.polling import poll
from ..module_utils._resource.tags import tag_changes
from ..module_utils._resource.tags import with_changes
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub
from ..module_utils._services import sts

Hub = dict[str, Any]

SECONDS_TO_APPEAR = 60


def read_hub(aws: Caller) -> Hub | None:
    """Return the hub with its Tags as a dict, or None where Security Hub is off."""
    try:
        hub = aws.call("securityhub", securityhub.describe_hub)
    except securityhub.HubNotEnabled:
        return None
    return {**hub, "Tags": aws.call("securityhub", securityhub.list_tags_for_resource, hub["HubArn"])}


def changes(hub: Hub, options: dict[str, Any]) -> dict[str, Any]:
    """Return the members of UpdateSecurityHubConfiguration that differ."""
    desired = {
        "AutoEnableControls": options["auto_enable_controls"],
        "ControlFindingGenerator": options["control_finding_generator"],
    }
    return {key: value for key, value in desired.items() if value not in (None, hub.get(key))}


def projected(hub: Hub, options: dict[str, Any]) -> Hub:
    """Return the hub as it will be."""
    to_set, to_unset = tag_changes(hub["Tags"], options["tags"], purge=options["purge_tags"])
    return {**hub, **changes(hub, options), "Tags": with_changes(hub["Tags"], to_set, to_unset)}


def new_hub(aws: Caller) -> Hub:
    """Return the hub that AWS creates without any option."""
    identity = aws.call("sts", sts.get_caller_identity)
    arn = transformations.hub_arn(identity["Arn"].split(":")[1], aws.region, identity["Account"])
    return {"HubArn": arn, "AutoEnableControls": True, "ControlFindingGenerator": "SECURITY_CONTROL", "Tags": {}}


def enable(aws: Caller, options: dict[str, Any]) -> Hub:
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


def update(aws: Caller, hub: Hub, options: dict[str, Any]) -> None:
    """Change the settings and tags that differ."""
    differing = changes(hub, options)
    if differing:
        aws.call("securityhub", securityhub.update_security_hub_configuration, differing)
    to_set, to_unset = tag_changes(hub["Tags"], options["tags"], purge=options["purge_tags"])
    if to_set:
        aws.call("securityhub", securityhub.tag_resource, hub["HubArn"], to_set)
    if to_unset:
        aws.call("securityhub", securityhub.untag_resource, hub["HubArn"], list(to_unset))


def ensure_present(aws: Caller, current: Hub | None, options: dict[str, Any], check_mode: bool) -> Hub | None:
    """Return the hub as it is (or would be) afterwards."""
    if check_mode:
        return projected(current or new_hub(aws), options)
    if current is not None and projected(current, options) == current:
        return current
    update(aws, current or enable(aws, options), options)
    return read_hub(aws)


def main() -> None:
    """Enable, change or disable Security Hub."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "enable_default_standards": {"type": "bool"},
            "auto_enable_controls": {"type": "bool"},
            "control_finding_generator": {"type": "str", "choices": ["SECURITY_CONTROL", "STANDARD_CONTROL"]},
            "tags": {"type": "dict", "aliases": ["resource_tags"]},
            "purge_tags": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    aws = module.access()
    with module.explained(f"Security Hub in {aws.region}"):
        current = read_hub(aws)
        after: Hub | None = None
        if module.params["state"] == "present":
            after = ensure_present(aws, current, module.params, module.check_mode)
        elif current is not None and not module.check_mode:
            aws.call("securityhub", securityhub.disable_security_hub)
    module.exit_with("hub", transformations.hub_result(current), transformations.hub_result(after))


if __name__ == "__main__":
    main()
