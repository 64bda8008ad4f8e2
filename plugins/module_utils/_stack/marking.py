# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets forwarded findings to NOTIFIED (OCSF: In Progress), for a stack's template: pure. PRIVATE to the collection.

If their end is reported, it also writes a mark into them (_securityhub/mark.py): with which severity and when they were
sent, and later that their end is reported, after it has sent that message. User-defined fields of others stay: the
finding is read first, because AWS does not document whether an event has all fields, and whether an update keeps those
that it does not name. A comment of others stays, too.

An event rule cannot calculate for how long a finding was open, or call Security Hub, but an express state machine can
(https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html). The update causes another event,
which no automatic rule matches, since they require NEW (OCSF: New).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .._securityhub import mark as marks
from .._securityhub import workflow
from . import encryption
from .resources import ARN
from .resources import HERE
from .resources import allow
from .resources import local_arn
from .resources import role
from .resources import rules_arn
from .resources import state_machine
from .resources import trust_statement

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._resource.shapes import Statement
    from .._resource.shapes import Tag
    from .resources import Resource
    from .resources import State


MACHINE = "NotifiedMachine"
ROLE = "NotifiedRole"

# Later, a person may have set another status, which must not be overwritten.
OLDEST_EVENT_SECONDS = 60

FAILED = "findings were not marked as sent, or their end was not reported"
UNPROCESSED = "$.UnprocessedFindings[0]"
FINDING, READ = "$.detail.findings[0]", "$.read.fields[0]"
# What the rules that report ends add to a finding.
IS_END = {"Variable": "$.notification", "IsPresent": True}
RETRY = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": 4, "BackoffRate": 2}]

# A time of an event; $toMillis would fail for all else, such as February 30. In some engines, $ accepts one character
# more, a line break.
TIME = (
    r"/^20(\d\d-((0[13578]|1[02])-31|(0[13-9]|1[0-2])-(29|30)|(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8]))"
    r"|([02468][048]|[13579][26])-02-29)T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/"
)
COUNTED = "function($n,$unit){$formatNumber($n,'#,##0')&' '&$unit&($n=1?'':'s')}"
# How long a finding was open, in words; '' if its mark does not say when it was sent, since anyone may have written it.
OPEN_FOR = (
    f"($sent:=$substringAfter($i.mark,'{marks.BEFORE_TIME}');$counted:={COUNTED};"
    f"$s:=$length($sent)=20 and $contains($sent,{TIME})?$floor(($toMillis($i.ended)-$toMillis($sent))/1000):-1;"
    "$s<0?'':' after '&($s<60?'less than a minute':$s<3600?$counted($floor($s/60),'minute')"
    ":$s<172800?$counted($floor($s/3600),'hour'):$counted($floor($s/86400),'day')))"
)


def machine_name(name: str) -> str:
    """Return the name of the state machine of the stack *name*."""
    return f"{name}-notified"


def role_name(name: str, region: str) -> str:
    """Return the name of its role in *region*.

    CloudFormation would shorten a generated name, and IAM policies name the role by a pattern. A role is global. With
    the longest name of a deployment and of a region, these are the 64 characters that IAM allows.
    """
    return f"{name}-Notified-{region}"


def target() -> Json:
    """Return the target of a rule that marks the findings it forwards."""
    return {**end_target(), "RetryPolicy": {"MaximumEventAgeInSeconds": OLDEST_EVENT_SECONDS}}


