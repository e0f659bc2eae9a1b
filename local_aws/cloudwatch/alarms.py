"""Alarms, as the services that watch them see them."""

from __future__ import annotations

from moto.cloudwatch.models import cloudwatch_backends


def states(account: str, region: str) -> dict[str, str]:
    """The state of each metric alarm of the account in the Region, by its ARN: OK, ALARM or INSUFFICIENT_DATA."""
    alarms = cloudwatch_backends[account][region].alarms.values()
    return {str(alarm.alarm_arn): str(alarm.state_value) for alarm in alarms}
