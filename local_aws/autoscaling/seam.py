"""Auto Scaling: groups act, and their instances are launched as their launch template version or configuration has it.

In moto a group does nothing by itself: its instances are in service at once and stay so, whatever becomes of them; no
hook, no alarm and no scheduled action has an effect. moto shows every instance as launched from whatever its group
names now. An update of a group's sizes takes its mixed instances policy from it. A group that goes from a launch
configuration to a launch template keeps both. It keeps to no bounds of a group's size, and deletes what is in use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.autoscaling import models
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from local_aws.autoscaling import (
    activities,
    behaviours,
    capacity,
    groups,
    health,
    hooks,
    launches,
    lifecycle,
    load_balancing,
    membership,
    policies,
    properties,
    requests,
    scheduled_actions,
)
from local_aws.cloudwatch import alarms
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.ec2 import instances, launch_checks

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
expect_parameters(models.AutoScalingBackend.update_attached_elbs, "self", "group_name")
expect_parameters(models.AutoScalingBackend.update_attached_target_groups, "self", "group_name")
expect_parameters(models.AutoScalingBackend.notify_terminate_instances, "self", "instance_ids")
expect_attributes(models.AutoScalingBackend, "create_auto_scaling_group", "create_lifecycle_hook", "describe_policies")
expect_attributes(models.FakeAutoScalingGroup, "active_instances", "append_target_groups")
expect_attributes(models.AutoScalingBackend, "describe_lifecycle_hooks", "suspend_processes")
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
expect_parameters(AutoScalingResponse.put_scaling_policy, "self")
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
_put_scheduled_action = models.AutoScalingBackend.put_scheduled_update_group_action
_delete_scheduled_action = models.AutoScalingBackend.delete_scheduled_action
_resume_processes = models.AutoScalingBackend.resume_processes
_create_launch_configuration = AutoScalingResponse.create_launch_configuration
_create_group = AutoScalingResponse.create_auto_scaling_group
_update_group = AutoScalingResponse.update_auto_scaling_group
_put_policy = AutoScalingResponse.put_scaling_policy

_CHECKS: dict[str, Callable[[Any], None]] = {
    "create_auto_scaling_group": requests.check_creation,
    "update_auto_scaling_group": requests.check_update,
    "set_desired_capacity": requests.check_desired_capacity,
    "delete_auto_scaling_group": requests.check_deletion,
    "delete_launch_configuration": requests.check_launch_configuration_deletion,
    "suspend_processes": requests.check_processes,
    "resume_processes": requests.check_processes,
}
_OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "complete_lifecycle_action": hooks.complete,
    "delete_notification_configuration": properties.delete_notifications,
    "describe_notification_configurations": properties.describe_notifications,
    "describe_scaling_activities": activities.describe,
    "detach_instances": membership.detach,
    "disable_metrics_collection": properties.disable_metrics,
    "enable_metrics_collection": properties.enable_metrics,
    "enter_standby": membership.enter_standby,
    "execute_policy": policies.execute,
    "exit_standby": membership.exit_standby,
    "put_lifecycle_hook": hooks.put,
    "put_notification_configuration": properties.put_notifications,
    "record_lifecycle_action_heartbeat": hooks.record_heartbeat,
    "terminate_instance_in_auto_scaling_group": membership.terminate,
}
"""Operations whose answers are not moto's; it does not have some of them."""
for _operation in _CHECKS:
    expect_parameters(getattr(AutoScalingResponse, _operation), "self")


@functools.cache
def install() -> None:
    """Have moto's Auto Scaling groups act, for the rest of the process."""
    _install_lifecycle()
    _install_operations()
    models.FakeAutoScalingGroup.launch_template = property(launches.group_launch_template)
    models.FakeAutoScalingGroup._set_launch_configuration = _set_launch_source_that_launches
    models.FakeAutoScalingGroup.update = _update_to_one_launch_source
    models.InstanceState.launch_template = property(launches.instance_launch_template)
    models.InstanceState.launch_configuration_name = property(launches.instance_launch_configuration)


def _install_lifecycle() -> None:
    instances.on_ending(_instance_ended)
    instances.write_consoles(activities.console)
    lifecycle.on_in_service(health.watch)
    lifecycle.on_lost(lambda group, _: capacity.balance(group))
    alarms.on_action("autoscaling", policies.execute_for_alarm)
    # An instance that EC2 terminates is noticed by a health check.
    models.AutoScalingBackend.notify_terminate_instances = _notice_nothing
    models.AutoScalingBackend.update_attached_elbs = load_balancing.refresh_classic
    models.AutoScalingBackend.update_attached_target_groups = _register_and_watch
    models.FakeAutoScalingGroup.set_desired_capacity = _set_desired_capacity


def _install_operations() -> None:
    for name, answer in _OPERATIONS.items():
        setattr(AutoScalingResponse, name, answer)
    AutoScalingResponse.create_launch_configuration = _create_launch_configuration_that_launches
    AutoScalingResponse.create_auto_scaling_group = _create_group_that_acts
    AutoScalingResponse.update_auto_scaling_group = _update_group_and_what_is_kept
    AutoScalingResponse.set_instance_health = _set_instance_health
    AutoScalingResponse.put_scaling_policy = _put_policy_and_tell_its_arn
    for operation, check in _CHECKS.items():
        setattr(AutoScalingResponse, operation, _checked(check, getattr(AutoScalingResponse, operation)))
    backend = models.AutoScalingBackend
    backend.set_desired_capacity = _set_desired_capacity_within_bounds
    backend.put_scheduled_update_group_action = _put_action_that_runs
    backend.delete_scheduled_action = _delete_action_that_runs
    backend.resume_processes = _resume_processes_and_act
    backend.delete_auto_scaling_group = _delete_with_instances
    backend.attach_instances = _attach_and_serve


