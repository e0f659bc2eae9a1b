"""What users do to single instances of a group: terminate, detach and attach them, and set them aside.

Source: Amazon EC2 Auto Scaling API Reference, TerminateInstanceInAutoScalingGroup, DetachInstances, AttachInstances,
EnterStandby, ExitStandby; User Guide, "Temporarily remove instances from your Auto Scaling group".
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling import models
from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import ActionResult

from local_aws.autoscaling import activities, capacity, health, lifecycle, load_balancing
from local_aws.autoscaling.activities import Activity
from local_aws.core import clock


def terminate(response: Any) -> ActionResult:
    """TerminateInstanceInAutoScalingGroup."""
    backend, instance_id = response.autoscaling_backend, response._get_param("InstanceId")
    group, state = next(
        (
            (group, state)
            for group in backend.autoscaling_groups.values()
            for state in group.instance_states
            if state.instance_id == instance_id
        ),
        (None, None),
    )
    if state is None:
        raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
    if not lifecycle.is_leaving(state):
        shrunk = _decrement(group, 1) if response._get_bool_param("ShouldDecrementDesiredCapacity", False) else ""
        taken = f"instance {instance_id} was taken out of service in response to a user request{shrunk}."
        lifecycle.leave(group, state, activities.at_now(taken))
        capacity.balance(group)
    return ActionResult({"Activity": state.activity})


def detach(response: Any) -> ActionResult:
    """DetachInstances."""
    group, states = _asked(response, "InService", "Standby")
    done = _set_aside(response, group, states, "Detaching EC2 instance", "was detached")
    for state in states:
        group.instance_states.remove(state)
        group.ec2_backend.delete_tags([state.instance_id], {models.ASG_NAME_TAG: group.name})
    capacity.balance(group)
    return ActionResult({"Activities": done})


def enter_standby(response: Any) -> ActionResult:
    """EnterStandby."""
    group, states = _asked(response, "InService")
    done = _set_aside(response, group, states, "Moving EC2 instance to Standby", "was moved to standby")
    for state in states:
        state.lifecycle_state = "Standby"
    capacity.balance(group)
    return ActionResult({"Activities": done})


def exit_standby(response: Any) -> ActionResult:
    """ExitStandby."""
    group, states = _asked(response, "Standby")
    done = []
    for state in states:
        before, group.desired_capacity = group.desired_capacity, group.desired_capacity + 1
        moved = (
            f"instance {state.instance_id} was moved out of standby in response to a user request, increasing the "
            f"capacity from {before} to {group.desired_capacity}."
        )
        done.append(_told(group, state, "Moving EC2 instance out of Standby", moved))
        _serve_again(group, state)
    capacity.balance(group)
    return ActionResult({"Activities": done})


def take_over(backend: Any, group_name: str, instance_ids: list[str]) -> None:
    """The instances that moto has attached to the group serve in it."""
    group = backend.autoscaling_groups[group_name]
    for state in group.instance_states:
        if state.instance_id in instance_ids:
            state.launch_source = ()
            _serve_again(group, state)


def _serve_again(group: Any, state: Any) -> None:
    state.lifecycle_state, state.in_service_at = "InService", clock.current().time()
    load_balancing.register(group.autoscaling_backend, group.name)
    load_balancing.refresh_classic(group.autoscaling_backend, group.name)
    health.watch(group, state)


def _asked(response: Any, *lifecycle_states: str) -> tuple[Any, list[Any]]:
    """The group and its instances that the request names, which have to be in one of the lifecycle states."""
    name, ids = response._get_param("AutoScalingGroupName"), response._get_param("InstanceIds", [])
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    by_id = {state.instance_id: state for state in group.instance_states}
    for instance_id in ids:
        if instance_id not in by_id:
            raise ValidationError(f"The instance {instance_id} is not part of Auto Scaling group {name}.")
        if by_id[instance_id].lifecycle_state not in lifecycle_states:
            raise ValidationError(f"The instance {instance_id} is not in {' or '.join(lifecycle_states)}.")
    return group, [by_id[instance_id] for instance_id in ids]


def _set_aside(response: Any, group: Any, states: list[Any], description: str, what: str) -> list[Activity]:
    """Have the instances serve no more; the group launches others for them, unless its capacity is to shrink."""
    decrements = response._get_bool_param("ShouldDecrementDesiredCapacity", False)
    if decrements:
        _check_minimum(group, len(states))
    done = []
    for state in states:
        shrunk = _decrement(group, 1) if decrements else ""
        load_balancing.deregister(group, state.instance_id)
        moved = f"instance {state.instance_id} {what} in response to a user request{shrunk}."
        done.append(_told(group, state, description, moved))
    return done


def _told(group: Any, state: Any, description: str, cause: str) -> Activity:
    place = activities.place_of(state.instance)
    activity = activities.begin(
        group, f"{description}: {state.instance_id}", activities.at_now(cause), "InProgress", place
    )
    activities.end(activity, "Successful")
    return activity


def _decrement(group: Any, number: int) -> str:
    """Lower the desired capacity; returns how the activity's cause tells of it."""
    _check_minimum(group, number)
    before, group.desired_capacity = group.desired_capacity, group.desired_capacity - number
    return f", shrinking the capacity from {before} to {group.desired_capacity}"


def _check_minimum(group: Any, number: int) -> None:
    if group.desired_capacity - number < group.min_size:
        raise ValidationError(
            f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement will "
            "violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower "
            "group's min size."
        )
