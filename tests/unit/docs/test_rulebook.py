# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a rulebook fits the event source, the schema of rulebooks, our events, and its playbook."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.tests.unit.docs import pages

EDA = pages.ROOT / "extensions" / "eda"
SOURCE = Path(".ansible/collections/ansible_collections/amazon/aws/extensions/eda/plugins/event_source/schemas")
ARN = "arn:aws:ec2:us-east-1:111111111111:security-group/sg-0a1b2c3d"
FINDING = {
    "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/securityhub",
    "Id": "arn:aws:securityhub:us-east-1:111111111111:security-control/EC2.2/finding/1",
    "UpdatedAt": "2026-01-01T00:00:00.000Z",
    "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.2"},
    "Resources": [{"Type": "AwsEc2SecurityGroup", "Id": ARN}],
}


@pytest.fixture
def ruleset():
    (ruleset,) = yaml.safe_load((EDA / "rulebooks" / "answer_findings.yml").read_text(encoding="utf-8"))
    return ruleset


def value_of(path, finding):
    """Return what a path of a condition or variable has in the event that the source makes of a message."""
    event = {"body": event_of(finding, "111111111111", "us-east-1")}
    steps = [key or int(index) for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", path.removeprefix("event"))]
    return functools.reduce(lambda found, step: found[step], steps, event)


def holds(condition, finding):
    path, operator, operand = re.fullmatch(r"(\S+) (is match|==) ?\(?(\".*\")\)?", condition).groups()
    found = value_of(path, finding)
    return found == json.loads(operand) if operator == "==" else bool(re.match(json.loads(operand), found))


def test_its_sources_have_options_of_the_plugin(ruleset):
    schema = pages.ROOT / SOURCE / "aws_sqs_queue.json"
    for source in ruleset["sources"]:
        given = source["amazon.aws.aws_sqs_queue"]
        assert {"name", "region"} <= set(given)
        if schema.is_file():
            assert set(given) <= set(json.loads(schema.read_text(encoding="utf-8"))["properties"])


def test_it_follows_the_schema_of_rulebooks(ruleset):
    jsonschema, ansiblelint = (pytest.importorskip(name) for name in ("jsonschema", "ansiblelint"))
    schema = Path(ansiblelint.__file__).parent / "schemas" / "rulebook.json"
    jsonschema.validate([ruleset], json.loads(schema.read_text(encoding="utf-8")))


def test_its_conditions_take_our_findings_and_no_forged_ones(ruleset):
    (rule,) = ruleset["rules"]
    conditions = rule["condition"]["all"]
    assert all(holds(condition, FINDING) for condition in conditions)
    hostile = "arn:aws:ec2:us-east-1:111111111111:security-group/sg-1{{ lookup('pipe', 'id') }}"
    own = "arn:aws:securityhub:us-east-1:111111111111:product/111111111111/default"
    for other in (
        {**FINDING, "ProductArn": own},
        {**FINDING, "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.19"}},
        {**FINDING, "Resources": [{"Type": "AwsEc2SecurityGroup", "Id": hostile}]},
    ):
        assert not all(holds(condition, other) for condition in conditions)


def test_the_playbook_uses_nothing_of_a_finding_that_the_conditions_do_not_check(ruleset):
    (rule,) = ruleset["rules"]
    action = rule["action"]["run_playbook"]
    text = (EDA / "playbooks" / action["name"]).read_text(encoding="utf-8")
    (play,) = yaml.safe_load(text)
    checked = " ".join(rule["condition"]["all"])
    for variable, template in action["extra_vars"].items():
        path = re.fullmatch(r"\{\{ (\S+) \}\}", template)[1]
        assert f"{path} is match(" in checked
        assert variable in json.dumps(play)
    assert "ansible_eda" not in json.dumps(play)
