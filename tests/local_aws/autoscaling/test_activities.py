"""Scaling activities, the consoles and vCPUs of instances, and the architecture of AMIs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from local_aws.aws import LocalAws
from rehearsal.deployment import deploy
from rehearsal.scenario import Scenario


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    # No run is to start in the weeks that pass here.
    with LocalAws() as aws:
        deploy(Scenario(parameters={"ScheduleExpression": "at(2030-01-01T00:00:00)"}))
        yield aws


def group() -> str:
    (group,) = boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return group["AutoScalingGroupName"]


def activities(**more: Any) -> list[Any]:
    return list(boto3.client("autoscaling").describe_scaling_activities(**more)["Activities"])


def test_each_launch_and_termination_is_an_activity_the_newest_first(aws: LocalAws) -> None:
    """Auto Scaling API reference, Activity; user guide, "Verify a scaling activity for an Auto Scaling group"."""
    autoscaling, name = boto3.client("autoscaling"), group()
    assert len(activities(AutoScalingGroupName=name)) == 2
    aws.clock.sleep(60)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    aws.clock.sleep(60)
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=2)
    aws.clock.sleep(120)
    newest_first = activities(AutoScalingGroupName=name)
    kinds = [activity["Description"].rsplit(":", 1)[0] for activity in newest_first]
    assert kinds == ["Terminating EC2 instance", *["Launching a new EC2 instance"] * 3]
    assert newest_first[0]["StartTime"] > newest_first[1]["StartTime"] > newest_first[2]["StartTime"]
    assert {activity["StatusCode"] for activity in newest_first} == {"Successful"}


def test_activities_come_in_pages(aws: LocalAws) -> None:
    pages = (
        boto3.client("autoscaling")
        .get_paginator("describe_scaling_activities")
        .paginate(AutoScalingGroupName=group(), PaginationConfig={"PageSize": 1})
    )
    listed = [page["Activities"] for page in pages]
    assert len(listed) >= 2 and all(len(page) == 1 for page in listed)


def test_activities_are_filtered_by_their_start_and_status(aws: LocalAws) -> None:
    """Auto Scaling API reference, Filter: times are in ISO 8601, and in UTC where they do not say."""
    name = group()
    aws.clock.sleep(60)
    boto3.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    aws.clock.sleep(60)
    newest, *older = activities(AutoScalingGroupName=name)
    start = newest["StartTime"]

    def found(filter_name: str, value: str) -> list[Any]:
        return activities(AutoScalingGroupName=name, Filters=[{"Name": filter_name, "Values": [value]}])

    assert found("StartTimeLowerBound", start.isoformat()) == [newest]
    assert found("StartTimeLowerBound", f"{start - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}") == [newest]
    assert found("StartTimeLowerBound", f"{start + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}") == []
    assert found("StartTimeUpperBound", f"{start - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}") == older
    assert found("Status", "Successful") == [newest, *older] and found("Status", "Failed") == []


def test_the_activities_of_a_deleted_group_have_to_be_asked_for(aws: LocalAws) -> None:
    """Auto Scaling API reference, DescribeScalingActivities: IncludeDeletedGroups, for six weeks."""
    autoscaling = boto3.client("autoscaling")
    template = boto3.client("ec2").describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="gone",
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
    )
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="gone", ForceDelete=True)
    assert activities(AutoScalingGroupName="gone") == []
    assert activities(AutoScalingGroupName="gone", IncludeDeletedGroups=True) != []
    aws.clock.sleep(43 * 24 * 3600)
    assert activities(AutoScalingGroupName="gone", IncludeDeletedGroups=True) == []


def test_registered_amis_and_their_instances_tell_architecture_and_vcpus(aws: LocalAws) -> None:
    """EC2 API reference, RegisterImage: Architecture, i386 where none is given; Instance: CpuOptions."""
    ec2 = boto3.client("ec2")
    for given, expected in (({"Architecture": "arm64"}, "arm64"), ({}, "i386")):
        more: Any = given
        image_id = ec2.register_image(Name=f"of-{expected}", RootDeviceName="/dev/xvda", **more)["ImageId"]
        assert ec2.describe_images(ImageIds=[image_id])["Images"][0]["Architecture"] == expected
    (reservation, *_) = ec2.describe_instances(Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}])[
        "Reservations"
    ]
    (instance, *_) = reservation["Instances"]
    assert instance["Architecture"] == "x86_64"
    assert instance["CpuOptions"] == {"CoreCount": 1, "ThreadsPerCore": 2}
