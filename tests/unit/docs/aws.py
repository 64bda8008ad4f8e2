# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replacement for the AWS CLI, `aws SERVICE OPERATION --OPTION VALUE...`, based on the API models in botocore."""

from __future__ import annotations

import json
import sys

import boto3
from botocore import xform_name


def main(service: str, operation: str, *arguments: str) -> None:
    """Call the operation and print its response as JSON. Raise KeyError for an unknown operation or option."""
    client = boto3.client(service)
    method = operation.replace("-", "_")
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    names = {f"--{xform_name(name, '-')}": name for name in model.input_shape.members}
    parameters = {names[option]: _content(value) for option, value in zip(arguments[::2], arguments[1::2])}
    response = getattr(client, method)(**parameters)
    response.pop("ResponseMetadata")
    print(json.dumps(response, default=str))


def _content(value: str) -> str:
    if not value.startswith("file://"):
        return value
    with open(value.removeprefix("file://"), encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