def _notice_nothing(_backend: Any, _instance_ids: list[str]) -> None:
    """moto would replace the instances at once."""


def _instance_ended(instance: Any) -> None:
    ec2 = instance.ec2_backend
    health.instance_ended(models.autoscaling_backends[ec2.account_id][ec2.region_name], instance.id)


def _register_and_watch(backend: Any, group_name: str) -> None:
    load_balancing.register(backend, group_name)
    health.watch_all(backend.autoscaling_groups[group_name])


def _attach_and_serve(backend: Any, group_name: str, instance_ids: list[str]) -> None:
    _attach(backend, group_name, instance_ids)
    membership.take_over(backend, group_name, instance_ids)


def _create_group_that_acts(response: Any) -> Any:
    answer = _create_group(response)
    group = response.autoscaling_backend.autoscaling_groups[response._get_param("AutoScalingGroupName")]
    # moto gives it five minutes, as the console does.
    group.health_check_grace_period = response._get_int_param("HealthCheckGracePeriod", 0)
    group.behaviour = behaviours.of_stack(group).instances
    properties.take(response, group)
    created = (
        f"a user request created an AutoScalingGroup changing the desired capacity from 0 to {group.desired_capacity}."
    )
    capacity.balance(group, activities.at_now(created))
    return answer


def _update_group_and_what_is_kept(response: Any) -> Any:
    answer = _update_group(response)
    group = response.autoscaling_backend.autoscaling_groups[response._get_param("AutoScalingGroupName")]
    properties.take(response, group)
    health.watch_all(group)
    return answer


def _put_policy_and_tell_its_arn(response: Any) -> ActionResult:
    """moto answers with the ARN under a name that the API does not have."""
    return ActionResult({"PolicyARN": _put_policy(response).result["PolicyArn"], "Alarms": []})


def _set_instance_health(response: Any) -> EmptyResult:
    health.set_health(
        response.autoscaling_backend,
        response._get_param("InstanceId"),
        response._get_param("HealthStatus"),
        response._get_bool_param("ShouldRespectGracePeriod", True),
    )
    return EmptyResult()


def _checked(check: Callable[[Any], None], operation: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(response: Any) -> Any:
        check(response)
        return operation(response)

    return checked


def _set_desired_capacity(group: Any, new_capacity: int | None) -> None:
    wanted = group.min_size if new_capacity is None else new_capacity
    capacity.set_desired(group, wanted, "a user request explicitly set group desired capacity")


def _set_desired_capacity_within_bounds(backend: Any, group_name: str, desired_capacity: int) -> None:
    group = backend.autoscaling_groups[group_name]
    _set_desired_capacity(group, max(group.min_size, min(desired_capacity, group.max_size)))


def _put_action_that_runs(backend: Any, **parameters: Any) -> Any:
    return scheduled_actions.put(backend, _put_scheduled_action, parameters)


def _delete_action_that_runs(backend: Any, auto_scaling_group_name: str, scheduled_action_name: str) -> None:
    scheduled_actions.forget(backend, scheduled_action_name)
    _delete_scheduled_action(backend, auto_scaling_group_name, scheduled_action_name)


def _resume_processes_and_act(backend: Any, group_name: str, scaling_processes: list[str]) -> None:
    """Source: Auto Scaling User Guide, "Suspend and resume Amazon EC2 Auto Scaling processes"."""
    group = backend.autoscaling_groups[group_name]
    before = groups.is_suspended(group, "AlarmNotification")
    _resume_processes(backend, group_name, scaling_processes)
    capacity.balance(group)
    health.watch_all(group)
    if before and not groups.is_suspended(group, "AlarmNotification"):
        policies.consider_alarms(group)


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
    if parameters["desired_capacity"] is None:
        least = group.min_size if parameters["min_size"] is None else parameters["min_size"]
        most = group.max_size if parameters["max_size"] is None else parameters["max_size"]
        parameters["desired_capacity"] = max(least, min(group.desired_capacity, most))
    try:
        _update(group, *arguments, **parameters)
    except ValidationError:
        vars(group).update(before)
        raise


def _delete_with_instances(backend: Any, group_name: str) -> None:
    """Source: Auto Scaling API Reference, DeleteAutoScalingGroup: what belongs to the group goes with it."""
    group = backend.autoscaling_groups[group_name]
    lifecycle.abandon_all(group, activities.at_now("a user request deleted the AutoScalingGroup."))
    del backend.autoscaling_groups[group_name]
    for hook in backend.describe_lifecycle_hooks(group_name):
        backend.delete_lifecycle_hook(group_name, hook.name)
    for policy in backend.describe_policies(group_name):
        backend.delete_policy(policy.name)
    for action in backend.describe_scheduled_actions(group_name):
        backend.delete_scheduled_action(group_name, action.scheduled_action_name)
