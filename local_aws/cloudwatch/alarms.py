"""Alarms, as the services that watch them see them."""

from __future__ import annotations

from moto.cloudwatch.models import cloudwatch_backends


def states(account: str, region: str) -> dict[tuple[str, str], str]:
    """The state of each alarm of the account in the Region, by its ARN and its CloudFormation type.

    OK, ALARM or INSUFFICIENT_DATA.
    """
    alarms = cloudwatch_backends[account][region].alarms.values()
    return {(str(alarm.alarm_arn), _type(alarm.rule)): str(alarm.state_value) for alarm in alarms}


def _type(rule: str | None) -> str:
    return "AWS::CloudWatch::Alarm" if rule is None else "AWS::CloudWatch::CompositeAlarm"
