# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

if TYPE_CHECKING:
    import datetime

    from .._resource.shapes import Json

HOUR = 3600  # seconds; sums of hours are kept for 455 days
MINUTE = 60


@dataclass(frozen=True)
class Metric:
    """A metric with one dimension."""

    namespace: str
    name: str
    dimension: str
    value: str


class MetricAlarm(TypedDict, total=False):
    """An alarm, with the keys that are used here."""

    AlarmName: str
    ActionsEnabled: bool
    AlarmActions: list[str]


def sums(
    client: Any, metrics: list[Metric], start: datetime.datetime, end: datetime.datetime, period: int = HOUR
) -> dict[Metric, int]:
    """Return the sum of each metric (500 at most) between two times; 0 for a metric without data.

    *period*: in seconds; CloudWatch rounds the times down to a multiple of it.
    """
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": metric.dimension, "Value": metric.value}],
                },
                "Period": period,
                "Stat": "Sum",
            },
        }
        for number, metric in enumerate(metrics)
    ]
    totals = [0.0] * len(metrics)
    pages = client.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, StartTime=start, EndTime=end)
    for page in pages:
        for result in page["MetricDataResults"]:
            totals[int(result["Id"][1:])] += sum(result["Values"])
    return {metric: round(total) for metric, total in zip(metrics, totals)}


def describe_metric_alarms(client: Any, prefix: str) -> dict[str, MetricAlarm]:
    """Return the metric alarms whose names begin with *prefix*, by name."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}


def put_metric_alarm(client: Any, members: Json) -> None:
    """Create the alarm, or replace what it is, from the members of PutMetricAlarm; its state and tags stay."""
    client.put_metric_alarm(**members)
