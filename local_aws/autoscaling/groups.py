"""The instances of moto's Auto Scaling groups: how they are launched and terminated, serve and signal.

Source: CloudFormation User Guide, "UpdatePolicy attribute".
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.autoscaling.models import autoscaling_backends

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.core import clock, settings
from local_aws.core.resource_types import ResourceFailed
from local_aws.elbv2.health import healthy_at

_ENDED = ("shutting-down", "terminated")
LAUNCH_PROPERTIES = {"LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy", "VPCZoneIdentifier"}


def changes_instances(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether the change of the group's properties is one that its UpdatePolicy applies to."""
    return any(old.get(name) != new.get(name) for name in LAUNCH_PROPERTIES)


def find(account: str, region: str, name: str) -> Any:
    """moto's group of that name, which the other functions take; None when there is none."""
    return autoscaling_backends[account][region].autoscaling_groups.get(name)


def get(account: str, region: str, name: str) -> Any:
    """moto's group of that name.

    Raises ResourceFailed when there is none.
    """
    group = find(account, region, name)
    if group is None:
        raise ResourceFailed(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def instance_ids(group: Any) -> list[str]:
    """The ids of the group's instances, in the order of their launch."""
    return [state.instance_id for state in group.instance_states]


def living_instance_ids(group: Any) -> list[str]:
    """The ids of those of the group's instances that nobody has terminated."""
    return [state.instance_id for state in group.instance_states if state.instance.state not in _ENDED]


def runs(group: Any, instance_id: str) -> bool:
    """Whether an instance that the group launched runs, be it still in the group or not."""
    instance = group.autoscaling_backend.ec2_backend.get_instance_by_id(instance_id)
    return instance is not None and instance.state == "running"


def obsolete_instance_ids(group: Any) -> list[str]:
    """The ids of the instances that were not launched from the launch source that the group has now."""
    source = launch_source(group)
    return [state.instance_id for state in group.instance_states if state.launch_source != source]


def is_suspended(group: Any, process: str) -> bool:
    """Whether the scaling process of that name is suspended."""
    return any(suspended["ProcessName"] == process for suspended in group.suspended_processes)


def in_service_instance_ids(group: Any) -> list[str]:
    """The ids of those of the group's instances that are in service and live."""
    living = living_instance_ids(group)
    return [state.instance_id for state in group.active_instances() if state.instance_id in living]


def desired_capacity(group: Any) -> int:
    """The group's DesiredCapacity."""
    return int(group.desired_capacity)


@contextmanager
def suspended(group: Any, processes: list[str]) -> Iterator[None]:
    """Suspend the processes inside; those that were suspended before stay so."""
    before = {process["ProcessName"] for process in group.suspended_processes}
    if added := [process for process in processes if process not in before]:
        group.autoscaling_backend.suspend_processes(group.name, added)
    try:
        yield
    finally:
        if added and find(group.account_id, group.region, group.name) is not None:
            group.autoscaling_backend.resume_processes(group.name, added)


def max_size(group: Any) -> int:
    """The group's MaxSize."""
    return int(group.max_size)


def terminate(group: Any, ids: list[str]) -> None:
    """Take those of the instances that are in the group out of it and its target groups, and terminate them."""
    ids = [identifier for identifier in instance_ids(group) if identifier in ids]
    if not ids:
        return
    # moto does not terminate an instance again.
    living = [identifier for identifier in living_instance_ids(group) if identifier in ids]
    backend = group.autoscaling_backend
    group.instance_states = [state for state in group.instance_states if state.instance_id not in ids]
    for arn in group.target_group_arns:
        target_group = backend.elbv2_backend.target_groups.get(arn)
        if target_group is not None:
            target_group.deregister([{"Id": identifier} for identifier in ids if identifier in target_group.targets])
    if living:
        backend.ec2_backend.terminate_instances(living)
    backend.update_attached_elbs(group.name)


def launch(group: Any, count: int) -> list[str]:
    """Launch instances in the group as it is now, register them in its target groups, and return their ids."""
    before = set(instance_ids(group))
    if count > 0:
        group.replace_autoscaling_group_instances(count, group.get_propagated_tags())
        group.autoscaling_backend.update_attached_elbs(group.name)
        group.autoscaling_backend.update_attached_target_groups(group.name)
    return [identifier for identifier in instance_ids(group) if identifier not in before]


def will_serve(instance: Any) -> None:
    """Have a newly launched instance answer health checks as soon as it has booted."""
    instance.serves_at = clock.current().time() + settings.current(AutoScalingSettings).instance_boot_seconds


def have_served_for_long(group: Any) -> None:
    """Have the instances of the group answer health checks, as if they had done so for long."""
    for state in group.instance_states:
        state.instance.serves_at = -math.inf


def never_serve(group: Any, ids: list[str]) -> None:
    """Have these instances of the group never answer a health check."""
    for state in group.instance_states:
        if state.instance_id in ids:
            state.instance.serves_at = None


def signal_of(group: Any, instance_id: str) -> tuple[float, str]:
    """The moment at which an instance of the group signals to CloudFormation, in virtual seconds, and the signal:
    SUCCESS or FAILURE.

    User data that asks a load balancer about its instance waits for the answer, and signals FAILURE in the end.
    """
    now, behaviour = clock.current().time(), settings.current(AutoScalingSettings)
    target_groups = _asked_target_groups(group)
    if not target_groups:
        return now + behaviour.instance_signal_seconds, "SUCCESS"
    (instance,) = [state.instance for state in group.instance_states if state.instance_id == instance_id]
    moments = [
        healthy_at(target_group, instance, target_group.targets[instance_id]["RegisteredAt"])
        for target_group in target_groups
    ]
    healthy = [moment for moment in moments if moment is not None]
    if len(healthy) < len(moments):
        return now + behaviour.instance_boot_seconds + behaviour.load_balancer_patience_seconds, "FAILURE"
    return max(healthy), "SUCCESS"


def _asked_target_groups(group: Any) -> list[Any]:
    """The target groups whose load balancers the user data asks about the instance."""
    user_data = base64.b64decode(str(group.user_data or "")).decode(errors="replace")
    if "describe-target-health" not in user_data:
        return []
    by_arn = group.autoscaling_backend.elbv2_backend.target_groups
    return [by_arn[arn] for arn in group.target_group_arns if arn in by_arn and by_arn[arn].load_balancer_arns]


def launch_source(group: Any) -> tuple[str, ...]:
    """The source of the group's next instance: a launch template's id and version, or a launch configuration's name."""
    template = group.ec2_launch_template
    if template is not None:
        return template.id, str(template.get_version(group.launch_template_version).number)
    return (str(group.launch_config.name),)
