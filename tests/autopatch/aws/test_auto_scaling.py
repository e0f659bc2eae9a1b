"""Scaling activities as Auto Scaling lists them: those in progress before all others, however old they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.stub import Stubber

from autopatch.aws.auto_scaling import AutoScaling

BEGAN = datetime(2026, 11, 23, 6, 0, 0, 250_000, tzinfo=UTC)
REQUEST: dict[str, Any] = {
    "AutoScalingGroupName": "group",
    "IncludeDeletedGroups": True,
    "Filters": [{"Name": "StartTimeLowerBound", "Values": ["2026-11-23T06:00:00+00:00"]}],
}


def activity(seconds: int, description: str, status: str = "Successful") -> dict[str, Any]:
    return {
        "ActivityId": description,
        "AutoScalingGroupName": "group",
        "Cause": "because",
        "Description": description,
        "StartTime": BEGAN + timedelta(seconds=seconds),
        "StatusCode": status,
    }


def test_an_old_activity_that_is_still_in_progress_hides_no_launch() -> None:
    """Auto Scaling API reference, DescribeScalingActivities: sorted by start, those in progress first. The filter is
    documented, and takes whole seconds; whatever it lets through from before is left out."""
    client = boto3.client("autoscaling", region_name="eu-west-1")
    first = [
        activity(-900, "Terminating EC2 instance: i-0a", "InProgress"),
        activity(60, "Launching a new EC2 instance: i-0b"),
    ]
    second = [
        activity(30, "Launching a new EC2 instance: i-0c"),
        activity(-1, "Launching a new EC2 instance: i-0d"),
    ]
    with Stubber(client) as answers:
        answers.add_response("describe_scaling_activities", {"Activities": first, "NextToken": "more"}, REQUEST)
        answers.add_response("describe_scaling_activities", {"Activities": second}, {**REQUEST, "NextToken": "more"})
        found = AutoScaling(client).activities("group", BEGAN)
    assert [activity.launched for activity in found] == ["i-0b", "i-0c"]
