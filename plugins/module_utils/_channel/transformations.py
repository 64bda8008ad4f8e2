# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chatbot's answers normalized, to compare and to show them: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from .._resource.tags import chatbot_tags
from .._resource.tags import tags_of
from .._services.chatbot import Configuration

if TYPE_CHECKING:
    from collections.abc import Mapping


def configuration_name(configuration: Configuration) -> str:
    """Return the name; AWS may leave it out, but the ARN ends with it."""
    return str(configuration.get("ConfigurationName") or configuration["ChatConfigurationArn"].rpartition("/")[2])


def normalized(configuration: Configuration) -> Configuration:
    """Return the configuration with AWS's defaults filled in, and with sorted lists where order means nothing."""
    return {
        "LoggingLevel": "NONE",
        "UserAuthorizationRequired": False,
        **configuration,
        "ConfigurationName": configuration_name(configuration),
        "SnsTopicArns": sorted(set(configuration.get("SnsTopicArns") or [])),
        # The API allows an empty string among the ARNs, meaning none.
        "GuardrailPolicyArns": sorted(set(configuration.get("GuardrailPolicyArns") or []) - {""}),
        "Tags": chatbot_tags(tags_of(configuration)),
    }


def result(resource: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a resource with snake_case names and its tags as a dict; an empty dict for None."""
    if resource is None:
        return {}
    untagged = {key: value for key, value in resource.items() if key != "Tags"}
    snake: dict[str, Any] = camel_dict_to_snake_dict(untagged)
    return {**snake, "tags": tags_of(resource)} if "Tags" in resource else snake


def configuration_result(configuration: Configuration | None) -> dict[str, Any]:
    """Return a channel configuration as the modules show it; an empty dict for None."""
    return result(normalized(configuration) if configuration else None)
