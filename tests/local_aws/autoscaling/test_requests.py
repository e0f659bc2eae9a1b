"""What Auto Scaling refuses, and what a group does not do while its processes are suspended."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.core.errors import NotModelled

SIZES = {"MinSize": 1, "MaxSize": 3}


@pytest.fixture
def autoscaling(aws: LocalAws) -> Any:
    """A client, with a group of one instance."""
    image = boto3.client("ec2").register_image(Name="base", RootDeviceName="/dev/xvda", Architecture="x86_64")
    client = boto3.client("autoscaling")
    client.create_launch_configuration(
        LaunchConfigurationName="launch", ImageId=image["ImageId"], InstanceType="t3.micro"
    )
    create(client, "web")
    return client


def create(autoscaling: Any, name: str, **more: Any) -> None:
    autoscaling.create_auto_scaling_group(
        **{
            "AutoScalingGroupName": name,
            "LaunchConfigurationName": "launch",
            "AvailabilityZones": ["us-east-1a"],
            **SIZES,
            **more,
        }
    )


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def capacity(autoscaling: Any) -> tuple[int, int]:
    """The desired capacity of the group, and the number of its instances that do not leave it."""
    (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    staying = [instance for instance in group["Instances"] if instance["LifecycleState"] != "Terminating"]
    return group["DesiredCapacity"], len(staying)


def test_the_desired_capacity_is_within_the_bounds(autoscaling: Any) -> None:
    """API Reference, SetDesiredCapacity, UpdateAutoScalingGroup, CreateAutoScalingGroup; kubernetes/autoscaler#943 and
    convox/praxis#258: Auto Scaling's own words."""
    for wanted, expected in (
        (4, "New SetDesiredCapacity value 4 is above max value 3 for the AutoScalingGroup."),
        (0, "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup."),
    ):
        refused = refusal(autoscaling.set_desired_capacity, AutoScalingGroupName="web", DesiredCapacity=wanted)
        assert refused == ("ValidationError", expected)
    update = autoscaling.update_auto_scaling_group
    outside = "Desired capacity:4 must be between the specified min size:1 and max size:3"
    assert refusal(update, AutoScalingGroupName="web", DesiredCapacity=4) == ("ValidationError", outside)
    assert refusal(update, AutoScalingGroupName="web", MinSize=4)[0] == "ValidationError"
    with pytest.raises(ClientError, match=outside):
        create(autoscaling, "other", DesiredCapacity=4)
    with pytest.raises(ClientError, match="Max bound, 0"):
        create(autoscaling, "other", MaxSize=0)
    assert capacity(autoscaling) == (1, 1)
    update(AutoScalingGroupName="web", MinSize=2)
    assert capacity(autoscaling) == (2, 2)


def test_a_group_that_is_not_there_has_no_capacity(autoscaling: Any) -> None:
    """API Reference, "Common errors": ValidationError."""
    refused = refusal(autoscaling.set_desired_capacity, AutoScalingGroupName="none", DesiredCapacity=1)
    assert refused == ("ValidationError", "AutoScalingGroup name not found - AutoScalingGroup 'none' not found")


def test_a_name_is_taken_once(autoscaling: Any) -> None:
    """API Reference, CreateAutoScalingGroup: AlreadyExists."""
    with pytest.raises(ClientError, match=r"AlreadyExists.*A group with the name web already exists"):
        create(autoscaling, "web")


def test_what_is_in_use_is_not_deleted(aws: LocalAws, autoscaling: Any) -> None:
    """API Reference, DeleteAutoScalingGroup and DeleteLaunchConfiguration: ResourceInUse, ScalingActivityInProgress;
    ansible/ansible#8503, studioml/studio#258, cloud-custodian/cloud-custodian#1689: Auto Scaling's own words."""
    code, message = refusal(autoscaling.delete_auto_scaling_group, AutoScalingGroupName="web")
    assert code == "ResourceInUse"
    assert message.startswith("You cannot delete an AutoScalingGroup while there are instances")
    assert refusal(autoscaling.delete_launch_configuration, LaunchConfigurationName="launch") == (
        "ResourceInUse",
        "Cannot delete launch configuration launch because it is attached to AutoScalingGroup web",
    )
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=0, DesiredCapacity=0)
    assert refusal(autoscaling.delete_auto_scaling_group, AutoScalingGroupName="web") == (
        "ScalingActivityInProgress",
        "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
    )
    aws.clock.sleep(120)
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="web")
    autoscaling.delete_launch_configuration(LaunchConfigurationName="launch")


def test_a_scaling_policy_scales_to_the_bound_only(autoscaling: Any) -> None:
    """User Guide, "Step and simple scaling policies": a group is scaled within its bounds."""
    for kind, adjustment, expected in (("ChangeInCapacity", 7, 3), ("ExactCapacity", 0, 1)):
        autoscaling.put_scaling_policy(
            AutoScalingGroupName="web", PolicyName="more", AdjustmentType=kind, ScalingAdjustment=adjustment
        )
        autoscaling.execute_policy(PolicyName="more")
        assert capacity(autoscaling) == (expected, expected)


def test_a_group_scales_when_its_processes_are_resumed(autoscaling: Any) -> None:
    """User Guide, "Suspend and resume Amazon EC2 Auto Scaling processes": Launch, Terminate."""
    for process, wanted, before in (("Launch", 3, 1), ("Terminate", 1, 3)):
        autoscaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=[process])
        autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=wanted)
        assert capacity(autoscaling) == (wanted, before)
        autoscaling.resume_processes(AutoScalingGroupName="web")
        assert capacity(autoscaling) == (wanted, wanted)


def test_a_process_that_is_none_is_refused_by_name(autoscaling: Any) -> None:
    """API Reference, SuspendProcesses: the processes that there are."""
    with pytest.raises(NotModelled, match="scaling process Sleep"):
        autoscaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Sleep"])


def test_an_update_of_the_sizes_keeps_the_mixed_instances_policy(autoscaling: Any) -> None:
    """API Reference, UpdateAutoScalingGroup: what the request does not specify is left unchanged."""
    ec2 = boto3.client("ec2")
    image = ec2.register_image(Name="mixed", RootDeviceName="/dev/xvda", Architecture="x86_64")["ImageId"]
    ec2.create_launch_template(LaunchTemplateName="mixed", LaunchTemplateData={"ImageId": image})
    policy = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateName": "mixed", "Version": "1"},
            "Overrides": [{"InstanceType": "t3.small"}],
        }
    }
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="mixed", MixedInstancesPolicy=policy, AvailabilityZones=["us-east-1a"], **SIZES
    )
    ec2.deregister_image(ImageId=image)
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="mixed", MaxSize=4)
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["mixed"])["AutoScalingGroups"]
    (group,) = groups
    assert (group["MaxSize"], len(group["Instances"])) == (4, 1)
    assert group["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == [{"InstanceType": "t3.small"}]
