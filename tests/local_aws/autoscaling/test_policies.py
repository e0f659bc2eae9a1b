"""Alarms execute scaling policies.

Source: Amazon EC2 Auto Scaling User Guide, "Step and simple scaling policies for Amazon EC2 Auto Scaling".
"""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.core.errors import NotModelled
from tests.local_aws.autoscaling.fleet import NAME, PENDING, Fleet, fleet

STEPS = [
    {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 2},
]


def policy(web: Fleet, **more: Any) -> str:
    given = {"AutoScalingGroupName": NAME, "PolicyName": "more", "AdjustmentType": "ChangeInCapacity", **more}
    return str(web.autoscaling.put_scaling_policy(**given)["PolicyARN"])


def alarm(*actions: str, **more: Any) -> None:
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName="busy",
        AlarmActions=list(actions),
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=50,
        ComparisonOperator="GreaterThanThreshold",
        **more,
    )


def become(state: Any, value: float | None = None) -> None:
    data = {} if value is None else {"StateReasonData": json.dumps({"recentDatapoints": [value]})}
    boto3.client("cloudwatch").set_alarm_state(AlarmName="busy", StateValue=state, StateReason="load", **data)


def desired(web: Fleet) -> int:
    return int(web.group()["DesiredCapacity"])


def test_an_alarm_that_goes_off_executes_its_policy_once_within_its_cooldown(aws: LocalAws) -> None:
    """The chapter of the head: simple scaling waits for the cooldown before it responds to another alarm."""
    web = fleet(aws, DesiredCapacity=1)
    alarm(policy(web, ScalingAdjustment=1, Cooldown=120))
    web.sleep(PENDING + 1)
    become("OK")
    assert desired(web) == 1
    become("ALARM")
    assert desired(web) == 2 and "Pending" in web.states().values()
    (launch,) = web.activities(
        "a monitor alarm busy in state ALARM triggered policy more changing the desired capacity"
    )
    assert "from 1 to 2" in launch["Cause"]
    become("OK")
    become("ALARM")
    assert desired(web) == 2
    web.sleep(121)
    become("OK")
    become("ALARM")
    assert desired(web) == 3


def test_a_step_is_chosen_by_how_far_the_metric_is_beyond_the_threshold(aws: LocalAws) -> None:
    """Step adjustments: their bounds are relative to the alarm's threshold, here 50."""
    web = fleet(aws, DesiredCapacity=1)
    alarm(policy(web, PolicyType="StepScaling", StepAdjustments=STEPS))
    for value, expected in ((55.0, 2), (60.0, 4)):
        become("OK")
        become("ALARM", value)
        assert desired(web) == expected
    execute = web.autoscaling.execute_policy
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    execute(AutoScalingGroupName=NAME, PolicyName="more", MetricValue=75.0, BreachThreshold=50.0)
    assert desired(web) == 3
    with pytest.raises(ClientError, match="breach threshold are required"):
        execute(AutoScalingGroupName=NAME, PolicyName="more")


@pytest.mark.parametrize(
    ("capacity", "percent", "least", "expected"), [(4, 10, 0, 5), (4, -10, 0, 3), (4, 60, 0, 6), (4, 25, 3, 7)]
)
def test_a_change_in_percent_is_rounded(aws: LocalAws, capacity: int, percent: int, least: int, expected: int) -> None:
    """Scaling adjustment types: between 0 and 1 it is 1, above it is rounded down; MinAdjustmentMagnitude."""
    web = fleet(aws, DesiredCapacity=capacity, MaxSize=10)
    magnitude = {"MinAdjustmentMagnitude": least} if least else {}
    policy(web, AdjustmentType="PercentChangeInCapacity", ScalingAdjustment=percent, **magnitude)
    web.autoscaling.execute_policy(AutoScalingGroupName=NAME, PolicyName="more")
    assert desired(web) == expected


def test_alarms_are_not_heard_while_their_process_is_suspended_and_heeded_when_it_is_resumed(aws: LocalAws) -> None:
    """ "Suspend and resume Amazon EC2 Auto Scaling processes", AlarmNotification. CloudWatch API Reference,
    PutMetricAlarm: without ActionsEnabled an alarm does nothing."""
    web = fleet(aws, DesiredCapacity=1)
    arn = policy(web, ScalingAdjustment=1)
    alarm(arn)
    web.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["AlarmNotification"])
    become("ALARM")
    assert desired(web) == 1
    web.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    assert desired(web) == 2
    alarm(arn, ActionsEnabled=False)
    web.sleep(600)
    become("OK")
    become("ALARM")
    assert desired(web) == 2


def test_a_target_is_tracked_by_nobody(aws: LocalAws) -> None:
    """No metric is published here: without data such a policy does nothing ("Target tracking scaling policies"), and
    its execution fails by its name."""
    web = fleet(aws, DesiredCapacity=1)
    metric = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    tracking = {"TargetValue": 50.0, "PredefinedMetricSpecification": metric}
    arn = web.autoscaling.put_scaling_policy(
        AutoScalingGroupName=NAME,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=tracking,
    )["PolicyARN"]
    alarm(arn)
    with pytest.raises(NotModelled, match="TargetTrackingScaling"):
        become("ALARM")
    with pytest.raises(ClientError, match="can not be executed"):
        web.autoscaling.execute_policy(AutoScalingGroupName=NAME, PolicyName="track")
