# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of somebody else's CloudFormation template, in JSON or YAML: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

try:
    import yaml
except ImportError:
    pass  # Ansible itself cannot do without it

NOT_PREFIXED = ("Ref", "Condition")


def parse(body: Any) -> dict[str, Any]:
    """Return a template, as GetTemplate answers it, with its functions in the long form; {} for what is none.

    Fn::GetAtt always holds a list; texts that look like dates stay texts.
    """
    found = _long(_loaded(body) if isinstance(body, str) else body)
    return found if isinstance(found, dict) else {}


def _loaded(body: str) -> Any:
    try:
        return _loader()(body).get_single_data()
    except yaml.YAMLError:
        return {}


def _loader() -> Any:
    """Return a loader of YAML that knows CloudFormation's short forms and makes no dates."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
            for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_multi_constructor("!", _function)
    return Loader


def _function(loader: Any, name: str, node: Any) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in NOT_PREFIXED else f"Fn::{name}": value}


def _long(value: Any) -> Any:
    if isinstance(value, list):
        return [_long(item) for item in value]
    if not isinstance(value, dict):
        return value
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, str):
        return {"Fn::GetAtt": attribute.split(".", maxsplit=1)}
    return {key: _long(item) for key, item in value.items()}
