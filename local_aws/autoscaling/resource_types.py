"""Auto Scaling groups with their scaling policies, lifecycle hooks and scheduled actions, and launch configurations.

Source: CloudFormation Template Reference, AWS::AutoScaling::AutoScalingGroup, LaunchConfiguration, ScalingPolicy,
LifecycleHook and ScheduledAction; Amazon EC2 Auto Scaling API Reference.
"""

from __future__ import annotations

from typing import Any

from local_aws.autoscaling import groups
from local_aws.core.errors import NotModelled
from local_aws.core.resource_types import ResourceType, client, names, picked, without
from local_aws.core.resources import Request, Resource
from local_aws.ec2 import user_data

# -- groups -----------------------------------------------------------------------------------------------------------

_SIZES = ("DesiredCapacity", "MaxSize", "MinSize")
_UPDATED = (
    *("HealthCheckGracePeriod", "HealthCheckType", "LaunchConfigurationName", "LaunchTemplate"),
    *("MixedInstancesPolicy", "NewInstancesProtectedFromScaleIn", "CapacityRebalance", "DefaultInstanceWarmup"),
    *("InstanceMaintenancePolicy", "MaxInstanceLifetime", "TerminationPolicies"),
)
"""Properties that the API takes under the same name, at creation and in an update."""
_CREATED = ("AvailabilityZones", "LoadBalancerNames", "LifecycleHookSpecificationList", "TargetGroupARNs")
"""Properties that the API takes under the same name at creation."""
_FIXED = ("AvailabilityZones", "LoadBalancerNames")
"""Properties whose change is not modelled."""
_REMOVABLE = ("LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "HealthCheckType")


def _create_group(request: Request) -> tuple[str, dict[str, Any]]:
    autoscaling, properties = client("autoscaling", request.region), request.properties
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=request.name,
        Tags=_group_tags(request),
        **picked(properties, *_UPDATED, *_CREATED),
        **_sizes(properties),
        **_cooldown(properties),
        **_subnets(properties),
    )
    _set_notifications(autoscaling, request.name, properties, {})
    _set_metrics(autoscaling, request.name, properties, {})
    arn = groups.get(request.account_id, request.region, request.name).arn
    return request.name, {"AutoScalingGroupARN": arn}


def _sizes(properties: dict[str, Any]) -> dict[str, int]:
    return {name: int(properties[name]) for name in _SIZES if name in properties}


def _cooldown(properties: dict[str, Any]) -> dict[str, int]:
    return {"DefaultCooldown": int(properties["Cooldown"])} if "Cooldown" in properties else {}


def _set_notifications(autoscaling: Any, name: str, new: dict[str, Any], old: dict[str, Any]) -> None:
    after, before = (
        {each["TopicARN"]: each["NotificationTypes"] for each in properties.get("NotificationConfigurations", [])}
        for properties in (new, old)
    )
    for topic in before.keys() - after.keys():
        autoscaling.delete_notification_configuration(AutoScalingGroupName=name, TopicARN=topic)
    for topic, kinds in after.items():
        if kinds != before.get(topic):
            autoscaling.put_notification_configuration(
                AutoScalingGroupName=name, TopicARN=topic, NotificationTypes=kinds
            )


def _set_metrics(autoscaling: Any, name: str, new: dict[str, Any], old: dict[str, Any]) -> None:
    if new.get("MetricsCollection") == old.get("MetricsCollection"):
        return
    if old.get("MetricsCollection"):
        autoscaling.disable_metrics_collection(AutoScalingGroupName=name)
    for collection in new.get("MetricsCollection", []):
        autoscaling.enable_metrics_collection(AutoScalingGroupName=name, **collection)


def _set_hooks(autoscaling: Any, name: str, new: dict[str, Any], old: dict[str, Any]) -> None:
    after, before = (
        {hook["LifecycleHookName"]: hook for hook in properties.get("LifecycleHookSpecificationList", [])}
        for properties in (new, old)
    )
    for hook_name in before.keys() - after.keys():
        autoscaling.delete_lifecycle_hook(AutoScalingGroupName=name, LifecycleHookName=hook_name)
    for hook_name, hook in after.items():
        if hook != before.get(hook_name):
            autoscaling.put_lifecycle_hook(AutoScalingGroupName=name, **hook)


def _subnets(properties: dict[str, Any]) -> dict[str, str]:
    """The VPCZoneIdentifier of the API, a string, of the template's, a list."""
    subnets = ",".join(properties.get("VPCZoneIdentifier", []))
    return {"VPCZoneIdentifier": subnets} if subnets else {}


def _group_tags(request: Request) -> list[dict[str, Any]]:
    """The tags of the group, with those that CloudFormation gives it, and through it its instances."""
    by_key = {tag["Key"]: tag for tag in request.properties.get("Tags", [])}
    added = {
        **request.tags,
        "aws:cloudformation:stack-name": request.stack_name,
        "aws:cloudformation:stack-id": request.stack_id,
        "aws:cloudformation:logical-id": request.logical_id,
    }
    for key, value in added.items():
        by_key.setdefault(key, {"Key": key, "Value": value, "PropagateAtLaunch": True})
    return [{"ResourceId": request.name, "ResourceType": "auto-scaling-group", **tag} for tag in by_key.values()]


