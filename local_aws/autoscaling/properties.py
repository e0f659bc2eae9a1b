"""What a group has and moto drops: kept, and described back.

Of these only the lifecycle hooks, the notifications, the termination policies and the cooldown have an effect here. No
metric is published, no instance is replaced for its age or for a rebalance recommendation, none warms up, and an
unhealthy one is terminated while another is launched, as without an instance maintenance policy.

Source: Amazon EC2 Auto Scaling API Reference, CreateAutoScalingGroup, UpdateAutoScalingGroup, AutoScalingGroup,
PutNotificationConfiguration, DescribeNotificationConfigurations, EnableMetricsCollection, DisableMetricsCollection.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult, EmptyResult

from local_aws.autoscaling import hooks, notifications
from local_aws.core.errors import NotModelled

_KEPT = {
    "CapacityRebalance": "capacity_rebalance",
    "DefaultCooldown": "default_cooldown",
    "DefaultInstanceWarmup": "default_instance_warmup",
    "InstanceMaintenancePolicy": "instance_maintenance_policy",
    "MaxInstanceLifetime": "max_instance_lifetime",
    "TerminationPolicies": "termination_policies",
}
_NUMBERS = ("DefaultCooldown", "DefaultInstanceWarmup", "MaxInstanceLifetime")
_METRICS = (
    *("GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"),
    *("GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances", "GroupInServiceCapacity"),
    *("GroupPendingCapacity", "GroupStandbyCapacity", "GroupTerminatingCapacity", "GroupTotalCapacity"),
    *("WarmPoolDesiredCapacity", "WarmPoolWarmedCapacity", "WarmPoolPendingCapacity", "WarmPoolTerminatingCapacity"),
    *("WarmPoolTotalCapacity", "GroupAndWarmPoolDesiredCapacity", "GroupAndWarmPoolTotalCapacity"),
)
_DAY = 86_400
_LONGEST = 365 * _DAY


def take(response: Any, group: Any) -> None:
    """Give moto's group what the request has of these; what it has not stays.

    Raises the API's ValidationError.
    """
    for name, attribute in _KEPT.items():
        given = response._get_bool_param(name) if name == "CapacityRebalance" else response._get_param(name)
        if given is not None:
            setattr(group, attribute, int(given) if name in _NUMBERS else given)
    lifetime = int(getattr(group, "max_instance_lifetime", 0) or 0)
    if lifetime and not _DAY <= lifetime <= _LONGEST:
        raise ValidationError("The maxInstanceLifetime must be between 86400 and 31536000 seconds, or 0")
    for hook in response._get_param("LifecycleHookSpecificationList", []):
        if "NotificationTargetARN" in hook:
            raise NotModelled("the embedded AWS does not model the NotificationTargetARN of a lifecycle hook")
        hooks.add(response.autoscaling_backend, group.name, hook["LifecycleHookName"], hook)


def put_notifications(response: Any) -> EmptyResult:
    """PutNotificationConfiguration: the types of a topic take the place of those that it had."""
    group, kinds = _group(response), response._get_param("NotificationTypes", [])
    known = {*notifications.KINDS, "autoscaling:TEST_NOTIFICATION"}
    if unknown := [kind for kind in kinds if kind not in known]:
        raise ValidationError(f'"{unknown[0]}" is not a valid Notification Type')
    notifications.topics_of(group)[response._get_param("TopicARN")] = list(kinds)
    return EmptyResult()


def delete_notifications(response: Any) -> EmptyResult:
    """DeleteNotificationConfiguration."""
    notifications.topics_of(_group(response)).pop(response._get_param("TopicARN"), None)
    return EmptyResult()


def describe_notifications(response: Any) -> ActionResult:
    """DescribeNotificationConfigurations: one for each type of each topic."""
    names, groups = response._get_param("AutoScalingGroupNames", []), response.autoscaling_backend.autoscaling_groups
    configurations = [
        {"AutoScalingGroupName": group.name, "TopicARN": topic, "NotificationType": kind}
        for group in groups.values()
        if not names or group.name in names
        for topic, kinds in notifications.topics_of(group).items()
        for kind in kinds
    ]
    return ActionResult({"NotificationConfigurations": configurations})


def enable_metrics(response: Any) -> EmptyResult:
    """EnableMetricsCollection: of all metrics, unless some are given."""
    group, given = _group(response), response._get_param("Metrics", [])
    if unknown := [metric for metric in given if metric not in _METRICS]:
        raise ValidationError(f"Invalid metric {unknown[0]}, expected one of {', '.join(_METRICS)}")
    group.metrics = [metric for metric in _METRICS if not given or metric in given or metric in group.metrics]
    return EmptyResult()


def disable_metrics(response: Any) -> EmptyResult:
    """DisableMetricsCollection: of all metrics, unless some are given."""
    group, given = _group(response), response._get_param("Metrics", [])
    group.metrics = [metric for metric in group.metrics if given and metric not in given]
    return EmptyResult()


def _group(response: Any) -> Any:
    name = response._get_param("AutoScalingGroupName")
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group
