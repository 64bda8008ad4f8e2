# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes on the channel role and its guardrail policy."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import DENY_ALL
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import LiveIdentity
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import identity_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import IdentityPlan
from ansible_collections.secops.securityhub.plugins.module_utils._plan.identity import plan
from ansible_collections.secops.securityhub.plugins.module_utils._plan.identity import plan_absent
from ansible_collections.secops.securityhub.plugins.module_utils._plan.identity import problems
from ansible_collections.secops.securityhub.tests.unit import account_model

TAGS = [{"Key": "Team", "Value": "security"}, {"Key": "secops.securityhub/managed", "Value": "pipe"}]
DESIRED = identity_of(account_model.ACCOUNT, "pipe", (("Team", "security"),))
ROLE, GUARDRAIL = account_model.role_of(TAGS), account_model.guardrail_of(TAGS)
LIVE = LiveIdentity(ROLE, GUARDRAIL)


def test_names_are_derived():
    assert DESIRED.role_arn == "arn:aws:iam::111111111111:role/pipe-channel"
    assert DESIRED.guardrail_arn == "arn:aws:iam::111111111111:policy/pipe-channel-guardrail"


def test_without_buttons_the_role_may_do_nothing_and_the_guardrail_denies_everything():
    assert DESIRED.permissions is None
    assert DESIRED.guardrail["Statement"] == [{"Effect": "Deny", "Action": "*", "Resource": "*"}]


@pytest.mark.parametrize(
    ("live", "role", "guardrail"),
    [
        (LiveIdentity(), "create", "create"),
        (LIVE, "none", "none"),
        (LiveIdentity(ROLE, None), "none", "create"),
        (LiveIdentity(None, GUARDRAIL), "create", "none"),
        # IAM returns policies as URL-encoded JSON, which botocore decodes for some calls only.
        (LiveIdentity({**ROLE, "AssumeRolePolicyDocument": quote(json.dumps(TRUST))}, GUARDRAIL), "none", "none"),
        (LiveIdentity(ROLE, {**GUARDRAIL, "Document": quote(json.dumps(DENY_ALL))}), "none", "none"),
        (LiveIdentity({**ROLE, "AssumeRolePolicyDocument": {}}, GUARDRAIL), "update", "none"),
        (LiveIdentity(account_model.role_of(TAGS[1:]), GUARDRAIL), "update", "none"),
        (LiveIdentity(account_model.role_of([*TAGS, {"Key": "added", "Value": "by hand"}]), GUARDRAIL), "none", "none"),
        (LiveIdentity(ROLE, {**GUARDRAIL, "Document": {"Statement": []}}), "none", "update"),
    ],
)
def test_operations_for_role_and_guardrail(live, role, guardrail):
    assert plan(DESIRED, live, own_guardrail=True) == IdentityPlan(role, guardrail)
    assert plan(DESIRED, live, own_guardrail=False) == IdentityPlan(role, "none")


def test_ours_have_no_problems():
    assert problems(DESIRED, LIVE) == problems(DESIRED, LiveIdentity()) == []


MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "*"}]}
ALLOWED = identity_of(account_model.ACCOUNT, "pipe", (("Team", "security"),), MAY)
ALLOWED_ROLE = account_model.role_of([{"Key": key, "Value": value} for key, value in ALLOWED.role_tags])
UNFINISHED_ROLE = account_model.role_of([*TAGS, {"Key": "secops.securityhub/permissions", "Value": "-"}])
ALLOWED_GUARDRAIL = {**GUARDRAIL, "Document": MAY}


@pytest.mark.parametrize(
    ("desired", "live", "role", "guardrail"),
    [
        (ALLOWED, LIVE, "update", "update"),
        (ALLOWED, LiveIdentity(ALLOWED_ROLE, ALLOWED_GUARDRAIL), "none", "none"),
        (ALLOWED, LiveIdentity(UNFINISHED_ROLE, ALLOWED_GUARDRAIL), "update", "none"),
        (DESIRED, LiveIdentity(ALLOWED_ROLE, ALLOWED_GUARDRAIL), "update", "update"),
        (DESIRED, LiveIdentity(UNFINISHED_ROLE, GUARDRAIL), "update", "none"),
    ],
)
def test_operations_that_grant_permissions_and_revoke_them(desired, live, role, guardrail):
    assert plan(desired, live, own_guardrail=True) == IdentityPlan(role, guardrail)


@pytest.mark.parametrize(
    ("live", "what"),
    [
        (LiveIdentity(account_model.role_of([]), None), "role pipe-channel"),
        (LiveIdentity(None, account_model.guardrail_of(TAGS[:1])), "policy pipe-channel-guardrail"),
    ],
)
def test_foreign_ones_are_refused_and_left_alone(live, what):
    (problem,) = problems(DESIRED, live)
    for fact in (f"the IAM {what} ", "not managed by this collection", "securityhub_slack_name"):
        assert fact in problem
    assert plan_absent(DESIRED, live) == IdentityPlan()


@pytest.mark.parametrize(
    ("live", "planned"),
    [
        (LiveIdentity(), IdentityPlan()),
        (LIVE, IdentityPlan("delete", "delete")),
        (LiveIdentity(None, GUARDRAIL), IdentityPlan("none", "delete")),
    ],
)
def test_operations_that_remove_both(live, planned):
    assert plan_absent(DESIRED, live) == planned
