"""CloudWatch: composite alarms, and the state that an alarm begins with.

An alarm begins without data and keeps its state when it is put again; no metric and no rule changes it, only
SetAlarmState does, and the change executes the scaling policies that the alarm names, once. In moto an alarm begins as
OK and executes nothing, none is composite, and DescribeAlarms takes no notice of AlarmTypes.

Source: CloudWatch API Reference, PutMetricAlarm, PutCompositeAlarm, DescribeAlarms, SetAlarmState.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from local_aws.cloudwatch import alarms
from local_aws.core.guard import expect_attributes, expect_parameters

expect_parameters(CloudWatchResponse.describe_alarms, "self")
expect_parameters(CloudWatchResponse.put_metric_alarm, "self")
expect_attributes(CloudWatchBackend, "put_metric_alarm")
expect_parameters(Alarm.update_state, "self", "reason", "reason_data", "state_value")

_update_state = Alarm.update_state
_put_metric_alarm, _describe_alarms = CloudWatchBackend.put_metric_alarm, CloudWatchResponse.describe_alarms


@functools.cache
def install() -> None:
    """Put this in place, for the rest of the process."""
    CloudWatchBackend.put_metric_alarm = _put_alarm
    # moto's PutMetricAlarm takes the parameters of both.
    CloudWatchResponse.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    CloudWatchResponse.describe_alarms = _alarms_of_the_types
    Alarm.update_state = _update_state_and_act


def _put_alarm(backend: Any, *, name: str, **settings: Any) -> Any:
    before = backend.alarms.get(name)
    alarm = _put_metric_alarm(backend, name=name, **settings)
    if before is None:
        alarm.state_value = "INSUFFICIENT_DATA"
    else:
        for attribute in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
            setattr(alarm, attribute, getattr(before, attribute))
    return alarm


def _update_state_and_act(alarm: Any, reason: str, reason_data: str, state_value: str) -> None:
    before = alarm.state_value
    _update_state(alarm, reason, reason_data, state_value)
    if alarm.state_value != before:
        alarms.act(alarm)


def _alarms_of_the_types(response: Any) -> ActionResult:
    """Without AlarmTypes, metric alarms alone."""
    types = response._get_param("AlarmTypes") or ["MetricAlarm"]
    answer = _describe_alarms(response).result
    return ActionResult({f"{kind}s": answer[f"{kind}s"] if kind in types else [] for kind in _TYPES})


_TYPES = ("MetricAlarm", "CompositeAlarm")
