"""moto's Auto Scaling groups: what they have, and what is suspended.

Source: CloudFormation User Guide, "UpdatePolicy attribute"; Amazon EC2 Auto Scaling API Reference, AutoScalingGroup.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.autoscaling.models import autoscaling_backends

from local_aws.core.resource_types import ResourceFailed

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


def members(group: Any) -> list[Any]:
    """moto's states of the instances that count towards the group's capacity: those that come, and those in service."""
    return [state for state in group.instance_states if state.lifecycle_state.startswith(("Pending", "InService"))]


def living_instance_ids(group: Any) -> list[str]:
    """The ids of those of the group's instances that do not leave it, and that nobody has terminated."""
    return [
        state.instance_id
        for state in group.instance_states
        if not state.lifecycle_state.startswith("Terminating") and state.instance.state not in _ENDED
    ]


def runs(group: Any, instance_id: str) -> bool:
    """Whether an instance that the group launched runs, be it still in the group or not."""
    instance = group.autoscaling_backend.ec2_backend.get_instance_by_id(instance_id)
    return instance is not None and instance.state == "running"


def obsolete_instance_ids(group: Any) -> list[str]:
    """The ids of the instances that stay, and were not launched from the launch source that the group has now."""
    source = launch_source(group)
    return [
        state.instance_id
        for state in group.instance_states
        if state.launch_source != source and not state.lifecycle_state.startswith("Terminating")
    ]


def coming_instance_ids(group: Any) -> list[str]:
    """The ids of the instances that the group launches from what it has now, and that are not in service yet."""
    source = launch_source(group)
    coming = [state for state in members(group) if state.lifecycle_state.startswith("Pending")]
    return [state.instance_id for state in coming if state.launch_source == source]


def terminating_instance_ids(group: Any) -> list[str]:
    """The ids of the instances that leave the group, but of those that wait for a lifecycle hook.

    CloudFormation waits for no hook (seen in awslabs/amazon-eks-ami#66).
    """
    return [state.instance_id for state in group.instance_states if state.lifecycle_state == "Terminating"]


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


def launch_source(group: Any) -> tuple[str, ...]:
    """The source of the group's next instance: a launch template's id and version, or a launch configuration's name."""
    template = group.ec2_launch_template
    if template is not None:
        return template.id, str(template.get_version(group.launch_template_version).number)
    return (str(group.launch_config.name),)
