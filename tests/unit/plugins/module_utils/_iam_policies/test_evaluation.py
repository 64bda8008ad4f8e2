# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a policy lets EventBridge in, judged like AWS does."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._iam_policies import evaluation

TOPIC = "arn:aws:sns:us-east-1:111111111111:securityhub-slack"
RULE = "arn:aws:events:us-east-1:111111111111:rule/securityhub-slack-findings"
KEY = "arn:aws:kms:us-east-1:111111111111:key/1"
PUBLISH = evaluation.of_rule("sns:Publish", TOPIC, RULE)
EVENTS = {"Service": "events.amazonaws.com"}


def allow(**more):
    return {"Effect": "Allow", "Principal": EVENTS, "Action": "sns:Publish", "Resource": TOPIC, **more}


def deny(**more):
    return {**allow(Action="*", Resource="*", Principal="*"), "Effect": "Deny", **more}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    "statement",
    [
        allow(),
        allow(Action="SNS:Publish"),
        allow(Action=["sns:Subscribe", "sns:P*"], Resource="arn:aws:sns:*"),
        allow(Principal="*"),
        allow(Principal={"AWS": "*"}),
        allow(Principal={"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}),
        allow(Condition={"ArnEquals": {"aws:SourceArn": ["arn:aws:events:us-east-1:111111111111:rule/other", RULE]}}),
        allow(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:111111111111:rule/*"}}),
        allow(Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}}),
        allow(Condition={"Bool": {"aws:SecureTransport": "true"}}),
        allow(Condition={"StringNotEquals": {"aws:SourceAccount": "222222222222"}}),
        allow(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}),
        allow(Condition={"Null": {"aws:SourceArn": "false"}}),
        {"Effect": "Allow", "Principal": EVENTS, "NotAction": "sns:DeleteTopic", "NotResource": "arn:aws:sns:::x"},
    ],
)
def test_a_statement_lets_eventbridge_in(statement):
    assert evaluation.lets_in(policy(statement), PUBLISH)
    assert not evaluation.lets_in(policy(statement, deny()), PUBLISH)


@pytest.mark.parametrize(
    "statement",
    [
        allow(Principal={"Service": "cloudwatch.amazonaws.com"}),
        allow(Principal={"AWS": "arn:aws:iam::111111111111:root"}),
        allow(Action="sns:Subscribe"),
        allow(Resource=f"{TOPIC}-other"),
        allow(Condition={"ArnEquals": {"aws:SourceArn": f"{RULE}-2"}}),
        allow(Condition={"StringEquals": {"aws:SourceAccount": "222222222222"}}),
        allow(Condition={"StringEquals": {"AWS:SourceOwner": "111111111111"}}),
        allow(Condition={"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-1/*"}}),
        allow(Condition={"DateGreaterThan": {"aws:SourceAccount": "2020-01-01"}}),
    ],
)
def test_a_statement_does_not_let_eventbridge_in(statement):
    assert not evaluation.lets_in(policy(statement), PUBLISH)


@pytest.mark.parametrize(
    ("statement", "denies"),
    [
        (deny(), True),
        (deny(Principal=EVENTS, Action="sns:publish"), True),
        (deny(NotPrincipal={"AWS": "arn:aws:iam::111111111111:root"}, Principal=None), True),
        (deny(Condition={"StringNotEquals": {"aws:SourceAccount": "222222222222"}}), True),
        (deny(Condition={"Bool": {"aws:SecureTransport": "false"}}), False),
        (deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}), True),
        (deny(Condition={"Null": {"aws:PrincipalOrgID": "true"}}), True),
        (deny(Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}), True),
        (
            deny(
                Condition={
                    "StringNotEquals": {"aws:PrincipalOrgID": "o-1"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                }
            ),
            False,
        ),
        (deny(Condition={"StringNotEquals": {"aws:SourceOrgID": "o-1"}}), False),
        (deny(Action="sns:DeleteTopic"), False),
    ],
)
def test_a_denial_counts_only_where_it_applies(statement, denies):
    statement = {key: value for key, value in statement.items() if value is not None}
    assert evaluation.lets_in(policy(allow(), statement), PUBLISH) is not denies


@pytest.mark.parametrize(("account", "may"), [("111111111111", True), ("222222222222", False)])
def test_default_topic_policy_allows_alarms_of_its_account(account, may):
    own = {"StringEquals": {"AWS:SourceOwner": "111111111111"}}
    born = policy(allow(Principal={"AWS": "*"}, Action=["SNS:GetTopicAttributes", "SNS:Publish"], Condition=own))
    alarm = f"arn:aws:cloudwatch:us-east-1:{account}:alarm:securityhub-slack-undelivered"
    assert evaluation.lets_in(born, evaluation.of_alarm("sns:Publish", TOPIC, alarm)) is may


def test_missing_policy_allows_no_principal():
    assert not evaluation.lets_in({}, PUBLISH)
    assert not evaluation.lets_in({"Statement": []}, PUBLISH)


def test_a_single_statement_need_not_stand_in_a_list():
    assert evaluation.lets_in({"Statement": allow()}, PUBLISH)


def test_key_policy_is_evaluated_for_a_topic():
    request = evaluation.of_key("kms:Decrypt", KEY, TOPIC)
    base = allow(Action=["kms:Decrypt", "kms:GenerateDataKey*"], Resource="*")
    assert evaluation.lets_in(policy(base), request)
    context = {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": [TOPIC]}}
    assert evaluation.lets_in(policy({**base, "Condition": context}), request)
    source = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    assert not evaluation.lets_in(policy({**base, "Condition": source}), request)


def statement(**more):
    return {"Effect": "Allow", "Principal": "*", "Action": "sns:Subscribe", "Resource": TOPIC, **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (statement(), True),
        (statement(Principal={"AWS": "*"}), True),
        (statement(Principal={"AWS": ["arn:aws:iam::111111111111:root", "*"]}), True),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sns:*"}, True),
        (statement(Condition={"Bool": {"aws:SecureTransport": "true"}}), True),
        (statement(Condition={"StringNotEquals": {"aws:SourceAccount": "999999999999"}}), True),
        (statement(Condition={"StringLike": {"aws:SourceAccount": "*"}}), True),
        (statement(Condition={"StringEqualsIfExists": {"aws:SourceAccount": "111111111111"}}), True),
        (statement(Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}), True),
        (statement(Effect="Deny"), False),
        (statement(Principal={"Service": "events.amazonaws.com"}), False),
        (statement(Principal={"AWS": "arn:aws:iam::444444444444:root"}), False),
        (statement(Condition={"StringEquals": {"AWS:SourceOwner": "111111111111"}}), False),
        (statement(Condition={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-1/*"]}}), False),
    ],
)
def test_a_statement_is_open_if_it_is_for_everyone_and_nothing_limits_it(given, expected):
    assert evaluation.is_open(given) is expected


OWN, OTHER = "111111111111", "arn:aws:iam::444444444444:root"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (statement(), ["*"]),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "sns:*"}, ["*"]),
        (statement(Principal={"AWS": OTHER}), [OTHER]),
        (statement(Principal={"AWS": ["444444444444", OWN, f"arn:aws:iam::{OWN}:role/ours"]}), ["444444444444"]),
        (statement(Principal={"AWS": "AIDAOFADELETEDUSER"}), ["AIDAOFADELETEDUSER"]),
        (statement(Principal={"AWS": ["*", OTHER]}), [OTHER, "*"]),
        (statement(Condition={"StringEquals": {"aws:PrincipalAccount": [OWN, "444444444444"]}}), [OWN, "444444444444"]),
        (statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), ["o-1"]),
        (statement(Condition={"StringEquals": {"AWS:SourceOwner": OWN}}), []),
        (statement(Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:events:eu-west-1:{OWN}:rule/*"}}), []),
        (statement(Condition={"StringEquals": {"aws:SourceAccount": []}}), ["*"]),
        (statement(Principal={"Service": "events.amazonaws.com"}), []),
        (statement(Principal={"AWS": OTHER}, Effect="Deny"), []),
    ],
)
def test_whom_outside_of_the_account_a_statement_lets_in(given, expected):
    assert evaluation.others(given, OWN) == expected
