"""Auto Scaling: instances are launched as their group's launch template version or launch configuration has it, or not.

moto launches every instance in the group's first subnet, with the block devices and tags of the template's default
version, and shows every instance as launched from whatever its group names now. An update of a group's sizes takes its
mixed instances policy from it. A group that goes from a launch configuration to a launch template keeps both. A group
that is deleted leaves those of its instances that are protected from scale in, and all of them as the targets of its
target groups. It keeps to no bounds of a group's size, deletes what is in use, scales a group whose processes are
suspended, and runs no scheduled action.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.autoscaling import models
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse

from local_aws.autoscaling import activities, groups, launches, requests, scheduled_actions
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.ec2 import instances, launch_checks

expect_parameters(
    models.FakeAutoScalingGroup.replace_autoscaling_group_instances, "self", "count_needed", "propagated_tags"
)
expect_parameters(
    models.InstanceState.__init__,
    "self",
    "instance",
    "lifecycle_state",
    "health_status",
    "protected_from_scale_in",
    "autoscaling_group",
)
expect_attributes(models.InstanceState, "launch_template", "launch_configuration_name")
expect_attributes(models.FakeAutoScalingGroup, "launch_template", "image_id", "instance_tags", "get_propagated_tags")
expect_attributes(models, "ASG_NAME_TAG")
expect_attributes(models.AutoScalingBackend, "update_attached_elbs", "update_attached_target_groups")
expect_parameters(AutoScalingResponse.describe_scaling_activities, "self")
expect_parameters(
    models.FakeAutoScalingGroup.update,
    *("self", "availability_zones", "desired_capacity", "max_size", "min_size", "launch_config_name"),
    *("launch_template", "vpc_zone_identifier", "health_check_period", "health_check_type"),
    *("new_instances_protected_from_scale_in", "mixed_instances_policy"),
)
expect_parameters(
    models.FakeAutoScalingGroup._set_launch_configuration,
    *("self", "launch_config_name", "launch_template", "mixed_instances_policy"),
)
expect_parameters(AutoScalingResponse.create_launch_configuration, "self")
expect_parameters(models.FakeAutoScalingGroup.set_desired_capacity, "self", "new_capacity")
expect_parameters(models.AutoScalingBackend.set_desired_capacity, "self", "group_name", "desired_capacity")
expect_parameters(
    models.AutoScalingBackend.put_scheduled_update_group_action,
    *("self", "name", "desired_capacity", "max_size", "min_size", "scheduled_action_name", "start_time", "end_time"),
    *("recurrence", "timezone"),
)
expect_parameters(
    models.AutoScalingBackend.delete_scheduled_action, "self", "auto_scaling_group_name", "scheduled_action_name"
)
expect_parameters(models.AutoScalingBackend.resume_processes, "self", "group_name", "scaling_processes")
expect_attributes(AutoScalingResponse, "_get_param", "_get_int_param", "_get_bool_param")
expect_parameters(models.AutoScalingBackend.attach_instances, "self", "group_name", "instance_ids")
expect_parameters(models.AutoScalingBackend.delete_auto_scaling_group, "self", "group_name")

_attach = models.AutoScalingBackend.attach_instances
_update = models.FakeAutoScalingGroup.update
_set_launch_source = models.FakeAutoScalingGroup._set_launch_configuration
_set_desired_capacity = models.FakeAutoScalingGroup.set_desired_capacity
_set_desired_capacity_of = models.AutoScalingBackend.set_desired_capacity
_put_scheduled_action = models.AutoScalingBackend.put_scheduled_update_group_action
_delete_scheduled_action = models.AutoScalingBackend.delete_scheduled_action
_resume_processes = models.AutoScalingBackend.resume_processes
_create_launch_configuration = AutoScalingResponse.create_launch_configuration
_delete = models.AutoScalingBackend.delete_auto_scaling_group

_CHECKS: dict[str, Callable[[Any], None]] = {
    "create_auto_scaling_group": requests.check_creation,
    "update_auto_scaling_group": requests.check_update,
    "set_desired_capacity": requests.check_desired_capacity,
    "delete_auto_scaling_group": requests.check_deletion,
    "delete_launch_configuration": requests.check_launch_configuration_deletion,
    "suspend_processes": requests.check_processes,
    "resume_processes": requests.check_processes,
}
for _operation in _CHECKS:
    expect_parameters(getattr(AutoScalingResponse, _operation), "self")


@functools.cache
def install() -> None:
    """Correct moto's Auto Scaling groups, for the rest of the process."""
    AutoScalingResponse.describe_scaling_activities = activities.describe
    instances.on_termination(activities.terminated)
    instances.write_consoles(activities.console)
    models.FakeAutoScalingGroup.replace_autoscaling_group_instances = launches.launch
    models.FakeAutoScalingGroup.launch_template = property(launches.group_launch_template)
    models.FakeAutoScalingGroup._set_launch_configuration = _set_launch_source_that_launches
    AutoScalingResponse.create_launch_configuration = _create_launch_configuration_that_launches
    for operation, check in _CHECKS.items():
        setattr(AutoScalingResponse, operation, _checked(check, getattr(AutoScalingResponse, operation)))
    models.FakeAutoScalingGroup.set_desired_capacity = _set_desired_capacity_unless_suspended
    models.AutoScalingBackend.set_desired_capacity = _set_desired_capacity_within_bounds
    models.AutoScalingBackend.put_scheduled_update_group_action = _put_action_that_runs
    models.AutoScalingBackend.delete_scheduled_action = _delete_action_that_runs
    models.AutoScalingBackend.resume_processes = _resume_processes_and_scale
    models.FakeAutoScalingGroup.update = _update_to_one_launch_source
    models.AutoScalingBackend.delete_auto_scaling_group = _delete_with_instances
    models.InstanceState.launch_template = property(launches.instance_launch_template)
    models.InstanceState.launch_configuration_name = property(launches.instance_launch_configuration)
    models.AutoScalingBackend.attach_instances = _attach_from_no_launch_source


