# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chatbot's answers in one form, for comparing and for showing: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

Configuration = dict[str, Any]


def configuration_name(configuration: Configuration) -> str:
    """Return the name, which AWS may leave out, but which ends the ARN."""
    return str(configuration.get("ConfigurationName") or configuration["ChatConfigurationArn"].rpartition("/")[2])


def normalized(configuration: Configuration) -> Configuration:
    """Return the configuration with AWS's defaults filled in and everything that is a set sorted."""
    return {
        "LoggingLevel": "NONE",
        "UserAuthorizationRequired": False,
        **configuration,
        "ConfigurationName": configuration_name(configuration),
        "SnsTopicArns": sorted(set(configuration.get("SnsTopicArns") or [])),
        # The API allows an empty string among the ARNs, meaning none.
        "GuardrailPolicyArns": sorted(set(configuration.get("GuardrailPolicyArns") or []) - {""}),
        "Tags": boto3_tags(tags_of(configuration)),
    }


def tags_of(resource: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a Chatbot resource as a dict."""
    return {tag["TagKey"]: tag["TagValue"] for tag in resource.get("Tags") or []}


def boto3_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as Chatbot takes them, sorted."""
    return [{"TagKey": key, "TagValue": str(value)} for key, value in sorted(tags.items())]


def result(resource: dict[str, Any] | None) -> dict[str, Any]:
    """Return a resource with snake_case names and its tags as a dict; an empty dict for None."""
    if resource is None:
        return {}
    untagged = {key: value for key, value in resource.items() if key != "Tags"}
    snake: dict[str, Any] = camel_dict_to_snake_dict(untagged)
    return {**snake, "tags": tags_of(resource)} if "Tags" in resource else snake


def configuration_result(configuration: Configuration | None) -> dict[str, Any]:
    """Return a channel configuration as the modules show it; an empty dict for None."""
    return result(normalized(configuration) if configuration else None)