def end_target() -> Json:
    """Return the target of a rule that reports the end of findings, without its InputTransformer."""
    return {"Id": "notified", "Arn": {"Ref": MACHINE}, "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]}}


def resources(
    name: str, tags: list[Tag], boundary: str, *, ends: list[str], key: str, ocsf: bool
) -> dict[str, Resource]:
    """Return the state machine of the stack *name*, and the role of the machine and of the rules that start it.

    *ends*: the topics to which the end of findings is reported. *key*: of the topics, as StackDesign has it. *ocsf*:
    the findings are those of the new Security Hub.
    """
    text = json.dumps(_definition(name if ends else "", ocsf=ocsf), separators=(",", ":"))
    permissions = _permissions(name, ends, key, ocsf)
    machine = machine_name(name)
    machine_arn = local_arn("states", f"stateMachine:{machine}")
    may_start = allow("states:StartExecution", machine_arn)
    trust = [
        trust_statement("states.amazonaws.com", [machine_arn]),
        trust_statement("events.amazonaws.com", [rules_arn(name)]),
    ]
    named = role_name(name, "${AWS::Region}")
    return {
        ROLE: role(named, trust, "MarkFindingsNotified", [*permissions, may_start], tags, boundary),
        MACHINE: state_machine(machine, "EXPRESS", ROLE, {"Fn::Sub": text}, tags),
    }


def _definition(mark: str, *, ocsf: bool) -> Json:
    """Return the states: mark the finding of the event; fail, which a metric counts, if Security Hub refused.

    *mark*: the name of the user-defined field or, in OCSF, the name that comments have; '' for none.
    """
    status: Json = {"StatusId": workflow.STATUS_IDS["NOTIFIED"]} if ocsf else {"Workflow": {"Status": "NOTIFIED"}}
    before, update = (_of_comment, _ocsf_update) if ocsf else (_of_field, _update)
    states = {
        **(before(mark, status) if mark else {}),
        "Mark": update(status),
        "IsMarked": _choice(({"Variable": UNPROCESSED, "IsPresent": True}, "NotMarked"), default="Marked"),
        "NotMarked": {"Type": "Fail", "Error": "NotMarked", "CausePath": "States.JsonToString($)"},
        "Marked": {"Type": "Succeed"},
    }
    return {"StartAt": "IsOver" if mark else "Mark", "States": states}


def _of_field(mark: str, notified: Json) -> dict[str, State]:
    """Return the states before those: what the field *mark* gets, for a finding that was sent or is over.

    Samples, such as the canary's, are only set to NOTIFIED.
    """
    fields = {"UserDefinedFields.$": "$.fields.all"}
    identifiers = {name: [{"Comparison": "EQUALS", "Value.$": f"{FINDING}.{name}"}] for name in ("Id", "ProductArn")}
    read = {"Filters": identifiers, "MaxResults": 1}

    def all_fields(value: Json) -> State:
        return {"Type": "Pass", "Parameters": value, "ResultPath": "$.fields", "Next": "Read"}

    sample = f"{FINDING}.Sample"
    is_test = {"And": [{"Variable": sample, "IsPresent": True}, {"Variable": sample, "BooleanEquals": True}]}
    # Two whole findings may be more than the 256 KiB that a state can pass on.
    only_fields = {"fields.$": "$.Findings[*].UserDefinedFields"}
    is_there = {"Variable": READ, "IsPresent": True}
    merged = {"all.$": f"States.JsonMerge({READ}, $.fields.all, false)"}
    sent = f"States.Format('{marks.sent(mark, '{}', ocsf=False)}{{}}', {FINDING}.Severity.Label, $.time)"
    return {
        "IsOver": _choice((IS_END, "Report"), (is_test, "Mark"), default="Sent"),
        "Sent": all_fields({"all": {f"{mark}.$": sent}}),
        "Report": _report("$substringBefore($i.mark,' ')", "Over"),
        "Over": all_fields({"all": {mark: marks.over(mark, ocsf=False)}}),
        "Read": _task("getFindings", read, "HasFields") | {"ResultSelector": only_fields, "ResultPath": "$.read"},
        "HasFields": _choice((is_there, "Keep"), default="IsSent"),
        "Keep": all_fields(merged) | {"Next": "IsSent"},
        "IsSent": _choice((IS_END, "MarkOver"), default="MarkSent"),
        "MarkSent": _update(notified | fields),
        "MarkOver": _update(fields),
    }


def _of_comment(mark: str, in_progress: Json) -> dict[str, State]:
    """Return the states before those: which comment a finding gets that was sent or is over."""

    def is_(**test: str) -> Json:
        return {"And": [{"Variable": READ, "IsPresent": True}, {"Variable": READ, **test}]}

    uid = {"Value.$": f"{FINDING}.metadata.uid", "Comparison": "EQUALS"}
    composite = {"StringFilters": [{"FieldName": "metadata.uid", "Filter": uid}]}
    read = {"Filters": {"CompositeFilters": [composite]}, "MaxResults": 1}
    sent = f"States.Format('{marks.sent(mark, '{}', ocsf=True)}{{}}', {FINDING}.severity, $.time)"
    return {
        "IsOver": _choice((IS_END, "Report"), default="Read"),
        "Report": _report("$split($i.mark,' ')[2]", "MarkOver"),
        "MarkOver": _ocsf_update({"Comment": marks.over(mark, ocsf=True)}),
        "Read": _task("getFindingsV2", read, "HasComment")
        | {"ResultSelector": {"fields.$": "$.Findings[*].comment"}, "ResultPath": "$.read"},
        "HasComment": _choice(
            (is_(StringMatches=f"{marks.sent(mark, '*', ocsf=True)}*"), "MarkSent"),
            (is_(StringEquals=marks.over(mark, ocsf=True)), "MarkSent"),
            ({"Variable": READ, "IsPresent": True}, "Mark"),
            default="MarkSent",
        ),
        "MarkSent": _ocsf_update(in_progress | {"Comment.$": sent}),
    }


def _report(severity: str, then: str) -> State:
    """Return the state that sends the message that a finding is over. *severity*: the expression of that of its mark.

    Of the mark only the severity is shown, which the rule has compared, and what is calculated from the time.
    """
    description = f"'*No longer open'&{OPEN_FOR}&'*'&$i.state&'\\nSent as '&{severity}&$i.about"
    content = f"$merge([$i.notification.content,{{'description':{description}}}])"
    return {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": f"{ARN}:states:::sns:publish",
        "Arguments": {
            "TopicArn": f"{{% '{ARN}:sns:{HERE}:'&$states.input.topic %}}",
            "Message": f"{{% ($i:=$states.input;$string($merge([$i.notification,{{'content':{content}}}]))) %}}",
        },
        "Output": "{% $states.input %}",
        "Retry": RETRY,
        "Next": then,
    }


def _choice(*choices: tuple[Json, str], default: str) -> State:
    return {"Type": "Choice", "Choices": [{**test, "Next": then} for test, then in choices], "Default": default}


def _ocsf_update(changes: Json) -> State:
    uids = {"MetadataUids.$": f"States.Array({FINDING}.metadata.uid)"}
    return _task("batchUpdateFindingsV2", uids | changes, "IsMarked")


def _update(changes: Json) -> State:
    finding = {f"{name}.$": f"{FINDING}.{name}" for name in ("Id", "ProductArn")}
    return _task("batchUpdateFindings", {"FindingIdentifiers": [finding], **changes}, "IsMarked")


def _task(action: str, given: Json, then: str) -> State:
    return {
        "Type": "Task",
        "Resource": f"{ARN}:states:::aws-sdk:securityhub:{action}",
        "Parameters": given,
        "Retry": RETRY,
        "Next": then,
    }


def _permissions(name: str, ends: list[str], key: str, ocsf: bool) -> list[Statement]:
    """Return the statements that allow the tasks of the state machine."""
    hub = local_arn("securityhub", workflow.hub(ocsf=ocsf))
    may_mark = (
        workflow.ocsf_permission(hub, ["NOTIFIED"], comment=bool(ends))
        if ocsf
        else workflow.permission(hub, "NOTIFIED", user_defined=bool(ends))
    )
    if not ends:
        return [may_mark]
    may_read = allow("securityhub:GetFindings", hub)
    may_publish = allow("sns:Publish", [local_arn("sns", topic) for topic in ends])
    return [may_mark, may_read, may_publish, *([encryption.permission(name, key)] if key else [])]
