# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many findings in a minute: each arrives once, or a metric, a dead-letter queue and an alarm report it as lost.

Amazon Q shows ten events a second (the emulator's switch chatbot_events_per_second). The topic of one region is closed
to EventBridge halfway, as by a person in the console, so that some findings go to a dead-letter queue.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.playbook import ACCOUNT
from ansible_collections.secops.securityhub.tests.resilience.playbook import CHANNEL
from ansible_collections.secops.securityhub.tests.resilience.playbook import NAME
from ansible_collections.secops.securityhub.tests.resilience.playbook import SAMPLE
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect

EVENTS_PER_SECOND = 10
BATCH = 20
THREADS = 8
QUEUE, TOPIC = "operations", "operations"
THROTTLING = f"{NAME}-EventsThrottled"


def flood(fleet: Fleet, count: int, seconds: float) -> str:
    """Deploy, import *count* findings evenly within *seconds*, and return a line about what became of them.

    Raises Broken unless each finding was delivered once, throttled and counted, or kept in a dead-letter queue.
    """
    _deploy(fleet)
    closed = fleet.regions[0]
    batches = _batches(fleet.regions, count)
    started = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        # The list raises the first error of a thread.
        list(pool.map(lambda item: _import(fleet, closed, started, seconds, len(batches), item), enumerate(batches)))
    took = time.monotonic() - started
    imported = {finding["Id"] for batch in batches for finding in batch}
    delivered = Counter(message["finding_id"] for message in fleet.emulator.inbox(CHANNEL))
    kept = Counter(_dead_letters(fleet, closed))
    throttled = _metric(fleet, "EventsThrottled")
    repeated = [name for name, number in (delivered + kept).items() if number > 1]
    expect(not repeated, f"delivered or kept more than once: {repeated[:5]}")
    expect(delivered.keys() | kept.keys() <= imported, "messages about findings that nobody imported")
    accounted = len(delivered) + throttled + len(kept)
    expect(
        accounted == len(imported) == count,
        f"{len(delivered)} delivered, {throttled} throttled, {len(kept)} kept, of {count}",
    )
    expect(len(delivered) == _metric(fleet, "MessageDeliverySuccess"), "the metric of deliveries differs")
    expect(0 < len(delivered) <= EVENTS_PER_SECOND * (took + 1), f"{len(delivered)} messages in {took:.0f} s")
    expect(throttled > 0 and len(kept) > 0, "the load reached no limit")
    _check_alarms(fleet, closed)
    return f"{count} imported in {took:.0f} s: {len(delivered)} delivered, {throttled} throttled, {len(kept)} kept"


def _deploy(fleet: Fleet) -> None:
    """Deploy with alarms that notify a topic of their own: in the channel, they would be throttled too."""
    fleet.new_account()
    for region in fleet.regions:
        # boto3 cannot create clients in several threads.
        fleet.emulator.client("securityhub", region)
        sns, sqs = fleet.emulator.client("sns", region), fleet.emulator.client("sqs", region)
        sqs.create_queue(QueueName=QUEUE)
        topic = sns.create_topic(Name=TOPIC)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{region}:{ACCOUNT}:{QUEUE}")
    fleet.emulator.stacks(0)
    result = fleet.run(alarms=True, alarm_topic_arn=f"arn:aws:sns:{{{{ inventory_hostname }}}}:{ACCOUNT}:{TOPIC}")
    expect(result.code == 0, "the deployment failed", result)
    fleet.emulator.ask("POST", "switches", {"chatbot_events_per_second": EVENTS_PER_SECOND})


def _batches(regions: list[str], count: int) -> list[list[dict[str, Any]]]:
    """Return findings of all regions in turn, in batches of one region each."""
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    per_region: dict[str, list[dict[str, Any]]] = {region: [] for region in regions}
    for number in range(count):
        region = regions[number % len(regions)]
        about = {"Id": f"{sample['Id']}-{number}", "Region": region, "AwsAccountId": ACCOUNT}
        product = sample["ProductArn"].replace(sample["Region"], region)
        per_region[region].append({**sample, **about, "ProductArn": product})
    longest = max(len(found) for found in per_region.values())
    starts = range(0, longest, BATCH)
    return [found[start : start + BATCH] for start in starts for found in per_region.values() if found[start:]]


def _import(
    fleet: Fleet, closed: str, started: float, seconds: float, batches: int, item: tuple[int, list[dict[str, Any]]]
) -> None:
    """Import a batch when it is due."""
    number, batch = item
    time.sleep(max(0.0, started + seconds * number / batches - time.monotonic()))
    if number == batches // 2:
        fleet.close_topic(closed)
    client = fleet.emulator.client("securityhub", batch[0]["Region"])
    answer = client.batch_import_findings(Findings=batch)
    expect(answer["FailedCount"] == 0, f"{answer['FailedFindings'][:1]}")


def _dead_letters(fleet: Fleet, region: str) -> list[str]:
    """Return the IDs of the findings in the dead-letter queue of a region, and empty it."""
    sqs = fleet.emulator.client("sqs", region)
    (url,) = (found for found in sqs.list_queues()["QueueUrls"] if not found.endswith(f"/{QUEUE}"))
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found += [finding["Id"] for finding in json.loads(message["Body"])["detail"]["findings"]]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def _metric(fleet: Fleet, name: str) -> int:
    """Return the sum of a metric of our channel configuration, which Amazon Q has in us-east-1."""
    metric = {
        "Namespace": "AWS/Chatbot",
        "MetricName": name,
        "Dimensions": [{"Name": "ConfigurationName", "Value": NAME}],
    }
    now = time.time()
    found = fleet.emulator.client("cloudwatch", "us-east-1").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}],
        StartTime=now - 3600,
        EndTime=now + 60,
    )
    return int(sum(found["MetricDataResults"][0]["Values"]))


def _check_alarms(fleet: Fleet, closed: str) -> None:
    """Check that exactly the alarms of what was lost are in ALARM, and that they have notified their topic."""
    lost = {f"{NAME}-undelivered", f"{NAME}-findings-failed-invocations"}
    for region in fleet.regions:
        wanted = (lost if region == closed else set()) | ({THROTTLING} if region == "us-east-1" else set())
        client = fleet.emulator.client("cloudwatch", region)
        states = {item["AlarmName"]: item["StateValue"] for item in client.describe_alarms()["MetricAlarms"]}
        alarming = {name for name, state in states.items() if state == "ALARM"}
        expect(alarming == wanted, f"{region}: {states}")
        sqs = fleet.emulator.client("sqs", region)
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        sent = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        notified = {json.loads(json.loads(message["Body"])["Message"])["AlarmName"] for message in sent}
        expect(wanted <= notified, f"the alarms of {region} notified of {notified} only")
