# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest that AWS sends on a schedule, for the template of a stack: pure. PRIVATE to the collection.

A schedule starts a state machine, which reads the open findings of each channel page by page, keeps only numbers, and
publishes the message to the channel's topic. Its JSONata says what _digest/counts.py and _report/digest_message.py say
in Python; a test compares their messages. Resources are not ranked: there may be more than the 256 KiB that a variable
can hold (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).

Step Functions calls AWS in its own region only, so the machine counts the findings of its region's hub.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .._channel import message
from .._routing.fields import OCSF
from . import encryption
from .resources import ARN
from .resources import HERE
from .resources import SCHEDULE as SCHEDULE_TYPE
from .resources import STATE_MACHINE
from .resources import role
from .resources import trust_statement
from .resources import with_tags

MACHINE, ROLE, SCHEDULE = "DigestMachine", "DigestRole", "DigestSchedule"
EVENT_TYPE = "Security Hub digest"

# The fields of a cron expression: the first value, the last, and names of them.
MINUTES, HOURS, DAYS_OF_MONTH = (0, 59, ""), (0, 23, ""), (1, 31, "")
MONTHS = (1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC")
DAYS_OF_WEEK = (1, 7, "SUNMONTUEWEDTHUFRISAT")
WEEKS_A_MONTH = 365.25 / 7 / 12

# A result of a task above 256 KiB is an error, which States.ALL does not catch. Most findings have 3 to 10 KB; after
# the error, a page has half as many. A finding has 240 KB at most.
PAGE = 20
TOO_LARGE = "States.DataLimitExceeded"
# Of the 25,000 events that the history of an execution may have, a page causes 7; see test_scheduled_digest.py.
PAGES_AT_MOST = 3_000
# Slack's characters for markup, the one that ends code, and those of links in Microsoft Teams, which may show no code;
# and with those that Python calls not printable.
MARKUP = "<>&`[]"
UNSAFE = (
    r"[<>&`\[\]\u0000-\u001f\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff0-\ufffb]"
)
# What makes a link of a text in Teams.
LINK = r":\/\/|www\."
# Longer names are shortened in the middle: most are ARNs, whose end says more. All names together stay below the 3,000
# characters that Slack accepts in a block of text (https://docs.slack.dev/reference/block-kit/blocks/section-block).
LONGEST_NAME = 100
FIRST_OF_A_NAME = 40


@dataclass(frozen=True)
class ScheduledChannel:
    """The topic of a channel, and which findings count: their severities, and a JSONata expression on $f."""

    topic: str
    severities: tuple[str, ...]
    forwarded: str


@dataclass(frozen=True)
class ScheduledDigest:
    """When the digest is sent, to which channels, and what it says.

    *expression*, *time_zone*: as EventBridge Scheduler takes them. *days*: for how many a finding is new. *overdue*:
    after how many it is overdue, by severity. *home*: the hub has the findings of linked regions, too.
    *ocsf*: they are those of the new Security Hub.
    """

    expression: str
    time_zone: str
    days: int
    home: bool
    channels: tuple[ScheduledChannel, ...]
    overdue: tuple[tuple[str, int], ...] = ()
    ocsf: bool = False


def a_week(expression: str) -> float | None:
    """Return how often a week a schedule starts on average, None if its expression is not understood.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    kind, _bracket, given = expression.rstrip(")").partition("(")
    try:
        if kind == "rate":
            number, unit = given.split()
            return 7 * (24 if unit.startswith("hour") else 1) / int(number)
        minutes, hours, days_of_month, months, days_of_week, _years = given.split()
        times = _times(minutes, MINUTES) * _times(hours, HOURS) * _times(months, MONTHS) / 12
        if days_of_week != "?":
            # The third Friday (6#3) and the last one (6L) come once a month.
            monthly = [item for item in days_of_week.split(",") if "#" in item or (item.endswith("L") and item != "L")]
            weekly = ",".join(item for item in days_of_week.split(",") if item not in monthly)
            return times * (_times(weekly, DAYS_OF_WEEK) + len(monthly) / WEEKS_A_MONTH)
        return times * (7 if days_of_month == "*" else _times(days_of_month, DAYS_OF_MONTH) / WEEKS_A_MONTH)
    except (ValueError, ZeroDivisionError):
        return None


def _times(text: str, of_field: tuple[int, int, str]) -> int:
    """Return how many values a field of a cron expression has. Raises ValueError."""
    first, last, names = of_field
    found: set[int | str] = set()
    for item in filter(None, text.split(",")):
        values, _slash, step = item.partition("/")
        begin, _dash, end = values.partition("-")
        if begin in ("L", "LW") or begin.endswith("W"):  # days of a month
            found.add(item)
            continue
        start = first if begin == "*" else _value(begin, names)
        stop = _value(end, names) if end else last if step or begin == "*" else start
        stop += last - first + 1 if stop < start else 0
        found.update((number - first) % (last - first + 1) for number in range(start, stop + 1, int(step or 1)))
    return len(found)


def _value(text: str, names: str) -> int:
    return names.index(text) // 3 + 1 if text.isalpha() and names else int(text)


def machine_name(name: str) -> str:
    """Return the name of the state machine of the stack *name*."""
    return f"{name}-digest"


def schedule_name(name: str) -> str:
    """Return the name of the schedule of the stack *name*."""
    return f"{name}-digest"


def role_name(name: str, region: str) -> str:
    """Return the name of the role of both in *region*; a role is global."""
    return f"{name}-Digest-{region}"


def resources(
    name: str, digest: ScheduledDigest, key: str, tags: list[dict[str, str]], boundary: str
) -> dict[str, Any]:
    """Return schedule, state machine and role of the stack *name*. *key*: of its topics, as StackDesign has it."""
    machine = machine_name(name)
    machine_arn = {"Fn::Sub": f"{ARN}:states:{HERE}:stateMachine:{machine}"}
    of_machine: dict[str, Any] = {
        "StateMachineName": machine,
        # An express state machine would have to be done in five minutes.
        "StateMachineType": "STANDARD",
        "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]},
        "DefinitionString": {"Fn::Sub": [json.dumps(_definition(digest), separators=(",", ":")), _values(digest)]},
    }
    target = {
        "Arn": {"Ref": MACHINE},
        "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]},
        # A digest that is a day late would be followed by the next one.
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600},
    }
    schedule = {
        "Name": schedule_name(name),
        "Description": "Sends the digest of open Security Hub findings",
        "ScheduleExpression": digest.expression,
        "ScheduleExpressionTimezone": digest.time_zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Target": target,
    }
    # For a schedule, the source is its group:
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    group = {"Fn::Sub": f"{ARN}:scheduler:{HERE}:schedule-group/default"}
    trust = [
        trust_statement("states.amazonaws.com", [machine_arn]),
        trust_statement("scheduler.amazonaws.com", [group]),
    ]
    permissions = _permissions(name, machine_arn, digest, key)
    return {
        ROLE: role(role_name(name, "${AWS::Region}"), trust, "SendDigest", permissions, tags, boundary),
        MACHINE: {"Type": STATE_MACHINE, "Properties": with_tags(of_machine, tags)},
        SCHEDULE: {"Type": SCHEDULE_TYPE, "Properties": schedule},
    }


def _permissions(name: str, machine: dict[str, Any], digest: ScheduledDigest, key: str) -> list[dict[str, Any]]:
    hub = {"Fn::Sub": f"{ARN}:securityhub:{HERE}:hub{'v2' if digest.ocsf else ''}/default"}
    executions = {"Fn::Sub": f"{ARN}:states:{HERE}:execution:{machine_name(name)}:*"}
    topics = [{"Fn::Sub": f"{ARN}:sns:{HERE}:{channel.topic}"} for channel in digest.channels]
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine},
        {"Effect": "Allow", "Action": "states:ListExecutions", "Resource": machine},
        {"Effect": "Allow", "Action": "states:DescribeExecution", "Resource": executions},
        {"Effect": "Allow", "Action": "securityhub:GetFindings", "Resource": hub},
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": topics},
    ]
    if key:
        statements.append(encryption.permission(name, key))
    return statements


# The state machine


def _values(digest: ScheduledDigest) -> dict[str, str]:
    """Return what differs between regions, so that one template of a StackSet can have it for all of them."""
    where = ", including the regions linked to ${AWS::Region}" if digest.home else ""
    limits = ",".join(f"'{severity}':{days}" for severity, days in digest.overdue)
    return {
        "Days": str(digest.days),
        "Period": "1 day" if digest.days == 1 else f"{digest.days} days",
        "Overdue": f"{{{limits}}}",
        "Linked": where.replace("${AWS::Region}", "'&$region&'"),
        **{f"Severities{number}": ",".join(item.severities) for number, item in enumerate(digest.channels)},
        **{f"Counts{number}": _in_json(item.forwarded) for number, item in enumerate(digest.channels)},
    }


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _definition(digest: ScheduledDigest) -> dict[str, Any]:
    """Return the states: for each channel, read page after page, and publish the message."""
    channels = [
        {"topic": f"{ARN}:sns:{HERE}:{channel.topic}", "severities": f"${{Severities{number}}}"}
        for number, channel in enumerate(digest.channels)
    ]
    states = {
        "Start": {"Type": "Pass", "Assign": _start(), "Next": "Read"},
        "Read": {
            **_task(f"aws-sdk:securityhub:getFindings{'V2' if digest.ocsf else ''}", _request(digest.ocsf), "IsLast"),
            "Assign": {
                "next": _expression("$states.result.NextToken?$states.result.NextToken:''"),
                "size": _expression(f"$min([{PAGE},2*$size])"),
                "pages": _expression("$pages+1"),
                "found": _expression(_added(len(channels), digest.ocsf)),
            },
            "Output": {},
            "Catch": [{"ErrorEquals": [TOO_LARGE], "Next": "IsSmallest"}],
        },
        "IsSmallest": _choice("$size=1", "TooLarge", "Smaller"),
        "Smaller": {"Type": "Pass", "Assign": {"size": _expression("$floor($size/2)")}, "Next": "Read"},
        "TooLarge": {"Type": "Fail", "Error": TOO_LARGE, "Cause": "A finding is larger than Security Hub allows."},
        "IsLast": _choice(f"$next='' or $pages>={_pages(len(channels))}", "Publish", "Read"),
        "Publish": {
            **_task(
                "sns:publish",
                {"TopicArn": _expression("$topic"), "Message": _expression(_message(len(channels), digest.ocsf))},
            )
        }
        | {"Output": {"topic": _expression("$topic"), "severities": _expression("$found.severities")}, "End": True},
    }
    whole = {
        "Type": "Map",
        "Items": channels,
        "MaxConcurrency": 1,
        "ItemSelector": {
            "number": _expression("$states.context.Map.Item.Index"),
            "channel": _expression("$states.context.Map.Item.Value"),
        },
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Start", "States": states},
        "End": True,
    }
    return {"QueryLanguage": "JSONata", "StartAt": "Begin", "States": {**_last(), "EachChannel": whole}}


def _last() -> dict[str, Any]:
    """Return the states that read what the last digest said, which is the output of its execution.

    Step Functions keeps it for 90 days. A digest is sent without it, too, and does not wait for it: a permissions
    boundary that lacks these calls denies them each time.
    """
    machine = {"StateMachineArn": _expression("$states.context.StateMachine.Id"), "StatusFilter": "SUCCEEDED"}
    catch = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "EachChannel"}]}
    read = {"on": "$substring($states.result.StartDate,0,10)", "channels": "$parse($states.result.Output)"}
    return {
        "Begin": {"Type": "Pass", "Assign": {"last": {}}, "Next": "FindLast"},
        "FindLast": _task("aws-sdk:sfn:listExecutions", {**machine, "MaxResults": 1}, "HasLast", retries=1) | catch,
        "HasLast": _choice("$count($states.input.Executions)=0", "EachChannel", "ReadLast"),
        "ReadLast": _task(
            "aws-sdk:sfn:describeExecution",
            {"ExecutionArn": _expression("$states.input.Executions[0].ExecutionArn")},
            "EachChannel",
            retries=1,
        )
        | {"Assign": {"last": {name: _expression(text) for name, text in read.items()}}}
        | catch,
    }


def _expression(text: str) -> str:
    return f"{{% {text} %}}"


def _task(action: str, arguments: Any, then: str = "", retries: int = 8) -> dict[str, Any]:
    retry = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": retries, "BackoffRate": 2}
    return {
        "Type": "Task",
        "Resource": f"{ARN}:states:::{action}",
        "Arguments": arguments,
        "Retry": [{**retry, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}],
        **({"Next": then} if then else {}),
    }


def _choice(condition: str, then: str, otherwise: str) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": [{"Condition": _expression(condition), "Next": then}], "Default": otherwise}


# What is counted, by severity or name.
NUMBERS = ("severities", "new", "before", "oldest", "overdue", "regions", "accounts", "controls")


def _start() -> dict[str, Any]:
    return {
        "number": _expression("$states.input.number"),
        "topic": _expression("$states.input.channel.topic"),
        "severities": _expression("$states.input.channel.severities"),
        "moment": _expression("$toMillis($states.context.Execution.StartTime)"),
        "next": "",
        "size": PAGE,
        "pages": 0,
        "found": {**{name: {} for name in NUMBERS}, "late": []},
    }


def _request(ocsf: bool) -> str:
    filters = FILTERS_OF_OCSF if ocsf else FILTERS
    return _expression(f"$merge([{{'Filters':{filters},'MaxResults':$size}},$next=''?{{}}:{{'NextToken':$next}}])")


EQUALS = "{'Value':$,'Comparison':'EQUALS'}"
FILTERS = (
    "{'RecordState':[{'Value':'ACTIVE','Comparison':'EQUALS'}],"
    f"'WorkflowStatus':['NEW','NOTIFIED'].{EQUALS},'SeverityLabel':[$split($severities,',').{EQUALS}]}}"
)
FILTERS_OF_OCSF = (
    "{'CompositeOperator':'AND','CompositeFilters':[{'Operator':'OR','StringFilters':"
    f"['New','In Progress'].{{'FieldName':'status','Filter':{EQUALS}}}}},{{'Operator':'OR','StringFilters':"
    f"[$split($severities,',').{{'FieldName':'severity','Filter':{EQUALS}}}]}}]}}"
)
# A time with a zone; only its form is checked, because a time that $toMillis refuses would fail the whole digest.
TIME = (
    r"/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
    r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/"
)
# Days since the creation of a finding; nothing if it does not say when it was created.
AGE = (
    rf"function($t){{$contains($t,{TIME})?"
    r"$floor(($moment-$toMillis($substring($t,0,19)&$replace($t,/^.{19}(\.\d+)?/,'')))/86400000)}"
)
KEPT = "[$filter($states.result.Findings,function($f){COUNTS}).{ATTRIBUTES}]"
ATTRIBUTES = (
    "'s':Severity.Label,'a':$age(CreatedAt),'r':Region,'i':Id,'k':AwsAccountId,'u':$named(AwsAccountId,AwsAccountName),"
    "'c':$control(Compliance.SecurityControlId,ProductArn)"
)
LABELS = ",".join(f"'{text}':'{label}'" for label, texts in OCSF.labels.items() for text in texts)
ATTRIBUTES_OF_OCSF = (
    f"'s':$lookup({{{LABELS}}},severity),"
    "'a':$age(finding_info.created_time_dt),'r':cloud.region,'i':finding_info.uid,"
    "'k':cloud.account.uid,'u':$named(cloud.account.uid,cloud.account.name),"
    "'c':$control(compliance.control,metadata.product.uid)"
)
NAMED = r"function($id,$name){$name?$replace($id&' '&$name,/\s+$/,''):$id}"
# Whoever may import findings of another product can name a control in them.
CONTROL = r"function($id,$p){$id and $contains($p,/\/aws\/securityhub$/)?$id:$join($split($p,'/')[[-2,-1]],'/')}"
# $add: the numbers with one more for each key. $old: the highest age by severity.
ADD = (
    "function($in,$keys){$reduce($keys,function($o,$k){"
    "$merge([$o,{$k:1+($exists($lookup($o,$k))?$lookup($o,$k):0)}])},$in)}"
)
# The first ten overdue findings: the highest severity, and then the oldest, first.
FIRST = (
    "function($all){$sort($all,function($x,$y){($p:=$lookup($rank,$x.s);$q:=$lookup($rank,$y.s);"
    "$p>$q or ($p=$q and ($x.a<$y.a or ($x.a=$y.a and $x.i>$y.i))))})[[0..9]]}"
)
RANK = "{'CRITICAL':0,'HIGH':1,'MEDIUM':2,'LOW':3,'INFORMATIONAL':4}"
OLD = "function($in,$all){$reduce($all,function($o,$e){$merge([$o,{$e.s:$max([$e.a,$lookup($o,$e.s)])}])},$in)}"


def _added(channels: int, ocsf: bool) -> str:
    """Return the expression of the numbers so far together with those of the page."""
    attributes = ATTRIBUTES_OF_OCSF if ocsf else ATTRIBUTES
    counts = ":".join(f"$number={number}?(${{Counts{number}}})" for number in range(channels)) + ":false"
    kept = KEPT.replace("COUNTS", counts).replace("ATTRIBUTES", attributes)
    return (
        f"($age:={AGE};$named:={NAMED};$control:={CONTROL};$add:={ADD};$old:={OLD};"
        f"$rank:={RANK};$first:={FIRST};$limits:=${{Overdue}};"
        f"$kept:={kept};$late:=[$kept[a>=$lookup($limits,s)]];"
        "{'severities':$add($found.severities,[$kept.s]),"
        "'new':$add($found.new,[$kept[a<${Days}].s]),"
        "'before':$add($found.before,[$kept[a>=${Days} and a<2*${Days}].s]),"
        "'oldest':$old($found.oldest,[$kept[$exists(a)]]),"
        "'overdue':$add($found.overdue,[$late.s]),"
        "'late':[$first([$found.late,$late])],"
        "'regions':$add($found.regions,[$kept.r]),"
        "'accounts':$add($found.accounts,[$kept.u]),"
        "'controls':$add($found.controls,[$kept.c])})"
    )


FORMATTED = "function($n){$formatNumber($n,'#,##0')}"
PERIOD = "function($n){$number_of($n)&($n=1?' day':' days')}"
LATE = (
    "($all:=[$order[$exists($lookup($found.overdue,$))]"
    ".($number_of($lookup($found.overdue,$))&' '&$&' ('&$period($lookup($limits,$))&')')];"
    "$count($all)>0?$join($all,', '):'none')"
)
LISTED = (
    "function($c,$none){($all:=[$order[$exists($lookup($c,$))].($number_of($lookup($c,$))&' '&$)];"
    "$count($all)>0?$join($all,', '):$none)}"
)
CODE = (
    f"function($t){{($s:=$length($t)>{LONGEST_NAME}?"
    f"$substring($t,0,{FIRST_OF_A_NAME})&'...'&$substring($t,{FIRST_OF_A_NAME + 3 - LONGEST_NAME}):$t;"
    f"'`'&$replace($replace($s,/{UNSAFE}/,'?'),/{LINK}/i,'?')&'`')}}"
)
# The three names with the highest numbers, unless there are fewer than *$least* names.
RANKED = (
    "function($kind,$c,$least){($all:=[$keys($c)];$more:=$count($all)-3;"
    "$top:=[$sort($all,function($x,$y){$lookup($c,$x)<$lookup($c,$y) or ($lookup($c,$x)=$lookup($c,$y) and $x>$y)})]"
    "[[0..2]];$count($all)<$least?[]:"
    "[$kind&': '&$join([$top.($code($)&' ('&$number_of($lookup($c,$))&')')],', ')"
    "&($more>0?' and '&$number_of($more)&' more':'')])}"
)


def _pages(channels: int) -> int:
    """Return how many pages are read for each channel."""
    return PAGES_AT_MOST // channels


def _message(channels: int, ocsf: bool) -> str:
    """Return the expression of the custom notification, as text."""
    incomplete = f"'*Not counted*: findings after the first {_pages(channels):,} pages'"
    order = "['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL']"
    lines = (
        "['*'&$listed($found.severities,'No finding')&'* open in '&$region&'${Linked}',"
        "$any?'New in the last ${Period}: '&$listed($found.new,'none')&'; of the ${Period} before, '"
        "&$listed($found.before,'none')&' still open':[],"
        "$exists($days)?'Oldest '&$highest&': '&$period($days):[],"
        "$exists($then)?'Last digest ('&$last.on&'): '&$listed($then.severities,'none')&' open':[],"
        f"$any and $count($keys($limits))>0?'Overdue: '&{LATE}:[],"
        "$ranked('Regions',$found.regions,2),$ranked('Accounts',$found.accounts,2),"
        f"$ranked('Controls',$found.controls,1),$next=''?[]:{incomplete}]"
    )
    _paths, list_url, search_url, _key = message.BY_FORMAT["ocsf" if ocsf else "asff"]
    console = list_url.replace("<hub>", "${AWS::Region}")
    link = f"'{list_url}'".replace("<hub>", "'&r&'")
    search = f"($length(i)<={message.LONGEST_ID}?'{search_url}':'')".replace("<id>", "'&$encodeUrlComponent(i)&'")
    steps = (
        f"[$found.late.(s&' '&$code(c)&', '&$period(a)&', account '&k&': '&{link}&{search}),"
        f"'View the findings in '&$region&': {console}']"
    )
    title = f"{EVENT_TYPE}: account ${{AWS::AccountId}}"
    shown = json.dumps(message.custom({"title": title}, {"summary": title, "eventType": EVENT_TYPE}))
    return (
        f"($number_of:={FORMATTED};$period:={PERIOD};$limits:=${{Overdue}};"
        f"$order:={order};$listed:={LISTED};$code:={CODE};$ranked:={RANKED};"
        "$then:=$last.channels[topic=$topic];$region:='${AWS::Region}';"
        "$highest:=$order[$exists($lookup($found.severities,$))][0];$any:=$exists($highest);"
        f"$days:=$any?$lookup($found.oldest,$highest);$lines:={lines};$shown:={shown};"
        "$string($merge([$shown,{'content':$merge([$shown.content,{'description':$join($lines,'\\n')},"
        f"$any?{{'nextSteps':{steps}}}:{{}}])}}])))"
    )
