"""What Auto Scaling refuses: sizes that do not fit together, the same name twice, the deletion of what is in use.

Source: Amazon EC2 Auto Scaling API Reference, CreateAutoScalingGroup, UpdateAutoScalingGroup, SetDesiredCapacity,
DeleteAutoScalingGroup, DeleteLaunchConfiguration, SuspendProcesses. Auto Scaling's own words, in public issues:
kubernetes/autoscaler#943, convox/praxis#258, ansible/ansible#8503, studioml/studio#258,
cloud-custodian/cloud-custodian#1689.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError

from local_aws.core.errors import NotModelled

PROCESSES = {
    *("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck"),
    *("InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"),
}


def check_creation(response: Any) -> None:
    """Of CreateAutoScalingGroup."""
    name = response._get_param("AutoScalingGroupName")
    if name in response.autoscaling_backend.autoscaling_groups:
        raise AutoscalingClientError(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )
    least, most = response._get_int_param("MinSize"), response._get_int_param("MaxSize")
    _check_sizes(least, most, response._get_int_param("DesiredCapacity"))


def check_update(response: Any) -> None:
    """Of UpdateAutoScalingGroup. A capacity that is not given follows the new bounds."""
    group = response.autoscaling_backend.autoscaling_groups.get(response._get_param("AutoScalingGroupName"))
    if group is None:
        return
    least, most = response._get_int_param("MinSize"), response._get_int_param("MaxSize")
    _check_sizes(
        group.min_size if least is None else least,
        group.max_size if most is None else most,
        response._get_int_param("DesiredCapacity"),
    )


def check_desired_capacity(response: Any) -> None:
    """Of SetDesiredCapacity."""
    group, wanted = _group(response), response._get_int_param("DesiredCapacity")
    for bound, side, kind in ((group.max_size, "above", "max"), (group.min_size, "below", "min")):
        if (wanted > bound) if kind == "max" else (wanted < bound):
            raise ValidationError(
                f"New SetDesiredCapacity value {wanted} is {side} {kind} value {bound} for the AutoScalingGroup."
            )


def check_deletion(response: Any) -> None:
    """Of DeleteAutoScalingGroup."""
    group = _group(response)
    if response._get_bool_param("ForceDelete", False):
        return
    if group.instance_states and all(
        state.lifecycle_state.startswith("Terminating") for state in group.instance_states
    ):
        raise AutoscalingClientError(
            "ScalingActivityInProgress",
            "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
        )
    if group.instance_states:
        raise AutoscalingClientError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still "
            "in the group.",
        )


def check_launch_configuration_deletion(response: Any) -> None:
    """Of DeleteLaunchConfiguration."""
    name = response._get_param("LaunchConfigurationName")
    for group in response.autoscaling_backend.autoscaling_groups.values():
        if group.launch_config is not None and group.launch_config.name == name:
            raise AutoscalingClientError(
                "ResourceInUse",
                f"Cannot delete launch configuration {name} because it is attached to AutoScalingGroup {group.name}",
            )


def check_processes(response: Any) -> None:
    """Of SuspendProcesses and ResumeProcesses."""
    _group(response)
    if unknown := sorted(set(response._get_param("ScalingProcesses", [])) - PROCESSES):
        raise NotModelled(f"the embedded AWS does not model the scaling process {', '.join(unknown)}")


def _group(response: Any) -> Any:
    name = response._get_param("AutoScalingGroupName")
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def _check_sizes(least: int, most: int, desired: int | None) -> None:
    if least > most:
        raise ValidationError(f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    if desired is not None and not least <= desired <= most:
        raise ValidationError(
            f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{most}"
        )
