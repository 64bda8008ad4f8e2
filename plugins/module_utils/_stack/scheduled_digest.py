# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest that AWS sends on a schedule, for the template of a stack: pure. PRIVATE to the collection.

A schedule starts a state machine, which reads the open findings of each channel page by page, keeps only numbers, and
publishes the message to the channel's topic. Its JSONata says what _digest/counts.py and _report/digest_message.py say
in Python; a test compares their messages. Resources are not ranked: there may be more than the 256 KiB that a variable
can hold (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).

Step Functions calls AWS in its own region only, so the machine counts the findings of its region's hub. Where several
regions of an account count, one of them sends the message: each of the others puts its numbers as an event on its event
bus, and a rule forwards it to the event bus of that region, where another rule starts a second state machine with it.
That one does nothing, but Step Functions keeps its executions, so the first machine finds the numbers in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._channel import message
from .._routing.fields import OCSF
from .._securityhub import workflow
from . import encryption
from .resources import ARN
from .resources import HERE
from .resources import RULE
from .resources import SCHEDULE as SCHEDULE_TYPE
from .resources import allow
from .resources import local_arn
from .resources import role
from .resources import rule_arns
from .resources import state_machine
from .resources import trust_statement
from .resources import with_tags

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._resource.shapes import Json
    from .._resource.shapes import Statement
    from .._resource.shapes import Tag
    from .resources import Resource
    from .resources import State

