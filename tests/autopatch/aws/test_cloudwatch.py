"""Alarms as CloudWatch answers, and their states."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from autopatch.aws.cloudwatch import Alarm, AlarmState, CloudWatch
from autopatch.errors import UnknownStatus
from local_aws.aws import LocalAws

REGION_AND_ACCOUNT = "us-east-1:123456789012"


def arn(name: str, place: str = REGION_AND_ACCOUNT) -> str:
    return f"arn:aws:cloudwatch:{place}:alarm:{name}"


def test_alarms_of_both_kinds_are_found_and_those_that_are_not_here_are_left_out() -> None:
    """CloudWatch API reference, DescribeAlarms: without AlarmTypes, composite alarms are left out."""
    with LocalAws():
        client = boto3.client("cloudwatch")
        metric = {"MetricName": "Errors", "Namespace": "Web", "Statistic": "Sum", "Period": 60, "Threshold": 1}
        for name in ("errors", "a:b"):
            client.put_metric_alarm(
                AlarmName=name,
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
                **metric,  # type: ignore[arg-type]
            )
        client.put_composite_alarm(AlarmName="fleet", AlarmRule='ALARM("errors")')
        client.set_alarm_state(AlarmName="a:b", StateValue="OK", StateReason="fine")
        client.set_alarm_state(AlarmName="fleet", StateValue="ALARM", StateReason="broken")
        asked = [arn("fleet"), arn("errors"), arn("a:b"), arn("missing"), arn("errors", "eu-west-1:123456789012")]
        assert CloudWatch().alarms(asked) == {
            arn("fleet"): Alarm(arn("fleet"), True, AlarmState.ALARM),
            arn("errors"): Alarm(arn("errors"), False, AlarmState.INSUFFICIENT_DATA),
            arn("a:b"): Alarm(arn("a:b"), False, AlarmState.OK),
        }
        assert str(CloudWatch().alarms([arn("a:b")])[arn("a:b")]) == "a:b in OK"
        assert CloudWatch().alarms([]) == {}


def test_a_state_that_is_not_documented_is_an_error() -> None:
    client = boto3.client("cloudwatch", region_name="us-east-1")
    with Stubber(client) as answers:
        alarm = {"AlarmName": "errors", "AlarmArn": arn("errors"), "StateValue": "PAUSED"}
        answers.add_response("describe_alarms", {"MetricAlarms": [alarm]})
        with pytest.raises(UnknownStatus, match="'PAUSED'"):
            CloudWatch(client).alarms([arn("errors")])
