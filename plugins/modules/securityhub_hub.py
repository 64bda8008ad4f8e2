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
  - An option that is not set leaves its setting alone.
options:
  state:
    description:
      - V(present) enables Security Hub, or takes it as it is and brings its settings in line.
      - V(absent) disables it. AWS deletes findings, insights, custom actions and settings after 90 days.
      - AWS refuses to disable it in an account that administers Security Hub for others.
    type: str
    choices: [present, absent]
    default: present
  enable_default_standards:
    description:
      - Whether AWS enables its default standards together with Security Hub.
      - Only used while enabling. Not set, AWS enables them.
    type: bool
  auto_enable_controls:
    description: Whether new controls of enabled standards are enabled by themselves.
    type: bool
  control_finding_generator:
    description:
      - V(SECURITY_CONTROL) makes a failing check give one finding, V(STANDARD_CONTROL) one for each standard.
      - In an organisation only the administrator account can change it. A change archives all findings of controls and
        makes new ones.
    type: str
    choices: [SECURITY_CONTROL, STANDARD_CONTROL]
notes:
  - Most controls need AWS Config to be on in the region. This module does not enable it.
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

- name: See whether it is enabled
  secops.securityhub.securityhub_hub_info:
    region: ap-northeast-1
"""

RETURN = r"""
hub:
  description:
    - The hub as it is now, or as it would be in check mode.
    - Empty when Security Hub is off.
  returned: always
  type: dict
  contains:
    auto_enable_controls:
      description: Whether new controls of enabled standards are enabled by themselves.
      returned: when Security Hub is enabled
      type: bool
      sample: true
    control_finding_generator:
      description:
        - V(SECURITY_CONTROL) when a failing check gives one finding, V(STANDARD_CONTROL) when one for each standard.
      returned: when AWS gives it
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

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from ..module_utils._aws import modules
from ..module_utils._aws import polling as waiting
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub as api

Hub = dict[str, Any]

SECONDS_TO_APPEAR = 60


def read_hub(client: Any) -> Hub | None:
    """Return the hub with its Tags as a dict, or None where Security Hub is off."""
    try:
        hub = api.describe_hub(client)
    except api.HubNotEnabled:
        return None
    return {**hub, "Tags": api.list_tags_for_resource(client, hub["HubArn"])}


def enabling(options: dict[str, Any]) -> dict[str, Any]:
    """Return the members of EnableSecurityHub that the options ask for."""
    members = {
        "EnableDefaultStandards": options["enable_default_standards"],
        "ControlFindingGenerator": options["control_finding_generator"],
        "Tags": options["tags"] or None,
    }
    return {key: value for key, value in members.items() if value is not None}


def changes(hub: Hub, options: dict[str, Any]) -> dict[str, Any]:
    """Return the members of UpdateSecurityHubConfiguration that differ."""
    wanted = {
        "AutoEnableControls": options["auto_enable_controls"],
        "ControlFindingGenerator": options["control_finding_generator"],
    }
    return {key: value for key, value in wanted.items() if value not in (None, hub.get(key))}


def tag_changes(hub: Hub, options: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove."""
    if options["tags"] is None:
        return {}, []
    to_set, to_unset = compare_aws_tags(hub["Tags"], options["tags"], options["purge_tags"])
    return {key: str(value) for key, value in to_set.items()}, to_unset


def projected(hub: Hub, options: dict[str, Any]) -> Hub:
    """Return the hub as it will be."""
    to_set, to_unset = tag_changes(hub, options)
    tags = {key: value for key, value in {**hub["Tags"], **to_set}.items() if key not in to_unset}
    return {**hub, **changes(hub, options), "Tags": tags}


def new_hub(module: Any, client: Any) -> Hub:
    """Return what AWS makes of a hub that is enabled without any option."""
    account = modules.client(module, "sts").get_caller_identity()["Account"]
    arn = transformations.hub_arn(client.meta.partition, client.meta.region_name, account)
    return {"HubArn": arn, "AutoEnableControls": True, "ControlFindingGenerator": "SECURITY_CONTROL", "Tags": {}}


def enable(client: Any, options: dict[str, Any]) -> Hub:
    """Enable Security Hub, or take over one that was enabled meanwhile; return it as it appears."""
    try:
        api.enable_security_hub(client, enabling(options))
    except client.exceptions.ResourceConflictException:
        pass  # what differs is brought in line next
    hub = waiting.poll(lambda: read_hub(client), lambda found: found is not None, SECONDS_TO_APPEAR)
    if hub is None:
        raise api.HubNotEnabled(client.meta.region_name)
    return hub


def bring_in_line(client: Any, hub: Hub, options: dict[str, Any]) -> None:
    """Change what differs."""
    differing = changes(hub, options)
    if differing:
        api.update_security_hub_configuration(client, differing)
    to_set, to_unset = tag_changes(hub, options)
    if to_set:
        api.tag_resource(client, hub["HubArn"], to_set)
    if to_unset:
        api.untag_resource(client, hub["HubArn"], to_unset)


def ensure_present(module: Any, client: Any, current: Hub | None) -> Hub | None:
    """Return the hub as it is (or would be) then."""
    options = module.params
    if module.check_mode:
        return projected(current or new_hub(module, client), options)
    if current is not None and projected(current, options) == current:
        return current
    hub = current or enable(client, options)
    bring_in_line(client, hub, options)
    return read_hub(client)


def main() -> None:
    """Read the options, compare, change, report."""
    module = AnsibleAWSModule(
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
    client = modules.client(module, "securityhub")
    with modules.explained(module, f"Security Hub in {client.meta.region_name}"):
        current = read_hub(client)
        after: Hub | None = None
        if module.params["state"] == "present":
            after = ensure_present(module, client, current)
        elif current is not None and not module.check_mode:
            api.disable_security_hub(client)

    before, result = transformations.hub_result(current), transformations.hub_result(after)
    module.exit_json(changed=before != result, hub=result, diff=modules.difference(before, result))


if __name__ == "__main__":
    main()
