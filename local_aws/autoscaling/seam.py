"""Auto Scaling: instances are launched as their group's launch template version or launch configuration has it.

moto launches every instance in the group's first subnet, with the block devices and tags of the template's default
version, and shows every instance as launched from whatever its group names now. A group that goes from a launch
configuration to a launch template keeps both. A group that is deleted leaves those of its instances that are protected
from scale in, and all of them as the targets of its target groups.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.autoscaling import models
from moto.autoscaling.responses import AutoScalingResponse

from local_aws.autoscaling import activities, groups, launches
from local_aws.core.guard import expect_attributes, expect_parameters
from local_aws.ec2 import instances

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
expect_parameters(models.AutoScalingBackend.attach_instances, "self", "group_name", "instance_ids")
expect_parameters(models.AutoScalingBackend.delete_auto_scaling_group, "self", "group_name")

_attach = models.AutoScalingBackend.attach_instances
_update = models.FakeAutoScalingGroup.update
_delete = models.AutoScalingBackend.delete_auto_scaling_group


@functools.cache
def install() -> None:
    """Correct moto's Auto Scaling groups, for the rest of the process."""
    AutoScalingResponse.describe_scaling_activities = activities.describe
    instances.on_termination(activities.terminated)
    instances.write_consoles(activities.console)
    models.FakeAutoScalingGroup.replace_autoscaling_group_instances = launches.launch
    models.FakeAutoScalingGroup.launch_template = property(launches.group_launch_template)
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


def _update_to_one_launch_source(group: Any, *arguments: Any, **parameters: Any) -> None:
    if parameters.get("launch_template") or parameters.get("mixed_instances_policy"):
        group.launch_config = None
        group.launch_configuration_name = None
    if parameters.get("launch_config_name"):
        group.ec2_launch_template = None
    _update(group, *arguments, **parameters)


def _delete_with_instances(backend: Any, group_name: str) -> None:
    if group_name in backend.autoscaling_groups:
        group = backend.autoscaling_groups[group_name]
        groups.terminate(group, groups.instance_ids(group))
    _delete(backend, group_name)
