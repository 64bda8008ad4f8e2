# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the stack templates that cfn-lint reads: one for each shape of a deployment."""

from __future__ import annotations

import datetime
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.secops.securityhub.plugins.module_utils._model import layout
from ansible_collections.secops.securityhub.plugins.module_utils._model.account import Account
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import AccountSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._plan import design as designs
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set_resource
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.stack_set_resource import Instance

SNAPSHOT = AccountSnapshot(Account(id="111111111111", partition="aws"), targets=())
HERE = Scope("eu-west-1", "us-east-1")

RECEIVERS = [
    {"name": "mail", "email": ["security@example.com"]},
    {"name": "pager", "url": "https://events.example.com/key", "minimum_severity": "CRITICAL"},
    {"name": "queue", "queue_arn": "arn:aws:sqs:us-east-1:111111111111:findings"},
    {"name": "lake", "event_bus_arn": "arn:aws:events:us-east-1:222222222222:event-bus/security"},
]

SHAPES: dict[str, dict[str, Any]] = {
    "plain": {"channel_id": "C0123456789"},
    "custom-action-only": {"channel_id": "C0123456789", "forward_automatically": False},
    "tagged-and-suppressed": {
        "channel_id": "C0123456789",
        "tags": {"Team": "security", "CostCentre": "1234"},
        "suppressions": [{"control_ids": ["S3.8"], "resource_ids": ["arn:aws:s3:::example-website"]}],
    },
    "several-channels": {
        "channels": [
            {"name": "security", "channel_id": "C0123456789", "other_accounts": True},
            {"name": "shop", "channel_id": "C0123456781", "account_ids": ["222222222222", "333333333333"]},
            {"name": "platform", "channel_id": "C0123456780", "minimum_severity": "MEDIUM"},
        ],
    },
    "ocsf": {"channel_id": "C0123456789", "finding_format": "ocsf"},
    "encrypted-with-a-created-key": {"channel_id": "C0123456789", "kms_key": "create", "tags": {"Team": "security"}},
    "encrypted-with-a-given-key": {"channel_id": "C0123456789", "kms_key": "alias/security"},
    "alarms": {"channel_id": "C0123456789", "alarms": True},
    "alarms-of-all-features": {
        "alarms": True,
        "alarm_topic_arn": "arn:aws:sns:us-east-1:111111111111:operations",
        "kms_key": "create",
        "mark_notified": True,
        "receivers": RECEIVERS,
        "region": "us-east-1",
        "tags": {"Team": "security"},
        "channels": [
            {"name": "security", "channel_id": "C0123456789"},
            {"name": "platform", "channel_id": "C0123456780", "minimum_severity": "MEDIUM"},
        ],
    },
    "custom-messages": {"channel_id": "C0123456789", "message_format": "custom"},
    "custom-messages-of-ocsf": {
        "channel_id": "C0123456789",
        "message_format": "custom",
        "finding_format": "ocsf",
    },
    "buttons": {"channel_id": "C0123456789", "message_format": "custom", "buttons": True},
    "mentions-and-links": {
        "message_format": "custom",
        "mentions": {"CRITICAL": ["here"], "HIGH": ["S0123456789"]},
        "access_portal_url": "https://example.awsapps.com/start",
        "access_portal_role": "SecurityAudit",
        "runbook_url": "https://wiki.example.com/security-hub/{control}",
        "channels": [{"name": "audit", "channel_id": "C0123456780", "minimum_severity": "LOW"}],
    },
    "receivers": {"channel_id": "C0123456789", "receivers": RECEIVERS},
    "marking": {"channel_id": "C0123456789", "mark_notified": True, "tags": {"Team": "security"}},
    "resolved-of-ocsf": {
        "channel_id": "C0123456789",
        "mark_notified": True,
        "finding_format": "ocsf",
        "report_resolved": True,
    },
    "marking-of-ocsf": {"channel_id": "C0123456789", "mark_notified": True, "finding_format": "ocsf"},
    "digest": {"channel_id": "C0123456789", "digest_schedule": "cron(0 8 ? * MON *)", "kms_key": "alias/security"},
    "digest-of-ocsf": {"channel_id": "C0123456789", "digest_schedule": "rate(7 days)", "finding_format": "ocsf"},
    "resolved": {
        "channel_id": "C0123456789",
        "mark_notified": True,
        "message_format": "custom",
        "report_resolved": True,
    },
}


def defaults() -> dict[str, Any]:
    """Return the role's variables with their defaults, '' for those without."""
    specs = yaml.safe_load((ROOT / "roles/securityhub_slack/meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    return {name: option.get("default", "") for name, option in options.items()}


def design(shape: dict[str, Any], scope: Scope = HERE) -> template.StackDesign:
    """Return the stack of a deployment with these role variables, without their prefix."""
    given = {f"securityhub_slack_{name}": value for name, value in shape.items()}
    settings = settings_of("eu-west-1", {**defaults(), "securityhub_slack_workspace_id": "T0123456789", **given})
    policies = layout.policies_of(settings, datetime.date(2026, 1, 1))
    configurations = tuple(route.channel.configuration for route in settings.routes)
    scheduled = designs.scheduled_digest(settings, [(*item, scope) for item in zip(settings.routes, policies)])
    made = designs.deployment(settings, SNAPSHOT, policies, [scope] * len(policies), configurations, scheduled)
    return made.stack


def render_all() -> dict[str, dict[str, Any]]:
    """Return the templates of all shapes by name, and those of a StackSet whose stacks differ."""
    alike = SHAPES["alarms-of-all-features"]
    instances = [
        Instance("111111111111", "eu-west-1", design(alike)),
        Instance("111111111111", "us-east-1", design(alike, Scope("us-east-1", "us-east-1"))),
        Instance("111111111111", "sa-east-1", design({**alike, "forward_automatically": False, "region": "sa-east-1"})),
        Instance("222222222222", "eu-west-1", design({**alike, "forward_automatically": False})),
    ]
    deployment = stack_set_resource.deployment("securityhub-slack", (("Team", "security"),), instances)
    digests = {
        ("111111111111", "eu-west-1"): design(SHAPES["digest"]),
        ("111111111111", "us-east-1"): design({**SHAPES["digest"], "digest_days": 30}, Scope("us-east-1", "us-east-1")),
    }
    alone = design(SHAPES["digest"])
    joint = {
        ("222222222222", "eu-west-1"): replace(alone, scheduled=replace(alone.scheduled, others=("us-east-1",))),
        ("222222222222", "us-east-1"): replace(alone, scheduled=replace(alone.scheduled, to="eu-west-1")),
    }
    held = json.loads(deployment["Resources"]["StackSet"]["Properties"]["TemplateBody"])
    rendered = {name: template.template(design(shape)) for name, shape in SHAPES.items()}
    rendered |= {f"digest-of-regions-{region}": template.template(stack) for (_id, region), stack in joint.items()}
    merged = stack_set.merge({**digests, **joint})
    return {**rendered, "stack-set": deployment, "stack-of-a-stack-set": held, "digests": merged}


def policies() -> dict[str, Any]:
    """Return the IAM policies that the role ships as the resources of a template."""
    found = {
        path.stem.title().replace("_", ""): {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": json.loads(path.read_text(encoding="utf-8"))},
        }
        for path in sorted((ROOT / "roles/securityhub_slack/files/iam").glob("*.json"))
    }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": found}


def main() -> None:
    """Write one file for each shape to the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, rendered in {**render_all(), "iam-policies": policies()}.items():
        (folder / f"{name}.json").write_text(json.dumps(rendered, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
