"""The signals that an operation awaits before a resource is complete.

Sources: CloudFormation User Guide, "CreationPolicy attribute", "UpdatePolicy attribute"; Template Reference,
AWS::CloudFormation::WaitCondition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.autoscaling import groups as autoscaling
from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.operations.groups import group_of, is_group
from local_aws.cloudformation.operations.progress import Progress
from local_aws.cloudformation.stacks import Signals, seconds
from local_aws.core import clock, settings
from local_aws.core.resource_types import ResourceFailed
from local_aws.core.resources import Resource

_WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"


@dataclass(frozen=True)
class Awaited:
    """The signals to wait for: how many of which senders, how many percent of them, and for how long, in seconds."""

    senders: list[str]
    count: int
    percent: int
    timeout: float

    @property
    def needed(self) -> int:
        """How many successes are enough."""
        return math.ceil(self.count * self.percent / 100)


def duration_seconds(duration: str) -> float:
    """The length of an ISO 8601 duration of a policy, in seconds.

    Raises ResourceFailed when it is none.
    """
    try:
        return seconds(duration)
    except ValueError as error:
        raise ResourceFailed(f"Invalid duration in a policy of the resource: {error}") from error


def await_creation(progress: Progress, resource: Resource, status: str) -> None:
    """Wait for the signals without which the new resource, which has the status, is not complete.

    Raises ResourceFailed when too few come in time.
    """
    awaited = _of_creation(resource)
    if awaited is None or awaited.count == 0:
        return
    successes = await_signals(progress, resource, status, awaited)
    if successes >= awaited.needed:
        return
    if resource.definition.type == _WAIT_CONDITION:
        raise ResourceFailed(f"WaitCondition timed out. Received {successes} conditions when expecting {awaited.count}")
    raise ResourceFailed(
        f"Received {successes} SUCCESS signal(s) out of {awaited.count}.  "
        f"Unable to satisfy {awaited.percent}% MinSuccessfulInstancesPercent requirement"
    )


def _of_creation(resource: Resource) -> Awaited | None:
    """What a new resource has to wait for; None for one that is complete when it is there."""
    definition = resource.definition
    if definition.type == _WAIT_CONDITION and "Handle" in definition.properties:
        count, timeout = int(definition.properties.get("Count", 1)), float(definition.properties.get("Timeout", 0))
    elif definition.success_signals is not None:
        count, duration = definition.success_signals
        timeout = duration_seconds(duration)
    elif definition.type == _WAIT_CONDITION:
        count, timeout = 1, duration_seconds("PT5M")
    else:
        return None
    if is_group(resource):
        senders = autoscaling.instance_ids(group_of(resource))
    else:
        senders = [resource.physical_id, *(f"{resource.physical_id}-{number}" for number in range(2, count + 1))]
    return Awaited(senders, count, definition.minimum_success_percent, timeout)


def await_signals(progress: Progress, resource: Resource, status: str, awaited: Awaited) -> int:
    """Wait until all signals have come, or so many failures that enough successes can no longer come, or it is too
    late. The resource has the status meanwhile.

    Returns the number of successes.
    """

    def announce(unique_id: str, outcome: str) -> None:
        progress.set_resource_status(resource, status, f"Received {outcome} signal with UniqueId {unique_id}")
        progress.wake()

    stack, signals = progress.stack, Signals(announce)
    stack.awaiting[resource.logical_id] = signals
    try:
        if progress.instant:
            for sender in awaited.senders[: awaited.count]:
                signals.receive(sender, "SUCCESS")
            return awaited.count
        behaviour = settings.current(AutoScalingSettings).instances_of(stack.name)
        sending = "all" if progress.is_rolling_back else behaviour.signals
        _schedule(progress, resource, signals, _senders(awaited, sending))
        deadline = None if sending == "hang" else clock.current().time() + awaited.timeout
        while signals.count("SUCCESS") < awaited.count and signals.count("FAILURE") <= awaited.count - awaited.needed:
            left = None if deadline is None else deadline - clock.current().time()
            if left is not None and left <= 0:
                missing = awaited.count - len(signals.received)
                progress.set_resource_status(
                    resource,
                    status,
                    f"Failed to receive {missing} resource signal(s) for the current batch.  "
                    "Each resource signal timeout is counted as a FAILURE.",
                )
                break
            progress.pause(left)
        return signals.count("SUCCESS")
    finally:
        stack.awaiting.pop(resource.logical_id, None)


def _senders(awaited: Awaited, sending: str | int) -> list[str]:
    """Those of the senders that send a signal at all, by the settings' `signals`."""
    if sending == "all":
        return awaited.senders
    return awaited.senders[:sending] if isinstance(sending, int) else []


def _schedule(progress: Progress, resource: Resource, signals: Signals, senders: list[str]) -> None:
    """Have each of the senders send its signal at its moment, but not an instance that is not there or not any more."""
    now = clock.current().time()
    group = group_of(resource) if is_group(resource) else None
    for sender in senders:
        moment, outcome = now + settings.current(AutoScalingSettings).instance_signal_seconds, "SUCCESS"
        if group is not None:
            if sender not in autoscaling.living_instance_ids(group):
                continue
            moment, outcome = autoscaling.signal_of(group, sender)
        send = _sending(progress, resource.logical_id, signals, sender, outcome, group)
        clock.current().call_later(max(0.0, moment - now), send, f"signal of {sender}")


def _sending(
    progress: Progress, logical_id: str, signals: Signals, sender: str, outcome: str, group: Any
) -> Callable[[], None]:
    def send() -> None:
        is_there = group is None or autoscaling.runs(group, sender)
        if is_there and progress.stack.awaiting.get(logical_id) is signals:
            signals.receive(sender, outcome)

    return send
