"""The scaling activities of groups, which moto does not keep, and the consoles of instances.

Source: Amazon EC2 Auto Scaling API Reference, Activity, DescribeScalingActivities (kept for six weeks, also of deleted
groups); User Guide, "Verify a scaling activity for an Auto Scaling group"; EC2 API Reference, GetConsoleOutput.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult

from local_aws.autoscaling import groups as autoscaling
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.core import clock, settings
from local_aws.core.errors import NotModelled
from local_aws.core.ids import random_uuid

_KEPT = timedelta(weeks=6)
_PAGE = 100


def launched(group: Any, instance_id: str) -> None:
    """Add the activity of a launch to the group."""
    _add(group, f"Launching a new EC2 instance: {instance_id}", "Successful", None)


def refused(group: Any, reason: str) -> None:
    """Add the activity of a launch that EC2 refused to the group."""
    message = f"{reason.removesuffix('.')}. Launching EC2 instance failed."
    _add(group, f"Launching a new EC2 instance.  Status Reason: {message}", "Failed", message)


def fail_launches(group: Any, instance_ids: list[str], message: str) -> None:
    """Turn the launches of these instances into failed ones, for a reason in EC2's words, and remove the instances."""
    autoscaling.terminate(group, instance_ids)
    backend = group.autoscaling_backend
    for reservation in backend.ec2_backend.reservations.values():
        reservation.instances = [instance for instance in reservation.instances if instance.id not in instance_ids]
    kept = [activity for activity in _activities(backend) if not activity["Description"].endswith(tuple(instance_ids))]
    _activities(backend)[:] = kept
    for _ in instance_ids:
        _add(group, f"Launching a new EC2 instance.  Status Reason: {message}", "Failed", message)


def terminated(instance: Any) -> None:
    """Add the activity of a termination to the group of an instance, if it is in one."""
    group = getattr(instance, "autoscaling_group", None)
    if group is not None:
        _add(group, f"Terminating EC2 instance: {instance.id}", "Successful", None)


def _add(group: Any, description: str, status: str, message: str | None) -> None:
    now = clock.current().now()
    _activities(group.autoscaling_backend).append(
        {
            "ActivityId": random_uuid(),
            "AutoScalingGroupName": group.name,
            "AutoScalingGroupARN": group.arn,
            "Description": description,
            "Cause": f"At {now:%Y-%m-%dT%H:%M:%SZ} an instance was started or taken out of service in response to a "
            "difference between desired and actual capacity.",
            "StartTime": now,
            "EndTime": now,
            "StatusCode": status,
            "StatusMessage": message,
            "Progress": 100,
            "Details": "{}",
        }
    )


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
    activities = [
        activity
        for activity in reversed(_activities(backend))
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
