# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the AWS CLI, `aws SERVICE OPERATION --OPTION VALUE...`, with what botocore says there is."""

from __future__ import annotations

import json
import sys

import boto3
from botocore import xform_name


def main(service: str, operation: str, *words: str) -> None:
    """Call the operation, and print the answer; fail for an operation or an option that is not one of the service."""
    client = boto3.client(service)
    method = operation.replace("-", "_")
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    names = {f"--{xform_name(name, '-')}": name for name in model.input_shape.members}
    given = {names[option]: _content(value) for option, value in zip(words[::2], words[1::2])}
    answer = getattr(client, method)(**given)
    answer.pop("ResponseMetadata")
    print(json.dumps(answer, default=str))


def _content(word: str) -> str:
    if not word.startswith("file://"):
        return word
    with open(word.removeprefix("file://"), encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