MACHINE, ROLE, SCHEDULE = "DigestMachine", "DigestRole", "DigestSchedule"
# What brings the numbers of a region to the one that sends the message, and what receives them there.
NUMBERS_RULE, REGIONS_MACHINE = "DigestRule", "DigestRegionsMachine"
# What has parts that only some regions have; the other resources have them in lists.
ALTERNATIVES = (MACHINE, SCHEDULE, NUMBERS_RULE)
EVENT_TYPE = "Security Hub digest"
SOURCE = "secops.securityhub"

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
# An event, and the input of an execution, may have 256 KiB. DescribeExecution answers with the input as text, in which
# each quotation mark takes two characters.
NUMBERS_AT_MOST = 240_000
# How long the numbers of other regions are waited for, after the own ones: minutes.
WAITS_AT_MOST = 30
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
    *ocsf*: they are those of the new Security Hub. *to*: the region whose message has the numbers of this one, ''
    if this one sends its own. *others*: the regions whose numbers its message has, too.
    """

    expression: str
    time_zone: str
    days: int
    home: bool
    channels: tuple[ScheduledChannel, ...]
    overdue: tuple[tuple[str, int], ...] = ()
    ocsf: bool = False
    to: str = ""
    others: tuple[str, ...] = ()


def together(digests: Mapping[str, ScheduledDigest], preferred: Sequence[str]) -> dict[str, ScheduledDigest]:
    """Return the digests of regions, given by region, so that one of the regions sends the message for all of them.

    *preferred*: the regions that send it rather than the others. A rate begins when the schedule is created, at another
    time in each region, so such digests stay as they are.
    """
    regions = [*filter(digests.get, dict.fromkeys(preferred)), *sorted(set(digests) - set(preferred))]
    if len(regions) < 2 or any(not digest.expression.startswith("cron(") for digest in digests.values()):
        return dict(digests)
    first, *others = regions
    sending = replace(digests[first], others=tuple(sorted(others)))
    return {first: sending, **{region: replace(digests[region], to=first) for region in others}}


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


def regions_machine_name(name: str) -> str:
    """Return the name of the state machine whose executions are the numbers of other regions."""
    return f"{name}-digest-regions"


def rule_name(name: str) -> str:
    """Return the name of the rule for the numbers of other regions, which sends or receives them."""
    return f"{name}-digest"


def rules(name: str, digest: ScheduledDigest | None) -> dict[str, Json]:
    """Return the event patterns of the rules of a digest, by name."""
    if digest is None or not (digest.to or digest.others):
        return {}
    pattern: Json = {
        "source": [SOURCE],
        "detail-type": [EVENT_TYPE],
        # Other accounts may be allowed to put events on the bus.
        "account": [{"Ref": "AWS::AccountId"}],
        "detail": {"name": [name]},
    }
    # Two regions that took each other for the one that sends would forward an event forever.
    return {rule_name(name): pattern | ({"region": [{"Ref": "AWS::Region"}]} if digest.to else {})}


def schedule_name(name: str) -> str:
    """Return the name of the schedule of the stack *name*."""
    return f"{name}-digest"


def role_name(name: str, region: str) -> str:
    """Return the name of the role of both in *region*; a role is global."""
    return f"{name}-Digest-{region}"


def resources(name: str, digest: ScheduledDigest, key: str, tags: list[Tag], boundary: str) -> dict[str, Resource]:
    """Return schedule, state machine and role of the stack *name*. *key*: of its topics, as StackDesign has it."""
    machine = machine_name(name)
    machine_arn = local_arn("states", f"stateMachine:{machine}")
    definition = {"Fn::Sub": [json.dumps(_definition(name, digest), separators=(",", ":")), _values(digest)]}
    target: Json = {
        "Arn": {"Ref": MACHINE},
        "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]},
        # A digest that is a day late would be followed by the next one.
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600},
    }
    machines = [machine_arn]
    if digest.to or digest.others:
        # The numbers that belong together have the same.
        target["Input"] = json.dumps({"at": "<aws.scheduler.scheduled-time>"})
    if digest.others:
        machines.append(local_arn("states", f"stateMachine:{regions_machine_name(name)}"))
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
    group = local_arn("scheduler", "schedule-group/default")
    trust = [
        trust_statement("states.amazonaws.com", machines),
        trust_statement("scheduler.amazonaws.com", [group]),
    ]
    if rules(name, digest):
        trust.append(trust_statement("events.amazonaws.com", rule_arns(rules(name, digest))))
    permissions = _permissions(name, machine_arn, digest, key)
    return {
        ROLE: role(role_name(name, "${AWS::Region}"), trust, "SendDigest", permissions, tags, boundary),
        # An express state machine would have to be done in five minutes.
        MACHINE: state_machine(machine, "STANDARD", ROLE, definition, tags),
        SCHEDULE: {"Type": SCHEDULE_TYPE, "Properties": schedule},
        **_exchange(name, digest, tags),
    }


def _exchange(name: str, digest: ScheduledDigest, tags: list[Tag]) -> dict[str, Resource]:
    """Return what sends the numbers to another region, or receives those of others, {} if neither does."""
    found: dict[str, Resource] = {}
    target: Json = {"Id": "digest", "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]}}
    for rule, pattern in rules(name, digest).items():
        if digest.others:
            received = {"StartAt": "Received", "States": {"Received": {"Type": "Pass", "Result": {}, "End": True}}}
            text = json.dumps(received, separators=(",", ":"))
            found[REGIONS_MACHINE] = state_machine(regions_machine_name(name), "STANDARD", ROLE, text, tags)
            target["Arn"] = {"Ref": REGIONS_MACHINE}
        else:
            target["Arn"] = _bus(digest)
        properties = {
            "Name": rule,
            "Description": "Numbers of the digest of open Security Hub findings, for the region that sends it",
            "State": "ENABLED",
            "EventPattern": pattern,
            "Targets": [target],
        }
        # One logical ID for both kinds: CloudFormation would create the rule before it deletes the one with its name.
        found[NUMBERS_RULE] = {"Type": RULE, "Properties": with_tags(properties, tags)}
    return found


def _bus(digest: ScheduledDigest) -> Json:
    """Return the ARN of the event bus of the region that sends the message."""
    return {"Fn::Sub": [f"{ARN}:events:${{To}}:${{AWS::AccountId}}:event-bus/default", {"To": digest.to}]}


def _permissions(name: str, machine: Json, digest: ScheduledDigest, key: str) -> list[Statement]:
    hub = local_arn("securityhub", workflow.hub(ocsf=digest.ocsf))
    if digest.to:
        only = {"events:source": SOURCE, "events:detail-type": EVENT_TYPE}
        own_bus = allow("events:PutEvents", local_arn("events", "event-bus/default"))
        return [
            allow("states:StartExecution", machine),
            allow("securityhub:GetFindings", hub),
            {**own_bus, "Condition": {"StringEquals": only}},
            allow("events:PutEvents", _bus(digest)),
        ]
    statements = [
        allow("states:StartExecution", machine),
        allow("states:ListExecutions", machine),
        allow("states:DescribeExecution", local_arn("states", f"execution:{machine_name(name)}:*")),
        allow("securityhub:GetFindings", hub),
        allow("sns:Publish", [local_arn("sns", channel.topic) for channel in digest.channels]),
    ]
    if digest.others:
        other = regions_machine_name(name)
        start_and_list = ["states:ListExecutions", "states:StartExecution"]
        statements += [
            allow(start_and_list, local_arn("states", f"stateMachine:{other}")),
            allow("states:DescribeExecution", local_arn("states", f"execution:{other}:*")),
        ]
    if key:
        statements.append(encryption.permission(name, key))
    return statements


# The state machine


def _values(digest: ScheduledDigest) -> dict[str, str]:
    """Return what differs between regions, so that one template of a StackSet can have it for all of them."""
    linked = ", including the regions linked to '&$region&'" if digest.home else ""
    limits = ",".join(f"'{severity}':{days}" for severity, days in digest.overdue)
    found = {
        "Days": str(digest.days),
        "Period": "1 day" if digest.days == 1 else f"{digest.days} days",
        "Overdue": f"{{{limits}}}",
        "Linked": linked,
        "Home": json.dumps(digest.home),
        "Others": ",".join(digest.others),
        **{f"Severities{number}": ",".join(item.severities) for number, item in enumerate(digest.channels)},
        **{f"Counts{number}": json.dumps(item.forwarded)[1:-1] for number, item in enumerate(digest.channels)},
    }
    unused = ("Period", "Linked", "Others") if digest.to else ("Linked",) if digest.others else ("Home", "Others")
    return {name: value for name, value in found.items() if name not in unused}


def _definition(name: str, digest: ScheduledDigest) -> Json:
    """Return the states: for each channel, read page after page, and publish the message.

    If it has the numbers of other regions, too, it is published after these have come.
    """
    channels = [
        {"topic": f"{ARN}:sns:{HERE}:{channel.topic}", "severities": f"${{Severities{number}}}"}
        for number, channel in enumerate(digest.channels)
    ]
    joint = bool(digest.to or digest.others)
    last = "Counted" if joint else "Publish"
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
        "IsLast": _choice(f"$next='' or $pages>={_pages(len(channels))}", last, "Read"),
        last: {"Type": "Pass", "Output": _expression(COUNTED), "End": True}
        if joint
        else _publish(_message(len(channels), digest.ocsf)),
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
    }
    if digest.to:
        sent = {"EachChannel": {**whole, "Next": "IsSmallEnough"}, **_sending(name)}
        return {"QueryLanguage": "JSONata", "StartAt": "EachChannel", "States": sent}
    if digest.others:
        counted = {**whole, "Assign": {"joint": _expression("[$states.result]")}, "Next": "FindNumbers"}
        received = _receiving(name, _message(len(channels), digest.ocsf, joint=True))
        whole_of_all = {**_last(BEGIN_JOINT), "EachChannel": counted, **received}
        return {"QueryLanguage": "JSONata", "StartAt": "Begin", "States": whole_of_all}
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "States": {**_last({}), "EachChannel": {**whole, "End": True}},
    }


def _publish(message_of_channel: str, more: dict[str, str] | None = None) -> State:
    """Return the state that publishes a message, and has what the next digest compares itself with as its output."""
    said = {"topic": "$topic", "severities": "$found.severities", **(more or {})}
    return {
        **_task("sns:publish", {"TopicArn": _expression("$topic"), "Message": _expression(message_of_channel)}),
        "Output": {name: _expression(text) for name, text in said.items()},
        "End": True,
    }


def _last(begin: Json) -> dict[str, State]:
    """Return the states that read what the last digest said, which is the output of its execution.

    Step Functions keeps it for 90 days. A digest is sent without it, too, and does not wait for it: a permissions
    boundary that lacks these calls denies them each time. *begin*: what is assigned first.
    """
    machine = {"StateMachineArn": _expression("$states.context.StateMachine.Id"), "StatusFilter": "SUCCEEDED"}
    catch = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "EachChannel"}]}
    read = {"on": "$substring($states.result.StartDate,0,10)", "channels": "$parse($states.result.Output)"}
    return {
        "Begin": {"Type": "Pass", "Assign": {"last": {}, **begin}, "Next": "FindLast"},
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


def _sending(name: str) -> dict[str, State]:
    """Return the states that send the numbers of all channels to the region that has the message."""
    cause = "The names of the accounts with open findings do not fit into an event."
    detail = {
        "name": name,
        "at": _expression(AT),
        "region": "${AWS::Region}",
        "channels": _expression("[$states.input]"),
    }
    entry = {"Source": SOURCE, "DetailType": EVENT_TYPE, "Detail": detail}
    return {
        "IsSmallEnough": _choice(f"{SIZE}>{NUMBERS_AT_MOST}", "TooMany", "Send"),
        "TooMany": {"Type": "Fail", "Error": "TooManyAccounts", "Cause": cause},
        "Send": {**_task("events:putEvents", {"Entries": [entry]}), "End": True},
    }


def _receiving(name: str, message_of_channel: str) -> dict[str, State]:
    """Return the states that add the numbers of the other regions to the own ones, and publish a message for each.

    A message is late rather than missing: what cannot be read is not waited for.
    """
    catch = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "EachMessage"}]}
    machine = f"{ARN}:states:{HERE}:stateMachine:{regions_machine_name(name)}"
    find = {"StateMachineArn": machine, "StatusFilter": "SUCCEEDED", "MaxResults": 100}
    topic = f"'{ARN}:sns:{HERE}:'&$states.input.topic"
    found = {"found": _expression("$states.input"), "topic": _expression(topic)}
    states = {
        "Prepare": {"Type": "Pass", "Assign": found, "Next": "Publish"},
        "Publish": _publish(message_of_channel, {"counted": "$join($sort([$found.from.r]),',')"}),
    }
    return {
        "FindNumbers": _task("aws-sdk:sfn:listExecutions", find, "HasNumbers")
        | {"Assign": {"todo": _expression(UNREAD)}, "Output": {}}
        | catch,
        "HasNumbers": _choice("$count($todo)=0", "IsComplete", "ReadNumbers"),
        "ReadNumbers": _task("aws-sdk:sfn:describeExecution", {"ExecutionArn": _expression("$todo[0]")}, "HasNumbers")
        | {"Assign": {key: _expression(text) for key, text in JOINED.items()}, "Output": {}}
        | catch,
        "IsComplete": _choice(f"$count($missing)=0 or $at='' or $waits>={WAITS_AT_MOST}", "EachMessage", "Wait"),
        "Wait": {"Type": "Wait", "Seconds": 60, "Assign": {"waits": _expression("$waits+1")}, "Next": "FindNumbers"},
        "EachMessage": {
            "Type": "Map",
            "Items": _expression("[$joint]"),
            "MaxConcurrency": 1,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Prepare", "States": states},
            "End": True,
        },
    }


def _expression(text: str) -> str:
    return f"{{% {text} %}}"


def _task(action: str, arguments: Any, then: str = "", retries: int = 8) -> State:
    retry = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": retries, "BackoffRate": 2}
    return {
        "Type": "Task",
        "Resource": f"{ARN}:states:::{action}",
        "Arguments": arguments,
        "Retry": [{**retry, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}],
        **({"Next": then} if then else {}),
    }


def _choice(condition: str, then: str, otherwise: str) -> State:
    return {"Type": "Choice", "Choices": [{"Condition": _expression(condition), "Next": then}], "Default": otherwise}


# What is counted, by severity or name.
NUMBERS = ("severities", "new", "before", "oldest", "overdue", "regions", "accounts", "controls")


def _start() -> Json:
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


# The bytes of the numbers as a text in JSON, at most. A character takes four bytes at most.
SIZE = r"$length($replace($string({'text':$string($states.input)}),/[^\u0000-\u007f]/,'1234'))"
# When the schedule was due, which is the same in all regions; nothing if a person started the execution.
AT = "($input:=$states.context.Execution.Input;$exists($input.at)?$input.at:'')"
BEGIN_JOINT = {
    "at": _expression(AT),
    "missing": _expression("[$split('${Others}',',')]"),
    "todo": [],
    "seen": [],
    "waits": 0,
}
# The numbers of a channel, with how many findings a region has, whether it is the home region (h), and whether it has
# more than were read (m).
COUNTED = (
    "$merge([$found,{'topic':$split($topic,':')[-1],'from':[{'r':'${AWS::Region}','n':$sum([0,$found.severities.*]),"
    "'h':${Home},'m':$next!=''}]}])"
)
UNREAD = (
    "[$states.result.Executions[$substring(StartDate,0,19)>=$substring($at,0,19) and $not(ExecutionArn in $seen)]"
    ".ExecutionArn]"
)
NEW = "$e:=$parse($states.result.Input).detail;$new:=$e.at=$at and $e.region in $missing"
JOIN = "function($x,$y,$f){($all:=[$each($x,$pair),$each($y,$pair)];$count($all)=0?{}:$all{k:$f([v])})}"
# Whoever may put events in the account may put one like it. Its texts must not become markup: all others are shown as
# code, or only looked up.
IS_PLAIN = "$exists($lookup($rank,s)) and $contains(r,/^[a-z0-9-]+$/) and $contains(k,/^[0-9]{12}$/)"
# An event can arrive twice, and a schedule can start twice: a region counts once.
JOINED = {
    "todo": "[$filter($todo,function($v,$i){$i>0})]",
    "seen": "[$seen,$todo[0]]",
    "missing": f"({NEW};[$filter($missing,function($r){{$not($new and $r=$e.region)}})])",
    "joint": (
        f"({NEW};$rank:={RANK};$first:={FIRST};$pair:=function($v,$k){{{{'k':$k,'v':$v}}}};$join_of:={JOIN};"
        "$new?[$joint.($o:=$;$a:=$e.channels[topic=$o.topic];$exists($a)?$merge([$o,{"
        + ",".join(
            f"'{name}':$join_of($o.{name},$a.{name},{'$max' if name == 'oldest' else '$sum'})" for name in NUMBERS
        )
        + f",'late':[$first([$o.late,$a.late[{IS_PLAIN}]])],"
        "'from':[$o.from,$a.from.{'r':$e.region,'n':n,'h':h,'m':m}]}]):$o)]:$joint)"
    ),
}


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


OWN_REGION = "$region:='${AWS::Region}';"
# The names with the highest numbers first.
BY_NUMBER = (
    "function($c){[$sort([$keys($c)],function($x,$y){$lookup($c,$x)<$lookup($c,$y) or "
    "($lookup($c,$x)=$lookup($c,$y) and $x>$y)})]}"
)
WHERE = (
    "($n:=$count($names);$home:=$found.from[h].r;"
    "$having:=[$by_number($found.regions)[$ in $names]];$with:=$count($having);"
    "$share:=$with&' of '&$n&' regions';$exists($home) or $with=0 or $with=$n?"
    "($n<=3?$join($names,', '):$n&' regions')&($exists($home)?', including the regions linked to '&$home:''):"
    "$with>3?$share:$join($having,', ')&' ('&$share&')')"
)


def _message(channels: int, ocsf: bool, *, joint: bool = False) -> str:
    """Return the expression of the custom notification, as text. *joint*: with the numbers of several regions."""
    incomplete = f"'*Not counted*: findings after the first {_pages(channels):,} pages'"
    order = "['CRITICAL','HIGH','MEDIUM','LOW','INFORMATIONAL']"
    where, left_out, before = "$region&'${Linked}'", f"$next=''?[]:{incomplete}", "[topic=$topic]"
    if joint:
        where, before = "$where", "[topic=$topic and counted=$join($names,',')]"
        left_out = (
            f"$count($more)=0?[]:{incomplete}&' of '&$join($more,', '),"
            "$count($missing)=0?[]:'*Not counted* (no answer): '&$join($missing.('`'&$&'`'),', ')"
        )
    lines = (
        f"['*'&$listed($found.severities,'No finding')&'* open in '&{where},"
        "$any?'New in the last ${Period}: '&$listed($found.new,'none')&'; of the ${Period} before, '"
        "&$listed($found.before,'none')&' still open':[],"
        "$exists($days)?'Oldest '&$highest&': '&$period($days):[],"
        "$exists($then)?'Last digest ('&$last.on&'): '&$listed($then.severities,'none')&' open':[],"
        f"$any and $count($keys($limits))>0?'Overdue: '&{LATE}:[],"
        "$ranked('Regions',$found.regions,2),$ranked('Accounts',$found.accounts,2),"
        f"$ranked('Controls',$found.controls,1),{left_out}]"
    )
    of_format = message.BY_FORMAT["ocsf" if ocsf else "asff"]
    console = of_format.console.replace("<hub>", "'&$region&'" if joint else "${AWS::Region}")
    link = f"'{of_format.console}'".replace("<hub>", "'&r&'")
    search = f"($length(i)<={message.LONGEST_ID}?'{of_format.search}':'')".replace("<id>", "'&$encodeUrlComponent(i)&'")
    steps = (
        f"[$found.late.(s&' '&$code(c)&', '&$period(a)&', account '&k&': '&{link}&{search}),"
        f"'View the findings in '&$region&': {console}']"
    )
    title = f"{EVENT_TYPE}: account ${{AWS::AccountId}}"
    shown = json.dumps(message.custom({"title": title}, {"summary": title, "eventType": EVENT_TYPE}))
    of_regions = (
        f"$names:=[$sort([$found.from.r])];$more:=[$found.from[m].r];$by_number:={BY_NUMBER};$where:={WHERE};"
        "$region:=($found.from^(>n,r))[0].r;"
    )
    return (
        f"($number_of:={FORMATTED};$period:={PERIOD};$limits:=${{Overdue}};"
        f"$order:={order};$listed:={LISTED};$code:={CODE};$ranked:={RANKED};"
        f"{of_regions if joint else ''}"
        f"$then:=$last.channels{before};{'' if joint else OWN_REGION}"
        "$highest:=$order[$exists($lookup($found.severities,$))][0];$any:=$exists($highest);"
        f"$days:=$any?$lookup($found.oldest,$highest);$lines:={lines};$shown:={shown};"
        "$string($merge([$shown,{'content':$merge([$shown.content,{'description':$join($lines,'\\n')},"
        f"$any?{{'nextSteps':{steps}}}:{{}}])}}])))"
    )
