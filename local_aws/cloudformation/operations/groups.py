"""What an operation does to the instances of an Auto Scaling group, beside what it does to any resource."""

from __future__ import annotations

from typing import Any

from local_aws.autoscaling import behaviours, capacity
from local_aws.autoscaling import groups as autoscaling
from local_aws.cloudformation.operations.progress import Progress
from local_aws.core import clock
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Definition, Resource

_TYPE = "AWS::AutoScaling::AutoScalingGroup"
_LONGEST_SECONDS = 3600.0
_LOOK_SECONDS = 10.0


def is_group(resource: Resource) -> bool:
    """Whether the resource is an Auto Scaling group."""
    return resource.definition.type == _TYPE


def group_of(resource: Resource) -> Any:
    """The group, as `local_aws.autoscaling.groups` takes it.

    Raises ResourceFailed when somebody else has deleted it.
    """
    return autoscaling.get(resource.request.account_id, resource.request.region, resource.physical_id)


def changes_instances(old: Definition, new: Definition) -> bool:
    """Whether the change is one of a group that its UpdatePolicy applies to."""
    return new.type == _TYPE and autoscaling.changes_instances(old.properties, new.properties)


def behave_anew(resource: Resource) -> None:
    """Have the instances that the group launches from now on behave as those of the present operation."""
    group = group_of(resource)
    group.behaviour = behaviours.of_stack(group).instances


def empty(progress: Progress, resource: Resource) -> None:
    """Have the group terminate its instances, which it does before it is deleted.

    Raises ResourceFailed when some are left after an hour, because they are protected from scale in.
    """
    group = autoscaling.find(resource.request.account_id, resource.request.region, resource.physical_id)
    if group is None or progress.instant:
        return
    group.min_size = group.max_size = 0
    constraints = "a user request update of AutoScalingGroup constraints to min: 0, max: 0, desired: 0"
    capacity.set_desired(group, 0, constraints)
    deadline = clock.current().time() + _LONGEST_SECONDS
    while group.instance_states:
        if clock.current().time() >= deadline:
            sizes = f"{len(group.instance_states)}/0/0"
            raise ResourceFailed(f"Group did not stabilize. {{current/minSize/maxSize group size = {sizes}}}.")
        progress.sleep(_LOOK_SECONDS)
