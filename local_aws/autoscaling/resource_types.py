"""Launch configurations, and the scaling policies, lifecycle hooks and scheduled actions of Auto Scaling groups.

Source: CloudFormation Template Reference, AWS::AutoScaling::LaunchConfiguration, ScalingPolicy, LifecycleHook and
ScheduledAction; Amazon EC2 Auto Scaling API Reference.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from local_aws.core.resource_types import ResourceFailed, ResourceType, client, names, picked, without
from local_aws.core.resources import Request, Resource


def _launch_configuration(request: Request) -> tuple[str, dict[str, Any]]:
    properties = without(request.properties, "InstanceMonitoring", "LaunchConfigurationName", "RamDiskId")
    if "RamDiskId" in request.properties:
        properties["RamdiskId"] = request.properties["RamDiskId"]
    if "UserData" in properties:
        # The client encodes it again.
        properties["UserData"] = _decoded(properties["UserData"])
    client("autoscaling", request.region).create_launch_configuration(
        LaunchConfigurationName=request.name,
        # Detailed monitoring is on unless a template says otherwise.
        InstanceMonitoring={"Enabled": request.properties.get("InstanceMonitoring", True)},
        **properties,
    )
    return request.name, {}


def _decoded(user_data: str) -> bytes:
    try:
        return base64.b64decode(user_data, validate=True)
    except binascii.Error as error:
        raise ResourceFailed("Invalid BASE64 encoding of user data") from error


def _scaling_policy(request: Request) -> tuple[str, dict[str, Any]]:
    properties = dict(request.properties)
    if "Cooldown" in properties:
        properties["Cooldown"] = int(properties["Cooldown"])
    autoscaling = client("autoscaling", request.region)
    autoscaling.put_scaling_policy(PolicyName=request.name, **properties)
    made = autoscaling.describe_policies(
        AutoScalingGroupName=properties["AutoScalingGroupName"], PolicyNames=[request.name]
    )["ScalingPolicies"][0]
    return made["PolicyARN"], {"Arn": made["PolicyARN"], "PolicyName": request.name}


def _delete_scaling_policy(request: Request, _: Resource) -> None:
    client("autoscaling", request.region).delete_policy(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"], PolicyName=request.name
    )


def _lifecycle_hook(request: Request) -> tuple[str, dict[str, Any]]:
    client("autoscaling", request.region).put_lifecycle_hook(
        LifecycleHookName=request.name, **without(request.properties, "LifecycleHookName")
    )
    return request.name, {}


def _delete_lifecycle_hook(request: Request, resource: Resource) -> None:
    client("autoscaling", request.region).delete_lifecycle_hook(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"], LifecycleHookName=resource.physical_id
    )


def _scheduled_action(request: Request) -> tuple[str, dict[str, Any]]:
    properties = picked(request.properties, "StartTime", "EndTime", "Recurrence", "TimeZone")
    sizes = picked(request.properties, "MinSize", "MaxSize", "DesiredCapacity")
    client("autoscaling", request.region).put_scheduled_update_group_action(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"],
        ScheduledActionName=request.name,
        **properties,
        **{name: int(value) for name, value in sizes.items()},
    )
    return request.name, {"ScheduledActionName": request.name}


def _delete_scheduled_action(request: Request, _: Resource) -> None:
    client("autoscaling", request.region).delete_scheduled_action(
        AutoScalingGroupName=request.properties["AutoScalingGroupName"], ScheduledActionName=request.name
    )


TYPES = {
    # moto has a model of this one, which forgets the block devices.
    "AWS::AutoScaling::LaunchConfiguration": ResourceType(
        _launch_configuration,
        lambda request, resource: client("autoscaling", request.region).delete_launch_configuration(
            LaunchConfigurationName=resource.physical_id
        ),
        names(
            "AssociatePublicIpAddress BlockDeviceMappings EbsOptimized IamInstanceProfile ImageId InstanceMonitoring "
            "InstanceType KernelId KeyName LaunchConfigurationName MetadataOptions RamDiskId SecurityGroups SpotPrice "
            "UserData"
        ),
        name_property="LaunchConfigurationName",
    ),
    "AWS::AutoScaling::LifecycleHook": ResourceType(
        _lifecycle_hook,
        _delete_lifecycle_hook,
        names("AutoScalingGroupName DefaultResult HeartbeatTimeout LifecycleHookName LifecycleTransition"),
        repeatable=True,
        name_property="LifecycleHookName",
    ),
    "AWS::AutoScaling::ScalingPolicy": ResourceType(
        _scaling_policy,
        _delete_scaling_policy,
        names(
            "AdjustmentType AutoScalingGroupName Cooldown EstimatedInstanceWarmup MetricAggregationType "
            "MinAdjustmentMagnitude PolicyType PredictiveScalingConfiguration ScalingAdjustment StepAdjustments "
            "TargetTrackingConfiguration"
        ),
        repeatable=True,
    ),
    # moto has a model of this one, whose name is not the stack's own.
    "AWS::AutoScaling::ScheduledAction": ResourceType(
        _scheduled_action,
        _delete_scheduled_action,
        names("AutoScalingGroupName DesiredCapacity EndTime MaxSize MinSize Recurrence StartTime TimeZone"),
        repeatable=True,
    ),
}
