"""Alarms, as the services that watch them see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.utilities.arns import parse_arn

_actions: dict[str, Callable[[str, Any], None]] = {}


def states(account: str, region: str) -> dict[tuple[str, str], str]:
    """The state of each alarm of the account in the Region, by its ARN and its CloudFormation type.

    OK, ALARM or INSUFFICIENT_DATA.
    """
    alarms = cloudwatch_backends[account][region].alarms.values()
    return {(str(alarm.alarm_arn), _type(alarm.rule)): str(alarm.state_value) for alarm in alarms}


def _type(rule: str | None) -> str:
    return "AWS::CloudWatch::Alarm" if rule is None else "AWS::CloudWatch::CompositeAlarm"


def on_action(service: str, act: Callable[[str, Any], None]) -> None:
    """Have `act` called with the ARN of an action of that service, and moto's alarm that has gone off."""
    _actions[service] = act


def act(alarm: Any) -> None:
    """Do what moto's alarm names for its state, as far as a service does it.

    Source: CloudWatch API Reference, PutMetricAlarm, ActionsEnabled and the actions of the three states.
    """
    if not alarm.actions_enabled:
        return
    actions = {
        "ALARM": alarm.alarm_actions,
        "OK": alarm.ok_actions,
        "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
    }
    for arn in actions[alarm.state_value] or []:
        service = parse_arn(arn).service
        if service in _actions:
            _actions[service](arn, alarm)


def gone_off(account: str, region: str, action_arn: str) -> list[Any]:
    """moto's alarms that are in ALARM now and name the action for it."""
    alarms = cloudwatch_backends[account][region].alarms.values()
    return [
        alarm
        for alarm in alarms
        if alarm.state_value == "ALARM" and alarm.actions_enabled and action_arn in (alarm.alarm_actions or [])
    ]
