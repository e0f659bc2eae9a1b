"""Health checks: an instance that does not run, or that a load balancer finds unhealthy, is replaced.

Nothing is polled: a check is planned for the moment at which it will find something.

Source: Amazon EC2 Auto Scaling User Guide, "Health checks for instances in an Auto Scaling group", "Set the health
check grace period for an Auto Scaling group", "Suspend and resume Amazon EC2 Auto Scaling processes"; API Reference,
SetInstanceHealth. Auto Scaling's own words: aws/aws-cli#171 (grace period).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from moto.autoscaling.exceptions import ValidationError

from local_aws.autoscaling import activities, capacity, lifecycle, load_balancing
from local_aws.autoscaling.groups import find, is_suspended
from local_aws.core import clock

_CHECK_SECONDS = 30.0
"""How soon the next health check is; AWS documents that they are periodic, and no period."""
_BY_USER = "in response to a user health-check."
_BY_EC2 = "in response to an EC2 health check indicating it has been terminated or stopped."
_BY_LOAD_BALANCER = "in response to an ELB system health check failure."


def set_health(backend: Any, instance_id: str, status: str, respects_grace_period: bool) -> None:
    """SetInstanceHealth. Raises the API's ValidationError."""
    if status not in ("Healthy", "Unhealthy"):
        raise ValidationError(f"Valid instance health states are: [Healthy, Unhealthy], found {status}")
    group, state = _find(backend, instance_id)
    if state is None:
        raise ValidationError(f"Instance Id not found - No managed instance found for instance ID {instance_id}")
    now, grace = clock.current().time(), int(group.health_check_grace_period or 0)
    age = now - getattr(state, "in_service_at", now)
    if status == "Unhealthy" and respects_grace_period and age < grace:
        raise ValidationError(
            f"The age of the instance ({int(age)} seconds) is less than the configured grace period of {grace} seconds"
        )
    state.health_status = status
    if status == "Unhealthy":
        _mark(group, state, _BY_USER)


def instance_ended(backend: Any, instance_id: str) -> None:
    """Somebody has stopped or terminated an instance, which may be one of a group."""
    group, state = _find(backend, instance_id)
    if state is None:
        return
    if state.lifecycle_state.startswith("Pending"):
        reason = "Instance became unhealthy while waiting for instance to be in InService state."
        call = partial(_lose, group, state, reason)
        clock.current().call_later(_CHECK_SECONDS, call, f"health check of {instance_id}")
        return
    clock.current().call_later(_CHECK_SECONDS, partial(_check, group, state), f"health check of {instance_id}")


def watch(group: Any, state: Any) -> None:
    """Plan the check that will find the instance in service unhealthy, if there will be one."""
    if (timer := getattr(state, "check", None)) is not None:
        timer.cancel()
    if state.lifecycle_state != "InService" or "ELB" not in group.health_check_type:
        return
    now = clock.current().time()
    due = load_balancing.unhealthy_from(group, state.instance, max(now, _grace_ends_at(group, state)))
    if due is not None:
        call = partial(_check, group, state)
        state.check = clock.current().call_later(due - now, call, f"health check of {state.instance_id}")


def watch_all(group: Any) -> None:
    """Plan the checks of all instances anew, because what they depend on has changed, and replace what is unhealthy."""
    for state in list(group.instance_states):
        watch(group, state)
        if state.lifecycle_state == "InService" and state.instance.state not in ("pending", "running"):
            _check(group, state)
    _replace_unhealthy(group)


def _grace_ends_at(group: Any, state: Any) -> float:
    return float(getattr(state, "in_service_at", 0.0)) + float(group.health_check_grace_period or 0)


def _check(group: Any, state: Any) -> None:
    if state.lifecycle_state != "InService" or state not in group.instance_states or is_suspended(group, "HealthCheck"):
        return
    if state.instance.state not in ("pending", "running"):
        _mark(group, state, _BY_EC2)
        return
    now = clock.current().time()
    if (
        "ELB" in group.health_check_type
        and now >= _grace_ends_at(group, state)
        and load_balancing.unhealthy_from(group, state.instance, now) == now
    ):
        _mark(group, state, _BY_LOAD_BALANCER)


def _mark(group: Any, state: Any, cause: str) -> None:
    """Mark the instance as unhealthy; it is replaced soon."""
    state.health_status, state.unhealthy_cause = "Unhealthy", cause
    seconds = _CHECK_SECONDS if cause == _BY_USER else 0.0
    clock.current().call_later(seconds, partial(_replace_unhealthy, group), f"replacement of {state.instance_id}")


def _replace_unhealthy(group: Any) -> None:
    """Terminate the instances in service that are unhealthy, and have others launched while they terminate."""
    if any(is_suspended(group, process) for process in ("ReplaceUnhealthy", "Terminate")):
        return
    if find(group.account_id, group.region, group.name) is not group:
        return
    for state in list(group.instance_states):
        if state.lifecycle_state == "InService" and state.health_status == "Unhealthy":
            cause = getattr(state, "unhealthy_cause", _BY_USER)
            lifecycle.leave(group, state, activities.at_now(f"an instance was taken out of service {cause}"))
            capacity.balance(group, launched=capacity.REPLACEMENT)


def _lose(group: Any, state: Any, reason: str) -> None:
    if state in group.instance_states and state.lifecycle_state.startswith("Pending"):
        lifecycle.lose(group, state, reason)


def _find(backend: Any, instance_id: str) -> tuple[Any, Any]:
    """moto's group and its state of the instance; None twice for an instance of no group."""
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance_id == instance_id:
                return group, state
    return None, None
