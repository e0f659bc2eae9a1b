"""What an instance of a group does when it has booted: it serves, and signals to CloudFormation."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

from local_aws.autoscaling import behaviours, load_balancing
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.core import clock, settings
from local_aws.elbv2 import load_balancers

Listener = Callable[[Any, Any], None]

listeners: clock.PerClock[dict[tuple[str, str], Listener]] = clock.PerClock(dict)
"""Who is called with a group and each instance that it launches, by the group's stack id and logical id."""

_first_amis: clock.PerClock[dict[str, str]] = clock.PerClock(dict)
"""The AMI that each stack launched first, by the stack's name."""
_first_boots: clock.PerClock[dict[tuple[str, str], float]] = clock.PerClock(dict)
"""When the first instance of an AMI has booted in a stack, by the stack's name and the AMI."""

_LOOK_SECONDS = 10.0


def begin(group: Any, instance: Any) -> None:
    """A newly launched instance of the group boots."""
    behaviour, name = group.behaviour, behaviours.stack_name(group)
    boots_at = clock.current().time() + settings.current(AutoScalingSettings).instance_boot_seconds
    instance.serves_at = boots_at if behaviour.serves else None
    first_ami = _first_amis().setdefault(name, instance.image_id)
    first_boot = _first_boots().setdefault((name, instance.image_id), boots_at)
    if behaviour.serves_seconds is not None and instance.image_id != first_ami:
        instance.serves_until = first_boot + behaviour.serves_seconds
    listener = listeners().get(behaviours.stack_resource(group))
    if listener is not None:
        listener(group, instance)


def signal_when_ready(group: Any, instance: Any, send: Callable[[str], None]) -> None:
    """Call `send` with the signal of an instance that boots now, SUCCESS or FAILURE, when it sends it.

    User data that asks a load balancer about its instance waits for the answer, and signals FAILURE in the end.
    """
    behaviour = settings.current(AutoScalingSettings)
    if not _asks_load_balancers(group):
        _later(behaviour.instance_signal_seconds, partial(send, "SUCCESS"), instance)
        return
    patient_until = clock.current().time() + behaviour.instance_boot_seconds + behaviour.load_balancer_patience_seconds
    _later(behaviour.instance_boot_seconds, partial(_look, group, instance, send, patient_until), instance)


def _look(group: Any, instance: Any, send: Callable[[str], None], patient_until: float) -> None:
    now = clock.current().time()
    if now >= patient_until:
        send("FAILURE")
        return
    asked = [target_group for target_group in load_balancing.target_groups(group) if load_balancers.using(target_group)]
    if any(instance.id not in target_group.targets for target_group in asked):
        _later(_LOOK_SECONDS, partial(_look, group, instance, send, patient_until), instance)
        return
    healthy_at = load_balancing.healthy_at(group, instance)
    if healthy_at is None or healthy_at > patient_until:
        _later(patient_until - now, partial(send, "FAILURE"), instance)
    else:
        _later(healthy_at - now, partial(send, "SUCCESS"), instance)


def _later(seconds: float, call: Callable[[], None], instance: Any) -> None:
    clock.current().call_later(max(0.0, seconds), call, f"user data of {instance.id}")


def _asks_load_balancers(group: Any) -> bool:
    user_data = base64.b64decode(str(group.user_data or "")).decode(errors="replace")
    return "describe-target-health" in user_data and any(
        load_balancers.using(target_group) for target_group in load_balancing.target_groups(group)
    )
