"""Lifecycle hooks: an instance that comes or goes waits until each of them is completed, or its time is up.

Source: Amazon EC2 Auto Scaling User Guide, "How lifecycle hooks work in Auto Scaling groups", "Complete a lifecycle
action in an Auto Scaling group"; API Reference, PutLifecycleHook, CompleteLifecycleAction,
RecordLifecycleActionHeartbeat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.core.responses import EmptyResult

from local_aws.autoscaling import notifications
from local_aws.core import clock
from local_aws.core.errors import NotModelled
from local_aws.core.ids import random_uuid

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"
_LONGEST = 48 * 3600.0
_LEAST, _MOST = 30, 7200


@dataclass
class _Action:
    """What an instance waits for: the completion of a hook. `last` is the latest moment of its end."""

    hook: Any
    token: str
    last: float
    timer: clock.Timer


@dataclass
class _Wait:
    """The actions of an instance that are not completed, by the names of their hooks. `proceed` is called at the end,
    with the reason for which the instance was abandoned, if it was."""

    actions: dict[str, _Action]
    proceed: Callable[[str | None], None]


def put(response: Any) -> EmptyResult:
    """PutLifecycleHook, also of a hook that exists: what is not given stays as it is."""
    if response._get_param("NotificationTargetARN") or response._get_param("RoleARN"):
        raise NotModelled("the embedded AWS does not model the NotificationTargetARN of a lifecycle hook")
    parameters = ("LifecycleTransition", "HeartbeatTimeout", "DefaultResult", "NotificationMetadata")
    given = {name: response._get_param(name) for name in parameters}
    add(
        response.autoscaling_backend,
        response._get_param("AutoScalingGroupName"),
        response._get_param("LifecycleHookName"),
        given,
    )
    return EmptyResult()


def add(backend: Any, group_name: str, name: str, given: dict[str, Any]) -> None:
    """Give the group a hook, or change the one of that name.

    Raises the API's ValidationError.
    """
    if group_name not in backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{group_name}' not found")
    old = next(iter(backend.describe_lifecycle_hooks(group_name, [name])), None)
    timeout = given.get("HeartbeatTimeout") or (old.heartbeat_timeout if old else None) or 3600
    if not _LEAST <= int(timeout) <= _MOST:
        raise ValidationError(f"Lifecycle hook heartbeat timeout must be between {_LEAST} and {_MOST} seconds")
    hook = backend.create_lifecycle_hook(
        name,
        group_name,
        given.get("LifecycleTransition") or (old.lifecycle_transition if old else None),
        int(timeout),
        given.get("DefaultResult") or (old.default_result if old else None),
    )
    # moto has a role and a queue of its own invention.
    hook.role_arn = hook.notification_target_arn = None
    hook.notification_metadata = given.get("NotificationMetadata") or getattr(old, "notification_metadata", None)
    hook.global_timeout = int(min(_LONGEST, 100 * hook.heartbeat_timeout))


def wait(group: Any, state: Any, transition: str, proceed: Callable[[str | None], None]) -> bool:
    """Have an instance wait for the hooks of the transition, and call `proceed` then; returns whether there are any."""
    hooks = [
        hook
        for hook in group.autoscaling_backend.describe_lifecycle_hooks(group.name)
        if hook.lifecycle_transition == transition
    ]
    if not hooks:
        proceed(None)
        return False
    state.lifecycle_state = f"{state.lifecycle_state.split(':')[0]}:Wait"
    state.hook_wait = _Wait({}, proceed)
    for hook in hooks:
        token, now = random_uuid(), clock.current().time()
        timer = _time_out(state, hook, hook.heartbeat_timeout)
        state.hook_wait.actions[hook.name] = _Action(hook, token, now + hook.global_timeout, timer)
        notifications.lifecycle_action(group, hook, state.instance_id, token)
    return True


def forget(state: Any) -> None:
    """Have an instance wait no more, and nothing follow."""
    held = getattr(state, "hook_wait", None)
    if held is not None:
        for action in held.actions.values():
            action.timer.cancel()
        state.hook_wait = None


def complete(response: Any) -> EmptyResult:
    """CompleteLifecycleAction."""
    state, action = _asked(response)
    result = response._get_param("LifecycleActionResult")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError("Lifecycle Action Result must be one of CONTINUE or ABANDON")
    _end(state, action.hook.name, result, f"Lifecycle Action Completed with {result} Result")
    return EmptyResult()


def record_heartbeat(response: Any) -> EmptyResult:
    """RecordLifecycleActionHeartbeat: the time begins anew, within the longest one."""
    state, action = _asked(response)
    action.timer.cancel()
    left = action.last - clock.current().time()
    action.timer = _time_out(state, action.hook, min(float(action.hook.heartbeat_timeout), left))
    return EmptyResult()


def _time_out(state: Any, hook: Any, seconds: float) -> clock.Timer:
    call = partial(_end, state, hook.name, hook.default_result, "Lifecycle Action Timed Out")
    return clock.current().call_later(seconds, call, f"lifecycle hook {hook.name} of {state.instance_id}")


def _end(state: Any, hook_name: str, result: str, why: str) -> None:
    held = getattr(state, "hook_wait", None)
    if held is None or hook_name not in held.actions:
        return
    action = held.actions.pop(hook_name)
    action.timer.cancel()
    reason = None
    if result == "ABANDON":
        reason = (
            "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token "
            f"{action.token} was abandoned: {why}"
        )
    elif held.actions:
        return
    forget(state)
    state.lifecycle_state = f"{state.lifecycle_state.split(':')[0]}:Proceed"
    held.proceed(reason)


def _asked(response: Any) -> tuple[Any, _Action]:
    """The instance and the action that a request is about, by its token or its instance."""
    group_name, hook_name = response._get_param("AutoScalingGroupName"), response._get_param("LifecycleHookName")
    group = response.autoscaling_backend.autoscaling_groups.get(group_name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{group_name}' not found")
    token, instance_id = response._get_param("LifecycleActionToken"), response._get_param("InstanceId")
    for state in group.instance_states:
        held = getattr(state, "hook_wait", None)
        action = held.actions.get(hook_name) if held is not None else None
        if action is not None and (action.token == token if token else state.instance_id == instance_id):
            return state, action
    what = f"token {token}" if token else f"instance ID {instance_id}"
    raise ValidationError(f"No active Lifecycle Action found with {what}")
