"""Auto Scaling groups as CloudFormation creates, changes and removes them, over moto's groups.

Sources: Template Reference, AWS::AutoScaling::AutoScalingGroup; CloudFormation User Guide, "UpdatePolicy attribute".
"""

from __future__ import annotations

import base64
import math
from typing import Any

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.core import clock, settings
from local_aws.core.resources import Request
from local_aws.elbv2.health import healthy_at

LAUNCH_PROPERTIES = {"LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy", "VPCZoneIdentifier"}
_SIZES = ("DesiredCapacity", "MinSize", "MaxSize")


def changes_instances(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether the change of the group's properties is one that its UpdatePolicy applies to."""
    return any(old.get(name) != new.get(name) for name in LAUNCH_PROPERTIES)


def add_tags(properties: dict[str, Any], request: Request) -> None:
    """Add the tags that CloudFormation gives a group, and through it its instances."""
    given = {tag["Key"]: tag for tag in properties.get("Tags", [])}
    own = {
        **request.tags,
        "aws:cloudformation:stack-name": request.stack_name,
        "aws:cloudformation:stack-id": request.stack_id,
        "aws:cloudformation:logical-id": request.logical_id,
    }
    for key, value in own.items():
        given.setdefault(key, {"Key": key, "Value": value, "PropagateAtLaunch": True})
    properties["Tags"] = list(given.values())


def modify(group: Any, request: Request, previous: Request) -> None:
    """UpdateAutoScalingGroup with the request's properties; no instance is replaced by it.

    The sizes of the template are set too, unless the policy AutoScalingScheduledAction says to leave those alone that
    the template does not change; the caller leaves them out of the request then.
    """
    properties = request.properties
    template = properties.get("LaunchTemplate")
    configuration = properties.get("LaunchConfigurationName")
    mixed = properties.get("MixedInstancesPolicy")
    sizes = {name: int(properties[name]) for name in _SIZES if name in properties}
    if template is not None or mixed is not None:
        group.launch_config = None
        group.launch_configuration_name = None
    if configuration is not None:
        group.ec2_launch_template = None
    group.update(
        availability_zones=properties.get("AvailabilityZones", []),
        desired_capacity=None,
        max_size=sizes.get("MaxSize"),
        min_size=sizes.get("MinSize"),
        launch_config_name=configuration,
        launch_template=dict(template) if template else {},
        vpc_zone_identifier=",".join(properties.get("VPCZoneIdentifier", [])) or None,
        health_check_period=properties.get("HealthCheckGracePeriod"),
        health_check_type=properties.get("HealthCheckType"),
        new_instances_protected_from_scale_in=properties.get("NewInstancesProtectedFromScaleIn"),
        mixed_instances_policy=mixed,
    )
    wanted = sizes.get("DesiredCapacity", group.desired_capacity)
    group.set_desired_capacity(max(group.min_size, min(wanted, group.max_size)))
    added = [arn for arn in properties.get("TargetGroupARNs", []) if arn not in group.target_group_arns]
    group.append_target_groups(added)
    removed = set(previous.properties.get("TargetGroupARNs", [])) - set(properties.get("TargetGroupARNs", []))
    if removed:
        group.autoscaling_backend.detach_load_balancer_target_groups(group.name, list(removed))
    if added:
        group.autoscaling_backend.update_attached_target_groups(group.name)
    tagged = {"Tags": [dict(tag) for tag in properties.get("Tags", [])]}
    add_tags(tagged, request)
    group.tags = tagged["Tags"]


def delete(group: Any) -> None:
    """DeleteAutoScalingGroup with ForceDelete: its instances are terminated, protected or not."""
    backend = group.autoscaling_backend
    terminate(group, [state.instance_id for state in group.instance_states])
    group.desired_capacity = group.min_size = 0
    backend.autoscaling_groups.pop(group.name, None)


def instance_ids(group: Any) -> list[str]:
    """The ids of the group's instances, in the order of their launch."""
    return [state.instance_id for state in group.instance_states]


def terminate(group: Any, ids: list[str]) -> None:
    """Take the instances out of the group and its target groups, and terminate them."""
    if not ids:
        return
    backend = group.autoscaling_backend
    group.instance_states = [state for state in group.instance_states if state.instance_id not in ids]
    for arn in group.target_group_arns:
        target_group = backend.elbv2_backend.target_groups.get(arn)
        if target_group is not None:
            target_group.deregister([{"Id": identifier} for identifier in ids if identifier in target_group.targets])
    backend.ec2_backend.terminate_instances(ids)
    backend.update_attached_elbs(group.name)


def launch(group: Any, count: int) -> list[str]:
    """Launch instances in the group as it is now, register them in its target groups, and give their ids."""
    before = set(instance_ids(group))
    if count > 0:
        group.replace_autoscaling_group_instances(count, group.get_propagated_tags())
        group.autoscaling_backend.update_attached_elbs(group.name)
        group.autoscaling_backend.update_attached_target_groups(group.name)
    return [identifier for identifier in instance_ids(group) if identifier not in before]


def will_serve(instance: Any) -> None:
    """Have an instance that is launched now answer health checks when it has booted."""
    instance.serves_at = clock.current().time() + settings.current(AutoScalingSettings).instance_boot_seconds


def settle(group: Any) -> None:
    """Have the instances of the group be as if they had served for long."""
    for state in group.instance_states:
        state.instance.serves_at = -math.inf


def ail(group: Any, ids: list[str]) -> None:
    """Have these instances of the group never answer a health check."""
    for state in group.instance_states:
        if state.instance_id in ids:
            state.instance.serves_at = None


def signal_of(group: Any, instance_id: str) -> tuple[float, str]:
    """When an instance of the group signals to CloudFormation, in virtual seconds, and what.

    User data that asks a load balancer about its instance waits for the answer, and signals failure in the end.
    """
    now = clock.current().time()
    asked = _asked_target_groups(group)
    if not asked:
        return now + settings.current(AutoScalingSettings).instance_signal_seconds, "SUCCESS"
    (instance,) = [state.instance for state in group.instance_states if state.instance_id == instance_id]
    moments = [healthy_at(each, instance, each.targets[instance_id]["RegisteredAt"]) for each in asked]
    healthy = [moment for moment in moments if moment is not None]
    if len(healthy) < len(moments):
        return now + settings.current(AutoScalingSettings).instance_boot_seconds + settings.current(
            AutoScalingSettings
        ).load_balancer_patience_seconds, "FAILURE"
    return max(healthy), "SUCCESS"


def _asked_target_groups(group: Any) -> list[Any]:
    user_data = base64.b64decode(str(group.user_data or "")).decode(errors="replace")
    if "describe-target-health" not in user_data:
        return []
    found = group.autoscaling_backend.elbv2_backend.target_groups
    return [found[arn] for arn in group.target_group_arns if arn in found and found[arn].load_balancer_arns]


def launch_source(group: Any) -> tuple[str, ...]:
    """What the group would launch an instance from now: a launch template and its version, or a configuration."""
    template = group.ec2_launch_template
    if template is not None:
        return template.id, str(template.get_version(group.launch_template_version).number)
    return (str(group.launch_config.name),)


def is_current(group: Any, state: Any) -> bool:
    """Whether the instance was launched from what the group would launch one from now."""
    return bool(state.launch_source == launch_source(group))
