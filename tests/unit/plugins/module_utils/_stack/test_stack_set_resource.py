# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._report import files
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set_resource
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.stack_set_resource import Instance
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import StackDesign
from hypothesis import given
from hypothesis import strategies as st


def design(severity):
    return StackDesign("slack", ("slack",), (Rule("slack-findings", "New", {"label": [severity]}, "slack"),))


def deployment(instances, tags=()):
    return stack_set_resource.deployment("slack", tags, instances)


def properties(found):
    return found["Resources"]["StackSet"]["Properties"]


PLACES = st.dictionaries(
    st.tuples(
        st.sampled_from(["111111111111", "222222222222", "333333333333"]), st.sampled_from(["a-1", "b-1", "c-1"])
    ),
    st.sampled_from(["CRITICAL", "HIGH", "MEDIUM"]),
    min_size=1,
)


@given(PLACES)
def test_each_stack_is_created_once_with_its_values(severities):
    found = properties(deployment([Instance(*place, design(label)) for place, label in severities.items()]))
    whole = json.loads(found["TemplateBody"])
    held = {}
    for group in found["StackInstancesGroup"]:
        given_ = {item["ParameterKey"]: item["ParameterValue"] for item in group["ParameterOverrides"]}
        rule = stack_set.filled_in(whole, given_)["Resources"]["RuleSlackFindings"]
        for account in group["DeploymentTargets"]["Accounts"]:
            for region in group["Regions"]:
                assert (account, region) not in held
                held[account, region] = rule["Properties"]["EventPattern"]["label"][0]
    assert held == severities


def test_stacks_that_are_alike_are_one_group():
    regions = ["us-east-1", "eu-west-1", "ap-south-1"]
    found = properties(
        deployment([Instance(account, region, design("HIGH")) for account in ("2", "1") for region in regions])
    )
    (group,) = found["StackInstancesGroup"]
    assert (group["DeploymentTargets"]["Accounts"], group["Regions"]) == (["1", "2"], sorted(regions))


def test_the_exported_file_is_recognized_and_may_be_replaced():
    document = deployment([Instance("1", "a-1", design("HIGH"))])
    assert files.is_ours(json.dumps(document, indent=2)[: files.LONGEST])


def test_the_users_tags_are_those_of_the_stack_set():
    assert "Tags" not in properties(deployment([Instance("1", "a-1", design("HIGH"))]))
    found = properties(deployment([Instance("1", "a-1", design("HIGH"))], (("Team", "security"),)))
    assert found["Tags"] == [{"Key": "Team", "Value": "security"}]


def test_a_template_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(template, "MAX_BYTES", 1_000)
    with pytest.raises(UserError, match=r"a template of [\d,]+ bytes, and CloudFormation allows 1,000"):
        deployment([Instance("1", "a-1", design("HIGH"))])
