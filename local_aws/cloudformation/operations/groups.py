"""What an operation does to the instances of an Auto Scaling group, beside what it does to any resource."""

from __future__ import annotations

from typing import Any

from local_aws.autoscaling import activities
from local_aws.autoscaling import groups as autoscaling
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.operations.progress import Progress
from local_aws.core import settings
from local_aws.core.resources import Definition, Resource

_TYPE = "AWS::AutoScaling::AutoScalingGroup"


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


def begin_service(progress: Progress, resource: Resource, instance_ids: list[str]) -> None:
    """Have new instances of the group serve, or not, as the settings say.

    Those of a stack that is created at once have served for long; those that a rollback launches serve.
    """
    if progress.instant:
        autoscaling.have_served_for_long(group_of(resource))
        return
    if progress.is_rolling_back:
        return
    behaviour = settings.current(AutoScalingSettings).instances_of(progress.stack.name)
    if behaviour.launches_fail:
        activities.fail_launches(group_of(resource), instance_ids, behaviour.launches_fail)
    elif not behaviour.serves:
        autoscaling.never_serve(group_of(resource), instance_ids)
