"""EC2 Auto Scaling's resource types: Auto Scaling, and EC2, describe each as its template does.

Source: CloudFormation Template Reference, the page of each type, with "Update requires" of each property.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local_aws.stack_world import NETWORK, StackWorld, stack_world


@pytest.fixture(scope="module")
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        created.create("network", NETWORK)
        yield created


@pytest.fixture(autouse=True)
def _no_stack_is_left(world: StackWorld) -> Iterator[None]:
    yield
    world.cloudformation.delete_stack(StackName="one")


LAUNCH = {"LaunchTemplateId": {"Ref": "Launch"}, "Version": {"Fn::GetAtt": ["Launch", "LatestVersionNumber"]}}


def grouped(world: StackWorld, policy: dict[str, Any], timeout: int, **properties: Any) -> dict[str, Any]:
    """A launch template, a group, a scaling policy and a lifecycle hook."""
    group = {
        "AutoScalingGroupName": "web",
        "VPCZoneIdentifier": world.outputs("network")["SubnetIds"].split(","),
        "LaunchTemplate": LAUNCH,
        "Cooldown": "120",
        "TerminationPolicies": ["OldestInstance"],
        **properties,
    }
    hook = {
        "AutoScalingGroupName": {"Ref": "Group"},
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": timeout,
        "DefaultResult": "CONTINUE",
    }
    data = {"ImageId": world.old_ami, "InstanceType": "t3.micro"}
    return {
        "Launch": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
        "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group},
        "Policy": {
            "Type": "AWS::AutoScaling::ScalingPolicy",
            "Properties": {"AutoScalingGroupName": {"Ref": "Group"}, **policy},
        },
        "Hook": {"Type": "AWS::AutoScaling::LifecycleHook", "Properties": hook},
    }


def tracking(target: float) -> dict[str, Any]:
    metric = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    configuration = {"TargetValue": target, "DisableScaleIn": True, "PredefinedMetricSpecification": metric}
    return {
        "PolicyType": "TargetTrackingScaling",
        "EstimatedInstanceWarmup": 60,
        "TargetTrackingConfiguration": configuration,
    }


def test_a_group_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::AutoScaling::AutoScalingGroup, ScalingPolicy, LifecycleHook: sizes, health checks, protection and tags are
    updated with no interruption."""
    network = world.outputs("network")
    ids: dict[str, str] = {}
    for sizes, health, target, protected, name in (
        ((1, 3, 2), ("ELB", 60), 50.0, False, "one"),
        ((0, 4, 1), ("EC2", 90), 70.0, True, "two"),
    ):
        resources = grouped(
            world,
            tracking(target),
            int(target),
            MinSize=str(sizes[0]),
            MaxSize=str(sizes[1]),
            DesiredCapacity=str(sizes[2]),
            HealthCheckType=health[0],
            HealthCheckGracePeriod=health[1],
            NewInstancesProtectedFromScaleIn=protected,
            Tags=[{"Key": "Name", "Value": name, "PropagateAtLaunch": True}],
        )
        before, ids = ids, world.put(resources)
        assert before in ({}, ids)
        group = world.group()
        assert (group["AutoScalingGroupName"], group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (
            "web",
            *sizes,
        )
        assert (group["HealthCheckType"], group["HealthCheckGracePeriod"]) == health
        assert (group["DefaultCooldown"], group["TerminationPolicies"]) == (120, ["OldestInstance"])
        assert group["NewInstancesProtectedFromScaleIn"] is protected
        assert group["VPCZoneIdentifier"] == network["SubnetIds"]
        assert group["LaunchTemplate"]["LaunchTemplateId"] == ids["Launch"]
        assert [tag["Value"] for tag in group["Tags"] if tag["Key"] == "Name"] == [name]
        staying = [instance for instance in group["Instances"] if "Terminating" not in instance["LifecycleState"]]
        assert len(staying) == sizes[2]
        (policy,) = world.autoscaling.describe_policies()["ScalingPolicies"]
        assert {key: policy[key] for key in tracking(target)} == tracking(target)
        (hook,) = world.autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"]
        assert (hook["HeartbeatTimeout"], hook["DefaultResult"]) == (int(target), "CONTINUE")
    world.remove()
    assert world.groups() == []
    assert world.running() == {}


def test_a_step_policy_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::AutoScaling::ScalingPolicy, of steps."""
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 10},
        {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 30},
    ]
    expected = {
        "PolicyType": "StepScaling",
        "AdjustmentType": "PercentChangeInCapacity",
        "MetricAggregationType": "Average",
        "MinAdjustmentMagnitude": 2,
        "EstimatedInstanceWarmup": 30,
        "StepAdjustments": steps,
    }
    world.put(grouped(world, expected, 60, MinSize="0", MaxSize="1"))
    (policy,) = world.autoscaling.describe_policies()["ScalingPolicies"]
    assert {key: policy[key] for key in expected} == expected


def test_what_a_group_keeps_is_not_changed_in_silence(world: StackWorld) -> None:
    """The embedded AWS drops nothing in silence: what it does not update in place fails by its name."""
    world.put(grouped(world, tracking(50), 60, MinSize="0", MaxSize="1"))
    changed = grouped(world, tracking(50), 60, MinSize="0", MaxSize="1", LoadBalancerNames=["classic"])
    removed = grouped(world, tracking(50), 60, MinSize="0", MaxSize="1")
    del removed["Group"]["Properties"]["Cooldown"]
    for resources, what in ((changed, "change of LoadBalancerNames of"), (removed, "removal of Cooldown from")):
        world.cloudformation.update_stack(StackName="one", TemplateBody=json.dumps({"Resources": resources}))
        assert world.settle("one") == "UPDATE_ROLLBACK_COMPLETE"
        reason = f"the embedded AWS does not model the {what} an AWS::AutoScaling::AutoScalingGroup"
        assert reason in world.reasons("one")
    assert world.group()["DefaultCooldown"] == 120


def test_a_launch_configuration_is_what_the_template_says(world: StackWorld) -> None:
    """AWS::AutoScaling::LaunchConfiguration: any change needs replacement; its block devices are its instances'."""

    def launched(size: int) -> dict[str, Any]:
        script = base64.b64encode(b"#!/bin/sh").decode()
        configuration = {
            "ImageId": world.old_ami,
            "InstanceType": "t3.micro",
            "UserData": script,
            "SpotPrice": "0.1",
            "AssociatePublicIpAddress": True,
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": size, "Encrypted": True}}],
        }
        group = {
            "MinSize": "1",
            "MaxSize": "1",
            "AvailabilityZones": ["us-east-1a"],
            "LaunchConfigurationName": {"Ref": "Launch"},
        }
        return {
            "Launch": {"Type": "AWS::AutoScaling::LaunchConfiguration", "Properties": configuration},
            "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group},
        }

    resources = launched(12)
    ids = world.put(resources)
    (configuration,) = world.autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    expected = resources["Launch"]["Properties"]
    assert {key: configuration[key] for key in expected if key != "BlockDeviceMappings"} == {
        key: expected[key] for key in expected if key != "BlockDeviceMappings"
    }
    assert configuration["InstanceMonitoring"] == {"Enabled": True}
    (device,) = configuration["BlockDeviceMappings"]
    assert (device["DeviceName"], device["Ebs"]["VolumeSize"], device["Ebs"]["Encrypted"]) == ("/dev/xvda", 12, True)
    attached = [{"Name": "attachment.device", "Values": ["/dev/xvda"]}, {"Name": "status", "Values": ["in-use"]}]
    (volume,) = world.ec2.describe_volumes(Filters=attached)["Volumes"]
    assert (volume["Size"], volume["Encrypted"], volume["Attachments"][0]["InstanceId"]) == (
        12,
        True,
        world.group()["Instances"][0]["InstanceId"],
    )
    again = world.put(launched(16))
    assert (again["Launch"] == ids["Launch"], again["Group"] == ids["Group"]) == (False, True)
    world.remove()
    assert world.autoscaling.describe_launch_configurations()["LaunchConfigurations"] == []


def test_a_group_goes_from_a_launch_configuration_to_a_launch_template(world: StackWorld) -> None:
    """AWS::AutoScaling::AutoScalingGroup: LaunchTemplate and LaunchConfigurationName are updated with no interruption;
    the instances that come next are launched from what the group has then."""
    data = {"ImageId": world.new_ami, "InstanceType": "t3.micro"}
    private = {
        "VpcId": world.outputs("network")["VpcId"],
        "CidrBlock": "10.0.99.0/24",
        "AvailabilityZone": "us-east-1a",
    }
    launch = {
        "Private": {"Type": "AWS::EC2::Subnet", "Properties": private},
        "Configuration": {
            "Type": "AWS::AutoScaling::LaunchConfiguration",
            "Properties": {"ImageId": world.old_ami, "InstanceType": "t3.micro", "AssociatePublicIpAddress": True},
        },
        "Launch": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
    }

    def grouped_from(source: dict[str, Any], size: int) -> dict[str, Any]:
        sizes = {"MinSize": "0", "MaxSize": "3", "DesiredCapacity": str(size)}
        group = {"AutoScalingGroupName": "web", "VPCZoneIdentifier": [{"Ref": "Private"}], **sizes, **source}
        return {**launch, "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group}}

    world.put(grouped_from({"LaunchConfigurationName": {"Ref": "Configuration"}}, 1))
    world.put(grouped_from({"LaunchTemplate": LAUNCH}, 2))
    world.clock.sleep(60)
    assert sorted(world.running().values()) == sorted([world.old_ami, world.new_ami])
    group = world.group()
    assert "LaunchConfigurationName" not in group
    instances = [
        world.ec2.describe_instances(InstanceIds=[identifier])["Reservations"][0]["Instances"][0]
        for identifier in world.running()
    ]
    assert {instance["ImageId"]: "PublicIpAddress" in instance for instance in instances} == {
        world.old_ami: True,
        world.new_ami: False,
    }
    assert group["LaunchTemplate"]["Version"] == "1"
    world.put(grouped_from({"LaunchConfigurationName": {"Ref": "Configuration"}}, 3))
    world.clock.sleep(60)
    assert sorted(world.running().values()) == sorted([world.old_ami, world.old_ami, world.new_ami])
    assert "LaunchTemplate" not in world.group()
    world.remove()


def test_what_else_a_group_has_is_kept_and_described(world: StackWorld) -> None:
    """AWS::AutoScaling::AutoScalingGroup: each of these is updated with no interruption."""
    arn = "arn:aws:sns:us-east-1:123456789012:scaling"
    hook = {"LifecycleHookName": "wait", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
    launched, terminated = "autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_TERMINATE"
    autoscaling = world.autoscaling
    for cooldown, rebalance, seconds, least, metric, kind, timeout in (
        ("120", True, 86_400, 90, "GroupTotalInstances", launched, 60),
        ("60", False, 172_800, 100, "GroupMinSize", terminated, 90),
    ):
        maintenance = {"MinHealthyPercentage": least, "MaxHealthyPercentage": least + 100}
        resources = grouped(
            world,
            tracking(50),
            60,
            MinSize="0",
            MaxSize="1",
            Cooldown=cooldown,
            CapacityRebalance=rebalance,
            DefaultInstanceWarmup=seconds // 1000,
            InstanceMaintenancePolicy=maintenance,
            MaxInstanceLifetime=seconds,
            MetricsCollection=[{"Granularity": "1Minute", "Metrics": [metric]}],
            NotificationConfigurations=[{"TopicARN": arn, "NotificationTypes": [kind]}],
            LifecycleHookSpecificationList=[{**hook, "HeartbeatTimeout": timeout}],
        )
        world.put(resources)
        group = world.group()
        assert (group["CapacityRebalance"], group["DefaultCooldown"]) == (rebalance, int(cooldown))
        assert (group["MaxInstanceLifetime"], group["DefaultInstanceWarmup"]) == (seconds, seconds // 1000)
        assert group["InstanceMaintenancePolicy"] == maintenance
        assert group["EnabledMetrics"] == [{"Metric": metric, "Granularity": "1Minute"}]
        notifications = autoscaling.describe_notification_configurations()["NotificationConfigurations"]
        assert notifications == [{"AutoScalingGroupName": "web", "TopicARN": arn, "NotificationType": kind}]
        hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="web", LifecycleHookNames=["wait"])
        assert [hook["HeartbeatTimeout"] for hook in hooks["LifecycleHooks"]] == [timeout]
    world.put(grouped(world, tracking(50), 60, MinSize="0", MaxSize="1", **kept_of(resources)))
    hooks = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="web", LifecycleHookNames=["wait"])
    assert (hooks["LifecycleHooks"], world.group()["EnabledMetrics"]) == ([], [])
    assert autoscaling.describe_notification_configurations()["NotificationConfigurations"] == []
    world.remove()


def kept_of(resources: dict[str, Any]) -> dict[str, Any]:
    """The properties of the group that an update may not remove."""
    names = (
        "Cooldown",
        "CapacityRebalance",
        "DefaultInstanceWarmup",
        "InstanceMaintenancePolicy",
        "MaxInstanceLifetime",
    )
    return {name: resources["Group"]["Properties"][name] for name in names}


def test_a_group_that_is_deleted_takes_its_protected_instances_with_it(world: StackWorld) -> None:
    """API Reference, DeleteAutoScalingGroup, ForceDelete; what is gone already is deleted."""
    group = grouped(world, tracking(50), 60, MinSize="1", MaxSize="1", NewInstancesProtectedFromScaleIn=True)
    world.put(group)
    assert [instance["ProtectedFromScaleIn"] for instance in world.group()["Instances"]] == [True]
    world.remove()
    assert (world.groups(), world.running()) == ([], {})
    world.put({name: group[name] for name in ("Launch", "Group")})
    world.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    world.remove()


def test_the_target_groups_and_tags_of_a_group_are_updated_in_place(world: StackWorld) -> None:
    """AWS::AutoScaling::AutoScalingGroup: TargetGroupARNs and Tags are updated with no interruption."""
    targets = {
        name: {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"VpcId": world.outputs("network")["VpcId"], "Port": 80, "Protocol": "HTTP"},
        }
        for name in ("One", "Two")
    }
    instance = ""
    for target, other, tags in (("One", "Two", {"kept": "1", "gone": "1"}), ("Two", "One", {"kept": "2"})):
        resources = grouped(
            world,
            tracking(50),
            60,
            MinSize="1",
            MaxSize="1",
            TargetGroupARNs=[{"Ref": target}],
            Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": False} for key, value in tags.items()],
        )
        ids = world.put({**resources, **targets})
        (running,) = world.running()
        instance = instance or running
        assert running == instance
        health = {
            name: world.client("elbv2").describe_target_health(TargetGroupArn=ids[name])["TargetHealthDescriptions"]
            for name in (target, other)
        }
        assert [entry["Target"]["Id"] for entry in health[target]] == [instance]
        assert [entry["TargetHealth"]["State"] for entry in health[other]] in ([], ["draining"])
        group_tags = {tag["Key"]: tag["Value"] for tag in world.group()["Tags"]}
        assert {key: group_tags[key] for key in group_tags if not key.startswith("aws:")} == tags
    world.remove()