def _attach_from_no_launch_source(backend: Any, group_name: str, instance_ids: list[str]) -> None:
    _attach(backend, group_name, instance_ids)
    for state in backend.autoscaling_groups[group_name].instance_states:
        if not hasattr(state, "launch_source"):
            state.launch_source = ()


def _checked(check: Callable[[Any], None], operation: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(response: Any) -> Any:
        check(response)
        return operation(response)

    return checked


def _set_desired_capacity_unless_suspended(group: Any, new_capacity: int | None) -> None:
    """Source: Auto Scaling User Guide, "Suspend and resume Amazon EC2 Auto Scaling processes"."""
    desired = group.min_size if new_capacity is None else new_capacity
    if groups.is_suspended(group, "Terminate") and desired < len(group.active_instances()):
        group.desired_capacity = desired
        return
    _set_desired_capacity(group, new_capacity)


def _set_desired_capacity_within_bounds(backend: Any, group_name: str, desired_capacity: int) -> None:
    """Source: Auto Scaling User Guide, "Simple scaling policies": a policy scales to the bound, not beyond it."""
    group = backend.autoscaling_groups[group_name]
    _set_desired_capacity_of(backend, group_name, max(group.min_size, min(desired_capacity, group.max_size)))


def _put_action_that_runs(backend: Any, **parameters: Any) -> Any:
    return scheduled_actions.put(backend, _put_scheduled_action, parameters)


def _delete_action_that_runs(backend: Any, auto_scaling_group_name: str, scheduled_action_name: str) -> None:
    scheduled_actions.forget(backend, scheduled_action_name)
    _delete_scheduled_action(backend, auto_scaling_group_name, scheduled_action_name)


def _resume_processes_and_scale(backend: Any, group_name: str, scaling_processes: list[str]) -> None:
    _resume_processes(backend, group_name, scaling_processes)
    group = backend.autoscaling_groups[group_name]
    if len(group.active_instances()) != group.desired_capacity:
        group.set_desired_capacity(group.desired_capacity)


def _set_launch_source_that_launches(
    group: Any, launch_config_name: str, launch_template: dict[str, Any], mixed_instances_policy: dict[str, Any] | None
) -> None:
    """Source: EC2's and Auto Scaling's own words, in public issues: masterpointio/terraform-aws-ssm-agent#25; API
    Reference, UpdateAutoScalingGroup: what is not given does not change, and is not tried again."""
    if not (launch_config_name or launch_template or mixed_instances_policy):
        group.mixed_instances_policy = getattr(group, "kept_policy", None)
        return
    if launch_config_name and launch_config_name not in group.autoscaling_backend.launch_configurations:
        raise ValidationError(
            f"Launch configuration name not found - Launch configuration {launch_config_name} not found"
        )
    _set_launch_source(group, launch_config_name, launch_template, mixed_instances_policy)
    if launch_template or mixed_instances_policy:
        try:
            launches.check(group)
        except launch_checks.LaunchRefused as refused:
            raise ValidationError(f"You must use a valid fully-formed launch template. {refused.message}") from refused


def _create_launch_configuration_that_launches(response: Any) -> Any:
    """Source: Auto Scaling's own words, in a public issue: benishak/lamp-aws-cloudformation#1."""
    image_id = response._get_param("ImageId")
    if image_id is not None:
        try:
            launch_checks.find_image(response.autoscaling_backend.ec2_backend, image_id)
        except launch_checks.LaunchRefused as refused:
            raise ValidationError(f"AMI {image_id} is invalid: {refused.message}") from refused
    return _create_launch_configuration(response)


def _update_to_one_launch_source(group: Any, *arguments: Any, **parameters: Any) -> None:
    before = dict(vars(group))
    group.kept_policy = group.mixed_instances_policy
    if parameters.get("launch_template") or parameters.get("mixed_instances_policy"):
        group.launch_config = None
        group.launch_configuration_name = None
    if parameters.get("launch_config_name"):
        group.ec2_launch_template = None
    try:
        _update(group, *arguments, **parameters)
    except ValidationError:
        vars(group).update(before)
        raise


def _delete_with_instances(backend: Any, group_name: str) -> None:
    if group_name in backend.autoscaling_groups:
        group = backend.autoscaling_groups[group_name]
        groups.terminate(group, groups.instance_ids(group))
        group.min_size = 0
    _delete(backend, group_name)
