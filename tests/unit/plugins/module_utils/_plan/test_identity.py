# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import DENY_ALL
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import TRUST
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import LiveIdentity
from ansible_collections.secops.securityhub.plugins.module_utils._model.identity import identity_of as identity
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import IdentityPlan
from ansible_collections.secops.securityhub.plugins.module_utils._plan.identity import plan
from ansible_collections.secops.securityhub.plugins.module_utils._plan.identity import plan_absent
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet

TAGS = [{"Key": "Team", "Value": "security"}, {"Key": "secops.securityhub/managed", "Value": "pipe"}]
WANTED = identity(fleet.ACCOUNT, "pipe", (("Team", "security"),))
ROLE, GUARDRAIL = fleet.role_of(TAGS), fleet.guardrail_of(TAGS)
LIVE = LiveIdentity(ROLE, GUARDRAIL)


def test_names():
    assert WANTED.role_arn == "arn:aws:iam::111111111111:role/pipe-channel"
    assert WANTED.guardrail_arn == "arn:aws:iam::111111111111:policy/pipe-channel-guardrail"


@pytest.mark.parametrize(
    ("live", "role", "guardrail"),
    [
        (LiveIdentity(), "create", "create"),
        (LIVE, "none", "none"),
        (LiveIdentity(ROLE, None), "none", "create"),
        (LiveIdentity(None, GUARDRAIL), "create", "none"),
        # IAM hands policies out as URL-encoded JSON, which botocore decodes for some calls only.
        (LiveIdentity({**ROLE, "AssumeRolePolicyDocument": quote(json.dumps(TRUST))}, GUARDRAIL), "none", "none"),
        (LiveIdentity(ROLE, {**GUARDRAIL, "Document": quote(json.dumps(DENY_ALL))}), "none", "none"),
        (LiveIdentity({**ROLE, "AssumeRolePolicyDocument": {}}, GUARDRAIL), "update", "none"),
        (LiveIdentity(fleet.role_of(TAGS[1:]), GUARDRAIL), "update", "none"),
        (LiveIdentity(fleet.role_of([*TAGS, {"Key": "added", "Value": "by hand"}]), GUARDRAIL), "none", "none"),
        (LiveIdentity(ROLE, {**GUARDRAIL, "Document": {"Statement": []}}), "none", "update"),
    ],
)
def test_towards_role_and_guardrail(live, role, guardrail):
    assert plan(WANTED, live, own_guardrail=True) == IdentityPlan(role, guardrail)
    assert plan(WANTED, live, own_guardrail=False) == IdentityPlan(role, "none")


MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "*"}]}
ALLOWED = identity(fleet.ACCOUNT, "pipe", (("Team", "security"),), MAY)
ALLOWED_ROLE = fleet.role_of([{"Key": key, "Value": value} for key, value in ALLOWED.role_tags])
UNFINISHED_ROLE = fleet.role_of([*TAGS, {"Key": "secops.securityhub/permissions", "Value": "-"}])
ALLOWED_GUARDRAIL = {**GUARDRAIL, "Document": MAY}


@pytest.mark.parametrize(
    ("wanted", "live", "role", "guardrail"),
    [
        (ALLOWED, LIVE, "update", "update"),
        (ALLOWED, LiveIdentity(ALLOWED_ROLE, ALLOWED_GUARDRAIL), "none", "none"),
        (ALLOWED, LiveIdentity(UNFINISHED_ROLE, ALLOWED_GUARDRAIL), "update", "none"),
        (WANTED, LiveIdentity(ALLOWED_ROLE, ALLOWED_GUARDRAIL), "update", "update"),
        (WANTED, LiveIdentity(UNFINISHED_ROLE, GUARDRAIL), "update", "none"),
    ],
)
def test_towards_permissions_and_back(wanted, live, role, guardrail):
    assert plan(wanted, live, own_guardrail=True) == IdentityPlan(role, guardrail)


@pytest.mark.parametrize(
    ("live", "what"),
    [
        (LiveIdentity(fleet.role_of([]), None), "role pipe-channel"),
        (LiveIdentity(None, fleet.guardrail_of(TAGS[:1])), "policy pipe-channel-guardrail"),
    ],
)
def test_foreign_ones_are_refused_and_left_alone(live, what):
    with pytest.raises(UserError, match=f"the IAM {what} is there, but was not made by this collection"):
        plan(WANTED, live, own_guardrail=True)
    assert plan_absent(WANTED, live) == IdentityPlan()


@pytest.mark.parametrize(
    ("live", "planned"),
    [
        (LiveIdentity(), IdentityPlan()),
        (LIVE, IdentityPlan("delete", "delete")),
        (LiveIdentity(None, GUARDRAIL), IdentityPlan("none", "delete")),
    ],
)
def test_towards_nothing(live, planned):
    assert plan_absent(WANTED, live) == planned
