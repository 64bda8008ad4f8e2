# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With every option on, a stack stays within the quotas of AWS, or the run says which it exceeds and by how much."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.tests.setup import render_templates

NAME = "securityhub-findings-of-all-our-accounts"  # the longest
# One of the longest names of a region.
HERE = stack_resources.Location("aws", "111111111111", "ap-southeast-1")
EVERYTHING = {
    "name": NAME,
    "configuration_name": NAME,
    "tags": {"Team": "security"},
    "kms_key": "create",
    "alarms": True,
    "permissions_boundary": "arn:aws:iam::111111111111:policy/boundary",
    "mark_notified": True,
    "report_resolved": True,
    "message_format": "custom",
    "buttons": True,
    "mentions": {"CRITICAL": ["here"]},
    "access_portal_url": "https://example.awsapps.com/start",
    "access_portal_role": "SecurityAudit",
    "runbook_url": "https://wiki.example.com/security-hub/{control}",
    "digest_schedule": "cron(0 8 ? * MON *)",
    "minimum_severity": "MEDIUM",
    "fix_available": True,
    "minimum_epss": 0.1,
    "suppressions": [
        {"control_ids": ["S3.8"], "resource_ids": ["arn:aws:s3:::example-website"], "reason": "public"},
        {"account_ids": ["333333333333"], "reason": "sandbox", "suppress_in": "security_hub"},
    ],
    "receivers": render_templates.RECEIVERS,
    "channel_id": "C0123456789",
    "region": "us-east-1",
}
LEAN = {
    "name": NAME,
    "configuration_name": NAME,
    "mark_notified": True,
    "alarms": True,
    "channels": [
        {"name": f"{chr(97 + number)}{'x' * 10}", "channel_id": f"C01234567{number:02}"} for number in range(14)
    ],
}
REGIONS = tuple(f"ap-southeast-{number}" for number in range(1, 17))
OF_OCSF = {**EVERYTHING, "finding_format": "ocsf", "digest_schedule": ""}
FITTING = [
    {**EVERYTHING, "digest_schedule": "", "report_resolved": False, "alarms": False},
    {**EVERYTHING, "receivers": [], "alarms": False, "report_resolved": False},
    {**LEAN, "alarms": False},
]


def size(document):
    return len(json.dumps(document, separators=(",", ":")))


def used(design):
    """Return how much of each quota of AWS the stack uses, with its value, by the name of the quota."""
    whole = template.template(design)
    resolved = stack_resources.resolve(whole, HERE)

    def most(kind, measure):
        return max(map(measure, resolved.of_type(kind)), default=0)

    rule, role = "AWS::Events::Rule", stack_resources.ROLE
    return {
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        "bytes of the template": (len(design.text), 51_200),
        "resources": (len(whole["Resources"]), 500),
        "parameters": (len(whole.get("Parameters", {})), 200),
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html; of all stacks of the region together
        "rules": (len(resolved.of_type(rule)), 100),
        "targets of a rule": (most(rule, lambda item: len(item["Targets"])), 5),
        "name of a rule": (most(rule, lambda item: len(item["Name"])), 64),
        "characters of a pattern": (most(rule, lambda item: size(item["EventPattern"])), 2048),
        "characters of a message": (
            most(rule, lambda item: len(item["Targets"][0].get("InputTransformer", {}).get("InputTemplate", ""))),
            8192,
        ),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        "characters of a trust policy": (most(role, lambda item: size(item["AssumeRolePolicyDocument"])), 2048),
        "characters of the policies of a role": (
            most(role, lambda item: sum(size(policy["PolicyDocument"]) for policy in item["Policies"])),
            10_240,
        ),
        "name of a role": (most(role, lambda item: len(item["RoleName"])), 64),
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
        "bytes of the policy of the queue": (
            most("AWS::SQS::QueuePolicy", lambda item: size(item["PolicyDocument"])),
            8192,
        ),
        # https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
        "bytes of the policy of the key": (most("AWS::KMS::Key", lambda item: size(item["KeyPolicy"])), 32_768),
        # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
        "bytes of a state machine": (
            most(stack_resources.STATE_MACHINE, lambda item: len(item["DefinitionString"])),
            1_048_576,
        ),
    }


def exceeded(design):
    """Return by how much the stack exceeds quotas, by their names."""
    return {name: number - quota for name, (number, quota) in used(design).items() if number > quota}


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        (EVERYTHING, ("digest_schedule", "report_resolved", "receivers", "alarms")),
        (OF_OCSF, ("report_resolved", "receivers", "alarms")),
        (LEAN, ("alarms",)),
    ],
    ids=["everything", "everything-of-ocsf", "fourteen-channels"],
)
def test_a_stack_with_everything_exceeds_one_quota_and_the_run_says_by_how_much_and_what_to_turn_off(shape, options):
    design = render_templates.design(shape)
    ((quota, excess),) = exceeded(design).items()
    assert quota == "bytes of the template"
    (problem,) = template.problems(design)
    assert f"{51_200 + excess:,} bytes, {excess:,} more than the 51,200 that CloudFormation allows" in problem
    named = dict(re.findall(r"without (\w+) \(([\d,]+) bytes\)", problem))
    assert named.keys() == {f"securityhub_slack_{option}" for option in options}
    for variable, number in named.items():
        name = variable.removeprefix("securityhub_slack_")
        less = render_templates.design({**shape, name: render_templates.defaults()[variable]})
        assert len(design.text) - len(less.text) == int(number.replace(",", ""))


@pytest.mark.parametrize("regions", [{"others": REGIONS}, {"to": "ap-southeast-1"}])
def test_a_digest_of_all_regions_fits_beside_the_rest(regions):
    design = render_templates.design({**EVERYTHING, "receivers": [], "alarms": False, "report_resolved": False})
    joint = replace(design, scheduled=replace(design.scheduled, **regions))
    assert exceeded(joint) == {}


@pytest.mark.parametrize("shape", FITTING)
def test_a_stack_with_much_of_it_is_within_all_quotas(shape):
    design = render_templates.design(shape)
    assert exceeded(design) == {}
    assert template.problems(design) == []
    assert len(design.text) > 35_000
