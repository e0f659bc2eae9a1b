"""CloudWatch: the alarms that roll an update back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from autopatch.aws.client import create_client, named_errors
from autopatch.errors import UnknownStatus

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient


class AlarmState(StrEnum):
    """The states of an alarm (CloudWatch API reference, MetricAlarm, StateValue)."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now."""

    arn: str
    is_composite: bool
    state: AlarmState

    def __str__(self) -> str:
        return f"{_name(self.arn)} in {self.state}"


class CloudWatch:
    """The calls that a patch run makes to CloudWatch."""

    def __init__(self, client: CloudWatchClient | None = None) -> None:
        self._client: CloudWatchClient = client or create_client("cloudwatch")

    def alarms(self, arns: Collection[str]) -> dict[str, Alarm]:
        """The alarms by their ARNs, without those that do not exist in this account and Region.

        Raises UnknownStatus when one is in a state that is not documented.
        """
        if not arns:
            return {}
        with named_errors(f"reading the alarms {', '.join(arns)}"):
            # Without their type, composite alarms are left out (CloudWatch API reference, DescribeAlarms).
            pages = self._client.get_paginator("describe_alarms").paginate(
                AlarmNames=[_name(arn) for arn in arns], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            found: dict[str, Alarm] = {}
            for page in pages:
                for metric_alarm in page.get("MetricAlarms", []):
                    arn = metric_alarm["AlarmArn"]
                    found[arn] = Alarm(arn, False, _state(arn, metric_alarm["StateValue"]))
                for composite_alarm in page.get("CompositeAlarms", []):
                    arn = composite_alarm["AlarmArn"]
                    found[arn] = Alarm(arn, True, _state(arn, composite_alarm["StateValue"]))
        return {arn: found[arn] for arn in arns if arn in found}


def _name(arn: str) -> str:
    """`arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME`, in which the name may have colons."""
    return arn.split(":", 6)[-1]


def _state(arn: str, value: str) -> AlarmState:
    try:
        return AlarmState(value)
    except ValueError:
        raise UnknownStatus(
            f"alarm {arn}: expected one of CloudWatch's documented states, found {value!r}; "
            "look at it in the console, and update AMI Autopatch"
        ) from None
