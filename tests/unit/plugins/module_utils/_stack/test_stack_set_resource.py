# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._report import files
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
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
        assert "ParameterOverrides" not in group
        for account in group["DeploymentTargets"]["Accounts"]:
            for region in group["Regions"]:
                assert (account, region) not in held
                rule = stack_set.filled_in(whole, (account, region))["Resources"]["RuleSlackFindings"]
                held[account, region] = rule["Properties"]["EventPattern"]["label"][0]
    assert held == severities


@given(PLACES)
def test_organizational_units_are_in_one_group_or_refused(severities):
    found = deployment([Instance(*place, design(label)) for place, label in severities.items()])
    one_group = len(properties(found)["StackInstancesGroup"]) == 1
    assert one_group is not ("Rules" in found)
    accounts, regions = (len(set(part)) for part in zip(*severities))
    assert one_group is (len(severities) == accounts * regions)


def test_stacks_that_are_alike_are_one_group():
    regions = ["us-east-1", "eu-west-1", "ap-south-1"]
    found = deployment([Instance(account, region, design("HIGH")) for account in ("2", "1") for region in regions])
    (group,) = properties(found)["StackInstancesGroup"]
    assert (group["DeploymentTargets"]["Accounts"], group["Regions"]) == (["1", "2"], sorted(regions))


def test_the_exported_file_is_recognized_and_may_be_replaced():
    document = deployment([Instance("1", "a-1", design("HIGH"))])
    assert files.is_ours(json.dumps(document, indent=2)[: files.LONGEST])


def test_the_stack_set_has_the_users_tags_and_ours():
    ours = {"Key": MANAGED_TAG, "Value": "slack"}
    assert properties(deployment([Instance("1", "a-1", design("HIGH"))]))["Tags"] == [ours]
    found = properties(deployment([Instance("1", "a-1", design("HIGH"))], (("Team", "security"),)))
    assert found["Tags"] == [{"Key": "Team", "Value": "security"}, ours]


def test_a_template_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(template, "MAX_BYTES", 1_000)
    with pytest.raises(UserError, match=r"a template of [\d,]+ bytes, and CloudFormation allows 1,000"):
        deployment([Instance("1", "a-1", design("HIGH"))])
