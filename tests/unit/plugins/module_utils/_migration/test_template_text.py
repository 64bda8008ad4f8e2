# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._migration import template_text

SHORT = """
Resources:
  A:
    Properties:
      Role: !GetAtt B.Arn
      Deep: !GetAtt B.Outputs.Name
      Topic: !Ref T
      Text: !Sub "${AWS::Region}"
      Both: !Join ["", [!Ref T, x]]
      If: !If [Ready, {A: !Ref T}, !Ref "AWS::NoValue"]
      Date: 2012-10-17
      Number: 128
      Flag: true
  C:
    Condition: Ready
Conditions:
  Ready: !And [!Condition Other, !Equals [a, b]]
"""


def test_short_forms_become_long_ones_and_what_looks_like_a_date_stays_a_text():
    found = template_text.parse(SHORT)
    assert found["Resources"]["A"]["Properties"] == {
        "Role": {"Fn::GetAtt": ["B", "Arn"]},
        "Deep": {"Fn::GetAtt": ["B", "Outputs.Name"]},
        "Topic": {"Ref": "T"},
        "Text": {"Fn::Sub": "${AWS::Region}"},
        "Both": {"Fn::Join": ["", [{"Ref": "T"}, "x"]]},
        "If": {"Fn::If": ["Ready", {"A": {"Ref": "T"}}, {"Ref": "AWS::NoValue"}]},
        "Date": "2012-10-17",
        "Number": 128,
        "Flag": True,
    }
    assert found["Conditions"]["Ready"] == {"Fn::And": [{"Condition": "Other"}, {"Fn::Equals": ["a", "b"]}]}
    assert template_text.parse(json.loads(json.dumps(found))) == found


def test_json_comes_as_boto3_gives_it():
    assert template_text.parse({"A": {"Fn::GetAtt": "B.Arn"}}) == {"A": {"Fn::GetAtt": ["B", "Arn"]}}


@pytest.mark.parametrize("body", ["", "a: [", "just words", "- a\n- b", None])
def test_what_is_no_template_is_an_empty_one(body):
    assert template_text.parse(body) == {}


def test_yaml_cannot_make_objects():
    assert template_text.parse("a: !!python/object/apply:os.getcwd []") == {}
