"""Alarms of both kinds, and the states that they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws


@pytest.fixture
def cloudwatch() -> Iterator[Any]:
    with LocalAws():
        yield boto3.client("cloudwatch")


def put(cloudwatch: Any, name: str, threshold: float = 1) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Errors",
        Namespace="Web",
        Period=60,
        Statistic="Sum",
        Threshold=threshold,
    )


def state(cloudwatch: Any, name: str) -> Any:
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm["StateValue"]


def test_an_alarm_begins_without_data_and_keeps_its_state_when_it_is_put_again(cloudwatch: Any) -> None:
    """CloudWatch API reference, PutMetricAlarm: a new alarm is INSUFFICIENT_DATA at once; an update of an alarm leaves
    its state unchanged, and overwrites its configuration."""
    put(cloudwatch, "errors")
    assert state(cloudwatch, "errors") == "INSUFFICIENT_DATA"
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="five errors")
    put(cloudwatch, "errors", threshold=9)
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"], alarm["Threshold"]) == ("ALARM", "five errors", 9)


def test_composite_alarms_are_described_only_when_they_are_asked_for(cloudwatch: Any) -> None:
    """CloudWatch API reference, DescribeAlarms: without AlarmTypes, only metric alarms are returned."""
    put(cloudwatch, "errors")
    cloudwatch.put_composite_alarm(AlarmName="fleet", AlarmRule='ALARM("errors")')

    def described(**more: Any) -> tuple[list[str], list[str]]:
        answer = cloudwatch.describe_alarms(AlarmNames=["errors", "fleet"], **more)
        metric, composite = answer.get("MetricAlarms", []), answer.get("CompositeAlarms", [])
        return [alarm["AlarmName"] for alarm in metric], [alarm["AlarmName"] for alarm in composite]

    assert described() == described(AlarmTypes=["MetricAlarm"]) == (["errors"], [])
    assert described(AlarmTypes=["CompositeAlarm"]) == ([], ["fleet"])
    assert described(AlarmTypes=["MetricAlarm", "CompositeAlarm"]) == (["errors"], ["fleet"])
    (fleet,) = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert fleet["AlarmRule"] == 'ALARM("errors")' and fleet["StateValue"] == "INSUFFICIENT_DATA"
