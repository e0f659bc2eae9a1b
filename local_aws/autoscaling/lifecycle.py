"""How an instance comes into a group's service, and how it leaves: Pending, InService, Terminating, and hooks between.

Source: Amazon EC2 Auto Scaling User Guide, "Amazon EC2 Auto Scaling instance lifecycle", "How lifecycle hooks work in
Auto Scaling groups" (a terminating instance is deregistered first, then the hooks are waited for).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from local_aws.autoscaling import activities, behaviours, hooks, load_balancing, notifications
from local_aws.autoscaling.activities import Activity
from local_aws.autoscaling.groups import is_suspended
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.core import clock, settings
from local_aws.ec2 import instances

Listener = Callable[[Any, Any], None]
_in_service_listeners: list[Listener] = []
_lost_listeners: list[Listener] = []


def on_in_service(listener: Listener) -> None:
    """Have `listener` called with a group and an instance in it that has come into service."""
    _in_service_listeners.append(listener)


def on_lost(listener: Listener) -> None:
    """Have `listener` called with a group and an instance that did not come into its service."""
    _lost_listeners.append(listener)


def come(group: Any, state: Any, activity: Activity) -> None:
    """Have a launched instance come into service, which `activity` tells of."""
    state.lifecycle_state, state.activity = "Pending", activity
    if behaviours.of_stack(group).is_instant:
        state.instance.serves_at = state.in_service_at = -math.inf
        instances.set_state(state.instance, "running")
        _serve(group, state, None)
        return
    pending = settings.current(AutoScalingSettings).instance_pending_seconds
    clock.current().call_later(pending, partial(_has_started, group, state), f"launch of {state.instance_id}")


def _has_started(group: Any, state: Any) -> None:
    if state.lifecycle_state != "Pending" or state not in group.instance_states:
        return
    if state.instance.state != "pending":
        lose(group, state, "Instance became unhealthy while waiting for instance to be in InService state.")
        return
    instances.set_state(state.instance, "running")
    if hooks.wait(group, state, hooks.LAUNCHING, partial(_serve, group, state)):
        activities.go_on(state.activity, "MidLifecycleAction")


def _serve(group: Any, state: Any, abandoned: str | None) -> None:
    if abandoned is not None:
        lose(group, state, abandoned)
        return
    state.lifecycle_state = "InService"
    if not hasattr(state, "in_service_at"):
        state.in_service_at = clock.current().time()
    state.is_left_out = is_suspended(group, "AddToLoadBalancer")
    load_balancing.register(group.autoscaling_backend, group.name)
    load_balancing.refresh_classic(group.autoscaling_backend, group.name)
    activities.end(state.activity, "Successful")
    notifications.send(group, "autoscaling:EC2_INSTANCE_LAUNCH", state.activity, state.instance_id)
    for listener in _in_service_listeners:
        listener(group, state)


def lose(group: Any, state: Any, reason: str) -> None:
    """Give up an instance that was to come into service."""
    activities.end(state.activity, "Cancelled", reason)
    notifications.send(group, "autoscaling:EC2_INSTANCE_LAUNCH_ERROR", state.activity, state.instance_id)
    leave(group, state, activities.at_now("an instance was taken out of service in response to a launch failure."))
    for listener in _lost_listeners:
        listener(group, state)


def is_leaving(state: Any) -> bool:
    """Whether the instance is on its way out of its group."""
    return str(state.lifecycle_state).startswith("Terminating")


def leave(group: Any, state: Any, cause: str) -> None:
    """Have an instance leave the group and be terminated, for the cause, unless it does already."""
    if is_leaving(state):
        return
    hooks.forget(state)
    activities.end(state.activity, "Cancelled")
    state.lifecycle_state = "Terminating"
    description = f"Terminating EC2 instance: {state.instance_id}"
    state.activity = activities.begin(group, description, cause, "InProgress", activities.place_of(state.instance))
    draining = load_balancing.deregister(group, state.instance_id)
    if behaviours.of_stack(group).is_instant:
        _end(group, state)
    elif draining > 0:
        activities.go_on(state.activity, "WaitingForELBConnectionDraining")
        clock.current().call_later(draining, partial(_has_drained, group, state), f"draining of {state.instance_id}")
    else:
        _has_drained(group, state)


def _has_drained(group: Any, state: Any) -> None:
    if getattr(state, "is_ending", False):
        return
    activities.go_on(state.activity, "InProgress")
    if hooks.wait(group, state, hooks.TERMINATING, partial(_shut_down, group, state)):
        activities.go_on(state.activity, "MidLifecycleAction")


def _shut_down(group: Any, state: Any, _abandoned: str | None = None) -> None:
    """Both results of a hook let the instance terminate."""
    state.is_ending = True
    activities.go_on(state.activity, "InProgress")
    if state.instance.state != "terminated":
        instances.set_state(state.instance, "shutting-down")
    seconds = settings.current(AutoScalingSettings).terminate_seconds
    clock.current().call_later(seconds, partial(_end, group, state), f"termination of {state.instance_id}")


def _end(group: Any, state: Any) -> None:
    instances.shut_down(state.instance)
    group.instance_states = [other for other in group.instance_states if other is not state]
    activities.end(state.activity, "Successful")
    notifications.send(group, "autoscaling:EC2_INSTANCE_TERMINATE", state.activity, state.instance_id)


def abandon_all(group: Any, cause: str) -> None:
    """Terminate all instances of a group that is deleted with them: nothing is waited for."""
    for state in list(group.instance_states):
        hooks.forget(state)
        if not is_leaving(state):
            load_balancing.deregister(group, state.instance_id)
            activities.end(state.activity, "Cancelled")
            description = f"Terminating EC2 instance: {state.instance_id}"
            place = activities.place_of(state.instance)
            state.activity = activities.begin(group, description, cause, "InProgress", place)
        state.lifecycle_state = "Terminating"
        if behaviours.of_stack(group).is_instant:
            _end(group, state)
        elif not getattr(state, "is_ending", False):
            _shut_down(group, state)
