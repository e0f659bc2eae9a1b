"""Scheduled actions scale a group when they are due. The clock begins on Tuesday, 1 December 2026, at 09:00 UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import START, LocalAws
from local_aws.core.clock import TaskFailed
from local_aws.core.errors import NotModelled

HOUR = 3600


@pytest.fixture
def autoscaling(aws: LocalAws) -> Any:
    """A client, with a group of one to four instances, which has two."""
    image = boto3.client("ec2").register_image(Name="base", RootDeviceName="/dev/xvda", Architecture="x86_64")
    client = boto3.client("autoscaling")
    client.create_launch_configuration(
        LaunchConfigurationName="launch", ImageId=image["ImageId"], InstanceType="t3.micro"
    )
    for name in ("web", "other"):
        client.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchConfigurationName="launch",
            AvailabilityZones=["us-east-1a"],
            MinSize=1,
            MaxSize=4,
            DesiredCapacity=2,
        )
    return client


def put(autoscaling: Any, **parameters: Any) -> None:
    given = {"AutoScalingGroupName": "web", "ScheduledActionName": "scale", **parameters}
    autoscaling.put_scheduled_update_group_action(**given)


def sizes(autoscaling: Any) -> tuple[int, int, int, int]:
    """MinSize, MaxSize and DesiredCapacity of the group, and the number of its instances."""
    (group,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    return group["MinSize"], group["MaxSize"], group["DesiredCapacity"], len(group["Instances"])


def actions(autoscaling: Any) -> list[str]:
    listed = autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    return [action["ScheduledActionName"] for action in listed]


def test_an_action_sets_the_sizes_once_when_it_is_due(aws: LocalAws, autoscaling: Any) -> None:
    """User Guide, "Scheduled scaling": one-time actions; API Reference, DescribeScheduledActions: those that have not
    run."""
    put(autoscaling, StartTime=START + timedelta(hours=2), MinSize=3, MaxSize=5, DesiredCapacity=4)
    aws.clock.sleep(2 * HOUR - 1)
    assert (sizes(autoscaling), actions(autoscaling)) == ((1, 4, 2, 2), ["scale"])
    aws.clock.sleep(2)
    assert (sizes(autoscaling), actions(autoscaling)) == ((3, 5, 4, 4), [])


def test_the_capacity_follows_the_bounds_of_an_action(aws: LocalAws, autoscaling: Any) -> None:
    """User Guide, "Scheduled scaling": current capacity falls within the bounds that a scheduled action sets."""
    put(autoscaling, StartTime=START + timedelta(hours=1), MinSize=3)
    aws.clock.sleep(HOUR + 1)
    assert sizes(autoscaling) == (3, 4, 3, 3)


@pytest.mark.parametrize(
    ("recurrence", "given", "due"),
    [
        ("0 22 * * *", {}, ["2026-12-01T22:00", "2026-12-02T22:00", "2026-12-03T22:00"]),
        ("0 22 * * *", {"TimeZone": "Asia/Tokyo"}, ["2026-12-01T13:00", "2026-12-02T13:00"]),
        (
            "30 6 * * 1-5",
            {"EndTime": datetime.fromisoformat("2026-12-03T07:00Z")},
            ["2026-12-02T06:30", "2026-12-03T06:30"],
        ),
        (
            "0 22 * * *",
            {"StartTime": datetime.fromisoformat("2026-12-02T10:15Z")},
            ["2026-12-02T10:15", "2026-12-02T22:00", "2026-12-03T22:00"],
        ),
    ],
)
def test_an_action_recurs(
    aws: LocalAws, autoscaling: Any, recurrence: str, given: dict[str, Any], due: list[str]
) -> None:
    """User Guide, "Scheduled scaling", recurring schedules: in UTC or the time zone, from the start time, at which it
    runs too, until the end time."""
    put(autoscaling, Recurrence=recurrence, DesiredCapacity=4, **given)
    for moment in due:
        aws.clock.sleep((datetime.fromisoformat(f"{moment}Z") - aws.clock.now()).total_seconds() - 1)
        assert sizes(autoscaling)[2:] == (2, 2), moment
        aws.clock.sleep(2)
        assert sizes(autoscaling)[2:] == (4, 4), moment
        autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    if "EndTime" in given:
        aws.clock.sleep(7 * 24 * HOUR)
        assert (sizes(autoscaling)[2:], actions(autoscaling)) == ((2, 2), [])


def test_an_action_that_is_replaced_deleted_or_suspended_does_not_run(aws: LocalAws, autoscaling: Any) -> None:
    """API Reference, PutScheduledUpdateGroupAction, DeleteScheduledAction; User Guide, "Suspend and resume processes":
    ScheduledActions."""
    put(autoscaling, StartTime=START + timedelta(hours=1), DesiredCapacity=4)
    put(autoscaling, StartTime=START + timedelta(hours=2), DesiredCapacity=3)
    aws.clock.sleep(1.5 * HOUR)
    assert sizes(autoscaling)[2:] == (2, 2)
    aws.clock.sleep(HOUR)
    assert sizes(autoscaling)[2:] == (3, 3)
    put(autoscaling, Recurrence="0 * * * *", DesiredCapacity=1)
    autoscaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["ScheduledActions"])
    aws.clock.sleep(HOUR)
    assert sizes(autoscaling)[2:] == (3, 3)
    autoscaling.resume_processes(AutoScalingGroupName="web")
    autoscaling.delete_scheduled_action(AutoScalingGroupName="web", ScheduledActionName="scale")
    aws.clock.sleep(5 * HOUR)
    assert sizes(autoscaling)[2:] == (3, 3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"AutoScalingGroupName": "none", "Recurrence": "0 22 * * *"},
        {"StartTime": START - timedelta(hours=1)},
        {"Recurrence": "0 22 * *"},
        {"Recurrence": "0 22 * * * *"},
        {"Recurrence": "0 25 * * *"},
        {"Recurrence": "0 22 * * *", "TimeZone": "Europe/Atlantis"},
        {},
    ],
)
def test_an_impossible_action_is_refused(aws: LocalAws, autoscaling: Any, parameters: dict[str, Any]) -> None:
    """API Reference, PutScheduledUpdateGroupAction: cron has five fields, time zones are IANA's."""
    with pytest.raises(ClientError) as refused:
        put(autoscaling, DesiredCapacity=1, **parameters)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert actions(autoscaling) == []


def test_what_is_not_modelled_says_so(aws: LocalAws, autoscaling: Any) -> None:
    """User Guide, "Scheduled scaling": the capacity must not be outside of the limits; if it is, nothing is said."""
    put(autoscaling, StartTime=START + timedelta(hours=1), DesiredCapacity=9)
    with pytest.raises(NotModelled, match="of two groups"):
        put(autoscaling, AutoScalingGroupName="other", Recurrence="0 22 * * *", DesiredCapacity=1)
    with pytest.raises(TaskFailed, match="9 is not from 1 to 4"):
        aws.clock.sleep(2 * HOUR)
