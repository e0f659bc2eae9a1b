"""How a group keeps the capacity that it is to have: it launches what is missing, and terminates what is too much.

Source: Amazon EC2 Auto Scaling User Guide, "Set scaling limits for your Auto Scaling group", "Default termination
policy", "Use instance scale-in protection", "Suspend and resume Amazon EC2 Auto Scaling processes".
"""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import Any

from local_aws.autoscaling import activities, launches, lifecycle
from local_aws.autoscaling.groups import find, is_suspended, launch_source, members
from local_aws.core import clock
from local_aws.core.errors import NotModelled

# AWS documents that a group tries again, and that it may give up after a day, but not when it tries again.
_FIRST_RETRY, _LONGEST_RETRY = 60.0, 3600.0
_PATIENCE = 24 * 3600.0
POLICIES = ("Default", "NewestInstance", "OldestInstance", "OldestLaunchConfiguration", "OldestLaunchTemplate")
_DIFFERENCE = "in response to a difference between desired and actual capacity"
REPLACEMENT = "an instance was launched in response to an unhealthy instance needing to be replaced."


def set_desired(group: Any, wanted: int, reason: str) -> None:
    """Give the group a desired capacity, and have it act; `reason` begins the causes of its activities."""
    # moto sets it first while it makes the group, which does not act yet.
    before = getattr(group, "desired_capacity", wanted)
    group.desired_capacity = wanted
    changed = f"{reason} changing the desired capacity from {before} to {wanted}."
    balance(group, activities.at_now(changed) if before != wanted else "")


def balance(group: Any, reason: str = "", launched: str = "") -> None:
    """Have the group launch or terminate instances until it has as many as it is to have.

    `reason` and `launched` are of the causes: why the capacity differs, and why an instance is launched.
    """
    if find(group.account_id, group.region, group.name) is not group:
        return
    present, wanted = len(members(group)), _wanted_instances(group)
    if wanted > present and not is_suspended(group, "Launch"):
        _launch(group, wanted - present, reason, launched)
    elif wanted < present and not is_suspended(group, "Terminate"):
        _scale_in(group, present - wanted, reason)


def replace(group: Any, instance_ids: list[str], number: int) -> None:
    """Terminate those of the instances that are in the group, and have so many others launched in their place."""
    going = [state for state in members(group) if state.instance_id in instance_ids]
    group.desired_capacity -= max(0, len(going) - number)
    group.min_size = min(group.min_size, group.desired_capacity)
    for state in going:
        taken = f"instance {state.instance_id} was taken out of service in response to a user request."
        lifecycle.leave(group, state, activities.at_now(taken))
    balance(group)


def _wanted_instances(group: Any) -> int:
    """How many instances the desired capacity is, which with weights is a number of units."""
    desired = int(group.desired_capacity or 0)
    policy = group.mixed_instances_policy or {}
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    if not overrides:
        return desired
    weight = int(overrides[0].get("WeightedCapacity") or 1) or 1
    distribution = policy.get("InstancesDistribution", {})
    percent = int(distribution.get("OnDemandPercentageAboveBaseCapacity", 100))
    base = min(desired, int(distribution.get("OnDemandBaseCapacity", 0)))
    on_demand = base + int((desired - base) * percent / 100)
    return math.ceil(on_demand / weight) + math.ceil((desired - on_demand) / weight)


# -- scaling out ------------------------------------------------------------------------------------------------------


def _launch(group: Any, number: int, reason: str, launched: str) -> None:
    has_failed = False
    for _ in range(number):
        size = len(members(group))
        started = f"an instance was started {_DIFFERENCE}, increasing the capacity from {size} to {size + 1}."
        state = launches.launch(group, _joined(reason, activities.at_now(launched or started)))
        has_failed = has_failed or state is None
    if has_failed:
        _retry_later(group)
    else:
        group.failing_since = None


def _retry_later(group: Any) -> None:
    now = clock.current().time()
    if getattr(group, "failing_since", None) is None:
        group.failing_since, group.retry_seconds = now, _FIRST_RETRY
    if (timer := getattr(group, "retry", None)) is not None:
        timer.cancel()
    if now - group.failing_since > _PATIENCE and not group.instance_states:
        group.autoscaling_backend.suspend_processes(group.name, ["Launch"])
        return
    group.retry = clock.current().call_later(group.retry_seconds, partial(balance, group), f"retry of {group.name}")
    group.retry_seconds = min(2 * group.retry_seconds, _LONGEST_RETRY)


# -- scaling in -------------------------------------------------------------------------------------------------------


def _scale_in(group: Any, number: int, reason: str) -> None:
    for _ in range(number):
        state = _next_to_go(group)
        if state is None:
            if reason:
                _tell_of_protection(group, reason)
            return
        size = len(members(group))
        taken = f"an instance was taken out of service {_DIFFERENCE}, shrinking the capacity from {size} to {size - 1}."
        selected = f"instance {state.instance_id} was selected for termination."
        lifecycle.leave(group, state, _joined(reason, activities.at_now(taken), activities.at_now(selected)))


def _tell_of_protection(group: Any, reason: str) -> None:
    description = "Could not scale to desired capacity because all remaining instances are protected from scale-in."
    cause = _joined(reason, activities.at_now("group reached equilibrium."))
    activities.end(activities.begin(group, description, cause, "InProgress", {}), "Cancelled")


def _next_to_go(group: Any) -> Any:
    """The instance that the group terminates when it scales in; None when all are protected.

    By default one of the Availability Zone that has most of them, in it one that was not launched from what the group
    launches now, and of these the oldest.
    """
    candidates = [state for state in members(group) if not state.protected_from_scale_in]
    if not candidates:
        return None
    policy = (group.termination_policies or ["Default"])[0]
    if policy not in POLICIES:
        raise NotModelled(f"the embedded AWS does not model the termination policy {policy}")
    if policy == "NewestInstance":
        return candidates[-1]
    if policy == "OldestInstance":
        return candidates[0]
    source, zones = launch_source(group), Counter(state.availability_zone for state in members(group))
    most = max(zones[state.availability_zone] for state in candidates)
    if policy == "Default":
        candidates = [state for state in candidates if zones[state.availability_zone] == most]
    return min(candidates, key=lambda state: state.launch_source == source)


def _joined(*sentences: str) -> str:
    return "  ".join(sentence for sentence in sentences if sentence)
