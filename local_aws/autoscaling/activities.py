"""The scaling activities of groups, which moto does not keep, and the consoles of instances.

Source: Amazon EC2 Auto Scaling API Reference, Activity, DescribeScalingActivities (kept for six weeks, also of deleted
groups; those in progress come first); User Guide, "Verify a scaling activity for an Auto Scaling group"; EC2 API
Reference, GetConsoleOutput.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.core import clock, settings
from local_aws.core.errors import NotModelled
from local_aws.core.ids import random_uuid

_KEPT = timedelta(weeks=6)
_PAGE = 100
# How far an activity is in each status; AWS gives a number and documents none.
_PROGRESS = {
    "PreInService": 30,
    "InProgress": 0,
    "WaitingForELBConnectionDraining": 50,
    "MidLifecycleAction": 60,
    "Successful": 100,
    "Failed": 100,
    "Cancelled": 100,
}


Activity = dict[str, Any]
"""An activity as DescribeScalingActivities answers it; EndTime is None while it is in progress."""


def begin(group: Any, description: str, cause: str, status: str, place: Mapping[str, str]) -> Activity:
    """Add an activity that begins now, with the status; `place` has the Availability Zone and the subnet."""
    activity: Activity = {
        "ActivityId": random_uuid(),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": description,
        "Cause": cause,
        "StartTime": clock.current().now(),
        "EndTime": None,
        "StatusCode": status,
        "StatusMessage": None,
        "Progress": _PROGRESS[status],
        "Details": json.dumps(dict(place)),
    }
    _activities(group.autoscaling_backend).append(activity)
    return activity


def go_on(activity: Activity, status: str) -> None:
    """Give an activity in progress another status."""
    activity["StatusCode"], activity["Progress"] = status, _PROGRESS[status]


def end(activity: Activity, status: str, message: str | None = None) -> None:
    """End an activity: Successful, Failed or Cancelled. One that has ended already stays as it is."""
    if activity["EndTime"] is None:
        go_on(activity, status)
        activity["StatusMessage"], activity["EndTime"] = message, clock.current().now()


def place_of(instance: Any) -> dict[str, str]:
    """Where moto's instance is."""
    subnet = {"Subnet ID": instance.subnet_id} if instance.subnet_id else {}
    return {**subnet, "Availability Zone": instance.availability_zone}


def at_now(text: str) -> str:
    """A sentence of an activity's cause, with the moment."""
    return f"At {clock.current().now():%Y-%m-%dT%H:%M:%SZ} {text}"


def _activities(backend: Any) -> list[dict[str, Any]]:
    if not hasattr(backend, "scaling_activities"):
        backend.scaling_activities = []
    activities: list[dict[str, Any]] = backend.scaling_activities
    return activities


def describe(response: Any) -> ActionResult:
    """The answer of DescribeScalingActivities."""
    backend = response.autoscaling_backend
    name, ids = response._get_param("AutoScalingGroupName"), response._get_param("ActivityIds", [])
    with_deleted = str(response._get_param("IncludeDeletedGroups", False)).lower() == "true"
    oldest: datetime = clock.current().now() - _KEPT
    filters = response._get_param("Filters", [])
    newest_first = _activities(backend)[::-1]
    activities = [
        activity
        for activity in sorted(newest_first, key=lambda activity: activity["EndTime"] is not None)
        if (name is None or activity["AutoScalingGroupName"] == name)
        and (not ids or activity["ActivityId"] in ids)
        and (with_deleted or activity["AutoScalingGroupName"] in backend.autoscaling_groups)
        and activity["StartTime"] >= oldest
        and all(_matches(activity, wanted["Name"], wanted["Values"]) for wanted in filters)
    ]
    begin = int(response._get_param("NextToken", 0))
    size = min(int(response._get_param("MaxRecords", _PAGE)), _PAGE)
    following = str(begin + size) if begin + size < len(activities) else None
    return ActionResult({"Activities": activities[begin : begin + size], "NextToken": following})


def _matches(activity: dict[str, Any], name: str, values: list[str]) -> bool:
    """Whether the activity passes the filter. Source: API Reference, DescribeScalingActivities, "Filters"."""
    if name == "Status":
        return activity["StatusCode"] in values
    if name == "StartTimeLowerBound":
        return any(activity["StartTime"] >= _moment(value) for value in values)
    if name == "StartTimeUpperBound":
        return any(activity["StartTime"] <= _moment(value) for value in values)
    raise NotModelled(f"the embedded AWS does not model the filter {name} of DescribeScalingActivities")


def _moment(text: str) -> datetime:
    """The moment of a text in ISO 8601, in UTC where it does not say (the same)."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def console(instance: Any) -> str:
    """The text on the console of an instance."""
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    stack_name = tags.get("aws:cloudformation:stack-name", "")
    return settings.current(AutoScalingSettings).instances_of(stack_name).console