def _update_group(request: Request, resource: Resource) -> None:
    """Update the group; no instance is replaced by it.

    The sizes that the request gives are set. The caller leaves those out that are to stay as they are.
    """
    autoscaling, name = client("autoscaling", request.region), resource.physical_id
    new, old = request.properties, resource.request.properties
    if changed := [key for key in _FIXED if new.get(key) != old.get(key)]:
        raise NotModelled(f"the embedded AWS does not model the change of {', '.join(changed)} of an {request.type}")
    with_default = {*_UPDATED, "Cooldown"} - set(_REMOVABLE)
    if removed := sorted(key for key in with_default if key in old and key not in new):
        raise NotModelled(f"the embedded AWS does not model the removal of {', '.join(removed)} from an {request.type}")
    group = groups.get(request.account_id, request.region, name)
    current = {"DesiredCapacity": group.desired_capacity, "MaxSize": group.max_size, "MinSize": group.min_size}
    sizes = {**current, **_sizes(new)}
    sizes["DesiredCapacity"] = max(sizes["MinSize"], min(sizes["DesiredCapacity"], sizes["MaxSize"]))
    autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=name,
        **sizes,
        **picked(new, *_UPDATED, "AvailabilityZones"),
        **_cooldown(new),
        **_subnets(new),
    )
    _set_notifications(autoscaling, name, new, old)
    _set_metrics(autoscaling, name, new, old)
    _set_hooks(autoscaling, name, new, old)
    before, after = old.get("TargetGroupARNs", []), new.get("TargetGroupARNs", [])
    if added := [arn for arn in after if arn not in before]:
        autoscaling.attach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=added)
    if removed := [arn for arn in before if arn not in after]:
        autoscaling.detach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=removed)
    tags, old_tags = _group_tags(request), _group_tags(resource.request)
    kept = {tag["Key"] for tag in tags}
    if gone := [tag for tag in old_tags if tag["Key"] not in kept]:
        autoscaling.delete_tags(Tags=gone)
    if changed_tags := [tag for tag in tags if tag not in old_tags]:
        autoscaling.create_or_update_tags(Tags=changed_tags)


def _delete_group(request: Request, resource: Resource) -> None:
    if groups.find(request.account_id, request.region, resource.physical_id) is not None:
        client("autoscaling", request.region).delete_auto_scaling_group(
            AutoScalingGroupName=resource.physical_id, ForceDelete=True
        )


# -- launch configurations --------------------------------------------------------------------------------------------


def _launch_configuration(request: Request) -> tuple[str, dict[str, Any]]:
    properties = without(request.properties, "InstanceMonitoring", "LaunchConfigurationName", "RamDiskId")
    if "RamDiskId" in request.properties:
        properties["RamdiskId"] = request.properties["RamDiskId"]
    if "UserData" in properties:
        properties["UserData"] = user_data.decoded(properties["UserData"])
    client("autoscaling", request.region).create_launch_configuration(
        LaunchConfigurationName=request.name,
        # Detailed monitoring is on by default.
        InstanceMonitoring={"Enabled": request.properties.get("InstanceMonitoring", True)},
        **properties,
    )
    return request.name, {}


# -- what belongs to a group ------------------------------------------------------------------------------------------


def _scaling_policy(request: Request) -> tuple[str, dict[str, Any]]:
    properties = dict(request.properties)
    if "Cooldown" in properties:
        properties["Cooldown"] = int(properties["Cooldown"])
    autoscaling = client("autoscaling", request.region)
    autoscaling.put_scaling_policy(PolicyName=request.name, **properties)
    policy = autoscaling.describe_policies(
        AutoScalingGroupName=properties["AutoScalingGroupName"], PolicyNames=[request.name]
    )["ScalingPolicies"][0]
    return policy["PolicyARN"], {"Arn": policy["PolicyARN"], "PolicyName": request.name}


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
    "AWS::AutoScaling::AutoScalingGroup": ResourceType(
        _create_group,
        _delete_group,
        names(
            "AutoScalingGroupName AvailabilityZones CapacityRebalance Cooldown DefaultInstanceWarmup DesiredCapacity "
            "HealthCheckGracePeriod HealthCheckType InstanceMaintenancePolicy LaunchConfigurationName LaunchTemplate "
            "LifecycleHookSpecificationList LoadBalancerNames MaxInstanceLifetime MaxSize MetricsCollection MinSize "
            "MixedInstancesPolicy NewInstancesProtectedFromScaleIn NotificationConfigurations Tags TargetGroupARNs "
            "TerminationPolicies VPCZoneIdentifier"
        ),
        update=_update_group,
        name_property="AutoScalingGroupName",
    ),
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
        names(
            "AutoScalingGroupName DefaultResult HeartbeatTimeout LifecycleHookName LifecycleTransition "
            "NotificationMetadata"
        ),
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
